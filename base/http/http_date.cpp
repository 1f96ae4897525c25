#include "base/http/http_date.h"

#include <array>
#include <charconv>
#include <ctime>

#include <fmt/format.h>

namespace lockstep {

namespace {

// Not those of strftime(), which follow the locale.
constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::size_t kSize = 29;

// -1 when it is none.
int digits(std::string_view text) {
    int out = -1;
    auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out);
    return failure == std::errc{} && end == text.data() + text.size() ? out : -1;
}

int month_of(std::string_view name) {
    for (std::size_t i = 0; i < kMonths.size(); ++i)
        if (kMonths[i] == name) return static_cast<int>(i);
    return -1;
}

}  // namespace

std::string format_http_date(std::int64_t seconds) {
    const std::time_t time = seconds;
    std::tm utc{};
    ::gmtime_r(&time, &utc);
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                       kDays[static_cast<std::size_t>(utc.tm_wday)], utc.tm_mday,
                       kMonths[static_cast<std::size_t>(utc.tm_mon)], utc.tm_year + 1900,
                       utc.tm_hour, utc.tm_min, utc.tm_sec);
}

Result<std::int64_t> parse_http_date(std::string_view text) {
    const Error fault{ErrorKind::Invalid, "no date of HTTP"};
    if (text.size() != kSize || text.substr(25) != " GMT") return fault;
    std::tm utc{};
    utc.tm_mday = digits(text.substr(5, 2));
    utc.tm_mon = month_of(text.substr(8, 3));
    utc.tm_year = digits(text.substr(12, 4)) - 1900;
    utc.tm_hour = digits(text.substr(17, 2));
    utc.tm_min = digits(text.substr(20, 2));
    utc.tm_sec = digits(text.substr(23, 2));
    if (utc.tm_mday < 1 || utc.tm_mday > 31 || utc.tm_mon < 0 || utc.tm_year < 70 ||
        utc.tm_hour < 0 || utc.tm_hour > 23 || utc.tm_min < 0 || utc.tm_min > 59 ||
        utc.tm_sec < 0 || utc.tm_sec > 60)
        return fault;
    const std::int64_t seconds = ::timegm(&utc);
    return seconds;
}

}  // namespace lockstep
