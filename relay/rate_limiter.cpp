#include "relay/rate_limiter.h"

#include <algorithm>

namespace lockstep {
namespace {

constexpr int kBucketsPerSweep = 4;

double seconds(std::chrono::steady_clock::duration time) {
    return std::chrono::duration<double>(time).count();
}

}  // namespace

bool RateLimiter::allow(ByteView key, double amount) {
    if (limit_.per_second <= 0) return true;
    Time now = clock_.steady();
    sweep_some(now);
    Bytes name = to_bytes(key);
    if (buckets_.size() >= keys_max_ && !buckets_.contains(name)) name.clear();
    auto [at, is_new] = buckets_.try_emplace(std::move(name), Bucket{limit_.burst, now});
    Bucket& bucket = at->second;
    bucket.tokens =
        std::min(limit_.burst, bucket.tokens + seconds(now - bucket.at) * limit_.per_second);
    bucket.at = now;
    if (bucket.tokens < amount) return false;
    bucket.tokens -= amount;
    return true;
}

// A bucket that is full again says nothing.
void RateLimiter::sweep_some(Time now) {
    auto at = buckets_.lower_bound(sweep_at_);
    for (int i = 0; i < kBucketsPerSweep && at != buckets_.end(); ++i) {
        double tokens = at->second.tokens + seconds(now - at->second.at) * limit_.per_second;
        at = tokens >= limit_.burst ? buckets_.erase(at) : std::next(at);
    }
    sweep_at_ = at == buckets_.end() ? Bytes{} : at->first;
}

}  // namespace lockstep
