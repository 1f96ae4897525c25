// What of the machine, the network and this daemon stands in the way of its vaults.
#pragma once

#include "daemon/api/messages.h"

namespace lockstep {

struct ControlContext;

// Asks every relay, all at once: blocks for seconds when one does not answer. What is wrong with a
// vault itself is in its status.
api::DoctorReport examine(ControlContext& context);

}  // namespace lockstep
