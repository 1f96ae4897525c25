#include "vault/keys/local_keys.h"

#include <algorithm>

#include "vault/crypto/aead.h"
#include "vault/crypto/object_prefix.h"
#include "vault/limits.h"

namespace lockstep {
namespace {

constexpr std::size_t kSealedSecretSize = AnySecretKey::kSize + kSealOverhead;
constexpr std::size_t kChecksumSize = 32;

Bytes local_context(const VaultId& vault) {
    return associated_data({.type = ObjectType::LocalSecret, .vault = vault, .epoch = {}});
}

Result<LocalUnlockKey> local_key(const SealedSecret& sealed, const VaultId& vault,
                                 const SecretBytes& passphrase, PassphraseStretcher& stretcher) {
    TRY(StretchedPassphrase stretched, stretcher.stretch(passphrase, sealed.salt, sealed.cost));
    return derive_key<struct LocalUnlockKeyTag>(stretched, label::kLocalUnlock, vault.view());
}

void decode_sealing(Decoder& in, LocalKeys& out) {
    std::uint8_t kept = in.u8();
    if (kept > 3) in.fail("no such way to keep a secret");
    if ((kept & 1) != 0) {
        ByteView secret = in.raw(AnySecretKey::kSize);
        if (in.failed()) return;
        out.sealing_clear.emplace(SecretKey<struct LocalSealingTag>::from(secret));
        if (out.sealing_clear->public_key() != out.sealing_public)
            in.fail("sealing secret does not fit its public key");
    }
    if ((kept & 2) != 0) {
        SealedSecret sealed;
        sealed.salt = in.id<PassphraseSalt>();
        sealed.cost.memory_bytes = in.u64();
        sealed.cost.operations = in.u32();
        sealed.sealed = to_bytes(in.raw(kSealedSecretSize));
        out.sealing_sealed = std::move(sealed);
    }
}

void decode_replicators(Decoder& in, LocalKeys& out) {
    std::uint32_t count = in.count(kEpochsMax, EpochId::kSize + AnySecretKey::kSize);
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
        EpochId epoch = in.id<EpochId>();
        ByteView secret = in.raw(AnySecretKey::kSize);
        if (in.failed()) return;
        if (!out.replicators.empty() && out.replicators.rbegin()->first >= epoch)
            in.fail("list is not in ascending order");
        out.replicators.emplace(epoch, ReplicatorSecret::from(secret));
    }
}

}  // namespace

Bytes encode_local_keys(const LocalKeys& keys) {
    Encoder out;
    encode_prefix(out, {.type = ObjectType::LocalKeys});
    out.id(keys.vault).u8(keys.format_seen_max).id(keys.sealing_public);
    auto kept =
        static_cast<std::uint8_t>((keys.sealing_clear ? 1 : 0) + (keys.sealing_sealed ? 2 : 0));
    out.u8(kept);
    if (keys.sealing_clear) out.raw(keys.sealing_clear->reveal());
    if (keys.sealing_sealed) {
        const SealedSecret& sealed = *keys.sealing_sealed;
        CHECK(sealed.sealed.size() == kSealedSecretSize);
        out.id(sealed.salt).u64(sealed.cost.memory_bytes).u32(sealed.cost.operations);
        out.raw(sealed.sealed);
    }
    out.u32(static_cast<std::uint32_t>(keys.replicators.size()));
    for (const auto& [epoch, secret] : keys.replicators) out.id(epoch).raw(secret.reveal());
    out.u32(static_cast<std::uint32_t>(keys.pinned.size()));
    for (const KeyObjectId& id : keys.pinned) out.id(id);
    encode_certificate(out, keys.certificate);
    Hash256 checksum = blake2b(out.view());
    out.id(checksum);
    return std::move(out).take();
}

Result<LocalKeys> decode_local_keys(ByteView bytes, const VaultId& vault) {
    if (bytes.size() > kLocalKeysSizeMax || bytes.size() < kObjectPrefixSize + kChecksumSize)
        return Error{ErrorKind::Corrupt, "local keys: impossible length"};
    ByteView body = bytes.first(bytes.size() - kChecksumSize);
    Decoder in(body);
    TRY_OK(decode_prefix(in, ObjectType::LocalKeys));
    if (!equal(blake2b(body).view(), bytes.last(kChecksumSize)))
        return Error{ErrorKind::Corrupt, "local keys: checksum does not match"};
    LocalKeys out;
    out.vault = in.id<VaultId>();
    out.format_seen_max = in.u8();
    out.sealing_public = in.id<SealingPublicKey>();
    decode_sealing(in, out);
    decode_replicators(in, out);
    out.pinned.resize(in.count(kPinnedHeadsMax, KeyObjectId::kSize));
    for (KeyObjectId& id : out.pinned) id = in.id<KeyObjectId>();
    if (!std::is_sorted(out.pinned.begin(), out.pinned.end())) in.fail("heads are not in order");
    out.certificate = decode_certificate(in);
    TRY_OK(in.finish());
    if (out.vault != vault) return Error{ErrorKind::Corrupt, "local keys are of another vault"};
    return out;
}

Result<SealedSecret> seal_sealing_key(const SealingKey& key, const VaultId& vault,
                                      const SecretBytes& passphrase, const PassphraseCost& cost,
                                      Random& random, PassphraseStretcher& stretcher) {
    SealedSecret out{.salt = random.id<PassphraseSalt>(), .cost = cost, .sealed = {}};
    TRY(LocalUnlockKey unlock, local_key(out, vault, passphrase, stretcher));
    out.sealed = seal(unlock, local_context(vault), key.reveal(), random);
    return out;
}

Result<SealingKey> open_sealing_key(const SealedSecret& sealed, const VaultId& vault,
                                    const SecretBytes& passphrase, const SealingPublicKey& expected,
                                    PassphraseStretcher& stretcher) {
    TRY(LocalUnlockKey unlock, local_key(sealed, vault, passphrase, stretcher));
    const Error wrong{ErrorKind::WrongKey, "the passphrase is wrong"};
    auto plain = open(unlock, local_context(vault), sealed.sealed);
    if (!plain.ok()) return wrong;
    WipeAtEnd wiped(*plain);
    if (plain->size() != AnySecretKey::kSize)
        return Error{ErrorKind::Corrupt, "sealing secret has the wrong length"};
    SealingKey key(SecretKey<struct LocalSealingTag>::from(*plain));
    // Nothing but bytes that were crafted to open under many passphrases gets here with another
    // key. It is told apart from a wrong passphrase by nothing, or each answer would halve the
    // guesses.
    if (key.public_key() != expected) return wrong;
    return key;
}

}  // namespace lockstep
