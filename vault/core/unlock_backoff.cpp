#include "vault/core/unlock_backoff.h"

#include <algorithm>

#include <fmt/format.h>

namespace lockstep {
namespace {

constexpr std::uint32_t kFreeTries = 3;
constexpr std::uint32_t kDoublingsMax = 6;
constexpr std::chrono::seconds kWaitMax{60};

}  // namespace

Status UnlockBackoff::check() {
    MutexLock lock(mutex_);
    const auto now = clock_.steady();
    if (now >= not_before_) return {};
    const auto left = std::chrono::ceil<std::chrono::seconds>(not_before_ - now);
    return Error{ErrorKind::Busy, fmt::format("too many wrong passphrases: try again in {} s",
                                              std::max<long>(1, left.count()))};
}

void UnlockBackoff::note(const Status& tried) {
    MutexLock lock(mutex_);
    if (tried.ok()) {
        failures_ = 0;
        not_before_ = {};
        return;
    }
    if (tried.error().kind != ErrorKind::WrongKey) return;
    if (++failures_ < kFreeTries) return;
    const std::chrono::seconds wait(1LL << std::min(failures_ - kFreeTries, kDoublingsMax));
    not_before_ = clock_.steady() + std::min(wait, kWaitMax);
}

}  // namespace lockstep
