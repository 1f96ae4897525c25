#include "vault/packs/pack_builder.h"

namespace lockstep {

PackBuilder::PackBuilder(const AnySecretKey& pack_base, const VaultId& vault, const EpochId& epoch,
                         Random& random, Bytes buffer)
    // The salt is 256 random bits, so the pack's key has never been used before.
    : context_(PackContext::derive(pack_base, vault, epoch, random.id<PackSalt>())),
      random_(&random),
      bytes_(std::move(buffer)) {
    bytes_.clear();
    lockstep::append(
        bytes_, encode_pack_prefix(
                    {.epoch = epoch, .salt = context_.salt, .commitment = context_.commitment}));
}

SealedChunk PackBuilder::seal(ChunkKind kind, const ChunkId& id, ByteView plaintext) const {
    return seal_chunk(context_, kind, id, plaintext, *random_);
}

bool PackBuilder::fits(std::size_t sealed_length) const {
    std::uint64_t chunk_bytes = bytes_.size() - kPackPrefixSize + sealed_length;
    return entries_.size() < kPackChunksMax &&
           unpadded_pack_length(chunk_bytes, entries_.size() + 1) <= kPackSizeMax;
}

void PackBuilder::append(SealedChunk chunk) {
    CHECK(chunk.pack == context_.salt, "a chunk was sealed for another pack");
    CHECK(fits(chunk.sealed.size()));
    if (!ids_.insert(chunk.header.id).second) return;
    entries_.push_back({.header = chunk.header,
                        .offset = static_cast<std::uint32_t>(bytes_.size()),
                        .sealed_length = static_cast<std::uint32_t>(chunk.sealed.size())});
    // Once it is big it becomes full: growing by doubling would copy it all again.
    if (bytes_.size() > kMiB && bytes_.capacity() < kPackSizeMax) bytes_.reserve(kPackSizeMax);
    lockstep::append(bytes_, chunk.sealed);
}

void PackBuilder::add(ChunkKind kind, const ChunkId& id, ByteView plaintext) {
    append(seal(kind, id, plaintext));
}

Result<Bytes> PackBuilder::open(const PackEntry& entry, ByteView sealed) const {
    return open_chunk(context_, entry.header, sealed, nullptr);
}

std::uint64_t PackBuilder::length() const {
    return unpadded_pack_length(bytes_.size() - kPackPrefixSize, entries_.size());
}

FinishedPack PackBuilder::finish() && {
    CHECK(!entries_.empty());
    PackTrailer trailer;
    trailer.pack_length = padded_pack_length(length());
    Bytes padding(trailer.pack_length - length());
    Bytes prefix(bytes_.begin(), bytes_.begin() + kPackPrefixSize);

    bytes_.reserve(trailer.pack_length);
    trailer.padding_offset = bytes_.size();
    append_sealed(bytes_, context_.key, pack_padding_aad(context_), padding, *random_);
    trailer.index_offset = bytes_.size();
    append_sealed(bytes_, context_.key, pack_index_aad(context_), encode_pack_index(entries_),
                  *random_);
    append_sealed(bytes_, context_.key, pack_trailer_aad(context_, prefix),
                  encode_pack_trailer(trailer), *random_);
    CHECK(bytes_.size() == trailer.pack_length);

    PackIdentity identity = identify_pack(bytes_);
    return {.bytes = std::move(bytes_),
            .identity = std::move(identity),
            .epoch = context_.epoch,
            .entries = std::move(entries_)};
}

}  // namespace lockstep
