// What a stranger sends on a WebSocket: refused, or the same messages however it is cut.
#include "base/check.h"
#include "base/http/websocket_frame.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace lockstep;
    auto read = [&](bool is_server, std::size_t step) {
        Bytes stream = to_bytes(std::as_bytes(std::span(data, size)));
        WebSocketReader reader(is_server);
        Bytes out;
        for (std::size_t at = 0; at < stream.size(); at += step) {
            auto input = MutableByteView(stream).subspan(at, std::min(step, stream.size() - at));
            while (!input.empty()) {
                WebSocketReader::Piece piece = reader.read(input);
                CHECK(piece.used <= input.size());
                CHECK(piece.used > 0 || piece.kind != WebSocketReader::Piece::Kind::None);
                input = input.subspan(piece.used);
                append(out, piece.payload);
                if (piece.ends_message) out.push_back(static_cast<std::byte>(piece.opcode));
                if (piece.kind == WebSocketReader::Piece::Kind::Failed) return out;
            }
        }
        return out;
    };
    for (bool is_server : {true, false}) CHECK(read(is_server, 1) == read(is_server, size + 1));
    return 0;
}
