#include "base/http/websocket_frame.h"

#include <algorithm>

namespace lockstep {
namespace {

constexpr std::size_t kControlSizeMax = 125;

std::size_t head_size_of(std::byte second) {
    std::size_t size = 2;
    auto length = std::to_integer<unsigned>(second & std::byte{0x7f});
    if (length == 126) size += 2;
    if (length == 127) size += 8;
    if ((second & std::byte{0x80}) != std::byte{0}) size += 4;
    return size;
}

bool is_control(WebSocketOpcode opcode) {
    return static_cast<std::uint8_t>(opcode) >= 8;
}

}  // namespace

WebSocketHead websocket_head(WebSocketOpcode opcode, bool is_final, std::uint64_t payload_size,
                             const std::optional<WebSocketMask>& mask) {
    WebSocketHead out;
    auto put = [&](std::uint64_t value) { out.bytes[out.size++] = static_cast<std::byte>(value); };
    put((is_final ? 0x80U : 0U) | static_cast<std::uint8_t>(opcode));
    unsigned masked = mask ? 0x80 : 0;
    int more = payload_size < 126 ? 0 : payload_size <= 0xffff ? 2 : 8;
    put(masked | (more == 0 ? payload_size : more == 2 ? 126U : 127U));
    for (int i = more - 1; i >= 0; --i) put(payload_size >> (8 * i));
    if (mask)
        for (std::byte b : *mask) out.bytes[out.size++] = b;
    return out;
}

void apply_mask(MutableByteView payload, const WebSocketMask& mask, std::uint64_t offset) {
    std::array<std::uint64_t, 4> words{};
    MutableByteView turned = std::as_writable_bytes(std::span(words));
    for (std::size_t i = 0; i < turned.size(); ++i) turned[i] = mask[(offset + i) % 4];
    std::size_t at = 0;
    // So many at a time that the compiler makes vectors of them.
    for (; at + sizeof(words) <= payload.size(); at += sizeof(words)) {
        std::array<std::uint64_t, 4> some{};
        std::memcpy(some.data(), payload.data() + at, sizeof(some));
        for (std::size_t i = 0; i < some.size(); ++i) some[i] ^= words[i];
        std::memcpy(payload.data() + at, some.data(), sizeof(some));
    }
    for (; at < payload.size(); ++at) payload[at] ^= turned[at % turned.size()];
}

WebSocketReader::Piece WebSocketReader::read(MutableByteView input) {
    if (!in_payload_) return read_head(input);
    return is_control(opcode_) ? read_control(input) : read_data(input);
}

WebSocketReader::Piece WebSocketReader::read_head(MutableByteView input) {
    Piece out;
    std::size_t wanted = head_size_ < 2 ? 2 : head_size_of(head_[1]);
    while (head_size_ < wanted && out.used < input.size()) {
        head_[head_size_++] = input[out.used++];
        if (head_size_ == 2) wanted = head_size_of(head_[1]);
    }
    if (head_size_ < wanted) return out;
    if (!accept_head()) {
        out.kind = Piece::Kind::Failed;
        return out;
    }
    head_size_ = 0;
    in_payload_ = true;
    payload_read_ = 0;
    Piece rest = read(input.subspan(out.used));
    rest.used += out.used;
    return rest;
}

// Looks at a complete head. False: nobody who speaks WebSocket sends such a one.
bool WebSocketReader::accept_head() {
    auto first = std::to_integer<unsigned>(head_[0]), second = std::to_integer<unsigned>(head_[1]);
    is_final_ = (first & 0x80) != 0;
    bool is_masked = (second & 0x80) != 0;
    if ((first & 0x70) != 0 || is_masked != is_server_) return false;
    std::size_t length_size = (second & 0x7f) == 127 ? 8 : (second & 0x7f) == 126 ? 2 : 0;
    payload_size_ = length_size == 0 ? second & 0x7f : 0;
    for (std::size_t i = 0; i < length_size; ++i)
        payload_size_ = payload_size_ << 8 | std::to_integer<std::uint64_t>(head_[2 + i]);
    bool is_minimal = length_size == 0 || payload_size_ > (length_size == 2 ? 125U : 0xffffU);
    if (!is_minimal || payload_size_ >> 63 != 0) return false;
    mask_ = {};
    if (is_masked) std::copy_n(head_.begin() + 2 + static_cast<int>(length_size), 4, mask_.begin());

    opcode_ = static_cast<WebSocketOpcode>(first & 0x0f);
    switch (opcode_) {
        case WebSocketOpcode::Close:
        case WebSocketOpcode::Ping:
        case WebSocketOpcode::Pong:
            return is_final_ && payload_size_ <= kControlSizeMax;
        case WebSocketOpcode::Continuation:
            return in_message_;
        case WebSocketOpcode::Text:
        case WebSocketOpcode::Binary:
            if (in_message_) return false;
            in_message_ = true;
            message_ = opcode_;
            return true;
    }
    return false;
}

WebSocketReader::Piece WebSocketReader::read_data(MutableByteView input) {
    Piece out{.kind = Piece::Kind::Data, .opcode = message_};
    std::uint64_t left = payload_size_ - payload_read_;
    out.used = static_cast<std::size_t>(std::min<std::uint64_t>(left, input.size()));
    if (out.used == 0 && left > 0) return {};
    MutableByteView payload = input.first(out.used);
    if (is_server_) apply_mask(payload, mask_, payload_read_);
    out.payload = payload;
    payload_read_ += out.used;
    if (payload_read_ == payload_size_) {
        in_payload_ = false;
        out.ends_message = is_final_;
        if (is_final_) in_message_ = false;
    }
    return out;
}

WebSocketReader::Piece WebSocketReader::read_control(MutableByteView input) {
    Piece out;
    std::uint64_t left = payload_size_ - payload_read_;
    out.used = static_cast<std::size_t>(std::min<std::uint64_t>(left, input.size()));
    std::copy_n(input.begin(), out.used,
                control_.begin() + static_cast<std::ptrdiff_t>(payload_read_));
    payload_read_ += out.used;
    if (payload_read_ < payload_size_) return out;
    MutableByteView payload =
        MutableByteView(control_).first(static_cast<std::size_t>(payload_size_));
    if (is_server_) apply_mask(payload, mask_, 0);
    in_payload_ = false;
    out.kind = Piece::Kind::Control;
    out.opcode = opcode_;
    out.payload = payload;
    out.ends_message = true;
    return out;
}

std::optional<std::uint16_t> websocket_close_code(ByteView payload) {
    if (payload.empty()) return websocket_close::kNoStatus;
    if (payload.size() == 1) return std::nullopt;
    auto code = static_cast<std::uint16_t>(std::to_integer<unsigned>(payload[0]) << 8 |
                                           std::to_integer<unsigned>(payload[1]));
    bool is_reserved = code == 1004 || code == 1005 || code == 1006 || (code > 1014 && code < 3000);
    if (code < 1000 || code > 4999 || is_reserved) return std::nullopt;
    return code;
}

}  // namespace lockstep
