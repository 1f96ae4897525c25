// Files of a vault's past, taken out of it: for a look, or into a folder of this machine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "daemon/api/client.h"

namespace lockstep::gui {

// Of a file, to be looked at; the rest is left where it is.
inline constexpr std::size_t kPreviewSizeMax = std::size_t{8} << 20;

struct Preview {
    std::vector<std::byte> bytes;  // kPreviewSizeMax at most
    std::uint64_t size = 0;        // of the whole file
};

struct Saved {
    std::uint64_t files = 0, folders = 0;
    std::uint64_t left_out = 0;  // links and the like: what they would lead to here is not known
};

// Blocking; for an asker's thread. The file is held in memory alone.
Result<Preview> preview_of(api::DaemonClient& client, const std::string& vault,
                           const std::string& path, const api::DaemonClient::Moment& moment);

// Below `folder`, which is there, under the last part of `path`. Exists rather than anything
// overwritten. What fails half-way leaves whole files only.
Result<Saved> save_past(api::DaemonClient& client, const std::string& vault,
                        const std::string& path, bool is_folder,
                        const api::DaemonClient::Moment& moment,
                        const std::filesystem::path& folder);

}  // namespace lockstep::gui
