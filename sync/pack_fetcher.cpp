#include "sync/pack_fetcher.h"

#include <algorithm>

#include "base/log.h"
#include "sync/adding_from_peer.h"

namespace lockstep {

namespace {
constexpr std::chrono::milliseconds kRetryDelayMin{100}, kRetryDelayMax{20'000};
constexpr std::chrono::seconds kAnnounceInterval{2};
// From a holder that says READY until its torrent's connection stands; SYNs go out at 0, 1 and 3 s.
constexpr std::chrono::seconds kTorrentConnectMax{4};
constexpr std::chrono::minutes kUnreachableTime{5};  // then it is tried again
}  // namespace

PackFetcher::PackFetcher(TorrentSession& net, SyncLoop& loop, std::shared_ptr<ReplicaWork> work,
                         const DeviceId& device, std::chrono::milliseconds want_timeout,
                         PeerTable& peers, Hooks hooks)
    : net_(net),
      loop_(loop),
      work_(std::move(work)),
      device_(device),
      want_timeout_(want_timeout),
      peers_(peers),
      hooks_(std::move(hooks)) {}

PackFetcher::~PackFetcher() {
    for (const auto& [id, want] : wants_)
        if (want.state == State::TorrentAsked || want.state == State::TorrentRuns)
            net_.drop_fetch(id);
}

void PackFetcher::add_missing(const std::vector<PackInfo>& packs) {
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
    on_their_way_.erase(pack);
    for (auto& [link, peer] : peers_) {
        peer->has.erase(pack);
        peer->lacking.erase(pack);
    }
    return true;
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
    on_their_way_.erase(want.pack.id);
    want.state = State::Queued;
    want.queued = std::chrono::steady_clock::now();
    want.room_awaited = {};
    if (want.is_now)
        now_queue_.push_back(want.pack.id);
    else if (!is_shared(want.pack))
        small_queue_.push_back(want.pack.id);
    else if (want.pack.length < kPackObjectSizeMax - kMiB)
        large_queue_.push_front(want.pack.id);  // the end of a write: how its packs hang together
    else
        large_queue_.push_back(want.pack.id);
}

void PackFetcher::rest(Want& want, std::chrono::milliseconds delay) {
    on_their_way_.erase(want.pack.id);
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
        peer.session.taken(peer.packs.forget(message.pack) + charge);
        return {};
    }
    if (is_asked && message.size != at->second.pack.length)
        return Error{ErrorKind::Corrupt, "pack of another length"};
    PackInfo info{message.pack, message.size};
    std::size_t part_size = message.part.size();
    TRY(AddedPart added,
        peer.packs.add(info.id, message.size, message.offset, std::move(message.part), charge));
    if (is_asked) {
        at->second.since = std::chrono::steady_clock::now();
        at->second.received += part_size;
    }
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
    auto task = [this, pack, bytes, from, device = device_of(from), was_pushed,
                 charge = object.charge, alive = std::weak_ptr<int>(alive_),
                 &loop = loop_](Replica& replica) {
        AddingFromPeer scope(device);
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
        log_debug("sync", "pack {} has come", pack.id.to_hex().substr(0, 8));
        if (Peer* peer = peer_of(from)) kept_its_word(*peer);
        // Before the others hear that it is not under way any more.
        if (is_shared(pack))
            for (auto& [link, peer] : peers_)
                if (!peer->is_spare && !peer->is_complete)
                    peer->session.send(HavePacksMessage{{pack.id}});
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
        if (Peer* peer = peer_of(from)) disappointed(*peer, "a pack of it was not what it says");
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
    peer.session.taken(peer.packs.forget(pack));
    auto at = wants_.find(pack);
    if (at == wants_.end() || at->second.from != peer.link || at->second.state == State::Storing)
        return;
    log_debug("sync", "pack {} cannot be had of {}", pack.to_hex().substr(0, 8),
              peer.member.device.to_hex().substr(0, 8));
    if (at->second.state == State::TorrentRuns) net_.drop_fetch(pack);
    // No failure: all others are asked before it is waited for, also those that nobody likes to
    // ask.
    if (peer.lacking.size() < kServeQueueMax) {
        peer.lacking.insert(pack);
        release(at->second);
        const Time queued = at->second.queued;
        requeue(at->second);
        at->second.queued = queued;  // its turn has not begun anew
    } else {
        fail(at->second, true);
    }
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
    at->second.is_connected = false;
    at->second.since = std::chrono::steady_clock::now();
    net_.fetch_pack(at->second.pack, directory_, holder, peer.pack_key);
}

void PackFetcher::on_have(Peer& peer, const std::vector<PackId>& packs) {
    for (const PackId& pack : packs) {
        peer.lacking.erase(pack);
        if (peer.misses) peer.misses->erase(pack);
        peer.fetching.erase(pack);
        if (peer.has.size() < kServeQueueMax) peer.has.insert(pack);
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
        auto patience = want.is_now ? want_timeout_ / 4 : want_timeout_;
        const bool is_unreachable = want.state == State::TorrentRuns && !want.is_connected &&
                                    now - want.since >= std::min<std::chrono::milliseconds>(
                                                            kTorrentConnectMax, want_timeout_ / 2);
        if (is_unreachable) {
            go_inline(want);
            continue;
        }
        if (now - want.since < patience) continue;
        // Inline wants wait for each other at the holder: as long as anything comes from it, it is
        // at work.
        Peer* peer = peer_of(want.from);
        if (want.state == State::Inline && peer != nullptr &&
            now - peer->session.last_heard() < patience / 4 && now - want.since < 10 * patience)
            continue;
        give_up(want);
    }
    expire_promises(now);
    replace_slow(now);
    while (!resting_.empty() && resting_.begin()->first <= now) {
        auto at = wants_.find(resting_.begin()->second);
        resting_.erase(resting_.begin());
        if (at == wants_.end() || at->second.state != State::Resting) continue;
        for (auto& [link, peer] : peers_) peer->lacking.erase(at->first);
        requeue(at->second);
    }
    plan();
    if (!announced_.empty() && now - announced_at_ >= kAnnounceInterval) announce(true);
}

// The holder's port cannot be reached, since it is behind a router say; it still sends frames.
void PackFetcher::go_inline(Want& want) {
    net_.drop_fetch(want.pack.id);
    if (Peer* peer = peer_of(want.from)) {
        unreachable_until_[peer->member.device] =
            std::chrono::steady_clock::now() + kUnreachableTime;
        log_debug("sync", "{} cannot be reached for torrents",
                  peer->member.device.to_hex().substr(0, 8));
    }
    release(want);
    requeue(want);
}

// Nothing comes.
void PackFetcher::give_up(Want& want) {
    Peer* peer = peer_of(want.from);
    if (want.state != State::Inline) {
        net_.drop_fetch(want.pack.id);
        want.avoid_torrent = want.avoid_torrent || want.failures != 0;
    }
    if (peer != nullptr) disappointed(*peer, "it does not send what it was asked for");
    fail(want, true);
}

void PackFetcher::on_progress(const PackId& pack, std::uint64_t bytes) {
    auto at = wants_.find(pack);
    if (at == wants_.end() || at->second.state != State::TorrentRuns) return;
    at->second.since = std::chrono::steady_clock::now();
    at->second.is_connected = true;
    at->second.received += bytes;
    if (Peer* peer = peer_of(at->second.from)) peer->torrent_bytes_received += bytes;
}

void PackFetcher::on_fetched(const PackId& pack, const std::filesystem::path& file) {
    auto at = wants_.find(pack);
    if (at == wants_.end() || at->second.state != State::TorrentRuns) return;
    net_.drop_fetch(pack);
    LinkNumber from = at->second.from;
    release(at->second);
    at->second.state = State::Storing;
    work_->submit([this, info = at->second.pack, file, from, device = device_of(from),
                   alive = std::weak_ptr<int>(alive_), &loop = loop_](Replica& replica) {
        AddingFromPeer scope(device);
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
    if (peer != nullptr) disappointed(*peer, "a pack did not come as it should");
    fail(at->second, peers_.size() > 1 && peer != nullptr);
    plan();
}

std::vector<PackId> PackFetcher::missing() const {
    std::vector<PackId> out;
    out.reserve(wants_.size());
    for (const auto& [id, want] : wants_) out.push_back(id);
    return out;
}

std::optional<DeviceId> PackFetcher::device_of(LinkNumber link) {
    const Peer* peer = peer_of(link);
    return peer == nullptr ? std::nullopt : std::optional(peer->member.device);
}

Peer* PackFetcher::peer_of(LinkNumber link) {
    auto at = peers_.find(link);
    return at == peers_.end() ? nullptr : at->second.get();
}

}  // namespace lockstep
