// Times of the past as people type them: 2026-11-21, "2026-11-21 14:05", 2026-11-21T14:05:30Z
// (UTC; else local time), 3h (ago), @MILLISECONDS, or the name of a snapshot.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "daemon/cli/session.h"

namespace lockstep::cli {

// Milliseconds since 1970. Nullopt when it is none of these but maybe a snapshot's name.
std::optional<std::int64_t> parse_moment(const std::string& text, std::int64_t now_ms);

// The same, with the vault's snapshots looked up. Invalid when it is nothing at all.
Result<std::int64_t> find_moment(Session& session, const std::string& vault,
                                 const std::string& text);

}  // namespace lockstep::cli
