// The client's side of WebSockets: a thread that runs any number of them, and pipes between them
// and plain sockets of this machine.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "base/http/message.h"
#include "base/http/proxy.h"
#include "base/http/transport.h"
#include "base/http/websocket.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace lockstep {

struct WebSocketAddress {
    std::string host{};
    std::uint16_t port = 0;
    // Null: no TLS.
    std::shared_ptr<TlsContext> tls{};
    std::string path = "/";
    HttpFields query{};
    std::string subprotocol{};
    // That it goes through; null: none.
    std::shared_ptr<const Proxy> proxy{};
};

// A connection whose handshakes are done, not yet run by a loop.
struct DialledWebSocket {
    UniqueFd fd;
    std::unique_ptr<Transport> transport;
    // What the server has said behind its answer.
    Bytes already_read;
};

// Blocks: connects and shakes hands. Errors as HttpClient's; Refused, with the status, when the
// server answers anything but a good 101.
Result<DialledWebSocket> dial_websocket(const WebSocketAddress& address,
                                        std::chrono::milliseconds timeout,
                                        const std::stop_token& stop = {});

// THREADS: methods from any. Everything else happens on the loop's thread, which is called `name`.
class WebSocketLoop {
  public:
    explicit WebSocketLoop(const char* name);
    // Closes everything; each connection's on_closed() has been called when it returns.
    // REQUIRES: not called on the loop's thread.
    ~WebSocketLoop();
    WebSocketLoop(const WebSocketLoop&) = delete;
    WebSocketLoop& operator=(const WebSocketLoop&) = delete;

    using Start =
        std::function<std::shared_ptr<WebSocketEvents>(const std::shared_ptr<WebSocket>&)>;
    // Runs the connection; `start` gives who shall hear of it.
    void run(DialledWebSocket dialled, WebSocketOptions options, Start start);
    // Passes bytes between the connection and a connected socket until either ends; then `ended`.
    void pipe(DialledWebSocket dialled, UniqueFd socket, std::function<void()> ended);
    void post(std::function<void()> task);

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace lockstep
