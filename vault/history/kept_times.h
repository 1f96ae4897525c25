// Which moments of the past are kept: all since some time, and single ones before it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace lockstep {

// Times are milliseconds since 1970 UTC.
struct KeptTimes {
    std::int64_t since_ms = 0;
    std::vector<std::int64_t> moments;  // sorted

    // What was so from `begin_ms` until, not including, `end_ms`.
    bool keeps(std::int64_t begin_ms, std::int64_t end_ms) const {
        if (end_ms >= since_ms) return true;
        const auto first = std::lower_bound(moments.begin(), moments.end(), begin_ms);
        return first != moments.end() && *first < end_ms;
    }
};

}  // namespace lockstep
