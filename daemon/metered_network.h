// Whether the way to the network is paid for by the byte, as NetworkManager says on D-Bus's system
// bus.
//
// Where there is no such bus, or no NetworkManager on it, nothing is metered; it is never started.
// In a build without libsystemd (metered_network_unknown.cpp) nothing is, either.
//
// THREADS: one at a time. is_metered() waits for an answer, a second at most.
#pragma once

#include <chrono>
#include <memory>

namespace lockstep {

class MeteredNetwork {
  public:
    MeteredNetwork();
    ~MeteredNetwork();
    MeteredNetwork(const MeteredNetwork&) = delete;
    MeteredNetwork& operator=(const MeteredNetwork&) = delete;

    // Asks every few seconds at most, and says what the last answer was.
    bool is_metered();

  private:
    struct Bus;
    bool ask();

    std::unique_ptr<Bus> bus_;
    std::chrono::steady_clock::time_point due_{};
    bool is_metered_ = false;
};

}  // namespace lockstep
