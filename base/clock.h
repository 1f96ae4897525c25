// Time as an interface, so that tests and the simulation can turn it.
#pragma once

#include <chrono>
#include <cstdint>

namespace lockstep {

class Clock {
  public:
    virtual ~Clock() = default;
    // Wall clock, nanoseconds since 1970-01-01 UTC. May jump.
    virtual std::int64_t wall_ns() = 0;
    // Never goes back.
    virtual std::chrono::steady_clock::time_point steady() = 0;

    std::int64_t wall_ms() { return wall_ns() / 1'000'000; }
};

// The machine's clock. THREADS: any.
Clock& system_clock();

}  // namespace lockstep
