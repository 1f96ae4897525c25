#include "daemon/vault_services.h"

#include <unistd.h>

#include "vault/limits.h"

namespace lockstep {

std::string device_label(const api::Config& config) {
    if (!config.device_name.empty()) return config.device_name;
    char host[256] = {};
    if (::gethostname(host, sizeof(host) - 1) != 0) return "device";
    std::string label(host);
    if (label.size() > kDeviceLabelSizeMax) label.resize(kDeviceLabelSizeMax);
    return api::check_device_name(label).ok() ? label : "device";
}

VaultEnvironment VaultServices::environment() const {
    return VaultEnvironment{.disk = disk,
                            .clock = clock,
                            .random = random,
                            .workers = workers,
                            .device = device,
                            .device_label = device_label(config.get()),
                            .state_directory = paths.state_directory / "vaults",
                            .stretcher = stretcher};
}

}  // namespace lockstep
