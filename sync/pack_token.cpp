#include "sync/pack_token.h"

#include "base/codec.h"

namespace lockstep {

namespace {

constexpr std::size_t kKeyIdSize = 8, kMacSize = 32;

std::array<std::byte, kKeyIdSize> key_id(const SessionKey& key) {
    SessionHash hash = session_mac(key, as_bytes("lockstep pack token key id"));
    std::array<std::byte, kKeyIdSize> out;
    std::copy_n(hash.begin(), out.size(), out.begin());
    return out;
}

SessionHash token_mac(const SessionKey& key, const InfoHash& torrent, LinkSide side,
                      ByteView nonce) {
    Encoder out;
    out.text("lockstep pack token").u8(static_cast<std::uint8_t>(side)).id(torrent).raw(nonce);
    return session_mac(key, out.view());
}

}  // namespace

Bytes make_pack_token(std::span<const SessionKey> keys, const InfoHash& torrent, LinkSide side) {
    PackTokenNonce nonce;
    randombytes_buf(nonce.data(), nonce.size());
    Encoder out;
    out.raw(nonce);
    for (const SessionKey& key : keys.first(std::min(keys.size(), kPackTokenKeysMax)))
        out.raw(key_id(key)).raw(token_mac(key, torrent, side, nonce));
    return std::move(out).take();
}

Result<CheckedToken> check_pack_token(ByteView token, std::span<const SessionKey> keys,
                                      const InfoHash& torrent, LinkSide side) {
    Error refused{ErrorKind::Refused, "pack token"};
    Decoder in(token);
    CheckedToken out;
    ByteView nonce = in.raw(kPackTokenNonceSize);
    if (in.failed()) return refused;
    std::copy(nonce.begin(), nonce.end(), out.nonce.begin());
    std::size_t entries = in.remaining() / (kKeyIdSize + kMacSize);
    if (entries > kPackTokenKeysMax || in.remaining() % (kKeyIdSize + kMacSize) != 0)
        return refused;
    for (std::size_t entry = 0; entry < entries; ++entry) {
        ByteView id = in.raw(kKeyIdSize), mac = in.raw(kMacSize);
        for (out.key = 0; out.key < keys.size(); ++out.key)
            if (equal(id, key_id(keys[out.key])) &&
                equal_constant_time(mac, token_mac(keys[out.key], torrent, side, nonce)))
                return out;
    }
    return refused;
}

}  // namespace lockstep
