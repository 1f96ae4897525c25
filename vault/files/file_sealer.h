// Turns what was written lately into chunks: one pass over a file at one moment.
//
// The result is canonical: the same bytes have the same chunks however they were written, because
// chunking starts anew at a cut and goes on until it meets an old cut again. Holes are the
// exception: a range never written stays a hole, zeros that were written do not.
//
// THREADS: one at a time; needs no lock, since nobody changes its input.
#pragma once

#include "vault/chunks/chunker.h"
#include "vault/chunks/content_list.h"
#include "vault/files/chunk_access.h"
#include "vault/files/dirty_ranges.h"

namespace lockstep {

// A file at one moment. `list` may be shorter than the file: the rest is dirty or a hole.
struct FileSnapshot {
    ContentList list;
    const DirtyRanges* dirty = nullptr;  // over the list
    std::uint64_t size = 0;
    std::uint64_t clean_cut = 0;  // chunks before it were cut by content, not by an end

    // Zeros where there is nothing.
    Status read(ChunkAccess& chunks, std::uint64_t offset, MutableByteView out) const;
};

// The bytes of `list` in [offset, offset + out.size()), zeros beyond its end.
Status read_content_list(ChunkAccess& chunks, const ContentList& list, std::uint64_t offset,
                         MutableByteView out);

// Where the data that begins at `from` ends: at a hole or at the end of the file, `limit` at most.
std::uint64_t end_of_data(const ContentList& list, const DirtyRanges& dirty, std::uint64_t size,
                          std::uint64_t from, std::uint64_t limit);

enum class SealMode {
    // Keeps the tail of a stream that goes on, which no content has cut yet.
    Stream,
    All,
};

class FileSealer {
  public:
    FileSealer(ChunkAccess& chunks, const Chunker& chunker, FileSnapshot snapshot)
        : chunks_(chunks), chunker_(chunker), file_(std::move(snapshot)) {}

    // After an error the chunks that were made are in the pool, and that is all.
    Status run(SealMode mode);

    // What the file is after run(): its list, and the tail that is still dirty over it.
    ContentList& list() { return file_.list; }
    std::uint64_t clean_cut() const { return file_.clean_cut; }
    std::uint64_t tail_offset() const { return tail_offset_; }
    const Bytes& tail() const { return tail_; }

  private:
    Result<std::uint64_t> seal_from(std::uint64_t offset, SealMode mode);
    Status write_batch(std::vector<ByteView>& batch, std::vector<Extent>& extents);
    Status extend_window(std::uint64_t position, std::uint64_t run_end);
    bool is_settled(std::uint64_t position, bool cut_by_content) const;
    std::uint64_t seal_start(std::uint64_t offset) const;
    std::uint64_t data_end(std::uint64_t from, std::uint64_t limit) const {
        return end_of_data(file_.list, *file_.dirty, file_.size, from, limit);
    }

    ChunkAccess& chunks_;
    const Chunker& chunker_;
    FileSnapshot file_;
    // The bytes being cut, from window_start_ on.
    Bytes window_;
    std::uint64_t window_start_ = 0;
    std::uint64_t tail_offset_ = 0;
    Bytes tail_;
};

}  // namespace lockstep
