// Numbers and times as people read them, in their own language.
#pragma once

#include <QString>
#include <cstdint>
#include <string>

namespace lockstep::gui {

QString text_of(const std::string& text);
// "1.5 MiB"
QString size_text(std::uint64_t bytes);
// "1.5 MiB/s"
QString rate_text(std::uint64_t bytes_per_second);
// "about 3 minutes"; empty when it cannot be told.
QString time_left_text(std::uint64_t bytes, std::uint64_t bytes_per_second);
// "3 minutes 20 seconds", for a countdown; never negative.
QString countdown_text(std::int64_t seconds);
// "14:03" today, with the date before; "never" for 0.
QString moment_text(std::int64_t wall_ms, std::int64_t now_ms);
// "3 days", "5 hours": how long ago something was; at least a minute.
QString age_text(std::int64_t ms);
// "123 456"
QString digits_text(const std::string& digits);
// "owner" as a word of the person's language.
QString role_text(const std::string& role);

std::int64_t now_ms();

}  // namespace lockstep::gui
