// What host and guest say to each other, sealed, once both have proved the secret. Bytes:
// sync/PROTOCOL.md, "Joining".
#pragma once

#include <variant>

#include "base/bytes.h"
#include "base/ids.h"
#include "sync/sync_limits.h"

namespace lockstep {

inline constexpr std::size_t kJoinObjectSizeMax = 4 * kMiB;

// One attempt of one guest, over all its connections.
using JoinAttempt = Id<struct JoinAttemptTag, 16>;

enum class JoinObject : std::uint8_t { Offer = 1, Request = 2, Admission = 3 };

struct JoinHello {
    std::string label;
    JoinAttempt attempt;  // zeros from the host
    bool operator==(const JoinHello&) const = default;
};
// Parts come in order; the next object begins when one is complete.
struct JoinPart {
    JoinObject object = JoinObject::Offer;
    std::uint32_t size = 0, offset = 0;
    Bytes part;
    bool operator==(const JoinPart&) const = default;
};
struct JoinRejected {
    bool operator==(const JoinRejected&) const = default;
};
struct JoinDone {  // by the guest: the vault is here; by the host: noted
    bool operator==(const JoinDone&) const = default;
};

using JoinMessage = std::variant<JoinHello, JoinPart, JoinRejected, JoinDone>;

Bytes encode_join_message(const JoinMessage& message);
// Corrupt when it is no message, breaks a limit or is not canonical.
Result<JoinMessage> decode_join_message(ByteView bytes);

}  // namespace lockstep
