#include "daemon/vault_services.h"

#include <ctime>

#include <fmt/format.h>
#include <unistd.h>

#include "base/check.h"
#include "vault/limits.h"

namespace lockstep {

std::shared_ptr<const Proxy> proxy_of(const std::string& url) {
    if (url.empty()) return nullptr;
    auto proxy = parse_proxy_url(url);
    CHECK(proxy.ok(), "configuration was checked");
    return std::make_shared<const Proxy>(std::move(*proxy));
}

std::string device_label(const api::Config& config) {
    if (!config.device_name.empty()) return config.device_name;
    char host[256] = {};
    if (::gethostname(host, sizeof(host) - 1) != 0) return "device";
    std::string label(host);
    if (label.size() > kDeviceLabelSizeMax) label.resize(kDeviceLabelSizeMax);
    return api::check_device_name(label).ok() ? label : "device";
}

// FNV-1a of the state directory, which the instance lock keeps to one daemon: the mounts that a
// daemon finds under its name at its start are those of one that died.
std::string VaultServices::mount_name() const {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : paths.state_directory.native()) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 0x100000001b3;
    }
    return fmt::format("lockstep-{:08x}", hash >> 32);
}

VaultEnvironment VaultServices::environment() const {
    return VaultEnvironment{.disk = disk,
                            .clock = clock,
                            .random = random,
                            .workers = workers,
                            .device = device,
                            .device_label = device_label(config.get()),
                            .state_directory = paths.state_directory / "vaults",
                            .chunk_cache_size = std::size_t{config.get().content_cache_mib} << 20,
                            .stretcher = stretcher,
                            .on_demand_cache_size = std::uint64_t{config.get().on_demand_mib} << 20,
                            .eviction_copies = config.get().eviction_copies};
}

std::tm local_time(Clock& clock) {
    const auto seconds = static_cast<std::time_t>(clock.wall_ms() / 1000);
    std::tm local{};
    localtime_r(&seconds, &local);
    return local;
}

SyncLimits limits_now(const api::BandwidthConfig& config, Clock& clock) {
    const api::BandwidthLimits limits = api::limits_at(config, local_time(clock));
    return {.up = std::uint64_t{limits.up_kib} * 1024,
            .down = std::uint64_t{limits.down_kib} * 1024,
            .counts_in_lan = config.counts_in_lan};
}

}  // namespace lockstep
