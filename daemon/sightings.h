// When each other member was last seen, and when all that were connected were last in step; the
// latter since the daemon's start.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "vault/types.h"

namespace lockstep {

// THREADS: any.
class Sightings {
  public:
    // What is so now. Of a member that has gone since the last look, now is when it was last seen.
    void look(const std::set<DeviceId>& connected, bool is_in_step, std::uint64_t now_ms);

    // As text, one line for each member, to be kept over a restart; and back. Lines that are none
    // are skipped.
    std::string text() const;
    void restore(std::string_view text);

    // 0: not yet.
    std::uint64_t last_seen_ms(const DeviceId& device) const;
    std::uint64_t last_synced_ms() const;

  private:
    mutable Mutex mutex_;
    std::map<DeviceId, std::uint64_t> seen_ms_ GUARDED_BY(mutex_);
    std::set<DeviceId> connected_ GUARDED_BY(mutex_);
    std::uint64_t synced_ms_ GUARDED_BY(mutex_) = 0;
    bool was_in_step_ GUARDED_BY(mutex_) = false;
};

}  // namespace lockstep
