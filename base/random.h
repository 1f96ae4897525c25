// Randomness as an interface, so that a simulation is a function of its seed.
#pragma once

#include "base/bytes.h"
#include "base/ids.h"

namespace lockstep {

class Random {
  public:
    virtual ~Random() = default;
    virtual void fill(MutableByteView out) = 0;

    template <typename IdType>
    IdType id() {
        IdType out;
        fill(out.bytes);
        return out;
    }
    std::uint64_t u64() {
        std::uint64_t out = 0;
        fill(std::as_writable_bytes(std::span(&out, 1)));
        return out;
    }
};

// The kernel's generator (getrandom). THREADS: any.
Random& system_random();

}  // namespace lockstep
