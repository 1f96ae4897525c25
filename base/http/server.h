// The one HTTP/1.1 server: over unix sockets (the control API) and TCP, plain or under TLS (the
// relay). A request may become a WebSocket.
//
// One thread "ls-http" owns all sockets; handlers run on a pool of the server's own, so they may
// block (or on the sockets' thread itself with `inline_handlers`, when they never do). Keep-alive,
// pipelining, HEAD and Expect: 100-continue are handled here; so are malformed, oversized and slow
// requests, which no handler ever sees.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/http/message.h"
#include "base/http/websocket.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace lockstep {

class TlsContext;  // base/http/transport.h

// What a request may send, decided when its header is here.
struct HttpBodyLimit {
    std::uint64_t size_max = 0;  // above: 413
    // Sent in place of reading the body.
    std::optional<HttpResponse> refusal{};
};

struct HttpServerOptions {
    // Threads "ls-http-N" that run handlers.
    std::size_t threads = 4;
    // Handlers run on the sockets' thread and must never block; `threads` is ignored.
    bool inline_handlers = false;
    std::uint64_t body_size_max = 1 << 20;  // above: 413
    // Decides in place of `body_size_max` for each request that announces a body; the request has
    // everything but it. Called on the sockets' thread; must not block.
    std::function<HttpBodyLimit(const HttpRequest& head)> body_limit{};
    // Of all bodies being received or handled; above: 503.
    std::uint64_t body_bytes_max = std::uint64_t{1} << 30;
    std::uint32_t header_size_max = 16 << 10;  // request line and headers; above: 431
    std::size_t connections_max = 256;         // above: closed at once, oldest stay
    // From one address (IPv6: one /64); 0: as many as fit.
    std::size_t connections_per_address_max = 0;
    // A connection may sit idle this long between requests.
    std::chrono::milliseconds idle_timeout{60'000};
    // For a TLS handshake, from a request's first byte to its last, and for writing the response:
    // the answer to slowloris.
    std::chrono::milliseconds request_timeout{30'000};
    // An event stream whose reader is this far behind is closed; its client resyncs.
    std::size_t pending_events_max = 1024;
    std::size_t pending_event_bytes_max = 4 << 20;
    // A comment line is sent on an event stream silent for this long, so that dead peers are
    // noticed.
    std::chrono::milliseconds event_heartbeat{15'000};
    // Called on the sockets' thread, twice a second or more often.
    std::function<void()> on_tick{};
    // Unix sockets: a peer of another user is closed before a byte is read.
    std::optional<std::uint32_t> allowed_uid{};
    // The value of the Server header; empty: none.
    std::string server_name{};
};

// The sending end of a server-sent-event stream. THREADS: any.
class EventSink {
  public:
    virtual ~EventSink() = default;
    // Queues an event. False when the stream is closed; a full queue closes it.
    // Line breaks in `id` and `event` are dropped; NULs too.
    virtual bool send(const HttpEvent& event) = 0;
    bool send(std::string id, std::string event, std::string data) {
        return send(HttpEvent{std::move(id), std::move(event), std::move(data)});
    }
    virtual bool is_open() const = 0;
    // Sends what is queued, then ends the stream. Later events are dropped.
    virtual void close() = 0;
};

// Called on the sockets' thread with the connection made; gives who shall hear of it.
using WebSocketStart =
    std::function<std::shared_ptr<WebSocketEvents>(const std::shared_ptr<WebSocket>&)>;

// Answers one request, from any thread, once: later answers are dropped. Copies answer the same
// request; when the last one is gone without an answer, the client gets a 500. It may outlive the
// server.
class HttpResponder {
  public:
    class Exchange {
      public:
        virtual ~Exchange() = default;
        virtual void respond(HttpResponse response) = 0;
        virtual std::shared_ptr<EventSink> start_events() = 0;
        virtual void accept_websocket(WebSocketOptions options, WebSocketStart start) = 0;
    };
    explicit HttpResponder(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}

    void respond(HttpResponse response) const { exchange_->respond(std::move(response)); }
    // Answers 200 with a text/event-stream that stays open until either side closes it. Dropping
    // the last reference to the sink closes the stream. Never null: after an answer it is a closed
    // sink.
    std::shared_ptr<EventSink> start_events() const { return exchange_->start_events(); }
    // Makes the connection a WebSocket; a request that does not ask for one gets a 426, and `start`
    // is not called.
    void accept_websocket(WebSocketOptions options, WebSocketStart start) const {
        exchange_->accept_websocket(std::move(options), std::move(start));
    }

  private:
    std::shared_ptr<Exchange> exchange_;
};

// The request is the handler's until it returns: who answers later copies what it needs.
using HttpHandler = std::function<void(const HttpRequest&, HttpResponder)>;

// THREADS: listen_*() and stop() from one thread; the handler is called from several at once,
// unless `inline_handlers` (then from one).
class HttpServer {
  public:
    HttpServer(HttpServerOptions options, HttpHandler handler);
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    // Listens on a unix socket, 0600 from its first moment. A socket left behind is replaced only
    // when nobody answers on it; Busy when somebody does, Exists when something else has that name,
    // NotFound without its directory. The socket is removed by stop().
    Status listen_unix(const std::filesystem::path& path);
    // Serves on a listening unix socket that somebody else has made and named.
    // REQUIRES: it is non-blocking
    Status listen_on(UniqueFd socket);

    // Listens on a numeric IPv4 or IPv6 address; port 0 takes any. Returns the port taken.
    // Busy when it is taken, Refused when the user may not. "::" serves IPv4 too.
    enum class Security { Plain, Tls };
    Result<std::uint16_t> listen_tcp(const std::string& address, std::uint16_t port,
                                     Security security = Security::Plain);

    // What TLS connections are made with from now on; before the first, none is accepted.
    // THREADS: any.
    void set_tls(std::shared_ptr<TlsContext> tls);

    // Closes the listeners and idle connections, says goodbye on WebSockets, lets what is under way
    // end for so long, then stop().
    void drain(std::chrono::milliseconds patience);

    // Runs `task` on the sockets' thread soon; dropped when the server stops first. THREADS: any.
    void post(std::function<void()> task);

    // Closes listeners and connections, waits for running handlers, joins all threads. Idempotent.
    // REQUIRES: not called from a handler.
    void stop();

    std::size_t connection_count() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace lockstep
