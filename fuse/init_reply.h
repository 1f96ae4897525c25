// What libfuse 3.14 cannot ask the kernel for: flags of the INIT reply that it does not know.
//
// FUSE_HANDLE_KILLPRIV_V2: we clear setuid and setgid bits ourselves (there never are any), so the
// kernel does not ask for security.capability before each write(2): one request instead of two.
//
// FUSE_DIRECT_IO_ALLOW_MMAP: a file can be mapped shared through a handle that goes past the page
// cache, so that such handles can do all that others can (HandedOut::PageUse).
//
// The session's own reading and writing of /dev/fuse goes through here (fuse_session_custom_io);
// after the one INIT both are plain system calls.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/result.h"
#include "fuse/libfuse.h"

namespace lockstep {

struct InitReply {
    // The kernel numbers requests from 2 on; 0: no INIT is being answered.
    std::atomic<std::uint64_t> unique{0};
    std::uint64_t offered = 0;  // flags of the kernel's INIT
    std::atomic<bool> may_map_past_pages{false};
};

// Takes the connection over. Call after fuse_session_mount(); the session's userdata is a
// MountContext.
Status use_own_init_reply(fuse_session* session);

}  // namespace lockstep
