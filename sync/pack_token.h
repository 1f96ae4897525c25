// Pack tokens: how the two ends of a pack torrent's connection know that the control session let
// them meet.
//
// A token goes in clear in the extension handshake. It holds a random nonce and, for every control
// session whose peer is expected on that torrent, the session's key id and a MAC. Bytes:
// sync/PROTOCOL.md, "Pack torrents".
#pragma once

#include <span>

#include "sync/control/member_handshake.h"
#include "vault/packs/pack_torrent_id.h"

namespace lockstep {

inline constexpr std::size_t kPackTokenNonceSize = 16;
inline constexpr std::size_t kPackTokenKeysMax = 256;

using PackTokenNonce = std::array<std::byte, kPackTokenNonceSize>;

// The token of the end named by `side` (of the TCP connection). The nonce is new and random.
Bytes make_pack_token(std::span<const SessionKey> keys, const InfoHash& torrent, LinkSide side);

struct CheckedToken {
    std::size_t key = 0;  // which of `keys` it was made with
    PackTokenNonce nonce{};
};

// Refused unless the end named by `side` made `token` with one of `keys` for this torrent.
Result<CheckedToken> check_pack_token(ByteView token, std::span<const SessionKey> keys,
                                      const InfoHash& torrent, LinkSide side);

}  // namespace lockstep
