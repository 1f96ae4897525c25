// The layout of a pack. Format: vault/FORMAT.md, "Packs".
//
//     prefix ‖ sealed chunks ‖ sealed padding ‖ sealed index ‖ sealed trailer
//
// Chunks lie back to back behind the prefix in the order of the index. The trailer has a fixed size
// and tells where index and padding begin; it authenticates the prefix. Padding makes the length
// one of few.
#pragma once

#include <vector>

#include "vault/chunks/chunk_codec.h"

namespace lockstep {

// The only bytes in clear.
struct PackPrefix {
    EpochId epoch;
    PackSalt salt;
    Commitment commitment;
    bool operator==(const PackPrefix&) const = default;
};

inline constexpr std::size_t kPackPrefixSize =
    8 + EpochId::kSize + PackSalt::kSize + Commitment::kSize;

// A chunk in a pack, as the index says.
struct PackEntry {
    ChunkHeader header;
    std::uint32_t offset = 0;  // of the sealed chunk in the pack
    std::uint32_t sealed_length = 0;
    bool operator==(const PackEntry&) const = default;
};

inline constexpr std::size_t kPackIndexEntrySize = ChunkId::kSize + 1 + 1 + 4 + 4;

struct PackTrailer {
    std::uint64_t padding_offset = 0;  // of the sealed padding; the chunks end here
    std::uint64_t index_offset = 0;    // of the sealed index
    std::uint64_t pack_length = 0;
    bool operator==(const PackTrailer&) const = default;
};

inline constexpr std::size_t kPackTrailerSize = 3 * 8 + kSealOverhead;

// The length to which a pack of `length` bytes is padded: 4, 16, 64 or 256 KiB, beyond that Padmé
// (at most 12 % more, and few different lengths).
std::uint64_t padded_pack_length(std::uint64_t length);

// The length of a pack with an empty padding.
constexpr std::uint64_t unpadded_pack_length(std::uint64_t sealed_chunk_bytes, std::size_t chunks) {
    return kPackPrefixSize + sealed_chunk_bytes + kSealOverhead +
           (4 + chunks * kPackIndexEntrySize + kSealOverhead) + kPackTrailerSize;
}

Bytes encode_pack_prefix(const PackPrefix& prefix);
Result<PackPrefix> decode_pack_prefix(ByteView bytes);

// The index's plaintext. Offsets are not written: they follow from the order.
Bytes encode_pack_index(const std::vector<PackEntry>& entries);
// Refuses lengths that no chunk has, an id twice, and chunks that do not end at `chunks_end`.
Result<std::vector<PackEntry>> decode_pack_index(ByteView bytes, std::uint64_t chunks_end);

Bytes encode_pack_trailer(const PackTrailer& trailer);
// Refuses offsets that do not fit each other or a pack of `pack_length` bytes.
Result<PackTrailer> decode_pack_trailer(ByteView bytes, std::uint64_t pack_length);

// Associated data of what is not a chunk. The trailer's covers the whole prefix.
Bytes pack_index_aad(const PackContext& pack);
Bytes pack_padding_aad(const PackContext& pack);
Bytes pack_trailer_aad(const PackContext& pack, ByteView prefix);

}  // namespace lockstep
