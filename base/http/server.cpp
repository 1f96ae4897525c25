// One of the two files that see Boost.Beast: it parses requests; sockets and the loop are Asio's.
#include "base/http/server.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <list>
#include <set>
#include <thread>
#include <utility>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <sys/socket.h>

#include "base/http/event_queue.h"
#include "base/http/listen_socket.h"
#include "base/http/response_head.h"
#include "base/http/url.h"
#include "base/log.h"
#include "base/worker_pool.h"

namespace lockstep {
namespace {

namespace net = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using Socket = net::generic::stream_protocol::socket;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::size_t kReadSize = 16 << 10;
constexpr std::size_t kWriteSize = 256 << 10;
constexpr int kAcceptsPerWake = 64;
constexpr std::chrono::milliseconds kDrainTime{1000};

SteadyTime now() {
    return std::chrono::steady_clock::now();
}

class Connection;

// What connections need of their server. Lives as long as the loop's thread runs.
struct ServerCore {
    HttpServerOptions options;
    HttpHandler handler;
    std::shared_ptr<net::io_context> io;
    std::unique_ptr<WorkerPool> pool;
    std::set<std::shared_ptr<Connection>> connections;
    std::atomic<std::size_t> connection_count{0};
    std::atomic<bool> is_stopping{false};
};

// One connection: reads a request, has it handled, writes the answer, and again.
//
// INVARIANT: at most one read and one write are under way.
// THREADS: the loop's.
class Connection : public std::enable_shared_from_this<Connection> {
  public:
    Connection(ServerCore& core, Socket socket, HttpPeer peer)
        : core_(core), socket_(std::move(socket)), peer_(std::move(peer)) {}

    void start() { await_request(); }
    void respond(HttpResponse response);
    void start_events(std::shared_ptr<EventQueue> queue);
    void pump_events();
    // Looks at the deadlines, and keeps silent event streams alive.
    void tick(SteadyTime at);
    void close();

  private:
    enum class State { Idle, Reading, Handling, Writing, Events, Draining, Closed };

    void await_request();
    void read();
    void on_read(error_code error, std::size_t size);
    void feed();
    void send_continue();
    void handle_request();
    void refuse(int status, std::string_view why);
    void send(HttpResponse response);
    void write();
    void on_written(error_code error, std::size_t size);
    void finish();

    ServerCore& core_;
    Socket socket_;
    HttpPeer peer_;
    State state_ = State::Idle;
    SteadyTime deadline_ = SteadyTime::max();

    boost::beast::flat_buffer buffer_;
    std::optional<http::request_parser<http::string_body>> parser_;
    std::size_t header_size_ = 0;
    bool is_reading_ = false;
    bool is_continued_ = false;
    bool is_head_ = false;
    bool keep_alive_ = true;

    std::string head_;
    std::string body_;
    std::size_t written_ = 0;
    bool is_writing_ = false;

    std::shared_ptr<EventQueue> events_;
    bool events_ended_ = false;
    SteadyTime last_event_{};
};

// The answer's way back to the loop.
class Exchange final : public HttpResponder::Exchange {
  public:
    Exchange(ServerCore& core, std::weak_ptr<Connection> connection)
        : io_(core.io),
          connection_(std::move(connection)),
          pending_events_max_(core.options.pending_events_max),
          pending_event_bytes_max_(core.options.pending_event_bytes_max) {}
    ~Exchange() override { respond(HttpResponse::text(500, "no answer\n")); }
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    void respond(HttpResponse response) override {
        auto io = io_.lock();
        if (is_answered_.exchange(true) || io == nullptr) return;
        net::dispatch(*io, [connection = connection_, response = std::move(response)]() mutable {
            if (auto alive = connection.lock()) alive->respond(std::move(response));
        });
    }

