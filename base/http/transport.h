// Bytes over a connected, non-blocking socket, plain or under TLS; and what a TLS end needs to
// know.
//
// Nothing here waits: a step that cannot go on says what the socket must become first. OpenSSL is
// seen by transport.cpp alone.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace lockstep {

// SHA-256 of a certificate's public key (its SubjectPublicKeyInfo).
using TlsPin = std::array<std::byte, 32>;

struct TlsClientOptions {
    // Whose certificate it must be: a name or an address.
    std::string host{};
    // When set, the server is whoever has this key, and no authority is asked.
    const TlsPin* pin = nullptr;
    // PEM of the authorities trusted; empty: the machine's.
    std::filesystem::path authorities{};
    // PEM of an own certificate and its key, for servers that ask for one.
    std::filesystem::path certificate{};
    std::filesystem::path key{};
};

// The settings of one end, made once and shared by its connections. TLS 1.2 and 1.3.
// THREADS: any.
class TlsContext {
  public:
    // PEM files. Invalid, with the file's name, when they are no certificate chain and its key.
    // With `client_authorities` clients are asked for a certificate; they need not have one, but
    // who shows one that is not by these is refused.
    static Result<std::shared_ptr<TlsContext>> server(
        const std::filesystem::path& certificates, const std::filesystem::path& key,
        const std::filesystem::path& client_authorities = {});
    static Result<std::shared_ptr<TlsContext>> client(const TlsClientOptions& options);
    // The pin of a server's own certificate.
    TlsPin own_pin() const { return own_pin_; }
    // When it ends, in seconds since 1970; 0 for a client's.
    std::int64_t own_end_s() const { return own_end_s_; }

    class Impl;
    explicit TlsContext(std::shared_ptr<Impl> impl);
    const std::shared_ptr<Impl> impl;

  private:
    TlsPin own_pin_{};
    std::int64_t own_end_s_ = 0;
};

// How far one try came.
struct IoStep {
    enum class Kind {
        Done,
        WantsRead,   // try again when the socket can be read
        WantsWrite,  // the same, written
        Closed,      // the other end says no more
        Failed,
    };
    Kind kind = Kind::Failed;
    std::size_t size = 0;  // Done: bytes moved

    bool is_done() const { return kind == Kind::Done; }
    bool must_wait() const { return kind == Kind::WantsRead || kind == Kind::WantsWrite; }
};

// One connection's. The descriptor stays its owner's, and open as long as this is used.
// THREADS: one at a time.
class Transport {
  public:
    // Plain.
    explicit Transport(int fd);
    // Under TLS; nothing may be read or written before handshake() is done. Failed later when the
    // context is of the other end's kind.
    Transport(int fd, const TlsContext& context);
    ~Transport();
    Transport(Transport&&) noexcept;
    Transport& operator=(Transport&&) noexcept;

    bool is_tls() const { return tls_ != nullptr; }
    IoStep handshake();
    // Whose verified certificate the other end has shown: its common name, or "unnamed"; empty
    // without one. REQUIRES: handshake() is done
    std::string peer_certificate_name() const;
    // REQUIRES: out is not empty
    IoStep read(MutableByteView out);
    // Writes the beginning of `first`, then `second`. After a step that must wait, the next write
    // begins with the same bytes.
    IoStep write(ByteView first, ByteView second = {});
    // Says that no more comes (TLS: close_notify too), as far as that goes without waiting.
    void shut_down();
    // The key that the other end has shown, be it the right one or not; none without TLS.
    std::optional<TlsPin> shown_pin() const;
    // Why handshake() failed, for the log.
    std::string failure() const { return failure_; }

  private:
    class Tls;
    int fd_ = -1;
    std::unique_ptr<Tls> tls_;
    std::string failure_;
};

// What a WebSocket handshake answers to a key (RFC 6455, 4.2.2).
std::string websocket_accept_of(const std::string& key);
std::string base64(ByteView bytes);

}  // namespace lockstep
