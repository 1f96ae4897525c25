// A Random that is a function of its seed: the same seed gives the same bytes on every machine.
#pragma once

#include "base/mutex.h"
#include "base/random.h"

namespace lockstep {

// THREADS: any; the order of calls decides who gets which bytes.
class SeededRandom final : public Random {
  public:
    explicit SeededRandom(std::uint64_t seed) : state_(seed) {}

    void fill(MutableByteView out) override;

    // A number in [0, bound).
    // REQUIRES: bound > 0
    std::uint64_t below(std::uint64_t bound);
    // True in `percent` of 100 cases.
    bool chance(std::uint64_t percent) { return below(100) < percent; }
    Bytes bytes(std::size_t size);

  private:
    std::uint64_t next() REQUIRES_LOCK(mutex_);

    Mutex mutex_;
    std::uint64_t state_ GUARDED_BY(mutex_);
};

}  // namespace lockstep
