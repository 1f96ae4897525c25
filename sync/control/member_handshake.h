// MemberHandshake: how two members of a vault recognise each other on a fresh connection.
//
// Three frames: the dialler's ephemeral key under the swarm's MAC; the acceptor's ephemeral key
// and, sealed, who it is; the dialler's own identity, sealed. A stranger learns nothing, not even
// which devices there are. Each side signs the whole transcript under its role, so that nothing can
// be reflected or carried to another connection. Bytes: sync/PROTOCOL.md, "Handshake of members".
//
// THREADS: one at a time; start() and receive() call the replica, so on a worker.
#pragma once

#include <optional>

#include "sync/control/session_crypto.h"
#include "vault/replica.h"

namespace lockstep {

enum class LinkSide : std::uint8_t { Dialler, Acceptor };

class MemberHandshake {
  public:
    MemberHandshake(LinkSide side, const EpochId& epoch) : side_(side), epoch_(epoch) {}

    // The dialler's first frame, with headroom. REQUIRES: side is Dialler
    Result<Bytes> start(Replica& replica);
    // Takes the peer's next frame; returns ours, if one is due. Refused when the peer is no member,
    // revoked or ourselves; Corrupt when the frame is not what it must be.
    Result<std::optional<Bytes>> receive(Replica& replica, ByteView frame);

    bool is_done() const { return done_; }
    // What follows is valid once done.
    const Member& peer() const { return peer_; }
    const SessionCipher& cipher() const { return cipher_; }
    const SessionKey& pack_key() const { return pack_key_; }  // both sides have the same

  private:
    Result<Bytes> accept_hello(Replica& replica, ByteView frame);
    Result<Bytes> accept_answer(Replica& replica, ByteView frame);
    Status accept_identity(Replica& replica, ByteView frame);
    Status agree(Replica& replica, ByteView peer_public);
    Result<Bytes> identity(Replica& replica, std::string_view role, const SessionHash& transcript);
    Status check_identity(Replica& replica, std::string_view role, const SessionHash& transcript,
                          ByteView sealed);

    LinkSide side_;
    EpochId epoch_;
    int received_ = 0;
    bool done_ = false;
    EphemeralKey ephemeral_;
    Bytes hello_;               // the first frame
    SessionHash transcript_{};  // of the two ephemeral keys
    SessionKey dialler_key_, acceptor_key_, pack_key_;
    SessionCipher cipher_;
    Member peer_;
};

}  // namespace lockstep
