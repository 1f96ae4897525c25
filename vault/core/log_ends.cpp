#include "vault/core/log_ends.h"

#include <algorithm>

namespace lockstep {
namespace {

bool was_excluded(const Roster& roster, const EpochId& epoch, const DeviceId& device) {
    const RotateFact* rotation = roster.find_epoch(epoch);
    return rotation != nullptr &&
           std::binary_search(rotation->excluded.begin(), rotation->excluded.end(), device);
}

}  // namespace

void LogEnds::note_accepted(const SegmentOuter& segment) {
    const Witness witness{segment.header.epoch, segment.replicator.device};
    for (const auto& [log, position] : segment.replicator.frontier) {
        LogPosition& seen = named_[log][witness];
        seen = std::max(seen, position);
    }
}

std::optional<std::vector<std::pair<LogId, LogPosition>>> LogEnds::named_ends(
    const LogBranches& branches, const Roster& roster, const RosterMember& member,
    const LogId& log) const {
    std::vector<std::pair<LogId, LogPosition>> out;
    // Who may write no more had its logs retired, as far as they were known then.
    bool has_ended = member.is_revoked || !member.may_write();
    for (const LogCut& cut : member.is_revoked ? member.cuts : roster.retired()) {
        if (branches.origin_of(cut.log) != branches.origin_of(log)) continue;
        out.emplace_back(cut.log, LogPosition{cut.number, cut.hash});
        has_ended |= branches.descends_from(log, cut.log);
    }
    if (!has_ended) return std::nullopt;
    for (const LogId& each : branches.family_of(log)) {
        const auto witnesses = named_.find(each);
        if (witnesses == named_.end()) continue;
        for (const auto& [witness, position] : witnesses->second) {
            // A revoked device does not say how far its logs count; who is a member may.
            if (member.is_revoked && (witness.author == member.device() ||
                                      was_excluded(roster, witness.epoch, member.device())))
                continue;
            out.emplace_back(each, position);
        }
    }
    return out;
}

std::optional<LogPosition> LogEnds::end_of(const LogBranches& branches, const Roster& roster,
                                           const RosterMember& member, const LogId& log) const {
    const auto ends = named_ends(branches, roster, member, log);
    if (!ends) return std::nullopt;
    LogPosition end;
    for (const auto& [named, position] : *ends) {
        const auto found = branches.find(named, position);
        if (!found && named == log && !branches.is_split(log)) end = std::max(end, position);
        if (!found) continue;
        if (found->log == log)
            end = std::max(end, {found->number, position.hash});
        else if (branches.descends_from(found->log, log))
            end = std::max(end, branches.last_of(log));
    }
    return end;
}

bool LogEnds::is_beyond(const LogBranches& branches, const Roster& roster,
                        const RosterMember& member, const LogBranches::Place& place,
                        const SegmentOuter& segment) const {
    const auto ends = named_ends(branches, roster, member, place.parent);
    if (!ends) return false;
    for (const auto& [named, position] : *ends)
        if (position.hash == segment.hash) return false;
    if (!place.is_next) return true;
    const auto end = end_of(branches, roster, member, place.parent);
    // Another segment in the place of the last one that counts is not what was meant.
    return !end || place.number + 1 >= end->number;
}

}  // namespace lockstep
