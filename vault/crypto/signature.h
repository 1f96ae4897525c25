// Ed25519 signatures, each bound to a purpose by a label in the signed bytes.
//
//     signed bytes = u32 len ‖ label ‖ u32 len ‖ message
//
// THREADS: any.
#pragma once

#include "vault/crypto/secret_key.h"
#include "vault/types.h"

namespace lockstep {

using SigningPublicKey = Id<struct SigningPublicKeyTag, 32>;
using Signature = Id<struct SignatureTag, 64>;
using SigningSeed = SecretKey<struct SigningSeedTag>;

class SigningKey {
  public:
    explicit SigningKey(const AnySecretKey& seed);
    SigningKey copy() const { return SigningKey(seed_); }

    const SigningPublicKey& public_key() const { return public_key_; }
    Signature sign(std::string_view label, ByteView message) const;

  private:
    SigningSeed seed_;
    SigningPublicKey public_key_;
};

// Corrupt when `signature` is not that of `key` over this label and message.
Status verify(const SigningPublicKey& key, std::string_view label, ByteView message,
              const Signature& signature);

// A device's name is its identity key.
inline SigningPublicKey identity_key(const DeviceId& device) {
    return SigningPublicKey::from(device.view());
}

}  // namespace lockstep
