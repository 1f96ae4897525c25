// Pauses before another try, so that devices that lost the same relay do not all come back at once.
#pragma once

#include <chrono>

#include "base/random.h"

namespace lockstep {

// Up to a half more or less. THREADS: any.
inline std::chrono::milliseconds jittered(std::chrono::milliseconds time) {
    const auto part = static_cast<std::int64_t>(system_random().u64() % 1024);
    return time / 2 + std::chrono::milliseconds(time.count() * part / 1024);
}

}  // namespace lockstep
