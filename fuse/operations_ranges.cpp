// Ranges of open files: lseek for holes, fallocate, copy_file_range.
//
// What the kernel does not pass on: FALLOC_FL_COLLAPSE_RANGE and INSERT_RANGE, and FICLONE and
// FICLONERANGE (cp --reflink=always): it answers EOPNOTSUPP. copy_file_range is what shares chunks.
#include <algorithm>

#include <fcntl.h>
#include <linux/falloc.h>
#include <unistd.h>

#include "fuse/request.h"

namespace lockstep {
namespace {

// An answer's count has 32 bits.
constexpr std::size_t kCopySizeMax = std::size_t{1} << 30;

void lseek(fuse_req_t request, fuse_ino_t, off_t offset, int whence, fuse_file_info* file) {
    if (refuse_strangers(request)) return;
    if (whence != SEEK_DATA && whence != SEEK_HOLE) {
        fuse_reply_err(request, EINVAL);
        return;
    }
    if (offset < 0) {
        fuse_reply_err(request, ENXIO);
        return;
    }
    const auto found = context_of(request).file_system.seek(
        file->fh, static_cast<std::uint64_t>(offset),
        whence == SEEK_DATA ? SeekTarget::Data : SeekTarget::Hole);
    if (!found.ok()) return reply_error(request, found.error());
    if (*found) {
        fuse_reply_lseek(request, static_cast<off_t>(**found));
    } else {
        fuse_reply_err(request, ENXIO);
    }
}

std::optional<RangeChange::Kind> kind_of(int mode) {
    switch (mode & ~FALLOC_FL_KEEP_SIZE) {
        case 0:
            return RangeChange::Kind::Allocate;
        case FALLOC_FL_PUNCH_HOLE:
            return RangeChange::Kind::Punch;
        case FALLOC_FL_ZERO_RANGE:
            return RangeChange::Kind::Zero;
    }
    return std::nullopt;
}

void fallocate(fuse_req_t request, fuse_ino_t, int mode, off_t offset, off_t length,
               fuse_file_info* file) {
    if (refuse_strangers(request)) return;
    const auto kind = kind_of(mode);
    if (!kind) {
        fuse_reply_err(request, EOPNOTSUPP);
        return;
    }
    if (offset < 0 || length <= 0) {
        fuse_reply_err(request, EINVAL);
        return;
    }
    const RangeChange change{.kind = *kind,
                             .offset = static_cast<std::uint64_t>(offset),
                             .length = static_cast<std::uint64_t>(length),
                             .keep_size = (mode & FALLOC_FL_KEEP_SIZE) != 0};
    reply_status(request, context_of(request).file_system.change_range(file->fh, change));
}

void copy_file_range(fuse_req_t request, fuse_ino_t, off_t from_offset, fuse_file_info* from,
                     fuse_ino_t, off_t to_offset, fuse_file_info* to, std::size_t length,
                     int flags) {
    if (refuse_strangers(request)) return;
    if (from_offset < 0 || to_offset < 0 || flags != 0) {
        fuse_reply_err(request, EINVAL);
        return;
    }
    const auto copied = context_of(request).file_system.copy_range(
        {.from = from->fh,
         .to = to->fh,
         .from_offset = static_cast<std::uint64_t>(from_offset),
         .to_offset = static_cast<std::uint64_t>(to_offset),
         .length = std::min(length, kCopySizeMax)});
    if (!copied.ok()) return reply_error(request, copied.error());
    fuse_reply_write(request, *copied);
}

}  // namespace

void add_range_operations(fuse_lowlevel_ops& operations) {
    operations.lseek = lseek;
    operations.fallocate = fallocate;
    operations.copy_file_range = copy_file_range;
}

}  // namespace lockstep
