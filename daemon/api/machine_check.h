// What a machine must have for Lockstep to work on it, and what it has: looked at by the daemon,
// and by the CLI when no daemon answers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "daemon/api/config.h"
#include "daemon/api/data_paths.h"
#include "daemon/api/messages.h"

namespace lockstep::api {

struct DirectorySpace {
    std::string directory;
    std::uint64_t free_bytes = 0;   // for this user
    std::uint64_t free_inodes = 0;  // the largest number where the file system has no such limit
};

// Plain facts; of what could not be read the value that is well.
struct MachineFacts {
    // Whether anything is to be mounted; what FUSE lacks matters less otherwise.
    bool wants_mounts = false;
    bool has_fuse_device = true;
    bool may_open_fuse_device = true;
    bool needs_fusermount = false;  // root mounts without it
    bool has_fusermount = true;
    bool is_fusermount_setuid = true;
    bool may_gain_privileges = true;  // false: NoNewPrivileges, under which setuid means nothing

    std::uint64_t inotify_instances_max = 1024;
    std::uint64_t inotify_watches_max = 1 << 20;
    std::uint64_t watched_folders = 0;  // vaults and mirrors: an instance each
    std::uint64_t mirrors = 0;

    std::uint64_t descriptors_max = 65536;  // of this process, now
    std::uint64_t descriptors_open = 0;

    bool is_clock_kept = true;  // the kernel says that somebody keeps it right

    std::vector<DirectorySpace> spaces;  // one for each file system that holds something of ours
};

// Looks at this machine and this process.
MachineFacts look_at_machine(const DataPaths& paths, const Config& config, bool may_mount);

// What is wrong, each with the one line that fixes it. Pure.
std::vector<FindingInfo> judge_machine(const MachineFacts& facts);

// What keeps a daemon that listens on `port` (for all addresses) from starting; for who asks while
// no daemon of this home runs. Port 0 is never taken.
std::vector<FindingInfo> judge_port(std::uint16_t port);

// One that is all the daemon's fault or none: it does not answer.
FindingInfo missing_daemon(const std::string& message);

namespace severity {
inline constexpr const char* kAlarm = "alarm";  // somebody may have put something back or forked
inline constexpr const char* kProblem = "problem";  // something does not work, or soon will not
inline constexpr const char* kNote = "note";        // worth knowing
}  // namespace severity

}  // namespace lockstep::api
