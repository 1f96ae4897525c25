// Compaction: one segment that stands for a run of its log's segments. Format: vault/FORMAT.md,
// "Compacted segments".
//
// It holds all that the segments hold but their padding, so each can be made again from it, to the
// last bit, and proves by its hash that it is the right one. So nothing above the log's files knows
// of compaction: forks, ends of logs, collections and frontiers are about the segments themselves.
// What needs no vault key (headers, replicator parts, hashes) can be had from it without one.
//
// THREADS: any; pure functions.
#pragma once

#include <span>

#include "vault/log/segment.h"

namespace lockstep {

// Makes one segment of segments that follow each other, all under one epoch. The same ones always
// give the same bytes. `keys`: of that epoch, and of the device that wrote them.
// Invalid when they do not belong together; TooLarge when one segment does not hold them.
Result<Bytes> compact_segments(std::span<const Bytes> segments, const SegmentKeys& keys,
                               const SegmentLookup& lookup);

// What stands in the directory, or came from a peer, as the segments that it is about: itself, or
// those that it stands for. That they are what they say the compacted one's signature proves, and
// restore_segments() their hashes.
// REQUIRES: `outer` came from open_outer()
Result<std::vector<SegmentOuter>> segments_in(const SegmentOuter& outer);

// The segments that a compacted one stands for, as they were written. Corrupt when one of them is
// not what its hash says. REQUIRES: `outer` came from open_outer() of `bytes`, and is compacted
Result<std::vector<Bytes>> restore_segments(ByteView bytes, const SegmentOuter& outer,
                                            const VaultId& vault, const RecordKey& records_key,
                                            const SegmentOuterKey& outer_key);

// ---- what is worth it

// A file of a log that may become part of a compacted one.
struct CompactionItem {
    std::uint64_t first = 0, last = 0;  // numbers
    std::uint64_t size_bytes = 0;
    EpochId epoch;
};

// Neighbours whose count of segments is of the same order are put together, kCompactedRun of them
// or more: so every segment is written again once for each order, logarithmically often. No object
// becomes larger than this: large ones gain nothing.
inline constexpr std::size_t kCompactedRun = 16;
inline constexpr std::uint64_t kCompactedBytesMax = std::uint64_t{1} << 20;

// The first run that is worth it: the index of its first item and behind its last. `items`: sorted.
// With `at_once` any two neighbours are.
std::optional<std::pair<std::size_t, std::size_t>> plan_compaction(
    std::span<const CompactionItem> items, bool at_once);

}  // namespace lockstep
