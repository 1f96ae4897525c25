// A raw peer for tests of the HTTP server and client: bytes in, bytes out, nothing understood.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/http/listen_socket.h"
#include "base/http/message.h"
#include "base/unique_fd.h"

namespace lockstep {

inline constexpr std::chrono::seconds kTestPatience{20};

// A connected stream socket.
class RawPeer {
  public:
    explicit RawPeer(UniqueFd fd) : fd_(std::move(fd)) {}
    static RawPeer to_tcp(std::uint16_t port);
    static RawPeer to_unix(const std::filesystem::path& path);

    void send(std::string_view bytes);
    // Whatever comes until the other end closes (or resets).
    std::string read_to_end();
    // Reads until what was read contains `text`, and returns all of it.
    std::string read_until(std::string_view text);
    void stop_sending();
    void close() { fd_.reset(); }

  private:
    // False: closed.
    bool read_more();

    UniqueFd fd_;
    std::string unread_;
};

// A listener on loopback that a test answers by hand.
class RawServer {
  public:
    RawServer();
    std::uint16_t port() const { return port_; }
    RawPeer accept();
    // Whether somebody waits to be accepted.
    bool has_visitor() const;

  private:
    UniqueFd fd_;
    std::uint16_t port_ = 0;
};

// Waits until `condition` holds, looking again at every millisecond; false when it does not in
// time.
bool eventually(const std::function<bool()>& condition);

std::size_t count_of(std::string_view text, std::string_view part);

}  // namespace lockstep
