#include "sync/join/join_handshake.h"

#include "base/codec.h"
#include "relay/protocol/admission.h"

namespace lockstep {

namespace {

constexpr std::uint8_t kCommitFrame = 1, kHostFrame = 2, kRevealFrame = 3, kHeaderFrame = 4;
constexpr std::uint8_t kProtocolVersion = 1;

SessionKey secret_key(const InviteSecret& secret) {
    Encoder in;
    in.text("lockstep join 1").raw(secret);
    SessionHash hash = session_hash(in.view());
    SessionKey key;
    std::copy(hash.begin(), hash.end(), key.fill().begin());
    return key;
}

SessionHash commitment_to(ByteView public_key, ByteView opening) {
    Encoder in;
    in.text("lockstep join 1 commitment").raw(public_key).raw(opening);
    return session_hash(in.view());
}

Error malformed() {
    return {ErrorKind::Corrupt, "malformed join frame"};
}
Error wrong_proof() {
    return {ErrorKind::Refused, "wrong proof of the ticket's secret"};
}

}  // namespace

SwarmSeed join_swarm_seed(const InviteSecret& secret) {
    SessionKey seed = secret_key(secret).derive("lockstep join 1 swarm");
    SwarmSeed out;
    std::copy(seed.view().begin(), seed.view().end(), out.begin());
    return out;
}

RelaySigner join_relay_signer(const InviteSecret& secret) {
    SessionKey seed = secret_key(secret).derive("lockstep join 1 relay key");
    auto key = std::make_shared<std::array<std::byte, crypto_sign_SECRETKEYBYTES>>();
    RelaySigner out;
    out.meets_everywhere = true;
    crypto_sign_seed_keypair(u8(MutableByteView(out.public_key)), u8(MutableByteView(*key)),
                             u8(seed.view()));
    out.sign = [key](ByteView message) {
        Bytes bytes = admission_preimage(message);
        Bytes signature(crypto_sign_BYTES);
        crypto_sign_detached(u8(MutableByteView(signature)), nullptr, u8(ByteView(bytes)),
                             bytes.size(), u8(ByteView(*key)));
        return Result<Bytes>(std::move(signature));
    };
    return out;
}

JoinHandshake::JoinHandshake(JoinRole role, const InviteSecret& secret)
    : role_(role),
      secret_(secret_key(secret)),
      proof_key_(secret_.derive("lockstep join 1 proof")) {
    randombytes_buf(opening_.data(), opening_.size());
}

SessionHash JoinHandshake::proof(std::string_view label, ByteView bytes) const {
    Encoder in;
    in.text(label).bytes(transcript_).raw(bytes);
    return session_mac(proof_key_, in.view());
}

Bytes JoinHandshake::start() {
    CHECK(role_ == JoinRole::Guest);
    Encoder out;
    out.u8(kCommitFrame).u8(kProtocolVersion).raw(commitment_to(ephemeral_.public_key(), opening_));
    out.raw(proof("guest commits", out.view()));
    append(transcript_, out.view());
    return plain_frame(out.view());
}

Result<std::optional<Bytes>> JoinHandshake::receive(ByteView frame) {
    if (done_ || received_++ > 1) return malformed();
    if (role_ == JoinRole::Host) {
        TRY(Bytes reply, received_ == 1 ? accept_commitment(frame) : accept_reveal(frame));
        return std::optional(std::move(reply));
    }
    if (received_ == 1) {
        TRY(Bytes reply, accept_host(frame));
        return std::optional(std::move(reply));
    }
    TRY_OK(accept_header(frame));
    return std::optional<Bytes>();
}

Result<Bytes> JoinHandshake::accept_commitment(ByteView frame) {
    Decoder in(frame);
    std::uint8_t kind = in.u8(), version = in.u8();
    ByteView commitment = in.raw(32), mac = in.raw(32);
    if (!in.finish().ok() || kind != kCommitFrame) return malformed();
    if (version != kProtocolVersion)
        return Error{ErrorKind::Unsupported, "unknown protocol version"};
    if (!equal_constant_time(mac, proof("guest commits", frame.first(frame.size() - 32))))
        return wrong_proof();
    std::copy(commitment.begin(), commitment.end(), commitment_.begin());
    append(transcript_, frame);
    Encoder out;
    out.u8(kHostFrame).raw(ephemeral_.public_key());
    out.raw(proof("host", out.view()));
    append(transcript_, out.view());
    return plain_frame(out.view());
}

Result<Bytes> JoinHandshake::accept_host(ByteView frame) {
    Decoder in(frame);
    std::uint8_t kind = in.u8();
    ByteView public_key = in.raw(32), mac = in.raw(32);
    if (!in.finish().ok() || kind != kHostFrame) return malformed();
    if (!equal_constant_time(mac, proof("host", frame.first(frame.size() - 32))))
        return wrong_proof();
    append(transcript_, frame);
    Encoder out;
    out.u8(kRevealFrame).raw(ephemeral_.public_key()).raw(opening_);
    append(transcript_, out.view());
    TRY_OK(agree(public_key));
    auto header = cipher_.start_sending(guest_key_);
    out.raw(header);
    out.raw(proof("guest reveals", header));
    return plain_frame(out.view());
}

Result<Bytes> JoinHandshake::accept_reveal(ByteView frame) {
    Decoder in(frame);
    std::uint8_t kind = in.u8();
    ByteView public_key = in.raw(32), opening = in.raw(16), header = in.raw(kStreamHeaderSize),
             mac = in.raw(32);
    if (!in.finish().ok() || kind != kRevealFrame) return malformed();
    append(transcript_, frame.first(1 + 32 + 16));
    if (!equal_constant_time(mac, proof("guest reveals", header))) return wrong_proof();
    if (!equal_constant_time(commitment_, commitment_to(public_key, opening))) return wrong_proof();
    TRY_OK(agree(public_key));
    TRY_OK(cipher_.start_receiving(guest_key_, header));
    auto own_header = cipher_.start_sending(host_key_);
    Encoder out;
    out.u8(kHeaderFrame).raw(own_header);
    out.raw(proof("host ends", own_header));
    done_ = true;
    return plain_frame(out.view());
}

Status JoinHandshake::accept_header(ByteView frame) {
    Decoder in(frame);
    std::uint8_t kind = in.u8();
    ByteView header = in.raw(kStreamHeaderSize), mac = in.raw(32);
    if (!in.finish().ok() || kind != kHeaderFrame) return malformed();
    if (!equal_constant_time(mac, proof("host ends", header))) return wrong_proof();
    TRY_OK(cipher_.start_receiving(host_key_, header));
    done_ = true;
    return {};
}

Status JoinHandshake::agree(ByteView peer_public) {
    Encoder transcript;
    transcript.text("lockstep join 1 keys").raw(secret_.view()).bytes(transcript_);
    SessionHash hash = session_hash(transcript.view());
    TRY(SessionKey secret, ephemeral_.agree(peer_public, hash));
    host_key_ = secret.derive("lockstep join 1 host to guest");
    guest_key_ = secret.derive("lockstep join 1 guest to host");
    std::uint64_t number =
        Decoder(secret.derive("lockstep join 1 digits").view().first(8)).u64() % 1'000'000;
    digits_ = std::to_string(number);
    digits_.insert(0, 6 - digits_.size(), '0');
    return {};
}

}  // namespace lockstep
