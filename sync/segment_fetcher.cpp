#include "sync/segment_fetcher.h"

#include <algorithm>

#include "base/log.h"
#include "sync/adding_from_peer.h"

namespace lockstep {

namespace {

constexpr std::size_t kAddBatchMax = 256;
constexpr std::chrono::milliseconds kRefusalDelayMin{200}, kRefusalDelayMax{60'000};
constexpr std::chrono::seconds kNoSegmentDelay{10};

}  // namespace

std::uint64_t SegmentFetcher::number_here(const LogId& log) const {
    auto at = frontier_.find(log);
    return at == frontier_.end() ? 0 : at->second.number;
}

void SegmentFetcher::set_frontier(const Frontier& frontier) {
    frontier_ = frontier;
    for (auto at = asks_.begin(); at != asks_.end();)
        at = number_here(at->first) >= at->second.last ? asks_.erase(at) : std::next(at);
}

void SegmentFetcher::want_again(const SegmentRef& segment) {
    if (damaged_.size() >= kSegmentsWantedMax) return;  // the next reader notices it again
    damaged_.try_emplace(segment);
    plan_damaged(std::chrono::steady_clock::now());
}

// Peers in turn: one of them may have lost it as well.
void SegmentFetcher::plan_damaged(Time now) {
    for (auto& [segment, damaged] : damaged_) {
        if (damaged.from != 0 && now - damaged.since < kWantTimeout) continue;
        Peer* next = nullptr;
        for (auto& [link, peer] : peers_) {
            if (peer->is_spare || !peer->has_heads) continue;
            auto known = peer->heads.frontier.find(segment.log);
            if (known == peer->heads.frontier.end() || known->second.number < segment.number)
                continue;
            const bool is_later = link > damaged.from;
            if (next == nullptr || (is_later && next->link <= damaged.from)) next = peer.get();
        }
        if (next == nullptr) continue;
        damaged.from = next->link;
        damaged.since = now;
        next->session.send(WantSegmentsMessage{segment.log, segment.number, segment.number});
    }
}

void SegmentFetcher::plan() {
    auto now = std::chrono::steady_clock::now();
    plan_damaged(now);
    for (auto& [link, peer] : peers_) {
        if (peer->is_spare || !peer->has_heads || peer->keys_awaited != 0) continue;
        for (const auto& [log, position] : peer->heads.frontier) {
            std::uint64_t here = number_here(log);
            const bool is_other =
                here == position.number && here != 0 && frontier_.at(log) != position;
            if ((position.number <= here && !is_other) || asks_.count(log) != 0) continue;
            auto refusal = refusals_.find(log);
            if (refusal != refusals_.end() && now < refusal->second.until) continue;
            auto absent = not_before_.find({log, link});
            if (absent != not_before_.end() && now < absent->second) continue;
            // Another last segment than here: its log was forked.
            if (is_other) {
                ask(log, *peer, here, here, Ask::Search{.known = 0, .apart = here + 1});
                continue;
            }
            ask(log, *peer, here + 1,
                std::min<std::uint64_t>(position.number, here + kSegmentsWantedMax), std::nullopt);
        }
    }
}

void SegmentFetcher::ask(const LogId& log, Peer& peer, std::uint64_t first, std::uint64_t last,
                         std::optional<Ask::Search> search) {
    asks_[log] = {peer.link, last, std::chrono::steady_clock::now(), search};
    peer.session.send(WantSegmentsMessage{log, first, last});
}

// What one segment has told of where the peer's way parts from the one here.
void SegmentFetcher::search_fork(const SegmentRef& segment, LinkNumber from, Added added) {
    auto peer = peers_.find(from);
    auto at = asks_.find(segment.log);
    Ask::Search search{.known = 0, .apart = segment.number};
    if (at != asks_.end() && at->second.from == from && at->second.search) {
        if (at->second.last != segment.number) return;  // not the one that is awaited
        search = *at->second.search;
    }
    if (added == Added::Known) search.known = std::max(search.known, segment.number);
    if (added == Added::Apart) search.apart = std::min(search.apart, segment.number);
    asks_.erase(segment.log);
    const std::uint64_t next = search.known + (search.apart - search.known) / 2;
    if (peer == peers_.end() || search.apart <= search.known || next == search.known)
        return refuse_for_a_while(segment.log);
    ask(segment.log, *peer->second, next, next, search);
}

void SegmentFetcher::forget_refusals() {
    refusals_.clear();
    plan();
}

Status SegmentFetcher::on_part(Peer& peer, SegmentMessage message, std::size_t charge) {
    auto ask = asks_.find(message.segment.log);
    if (ask != asks_.end() && ask->second.from == peer.link)
        ask->second.since = std::chrono::steady_clock::now();
    TRY(AddedPart added, peer.segments.add(message.segment, message.size, message.offset,
                                           std::move(message.part), charge));
    if (added.released != 0) peer.session.taken(added.released);
    if (!added.object) return {};
    arrived_.push_back({peer.link, peer.member.device, message.segment, std::move(*added.object)});
    if (!is_adding_) add_arrived();
    return {};
}

void SegmentFetcher::add_arrived() {
    if (arrived_.empty()) return;
    is_adding_ = true;
    auto batch = std::make_shared<std::vector<Arrived>>();
    std::size_t count = std::min(arrived_.size(), kAddBatchMax);
    std::move(arrived_.begin(), arrived_.begin() + std::ptrdiff_t(count),
              std::back_inserter(*batch));
    arrived_.erase(arrived_.begin(), arrived_.begin() + std::ptrdiff_t(count));
    work_->in_order([this, batch, added = hooks_.added, alive = std::weak_ptr<int>(alive_),
                     &loop = loop_](Replica& replica) {
        auto outcomes = std::make_shared<std::vector<Outcome>>();
        for (const Arrived& item : *batch) {
            AddingFromPeer scope(item.device);
            outcomes->push_back(
                {item.from, item.ref, item.object.charge, replica.add_segment(item.object.bytes)});
        }
        added(replica);  // posts the new frontier ahead of the outcomes
        loop.post([this, outcomes, alive] {
            if (!alive.expired()) on_added(*outcomes);
        });
    });
}

void SegmentFetcher::on_added(const std::vector<Outcome>& outcomes) {
    is_adding_ = false;
    for (const Outcome& outcome : outcomes) {
        auto peer = peers_.find(outcome.from);
        if (peer != peers_.end()) peer->second->session.taken(outcome.charge);
        if (outcome.added.ok()) {
            damaged_.erase(outcome.ref);
            auto ask = asks_.find(outcome.ref.log);
            const bool is_searching =
                ask != asks_.end() && ask->second.search && ask->second.from == outcome.from;
            if (*outcome.added == Added::Apart ||
                (*outcome.added == Added::Known && is_searching)) {
                search_fork(outcome.ref, outcome.from, *outcome.added);
            } else if (*outcome.added == Added::Known && ask != asks_.end() &&
                       outcome.ref.number == ask->second.last) {
                // The peer goes by a name that the log had before it was forked, as yet.
                asks_.erase(ask);
                refuse_for_a_while(outcome.ref.log);
            } else if (*outcome.added == Added::Gap) {
                if (ask != asks_.end() && outcome.ref.number <= ask->second.last &&
                    ask->second.from == outcome.from)
                    asks_.erase(ask);
                // What a fork's branch follows is on its way.
                if (outcome.ref.number == 1) refuse_for_a_while(outcome.ref.log);
            } else if (*outcome.added == Added::Held) {
                refuse_for_a_while(outcome.ref.log);  // there is no hurry with what follows
            } else if (*outcome.added == Added::Stored) {
                if (is_searching) asks_.erase(ask);  // found: what follows it comes next
                refusals_.erase(outcome.ref.log);
            }
            continue;
        }
        const Error& error = outcome.added.error();
        asks_.erase(outcome.ref.log);
        refuse_for_a_while(outcome.ref.log);
        log_info("sync", "segment {} of log {} not added: {}", outcome.ref.number,
                 outcome.ref.log.to_hex(), error.message);
        if (error.kind == ErrorKind::Corrupt) hooks_.blamed(outcome.from);
    }
    add_arrived();
    plan();
}

void SegmentFetcher::refuse_for_a_while(const LogId& log) {
    if (refusals_.size() > kLogsMax) refusals_.clear();
    Refusal& refusal = refusals_[log];
    auto delay = kRefusalDelayMin * (1 << std::min(refusal.count++, 9));
    refusal.until = std::chrono::steady_clock::now() +
                    std::min<std::chrono::milliseconds>(delay, kRefusalDelayMax);
}

void SegmentFetcher::on_no_segment(Peer& peer, const SegmentRef& segment) {
    auto ask = asks_.find(segment.log);
    if (ask == asks_.end() || ask->second.from != peer.link) return;
    asks_.erase(ask);
    if (not_before_.size() > kLogsMax) not_before_.clear();
    not_before_[{segment.log, peer.link}] = std::chrono::steady_clock::now() + kNoSegmentDelay;
    plan();
}

void SegmentFetcher::on_peer_gone(LinkNumber link) {
    for (auto& [segment, damaged] : damaged_)
        if (damaged.from == link) damaged.since = {};
    for (auto at = asks_.begin(); at != asks_.end();)
        at = at->second.from == link ? asks_.erase(at) : std::next(at);
    plan();
}

void SegmentFetcher::on_tick(Time now) {
    for (auto at = asks_.begin(); at != asks_.end();) {
        auto peer = peers_.find(at->second.from);
        bool is_stuck = !is_adding_ && now - at->second.since > kWantTimeout;
        if (is_stuck && peer != peers_.end())
            not_before_[{at->first, at->second.from}] = now + kNoSegmentDelay;
        at = is_stuck ? asks_.erase(at) : std::next(at);
    }
    plan();
}

std::uint64_t SegmentFetcher::missing_count() const {
    std::map<LogId, std::uint64_t> furthest;
    for (const auto& [link, peer] : peers_)
        for (const auto& [log, position] : peer->heads.frontier)
            furthest[log] = std::max(furthest[log], position.number);
    std::uint64_t out = 0;
    for (const auto& [log, number] : furthest)
        if (number > number_here(log)) out += number - number_here(log);
    return out;
}

}  // namespace lockstep
