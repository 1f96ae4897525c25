// Asks a relay whether it is well.
#pragma once

#include <chrono>
#include <string>

#include "base/result.h"
#include "daemon/api/messages.h"

namespace lockstep {

// Sends GET /healthz, following no redirect. Blocks for `timeout` at most. What went wrong is in
// the answer's detail; an Error only for a URL that is none.
Result<api::RelayInfo> probe_relay(const std::string& url, std::chrono::milliseconds timeout);

}  // namespace lockstep
