#include "sync/presence_sync.h"

#include <algorithm>

#include "base/log.h"
#include "vault/packs/pack_torrent_id.h"

namespace lockstep {

namespace {

constexpr std::chrono::seconds kAnswerTimeout{5};
constexpr std::chrono::seconds kAuditedAnswerTimeout{15};
constexpr std::chrono::seconds kReadingMax{3};       // of packs that are to be promised
constexpr std::size_t kServedBacklogMax = 4 * kMiB;  // waiting in the session

Error too_many() {
    return {ErrorKind::Corrupt, "asks for too much at once"};
}

// The parts of all spans, one after the other; NO_RANGES when not all of it is here.
std::vector<Message> read_ranges(Replica& replica, const WantRangesMessage& want) {
    std::vector<Message> none{NoRangesMessage{want.number}};
    auto info = replica.pack_info(want.request.pack.id);
    if (!info.ok() || *info != want.request.pack || !replica.has_pack(info->id)) return none;
    Bytes bytes;
    for (const PackSpan& span : want.request.spans) {
        auto part = replica.read_pack(info->id, span.offset, span.length);
        if (!part.ok() || part->size() != span.length) return none;
        append(bytes, *part);
    }
    std::vector<Message> out;
    for (std::size_t at = 0; at < bytes.size(); at += kPartSizeMax)
        out.push_back(RangeMessage{
            want.number, static_cast<std::uint32_t>(at),
            to_bytes(ByteView(bytes).subspan(at, std::min(kPartSizeMax, bytes.size() - at)))});
    return out;
}

// Those of the packs that are here to the last bit: who promises a pack has read it. As many as
// can be read before the asker gives up waiting.
std::vector<PackId> intact_packs(Replica& replica, const std::vector<PackId>& packs) {
    const auto until = std::chrono::steady_clock::now() + kReadingMax;
    std::vector<PackId> out;
    for (const PackId& pack : packs) {
        if (std::chrono::steady_clock::now() > until) break;
        auto info = replica.pack_info(pack);
        if (!info.ok() || !replica.has_pack(pack)) continue;
        auto bytes = replica.read_pack(pack, 0, info->length);
        if (!bytes.ok()) continue;
        if (Status intact = verify_pack(*bytes, *info); !intact.ok())
            log_error("sync", "pack {} is damaged here: {}", pack.to_hex(), intact.error().message);
        else
            out.push_back(pack);
    }
    return out;
}

}  // namespace

PresenceSync::PresenceSync(SyncLoop& loop, std::shared_ptr<ReplicaWork> work, PeerTable& peers,
                           Presence* presence, Hooks hooks)
    : loop_(loop),
      work_(work),
      peers_(peers),
      presence_(presence),
      hooks_(std::move(hooks)),
      ranges_(loop, work, peers, {hooks_.blamed}),
      auditor_(loop, std::move(work), peers, presence, hooks_.audited) {}

void PresenceSync::start() {
    if (presence_ != nullptr) presence_->set_listener(this);
}

void PresenceSync::close() {
    if (presence_ == nullptr) return;
    presence_->set_listener(nullptr);
    std::vector<RangeRequest> wanted;
    std::map<std::uint64_t, Question> asked;
    loop_.run([&] {
        wanted = ranges_.take_all();
        asked.swap(questions_);
    });
    for (const RangeRequest& request : wanted) presence_->ranges_failed(request);
    for (const auto& [number, question] : asked) presence_->answers_end(number);
}

bool PresenceSync::is_mine(const Message& message) {
    return std::holds_alternative<WantRangesMessage>(message) ||
           std::holds_alternative<RangeMessage>(message) ||
           std::holds_alternative<NoRangesMessage>(message) ||
           std::holds_alternative<AskPacksMessage>(message) ||
           std::holds_alternative<AuditMessage>(message) ||
           std::holds_alternative<AuditedMessage>(message) ||
           std::holds_alternative<HeldPacksMessage>(message);
}

Status PresenceSync::handle(Peer& peer, Message& message) {
    if (auto* want = std::get_if<WantRangesMessage>(&message)) return serve(peer, std::move(*want));
    if (auto* range = std::get_if<RangeMessage>(&message))
        return ranges_.on_range(peer, std::move(*range));
    if (auto* audit = std::get_if<AuditMessage>(&message)) return auditor_.serve(peer, *audit);
    if (auto* audited = std::get_if<AuditedMessage>(&message))
        return auditor_.on_audited(peer, std::move(*audited));
    if (auto* no_ranges = std::get_if<NoRangesMessage>(&message))
        ranges_.on_no_ranges(peer, no_ranges->number);
    else if (auto* ask = std::get_if<AskPacksMessage>(&message))
        return answer(peer, *ask);
    else if (auto* held = std::get_if<HeldPacksMessage>(&message))
        on_held(peer, *held);
    return {};
}

void PresenceSync::on_peer_gone(LinkNumber link) {
    served_.erase(link);
    ranges_.on_peer_gone(link);
    auditor_.on_peer_gone(link);
    std::vector<std::uint64_t> ended;
    for (auto& [number, question] : questions_)
        if (question.asked.erase(link) != 0 && question.asked.empty()) ended.push_back(number);
    for (std::uint64_t number : ended) end_question(number);
}

void PresenceSync::on_tick(RangeFetcher::Time now) {
    ranges_.on_tick(now);
    auditor_.on_tick(now);
    std::vector<std::uint64_t> ended;
    for (const auto& [number, question] : questions_)
        if (now - question.since > (question.has_audits ? kAuditedAnswerTimeout : kAnswerTimeout))
            ended.push_back(number);
    for (std::uint64_t number : ended) end_question(number);
}

// ---- giving ranges

Status PresenceSync::serve(Peer& peer, WantRangesMessage want) {
    Served& served = served_[peer.link];
    if (served.waiting.size() >= kRangesWantedMax) return too_many();
    served.waiting.push_back(std::move(want));
    pump(peer);
    return {};
}

void PresenceSync::pump(Peer& peer) {
    auto at = served_.find(peer.link);
    if (at == served_.end() || at->second.is_reading || at->second.waiting.empty() ||
        peer.session.waiting_bytes() > kServedBacklogMax)
        return;
    at->second.is_reading = true;
    work_->submit([this, want = std::move(at->second.waiting.front()), link = peer.link,
                   alive = std::weak_ptr<int>(alive_), &loop = loop_](Replica& replica) {
        auto messages = std::make_shared<std::vector<Message>>(read_ranges(replica, want));
        loop.post([this, link, messages, alive] {
            if (alive.expired()) return;
            auto found = peers_.find(link);
            auto now_served = served_.find(link);
            if (found == peers_.end() || now_served == served_.end()) return;
            now_served->second.is_reading = false;
            found->second->session.send(*messages);
            pump(*found->second);
        });
    });
    at->second.waiting.pop_front();
}

// ---- asking for ranges

void PresenceSync::ranges_wanted(const RangeRequest& request) {
    loop_.post([this, request, alive = std::weak_ptr<int>(alive_)] {
        if (!alive.expired()) ranges_.want(request);
    });
}

void PresenceSync::selection_changed() {
    loop_.post([this, alive = std::weak_ptr<int>(alive_)] {
        if (!alive.expired()) hooks_.selection_changed();
    });
}

// ---- who holds what

Status PresenceSync::answer(Peer& peer, const AskPacksMessage& ask) {
    Served& served = served_[peer.link];
    if (++served.answering > kQuestionsMax) return too_many();
    work_->submit([this, ask, link = peer.link, device = peer.member.device,
                   alive = std::weak_ptr<int>(alive_), &loop = loop_](Replica& replica) {
        auto held = std::make_shared<HeldPacksMessage>();
        held->number = ask.number;
        const std::chrono::seconds keep(ask.seconds);
        if (Presence* presence = replica.presence())
            held->packs = presence->hold(
                device, ask.seconds == 0 ? ask.packs : intact_packs(replica, ask.packs), keep);
        else if (ask.seconds == 0)
            std::copy_if(ask.packs.begin(), ask.packs.end(), std::back_inserter(held->packs),
                         [&](const PackId& pack) { return replica.has_pack(pack); });
        loop.post([this, link, held, alive] {
            if (alive.expired()) return;
            auto found = peers_.find(link);
            if (found == peers_.end()) return;
            --served_[link].answering;
            found->second->session.send(*held);
        });
    });
    return {};
}

void PresenceSync::packs_asked(std::uint64_t number, const std::vector<PackId>& packs,
                               std::chrono::seconds keep) {
    AskPacksMessage ask{number, static_cast<std::uint32_t>(keep.count()), packs};
    std::sort(ask.packs.begin(), ask.packs.end());
    loop_.post([this, ask = std::move(ask), alive = std::weak_ptr<int>(alive_)] {
        if (alive.expired()) return;
        Question& question = questions_[ask.number];
        question.since = std::chrono::steady_clock::now();
        question.is_promise = ask.seconds != 0;
        for (auto& [link, peer] : peers_) {
            if (peer->is_spare) continue;
            question.asked.insert(link);
            peer->session.send(ask);
        }
        if (question.asked.empty()) end_question(ask.number);
    });
}

// A blind member's promise counts for what it shows: it is asked to, at once.
void PresenceSync::on_held(Peer& peer, const HeldPacksMessage& held) {
    auto at = questions_.find(held.number);
    if (at == questions_.end() || !at->second.asked.contains(peer.link)) return;
    if (peer.member.role != MemberRole::Blind || !at->second.is_promise)
        return take_answer(peer.link, peer.member, held);
    at->second.has_audits = true;
    auditor_.audit(peer, held.packs, [this, link = peer.link, member = peer.member, held] {
        take_answer(link, member, held);
    });
}

void PresenceSync::take_answer(LinkNumber link, const Member& member,
                               const HeldPacksMessage& held) {
    auto at = questions_.find(held.number);
    if (at == questions_.end() || at->second.asked.erase(link) == 0) return;
    if (presence_ != nullptr) presence_->answer(held.number, member, held.packs);
    if (at->second.asked.empty()) end_question(held.number);
}

void PresenceSync::end_question(std::uint64_t number) {
    questions_.erase(number);
    work_->submit([number](Replica& replica) {
        if (Presence* presence = replica.presence()) presence->answers_end(number);
    });
}

}  // namespace lockstep
