// The daemon, put together: from an environment to a running control API, and back down in order.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/log_levels.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "daemon/api/data_paths.h"

namespace lockstep {

// How long an orderly stop may take; main() ends the process when it takes longer.
inline constexpr std::chrono::seconds kStopTimeMax{20};

struct DaemonOptions {
    api::DataPaths paths;
    // Instead of the configured one.
    std::optional<std::uint16_t> listen_port;
    bool may_mount = true;
    // Instead of the configured ones.
    std::optional<LogLevels> log_levels = {};
    // Instead of the configured one, as api::parse_api_listen() reads it; empty: no TCP.
    std::optional<std::string> api_listen = {};
    // Instead of the configured one, as parse_proxy_url() reads it; empty: none.
    std::optional<std::string> proxy = {};
    // The token that opens figures alone over TCP; empty: one of the daemon's own.
    std::filesystem::path metrics_token_file = {};
    // Of the control API, made by the service manager; else the daemon makes its own.
    UniqueFd control_socket;
};

// THREADS: one.
class Daemon {
  public:
    // On return the control socket answers and vaults that unlock at the start are unlocked and
    // mounted. Busy when another daemon runs for this home.
    static Result<std::unique_ptr<Daemon>> start(DaemonOptions options);
    // Stops if stop() was not called.
    ~Daemon();
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    // Takes over config.toml as it is now. What cannot change while the daemon runs counts from the
    // next start and is named in the log. Invalid, naming lines, or Conflict when vaults were
    // added, removed or changed by hand: then nothing is taken over.
    Status reload();

    // Whether the threads that everything waits for (ls-http, ls-sync) have run since the last
    // call. True at the first. Does not block.
    bool is_alive();

    // Publishes, unmounts, locks, leaves the swarms, closes the socket.
    void stop();

    std::uint16_t listen_port() const;
    std::filesystem::path control_socket() const;

  private:
    struct Parts;
    explicit Daemon(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace lockstep
