// The directory that a mount covers: its checks, its guard and its unmounting.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "base/unique_fd.h"

namespace lockstep {

// An empty directory of ours with nothing mounted on it.
struct MountPoint {
    std::filesystem::path path;  // absolute, without symlinks
    UniqueFd directory;          // the directory itself, also when it is covered
};

// Removes dead mounts from `directory` and checks what mount.h promises. The directory is left
// writable for its owner, as fusermount3 demands; guard() it once it is covered.
Result<MountPoint> prepare_mount_point(const std::filesystem::path& directory);

// Takes the owner's right to write from the directory below the mount.
Status guard(const MountPoint& mount_point);

enum class UnmountMode { WhenUnused, Lazily };

// Busy when it is in use and the mode is WhenUnused.
Status unmount_path(const std::filesystem::path& path, UnmountMode mode);

}  // namespace lockstep
