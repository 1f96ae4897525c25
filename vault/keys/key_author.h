// Makes new key objects: the first one of a vault, and each later one from a KeyState and what is
// to change.
//
// Every object has a fresh VUK sealed to all slots' public keys, so nobody has to type a passphrase
// to write one, and merges the concurrent heads of the state that it was made from. THREADS: pure
// functions; create_vault_keys() stretches the passphrase (seconds).
#pragma once

#include "vault/keys/key_state.h"

namespace lockstep {

struct NewVaultOptions {
    const DeviceIdentity& device;
    const SealingKey& sealing;  // the founder's; random
    std::string device_label;
    const SecretBytes& passphrase;
    PassphraseCost cost;
    std::int64_t now_ms = 0;
    PassphraseStretcher& stretcher = in_process_stretcher();
    bool has_passphrase_slot = true;  // else no passphrase opens the directory by itself
};

struct NewVault {
    VaultHeader header;
    Bytes header_bytes;  // lockstep.vault
    Bytes key_object;    // keys/<id>.keys
    KeyObjectId key_object_id;
    SecretBytes recovery_code;
};

// The founder becomes the first owner. Open the result with KeyState and the sealing key.
Result<NewVault> create_vault_keys(const NewVaultOptions& options, Random& random);

// Who writes: an owner's vault signing key, or KeyState::slot_author().
struct KeyEditor {
    const KeyState& state;  // REQUIRES: unlocked
    const SigningKey& author;
    std::int64_t now_ms = 0;
    Random& random;
    PassphraseStretcher& stretcher = in_process_stretcher();
};

// Each returns the bytes of a new key object. Refused when the author may not, Invalid when it
// makes no sense, TooLarge or Invalid at a limit.
Result<Bytes> admit_member(const KeyEditor& editor, const DeviceCertificate& certificate,
                           MemberRole role);
// Recovery slot only: makes the device an owner.
Result<Bytes> recover_member(const KeyEditor& editor, const DeviceCertificate& certificate);
// `cuts` retire its logs, when it is to write no more.
Result<Bytes> change_role(const KeyEditor& editor, const DeviceId& device, MemberRole role,
                          const std::vector<LogCut>& cuts = {});
// REVOKE and, when an owner writes it, ROTATE.
Result<Bytes> revoke_member(const KeyEditor& editor, const DeviceId& device,
                            std::vector<LogCut> cuts);
Result<Bytes> retire_log(const KeyEditor& editor, const DeviceId& device, const LogCut& cut);
Result<Bytes> rotate_epoch(const KeyEditor& editor);
// What becomes of the passphrases and recovery codes, in one object.
struct SlotChange {
    std::vector<SigningPublicKey> removed = {};  // live slots, by their signing keys
    const SecretBytes* passphrase = nullptr;     // gets a slot
    PassphraseCost cost = {};                    // of that
    const SecretBytes* recovery_code = nullptr;  // gets a slot
    // What is written from now on, whoever knew what was removed cannot read.
    bool rotates = false;
};
Result<Bytes> change_slots(const KeyEditor& editor, const SlotChange& change);
// Replaces all passphrase slots by one of the new passphrase.
Result<Bytes> change_passphrase(const KeyEditor& editor, const SecretBytes& passphrase,
                                const PassphraseCost& cost);
// Writes the merge of the state's heads.
Result<Bytes> merge_key_objects(const KeyEditor& editor);

}  // namespace lockstep
