// What a vault's sync says to its peers and makes of what they say.
#include <algorithm>

#include <fcntl.h>

#include "base/log.h"
#include "base/unique_fd.h"
#include "sync/adding_from_peer.h"
#include "sync/relay_url.h"
#include "sync/vault_sync.h"

namespace lockstep {

namespace {

constexpr std::chrono::milliseconds kNewsDelay{5};
constexpr std::size_t kPushBacklogMax = 4 * kMiB;  // to a peer further behind nothing is pushed
constexpr std::uint64_t kPushLeadMax = 256;        // segments; likewise

// The network thread reads it in small pieces, and would wait for the disk each time.
void read_ahead(const std::filesystem::path& file, std::uint64_t size) {
    constexpr std::uint64_t kStep = kMiB;  // of one hint the kernel takes some, not all
    const UniqueFd opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    for (std::uint64_t at = 0; opened.ok() && at < size; at += kStep)
        static_cast<void>(
            ::posix_fadvise(opened.get(), static_cast<off_t>(at), kStep, POSIX_FADV_WILLNEED));
}

// The segment and the small packs it introduces, newest first, as they go to peers unasked.
// Nothing when it is what was pushed last.
std::vector<Message> read_push(Replica& replica, const SegmentRef& ref, bool with_packs,
                               Bytes& last_pushed) {
    std::vector<Message> out;
    auto bytes = replica.read_segment(ref);
    if (!bytes.ok() || bytes->empty() || bytes->size() > kPartSizeMax || *bytes == last_pushed)
        return out;
    last_pushed = *bytes;
    auto size = static_cast<std::uint32_t>(bytes->size());
    out.push_back(SegmentMessage{ref, size, 0, std::move(*bytes)});
    if (!with_packs) return out;
    std::size_t room = kPushedPackBytesMax;
    auto packs = replica.packs_of(ref).value_or({});
    for (auto pack = packs.rbegin(); pack != packs.rend(); ++pack) {
        if (pack->length > room || pack->length > kPartSizeMax) continue;
        auto content = replica.read_pack(pack->id, 0, pack->length);
        if (!content.ok() || content->size() != pack->length) continue;
        room -= content->size();
        out.push_back(PackMessage{pack->id, static_cast<std::uint32_t>(pack->length), 0,
                                  std::move(*content)});
    }
    return out;
}

void name_members(Replica& replica, const EpochId& epoch, const std::string& relay,
                  const std::vector<Member>& members, std::map<RelayPlace, DeviceId>& names) {
    auto url = parse_relay_url(relay);
    if (!url.ok()) return;
    for (const Member& member : members) {
        if (member.is_revoked) continue;
        auto name = relay_member_name(replica, epoch, url->authority, member.device);
        if (name.ok()) names[{epoch, relay, *name}] = member.device;
    }
}

}  // namespace

void VaultSync::receive(Peer& peer, ByteView frame) {
    LinkNumber link = peer.link;
    auto received = peer.session.receive(frame);
    if (!received.ok()) return drop(link, LinkEnd::Blamed, received.error().message);
    if (std::optional<PeerSession::Received>& message = *received; message.has_value()) {
        Status status = handle(peer, message->message, message->charge);
        if (!status.ok()) return drop(link, LinkEnd::Blamed, status.error().message);
    }
    if (peers_.count(link) == 0) return;
    peer.server.pump();
    presence_.pump(peer);
}

// Objects keep their charge until they are stored; everything else is dealt with when this returns.
Status VaultSync::handle(Peer& peer, Message& message, std::size_t charge) {
    if (auto* segment = std::get_if<SegmentMessage>(&message)) {
        // It has what it sends, though its next HEADS may be long in coming.
        if (peer.shown.size() < kLogsMax || peer.shown.count(segment->segment.log) != 0) {
            std::uint64_t& shown = peer.shown[segment->segment.log];
            shown = std::max(shown, segment->segment.number);
        }
        return segments_.on_part(peer, std::move(*segment), charge);
    }
    if (auto* pack = std::get_if<PackMessage>(&message))
        return packs_.on_part(peer, std::move(*pack), charge);
    if (auto* key = std::get_if<KeyObjectMessage>(&message)) {
        return on_key_object(peer, std::move(*key), charge);
    }
    peer.session.taken(charge);
    if (PresenceSync::is_mine(message)) return presence_.handle(peer, message);
    if (auto* hello = std::get_if<HelloMessage>(&message)) {
        peer.label = hello->label;
        bool is_first = peer.listen_port == 0;
        peer.listen_port = hello->listen_port;
        // Nobody can dial it, so packs come over the link.
        if (peer.listen_port == 0 && peer.side == LinkSide::Acceptor) peer.refuses_torrents = true;
        if (is_first && !peer.is_spare) introduce(peer);
        changed();
    } else if (auto* keys = std::get_if<KeysMessage>(&message)) {
        return on_keys(peer, *keys);
    } else if (auto* wanted_keys = std::get_if<WantKeysMessage>(&message)) {
        return peer.server.want_key_objects(*wanted_keys);
    } else if (auto* heads = std::get_if<HeadsMessage>(&message)) {
        peer.heads = std::move(*heads);
        peer.has_heads = true;
        peer.misses.reset();
        last_heads_[peer.member.device] = {peer.heads.frontier, peer.heads.missing_packs};
        look_at_heads(peer);
        segments_.plan();
        // Who misses few says next which.
        const std::uint64_t missing = peer.heads.missing_packs;
        if (missing == 0 || missing > kLackingListedMax) packs_.plan();
        presence_.on_news();
        changed();
    } else if (auto* wanted = std::get_if<WantSegmentsMessage>(&message)) {
        return peer.server.want_segments(*wanted);
    } else if (auto* no_segment = std::get_if<NoSegmentMessage>(&message)) {
        segments_.on_no_segment(peer, no_segment->segment);
    } else if (auto* wanted_packs = std::get_if<WantPacksMessage>(&message)) {
        return on_want_packs(peer, *wanted_packs);
    } else if (auto* no_pack = std::get_if<NoPackMessage>(&message)) {
        packs_.on_no_pack(peer, no_pack->pack);
    } else if (auto* ready = std::get_if<PackReadyMessage>(&message)) {
        packs_.on_ready(peer, ready->pack);
    } else if (auto* have = std::get_if<HavePacksMessage>(&message)) {
        packs_.on_have(peer, have->packs);
    } else if (auto* lacking = std::get_if<LackingPacksMessage>(&message)) {
        peer.misses.emplace(lacking->packs.begin(), lacking->packs.end());
        packs_.plan();
    } else if (auto* fetching = std::get_if<FetchingMessage>(&message)) {
        packs_.on_fetching(peer, *fetching);
    } else if (auto* addresses = std::get_if<AddressesMessage>(&message)) {
        on_addresses(*addresses);
    } else if (auto* alive = std::get_if<AliveMessage>(&message)) {
        signs_.on_signs(peer, *alive);
    }
    return {};
}

// Whether it has everything that is known here.
void VaultSync::look_at_heads(Peer& peer) {
    auto has = [&](const auto& ours) {
        auto at = peer.heads.frontier.find(ours.first);
        if (at != peer.heads.frontier.end() && at->second.number >= ours.second.number) return true;
        auto shown = peer.shown.find(ours.first);
        return shown != peer.shown.end() && shown->second >= ours.second.number;
    };
    peer.is_abreast = peer.has_heads && std::all_of(frontier_.begin(), frontier_.end(), has);
    peer.is_complete = peer.is_abreast && peer.heads.missing_packs + peer.heads.left_out_packs == 0;
    if (peer.is_complete) peer.fetching.clear();
}

Status VaultSync::on_keys(Peer& peer, const KeysMessage& message) {
    WantKeysMessage want;
    for (const KeyObjectId& id : message.ids)
        if (!std::binary_search(keys_.begin(), keys_.end(), id)) want.ids.push_back(id);
    if (want.ids.empty()) return {};
    peer.keys_awaited += want.ids.size();
    if (peer.keys_awaited > 4 * kKeyObjectsListedMax)
        return Error{ErrorKind::Corrupt, "too many key objects"};
    peer.keys_asked = std::chrono::steady_clock::now();
    peer.session.send(want);
    return {};
}

Status VaultSync::on_key_object(Peer& peer, KeyObjectMessage message, std::size_t charge) {
    auto bytes = std::make_shared<Bytes>();
    if (message.size != 0) {
        TRY(AddedPart added, peer.key_objects.add(message.id, message.size, message.offset,
                                                  std::move(message.part), charge));
        if (added.released != 0) peer.session.taken(added.released);
        if (!added.object) return {};
        *bytes = std::move(added.object->bytes);
        charge = added.object->charge;
    }
    work_->in_order([this, bytes, charge, link = peer.link, device = peer.member.device,
                     alive = std::weak_ptr<int>(alive_), &loop = env_.loop](Replica& replica) {
        if (!bytes->empty()) {
            AddingFromPeer scope(device);
            auto added = replica.add_key_object(*bytes);
            if (!added.ok()) log_info("sync", "key object not added: {}", added.error().message);
        }
        loop.post([this, charge, link, alive] {
            auto at = alive.expired() ? peers_.end() : peers_.find(link);
            if (alive.expired() || at == peers_.end()) return;
            at->second->session.taken(charge);
            if (at->second->keys_awaited != 0 && --at->second->keys_awaited == 0) segments_.plan();
        });
    });
    return {};
}

Status VaultSync::on_want_packs(Peer& peer, const WantPacksMessage& message) {
    for (const PackWant& want : message.wants) {
        if (want.route != PackRoute::Torrent)
            TRY_OK(peer.server.want_pack(want.pack, want.route == PackRoute::InlineNow));
        else
            offer_torrent(peer.link, want.pack);
    }
    return {};
}

void VaultSync::offer_torrent(LinkNumber link, const PackInfo& pack) {
    work_->submit([this, link, pack, alive = std::weak_ptr<int>(alive_),
                   &loop = env_.loop](Replica& replica) {
        auto seed = std::make_shared<std::optional<PackSeed>>();
        auto info = replica.pack_info(pack.id);
        if (info.ok() && info->length == pack.length && replica.has_pack(pack.id)) {
            auto layers = replica.piece_layers(pack.id);
            if (layers.ok()) *seed = PackSeed{pack, replica.pack_path(pack.id), std::move(*layers)};
            if (layers.ok()) read_ahead((*seed)->file, pack.length);
        }
        loop.post([this, link, pack, seed, alive] {
            if (alive.expired()) return;
            auto peer = peers_.find(link);
            if (peer == peers_.end()) return;
            if (!seed->has_value()) return peer->second->session.send(NoPackMessage{pack.id});
            torrent_askers_[pack.id].insert(link);
            env_.net.seed_pack(**seed, peer->second->pack_key);
        });
    });
}

void VaultSync::pack_seeding(const PackId& pack, bool ok) {
    auto askers = torrent_askers_.extract(pack);
    if (askers.empty()) return;
    for (LinkNumber link : askers.mapped()) {
        auto peer = peers_.find(link);
        if (peer == peers_.end()) continue;
        if (ok)
            peer->second->session.send(PackReadyMessage{pack});
        else
            peer->second->session.send(NoPackMessage{pack});
    }
}

// The frontier is read before what it introduces is looked for: so heads never claim a pack that is
// not here.
void VaultSync::survey(Replica& replica) {
    auto out = std::make_shared<Survey>();
    out->change = changes_.load();
    out->frontier = replica.frontier();
    Presence* presence = replica.presence();
    out->left_out = presence ? presence->left_out() : 0;
    if (!lane_has_surveyed_) {
        out->missing = replica.missing_packs();
        out->is_everything = true;
    } else {
        for (const auto& [log, position] : out->frontier) {
            auto before = lane_frontier_.find(log);
            std::uint64_t number = before == lane_frontier_.end() ? 0 : before->second.number;
            while (++number <= position.number)
                for (const PackInfo& pack : replica.packs_of({log, number}).value_or({}))
                    if (!replica.has_pack(pack.id) && (!presence || presence->wants(pack.id)))
                        out->missing.push_back(pack);
        }
    }
    lane_has_surveyed_ = true;
    lane_frontier_ = out->frontier;
    env_.loop.post([this, out, alive = std::weak_ptr<int>(alive_)] {
        if (!alive.expired()) on_survey(*out);
    });
}

void VaultSync::on_survey(const Survey& survey) {
    bool is_news = !is_surveyed_ || survey.frontier != frontier_ || !survey.missing.empty() ||
                   survey.left_out != left_out_;
    left_out_ = survey.left_out;
    if (survey.is_everything) packs_.retain(survey.missing);
    is_surveyed_ = true;
    surveyed_change_ = survey.change;
    frontier_ = survey.frontier;
    for (auto& [link, peer] : peers_) look_at_heads(*peer);
    segments_.set_frontier(frontier_);
    packs_.add_missing(survey.missing);
    segments_.plan();
    packs_.plan();
    if (is_news) heads_changed();
    changed();
}

void VaultSync::survey_keys() {
    if (std::exchange(keys_surveying_, true)) {
        keys_survey_again_ = true;
        return;
    }
    work_->in_order([this, relays = relays_, alive = std::weak_ptr<int>(alive_)](Replica& replica) {
        auto out = std::make_shared<KeySurvey>();
        out->swarms = replica.swarms();
        out->keys = replica.key_objects();
        out->members = replica.members();
        for (const Swarm& swarm : out->swarms)
            for (const std::string& relay : relays)
                name_members(replica, swarm.epoch, relay, out->members, out->relay_names);
        env_.loop.post([this, out, alive] {
            if (!alive.expired()) on_key_survey(*out);
        });
    });
}

void VaultSync::on_key_survey(const KeySurvey& survey) {
    keys_surveying_ = false;
    if (std::exchange(keys_survey_again_, false)) survey_keys();
    std::vector<LinkNumber> outsiders;
    for (const auto& [link, peer] : peers_) {
        const DeviceId& device = peer->member.device;
        auto member = std::find_if(survey.members.begin(), survey.members.end(),
                                   [&](const Member& m) { return m.device == device; });
        if (member == survey.members.end() || member->is_revoked)
            outsiders.push_back(link);
        else
            peer->member.role = member->role;
    }
    std::set<DeviceId> before = std::exchange(members_, {});
    for (const Member& member : survey.members)
        if (!member.is_revoked) members_.insert(member.device);
    signs_.set_members(members_);
    if (members_ != before) mailbox_.on_members_changed();
    for (LinkNumber link : outsiders) drop(link, LinkEnd::Blamed, "no member any more");
    tunnels_.set_names(survey.relay_names);
    bool is_news = keys_ != survey.keys;
    keys_ = survey.keys;
    if (keys_.size() > kKeyObjectsListedMax) keys_.resize(kKeyObjectsListedMax);
    open_swarms(survey.swarms);
    if (is_news) send_to_all({KeysMessage{keys_}});
    segments_.forget_refusals();
}

void VaultSync::push_next() {
    if (push_busy_ || pushes_.empty()) return;
    if (peers_.empty()) return pushes_.clear();
    push_busy_ = true;
    work_->submit([this, push = pushes_.front(), alive = std::weak_ptr<int>(alive_),
                   last = last_pushed_, &loop = env_.loop](Replica& replica) {
        auto messages = std::make_shared<std::vector<Message>>(
            read_push(replica, push.segment, !push.is_compacted, *last));
        loop.post([this, push, messages, alive] {
            const SegmentRef& ref = push.segment;
            if (alive.expired()) return;
            for (auto& [link, peer] : peers_) {
                auto known = peer->heads.frontier.find(ref.log);
                std::uint64_t number =
                    known == peer->heads.frontier.end() ? 0 : known->second.number;
                bool is_far = peer->session.waiting_bytes() > kPushBacklogMax ||
                              number + kPushLeadMax < ref.number;
                const bool has_it = number >= ref.number;
                if (peer->is_spare || is_far || has_it != push.is_compacted || messages->empty())
                    continue;
                peer->session.send(*messages);
            }
            push_busy_ = false;
            push_next();
        });
    });
    pushes_.pop_front();
}

void VaultSync::send_to_all(const std::vector<Message>& messages) {
    for (auto& [link, peer] : peers_)
        if (!peer->is_spare) peer->session.send(messages);
}

void VaultSync::heads_changed() {
    heads_dirty_ = true;
    if (std::exchange(news_armed_, true)) return;
    // Long frontiers are sent less often.
    auto delay = kNewsDelay + std::chrono::milliseconds(frontier_.size() / 8);
    env_.loop.post_after(delay, [this, alive = std::weak_ptr<int>(alive_)] {
        if (!alive.expired()) flush_news();
    });
}

void VaultSync::append_arrived(const std::vector<PackId>& packs) {
    arrived_packs_.insert(arrived_packs_.end(), packs.begin(), packs.end());
    heads_changed();
    changed();
}

void VaultSync::flush_news() {
    news_armed_ = false;
    for (std::size_t at = 0; at < arrived_packs_.size(); at += kPacksListedMax) {
        auto end = std::min(arrived_packs_.size(), at + kPacksListedMax);
        send_to_all({HavePacksMessage{{arrived_packs_.begin() + std::ptrdiff_t(at),
                                       arrived_packs_.begin() + std::ptrdiff_t(end)}}});
    }
    arrived_packs_.clear();
    if (std::exchange(heads_dirty_, false) && is_surveyed_) send_heads(nullptr);
}

void VaultSync::send_heads(Peer* only) {
    std::vector<Message> heads{
        HeadsMessage{frontier_, packs_.missing_count(), packs_.missing_bytes(), left_out_}};
    if (packs_.missing_count() != 0 && packs_.missing_count() <= kLackingListedMax)
        heads.push_back(LackingPacksMessage{packs_.missing()});
    if (only != nullptr) return only->session.send(heads);
    heads_sent_ = std::chrono::steady_clock::now();
    for (auto& [link, peer] : peers_) {
        if (peer->is_spare) continue;
        if (peer->session.waiting_bytes() > kPushBacklogMax)
            heads_dirty_ = true;  // it gets a later one
        else
            peer->session.send(heads);
    }
}

void VaultSync::segment_added(const SegmentRef& segment) {
    ++changes_;
    bool is_ours = !is_adding_from_peer();
    env_.loop.post([this, segment, is_ours, alive = std::weak_ptr<int>(alive_)] {
        if (alive.expired() || !is_ours || stopped_) return;
        pushes_.push_back({segment});
        push_next();
        mailbox_.on_news(segment);
        work_->in_order([this](Replica& replica) { survey(replica); });
    });
}

void VaultSync::segments_compacted(const SegmentRef& last) {
    env_.loop.post([this, last, alive = std::weak_ptr<int>(alive_)] {
        if (alive.expired() || stopped_) return;
        pushes_.push_back({last, true});
        push_next();
    });
}

void VaultSync::pack_added(const PackId& pack) {
    if (is_adding_from_peer()) return;
    env_.loop.post([this, pack, alive = std::weak_ptr<int>(alive_)] {
        // News only when it was missing: packs that this device makes are named by its next
        // segment.
        if (!alive.expired() && packs_.forget(pack)) append_arrived({pack});
    });
}

void VaultSync::keys_changed() {
    env_.loop.post([this, alive = std::weak_ptr<int>(alive_)] {
        if (!alive.expired() && !stopped_) survey_keys();
    });
}

void VaultSync::pack_wanted_now(const PackInfo& pack) {
    env_.loop.post([this, pack, alive = std::weak_ptr<int>(alive_)] {
        if (alive.expired()) return;
        packs_.want_now(pack);
        heads_changed();  // it may be one that was here and is damaged now
    });
}

void VaultSync::segment_damaged(const SegmentRef& segment) {
    env_.loop.post([this, segment, alive = std::weak_ptr<int>(alive_)] {
        if (!alive.expired() && !stopped_) segments_.want_again(segment);
    });
}

}  // namespace lockstep
