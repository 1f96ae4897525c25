#include "vault/files/dirty_ranges.h"

#include <algorithm>

namespace lockstep {
namespace {

constexpr std::size_t kStreamAllocation = 4 << 20, kSpareSizeMax = 16 << 20;
constexpr std::size_t kStreamBegin = 512 << 10;  // whoever writes that much at once goes on so
constexpr std::size_t kSparesMax = 2;

std::uint64_t end_of(const std::pair<const std::uint64_t, Bytes>& range) {
    return range.first + range.second.size();
}

}  // namespace

std::uint64_t DirtyRanges::write(std::uint64_t offset, ByteView data) {
    if (data.empty()) return 0;
    std::uint64_t end = offset + data.size();
    auto at = ranges_.upper_bound(offset);
    if (at != ranges_.begin()) {
        auto before = std::prev(at);
        if (end_of(*before) == offset && (at == ranges_.end() || at->first > end)) {
            // The common case, a stream: the write goes on where the last one ended.
            // A stream grows by doubling only until it is one.
            Bytes& stream = before->second;
            if (stream.size() + data.size() > kStreamAllocation / 4 &&
                stream.size() + data.size() <= kStreamAllocation)
                stream.reserve(kStreamAllocation);
            append(stream, data);
            bytes_ += data.size();
            return stream.size();
        }
        if (end_of(*before) >= end) {
            std::copy(data.begin(), data.end(),
                      before->second.begin() + static_cast<std::ptrdiff_t>(offset - before->first));
            return before->second.size();
        }
    }
    erase(offset, data.size());
    bytes_ += data.size();
    at = ranges_.upper_bound(offset);
    Bytes* target = nullptr;
    if (at != ranges_.begin() && end_of(*std::prev(at)) == offset) {
        target = &std::prev(at)->second;
        append(*target, data);
    } else {
        Bytes bytes = data.size() >= kStreamBegin ? take_spare() : Bytes();
        append(bytes, data);
        target = &ranges_.emplace_hint(at, offset, std::move(bytes))->second;
    }
    if (at != ranges_.end() && at->first == end) {
        append(*target, at->second);
        ranges_.erase(at);
    }
    return target->size();
}

void DirtyRanges::write_beneath(std::uint64_t offset, ByteView data) {
    while (!data.empty()) {
        Range range = next(offset);
        std::uint64_t gap = range.size == 0 || range.offset >= offset + data.size() ? data.size()
                            : range.offset > offset ? range.offset - offset
                                                    : 0;
        if (gap > 0) {
            ranges_.emplace(offset, to_bytes(data.first(gap)));
            bytes_ += gap;
        }
        std::uint64_t step =
            gap == data.size() ? gap : std::min<std::uint64_t>(range.end() - offset, data.size());
        offset += step;
        data = data.subspan(step);
    }
}

void DirtyRanges::write_beneath(const DirtyRanges& ranges) {
    for (const auto& [offset, bytes] : ranges.ranges_) write_beneath(offset, bytes);
}

DirtyRanges DirtyRanges::take(std::uint64_t size_min) {
    DirtyRanges out;
    for (auto at = ranges_.begin(); at != ranges_.end();) {
        auto run_end = std::next(at);
        std::uint64_t run_size = at->second.size();
        for (; run_end != ranges_.end() && run_end->first == at->first + run_size; ++run_end)
            run_size += run_end->second.size();
        if (run_size < size_min) {
            at = run_end;
            continue;
        }
        bytes_ -= run_size;
        out.bytes_ += run_size;
        while (at != run_end) out.ranges_.insert(out.ranges_.end(), ranges_.extract(at++));
    }
    return out;
}

void DirtyRanges::erase(std::uint64_t offset, std::uint64_t size) {
    std::uint64_t end = offset + size;
    auto at = ranges_.upper_bound(offset);
    if (at != ranges_.begin()) --at;
    while (at != ranges_.end() && at->first < end) {
        std::uint64_t start = at->first, stop = end_of(*at);
        if (stop <= offset) {
            ++at;
            continue;
        }
        Bytes tail;
        if (stop > end)
            tail.assign(at->second.begin() + static_cast<std::ptrdiff_t>(end - start),
                        at->second.end());
        bytes_ -= std::min(stop, end) - std::max(start, offset);
        if (start < offset) {
            at->second.resize(offset - start);
            ++at;
        } else {
            at = ranges_.erase(at);
        }
        if (!tail.empty()) at = std::next(ranges_.emplace_hint(at, end, std::move(tail)));
    }
}

void DirtyRanges::truncate(std::uint64_t size) {
    erase(size, ~std::uint64_t{0} - size);
}

void DirtyRanges::overlay(std::uint64_t offset, MutableByteView out) const {
    std::uint64_t end = offset + out.size();
    auto at = ranges_.upper_bound(offset);
    if (at != ranges_.begin()) --at;
    for (; at != ranges_.end() && at->first < end; ++at) {
        std::uint64_t from = std::max(at->first, offset), to = std::min(end_of(*at), end);
        if (from >= to) continue;
        std::memcpy(out.data() + (from - offset), at->second.data() + (from - at->first),
                    to - from);
    }
}

ByteView DirtyRanges::view(std::uint64_t offset, std::uint64_t size) const {
    auto at = ranges_.upper_bound(offset);
    if (at == ranges_.begin()) return {};
    --at;
    if (end_of(*at) <= offset) return {};
    const ByteView rest = ByteView(at->second).subspan(offset - at->first);
    return rest.first(std::min<std::uint64_t>(size, rest.size()));
}

void DirtyRanges::clear() {
    ranges_.clear();
    bytes_ = 0;
}

// Fresh memory would cost a stream more than the copying: the kernel finds and clears its pages.
void DirtyRanges::reuse(DirtyRanges&& sealed) {
    for (auto& [offset, bytes] : sealed.ranges_) {
        const bool is_of_use =
            bytes.capacity() >= kStreamAllocation && bytes.capacity() <= kSpareSizeMax;
        if (!is_of_use || spares_.size() >= kSparesMax) continue;
        bytes.clear();
        spares_.push_back(std::move(bytes));
    }
    sealed.clear();
}

Bytes DirtyRanges::take_spare() {
    if (spares_.empty()) return {};
    Bytes spare = std::move(spares_.back());
    spares_.pop_back();
    return spare;
}

DirtyRanges::Range DirtyRanges::next(std::uint64_t offset) const {
    auto at = ranges_.upper_bound(offset);
    if (at != ranges_.begin() && end_of(*std::prev(at)) > offset) --at;
    if (at == ranges_.end()) return {};
    return {at->first, at->second.size()};
}

bool DirtyRanges::covers(std::uint64_t offset, std::uint64_t size) const {
    if (size == 0) return true;
    Range range = next(offset);
    return range.size != 0 && range.offset <= offset && range.end() >= offset + size;
}

}  // namespace lockstep
