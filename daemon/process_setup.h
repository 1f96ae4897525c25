// What a process that holds keys does before anything else.
#pragma once

#include "base/unique_fd.h"

namespace lockstep {

// No core dumps, not traceable by the user's other processes, files private by default, many
// descriptors, no SIGPIPE, and no descriptor inherited beyond the standard three and `kept`.
void harden_process(const UniqueFd& kept);

}  // namespace lockstep
