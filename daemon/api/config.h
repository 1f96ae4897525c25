// config.toml: what the user has chosen, as plain values and as text.
//
//     [device]
//     name = "laptop"
//     [network]
//     listen_port = 0            # 0: a free port, chosen once and kept
//     lan_discovery = true
//     relays = ["http://relay.example.org:7070"]
//     [[vault]]
//     name = "papers"
//     directory = "/home/ana/.local/share/lockstep/papers.vault"
//     mount = "/home/ana/papers"
//     unlock_at_start = false
//     paused = false
//     addresses = ["192.0.2.7:22100"]
//
// The daemon rewrites the file whole when a verb of the CLI changes something.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lockstep::api {

inline constexpr std::size_t kConfigSizeMax = 1 << 20;
inline constexpr std::size_t kVaultsMax = 256;
inline constexpr std::size_t kRelaysMax = 32;
inline constexpr std::size_t kAddressesMax = 64;

struct VaultConfig {
    std::string name;
    std::string directory;  // absolute
    std::string mount;      // absolute; empty: not mounted by itself
    bool unlock_at_start = false;
    bool paused = false;
    std::vector<std::string> addresses;  // of other members: "1.2.3.4:5", "[::1]:5"

    bool operator==(const VaultConfig&) const = default;
};

struct Config {
    std::string device_name;  // empty: the host's name
    std::uint16_t listen_port = 0;
    bool lan_discovery = true;
    std::vector<std::string> relays;
    std::vector<VaultConfig> vaults;

    bool operator==(const Config&) const = default;
};

// Parses and validates. Invalid names every fault, one a line: "config.toml:7: unknown key
// 'relais'".
Result<Config> parse_config(std::string_view text);
std::string format_config(const Config& config);

// Rules of single values; the message says what is wrong.
Status check_vault_name(std::string_view name);
Status check_device_name(std::string_view name);
Status check_relay_url(std::string_view url);
Status check_address(std::string_view address);

bool is_utf8(std::string_view text);

}  // namespace lockstep::api
