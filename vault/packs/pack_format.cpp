#include "vault/packs/pack_format.h"

#include <bit>
#include <unordered_set>

#include "vault/crypto/object_prefix.h"

namespace lockstep {
namespace {

Error damaged(const char* why) {
    return {ErrorKind::Corrupt, std::string("pack: ") + why};
}

Bytes aad(const PackContext& pack, ObjectType type, ByteView extra) {
    return associated_data({.type = type, .vault = pack.vault, .epoch = pack.epoch}, extra);
}

Result<ChunkKind> decode_kind(std::uint8_t value) {
    if (value == static_cast<std::uint8_t>(ChunkKind::Data)) return ChunkKind::Data;
    if (value == static_cast<std::uint8_t>(ChunkKind::ListNode)) return ChunkKind::ListNode;
    return damaged("index names an unknown kind of chunk");
}

Result<Compression> decode_compression(std::uint8_t value) {
    if (value == static_cast<std::uint8_t>(Compression::None)) return Compression::None;
    if (value == static_cast<std::uint8_t>(Compression::Lz4)) return Compression::Lz4;
    return damaged("index names an unknown compression");
}

Result<PackEntry> decode_entry(Decoder& in) {
    PackEntry entry;
    entry.header.id = in.id<ChunkId>();
    TRY(entry.header.kind, decode_kind(in.u8()));
    TRY(entry.header.compression, decode_compression(in.u8()));
    entry.header.raw_length = in.u32();
    entry.sealed_length = in.u32();
    TRY_OK(in.status());
    TRY_OK(check_chunk_lengths(entry.header, entry.sealed_length));
    return entry;
}

}  // namespace

std::uint64_t padded_pack_length(std::uint64_t length) {
    for (std::uint64_t bucket : {4 * kKiB, 16 * kKiB, 64 * kKiB, 256 * kKiB}) {
        if (length <= bucket) return bucket;
    }
    // Padmé: of a length's binary digits only the first few (as many as the exponent has) may be
    // set.
    auto exponent = static_cast<unsigned>(std::bit_width(length) - 1);
    auto digits = static_cast<unsigned>(std::bit_width(exponent));
    std::uint64_t mask = (std::uint64_t{1} << (exponent - digits)) - 1;
    return (length + mask) & ~mask;
}

Bytes encode_pack_prefix(const PackPrefix& prefix) {
    Encoder out;
    encode_prefix(out, {.type = ObjectType::Pack});
    out.id(prefix.epoch).id(prefix.salt).id(prefix.commitment);
    CHECK(out.size() == kPackPrefixSize);
    return std::move(out).take();
}

Result<PackPrefix> decode_pack_prefix(ByteView bytes) {
    Decoder in(bytes);
    TRY(ObjectPrefix object, decode_prefix(in, ObjectType::Pack));
    static_cast<void>(object);
    PackPrefix prefix;
    prefix.epoch = in.id<EpochId>();
    prefix.salt = in.id<PackSalt>();
    prefix.commitment = in.id<Commitment>();
    TRY_OK(in.finish());
    return prefix;
}

Bytes encode_pack_index(const std::vector<PackEntry>& entries) {
    Encoder out;
    out.u32(static_cast<std::uint32_t>(entries.size()));
    for (const PackEntry& entry : entries) {
        out.id(entry.header.id);
        out.u8(static_cast<std::uint8_t>(entry.header.kind));
        out.u8(static_cast<std::uint8_t>(entry.header.compression));
        out.u32(entry.header.raw_length).u32(entry.sealed_length);
    }
    return std::move(out).take();
}

Result<std::vector<PackEntry>> decode_pack_index(ByteView bytes, std::uint64_t chunks_end) {
    Decoder in(bytes);
    std::uint32_t count = in.count(kPackChunksMax, kPackIndexEntrySize);
    TRY_OK(in.status());
    if (count == 0) return damaged("index without chunks");
    std::vector<PackEntry> entries;
    entries.reserve(count);
    std::unordered_set<ChunkId> seen;
    seen.reserve(count);
    std::uint64_t offset = kPackPrefixSize;
    for (std::uint32_t i = 0; i < count; ++i) {
        TRY(PackEntry entry, decode_entry(in));
        if (!seen.insert(entry.header.id).second) return damaged("index names a chunk twice");
        if (entry.sealed_length > chunks_end - offset) return damaged("chunk beyond its place");
        entry.offset = static_cast<std::uint32_t>(offset);
        offset += entry.sealed_length;
        entries.push_back(entry);
    }
    TRY_OK(in.finish());
    if (offset != chunks_end) return damaged("bytes that no chunk covers");
    return entries;
}

Bytes encode_pack_trailer(const PackTrailer& trailer) {
    Encoder out;
    out.u64(trailer.padding_offset).u64(trailer.index_offset).u64(trailer.pack_length);
    return std::move(out).take();
}

Result<PackTrailer> decode_pack_trailer(ByteView bytes, std::uint64_t pack_length) {
    Decoder in(bytes);
    PackTrailer trailer;
    trailer.padding_offset = in.u64();
    trailer.index_offset = in.u64();
    trailer.pack_length = in.u64();
    TRY_OK(in.finish());
    if (trailer.pack_length != pack_length || pack_length > kPackSizeMax) {
        return damaged("trailer tells another length");
    }
    // Compared by subtraction from what is known to be larger, so that nothing overflows.
    std::uint64_t index_end = pack_length - kPackTrailerSize;
    bool is_ordered = pack_length >= kPackSizeMin && trailer.index_offset <= index_end &&
                      index_end - trailer.index_offset >= kSealOverhead &&
                      trailer.padding_offset >= kPackPrefixSize &&
                      trailer.padding_offset <= trailer.index_offset &&
                      trailer.index_offset - trailer.padding_offset >= kSealOverhead;
    if (!is_ordered) return damaged("trailer's offsets do not fit");
    std::uint64_t padding = trailer.index_offset - trailer.padding_offset - kSealOverhead;
    if (padded_pack_length(pack_length - padding) != pack_length) {
        return damaged("padded to another length than the rule says");
    }
    return trailer;
}

Bytes pack_index_aad(const PackContext& pack) {
    return aad(pack, ObjectType::PackIndex, pack.salt.view());
}

Bytes pack_padding_aad(const PackContext& pack) {
    return aad(pack, ObjectType::PackPadding, pack.salt.view());
}

Bytes pack_trailer_aad(const PackContext& pack, ByteView prefix) {
    return aad(pack, ObjectType::PackTrailer, prefix);
}

}  // namespace lockstep
