// How long a vault keeps its past: "all 30d, daily 1y" keeps every version that was shown within 30
// days, and of the year before that what was shown at the beginning of each day.
//
// Text: steps apart by ", ", each a word and a time span. Words: all, hourly, daily, weekly,
// monthly, yearly, each at most once, `all` always. Spans: a number and h, d, w or y. Days begin at
// 00:00 UTC, weeks on Monday.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "vault/history/kept_times.h"

namespace lockstep {

enum class RetentionStep { Hourly, Daily, Weekly, Monthly, Yearly };

struct RetentionPolicy {
    std::int64_t all_ms = 0;
    struct Thinned {
        RetentionStep step = RetentionStep::Daily;
        std::int64_t span_ms = 0;
        bool operator==(const Thinned&) const = default;
    };
    std::vector<Thinned> thinned;  // ascending by step
    bool operator==(const RetentionPolicy&) const = default;
};

// One device cannot make the others forget last week's work.
inline constexpr std::int64_t kRetentionMsMin = 7LL * 24 * 3600 * 1000;
inline constexpr std::int64_t kRetentionMsMax = 100LL * 366 * 24 * 3600 * 1000;

// Invalid, saying why.
Result<RetentionPolicy> parse_retention(std::string_view text);
std::string retention_text(const RetentionPolicy& policy);

// What is kept at `now_ms`; `snapshots` in any order.
// `cut_ms`: what ended before is kept for snapshots only, but for the last 7 days.
KeptTimes kept_times(const RetentionPolicy& policy, std::int64_t now_ms,
                     std::vector<std::int64_t> snapshots, std::int64_t cut_ms = 0);

}  // namespace lockstep
