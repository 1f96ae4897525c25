#include "vault/crypto/hash.h"

#include <sodium.h>

#include "base/codec.h"

namespace lockstep {
namespace {

auto* blake2b_state(std::array<std::byte, 384>& raw) {
    static_assert(sizeof(crypto_generichash_blake2b_state) <= 384);
    return reinterpret_cast<crypto_generichash_blake2b_state*>(raw.data());
}

auto* sha256_state(std::array<std::byte, 128>& raw) {
    static_assert(sizeof(crypto_hash_sha256_state) <= 128);
    static_assert(alignof(crypto_hash_sha256_state) <= 8);
    return reinterpret_cast<crypto_hash_sha256_state*>(raw.data());
}

}  // namespace

Blake2b::Blake2b() {
    ensure_crypto_ready();
    crypto_generichash_blake2b_init(blake2b_state(state_), nullptr, 0, Hash256::kSize);
}

Blake2b::Blake2b(const AnySecretKey& key) {
    ensure_crypto_ready();
    crypto_generichash_blake2b_init(blake2b_state(state_), u8(key.reveal()), AnySecretKey::kSize,
                                    Hash256::kSize);
}

Blake2b& Blake2b::add(ByteView bytes) {
    if (!bytes.empty())
        crypto_generichash_blake2b_update(blake2b_state(state_), u8(bytes), bytes.size());
    return *this;
}

Hash256 Blake2b::finish() {
    Hash256 out;
    crypto_generichash_blake2b_final(blake2b_state(state_), u8(MutableByteView(out.bytes)),
                                     Hash256::kSize);
    return out;
}

Sha256::Sha256() {
    crypto_hash_sha256_init(sha256_state(state_));
}

Sha256& Sha256::add(ByteView bytes) {
    if (!bytes.empty()) crypto_hash_sha256_update(sha256_state(state_), u8(bytes), bytes.size());
    return *this;
}

Hash256 Sha256::finish() {
    Hash256 out;
    crypto_hash_sha256_final(sha256_state(state_), u8(MutableByteView(out.bytes)));
    return out;
}

Hash256 blake2b(ByteView bytes) {
    return Blake2b().add(bytes).finish();
}

Hash256 keyed_hash(const AnySecretKey& key, ByteView bytes) {
    return Blake2b(key).add(bytes).finish();
}

Hash256 keyed_hash(const AnySecretKey& key, std::initializer_list<ByteView> parts) {
    Blake2b hasher(key);
    for (ByteView part : parts) {
        hasher.add(Encoder().u32(static_cast<std::uint32_t>(part.size())).view());
        hasher.add(part);
    }
    return hasher.finish();
}

Hash256 sha256(ByteView bytes) {
    return Sha256().add(bytes).finish();
}

bool equal_in_constant_time(ByteView a, ByteView b) {
    return a.size() == b.size() && (a.empty() || sodium_memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace lockstep
