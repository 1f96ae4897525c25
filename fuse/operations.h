// The requests of the kernel, each answered by one call or a few into the FileSystem.
//
// What the handlers share: they hold no lock, note what they hand out, and take back what an answer
// nobody waits for any more would have leaked: libfuse says -ENOENT when the caller was
// interrupted.
//
// THREADS: any number of "ls-fuse-N".
#pragma once

#include <atomic>

#include "fuse/attributes.h"
#include "fuse/handed_out.h"
#include "fuse/init_reply.h"
#include "fuse/invalidation.h"
#include "fuse/libfuse.h"
#include "vault/file_system.h"

namespace lockstep {

// Invalidation::changes() when the calling thread took the request that it answers.
inline thread_local std::uint64_t changes_at_request = 0;

struct MountContext {
    FileSystem& file_system;
    HandedOut& handed_out;
    Invalidation& invalidation;
    KernelCaches& caches;
    ShownOwner shown_owner;
    uid_t mounting_user = 0;
    double cache_seconds = 0;
    bool allow_other = false;
    bool checks_modes = false;  // we, not the kernel (permissions.h)
    bool writeback_cache = false;
    InitReply init_reply{};
    // How long the kernel may trust what it is told now. An answer that may have been overtaken by
    // a change elsewhere is not remembered.
    double trusted_seconds() const {
        return invalidation.changes() == changes_at_request ? cache_seconds : 0;
    }

    // Every request fails with EIO; the FileSystem may be gone.
    std::atomic<bool> is_cut_off{false};
};

// The table that libfuse calls; its userdata is a MountContext.
const fuse_lowlevel_ops& mount_operations();

}  // namespace lockstep
