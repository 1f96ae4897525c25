#include "vault/core/log_branches.h"

#include <algorithm>

#include "base/check.h"

namespace lockstep {
namespace {

LogId branch_name(const SegmentHash& first) {
    return LogId::from(first.view().first(LogId::kSize));
}

}  // namespace

std::optional<LogBranches::Place> LogBranches::place_of(const SegmentOuter& segment) const {
    const LogId& origin = segment.header.log;
    const std::uint64_t before = segment.header.number - 1;
    for (const LogId& id : family_of(origin)) {
        auto at = branches_.find(id);
        if (at == branches_.end()) {
            // The log's first segment to come.
            if (before == 0 && segment.replicator.previous.is_zero())
                return Place{.parent = origin, .is_next = true};
            continue;
        }
        const Branch& branch = at->second;
        if (before < branch.before || before > branch.before + branch.hashes.size()) continue;
        const std::uint64_t number = before - branch.before;
        // What follows nothing of a branch follows its parent's last segment, and is found there.
        if (number == 0 && !branch.parent.is_zero()) continue;
        const SegmentHash expected = number == 0 ? SegmentHash{} : branch.hashes[number - 1];
        if (segment.replicator.previous != expected) continue;
        Place out{.parent = id, .number = number};
        const LogId name = branch_name(segment.hash);
        if (number < branch.hashes.size()) {
            out.is_known = branch.hashes[number] == segment.hash;
            out.is_name_taken = branches_.contains(branch_name(branch.hashes[number]));
        } else {
            const auto& children = branch.children;
            out.is_known = std::find(children.begin(), children.end(), name) != children.end();
            out.is_next = children.empty();
        }
        if (!out.is_known && !out.is_next) out.is_name_taken |= branches_.contains(name);
        return out;
    }
    return std::nullopt;
}

LogSplit LogBranches::split(const LogId& log, std::uint64_t kept) {
    Branch& head = branches_.at(log);
    CHECK(kept < head.hashes.size());
    const LogId name = branch_name(head.hashes[kept]);
    Branch tail{
        .origin = head.origin,
        .parent = log,
        .before = head.before + kept,
        .hashes = {head.hashes.begin() + static_cast<std::ptrdiff_t>(kept), head.hashes.end()},
        .children = std::move(head.children)};
    head.hashes.resize(kept);
    head.children = {name};
    LogSplit out{.log = log,
                 .kept = {kept, kept == 0 ? SegmentHash{} : head.hashes[kept - 1]},
                 .tail = name};
    for (const LogId& child : tail.children) branches_.at(child).parent = name;
    std::vector<LogId>& family = families_[tail.origin];
    if (family.empty()) family.push_back(tail.origin);
    family.push_back(name);
    branches_.emplace(name, std::move(tail));
    ++split_count_;
    return out;
}

LogBranches::Added LogBranches::add(const SegmentOuter& segment) {
    const std::optional<Place> place = place_of(segment);
    CHECK(place && !place->is_known);
    Branch& parent = branches_[place->parent];
    if (parent.hashes.empty() && parent.parent.is_zero()) parent.origin = segment.header.log;
    if (place->is_next) {
        parent.hashes.push_back(segment.hash);
        return {{place->parent, parent.hashes.size()}, std::nullopt};
    }
    Added out;
    if (place->number < parent.hashes.size()) out.split = split(place->parent, place->number);
    const LogId name = branch_name(segment.hash);
    parent.children.push_back(name);
    branches_[name] = {.origin = segment.header.log,
                       .parent = place->parent,
                       .before = segment.header.number - 1,
                       .hashes = {segment.hash},
                       .children = {}};
    families_[segment.header.log].push_back(name);
    out.segment = {name, 1};
    return out;
}

std::optional<SegmentRef> LogBranches::find(const LogId& log, const LogPosition& position) const {
    auto named = branches_.find(log);
    if (named == branches_.end() || position.number == 0) return std::nullopt;
    const std::uint64_t number = named->second.before + position.number;
    for (const LogId& id : family_of(named->second.origin)) {
        const Branch& branch = branches_.at(id);
        if (number <= branch.before || number > branch.before + branch.hashes.size()) continue;
        if (branch.hashes[number - branch.before - 1] != position.hash) continue;
        if (!descends_from(id, log)) continue;
        return SegmentRef{id, number - branch.before};
    }
    return std::nullopt;
}

std::vector<std::pair<LogId, LogPosition>> LogBranches::pieces_of(
    const LogId& log, const LogPosition& position) const {
    std::vector<std::pair<LogId, LogPosition>> out;
    const auto found = find(log, position);
    if (!found) return out;
    out.push_back({found->log, {found->number, position.hash}});
    while (out.back().first != log) {
        const LogId& parent = branches_.at(out.back().first).parent;
        out.push_back({parent, last_of(parent)});
    }
    std::reverse(out.begin(), out.end());
    return out;
}

LogPosition LogBranches::last_of(const LogId& branch) const {
    auto at = branches_.find(branch);
    if (at == branches_.end() || at->second.hashes.empty()) return {};
    return {at->second.hashes.size(), at->second.hashes.back()};
}

const SegmentHash& LogBranches::hash_of(const SegmentRef& segment) const {
    return branches_.at(segment.log).hashes.at(segment.number - 1);
}

SegmentRef LogBranches::header_of(const SegmentRef& segment) const {
    auto at = branches_.find(segment.log);
    if (at == branches_.end()) return segment;
    return {at->second.origin, at->second.before + segment.number};
}

LogId LogBranches::origin_of(const LogId& branch) const {
    auto at = branches_.find(branch);
    return at == branches_.end() ? branch : at->second.origin;
}

bool LogBranches::is_split(const LogId& branch) const {
    auto at = branches_.find(branch);
    return at != branches_.end() && !at->second.children.empty();
}

std::optional<LogId> LogBranches::parent_of(const LogId& branch) const {
    auto at = branches_.find(branch);
    if (at == branches_.end() || at->second.parent.is_zero()) return std::nullopt;
    return at->second.parent;
}

bool LogBranches::descends_from(const LogId& branch, const LogId& ancestor) const {
    for (LogId at = branch; !at.is_zero();) {
        if (at == ancestor) return true;
        auto known = branches_.find(at);
        if (known == branches_.end()) return false;
        at = known->second.parent;
    }
    return false;
}

std::vector<LogId> LogBranches::family_of(const LogId& log) const {
    auto family = families_.find(origin_of(log));
    if (family == families_.end()) return {origin_of(log)};
    return family->second;
}

std::vector<SegmentRef> LogBranches::named_by_header(const SegmentRef& header) const {
    std::vector<SegmentRef> out;
    for (const LogId& id : family_of(header.log))
        if (auto at = branches_.find(id); at != branches_.end() &&
                                          header.number > at->second.before &&
                                          header.number <= at->second.before + last_of(id).number)
            out.push_back({id, header.number - at->second.before});
    return out;
}

std::vector<LogId> LogBranches::all() const {
    std::vector<LogId> out;
    for (const auto& [id, branch] : branches_) out.push_back(id);
    return out;
}

std::uint64_t LogBranches::greatest_of(const LogId& origin) const {
    std::uint64_t out = 0;
    for (const LogId& id : family_of(origin))
        if (auto at = branches_.find(id); at != branches_.end())
            out = std::max(out, at->second.before + at->second.hashes.size());
    return out;
}

}  // namespace lockstep
