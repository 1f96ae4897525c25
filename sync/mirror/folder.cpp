#include "sync/mirror/folder.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <mutex>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace lockstep {
namespace {

constexpr std::uint32_t kModeBits = 0777;
constexpr std::chrono::milliseconds kNear{2};
constexpr std::int64_t kNsPerSecond = 1'000'000'000;

ErrorKind kind_of(int code) {
    switch (code) {
        case ENOENT:
        case ENOTDIR:
        case ELOOP:  // a step is a symbolic link
        case EXDEV:  // a step leads out, or to another file system
        case ESTALE:
            return ErrorKind::NotFound;
        case EEXIST:
            return ErrorKind::Exists;
        case ENOTEMPTY:
            return ErrorKind::NotEmpty;
        case ENOSPC:
        case EDQUOT:
            return ErrorKind::NoSpace;
        case EACCES:
        case EPERM:
            return ErrorKind::Refused;
        case EROFS:
            return ErrorKind::ReadOnly;
        case ENAMETOOLONG:
            return ErrorKind::NameTooLong;
        case EISDIR:
            return ErrorKind::IsDirectory;
        case ETXTBSY:
        case EBUSY:
        case EAGAIN:
            return ErrorKind::Busy;
        default:
            return ErrorKind::Io;
    }
}

Error system_error(std::string_view doing) {
    return {kind_of(errno), fmt::format("{}: {}", doing, std::strerror(errno))};
}

Result<UniqueFd> open_beneath(int root, const std::string& path, int flags, unsigned mode = 0) {
    open_how how{};
    how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
    how.mode = mode;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
    // EAGAIN: something was renamed meanwhile, so that the kernel cannot vouch for the way.
    for (int attempt = 0; attempt < 64; ++attempt) {
        const long opened = ::syscall(SYS_openat2, root, path.c_str(), &how, sizeof(how));
        if (opened >= 0) return UniqueFd(static_cast<int>(opened));
        if (errno != EAGAIN && errno != EINTR) break;
    }
    return system_error("open");
}

FileFacts facts_from(const struct statx& found, std::uint64_t device) {
    FileFacts facts;
    facts.inode = found.stx_ino;
    facts.mode = found.stx_mode & kModeBits;
    facts.modified_ns = found.stx_mtime.tv_sec * kNsPerSecond + found.stx_mtime.tv_nsec;
    if ((found.stx_mask & STATX_BTIME) != 0)
        facts.born_ns = found.stx_btime.tv_sec * kNsPerSecond + found.stx_btime.tv_nsec;
    if (S_ISREG(found.stx_mode)) {
        facts.size = found.stx_size;
        facts.links = found.stx_nlink;
    } else if (S_ISLNK(found.stx_mode)) {
        facts.type = FileType::Symlink;
        facts.size = found.stx_size;
    } else if (S_ISDIR(found.stx_mode)) {
        facts.type = FileType::Directory;
        // A directory's times say nothing that is kept.
        facts.modified_ns = 0;
    } else {
        facts.type = S_ISSOCK(found.stx_mode) ? FileType::Socket : FileType::Fifo;
        facts.is_foreign = true;
    }
    if (device != 0 && ::makedev(found.stx_dev_major, found.stx_dev_minor) != device)
        facts.is_foreign = true;
    return facts;
}

// For utimensat: the time of the last read stays.
std::array<timespec, 2> modified_times(std::int64_t modified_ns) {
    std::array<timespec, 2> times{};
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_sec = modified_ns / kNsPerSecond;
    times[1].tv_nsec = modified_ns % kNsPerSecond;
    if (times[1].tv_nsec < 0) {
        times[1].tv_nsec += kNsPerSecond;
        --times[1].tv_sec;
    }
    return times;
}

// Of what a path leads to, which is no link.
Result<Xattrs> read_xattrs(const std::string& path) {
    std::vector<char> names;
    ssize_t size = ::listxattr(path.c_str(), nullptr, 0);
    if (size > 0) {
        names.resize(64 * 1024);
        size = ::listxattr(path.c_str(), names.data(), names.size());
    }
    if (size < 0 && errno != ENOTSUP) return system_error("xattrs");
    Xattrs out;
    for (ssize_t at = 0; at < size;) {
        const std::string name = names.data() + at;
        at += static_cast<ssize_t>(name.size() + 1);
        if (!is_mirrored_xattr(name)) continue;
        Bytes value(64 * 1024);
        const ssize_t got = ::getxattr(path.c_str(), name.c_str(), value.data(), value.size());
        if (got < 0 && errno == ENODATA) continue;  // it has just gone
        if (got < 0) return system_error("xattrs");
        value.resize(static_cast<std::size_t>(got));
        out.emplace(name, std::move(value));
    }
    return out;
}

// Digests are odd.
constexpr std::uint64_t kUnreadableXattrs = 2;

std::uint64_t xattrs_digest_at(const std::string& path) {
    const Result<Xattrs> xattrs = read_xattrs(path);
    return xattrs.ok() ? digest_of(*xattrs) : kUnreadableXattrs;
}

std::string path_of_descriptor(int descriptor) {
    return fmt::format("/proc/self/fd/{}", descriptor);
}

constexpr unsigned kStatxMask = STATX_BASIC_STATS | STATX_BTIME;

// Whoever opens a file for writing in the moment in which we hold a lease on it makes the kernel
// send us SIGIO, which would end the process.
void ignore_lease_signals() {
    static std::once_flag once;
    std::call_once(once, [] {
        struct sigaction now {};
        if (::sigaction(SIGIO, nullptr, &now) == 0 && now.sa_handler == SIG_DFL)
            ::signal(SIGIO, SIG_IGN);
    });
}

}  // namespace

