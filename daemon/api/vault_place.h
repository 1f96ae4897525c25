// Where a path of this machine lies in a vault.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/api/messages.h"

namespace lockstep::api {

struct VaultPlace {
    std::string vault;  // its name
    std::string path;   // in it; empty: all of it
};

// Of an absolute path, without "." and "..": in the innermost mount (of the present) or mirror.
std::optional<VaultPlace> place_below(const std::vector<VaultInfo>& vaults,
                                      const std::string& path);

}  // namespace lockstep::api
