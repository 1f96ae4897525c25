// What a stranger sends before it has proved anything: join frames, pack tokens, sealed frames.
// None may pass.
#include "base/check.h"
#include "sync/join/join_handshake.h"
#include "sync/pack_token.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace lockstep;
    ByteView bytes = std::as_bytes(std::span(data, size));
    InviteSecret secret{};
    secret[0] = std::byte{1};
    for (JoinRole role : {JoinRole::Host, JoinRole::Guest}) {
        JoinHandshake handshake(role, secret);
        if (role == JoinRole::Guest) CHECK(!handshake.start().empty());
        CHECK(!handshake.receive(bytes).ok());
        CHECK(!handshake.is_done());
    }
    std::vector<SessionKey> keys(2);
    CHECK(!check_pack_token(bytes, keys, InfoHash{}, LinkSide::Dialler).ok());
    SessionCipher cipher;
    Bytes header(kStreamHeaderSize);
    CHECK(cipher.start_receiving(keys[0].derive("fuzz"), header).ok());
    CHECK(!cipher.open(bytes).ok());
    return 0;
}
