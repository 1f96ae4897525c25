// Built where libsystemd is not there.
#include "daemon/sleep_watch.h"

namespace lockstep {

struct SleepWatch::Parts {};

SleepWatch::SleepWatch(std::function<void()>) {}
SleepWatch::~SleepWatch() = default;

}  // namespace lockstep
