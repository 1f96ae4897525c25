#include "vault/crypto/signature.h"

#include <sodium.h>

#include "base/codec.h"

namespace lockstep {
namespace {

Bytes preimage(std::string_view label, ByteView message) {
    Encoder out;
    out.text(label).bytes(message);
    return std::move(out).take();
}

}  // namespace

SigningKey::SigningKey(const AnySecretKey& seed) : seed_(SigningSeed::from(seed.reveal())) {
    ensure_crypto_ready();
    std::array<unsigned char, crypto_sign_SECRETKEYBYTES> secret;
    crypto_sign_seed_keypair(u8(MutableByteView(public_key_.bytes)), secret.data(),
                             u8(seed_.reveal()));
    sodium_memzero(secret.data(), secret.size());
}

Signature SigningKey::sign(std::string_view label, ByteView message) const {
    // Ed25519's secret form is seed ‖ public key; its nonce is a hash of seed and message, so none
    // is chosen here.
    std::array<unsigned char, crypto_sign_SECRETKEYBYTES> secret;
    std::memcpy(secret.data(), seed_.reveal().data(), 32);
    std::memcpy(secret.data() + 32, public_key_.bytes.data(), 32);
    Bytes bytes = preimage(label, message);
    Signature out;
    crypto_sign_detached(u8(MutableByteView(out.bytes)), nullptr, u8(ByteView(bytes)), bytes.size(),
                         secret.data());
    sodium_memzero(secret.data(), secret.size());
    return out;
}

Status verify(const SigningPublicKey& key, std::string_view label, ByteView message,
              const Signature& signature) {
    ensure_crypto_ready();
    Bytes bytes = preimage(label, message);
    if (crypto_sign_verify_detached(u8(signature.view()), u8(ByteView(bytes)), bytes.size(),
                                    u8(key.view())) == 0)
        return {};
    return Error{ErrorKind::Corrupt, "signature does not match"};
}

}  // namespace lockstep
