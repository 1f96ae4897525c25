// Fills one pack in memory.
//
// The salt is fixed at the beginning, so chunks can be sealed on worker threads, outside any lock,
// and be appended in whatever order they are done. Format: vault/FORMAT.md, "Packs".
//
// THREADS: seal() from any, also while another thread appends or finishes; everything else one at a
// time.
#pragma once

#include <unordered_set>

#include "vault/packs/pack_format.h"
#include "vault/packs/pack_torrent_id.h"

namespace lockstep {

struct FinishedPack {
    Bytes bytes;
    PackIdentity identity;  // id, length and piece layers
    EpochId epoch;
    std::vector<PackEntry> entries;

    const PackInfo& info() const { return identity.info; }
};

class PackBuilder {
  public:
    // A new pack; `pack_base` is EpochKeys::pack_base of the epoch. `random` outlives the builder.
    // `buffer` is memory to use again: its content is forgotten.
    PackBuilder(const AnySecretKey& pack_base, const VaultId& vault, const EpochId& epoch,
                Random& random, Bytes buffer = {});

    // REQUIRES: as seal_chunk()
    SealedChunk seal(ChunkKind kind, const ChunkId& id, ByteView plaintext) const;

    // Whether one more chunk of this sealed length fits. An empty pack has room for any chunk.
    bool fits(std::size_t sealed_length) const;
    bool holds(const ChunkId& id) const { return ids_.contains(id); }
    // Takes a chunk sealed by this builder. A chunk that the pack holds already is dropped.
    // REQUIRES: fits(chunk.sealed.size())
    void append(SealedChunk chunk);
    // seal() and append().
    void add(ChunkKind kind, const ChunkId& id, ByteView plaintext);

    // Where a chunk that was appended last lies.
    const PackEntry& last_entry() const { return entries_.back(); }
    // Its sealed bytes, until the next append() or finish().
    ByteView sealed(const PackEntry& entry) const {
        return ByteView(bytes_).subspan(entry.offset, entry.sealed_length);
    }
    // The plaintext of a chunk that this builder sealed. THREADS: any, also after finish().
    Result<Bytes> open(const PackEntry& entry, ByteView sealed) const;

    std::size_t chunk_count() const { return entries_.size(); }
    bool empty() const { return entries_.empty(); }
    // Bytes so far, without padding.
    std::uint64_t length() const;
    const EpochId& epoch() const { return context_.epoch; }

    // Pads, seals index and trailer, and names the pack.
    // REQUIRES: not empty
    FinishedPack finish() &&;

  private:
    PackContext context_;
    Random* random_;
    Bytes bytes_;
    std::vector<PackEntry> entries_;
    std::unordered_set<ChunkId> ids_;
};

}  // namespace lockstep
