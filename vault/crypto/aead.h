// Authenticated encryption: XChaCha20-Poly1305 (IETF) with a random nonce.
//
//     sealed = nonce 24 ‖ ciphertext (as long as the plaintext) ‖ tag 16
//
// Nonces are 192 random bits: two equal ones under one key are not to be expected before 2^80
// messages, so no counter has to survive a crash or a restored backup. The only file that calls an
// AEAD is aead.cpp.
//
// XChaCha20 is HChaCha20 and ChaCha20: large messages go through OpenSSL's ChaCha20-Poly1305 (2.3
// times faster), the rest through libsodium, with the same bytes (a test proves it). THREADS: any.
#pragma once

#include "vault/crypto/aad.h"
#include "vault/crypto/secret_key.h"

namespace lockstep {

inline constexpr std::size_t kSealNonceSize = 24;
inline constexpr std::size_t kSealTagSize = 16;
inline constexpr std::size_t kSealOverhead = kSealNonceSize + kSealTagSize;

Bytes seal(const AnySecretKey& key, ByteView aad, ByteView plaintext, Random& random);
// Appends the sealed bytes to `out`.
void append_sealed(Bytes& out, const AnySecretKey& key, ByteView aad, ByteView plaintext,
                   Random& random);
// Writes the sealed bytes to `out`. `plaintext` may be the part of `out` where the ciphertext comes
// to lie (after the nonce), but not overlap it otherwise. REQUIRES: out.size() == plaintext.size()
// + kSealOverhead
void seal_into(MutableByteView out, const AnySecretKey& key, ByteView aad, ByteView plaintext,
               Random& random);

// Corrupt when key, associated data or bytes are not those that were sealed.
Result<Bytes> open(const AnySecretKey& key, ByteView aad, ByteView sealed);
// Into a buffer of the caller; its content is zeros after a failure.
// REQUIRES: out.size() + kSealOverhead == sealed.size(), or sealed is shorter than kSealOverhead
// (an error)
Status open_into(MutableByteView out, const AnySecretKey& key, ByteView aad, ByteView sealed);

// The same with given nonce and implementation: for tests and published vectors only.
enum class AeadImplementation { Sodium, OpenSsl };
void seal_with_nonce_for_tests(MutableByteView out, const AnySecretKey& key, ByteView aad,
                               ByteView plaintext, ByteView nonce, AeadImplementation with);
Status open_for_tests(MutableByteView out, const AnySecretKey& key, ByteView aad, ByteView sealed,
                      AeadImplementation with);

}  // namespace lockstep
