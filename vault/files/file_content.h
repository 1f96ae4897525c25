// One file's content while it is open: what was written lately over sealed chunks.
//
// Writes gather in DirtyRanges; seal() turns them into chunks. The result is canonical: the same
// bytes have the same chunks however they were written, because chunking starts anew at a cut and
// goes on until it meets an old cut again. Holes are the exception: a range never written stays a
// hole, zeros that were written do not.
//
// THREADS: any; one mutex. read() fetches chunks without holding it.
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "base/mutex.h"
#include "vault/chunks/chunker.h"
#include "vault/chunks/content_list.h"
#include "vault/files/dirty_ranges.h"

namespace lockstep {

// Where the chunks of file contents come from and go to.
class ChunkAccess {
  public:
    virtual ~ChunkAccess() = default;
    // Waits for content that is not here yet; Unavailable when it does not come.
    virtual Result<std::shared_ptr<const Bytes>> read_chunk(const ChunkId& id) = 0;
    // Known at once to everybody who reads; durable with the pack or the journal.
    virtual Result<ChunkId> write_chunk(ByteView plaintext) = 0;
};

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
    FileContent(ChunkAccess& chunks, const Chunker& chunker) : chunks_(chunks), chunker_(chunker) {}

    // Replaces everything. Small contents come as bytes.
    void load(ContentList list) EXCLUDES_LOCK(mutex_);
    void load_bytes(ByteView bytes) EXCLUDES_LOCK(mutex_);

    std::uint64_t size() const { return size_.load(std::memory_order_relaxed); }
    // Bytes that are not holes.
    std::uint64_t allocated() EXCLUDES_LOCK(mutex_);

    // Fewer than asked only at the end.
    Result<std::size_t> read(std::uint64_t offset, MutableByteView out) EXCLUDES_LOCK(mutex_);
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
    // Seals what a stream has finished and keeps its tail, so that memory stays bounded while it
    // goes on.
    Status seal_finished() EXCLUDES_LOCK(mutex_);

    struct Sealed {
        std::optional<Bytes> bytes;  // the whole content, when it is at most kInlineContentSizeMax
        ContentList list;            // otherwise
    };
    // Seals everything and returns the whole content.
    Result<Sealed> seal() EXCLUDES_LOCK(mutex_);

  private:
    Status seal_ranges(bool is_final) REQUIRES_LOCK(mutex_);
    Result<std::uint64_t> seal_from(std::uint64_t offset, bool is_final) REQUIRES_LOCK(mutex_);
    bool is_settled(std::uint64_t position, bool cut_by_content) const REQUIRES_LOCK(mutex_);
    std::uint64_t seal_start(std::uint64_t offset) const REQUIRES_LOCK(mutex_);
    std::uint64_t data_end(std::uint64_t from, std::uint64_t limit) const REQUIRES_LOCK(mutex_);
    std::optional<std::uint64_t> next_data(std::uint64_t offset) const REQUIRES_LOCK(mutex_);
    bool has_data_at(std::uint64_t offset) const REQUIRES_LOCK(mutex_);
    bool has_chunk_ending_at(std::uint64_t offset) const REQUIRES_LOCK(mutex_);
    Status punch_locked(std::uint64_t offset, std::uint64_t length) REQUIRES_LOCK(mutex_);
    Status read_pieces(ContentPart& part);
    Status read_locked(std::uint64_t offset, MutableByteView out) REQUIRES_LOCK(mutex_);
    Status read_list(const ContentList& list, std::uint64_t offset, MutableByteView out);
    void set_size(std::uint64_t size) REQUIRES_LOCK(mutex_) {
        size_.store(size, std::memory_order_relaxed);
    }

    ChunkAccess& chunks_;
    const Chunker& chunker_;
    Mutex mutex_;
    ContentList list_
        GUARDED_BY(mutex_);  // may be shorter than the file: the rest is dirty or a hole
    DirtyRanges dirty_ GUARDED_BY(mutex_);
    std::uint64_t clean_cut_ GUARDED_BY(mutex_) =
        0;  // chunks before it were cut by content, not by an end
    std::atomic<std::uint64_t> size_{0};
};

}  // namespace lockstep
