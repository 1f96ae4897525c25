// KeyState: what the key objects of one vault say, together, to somebody with given credentials.
//
// Reads every object that it can open and verify, takes the union of facts and epochs over the
// valid ones, and knows the maximal ones, which the next object names as parents. Concurrent
// objects are merged just by reading them; the next writer writes the merge. Invalid objects are
// named, never fatal, as long as one valid object is left. THREADS: constant after open(); share it
// freely.
#pragma once

#include "vault/keys/key_object.h"
#include "vault/keys/vault_header.h"

namespace lockstep {

// What a reader has. Any may be absent; without passphrase, recovery code and device key the state
// is locked.
struct KeyCredentials {
    const SecretBytes* passphrase = nullptr;
    const SecretBytes* recovery_code = nullptr;
    const SealingKey* device = nullptr;   // the member's sealing key
    const SealingKey* replica = nullptr;  // DeviceIdentity::vault_replica_key
    const std::map<EpochId, ReplicatorSecret>* known = nullptr;  // replicator secrets remembered
    // Heads seen before. A passphrase that opens only their ancestors was replaced: WrongKey.
    std::vector<KeyObjectId> pinned = {};
    PassphraseStretcher& stretcher = in_process_stretcher();
};

struct KeyProblem {
    KeyObjectId object;
    Error error;
};

class KeyState {
  public:
    // NotFound: no key objects. WrongKey: none opens with these credentials. Corrupt: all are
    // damaged.
    static Result<KeyState> open(const VaultHeader& header, const std::vector<Bytes>& objects,
                                 const KeyCredentials& credentials);
    // With what a person typed: a passphrase, or a recovery code where it reads as one.
    static Result<KeyState> open_with_secret(const VaultHeader& header,
                                             const std::vector<Bytes>& objects,
                                             const SecretBytes& secret, KeyCredentials credentials);

    const VaultHeader& header() const { return header_; }
    const VaultId& vault() const { return header_.id; }
    bool is_unlocked() const { return root_.has_value(); }
    const Roster& roster() const { return roster_; }
    const FactSet& facts() const { return facts_; }

    const RootKey& root() const;  // REQUIRES: is_unlocked()
    // Null when not known (or locked).
    const EpochSecret* epoch_secret(const EpochId& epoch) const;
    const ReplicatorSecret* replicator_secret(const EpochId& epoch) const;
    const std::map<EpochId, EpochSecret>& epoch_secrets() const { return epochs_; }
    const std::map<EpochId, ReplicatorSecret>& replicator_secrets() const { return replicators_; }
    // What to write with: known here and given to no revoked device. nullopt: rotate first.
    std::optional<EpochId> write_epoch() const;
    // The greatest epoch known here, written with or not. Swarms of the others are kept while
    // needed.
    EpochId newest_epoch() const;

    const std::vector<KeyObjectId>& heads() const {
        return heads_;
    }  // maximal valid objects; sorted
    const std::vector<KeyObjectId>& valid() const { return valid_; }  // sorted
    const std::vector<KeyProblem>& problems() const {
        return problems_;
    }  // objects not used, and why
    const std::vector<KeyObjectId>& missing_pins() const {
        return missing_pins_;
    }  // alarm: heads seen before, gone
    // Whether there are concurrent heads, which the next object merges.
    bool needs_merge() const { return heads_.size() > 1; }
    // Owners who did not know of each other may have left a member or a slot without an epoch that
    // is known here: an owner merges their objects (merge_key_objects()).
    bool leaves_somebody_out() const { return leaves_somebody_out_; }
    // Slots as the next object seals to them; `sealed` is empty.
    const std::vector<KeySlot>& slots() const { return slots_; }
    // The signing key of the slot that opened the state; null when a device key did.
    const SigningKey* slot_author() const { return slot_author_ ? &*slot_author_ : nullptr; }

  private:
    friend class KeyStateReader;
    explicit KeyState(VaultHeader header) : header_(std::move(header)) {}

    VaultHeader header_;
    FactSet facts_;
    Roster roster_;
    std::optional<RootKey> root_;
    std::map<EpochId, EpochSecret> epochs_;
    std::map<EpochId, ReplicatorSecret> replicators_;
    std::vector<KeyObjectId> heads_;
    std::vector<KeyObjectId> valid_;
    std::vector<KeyProblem> problems_;
    std::vector<KeyObjectId> missing_pins_;
    std::vector<KeySlot> slots_;
    bool leaves_somebody_out_ = false;
    std::optional<SigningKey> slot_author_;
};

}  // namespace lockstep
