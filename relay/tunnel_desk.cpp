#include "relay/tunnel_desk.h"

#include "base/log.h"

namespace lockstep {
namespace {

// What may wait for a slow end before the fast one is not read any more.
constexpr std::size_t kUnsentMax = 1 << 20;
constexpr std::int64_t kDayMs = 86'400'000;

}  // namespace

class TunnelDesk::ControlEnd final : public WebSocketEvents {
  public:
    ControlEnd(std::shared_ptr<TunnelDesk*> desk, TicketClaims claims, std::uint64_t connection,
               std::weak_ptr<WebSocket> socket)
        : desk_(std::move(desk)),
          claims_(claims),
          connection_(connection),
          socket_(std::move(socket)) {}

    void on_data(ByteView piece, bool, bool ends_message) override {
        if (message_.size() + piece.size() > kControlMessageMax) {
            if (auto socket = socket_.lock()) socket->close(websocket_close::kTooBig);
            return;
        }
        append(message_, piece);
        if (!ends_message) return;
        Bytes message = std::exchange(message_, {});
        if (*desk_ != nullptr) (*desk_)->on_message(claims_, as_text(message));
    }
    void on_closed() override {
        if (*desk_ != nullptr) (*desk_)->leave(claims_, connection_);
    }

  private:
    std::shared_ptr<TunnelDesk*> desk_;
    TicketClaims claims_;
    std::uint64_t connection_;
    std::weak_ptr<WebSocket> socket_;
    Bytes message_;
};

class TunnelDesk::DataEnd final : public WebSocketEvents {
  public:
    DataEnd(std::shared_ptr<TunnelDesk*> desk, TunnelNumber tunnel, std::size_t side)
        : desk_(std::move(desk)), tunnel_(tunnel), side_(side) {}

    void on_data(ByteView piece, bool, bool) override {
        if (*desk_ != nullptr) (*desk_)->on_end_data(tunnel_, side_, piece);
    }
    void on_drained() override {
        if (*desk_ != nullptr) (*desk_)->on_end_drained(tunnel_, side_);
    }
    void on_closed() override {
        if (*desk_ != nullptr) (*desk_)->end(tunnel_, websocket_close::kNormal);
    }

