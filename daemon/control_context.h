// What the handlers of the control API work on, and the handlers by topic.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/log_levels.h"
#include "daemon/long_polls.h"
#include "daemon/pairing.h"
#include "daemon/router.h"
#include "daemon/vault_manager.h"
#include "daemon/vault_services.h"

namespace lockstep {

// References to what outlives the control server; and what it counts. THREADS: any.
struct ControlContext {
    ControlContext(const VaultServices& all, VaultManager& manager, Pairing& pairs,
                   LongPolls& waiting)
        : services(all), vaults(manager), pairing(pairs), polls(waiting) {}

    const VaultServices& services;
    VaultManager& vaults;
    Pairing& pairing;
    LongPolls& polls;
    const std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
    std::atomic<std::uint64_t> requests{0};
    std::atomic<std::uint64_t> refused{0};   // answered with a status of 400 to 499 at once
    std::atomic<std::uint64_t> failures{0};  // of 500 and above
    // That the command line says, in place of the configured ones.
    std::optional<LogLevels> log_levels;

    // As well; empty: none.
    std::optional<std::string> proxy;

    void apply_proxy() const {
        services.sync.set_proxy(proxy_of(proxy.value_or(services.config.get().proxy)));
    }
    // From now on the log says what the command line or else the configuration wants.
    void apply_log_levels() const {
        set_log_levels(log_levels.value_or(services.config.get().log));
    }
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
std::vector<Route> health_routes();    // control_health.cpp

}  // namespace lockstep
