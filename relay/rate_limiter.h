// How often somebody may: a token bucket for each key, in bounded memory.
#pragma once

#include <chrono>
#include <map>

#include "base/bytes.h"
#include "base/clock.h"

namespace lockstep {

struct RateLimit {
    // 0: no limit.
    double per_second = 0;
    // How many at once after a pause.
    double burst = 0;

    bool operator==(const RateLimit&) const = default;
};

// THREADS: one.
class RateLimiter {
  public:
    // More keys than `keys_max` at a time share one bucket: whoever invents keys slows himself.
    RateLimiter(Clock& clock, RateLimit limit, std::size_t keys_max = 100'000)
        : clock_(clock), limit_(limit), keys_max_(keys_max) {}

    // Takes `amount` from the key's bucket; false when there is not so much in it.
    bool allow(ByteView key, double amount = 1);
    void set_limit(RateLimit limit) { limit_ = limit; }
    std::size_t key_count() const { return buckets_.size(); }

  private:
    using Time = std::chrono::steady_clock::time_point;
    struct Bucket {
        double tokens = 0;
        Time at{};
    };
    void sweep_some(Time now);

    Clock& clock_;
    RateLimit limit_;
    const std::size_t keys_max_;
    std::map<Bytes, Bucket> buckets_;
    Bytes sweep_at_;
};

}  // namespace lockstep