// ---- extended attributes

bool is_mirrored_xattr(std::string_view name) {
    return name.starts_with("user.") && !name.starts_with("user.lockstep.");
}

// FNV-1a.
std::uint64_t digest_of(const Xattrs& xattrs) {
    if (xattrs.empty()) return 0;
    std::uint64_t digest = 0xcbf29ce484222325;
    const auto add = [&](ByteView bytes) {
        for (const std::byte each : bytes)
            digest = (digest ^ static_cast<std::uint8_t>(each)) * 0x100000001b3;
        digest = (digest ^ bytes.size()) * 0x100000001b3;
    };
    for (const auto& [name, value] : xattrs) {
        add(as_bytes(name));
        add(value);
    }
    return digest | 1;
}

// ---- paths

std::string join_path(std::string_view directory, std::string_view name) {
    if (directory.empty()) return std::string(name);
    return fmt::format("{}/{}", directory, name);
}

std::string_view parent_of(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
}

std::string_view name_of(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool is_below_path(std::string_view path, std::string_view directory) {
    if (directory.empty()) return !path.empty();
    return path.size() > directory.size() && path.starts_with(directory) &&
           path[directory.size()] == '/';
}

// ---- opening

Result<std::unique_ptr<Folder>> Folder::open(const std::string& path) {
    ignore_lease_signals();
    std::unique_ptr<Folder> folder(new Folder(path));
    folder->root_ = UniqueFd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder->root_.get() < 0) return system_error(path);
    struct stat found {};
    if (::fstat(folder->root_.get(), &found) != 0) return system_error(path);
    folder->device_ = found.st_dev;
    folder->inode_ = found.st_ino;
    return folder;
}

bool Folder::is_in_place() const {
    struct stat found {};
    return ::stat(path_.c_str(), &found) == 0 && found.st_dev == device_ && found.st_ino == inode_;
}

Result<UniqueFd> Folder::open_directory(std::string_view path) const {
    return open_beneath(root_.get(), path.empty() ? "." : std::string(path),
                        O_RDONLY | O_DIRECTORY);
}

Result<Folder::Directory> Folder::directory_at(std::string_view path) const {
    const auto now = std::chrono::steady_clock::now();
    if (near_.directory && near_.path == path && now < near_.until) return near_.directory;
    TRY(UniqueFd opened,
        open_beneath(root_.get(), path.empty() ? "." : std::string(path), O_PATH | O_DIRECTORY));
    auto directory = std::make_shared<const UniqueFd>(std::move(opened));
    if (is_near_) near_ = {std::string(path), directory, now + kNear};
    return directory;
}

// What lies there, and below it, may be something else from now on.
void Folder::leave(std::string_view directory) {
    if (near_.path == directory || is_below_path(near_.path, directory)) near_.directory.reset();
}

Result<Folder::Place> Folder::place(std::string_view path) const {
    Place found;
    found.name = name_of(path);
    CHECK(!found.name.empty() && found.name != "." && found.name != "..");
    TRY(found.directory, directory_at(parent_of(path)));
    return found;
}

Result<UniqueFd> Folder::open_file(std::string_view path, int flags, unsigned mode) const {
    if (!is_near_) return open_beneath(root_.get(), std::string(path), flags, mode);
    TRY(const Place at, place(path));
    return open_beneath(at.directory->get(), at.name, flags, mode);
}

