#include "daemon/api/vault_place.h"

namespace lockstep::api {

namespace {

// What follows `directory` in a path below it, without the slash between.
std::optional<std::string> rest_below(const std::string& directory, const std::string& path) {
    if (directory.empty() || !path.starts_with(directory)) return std::nullopt;
    if (path.size() == directory.size()) return std::string();
    if (path[directory.size()] != '/') return std::nullopt;
    return path.substr(directory.size() + 1);
}

}  // namespace

std::optional<VaultPlace> place_below(const std::vector<VaultInfo>& vaults,
                                      const std::string& path) {
    std::optional<VaultPlace> found;
    std::size_t length = 0;
    const auto look = [&](const VaultInfo& vault, const auto& shown) {
        const std::optional<std::string> rest = rest_below(shown.directory, path);
        if (!rest || shown.directory.size() < length) return;
        const bool has_both = !shown.path.empty() && !rest->empty();
        found = VaultPlace{vault.name, shown.path + (has_both ? "/" : "") + *rest};
        length = shown.directory.size();
    };
    for (const VaultInfo& vault : vaults) {
        for (const MountInfo& mount : vault.mounts)
            if (mount.is_mounted && mount.at_ms == 0) look(vault, mount);
        for (const MirrorInfo& mirror : vault.mirrors) look(vault, mirror);
    }
    return found;
}

}  // namespace lockstep::api
