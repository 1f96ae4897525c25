// The time as HTTP's Date header has it: "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lockstep {

// Seconds since 1970 UTC.
std::string format_http_date(std::int64_t seconds);
// Only that form: the two older ones are written by nobody who is asked here. Invalid.
Result<std::int64_t> parse_http_date(std::string_view text);

}  // namespace lockstep
