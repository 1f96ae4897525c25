#include "sync/tunnel_client.h"

#include <algorithm>

#include "base/http/client_socket.h"
#include "base/log.h"
#include "sync/jitter.h"
#include "sync/near_socket.h"
#include "sync/relay_url.h"

namespace lockstep {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kThreads = 8;
constexpr std::size_t kEndsMax = 256;
constexpr seconds kDialTimeout{10};
constexpr seconds kAcceptTimeout{10};
constexpr seconds kRetryFirst{1};
constexpr seconds kRetryMax{60};
// A relay without tunnels may be given some.
constexpr seconds kNoTunnelsRetry{600};
// A connection that ended sooner counts as a failure: whoever is cut off at once shall not come
// back at once for ever.
constexpr seconds kSteadyAfter{30};

Result<DialledWebSocket> dial_relay(const std::string& relay, std::string path, HttpFields query,
                                    std::string_view subprotocol, const ProxyChoice& proxy,
                                    const std::stop_token& stop) {
    TRY(RelayUrl url, parse_relay_url(relay));
    WebSocketAddress address{.host = url.host,
                             .port = url.port,
                             .path = std::move(path),
                             .query = std::move(query),
                             .subprotocol = std::string(subprotocol),
                             .proxy = proxy.get()};
    TRY(address.tls, relay_tls(url));
    return dial_websocket(address, kDialTimeout, stop);
}

bool says_status(const Error& error, std::string_view status) {
    return error.kind == ErrorKind::Refused &&
           error.message.find("HTTP/1.1 " + std::string(status)) != std::string::npos;
}

}  // namespace

// Puts the pieces of a control connection's messages together. On ls-tunnel.
class TunnelClient::ControlEvents final : public WebSocketEvents {
  public:
    ControlEvents(std::weak_ptr<WebSocket> socket, std::function<void(std::string)> message,
                  std::function<void()> over)
        : socket_(std::move(socket)), message_(std::move(message)), over_(std::move(over)) {}

    void on_data(ByteView piece, bool, bool ends_message) override {
        if (text_.size() + piece.size() > kControlMessageMax) {
            if (auto socket = socket_.lock()) socket->close(websocket_close::kTooBig);
            return;
        }
        text_ += as_text(piece);
        if (ends_message) message_(std::exchange(text_, {}));
    }
    void on_closed() override { over_(); }

  private:
    std::weak_ptr<WebSocket> socket_;
    std::function<void(std::string)> message_;
    std::function<void()> over_;
    std::string text_;
};

TunnelClient::TunnelClient(SyncLoop& loop, PeerAddress own,
                           std::shared_ptr<const ProxyChoice> proxy, Events events)
    : loop_(loop),
      own_(std::move(own)),
      proxy_(std::move(proxy)),
      events_(std::move(events)),
      sockets_(std::make_unique<WebSocketLoop>("ls-tunnel")),
      workers_(std::make_unique<WorkerPool>(kThreads, "ls-tunnel")) {}

TunnelClient::~TunnelClient() {
    stop_.request_stop();
    workers_.reset();  // its tasks use the sockets
    sockets_.reset();
}

void TunnelClient::stop() {
    is_stopped_ = true;
    stop_.request_stop();
    controls_.clear();
    alive_.reset();
}

TunnelClient::Control* TunnelClient::find(const Key& key, std::uint64_t round) {
    auto at = controls_.find(key);
    return at == controls_.end() || at->second.round != round ? nullptr : &at->second;
}

void TunnelClient::admit(SwarmNumber swarm, const std::string& relay,
                         const std::array<std::byte, 20>& info_hash, const std::string& ticket) {
    if (is_stopped_) return;
    Control& control = controls_[{swarm, relay}];
    control.info_hash = info_hash;
    bool is_news = std::exchange(control.ticket, ticket) != ticket;
    if (is_news && control.state == State::Idle) connect({swarm, relay});
}

void TunnelClient::retain(SwarmNumber swarm, const std::vector<std::string>& relays) {
    for (auto at = controls_.lower_bound({swarm, ""});
         at != controls_.end() && at->first.first == swarm;) {
        if (std::count(relays.begin(), relays.end(), at->first.second) != 0) {
            ++at;
            continue;
        }
        if (at->second.socket != nullptr)
            sockets_->post(
                [socket = at->second.socket] { socket->close(websocket_close::kNormal); });
        Key key = at->first;
        at = controls_.erase(at);
        events_.present(key.first, key.second, {});
    }
}

