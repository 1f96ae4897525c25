#include "sync/adding_from_peer.h"

namespace lockstep {

namespace {
thread_local int depth = 0;
}

bool is_adding_from_peer() {
    return depth != 0;
}
AddingFromPeer::AddingFromPeer(const std::optional<DeviceId>& device) : brought_by_(device) {
    ++depth;
}
AddingFromPeer::~AddingFromPeer() {
    --depth;
}

}  // namespace lockstep
