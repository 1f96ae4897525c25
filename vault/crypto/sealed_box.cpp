#include "vault/crypto/sealed_box.h"

#include <sodium.h>

#include "vault/crypto/aead.h"

namespace lockstep {
namespace {

using SharedSecret = SecretKey<struct SharedSecretTag>;
using BoxKey = DerivedKey<struct BoxKeyTag>;

Result<BoxKey> box_key(const SealingKey& own, const SealingPublicKey& other,
                       const SealingPublicKey& ephemeral, const SealingPublicKey& recipient,
                       ByteView context) {
    std::array<std::byte, 32> shared;
    // Fails when `other` is of low order: then the result would not depend on our secret.
    if (crypto_scalarmult(u8(MutableByteView(shared)), u8(own.reveal()), u8(other.view())) != 0)
        return Error{ErrorKind::Invalid, "unusable public key"};
    SharedSecret secret = SharedSecret::from(shared);
    wipe(shared);
    return derive<struct BoxKeyTag>(secret, label::kSealedBox,
                                    {ephemeral.view(), recipient.view(), context});
}

}  // namespace

SealingKey::SealingKey(const AnySecretKey& secret)
    : secret_(SecretKey<struct SealingSecretTag>::from(secret.reveal())) {
    ensure_crypto_ready();
    crypto_scalarmult_base(u8(MutableByteView(public_key_.bytes)), u8(secret_.reveal()));
}

Result<Bytes> seal_to(const SealingPublicKey& to, ByteView context, const AnySecretKey& secret,
                      Random& random) {
    SealingKey ephemeral = SealingKey::random(random);
    TRY(BoxKey key, box_key(ephemeral, to, ephemeral.public_key(), to, context));
    Bytes out = to_bytes(ephemeral.public_key().view());
    append(out, key.commitment.view());
    append_sealed(out, key.key, context, secret.reveal(), random);
    CHECK(out.size() == kSealedBoxSize);
    return out;
}

namespace sealed_box_detail {

Status open(Opened& out, const SealingKey& key, ByteView context, ByteView box) {
    if (box.size() != kSealedBoxSize)
        return Error{ErrorKind::Corrupt, "sealed secret has the wrong length"};
    auto ephemeral = SealingPublicKey::from(box.first(32));
    auto derived = box_key(key, ephemeral, ephemeral, key.public_key(), context);
    if (!derived.ok()) return Error{ErrorKind::Corrupt, "sealed secret is damaged"};
    if (!equal_in_constant_time(derived->commitment.view(), box.subspan(32, 32)))
        return Error{ErrorKind::WrongKey, "sealed for another key"};
    return open_into(out.bytes, derived->key, context, box.subspan(64));
}

}  // namespace sealed_box_detail
}  // namespace lockstep
