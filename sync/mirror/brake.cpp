#include "sync/mirror/brake.h"

#include <algorithm>

namespace lockstep {

bool Brake::may_delete(std::uint64_t deletes, std::uint64_t files, Time now) {
    while (!done_.empty() && done_.front().at + kBrakeWindow < now) done_.pop_front();
    if (is_released_) {
        is_released_ = is_holding_ = false;
        done_.clear();
        return true;
    }
    std::uint64_t recent = deletes;
    for (const Done& each : done_) recent += each.files;
    const std::uint64_t before = files + (recent - deletes);
    const std::uint64_t share = std::max(kBrakeFilesMin, before * kBrakePercentMax / 100);
    is_holding_ = deletes > 0 && recent > std::min(kBrakeFilesMax, share);
    if (!is_holding_ && deletes > 0) done_.push_back({now, deletes});
    return !is_holding_;
}

}  // namespace lockstep
