// Tells when something has not been used for some time, from a count of its uses. Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace lockstep {

// How long after a use that could not be ended yet (files were open) is asked again, at most.
inline constexpr std::chrono::milliseconds kIdleRetryMax{15'000};

// Times are of a clock that goes on while the machine sleeps. THREADS: one at a time.
class IdleTimer {
  public:
    using Milliseconds = std::chrono::milliseconds;

    // True: there was no use for `idle_time`. `uses` is a number that every use makes another.
    // After true, it is true again after some seconds if there was still none.
    bool is_due(std::uint64_t uses, Milliseconds idle_time, Milliseconds now) {
        if (uses_ != uses) {
            uses_ = uses;
            used_at_ = now;
            retry_at_.reset();
        }
        if (now - used_at_ < idle_time || (retry_at_ && now < *retry_at_)) return false;
        retry_at_ = now + std::clamp(idle_time / 4, Milliseconds(500), kIdleRetryMax);
        return true;
    }

    // As if it had been used now.
    void restart() { uses_.reset(); }

  private:
    std::optional<std::uint64_t> uses_;
    Milliseconds used_at_{};
    std::optional<Milliseconds> retry_at_;
};

}  // namespace lockstep
