// Where logs end: those of revoked devices, and retired ones.
//
// A revocation says for each log of its device how far its author had seen it. What accepted
// segments name that had not seen the revocation counts as well, with all before it: so nothing
// that was applied anywhere is taken back, and everybody comes to the same end, in whatever order
// segments arrive. A segment has not seen the revocation when its epoch was given to the revoked
// device. A retired log ends where its RETIRE says, or further, where a segment of another log
// names more of it. What is said of a log that was forked counts for the branches that lead there.
// Rules: DESIGN "Cut of a revocation"; vault/FORMAT.md, "Where logs end".
//
// THREADS: none of its own.
#pragma once

#include <map>
#include <optional>

#include "vault/core/log_branches.h"
#include "vault/keys/roster.h"
#include "vault/log/segment.h"

namespace lockstep {

class LogEnds {
  public:
    void note_accepted(const SegmentOuter& segment);

    // The last segment of the member's log (or branch) that counts; number 0: none does. Nullopt:
    // it goes on.
    std::optional<LogPosition> end_of(const LogBranches& branches, const Roster& roster,
                                      const RosterMember& member, const LogId& log) const;
    // Whether a segment that is not among `branches`, but has that place, lies beyond.
    bool is_beyond(const LogBranches& branches, const Roster& roster, const RosterMember& member,
                   const LogBranches::Place& place, const SegmentOuter& segment) const;

  private:
    // All that is said of the log and its branches; nullopt: nothing has ended it.
    std::optional<std::vector<std::pair<LogId, LogPosition>>> named_ends(
        const LogBranches& branches, const Roster& roster, const RosterMember& member,
        const LogId& log) const;
    // Of what the author had seen of a log.
    struct Witness {
        EpochId epoch;
        DeviceId author;
        auto operator<=>(const Witness&) const = default;
    };
    std::map<LogId, std::map<Witness, LogPosition>> named_;
};

}  // namespace lockstep
