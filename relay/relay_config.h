// What the relay was told on its command line.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "relay/tracker.h"

namespace lockstep {

struct ListenAddress {
    std::string address{};
    std::uint16_t port = 0;

    bool operator==(const ListenAddress&) const = default;
};

struct RelayConfig {
    enum class Action { Serve, ShowHelp, ShowVersion };
    Action action = Action::Serve;
    std::vector<ListenAddress> listen{};
    TrackerOptions tracker{};
    std::string path_token{};
    std::size_t connections_max = 4096;
    LogLevel log_level = LogLevel::Info;
};

inline constexpr std::uint16_t kRelayPortDefault = 6970;

// Invalid, with words for the person who typed it, on anything unknown or out of range. Without
// --listen, all IPv4 addresses at the default port.
Result<RelayConfig> parse_relay_config(const std::vector<std::string>& arguments);

// "192.0.2.1:6970", "[2001:db8::1]:6970".
Result<ListenAddress> parse_listen_address(std::string_view text);

std::string relay_help();

}  // namespace lockstep
