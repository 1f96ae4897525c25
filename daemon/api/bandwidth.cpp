#include "daemon/api/bandwidth.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include <fmt/format.h>

namespace lockstep::api {

namespace {

constexpr std::array<std::string_view, 7> kDays = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

std::optional<std::size_t> day_of(std::string_view name) {
    const auto at = std::find(kDays.begin(), kDays.end(), name);
    if (at == kDays.end()) return std::nullopt;
    return static_cast<std::size_t>(at - kDays.begin());
}

Error no_days() {
    return {ErrorKind::Invalid, "days are like mon-fri or sat,sun"};
}

std::optional<std::uint16_t> number_of(std::string_view digits) {
    std::uint16_t out = 0;
    auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    if (digits.size() != 2 || failure != std::errc{} || end != digits.data() + 2)
        return std::nullopt;
    return out;
}

}  // namespace

bool is_scheduled_at(const std::vector<HoursOfDays>& hours, const std::tm& local) {
    const int minute = local.tm_hour * 60 + local.tm_min;
    const int today = (local.tm_wday + 6) % 7, yesterday = (today + 6) % 7;
    return std::any_of(hours.begin(), hours.end(), [&](const HoursOfDays& span) {
        const auto begins_on = [&](int day) { return ((span.days >> day) & 1) != 0; };
        if (span.to_minute > span.from_minute)
            return minute >= span.from_minute && minute < span.to_minute && begins_on(today);
        return (minute >= span.from_minute && begins_on(today)) ||
               (minute < span.to_minute && begins_on(yesterday));
    });
}

bool is_alternative_at(const BandwidthConfig& config, const std::tm& local) {
    switch (config.choice) {
        case LimitChoice::Usual:
            return false;
        case LimitChoice::Alternative:
            return true;
        case LimitChoice::Schedule:
            break;
    }
    return is_scheduled_at(config.hours, local);
}

BandwidthLimits limits_at(const BandwidthConfig& config, const std::tm& local) {
    return is_alternative_at(config, local) ? config.alternative : config.usual;
}

LimitChoice choice_at(const BandwidthConfig& config, const std::tm& local) {
    const bool is_same = is_alternative_at(config, local) == is_scheduled_at(config.hours, local);
    return is_same ? LimitChoice::Schedule : config.choice;
}

WeekGrid grid_of(const std::vector<HoursOfDays>& hours) {
    WeekGrid grid;
    for (std::size_t day = 0; day < grid.size(); ++day) {
        for (std::size_t half = 0; half < grid[day].size(); ++half) {
            std::tm local{};
            local.tm_wday = static_cast<int>((day + 1) % 7);
            local.tm_hour = static_cast<int>(half / 2);
            local.tm_min = static_cast<int>(half % 2) * 30;
            grid[day][half] = is_scheduled_at(hours, local);
        }
    }
    return grid;
}

std::vector<HoursOfDays> hours_of(const WeekGrid& grid) {
    std::vector<HoursOfDays> hours;
    for (std::size_t day = 0; day < grid.size(); ++day) {
        for (std::size_t half = 0; half < grid[day].size(); ++half) {
            if (!grid[day][half]) continue;
            HoursOfDays span{.from_minute = static_cast<std::uint16_t>(half * 30), .days = 0};
            while (half < grid[day].size() && grid[day][half]) ++half;
            span.to_minute = static_cast<std::uint16_t>(half * 30);
            // Days with the same hours are one span.
            auto same = std::find_if(hours.begin(), hours.end(), [&](const HoursOfDays& other) {
                return other.from_minute == span.from_minute && other.to_minute == span.to_minute;
            });
            if (same == hours.end()) same = hours.insert(hours.end(), span);
            same->days = static_cast<std::uint8_t>(same->days | 1U << day);
        }
    }
    return hours;
}

Status check_limit(std::int64_t kib) {
    if (kib == 0 || (kib >= kLimitKibMin && kib <= kLimitKibMax)) return {};
    return Error{ErrorKind::Invalid, fmt::format("a limit is 0 (none) or {} to {} KiB per second",
                                                 kLimitKibMin, kLimitKibMax)};
}

Result<std::uint16_t> parse_time_of_day(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon != std::string_view::npos) {
        const auto hour = number_of(text.substr(0, colon));
        const auto minute = number_of(text.substr(colon + 1));
        if (hour && minute && *hour < 24 && *minute < 60)
            return static_cast<std::uint16_t>(*hour * 60 + *minute);
    }
    return Error{ErrorKind::Invalid, "a time of day is like 08:30"};
}