// ---- questions

bool Folder::has_directory(std::string_view path) const {
    return directory_at(path).ok();
}

Result<FileFacts> Folder::facts_at(int directory, const char* name, bool has_xattrs) const {
    struct statx found {};
    if (::statx(directory, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, kStatxMask, &found) != 0)
        return system_error("stat");
    FileFacts facts = facts_from(found, device_);
    const bool may_have_xattrs = has_xattrs && !facts.is_foreign && facts.type != FileType::Symlink;
    if (may_have_xattrs)
        facts.xattrs = xattrs_digest_at(path_of_descriptor(directory) + "/" + name);
    return facts;
}

Result<FileFacts> Folder::facts(std::string_view path) const {
    TRY(const Place at, place(path));
    return facts_at(at.directory->get(), at.name.c_str());
}

Result<FileFacts> Folder::content_facts(std::string_view path) const {
    TRY(const Place at, place(path));
    return facts_at(at.directory->get(), at.name.c_str(), false);
}

Result<FileFacts> Folder::facts_of(int descriptor) {
    struct statx found {};
    if (::statx(descriptor, "", AT_EMPTY_PATH, kStatxMask, &found) != 0)
        return system_error("stat");
    FileFacts facts = facts_from(found, 0);
    facts.xattrs = xattrs_digest_at(path_of_descriptor(descriptor));
    return facts;
}

Result<std::vector<FolderEntry>> Folder::list(std::string_view directory) const {
    TRY(UniqueFd opened, open_directory(directory));
    DIR* stream = ::fdopendir(opened.get());
    if (stream == nullptr) return system_error("list");
    const int descriptor = opened.release();  // the stream's from now on
    std::vector<FolderEntry> entries;
    int failure = 0;
    while (true) {
        errno = 0;
        const dirent* const next = ::readdir(stream);
        if (next == nullptr) {
            failure = errno;
            break;
        }
        const std::string_view name = next->d_name;
        if (name == "." || name == "..") continue;
        Result<FileFacts> found = facts_at(descriptor, next->d_name);
        if (found.ok()) {
            entries.push_back({std::string(name), *found});
        } else if (found.error().kind != ErrorKind::NotFound) {
            ::closedir(stream);
            return std::move(found).error();
        }
    }
    ::closedir(stream);
    // A listing that broke off must not be taken for a whole one.
    errno = failure;
    if (failure != 0) return system_error("list");
    return entries;
}

Result<std::string> Folder::read_link(std::string_view path) const {
    TRY(const Place at, place(path));
    std::string target(4096, '\0');
    const ssize_t length =
        ::readlinkat(at.directory->get(), at.name.c_str(), target.data(), target.size());
    if (length < 0) return system_error("readlink");
    target.resize(static_cast<std::size_t>(length));
    return target;
}

Result<Xattrs> Folder::xattrs(std::string_view path) const {
    TRY(const UniqueFd opened,
        open_beneath(root_.get(), path.empty() ? "." : std::string(path), O_PATH | O_NOFOLLOW));
    return read_xattrs(path_of_descriptor(opened.get()));
}

