// One of the two files that see Boost.Beast: it parses requests; sockets and the loop are Asio's.
#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include <boost/asio/dispatch.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <string.h>
#include <sys/socket.h>

#include "base/http/event_queue.h"
#include "base/http/response_head.h"
#include "base/http/server_core.h"
#include "base/http/url.h"
#include "base/http/websocket_connection.h"
#include "base/log.h"
#include "base/wiping_allocator.h"

namespace lockstep {
namespace {

namespace net = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::size_t kWriteSize = 256 << 10;
constexpr std::chrono::milliseconds kDrainTime{1000};
// A body without a length is held against nothing but its own limit, so it has to be small.
constexpr std::uint64_t kUnannouncedBodyMax = 64 << 10;

SteadyTime now() {
    return std::chrono::steady_clock::now();
}

// One connection: reads a request, has it handled, writes the answer, and again.
//
// INVARIANT: at most one wait for reading and one for writing are under way; none while a request
// is handled.
// THREADS: the loop's.
class Connection final : public Session, public std::enable_shared_from_this<Connection> {
  public:
    Connection(ServerCore& core, Socket socket, Transport transport, HttpPeer peer,
               AddressSlot slot)
        : core_(core),
          socket_(std::move(socket)),
          transport_(std::move(transport)),
          peer_(std::move(peer)),
          slot_(std::move(slot)) {}
    ~Connection() override { release_body(); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void start();
    void respond(HttpResponse response);
    void start_events(std::shared_ptr<EventQueue> queue);
    void pump_events();
    void upgrade(const WebSocketOptions& options, const WebSocketStart& start);
    // Looks at the deadlines, and keeps silent event streams alive.
    void tick(SteadyTime at) override;
    void drain() override;
    void close() override;

  private:
    enum class State { Handshaking, Idle, Reading, Handling, Writing, Events, Draining, Closed };

    void shake_hands();
    // Makes ready for a request; and waits for it, when it is not here yet.
    void expect_request();
    void await_request();
    // Reads what is there; or waits for it first, which never piles up on the stack.
    void read();
    void read_soon();
    void on_ended();
    void feed();
    // What the request line and the headers allow. False: it was answered.
    bool admit_body();
    void release_body();
    void send_continue();
    void handle_request();
    void refuse(int status, std::string_view why);
    void send(HttpResponse response);
    void write();
    void on_written();
    void finish();

    ServerCore& core_;
    Socket socket_;
    Transport transport_;
    HttpPeer peer_;
    AddressSlot slot_;
    State state_ = State::Idle;
    SteadyTime deadline_ = SteadyTime::max();

    boost::beast::basic_flat_buffer<WipingAllocator<char>> buffer_;
    std::optional<http::request_parser<http::string_body>> parser_;
    std::size_t header_size_ = 0;
    std::optional<std::uint64_t> body_max_;
    std::size_t body_charge_ = 0;
    bool is_reading_ = false;
    bool is_continued_ = false;
    bool is_head_ = false;
    bool keep_alive_ = true;
    // The client said that this request is its last.
    bool is_last_ = false;
    // What a WebSocket's handshake brought; empty for any other request.
    std::string websocket_key_;
    std::string websocket_protocols_;

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

    void accept_websocket(WebSocketOptions options, WebSocketStart start) override {
        auto io = io_.lock();
        if (is_answered_.exchange(true) || io == nullptr) return;
        net::dispatch(*io, [connection = connection_, options = std::move(options),
                            start = std::move(start)] {
            if (auto alive = connection.lock()) alive->upgrade(options, start);
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

std::string_view view_of(boost::beast::string_view text) {
    return {text.data(), text.size()};
}

// "a, b ,c" holds "b".
bool list_has(std::string_view list, std::string_view wanted) {
    while (!list.empty()) {
        std::size_t comma = std::min(list.find(','), list.size());
        std::string_view one = list.substr(0, comma);
        list.remove_prefix(std::min(comma + 1, list.size()));
        while (one.starts_with(' ') || one.starts_with('\t')) one.remove_prefix(1);
        while (one.ends_with(' ') || one.ends_with('\t')) one.remove_suffix(1);
        if (boost::beast::iequals({one.data(), one.size()}, {wanted.data(), wanted.size()}))
            return true;
    }
    return false;
}

void Connection::start() {
    // Who connects has mostly said something by now.
    if (!transport_.is_tls()) {
        expect_request();
        return read();
    }
    state_ = State::Handshaking;
    deadline_ = now() + core_.options.request_timeout;
    shake_hands();
}

void Connection::shake_hands() {
    if (state_ != State::Handshaking) return;
    IoStep step = transport_.handshake();
    if (step.is_done()) {
        peer_.certificate_name = transport_.peer_certificate_name();
        return await_request();
    }
    if (!step.must_wait()) return close();
    wait_for(socket_, step.kind, [self = shared_from_this()] { self->shake_hands(); });
}

void Connection::expect_request() {
    release_body();
    parser_.emplace();
    parser_->eager(false);  // eager parsing loses the error of a length above the limit
    parser_->header_limit(core_.options.header_size_max);
    // What a body may hold is decided when the header is here. ("No limit" would make Beast refuse
    // every length.)
    parser_->body_limit(std::numeric_limits<std::uint64_t>::max());
    body_max_.reset();
    header_size_ = 0;
    is_continued_ = false;
    state_ = State::Idle;
    deadline_ = now() + core_.options.idle_timeout;
}

void Connection::await_request() {
    expect_request();
    if (core_.is_draining && buffer_.size() == 0) return finish();
    if (buffer_.size() == 0) return read_soon();
    // Pipelined requests take turns with other connections, and never pile up on the stack.
    net::post(*core_.io, [self = shared_from_this()] {
        if (self->state_ == State::Idle) self->feed();
    });
}

void Connection::read_soon() {
    if (is_reading_ || state_ == State::Closed) return;
    is_reading_ = true;
    auto go_on = [self = shared_from_this()] {
        self->is_reading_ = false;
        self->read();
    };
    // What TLS has read ahead makes no socket readable.
    if (transport_.is_tls()) return net::post(*core_.io, go_on);
    wait_for(socket_, IoStep::Kind::WantsRead, go_on);
}

void Connection::read() {
    if (is_reading_ || state_ == State::Closed) return;
    MutableByteView scratch = read_scratch();
    IoStep step = transport_.read(scratch);
    if (step.must_wait()) {
        is_reading_ = true;
        wait_for(socket_, step.kind, [self = shared_from_this()] {
            self->is_reading_ = false;
            self->read();
        });
        return;
    }
    if (!step.is_done()) return on_ended();
    // What comes beside a stream or a last answer is not asked for.
    if (state_ != State::Idle && state_ != State::Reading) return read_soon();
    auto room = buffer_.prepare(step.size);
    std::memcpy(room.data(), scratch.data(), step.size);
    ::explicit_bzero(scratch.data(), step.size);
    buffer_.commit(step.size);
    feed();
}

void Connection::on_ended() {
    // A last answer may be on its way (408): a peer that has stopped sending may still read it.
    if (state_ == State::Writing) return;
    // A peer that is gone, or that says no more in the middle of a request, gets no answer.
    close();
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
        if (error == http::error::bad_version) return refuse(505, "HTTP version not supported");
        if (error) return refuse(400, "malformed request");
        if (parser_->is_header_done() && !body_max_ && !admit_body()) return;
        if (body_max_ && parser_->get().body().size() > *body_max_)
            return refuse(413, "request body too large");
        if (used == 0) break;
    }
    // Beast limits the request line and the headers each on its own; and bodies are consumed as
    // they come, so what is left is the rest of a header, or an endless chunk header or trailer.
    std::size_t unparsed = parser_->is_done() ? 0 : buffer_.size();
    if (std::max(header_size_, unparsed) > core_.options.header_size_max)
        return refuse(431, "request header too large");
    if (parser_->is_done()) return handle_request();
    if (parser_->is_header_done() && !is_continued_) send_continue();
    read_soon();
}

HttpRequest head_of(const http::request<http::string_body>& message) {
    HttpRequest out;
    out.method = view_of(message.method_string());
    out.target = view_of(message.target());
    for (const auto& field : message)
        out.headers.push_back(
            {std::string(view_of(field.name_string())), std::string(view_of(field.value()))});
    return out;
}

bool Connection::admit_body() {
    const HttpServerOptions& options = core_.options;
    body_max_ = options.body_size_max;
    std::uint64_t announced = parser_->content_length().value_or(0);
    bool has_no_length = parser_->chunked();
    if (options.body_limit && (announced > 0 || has_no_length)) {
        HttpRequest head = head_of(parser_->get());
        head.peer = peer_;
        if (auto target = parse_target(head.target); target.ok()) {
            head.path = std::move(target->path);
            head.query = std::move(target->query);
        }
        HttpBodyLimit limit = options.body_limit(head);
        if (limit.refusal) {
            keep_alive_ = false;
            is_head_ = false;
            send(std::move(*limit.refusal));
            return false;
        }
        body_max_ = limit.size_max;
    }
    if (has_no_length && options.body_limit) body_max_ = std::min(*body_max_, kUnannouncedBodyMax);
    if (announced > *body_max_) {
        refuse(413, "request body too large");
        return false;
    }
    if (core_.body_bytes + announced > options.body_bytes_max) {
        refuse(503, "too many requests at once, try later");
        return false;
    }
    body_charge_ = announced;
    core_.body_bytes += body_charge_;
    return true;
}

void Connection::release_body() {
    core_.body_bytes -= std::exchange(body_charge_, 0);
}

void Connection::send_continue() {
    is_continued_ = true;
    if (!boost::beast::iequals(parser_->get()[http::field::expect], "100-continue")) return;
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    // Nothing else is in the send buffer, so these bytes fit; a client that misses them goes on by
    // itself.
    (void)transport_.write(as_bytes(kContinue));
}

void Connection::handle_request() {
    auto message = parser_->release();
    is_head_ = message.method() == http::verb::head;
    is_last_ = !message.keep_alive();
    keep_alive_ = !is_last_ && message.version() == 11;
    auto target = parse_target(view_of(message.target()));
    if (!target.ok()) return refuse(400, target.error().message);

    // A body may hold a passphrase: no copy of it stays behind.
    std::shared_ptr<HttpRequest> request(new HttpRequest(head_of(message)), [](HttpRequest* done) {
        ::explicit_bzero(done->body.data(), done->body.size());
        delete done;
    });
    request->path = std::move(target->path);
    request->query = std::move(target->query);
    request->body = std::move(message.body());
    if (!request->body.empty() && buffer_.size() == 0) buffer_.shrink_to_fit();
    request->peer = peer_;
    bool is_upgrade = message.method() == http::verb::get && message.version() == 11 &&
                      list_has(view_of(message[http::field::connection]), "upgrade") &&
                      list_has(view_of(message[http::field::upgrade]), "websocket") &&
                      message["Sec-WebSocket-Version"] == "13";
    websocket_key_ = is_upgrade ? view_of(message["Sec-WebSocket-Key"]) : std::string_view();
    websocket_protocols_ = view_of(message["Sec-WebSocket-Protocol"]);

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

void Connection::upgrade(const WebSocketOptions& options, const WebSocketStart& start) {
    if (state_ != State::Handling) return;
    constexpr std::size_t kKeySize = 24;  // 16 bytes in base64
    bool agrees =
        options.subprotocol.empty() || list_has(websocket_protocols_, options.subprotocol);
    if (websocket_key_.size() != kKeySize || !agrees) {
        HttpResponse response = HttpResponse::text(426, "a WebSocket is spoken here\n");
        response.headers = {{"Upgrade", "websocket"}, {"Sec-WebSocket-Version", "13"}};
        keep_alive_ = false;
        return send(std::move(response));
    }
    std::string head =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: " +
        websocket_accept_of(websocket_key_) + "\r\n";
    if (!options.subprotocol.empty())
        head += "Sec-WebSocket-Protocol: " + options.subprotocol + "\r\n";
    head += "\r\n";
    auto rest = buffer_.data();
    Bytes already_read = to_bytes({static_cast<const std::byte*>(rest.data()), rest.size()});

    state_ = State::Closed;
    auto socket = std::make_shared<WebSocketConnection>(*core_.io, std::move(socket_),
                                                        std::move(transport_), true, options);
    core_.add(socket);
    core_.remove(shared_from_this());
    // The slot of the address stays taken until the WebSocket ends.
    auto slot = std::make_shared<AddressSlot>(std::move(slot_));
    socket->send_handshake(to_bytes(as_bytes(head)));
    std::shared_ptr<WebSocketEvents> events = start(socket);
    socket->start(std::move(events), std::move(already_read),
                  [&core = core_, slot, weak = std::weak_ptr<Session>(socket)] {
                      if (auto session = weak.lock()) core.remove(session);
                  });
}

void Connection::refuse(int status, std::string_view why) {
    keep_alive_ = false;
    is_head_ = false;
    send(HttpResponse::text(status, std::string(why) + "\n"));
}

void Connection::send(HttpResponse response) {
    state_ = State::Writing;
    if (core_.is_draining) keep_alive_ = false;
    head_ = response_head(response, {.keep_alive = keep_alive_,
                                     .server_name = core_.options.server_name,
                                     .content_length = response.body.size()});
    body_ = is_head_ || !has_body(response.status) ? std::string() : std::move(response.body);
    deadline_ = now() + core_.options.request_timeout;
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
    read_soon();  // to notice when the peer goes away
}

void Connection::pump_events() {
    if (state_ != State::Events || is_writing_ || written_ < head_.size() + body_.size()) return;
    if (events_ended_) return finish();
    EventQueue::Taken taken = events_->take();
    events_ended_ = taken.is_last;
    if (taken.bytes.empty()) return events_ended_ ? finish() : void();
    last_event_ = now();
    body_ = std::move(taken.bytes);
    write();
}

void Connection::write() {
    while (state_ != State::Closed && !is_writing_) {
        std::size_t total = head_.size() + body_.size();
        if (written_ == total) return on_written();
        deadline_ = now() + core_.options.request_timeout;
        ByteView head = as_bytes(head_).subspan(std::min(written_, head_.size()));
        ByteView body = as_bytes(body_).subspan(written_ - std::min(written_, head_.size()));
        IoStep step = transport_.write(head, body.first(std::min(body.size(), kWriteSize)));
        if (step.must_wait()) {
            is_writing_ = true;
            wait_for(socket_, step.kind, [self = shared_from_this()] {
                self->is_writing_ = false;
                self->write();
            });
            return;
        }
        if (!step.is_done()) return close();
        written_ += step.size;
    }
}

void Connection::on_written() {
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
    release_body();
    deadline_ = now() + kDrainTime;
    // Who has sent his last request, and nothing behind it, needs no waiting for.
    bool is_unread = buffer_.size() > 0 || transport_.is_tls();
    if (is_last_ && !is_unread) return close();
    transport_.shut_down();
    buffer_.consume(buffer_.size());
    read_soon();
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

void Connection::drain() {
    keep_alive_ = false;
    bool is_idle = state_ == State::Idle && buffer_.size() == 0;
    if (is_idle || state_ == State::Handshaking || state_ == State::Events) close();
}

void Connection::close() {
    if (state_ == State::Closed) return;
    state_ = State::Closed;
    events_.reset();
    release_body();
    slot_.leave();
    error_code ignored;
    socket_.close(ignored);
    core_.remove(shared_from_this());
}

}  // namespace

void start_http_connection(ServerCore& core, Socket socket, HttpPeer peer, AddressSlot slot,
                           const std::shared_ptr<TlsContext>& tls) {
    int fd = socket.native_handle();
    Transport transport = tls == nullptr ? Transport(fd) : Transport(fd, *tls);
    auto connection = std::make_shared<Connection>(core, std::move(socket), std::move(transport),
                                                   std::move(peer), std::move(slot));
    core.add(connection);
    connection->start();
}

}  // namespace lockstep
