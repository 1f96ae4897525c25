// Which processes use a mount, and mounts that a crashed daemon left behind.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lockstep {

// "bash (1234)" for processes of this user with an open file or working directory below
// `directory`; the first few. Reads /proc only and touches nothing below the mount.
std::vector<std::string> users_of(const std::filesystem::path& directory);

// ", used by bash (1234), vim (77)"; empty when none was found.
std::string used_by(const std::filesystem::path& directory);

// Takes away a FUSE mount of ours at `directory` that no daemon serves any more. True when there
// was one.
bool remove_dead_mount(const std::filesystem::path& directory);

}  // namespace lockstep
