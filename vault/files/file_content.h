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

// A range of a content, to be put into another one.
struct ContentPart {
    // A hole, a whole chunk, or bytes.
    struct Piece {
        std::uint64_t length = 0;
        ChunkId chunk;                // zeros: a hole or bytes
        bool ends_with_data = false;  // the chunk was cut by a hole or the end behind it
        Bytes bytes;                  // not empty: `length` bytes
    };
    std::vector<Piece> pieces;
    std::uint64_t length = 0;
};

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
    // The chunks that end in (from, to].
    std::vector<ChunkId> chunks_within(std::uint64_t from, std::uint64_t to) EXCLUDES_LOCK(mutex_);
    // All chunks that it refers to, once nothing is being sealed.
    std::vector<ChunkId> chunks() EXCLUDES_LOCK(mutex_);
    // TooLarge beyond kFileSizeMax.
    Status write(std::uint64_t offset, ByteView data) EXCLUDES_LOCK(mutex_);
    Status truncate(std::uint64_t size) EXCLUDES_LOCK(mutex_);

    // Ranges: file_content_ranges.cpp.
    // The first byte of data, or of a hole, at or behind `offset`; the end of the file is a hole.
    std::optional<std::uint64_t> find_data(std::uint64_t offset) EXCLUDES_LOCK(mutex_);
    std::optional<std::uint64_t> find_hole(std::uint64_t offset) EXCLUDES_LOCK(mutex_);
    // Bytes of the range that are no data; all that lies beyond the end.
    std::uint64_t hole_bytes(std::uint64_t offset, std::uint64_t length) EXCLUDES_LOCK(mutex_);
    // Makes a hole of what of the range lies within the file.
    Status punch(std::uint64_t offset, std::uint64_t length) EXCLUDES_LOCK(mutex_);
    // What of the range lies within the file. Seals first what is dirty.
    Result<ContentPart> part(std::uint64_t offset, std::uint64_t length) EXCLUDES_LOCK(mutex_);
    // Puts a part in place of the bytes at `offset`. On an error nothing has changed.
    Status put(std::uint64_t offset, ContentPart part) EXCLUDES_LOCK(mutex_);

    // What is in memory only.
    std::uint64_t dirty_bytes() EXCLUDES_LOCK(mutex_);
    // The size of the dirty range that was written last.
    std::uint64_t streamed_bytes() EXCLUDES_LOCK(mutex_);
    // Seals ranges of at least that size, but for the tail of a stream. Scattered small writes
    // stay. An error is kept for take_stream_error(); what it concerns stays dirty.
    void seal_stream(std::uint64_t range_size_min = kStreamSizeMin) EXCLUDES_LOCK(mutex_);
    Status take_stream_error() EXCLUDES_LOCK(mutex_);
    // Seals everything that is more than inline content. REQUIRES: nobody writes meanwhile
    Status seal_all() EXCLUDES_LOCK(mutex_);
    // Returns when nothing is being sealed.
    void wait_until_sealed() EXCLUDES_LOCK(mutex_);

    struct Sealed {
        std::optional<Bytes> bytes;  // the whole content, when it is at most kInlineContentSizeMax
        ContentList list;            // otherwise
    };
    // Seals everything and returns the whole content. REQUIRES: nobody writes meanwhile
    Result<Sealed> seal() EXCLUDES_LOCK(mutex_);

    // What was written since this was asked last, for the journal: the file was cut off at
    // `size_min`, and got these bytes then; at most about `bytes_max` of them, the rest with the
    // next call. REQUIRES: nobody writes meanwhile
    struct Written {
        struct Range {
            std::uint64_t offset = 0;
            Bytes bytes;
        };
        std::uint64_t size_min = 0, size = 0;
        std::vector<Range> ranges;
        bool is_all = false;
    };
    Result<Written> take_unjournaled(std::uint64_t bytes_max) EXCLUDES_LOCK(mutex_);
    // The journal did not take it: only sealing keeps it now.
    void set_journal_failed() EXCLUDES_LOCK(mutex_);
    // Whether that is much less than what seal() would have to read, cut and seal. Never after
    // changes that are more than writes.
    bool is_journal_cheaper() EXCLUDES_LOCK(mutex_);

  private:
    Status seal_ranges(SealMode mode, std::uint64_t range_size_min) REQUIRES_LOCK(mutex_);
    void wait_for_sealing() REQUIRES_LOCK(mutex_);
    Status read_now(std::uint64_t offset, MutableByteView out) REQUIRES_LOCK(mutex_);
    void reset(ContentList list) REQUIRES_LOCK(mutex_);
    void count_dirty() REQUIRES_LOCK(mutex_);
    void set_rebuilt() REQUIRES_LOCK(mutex_);
    void set_journaled() REQUIRES_LOCK(mutex_);
    std::uint64_t data_end(std::uint64_t from, std::uint64_t limit) const REQUIRES_LOCK(mutex_) {
        return end_of_data(*list_, dirty_, size(), from, limit);
    }
    std::optional<std::uint64_t> next_data(std::uint64_t offset) const REQUIRES_LOCK(mutex_);
    bool has_data_at(std::uint64_t offset) const REQUIRES_LOCK(mutex_);
    bool has_chunk_ending_at(std::uint64_t offset) const REQUIRES_LOCK(mutex_);
    Status punch_locked(std::uint64_t offset, std::uint64_t length) REQUIRES_LOCK(mutex_);
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
    // Since the journal was told last.
    IntervalSet unjournaled_ GUARDED_BY(mutex_);
    std::uint64_t size_min_ GUARDED_BY(mutex_) = 0;
    bool is_rebuilt_ GUARDED_BY(mutex_) = false;  // more than writes and truncates
    std::uint64_t streamed_ GUARDED_BY(mutex_) = 0;
    Status stream_error_ GUARDED_BY(mutex_);
    CondVar sealed_;
    std::uint64_t clean_cut_ GUARDED_BY(mutex_) = 0;  // as in FileSnapshot
    std::atomic<std::uint64_t> size_{0};
};

}  // namespace lockstep
