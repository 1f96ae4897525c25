// keys.local: what this device keeps of one vault outside the vault's directory (0600).
//
// The sealing secret is sealed by a local passphrase or secret, or in clear where the user chose
// unlock at start, or absent (then the vault's passphrase opens it). Replicator secrets lie in
// clear, so that a locked device still syncs. The pinned heads are what a rolled-back or swapped
// vault directory is recognised by. Format: vault/FORMAT.md, "keys.local".
#pragma once

#include "vault/keys/key_state.h"

namespace lockstep {

using LocalUnlockKey = SecretKey<struct LocalUnlockKeyTag>;

// The member's sealing secret, sealed under a key of the caller's.
struct SealedSecret {
    PassphraseSalt salt;
    PassphraseCost cost;
    Bytes sealed;
};

struct LocalKeys {
    VaultId vault;
    SealingPublicKey sealing_public;             // of this device in the vault's roster
    std::optional<SealingKey> sealing_clear;     // unlock at start
    std::optional<SealedSecret> sealing_sealed;  // by the passphrase
    std::map<EpochId, ReplicatorSecret> replicators;
    std::vector<KeyObjectId> pinned;   // heads seen; sorted
    std::uint8_t format_seen_max = 0;  // a lower one later is an alarm
    DeviceCertificate certificate;     // this device's own
};

Bytes encode_local_keys(const LocalKeys& keys);  // holds secrets: wipe it
Result<LocalKeys> decode_local_keys(ByteView bytes, const VaultId& vault);

Result<SealedSecret> seal_sealing_key(const SealingKey& key, const VaultId& vault,
                                      const SecretBytes& passphrase, const PassphraseCost& cost,
                                      Random& random,
                                      PassphraseStretcher& stretcher = in_process_stretcher());
// WrongKey when the passphrase is another.
Result<SealingKey> open_sealing_key(const SealedSecret& sealed, const VaultId& vault,
                                    const SecretBytes& passphrase, const SealingPublicKey& expected,
                                    PassphraseStretcher& stretcher = in_process_stretcher());

}  // namespace lockstep
