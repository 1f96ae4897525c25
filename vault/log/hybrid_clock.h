// Where stamps come from: a hybrid logical clock over the wall clock.
//
// INVARIANT: every stamp given is greater than every stamp given or observed before, and never goes
// back, however the wall clock jumps. A burst faster than 65536 stamps a millisecond borrows from
// the next one. THREADS: any.
#pragma once

#include "base/clock.h"
#include "base/mutex.h"
#include "vault/types.h"

namespace lockstep {

class HybridClock {
  public:
    // What observe() made of a stamp.
    enum class Observed { Accepted, TooFarAhead };

    explicit HybridClock(Clock& clock, const LogId& log = {}) : clock_(clock), log_(log) {}

    // A stamp for one operation of this device.
    Stamp tick() EXCLUDES_LOCK(mutex_);

    // Takes note of a stamp seen. One that is more than kClockSkewMaxMs ahead of the wall clock
    // does not advance ours: its segment is held and shown, not dropped.
    Observed observe(const Stamp& stamp) EXCLUDES_LOCK(mutex_);

    // What observe() would say, without taking note.
    bool is_too_far_ahead(const Stamp& stamp) const EXCLUDES_LOCK(mutex_);

    // Time that this device's own history has reached, whatever the wall clock says now: when that
    // was set back, what the history was built upon is no news from the future. Zero: forgotten.
    void trust_until(std::uint64_t time) EXCLUDES_LOCK(mutex_);

    // Stamps given from now on belong to `log`: a new incarnation begins.
    void set_log(const LogId& log) EXCLUDES_LOCK(mutex_);

  private:
    Clock& clock_;
    mutable Mutex mutex_;
    LogId log_ GUARDED_BY(mutex_);
    std::uint64_t last_ GUARDED_BY(mutex_) = 0;
    std::uint64_t trusted_ GUARDED_BY(mutex_) = 0;
};

}  // namespace lockstep
