#include "fuse/permissions.h"

#include <fcntl.h>
#include <unistd.h>

namespace lockstep {
namespace {

static_assert(kMayExecute == X_OK && kMayWrite == W_OK && kMayRead == R_OK);

// The kernel's: a file that is opened to be run.
constexpr int kOpenToRun = 040;

constexpr std::uint32_t kAnyExecute = 0111;

// access(2) and chdir(2) ask whoever checks modes.
void access(fuse_req_t request, fuse_ino_t node, int wanted) {
    if (refuse_strangers(request)) return;
    const Result<Attributes> found = context_of(request).file_system.attributes(node);
    if (!found.ok()) return reply_error(request, found.error());
    const unsigned bits = static_cast<unsigned>(wanted) & (kMayRead | kMayWrite | kMayExecute);
    bool may = owner_may(*found, bits);
    if (fuse_req_ctx(request)->uid == 0) {
        may = (bits & kMayExecute) == 0 || found->type == FileType::Directory ||
              (found->mode & kAnyExecute) != 0;
    }
    fuse_reply_err(request, may ? 0 : EACCES);
}

}  // namespace

bool refuse_by_mode(fuse_req_t request, fuse_ino_t node, unsigned wanted) {
    if (!is_unchecked(request)) return false;
    const Result<Attributes> found = context_of(request).file_system.attributes(node);
    if (found.ok() && owner_may(*found, wanted)) return false;
    fuse_reply_err(request, found.ok() ? EACCES : errno_of(found.error().kind));
    return true;
}

unsigned needed_to_open(int flags) {
    if (flags & kOpenToRun) return kMayExecute;
    switch (flags & O_ACCMODE) {
        case O_RDONLY:
            return kMayRead;
        case O_WRONLY:
            return kMayWrite;
    }
    return kMayRead | kMayWrite;
}

void add_permission_operations(fuse_lowlevel_ops& operations) {
    operations.access = access;
}

}  // namespace lockstep
