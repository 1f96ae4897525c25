#include "daemon/cli/output.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace lockstep::cli {

namespace {

// Columns a UTF-8 text takes, well enough for names: one for each character.
std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

std::string size_text(std::uint64_t bytes) {
    constexpr std::array kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB"};
    if (bytes < 1024) return fmt::format("{} B", bytes);
    double size = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    while (size >= 1024 && unit + 1 < kUnits.size()) {
        size /= 1024;
        ++unit;
    }
    return fmt::format("{:.1f} {}", size, kUnits[unit]);
}

std::string time_text(std::int64_t wall_ms) {
    const auto seconds = static_cast<std::time_t>(wall_ms / 1000);
    std::tm local{};
    if (::localtime_r(&seconds, &local) == nullptr) return "?";
    return fmt::format("{:%Y-%m-%d %H:%M:%S}", local);
}

std::string age_text(std::int64_t wall_ms) {
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
    const std::int64_t minutes = std::max<std::int64_t>(0, now - wall_ms) / 60'000;
    const auto plural = [](std::int64_t count, std::string_view unit) {
        return fmt::format("{} {}{}", count, unit, count == 1 ? "" : "s");
    };
    if (minutes < 90) return fmt::format("{} min", minutes);
    if (minutes < 48 * 60) return plural(minutes / 60, "hour");
    return plural(minutes / (24 * 60), "day");
}

std::string last_news_text(std::uint64_t last_seen_ms) {
    if (last_seen_ms == 0) return ", no news from it yet";
    return ", last news " + age_text(static_cast<std::int64_t>(last_seen_ms)) + " ago";
}

std::string mode_text(std::uint32_t mode) {
    std::string out;
    constexpr std::string_view kLetters = "rwxrwxrwx";
    for (std::size_t i = 0; i < kLetters.size(); ++i) {
        out += (mode >> (8 - i) & 1U) != 0 ? kLetters[i] : '-';
    }
    return out;
}

std::string printable(std::string_view text) {
    std::string out;
    for (char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        out += byte < 0x20 || byte == 0x7f ? '?' : c;
    }
    return out;
}

std::string printable_lines(std::string_view text) {
    std::string out;
    while (true) {
        const std::size_t end = text.find('\n');
        out += printable(text.substr(0, end));
        if (end == std::string_view::npos) return out;
        out += '\n';
        text.remove_prefix(end + 1);
    }
}

void print_table(const std::vector<std::vector<std::string>>& rows) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
    }
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += row[i];
            if (i + 1 < row.size()) line.append(widths[i] - width(row[i]) + 2, ' ');
        }
        print_line(line);
    }
}

void print_line(std::string_view text) {
    fmt::print("{}\n", text);
}

void print_notice(std::string_view text) {
    std::fflush(stdout);
    fmt::print(stderr, "{}\n", text);
}

}  // namespace lockstep::cli
