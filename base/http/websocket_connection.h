// The WebSocket over a socket of the loop's; what server and client make of an upgraded connection.
#pragma once

#include <deque>

#include "base/http/session.h"
#include "base/http/websocket.h"

namespace lockstep {

// INVARIANT: at most one wait for reading and one for writing are under way.
class WebSocketConnection final : public WebSocket,
                                  public Session,
                                  public std::enable_shared_from_this<WebSocketConnection> {
  public:
    WebSocketConnection(boost::asio::io_context& io, Socket socket, Transport transport,
                        bool is_server, WebSocketOptions options);

    // Goes out before anything else: the server's half of the handshake.
    void send_handshake(Bytes bytes) { enqueue(std::move(bytes)); }
    // Begins to read. `already_read` came behind the other's half of the handshake. `gone` is
    // called once, last.
    void start(std::shared_ptr<WebSocketEvents> events, Bytes already_read,
               std::function<void()> gone);

    void send(WebSocketOpcode kind, ByteView payload) override;
    std::size_t unsent_bytes() const override { return unsent_bytes_; }
    void pause() override { is_paused_ = true; }
    void resume() override;
    void close(std::uint16_t code) override;
    bool is_open() const override { return state_ == State::Open; }

    void tick(SteadyTime at) override;
    void drain() override { close(websocket_close::kGoingAway); }
    void close() override;

  private:
    enum class State { Open, Closing, Closed };
    struct Unsent {
        Bytes bytes;
        std::size_t written = 0;
    };

    void send_frame(WebSocketOpcode opcode, ByteView payload);
    void enqueue(Bytes bytes);
    void write();
    void on_written(std::size_t size);
    void wait_to_write(IoStep::Kind kind);
    void read();
    void read_soon();
    void feed(MutableByteView input);
    void on_control(const WebSocketReader::Piece& piece);
    void finish_if_done();

    boost::asio::io_context& io_;
    Socket socket_;
    Transport transport_;
    const bool is_server_;
    const WebSocketOptions options_;
    std::shared_ptr<WebSocketEvents> events_;
    std::function<void()> gone_;
    State state_ = State::Open;
    WebSocketReader reader_;
    Bytes already_read_;
    bool is_paused_ = false;
    bool is_reading_ = false;  // a read is under way or posted
    bool is_writing_ = false;  // waits to write
    bool is_shut_down_ = false;
    bool got_close_ = false;
    std::deque<Unsent> unsent_;
    std::size_t unsent_bytes_ = 0;
    SteadyTime last_received_;
    SteadyTime last_progress_;
    SteadyTime deadline_ = SteadyTime::max();
    bool is_pinged_ = false;
};

}  // namespace lockstep
