// Who this device is: an Ed25519 identity and a random secret, kept in `device.key` (0600).
//
// The identity signs one thing only: certificates, one for each vault. In a vault the device acts
// under keys of that vault, so that two vaults cannot be linked by them and no signature of one
// means anything in another. Format: vault/FORMAT.md, "device.key" and "Device certificate".
// THREADS: constant after creation; share it freely.
#pragma once

#include "base/codec.h"
#include "base/disk.h"
#include "vault/crypto/sealed_box.h"
#include "vault/keys/key_tree.h"

namespace lockstep {

// What a member shows of itself. Signed by its identity.
struct DeviceCertificate {
    DeviceId device;
    VaultId vault;
    SigningPublicKey signing;  // signs segments, heads, facts, handshakes in this vault
    SealingPublicKey sealing;  // gets the vault unlock key (keyed members)
    SealingPublicKey replica;  // gets the replicator secrets, locked or not
    std::string label;         // UTF-8 without control characters, 1 to kDeviceLabelSizeMax bytes
    Signature signature;
    auto operator<=>(const DeviceCertificate&) const = default;

    // Corrupt unless signed by `device` and well-formed.
    Status verify() const;
};

void encode_certificate(Encoder& out, const DeviceCertificate& certificate);
DeviceCertificate decode_certificate(Decoder& in);

// 1 to kDeviceLabelSizeMax bytes of UTF-8 without control characters.
Status check_device_label(std::string_view label);

class DeviceIdentity {
  public:
    // Reads `path`, or makes a new identity there, durably. Corrupt when the file is damaged: never
    // replaced.
    static Result<DeviceIdentity> load_or_create(Disk& disk, const fs::path& path, Random& random);
    static DeviceIdentity generate(Random& random);
    static Result<DeviceIdentity> decode(ByteView bytes);
    Bytes encode() const;  // holds secrets: wipe it

    const DeviceId& id() const { return id_; }
    const DeviceSecret& secret() const { return secret_; }

    SigningKey vault_signing_key(const VaultId& vault) const;
    // Opens the replicator secrets sealed to this device; needs no passphrase.
    SealingKey vault_replica_key(const VaultId& vault) const;
    // REQUIRES: check_device_label(label).ok()
    DeviceCertificate certify(const VaultId& vault, const SealingPublicKey& sealing,
                              std::string_view label) const;

    JournalKey journal_key(const RootKey& root, const VaultId& vault) const {
        return derive_journal_key(secret_, root, vault);
    }
    IndexKey index_key(const RootKey& root, const VaultId& vault) const {
        return derive_index_key(secret_, root, vault);
    }

  private:
    DeviceIdentity(SigningSeed seed, DeviceSecret secret);

    SigningSeed seed_;
    DeviceSecret secret_;
    DeviceId id_;
};

}  // namespace lockstep
