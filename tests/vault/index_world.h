// A history of calls to an index, made from one seed, to be applied to any index from any point on.
#pragma once

#include <variant>
#include <vector>

#include "tests/support/memory_disk.h"
#include "tests/vault/log_samples.h"
#include "vault/index/index.h"

namespace lockstep {

class IndexHistory {
  public:
    struct AppliedSegment {
        SegmentOuter outer;
        RecordBatch records;
    };
    struct AddedPack {
        PackInfo pack;
        std::vector<ChunkEntry> chunks;
    };
    using Call = std::variant<AppliedSegment, AddedPack>;

    // `calls` of them, by two devices, with about `records` records a segment.
    IndexHistory(std::uint64_t seed, std::size_t calls, std::size_t records);

    const std::vector<Call>& calls() const { return calls_; }
    Status apply(Index& index, std::size_t call) const;
    // What the directory would give an index that has seen some of the calls: those it lacks.
    Status catch_up(Index& index) const;
    // Of an index in memory after the first n calls; n from 0 to calls().
    const std::vector<std::array<std::byte, 32>>& digests() const { return digests_; }

  private:
    std::vector<Call> calls_;
    std::vector<std::array<std::byte, 32>> digests_;
};

// Where tests keep an index, with limits so small that it spills and checkpoints all the time.
struct IndexPlace {
    explicit IndexPlace(Disk& the_disk) : disk(the_disk) {}
    SealedFilesEnvironment environment() {
        return {disk, "/state/index.db", key.copy(), id_of<VaultId>(1), random};
    }
    Result<std::unique_ptr<Index>> open() {
        TRY_OK(disk.make_directories("/state"));
        return Index::open(environment(), {.cache_bytes = 64 * kKiB, .wal_pages = 12});
    }

    Disk& disk;
    IndexKey key = IndexKey::from(id_of<Id<void, 32>>(0x1d).view());
    SeededRandom random{77};
};

}  // namespace lockstep
