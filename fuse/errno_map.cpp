#include "fuse/errno_map.h"

#include <cerrno>

namespace lockstep {

int errno_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::NotFound:
            return ENOENT;
        case ErrorKind::Exists:
            return EEXIST;
        case ErrorKind::WrongKey:
            return EIO;
        case ErrorKind::Corrupt:
            return EIO;
        case ErrorKind::Io:
            return EIO;
        case ErrorKind::NoSpace:
            return ENOSPC;
        case ErrorKind::Busy:
            return EBUSY;
        case ErrorKind::Locked:
            return EIO;
        case ErrorKind::Conflict:
            return EIO;
        case ErrorKind::Invalid:
            return EINVAL;
        case ErrorKind::Unsupported:
            return EOPNOTSUPP;
        case ErrorKind::Cancelled:
            return EINTR;
        case ErrorKind::Timeout:
            return ETIMEDOUT;
        case ErrorKind::Unavailable:
            return EIO;
        case ErrorKind::Refused:
            return EPERM;
        case ErrorKind::NotDirectory:
            return ENOTDIR;
        case ErrorKind::IsDirectory:
            return EISDIR;
        case ErrorKind::NotEmpty:
            return ENOTEMPTY;
        case ErrorKind::NameTooLong:
            return ENAMETOOLONG;
        case ErrorKind::NoAttribute:
            return ENODATA;
        case ErrorKind::ReadOnly:
            return EROFS;
        case ErrorKind::TooLarge:
            return EFBIG;
        case ErrorKind::TooManyLinks:
            return EMLINK;
        case ErrorKind::Loop:
            return ELOOP;
    }
    return EIO;
}

int errno_of(const Status& status) {
    return status.ok() ? 0 : errno_of(status.error().kind);
}

}  // namespace lockstep
