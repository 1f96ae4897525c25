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

BandwidthLimits limits_at(const BandwidthConfig& config, const std::tm& local) {
    if (config.from_minute == config.to_minute) return config.usual;
    const int minute = local.tm_hour * 60 + local.tm_min;
    const int today = (local.tm_wday + 6) % 7, yesterday = (today + 6) % 7;
    const auto begins_on = [&](int day) { return ((config.days >> day) & 1) != 0; };
    const bool is_over_midnight = config.to_minute < config.from_minute;
    const bool is_now = is_over_midnight ? (minute >= config.from_minute && begins_on(today)) ||
                                               (minute < config.to_minute && begins_on(yesterday))
                                         : minute >= config.from_minute &&
                                               minute < config.to_minute && begins_on(today);
    return is_now ? config.alternative : config.usual;
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

}  // namespace lockstep::api
