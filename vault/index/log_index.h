// What published segments say, as tables: the tree can be loaded from here instead of from the
// segments.
//
// Applying is set union: the same segment twice, or records that two devices derived alike, change
// nothing. THREADS: any.
#pragma once

#include <optional>
#include <vector>

#include "vault/crypto/hash.h"
#include "vault/log/log_split.h"
#include "vault/log/segment.h"

namespace lockstep {

class Index;

struct LogRow {
    LogId log;
    DeviceId device;
    IncarnationId incarnation;
    LogPosition last;  // of the last segment applied
    // The greatest stamp of this log that its own segments hold; time 0 when they hold none.
    std::uint64_t time = 0;
    bool operator==(const LogRow&) const = default;
};

// The records of a segment that was applied, encoded: decode_own_records(bytes, log), once
// `sum` was seen to be what blake2b() makes of them.
struct StoredRecords {
    LogId log;  // as the segment's header says
    Hash256 sum;
    Bytes bytes;
};

class LogIndex {
  public:
    explicit LogIndex(Index& index) : index_(index) {}

    // Segment, log, frontier, packs introduced and records in one transaction. Conflict when the
    // log already has another segment of that number, or when the number does not follow the last
    // one. `as`: what the segment is called when its log was forked.
    Status apply_segment(const SegmentOuter& segment, const RecordBatch& records,
                         const std::optional<SegmentRef>& as = std::nullopt);
    // What follows `kept` of the log goes by the tail's name from now on.
    Status split(const LogSplit& split);

    Result<bool> is_applied(const SegmentRef& segment);
    Result<Frontier> frontier();
    Result<std::vector<LogRow>> logs();  // sorted by log
    // The hash of the segment, and the sum of its records; nullopt: it is not applied.
    struct SegmentSums {
        SegmentHash segment;
        Hash256 records;
        bool operator==(const SegmentSums&) const = default;
    };
    Result<std::optional<SegmentSums>> sums(const SegmentRef& segment);
    // The greatest stamp of its own log that the log holds up to that segment; 0: none.
    Result<std::uint64_t> greatest_time(const SegmentRef& up_to);
    // Of a segment; empty when it is not applied. Corrupt when the sum is wrong.
    Result<std::vector<Record>> records_of(const SegmentRef& segment);
    Result<std::optional<SegmentRef>> introduced_by(const PackId& pack);
    Result<std::uint64_t> segment_count();
    // The greatest position of each log that the frontier of any segment names.
    Result<Frontier> named();

    // Segments in the order in which they were applied, some at a time, from `cursor` (0 to begin
    // with), which moves on. Empty: that was all. Corrupt when segments are missing.
    Result<std::vector<StoredRecords>> stored_records(std::uint64_t& cursor);
    // Every record applied, in the order in which they were. Corrupt when a sum is wrong.
    Result<std::vector<Record>> records();

  private:
    Index& index_;
};

}  // namespace lockstep
