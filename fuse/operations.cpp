#include "fuse/operations.h"

#include <algorithm>

#include "fuse/request.h"
#include "vault/limits.h"

namespace lockstep {
namespace {

constexpr unsigned kIoSizeMax = 1024 * 1024;     // bytes of one read or write request
constexpr unsigned kBackgroundRequestsMax = 64;  // read-ahead and write-back under way at a time

void want(fuse_conn_info& connection, unsigned capability, bool wanted) {
    if (wanted && (connection.capable & capability)) {
        connection.want |= capability;
    } else {
        connection.want &= ~capability;
    }
}

// Every capability is chosen here, none left to libfuse's defaults.
void init(void* userdata, fuse_conn_info* connection) {
    const MountContext& context = *static_cast<MountContext*>(userdata);
    want(*connection, FUSE_CAP_ASYNC_READ, true);
    want(*connection, FUSE_CAP_ASYNC_DIO, true);
    // A truncate of its own waits for the pages that are being written back; one within OPEN does
    // not, and they would come after it.
    want(*connection, FUSE_CAP_ATOMIC_O_TRUNC, false);
    want(*connection, FUSE_CAP_PARALLEL_DIROPS, true);
    want(*connection, FUSE_CAP_READDIRPLUS, true);
    want(*connection, FUSE_CAP_READDIRPLUS_AUTO, true);
    want(*connection, FUSE_CAP_WRITEBACK_CACHE, context.writeback_cache);
    // Targets lie in the page cache; dropping the node drops them.
    want(*connection, FUSE_CAP_CACHE_SYMLINKS, true);
    // Pages go when we say so, not when a time changes.
    want(*connection, FUSE_CAP_AUTO_INVAL_DATA, false);
    want(*connection, FUSE_CAP_EXPLICIT_INVAL_DATA, true);
    want(*connection, FUSE_CAP_EXPIRE_ONLY, true);
    // There are no setuid or setgid bits to clear: the kernel need not ask before each write.
    want(*connection, FUSE_CAP_HANDLE_KILLPRIV, true);
    // The kernel keeps flock and fcntl locks among the processes of this machine.
    want(*connection, FUSE_CAP_POSIX_LOCKS, false);
    want(*connection, FUSE_CAP_FLOCK_LOCKS, false);
    want(*connection, FUSE_CAP_DONT_MASK, false);
    want(*connection, FUSE_CAP_EXPORT_SUPPORT, false);
    want(*connection, FUSE_CAP_IOCTL_DIR, false);
    want(*connection, FUSE_CAP_POSIX_ACL, false);
    // Content is made in memory: a pipe between would be one copy more.
    want(*connection, FUSE_CAP_SPLICE_READ, false);
    want(*connection, FUSE_CAP_SPLICE_WRITE, false);
    want(*connection, FUSE_CAP_SPLICE_MOVE, false);

    connection->max_write = kIoSizeMax;
    connection->max_readahead = std::min(connection->max_readahead, kIoSizeMax);
    connection->max_background = kBackgroundRequestsMax;
    connection->congestion_threshold = kBackgroundRequestsMax * 3 / 4;
    connection->time_gran = 1;
}

void statfs(fuse_req_t request, fuse_ino_t) {
    if (refuse_strangers(request)) return;
    const Result<FileSystemSpace> space = context_of(request).file_system.space();
    if (!space.ok()) return reply_error(request, space.error());
    struct statvfs out {};
    out.f_bsize = space->block_size;
    out.f_frsize = space->block_size;
    out.f_blocks = space->blocks_total;
    out.f_bfree = space->blocks_free;
    out.f_bavail = space->blocks_available;
    out.f_files = space->files_total;
    out.f_ffree = space->files_free;
    out.f_favail = space->files_free;
    out.f_namemax = kNameSizeMax;
    fuse_reply_statfs(request, &out);
}

fuse_lowlevel_ops make_operations() {
    fuse_lowlevel_ops operations{};
    operations.init = init;
    operations.statfs = statfs;
    add_tree_operations(operations);
    add_file_operations(operations);
    add_directory_operations(operations);
    add_range_operations(operations);
    add_xattr_operations(operations);
    add_permission_operations(operations);
    return operations;
}

}  // namespace

const fuse_lowlevel_ops& mount_operations() {
    static const fuse_lowlevel_ops operations = make_operations();
    return operations;
}

}  // namespace lockstep
