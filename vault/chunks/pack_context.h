// What every sealed thing of one pack has in common: its key, and what goes into the associated
// data. Format: vault/FORMAT.md, "Packs".
#pragma once

#include "vault/keys/key_tree.h"

namespace lockstep {

using PackSalt = Id<struct PackSaltTag, 32>;

// Made with a fresh random salt for each pack, so that no two packs share a key and a chunk sealed
// for one pack does not open in another. THREADS: any.
struct PackContext {
    PackKey key;
    Commitment commitment;  // stored in the pack: tells a wrong epoch secret from damage
    VaultId vault;
    EpochId epoch;
    PackSalt salt;

    // `pack_base` is EpochKeys::pack_base of that epoch.
    static PackContext derive(const AnySecretKey& pack_base, const VaultId& vault,
                              const EpochId& epoch, const PackSalt& salt);
};

}  // namespace lockstep
