#include "base/http/websocket_loop.h"

#include <algorithm>
#include <set>
#include <thread>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fcntl.h>
#include <sys/socket.h>

#include "base/http/client_socket.h"
#include "base/http/response_head.h"
#include "base/http/url.h"
#include "base/http/websocket_connection.h"
#include "base/random.h"
#include "base/worker_pool.h"

namespace lockstep {
namespace {

namespace net = boost::asio;

constexpr std::size_t kAnswerSizeMax = 8 << 10;
constexpr std::size_t kPipeUnsentMax = 1 << 20;
constexpr std::size_t kPipePieceMax = 64 << 10;
constexpr std::chrono::milliseconds kTick{250};

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

// The value of a header in the head of an answer; empty when there is none.
std::string header_in(std::string_view head, std::string_view name) {
    for (std::size_t at = head.find("\r\n"); at != std::string_view::npos;
         at = head.find("\r\n", at)) {
        at += 2;
        std::string_view line = head.substr(at, head.find("\r\n", at) - at);
        std::size_t colon = line.find(':');
        if (colon == std::string_view::npos || lower(line.substr(0, colon)) != name) continue;
        line.remove_prefix(colon + 1);
        while (line.starts_with(' ')) line.remove_prefix(1);
        while (line.ends_with(' ')) line.remove_suffix(1);
        return std::string(line);
    }
    return "";
}

Status check_answer(std::string_view head, const std::string& key, const std::string& subprotocol) {
    if (!head.starts_with("HTTP/1.1 101 ")) {
        std::string_view line = head.substr(0, head.find("\r\n"));
        return Error{ErrorKind::Refused, "the server answered: " + std::string(line)};
    }
    bool is_good = header_in(head, "sec-websocket-accept") == websocket_accept_of(key) &&
                   header_in(head, "sec-websocket-protocol") == subprotocol;
    if (!is_good) return Error{ErrorKind::Refused, "the server's handshake is not WebSocket's"};
    return {};
}

}  // namespace

Result<DialledWebSocket> dial_websocket(const WebSocketAddress& address,
                                        std::chrono::milliseconds timeout,
                                        const std::stop_token& stop) {
    Patience patience(std::chrono::steady_clock::now() + timeout, stop);
    DialledWebSocket out;
    TRY(out.fd, connect_out(address.proxy.get(), address.host, address.port, patience));
    int fd = out.fd.get();
    out.transport = address.tls == nullptr ? std::make_unique<Transport>(fd)
                                           : std::make_unique<Transport>(fd, *address.tls);
    TRY_OK(shake_hands(*out.transport, fd, patience));

    std::array<std::byte, 16> nonce{};
    system_random().fill(nonce);
    std::string key = base64(nonce);
    bool is_v6 = address.host.find(':') != std::string::npos;
    std::string target = percent_encode_path(address.path);
    if (!address.query.empty()) target += "?" + format_query(address.query);
    std::string request =
        "GET " + target +
        " HTTP/1.1\r\nHost: " + (is_v6 ? "[" + address.host + "]" : address.host) + ":" +
        std::to_string(address.port) +
        "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " + key +
        "\r\nSec-WebSocket-Version: 13\r\n";
    if (!address.subprotocol.empty())
        request += "Sec-WebSocket-Protocol: " + address.subprotocol + "\r\n";
    TRY_OK(send_all(*out.transport, fd, request + "\r\n", patience));

    std::string got;
    std::size_t end = std::string::npos;
    while (end == std::string::npos) {
        std::array<std::byte, 4096> piece;
        TRY(std::size_t size, receive_some(*out.transport, fd, piece, patience));
        if (size == 0) return Error{ErrorKind::Io, "the connection was closed without an answer"};
        got += as_text(ByteView(piece).first(size));
        end = got.find("\r\n\r\n");
        if (end == std::string::npos && got.size() > kAnswerSizeMax)
            return Error{ErrorKind::TooLarge, "the answer is larger than allowed"};
    }
    TRY_OK(check_answer(std::string_view(got).substr(0, end + 2), key, address.subprotocol));
    out.already_read = to_bytes(as_bytes(got).subspan(end + 4));
    return out;
}

class WebSocketLoop::Impl {
  public:
    explicit Impl(const char* name) : work_(io_.get_executor()), timer_(io_) {
        thread_ = std::thread([this, name] {
            name_thread(name);
            io_.run();
        });
    }
    ~Impl() {
        net::post(io_, [this] {
            is_stopping_ = true;
            timer_.cancel();
            auto sessions = sessions_;
            for (const auto& session : sessions) session->close();
            work_.reset();
        });
        thread_.join();
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    void run(DialledWebSocket dialled, WebSocketOptions options, Start start) {
        auto shared = std::make_shared<DialledWebSocket>(std::move(dialled));
        net::post(io_, [this, shared, options = std::move(options), start = std::move(start)] {
            auto connection = adopt(*shared, options);
            if (connection == nullptr) return;
            std::shared_ptr<WebSocketEvents> events = start(connection);
            begin(connection, std::move(events), std::move(shared->already_read));
        });
    }
    void pipe(DialledWebSocket dialled, UniqueFd socket, std::function<void()> ended);
    void post(std::function<void()> task) {
        net::post(io_, [this, task = std::move(task)] {
            if (!is_stopping_) task();
        });
    }

  private:
    class Pipe;

    std::shared_ptr<WebSocketConnection> adopt(DialledWebSocket& dialled,
                                               const WebSocketOptions& options) {
        Socket socket(io_);
        boost::system::error_code error;
        socket.assign(net::generic::stream_protocol(AF_INET, 0), dialled.fd.get(), error);
        if (error || is_stopping_) return nullptr;
        (void)dialled.fd.release();
        return std::make_shared<WebSocketConnection>(io_, std::move(socket),
                                                     std::move(*dialled.transport), false, options);
    }
    void begin(const std::shared_ptr<WebSocketConnection>& connection,
               std::shared_ptr<WebSocketEvents> events, Bytes already_read) {
        sessions_.insert(connection);
        await_tick();
        connection->start(std::move(events), std::move(already_read),
                          [this, weak = std::weak_ptr<Session>(connection)] {
                              if (auto session = weak.lock()) sessions_.erase(session);
                          });
    }
    // As long as there are connections.
    void await_tick() {
        if (is_ticking_ || sessions_.empty()) return;
        is_ticking_ = true;
        timer_.expires_after(kTick);
        timer_.async_wait([this](const boost::system::error_code& error) {
            is_ticking_ = false;
            if (error || is_stopping_) return;
            auto at = std::chrono::steady_clock::now();
            auto sessions = sessions_;  // tick() may close one
            for (const auto& session : sessions) session->tick(at);
            await_tick();
        });
    }

    net::io_context io_{1};
    net::executor_work_guard<net::io_context::executor_type> work_;
    net::steady_timer timer_;
    bool is_stopping_ = false, is_ticking_ = false;
    std::set<std::shared_ptr<Session>> sessions_;
    std::thread thread_;
};

// Between a WebSocket and a plain socket. On the loop.
class WebSocketLoop::Impl::Pipe final : public WebSocketEvents,
                                        public std::enable_shared_from_this<Pipe> {
  public:
    Pipe(Socket socket, std::shared_ptr<WebSocket> web, std::function<void()> ended)
        : socket_(std::move(socket)), web_(std::move(web)), ended_(std::move(ended)) {}

    void start() { read_soon(); }

    void on_data(ByteView piece, bool, bool) override {
        if (is_over_) return;
        if (unsent_.empty()) piece = piece.subspan(write_some(piece));
        append(unsent_, piece);
        if (!unsent_.empty()) web_->pause();
    }
    void on_drained() override { read_soon(); }
    void on_closed() override {
        end();
        if (ended_) std::exchange(ended_, nullptr)();
    }

  private:
    // How much of it the socket took; what it did not is waited for.
    std::size_t write_some(ByteView bytes) {
        if (bytes.empty()) return 0;
        ssize_t sent = ::send(socket_.native_handle(), bytes.data(), bytes.size(),
                              MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            end();
            return 0;
        }
        std::size_t size = sent < 0 ? 0 : static_cast<std::size_t>(sent);
        if (size < bytes.size() && !std::exchange(is_writing_, true))
            wait_for(socket_, IoStep::Kind::WantsWrite,
                     [self = shared_from_this()] { self->write_rest(); });
        return size;
    }
    void write_rest() {
        is_writing_ = false;
        if (is_over_) return;
        written_ += write_some(ByteView(unsent_).subspan(written_));
        if (is_over_ || written_ < unsent_.size()) return;
        unsent_.clear();
        written_ = 0;
        web_->resume();
    }
    void read_soon() {
        bool may_read = !is_over_ && !is_reading_ && web_->unsent_bytes() <= kPipeUnsentMax;
        if (!may_read) return;
        is_reading_ = true;
        wait_for(socket_, IoStep::Kind::WantsRead, [self = shared_from_this()] { self->read(); });
    }
    void read() {
        is_reading_ = false;
        if (is_over_) return;
        MutableByteView scratch = read_scratch().first(kPipePieceMax);
        ssize_t got = ::recv(socket_.native_handle(), scratch.data(), scratch.size(), MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return end();
        if (got > 0)
            web_->send(WebSocketOpcode::Binary, scratch.first(static_cast<std::size_t>(got)));
        read_soon();
    }
    void end() {
        if (std::exchange(is_over_, true)) return;
        boost::system::error_code ignored;
        socket_.close(ignored);
        web_->close(websocket_close::kNormal);
    }

    Socket socket_;
    std::shared_ptr<WebSocket> web_;
    std::function<void()> ended_;
    Bytes unsent_;
    std::size_t written_ = 0;
    bool is_over_ = false;
    bool is_reading_ = false;
    bool is_writing_ = false;
};

void WebSocketLoop::Impl::pipe(DialledWebSocket dialled, UniqueFd plain,
                               std::function<void()> ended) {
    auto shared = std::make_shared<DialledWebSocket>(std::move(dialled));
    auto fd = std::make_shared<UniqueFd>(std::move(plain));
    net::post(io_, [this, shared, fd, ended = std::move(ended)] {
        WebSocketOptions options{.ping_interval = std::chrono::seconds(30),
                                 .silence_max = std::chrono::milliseconds(0),
                                 .stall_max = std::chrono::minutes(2),
                                 .unsent_bytes_max = 8 << 20};
        auto connection = adopt(*shared, options);
        Socket socket(io_);
        boost::system::error_code error;
        int flags = ::fcntl(fd->get(), F_GETFL);
        (void)::fcntl(fd->get(), F_SETFL, flags | O_NONBLOCK);
        socket.assign(net::generic::stream_protocol(AF_INET, 0), fd->get(), error);
        if (connection == nullptr || error) return ended();
        (void)fd->release();
        auto pipe = std::make_shared<Pipe>(std::move(socket), connection, ended);
        begin(connection, pipe, std::move(shared->already_read));
        pipe->start();
    });
}

WebSocketLoop::WebSocketLoop(const char* name) : impl_(std::make_unique<Impl>(name)) {}
WebSocketLoop::~WebSocketLoop() = default;
void WebSocketLoop::run(DialledWebSocket dialled, WebSocketOptions options, Start start) {
    impl_->run(std::move(dialled), std::move(options), std::move(start));
}
void WebSocketLoop::pipe(DialledWebSocket dialled, UniqueFd socket, std::function<void()> ended) {
    impl_->pipe(std::move(dialled), std::move(socket), std::move(ended));
}
void WebSocketLoop::post(std::function<void()> task) {
    impl_->post(std::move(task));
}

}  // namespace lockstep
