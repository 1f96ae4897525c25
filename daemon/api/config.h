// config.toml: what the user has chosen, as plain values and as text.
//
//     [device]
//     name = "laptop"
//     [network]
//     listen_port = 0            # 0: a free port, chosen once and kept
//     lan_discovery = true
//     dht = false                # find devices by BitTorrent's public hash table
//     port_mapping = false       # ask routers (UPnP, NAT-PMP) to let connections in
//     pause_when_metered = true  # where NetworkManager says that bytes are paid for
//     relays = ["http://relay.example.org:7070", "srv:example.org"]
//     relay_strategy = "failover"   # or round-robin, weighted, least-latency, hash
//     relay_weights = ["http://relay.example.org:7070 3"]   # default: 1, or as DNS says
//     proxy = "socks5://ana:secret@proxy.example.org:1080"   # or http://; default: none
//     limit_up = 500             # KiB per second to all other devices together; 0: no limit
//     limit_down = 0
//     limit_lan = false          # whether that counts on a local network, too
//     [network.alternative]      # other limits at some hours, by local time
//     limit_up = 100
//     limit_down = 400
//     hours = "mon-fri 08:30-18:00; sat 22:00-02:00"   # over midnight: they begin on that day
//     now = "schedule"           # or on, off: by hand, until the schedule says the same
//     [cache]
//     content_mib = 256          # opened content kept in memory, for each unlocked vault
//     on_demand_mib = 10240      # on the disk, of content that need not be here, for each vault
//     copies = 1                 # other devices that must promise to keep what is evicted here
//     [api]
//     listen = "127.0.0.1:6980"  # the control API over TCP, too; default: nowhere
//     [log]
//     level = "info"             # debug, info, warning, error
//     [log.levels]
//     sync = "debug"             # of single areas
//     [keys]
//     kdf_memory_mib = 256       # what guessing a passphrase costs; cheaper ones are raised to it
//     [[vault]]
//     name = "papers"
//     directory = "/home/ana/.local/share/lockstep/papers.vault"
//     mount = "/home/ana/papers"   # or several, each in a [[vault.mount]] as below
//     unlock_at_start = false
//     passphrase_command = "pass show papers"
//     paused = false
//     paused_until_ms = 0          # milliseconds since 1970 UTC; 0: until somebody resumes it
//     addresses = ["192.0.2.7:22100"]
//     kdf_memory_mib = 64          # of this vault's passphrases; default: as in [keys]
//     idle_lock_seconds = 900      # locks it when nobody has used it for so long; default 0: never
//     lock_on_suspend = true       # locks it before the machine sleeps; default: false
//     [[vault.mount]]
//     directory = "/home/ana/letters"
//     path = "post/letters"        # a folder of the vault; default: all of it
//     read_only = true             # default: false
//     [[vault.mirror]]
//     directory = "/home/ana/desk"
//     path = "desk"                # a folder of the vault; default: all of it
//     identity = "0123..."         # as the marker in the directory has it
//     brake = true                 # masses of deletes ask first; default: true
//
// The daemon rewrites the file whole when a verb of the CLI changes something.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/log_levels.h"
#include "base/result.h"
#include "daemon/api/bandwidth.h"

namespace lockstep::api {

inline constexpr std::size_t kConfigSizeMax = 1 << 20;
inline constexpr std::size_t kVaultsMax = 256;
inline constexpr std::size_t kMountsMax = 16;   // of one vault
inline constexpr std::size_t kMirrorsMax = 16;  // of one vault
inline constexpr std::size_t kRelaysMax = 32;
inline constexpr std::uint32_t kRelayWeightMax = 1000;
inline constexpr std::array<std::string_view, 5> kRelayStrategies = {
    "failover", "round-robin", "weighted", "least-latency", "hash"};
inline constexpr std::uint32_t kContentCacheMib = 256;
inline constexpr std::uint32_t kOnDemandMib = 10240;
inline constexpr std::uint32_t kOnDemandMibMin = 16;
inline constexpr std::uint32_t kOnDemandMibMax = 1U << 30;
inline constexpr std::uint32_t kEvictionCopiesMax = 16;
inline constexpr std::uint32_t kContentCacheMibMin = 4;
inline constexpr std::uint32_t kContentCacheMibMax = 65536;
inline constexpr std::size_t kAddressesMax = 64;
inline constexpr std::uint64_t kIdleLockSecondsMax = 30 * 24 * 3600;
inline constexpr std::uint32_t kKdfMemoryMib = 256;
inline constexpr std::uint32_t kKdfMemoryMibMin = 64;
inline constexpr std::uint32_t kKdfMemoryMibMax = 4096;

// Where a vault, or a folder of it, is shown while it is unlocked.
struct MountConfig {
    std::string directory;  // absolute
    std::string path;       // "a/b", normal; empty: all of the vault
    bool is_read_only = false;
    bool has_owners = false;  // files show and keep the owners of their own
    std::int64_t at_ms = 0;   // shows the vault of that time; 0: of now

