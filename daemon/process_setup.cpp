#include "daemon/process_setup.h"

#include <algorithm>
#include <csignal>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

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

void harden_process(const UniqueFd& kept) {
    const rlimit no_core{0, 0};
    if (::setrlimit(RLIMIT_CORE, &no_core) != 0) log_warning("daemon", "core dumps stay possible");
    if (::prctl(PR_SET_DUMPABLE, 0) != 0) log_warning("daemon", "the process stays dumpable");
    ::umask(077);
    raise_descriptor_limit();
    std::signal(SIGPIPE, SIG_IGN);
    const auto kept_fd = static_cast<unsigned>(kept.ok() ? kept.get() : STDERR_FILENO);
    if (kept_fd > 3) ::close_range(3, kept_fd - 1, 0);
    ::close_range(kept_fd + 1, ~0U, 0);
}

}  // namespace lockstep
