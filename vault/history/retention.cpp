#include "vault/history/retention.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include <fmt/format.h>

namespace lockstep {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::int64_t kDayMs = 24 * kHourMs;
constexpr std::array<std::string_view, 5> kWords{"hourly", "daily", "weekly", "monthly", "yearly"};
constexpr std::array<std::pair<char, std::int64_t>, 4> kUnits{
    {{'y', 365 * kDayMs}, {'w', 7 * kDayMs}, {'d', kDayMs}, {'h', kHourMs}}};
constexpr std::size_t kHourlyMax = 24 * 366;  // moments of one step

Result<std::int64_t> parse_span(std::string_view text) {
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error == std::errc() && end + 1 == text.data() + text.size() && count > 0)
        for (const auto& [letter, unit] : kUnits)
            if (*end == letter && count <= kRetentionMsMax / unit) return count * unit;
    return Error{ErrorKind::Invalid,
                 fmt::format("'{}' is no time span like 12h, 30d, 8w or 1y", text)};
}

// Weeks are said as days.
std::string span_text(std::int64_t ms) {
    for (const auto& [letter, unit] : kUnits)
        if (letter != 'w' && ms % unit == 0) return fmt::format("{}{}", ms / unit, letter);
    return fmt::format("{}h", ms / kHourMs);
}

std::int64_t floor_to(std::int64_t ms, std::int64_t unit, std::int64_t offset = 0) {
    const std::int64_t rest = ((ms - offset) % unit + unit) % unit;
    return ms - rest;
}

using std::chrono::sys_days;
using std::chrono::year_month_day;

year_month_day date_of(std::int64_t ms) {
    return {sys_days(std::chrono::days(floor_to(ms, kDayMs) / kDayMs))};
}

std::int64_t ms_of(const year_month_day& date) {
    return sys_days(date).time_since_epoch().count() * kDayMs;
}

// The last beginning of an hour, day … not later than `ms`.
std::int64_t beginning_of(RetentionStep step, std::int64_t ms) {
    using std::chrono::day;
    using std::chrono::month;
    constexpr std::int64_t kMonday = 4 * kDayMs;  // 1970-01-05
    switch (step) {
        case RetentionStep::Hourly:
            return floor_to(ms, kHourMs);
        case RetentionStep::Daily:
            return floor_to(ms, kDayMs);
        case RetentionStep::Weekly:
            return floor_to(ms, 7 * kDayMs, kMonday);
        case RetentionStep::Monthly:
            return ms_of({date_of(ms).year(), date_of(ms).month(), day(1)});
        case RetentionStep::Yearly:
            return ms_of({date_of(ms).year(), month(1), day(1)});
    }
    CHECK(false, "a RetentionStep outside its enumeration");
}

}  // namespace

Result<RetentionPolicy> parse_retention(std::string_view text) {
    RetentionPolicy policy;
    std::array<std::int64_t, kWords.size()> spans{};
    for (bool is_last = false; !is_last;) {
        const std::size_t comma = text.find(',');
        std::string_view step = text.substr(0, comma);
        is_last = comma == std::string_view::npos;
        if (!is_last) text.remove_prefix(comma + 1);
        while (step.starts_with(' ')) step.remove_prefix(1);
        while (step.ends_with(' ')) step.remove_suffix(1);
        const std::size_t space = step.find(' ');
        if (space == std::string_view::npos)
            return Error{ErrorKind::Invalid,
                         fmt::format("'{}' is no step like 'all 30d' or 'daily 1y'", step)};
        TRY(const std::int64_t span, parse_span(step.substr(space + 1)));
        const std::string_view word = step.substr(0, space);
        const auto known = std::find(kWords.begin(), kWords.end(), word);
        if (word != "all" && known == kWords.end())
            return Error{
                ErrorKind::Invalid,
                fmt::format("'{}' is none of all, hourly, daily, weekly, monthly, yearly", word)};
        std::int64_t& place =
            word == "all" ? policy.all_ms : spans[static_cast<std::size_t>(known - kWords.begin())];
        if (place != 0) return Error{ErrorKind::Invalid, fmt::format("'{}' stands twice", word)};
        place = span;
    }
    if (policy.all_ms < kRetentionMsMin)
        return Error{ErrorKind::Invalid, "everything is kept for 7 days at least: all 7d"};
    for (std::size_t i = 0; i < spans.size(); ++i)
        if (spans[i] != 0) policy.thinned.push_back({static_cast<RetentionStep>(i), spans[i]});
    return policy;
}

std::string retention_text(const RetentionPolicy& policy) {
    std::string out = "all " + span_text(policy.all_ms);
    for (const RetentionPolicy::Thinned& each : policy.thinned)
        out += fmt::format(", {} {}", kWords[static_cast<std::size_t>(each.step)],
                           span_text(each.span_ms));
    return out;
}

KeptTimes kept_times(const RetentionPolicy& policy, std::int64_t now_ms,
                     std::vector<std::int64_t> snapshots, std::int64_t cut_ms) {
    cut_ms = std::min(cut_ms, now_ms - kRetentionMsMin);
    const std::int64_t all_since_ms = now_ms - policy.all_ms;
    KeptTimes out{.since_ms = std::max(all_since_ms, cut_ms), .moments = std::move(snapshots)};
    for (const RetentionPolicy::Thinned& each : policy.thinned) {
        std::int64_t moment = beginning_of(each.step, all_since_ms);
        const std::int64_t first = std::max(now_ms - each.span_ms, cut_ms);
        for (std::size_t count = 0; moment >= first && count < kHourlyMax; ++count) {
            out.moments.push_back(moment);
            moment = beginning_of(each.step, moment - 1);
        }
    }
    std::sort(out.moments.begin(), out.moments.end());
    out.moments.erase(std::unique(out.moments.begin(), out.moments.end()), out.moments.end());
    return out;
}

}  // namespace lockstep
