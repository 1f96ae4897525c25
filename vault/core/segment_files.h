// Segments as they were written, from whatever files of the directory hold them: their own, or that
// of a compacted one that stands for them (vault/log/compaction.h).
//
// THREADS: any.
#pragma once

#include <functional>

#include "base/mutex.h"
#include "vault/log/compaction.h"
#include "vault/log/log_store.h"

namespace lockstep {

// Null: the epoch is not known.
using RecordKeys = std::function<const RecordKey*(const EpochId&)>;

// A verified file (or what came from a peer), and the segments that it holds or stands for.
struct OpenedSegments {
    SegmentOuter outer;
    std::vector<SegmentOuter> segments;  // one, or several if it is compacted

    bool is_compacted() const { return outer.replicator.compacted.has_value(); }
    // That it has when no other one has it.
    LogStore::Name name() const {
        return {.number = outer.header.number,
                .fork = {},
                .first = is_compacted() ? outer.replicator.compacted->first_number : 0};
    }
    std::vector<SegmentHash> hashes() const;
};
Result<OpenedSegments> open_segments(ByteView bytes, const SegmentLookup& lookup);

class SegmentFiles {
  public:
    // Both outlive this.
    SegmentFiles(LogStore& logs, SegmentLookup lookup) : logs_(logs), lookup_(std::move(lookup)) {}

    // Corrupt when it is not what its name says. What a compacted one stands for is noted.
    Result<OpenedSegments> open(const LogId& log, const LogStore::Name& name);
    // Notes compacted files that somebody has put into the log's directory.
    void find_compacted(const LogId& log);

    // Of a segment, by its header and hash.
    //
    // The file that holds it, whatever that is: what other devices are sent.
    Result<Bytes> file_of(const SegmentRef& header, const SegmentHash& hash);
    // All but its records.
    Result<SegmentOuter> outer_of(const SegmentRef& header, const SegmentHash& hash);
    // To the last bit as it was written.
    Result<Bytes> original(const SegmentRef& header, const SegmentHash& hash,
                           const RecordKeys& keys);

    // What a compacted one stands for, made again and compared with the hashes.
    Result<std::vector<Bytes>> restore(ByteView bytes, const OpenedSegments& opened,
                                       const RecordKeys& keys) const;

  private:
    // Of the last file asked for they are kept: whoever wants one wants the next one, too.
    using Originals = std::shared_ptr<const std::vector<Bytes>>;
    Result<Originals> originals_of(const LogId& log, const LogStore::Name& name,
                                   const RecordKeys& keys) EXCLUDES_LOCK(mutex_);
    template <typename Out, typename Read>
    Result<Out> try_files(const SegmentRef& header, const SegmentHash& hash, Read read);

    LogStore& logs_;
    const SegmentLookup lookup_;
    Mutex mutex_;
    LogId restored_log_ GUARDED_BY(mutex_);
    std::vector<SegmentHash> restored_contents_ GUARDED_BY(mutex_);
    Originals restored_ GUARDED_BY(mutex_);
};

}  // namespace lockstep
