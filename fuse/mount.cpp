#include "fuse/mount.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fuse/mount_point.h"
#include "fuse/session.h"

namespace lockstep {
namespace {

// Commas separate mount options and control bytes garble /proc/mounts.
std::string option_text(std::string name) {
    std::replace_if(
        name.begin(), name.end(),
        [](char c) { return c == ',' || c == '\\' || static_cast<unsigned char>(c) < ' '; }, '_');
    return name;
}

std::string option_list(const MountOptions& options, bool kernel_checks_modes) {
    std::string list =
        "fsname=" + option_text(options.name) + ",subtype=lockstep,nosuid,nodev,noatime";
    if (kernel_checks_modes) list += ",default_permissions";
    if (options.read_only) list += ",ro";
    if (options.allow_other) list += ",allow_other";
    return list;
}

ShownOwner shown_owner(const MountOptions& options) {
    if (options.ownership) return {};
    return {.uid = options.uid.value_or(::geteuid()), .gid = options.gid.value_or(::getegid())};
}

// Nobody but the mounting user gets in, and all is his.
bool is_for_one_user(const MountOptions& options) {
    const uid_t user = ::geteuid();
    return !options.allow_other && user == ::getuid() && shown_owner(options).uid == user;
}

Status check_options(const MountOptions& options) {
    if (options.threads == 0 || options.threads > kMountThreadsMax)
        return Error{ErrorKind::Invalid, "a mount has 1 to 64 threads"};
    if (options.name.empty()) return Error{ErrorKind::Invalid, "a mount needs a name"};
    return {};
}

}  // namespace

struct Mount::Parts {
    Parts(FileSystem& file_system, const MountOptions& mount_options)
        : options(mount_options),
          invalidation(session),
          handed_out(file_system),
          context(make_context(file_system)) {}

    MountContext make_context(FileSystem& file_system) {
        return {.file_system = file_system,
                .handed_out = handed_out,
                .invalidation = invalidation,
                .caches = session,
                .shown_owner = shown_owner(options),
                .mounting_user = ::geteuid(),
                .cache_seconds = static_cast<double>(options.cache_seconds),
                .allow_other = options.allow_other,
                .checks_modes = is_for_one_user(options),
                .writeback_cache = options.writeback_cache && !options.read_only};
    }

    Status start();
    bool covers_path() const;
    void drop_caches(const std::vector<NodeId>& nodes);
    void cut_off();
    void tear_down();

    const MountOptions options;
    MountPoint mount_point;
    Session session;
    Invalidation invalidation;
    HandedOut handed_out;
    MountContext context;
    dev_t device = 0;  // of what is mounted; 0 until it has answered
    bool is_observing = false;
    bool is_torn_down = false;
    Mutex mutex;  // one unmount at a time
};

// The first answer tells that the kernel and we understand each other.
Status Mount::Parts::start() {
    TRY_OK(session.mount(option_list(options, !context.checks_modes), mount_point.path, context));
    handed_out.start(invalidation);
    session.start(options.threads, options.on_finished);
    invalidation.start();
    context.file_system.add_observer(invalidation);
    is_observing = true;
    struct stat root {};
    if (::stat(mount_point.path.c_str(), &root) != 0)
        return Error{ErrorKind::Io,
                     std::string("the mount does not answer: ") + std::strerror(errno)};
    device = root.st_dev;
    return guard(mount_point);
}

// False when somebody else has unmounted it. Asks the kernel alone: a stuck FileSystem cannot hold
// it up. Once nothing is served any more, the kernel may have given our device number to another
// mount at the same path: then only a dead mount is ours (its connection was aborted).
bool Mount::Parts::covers_path() const {
    if (context.is_cut_off) return false;
    if (device == 0) return session.is_serving();
    if (!session.is_serving()) return is_dead_mount(mount_point.path);
    struct statx status {};
    const int flags = AT_STATX_DONT_SYNC | AT_SYMLINK_NOFOLLOW;
    if (::statx(AT_FDCWD, mount_point.path.c_str(), flags, STATX_TYPE, &status) != 0)
        return errno == ENOTCONN;
    return makedev(status.stx_dev_major, status.stx_dev_minor) == device;
}

// Pages that a program has changed through mmap are written on the way. Called by nobody who holds
// what a request may wait for.
void Mount::Parts::drop_caches(const std::vector<NodeId>& nodes) {
    for (const NodeId node : nodes) session.drop_node(node);
}

// What the kernel has of the files goes twice: first while writing is still possible, then what was
// read meanwhile.
void Mount::Parts::cut_off() {
    drop_caches(handed_out.nodes());
    context.is_cut_off = true;
    session.wait_for_requests();
    invalidation.stop();
    if (std::exchange(is_observing, false)) context.file_system.remove_observer(invalidation);
    invalidation.join();
    const std::vector<NodeId> nodes = handed_out.nodes();
    handed_out.give_back();
    drop_caches(nodes);
}

// The order matters: an invalidation may wait in the kernel for a request that is under way, so the
// threads that answer requests go last.
void Mount::Parts::tear_down() {
    if (std::exchange(is_torn_down, true)) return;
    invalidation.stop();
    if (is_observing) context.file_system.remove_observer(invalidation);
    invalidation.join();
    session.stop();
    handed_out.give_back();
}

Result<std::unique_ptr<Mount>> Mount::mount(FileSystem& file_system,
                                            const std::filesystem::path& directory,
                                            MountOptions options) {
    TRY_OK(check_options(options));
    TRY_OK(check_fuse_available());
    auto parts = std::make_unique<Parts>(file_system, options);
    TRY(parts->mount_point, prepare_mount_point(directory));
    std::unique_ptr<Mount> mount(new Mount(std::move(parts)));
    if (Status started = mount->parts_->start(); !started.ok()) {
        Error error = std::move(started).error();
        restore(mount->parts_->mount_point);
        return std::move(error).in("mount on \"" + mount->directory().string() + "\"");
    }
    return mount;
}

Mount::Mount(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Mount::~Mount() {
    const Status ignored = unmount_lazily();
    (void)ignored;  // the connection is cut in any case
}

Status Mount::unmount() {
    MutexLock lock(parts_->mutex);
    if (parts_->is_torn_down) return {};
    if (parts_->covers_path()) {
        TRY_OK(unmount_path(parts_->mount_point.path, UnmountMode::WhenUnused));
    } else if (parts_->session.is_serving()) {
        return Error{ErrorKind::Busy, "files of a mount that was taken away are still open"};
    }
    parts_->tear_down();
    return {};
}

Status Mount::unmount_lazily() {
    MutexLock lock(parts_->mutex);
    if (parts_->is_torn_down) return {};
    Status detached;
    if (parts_->covers_path())
        detached = unmount_path(parts_->mount_point.path, UnmountMode::Lazily);
    if (parts_->session.is_serving() && !parts_->context.is_cut_off)
        parts_->drop_caches(parts_->handed_out.nodes());
    parts_->tear_down();
    return detached;
}

Status Mount::cut_off() {
    MutexLock lock(parts_->mutex);
    if (parts_->is_torn_down || parts_->context.is_cut_off) return {};
    if (parts_->covers_path()) TRY_OK(unmount_path(parts_->mount_point.path, UnmountMode::Lazily));
    parts_->cut_off();
    return {};
}

bool Mount::is_mounted() const {
    return parts_->session.is_serving();
}

const std::filesystem::path& Mount::directory() const {
    return parts_->mount_point.path;
}

void Mount::wait_for_invalidations() {
    parts_->invalidation.wait_until_idle();
}

}  // namespace lockstep
