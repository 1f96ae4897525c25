// Log lines for the operator: an area, a level, a message. Never secrets, never names or content of
// files inside a vault: those have no formatter here, and callers pass ids instead.
//
//     log_info("sync", "peer {} is in step", peer.short_id());
#pragma once

#include <string_view>

#include <fmt/format.h>

namespace lockstep {

enum class LogLevel { Debug, Info, Warning, Error };

// Lines below `level` are dropped. Default Info; lines go to stderr with a UTC time.
void set_log_level(LogLevel level);
bool log_enabled(LogLevel level);
void log_line(LogLevel level, std::string_view area, std::string_view message);

template <typename... Args>
void log_at(LogLevel level, std::string_view area, fmt::format_string<Args...> format,
            Args&&... args) {
    if (log_enabled(level)) log_line(level, area, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void log_debug(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
    log_at(LogLevel::Debug, area, format, std::forward<Args>(args)...);
}
template <typename... Args>
void log_info(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
    log_at(LogLevel::Info, area, format, std::forward<Args>(args)...);
}
template <typename... Args>
void log_warning(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
    log_at(LogLevel::Warning, area, format, std::forward<Args>(args)...);
}
template <typename... Args>
void log_error(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
    log_at(LogLevel::Error, area, format, std::forward<Args>(args)...);
}

}  // namespace lockstep
