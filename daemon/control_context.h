// What the handlers of the control API work on, and the handlers by topic.
#pragma once

#include <vector>

#include "daemon/long_polls.h"
#include "daemon/pairing.h"
#include "daemon/router.h"
#include "daemon/vault_manager.h"
#include "daemon/vault_services.h"

namespace lockstep {

// References to what outlives the control server.
struct ControlContext {
    const VaultServices& services;
    VaultManager& vaults;
    Pairing& pairing;
    LongPolls& polls;
};

inline constexpr const char* kVersion = "0.1.0";

// The whole control API. The order matters where a pattern and a fixed part compete.
std::vector<Route> control_routes();

std::vector<Route> vault_routes();     // control_vaults.cpp
std::vector<Route> mirror_routes();    // control_mirrors.cpp
std::vector<Route> presence_routes();  // control_presence.cpp
std::vector<Route> history_routes();   // control_history.cpp
std::vector<Route> key_routes();       // control_keys.cpp
std::vector<Route> file_routes();      // control_files.cpp
std::vector<Route> pairing_routes();   // control_pairing.cpp
std::vector<Route> daemon_routes();    // control_daemon.cpp

}  // namespace lockstep
