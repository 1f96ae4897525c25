// What members of a vault are called at a relay: pseudonyms that only members can make, and know.
#pragma once

#include <string_view>

#include "relay/protocol/admission.h"
#include "vault/replica.h"

namespace lockstep {

// Another name for each vault, epoch and relay ("host:port"): nothing at the relay links two of
// them, and nobody without the epoch's secret can tell whose they are. May block.
Result<MemberName> relay_member_name(Replica& replica, const EpochId& epoch, std::string_view relay,
                                     const DeviceId& device);

}  // namespace lockstep
