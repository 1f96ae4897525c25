// How long after wrong passphrases the next one may be tried.
//
// The first few cost nothing; then each doubles the wait, up to a minute. A right one ends it. It
// holds for one vault and one run of the daemon: who has the directory guesses elsewhere.
//
// THREADS: any.
#pragma once

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"

namespace lockstep {

class UnlockBackoff {
  public:
    explicit UnlockBackoff(Clock& clock) : clock_(clock) {}

    // Busy while it is too early, with the seconds to wait.
    Status check();
    // What came of a try: only a wrong passphrase counts.
    void note(const Status& tried);

  private:
    Clock& clock_;
    Mutex mutex_;
    std::uint32_t failures_ GUARDED_BY(mutex_) = 0;
    std::chrono::steady_clock::time_point not_before_ GUARDED_BY(mutex_){};
};

}  // namespace lockstep