    std::shared_ptr<EventSink> start_events() override {
        auto wake = [weak_io = io_, connection = connection_] {
            auto io = weak_io.lock();
            if (io == nullptr) return;
            net::post(*io, [connection] {
                if (auto alive = connection.lock()) alive->pump_events();
            });
        };
        auto queue =
            std::make_shared<EventQueue>(pending_events_max_, pending_event_bytes_max_, wake);
        auto io = io_.lock();
        // The reader's end: once nobody holds it, nothing sent will ever be read.
        std::shared_ptr<EventQueue> reader(queue.get(), [queue](EventQueue*) { queue->abandon(); });
        if (!is_answered_.exchange(true) && io != nullptr)
            net::dispatch(*io, [connection = connection_, reader] {
                if (auto alive = connection.lock()) alive->start_events(reader);
            });
        return EventQueue::sink_of(std::move(queue));
    }

  private:
    std::weak_ptr<net::io_context> io_;
    std::weak_ptr<Connection> connection_;
    std::size_t pending_events_max_;
    std::size_t pending_event_bytes_max_;
    std::atomic<bool> is_answered_{false};
};

void Connection::await_request() {
    parser_.emplace();
    parser_->eager(false);  // eager parsing loses the error of a length above the limit
    parser_->header_limit(core_.options.header_size_max);
    parser_->body_limit(core_.options.body_size_max);
    header_size_ = 0;
    is_continued_ = false;
    state_ = State::Idle;
    deadline_ = now() + core_.options.idle_timeout;
    feed();
}

void Connection::read() {
    if (is_reading_ || state_ == State::Closed) return;
    is_reading_ = true;
    socket_.async_read_some(buffer_.prepare(kReadSize),
                            [self = shared_from_this()](error_code error, std::size_t size) {
                                self->on_read(error, size);
                            });
}

void Connection::on_read(error_code error, std::size_t size) {
    is_reading_ = false;
    if (state_ == State::Closed) return;
    // A last answer may be on its way (408): a peer that has stopped sending may still read it.
    if (error && state_ == State::Writing) return;
    // A peer that is gone, or that says no more in the middle of a request, gets no answer.
    if (error) return close();
    // What comes beside a stream or a last answer is not asked for.
    if (state_ != State::Idle && state_ != State::Reading) return read();
    buffer_.commit(size);
    feed();
}

void Connection::feed() {
    if (state_ == State::Idle && buffer_.size() > 0) {
        state_ = State::Reading;
        deadline_ = now() + core_.options.request_timeout;
    }
    while (buffer_.size() > 0 && !parser_->is_done()) {
        error_code error;
        bool in_header = !parser_->is_header_done();
        std::size_t used = parser_->put(buffer_.data(), error);
        buffer_.consume(used);
        if (in_header) header_size_ += used;
        if (error == http::error::need_more) break;
        if (error == http::error::header_limit) return refuse(431, "request header too large");
        if (error == http::error::body_limit) return refuse(413, "request body too large");
        if (error == http::error::bad_version) return refuse(505, "HTTP version not supported");
        if (error) return refuse(400, "malformed request");
        if (used == 0) break;
    }
    // Beast limits the request line and the headers each on its own; and bodies are consumed as
    // they come, so what is left is the rest of a header, or an endless chunk header or trailer.
    std::size_t unparsed = parser_->is_done() ? 0 : buffer_.size();
    if (std::max(header_size_, unparsed) > core_.options.header_size_max)
        return refuse(431, "request header too large");
    if (parser_->is_done()) return handle_request();
    if (parser_->is_header_done() && !is_continued_) send_continue();
    read();
}

void Connection::send_continue() {
    is_continued_ = true;
    if (!boost::beast::iequals(parser_->get()[http::field::expect], "100-continue")) return;
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    // Nothing else is in the send buffer, so these bytes fit; a client that misses them goes on by
    // itself.
    (void)::send(socket_.native_handle(), kContinue.data(), kContinue.size(),
                 MSG_DONTWAIT | MSG_NOSIGNAL);
}

std::string_view view_of(boost::beast::string_view text) {
    return {text.data(), text.size()};
}

void Connection::handle_request() {
    auto message = parser_->release();
    is_head_ = message.method() == http::verb::head;
    keep_alive_ = message.keep_alive() && message.version() == 11;
    auto target = parse_target(view_of(message.target()));
    if (!target.ok()) return refuse(400, target.error().message);

    auto request = std::make_shared<HttpRequest>();
    request->method = view_of(message.method_string());
    request->target = view_of(message.target());
    request->path = std::move(target->path);
    request->query = std::move(target->query);
    for (const auto& field : message)
        request->headers.push_back(
            {std::string(view_of(field.name_string())), std::string(view_of(field.value()))});
    request->body = std::move(message.body());
    request->peer = peer_;

    state_ = State::Handling;
    deadline_ = SteadyTime::max();
    HttpResponder responder(std::make_shared<Exchange>(core_, weak_from_this()));
    core_.pool->submit(
        [&core = core_, request = std::move(request), responder = std::move(responder)] {
            if (core.is_stopping) return;
            try {
                core.handler(*request, responder);
            } catch (const std::exception& error) {
                log_error("http", "a handler failed: {}", error.what());
                responder.respond(HttpResponse::text(500, "internal error\n"));
            }
        });
}

void Connection::respond(HttpResponse response) {
    if (state_ == State::Handling) send(std::move(response));
}

void Connection::refuse(int status, std::string_view why) {
    keep_alive_ = false;
    is_head_ = false;
    send(HttpResponse::text(status, std::string(why) + "\n"));
}

void Connection::send(HttpResponse response) {
    state_ = State::Writing;
    head_ = response_head(response, {.keep_alive = keep_alive_,
                                     .server_name = core_.options.server_name,
                                     .content_length = response.body.size()});
    body_ = is_head_ || !has_body(response.status) ? std::string() : std::move(response.body);
    write();
}

void Connection::start_events(std::shared_ptr<EventQueue> queue) {
    if (state_ != State::Handling) return;
    HttpResponse response{
        .status = 200, .content_type = "text/event-stream", .body = {}, .headers = {}};
    response.headers.push_back({"Cache-Control", "no-cache"});
    keep_alive_ = false;
    if (is_head_) return send(std::move(response));
    state_ = State::Events;
    events_ = std::move(queue);
    last_event_ = now();
    head_ = response_head(response, {.keep_alive = false,
                                     .server_name = core_.options.server_name,
                                     .content_length = std::nullopt});
    buffer_.consume(buffer_.size());
    write();
    read();  // to notice when the peer goes away
}

void Connection::pump_events() {
    if (state_ != State::Events || is_writing_) return;
    if (events_ended_) return finish();
    EventQueue::Taken taken = events_->take();
    events_ended_ = taken.is_last;
    if (taken.bytes.empty()) return events_ended_ ? finish() : void();
    last_event_ = now();
    body_ = std::move(taken.bytes);
    write();
}

void Connection::write() {
    if (state_ == State::Closed) return;
    is_writing_ = true;
    deadline_ = now() + core_.options.request_timeout;
    std::array<net::const_buffer, 2> parts{net::const_buffer(), net::const_buffer()};
    if (written_ < head_.size()) parts[0] = net::buffer(head_) + written_;
    std::size_t body_written = written_ > head_.size() ? written_ - head_.size() : 0;
    parts[1] = net::buffer(net::buffer(body_) + body_written, kWriteSize);
    socket_.async_write_some(parts,
                             [self = shared_from_this()](error_code error, std::size_t size) {
                                 self->on_written(error, size);
                             });
}

void Connection::on_written(error_code error, std::size_t size) {
    is_writing_ = false;
    if (state_ == State::Closed) return;
    if (error) return close();
    written_ += size;
    if (written_ < head_.size() + body_.size()) return write();
    head_.clear();
    body_.clear();
    written_ = 0;
    deadline_ = SteadyTime::max();
    if (state_ == State::Events) return pump_events();
    if (keep_alive_) return await_request();
    finish();
}

// Says that no more comes and waits for the peer to close: closing with unread input would reset
// the connection, and the peer could lose the answer.
void Connection::finish() {
    state_ = State::Draining;
    events_.reset();
    deadline_ = now() + kDrainTime;
    error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
    buffer_.consume(buffer_.size());
    read();
}

void Connection::tick(SteadyTime at) {
    if (state_ == State::Events && !is_writing_ &&
        at - last_event_ >= core_.options.event_heartbeat) {
        last_event_ = at;
        body_ = ":\n\n";
        return write();
    }
    if (at < deadline_) return;
    if (state_ == State::Reading) return refuse(408, "the request took too long");
    close();
}

void Connection::close() {
    if (state_ == State::Closed) return;
    state_ = State::Closed;
    events_.reset();
    error_code ignored;
    socket_.close(ignored);
    core_.connections.erase(shared_from_this());
    core_.connection_count = core_.connections.size();
}

}  // namespace

// The listeners, the loop and its thread.
class HttpServer::Impl {
  public:
    Impl(HttpServerOptions options, HttpHandler handler);
    ~Impl() { stop(); }
    Status listen_unix(const std::filesystem::path& path);
    Result<std::uint16_t> listen_tcp(const std::string& address, std::uint16_t port);
    void stop();
    std::size_t connection_count() const { return core_.connection_count; }

