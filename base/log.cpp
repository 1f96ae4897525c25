#include "base/log.h"

#include <algorithm>
#include <atomic>
#include <ctime>
#include <deque>
#include <string>

#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/log_levels.h"
#include "base/mutex.h"

namespace lockstep {
namespace {

constexpr std::array kLevels = {LogLevel::Debug, LogLevel::Info, LogLevel::Warning,
                                LogLevel::Error};

// The lowest of all levels: what is below it is dropped before it is formatted.
std::atomic<LogLevel> g_lowest{LogLevel::Info};
std::atomic<bool> g_has_areas{false};
std::atomic<bool> g_is_journal{false};
std::array<std::atomic<std::uint64_t>, kLevels.size()> g_written{};

// Lines may be written until the process ends, by threads that outlive static objects.
struct Shared {
    Mutex mutex;
    LogLevels levels GUARDED_BY(mutex);
    std::deque<LogRecord> recent GUARDED_BY(mutex);
};
Shared& shared() {
    static auto* const instance = new Shared;
    return *instance;
}

// sd-daemon(3).
int journal_priority(LogLevel level) {
    switch (level) {
        case LogLevel::Debug:
            return 7;
        case LogLevel::Info:
            return 6;
        case LogLevel::Warning:
            return 4;
        case LogLevel::Error:
            return 3;
    }
    return 6;
}

bool is_wanted(LogLevel level, std::string_view area) {
    if (!g_has_areas.load(std::memory_order_relaxed)) return log_enabled(level);
    Shared& all = shared();
    MutexLock lock(all.mutex);
    auto own = all.levels.areas.find(area);
    return level >= (own == all.levels.areas.end() ? all.levels.usual : own->second);
}

void remember(LogRecord record) {
    Shared& all = shared();
    MutexLock lock(all.mutex);
    if (all.recent.size() >= kRecentLogLinesMax) all.recent.pop_front();
    all.recent.push_back(std::move(record));
}

}  // namespace

std::string_view log_level_name(LogLevel level) {
    switch (level) {
        case LogLevel::Debug:
            return "debug";
        case LogLevel::Info:
            return "info";
        case LogLevel::Warning:
            return "warning";
        case LogLevel::Error:
            return "error";
    }
    return "";
}

std::optional<LogLevel> log_level_named(std::string_view name) {
    for (LogLevel level : kLevels)
        if (log_level_name(level) == name) return level;
    return std::nullopt;
}

void set_log_levels(const LogLevels& levels) {
    Shared& all = shared();
    MutexLock lock(all.mutex);
    all.levels = levels;
    LogLevel lowest = levels.usual;
    for (const auto& [area, level] : levels.areas) lowest = std::min(lowest, level);
    g_lowest = lowest;
    g_has_areas = !levels.areas.empty();
}

void set_log_level(LogLevel level) {
    set_log_levels({level, {}});
}

bool log_enabled(LogLevel level) {
    return level >= g_lowest.load(std::memory_order_relaxed);
}

void set_log_to_journal(bool is_journal) {
    g_is_journal = is_journal;
}

bool is_journal(const std::optional<std::string>& journal_stream, int descriptor) {
    struct stat status {};
    if (!journal_stream || ::fstat(descriptor, &status) != 0) return false;
    return *journal_stream == fmt::format("{}:{}", status.st_dev, status.st_ino);
}

void log_line(LogLevel level, std::string_view area, std::string_view message) {
    if (!is_wanted(level, area)) return;
    timeval now{};
    gettimeofday(&now, nullptr);
    std::string line;
    if (g_is_journal) {
        line = fmt::format("<{}>{}: {}\n", journal_priority(level), area, message);
    } else {
        std::tm utc{};
        gmtime_r(&now.tv_sec, &utc);
        line = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z {} {}: {}\n",
                           utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                           utc.tm_sec, now.tv_usec / 1000, log_level_name(level), area, message);
    }
    // One write per line keeps lines of several threads apart; a lost log line is nobody's error.
    [[maybe_unused]] ssize_t written = write(STDERR_FILENO, line.data(), line.size());
    ++g_written[static_cast<std::size_t>(level)];
    remember({.time_ms = std::int64_t{now.tv_sec} * 1000 + now.tv_usec / 1000,
              .level = level,
              .area = std::string(area),
              .message = std::string(message)});
}

std::vector<LogRecord> recent_log_lines() {
    Shared& all = shared();
    MutexLock lock(all.mutex);
    return {all.recent.begin(), all.recent.end()};
}

std::uint64_t log_lines_written(LogLevel level) {
    return g_written[static_cast<std::size_t>(level)];
}

// ---- levels as text -----------------------------------------------------------------------------

namespace {

constexpr const char* kLevelNames = "debug, info, warning or error";

Status add_area(std::string_view word, std::map<std::string, LogLevel, std::less<>>& out) {
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos)
        return Error{ErrorKind::Invalid, fmt::format("'{}' is no AREA=LEVEL", word)};
    const std::string_view area = word.substr(0, equals);
    if (std::ranges::find(kLogAreas, area) == kLogAreas.end()) {
        std::string areas;
        for (std::string_view one : kLogAreas) areas.append(areas.empty() ? "" : ", ").append(one);
        return Error{ErrorKind::Invalid,
                     fmt::format("there is no area '{}' (there are {})", area, areas)};
    }
    const std::optional<LogLevel> level = log_level_named(word.substr(equals + 1));
    if (!level)
        return Error{ErrorKind::Invalid, fmt::format("the level of '{}' is {}", area, kLevelNames)};
    out.insert_or_assign(std::string(area), *level);
    return {};
}

// "a,b, c" apart, without spaces around; nothing for an empty text.
std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> out;
    while (!text.empty()) {
        const std::size_t comma = text.find(',');
        std::string_view word = text.substr(0, comma);
        text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
        while (word.starts_with(' ')) word.remove_prefix(1);
        while (word.ends_with(' ')) word.remove_suffix(1);
        if (!word.empty()) out.push_back(word);
    }
    return out;
}

}  // namespace

Result<std::map<std::string, LogLevel, std::less<>>> parse_log_areas(std::string_view text) {
    std::map<std::string, LogLevel, std::less<>> out;
    for (std::string_view word : words_of(text)) TRY_OK(add_area(word, out));
    return out;
}

Result<LogLevels> parse_log_levels(std::string_view text) {
    LogLevels out;
    bool has_usual = false;
    for (std::string_view word : words_of(text)) {
        const std::optional<LogLevel> usual = log_level_named(word);
        if (usual && !has_usual) {
            out.usual = *usual;
            has_usual = true;
        } else if (word.find('=') != std::string_view::npos) {
            TRY_OK(add_area(word, out.areas));
        } else {
            return Error{ErrorKind::Invalid,
                         fmt::format("'{}' is not {}, nor AREA=LEVEL", word, kLevelNames)};
        }
    }
    return out;
}

std::string format_log_areas(const LogLevels& levels) {
    std::string out;
    for (const auto& [area, level] : levels.areas)
        out += fmt::format("{}{}={}", out.empty() ? "" : ",", area, log_level_name(level));
    return out;
}

}  // namespace lockstep
