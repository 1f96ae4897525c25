#include "sync/control/session_crypto.h"

namespace lockstep {

SessionKey SessionKey::derive(std::string_view label) const {
    SessionKey out;
    crypto_generichash(u8(out.fill()), kSessionKeySize, u8(as_bytes(label)), label.size(),
                       u8(view()), kSessionKeySize);
    return out;
}

SessionHash session_hash(ByteView bytes) {
    SessionHash out;
    crypto_generichash(u8(MutableByteView(out)), out.size(), u8(bytes), bytes.size(), nullptr, 0);
    return out;
}

SessionHash session_mac(const SessionKey& key, ByteView bytes) {
    SessionHash out;
    crypto_generichash(u8(MutableByteView(out)), out.size(), u8(bytes), bytes.size(),
                       u8(key.view()), kSessionKeySize);
    return out;
}

bool equal_constant_time(ByteView a, ByteView b) {
    return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

EphemeralKey::EphemeralKey() {
    crypto_box_keypair(u8(MutableByteView(public_)), u8(MutableByteView(secret_)));
}

EphemeralKey::~EphemeralKey() {
    sodium_memzero(secret_.data(), secret_.size());
}

Result<SessionKey> EphemeralKey::agree(ByteView peer_public, ByteView transcript) const {
    CHECK(peer_public.size() == crypto_scalarmult_BYTES);
    SessionKey shared;
    if (crypto_scalarmult(u8(shared.fill()), u8(ByteView(secret_)), u8(peer_public)) != 0)
        return Error{ErrorKind::Refused, "ephemeral key of low order"};
    SessionKey out;
    crypto_generichash(u8(out.fill()), kSessionKeySize, u8(transcript), transcript.size(),
                       u8(shared.view()), kSessionKeySize);
    return out;
}

SessionCipher::~SessionCipher() {
    sodium_memzero(&sending_, sizeof(sending_));
    sodium_memzero(&receiving_, sizeof(receiving_));
}

std::array<std::byte, kStreamHeaderSize> SessionCipher::start_sending(const SessionKey& key) {
    std::array<std::byte, kStreamHeaderSize> header;
    crypto_secretstream_xchacha20poly1305_init_push(&sending_, u8(MutableByteView(header)),
                                                    u8(key.view()));
    return header;
}

Status SessionCipher::start_receiving(const SessionKey& key, ByteView header) {
    CHECK(header.size() == kStreamHeaderSize);
    if (crypto_secretstream_xchacha20poly1305_init_pull(&receiving_, u8(header), u8(key.view())) !=
        0)
        return Error{ErrorKind::Corrupt, "stream header"};
    return {};
}

Bytes SessionCipher::seal(ByteView message) {
    Bytes frame(kFrameHeadroom + message.size() + kSealOverhead);
    crypto_secretstream_xchacha20poly1305_push(
        &sending_, u8(MutableByteView(frame).subspan(kFrameHeadroom)), nullptr, u8(message),
        message.size(), nullptr, 0, crypto_secretstream_xchacha20poly1305_TAG_MESSAGE);
    return frame;
}

Result<Bytes> SessionCipher::open(ByteView frame) {
    if (frame.size() < kSealOverhead) return Error{ErrorKind::Corrupt, "frame too short"};
    Bytes message(frame.size() - kSealOverhead);
    unsigned char tag = 0;
    if (crypto_secretstream_xchacha20poly1305_pull(&receiving_, u8(MutableByteView(message)),
                                                   nullptr, &tag, u8(frame), frame.size(), nullptr,
                                                   0) != 0 ||
        tag != crypto_secretstream_xchacha20poly1305_TAG_MESSAGE)
        return Error{ErrorKind::Corrupt, "frame does not open"};
    return message;
}

Bytes plain_frame(ByteView bytes) {
    Bytes frame(kFrameHeadroom);
    append(frame, bytes);
    return frame;
}

}  // namespace lockstep