  private:
    struct Listener {
        Listener(net::io_context& io, int fd) : descriptor(io, fd) {}
        net::posix::stream_descriptor descriptor;
        std::optional<UnixListenSocket> name;
        bool is_paused = false;
    };

    Status add(UniqueFd fd, std::optional<UnixListenSocket> name);
    void await_connections(const std::shared_ptr<Listener>& listener);
    void accept_some(Listener& listener);
    void admit(UniqueFd fd);
    void await_tick();
    void tick();
    void close_everything();

    ServerCore core_;
    net::executor_work_guard<net::io_context::executor_type> work_;
    net::steady_timer timer_;
    std::chrono::milliseconds tick_interval_;
    std::list<std::shared_ptr<Listener>> listeners_;
    std::thread thread_;
};

HttpServer::Impl::Impl(HttpServerOptions options, HttpHandler handler)
    : core_{.options = std::move(options),
            .handler = std::move(handler),
            .io = std::make_shared<net::io_context>(1),
            .pool = nullptr,
            .connections = {}},
      work_(core_.io->get_executor()),
      timer_(*core_.io) {
    const HttpServerOptions& o = core_.options;
    core_.pool = std::make_unique<WorkerPool>(
        o.inline_handlers ? 0 : std::max<std::size_t>(o.threads, 1), "ls-http");
    auto shortest = std::min({o.idle_timeout, o.request_timeout, o.event_heartbeat});
    tick_interval_ =
        std::clamp(shortest / 4, std::chrono::milliseconds(5), std::chrono::milliseconds(500));
    await_tick();
    thread_ = std::thread([this] {
        name_thread("ls-http");
        core_.io->run();
    });
}

Status HttpServer::Impl::listen_unix(const std::filesystem::path& path) {
    TRY(UnixListenSocket socket, UnixListenSocket::open(path));
    UniqueFd fd(socket.release_fd());
    return add(std::move(fd), std::move(socket));
}

Result<std::uint16_t> HttpServer::Impl::listen_tcp(const std::string& address, std::uint16_t port) {
    TRY(TcpListenSocket socket, open_tcp_listen_socket(address, port));
    TRY_OK(add(std::move(socket.fd), std::nullopt));
    return socket.port;
}

Status HttpServer::Impl::add(UniqueFd fd, std::optional<UnixListenSocket> name) {
    if (core_.is_stopping) return Error{ErrorKind::Cancelled, "the server was stopped"};
    auto listener = std::make_shared<Listener>(*core_.io, fd.release());
    if (name) listener->name.emplace(std::move(*name));
    net::post(*core_.io, [this, listener] {
        listeners_.push_back(listener);
        await_connections(listener);
    });
    return {};
}

void HttpServer::Impl::await_connections(const std::shared_ptr<Listener>& listener) {
    listener->descriptor.async_wait(net::posix::stream_descriptor::wait_read,
                                    [this, listener](error_code error) {
                                        if (error || core_.is_stopping) return;
                                        accept_some(*listener);
                                        if (!listener->is_paused) await_connections(listener);
                                    });
}

void HttpServer::Impl::accept_some(Listener& listener) {
    for (int i = 0; i < kAcceptsPerWake; ++i) {
        UniqueFd fd(::accept4(listener.descriptor.native_handle(), nullptr, nullptr,
                              SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (fd.ok()) {
            admit(std::move(fd));
            continue;
        }
        if (errno == EAGAIN) return;
        if (errno == EINTR || errno == ECONNABORTED) continue;
        // Out of descriptors or memory: try again at the next tick instead of spinning.
        log_warning("http", "cannot accept connections: {}", socket_error(errno, "accept").message);
        listener.is_paused = true;
        return;
    }
}

void HttpServer::Impl::admit(UniqueFd fd) {
    if (core_.connections.size() >= core_.options.connections_max) return;
    HttpPeer peer = peer_of(fd.get());
    if (peer.uid && core_.options.allowed_uid && *peer.uid != *core_.options.allowed_uid) {
        log_warning("http", "refused a connection of uid {}", *peer.uid);
        return;
    }
    bool is_tcp = !peer.uid;
    if (is_tcp) set_no_delay(fd.get());
    int family = is_tcp ? AF_INET : AF_UNIX;  // only names the kind of socket to Asio
    Socket socket(*core_.io);
    error_code error;
    socket.assign(net::generic::stream_protocol(family, 0), fd.get(), error);
    if (error) return;
    (void)fd.release();
    auto connection = std::make_shared<Connection>(core_, std::move(socket), std::move(peer));
    core_.connections.insert(connection);
    core_.connection_count = core_.connections.size();
    connection->start();
}

void HttpServer::Impl::await_tick() {
    timer_.expires_after(tick_interval_);
    timer_.async_wait([this](error_code error) {
        if (error || core_.is_stopping) return;
        tick();
        await_tick();
    });
}

void HttpServer::Impl::tick() {
    SteadyTime at = now();
    auto connections = core_.connections;  // tick() may close one
    for (const auto& connection : connections) connection->tick(at);
    for (const auto& listener : listeners_)
        if (std::exchange(listener->is_paused, false)) await_connections(listener);
}

void HttpServer::Impl::stop() {
    if (core_.is_stopping.exchange(true)) return;
    net::post(*core_.io, [this] { close_everything(); });
    thread_.join();
    core_.pool.reset();
    // Late answers of those handlers find their connections gone.
    core_.io->restart();
    core_.io->poll();
}

void HttpServer::Impl::close_everything() {
    for (const auto& listener : listeners_) {
        error_code ignored;
        listener->name.reset();
        listener->descriptor.close(ignored);
    }
    listeners_.clear();
    timer_.cancel();
    auto connections = core_.connections;
    for (const auto& connection : connections) connection->close();
    work_.reset();
}

HttpServer::HttpServer(HttpServerOptions options, HttpHandler handler)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(handler))) {}
HttpServer::~HttpServer() = default;
Status HttpServer::listen_unix(const std::filesystem::path& path) {
    return impl_->listen_unix(path);
}
Result<std::uint16_t> HttpServer::listen_tcp(const std::string& address, std::uint16_t port) {
    return impl_->listen_tcp(address, port);
}
void HttpServer::stop() {
    impl_->stop();
}
std::size_t HttpServer::connection_count() const {
    return impl_->connection_count();
}

}  // namespace lockstep
