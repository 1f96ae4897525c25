// Where a device may be reached.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace lockstep {

struct PeerAddress {
    std::string host;  // an IP literal
    std::uint16_t port = 0;
    auto operator<=>(const PeerAddress&) const = default;
};

// A loopback address where a tunnel of ours ends (tunnel_client.h): in 127.64.0.0/10, where nobody
// else listens.
bool is_near_end(const std::string& host);

// Addresses of this machine and of networks that end where one stands: 127/8, 10/8, 172.16/12,
// 192.168/16, 169.254/16, ::1, fc00::/7, fe80::/10, and IPv4 ones written as IPv6. False for what
// is no address.
bool is_local_address(const std::string& host);
// Their first and last ones, as pairs, without loopback.
extern const std::vector<std::pair<const char*, const char*>> kLocalNetworks;

}  // namespace lockstep
