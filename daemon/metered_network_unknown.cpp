// Built where libsystemd is not there.
#include "daemon/metered_network.h"

namespace lockstep {

struct MeteredNetwork::Bus {};

MeteredNetwork::MeteredNetwork() = default;
MeteredNetwork::~MeteredNetwork() = default;

bool MeteredNetwork::is_metered() {
    return ask();
}

bool MeteredNetwork::ask() {
    return is_metered_;
}

}  // namespace lockstep
