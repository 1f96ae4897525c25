#include "daemon/cli/moment.h"

#include <array>
#include <charconv>
#include <ctime>

#include "base/clock.h"
#include "daemon/cli/duration.h"

namespace lockstep::cli {

namespace {

std::optional<std::int64_t> parse_calendar(std::string text) {
    const bool is_utc = text.ends_with('Z');
    if (is_utc) text.pop_back();
    constexpr std::array kForms{"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M",
                                "%Y-%m-%d %H:%M", "%Y-%m-%d"};
    for (const char* form : kForms) {
        std::tm parts{};
        const char* end = ::strptime(text.c_str(), form, &parts);
        if (end == nullptr || *end != '\0') continue;
        parts.tm_isdst = -1;
        const std::time_t seconds = is_utc ? ::timegm(&parts) : std::mktime(&parts);
        if (seconds < 0) return std::nullopt;
        return std::int64_t{seconds} * 1000;
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::int64_t> parse_moment(const std::string& text, std::int64_t now_ms) {
    if (text.starts_with('@')) {
        std::int64_t ms = 0;
        const char* last = text.data() + text.size();
        const auto [end, failure] = std::from_chars(text.data() + 1, last, ms);
        if (failure == std::errc() && end == last && ms >= 0) return ms;
        return std::nullopt;
    }
    if (const auto calendar = parse_calendar(text)) return calendar;
    std::string_view ago = text;
    if (ago.ends_with(" ago")) ago.remove_suffix(4);
    const bool has_unit = !ago.empty() && (ago.back() < '0' || ago.back() > '9');
    if (const auto span = parse_duration(ago); has_unit && span.ok())
        return std::max<std::int64_t>(0, now_ms - span->count());
    return std::nullopt;
}

Result<std::int64_t> find_moment(Session& session, const std::string& vault,
                                 const std::string& text) {
    const Result<api::SnapshotList> list = session.daemon.snapshots(vault);
    if (list.ok())
        for (const api::SnapshotInfo& snapshot : list->snapshots)
            if (snapshot.name == text) return snapshot.time_ms;
    // Of a locked vault nobody knows the snapshots.
    if (const auto moment = parse_moment(text, system_clock().wall_ms())) return *moment;
    if (!list.ok()) return list.error();
    return Error{
        ErrorKind::Invalid,
        "'" + text + "' is no time (like 2026-11-21, '2026-11-21 14:05', 3h, 2d) and no snapshot"};
}

}  // namespace lockstep::cli
