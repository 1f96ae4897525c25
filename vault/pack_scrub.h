// PackScrub: reads every pack of a vault again and has what is damaged fetched from other members;
// files of key objects are made again from what this device holds, or fetched as well.
//
// In the background each pack has its turn once in 30 days, spread evenly; how far it is survives
// restarts. Works while the vault is locked, too: a pack's name is the hash of its bytes.
//
// THREADS: one at a time.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/disk.h"
#include "vault/vault.h"

namespace lockstep {

class VaultReplica;  // vault/core/vault_replica.h

class PackScrub {
  public:
    static constexpr std::int64_t kRoundMs = 30LL * 24 * 3600 * 1000;

    // `state`: a file of this device's own. REQUIRES: the vault outlives this, and has a replica
    PackScrub(Vault& vault, Disk& disk, Clock& clock, fs::path state);

    struct Report {
        std::uint64_t packs = 0, bytes = 0;  // read
        std::uint64_t fetched_again = 0;   // damaged ones, and segments, that others are asked for
        std::uint64_t mended_keys = 0;     // key objects whose files were gone or damaged
        std::vector<std::string> damaged;  // each names the pack and what is wrong
    };
    // The pack whose turn it is; none most of the time.
    Report next();
    // All of them, now.
    Report everything();

  private:
    void read(const PackInfo& pack, Report& report);
    std::vector<PackInfo> packs() const;  // sorted
    void load();
    void save();

    VaultReplica& replica_;
    Disk& disk_;
    Clock& clock_;
    const fs::path state_;
    std::int64_t round_began_ms_ = 0;
    PackId last_;                     // read in this round
    std::int64_t look_again_ms_ = 0;  // no pack has its turn before
};

}  // namespace lockstep
