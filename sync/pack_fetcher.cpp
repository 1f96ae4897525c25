#include "sync/pack_fetcher.h"

#include <algorithm>

#include "base/log.h"
#include "base/random.h"
#include "sync/adding_from_peer.h"

namespace lockstep {

namespace {
constexpr std::chrono::milliseconds kRetryDelayMin{100}, kRetryDelayMax{20'000};
constexpr std::chrono::milliseconds kNobodyDelay{3'000};  // nobody has it: HAVE wakes it earlier
}  // namespace

PackFetcher::PackFetcher(TorrentSession& net, SyncLoop& loop, std::shared_ptr<ReplicaWork> work,
                         PeerTable& peers, Hooks hooks)
    : net_(net),
      loop_(loop),
      work_(std::move(work)),
      peers_(peers),
      hooks_(std::move(hooks)),
      shuffle_(system_random().u64()) {}

PackFetcher::~PackFetcher() {
    for (const auto& [id, want] : wants_)
        if (want.state == State::TorrentAsked || want.state == State::TorrentRuns)
            net_.drop_fetch(id);
}

void PackFetcher::add_missing(std::vector<PackInfo> packs) {
    std::shuffle(packs.begin(), packs.end(), shuffle_);
    for (const PackInfo& pack : packs) {
        auto [at, is_new] = wants_.emplace(pack.id, Want{pack});
        if (!is_new) continue;
        missing_bytes_ += pack.length;
        if (pushed_.count(pack.id) != 0)
            at->second.state = State::Storing;
        else
            requeue(at->second);
    }
}

void PackFetcher::want_now(const PackInfo& pack) {
    auto [at, is_new] = wants_.emplace(pack.id, Want{pack});
    Want& want = at->second;
    if (is_new) missing_bytes_ += pack.length;
    bool was_now = std::exchange(want.is_now, true);
    if (want.state == State::Storing || want.state == State::Inline || was_now) return plan();
    if (want.state == State::TorrentAsked || want.state == State::TorrentRuns) {
        net_.drop_fetch(pack.id);
        release(want);
    }
    requeue(want);
    plan();
}

void PackFetcher::retain(const std::vector<PackInfo>& packs) {
    std::set<PackId> kept;
    for (const PackInfo& pack : packs) kept.insert(pack.id);
    std::vector<PackId> gone;
    for (const auto& [id, want] : wants_)
        if (!want.is_now && want.state != State::Storing && !kept.contains(id)) gone.push_back(id);
    for (const PackId& pack : gone) forget(pack);
}

bool PackFetcher::forget(const PackId& pack) {
    auto at = wants_.find(pack);
    if (at == wants_.end()) return false;
    if (at->second.state == State::TorrentAsked || at->second.state == State::TorrentRuns)
        net_.drop_fetch(pack);
    release(at->second);
    missing_bytes_ -= at->second.pack.length;
    wants_.erase(at);
    return true;
}

bool PackFetcher::goes_inline(const Want& want) const {
    return want.is_now || want.avoid_torrent || want.pack.length <= kInlinePackSizeMax;
}

// The least loaded peer that may have it and has room. `somebody_has_it` says whether waiting for
// room helps.
Peer* PackFetcher::choose_peer(const Want& want, bool& somebody_has_it) {
    Peer* best = nullptr;
    std::size_t best_load = 0;
    for (auto& [link, peer] : peers_) {
        if (peer->is_spare || !peer->has_heads || peer->lacking.count(want.pack.id) != 0) continue;
        somebody_has_it = true;
        std::size_t load = 0;
        if (goes_inline(want)) {
            bool has_room =
                peer->inline_wants < kInlineWantsMax &&
                (peer->inline_want_bytes + want.pack.length <= kInlineWantBytesMax || want.is_now);
            if (!has_room) continue;
            load = peer->inline_want_bytes;
        } else {
            if (peer->torrent_wants >= kTorrentWantsPerPeerMax || torrents_ >= kTorrentWantsMax)
                continue;
            load = peer->torrent_wants * 2 * kMiB;
        }
        if (peer->heads.missing_packs + peer->heads.left_out_packs != 0) load += kMiB;
        if (best == nullptr || load < best_load || (load == best_load && shuffle_() % 2 == 0)) {
            best = peer.get();
            best_load = load;
        }
    }
    return best;
}

void PackFetcher::plan() {
    if (peers_.empty()) return;
    std::map<LinkNumber, WantPacksMessage> asks;
    while (plan_queue(now_queue_, asks)) {
    }
    while (plan_queue(small_queue_, asks)) {
    }
    while (plan_queue(large_queue_, asks)) {
    }
    for (auto& [link, message] : asks)
        if (Peer* peer = peer_of(link)) peer->session.send(message);
}

// Deals with the first of the queue; false when it must wait for room.
bool PackFetcher::plan_queue(std::deque<PackId>& queue,
                             std::map<LinkNumber, WantPacksMessage>& asks) {
    if (queue.empty()) return false;
    auto at = wants_.find(queue.front());
    if (at == wants_.end() || at->second.state != State::Queued) {
        queue.pop_front();
        return true;
    }
    bool somebody_has_it = false;
    Peer* peer = choose_peer(at->second, somebody_has_it);
    if (peer == nullptr && somebody_has_it) return false;
    queue.pop_front();
    if (peer != nullptr)
        ask(at->second, *peer, asks);
    else
        rest(at->second, kNobodyDelay);
    return true;
}

void PackFetcher::ask(Want& want, Peer& peer, std::map<LinkNumber, WantPacksMessage>& asks) {
    want.from = peer.link;
    want.since = std::chrono::steady_clock::now();
    PackRoute route = PackRoute::Torrent;
    if (goes_inline(want)) {
        want.state = State::Inline;
        route = want.is_now ? PackRoute::InlineNow : PackRoute::Inline;
        ++peer.inline_wants;
        peer.inline_want_bytes += static_cast<std::size_t>(want.pack.length);
    } else {
        want.state = State::TorrentAsked;
        ++peer.torrent_wants;
        ++torrents_;
    }
    WantPacksMessage& message = asks[peer.link];
    message.wants.push_back({want.pack, route});
    if (message.wants.size() == kPacksListedMax) {
        peer.session.send(message);
        message.wants.clear();
        asks.erase(peer.link);
    }
}

void PackFetcher::release(Want& want) {
    Peer* peer = peer_of(std::exchange(want.from, 0));
    if (want.state == State::Inline && peer != nullptr) {
        --peer->inline_wants;
        peer->inline_want_bytes -= static_cast<std::size_t>(want.pack.length);
    } else if (want.state == State::TorrentAsked || want.state == State::TorrentRuns) {
        --torrents_;
        if (peer != nullptr) --peer->torrent_wants;
    }
    want.state = State::Queued;
}

void PackFetcher::requeue(Want& want) {
    want.state = State::Queued;
    if (want.is_now)
        now_queue_.push_back(want.pack.id);
    else
        (goes_inline(want) ? small_queue_ : large_queue_).push_back(want.pack.id);
}

void PackFetcher::rest(Want& want, std::chrono::milliseconds delay) {
    want.state = State::Resting;
    resting_.emplace(std::chrono::steady_clock::now() + delay, want.pack.id);
}

// It did not come from there. `peer_lacks_it`: ask somebody else first.
void PackFetcher::fail(Want& want, bool peer_lacks_it) {
    Peer* peer = peer_of(want.from);
    if (peer_lacks_it && peer != nullptr && peer->lacking.size() < kServeQueueMax)
        peer->lacking.insert(want.pack.id);
    release(want);
    ++want.failures;
    if (want.failures < 3) return requeue(want);
    auto delay = kRetryDelayMin * (1 << std::min(want.failures - 3, 8));
    rest(want, std::min(delay, kRetryDelayMax));
}

Status PackFetcher::on_part(Peer& peer, PackMessage message, std::size_t charge) {
    auto at = wants_.find(message.pack);
    bool is_asked =
        at != wants_.end() && at->second.from == peer.link && at->second.state == State::Inline;
    if (!is_asked && (message.offset != 0 || message.part.size() != message.size)) {
        // The rest of something given up meanwhile, for instance since another peer was quicker.
        peer.packs.forget(message.pack);
        peer.session.taken(charge);
        return {};
    }
    if (is_asked && message.size != at->second.pack.length)
        return Error{ErrorKind::Corrupt, "pack of another length"};
    PackInfo info{message.pack, message.size};
    TRY(AddedPart added,
        peer.packs.add(info.id, message.size, message.offset, std::move(message.part), charge));
    if (is_asked) at->second.since = std::chrono::steady_clock::now();
    if (added.released != 0) peer.session.taken(added.released);
    if (!added.object) return {};
    if (is_asked) {
        release(at->second);
        at->second.state = State::Storing;
        at->second.from = peer.link;
        store_bytes(info, std::move(*added.object), peer.link, false);
        plan();
    } else if (info.length <= kPushedPackBytesMax && pushed_.count(info.id) == 0 &&
               (at == wants_.end() || at->second.state != State::Storing)) {
        pushed_.insert(info.id);
        if (at != wants_.end()) {
            release(at->second);
            at->second.state = State::Storing;
        }
        store_bytes(info, std::move(*added.object), peer.link, true);
    } else {
        peer.session.taken(added.object->charge);
    }
    return {};
}

void PackFetcher::store_bytes(const PackInfo& pack, Assembled object, LinkNumber from,
                              bool was_pushed) {
    auto bytes = std::make_shared<Bytes>(std::move(object.bytes));
    auto task = [this, pack, bytes, from, was_pushed, charge = object.charge,
                 alive = std::weak_ptr<int>(alive_), &loop = loop_](Replica& replica) {
        AddingFromPeer scope;
        auto status = std::make_shared<Status>();
        if (was_pushed) {
            // Taken only if a segment that is here introduces it; the task runs behind that
            // segment's.
            auto known = replica.pack_info(pack.id);
            if (!known.ok() || known->length != pack.length)
                *status = Error{ErrorKind::Refused, "a pack that no segment introduces"};
            else if (!replica.has_pack(pack.id))
                *status = replica.add_pack(pack, *bytes);
        } else {
            *status = replica.add_pack(pack, *bytes);
        }
        loop.post([this, pack, from, charge, status, was_pushed, alive] {
            if (alive.expired()) return;
            if (Peer* peer = peer_of(from)) peer->session.taken(charge);
            if (was_pushed) pushed_.erase(pack.id);
            on_stored(pack, from, *status);
        });
    };
    if (was_pushed)
        work_->in_order(task);
    else
        work_->submit(task);
}

void PackFetcher::on_stored(const PackInfo& pack, LinkNumber from, const Status& status) {
    if (status.ok()) {
        forget(pack.id);
        hooks_.arrived({pack.id});
        return plan();
    }
    auto at = wants_.find(pack.id);
    if (status.error().kind == ErrorKind::Corrupt) {
        log_warning("sync", "pack {} from a peer is not what it says: {}", pack.id.to_hex(),
                    status.error().message);
        if (at != wants_.end()) {
            at->second.from = from;
            fail(at->second, true);
        }
        hooks_.blamed(from);
    } else if (at != wants_.end()) {
        if (status.error().kind != ErrorKind::Refused)
            log_warning("sync", "cannot store pack {}: {}", pack.id.to_hex(),
                        status.error().message);
        at->second.failures = std::max(at->second.failures, 3);
        fail(at->second, false);
    }
    plan();
}

void PackFetcher::on_no_pack(Peer& peer, const PackId& pack) {
    peer.packs.forget(pack);
    auto at = wants_.find(pack);
    if (at == wants_.end() || at->second.from != peer.link || at->second.state == State::Storing)
        return;
    if (at->second.state == State::TorrentRuns) net_.drop_fetch(pack);
    fail(at->second, true);
    plan();
}

void PackFetcher::on_ready(Peer& peer, const PackId& pack) {
    auto at = wants_.find(pack);
    if (at == wants_.end() || at->second.from != peer.link ||
        at->second.state != State::TorrentAsked)
        return;
    PeerAddress holder = peer.address;
    if (peer.side == LinkSide::Acceptor) holder.port = peer.listen_port;
    at->second.state = State::TorrentRuns;
    at->second.since = std::chrono::steady_clock::now();
    net_.fetch_pack(at->second.pack, directory_, holder, peer.pack_key);
}

void PackFetcher::on_have(Peer& peer, const std::vector<PackId>& packs) {
    for (const PackId& pack : packs) {
        peer.lacking.erase(pack);
        auto at = wants_.find(pack);
        if (at != wants_.end() && at->second.state == State::Resting) requeue(at->second);
    }
    plan();
}

void PackFetcher::on_peer_gone(LinkNumber link) {
    for (auto& [id, want] : wants_) {
        if (want.from != link || want.state == State::Storing) continue;
        if (want.state == State::TorrentRuns || want.state == State::TorrentAsked)
            net_.drop_fetch(id);
        release(want);
        requeue(want);
    }
    plan();
}

void PackFetcher::on_tick(Time now) {
    for (auto& [id, want] : wants_) {
        if (want.from == 0 || want.state == State::Storing || want.state == State::Queued) continue;
        auto patience = want.is_now ? kWantTimeout / 4 : kWantTimeout;
        if (now - want.since < patience) continue;
        // Inline wants wait for each other at the holder: as long as anything comes from it, it is
        // at work.
        Peer* peer = peer_of(want.from);
        if (want.state == State::Inline && peer != nullptr &&
            now - peer->session.last_heard() < patience / 4 && now - want.since < 10 * patience)
            continue;
        if (want.state != State::Inline) {
            net_.drop_fetch(id);
            want.avoid_torrent = true;
        }
        fail(want, want.state == State::Inline);
    }
    while (!resting_.empty() && resting_.begin()->first <= now) {
        auto at = wants_.find(resting_.begin()->second);
        resting_.erase(resting_.begin());
        if (at == wants_.end() || at->second.state != State::Resting) continue;
        for (auto& [link, peer] : peers_) peer->lacking.erase(at->first);
        requeue(at->second);
    }
    plan();
}

void PackFetcher::on_progress(const PackId& pack, std::uint64_t bytes) {
    auto at = wants_.find(pack);
    if (at == wants_.end() || at->second.state != State::TorrentRuns) return;
    at->second.since = std::chrono::steady_clock::now();
    if (Peer* peer = peer_of(at->second.from)) peer->torrent_bytes_received += bytes;
}

void PackFetcher::on_fetched(const PackId& pack, const std::filesystem::path& file) {
    auto at = wants_.find(pack);
    if (at == wants_.end() || at->second.state != State::TorrentRuns) return;
    net_.drop_fetch(pack);
    LinkNumber from = at->second.from;
    release(at->second);
    at->second.state = State::Storing;
    work_->submit([this, info = at->second.pack, file, from, alive = std::weak_ptr<int>(alive_),
                   &loop = loop_](Replica& replica) {
        AddingFromPeer scope;
        auto status = std::make_shared<Status>(replica.adopt_pack(info, file));
        loop.post([this, info, from, status, alive] {
            if (!alive.expired()) on_stored(info, from, *status);
        });
    });
    plan();
}

void PackFetcher::on_failed(const PackId& pack, const std::string& why) {
    auto at = wants_.find(pack);
    if (at == wants_.end() || at->second.state != State::TorrentRuns) return;
    log_info("sync", "pack {} did not come by torrent: {}", pack.to_hex(), why);
    net_.drop_fetch(pack);
    at->second.avoid_torrent = true;
    Peer* peer = peer_of(at->second.from);
    fail(at->second, peers_.size() > 1 && peer != nullptr);
    plan();
}

Peer* PackFetcher::peer_of(LinkNumber link) {
    auto at = peers_.find(link);
    return at == peers_.end() ? nullptr : at->second.get();
}

}  // namespace lockstep
