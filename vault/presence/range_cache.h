// RangeCache: bytes of packs that are not here, as peers sent them.
//
// A pure cache on the disk: it outlives a restart, may be deleted at any time, and nothing in it is
// believed before its tag has been checked. When it is full the packs used longest ago go first
// (over a restart the order is forgotten).
//
// A file for each pack: records of u32 offset ‖ u32 length ‖ bytes, in the order in which they
// came; what follows the last whole record is dropped. THREADS: any.
#pragma once

#include <list>
#include <map>
#include <memory>

#include "base/disk.h"
#include "base/mutex.h"
#include "vault/packs/pack_bytes.h"
#include "vault/presence.h"

namespace lockstep {

class RangeCache {
  public:
    // Bytes of all files above `limit` are dropped.
    static Result<std::unique_ptr<RangeCache>> open(Disk& disk, fs::path directory,
                                                    std::uint64_t limit);

    // Fills `out` when all of it is here.
    bool read(const PackId& pack, std::uint64_t offset, MutableByteView out) EXCLUDES_LOCK(mutex_);
    bool covers(const PackId& pack, std::uint64_t offset, std::uint64_t length)
        EXCLUDES_LOCK(mutex_);
    Status add(const PackId& pack, std::uint32_t offset, ByteView bytes) EXCLUDES_LOCK(mutex_);
    void drop(const PackId& pack) EXCLUDES_LOCK(mutex_);
    std::uint64_t bytes() EXCLUDES_LOCK(mutex_);
    std::uint64_t bytes_of(const PackId& pack) EXCLUDES_LOCK(mutex_);
    void set_limit(std::uint64_t limit) EXCLUDES_LOCK(mutex_);

  private:
    struct Place {
        std::uint32_t length = 0;
        std::uint64_t position = 0;  // in the file
    };
    struct Entry {
        std::uint64_t size = 0;  // of the file
        bool is_loaded = false;
        std::map<std::uint32_t, Place> places;
        std::list<PackId>::iterator use;
    };

    RangeCache(Disk& disk, fs::path directory, std::uint64_t limit)
        : disk_(disk), directory_(std::move(directory)), limit_(limit) {}
    fs::path path_of(const PackId& pack) const { return directory_ / (pack.to_hex() + ".ranges"); }
    Status load(const PackId& pack, Entry& entry) REQUIRES_LOCK(mutex_);
    void drop_locked(const PackId& pack) REQUIRES_LOCK(mutex_);
    void trim(const PackId* keep) REQUIRES_LOCK(mutex_);

    Disk& disk_;
    const fs::path directory_;
    Mutex mutex_;
    std::uint64_t limit_ GUARDED_BY(mutex_);
    std::uint64_t bytes_ GUARDED_BY(mutex_) = 0;
    std::map<PackId, Entry> entries_ GUARDED_BY(mutex_);
    std::list<PackId> uses_ GUARDED_BY(mutex_);  // latest first
};

// A pack of which only some bytes are here: those of a request, and what a cache holds.
class SparsePackBytes final : public PackBytes {
  public:
    // `request` may be null; `bytes` are those of its spans, one after the other.
    SparsePackBytes(RangeCache& cache, const PackInfo& pack, const RangeRequest* request,
                    ByteView bytes)
        : cache_(cache), pack_(pack), request_(request), bytes_(bytes) {}
    std::uint64_t size() const override { return pack_.length; }
    // Unavailable when not all of it is here.
    Status read(std::uint64_t offset, MutableByteView out) const override;

  private:
    RangeCache& cache_;
    const PackInfo pack_;
    const RangeRequest* request_;
    ByteView bytes_;
};

}  // namespace lockstep
