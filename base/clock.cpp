#include "base/clock.h"

namespace lockstep {
namespace {

class SystemClock final : public Clock {
  public:
    std::int64_t wall_ns() override {
        return std::chrono::duration_cast<std::chrono::nanoseconds>(
                   std::chrono::system_clock::now().time_since_epoch())
            .count();
    }
    std::chrono::steady_clock::time_point steady() override {
        return std::chrono::steady_clock::now();
    }
};

}  // namespace

Clock& system_clock() {
    static SystemClock clock;
    return clock;
}

}  // namespace lockstep
