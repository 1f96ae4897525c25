#include "vault/crypto/hash.h"

#include <sodium.h>

#include "base/codec.h"
#include "vault/crypto/blake2b_lanes.h"

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

namespace {

using LanesFunction = void (*)(const unsigned char*, const Blake2bMessage*, std::size_t);

LanesFunction lanes_function(const std::string& name) {
#if defined(__x86_64__)
    if (name == "avx512" && __builtin_cpu_supports("avx512f") != 0) return blake2b_avx512;
    if (name == "avx2" && __builtin_cpu_supports("avx2") != 0) return blake2b_avx2;
#endif
    static_cast<void>(name);
    return nullptr;
}

void hash_in_lanes(LanesFunction function, const AnySecretKey& key,
                   std::span<const ByteView> messages, std::span<Hash256> out) {
    std::array<unsigned char, 128> key_block{};
    std::memcpy(key_block.data(), key.reveal().data(), AnySecretKey::kSize);
    std::vector<Blake2bMessage> jobs;
    jobs.reserve(messages.size());
    for (std::size_t i = 0; i < messages.size(); ++i)
        jobs.push_back({u8(messages[i]), messages[i].size(), u8(MutableByteView(out[i].bytes))});
    function(key_block.data(), jobs.data(), jobs.size());
    sodium_memzero(key_block.data(), key_block.size());
}

}  // namespace

void keyed_hashes(const AnySecretKey& key, std::span<const ByteView> messages,
                  std::span<Hash256> out) {
    static const LanesFunction function = [] {
        LanesFunction widest = lanes_function("avx512");
        return widest != nullptr ? widest : lanes_function("avx2");
    }();
    CHECK(messages.size() == out.size());
    if (function != nullptr && messages.size() > 1)
        return hash_in_lanes(function, key, messages, out);
    for (std::size_t i = 0; i < messages.size(); ++i) out[i] = keyed_hash(key, messages[i]);
}

std::vector<std::string> keyed_hashes_implementations() {
    std::vector<std::string> names;
    for (const char* name : {"avx2", "avx512"})
        if (lanes_function(name) != nullptr) names.emplace_back(name);
    return names;
}

void keyed_hashes_with(const std::string& implementation, const AnySecretKey& key,
                       std::span<const ByteView> messages, std::span<Hash256> out) {
    const LanesFunction function = lanes_function(implementation);
    CHECK(function != nullptr && messages.size() == out.size());
    hash_in_lanes(function, key, messages, out);
}

Hash256 sha256(ByteView bytes) {
    return Sha256().add(bytes).finish();
}

bool equal_in_constant_time(ByteView a, ByteView b) {
    return a.size() == b.size() && (a.empty() || sodium_memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace lockstep
