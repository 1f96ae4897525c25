// Membership facts: signed, immutable statements about who may do what in a vault. The set of them
// only grows; the roster (roster.h) is a pure function of the set.
//
// Each names the facts that its author had seen, so that a revoked owner cannot back-date: what it
// signs after its revocation does not lie in the revocation's past. Format: vault/FORMAT.md,
// "Membership facts".
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "vault/crypto/passphrase.h"
#include "vault/keys/device_identity.h"

namespace lockstep {

using FactId = Id<struct FactIdTag, 32>;  // BLAKE2b-256 of the fact's bytes

enum class SlotType : std::uint8_t {
    Passphrase = 1,
    Recovery = 2,
    Device = 3,
    Fido2 = 16,
    PostQuantum = 17
};

// Where a revoked or retired log ends for everybody; number 0: nothing of it counts.
struct LogCut {
    LogId log;
    std::uint64_t number = 0;
    SegmentHash hash;
    auto operator<=>(const LogCut&) const = default;
};

struct AddFact {
    DeviceCertificate certificate;
    MemberRole role = MemberRole::Writer;
    auto operator<=>(const AddFact&) const = default;
};
struct RevokeFact {
    DeviceId device;
    std::vector<LogCut> cuts;  // sorted by log, one for each
    auto operator<=>(const RevokeFact&) const = default;
};
// Closes a log without distrust.
struct RetireFact {
    DeviceId device;
    LogCut cut;
    auto operator<=>(const RetireFact&) const = default;
};
struct RoleFact {
    DeviceId device;
    MemberRole role = MemberRole::Writer;
    auto operator<=>(const RoleFact&) const = default;
};
// A new epoch. Its secret was given to nobody in `excluded`: who is revoked, or blind by now.
struct RotateFact {
    EpochId epoch;
    std::uint32_t sequence =
        0;  // one above the greatest its author knew; epochs are ordered by (sequence, id)
    Commitment secret;               // to E_e
    Commitment replicator;           // to S_e
    std::vector<DeviceId> excluded;  // RosterMember::is_kept_out(); sorted
    auto operator<=>(const RotateFact&) const = default;
};
// Whoever holds the recovery code makes this device an owner; signed by the recovery slot.
struct RecoverFact {
    DeviceCertificate certificate;
    auto operator<=>(const RecoverFact&) const = default;
};
struct AddSlotFact {
    SlotType type = SlotType::Passphrase;
    SealingPublicKey sealing;
    SigningPublicKey signing;  // names the slot
    auto operator<=>(const AddSlotFact&) const = default;
};
struct RemoveSlotFact {
    SigningPublicKey signing;
    auto operator<=>(const RemoveSlotFact&) const = default;
};

// The kind written is the index + 1: ADD 1, REVOKE 2, RETIRE 3, ROLE 4, ROTATE 5, RECOVER 6, ADD
// SLOT 7, REMOVE SLOT 8.
using FactBody = std::variant<AddFact, RevokeFact, RetireFact, RoleFact, RotateFact, RecoverFact,
                              AddSlotFact, RemoveSlotFact>;

struct MembershipFact {
    SigningPublicKey author;      // a member's vault signing key, or a slot's
    std::int64_t created_ms = 0;  // for people; decides nothing
    std::vector<FactId>
        seen;  // maximal facts its author knew; sorted; empty only in the founder's ADD
    FactBody body;
    Signature signature;
    auto operator<=>(const MembershipFact&) const = default;
};

struct FactDraft {
    std::int64_t created_ms = 0;
    std::vector<FactId> seen;
    FactBody body;
};
MembershipFact sign_fact(const VaultId& vault, const SigningKey& author, FactDraft draft);

Bytes encode_fact(const MembershipFact& fact);
FactId fact_id(const MembershipFact& fact);
// Decoded and its signatures (author's; certificate's identity) verified. Corrupt otherwise.
Result<MembershipFact> decode_fact(const VaultId& vault, ByteView bytes);

}  // namespace lockstep