  private:
    std::shared_ptr<TunnelDesk*> desk_;
    TunnelNumber tunnel_;
    std::size_t side_;
};

TunnelDesk::TunnelDesk(Clock& clock, Random& random, const Admission& admission,
                       TunnelOptions options)
    : clock_(clock),
      random_(random),
      admission_(admission),
      options_(options),
      self_(std::make_shared<TunnelDesk*>(this)) {}

TunnelDesk::~TunnelDesk() {
    *self_ = nullptr;
}

void TunnelDesk::accept_control(const HttpRequest& request, const HttpResponder& responder,
                                const TicketClaims& claims) {
    Bytes address = request.peer.address_group();
    auto swarm = swarms_.find(claims.swarm);
    bool is_full = swarm != swarms_.end() && !swarm->second.members.contains(claims.member) &&
                   swarm->second.members.size() >= options_.members_max;
    auto from_there = per_address_.find(address);
    is_full = is_full || (from_there != per_address_.end() &&
                          from_there->second >= options_.members_per_address_max);
    if (is_full) return responder.respond(HttpResponse::text(503, "too many members\n"));
    WebSocketOptions options{.subprotocol = std::string(kControlSubprotocol),
                             .unsent_bytes_max = 256 << 10};
    responder.accept_websocket(
        options,
        [self = self_, claims,
         address](const std::shared_ptr<WebSocket>& socket) -> std::shared_ptr<WebSocketEvents> {
            if (*self == nullptr) return std::make_shared<ControlEnd>(self, claims, 0, socket);
            std::uint64_t connection = ++(*self)->last_connection_;
            (*self)->enter(claims, {socket, connection, claims.account, address});
            return std::make_shared<ControlEnd>(self, claims, connection, socket);
        });
}

void TunnelDesk::enter(const TicketClaims& claims, Member member) {
    Swarm& swarm = swarms_[claims.swarm];
    auto known = swarm.members.find(claims.member);
    bool is_back = known != swarm.members.end();
    ++per_address_[member.address];
    ++member_count_;
    ControlMessage welcome{.type = ControlMessage::Type::Members};
    for (const auto& [name, other] : swarm.members)
        if (name != claims.member) welcome.members.push_back(name);
    if (is_back) {
        // The same device again: its older connection is a dead one that has not been noticed.
        std::shared_ptr<WebSocket> old = known->second.socket;
        leave(claims, known->second.connection);
        old->close(websocket_close::kPolicy);
    }
    // leave() may have removed the swarm.
    Swarm& again = swarms_[claims.swarm];
    say(member, welcome);
    for (const auto& [name, other] : again.members)
        say(other, {.type = ControlMessage::Type::Joined, .member = claims.member});
    again.members[claims.member] = std::move(member);
}

void TunnelDesk::leave(const TicketClaims& claims, std::uint64_t connection) {
    auto swarm = swarms_.find(claims.swarm);
    if (swarm == swarms_.end()) return;
    auto member = swarm->second.members.find(claims.member);
    bool is_his = member != swarm->second.members.end() && member->second.connection == connection;
    if (!is_his) return;
    auto address = per_address_.find(member->second.address);
    if (--address->second == 0) per_address_.erase(address);
    --member_count_;
    swarm->second.members.erase(member);
    for (const auto& [name, other] : swarm->second.members)
        say(other, {.type = ControlMessage::Type::Left, .member = claims.member});
    if (swarm->second.members.empty() && swarm->second.tunnels == 0) swarms_.erase(swarm);
}

void TunnelDesk::on_message(const TicketClaims& claims, std::string_view bytes) {
    auto swarm = swarms_.find(claims.swarm);
    if (swarm == swarms_.end()) return;
    auto member = swarm->second.members.find(claims.member);
    if (member == swarm->second.members.end()) return;
    auto message = decode_control_message(bytes);
    if (!message.ok() || message->type != ControlMessage::Type::Dial)
        return member->second.socket->close(websocket_close::kPolicy);
    dial(claims, message->member);
}

void TunnelDesk::say(const Member& member, const ControlMessage& message) {
    member.socket->send(WebSocketOpcode::Binary, as_bytes(encode_control_message(message)));
}

std::string_view TunnelDesk::reason_against(const TicketClaims& claims, const MemberName& whom) {
    const Swarm& swarm = swarms_.at(claims.swarm);
    if (whom == claims.member || !swarm.members.contains(whom)) return "it is not here";
    if (tunnels_.size() >= options_.tunnels_max) return "the relay has no room";
    if (swarm.tunnels >= options_.tunnels_per_swarm_max) return "too many tunnels of this swarm";
    if (!admission_.account(claims.account).rights.tunnel) return "tunnels are not allowed";
    if (!charge(claims.account, 0)) return "no more bytes today";
    return "";
}

void TunnelDesk::dial(const TicketClaims& claims, const MemberName& whom) {
    Swarm& swarm = swarms_.at(claims.swarm);
    const Member& dialler = swarm.members.at(claims.member);
    if (auto reason = reason_against(claims, whom); !reason.empty()) {
        ++counts_.refused;
        return say(
            dialler,
            {.type = ControlMessage::Type::Refused, .member = whom, .reason = std::string(reason)});
    }
    TunnelNumber number = ++last_tunnel_;
    Tunnel& tunnel = tunnels_[number];
    tunnel.swarm = claims.swarm;
    tunnel.account = claims.account;
    tunnel.since = tunnel.last_moved = clock_.steady();
    for (std::size_t side : {0U, 1U}) {
        tunnel.tokens[side] = random_.id<TunnelToken>();
        tokens_[tunnel.tokens[side]] = {number, side};
    }
    ++swarm.tunnels;
    const Member& answerer = swarm.members.at(whom);
    using Type = ControlMessage::Type;
    say(answerer, {.type = Type::Tunnel, .member = claims.member, .token = tunnel.tokens[1]});
    say(dialler,
        {.type = Type::Tunnel, .member = whom, .token = tunnel.tokens[0], .is_dialler = true});
}

void TunnelDesk::accept_data(const HttpRequest& request, const HttpResponder& responder) {
    const std::string* text = request.query_value("token");
    auto token = TunnelToken::parse_hex(text == nullptr ? std::string_view() : *text);
    auto at = token.ok() ? tokens_.find(*token) : tokens_.end();
    if (at == tokens_.end()) return responder.respond(HttpResponse::text(403, "no such tunnel\n"));
    auto [number, side] = at->second;
    // Waits unread until both are there: the relay holds nothing for who has not come.
    WebSocketOptions options{.subprotocol = std::string(kTunnelSubprotocol),
                             .ping_interval = std::chrono::milliseconds(0),
                             .silence_max = std::chrono::milliseconds(0),
                             .stall_max = options_.idle_timeout,
                             .is_paused = true};
    responder.accept_websocket(
        options,
        [self = self_, key = *token, number = number, side = side](
            const std::shared_ptr<WebSocket>& socket) -> std::shared_ptr<WebSocketEvents> {
            // Two may have come with the same token; the first has it.
            bool is_good = *self != nullptr && (*self)->tokens_.erase(key) == 1;
            auto events = std::make_shared<DataEnd>(self, is_good ? number : 0, side);
            if (is_good) (*self)->on_end_opened(number, side, socket);
            if (!is_good) socket->close(websocket_close::kPolicy);
            return events;
        });
}

void TunnelDesk::on_end_opened(TunnelNumber number, std::size_t side,
                               std::shared_ptr<WebSocket> socket) {
    Tunnel& tunnel = tunnels_.at(number);
    tunnel.ends[side] = std::move(socket);
    if (tunnel.ends[0] == nullptr || tunnel.ends[1] == nullptr) return;
    tunnel.is_joined = true;
    tunnel.last_moved = clock_.steady();
    ++counts_.opened;
    for (const auto& one : tunnel.ends) one->resume();
}

void TunnelDesk::on_end_data(TunnelNumber number, std::size_t side, ByteView piece) {
    auto at = tunnels_.find(number);
    if (at == tunnels_.end() || !at->second.is_joined || piece.empty()) return;
    Tunnel& tunnel = at->second;
    if (!charge(tunnel.account, piece.size())) return end(number, websocket_close::kPolicy);
    tunnel.last_moved = clock_.steady();
    counts_.bytes += piece.size();
    WebSocket& other = *tunnel.ends[1 - side];
    other.send(WebSocketOpcode::Binary, piece);
    if (other.unsent_bytes() > kUnsentMax) tunnel.ends[side]->pause();
}

void TunnelDesk::on_end_drained(TunnelNumber number, std::size_t side) {
    auto at = tunnels_.find(number);
    if (at != tunnels_.end() && at->second.is_joined) at->second.ends[1 - side]->resume();
}

void TunnelDesk::end(TunnelNumber number, std::uint16_t code) {
    auto at = tunnels_.find(number);
    if (at == tunnels_.end()) return;
    Tunnel tunnel = std::move(at->second);
    tunnels_.erase(at);
    for (const TunnelToken& token : tunnel.tokens) tokens_.erase(token);
    auto swarm = swarms_.find(tunnel.swarm);
    if (swarm != swarms_.end() && --swarm->second.tunnels == 0 && swarm->second.members.empty())
        swarms_.erase(swarm);
    for (const auto& one : tunnel.ends)
        if (one != nullptr) one->close(code);
}

bool TunnelDesk::charge(std::uint16_t account, std::uint64_t bytes) {
    Day& day = days_[account];
    std::int64_t today = clock_.wall_ms() / kDayMs;
    if (day.number != today) day = {today, 0};
    if (day.bytes >= admission_.account(account).tunnel_bytes_per_day) return false;
    day.bytes += bytes;
    return true;
}

void TunnelDesk::tick() {
    Time now = clock_.steady();
    std::vector<TunnelNumber> over;
    for (const auto& [number, tunnel] : tunnels_) {
        bool is_late = !tunnel.is_joined && now - tunnel.since >= options_.pairing_timeout;
        bool is_idle = tunnel.is_joined && now - tunnel.last_moved >= options_.idle_timeout;
        if (is_late || is_idle) over.push_back(number);
    }
    for (TunnelNumber number : over) end(number, websocket_close::kGoingAway);
}

}  // namespace lockstep
