#include "sync/control/member_handshake.h"

#include "base/codec.h"

namespace lockstep {

namespace {

constexpr std::uint8_t kHelloFrame = 1, kAnswerFrame = 2, kIdentityFrame = 3;
constexpr std::uint8_t kProtocolVersion = 1;
constexpr std::size_t kPublicKeySize = 32, kProofSize = 32, kSignatureSize = 64;
constexpr std::size_t kIdentitySize = DeviceId::kSize + kProofSize + kSignatureSize;

// What every transcript begins with: the protocol, the vault (hashed: no peer shall learn it from
// us) and the epoch.
Encoder context(Replica& replica, const EpochId& epoch) {
    SessionHash vault = session_hash(replica.vault_id().view());
    Encoder out;
    out.text("lockstep ls_sync 1").raw(vault).id(epoch);
    return out;
}

Bytes hello_transcript(Replica& replica, const EpochId& epoch, ByteView public_key) {
    Encoder out = context(replica, epoch);
    out.text("hello").raw(public_key);
    return std::move(out).take();
}

Bytes role_transcript(std::string_view role, const SessionHash& transcript) {
    Encoder out;
    out.text("lockstep ls_sync 1 identity").text(role).raw(transcript);
    return std::move(out).take();
}

Error malformed() {
    return {ErrorKind::Corrupt, "malformed handshake frame"};
}

}  // namespace

Result<Bytes> MemberHandshake::start(Replica& replica) {
    CHECK(side_ == LinkSide::Dialler);
    TRY(Bytes proof, replica.prove_membership(
                         epoch_, hello_transcript(replica, epoch_, ephemeral_.public_key())));
    Encoder out;
    out.u8(kHelloFrame).u8(kProtocolVersion).raw(ephemeral_.public_key()).raw(proof);
    hello_ = std::move(out).take();
    return plain_frame(hello_);
}

Result<std::optional<Bytes>> MemberHandshake::receive(Replica& replica, ByteView frame) {
    if (done_ || received_++ > 1) return malformed();
    if (side_ == LinkSide::Dialler) {
        TRY(Bytes reply, accept_answer(replica, frame));
        done_ = true;
        return std::optional(std::move(reply));
    }
    if (received_ == 1) {
        TRY(Bytes reply, accept_hello(replica, frame));
        return std::optional(std::move(reply));
    }
    TRY_OK(accept_identity(replica, frame));
    done_ = true;
    return std::optional<Bytes>();
}

Result<Bytes> MemberHandshake::accept_hello(Replica& replica, ByteView frame) {
    Decoder in(frame);
    std::uint8_t kind = in.u8(), version = in.u8();
    ByteView public_key = in.raw(kPublicKeySize), proof = in.raw(kProofSize);
    if (!in.finish().ok() || kind != kHelloFrame) return malformed();
    if (version != kProtocolVersion)
        return Error{ErrorKind::Unsupported, "unknown protocol version"};
    if (!replica.verify_membership(epoch_, hello_transcript(replica, epoch_, public_key), proof))
        return Error{ErrorKind::Refused, "no member of this swarm"};

    hello_ = to_bytes(frame);
    TRY_OK(agree(replica, public_key));
    auto header = cipher_.start_sending(acceptor_key_);
    TRY(Bytes plain, identity(replica, "acceptor", transcript_));
    Bytes sealed = cipher_.seal(plain);
    Encoder out;
    out.u8(kAnswerFrame)
        .raw(ephemeral_.public_key())
        .raw(header)
        .raw(ByteView(sealed).subspan(kFrameHeadroom));
    // The dialler's identity signs this frame as well.
    Encoder both;
    both.raw(transcript_).raw(out.view());
    transcript_ = session_hash(both.view());
    return plain_frame(out.view());
}

Result<Bytes> MemberHandshake::accept_answer(Replica& replica, ByteView frame) {
    Decoder in(frame);
    std::uint8_t kind = in.u8();
    ByteView public_key = in.raw(kPublicKeySize), header = in.raw(kStreamHeaderSize);
    ByteView sealed = in.raw(kIdentitySize + kSealOverhead);
    if (!in.finish().ok() || kind != kAnswerFrame) return malformed();

    TRY_OK(agree(replica, public_key));
    TRY_OK(cipher_.start_receiving(acceptor_key_, header));
    TRY_OK(check_identity(replica, "acceptor", transcript_, sealed));

    Encoder both;
    both.raw(transcript_).raw(frame);
    transcript_ = session_hash(both.view());
    auto own_header = cipher_.start_sending(dialler_key_);
    TRY(Bytes plain, identity(replica, "dialler", transcript_));
    Bytes own_sealed = cipher_.seal(plain);
    Encoder out;
    out.u8(kIdentityFrame).raw(own_header).raw(ByteView(own_sealed).subspan(kFrameHeadroom));
    return plain_frame(out.view());
}

Status MemberHandshake::accept_identity(Replica& replica, ByteView frame) {
    Decoder in(frame);
    std::uint8_t kind = in.u8();
    ByteView header = in.raw(kStreamHeaderSize), sealed = in.raw(kIdentitySize + kSealOverhead);
    if (!in.finish().ok() || kind != kIdentityFrame) return malformed();
    TRY_OK(cipher_.start_receiving(dialler_key_, header));
    return check_identity(replica, "dialler", transcript_, sealed);
}

Status MemberHandshake::agree(Replica& replica, ByteView peer_public) {
    ByteView acceptor_public = side_ == LinkSide::Dialler ? peer_public : ephemeral_.public_key();
    Encoder transcript = context(replica, epoch_);
    transcript.raw(hello_).raw(acceptor_public);
    transcript_ = session_hash(transcript.view());
    TRY(SessionKey secret, ephemeral_.agree(peer_public, transcript_));
    dialler_key_ = secret.derive("lockstep ls_sync 1 dialler to acceptor");
    acceptor_key_ = secret.derive("lockstep ls_sync 1 acceptor to dialler");
    pack_key_ = secret.derive("lockstep ls_sync 1 pack tokens");
    return {};
}

Result<Bytes> MemberHandshake::identity(Replica& replica, std::string_view role,
                                        const SessionHash& transcript) {
    Bytes text = role_transcript(role, transcript);
    TRY(Bytes proof, replica.prove_membership(epoch_, text));
    Bytes signature = replica.sign(text);
    Encoder out;
    out.id(replica.device()).raw(proof).raw(signature);
    if (out.size() != kIdentitySize)
        return Error{ErrorKind::Unsupported, "this device cannot prove itself"};
    return std::move(out).take();
}

Status MemberHandshake::check_identity(Replica& replica, std::string_view role,
                                       const SessionHash& transcript, ByteView sealed) {
    TRY(Bytes plain, cipher_.open(sealed));
    Decoder in(plain);
    DeviceId device = in.id<DeviceId>();
    ByteView proof = in.raw(kProofSize), signature = in.raw(kSignatureSize);
    TRY_OK(in.finish());
    Bytes text = role_transcript(role, transcript);
    if (!replica.verify_membership(epoch_, text, proof))
        return Error{ErrorKind::Refused, "no member of this swarm"};
    TRY(peer_, replica.verify_signature(device, text, signature));
    if (peer_.is_revoked) return Error{ErrorKind::Refused, "revoked"};
    if (device == replica.device()) return Error{ErrorKind::Refused, "this is ourselves"};
    return {};
}

}  // namespace lockstep