std::string format_time_of_day(std::uint16_t minute) {
    return fmt::format("{:02}:{:02}", minute / 60, minute % 60);
}

Result<std::uint8_t> parse_days(std::string_view text) {
    unsigned days = 0;
    for (std::size_t start = 0; start <= text.size();) {
        const std::size_t end = std::min(text.find(',', start), text.size());
        const std::string_view part = text.substr(start, end - start);
        const std::size_t dash = std::min(part.find('-'), part.size());
        const auto first = day_of(part.substr(0, dash));
        const auto last = dash == part.size() ? first : day_of(part.substr(dash + 1));
        if (!first || !last) return no_days();
        for (std::size_t day = *first;; day = (day + 1) % kDays.size()) {
            days |= 1U << day;
            if (day == *last) break;
        }
        start = end + 1;
    }
    return static_cast<std::uint8_t>(days);
}

std::string format_days(std::uint8_t days) {
    std::string out;
    for (std::size_t day = 0; day < kDays.size(); ++day) {
        if (((days >> day) & 1) == 0) continue;
        std::size_t last = day;
        while (last + 1 < kDays.size() && ((days >> (last + 1)) & 1) != 0) ++last;
        if (!out.empty()) out += ',';
        out += kDays[day];
        if (last > day) out += fmt::format("-{}", kDays[last]);
        day = last;
    }
    return out;
}

namespace {

Error no_hours() {
    return {ErrorKind::Invalid, "hours are like mon-fri 08:30-18:00; sat,sun 22:00-06:00"};
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return text;
}

Result<HoursOfDays> parse_span(std::string_view text) {
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos) return no_hours();
    const std::string_view times = trimmed(text.substr(space));
    const std::size_t dash = times.find('-');
    if (dash == std::string_view::npos) return no_hours();
    HoursOfDays span;
    TRY(span.days, parse_days(text.substr(0, space)));
    TRY(span.from_minute, parse_time_of_day(times.substr(0, dash)));
    if (const std::string_view to = times.substr(dash + 1); to != "24:00") {
        TRY(span.to_minute, parse_time_of_day(to));
    }
    if (span.from_minute == span.to_minute) return no_hours();
    return span;
}

}  // namespace

Result<std::vector<HoursOfDays>> parse_hours(std::string_view text) {
    std::vector<HoursOfDays> hours;
    if (trimmed(text).empty()) return hours;
    for (std::size_t start = 0; start <= text.size();) {
        const std::size_t end = std::min(text.find(';', start), text.size());
        TRY(HoursOfDays span, parse_span(trimmed(text.substr(start, end - start))));
        hours.push_back(span);
        if (hours.size() > kHoursMax)
            return Error{ErrorKind::Invalid, fmt::format("there are {} spans at most", kHoursMax)};
        start = end + 1;
    }
    return hours;
}

std::string format_hours(const std::vector<HoursOfDays>& hours) {
    std::string out;
    for (const HoursOfDays& span : hours)
        out +=
            fmt::format("{}{} {}-{}", out.empty() ? "" : "; ", format_days(span.days),
                        format_time_of_day(span.from_minute), format_time_of_day(span.to_minute));
    return out;
}

Result<LimitChoice> parse_limit_choice(std::string_view text) {
    for (const LimitChoice choice :
         {LimitChoice::Schedule, LimitChoice::Usual, LimitChoice::Alternative})
        if (text == format_limit_choice(choice)) return choice;
    return Error{ErrorKind::Invalid, "it is on, off or schedule"};
}

std::string format_limit_choice(LimitChoice choice) {
    switch (choice) {
        case LimitChoice::Schedule:
            return "schedule";
        case LimitChoice::Usual:
            return "off";
        case LimitChoice::Alternative:
            return "on";
    }
    return {};
}

}  // namespace lockstep::api
