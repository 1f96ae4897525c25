// Life of a vault's sync: swarms, links, handshakes, duplicates, status. The conversation:
// vault_conversation.cpp.
#include "sync/vault_sync.h"

#include <algorithm>

#include "base/log.h"
#include "sync/relay_url.h"
#include "sync/tunnel_client.h"

namespace lockstep {

namespace {
constexpr std::chrono::seconds kBlockTime{60};
constexpr int kStrikesMax = 3;
// While somebody is reached through a relay: others may be let in again by then.
constexpr std::chrono::seconds kAnnounceAgain{60};

// An address of this machine alone helps only who is on it; a link-local one nobody else.
bool is_of_use(const PeerAddress& address, const Peer& to) {
    auto is_loopback = [](const std::string& host) { return host == "127.0.0.1" || host == "::1"; };
    if (address.host.starts_with("fe80:")) return false;
    if (address.host.starts_with("127.") || address.host == "::1")
        return is_loopback(address.host) && is_loopback(to.address.host);
    return true;
}
}  // namespace

VaultSync::VaultSync(const Environment& environment, Replica& replica,
                     const VaultSyncOptions& options, std::vector<std::string> relays,
                     std::string label)
    : env_(environment),
      replica_(replica),
      id_(replica.vault_id()),
      device_(replica.device()),
      work_(std::make_shared<ReplicaWork>(replica, env_.workers)),
      relays_(std::move(relays)),
      label_(std::move(label)),
      addresses_(options.known_addresses.begin(), options.known_addresses.end()),
      tunnels_(device_),
      paused_(options.paused),
      segments_(env_.loop, work_, peers_,
                {[this](Replica& r) { survey(r); }, [this](LinkNumber link) { blame(link); }}),
      packs_(env_.net, env_.loop, work_, device_, env_.want_timeout, peers_,
             {[this](const std::vector<PackId>& packs) { append_arrived(packs); },
              [this](LinkNumber link) { blame(link); }}),
      presence_(env_.loop, work_, peers_, replica.presence(),
                {[this](LinkNumber link) { blame(link); },
                 [this] {
                     work_->in_order([this](Replica& r) {
                         lane_has_surveyed_ = false;
                         survey(r);
                     });
                 },
                 [this] { changed(); }}),
      signs_(env_.loop, work_, peers_, device_, [this] { changed(); }),
      mailbox_(
          {env_.loop, env_.mailbox_workers, work_, [this] { return mailbox_members(); },
           [this](const std::string&) { changed(); },
           [this](const std::string& relay) { return env_.swarms.may_ask(relay); },
           [this](const std::string& relay, const Status& status, std::chrono::microseconds took) {
               env_.swarms.relay_asked(relay, status, took);
           },
           [this] { return env_.swarms.proxy(); }}) {
    replica_.add_listener(*this);
}

VaultSync::~VaultSync() = default;

void VaultSync::start() {
    started_ = true;
    publish_status();
    presence_.start();
    work_->in_order([this, alive = std::weak_ptr<int>(alive_)](Replica& replica) {
        auto directory = std::make_shared<std::filesystem::path>(replica.incoming_directory());
        env_.loop.post([this, alive, directory] {
            if (!alive.expired()) packs_.set_directory(*directory);
        });
        survey(replica);
    });
    survey_keys();
}

void VaultSync::stop() {
    stopped_ = true;
    close_swarms();
}

void VaultSync::close() {
    work_->close();
    presence_.close();
    replica_.remove_listener(*this);
}

void VaultSync::set_paused(bool paused) {
    if (paused_ == paused) return;
    paused_ = paused;
    if (paused)
        close_swarms();
    else
        open_swarms(known_swarms_);
    changed();
}

void VaultSync::reconnect() {
    if (paused_ || stopped_) return;
    close_swarms();
    open_swarms(known_swarms_);
    changed();
}

void VaultSync::announce_again() {
    for (const auto& [epoch, swarm] : swarms_) env_.swarms.announce_again(swarm);
}

void VaultSync::set_relays(const std::vector<std::string>& relays) {
    relays_ = relays;
    relay_status_.clear();
    for (const auto& [epoch, swarm] : swarms_) env_.swarms.set_relays(swarm, relays_);
    survey_keys();  // what members are called there
    mailbox_.retain(relays_);
    changed();
}

void VaultSync::add_known_address(const PeerAddress& address) {
    if (!addresses_.insert(address).second) return;
    for (const auto& [epoch, swarm] : swarms_) env_.net.add_address(swarm, address);
}

// Signs while the vault is here, and not after.
RelaySigner VaultSync::relay_signer(const Swarm& swarm) {
    return {
        swarm.relay_key,
        [work = std::weak_ptr<ReplicaWork>(work_), epoch = swarm.epoch](ByteView message) {
            auto replica_work = work.lock();
            if (replica_work == nullptr)
                return Result<Bytes>(Error{ErrorKind::Cancelled, "the vault is gone"});
            return replica_work->sign_admission(epoch, message);
        },
        [work = std::weak_ptr<ReplicaWork>(work_), epoch = swarm.epoch](std::string_view relay) {
            auto replica_work = work.lock();
            if (replica_work == nullptr)
                return Result<MemberName>(Error{ErrorKind::Cancelled, "the vault is gone"});
            return replica_work->own_relay_name(epoch, relay);
        }};
}

// Each end of a link gets to know who else is connected here.
void VaultSync::introduce(Peer& newcomer) {
    AddressesMessage others;
    std::optional<PeerAddress> own = newcomer.dial_address();
    for (auto& [link, peer] : peers_) {
        if (peer->is_spare || peer->member.device == newcomer.member.device) continue;
        if (own && is_of_use(*own, *peer))
            peer->session.send(AddressesMessage{{{newcomer.member.device, *own}}});
        std::optional<PeerAddress> other = peer->dial_address();
        if (other && is_of_use(*other, newcomer) && others.members.size() < kAddressesListedMax)
            others.members.push_back({peer->member.device, *other});
    }
    if (!others.members.empty()) newcomer.session.send(others);
}

bool VaultSync::is_connected(const DeviceId& device) const {
    return std::any_of(peers_.begin(), peers_.end(),
                       [&](const auto& item) { return item.second->member.device == device; });
}

void VaultSync::on_addresses(const AddressesMessage& message) {
    auto now = std::chrono::steady_clock::now();
    for (const auto& [device, address] : message.members) {
        if (device == device_ || members_.count(device) == 0) continue;
        if (learned_.size() >= kAddressesLearnedMax && learned_.count(device) == 0) continue;
        Learned& known = learned_[device];
        if (known.address != address) known = {.address = address, .since = now};
    }
    dial_learned(now);
}

// Both ends hear of each other at the same moment. The lesser dials, the greater only when nothing
// has come of it: libtorrent goes on dialling an address that is connected the other way round. It
// gives up an address that could not be reached for a while, when the network was down say: so who
// is not connected is dialled again and again.
void VaultSync::dial_learned(Time now) {
    for (auto& [device, known] : learned_) {
        if (is_connected(device) || blocked_.count(device) != 0 || members_.count(device) == 0)
            continue;
        if (now < known.dial_at || (!(device_ < device) && now - known.since < kDialTurn)) continue;
        known.is_dialled = true;
        known.dial_at = now + known.pause;
        known.pause = std::min(known.pause * 2, kRedialPauseMax);
        for (const auto& [epoch, swarm] : swarms_) env_.net.add_address(swarm, known.address);
    }
}

void VaultSync::relay_admitted(SwarmNumber swarm, const std::string& relay,
                               const std::string& ticket) {
    // Only where the newest keys count: a member that was removed has no ticket there.
    auto epoch = epoch_of_.find(swarm);
    bool is_newest = epoch != epoch_of_.end() && !known_swarms_.empty() &&
                     known_swarms_.back().epoch == epoch->second;
    if (is_newest)
        mailbox_.admit(epoch->second, relay, swarm_tracker_hash(known_swarms_.back().torrent_seed),
                       ticket);
}

VaultMailbox::Members VaultSync::mailbox_members() const {
    VaultMailbox::Members out;
    out.heads = last_heads_;
    // Who is connected while we leave may not get in time what it lacks.
    for (const auto& [link, peer] : peers_)
        if (!is_leaving_ || is_in_step(*peer)) out.connected.insert(peer->member.device);
    out.is_anybody_absent = std::any_of(members_.begin(), members_.end(), [&](const auto& member) {
        return member != device_ && !out.connected.contains(member);
    });
    return out;
}

void VaultSync::leave_in_mailboxes(std::function<void()> done) {
    is_leaving_ = true;
    mailbox_.leave_now(std::move(done));
}

void VaultSync::relay_present(SwarmNumber swarm, const std::string& relay,
                              const std::vector<MemberName>& members) {
    auto epoch = epoch_of_.find(swarm);
    if (epoch == epoch_of_.end()) return;
    tunnels_.set_present(epoch->second, relay, members);
    changed();
}

// What waits in a mailbox elsewhere is looked for by nobody any more.
void VaultSync::relay_places(SwarmNumber swarm, const std::vector<std::string>& places) {
    auto epoch = epoch_of_.find(swarm);
    bool is_newest = epoch != epoch_of_.end() && !known_swarms_.empty() &&
                     known_swarms_.back().epoch == epoch->second;
    if (is_newest) mailbox_.retain(places);
}

void VaultSync::dial_through_relays(Time now) {
    auto is_reached = [&](const DeviceId& device) {
        if (blocked_.count(device) != 0) return true;
        // A link that has gone silent may be a dead one.
        return std::any_of(peers_.begin(), peers_.end(), [&](const auto& item) {
            return item.second->member.device == device &&
                   now - item.second->session.last_heard() < 2 * kPingInterval;
        });
    };
    auto in_order = [&](const EpochId& epoch, std::vector<std::string> relays) {
        auto swarm = swarms_.find(epoch);
        if (swarm == swarms_.end()) return relays;
        return env_.swarms.relays_in_order(swarm->second, std::move(relays));
    };
    for (const RelayPlace& place : tunnels_.due(now, is_reached, in_order)) {
        auto swarm = swarms_.find(place.epoch);
        if (swarm != swarms_.end())
            env_.swarms.open_tunnel(swarm->second, place.relay, place.member);
    }
    bool is_tunnelled = std::any_of(peers_.begin(), peers_.end(),
                                    [](const auto& item) { return item.second->is_tunnelled(); });
    if (!is_tunnelled || now - announced_again_ < kAnnounceAgain) return;
    announced_again_ = now;
    announce_again();
}

void VaultSync::open_swarms(const std::vector<Swarm>& swarms) {
    known_swarms_ = swarms;
    if (paused_ || stopped_) return;
    std::set<EpochId> current;
    for (const Swarm& swarm : swarms) {
        current.insert(swarm.epoch);
        if (swarms_.count(swarm.epoch) != 0) continue;
        std::vector<PeerAddress> addresses(addresses_.begin(), addresses_.end());
        for (const auto& [device, known] : learned_)
            if (known.is_dialled) addresses.push_back(known.address);
        SwarmNumber number = env_.swarms.open_swarm(*this, swarm.torrent_seed, relay_signer(swarm),
                                                    relays_, std::move(addresses));
        swarms_[swarm.epoch] = number;
        epoch_of_[number] = swarm.epoch;
    }
    for (auto at = swarms_.begin(); at != swarms_.end();) {
        if (current.count(at->first) != 0) {
            ++at;
            continue;
        }
        env_.swarms.close_swarm(at->second);
        epoch_of_.erase(at->second);
        tunnels_.forget(at->first);
        std::vector<LinkNumber> gone;
        for (const auto& [link, peer] : peers_)
            if (peer->epoch == at->first) gone.push_back(link);
        for (LinkNumber link : gone) drop(link, LinkEnd::Polite, "its epoch is over");
        at = swarms_.erase(at);
    }
}

void VaultSync::close_swarms() {
    mailbox_.close();
    for (const auto& [epoch, swarm] : swarms_) {
        env_.swarms.close_swarm(swarm);
        tunnels_.forget(epoch);
    }
    swarms_.clear();
    epoch_of_.clear();
    strangers_.clear();
    std::vector<LinkNumber> links;
    for (const auto& [link, peer] : peers_) links.push_back(link);
    for (LinkNumber link : links) drop(link, LinkEnd::Polite, "paused");
    relay_status_.clear();
}

void VaultSync::link_opened(SwarmNumber swarm, LinkNumber link, LinkSide side,
                            const PeerAddress& remote) {
    auto epoch = epoch_of_.find(swarm);
    if (epoch == epoch_of_.end()) return;
    if (strangers_.size() + peers_.size() >= kLinksPerSwarmMax)
        return env_.net.close_link(link, LinkEnd::Blamed);
    Stranger stranger;
    stranger.epoch = epoch->second;
    stranger.side = side;
    stranger.address = remote;
    if (const TunnelEnd* end = env_.swarms.tunnel_behind(remote))
        stranger.tunnel = RelayPlace{epoch->second, end->relay, end->member};
    if (const PeerAddress* peer = env_.swarms.peer_behind(remote)) {
        stranger.address = *peer;
        stranger.is_proxied = true;
    }
    stranger.since = std::chrono::steady_clock::now();
    stranger.handshake = std::make_shared<MemberHandshake>(side, epoch->second);
    strangers_.emplace(link, std::move(stranger));
    if (side == LinkSide::Dialler) step_handshake(link);
}

void VaultSync::link_frame(LinkNumber link, std::shared_ptr<InboundFrame> frame) {
    auto peer = peers_.find(link);
    if (peer != peers_.end()) return receive(*peer->second, frame->bytes);
    auto stranger = strangers_.find(link);
    if (stranger == strangers_.end()) return;
    // Behind the third frame of a dialler may come sealed ones already; they wait with it.
    bool is_large = frame->bytes.size() > kHandshakeFrameSizeMax;
    if (is_large && !(stranger->second.side == LinkSide::Acceptor && stranger->second.is_busy))
        return drop(link, LinkEnd::Blamed, "handshake too long");
    stranger->second.frames.push_back(std::move(frame));
    if (!stranger->second.is_busy) step_handshake(link);
}

// Gives the next frame (the dialler: none, at first) to the handshake, on a worker.
void VaultSync::step_handshake(LinkNumber link) {
    Stranger& stranger = strangers_.at(link);
    stranger.is_busy = true;
    std::shared_ptr<InboundFrame> frame;
    if (!stranger.frames.empty()) {
        frame = std::move(stranger.frames.front());
        stranger.frames.pop_front();
    }
    work_->submit([this, link, frame, handshake = stranger.handshake,
                   alive = std::weak_ptr<int>(alive_), &loop = env_.loop](Replica& replica) {
        auto step = [&]() -> Result<std::optional<Bytes>> {
            if (frame != nullptr) return handshake->receive(replica, frame->bytes);
            TRY(Bytes first, handshake->start(replica));
            return std::optional(std::move(first));
        };
        auto result = std::make_shared<Result<std::optional<Bytes>>>(step());
        loop.post([this, link, result, alive] {
            if (!alive.expired()) on_handshake(link, result);
        });
    });
}

void VaultSync::on_handshake(LinkNumber link,
                             const std::shared_ptr<Result<std::optional<Bytes>>>& step) {
    auto at = strangers_.find(link);
    if (at == strangers_.end()) return;
    at->second.is_busy = false;
    if (!step->ok()) {
        // A member whose admission has not come to us yet looks like a stranger: it soon tries
        // again.
        bool is_polite = step->error().kind == ErrorKind::Refused;
        return drop(link, is_polite ? LinkEnd::Polite : LinkEnd::Blamed, step->error().message);
    }
    if (std::optional<Bytes>& reply = **step; reply.has_value()) {
        std::vector<Bytes> frames;
        frames.push_back(std::move(*reply));
        env_.net.send(link, std::move(frames));
    }
    if (at->second.handshake->is_done()) {
        Stranger stranger = std::move(at->second);
        strangers_.erase(at);
        welcome(link, std::move(stranger));
    } else if (!at->second.frames.empty()) {
        step_handshake(link);
    }
}

void VaultSync::welcome(LinkNumber link, Stranger stranger) {
    const Member& member = stranger.handshake->peer();
    auto now = std::chrono::steady_clock::now();
    auto blocked = blocked_.find(member.device);
    if (blocked != blocked_.end() && now < blocked->second)
        return env_.net.close_link(link, LinkEnd::Blamed);
    std::size_t same_device = 0;
    for (const auto& [other, peer] : peers_)
        if (peer->member.device == member.device) ++same_device;
    if (same_device >= kLinksPerDeviceMax) return env_.net.close_link(link, LinkEnd::Blamed);

    auto peer = std::make_unique<Peer>(env_.net, link, stranger.epoch, stranger.side,
                                       stranger.address, *stranger.handshake, work_, env_.loop);
    peer->connected_since_ms = system_clock().wall_ms();
    peer->label = member.label;
    if (stranger.tunnel) {
        tunnels_.learn(*stranger.tunnel, member.device);
        peer->relay = stranger.tunnel->relay;
    }
    // One connection carries everything.
    if (stranger.tunnel || stranger.is_proxied) peer->refuses_torrents = true;
    // Behind a proxy nobody reaches us, and what the peer sees is the proxy's address.
    const std::uint16_t port = stranger.is_proxied ? 0 : env_.net.listen_port();
    log_debug("sync", "{} is connected", member.device.to_hex().substr(0, 8));
    DeviceId device = member.device;
    Peer& joined = *peers_.emplace(link, std::move(peer)).first->second;
    joined.session.send(
        {HelloMessage{label_.substr(0, kDeviceLabelSizeMax), port}, KeysMessage{keys_}});
    if (is_surveyed_) send_heads(&joined);
    signs_.introduce(joined);
    settle_duplicates(device);
    changed();
    while (!stranger.frames.empty() && peers_.count(link) != 0) {
        receive(*peers_.at(link), stranger.frames.front()->bytes);
        stranger.frames.pop_front();
    }
}

// Of several links to one device one does the work: a direct one, then that dialled by the lesser
// device id, then the oldest. Both ends choose alike. A spare in the same swarm is closed by its
// dialler; across epochs it may stay.
void VaultSync::settle_duplicates(const DeviceId& device) {
    std::vector<Peer*> links;
    for (auto& [link, peer] : peers_)
        if (peer->member.device == device) links.push_back(peer.get());
    if (links.empty()) return;
    auto now = std::chrono::steady_clock::now();
    auto rank = [&](const Peer* peer) {
        bool we_are_less = device_ < device;
        bool dialled_by_less = (peer->side == LinkSide::Dialler) == we_are_less;
        bool is_silent = now - peer->session.last_heard() > 2 * kPingInterval;
        return std::tuple(is_silent, peer->is_tunnelled(), !dialled_by_less, peer->link);
    };
    Peer* best = *std::min_element(links.begin(), links.end(),
                                   [&](Peer* a, Peer* b) { return rank(a) < rank(b); });
    std::vector<LinkNumber> close;
    for (Peer* peer : links) {
        if (peer == best) continue;
        if (!std::exchange(peer->is_spare, true)) {
            segments_.on_peer_gone(peer->link);
            packs_.on_peer_gone(peer->link);
            presence_.on_peer_gone(peer->link);
        }
        if (peer->side == LinkSide::Dialler && peer->epoch == best->epoch)
            close.push_back(peer->link);
    }
    if (std::exchange(best->is_spare, false) && is_surveyed_) send_heads(best);
    for (LinkNumber link : close) drop(link, LinkEnd::Blamed, "a second link to the same device");
}

void VaultSync::link_closed(LinkNumber link) {
    drop(link, LinkEnd::Polite, "closed");
}

void VaultSync::drop(LinkNumber link, LinkEnd end, const std::string& why) {
    env_.net.close_link(link, end);
    if (strangers_.erase(link) != 0) return log_debug("sync", "link {} refused: {}", link, why);
    auto at = peers_.find(link);
    if (at == peers_.end()) return;
    DeviceId device = at->second->member.device;
    log_debug("sync", "{} is gone: {}", device.to_hex().substr(0, 8), why);
    if (const auto address = at->second->dial_address();
        address && (learned_.size() < kAddressesLearnedMax || learned_.count(device) != 0))
        learned_[device] = {.address = *address, .since = std::chrono::steady_clock::now()};
    auto peer =
        std::move(at->second);  // outlives the calls below, which may come from its own methods
    peers_.erase(at);
    segments_.on_peer_gone(link);
    packs_.on_peer_gone(link);
    presence_.on_peer_gone(link);
    settle_duplicates(device);
    if (!is_connected(device)) mailbox_.on_members_changed();
    changed();
    env_.loop.post([gone = std::shared_ptr<Peer>(std::move(peer))] {});
}

void VaultSync::blame(LinkNumber link) {
    auto at = peers_.find(link);
    if (at == peers_.end() || ++at->second->strikes < kStrikesMax) return;
    blocked_[at->second->member.device] = std::chrono::steady_clock::now() + kBlockTime;
    drop(link, LinkEnd::Blamed, "sent bytes that are not what they were said to be");
}

void VaultSync::relay_answered(const std::string& url, bool ok, const std::string& message) {
    RelayStatus& relay = relay_status_[url];
    relay.url = url;
    relay.ok = ok;
    relay.message = message;
    if (ok) relay.last_announce_ms = system_clock().wall_ms();
    changed();
}

void VaultSync::tick() {
    auto now = std::chrono::steady_clock::now();
    std::vector<std::pair<LinkNumber, std::string>> gone;
    for (const auto& [link, stranger] : strangers_)
        if (now - stranger.since > kHandshakeTimeout) gone.emplace_back(link, "no handshake");
    for (const auto& [link, peer] : peers_) {
        if (auto status = peer->session.tick(now); !status.ok())
            gone.emplace_back(link, status.error().message);
        peer->receive_rate.sample(peer->session.bytes_received() + peer->torrent_bytes_received);
        peer->send_rate.sample(peer->session.bytes_sent());
        if (peer->keys_awaited != 0 && now - peer->keys_asked > kWantTimeout)
            peer->keys_awaited = 0;
    }
    for (const auto& [link, why] : gone) drop(link, LinkEnd::Polite, why);
    for (auto at = blocked_.begin(); at != blocked_.end();)
        at = at->second <= now ? blocked_.erase(at) : std::next(at);
    segments_.on_tick(now);
    packs_.on_tick(now);
    dial_learned(now);
    dial_through_relays(now);
    mailbox_.on_tick(now);
    presence_.on_tick(now);
    if (is_surveyed_) signs_.on_tick(now, frontier_);
    if (now - heads_sent_ > std::chrono::seconds(15)) heads_changed();
    publish_status();
}

void VaultSync::changed() {
    if (std::exchange(status_armed_, true) || stopped_) return;
    env_.loop.post_after(std::chrono::milliseconds(20), [this, alive = std::weak_ptr<int>(alive_)] {
        if (alive.expired()) return;
        status_armed_ = false;
        publish_status();
        env_.changed(id_);
    });
}

bool VaultSync::is_in_step(const Peer& peer) const {
    return is_surveyed_ && peer.has_heads && peer.heads.missing_packs == 0 &&
           peer.heads.frontier == frontier_;
}

void VaultSync::publish_status() {
    VaultSyncStatus out;
    out.paused = paused_;
    for (const std::string& url : relays_) {
        auto at = relay_status_.find(url);
        out.relays.push_back(at != relay_status_.end() ? at->second
                                                       : RelayStatus{url, false, "", 0});
        for (const auto& [epoch, swarm] : swarms_)
            out.relays.back().has_tunnels |= env_.swarms.has_control(swarm, url);
        out.relays.back().has_mailbox = mailbox_.is_there(url);
        std::string problem = mailbox_.problem(url);
        if (out.relays.back().ok && !problem.empty())
            out.relays.back().message = "its mailbox: " + problem;
    }
    out.missing_segments = segments_.missing_count();
    out.missing_packs = packs_.missing_count();
    out.missing_pack_bytes = packs_.missing_bytes();
    out.in_step = is_surveyed_ && out.missing_segments == 0 && out.missing_packs == 0;
    for (const auto& [link, peer] : peers_) {
        if (peer->is_spare) continue;
        PeerStatus p;
        p.device = peer->member.device;
        p.label = peer->label;
        p.address = peer->address;
        p.relay = relay_origin(peer->relay);
        p.connected_since_ms = peer->connected_since_ms;
        p.in_step = is_in_step(*peer);
        p.missing_packs = peer->heads.missing_packs;
        p.left_out_packs = peer->heads.left_out_packs;
        p.frontier = peer->heads.frontier;
        p.bytes_received = peer->session.bytes_received() + peer->torrent_bytes_received;
        p.bytes_sent = peer->session.bytes_sent();
        p.receive_rate = peer->receive_rate.per_second();
        p.send_rate = peer->send_rate.per_second();
        out.receive_rate += p.receive_rate;
        out.send_rate += p.send_rate;
        out.in_step = out.in_step && p.in_step;
        out.peers.push_back(std::move(p));
    }
    out.signs = signs_.signs(frontier_);
    MutexLock lock(status_mutex_);
    status_ = std::move(out);
    status_change_ = surveyed_change_;
}

VaultSyncStatus VaultSync::status() {
    MutexLock lock(status_mutex_);
    VaultSyncStatus out = status_;
    if (status_change_ != changes_.load()) {
        // Something has been added that heads compared before do not know.
        out.in_step = false;
        for (PeerStatus& peer : out.peers) peer.in_step = false;
    }
    return out;
}

}  // namespace lockstep
