// The segments that are here, as the trees that they make.
//
// A log is a chain, until its device was cloned or restored from a backup and has written on twice:
// then two segments follow one. From there on both ways count, each as a log of its own, a branch,
// named by the first 16 bytes of its first segment's hash and numbered from 1. What they are called
// follows from the segments alone, so everybody comes to the same names in whatever order they
// arrive; a position under the log's older name is found by its hash. DESIGN 4, "Merge table";
// vault/FORMAT.md, "Forked logs".
//
// INVARIANT: every segment here is linked to the first of its log. THREADS: none of its own.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "vault/log/log_split.h"
#include "vault/log/segment.h"

namespace lockstep {

class LogBranches {
  public:
    // Where a segment belongs: behind position `number` of the branch `parent`.
    struct Place {
        LogId parent;
        std::uint64_t number = 0;
        bool is_known = false;  // it is here already
        bool is_next = false;   // it goes on the branch; else it begins one
        // It would begin one under a name that somebody has given to a log.
        bool is_name_taken = false;
    };
    // Nullopt: what it follows is not here.
    std::optional<Place> place_of(const SegmentOuter& segment) const;

    struct Added {
        SegmentRef segment;             // what it is called
        std::optional<LogSplit> split;  // what its parent's tail is called now
    };
    // REQUIRES: place_of() is a place, and it is not known
    Added add(const SegmentOuter& segment);

    // What the segment at that position is called now; nullopt: no such segment is here.
    std::optional<SegmentRef> find(const LogId& log, const LogPosition& position) const;
    // The chain that leads there from the beginning of `log`, which may have been split since:
    // one last position for each branch. Empty: no such segment is here.
    std::vector<std::pair<LogId, LogPosition>> pieces_of(const LogId& log,
                                                         const LogPosition& position) const;

    // The last segment here; number 0: none.
    LogPosition last_of(const LogId& branch) const;
    // The hash of a segment that is here.
    const SegmentHash& hash_of(const SegmentRef& segment) const;
    // What its header says: the log's own name, and the number from the log's beginning.
    SegmentRef header_of(const SegmentRef& segment) const;
    // The log that a branch is of; itself when it is unknown or no branch.
    LogId origin_of(const LogId& branch) const;
    bool is_split(const LogId& branch) const;
    // What it began behind the last segment of; nullopt: it is a log's beginning.
    std::optional<LogId> parent_of(const LogId& branch) const;
    // Whether `branch` is `ancestor`, or began behind a segment of it.
    bool descends_from(const LogId& branch, const LogId& ancestor) const;
    // All branches of the log, itself included.
    std::vector<LogId> family_of(const LogId& log) const;
    // What a header names: one, or several where a fork has given the number twice.
    std::vector<SegmentRef> named_by_header(const SegmentRef& header) const;
    // The greatest number, from the log's beginning, of its segments here.
    std::uint64_t greatest_of(const LogId& origin) const;
    std::vector<LogId> all() const;
    bool has_splits() const { return split_count_ != 0; }

  private:
    struct Branch {
        LogId origin;
        LogId parent;              // zero: the log itself
        std::uint64_t before = 0;  // number, from the log's beginning, of what its first follows
        std::vector<SegmentHash> hashes;
        std::vector<LogId> children;  // that begin behind its last segment
    };
    LogSplit split(const LogId& log, std::uint64_t kept);

    std::map<LogId, Branch> branches_;
    std::map<LogId, std::vector<LogId>> families_;  // by origin; of forked logs only
    std::size_t split_count_ = 0;
};

}  // namespace lockstep
