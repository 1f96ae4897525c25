#include "sync/join/join_side.h"

#include "base/log.h"

namespace lockstep {

namespace {
constexpr std::size_t kJoinLinksMax = 16;
constexpr std::chrono::seconds kDirectFirst{3};
constexpr std::chrono::seconds kTunnelRetry{15};
}  // namespace

JoinSide::JoinSide(const JoinDesk::Environment& environment, JoinRole role,
                   const InviteSecret& secret, const std::vector<std::string>& relays,
                   const std::vector<PeerAddress>& addresses,
                   std::chrono::steady_clock::time_point deadline, std::string label)
    : env_(environment),
      label_(label.substr(0, kDeviceLabelSizeMax)),
      role_(role),
      secret_(secret),
      deadline_(deadline) {
    swarm_ = env_.swarms.open_swarm(*this, join_swarm_seed(secret), join_relay_signer(secret),
                                    relays, addresses);
}

JoinSide::~JoinSide() {
    if (!finished_) env_.swarms.close_swarm(swarm_);
    sodium_memzero(secret_.data(), secret_.size());
}

void JoinSide::finish(const Status& status) {
    if (std::exchange(finished_, true)) return;
    env_.swarms.close_swarm(swarm_);
    report(status);
}

void JoinSide::tick(std::chrono::steady_clock::time_point now) {
    if (finished_) return;
    if (now >= deadline_)
        return finish(Error{ErrorKind::Timeout, "the invitation was not used in time"});
    std::vector<LinkNumber> stale;
    for (const auto& [number, link] : links_)
        if (!link.is_proved && now - link.since > kHandshakeTimeout) stale.push_back(number);
    for (LinkNumber number : stale) drop(number);
    if (role_ == JoinRole::Guest) dial_through_relays(now);
    on_tick(now);
}

void JoinSide::relay_present(SwarmNumber, const std::string& relay,
                             const std::vector<MemberName>& members) {
    auto known = std::exchange(present_, {});
    for (const auto& [whom, next] : known)
        if (whom.first != relay) present_.emplace(whom, next);
    auto soon = std::chrono::steady_clock::now() + kDirectFirst;
    for (const MemberName& member : members) {
        if (present_.size() >= kJoinLinksMax) break;
        auto before = known.find({relay, member});
        present_[{relay, member}] = before == known.end() ? soon : before->second;
    }
}

void JoinSide::dial_through_relays(std::chrono::steady_clock::time_point now) {
    for (const auto& [number, link] : links_)
        if (link.is_proved) return;
    for (auto& [whom, next] : present_) {
        if (now < next) continue;
        next = now + kTunnelRetry;
        env_.swarms.open_tunnel(swarm_, whom.first, whom.second);
    }
}

void JoinSide::link_opened(SwarmNumber, LinkNumber number, LinkSide, const PeerAddress&) {
    if (finished_ || links_.size() >= kJoinLinksMax)
        return env_.net.close_link(number, LinkEnd::Blamed);
    Link& link = links_[number];
    link.handshake = std::make_unique<JoinHandshake>(role_, secret_);
    if (role_ != JoinRole::Guest) return;
    std::vector<Bytes> frames;
    frames.push_back(link.handshake->start());
    env_.net.send(number, std::move(frames));
}

void JoinSide::link_frame(LinkNumber number, std::shared_ptr<InboundFrame> frame) {
    auto at = links_.find(number);
    if (at == links_.end() || finished_) return;
    Link& link = at->second;
    if (link.is_proved) return receive(number, link, frame->bytes);
    auto step = link.handshake->receive(frame->bytes);
    if (!step.ok()) {
        log_debug("sync", "join: {}", step.error().message);
        bool is_wrong = step.error().kind == ErrorKind::Refused;
        drop(number);
        if (is_wrong) on_wrong_proof();
        return;
    }
    if (std::optional<Bytes>& reply = *step; reply.has_value()) {
        std::vector<Bytes> frames;
        frames.push_back(std::move(*reply));
        env_.net.send(number, std::move(frames));
    }
    if (!link.handshake->is_done()) return;
    link.is_proved = true;
    link.cipher = link.handshake->cipher();
    link.digits = link.handshake->digits();
    link.handshake.reset();
    on_proved(number, link);
}

void JoinSide::link_closed(LinkNumber number) {
    links_.erase(number);
}

void JoinSide::drop(LinkNumber number) {
    env_.net.close_link(number, LinkEnd::Blamed);
    links_.erase(number);
}

void JoinSide::receive(LinkNumber number, Link& link, ByteView frame) {
    auto opened = link.cipher.open(frame);
    if (!opened.ok()) return drop(number);
    auto message = decode_join_message(*opened);
    if (!message.ok()) return drop(number);
    if (auto* hello = std::get_if<JoinHello>(&*message))
        on_hello(number, link, *hello);
    else if (auto* part = std::get_if<JoinPart>(&*message))
        on_part(number, link, std::move(*part));
    else if (std::holds_alternative<JoinRejected>(*message))
        on_rejected(number);
    else
        on_done(number);
}

void JoinSide::on_part(LinkNumber number, Link& link, JoinPart part) {
    if (part.offset != link.object.size()) return drop(number);
    append(link.object, part.part);
    if (link.object.size() == part.size)
        on_object(number, link, part.object, std::exchange(link.object, {}));
}

void JoinSide::send(LinkNumber number, const JoinMessage& message) {
    auto at = links_.find(number);
    if (at == links_.end() || !at->second.is_proved) return;
    std::vector<Bytes> frames;
    frames.push_back(at->second.cipher.seal(encode_join_message(message)));
    env_.net.send(number, std::move(frames));
}

void JoinSide::send_object(LinkNumber number, JoinObject object, ByteView bytes) {
    auto size = static_cast<std::uint32_t>(bytes.size());
    for (std::size_t at = 0; at < bytes.size(); at += kPartSizeMax)
        send(number,
             JoinPart{object, size, static_cast<std::uint32_t>(at),
                      to_bytes(bytes.subspan(at, std::min(kPartSizeMax, bytes.size() - at)))});
}

}  // namespace lockstep
