// What blind members have shown of the packs that they say they hold.
//
// A member is asked for random blocks of packs: of each pack once, soon, and then of a few of them
// every ten minutes while it is connected, the one shown longest ago first. A single wrong or
// missing block voids all that it has shown. Kept on the disk: losing it means asking again.
// THREADS: none of its own; the owner's lock guards it.
#pragma once

#include <map>

#include "base/clock.h"
#include "base/disk.h"
#include "base/random.h"
#include "vault/presence.h"

namespace lockstep {

class AuditLog {
  public:
    // A file that cannot be read is none.
    AuditLog(Disk& disk, Clock& clock, Random& random, fs::path file);

    // Of `packs` (what the vault holds, sorted), what the member is to show now.
    std::vector<BlockAudit> due(const DeviceId& member, const std::vector<PackInfo>& packs);
    // Blocks of those of `some` that it has not shown within the hour.
    std::vector<BlockAudit> due_of(const DeviceId& member, const std::vector<PackInfo>& some);
    // See Presence::audited().
    void note(const DeviceId& member,
              const std::vector<std::pair<BlockAudit, AuditResult>>& results, bool says_all);
    // It has shown a block of the pack within the hour, and has not failed since.
    bool has_shown_lately(const DeviceId& member, const PackId& pack);
    AuditReport report(const DeviceId& member, const std::vector<PackInfo>& packs) const;

  private:
    struct Record {
        std::int64_t last_ms = 0;
        bool has_passed = false;
        std::map<PackId, std::int64_t> shown;  // when
        bool is_sampled = false;               // since this process began
    };

    void load();
    void save();
    std::uint32_t random_block(const PackInfo& pack);

    Disk& disk_;
    Clock& clock_;
    Random& random_;
    const fs::path file_;
    std::map<DeviceId, Record> records_;
    std::chrono::steady_clock::time_point saved_{};
};

}  // namespace lockstep
