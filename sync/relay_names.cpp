#include "sync/relay_names.h"

#include <algorithm>

#include "base/codec.h"

namespace lockstep {

Result<MemberName> relay_member_name(Replica& replica, const EpochId& epoch, std::string_view relay,
                                     const DeviceId& device) {
    Encoder in;
    in.text("lockstep relay 1 member").text(relay).id(device);
    TRY(Bytes mac, replica.prove_membership(epoch, in.view()));
    MemberName out;
    std::copy_n(mac.begin(), std::min(mac.size(), out.bytes.size()), out.bytes.begin());
    return out;
}

}  // namespace lockstep
