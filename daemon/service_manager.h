// What systemd and the daemon tell each other: sd_notify(3), sd_listen_fds(3),
// sd_watchdog_enabled(3). Their words are a stable interface and few, so the daemon needs no
// library for them, and says nothing where nobody listens.
//
// THREADS: inherited_socket() before the first thread; the rest any.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace lockstep {

// Tells the service manager, when there is one ($NOTIFY_SOCKET): "READY=1", "STOPPING=1".
void notify_service_manager(std::string_view state);

// That the daemon reads its configuration anew; "READY=1" ends it.
std::string reloading_state();

// How often the service manager wants to hear "WATCHDOG=1" of this process, or it ends it. 0:
// never.
std::chrono::microseconds watchdog_interval();

// The listening unix socket of that name which the service manager made and passed on
// ($LISTEN_FDS), non-blocking and closed on exec; none when it passed no such socket. A second call
// finds none.
UniqueFd inherited_socket(const std::filesystem::path& path);

}  // namespace lockstep
