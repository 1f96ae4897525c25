// Tells when the machine is about to sleep, as logind says on D-Bus's system bus, and holds the
// sleep up until that was handled (logind waits 5 s at most).
//
// Where there is no such bus, or no logind on it, nothing is told; neither is ever started. It is
// found when it comes later. In a build without libsystemd (sleep_watch_unknown.cpp) nothing is
// told, either.
#pragma once

#include <functional>
#include <memory>

namespace lockstep {

// THREADS: one makes and ends it. `before_sleep` is called on "ls-sleep".
class SleepWatch {
  public:
    explicit SleepWatch(std::function<void()> before_sleep);
    // Waits for `before_sleep`, if it is under way.
    ~SleepWatch();
    SleepWatch(const SleepWatch&) = delete;
    SleepWatch& operator=(const SleepWatch&) = delete;

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace lockstep
