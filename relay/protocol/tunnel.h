// The words on a control connection: who is there, and who shall meet whom in a tunnel. Plain
// values and their bytes; format: relay/PROTOCOL.md, "Tunnels".
#pragma once

#include <vector>

#include "relay/protocol/admission.h"

namespace lockstep {

inline constexpr std::string_view kControlSubprotocol = "lockstep-relay-1";
inline constexpr std::string_view kTunnelSubprotocol = "lockstep-tunnel-1";
inline constexpr std::size_t kControlMessageMax = 32 << 10;
inline constexpr std::size_t kMembersListedMax = 1024;

// Opens one end of one tunnel, once.
using TunnelToken = Id<struct TunnelTokenTag, 16>;

struct ControlMessage {
    enum class Type {
        Members,  // relay: these others are here (`members`); the first message
        Joined,   // relay: so is `member` now
        Left,     // relay: and no longer
        Dial,     // device: a tunnel to `member`, please
        Tunnel,   // relay: open your end of a tunnel to `member` with `token`; you dialed it or not
        Refused,  // relay: no tunnel to `member`, because of `reason`
    };
    Type type = Type::Members;
    MemberName member{};
    std::vector<MemberName> members{};
    TunnelToken token{};
    bool is_dialler = false;
    std::string reason{};

    bool operator==(const ControlMessage&) const = default;
};

std::string encode_control_message(const ControlMessage& message);
// Corrupt when it is none. Fields that a type does not have are left as they are by default.
Result<ControlMessage> decode_control_message(std::string_view bytes);

}  // namespace lockstep
