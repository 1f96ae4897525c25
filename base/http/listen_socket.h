// Listening sockets, made the careful way.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/http/message.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace lockstep {

// A listening unix socket and the name it is known by; the name goes with the object, unless
// somebody else's socket has taken it since.
class UnixListenSocket {
  public:
    // See HttpServer::listen_unix(). Nobody can connect before the mode is 0600.
    static Result<UnixListenSocket> open(const std::filesystem::path& path);
    UnixListenSocket(UnixListenSocket&& other) noexcept;
    UnixListenSocket& operator=(UnixListenSocket&&) = delete;
    ~UnixListenSocket();

    int fd() const { return fd_.get(); }
    // The caller owns the descriptor from now on; the name stays with this object.
    int release_fd() { return fd_.release(); }

  private:
    UnixListenSocket(UniqueFd fd, std::filesystem::path path, std::uint64_t inode)
        : fd_(std::move(fd)), path_(std::move(path)), inode_(inode) {}
    UniqueFd fd_;
    std::filesystem::path path_;
    std::uint64_t inode_ = 0;
};

struct TcpListenSocket {
    UniqueFd fd;
    std::uint16_t port = 0;
};
// See HttpServer::listen_tcp().
Result<TcpListenSocket> open_tcp_listen_socket(const std::string& address, std::uint16_t port);

// Who is at the other end of a connected unix or TCP socket.
HttpPeer peer_of(int fd);

// Small TCP messages leave at once. Without effect on other sockets.
void set_no_delay(int fd);

// What a failed socket call means to the caller.
Error socket_error(int code, std::string_view doing);

}  // namespace lockstep
