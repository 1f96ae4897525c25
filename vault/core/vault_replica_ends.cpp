// VaultReplica: logs that have ended, and what is held of them.
#include <algorithm>

#include "vault/core/vault_replica.h"

namespace lockstep {

std::vector<LogCut> VaultReplica::cuts_of(const DeviceId& device) {
    MutexLock lock(mutex_);
    std::vector<LogCut> out;
    for (const auto& [log, position] : frontier_)
        if (writers_.at(log) == device) out.push_back({log, position.number, position.hash});
    return out;
}

Frontier VaultReplica::frontier_to_merge() {
    MutexLock lock(mutex_);
    Frontier out = frontier_;
    for (auto at = out.begin(); at != out.end();) {
        if (auto end = end_in_roster(at->first, writers_.at(at->first));
            end && end->number < at->second.number)
            at->second = *end;
        at = at->second.number == 0 ? out.erase(at) : std::next(at);
    }
    return out;
}

bool VaultReplica::may_write() {
    const auto state = keys();
    const RosterMember* self = state->roster().find(device());
    return self != nullptr && self->is_active() && self->may_write();
}

bool VaultReplica::may_only_read() {
    const auto state = keys();
    const RosterMember* self = state->roster().find(device());
    return self != nullptr && self->is_active() && !self->may_write();
}

bool VaultReplica::is_revoked() {
    const auto state = keys();
    const RosterMember* self = state->roster().find(device());
    return self != nullptr && self->is_revoked;
}

bool VaultReplica::is_blind() {
    const auto state = keys();
    const RosterMember* self = state->roster().find(device());
    return self != nullptr && self->is_active() && self->role == MemberRole::Blind;
}

LogPosition VaultReplica::last_here(const LogId& log) {
    if (auto held = held_.find(log); held != held_.end()) return held->second;
    auto at = frontier_.find(log);
    return at == frontier_.end() ? LogPosition{} : at->second;
}

std::size_t VaultReplica::held_segments_of(const DeviceId& device) {
    std::size_t out = 0;
    for (const auto& [log, last] : held_) {
        if (writers_.at(log) != device) continue;
        auto at = frontier_.find(log);
        out += last.number - (at == frontier_.end() ? 0 : at->second.number);
    }
    return out;
}

std::optional<LogPosition> VaultReplica::end_in_roster(const LogId& log, const DeviceId& device) {
    const RosterMember* member = keys_->roster().find(device);
    if (member == nullptr) return std::nullopt;
    return ends_.end_of(branches_, keys_->roster(), *member, log);
}

std::optional<LogPosition> VaultReplica::end_of(const LogId& log) {
    MutexLock lock(mutex_);
    auto writer = writers_.find(log);
    return writer == writers_.end() ? std::nullopt : end_in_roster(log, writer->second);
}

// The first of the log's held segments, if what it follows is accepted.
std::optional<SegmentRef> VaultReplica::next_held(const LogId& log) {
    if (!held_.contains(log)) return std::nullopt;
    if (auto at = frontier_.find(log); at != frontier_.end())
        return SegmentRef{log, at->second.number + 1};
    if (const auto parent = branches_.parent_of(log)) {
        const LogPosition last = branches_.last_of(*parent);
        auto at = frontier_.find(*parent);
        if (last.number > (at == frontier_.end() ? 0 : at->second.number)) return std::nullopt;
    }
    return SegmentRef{log, 1};
}

// Takes over what is held and counts by now.
std::vector<SegmentRef> VaultReplica::release_held(const Frontier& before) {
    std::vector<SegmentRef> out;
    for (bool progress = true; progress;) {
        progress = false;
        std::vector<LogId> logs;
        {
            MutexLock lock(mutex_);
            for (const auto& [log, last] : held_) logs.push_back(log);
        }
        for (const LogId& log : logs) {
            std::optional<SegmentRef> next;
            {
                MutexLock lock(mutex_);
                next = next_held(log);
                if (!next) continue;
                const auto end = end_in_roster(log, writers_.at(log));
                // Another segment in the place of the last one that counts is not what was meant.
                if (end && (next->number > end->number ||
                            (next->number == end->number && branches_.hash_of(*next) != end->hash)))
                    continue;
            }
            const auto counted = before.find(log);
            const bool has_counted =
                counted != before.end() && next->number <= counted->second.number;
            auto outer = open_stored(*next);
            if (!outer.ok() && !has_counted) continue;
            MutexLock lock(mutex_);
            if (outer.ok())
                take_over(*outer, *next);
            else
                frontier_[log] = {next->number, branches_.hash_of(*next)};
            if (held_.at(log).number == next->number) held_.erase(log);
            if (!has_counted) out.push_back(*next);
            progress = true;
        }
    }
    return out;
}

bool VaultReplica::has_counted_beyond_cuts() {
    const LogEnds cuts;
    for (const auto& [log, last] : frontier_) {
        const RosterMember* member = keys_->roster().find(writers_.at(log));
        if (member == nullptr) continue;
        const auto end = cuts.end_of(branches_, keys_->roster(), *member, log);
        if (end && end->number < last.number) return true;
    }
    return false;
}

// When a log ends, segments behind its end may have come and said how far other logs count: they
// must not count for this, or whoever begins from the files, and never took them for good, comes to
// another end. So everything is asked again whether it counts, from the beginning.
std::vector<SegmentRef> VaultReplica::count_anew() {
    Frontier before;
    {
        MutexLock lock(mutex_);
        if (has_counted_beyond_cuts()) {
            before = std::exchange(frontier_, {});
            ends_ = {};
            for (const auto& [log, last] : before) held_.emplace(log, last);
        }
    }
    std::vector<SegmentRef> released = release_held(before);
    MutexLock lock(mutex_);
    for (const auto& [log, last] : before) {
        const auto at = frontier_.find(log);
        const std::uint64_t counts = at == frontier_.end() ? 0 : at->second.number;
        if (counts < last.number)
            introduced_.erase(introduced_.upper_bound({log, counts}),
                              introduced_.upper_bound({log, last.number}));
    }
    return released;
}

std::vector<HeldLog> VaultReplica::held() {
    MutexLock lock(mutex_);
    std::vector<HeldLog> out;
    for (const auto& [log, last] : held_) {
        auto at = frontier_.find(log);
        HeldLog held{.log = log, .device = writers_.at(log), .numbers = {}};
        for (std::uint64_t number = (at == frontier_.end() ? 0 : at->second.number) + 1;
             number <= last.number; ++number)
            if (!republished_.contains({log, number})) held.numbers.push_back(number);
        if (!held.numbers.empty()) out.push_back(std::move(held));
    }
    return out;
}

bool VaultReplica::is_republished(const SegmentRef& segment) {
    MutexLock lock(mutex_);
    return republished_.contains(segment);
}

Frontier VaultReplica::own_beyond_ends() {
    MutexLock lock(mutex_);
    Frontier out;
    const RosterMember* self = keys_->roster().find(device());
    if (self == nullptr || self->is_revoked) return out;
    for (const auto& [log, writer] : writers_) {
        if (writer != device()) continue;
        const auto end = ends_.end_of(branches_, keys_->roster(), *self, log);
        if (const LogPosition last = last_here(log); end && end->number < last.number)
            out[log] = last;
    }
    return out;
}

bool VaultReplica::accept_held(const LogId& log, const LogPosition& last) {
    std::optional<SegmentRef> next;
    {
        MutexLock lock(mutex_);
        auto held = held_.find(log);
        if (held == held_.end() || held->second.number < last.number) return false;
        next = next_held(log);
    }
    if (!next || next->number > last.number) return false;
    auto outer = open_stored(*next);
    if (!outer.ok()) return false;
    MutexLock lock(mutex_);
    take_over(*outer, *next);
    if (held_.at(log).number == next->number) held_.erase(log);
    return true;
}

void VaultReplica::accept_applied(const Frontier& applied) {
    std::vector<SegmentRef> released;
    {
        MutexLock write_lock(write_mutex_);
        bool has_any = false;
        // A branch may stand before what it begins behind.
        for (bool progress = true; progress;) {
            progress = false;
            for (const auto& [log, last] : applied)
                while (accept_held(log, last)) progress = true;
            has_any |= progress;
        }
        if (has_any) released = release_held();
    }
    for (const SegmentRef& segment : released)
        tell([&](ReplicaListener& listener) { listener.segment_added(segment); });
}

std::optional<VaultReplica::Testimony> VaultReplica::testimony_due(const Frontier& applied) {
    MutexLock lock(mutex_);
    const Roster& roster = keys_->roster();
    Testimony out;
    std::set<DeviceId> devices;
    for (const auto& [log, last] : applied) {
        const auto known = writers_.find(log);
        if (known == writers_.end() || known->second == device()) continue;
        const DeviceId& writer = known->second;
        const RosterMember* member = roster.find(writer);
        if (member == nullptr || (member->is_active() && member->may_write())) continue;
        auto end = ends_.end_of(branches_, roster, *member, log);
        if (!end || last.number <= end->number) continue;
        out.frontier[log] = last;
        devices.insert(writer);
    }
    if (out.frontier.empty()) return std::nullopt;
    // The newest epoch that none of them was kept from.
    for (auto epoch = roster.epochs().rbegin(); epoch != roster.epochs().rend(); ++epoch) {
        const bool has_seen =
            std::any_of(devices.begin(), devices.end(), [&](const DeviceId& device) {
                return std::binary_search(epoch->excluded.begin(), epoch->excluded.end(), device);
            });
        if (has_seen) continue;
        out.epoch = epoch->epoch;
        return out;
    }
    return std::nullopt;
}

Frontier VaultReplica::clipped_to_ends(Frontier frontier) {
    MutexLock lock(mutex_);
    for (auto at = frontier.begin(); at != frontier.end();) {
        auto writer = writers_.find(at->first);
        std::optional<LogPosition> end;
        if (writer != writers_.end()) {
            const RosterMember* member = keys_->roster().find(writer->second);
            // Naming more of a retired log is how it comes to count.
            if (member != nullptr && member->is_revoked)
                end = end_in_roster(at->first, writer->second);
        }
        if (end && end->number < at->second.number) at->second = *end;
        at = at->second.number == 0 ? frontier.erase(at) : std::next(at);
    }
    return frontier;
}

}  // namespace lockstep
