// Shows a FileSystem as a folder of this machine, through FUSE.
//
// A mount is alive from mount() until unmount(), unmount_lazily(), cut_off(), its destruction, or
// until somebody ran `fusermount3 -u` or `umount` on it; in the last case MountOptions::on_finished
// tells.
//
// The kernel caches names, attributes, symlink targets and pages for an hour; what a merge changes
// is taken out of its caches explicitly, by the ChangeObserver that the mount adds to the
// FileSystem. A small file that is opened for reading is put into the kernel's pages before the
// open is answered (FUSE_NOTIFY_STORE), while nothing else of this mount can change it: reading it
// asks nothing more. Content that is not here is not waited for then. Writes go through to the
// FileSystem with the write(2) that makes them: with the kernel's writeback cache its own idea of a
// file's size and time outranks ours for as long as it remembers the file, so that a change from
// elsewhere would be read cut short (see MountOptions::writeback_cache). A file that is new and
// only written goes past the kernel's pages (HandedOut::PageUse).
//
// The mount point is an empty directory of the mounting user. While nothing is mounted on it, it is
// kept at mode 0500, so that a program that misses the mount cannot write beside the vault; root
// ignores modes, so for root this is no more than a hint. remove_mount_point_guard() makes it an
// ordinary directory again.
//
// A process must not mmap files of a mount that it serves itself: munmap writes pages back while it
// holds the lock that the serving threads need for any memory of theirs.
//
// THREADS: any. Requests run on threads "ls-fuse-N", invalidation on "ls-fuse-inval".
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace lockstep {

class FileSystem;

struct MountOptions {
    std::string name = "lockstep";  // shown as the device by mount(8) and df(1)
    bool read_only = false;
    bool allow_other =
        false;              // let other users in; a user needs user_allow_other in /etc/fuse.conf
    unsigned threads = 10;  // requests served at a time; 1 to kMountThreadsMax
    // Files show the owners that the FileSystem says, chown changes them, and who makes a file owns
    // it. Otherwise all belong to `uid` and `gid`, which by default are the mounting user's, and
    // chown to anybody else is refused.
    bool ownership = false;
    std::optional<std::uint32_t> uid, gid;
    std::uint32_t cache_seconds = 3600;  // how long the kernel trusts what it was told
    // Collect small writes in the kernel. Only for a FileSystem that nothing but this mount
    // changes.
    bool writeback_cache = false;
    // Called once when the mount has ended without unmount(), or when nobody uses it any more after
    // cut_off(); from a thread of the mount, which must not destroy the Mount itself: post.
    std::function<void()> on_finished;
};

inline constexpr unsigned kMountThreadsMax = 64;

class Mount {
  public:
    // Mounts `file_system`, which must outlive the Mount, on `directory`. A dead mount that a crash
    // left there is removed first. Fails with a message that says what to do: NotFound or
    // NotDirectory (no such directory), NotEmpty, Refused (not ours; no access to /dev/fuse), Busy
    // (something is mounted there), Unsupported (no FUSE on this machine), Invalid (options).
    static Result<std::unique_ptr<Mount>> mount(FileSystem& file_system,
                                                const std::filesystem::path& directory,
                                                MountOptions options = {});
    // As unmount_lazily().
    ~Mount();
    Mount(const Mount&) = delete;
    Mount& operator=(const Mount&) = delete;

    // Ends the mount when no process uses it, else Busy and everything stays. Ok if it has ended
    // already.
    Status unmount();
    // Takes the folder away at once. Files that processes still have open fail with ENOTCONN from
    // now on; what they had written is kept. On return no call into the FileSystem is under way and
    // none will come.
    Status unmount_lazily();
    // The same, but what is still open fails with EIO until it is closed, nothing of it stays in
    // the kernel's caches, and the Mount goes on answering so until then, or until it is destroyed.
    // The FileSystem may go before the Mount does. On an error nothing has changed.
    Status cut_off();

    bool is_mounted() const;
    const std::filesystem::path& directory() const;

    // Returns when every invalidation reported so far has been handed to the kernel.
    void wait_for_invalidations();

  private:
    struct Parts;
    explicit Mount(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

// Ok when this process can mount; else the error that mount() would give, for `lockstep doctor`.
Status check_fuse_available();

// Removes what a crashed process left mounted under this MountOptions::name, and returns where that
// was; without touching what is mounted, so that a dead mount cannot hold it up.
// REQUIRES: nobody alive mounts under that name
std::vector<std::filesystem::path> remove_left_mounts(const std::string& name);
// Removes mounts at `directory` that nobody serves any more. Busy when they cannot be removed.
Status remove_dead_mounts(const std::filesystem::path& directory);

// Keeps a directory where something is to be mounted later as mount points are kept: nothing can be
// written in it. Refused when it is another user's, NotEmpty, Busy when something is mounted there.
Status guard_mount_point(const std::filesystem::path& directory);
// Makes a former mount point an ordinary directory (mode 0700) again.
// REQUIRES: nothing is mounted there
Status remove_mount_point_guard(const std::filesystem::path& directory);

}  // namespace lockstep
