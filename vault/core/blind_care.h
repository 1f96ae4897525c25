// What a blind member does about the space that it gives to a vault.
//
// It holds all packs, or with a quota those that fit: the log and the keys first, then packs in the
// order of the logs that introduce them. When the quota is lowered it gives packs up once other
// members promise to keep them. What all members have let go it deletes a retention later by its
// own clock: it cannot see for itself that nothing needs it. THREADS: any; one call of care() at a
// time.
#pragma once

#include <atomic>

#include "vault/core/vault_replica.h"

namespace lockstep {

class BlindCare {
  public:
    BlindCare(const VaultEnvironment& environment, VaultReplica& replica);

    // Whatever is due. Cheap when nothing is; waits some seconds for others when packs are to be
    // given up. Returns the bytes freed.
    std::uint64_t care();
    void set_waiting(bool may_wait) { may_wait_ = may_wait; }
    // Bytes of the vault's directory that count.
    std::uint64_t used_bytes();

  private:
    // What a choice was made from.
    struct Situation {
        std::optional<std::uint64_t> quota;
        std::uint64_t segments = 0;
        std::uint64_t packs = 0, pack_bytes = 0, absent = 0;
        bool operator==(const Situation&) const = default;
    };

    Situation situation();
    void choose(std::uint64_t quota);
    std::uint64_t give_up_surplus(std::uint64_t quota);
    std::uint64_t forget_collected();
    void load_collected();
    Status save_collected();

    const VaultEnvironment environment_;
    VaultReplica& replica_;
    std::atomic<bool> may_wait_{true};
    std::optional<Situation> chosen_;
    std::uint64_t log_bytes_ = 0;  // when it was last chosen
    std::optional<std::chrono::steady_clock::time_point> gave_up_at_;
    bool is_loaded_ = false;
    std::map<PackId, std::int64_t> collected_;  // when it was first seen that they are
};

}  // namespace lockstep
