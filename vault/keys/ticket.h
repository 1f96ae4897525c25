// A ticket: one-use invitation to a vault, as text to paste or to scan.
//
//     "lockstep:" ‖ base32(version u8 ‖ fields ‖ checksum 4)
//
// The 128-bit secret in it is all that the two sides need to meet and to authenticate each other;
// the checksum finds typing errors, nothing else. Format: vault/FORMAT.md, "Ticket".
#pragma once

#include <string>
#include <vector>

#include "vault/crypto/kdf.h"
#include "vault/types.h"

namespace lockstep {

using TicketSwarmKey = SecretKey<struct TicketSwarmKeyTag>;
using TicketMacKey = SecretKey<struct TicketMacKeyTag>;
using DeviceFingerprint = Id<struct DeviceFingerprintTag, 16>;

// First 16 bytes of BLAKE2b-256 of the device's id.
DeviceFingerprint fingerprint_of(const DeviceId& device);

struct Ticket {
    std::array<std::byte, 16> secret{};
    DeviceFingerprint inviter;
    MemberRole role = MemberRole::Writer;
    std::int64_t expires_at = 0;         // seconds since 1970 UTC
    std::string vault_label;             // may be empty
    std::vector<std::string> relays;     // URLs
    std::vector<std::string> addresses;  // host:port
    auto operator<=>(const Ticket&) const = default;

    bool is_expired(std::int64_t now_seconds) const { return now_seconds >= expires_at; }
    // What both sides meet in, and what they authenticate with.
    TicketSwarmKey swarm_key() const;
    TicketMacKey mac_key() const;
};

// REQUIRES: the limits of vault/limits.h are kept (check_ticket).
std::string encode_ticket(const Ticket& ticket);
Status check_ticket(const Ticket& ticket);
// Corrupt: damaged or mistyped. Unsupported: of a newer Lockstep. Expiry is the caller's:
// parse_live_ticket.
Result<Ticket> parse_ticket(std::string_view text);
// parse_ticket, and Timeout when expired.
Result<Ticket> parse_live_ticket(std::string_view text, std::int64_t now_seconds);

}  // namespace lockstep
