#include "vault/core/log_ends.h"

#include <algorithm>

namespace lockstep {
namespace {

bool was_excluded(const Roster& roster, const EpochId& epoch, const DeviceId& device) {
    const RotateFact* rotation = roster.find_epoch(epoch);
    return rotation != nullptr &&
           std::binary_search(rotation->excluded.begin(), rotation->excluded.end(), device);
}

LogPosition cut_of(const std::vector<LogCut>& cuts, const LogId& log) {
    const auto at =
        std::find_if(cuts.begin(), cuts.end(), [&](const LogCut& cut) { return cut.log == log; });
    return at == cuts.end() ? LogPosition{} : LogPosition{at->number, at->hash};
}

}  // namespace

void LogEnds::note_accepted(const SegmentOuter& segment) {
    const Witness witness{segment.header.epoch, segment.replicator.device};
    for (const auto& [log, position] : segment.replicator.frontier) {
        LogPosition& seen = named_[log][witness];
        seen = std::max(seen, position);
    }
}

std::optional<LogPosition> LogEnds::end_of(const Roster& roster, const RosterMember& member,
                                           const LogId& log) const {
    const std::vector<LogCut>& cuts = member.is_revoked ? member.cuts : roster.retired();
    if (!member.is_revoked &&
        std::none_of(cuts.begin(), cuts.end(), [&](const LogCut& cut) { return cut.log == log; }))
        return std::nullopt;
    LogPosition end = cut_of(cuts, log);
    const auto witnesses = named_.find(log);
    if (witnesses == named_.end()) return end;
    for (const auto& [witness, position] : witnesses->second) {
        if (witness.author == member.device()) continue;
        if (member.is_revoked && was_excluded(roster, witness.epoch, member.device())) continue;
        end = std::max(end, position);
    }
    return end;
}

}  // namespace lockstep
