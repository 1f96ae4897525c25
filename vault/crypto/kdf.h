// Key derivation: keyed BLAKE2b-512 over length-prefixed label and arguments.
//
//     out = BLAKE2b-512(key: parent, u32 len ‖ label ‖ u32 len ‖ argument_1 ‖ u32 len ‖ argument_2
//     …) key = out[0..32)    commitment = out[32..64)
//
// The commitment names the key without telling it: an object that says which key it was sealed with
// stores it, and a reader compares before it calls the AEAD (an AEAD alone may open under two
// keys). Labels: kdf_labels.h, one per purpose, listed in vault/FORMAT.md.
#pragma once

#include "vault/crypto/hash.h"
#include "vault/crypto/kdf_labels.h"

namespace lockstep {

using Commitment = Id<struct CommitmentTag, 32>;

template <typename Purpose>
struct DerivedKey {
    SecretKey<Purpose> key;
    Commitment commitment;
};

namespace kdf_detail {
struct Output {
    std::array<std::byte, 64> bytes;
    ~Output() { wipe(bytes); }
};
void derive(Output& out, const AnySecretKey& parent, std::string_view label,
            std::initializer_list<ByteView> arguments);
}  // namespace kdf_detail

template <typename Purpose>
DerivedKey<Purpose> derive(const AnySecretKey& parent, std::string_view label,
                           std::initializer_list<ByteView> arguments = {}) {
    kdf_detail::Output out;
    kdf_detail::derive(out, parent, label, arguments);
    ByteView bytes(out.bytes);
    return {SecretKey<Purpose>::from(bytes.first(32)), Commitment::from(bytes.subspan(32))};
}

template <typename Purpose>
SecretKey<Purpose> derive_key(const AnySecretKey& parent, std::string_view label,
                              std::initializer_list<ByteView> arguments = {}) {
    return derive<Purpose>(parent, label, arguments).key;
}
template <typename Purpose>
SecretKey<Purpose> derive_key(const AnySecretKey& parent, std::string_view label, ByteView salt) {
    return derive<Purpose>(parent, label, {salt}).key;
}

}  // namespace lockstep
