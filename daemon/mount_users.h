// Which processes use a mount, as /proc tells it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

namespace lockstep {

// A process that holds something below a mount, or a file system that is mounted below it.
struct MountUser {
    pid_t process = 0;         // 0: no process, something is mounted at `path`
    std::string program;       // as /proc/PID/comm has it
    std::string path;          // what it holds, or the first such thing
    bool works_there = false;  // as its working or root directory
};

// Processes with an open or mapped file, a program or a working directory below `directory`, and
// mounts below it; the first few. Of other users' processes only root sees what they hold. Touches
// nothing below the mount.
std::vector<MountUser> users_of(const std::filesystem::path& directory);

// "vim (1234) has /home/ana/papers/a open, bash (77) works in /home/ana/papers"; empty when nobody
// was found.
std::string describe(const std::vector<MountUser>& users);

}  // namespace lockstep
