// One end of a WebSocket (RFC 6455), server's or client's: messages out, pieces of messages in.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/http/websocket_frame.h"

namespace lockstep {

struct WebSocketOptions {
    // What the handshake agrees on; a client that does not offer it is refused.
    std::string subprotocol{};
    // A ping goes out when nothing came for so long; 0: never.
    std::chrono::milliseconds ping_interval{30'000};
    // Closed when nothing at all came for so long; 0: never.
    std::chrono::milliseconds silence_max{90'000};
    // Closed when the other end takes nothing of what waits for it for so long.
    std::chrono::milliseconds stall_max{30'000};
    // Closed when more than this waits to be written.
    std::size_t unsent_bytes_max = 4 << 20;
    // Reads nothing until resume().
    bool is_paused = false;
};

// What happens on it. Called on the loop's thread, never from inside a call of WebSocket.
class WebSocketEvents {
  public:
    virtual ~WebSocketEvents() = default;
    // Some bytes of a message, in order. A message may come in any number of pieces; no piece is
    // held back to wait for the rest.
    virtual void on_data(ByteView piece, bool is_text, bool ends_message) = 0;
    // All that was sent has been taken by the kernel.
    virtual void on_drained() {}
    // The last call, and a certain one.
    virtual void on_closed() = 0;
};

// THREADS: the loop's it was made on. It may be held when it is closed: nothing has any effect
// then.
class WebSocket {
  public:
    virtual ~WebSocket() = default;
    // A whole message. What cannot be written at once is kept.
    virtual void send(WebSocketOpcode kind, ByteView payload) = 0;
    virtual std::size_t unsent_bytes() const = 0;
    // Stops and begins again to read. What was read already still comes after pause().
    virtual void pause() = 0;
    virtual void resume() = 0;
    // Says goodbye behind what was sent, waits a moment for the answer, and ends.
    virtual void close(std::uint16_t code) = 0;
    virtual bool is_open() const = 0;
};

}  // namespace lockstep
