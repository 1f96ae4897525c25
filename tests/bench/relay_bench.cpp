// Load on a lockstep-relay of its own, on loopback:
//
//     relay_bench PROGRAM announces|tickets|opentracker|idle|tunnel|tunnel-tls|mailbox [SECONDS]
//
// announces: keep-alive, 64 connections, 100,000 peers in 10,000 swarms (tickets: each with one);
// opentracker: one connection per announce, tickets on, and the same asked of Debian's opentracker,
// three times in turns; idle: 10,000 control connections; tunnel, tunnel-tls: one pair, then 100;
// mailbox: 4 KiB put by 64 connections. What has a goal is measured again at half of the goal: then
// each answer's time counts from when its request was due.
#include <algorithm>
#include <cstdio>
#include <deque>
#include <fstream>
#include <future>
#include <mutex>
#include <sstream>
#include <thread>

#include <netinet/in.h>
#include <sodium.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/http/client.h"
#include "base/http/client_socket.h"
#include "base/http/url.h"
#include "base/http/websocket_loop.h"
#include "base/random.h"
#include "relay/admission.h"
#include "relay/protocol/announce.h"
#include "relay/protocol/tunnel.h"
#include "tests/relay/relay_program.h"
#include "tests/relay/relay_signer.h"
#include "tests/support/certificate.h"
#include "tests/support/temp_dir.h"

