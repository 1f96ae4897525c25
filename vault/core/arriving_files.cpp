#include "vault/core/arriving_files.h"

#include <algorithm>

namespace lockstep {
namespace {

constexpr std::chrono::seconds kLookAgain{1};
constexpr int kRestsForEachLook = 10;
constexpr std::chrono::seconds kWalkAgain{10};

}  // namespace

void ArrivingFiles::add(const FileId& file) {
    if (has_room())
        files_.try_emplace(file);
    else
        wants_walk_ = true;
}

std::vector<FileId> ArrivingFiles::due(Time now) const {
    std::vector<FileId> out;
    for (const auto& [id, file] : files_)
        if (!file.was_looked_at || file.look_again <= now) out.push_back(id);
    return out;
}

void ArrivingFiles::note(const FileId& id, std::uint64_t size, std::uint64_t absent_bytes,
                         Time begun, Time ended) {
    const auto at = files_.find(id);
    if (at == files_.end()) return;
    if (absent_bytes == 0) return void(files_.erase(at));
    File& file = at->second;
    if (file.was_looked_at && begun > file.looked_at) {
        const auto past_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(
            1,
            std::chrono::duration_cast<std::chrono::milliseconds>(begun - file.looked_at).count()));
        const std::uint64_t came =
            file.absent_bytes > absent_bytes ? file.absent_bytes - absent_bytes : 0;
        file.rate = came * 1000 / past_ms;
    }
    file.size = size;
    file.absent_bytes = absent_bytes;
    file.was_looked_at = true;
    file.looked_at = begun;
    file.look_again = std::max(begun + kLookAgain, ended + (ended - begun) * kRestsForEachLook);
}

void ArrivingFiles::clear() {
    files_.clear();
    walk_.clear();
    wants_walk_ = false;
}

std::vector<ArrivingFiles::Place>* ArrivingFiles::walk(Time now) {
    if (!has_room()) return nullptr;
    if (walk_.empty() && wants_walk_ && (!walked_at_ || now - *walked_at_ >= kWalkAgain)) {
        wants_walk_ = false;
        walked_at_ = now;
        walk_ = {Place{kRootFile, 0}};
    }
    return walk_.empty() ? nullptr : &walk_;
}

}  // namespace lockstep
