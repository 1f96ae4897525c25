// Seals a 32-byte secret to an X25519 public key: whoever knows the secret key opens it, nobody
// else.
//
//     box = ephemeral public key 32 ‖ commitment 32 ‖ nonce 24 ‖ ciphertext 32 ‖ tag 16        (136
//     bytes) key ‖ commitment = KDF(X25519(ephemeral, recipient), "lockstep v1 sealed box",
//                            ephemeral public key, recipient's public key, context)
//
// `context` (what the secret is, for which vault, in which object) is both in the KDF and the
// associated data. THREADS: any.
#pragma once

#include "vault/crypto/kdf.h"

namespace lockstep {

using SealingPublicKey = Id<struct SealingPublicKeyTag, 32>;
inline constexpr std::size_t kSealedBoxSize = 136;

// An X25519 key pair.
class SealingKey {
  public:
    explicit SealingKey(const AnySecretKey& secret);
    static SealingKey random(Random& random) {
        return SealingKey(SecretKey<struct SealingSecretTag>::random(random));
    }
    SealingKey copy() const { return SealingKey(secret_); }

    const SealingPublicKey& public_key() const { return public_key_; }
    ByteView reveal() const { return secret_.reveal(); }

  private:
    SecretKey<struct SealingSecretTag> secret_;
    SealingPublicKey public_key_;
};

namespace sealed_box_detail {
struct Opened {
    std::array<std::byte, 32> bytes;
    ~Opened() { wipe(bytes); }
};
Status open(Opened& out, const SealingKey& key, ByteView context, ByteView box);
}  // namespace sealed_box_detail

// Invalid when `to` is no usable public key (of low order).
Result<Bytes> seal_to(const SealingPublicKey& to, ByteView context, const AnySecretKey& secret,
                      Random& random);

// WrongKey when the box is for another key or context; Corrupt when it is damaged.
template <typename Purpose>
Result<SecretKey<Purpose>> open_sealed(const SealingKey& key, ByteView context, ByteView box) {
    sealed_box_detail::Opened out;
    TRY_OK(sealed_box_detail::open(out, key, context, box));
    return SecretKey<Purpose>::from(out.bytes);
}

}  // namespace lockstep
