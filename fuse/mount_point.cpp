#include "fuse/mount_point.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>

#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "fuse/mount.h"

namespace lockstep {
namespace fs = std::filesystem;
namespace {

constexpr mode_t kGuardedMode = 0500;
constexpr mode_t kUsableMode = 0700;
constexpr int kStackedMountsMax = 8;
constexpr const char* kDevice = "/dev/fuse";
constexpr std::string_view kFileSystemType = "fuse.lockstep";

std::string quoted(const fs::path& path) {
    return "\"" + path.string() + "\"";
}

Error system_error(ErrorKind kind, const std::string& doing, int number) {
    return Error{kind, doing + ": " + std::strerror(number)};
}

Result<fs::path> absolute_path(const fs::path& directory) {
    std::error_code code;
    // Without the last component: that one may be a dead mount, which canonical() cannot enter.
    const fs::path absolute = fs::absolute(directory, code);
    if (code) return Error{ErrorKind::Invalid, quoted(directory) + ": " + code.message()};
    fs::path cleaned = absolute.lexically_normal();
    if (!cleaned.has_filename()) cleaned = cleaned.parent_path();
    if (!cleaned.has_filename()) return Error{ErrorKind::Refused, "cannot mount on /"};
    const fs::path parent = fs::canonical(cleaned.parent_path(), code);
    if (code)
        return Error{ErrorKind::NotFound, quoted(cleaned.parent_path()) + ": " + code.message()};
    return parent / cleaned.filename();
}

Status check_uncovered(const fs::path& path, const struct stat& status) {
    struct stat parent {};
    if (::stat(path.parent_path().c_str(), &parent) != 0)
        return system_error(ErrorKind::Io, quoted(path.parent_path()), errno);
    if (parent.st_dev == status.st_dev) return {};
    return Error{
        ErrorKind::Busy,
        quoted(path) + " is a mount point already: unmount it or choose another directory"};
}

// Asks the directory itself, also when it is covered.
Status check_still_empty(const MountPoint& mount_point) {
    const int copy =
        ::openat(mount_point.directory.get(), ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR* directory = copy < 0 ? nullptr : ::fdopendir(copy);
    if (directory == nullptr) {
        if (copy >= 0) ::close(copy);
        return system_error(ErrorKind::Io, quoted(mount_point.path), errno);
    }
    bool is_empty = true;
    while (const dirent* entry = ::readdir(directory)) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") is_empty = false;
    }
    ::closedir(directory);
    if (is_empty) return {};
    return Error{ErrorKind::NotEmpty, quoted(mount_point.path) +
                                          ": something was written there at this moment, which "
                                          "the mount would hide; move it away"};
}

Status check_empty(const fs::path& path) {
    std::error_code code;
    const fs::directory_iterator first(path, code);
    if (code) return Error{ErrorKind::Refused, quoted(path) + ": " + code.message()};
    if (first == fs::directory_iterator()) return {};
    return Error{
        ErrorKind::NotEmpty,
        quoted(path) + " is not empty: a mount would hide what is in it; choose another directory"};
}

// Undoes the escapes of /proc/self/mountinfo: "\\040" is a space.
std::string unescaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || text.size() - i < 4) {
            out += text[i];
            continue;
        }
        int value = 0;
        for (std::size_t k = 1; k < 4; ++k) value = value * 8 + (text[i + k] - '0');
        out += static_cast<char>(value);
        i += 3;
    }
    return out;
}

// Where our file systems of this name are mounted, in the order in which they were.
std::vector<fs::path> mounts_named(const std::string& name) {
    std::vector<fs::path> found;
    std::ifstream mounts("/proc/self/mountinfo");
    for (std::string line; std::getline(mounts, line);) {
        const std::size_t dash = line.find(" - ");
        if (dash == std::string::npos) continue;
        std::istringstream before(line.substr(0, dash)), after(line.substr(dash + 3));
        std::string id, parent, device, root, point, type, source;
        before >> id >> parent >> device >> root >> point;
        after >> type >> source;
        if (type == kFileSystemType && unescaped(source) == name) found.push_back(unescaped(point));
    }
    return found;
}

Error cannot_open(const fs::path& path, int number) {
    if (number == ENOENT)
        return Error{ErrorKind::NotFound, quoted(path) + " does not exist: create it first"};
    if (number == ENOTDIR || number == ELOOP)
        return Error{ErrorKind::NotDirectory, quoted(path) + " is not a directory"};
    return system_error(ErrorKind::Refused, quoted(path), number);
}

// What fusermount3 said on its standard error, and how it ended.
struct HelperResult {
    int status = 0;
    std::string message;
};

std::string read_all(int fd) {
    constexpr std::size_t kMessageSizeMax = 4096;
    std::string text;
    std::array<char, 512> part{};
    while (text.size() < kMessageSizeMax) {
        const ssize_t length = ::read(fd, part.data(), part.size());
        if (length < 0 && errno == EINTR) continue;
        if (length <= 0) break;
        text.append(part.data(), static_cast<std::size_t>(length));
    }
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

Result<HelperResult> run_fusermount(std::vector<std::string> arguments) {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error(ErrorKind::Io, "pipe", errno);
    const UniqueFd from(ends[0]);
    UniqueFd to(ends[1]);

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to.get(), STDERR_FILENO);
    arguments.insert(arguments.begin(), "fusermount3");
    std::vector<char*> raw;
    for (std::string& argument : arguments) raw.push_back(argument.data());
    raw.push_back(nullptr);
    pid_t child = 0;
    const int failed = ::posix_spawnp(&child, raw[0], &actions, nullptr, raw.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0)
        return Error{ErrorKind::Unsupported, "cannot run fusermount3: install the package fuse3 (" +
                                                 std::string(std::strerror(failed)) + ")"};
    to.reset();

    HelperResult result;
    result.message = read_all(from.get());
    while (::waitpid(child, &result.status, 0) < 0 && errno == EINTR) {
    }
    return result;
}

