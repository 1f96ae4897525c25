// Amounts of bytes as people type them: 500M, 20G, 1T (powers of 1024; also MiB). A bare number is
// bytes.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace lockstep::cli {

// Invalid when it is none, or more than an exbibyte.
Result<std::uint64_t> parse_byte_size(std::string_view text);

}  // namespace lockstep::cli
