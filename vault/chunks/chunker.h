// Cuts a file's bytes into chunks where its content says so, so that an insertion moves few cuts.
//
// FastCDC (2020) with normalized chunking: after kChunkSizeMin bytes a gear hash runs over the
// bytes; below kChunkSizeNormal a cut needs 18 zero bits of it, above only 14; kChunkSizeMax is a
// cut anyway. The mean over random bytes is near kChunkSizeAverage. Format: vault/FORMAT.md,
// "Chunks".
//
// INVARIANT: a cut depends on nothing before the chunk: chunking started anew at any cut yields the
// same following cuts, and a file of up to kChunkSizeMin bytes is one chunk.
#pragma once

#include <array>

#include "vault/chunks/gear_table.h"
#include "vault/limits.h"

namespace lockstep {

// From here on a cut is sixteen times likelier: lengths gather near the mean.
inline constexpr std::size_t kChunkSizeNormal = 52 * kKiB;

// THREADS: any, once made.
class Chunker {
  public:
    explicit Chunker(const GearTable& table);
    ~Chunker();
    Chunker(const Chunker&) = default;
    Chunker& operator=(const Chunker&) = default;

    // The length of the chunk that starts at data[0]. 0: no cut within `data`, and more bytes may
    // follow (never when data.size() >= kChunkSizeMax). With `at_end`, data ends the file and the
    // rest is a chunk.
    std::size_t cut(ByteView data, bool at_end) const;

  private:
    // The table, and the table shifted left by one: two bytes are taken at a step.
    GearTable gear_;
    GearTable gear_doubled_;
};

}  // namespace lockstep
