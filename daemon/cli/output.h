// What the CLI prints: tables and sentences for people, JSON for programs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lockstep::cli {

// "1.5 MiB"
std::string size_text(std::uint64_t bytes);
// "2026-11-21 02:43:11", local time.
std::string time_text(std::int64_t wall_ms);
// "3 days", "5 hours", "2 min": how long ago that was.
std::string age_text(std::int64_t wall_ms);
// ", last news 3 days ago"; ", no news yet" for 0.
std::string last_news_text(std::uint64_t last_seen_ms);
// "rw-r--r--"
std::string mode_text(std::uint32_t mode);

// Replaces control bytes, so that a name from elsewhere cannot command the terminal.
std::string printable(std::string_view text);
// The same, but line breaks stay.
std::string printable_lines(std::string_view text);

// Columns as wide as their widest cell; the first row is the heading.
void print_table(const std::vector<std::vector<std::string>>& rows);

void print_line(std::string_view text);    // standard output
void print_notice(std::string_view text);  // standard error

}  // namespace lockstep::cli
