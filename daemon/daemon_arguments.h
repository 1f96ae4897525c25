// What `lockstepd` is started with: flags, and for each a variable of the environment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log_levels.h"
#include "base/result.h"
#include "daemon/api/data_paths.h"

namespace lockstep {

struct DaemonArguments {
    std::optional<LogLevels> log_levels;       // else the configured ones
    std::optional<std::uint16_t> listen_port;  // else the configured one
    std::optional<std::string> api_listen;     // else the configured one; empty: no TCP
    std::optional<std::string> proxy;          // else the configured one; empty: none
    std::string metrics_token_file;            // empty: the daemon's own
    bool may_mount = true;
    bool shows_help = false;
    bool shows_version = false;
};

std::string_view daemon_help();

// A flag wins over its variable; an empty variable counts as none. Invalid, naming the flag or the
// variable.
Result<DaemonArguments> parse_daemon_arguments(const std::vector<std::string_view>& words,
                                               const api::Environment& environment);

}  // namespace lockstep
