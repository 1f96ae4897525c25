// A key object: who can unlock a vault and with what, in one immutable file that names its parents.
//
//   in clear:  parents, epochs, slots (public keys, and the vault unlock key VUK sealed to each),
//   grants sealed:    roster part (facts, older replicator secrets) under S_e of `roster_epoch`:
//   for everybody, locked or blind
//              keyring (K, all E_e) under VUK
//   then:      MAC under VUK, and the author's signature over everything before it
//
// It is verified in stages, as far as a reader's keys go: parse_key_object() (bounds, canonical
// form, signature by the key it names), open_roster_part() and check_authorship() (S_e),
// open_keyring() (VUK: MAC, commitment, AEAD). Format: vault/FORMAT.md, "Key objects". THREADS:
// pure functions.
#pragma once

#include "vault/keys/roster.h"

namespace lockstep {

using UnlockKey = SecretKey<struct UnlockKeyTag>;  // VUK

struct KeySlot {
    SlotType type = SlotType::Passphrase;  // unknown values are kept as they are
    SealingPublicKey sealing;
    SigningPublicKey signing;
    Bytes parameters;  // Passphrase: salt and cost; Recovery: salt; Device: empty
    Bytes sealed;      // VUK in a sealed box
    auto operator<=>(const KeySlot&) const = default;
};

struct PassphraseParameters {
    PassphraseSalt salt;
    PassphraseCost cost;
};
Bytes encode_parameters(const PassphraseParameters& parameters);
// Refused when the cost is out of bounds.
Result<PassphraseParameters> passphrase_parameters(const KeySlot& slot);

// S_e of the object's roster epoch, sealed to one member's replica key.
struct EpochGrant {
    SealingPublicKey to;
    Bytes sealed;
    auto operator<=>(const EpochGrant&) const = default;
};

struct KeyObject {
    VaultId vault;
    std::vector<KeyObjectId> parents;  // sorted
    std::int64_t created_ms = 0;
    std::vector<EpochId> epochs;     // sorted
    EpochId roster_epoch;            // one of them
    std::vector<KeySlot> slots;      // sorted by (type, sealing key)
    std::vector<EpochGrant> grants;  // sorted by recipient
    Bytes sealed_roster;
    Commitment keyring_commitment;
    Bytes sealed_keyring;
    SigningPublicKey author;
    Hash256 mac;
    Signature signature;
    KeyObjectId id;     // of the bytes
    Hash256 mac_input;  // hash of the bytes before the MAC: what the MAC is over

    bool operator==(const KeyObject&) const = default;
};

struct RosterPart {
    std::map<EpochId, ReplicatorSecret> older;  // S of the object's other epochs
    FactSet facts;
};

struct Keyring {
    RootKey root;
    std::map<EpochId, EpochSecret> epochs;
};

// Everything of a new object that its author decides.
struct KeyObjectContent {
    VaultId vault;
    std::vector<KeyObjectId> parents;
    std::int64_t created_ms = 0;
    EpochId roster_epoch;
    std::vector<KeySlot> slots;  // `sealed` is filled in
    const FactSet& facts;
    const Keyring& keyring;
    std::vector<SealingPublicKey> grants_to;
};

// Seals a fresh VUK to all slots. TooLarge above kKeyObjectSizeMax.
Result<Bytes> build_key_object(KeyObjectContent content, const SigningKey& author, Random& random);

KeyObjectId key_object_id(ByteView bytes);
// Corrupt: damaged; Unsupported: newer format.
Result<KeyObject> parse_key_object(ByteView bytes, const VaultId& vault);

// The replicator secret granted to `replica`. NotFound when there is no grant to it.
Result<ReplicatorSecret> open_grant(const KeyObject& object, const SealingKey& replica);
// REQUIRES: the secret is that of object.roster_epoch; WrongKey when it is not.
Result<RosterPart> open_roster_part(const KeyObject& object, const ReplicatorSecret& secret);
// Refused unless, by its own facts, the author was entitled to write it, and every slot and grant
// is that of an active member or a live slot, and every epoch has its ROTATE fact: an object that
// seals to a stranger is not taken over.
Status check_authorship(const KeyObject& object, const Roster& own_roster);

// The VUK in `slot`, with the slot's secret key. WrongKey when it is not that slot's.
Result<UnlockKey> open_slot(const KeyObject& object, const KeySlot& slot, const SealingKey& key);
// Verifies the MAC first. WrongKey: another VUK. Corrupt: damaged.
Result<Keyring> open_keyring(const KeyObject& object, const UnlockKey& unlock);

// A passphrase's or recovery code's key pairs.
struct SlotKeys {
    SealingKey sealing;
    SigningKey signing;
};
SlotKeys derive_slot_keys(const AnySecretKey& secret, const VaultId& vault,
                          const PassphraseSalt& salt);

}  // namespace lockstep
