#include "base/http/websocket_frame.h"

#include <gtest/gtest.h>

#include "tests/support/seeded_random.h"

namespace lockstep {
namespace {

using Kind = WebSocketReader::Piece::Kind;

constexpr WebSocketMask kMask{std::byte{0x37}, std::byte{0xfa}, std::byte{0x21}, std::byte{0x3d}};

Bytes frame(WebSocketOpcode opcode, bool is_final, std::string_view payload, bool is_masked) {
    auto mask = is_masked ? std::optional(kMask) : std::nullopt;
    Bytes out = to_bytes(websocket_head(opcode, is_final, payload.size(), mask).view());
    std::size_t head = out.size();
    append(out, as_bytes(payload));
    if (mask) apply_mask(MutableByteView(out).subspan(head), *mask, 0);
    return out;
}

struct Message {
    WebSocketOpcode opcode;
    std::string payload;
    bool operator==(const Message&) const = default;
};

// All messages in `stream`, given to the reader in pieces of `step` bytes; nothing when it fails.
std::optional<std::vector<Message>> read_all(Bytes stream, bool is_server, std::size_t step) {
    WebSocketReader reader(is_server);
    std::vector<Message> out;
    std::string message;
    for (std::size_t at = 0; at < stream.size(); at += step) {
        MutableByteView input =
            MutableByteView(stream).subspan(at, std::min(step, stream.size() - at));
        while (!input.empty()) {
            auto piece = reader.read(input);
            input = input.subspan(piece.used);
            if (piece.kind == Kind::Failed) return std::nullopt;
            if (piece.kind == Kind::Control)
                out.push_back({piece.opcode, std::string(as_text(piece.payload))});
            if (piece.kind != Kind::Data) continue;
            message += as_text(piece.payload);
            if (piece.ends_message) out.push_back({piece.opcode, std::exchange(message, {})});
        }
    }
    return out;
}

// The examples of RFC 6455, 5.7.
TEST(WebSocketFrameTest, TheStandardsExamples) {
    EXPECT_EQ(hex(frame(WebSocketOpcode::Text, true, "Hello", false)), "810548656c6c6f");
    EXPECT_EQ(hex(frame(WebSocketOpcode::Text, true, "Hello", true)), "818537fa213d7f9f4d5158");
    EXPECT_EQ(hex(websocket_head(WebSocketOpcode::Binary, true, 256, {}).view()), "827e0100");
    EXPECT_EQ(hex(websocket_head(WebSocketOpcode::Binary, true, 65536, {}).view()),
              "827f0000000000010000");
    EXPECT_EQ(read_all(*from_hex("01034"
                                 "8656c80026c6f"),
                       false, 100),
              (std::vector<Message>{{WebSocketOpcode::Text, "Hello"}}));
}

TEST(WebSocketFrameTest, AnyStreamReadsTheSameInPiecesOfAnySize) {
    Bytes stream;
    std::vector<Message> sent;
    for (std::size_t size : {0U, 1U, 125U, 126U, 127U, 65535U, 65536U, 70000U}) {
        std::string payload(size, static_cast<char>('a' + size % 26));
        append(stream, frame(WebSocketOpcode::Binary, true, payload, true));
        sent.push_back({WebSocketOpcode::Binary, payload});
    }
    append(stream, frame(WebSocketOpcode::Text, false, "split ", true));
    append(stream, frame(WebSocketOpcode::Ping, true, "between", true));
    append(stream, frame(WebSocketOpcode::Continuation, true, "message", true));
    sent.push_back({WebSocketOpcode::Ping, "between"});
    sent.push_back({WebSocketOpcode::Text, "split message"});
    for (std::size_t step : {1U, 2U, 3U, 7U, 1000U, 1U << 20})
        EXPECT_EQ(read_all(stream, true, step), sent);
}

TEST(WebSocketFrameTest, WhatNoEndMaySendIsRefused) {
    for (const char* bad : {
             "8105",                          // a client's frame that is not masked
             "c18000000000",                  // a bit of an extension nobody agreed on
             "838000000000",                  // an unknown data opcode
             "8b8000000000",                  // an unknown control opcode
             "098000000000",                  // a ping in fragments
             "89fe007e00000000",              // a ping of 126 bytes
             "82fe007d00000000",              // a length written longer than it needs
             "82ff000000000000ffff00000000",  // the same, of eight bytes
             "82ffffffffffffffffff00000000",  // a negative length
             "808000000000",                  // a continuation of nothing
             "018000000000818000000000",      // a message inside another
         })
        EXPECT_EQ(read_all(*from_hex(bad), true, 1), std::nullopt) << bad;
    EXPECT_EQ(read_all(*from_hex("818000000000"), false, 1), std::nullopt) << "a masked server";
}

TEST(WebSocketFrameTest, MaskingIsTheSameFromAnyOffset) {
    SeededRandom random(1);
    for (std::size_t size = 0; size < 40; ++size) {
        Bytes whole(size), parts;
        random.fill(whole);
        parts = whole;
        apply_mask(whole, kMask, 0);
        std::size_t cut = size == 0 ? 0 : random.below(size);
        apply_mask(MutableByteView(parts).first(cut), kMask, 0);
        apply_mask(MutableByteView(parts).subspan(cut), kMask, cut);
        EXPECT_EQ(whole, parts);
    }
}

TEST(WebSocketFrameTest, CloseCodes) {
    EXPECT_EQ(websocket_close_code({}), websocket_close::kNoStatus);
    EXPECT_EQ(websocket_close_code(*from_hex("03e8")), websocket_close::kNormal);
    for (const char* bad : {"03", "03e7", "03ed", "03ee", "1388", "ffff"})
        EXPECT_EQ(websocket_close_code(*from_hex(bad)), std::nullopt) << bad;
}

}  // namespace
}  // namespace lockstep