bool TunnelClient::is_connected(SwarmNumber swarm, const std::string& relay) const {
    auto at = controls_.find({swarm, relay});
    return at != controls_.end() && at->second.state == State::Open;
}

const TunnelEnd* TunnelClient::behind(const PeerAddress& near_end) const {
    auto at = near_ends_.find(near_end);
    return at == near_ends_.end() ? nullptr : &at->second;
}

// ---- the control connection ---------------------------------------------------------------------

void TunnelClient::connect(const Key& key) {
    auto at = controls_.find(key);
    if (at == controls_.end() || is_stopped_ || at->second.ticket.empty()) return;
    Control& control = at->second;
    control.state = State::Dialling;
    control.round = ++last_round_;
    HttpFields query{{"info_hash", std::string(as_text(ByteView(control.info_hash)))},
                     {"ticket", control.ticket}};
    workers_->submit([this, &loop = loop_, alive = std::weak_ptr<int>(alive_), key, query,
                      proxy = proxy_, round = control.round, stop = stop_.get_token()] {
        auto dialled = std::make_shared<Result<DialledWebSocket>>(
            dial_relay(key.second, "/v1/control", query, kControlSubprotocol, *proxy, stop));
        loop.post([this, alive, key, round, dialled] {
            if (!alive.expired()) on_dialled(key, round, dialled);
        });
    });
}

void TunnelClient::on_dialled(const Key& key, std::uint64_t round,
                              const std::shared_ptr<Result<DialledWebSocket>>& dialled) {
    Control* control = find(key, round);
    if (control == nullptr) return;
    if (!dialled->ok()) {
        const Error& error = dialled->error();
        log_debug("relay", "no control connection: {}", error.message);
        control->state = State::Idle;
        if (says_status(error, "404")) return connect_later(key, jittered(kNoTunnelsRetry));
        seconds wait =
            std::min<seconds>(kRetryMax, kRetryFirst * (1 << std::min(control->failures, 6)));
        ++control->failures;
        if (!says_status(error, "403")) return connect_later(key, jittered(wait));
        // Tickets end with the relay's next start.
        control->ticket.clear();
        loop_.post_after(jittered(wait), [this, alive = std::weak_ptr<int>(alive_), key] {
            if (!alive.expired() && controls_.count(key) != 0)
                events_.ticket_refused(key.first, key.second);
        });
        return;
    }
    control->state = State::Open;
    control->since = std::chrono::steady_clock::now();
    auto report = [this, &loop = loop_, alive = std::weak_ptr<int>(alive_), key, round](auto call) {
        loop.post([this, alive, key, round, call] {
            if (!alive.expired()) call(*this, key, round);
        });
    };
    sockets_->run(
        std::move(**dialled), {.subprotocol = std::string(kControlSubprotocol)},
        [report](const std::shared_ptr<WebSocket>& socket) -> std::shared_ptr<WebSocketEvents> {
            report([socket](TunnelClient& self, const Key& k, std::uint64_t r) {
                self.on_open(k, r, socket);
            });
            return std::make_shared<ControlEvents>(
                socket,
                [report](const std::string& bytes) {
                    report([bytes](TunnelClient& self, const Key& k, std::uint64_t r) {
                        self.on_message(k, r, bytes);
                    });
                },
                [report] {
                    report([](TunnelClient& self, const Key& k, std::uint64_t r) {
                        self.on_over(k, r);
                    });
                });
        });
}

void TunnelClient::on_open(const Key& key, std::uint64_t round, std::shared_ptr<WebSocket> socket) {
    if (Control* control = find(key, round))
        control->socket = std::move(socket);
    else
        sockets_->post([socket] { socket->close(websocket_close::kNormal); });
}

void TunnelClient::on_message(const Key& key, std::uint64_t round, const std::string& bytes) {
    Control* control = find(key, round);
    if (control == nullptr) return;
    auto message = decode_control_message(bytes);
    if (!message.ok()) return log_debug("relay", "control: {}", message.error().message);
    std::vector<MemberName>& present = control->present;
    using Type = ControlMessage::Type;
    switch (message->type) {
        case Type::Members:
            present = message->members;
            return tell_present(key);
        case Type::Joined:
            if (present.size() < kMembersListedMax &&
                std::count(present.begin(), present.end(), message->member) == 0)
                present.push_back(message->member);
            return tell_present(key);
        case Type::Left:
            std::erase(present, message->member);
            return tell_present(key);
        case Type::Tunnel:
            return open_end(key, *message);
        case Type::Refused:
            return log_debug("relay", "no tunnel: {}", message->reason);
        case Type::Dial:
            return;  // a device's word; the relay never says it
    }
}

