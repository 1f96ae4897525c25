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

}  // namespace lockstep
