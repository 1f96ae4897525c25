// JoinHandshake: how a host and a guest that share an invite's secret recognise each other, and get
// the six digits that their owners compare.
//
// The guest commits to its ephemeral key before it sees the host's. So whoever sits between the two
// with a stolen ticket has one try in a million that both screens show the same digits. Bytes:
// sync/PROTOCOL.md, "Joining". THREADS: one at a time.
#pragma once

#include <optional>

#include "sync/control/session_crypto.h"
#include "sync/swarm_owner.h"
#include "sync/sync_engine.h"
#include "sync/torrent_session.h"

namespace lockstep {

enum class JoinRole : std::uint8_t { Host = 1, Guest = 2 };

// The swarm in which the two meet.
// Both sides know the secret, so both may have tickets of relays for that swarm.
RelaySigner join_relay_signer(const InviteSecret& secret);
SwarmSeed join_swarm_seed(const InviteSecret& secret);

class JoinHandshake {
  public:
    JoinHandshake(JoinRole role, const InviteSecret& secret);

    // The guest's first frame, with headroom. REQUIRES: role is Guest
    Bytes start();
    // Takes the peer's next frame; returns ours, if one is due. Refused when the proof is wrong;
    // Corrupt when the frame is none that can come now.
    Result<std::optional<Bytes>> receive(ByteView frame);

    bool is_done() const { return done_; }
    // Valid once done.
    const SessionCipher& cipher() const { return cipher_; }
    const std::string& digits() const { return digits_; }

  private:
    Result<Bytes> accept_commitment(ByteView frame);
    Result<Bytes> accept_host(ByteView frame);
    Result<Bytes> accept_reveal(ByteView frame);
    Status accept_header(ByteView frame);
    Status agree(ByteView peer_public);
    SessionHash proof(std::string_view label, ByteView bytes) const;

    JoinRole role_;
    SessionKey secret_, proof_key_;
    EphemeralKey ephemeral_;
    std::array<std::byte, 16> opening_{};  // makes the commitment hide the key
    Bytes transcript_;                     // all frames so far
    SessionHash commitment_{};
    int received_ = 0;
    bool done_ = false;
    SessionKey host_key_, guest_key_;
    SessionCipher cipher_;
    std::string digits_;
};

}  // namespace lockstep
