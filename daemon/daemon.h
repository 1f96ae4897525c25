// The daemon, put together: from an environment to a running control API, and back down in order.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "base/result.h"
#include "daemon/api/data_paths.h"

namespace lockstep {

// How long an orderly stop may take; main() ends the process when it takes longer.
inline constexpr std::chrono::seconds kStopTimeMax{20};

struct DaemonOptions {
    api::DataPaths paths;
    // Instead of the configured one.
    std::optional<std::uint16_t> listen_port;
};

// THREADS: one.
class Daemon {
  public:
    // On return the control socket answers and vaults that unlock at the start are unlocked and
    // mounted. Busy when another daemon runs for this home.
    static Result<std::unique_ptr<Daemon>> start(const DaemonOptions& options);
    // Stops if stop() was not called.
    ~Daemon();
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

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
