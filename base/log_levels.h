// How much each area says, and what was said lately.
//
//     "info,sync=debug": everything from info on, and of the area sync from debug on
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"

namespace lockstep {

// Every area that a line of lockstepd may have. Those of the relay are the relay's own.
inline constexpr std::array<std::string_view, 9> kLogAreas = {
    "control", "daemon", "fuse", "http", "index", "mirror", "relay", "sync", "vault"};

std::string_view log_level_name(LogLevel level);
std::optional<LogLevel> log_level_named(std::string_view name);

struct LogLevels {
    LogLevel usual = LogLevel::Info;
    std::map<std::string, LogLevel, std::less<>> areas{};

    bool operator==(const LogLevels&) const = default;
};

// Invalid, naming the word that is no level or area.
Result<LogLevels> parse_log_levels(std::string_view text);
// The areas alone, as parse_log_levels() takes them behind the level: "sync=debug,vault=error".
Result<std::map<std::string, LogLevel, std::less<>>> parse_log_areas(std::string_view text);
std::string format_log_areas(const LogLevels& levels);

// From now on; replaces what set_log_level() has set. THREADS: any.
void set_log_levels(const LogLevels& levels);

// Whether standard error is the journal's, as JOURNAL_STREAM ("DEVICE:INODE") says: then lines
// begin with their priority, and have no time of their own.
bool is_journal(const std::optional<std::string>& journal_stream, int descriptor);
void set_log_to_journal(bool is_journal);

struct LogRecord {
    std::int64_t time_ms = 0;
    LogLevel level = LogLevel::Info;
    std::string area;
    std::string message;
};

inline constexpr std::size_t kRecentLogLinesMax = 1000;
// The last lines that were written, oldest first. THREADS: any.
std::vector<LogRecord> recent_log_lines();
// How many lines of that level were written since the start. THREADS: any.
std::uint64_t log_lines_written(LogLevel level);

}  // namespace lockstep
