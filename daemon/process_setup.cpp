#include "daemon/process_setup.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/unique_fd.h"

namespace lockstep {

namespace {

constexpr rlim_t kDescriptorsWished = 65536;

void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = std::max(limit.rlim_cur, std::min(limit.rlim_max, kDescriptorsWished));
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
        log_warning("daemon", "RLIMIT_NOFILE stays as it is");
}

}  // namespace

void harden_process() {
    const rlimit no_core{0, 0};
    if (::setrlimit(RLIMIT_CORE, &no_core) != 0) log_warning("daemon", "core dumps stay possible");
    if (::prctl(PR_SET_DUMPABLE, 0) != 0) log_warning("daemon", "the process stays dumpable");
    ::umask(077);
    raise_descriptor_limit();
    std::signal(SIGPIPE, SIG_IGN);
    ::close_range(3, ~0U, 0);
}

void notify_service_manager(std::string_view state) {
    const char* path = std::getenv("NOTIFY_SOCKET");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path == nullptr || (path[0] != '/' && path[0] != '@')) return;
    const std::size_t size = std::strlen(path);
    if (size >= sizeof(address.sun_path)) return;
    std::memcpy(address.sun_path, path, size);
    if (path[0] == '@') address.sun_path[0] = '\0';  // the abstract namespace
    UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket.ok()) return;
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size);
    if (::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&address), length) < 0) {
        log_warning("daemon", "the service manager could not be told '{}'", state);
    }
}

}  // namespace lockstep
