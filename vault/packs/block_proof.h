// The proof that a block is one of a pack's: whoever knows the pack's id and length can check it
// without the pack. Format: sync/PROTOCOL.md, "Audits". THREADS: any; pure functions.
#pragma once

#include "vault/packs/pack_torrent_id.h"

namespace lockstep {

struct BlockProof {
    Bytes block;                   // 16 KiB; the last one of a pack may be shorter
    std::vector<MerkleHash> path;  // the nodes beside those on the way up, from the leaf's sibling
    bool operator==(const BlockProof&) const = default;
};

// Nodes in the longest path.
inline constexpr std::size_t kBlockPathMax = 10;

// Where the piece that holds a block begins, and its length.
struct PackPiece {
    std::uint64_t offset = 0, length = 0;
};
// REQUIRES: block < merkle_block_count(info.length)
PackPiece piece_of_block(const PackInfo& info, std::uint32_t block);

// From the piece that holds the block and the pack's piece layers. Nothing is verified: see
// verify_block(). Invalid when the sizes do not fit.
Result<BlockProof> prove_block(const PackInfo& info, std::uint32_t block, ByteView piece,
                               ByteView piece_layers);

// Corrupt unless the block is that one of the pack of this id and length.
Status verify_block(const PackInfo& info, std::uint32_t block, const BlockProof& proof);

}  // namespace lockstep
