// The configuration as the daemon writes it.
#include <fmt/format.h>

#include "daemon/api/config.h"

namespace lockstep::api {
namespace {

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte == 0x7f) {
            out += fmt::format("\\u{:04X}", byte);
        } else {
            out += c;
        }
    }
    return out + '"';
}

std::string quoted_list(const std::vector<std::string>& texts) {
    std::string out = "[";
    for (const std::string& text : texts) out += (out.size() > 1 ? ", " : "") + quoted(text);
    return out + ']';
}

// Nothing where it is as it is without them.
std::string format_api_and_log(const Config& config) {
    std::string out;
    if (!config.api_listen.empty())
        out += fmt::format("\n[api]\nlisten = {}\n", quoted(config.api_listen));
    if (config.log == LogLevels{}) return out;
    out += fmt::format("\n[log]\nlevel = {}\n", quoted(log_level_name(config.log.usual)));
    if (!config.log.areas.empty()) out += "\n[log.levels]\n";
    for (const auto& [area, level] : config.log.areas)
        out += fmt::format("{} = {}\n", area, quoted(log_level_name(level)));
    return out;
}

// The keys that [network] ends with; nothing for what is as it is without them.
std::string format_bandwidth(const BandwidthConfig& bandwidth) {
    const auto limits = [](const BandwidthLimits& one) {
        return fmt::format("limit_up = {}\nlimit_down = {}\n", one.up_kib, one.down_kib);
    };
    const BandwidthConfig none;
    std::string out;
    if (bandwidth.usual != none.usual) out += limits(bandwidth.usual);
    if (bandwidth.counts_in_lan) out += "limit_lan = true\n";
    BandwidthConfig alternative = bandwidth;
    alternative.usual = none.usual;
    alternative.counts_in_lan = none.counts_in_lan;
    if (alternative == none) return out;
    return out + fmt::format("\n[network.alternative]\n{}hours = {}\nnow = {}\n",
                             limits(bandwidth.alternative), quoted(format_hours(bandwidth.hours)),
                             quoted(format_limit_choice(bandwidth.choice)));
}

}  // namespace

std::string format_config(const Config& config) {
    std::string out =
        "# Lockstep's configuration. The daemon rewrites this file when `lockstep` changes "
        "something;\n"
        "# comments do not survive that. Check it with: lockstep config check\n\n";
    if (!config.device_name.empty()) {
        out += fmt::format("[device]\nname = {}\n\n", quoted(config.device_name));
    }
    out += fmt::format("[network]\nlisten_port = {}\nlan_discovery = {}\nrelays = {}\n",
                       config.listen_port, config.lan_discovery, quoted_list(config.relays));
    if (!config.relay_tokens.empty())
        out += fmt::format("relay_tokens = {}\n", quoted_list(config.relay_tokens));
    if (config.relay_strategy != kRelayStrategies[0])
        out += fmt::format("relay_strategy = {}\n", quoted(config.relay_strategy));
    if (!config.relay_weights.empty())
        out += fmt::format("relay_weights = {}\n", quoted_list(config.relay_weights));
    if (!config.proxy.empty()) out += fmt::format("proxy = {}\n", quoted(config.proxy));
    if (config.dht) out += "dht = true\n";
    if (config.port_mapping) out += "port_mapping = true\n";
    if (!config.pause_when_metered) out += "pause_when_metered = false\n";
    out += format_bandwidth(config.bandwidth);
    std::string cache;
    if (config.content_cache_mib != kContentCacheMib)
        cache += fmt::format("content_mib = {}\n", config.content_cache_mib);
    if (config.on_demand_mib != kOnDemandMib)
        cache += fmt::format("on_demand_mib = {}\n", config.on_demand_mib);
    if (config.eviction_copies != 1) cache += fmt::format("copies = {}\n", config.eviction_copies);
    if (!cache.empty()) out += "\n[cache]\n" + cache;
    if (config.kdf_memory_mib != kKdfMemoryMib)
        out += fmt::format("\n[keys]\nkdf_memory_mib = {}\n", config.kdf_memory_mib);
    out += format_api_and_log(config);
    for (const VaultConfig& vault : config.vaults) {
        out += fmt::format("\n[[vault]]\nname = {}\ndirectory = {}\n", quoted(vault.name),
                           quoted(vault.directory));
        const std::vector<MountConfig>& mounts = vault.mounts;
        const bool is_simple = mounts.size() == 1 && mounts[0].path.empty() &&
                               !mounts[0].is_read_only && !mounts[0].has_owners &&
                               mounts[0].at_ms == 0;
        if (is_simple) out += fmt::format("mount = {}\n", quoted(mounts[0].directory));
        out +=
            fmt::format("unlock_at_start = {}\npaused = {}\n", vault.unlock_at_start, vault.paused);
        if (!vault.passphrase_command.empty())
            out += fmt::format("passphrase_command = {}\n", quoted(vault.passphrase_command));
        if (vault.paused_until_ms != 0)
            out += fmt::format("paused_until_ms = {}\n", vault.paused_until_ms);
        out += fmt::format("addresses = {}\n", quoted_list(vault.addresses));
        if (vault.kdf_memory_mib != 0)
            out += fmt::format("kdf_memory_mib = {}\n", vault.kdf_memory_mib);
        if (vault.idle_lock_seconds != 0)
            out += fmt::format("idle_lock_seconds = {}\n", vault.idle_lock_seconds);
        if (vault.lock_on_suspend) out += "lock_on_suspend = true\n";
        for (const MountConfig& mount : mounts) {
            if (is_simple) break;
            out += fmt::format("[[vault.mount]]\ndirectory = {}\npath = {}\nread_only = {}\n",
                               quoted(mount.directory), quoted(mount.path), mount.is_read_only);
            if (mount.has_owners) out += "ownership = true\n";
            if (mount.at_ms != 0) out += fmt::format("at_ms = {}\n", mount.at_ms);
        }
        for (const MirrorConfig& mirror : vault.mirrors) {
            out +=
                fmt::format("[[vault.mirror]]\ndirectory = {}\npath = {}\nidentity = {}\n",
                            quoted(mirror.directory), quoted(mirror.path), quoted(mirror.identity));
            if (!mirror.has_brake) out += "brake = false\n";
        }
    }
    return out;
}

}  // namespace lockstep::api
