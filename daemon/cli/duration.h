// Durations as people type them: 500ms, 60s, 10m, 24h, 7d. A bare number is seconds.
#pragma once

#include <chrono>
#include <string_view>

#include "base/result.h"

namespace lockstep::cli {

// Invalid when it is none, negative or longer than 10 years.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);

}  // namespace lockstep::cli
