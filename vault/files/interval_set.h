// A set of bytes of a file as disjoint intervals that do not touch.
// THREADS: none of its own; the owner locks.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <utility>

namespace lockstep {

class IntervalSet {
  public:
    void add(std::uint64_t offset, std::uint64_t size) {
        if (size == 0) return;
        std::uint64_t end = offset + size;
        auto at = intervals_.upper_bound(offset);
        if (at != intervals_.begin() && std::prev(at)->second >= offset) --at;
        while (at != intervals_.end() && at->first <= end) {
            offset = std::min(offset, at->first);
            end = std::max(end, at->second);
            bytes_ -= at->second - at->first;
            at = intervals_.erase(at);
        }
        intervals_.emplace_hint(at, offset, end);
        bytes_ += end - offset;
    }

    // Forgets what lies at or behind `size`.
    void truncate(std::uint64_t size) {
        auto at = intervals_.lower_bound(size);
        while (at != intervals_.end()) {
            bytes_ -= at->second - at->first;
            at = intervals_.erase(at);
        }
        if (intervals_.empty()) return;
        auto last = std::prev(intervals_.end());
        if (last->second <= size) return;
        bytes_ -= last->second - size;
        last->second = size;
    }

    // Takes the first interval out, cut off behind `size_max` bytes: its beginning and end.
    // REQUIRES: not empty
    std::pair<std::uint64_t, std::uint64_t> take_first(std::uint64_t size_max) {
        auto [from, to] = *intervals_.begin();
        intervals_.erase(intervals_.begin());
        const std::uint64_t cut = std::min(to, from + size_max);
        if (cut < to) intervals_.emplace_hint(intervals_.begin(), cut, to);
        bytes_ -= cut - from;
        return {from, cut};
    }

    void clear() {
        intervals_.clear();
        bytes_ = 0;
    }

    bool empty() const { return intervals_.empty(); }
    std::uint64_t bytes() const { return bytes_; }

  private:
    std::map<std::uint64_t, std::uint64_t> intervals_;
    std::uint64_t bytes_ = 0;
};

}  // namespace lockstep
