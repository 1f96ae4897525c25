// Addresses of devices as text, and this machine's own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sync/sync_engine.h"

namespace lockstep {

inline constexpr std::size_t kOwnAddressesMax = 8;

// "192.0.2.7:22100", "[2001:db8::1]:22100". IP literals only.
Result<PeerAddress> parse_address(std::string_view text);
std::string format_address(const PeerAddress& address);

// Where others may reach us: addresses of interfaces that are up, without link-local ones. Loopback
// ones only when there are no others.
std::vector<PeerAddress> own_addresses(std::uint16_t port);

}  // namespace lockstep
