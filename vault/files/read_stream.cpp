#include "vault/files/read_stream.h"

#include <algorithm>
#include <utility>

#include "vault/limits.h"

namespace lockstep {
namespace {

constexpr std::size_t kRequestMin = 64 * kKiB;  // smaller reads are not streams
constexpr std::uint64_t kReadAheadSize = 2 * kMiB;
constexpr std::uint64_t kReadSlack = kMiB;
constexpr std::uint64_t kDoneAtOnce = 512 * kKiB;

}  // namespace

ReadStream::Advice ReadStream::note(std::uint64_t offset, std::size_t size,
                                    std::uint64_t file_size) {
    Advice out;
    const std::uint64_t end = offset + size;
    MutexLock lock(mutex_);
    const std::uint64_t expected = std::exchange(next_, end);
    if (offset != 0 && offset + kReadSlack < expected) return out;
    if (offset > expected + kReadSlack) {
        fetched_ = done_to_ = end;
        return out;
    }
    if (offset == 0) {
        fetched_ = end;
        done_to_ = 0;
    }
    const bool is_whole = offset == 0 && end >= file_size;
    if (size < kRequestMin && !is_whole) return out;
    const std::uint64_t behind = end < file_size ? offset - std::min(offset, kReadSlack) : end;
    if (behind >= done_to_ + kDoneAtOnce || behind == file_size) {
        out.done_from = std::min(std::exchange(done_to_, behind), behind);
        out.done_to = behind;
    }
    fetched_ = std::max(fetched_, end);
    if (fetched_ < end + kReadAheadSize && fetched_ < file_size) out.fetch_from = fetched_;
    return out;
}

void ReadStream::fetching(std::uint64_t upto) {
    MutexLock lock(mutex_);
    fetched_ = std::max(fetched_, upto);
}

}  // namespace lockstep
