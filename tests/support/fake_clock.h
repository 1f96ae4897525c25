// A Clock that stands still until a test turns it.
#pragma once

#include <atomic>

#include "base/clock.h"

namespace lockstep {

// THREADS: any.
class FakeClock final : public Clock {
  public:
    // 2026-01-01 00:00:00 UTC.
    static constexpr std::int64_t kStartNs = 1'767'225'600'000'000'000;

    std::int64_t wall_ns() override { return wall_ns_; }
    std::chrono::steady_clock::time_point steady() override {
        return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(steady_ns_));
    }

    // Time passes: both clocks move.
    void advance(std::chrono::nanoseconds by) {
        wall_ns_ += by.count();
        steady_ns_ += by.count();
    }
    // Somebody sets the wall clock, forward or back; steady time does not notice.
    void jump_wall(std::chrono::nanoseconds by) { wall_ns_ += by.count(); }
    void set_wall_ns(std::int64_t to) { wall_ns_ = to; }

  private:
    std::atomic<std::int64_t> wall_ns_{kStartNs};
    std::atomic<std::int64_t> steady_ns_{1'000'000'000};
};

}  // namespace lockstep
