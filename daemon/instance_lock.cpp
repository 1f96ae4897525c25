#include "daemon/instance_lock.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

namespace lockstep {

namespace {

std::string holder(int file) {
    char text[32] = {};
    const ssize_t size = ::pread(file, text, sizeof(text) - 1, 0);
    if (size <= 0) return "unknown";
    return std::string(text, std::strcspn(text, "\n"));
}

}  // namespace

Result<InstanceLock> InstanceLock::take(const std::filesystem::path& file) {
    UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd.ok()) {
        return Error{ErrorKind::Io, fmt::format("{}: {}", file.native(), std::strerror(errno))};
    }
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return Error{ErrorKind::Io, std::strerror(errno)};
        return Error{ErrorKind::Busy,
                     fmt::format("another lockstepd runs for this home (process {}, {})",
                                 holder(fd.get()), file.native())};
    }
    const std::string text = fmt::format("{}\n", ::getpid());
    if (::ftruncate(fd.get(), 0) != 0 ||
        ::pwrite(fd.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
        return Error{ErrorKind::Io, fmt::format("{}: {}", file.native(), std::strerror(errno))};
    }
    return InstanceLock(std::move(fd));
}

}  // namespace lockstep
