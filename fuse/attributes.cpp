#include "fuse/attributes.h"

#include <ctime>
#include <limits>

#include "fuse/libfuse.h"

namespace lockstep {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr std::uint64_t kStatBlockSize = 512;
constexpr blksize_t kPreferredIoSize = 64 * 1024;

// Seconds are rounded down, so that the nanoseconds are never negative.
timespec to_timespec(std::int64_t ns) {
    std::int64_t seconds = ns / kNsPerSecond, rest = ns % kNsPerSecond;
    if (rest < 0) {
        seconds -= 1;
        rest += kNsPerSecond;
    }
    return {.tv_sec = seconds, .tv_nsec = rest};
}

// Times beyond what 64 bits of nanoseconds hold (years 1678 to 2262) become the nearest that fits.
std::int64_t to_ns(const timespec& time) {
    constexpr std::int64_t kSecondsMax =
        std::numeric_limits<std::int64_t>::max() / kNsPerSecond - 1;
    if (time.tv_sec > kSecondsMax) return kSecondsMax * kNsPerSecond;
    if (time.tv_sec < -kSecondsMax) return -kSecondsMax * kNsPerSecond;
    return time.tv_sec * kNsPerSecond + time.tv_nsec;
}

}  // namespace

mode_t type_bits(FileType type) {
    switch (type) {
        case FileType::Regular:
            return S_IFREG;
        case FileType::Directory:
            return S_IFDIR;
        case FileType::Symlink:
            return S_IFLNK;
        case FileType::Fifo:
            return S_IFIFO;
        case FileType::Socket:
            return S_IFSOCK;
    }
    return 0;
}

struct stat to_stat(const Attributes& attributes, const ShownOwner& owner) {
    struct stat out {};
    out.st_ino = attributes.node;
    out.st_mode = type_bits(attributes.type) | (attributes.mode & kModeMask);
    out.st_nlink = attributes.links;
    out.st_uid = owner.uid.value_or(attributes.uid);
    out.st_gid = owner.gid.value_or(attributes.gid);
    out.st_size = static_cast<off_t>(attributes.size);
    out.st_blocks =
        static_cast<blkcnt_t>((attributes.allocated + kStatBlockSize - 1) / kStatBlockSize);
    out.st_blksize = kPreferredIoSize;
    out.st_atim = to_timespec(attributes.accessed_ns);
    out.st_mtim = to_timespec(attributes.modified_ns);
    out.st_ctim = to_timespec(attributes.changed_ns);
    return out;
}

Result<AttributeChange> attribute_change(const struct stat& wanted, int to_set,
                                         std::int64_t now_ns) {
    AttributeChange change;
    if (to_set & FUSE_SET_ATTR_MODE) change.mode = wanted.st_mode & kModeMask;
    if (to_set & FUSE_SET_ATTR_UID) change.uid = wanted.st_uid;
    if (to_set & FUSE_SET_ATTR_GID) change.gid = wanted.st_gid;
    if (to_set & FUSE_SET_ATTR_SIZE) {
        if (wanted.st_size < 0) return Error{ErrorKind::Invalid, "negative size"};
        change.size = static_cast<std::uint64_t>(wanted.st_size);
    }
    if (to_set & FUSE_SET_ATTR_ATIME_NOW) {
        change.accessed_ns = now_ns;
    } else if (to_set & FUSE_SET_ATTR_ATIME) {
        change.accessed_ns = to_ns(wanted.st_atim);
    }
    if (to_set & FUSE_SET_ATTR_MTIME_NOW) {
        change.modified_ns = now_ns;
    } else if (to_set & FUSE_SET_ATTR_MTIME) {
        change.modified_ns = to_ns(wanted.st_mtim);
    }
    return change;
}

Result<AttributeChange> keep_owner(AttributeChange change, const ShownOwner& owner) {
    if (!owner.is_fixed()) return change;
    if (change.uid.value_or(*owner.uid) != owner.uid ||
        change.gid.value_or(*owner.gid) != owner.gid)
        return Error{ErrorKind::Refused, "files of this mount belong to the user who mounts it"};
    change.uid.reset();
    change.gid.reset();
    return change;
}

std::int64_t wall_now_ns() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return to_ns(now);
}

}  // namespace lockstep
