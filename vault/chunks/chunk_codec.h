// A chunk between its plaintext and its place in a pack: compressed where that pays, sealed, opened
// again. Format: vault/FORMAT.md, "Packs".
#pragma once

#include "vault/chunks/chunk_kind.h"
#include "vault/chunks/content_ids.h"
#include "vault/chunks/pack_context.h"
#include "vault/crypto/aead.h"
#include "vault/limits.h"

namespace lockstep {

// What a pack's index says of a chunk apart from its place.
struct ChunkHeader {
    ChunkId id;
    ChunkKind kind = ChunkKind::Data;
    Compression compression = Compression::None;
    std::uint32_t raw_length = 0;  // 1 to kChunkSizeMax
    bool operator==(const ChunkHeader&) const = default;
};

struct SealedChunk {
    ChunkHeader header;
    PackSalt pack;  // of the only pack in which it opens
    Bytes sealed;
};

// Sealed bytes of a chunk of this raw length are never more than this.
constexpr std::size_t sealed_chunk_size_max(std::size_t raw_length) {
    return raw_length + kSealOverhead;
}

// Corrupt when no writer makes a chunk of these lengths. Everybody who reads lengths asks this
// before allocating.
Status check_chunk_lengths(const ChunkHeader& header, std::size_t sealed_length);

// THREADS: any.
// REQUIRES: plaintext has 1 to kChunkSizeMax bytes, and `id` is its id
SealedChunk seal_chunk(const PackContext& pack, ChunkKind kind, const ChunkId& id,
                       ByteView plaintext, Random& random);

// The plaintext. Corrupt when anything differs from what was sealed for this pack under this
// header. With `verify`, also unless the plaintext gives header.id: a member can seal other bytes
// under that id, so whoever opens a chunk of a pack for the first time asks for it. THREADS: any.
Result<Bytes> open_chunk(const PackContext& pack, const ChunkHeader& header, ByteView sealed,
                         const ContentIds* verify);

}  // namespace lockstep
