#include "vault/log/hybrid_clock.h"

#include <algorithm>

#include "vault/limits.h"

namespace lockstep {
namespace {

// The wall clock as the upper 48 bits of a stamp; before 1970 and after 10889 it stands at the
// ends.
std::uint64_t wall_part(std::int64_t wall_ms) {
    constexpr std::int64_t kWallMsMax = (std::int64_t{1} << 48) - 1;
    return static_cast<std::uint64_t>(std::clamp<std::int64_t>(wall_ms, 0, kWallMsMax)) << 16;
}

}  // namespace

Stamp HybridClock::tick() {
    std::uint64_t now = wall_part(clock_.wall_ms());
    MutexLock lock(mutex_);
    last_ = std::max(last_ + 1, now);
    return {last_, log_};
}

HybridClock::Observed HybridClock::observe(const Stamp& stamp) {
    if (is_too_far_ahead(stamp)) return Observed::TooFarAhead;
    MutexLock lock(mutex_);
    last_ = std::max(last_, stamp.time);
    return Observed::Accepted;
}

bool HybridClock::is_too_far_ahead(const Stamp& stamp) const {
    const std::uint64_t time = stamp.time & ~std::uint64_t{0xffff};
    MutexLock lock(mutex_);
    return time > wall_part(clock_.wall_ms() + kClockSkewMaxMs) &&
           (trusted_ == 0 || time > trusted_ + wall_part(kClockSkewMaxMs));
}

void HybridClock::trust_until(std::uint64_t time) {
    MutexLock lock(mutex_);
    trusted_ = time;
    last_ = std::max(last_, time);
}

void HybridClock::set_log(const LogId& log) {
    MutexLock lock(mutex_);
    log_ = log;
}

}  // namespace lockstep
