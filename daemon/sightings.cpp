#include "daemon/sightings.h"

#include <algorithm>
#include <sstream>

namespace lockstep {

void Sightings::look(const std::set<DeviceId>& connected, bool is_in_step, std::uint64_t now_ms) {
    MutexLock lock(mutex_);
    for (const DeviceId& device : connected_) seen_ms_[device] = now_ms;
    for (const DeviceId& device : connected) seen_ms_[device] = now_ms;
    connected_ = connected;
    if (is_in_step || was_in_step_) synced_ms_ = now_ms;
    was_in_step_ = is_in_step;
}

std::string Sightings::text() const {
    MutexLock lock(mutex_);
    std::string out;
    for (const auto& [device, ms] : seen_ms_)
        out += device.to_hex() + " " + std::to_string(ms) + "\n";
    return out;
}

void Sightings::restore(std::string_view text) {
    MutexLock lock(mutex_);
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string device;
        std::uint64_t ms = 0;
        if (!(words >> device >> ms)) continue;
        if (auto id = DeviceId::parse_hex(device); id.ok())
            seen_ms_[*id] = std::max(seen_ms_[*id], ms);
    }
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
