// Bytes written to a file and not yet sealed: disjoint ranges, ordered by offset, the latest write
// on top.
//
// INVARIANT: ranges do not overlap; none is empty. They may touch: what is put beneath is not
// joined to what follows it. THREADS: none of its own; the owner locks.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/bytes.h"

namespace lockstep {

class DirtyRanges {
  public:
    struct Range {
        std::uint64_t offset = 0;
        std::uint64_t size = 0;
        std::uint64_t end() const { return offset + size; }
    };

    // Returns the size of the range that the written bytes are part of now.
    std::uint64_t write(std::uint64_t offset, ByteView data);
    // Writes only what is not dirty yet.
    void write_beneath(std::uint64_t offset, ByteView data);
    void write_beneath(const DirtyRanges& ranges);
    // Takes out what lies in one piece of at least this size, touching ranges together.
    DirtyRanges take(std::uint64_t size_min);
    // Forgets what lies at or behind `size`.
    void truncate(std::uint64_t size);
    // Forgets what lies in [offset, offset + size).
    void erase(std::uint64_t offset, std::uint64_t size);
    // Copies what is dirty in [offset, offset + out.size()) over `out`.
    void overlay(std::uint64_t offset, MutableByteView out) const;
    // What of [offset, offset + size) lies in one piece with the byte at `offset`; empty when that
    // is not dirty. Valid until the next change.
    ByteView view(std::uint64_t offset, std::uint64_t size) const;
    void clear();
    // A stream goes into the memory of one that has been sealed.
    void reuse(DirtyRanges&& sealed);
    void drop_spares() { spares_.clear(); }

    bool empty() const { return ranges_.empty(); }
    std::uint64_t bytes() const { return bytes_; }
    // The first range that ends behind `offset`, or one of size 0.
    Range next(std::uint64_t offset) const;
    // True when [offset, offset + size) is dirty throughout.
    bool covers(std::uint64_t offset, std::uint64_t size) const;

  private:
    Bytes take_spare();

    std::map<std::uint64_t, Bytes> ranges_;
    std::vector<Bytes> spares_;  // empty ones, of a stream's size; a few
    std::uint64_t bytes_ = 0;
};

}  // namespace lockstep
