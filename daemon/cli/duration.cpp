#include "daemon/cli/duration.h"

#include <charconv>
#include <string>

namespace lockstep::cli {

namespace {

constexpr std::int64_t kMsMax = 3650LL * 24 * 3600 * 1000;

std::int64_t unit_ms(std::string_view unit) {
    if (unit == "ms") return 1;
    if (unit == "s" || unit.empty()) return 1000;
    if (unit == "m") return 60'000;
    if (unit == "h") return 3'600'000;
    if (unit == "d") return 86'400'000;
    return 0;
}

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
    std::int64_t number = 0;
    auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::int64_t unit = unit_ms(text.substr(static_cast<std::size_t>(end - text.data())));
    if (failure != std::errc{} || unit == 0 || number < 0) {
        return Error{ErrorKind::Invalid,
                     "'" + std::string(text) + "' is no duration (like 500ms, 60s, 10m, 24h, 7d)"};
    }
    if (number > kMsMax / unit) return Error{ErrorKind::Invalid, "a duration of 10 years at most"};
    return std::chrono::milliseconds(number * unit);
}

}  // namespace lockstep::cli
