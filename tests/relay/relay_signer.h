// A swarm's key, for tests that ask for tickets.
#pragma once

#include <sodium.h>

#include "base/random.h"
#include "relay/protocol/admission.h"

namespace lockstep {

// Who has a swarm's secret key.
struct SwarmSigner {
    SwarmSigner() {
        CHECK(sodium_init() >= 0);
        crypto_sign_keypair(u8(MutableByteView(key.bytes)), u8(MutableByteView(secret)));
    }
    AdmissionRequest request(const TrackerHash& hash, const MemberName& member,
                             std::uint64_t time_s) {
        AdmissionRequest out{.relay = "relay.example:6970",
                             .swarm_key = key,
                             .info_hash = hash,
                             .member = member,
                             .time_s = time_s,
                             .nonce = system_random().id<AdmissionNonce>()};
        sign(out);
        return out;
    }
    void sign(AdmissionRequest& request) {
        Bytes bytes = admission_preimage(request.message());
        crypto_sign_detached(u8(MutableByteView(request.signature.bytes)), nullptr,
                             u8(ByteView(bytes)), bytes.size(), u8(ByteView(secret)));
    }

    SwarmPublicKey key;
    std::array<std::byte, 64> secret{};
};

}  // namespace lockstep
