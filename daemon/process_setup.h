// What a process that holds keys does before anything else, and how it tells systemd that it runs.
#pragma once

#include <string_view>

namespace lockstep {

// No core dumps, not traceable by the user's other processes, files private by default, many
// descriptors, no SIGPIPE, and no descriptor inherited beyond the standard three.
void harden_process();

// Tells the service manager, when there is one ($NOTIFY_SOCKET): "READY=1", "STOPPING=1".
void notify_service_manager(std::string_view state);

}  // namespace lockstep
