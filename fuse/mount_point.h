// The directory that a mount covers: its checks, its guard and its unmounting.
#pragma once

#include <filesystem>

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace lockstep {

// An empty directory of ours with nothing mounted on it.
struct MountPoint {
    std::filesystem::path path;  // absolute, without symlinks
    UniqueFd directory;          // the directory itself, also when it is covered
    mode_t mode_before = 0;
};

// Removes dead mounts from `directory` and checks what mount.h promises. The directory is left
// writable for its owner, as fusermount3 demands; guard() it once it is covered.
Result<MountPoint> prepare_mount_point(const std::filesystem::path& directory);

// Takes the owner's right to write from the directory below the mount. NotEmpty when somebody was
// faster than the mount.
Status guard(const MountPoint& mount_point);
// When nothing could be mounted: a directory that was guarded is guarded again.
void restore(const MountPoint& mount_point);

// What is mounted there is served by nobody any more. Waits for the answer of one that is.
bool is_dead_mount(const std::filesystem::path& path);

enum class UnmountMode { WhenUnused, Lazily };

// Busy when it is in use and the mode is WhenUnused.
Status unmount_path(const std::filesystem::path& path, UnmountMode mode);

}  // namespace lockstep