    bool operator==(const MountConfig&) const = default;
};

// A plain folder that is kept equal to a vault, or to a folder of it.
struct MirrorConfig {
    std::string directory;  // absolute
    std::string path;       // "a/b", normal; empty: all of the vault
    std::string identity;   // hexadecimal
    bool has_brake = true;

    bool operator==(const MirrorConfig&) const = default;
};

struct VaultConfig {
    std::string name;
    std::string directory;  // absolute
    std::vector<MountConfig> mounts;
    std::vector<MirrorConfig> mirrors;
    bool unlock_at_start = false;
    std::string passphrase_command;  // prints its passphrase at the start; empty: there is none
    bool paused = false;
    std::uint64_t paused_until_ms = 0;    // wall clock; 0: until somebody resumes it
    std::vector<std::string> addresses;   // of other members: "1.2.3.4:5", "[::1]:5"
    std::uint32_t kdf_memory_mib = 0;     // of its passphrases; 0: as Config says
    std::uint64_t idle_lock_seconds = 0;  // unused for so long it is locked; 0: never
    bool lock_on_suspend = false;         // before the machine sleeps

    bool operator==(const VaultConfig&) const = default;
};

struct Config {
    std::string device_name;  // empty: the host's name
    std::uint16_t listen_port = 0;
    bool lan_discovery = true;
    bool dht = false;           // BitTorrent's distributed hash table
    bool port_mapping = false;  // asks routers to let connections in
    bool pause_when_metered = true;
    // https ones may end in "#pin=" and 64 hex digits; "srv:DOMAIN": those that DNS names.
    std::vector<std::string> relays;
    std::vector<std::string> relay_tokens;  // "URL TOKEN"; the URL without path and pin
    std::string relay_strategy = std::string(kRelayStrategies[0]);
    std::vector<std::string> relay_weights;  // "URL NUMBER"; the URL without path and pin
    std::string proxy;                       // as parse_proxy_url() reads it: a secret; empty: none
    BandwidthConfig bandwidth;
    std::uint32_t content_cache_mib = kContentCacheMib;
    std::uint32_t on_demand_mib = kOnDemandMib;
    std::uint32_t eviction_copies = 1;
    std::uint32_t kdf_memory_mib = kKdfMemoryMib;
    std::string api_listen;  // as parse_api_listen() reads it; empty: no TCP
    LogLevels log;
    std::vector<VaultConfig> vaults;

    bool operator==(const Config&) const = default;
};

// Parses and validates. Invalid names every fault, one a line: "config.toml:7: unknown key
// 'relais'".
Result<Config> parse_config(std::string_view text);
std::string format_config(const Config& config);

// Rules of single values; the message says what is wrong.
// The path of a vault's folder in its normal form: "a/b" for "/a//b/". Invalid for "..", NUL and
// what is no UTF-8.
Result<std::string> normal_vault_path(std::string_view path);
Status check_vault_name(std::string_view name);
Status check_device_name(std::string_view name);
Status check_content_cache(std::int64_t mib);
Status check_on_demand_cache(std::int64_t mib);
Status check_eviction_copies(std::int64_t copies);
Status check_kdf_memory(std::int64_t mib);
Status check_idle_lock(std::int64_t seconds);
Status check_relay_url(std::string_view url);
Status check_relay_token(std::string_view line);
Status check_relay_weight(std::string_view line);
Status check_relay_strategy(std::string_view name);
Status check_address(std::string_view address);
// Empty is no proxy. Repeats nothing of what may be a password.
Status check_proxy(std::string_view url);

// "127.0.0.1:6980" or "[::1]:6980". Invalid for every address that others could reach.
struct LoopbackAddress {
    std::string host;  // without brackets
    std::uint16_t port = 0;
};
Result<LoopbackAddress> parse_api_listen(std::string_view text);

bool is_utf8(std::string_view text);

}  // namespace lockstep::api
