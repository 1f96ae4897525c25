// How fast syncing may be, and when: limits for all other devices together, and other ones for some
// hours of some days. Plain values, their text, and which of them count now.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lockstep::api {

// What a limit may be, but for 0 (none): below, a peer would take us for dead.
inline constexpr std::uint32_t kLimitKibMin = 32;
inline constexpr std::uint32_t kLimitKibMax = 1U << 20;

struct BandwidthLimits {
    std::uint32_t up_kib = 0, down_kib = 0;  // KiB per second; 0: no limit

    bool operator==(const BandwidthLimits&) const = default;
};

struct BandwidthConfig {
    BandwidthLimits usual;
    bool counts_in_lan = false;  // for devices on the same local network as well
    BandwidthLimits alternative;
    // When the alternative ones count, by local time; to the minute. Equal: never. When `to` is not
    // behind `from` it is on the next day.
    std::uint16_t from_minute = 0, to_minute = 0;
    std::uint8_t days = 0x7f;  // on which it begins; bit 0: Monday

    bool operator==(const BandwidthConfig&) const = default;
};

// By the local time given: tm_wday, tm_hour and tm_min.
BandwidthLimits limits_at(const BandwidthConfig& config, const std::tm& local);

Status check_limit(std::int64_t kib);
// "08:30". Invalid when it is no time of a day.
Result<std::uint16_t> parse_time_of_day(std::string_view text);
std::string format_time_of_day(std::uint16_t minute);
// "mon-fri", "sat,sun", "mon-sun". Invalid when it names no day.
Result<std::uint8_t> parse_days(std::string_view text);
std::string format_days(std::uint8_t days);

}  // namespace lockstep::api
