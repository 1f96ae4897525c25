// The cryptography of connections: ephemeral X25519, keys from a transcript, and the stream of
// sealed frames.
//
// Every connection has keys of its own, from two ephemeral keys that are forgotten with it. So a
// frame cannot be replayed into another connection, and no nonce repeats: crypto_secretstream
// counts its nonces and changes keys by itself. Bytes: sync/PROTOCOL.md, "Keys of a connection".
#pragma once

#include <array>
#include <string_view>

#include <sodium.h>

#include "base/bytes.h"

namespace lockstep {

inline constexpr std::size_t kSessionKeySize = 32;
inline constexpr std::size_t kStreamHeaderSize = crypto_secretstream_xchacha20poly1305_HEADERBYTES;
inline constexpr std::size_t kSealOverhead = crypto_secretstream_xchacha20poly1305_ABYTES;
// Bytes left free in front of every frame made here: the BitTorrent message header goes there.
inline constexpr std::size_t kFrameHeadroom = 6;

// 32 secret bytes, wiped when they go.
class SessionKey {
  public:
    SessionKey() = default;
    SessionKey(const SessionKey&) = default;
    SessionKey& operator=(const SessionKey&) = default;
    ~SessionKey() { sodium_memzero(bytes_.data(), bytes_.size()); }

    ByteView view() const { return bytes_; }
    MutableByteView fill() { return bytes_; }
    // A key for one purpose: BLAKE2b-256 of `label`, keyed with this one.
    SessionKey derive(std::string_view label) const;

  private:
    std::array<std::byte, kSessionKeySize> bytes_{};
};

using SessionHash = std::array<std::byte, 32>;

// BLAKE2b-256.
SessionHash session_hash(ByteView bytes);
// BLAKE2b-256 keyed.
SessionHash session_mac(const SessionKey& key, ByteView bytes);
bool equal_constant_time(ByteView a, ByteView b);

class EphemeralKey {
  public:
    EphemeralKey();  // a new random pair
    ~EphemeralKey();
    EphemeralKey(const EphemeralKey&) = delete;
    EphemeralKey& operator=(const EphemeralKey&) = delete;

    ByteView public_key() const { return public_; }
    // The connection's secret: BLAKE2b of the transcript keyed with the X25519 result. Refused for
    // a low-order `peer_public`.
    Result<SessionKey> agree(ByteView peer_public, ByteView transcript) const;

  private:
    std::array<std::byte, 32> public_{}, secret_{};
};

// Both directions of one connection. THREADS: one at a time.
class SessionCipher {
  public:
    SessionCipher() = default;
    SessionCipher(const SessionCipher&) = default;
    SessionCipher& operator=(const SessionCipher&) = default;
    ~SessionCipher();

    // Starts our direction; returns the header the peer needs.
    std::array<std::byte, kStreamHeaderSize> start_sending(const SessionKey& key);
    Status start_receiving(const SessionKey& key, ByteView header);

    // The sealed frame behind kFrameHeadroom free bytes.
    Bytes seal(ByteView message);
    // Corrupt when it is not the next frame of the peer.
    Result<Bytes> open(ByteView frame);

  private:
    crypto_secretstream_xchacha20poly1305_state sending_{}, receiving_{};
};

// A frame that is not sealed yet (handshakes), behind kFrameHeadroom free bytes.
Bytes plain_frame(ByteView bytes);

}  // namespace lockstep
