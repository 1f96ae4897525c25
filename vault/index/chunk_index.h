// Which pack holds which chunk. A chunk may lie in several packs (two devices sealed it).
//
// INVARIANT: an entry is only what a pack's index claims until mark_verified(): somebody opened the
// chunk in that pack and its content gave its id. THREADS: any.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "vault/types.h"

namespace lockstep {

class Index;

struct ChunkLocation {
    PackId pack;
    std::uint64_t pack_length = 0;
    EpochId epoch;
    std::uint8_t kind = 0;
    std::uint8_t compression = 0;
    std::uint32_t offset = 0;  // of the sealed chunk in the pack
    std::uint32_t sealed_length = 0;
    std::uint32_t raw_length = 0;
    bool is_present = false;    // the pack is in this vault directory
    bool is_verified = false;   // its content was seen to have this id
    bool is_condemned = false;  // its pack must not be deduplicated against
    bool operator==(const ChunkLocation&) const = default;
};

struct ChunkEntry {
    ChunkId id;
    std::uint8_t kind = 0;
    std::uint8_t compression = 0;
    std::uint32_t offset = 0;
    std::uint32_t sealed_length = 0;
    std::uint32_t raw_length = 0;
    bool operator==(const ChunkEntry&) const = default;
};

struct PackRow {
    PackInfo info;
    EpochId epoch;
    bool is_present = false;
    bool is_condemned = false;
    bool operator==(const PackRow&) const = default;
};

class ChunkIndex {
  public:
    explicit ChunkIndex(Index& index) : index_(index) {}

    // The best place: verified before not, present before absent, not condemned before condemned.
    // nullopt: nowhere.
    Result<std::optional<ChunkLocation>> find(const ChunkId& chunk);
    Result<std::vector<ChunkLocation>> find_all(const ChunkId& chunk);

    // A pack in this directory and what its index claims, in one transaction. `are_verified`: this
    // device sealed these chunks itself. Again for the same pack: no change.
    Status add_pack(const PackInfo& pack, const EpochId& epoch, std::span<const ChunkEntry> chunks,
                    bool are_verified);
    // A pack that is not here and what its index, as a peer sent it, claims. No change when the
    // pack's entries are known.
    Status add_absent_pack(const PackInfo& pack, const EpochId& epoch,
                           std::span<const ChunkEntry> chunks);
    // What an absent pack was said to hold is forgotten: its file has come and tells itself.
    Status forget_claims(const PackId& pack);
    // The pack's file has gone (evicted, lost); what it held stays known.
    Status set_present(const PackId& pack, bool is_present);
    Status set_condemned(const PackId& pack, bool is_condemned);
    // Collected: pack and entries are forgotten.
    Status forget_pack(const PackId& pack);
    Status mark_verified(const ChunkId& chunk, const PackId& pack);
    // The pack lied about the chunk: the entry is not found any more.
    Status drop_entry(const ChunkId& chunk, const PackId& pack);

    Result<std::optional<PackRow>> pack(const PackId& pack);
    Result<std::vector<PackRow>> packs();                           // sorted by id
    Result<std::vector<ChunkEntry>> chunks_of(const PackId& pack);  // sorted by id
    Result<std::vector<PackInfo>>
    missing_packs();  // introduced by a segment, not present, not forgotten

  private:
    Status put_pack(const char* upsert_sql, const PackInfo& pack, const EpochId& epoch,
                    std::span<const ChunkEntry> chunks, bool are_verified);
    Status set_flag(const char* sql, const PackId& pack, bool value);
    Status set_trust(const char* sql, const ChunkId& chunk, const PackId& pack);

    Index& index_;
};

}  // namespace lockstep