Status unmount_as_user(const fs::path& path, UnmountMode mode) {
    std::vector<std::string> arguments{"-u"};
    if (mode == UnmountMode::Lazily) arguments.emplace_back("-z");
    arguments.emplace_back("--");
    arguments.push_back(path.string());
    TRY(const HelperResult result, run_fusermount(std::move(arguments)));
    if (WIFEXITED(result.status) && WEXITSTATUS(result.status) == 0) return {};
    const bool busy = result.message.find("busy") != std::string::npos;
    return Error{busy ? ErrorKind::Busy : ErrorKind::Io, result.message};
}

}  // namespace

Result<MountPoint> prepare_mount_point(const fs::path& directory) {
    TRY(fs::path path, absolute_path(directory));
    TRY_OK(remove_dead_mounts(path));
    MountPoint mount_point{
        .path = path,
        .directory =
            UniqueFd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)),
    };
    if (!mount_point.directory.ok()) return cannot_open(path, errno);
    struct stat status {};
    if (::fstat(mount_point.directory.get(), &status) != 0)
        return system_error(ErrorKind::Io, quoted(path), errno);
    TRY_OK(check_uncovered(path, status));
    if (status.st_uid != ::geteuid() && ::geteuid() != 0)
        return Error{ErrorKind::Refused,
                     quoted(path) + " belongs to another user: choose a directory of your own"};
    TRY_OK(check_empty(path));
    mount_point.mode_before = status.st_mode & 07777;
    if (::fchmod(mount_point.directory.get(), kUsableMode) != 0)
        return system_error(ErrorKind::Refused, quoted(path), errno);
    return mount_point;
}

Status guard(const MountPoint& mount_point) {
    if (::fchmod(mount_point.directory.get(), kGuardedMode) != 0)
        return system_error(ErrorKind::Io, quoted(mount_point.path), errno);
    return check_still_empty(mount_point);
}

void restore(const MountPoint& mount_point) {
    if (::fchmod(mount_point.directory.get(), mount_point.mode_before) != 0)
        log_warning("fuse", "the mode of a mount point could not be restored");
}

// Asks the file system itself: a dead mount's root may still answer from the kernel's cache.
bool is_dead_mount(const fs::path& path) {
    struct statx status {};
    const int flags = AT_STATX_FORCE_SYNC | AT_SYMLINK_NOFOLLOW;
    return ::statx(AT_FDCWD, path.c_str(), flags, STATX_BASIC_STATS, &status) != 0 &&
           (errno == ENOTCONN || errno == ECONNABORTED);
}

// A crashed daemon leaves a mount that answers every call with ENOTCONN.
Status remove_dead_mounts(const fs::path& path) {
    for (int i = 0; i < kStackedMountsMax && is_dead_mount(path); ++i) {
        log_info("fuse", "removing a dead mount");
        TRY_OK(unmount_path(path, UnmountMode::Lazily));
    }
    if (!is_dead_mount(path)) return {};
    return Error{ErrorKind::Busy,
                 quoted(path) + " is covered by dead mounts: run `fusermount3 -uz`"};
}

std::vector<fs::path> remove_left_mounts(const std::string& name) {
    std::vector<fs::path> removed;
    for (const fs::path& path : mounts_named(name)) {
        if (Status unmounted = unmount_path(path, UnmountMode::Lazily); unmounted.ok()) {
            removed.push_back(path);
        } else {
            log_warning("fuse", "a mount left by a crash stays: {}", unmounted.error().message);
        }
    }
    return removed;
}

Status guard_mount_point(const fs::path& directory) {
    TRY(const MountPoint mount_point, prepare_mount_point(directory));
    return guard(mount_point);
}

Status remove_mount_point_guard(const fs::path& directory) {
    const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd.ok()) return cannot_open(directory, errno);
    if (::fchmod(fd.get(), kUsableMode) == 0) return {};
    return system_error(ErrorKind::Refused, quoted(directory), errno);
}

Status unmount_path(const fs::path& path, UnmountMode mode) {
    const int flags = UMOUNT_NOFOLLOW | (mode == UnmountMode::Lazily ? MNT_DETACH : 0);
    if (::umount2(path.c_str(), flags) == 0) return {};
    if (errno == EPERM) return unmount_as_user(path, mode);
    if (errno == EBUSY)
        return Error{ErrorKind::Busy, quoted(path) + " is in use: close what is open in it"};
    return system_error(ErrorKind::Io, "unmount " + quoted(path), errno);
}

Status check_fuse_available() {
    const UniqueFd device(::open(kDevice, O_RDWR | O_CLOEXEC));
    if (device.ok()) return {};
    switch (errno) {
        case ENOENT:
        case ENODEV:
        case ENXIO:
            return Error{ErrorKind::Unsupported,
                         "/dev/fuse is missing: install the package fuse3 and run `modprobe fuse`; "
                         "a container needs `--device /dev/fuse --cap-add SYS_ADMIN`"};
        case EACCES:
        case EPERM:
            return Error{
                ErrorKind::Refused,
                "no access to /dev/fuse: it should have mode 0666 (as the package fuse3 sets it), "
                "or join the group that owns it; a container needs `--device /dev/fuse`"};
        default:
            return system_error(ErrorKind::Io, kDevice, errno);
    }
}

}  // namespace lockstep
