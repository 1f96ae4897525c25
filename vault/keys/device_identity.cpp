#include "vault/keys/device_identity.h"

#include "vault/crypto/object_prefix.h"
#include "vault/limits.h"

namespace lockstep {
namespace {

constexpr std::size_t kDeviceKeySize = kObjectPrefixSize + 32 + 32 + 32;

// How many bytes the UTF-8 character at the front of `text` has; 0 when it is none.
std::size_t utf8_character_size(std::string_view text) {
    auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    unsigned char first = byte(0);
    if (first < 0x80) return 1;
    std::size_t size = first >= 0xf0 && first <= 0xf4   ? 4
                       : first >= 0xe0 && first <= 0xef ? 3
                       : first >= 0xc2 && first <= 0xdf ? 2
                                                        : 0;
    if (size == 0 || text.size() < size) return 0;
    for (std::size_t i = 1; i < size; ++i)
        if ((byte(i) & 0xc0) != 0x80) return 0;
    bool is_overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
    bool is_surrogate = first == 0xed && byte(1) >= 0xa0;
    bool is_beyond_unicode = first == 0xf4 && byte(1) >= 0x90;
    return is_overlong || is_surrogate || is_beyond_unicode ? 0 : size;
}

Bytes signed_part(const DeviceCertificate& certificate) {
    Encoder out;
    out.id(certificate.device).id(certificate.vault).id(certificate.signing);
    out.id(certificate.sealing).id(certificate.replica).text(certificate.label);
    return std::move(out).take();
}

}  // namespace

Status check_device_label(std::string_view label) {
    if (label.empty() || label.size() > kDeviceLabelSizeMax)
        return Error{ErrorKind::Invalid, "a device label has 1 to 64 bytes"};
    while (!label.empty()) {
        std::size_t size = utf8_character_size(label);
        if (size == 0) return Error{ErrorKind::Invalid, "a device label is UTF-8"};
        if (size == 1 && (label[0] < 0x20 || label[0] == 0x7f))
            return Error{ErrorKind::Invalid, "a device label has no control characters"};
        label.remove_prefix(size);
    }
    return {};
}

Status DeviceCertificate::verify() const {
    if (!check_device_label(label).ok())
        return Error{ErrorKind::Corrupt, "device certificate: label is not well-formed"};
    auto status = lockstep::verify(identity_key(device), label::kSignCertificate,
                                   signed_part(*this), signature);
    if (!status.ok()) return std::move(status).error().in("device certificate");
    return {};
}

void encode_certificate(Encoder& out, const DeviceCertificate& certificate) {
    out.raw(signed_part(certificate)).id(certificate.signature);
}

DeviceCertificate decode_certificate(Decoder& in) {
    DeviceCertificate out;
    out.device = in.id<DeviceId>();
    out.vault = in.id<VaultId>();
    out.signing = in.id<SigningPublicKey>();
    out.sealing = in.id<SealingPublicKey>();
    out.replica = in.id<SealingPublicKey>();
    out.label = in.text(kDeviceLabelSizeMax);
    out.signature = in.id<Signature>();
    return out;
}

DeviceIdentity::DeviceIdentity(SigningSeed seed, DeviceSecret secret)
    : seed_(std::move(seed)),
      secret_(std::move(secret)),
      id_(DeviceId::from(SigningKey(seed_).public_key().view())) {}

DeviceIdentity DeviceIdentity::generate(Random& random) {
    SigningSeed seed = SigningSeed::random(random);
    return DeviceIdentity(std::move(seed), DeviceSecret::random(random));
}

Bytes DeviceIdentity::encode() const {
    Encoder out;
    encode_prefix(out, {.type = ObjectType::DeviceKey});
    out.raw(seed_.reveal()).raw(secret_.reveal());
    Hash256 checksum = blake2b(out.view());
    out.id(checksum);
    return std::move(out).take();
}

Result<DeviceIdentity> DeviceIdentity::decode(ByteView bytes) {
    Decoder in(bytes);
    TRY_OK(decode_prefix(in, ObjectType::DeviceKey));
    ByteView seed = in.raw(32), secret = in.raw(32), checksum = in.raw(32);
    TRY_OK(in.finish());
    if (!equal(blake2b(bytes.first(kDeviceKeySize - 32)).view(), checksum))
        return Error{ErrorKind::Corrupt, "checksum does not match"};
    return DeviceIdentity(SigningSeed::from(seed), DeviceSecret::from(secret));
}

Result<DeviceIdentity> DeviceIdentity::load_or_create(Disk& disk, const fs::path& path,
                                                      Random& random) {
    if (disk.exists(path)) {
        TRY(Bytes bytes, disk.read_file(path, kDeviceKeySize));
        WipeAtEnd wiped(bytes);
        auto identity = decode(bytes);
        if (!identity.ok()) return std::move(identity).error().in("device key " + path.string());
        return identity;
    }
    TRY_OK(disk.make_directories(path.parent_path()));
    DeviceIdentity identity = generate(random);
    Bytes bytes = identity.encode();
    WipeAtEnd wiped(bytes);
    TRY_OK(disk.write_file_durably(path, bytes));
    return identity;
}

SigningKey DeviceIdentity::vault_signing_key(const VaultId& vault) const {
    return SigningKey(
        derive_key<struct VaultSigningTag>(seed_, label::kVaultSigning, vault.view()));
}

SealingKey DeviceIdentity::vault_replica_key(const VaultId& vault) const {
    return SealingKey(
        derive_key<struct ReplicaSealingTag>(seed_, label::kReplicaSealing, vault.view()));
}

DeviceCertificate DeviceIdentity::certify(const VaultId& vault, const SealingPublicKey& sealing,
                                          std::string_view label) const {
    CHECK(check_device_label(label).ok());
    DeviceCertificate out{.device = id_,
                          .vault = vault,
                          .signing = vault_signing_key(vault).public_key(),
                          .sealing = sealing,
                          .replica = vault_replica_key(vault).public_key(),
                          .label = std::string(label),
                          .signature = {}};
    out.signature = SigningKey(seed_).sign(label::kSignCertificate, signed_part(out));
    return out;
}

}  // namespace lockstep
