// One file's content while it is open: what was written lately over sealed chunks.
//
// Writes gather in DirtyRanges; a FileSealer turns them into chunks, while readers and writers go
// on: what is being sealed lies between the list and what is written meanwhile.
//
// THREADS: any; one mutex. read() fetches chunks without holding it, sealing runs without it, one
// at a time; what cannot go on beside sealing (truncate, load) waits for it.
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "base/mutex.h"
#include "vault/files/chunk_access.h"
#include "vault/files/file_sealer.h"
#include "vault/files/interval_set.h"
#include "vault/limits.h"

namespace lockstep {

inline constexpr std::uint64_t kStreamSizeMin = kMiB;

// Bytes in memory only, of all files that count here.
using DirtyTotal = std::atomic<std::uint64_t>;

class FileContent {
  public:
    FileContent(ChunkAccess& chunks, const Chunker& chunker, DirtyTotal* total = nullptr)
        : chunks_(chunks), chunker_(chunker), total_(total) {}
    ~FileContent();
    FileContent(const FileContent&) = delete;
    FileContent& operator=(const FileContent&) = delete;

    // Replaces everything. Small contents come as bytes.
    void load(ContentList list) EXCLUDES_LOCK(mutex_);
    void load_bytes(ByteView bytes) EXCLUDES_LOCK(mutex_);

    std::uint64_t size() const { return size_.load(std::memory_order_relaxed); }
    // Bytes that are not holes.
    std::uint64_t allocated() EXCLUDES_LOCK(mutex_);

    // Fewer than asked only at the end.
    Result<std::size_t> read(std::uint64_t offset, MutableByteView out) EXCLUDES_LOCK(mutex_);
    // Up to `max` chunks that hold the bytes from `offset` on, for read-ahead.
    std::vector<ChunkId> chunks_from(std::uint64_t offset, std::size_t max) EXCLUDES_LOCK(mutex_);
    // TooLarge beyond kFileSizeMax.
    Status write(std::uint64_t offset, ByteView data) EXCLUDES_LOCK(mutex_);
    Status truncate(std::uint64_t size) EXCLUDES_LOCK(mutex_);

    // What is in memory only.
    std::uint64_t dirty_bytes() EXCLUDES_LOCK(mutex_);
    // The size of the dirty range that was written last.
    std::uint64_t streamed_bytes() EXCLUDES_LOCK(mutex_);
    // Seals ranges of at least that size, but for the tail of a stream. Scattered small writes
    // stay. An error is kept for take_stream_error(); what it concerns stays dirty.
    void seal_stream(std::uint64_t range_size_min = kStreamSizeMin) EXCLUDES_LOCK(mutex_);
    Status take_stream_error() EXCLUDES_LOCK(mutex_);
    // Returns when nothing is being sealed.
    void wait_until_sealed() EXCLUDES_LOCK(mutex_);

    struct Sealed {
        std::optional<Bytes> bytes;  // the whole content, when it is at most kInlineContentSizeMax
        ContentList list;            // otherwise
    };
    // Seals everything and returns the whole content. REQUIRES: nobody writes meanwhile
    Result<Sealed> seal() EXCLUDES_LOCK(mutex_);

    // What was written since this was asked last: for the journal. REQUIRES: nobody writes
    // meanwhile
    struct Written {
        std::uint64_t offset = 0;
        Bytes bytes;
    };
    std::uint64_t unjournaled_bytes() EXCLUDES_LOCK(mutex_);
    Result<std::vector<Written>> take_unjournaled() EXCLUDES_LOCK(mutex_);
    // Roughly what seal() would read, cut and seal.
    std::uint64_t seal_cost() EXCLUDES_LOCK(mutex_);

  private:
    Status seal_ranges(SealMode mode, std::uint64_t range_size_min) REQUIRES_LOCK(mutex_);
    void wait_for_sealing() REQUIRES_LOCK(mutex_);
    Status read_now(std::uint64_t offset, MutableByteView out) REQUIRES_LOCK(mutex_);
    void reset(ContentList list) REQUIRES_LOCK(mutex_);
    void count_dirty() REQUIRES_LOCK(mutex_);
    void set_size(std::uint64_t size) REQUIRES_LOCK(mutex_) {
        size_.store(size, std::memory_order_relaxed);
    }

    ChunkAccess& chunks_;
    const Chunker& chunker_;
    DirtyTotal* const total_;
    Mutex mutex_;
    std::uint64_t counted_ GUARDED_BY(mutex_) = 0;  // in *total_
    // May be shorter than the file: the rest is dirty or a hole. Never changed in place.
    std::shared_ptr<const ContentList> list_ GUARDED_BY(mutex_) =
        std::make_shared<const ContentList>();
    std::shared_ptr<const DirtyRanges> sealing_ GUARDED_BY(mutex_);  // over list_; null: nothing
    DirtyRanges dirty_ GUARDED_BY(mutex_);                           // over both
    IntervalSet unjournaled_ GUARDED_BY(mutex_);
    std::uint64_t streamed_ GUARDED_BY(mutex_) = 0;
    Status stream_error_ GUARDED_BY(mutex_);
    CondVar sealed_;
    std::uint64_t clean_cut_ GUARDED_BY(mutex_) = 0;  // as in FileSnapshot
    std::atomic<std::uint64_t> size_{0};
};

}  // namespace lockstep
