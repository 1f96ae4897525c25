// What published segments say, as tables: the tree can be loaded from here instead of from the
// segments.
//
// Applying is set union: the same segment twice, or records that two devices derived alike, change
// nothing. THREADS: any.
#pragma once

#include <optional>
#include <vector>

#include "vault/log/segment.h"

namespace lockstep {

class Index;

struct LogRow {
    LogId log;
    DeviceId device;
    IncarnationId incarnation;
    LogPosition last;  // of the last segment applied
    bool operator==(const LogRow&) const = default;
};

class LogIndex {
  public:
    explicit LogIndex(Index& index) : index_(index) {}

    // Segment, log, frontier, packs introduced and records in one transaction. Conflict when the
    // log already has another segment of that number, or when the number does not follow the last
    // one.
    Status apply_segment(const SegmentOuter& segment, const RecordBatch& records);

    Result<bool> is_applied(const SegmentRef& segment);
    Result<Frontier> frontier();
    Result<std::vector<LogRow>> logs();  // sorted by log
    Result<std::optional<SegmentRef>> introduced_by(const PackId& pack);
    Result<std::uint64_t> segment_count();

    // All records applied, each once: links, parents, names, attributes, versions, resolves,
    // deletes; within each sorted by its key.
    Result<std::vector<Record>> records();

  private:
    Index& index_;
};

}  // namespace lockstep