void TunnelClient::on_over(const Key& key, std::uint64_t round) {
    Control* control = find(key, round);
    if (control == nullptr) return;
    control->state = State::Idle;
    control->socket.reset();
    control->present.clear();
    bool was_steady = std::chrono::steady_clock::now() - control->since > kSteadyAfter;
    control->failures = was_steady ? 0 : control->failures + 1;
    connect_later(key, jittered(std::min<seconds>(
                           kRetryMax, kRetryFirst * (1 << std::min(control->failures, 6)))));
    tell_present(key);
}

void TunnelClient::connect_later(const Key& key, milliseconds delay) {
    loop_.post_after(
        delay, [this, alive = std::weak_ptr<int>(alive_), key, round = controls_.at(key).round] {
            Control* control = alive.expired() ? nullptr : find(key, round);
            if (control != nullptr && control->state == State::Idle) connect(key);
        });
}

void TunnelClient::tell_present(const Key& key) {
    events_.present(key.first, key.second, controls_.at(key).present);
}

void TunnelClient::dial(SwarmNumber swarm, const std::string& relay, const MemberName& member) {
    auto at = controls_.find({swarm, relay});
    if (at == controls_.end() || at->second.socket == nullptr) return;
    std::string bytes =
        encode_control_message({.type = ControlMessage::Type::Dial, .member = member});
    sockets_->post([socket = at->second.socket, bytes] {
        socket->send(WebSocketOpcode::Binary, as_bytes(bytes));
    });
}

// ---- tunnels ------------------------------------------------------------------------------------

struct TunnelClient::Task {
    TunnelClient* client = nullptr;
    SyncLoop* loop = nullptr;
    WebSocketLoop* sockets = nullptr;
    std::weak_ptr<int> alive;
    std::stop_token stop;
    PeerAddress own;
    std::shared_ptr<const ProxyChoice> proxy;
    TunnelEnd end;
    ControlMessage message;
    PeerAddress near_end{};

    // On ls-sync, while the client is there.
    void on_loop(std::function<void(TunnelClient&)> call) const {
        loop->post([client = client, alive = alive, call = std::move(call)] {
            if (!alive.expired()) call(*client);
        });
    }
};

void TunnelClient::open_end(const Key& key, const ControlMessage& message) {
    if (ends_under_way_ >= kEndsMax) return log_info("relay", "too many tunnels");
    ++ends_under_way_;
    auto task = std::make_shared<Task>(Task{.client = this,
                                            .loop = &loop_,
                                            .sockets = sockets_.get(),
                                            .alive = alive_,
                                            .stop = stop_.get_token(),
                                            .own = own_,
                                            .proxy = proxy_,
                                            .end = {key.first, key.second, message.member},
                                            .message = message});
    workers_->submit([task] {
        Status status = run_end(task);
        if (status.ok()) return;
        log_debug("relay", "no tunnel: {}", status.error().message);
        task->on_loop([near_end = task->near_end](TunnelClient& client) {
            --client.ends_under_way_;
            client.near_ends_.erase(near_end);
        });
    });
}

Status TunnelClient::run_end(const std::shared_ptr<Task>& task) {
    TRY(NearSocket near, make_near_socket());
    task->near_end = near.address;
    bool is_dialler = task->message.is_dialler;
    if (is_dialler) TRY_OK(listen_near(near));
    task->on_loop([end = task->end, at = near.address, is_dialler](TunnelClient& client) {
        client.near_ends_[at] = end;
        if (is_dialler) client.events_.dial(end.swarm, at);
    });
    TRY(DialledWebSocket dialled,
        dial_relay(task->end.relay, "/v1/tunnel", {{"token", task->message.token.to_hex()}},
                   kTunnelSubprotocol, *task->proxy, task->stop));
    Patience patience(std::chrono::steady_clock::now() + kAcceptTimeout, task->stop);
    if (is_dialler) {
        TRY(near.fd, accept_near(near, patience));
    } else {
        TRY_OK(connect_near(near, task->own, patience));
    }
    task->sockets->pipe(std::move(dialled), std::move(near.fd), [task] {
        task->on_loop([near_end = task->near_end](TunnelClient& client) {
            --client.ends_under_way_;
            client.near_ends_.erase(near_end);
        });
    });
    return {};
}

}  // namespace lockstep
