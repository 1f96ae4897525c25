// How fast syncing may be, and when: limits for all other devices together, and other ones for some
// hours of some days or while somebody wants them. Plain values, their text, and which of them
// count now.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lockstep::api {

// What a limit may be, but for 0 (none): below, a peer would take us for dead.
inline constexpr std::uint32_t kLimitKibMin = 32;
inline constexpr std::uint32_t kLimitKibMax = 1U << 20;

struct BandwidthLimits {
    std::uint32_t up_kib = 0, down_kib = 0;  // KiB per second; 0: no limit

    bool operator==(const BandwidthLimits&) const = default;
};

// Some hours of some days, by local time, to the minute. When `to` is not behind `from` it is on
// the next day. INVARIANT: from_minute < 1440, to_minute <= 1440, and they differ.
struct HoursOfDays {
    std::uint16_t from_minute = 0, to_minute = kMinutesOfDay;
    std::uint8_t days = 0x7f;  // on which they begin; bit 0: Monday

    static constexpr std::uint16_t kMinutesOfDay = 1440;
    bool operator==(const HoursOfDays&) const = default;
};

// Which limits count: those that the schedule says, or what somebody wants until it says the same.
enum class LimitChoice { Schedule, Usual, Alternative };

struct BandwidthConfig {
    BandwidthLimits usual;
    bool counts_in_lan = false;  // for devices on the same local network as well
    BandwidthLimits alternative;
    std::vector<HoursOfDays> hours;  // when the alternative ones count; kHoursMax at most
    LimitChoice choice = LimitChoice::Schedule;

    bool operator==(const BandwidthConfig&) const = default;
};

inline constexpr std::size_t kHoursMax = 200;

// By the local time given: tm_wday, tm_hour and tm_min.
bool is_scheduled_at(const std::vector<HoursOfDays>& hours, const std::tm& local);
bool is_alternative_at(const BandwidthConfig& config, const std::tm& local);
BandwidthLimits limits_at(const BandwidthConfig& config, const std::tm& local);
// What was switched by hand and is what the schedule says is the schedule's again.
LimitChoice choice_at(const BandwidthConfig& config, const std::tm& local);

// A week as half hours, Monday first: true where one's beginning is in `hours`.
using WeekGrid = std::array<std::bitset<48>, 7>;
WeekGrid grid_of(const std::vector<HoursOfDays>& hours);
// The same as few spans, none of which goes over midnight.
std::vector<HoursOfDays> hours_of(const WeekGrid& grid);

Status check_limit(std::int64_t kib);
// "08:30". Invalid when it is no time of a day.
Result<std::uint16_t> parse_time_of_day(std::string_view text);
std::string format_time_of_day(std::uint16_t minute);
// "mon-fri", "sat,sun", "mon-sun". Invalid when it names no day.
Result<std::uint8_t> parse_days(std::string_view text);
std::string format_days(std::uint8_t days);
// "mon-fri 08:30-18:00; sat,sun 22:00-06:00"; empty: never. Invalid when it is something else.
Result<std::vector<HoursOfDays>> parse_hours(std::string_view text);
std::string format_hours(const std::vector<HoursOfDays>& hours);
// "schedule", "off", "on". Invalid when it is none of them.
Result<LimitChoice> parse_limit_choice(std::string_view text);
std::string format_limit_choice(LimitChoice choice);

}  // namespace lockstep::api
