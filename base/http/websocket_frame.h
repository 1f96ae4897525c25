// WebSocket frames (RFC 6455), as bytes: the heads of frames to send, and the reader of what comes.
//
// No extension is ever agreed on, so a frame is a head and its payload, nothing compressed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace lockstep {

enum class WebSocketOpcode : std::uint8_t {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
};

// Why a connection ends (RFC 6455, 7.4.1).
namespace websocket_close {
inline constexpr std::uint16_t kNormal = 1000;
inline constexpr std::uint16_t kGoingAway = 1001;
inline constexpr std::uint16_t kProtocolError = 1002;
inline constexpr std::uint16_t kNoStatus = 1005;  // never sent: a close frame said none
inline constexpr std::uint16_t kAbnormal = 1006;  // never sent: there was no close frame
inline constexpr std::uint16_t kPolicy = 1008;
inline constexpr std::uint16_t kTooBig = 1009;
inline constexpr std::uint16_t kTryLater = 1013;
}  // namespace websocket_close

using WebSocketMask = std::array<std::byte, 4>;

// A client masks with 4 random bytes, a server does not.
struct WebSocketHead {
    std::array<std::byte, 14> bytes{};
    std::size_t size = 0;

    ByteView view() const { return ByteView(bytes).first(size); }
};
WebSocketHead websocket_head(WebSocketOpcode opcode, bool is_final, std::uint64_t payload_size,
                             const std::optional<WebSocketMask>& mask);

// XORs `payload` with the mask, as its byte `offset` of the frame and following.
void apply_mask(MutableByteView payload, const WebSocketMask& mask, std::uint64_t offset);

// Takes a stream of bytes in pieces of any size, unmasks them where they are, and says what each
// part of them is.
class WebSocketReader {
  public:
    // A server's reader refuses frames that are not masked, a client's those that are.
    explicit WebSocketReader(bool is_server) : is_server_(is_server) {}

    struct Piece {
        enum class Kind {
            Data,     // some payload of a text or binary message
            Control,  // a whole close, ping or pong
            None,     // the input held no whole piece, and all of it was taken
            Failed,   // not WebSocket: close with kProtocolError
        };
        Kind kind = Kind::None;
        WebSocketOpcode opcode = WebSocketOpcode::Binary;
        // Inside the input (Data) or the reader (Control); until the next call.
        ByteView payload{};
        bool ends_message = false;
        std::size_t used = 0;  // bytes of the input that are done with
    };
    // The next piece. Call again with what is left of the input until it is empty.
    Piece read(MutableByteView input);

  private:
    Piece read_head(MutableByteView input);
    bool accept_head();
    Piece read_data(MutableByteView input);
    Piece read_control(MutableByteView input);

    const bool is_server_;
    std::array<std::byte, 14> head_{};
    std::size_t head_size_ = 0;
    bool in_payload_ = false;
    WebSocketOpcode opcode_ = WebSocketOpcode::Binary;
    bool is_final_ = false;
    WebSocketMask mask_{};
    std::uint64_t payload_size_ = 0;
    std::uint64_t payload_read_ = 0;
    // The message that data frames belong to, until its final frame.
    bool in_message_ = false;
    WebSocketOpcode message_ = WebSocketOpcode::Binary;
    std::array<std::byte, 125> control_{};
};

// What a close frame says; nothing, when it says what no close may say.
std::optional<std::uint16_t> websocket_close_code(ByteView payload);

}  // namespace lockstep
