#include "daemon/sightings.h"

namespace lockstep {

void Sightings::look(const std::set<DeviceId>& connected, bool is_in_step, std::uint64_t now_ms) {
    MutexLock lock(mutex_);
    for (const DeviceId& device : connected_) seen_ms_[device] = now_ms;
    for (const DeviceId& device : connected) seen_ms_[device] = now_ms;
    connected_ = connected;
    if (is_in_step || was_in_step_) synced_ms_ = now_ms;
    was_in_step_ = is_in_step;
}

std::uint64_t Sightings::last_seen_ms(const DeviceId& device) const {
    MutexLock lock(mutex_);
    const auto found = seen_ms_.find(device);
    return found == seen_ms_.end() ? 0 : found->second;
}

std::uint64_t Sightings::last_synced_ms() const {
    MutexLock lock(mutex_);
    return synced_ms_;
}

}  // namespace lockstep
