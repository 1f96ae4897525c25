// What the relay was told: on its command line and in its file (TOML; every key: relay/README.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "relay/admission.h"
#include "relay/rate_limiter.h"
#include "relay/tracker.h"

namespace lockstep {

struct ListenAddress {
    std::string address{};
    std::uint16_t port = 0;
    // Plain although there is a certificate: for a local scraper.
    bool is_plain = false;

    bool operator==(const ListenAddress&) const = default;
};

enum class MetricsAccess {
    Loopback,   // connections from this machine, and operators
    Operators,  // who shows a token with the right to operate
    Open,
};

struct TlsFiles {
    std::filesystem::path certificate{};
    std::filesystem::path key{};
    // Who makes operators' certificates; empty: none are asked for.
    std::filesystem::path operator_authorities{};

    bool operator==(const TlsFiles&) const = default;
};

struct RelayLimits {
    std::size_t connections_max = 4096;
    std::size_t connections_per_address_max = 0;
    // Of one address: requests of any kind; requests for tickets, which cost a signature.
    RateLimit requests{200, 2000};
    RateLimit tickets{10, 100};
    // Of one swarm.
    RateLimit announces{100, 1000};
    // Bytes put into the mailbox, of one address.
    RateLimit mailbox_bytes{1 << 20, 256 << 20};
};

struct TunnelOptions {
    bool is_on = true;
    // Control connections of one swarm, and from one address.
    std::size_t members_max = 256;
    std::size_t members_per_address_max = 64;
    // Pairs of data connections at a time: in all, of one swarm.
    std::size_t tunnels_max = 1024;
    std::size_t tunnels_per_swarm_max = 32;
    // A data connection waits for the other so long.
    std::chrono::milliseconds pairing_timeout{15'000};
    // A tunnel that moves nothing is closed.
    std::chrono::milliseconds idle_timeout{120'000};
};

struct MailboxOptions {
    // Empty: no mailbox.
    std::filesystem::path directory{};
    // What all swarms may store together; each one's share is its account's.
    std::uint64_t bytes_max = std::uint64_t{10} << 30;
    std::size_t objects_per_swarm_max = 10'000;
    std::uint64_t object_size_max = 17 << 20;
    std::chrono::seconds lifetime{14 * 24 * 3600};
};

struct RelayConfig {
    enum class Action { Serve, CheckConfig, ShowHelp, ShowVersion };
    Action action = Action::Serve;
    std::filesystem::path file{};
    std::vector<ListenAddress> listen{};
    TlsFiles tls{};
    TrackerOptions tracker{};
    AdmissionOptions admission{};
    RelayLimits limits{};
    TunnelOptions tunnel{};
    MailboxOptions mailbox{};
    MetricsAccess metrics = MetricsAccess::Loopback;
    std::string path_token{};
    LogLevel log_level = LogLevel::Info;
    std::chrono::milliseconds drain_time{10'000};
};

inline constexpr std::uint16_t kRelayPortDefault = 6970;

// The value of a variable; empty: none.
using RelayEnvironment = std::function<std::string(const char* name)>;
RelayEnvironment no_environment();
RelayEnvironment process_environment();

// Invalid, with words for the person who typed it, on anything unknown or out of range. Options of
// the command line win over their variables (LOCKSTEP_RELAY_LISTEN for --listen), and those over
// the file's. Without an address to listen on, all IPv4 addresses at the default port.
Result<RelayConfig> parse_relay_config(const std::vector<std::string>& arguments,
                                       const RelayEnvironment& environment = no_environment());

// Reads a file into `config`. Invalid with up to 20 faults, each "FILE:LINE: what is wrong".
Status read_relay_config_file(const std::filesystem::path& file, RelayConfig& config);

// "192.0.2.1:6970", "[2001:db8::1]:6970".
Result<ListenAddress> parse_listen_address(std::string_view text);
// The first line of a file: 1 to 128 of A-Z a-z 0-9 - _.
Result<std::string> read_token_file(const std::filesystem::path& file);
Result<LogLevel> parse_log_level(std::string_view text);
Result<RelayAccess> parse_relay_access(std::string_view text);

std::string relay_help();

}  // namespace lockstep