Result<UniqueFd> Folder::open_to_read(std::string_view path) const {
    TRY(UniqueFd opened, open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    struct stat found {};
    if (::fstat(opened.get(), &found) != 0) return system_error("stat");
    if (!S_ISREG(found.st_mode)) return Error{ErrorKind::Invalid, "no regular file"};
    return opened;
}

std::optional<bool> Folder::is_open_for_writing(int descriptor) {
    if (::fcntl(descriptor, F_SETLEASE, F_RDLCK) == 0) {
        ::fcntl(descriptor, F_SETLEASE, F_UNLCK);
        return false;
    }
    if (errno == EAGAIN) return true;
    return std::nullopt;
}

// ---- changes

Result<UniqueFd> Folder::open_alone(std::string_view path) {
    TRY(UniqueFd opened,
        open_beneath(root_.get(), std::string(path), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    struct stat found {};
    if (::fstat(opened.get(), &found) != 0) return system_error("stat");
    if (!S_ISREG(found.st_mode)) return Error{ErrorKind::Invalid, "no regular file"};
    if (found.st_nlink != 1) return Error{ErrorKind::Busy, "it has other names"};
    if (::fcntl(opened.get(), F_SETLEASE, F_WRLCK) == 0) return opened;
    if (errno == EAGAIN) return Error{ErrorKind::Busy, "somebody has it open"};
    return Error{ErrorKind::Unsupported, "the file system has no leases"};
}

bool Folder::is_alone(int descriptor) {
    return ::fcntl(descriptor, F_GETLEASE) == F_WRLCK;
}

void Folder::let_others_in(int descriptor) {
    ::fcntl(descriptor, F_SETLEASE, F_UNLCK);
}

Status Folder::set_modified_of(int descriptor, std::int64_t modified_ns) {
    const std::array<timespec, 2> times = modified_times(modified_ns);
    if (::futimens(descriptor, times.data()) != 0) return system_error("utimens");
    return {};
}

Status Folder::make_directory(std::string_view path, std::uint32_t mode) {
    TRY(const Place at, place(path));
    if (::mkdirat(at.directory->get(), at.name.c_str(), mode & kModeBits) != 0)
        return system_error("mkdir");
    return {};
}

Result<UniqueFd> Folder::create(std::string_view path) {
    return open_file(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
}

Status Folder::make_link(std::string_view path, const std::string& target) {
    TRY(const Place at, place(path));
    if (::symlinkat(target.c_str(), at.directory->get(), at.name.c_str()) != 0)
        return system_error("symlink");
    return {};
}

Status Folder::link_file(std::string_view from, std::string_view to) {
    TRY(const Place source, place(from));
    TRY(const Place target, place(to));
    if (::linkat(source.directory->get(), source.name.c_str(), target.directory->get(),
                 target.name.c_str(), 0) != 0)
        return system_error("link");
    return {};
}

Status Folder::set_xattrs(std::string_view path, const Xattrs& xattrs) {
    TRY(const UniqueFd opened, open_beneath(root_.get(), std::string(path), O_PATH | O_NOFOLLOW));
    const std::string self = path_of_descriptor(opened.get());
    TRY(const Xattrs before, read_xattrs(self));
    bool is_done = true;
    for (const auto& [name, value] : before)
        if (!xattrs.contains(name))
            is_done = ::removexattr(self.c_str(), name.c_str()) == 0 && is_done;
    for (const auto& [name, value] : xattrs) {
        const auto had = before.find(name);
        if (had != before.end() && had->second == value) continue;
        is_done =
            ::setxattr(self.c_str(), name.c_str(), value.data(), value.size(), 0) == 0 && is_done;
    }
    if (!is_done) return system_error("xattr");
    return {};
}

Status Folder::remove_file(std::string_view path) {
    TRY(const Place at, place(path));
    if (::unlinkat(at.directory->get(), at.name.c_str(), 0) != 0) return system_error("unlink");
    return {};
}

Status Folder::remove_directory(std::string_view path) {
    leave(path);
    TRY(const Place at, place(path));
    if (::unlinkat(at.directory->get(), at.name.c_str(), AT_REMOVEDIR) != 0)
        return system_error("rmdir");
    return {};
}

Status Folder::rename_with(std::string_view from, std::string_view to, unsigned flags) {
    leave(from);
    leave(to);
    TRY(const Place source, place(from));
    TRY(const Place target, place(to));
    if (::renameat2(source.directory->get(), source.name.c_str(), target.directory->get(),
                    target.name.c_str(), flags) != 0)
        return system_error("rename");
    return {};
}

Status Folder::rename(std::string_view from, std::string_view to) {
    return rename_with(from, to, RENAME_NOREPLACE);
}

Status Folder::exchange(std::string_view one, std::string_view other) {
    return rename_with(one, other, RENAME_EXCHANGE);
}

Status Folder::set_mode(std::string_view path, std::uint32_t mode) {
    TRY(const UniqueFd opened, open_beneath(root_.get(), std::string(path), O_PATH | O_NOFOLLOW));
    const std::string self = path_of_descriptor(opened.get());
    if (::chmod(self.c_str(), mode & kModeBits) != 0) return system_error("chmod");
    return {};
}

Status Folder::set_modified(std::string_view path, std::int64_t modified_ns) {
    TRY(const Place at, place(path));
    const std::array<timespec, 2> times = modified_times(modified_ns);
    if (::utimensat(at.directory->get(), at.name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0)
        return system_error("utimens");
    return {};
}

Status Folder::sync_directory(std::string_view path) {
    TRY(const UniqueFd opened, open_directory(path));
    if (::fsync(opened.get()) != 0) return system_error("fsync");
    return {};
}

Status Folder::sync_all() {
    if (::syncfs(root_.get()) != 0) return system_error("syncfs");
    return {};
}

}  // namespace lockstep
