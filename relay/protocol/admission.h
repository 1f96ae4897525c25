// The words of admission: who asks for a ticket, and what a ticket says. Plain values and their
// bytes; format: relay/PROTOCOL.md, "Tickets".
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/http/message.h"
#include "relay/protocol/announce.h"

namespace lockstep {

// Ed25519 public key of a swarm: who can sign with it is a member.
using SwarmPublicKey = Id<struct RelaySwarmKeyTag, 32>;
// What a device is called in one swarm at one relay; random, so that nothing links two of them.
using MemberName = Id<struct RelayMemberNameTag, 20>;
using AdmissionNonce = Id<struct AdmissionNonceTag, 16>;
using AdmissionSignature = Id<struct AdmissionSignatureTag, 64>;

// The label in the signed bytes; see vault/FORMAT.md, "Labels".
inline constexpr std::string_view kAdmissionLabel = "lockstep v1 sign relay admission";
inline constexpr std::size_t kAdmissionBodyMax = 1024;

struct AdmissionRequest {
    // Host and port of the relay as the device dials it.
    std::string relay{};
    SwarmPublicKey swarm_key{};
    TrackerHash info_hash{};
    MemberName member{};
    // Seconds since 1970.
    std::uint64_t time_s = 0;
    AdmissionNonce nonce{};
    AdmissionSignature signature{};

    bool operator==(const AdmissionRequest&) const = default;

    // What the swarm's key signs, under kAdmissionLabel.
    Bytes message() const;
};

// The bytes under the signature: label and message, as vault/FORMAT.md has it for all signatures.
Bytes admission_preimage(ByteView message);

std::string encode_admission_request(const AdmissionRequest& request);
// Invalid, with words for a person.
Result<AdmissionRequest> decode_admission_request(std::string_view body);

struct AdmissionAnswer {
    // Goes into the query field `ticket`, beside `info_hash`.
    std::string ticket{};
    std::uint32_t expires_in_s = 0;
    // The relay's clock.
    std::uint64_t time_s = 0;

    bool operator==(const AdmissionAnswer&) const = default;
};

std::string encode_admission_answer(const AdmissionAnswer& answer);
// Refused with the relay's reason; Corrupt when it is no answer.
Result<AdmissionAnswer> decode_admission_answer(std::string_view body);

// A refusal that tells the relay's clock.
std::string encode_admission_refusal(std::string_view reason, std::uint64_t time_s);
// Zero when the body tells none.
std::uint64_t relay_time_in(std::string_view body);

}  // namespace lockstep
