// What PackFetcher asks of whom, what it says of it to the others, and whom it trusts.
#include <algorithm>

#include "base/log.h"
#include "sync/pack_fetcher.h"

namespace lockstep {

namespace {
constexpr std::size_t kPlanWindow = 256;                  // packs of a queue looked at in one round
constexpr std::chrono::milliseconds kNobodyDelay{3'000};  // nobody has it: HAVE wakes it earlier
constexpr std::chrono::seconds kOneFailure{2};  // what fails within it has failed together
constexpr std::chrono::seconds kSlowAfter{10}, kTooLong{30};
constexpr int kTooSlowMax = 2;  // times that one pack changes its holder for slowness
}  // namespace

bool PackFetcher::goes_inline(const Want& want, const Peer& peer) const {
    if (want.is_now || want.avoid_torrent || want.pack.length <= kInlinePackSizeMax) return true;
    auto at = unreachable_until_.find(peer.member.device);
    return at != unreachable_until_.end() && std::chrono::steady_clock::now() < at->second;
}

// What it does not miss of what it knows, and has not left out by choice, it has.
bool PackFetcher::has_by_its_list(const PackId& pack, const Peer& peer) {
    return peer.is_abreast && peer.heads.left_out_packs == 0 && peer.misses &&
           peer.misses->count(pack) == 0;
}

bool PackFetcher::is_avoided(const Peer& peer, Time now) const {
    auto at = records_.find(peer.member.device);
    return at != records_.end() && now < at->second.avoided_until;
}

bool PackFetcher::is_fetched_by_peer(const PackId& pack, Time now) const {
    for (const auto& [link, peer] : peers_) {
        auto at = peer->fetching.find(pack);
        if (at == peer->fetching.end() || at->second.is_given_up || peer->is_spare) continue;
        if (!is_avoided(*peer, now)) return true;
    }
    return false;
}

// While other members miss packs too, little is asked of one holder at a time: what is under way to
// somebody is spread soonest when few packs share a thin line.
bool PackFetcher::has_room(const Want& want, const Peer& peer, const Round& round,
                           bool is_named) const {
    bool is_spread = is_shared(want.pack) && !round.rivals.empty() && !is_named;
    if (goes_inline(want, peer)) {
        std::size_t bytes_max = is_spread ? kSharedInlineBytesMax : kInlineWantBytesMax;
        return peer.inline_wants < kInlineWantsMax &&
               (want.is_now || peer.inline_want_bytes == 0 ||
                peer.inline_want_bytes + want.pack.length <= bytes_max);
    }
    return torrents_ < kTorrentWantsMax &&
           peer.torrent_wants < (is_spread ? kSharedWantsPerPeerMax : kTorrentWantsPerPeerMax);
}

bool PackFetcher::anybody_has_room(const Round& round) const {
    Want smallest, largest;
    largest.pack.length = kPackObjectSizeMax;
    return std::any_of(peers_.begin(), peers_.end(), [&](const auto& item) {
        const Peer& peer = *item.second;
        return !peer.is_spare && (has_room(smallest, peer, round, true) ||
                                  has_room(largest, peer, round, !peer.has.empty()));
    });
}

PackView PackFetcher::view_of(const Want& want, const Round& round) const {
    PackView view;
    view.is_urgent = want.is_now;
    view.is_shared = is_shared(want.pack);
    view.is_fetched_by_peer = view.is_shared && is_fetched_by_peer(want.pack.id, round.now);
    std::uint64_t rank = fetch_rank(device_, want.pack.id);
    view.is_ours_first =
        std::none_of(round.rivals.begin(), round.rivals.end(),
                     [&](const DeviceId& rival) { return fetch_rank(rival, want.pack.id) > rank; });
    view.has_waited_for_first = want.failures != 0 || round.now - want.queued >= kFirstTurn;
    view.has_waited_for_room =
        want.room_awaited != Time{} && round.now - want.room_awaited >= kRoomWait;
    std::vector<HolderView> avoided;
    for (const auto& [link, peer] : peers_) {
        if (peer->is_spare || !peer->has_heads || peer->lacking.count(want.pack.id) != 0) continue;
        HolderView holder;
        holder.link = link;
        if (peer->is_complete)
            holder.holding = HolderView::Holding::Complete;
        else if (peer->has.count(want.pack.id) != 0 || has_by_its_list(want.pack.id, *peer))
            holder.holding = HolderView::Holding::Named;
        else if (peer->misses && peer->misses->count(want.pack.id) != 0)
            continue;
        bool is_named = holder.holding == HolderView::Holding::Named;
        holder.has_room = has_room(want, *peer, round, is_named);
        holder.load =
            goes_inline(want, *peer) ? peer->inline_want_bytes : peer->torrent_wants * 2 * kMiB;
        (is_avoided(*peer, round.now) ? avoided : view.holders).push_back(holder);
    }
    // A peer that fails again and again is still better than none.
    if (view.holders.empty()) view.holders = std::move(avoided);
    return view;
}

void PackFetcher::plan() {
    if (peers_.empty()) return;
    Round round;
    round.now = std::chrono::steady_clock::now();
    for (const auto& [link, peer] : peers_)
        if (!peer->is_spare && peer->has_heads && !peer->is_complete &&
            !is_avoided(*peer, round.now))
            round.rivals.push_back(peer->member.device);
    plan_queue(now_queue_, round);
    plan_queue(small_queue_, round);
    plan_queue(large_queue_, round);
    announce(false);
    for (auto& [link, message] : round.asks)
        if (Peer* peer = peer_of(link)) peer->session.send(message);
    if (!round.some_wait_for_turn || std::exchange(turn_armed_, true)) return;
    loop_.post_after(kFirstTurn + std::chrono::milliseconds(10),
                     [this, alive = std::weak_ptr<int>(alive_)] {
                         if (alive.expired()) return;
                         turn_armed_ = false;
                         plan();
                     });
}

// Looks at the packs in order, a few at a time: first at those whose turn it is, then at the
// others. So packs arrive in about this order everywhere, and members that look at the same moment
// choose others. What has to wait keeps its place; in a long queue it goes to the end, so that the
// rest get their look.
void PackFetcher::plan_queue(std::deque<PackId>& queue, Round& round) {
    const std::size_t at_a_time = 2 * (round.rivals.size() + 1);
    std::vector<PackId> waiting;
    std::size_t looked_at_twice = 0;
    auto look_again = [&] {
        auto from = waiting.begin() + static_cast<std::ptrdiff_t>(looked_at_twice);
        waiting.erase(std::remove_if(from, waiting.end(),
                                     [&](const PackId& pack) {
                                         return anybody_has_room(round) &&
                                                plan_one(pack, round, true);
                                     }),
                      waiting.end());
        looked_at_twice = waiting.size();
    };
    while (!queue.empty() && waiting.size() < kPlanWindow && anybody_has_room(round)) {
        PackId pack = queue.front();
        queue.pop_front();
        if (!plan_one(pack, round, false)) waiting.push_back(pack);
        if (waiting.size() - looked_at_twice == at_a_time) look_again();
    }
    look_again();
    if (queue.size() > kPlanWindow)
        queue.insert(queue.end(), waiting.begin(), waiting.end());
    else
        queue.insert(queue.begin(), waiting.begin(), waiting.end());
}

// True when the pack need not wait in the queue any more.
bool PackFetcher::plan_one(const PackId& pack, Round& round, bool out_of_turn) {
    auto at = wants_.find(pack);
    if (at == wants_.end() || at->second.state != State::Queued) return true;
    Want& want = at->second;
    PackView view = view_of(want, round);
    FetchDecision decision = decide_fetch(view);
    switch (decision.step) {
        case FetchDecision::Step::AskOutOfTurn:
            if (!out_of_turn) return false;
            [[fallthrough]];
        case FetchDecision::Step::Ask:
            ask(want, *peers_.at(decision.from), round);
            return true;
        case FetchDecision::Step::WaitForRoom:
            if (want.room_awaited == Time{}) want.room_awaited = round.now;
            return false;
        case FetchDecision::Step::WaitForOther:
            round.some_wait_for_turn = round.some_wait_for_turn || !view.has_waited_for_first;
            return false;
        case FetchDecision::Step::NobodyHasIt:
            rest(want, kNobodyDelay);
            return true;
    }
    return true;
}

void PackFetcher::ask(Want& want, Peer& peer, Round& round) {
    want.from = peer.link;
    want.asked = want.since = round.now;
    want.received = 0;
    if (is_shared(want.pack)) on_their_way_.insert(want.pack.id);
    PackRoute route = PackRoute::Torrent;
    if (goes_inline(want, peer)) {
        want.state = State::Inline;
        route = want.is_now ? PackRoute::InlineNow : PackRoute::Inline;
        ++peer.inline_wants;
        peer.inline_want_bytes += static_cast<std::size_t>(want.pack.length);
    } else {
        want.state = State::TorrentAsked;
        ++peer.torrent_wants;
        ++torrents_;
    }
    log_debug("sync", "pack {} is asked of {}", want.pack.id.to_hex().substr(0, 8),
              peer.member.device.to_hex().substr(0, 8));
    WantPacksMessage& message = round.asks[peer.link];
    message.wants.push_back({want.pack, route});
    if (message.wants.size() == kPacksListedMax) {
        peer.session.send(message);
        message.wants.clear();
        round.asks.erase(peer.link);
    }
}

// Tells the members that miss packs as well what is on its way here.
void PackFetcher::announce(bool even_if_equal) {
    if (on_their_way_ == announced_ && !even_if_equal) return;
    FetchingMessage message;
    for (const PackId& pack : on_their_way_) {
        if (message.packs.size() == kFetchingListedMax) break;
        message.packs.push_back({pack, static_cast<std::uint32_t>(wants_.at(pack).received)});
    }
    announced_ = on_their_way_;
    announced_at_ = std::chrono::steady_clock::now();
    for (auto& [link, peer] : peers_)
        if (!peer->is_spare && !peer->is_complete) peer->session.send(message);
}

void PackFetcher::on_fetching(Peer& peer, const FetchingMessage& message) {
    auto now = std::chrono::steady_clock::now();
    std::map<PackId, Peer::Fetching> before;
    before.swap(peer.fetching);
    for (const auto& [pack, received] : message.packs) {
        if (peer.fetching.size() == kFetchingHeededMax) break;
        auto old = before.find(pack);
        Peer::Fetching entry = old == before.end() ? Peer::Fetching{now, now, 0} : old->second;
        if (received > entry.received) entry.moved = now;
        entry.received = std::max(entry.received, received);
        peer.fetching.emplace(pack, entry);
        // Both began at once: the one that is further goes on, or who comes first.
        auto at = wants_.find(pack);
        if (at == wants_.end() || at->second.is_now || entry.is_given_up) continue;
        Want& want = at->second;
        if (want.state != State::TorrentAsked && want.state != State::TorrentRuns) continue;
        Peer* from = peer_of(want.from);
        bool is_source = from != nullptr && from->link != peer.link && from->is_complete;
        if (!is_source || is_avoided(peer, now)) continue;
        auto theirs = std::pair(std::uint64_t{received}, fetch_rank(peer.member.device, pack));
        if (theirs < std::pair(want.received, fetch_rank(device_, pack))) continue;
        log_debug("sync", "pack {} is left to {}, which has {} of it; {} are here",
                  pack.to_hex().substr(0, 8), peer.member.device.to_hex().substr(0, 8), received,
                  want.received);
        net_.drop_fetch(pack);
        release(want);
        requeue(want);
    }
    plan();
}

// It said it would give something, or get something, and did not.
void PackFetcher::disappointed(Peer& peer, const char* why) {
    Record& record = records_[peer.member.device];
    auto now = std::chrono::steady_clock::now();
    if (record.broken != 0 && now - record.last < kOneFailure) return;
    record.last = now;
    auto delay = kAvoidMin * (1 << std::min(record.broken++, 5));
    delay = std::min<std::chrono::seconds>(delay, kAvoidMax);
    record.avoided_until = std::max(record.avoided_until, now + delay);
    log_info("sync", "{} is avoided for {} s: {}", peer.member.device.to_hex().substr(0, 8),
             delay.count(), why);
}

void PackFetcher::kept_its_word(const Peer& peer) {
    auto at = records_.find(peer.member.device);
    if (at != records_.end() && --at->second.broken <= 0) records_.erase(at);
}

// Whoever holds others up by saying that it is getting a pack gets no more time than it takes.
void PackFetcher::expire_promises(Time now) {
    for (auto& [link, peer] : peers_) {
        bool has_broken = false;
        for (auto& [pack, entry] : peer->fetching) {
            bool is_late = now - entry.moved > want_timeout_ || now - entry.since > kFetchHoldMax;
            if (!is_late || entry.is_given_up) continue;
            entry.is_given_up = true;
            has_broken = has_broken || wants_.count(pack) != 0;
        }
        if (has_broken) disappointed(*peer, "it does not get what it says it gets");
    }
}

// When nothing is left to begin, a pack that would come much later than all others is asked of
// somebody who is idle.
void PackFetcher::replace_slow(Time now) {
    if (!now_queue_.empty() || !small_queue_.empty() || !large_queue_.empty()) return;
    Round round;
    round.now = now;
    for (auto& [id, want] : wants_) {
        if (want.state != State::TorrentRuns && want.state != State::TorrentAsked) continue;
        auto age = std::chrono::duration_cast<std::chrono::milliseconds>(now - want.asked);
        if (age < kSlowAfter || want.times_too_slow == kTooSlowMax) continue;
        std::uint64_t left = want.pack.length - std::min(want.received, want.pack.length);
        // left / rate > kTooLong
        bool is_slow =
            left * static_cast<std::uint64_t>(age.count()) >
            want.received * static_cast<std::uint64_t>(std::chrono::milliseconds(kTooLong).count());
        if (!is_slow) continue;
        const PackId& pack = id;
        const LinkNumber from = want.from;
        bool others = std::any_of(peers_.begin(), peers_.end(), [&](const auto& item) {
            const Peer& peer = *item.second;
            bool may_have_it = peer.is_complete || peer.has.count(pack) != 0;
            return item.first != from && !peer.is_spare && may_have_it &&
                   peer.lacking.count(pack) == 0 && peer.torrent_wants == 0 &&
                   !is_avoided(peer, now);
        });
        if (!others) continue;
        ++want.times_too_slow;
        net_.drop_fetch(id);
        fail(want, true);
    }
}

}  // namespace lockstep
