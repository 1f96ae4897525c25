// The vault of another time, for the verbs that read: named by what a request asks for.
#pragma once

#include <memory>
#include <string>

#include "daemon/managed_vault.h"

namespace lockstep {

struct PastFiles {
    std::shared_ptr<FileSystem> files;  // null: the vault as it is
    std::string path;                   // in `files`
};

// `at`: milliseconds, `version`: hexadecimal; both may be empty. Invalid when both are given, or
// one cannot be understood.
Result<PastFiles> past_files(ManagedVault& vault, std::string path, const std::string& at,
                             const std::string& version);

}  // namespace lockstep
