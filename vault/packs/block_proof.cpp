#include "vault/packs/block_proof.h"

#include <algorithm>
#include <bit>

namespace lockstep {
namespace {

MerkleHash parent_of(const MerkleHash& left, const MerkleHash& right) {
    Bytes pair = to_bytes(left.view());
    append(pair, right.view());
    return merkle_leaf(pair);
}

std::size_t path_length(std::uint64_t pack_length) {
    return static_cast<std::size_t>(
        std::countr_zero(std::bit_ceil(merkle_block_count(pack_length))));
}

// Appends the siblings on the way from nodes[at] to the root of `nodes`, and returns the root.
// REQUIRES: the number of nodes is a power of two
MerkleHash climb(std::vector<MerkleHash> nodes, std::size_t at, std::vector<MerkleHash>& path) {
    while (nodes.size() > 1) {
        path.push_back(nodes[at ^ 1]);
        for (std::size_t i = 0; i < nodes.size() / 2; ++i)
            nodes[i] = parent_of(nodes[2 * i], nodes[2 * i + 1]);
        nodes.resize(nodes.size() / 2);
        at /= 2;
    }
    return nodes.front();
}

}  // namespace

PackPiece piece_of_block(const PackInfo& info, std::uint32_t block) {
    const std::uint64_t size = pack_piece_size(info.length);
    const std::uint64_t offset = block * std::uint64_t{kMerkleBlockSize} / size * size;
    return {offset, std::min(size, info.length - offset)};
}

Result<BlockProof> prove_block(const PackInfo& info, std::uint32_t block, ByteView piece,
                               ByteView piece_layers) {
    const Error misfit{ErrorKind::Invalid, "not the piece of that block"};
    if (block >= merkle_block_count(info.length)) return misfit;
    const PackPiece wanted = piece_of_block(info, block);
    if (piece.size() != wanted.length) return misfit;
    const std::size_t in_piece = block - static_cast<std::size_t>(wanted.offset / kMerkleBlockSize);
    BlockProof out;
    const ByteView from = piece.subspan(in_piece * kMerkleBlockSize);
    out.block = to_bytes(from.first(std::min(from.size(), kMerkleBlockSize)));
    const std::uint64_t piece_size = pack_piece_size(info.length);
    const bool is_one_piece = info.length <= piece_size;
    std::vector<MerkleHash> leaves(merkle_block_count(piece.size()));
    hash_blocks(piece, leaves);
    leaves.resize(is_one_piece ? std::bit_ceil(leaves.size())
                               : static_cast<std::size_t>(piece_size / kMerkleBlockSize));
    climb(std::move(leaves), in_piece, out.path);
    if (is_one_piece) return out;
    const auto count = static_cast<std::size_t>((info.length + piece_size - 1) / piece_size);
    if (piece_layers.size() != count * MerkleHash::kSize) return misfit;
    const MerkleHash padding =
        merkle_root(std::vector<MerkleHash>(piece_size / kMerkleBlockSize, MerkleHash{}));
    std::vector<MerkleHash> pieces(std::bit_ceil(count), padding);
    for (std::size_t i = 0; i < count; ++i)
        pieces[i] =
            MerkleHash::from(piece_layers.subspan(i * MerkleHash::kSize, MerkleHash::kSize));
    climb(std::move(pieces), static_cast<std::size_t>(wanted.offset / piece_size), out.path);
    return out;
}

Status verify_block(const PackInfo& info, std::uint32_t block, const BlockProof& proof) {
    const Error wrong{ErrorKind::Corrupt, "not that block of the pack"};
    const std::size_t count = merkle_block_count(info.length);
    if (info.length == 0 || info.length > kPackSizeMax || block >= count) return wrong;
    const std::uint64_t offset = block * std::uint64_t{kMerkleBlockSize};
    const auto size = std::min<std::uint64_t>(kMerkleBlockSize, info.length - offset);
    if (proof.block.size() != size || proof.path.size() != path_length(info.length)) return wrong;
    MerkleHash node = merkle_leaf(proof.block);
    std::size_t at = block;
    for (const MerkleHash& sibling : proof.path) {
        node = at % 2 == 0 ? parent_of(node, sibling) : parent_of(sibling, node);
        at /= 2;
    }
    if (node.bytes != info.id.bytes) return wrong;
    return {};
}

}  // namespace lockstep
