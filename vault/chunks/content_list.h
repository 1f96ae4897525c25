// A file's content in memory: an ordered list of whole chunks and holes.
//
// An extent is a chunk, named by its id, or a hole (zeros that take no space). Extents are never
// cut: a range that is replaced begins and ends where extents do, except inside holes, which split
// freely.
//
// INVARIANT: the list is in its one normal form: no extent is empty, no chunk is longer than
// kChunkSizeMax, no two holes touch. So equal lists have equal extents. THREADS: one at a time;
// const methods from any.
#pragma once

#include <vector>

#include "vault/limits.h"
#include "vault/types.h"

namespace lockstep {

struct Extent {
    ChunkId chunk;  // zeros: a hole
    std::uint64_t length = 0;

    bool is_hole() const { return chunk.is_zero(); }
    bool operator==(const Extent&) const = default;

    static Extent hole(std::uint64_t length) { return {.chunk = {}, .length = length}; }
};

class ContentList {
  public:
    ContentList() = default;
    // Brings `extents` into normal form. Invalid when a chunk is empty or too long, TooLarge beyond
    // kFileSizeMax or kContentExtentsMax.
    static Result<ContentList> from(std::vector<Extent> extents);

    std::uint64_t size() const { return ends_.empty() ? 0 : ends_.back(); }
    const std::vector<Extent>& extents() const { return extents_; }

    // Where extent `index` begins; the list's size when index is extents().size().
    std::uint64_t start_of(std::size_t index) const { return index == 0 ? 0 : ends_[index - 1]; }
    // The index of the extent that holds the byte at `offset`, extents().size() at or beyond the
    // end. Takes logarithmic time.
    std::size_t find(std::uint64_t offset) const;
    // Whether a range may begin or end here: an extent does, or the byte lies in a hole, or it is
    // the end.
    bool may_split_at(std::uint64_t offset) const;

    // Puts `extents` in place of the bytes [offset, offset + length); what follows moves if sizes
    // differ. Invalid when the range is not within the list or may not be split there, or an extent
    // is; TooLarge as with from(). The list is unchanged then.
    Status replace(std::uint64_t offset, std::uint64_t length, std::vector<Extent> extents);
    Status append(Extent extent);
    // Drops what lies beyond `size`, or extends with a hole. Invalid inside a chunk: replace that
    // chunk first.
    Status resize(std::uint64_t size);
    // Makes [offset, offset + length) a hole; extends the list when the range ends beyond it.
    Status punch_hole(std::uint64_t offset, std::uint64_t length);

    bool operator==(const ContentList& other) const { return extents_ == other.extents_; }

  private:
    // Adds up the ends of extents [from, end).
    void sum_from(std::size_t from);

    std::vector<Extent> extents_;
    std::vector<std::uint64_t> ends_;  // ends_[i]: where extent i ends
};

}  // namespace lockstep
