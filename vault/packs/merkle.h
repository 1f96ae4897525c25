// The SHA-256 Merkle tree of BitTorrent v2 (BEP 52), whose root names a pack.
//
// Leaves are the hashes of 16 KiB blocks (the last one may be shorter); missing leaves up to the
// next power of two are 32 zero bytes. Blocks can be hashed on several threads: hash_blocks() on
// each part, MerkleTree over all leaves at the end.
#pragma once

#include <vector>

#include "vault/crypto/hash.h"
#include "vault/limits.h"

namespace lockstep {

using MerkleHash = Hash256;

inline constexpr std::size_t kMerkleBlockSize = 16 * kKiB;

// SHA-256 by OpenSSL, which knows the processor's instructions for it. THREADS: any.
MerkleHash merkle_leaf(ByteView block);

// The number of blocks in `length` bytes.
constexpr std::size_t merkle_block_count(std::uint64_t length) {
    return static_cast<std::size_t>((length + kMerkleBlockSize - 1) / kMerkleBlockSize);
}

// Hashes `part`, which starts at a block boundary, into `leaves`. THREADS: any.
// REQUIRES: leaves.size() == merkle_block_count(part.size())
void hash_blocks(ByteView part, std::span<MerkleHash> leaves);

// The root over `leaves`.
// REQUIRES: leaves is not empty
MerkleHash merkle_root(std::vector<MerkleHash> leaves);

// The nodes that cover 2^height leaves each, from the left, those over padding alone left out.
// REQUIRES: leaves is not empty
std::vector<MerkleHash> merkle_layer(std::vector<MerkleHash> leaves, unsigned height);

// Takes a stream of bytes and keeps the leaves.
class MerkleHasher {
  public:
    void update(ByteView data);
    // Ends the stream and returns the leaves.
    std::vector<MerkleHash> finish() &&;
    std::uint64_t length() const { return length_; }

  private:
    Bytes partial_;  // the block being filled, shorter than kMerkleBlockSize
    std::vector<MerkleHash> leaves_;
    std::uint64_t length_ = 0;
};

}  // namespace lockstep
