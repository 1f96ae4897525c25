// Peers and requests that tests of the tracker share.
#pragma once

#include "relay/protocol/announce.h"

namespace lockstep {

inline TrackerHash hash_number(std::uint8_t number) {
    TrackerHash out;
    out.bytes.fill(static_cast<std::byte>(number));
    return out;
}

inline PeerId peer_number(std::uint16_t number) {
    PeerId out;
    out.bytes[18] = static_cast<std::byte>(number >> 8);
    out.bytes[19] = static_cast<std::byte>(number & 0xff);
    return out;
}

// 10.0.x.y
inline PeerEndpoint endpoint_number(std::uint16_t number, std::uint16_t port = 6881) {
    return {{std::byte{10}, std::byte{0}, static_cast<std::byte>(number >> 8),
             static_cast<std::byte>(number & 0xff)},
            port};
}

inline PeerEndpoint endpoint_v6(std::uint8_t number, std::uint16_t port = 6881) {
    Bytes address(16);
    address[0] = std::byte{0x20};
    address[15] = static_cast<std::byte>(number);
    return {std::move(address), port};
}

inline AnnounceRequest announce_of(std::uint16_t peer, std::uint8_t hash = 1) {
    return {.info_hash = hash_number(hash), .peer_id = peer_number(peer), .port = 6881, .left = 1};
}

}  // namespace lockstep
