// The BitTorrent v2 torrent of a pack: a function of (pack id, length) alone, the same on every
// device and for ever. So no torrent metadata is ever exchanged. Format: vault/FORMAT.md, "Pack
// torrents".
#pragma once

#include <string>

#include "vault/packs/merkle.h"
#include "vault/types.h"

namespace lockstep {

using InfoHash = Id<struct InfoHashTag, 32>;  // SHA-256 of the info dictionary

inline constexpr std::uint64_t kSmallPackSizeMax = kMiB;
inline constexpr std::uint32_t kSmallPieceSize = 64 * kKiB;
inline constexpr std::uint32_t kLargePieceSize = kMiB;

// 64 KiB for packs up to 1 MiB, else 1 MiB.
constexpr std::uint32_t pack_piece_size(std::uint64_t pack_length) {
    return pack_length <= kSmallPackSizeMax ? kSmallPieceSize : kLargePieceSize;
}

// What a pack's bytes say about themselves.
struct PackIdentity {
    PackInfo info;
    Bytes piece_layers;  // the hash of each piece, as BEP 52 stores them; empty when the pack is
                         // one piece
};

// Names a pack. THREADS: any.
// REQUIRES: bytes is not empty
PackIdentity identify_pack(ByteView bytes);

// The same from leaves that were hashed elsewhere (several threads, a stream).
// REQUIRES: leaves.size() == merkle_block_count(length), length > 0
PackIdentity identify_pack(std::vector<MerkleHash> leaves, std::uint64_t length);

// Corrupt unless `bytes` are the pack of that id and length.
Status verify_pack(ByteView bytes, const PackInfo& info);

// Corrupt unless `layers` are the piece layers of a pack of that id and length.
Status verify_piece_layers(ByteView layers, const PackInfo& info);

// The bencoded info dictionary: one file, named by the pack id in hex.
Bytes pack_info_dictionary(const PackInfo& info);

InfoHash pack_info_hash(const PackInfo& info);

// A whole .torrent file: the info dictionary and, for packs of several pieces, their layers.
// REQUIRES: piece_layers is empty or belongs to `info`
Bytes pack_torrent_file(const PackInfo& info, ByteView piece_layers);

}  // namespace lockstep
