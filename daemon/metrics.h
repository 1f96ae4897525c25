// What the daemon tells Prometheus.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/api/messages.h"

namespace lockstep {

struct ControlContext;

// What is so at one moment, beside the status.
struct DaemonFigures {
    std::uint64_t uptime_s = 0;
    std::uint64_t resident_bytes = 0;
    std::uint64_t open_files = 0, open_files_max = 0;
    std::uint64_t requests = 0, refused = 0, failures = 0;
    std::uint64_t log_warnings = 0, log_errors = 0;
    std::vector<std::uint64_t> free_bytes;  // where each vault of the status lies
};

DaemonFigures daemon_figures(const ControlContext& context, const api::StatusReport& status);

// The text format 0.0.4. Names vaults and relays, no files, no addresses of devices. Pure.
std::string metrics_text(const api::StatusReport& status, const DaemonFigures& figures);

}  // namespace lockstep
