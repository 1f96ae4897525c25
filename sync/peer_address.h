// Where a device may be reached.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace lockstep {

struct PeerAddress {
    std::string host;  // an IP literal
    std::uint16_t port = 0;
    auto operator<=>(const PeerAddress&) const = default;
};

// A loopback address where a tunnel of ours ends (tunnel_client.h): in 127.64.0.0/10, where nobody
// else listens.
bool is_near_end(const std::string& host);

}  // namespace lockstep
