// Hashes: BLAKE2b-256, keyed and plain, and SHA-256; each also incremental.
//
// A keyed hash names things inside a vault: every use has a key of its own (see keys/key_tree.h),
// so that no two uses can collide. Ids shorter than 32 bytes are the first bytes of the 32-byte
// hash. THREADS: a hasher belongs to one thread; the functions are free.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "vault/crypto/secret_key.h"

namespace lockstep {

using Hash256 = Id<struct Hash256Tag, 32>;

// BLAKE2b with 32 bytes of output, keyed when made with a key.
class Blake2b {
  public:
    Blake2b();
    explicit Blake2b(const AnySecretKey& key);
    ~Blake2b() { wipe(state_); }
    Blake2b(const Blake2b&) = delete;
    Blake2b& operator=(const Blake2b&) = delete;

    Blake2b& add(ByteView bytes);
    // Ends the hash: once per hasher.
    Hash256 finish();

  private:
    alignas(64) std::array<std::byte, 384> state_;
};

class Sha256 {
  public:
    Sha256();
    Sha256& add(ByteView bytes);
    // Ends the hash: once per hasher.
    Hash256 finish();

  private:
    alignas(8) std::array<std::byte, 128> state_;
};

Hash256 blake2b(ByteView bytes);
Hash256 keyed_hash(const AnySecretKey& key, ByteView bytes);
// Over several parts, each with its u32 length before it: ("ab","c") and ("a","bc") differ.
Hash256 keyed_hash(const AnySecretKey& key, std::initializer_list<ByteView> parts);
// As keyed_hash() of each message, several at once where the processor can: three to five times
// faster for messages of some kilobytes.
// REQUIRES: out.size() == messages.size()
void keyed_hashes(const AnySecretKey& key, std::span<const ByteView> messages,
                  std::span<Hash256> out);
// The implementations that this processor has, by name; for tests.
std::vector<std::string> keyed_hashes_implementations();
void keyed_hashes_with(const std::string& implementation, const AnySecretKey& key,
                       std::span<const ByteView> messages, std::span<Hash256> out);
Hash256 sha256(ByteView bytes);

// The hash as an id: its first IdType::kSize bytes.
template <typename IdType>
IdType hash_as(const Hash256& hash) {
    static_assert(IdType::kSize <= Hash256::kSize);
    return IdType::from(hash.view().first(IdType::kSize));
}

// True when equal; takes the same time wherever they differ. For MACs and commitments.
bool equal_in_constant_time(ByteView a, ByteView b);

}  // namespace lockstep
