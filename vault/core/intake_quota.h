// What each other device may bring in: a member that floods its log is held back here.
//
// Counted are the bytes of its segments that are new here, and of the packs that they introduce,
// before they are stored or fetched. A device has an allowance for a day, and for each whole day on
// which nothing came from it another one, up to 30. Beyond that its segments are refused: they stay
// with those who have them, and come by themselves when there is a new allowance or somebody lets
// them in. That is this device's own choice and changes nothing of what the vault is.
//
// In the first week nothing is counted: a vault that is joined comes as a whole.
//
// Kept on the disk; a file that is lost begins anew. THREADS: none of its own; the owner's lock
// guards it.
#pragma once

#include <map>
#include <vector>

#include "base/clock.h"
#include "base/disk.h"
#include "vault/types.h"

namespace lockstep {

inline constexpr std::uint64_t kMemberBytesPerDay = 64ULL << 30;  // by default
inline constexpr std::uint64_t kMemberSegmentsPerDay = 100'000;   // a publish each second
inline constexpr std::int64_t kIntakeDaysMax = 30;
inline constexpr std::int64_t kIntakeFreeMs = 7LL * 24 * 3600'000;

class IntakeQuota {
  public:
    IntakeQuota(Disk& disk, Clock& clock, fs::path file);

    // When the vault came to this device: so that the first week ends one day, and a backup of the
    // device says it, too.
    Status keep_beginning();
    // Whether the device may bring in that much more; it counts from then on. When not, the device
    // is held back.
    bool take(const DeviceId& device, std::uint64_t segments, std::uint64_t bytes);
    // Devices that were refused something and have no new allowance yet.
    std::vector<DeviceId> held_back() const;
    // It may go on at once: everything that waits counts for nothing, and the next day's allowance
    // begins.
    Status let_in(const DeviceId& device);
    // Whether the vault has come to this device within the last day, as far as is known here.
    bool is_new_here() const;
    // For each device and day; 0: no limit. Durable on return.
    std::uint64_t bytes_per_day() const { return bytes_per_day_; }
    Status set_bytes_per_day(std::uint64_t bytes);

  private:
    struct Allowance {
        std::int64_t begun_ms = 0, last_ms = 0;
        std::uint64_t days = 1;
        std::uint64_t bytes = 0, segments = 0;  // used
        bool is_refused = false;
        bool is_free = false;  // let in, until the next allowance
    };

    void load();
    Status save();
    void roll(Allowance& allowance, std::int64_t now) const;

    Disk& disk_;
    Clock& clock_;
    const fs::path file_;
    std::int64_t begun_ms_ = 0;
    bool is_kept_ = false;
    std::uint64_t bytes_per_day_ = kMemberBytesPerDay;
    std::map<DeviceId, Allowance> allowances_;
    std::chrono::steady_clock::time_point saved_{};
};

}  // namespace lockstep