namespace lockstep {
namespace {

using namespace std::chrono_literals;
using Time = std::chrono::steady_clock::time_point;

constexpr std::size_t kConnections = 64;
constexpr std::size_t kSwarms = 10'000;
constexpr std::size_t kPeers = 100'000;
constexpr std::size_t kTicketSwarms = 500;
// What a relay shall do in a second.
constexpr double kAnnouncesGoal = 20'000;
constexpr double kPutsGoal = 2'000;
constexpr double kTunnelGoal = 500e6, kTlsTunnelGoal = 200e6;  // bytes
constexpr std::string_view kConfig =
    "[limits]\nconnections = 30000\nrequests_per_second = 0\ntickets_per_second = 0\n"
    "announces_per_second = 0\nmailbox_kib_per_second = 0\n[anybody]\nmailbox_mib = 100000\n"
    "tunnel_mib_per_day = 1000000000\n[tunnel]\nmembers = 10000\nmembers_per_address = 100000\n"
    "tunnels_per_swarm = 1000\n[mailbox]\nmib = 1000000\nobjects_per_swarm = 10000000\n";

double seconds_since(Time start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

class Bench {
  public:
    enum class Security { Plain, Tls };

    Bench(const std::string& program, std::chrono::seconds time, RelayAccess access,
          Security security = Security::Plain)
        : time_(time) {
        std::ofstream config(directory_ / "relay.toml");
        config << kConfig << "directory = \"" << (directory_ / "mail").string() << "\"\n";
        if (security == Security::Tls) {
            auto files = TestCertificate::make(directory_.path(), "relay");
            config << "[tls]\ncertificate = \"" << files.certificate.string() << "\"\nkey = \""
                   << files.key.string() << "\"\n";
            TlsPin pin = TlsContext::server(files.certificate, files.key).value()->own_pin();
            tls_ = TlsContext::client({.pin = &pin}).value();
        }
        config.close();
        bool is_open = access == RelayAccess::OpenTracker;
        relay_.emplace(
            std::vector<std::string>{"--config", directory_ / "relay.toml", "--listen",
                                     "127.0.0.1:0", "--access", is_open ? "open-tracker" : "open"},
            program);
        std::string log = relay_->read_until(" port ");
        log += relay_->read_until("\n");
        port_ = port_in(log);
    }

    void announces(bool with_tickets);
    void compare_with_opentracker();
    void idle();
    void tunnel(std::size_t pairs);
    void mailbox();

  private:
    struct Connection {
        UniqueFd fd;
        Time sent{};
        std::string got;
    };

    struct Load {
        std::uint16_t port = 0;
        pid_t server = 0;  // whose processor time counts; 0: the relay's
        // A connection takes one request.
        bool is_closed_each_time = false;
        // Requests a second; 0: each connection sends when its last answer is there.
        double rate = 0;
    };
    HttpFields shown(const TrackerHash& hash, const MemberName& member);
    HttpClient client() {
        return tls_ == nullptr ? HttpClient::over_tcp("127.0.0.1", port_)
                               : HttpClient::over_tls("127.0.0.1", port_, tls_);
    }
    // Sends what `next` gives on all connections; prints and returns the rate.
    double drive(const std::string& name, const Load& load,
                 const std::function<std::string()>& next);
    // All out, then at half of the goal.
    void drive_twice(const std::string& name, double goal,
                     const std::function<std::string()>& next) {
        drive(name, {.port = port_}, next);
        drive(name + ", at half of the goal", {.port = port_, .rate = goal / 2}, next);
    }
    // Announces of all peers in `swarms` swarms, one after the other; with a ticket each, if any.
    std::function<std::string()> announcing(std::size_t swarms,
                                            const std::vector<std::string>& tickets, bool keeps);
    std::vector<std::string> tickets_for(std::size_t swarms);
    std::uint64_t resident_kib();
    // What the relay has used of the processors: a measure that other work on the machine disturbs
    // little.
    static double processor_s(pid_t process);
    Result<DialledWebSocket> dial(const std::string& path, HttpFields query,
                                  std::string_view subprotocol) {
        return dial_websocket({.host = "127.0.0.1",
                               .port = port_,
                               .tls = tls_,
                               .path = path,
                               .query = std::move(query),
                               .subprotocol = std::string(subprotocol)},
                              30s);
    }

    TempDir directory_;
    std::optional<Program> relay_;
    std::chrono::seconds time_;
    std::uint16_t port_ = 0;
    std::shared_ptr<TlsContext> tls_;
    std::size_t run_ = 0;
    // Of the last drive().
    double per_processor_s_ = 0;
    SwarmSigner signer_;
};

HttpFields Bench::shown(const TrackerHash& hash, const MemberName& member) {
    HttpClient client = this->client();
    auto now = static_cast<std::uint64_t>(system_clock().wall_ms() / 1000);
    auto response =
        client.request({.method = "POST",
                        .path = "/v1/tickets",
                        .body = encode_admission_request(signer_.request(hash, member, now))},
                       30s);
    auto answer = decode_admission_answer(response.value().body).value();
    return {{"info_hash", std::string(as_text(hash.view()))}, {"ticket", answer.ticket}};
}

std::uint64_t Bench::resident_kib() {
    std::ifstream in("/proc/" + std::to_string(relay_->pid()) + "/status");
    std::string status(std::istreambuf_iterator<char>(in), {});
    return std::stoull(status.substr(status.find("VmRSS:") + 6));
}

double Bench::processor_s(pid_t process) {
    std::ifstream in("/proc/" + std::to_string(process) + "/stat");
    std::string stat(std::istreambuf_iterator<char>(in), {});
    // utime and stime are the 14th and 15th field; the second may hold spaces.
    std::istringstream fields(stat.substr(stat.rfind(')') + 2));
    std::string skipped;
    for (int i = 3; i < 14; ++i) fields >> skipped;
    double user = 0, system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

bool is_answer_whole(const std::string& got) {
    std::size_t head = got.find("\r\n\r\n");
    if (head == std::string::npos) return false;
    std::size_t length = got.find("Content-Length: ");
    std::size_t body = length > head ? 0 : std::stoull(got.substr(length + 16));
    return got.size() >= head + 4 + body;
}

double Bench::drive(const std::string& name, const Load& load,
                    const std::function<std::string()>& next) {
    Patience patience(std::chrono::steady_clock::now() + 60s, {});
    UniqueFd poller(::epoll_create1(EPOLL_CLOEXEC));
    std::vector<Connection> connections(kConnections);
    std::deque<std::size_t> waiting;
    auto connect = [&](std::size_t i) {
        connections[i].fd = connect_tcp("127.0.0.1", load.port, patience).value();
        // Closing forgets the connection: its port can be used again at once.
        linger forget{.l_onoff = 1, .l_linger = 0};
        setsockopt(connections[i].fd.get(), SOL_SOCKET, SO_LINGER, &forget, sizeof(forget));
        epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
        CHECK(::epoll_ctl(poller.get(), EPOLL_CTL_ADD, connections[i].fd.get(), &event) == 0);
    };
    auto send = [&](std::size_t i, Time due) {
        Connection& connection = connections[i];
        if (!connection.fd.ok()) connect(i);
        connection.got.clear();
        connection.sent = due;
        Transport plain(connection.fd.get());
        CHECK(send_all(plain, connection.fd.get(), next(), patience).ok());
    };
    std::vector<double> took_ms;
    pid_t server = load.server != 0 ? load.server : relay_->pid();
    double used_before = processor_s(server);
    std::size_t failed = 0, sent = 0;
    Time start = std::chrono::steady_clock::now();
    patience.set_deadline(start + time_ + 60s);
    auto due_at = [&](std::size_t n) {
        return start + std::chrono::nanoseconds(
                           static_cast<std::int64_t>(1e9 * static_cast<double>(n) / load.rate));
    };
    auto send_what_is_due = [&] {
        while (!waiting.empty()) {
            Time now = std::chrono::steady_clock::now();
            Time due = load.rate > 0 ? due_at(sent) : now;
            if (due > now) return;
            std::size_t i = waiting.front();
            waiting.pop_front();
            ++sent;
            send(i, due);
        }
    };
    for (std::size_t i = 0; i < kConnections; ++i) waiting.push_back(i);
    while (seconds_since(start) < static_cast<double>(time_.count())) {
        send_what_is_due();
        std::array<epoll_event, kConnections> ready;
        // Until the next one is due: whoever asks all the time takes the processor from the relay.
        auto patience_ns = std::chrono::nanoseconds(1s);
        if (load.rate > 0 && !waiting.empty())
            patience_ns = std::max<std::chrono::nanoseconds>(
                0ns, due_at(sent) - std::chrono::steady_clock::now());
        timespec time{.tv_sec = patience_ns / 1s, .tv_nsec = (patience_ns % 1s).count()};
        int count = ::epoll_pwait2(poller.get(), ready.data(), static_cast<int>(ready.size()),
                                   &time, nullptr);
        for (int n = 0; n < count; ++n) {
            std::size_t i = ready[static_cast<std::size_t>(n)].data.u64;
            Connection& connection = connections[i];
            char buffer[16384];
            ssize_t got = ::recv(connection.fd.get(), buffer, sizeof(buffer), MSG_DONTWAIT);
            if (got > 0) connection.got.append(buffer, static_cast<std::size_t>(got));
            bool is_whole = is_answer_whole(connection.got);
            CHECK(got != 0 || is_whole, "a connection was closed without an answer");
            if (!is_whole) continue;
            bool is_good = connection.got.starts_with("HTTP/1.1 20") ||
                           connection.got.starts_with("HTTP/1.0 20");
            if (!is_good || connection.got.find("failure reason") != std::string::npos) ++failed;
            took_ms.push_back(1000 * seconds_since(connection.sent));
            if (load.is_closed_each_time) connection.fd.reset();
            waiting.push_back(i);
        }
    }
    double used = processor_s(server) - used_before;
    per_processor_s_ = static_cast<double>(took_ms.size()) / std::max(used, 0.01);
    double rate = static_cast<double>(took_ms.size()) / seconds_since(start);
    std::sort(took_ms.begin(), took_ms.end());
    auto at = [&](double part) {
        return took_ms[static_cast<std::size_t>(part * static_cast<double>(took_ms.size() - 1))];
    };
    std::printf(
        "%s: %.0f/s, p50 %.2f ms, p99 %.2f ms, %zu failed; %.0f a second of its processor time",
        name.c_str(), rate, at(0.5), at(0.99), failed, per_processor_s_);
    if (load.port == port_)
        std::printf(", RSS %.0f MB", static_cast<double>(resident_kib()) / 1024);
    std::printf("\n");
    return rate;
}

TrackerHash hash_of(std::size_t swarm) {
    TrackerHash hash;
    std::memcpy(hash.bytes.data(), &swarm, sizeof(swarm));
    return hash;
}

std::vector<std::string> Bench::tickets_for(std::size_t swarms) {
    std::vector<std::string> out(swarms);
    for (std::size_t i = 0; i < swarms; ++i) out[i] = shown(hash_of(i), {})[1].value;
    return out;
}

std::function<std::string()> Bench::announcing(std::size_t swarms,
                                               const std::vector<std::string>& tickets,
                                               bool keeps) {
    return [=, number = std::size_t{0}]() mutable {
        std::size_t peer = number++ % kPeers;
        AnnounceRequest request{.info_hash = hash_of(peer % swarms),
                                .port = static_cast<std::uint16_t>(1 + peer / swarms)};
        std::memcpy(request.peer_id.bytes.data(), &peer, sizeof(peer));
        HttpFields query = encode_announce_query(request);
        if (!tickets.empty()) query.push_back({"ticket", tickets[peer % swarms]});
        return "GET /announce?" + format_query(query) + " HTTP/1.1\r\nHost: relay\r\n" +
               (keeps ? "" : "Connection: close\r\n") + "\r\n";
    };
}

void Bench::announces(bool with_tickets) {
    auto tickets = with_tickets ? tickets_for(kTicketSwarms) : std::vector<std::string>();
    std::size_t swarms = with_tickets ? kTicketSwarms : kSwarms;
    drive_twice(with_tickets ? "announces with tickets" : "announces", kAnnouncesGoal,
                announcing(swarms, tickets, true));
}

// Its own program in turns with Debian's, on the same machine and from the same generator.
void Bench::compare_with_opentracker() {
    std::ofstream whitelist(directory_ / "whitelist");
    for (std::size_t i = 0; i < kTicketSwarms; ++i) whitelist << hash_of(i).to_hex() << "\n";
    whitelist.close();
    // It gives up being root, and looks into its directory before and after that.
    std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
    UniqueFd probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in any{
        .sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    socklen_t size = sizeof(any);
    CHECK(::bind(probe.get(), reinterpret_cast<sockaddr*>(&any), size) == 0);
    CHECK(::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&any), &size) == 0);
    probe.reset();
    std::uint16_t port = ntohs(any.sin_port);
    Program opentracker(
        {"-i", "127.0.0.1", "-p", std::to_string(port), "-d", directory_.path(), "-w", "whitelist"},
        "/usr/bin/opentracker");
    std::this_thread::sleep_for(1s);
    auto tickets = tickets_for(kTicketSwarms);
    std::array<std::vector<double>, 2> rates, per_processor_s;
    for (int turn = 0; turn < 3; ++turn) {
        rates[0].push_back(drive("lockstep-relay, a connection each, tickets",
                                 {.port = port_, .is_closed_each_time = true},
                                 announcing(kTicketSwarms, tickets, false)));
        per_processor_s[0].push_back(per_processor_s_);
        rates[1].push_back(
            drive("opentracker, a connection each",
                  {.port = port, .server = opentracker.pid(), .is_closed_each_time = true},
                  announcing(kTicketSwarms, {}, false)));
        per_processor_s[1].push_back(per_processor_s_);
    }
    auto print_medians = [](const char* what, std::array<std::vector<double>, 2>& figures) {
        for (auto& all : figures) std::sort(all.begin(), all.end());
        std::printf("medians %s: lockstep-relay %.0f, opentracker %.0f, ratio %.2f\n", what,
                    figures[0][1], figures[1][1], figures[0][1] / figures[1][1]);
    };
    print_medians("a second", rates);
    print_medians("a second of processor time", per_processor_s);
}

void Bench::mailbox() {
    HttpFields query = shown({}, {});
    std::string body(4096, 'x');
    drive_twice("mailbox put of 4 KiB", kPutsGoal, [&, number = 0]() mutable {
        return "PUT /v1/mailbox/n" + std::to_string(number++) + "-" + std::to_string(++run_) + "?" +
               format_query(query) + " HTTP/1.1\r\nHost: relay\r\nContent-Length: 4096\r\n\r\n" +
               body;
    });
}

// Counts what arrives, and hands out control messages.
class Ear final : public WebSocketEvents {
  public:
    explicit Ear(std::atomic<std::uint64_t>& bytes) : bytes_(bytes) {}
    void on_data(ByteView piece, bool, bool ends_message) override {
        bytes_ += piece.size();
        own_ += piece.size();
        if (arrived) arrived(own_);
        if (!keeps_messages) return;
        std::lock_guard lock(mutex_);
        append(message_, piece);
        if (ends_message) messages_.push_back(std::exchange(message_, {}));
    }
    void on_drained() override {
        if (refill) refill();
    }
    void on_closed() override {}
    ControlMessage next() {
        for (;;) {
            {
                std::lock_guard lock(mutex_);
                if (!messages_.empty()) {
                    Bytes first = messages_.front();
                    messages_.erase(messages_.begin());
                    return decode_control_message(as_text(first)).value();
                }
            }
            std::this_thread::sleep_for(1ms);
        }
    }
    std::uint64_t own() const { return own_; }
    bool keeps_messages = false;
    std::function<void()> refill;
    // How many bytes have come, each time that some do.
    std::function<void(std::uint64_t)> arrived;

  private:
    std::atomic<std::uint64_t>& bytes_;
    std::atomic<std::uint64_t> own_{0};
    std::mutex mutex_;
    Bytes message_;
    std::vector<Bytes> messages_;
};

void Bench::idle() {
    constexpr int kIdle = 10'000;
    std::atomic<std::uint64_t> bytes{0};
    auto loop = std::make_unique<WebSocketLoop>("ls-bench");
    std::uint64_t before = resident_kib();
    HttpFields query;
    for (int i = 0; i < kIdle; ++i) {
        MemberName member;
        std::memcpy(member.bytes.data(), &i, sizeof(i));
        TrackerHash hash;
        int swarm = i / 4;  // a few devices each
        std::memcpy(hash.bytes.data(), &swarm, sizeof(swarm));
        loop->run(dial("/v1/control", shown(hash, member), kControlSubprotocol).value(), {},
                  [&](const std::shared_ptr<WebSocket>&) { return std::make_shared<Ear>(bytes); });
    }
    std::printf("%d idle control connections: RSS %.0f MB, %.1f MB before\n", kIdle,
                static_cast<double>(resident_kib()) / 1024, static_cast<double>(before) / 1024);
}

// Runs `task` on the loop and waits for it.
void run_on(WebSocketLoop& loop, const std::function<void()>& task) {
    std::promise<void> done;
    loop.post([&] {
        task();
        done.set_value();
    });
    done.get_future().get();
}

// Sends through an idle tunnel at `rate` bytes a second for so long, and prints how long pieces
// took from when each was due until its last byte had arrived.
void print_tunnel_times(WebSocketLoop& senders, WebSocket& socket, WebSocketLoop& receivers,
                        Ear& ear, double rate, std::chrono::seconds time) {
    constexpr std::size_t kPiece = 64 << 10;
    // What was sent before has come when nothing comes any more.
    for (std::uint64_t before = ~std::uint64_t{0}; before != ear.own();) {
        before = ear.own();
        std::this_thread::sleep_for(300ms);
    }
    std::mutex mutex;
    std::deque<Time> due;
    std::vector<double> took_ms;
    std::uint64_t next_end = ear.own() + kPiece;
    run_on(receivers, [&] {
        ear.arrived = [&](std::uint64_t bytes) {
            std::lock_guard lock(mutex);
            for (; bytes >= next_end && !due.empty(); next_end += kPiece) {
                took_ms.push_back(1000 * seconds_since(due.front()));
                due.pop_front();
            }
        };
    });
    Bytes piece(kPiece);
    Time start = std::chrono::steady_clock::now();
    auto count = static_cast<std::size_t>(rate / kPiece * static_cast<double>(time.count()));
    for (std::size_t n = 0; n < count; ++n) {
        Time at = start + std::chrono::nanoseconds(static_cast<std::int64_t>(
                              1e9 * kPiece / rate * static_cast<double>(n)));
        std::this_thread::sleep_until(at);
        {
            std::lock_guard lock(mutex);
            due.push_back(at);
        }
        senders.post([&] { socket.send(WebSocketOpcode::Binary, piece); });
    }
    auto is_all_there = [&] {
        std::lock_guard lock(mutex);
        return due.empty();
    };
    for (int i = 0; i < 300 && !is_all_there(); ++i) std::this_thread::sleep_for(100ms);
    run_on(senders, [] {});
    run_on(receivers, [&] { ear.arrived = {}; });
    CHECK(is_all_there(), "the tunnel has stopped");
    std::sort(took_ms.begin(), took_ms.end());
    auto part = [&](double p) {
        return took_ms[static_cast<std::size_t>(p * static_cast<double>(took_ms.size() - 1))];
    };
    std::printf("a tunnel at half of the goal, %.0f MB/s: 64 KiB take p50 %.2f ms, p99 %.2f ms\n",
                rate / 1e6, part(0.5), part(0.99));
}

void Bench::tunnel(std::size_t pairs) {
    std::atomic<std::uint64_t> control_bytes{0}, bytes{0};
    auto senders = std::make_unique<WebSocketLoop>("ls-send");
    auto receivers = std::make_unique<WebSocketLoop>("ls-receive");
    auto run = [](WebSocketLoop& loop, DialledWebSocket dialled, std::shared_ptr<Ear> ear,
                  std::shared_ptr<std::shared_ptr<WebSocket>> socket) {
        // Enough for some seconds at half of the goal, should the machine have others to serve.
        loop.run(std::move(dialled), {.unsent_bytes_max = 2048U << 20},
                 [ear, socket](const std::shared_ptr<WebSocket>& made) {
                     *socket = made;
                     return ear;
                 });
    };
    std::array<std::shared_ptr<Ear>, 2> controls;
    std::array<std::shared_ptr<std::shared_ptr<WebSocket>>, 2> control_sockets;
    for (unsigned char i = 0; i < 2; ++i) {
        controls[i] = std::make_shared<Ear>(control_bytes);
        controls[i]->keeps_messages = true;
        control_sockets[i] = std::make_shared<std::shared_ptr<WebSocket>>();
        MemberName member;
        member.bytes.fill(std::byte{i});
        run(*senders, dial("/v1/control", shown({}, member), kControlSubprotocol).value(),
            controls[i], control_sockets[i]);
        (void)controls[i]->next();
    }
    (void)controls[0]->next();  // the other joined
    MemberName other;
    other.bytes.fill(std::byte{1});
    Bytes piece(256 << 10);
    auto is_over = std::make_shared<std::atomic<bool>>(false);
    std::vector<std::shared_ptr<Ear>> ears, sending_ears;
    std::vector<std::shared_ptr<std::shared_ptr<WebSocket>>> sending_sockets;
    for (std::size_t i = 0; i < pairs; ++i) {
        senders->post([&, other] {
            std::string wish =
                encode_control_message({.type = ControlMessage::Type::Dial, .member = other});
            (*control_sockets[0])->send(WebSocketOpcode::Binary, as_bytes(wish));
        });
        auto a = controls[0]->next(), b = controls[1]->next();
        auto receiving = std::make_shared<Ear>(bytes);
        run(*receivers,
            dial("/v1/tunnel", {{"token", b.token.to_hex()}}, kTunnelSubprotocol).value(),
            receiving, std::make_shared<std::shared_ptr<WebSocket>>());
        ears.push_back(receiving);
        auto sending = std::make_shared<Ear>(control_bytes);
        auto socket = std::make_shared<std::shared_ptr<WebSocket>>();
        // Again when the kernel took all at once: then nothing drains later.
        sending->refill = [socket, &piece, is_over, loop = senders.get(),
                           ear = std::weak_ptr<Ear>(sending)] {
            if (*is_over) return;
            for (int n = 0; n < 8 && (*socket)->unsent_bytes() == 0; ++n)
                (*socket)->send(WebSocketOpcode::Binary, piece);
            bool is_more_wanted = (*socket)->is_open() && (*socket)->unsent_bytes() == 0;
            if (!is_more_wanted) return;
            loop->post([ear] {
                if (auto same = ear.lock()) same->refill();
            });
        };
        run(*senders, dial("/v1/tunnel", {{"token", a.token.to_hex()}}, kTunnelSubprotocol).value(),
            sending, socket);
        sending_ears.push_back(sending);
        sending_sockets.push_back(socket);
    }
    // When all are there: who sends leaves little time for others to come.
    for (const auto& ear : sending_ears) senders->post([ear] { ear->refill(); });
    std::this_thread::sleep_for(500ms);
    std::vector<std::uint64_t> before;
    for (const auto& ear : ears) before.push_back(ear->own());
    double used_before = processor_s(relay_->pid());
    Time start = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(time_);
    double took = seconds_since(start);
    double used = processor_s(relay_->pid()) - used_before;
    // Whoever sends on a loop that ends would find it gone.
    *is_over = true;
    run_on(*senders, [] {});
    std::uint64_t total = 0, least = ~std::uint64_t{0}, most = 0;
    for (std::size_t i = 0; i < ears.size(); ++i) {
        std::uint64_t moved = ears[i]->own() - before[i];
        total += moved;
        least = std::min(least, moved);
        most = std::max(most, moved);
    }
    std::printf(
        "%zu tunnels%s: %.0f MB/s together, the slowest %.1f, the fastest %.1f MB/s; %.0f MB a "
        "second "
        "of the relay's processor time, RSS %.0f MB\n",
        pairs, tls_ == nullptr ? "" : " under TLS", static_cast<double>(total) / took / 1e6,
        static_cast<double>(least) / took / 1e6, static_cast<double>(most) / took / 1e6,
        static_cast<double>(total) / std::max(used, 0.01) / 1e6,
        static_cast<double>(resident_kib()) / 1024);
    if (pairs == 1)
        print_tunnel_times(*senders, **sending_sockets[0], *receivers, *ears[0],
                           (tls_ == nullptr ? kTunnelGoal : kTlsTunnelGoal) / 2, time_);
}

int run(const std::string& program, const std::string& what, std::chrono::seconds time) {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    auto access = what == "announces" ? RelayAccess::OpenTracker : RelayAccess::Open;
    if (what == "tunnel" || what == "tunnel-tls") {
        auto security = what == "tunnel" ? Bench::Security::Plain : Bench::Security::Tls;
        for (std::size_t pairs : {1U, 100U}) Bench(program, time, access, security).tunnel(pairs);
        return 0;
    }
    Bench bench(program, time, access);
    if (what == "announces" || what == "tickets") bench.announces(what == "tickets");
    if (what == "opentracker") bench.compare_with_opentracker();
    if (what == "mailbox") bench.mailbox();
    if (what == "idle") bench.idle();
    return 0;
}

}  // namespace
}  // namespace lockstep

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fputs(
            "usage: relay_bench PROGRAM "
            "announces|tickets|opentracker|idle|tunnel|tunnel-tls|mailbox [SECONDS]\n",
            stderr);
        return 2;
    }
    return lockstep::run(argv[1], argv[2],
                         std::chrono::seconds(argc > 3 ? std::atoi(argv[3]) : 10));
}
