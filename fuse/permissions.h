// What modes let the mounting user do, on mounts where the kernel does not check them.
//
// With default_permissions the kernel checks, and asks for the mode of a directory again after
// every change in it: one request of five when a file is made, one of two when it is removed. Where
// nobody but the mounting user reaches a mount and all that it shows is his, the bits of the owner
// are all there is to check. Then it is done here, by what a request names; the names that the
// kernel remembers of a directory that may not be searched any more are dropped
// (Session::drop_node). Root may do everything; that a file without any x is not run the kernel
// sees to.
//
// THREADS: any.
#pragma once

#include "fuse/request.h"

namespace lockstep {

// As access(2) has them.
inline constexpr unsigned kMayExecute = 1;  // of a directory: look names up in it
inline constexpr unsigned kMayWrite = 2;
inline constexpr unsigned kMayRead = 4;

// The owner's bits.
inline bool owner_may(const Attributes& attributes, unsigned wanted) {
    return (attributes.mode >> 6 & wanted) == wanted;
}

// What it holds cannot be reached by its path.
inline bool is_out_of_reach(const Attributes& attributes) {
    return attributes.type == FileType::Directory && !owner_may(attributes, kMayExecute);
}

// Whether who asks has modes to respect that nobody has looked at yet.
inline bool is_unchecked(fuse_req_t request) {
    return context_of(request).checks_modes && fuse_req_ctx(request)->uid != 0;
}

// True when the owner of the node may not; the request is answered then.
bool refuse_by_mode(fuse_req_t request, fuse_ino_t node, unsigned wanted);

// True when no entry of the directory may be made, moved or removed; the request is answered then.
inline bool refuse_change_in(fuse_req_t request, fuse_ino_t directory) {
    return refuse_by_mode(request, directory, kMayWrite | kMayExecute);
}

// What opening with these flags of open(2) needs.
unsigned needed_to_open(int flags);

}  // namespace lockstep
