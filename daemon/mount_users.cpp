#include "daemon/mount_users.h"

#include <cerrno>
#include <fstream>

#include <fcntl.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace lockstep {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kUsersShownMax = 5;
constexpr std::size_t kProcessesMax = 100'000;

bool is_below(const std::string& path, const std::string& directory) {
    return path.starts_with(directory) &&
           (path.size() == directory.size() || path[directory.size()] == '/');
}

std::string link_target(const fs::path& link) {
    std::error_code failure;
    return fs::read_symlink(link, failure).native();
}

bool uses(const fs::path& process, const std::string& directory) {
    if (is_below(link_target(process / "cwd"), directory)) return true;
    std::error_code failure;
    for (fs::directory_iterator item(process / "fd", failure), end; !failure && item != end;
         item.increment(failure)) {
        if (is_below(link_target(item->path()), directory)) return true;
    }
    return false;
}

std::string process_name(const fs::path& process) {
    std::ifstream file(process / "comm");
    std::string name;
    std::getline(file, name);
    return name + " (" + process.filename().native() + ")";
}

bool is_number(const std::string& text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

// Is a dead connection of a FUSE server: every call on it fails with ENOTCONN.
bool is_dead(const fs::path& directory) {
    struct stat found {};
    return ::stat(directory.c_str(), &found) != 0 && errno == ENOTCONN;
}

void run_fusermount(const fs::path& directory) {
    std::string program = "fusermount3", flags = "-uzq", end = "--", path = directory.native();
    char* arguments[] = {program.data(), flags.data(), end.data(), path.data(), nullptr};
    pid_t child = 0;
    if (::posix_spawnp(&child, program.c_str(), nullptr, nullptr, arguments, environ) != 0) return;
    int state = 0;
    while (::waitpid(child, &state, 0) < 0 && errno == EINTR) {
    }
}

}  // namespace

std::vector<std::string> users_of(const fs::path& directory) {
    std::vector<std::string> users;
    const std::string own = std::to_string(::getpid());
    std::size_t seen = 0;
    std::error_code failure;
    for (fs::directory_iterator item("/proc", failure), end;
         !failure && item != end && users.size() < kUsersShownMax && seen < kProcessesMax;
         item.increment(failure), ++seen) {
        const std::string name = item->path().filename().native();
        if (!is_number(name) || name == own) continue;
        if (uses(item->path(), directory.native())) users.push_back(process_name(item->path()));
    }
    return users;
}

std::string used_by(const fs::path& directory) {
    std::string out;
    for (const std::string& user : users_of(directory)) {
        out += (out.empty() ? ", used by " : ", ") + user;
    }
    return out;
}

bool remove_dead_mount(const fs::path& directory) {
    if (!is_dead(directory)) return false;
    if (::umount2(directory.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0) run_fusermount(directory);
    return !is_dead(directory);
}

}  // namespace lockstep
