#include "base/http/listen_socket.h"

#include <cerrno>
#include <cstring>
#include <system_error>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace lockstep {
namespace {

constexpr int kBacklog = 1024;

Result<sockaddr_un> unix_address(const std::filesystem::path& path) {
    sockaddr_un out{};
    out.sun_family = AF_UNIX;
    std::string text = path.string();
    if (text.empty()) return Error{ErrorKind::Invalid, "a unix socket needs a path"};
    if (text.size() >= sizeof(out.sun_path))
        return Error{ErrorKind::NameTooLong,
                     text + ": too long for the name of a unix socket (107 bytes)"};
    std::memcpy(out.sun_path, text.c_str(), text.size() + 1);
    return out;
}

const sockaddr* generic(const sockaddr_un& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}
const sockaddr* generic(const sockaddr_storage& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

// Removes a socket that nobody answers on.
Status remove_stale_socket(const sockaddr_un& address) {
    std::string path = address.sun_path;
    struct stat st {};
    if (lstat(path.c_str(), &st) != 0) {
        if (errno == ENOENT) return {};
        return socket_error(errno, path);
    }
    if (!S_ISSOCK(st.st_mode))
        return Error{ErrorKind::Exists, path + ": exists and is not a socket"};
    UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!probe.ok()) return socket_error(errno, "socket");
    // EAGAIN is a full backlog: somebody lives there, though busy.
    if (::connect(probe.get(), generic(address), sizeof(address)) == 0 || errno == EAGAIN)
        return Error{ErrorKind::Busy, path + ": somebody is listening there already"};
    if (errno != ECONNREFUSED && errno != ENOENT) return socket_error(errno, path);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return socket_error(errno, path);
    return {};
}

Result<sockaddr_storage> tcp_address(const std::string& text, std::uint16_t port, socklen_t& size) {
    sockaddr_storage out{};
    auto* v4 = reinterpret_cast<sockaddr_in*>(&out);
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&out);
    if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        size = sizeof(*v4);
        return out;
    }
    if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        size = sizeof(*v6);
        return out;
    }
    return Error{ErrorKind::Invalid, "'" + text + "' is not an IP address"};
}

void set_option(int fd, int level, int name, int value) {
    (void)setsockopt(fd, level, name, &value, sizeof(value));
}

void read_inet_peer(const sockaddr_storage& from, HttpPeer& peer) {
    char text[INET6_ADDRSTRLEN] = {};
    ByteView raw;
    if (from.ss_family == AF_INET) {
        auto* v4 = reinterpret_cast<const sockaddr_in*>(&from);
        raw = std::as_bytes(std::span(&v4->sin_addr, 1));
        peer.port = ntohs(v4->sin_port);
    } else {
        auto* v6 = reinterpret_cast<const sockaddr_in6*>(&from);
        raw = std::as_bytes(std::span(&v6->sin6_addr, 1));
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) raw = raw.subspan(12);
        peer.port = ntohs(v6->sin6_port);
    }
    inet_ntop(raw.size() == 4 ? AF_INET : AF_INET6, raw.data(), text, sizeof(text));
    peer.address = text;
    peer.address_bytes = to_bytes(raw);
}

}  // namespace

Result<UnixListenSocket> UnixListenSocket::open(const std::filesystem::path& path) {
    TRY(sockaddr_un address, unix_address(path));
    TRY_OK(remove_stale_socket(address));
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.ok()) return socket_error(errno, "socket");
    if (::bind(fd.get(), generic(address), sizeof(address)) != 0)
        return socket_error(errno, path.string());
    // A bound socket refuses connections until listen(): by then its mode is right.
    struct stat st {};
    if (::chmod(path.c_str(), 0600) != 0 || ::lstat(path.c_str(), &st) != 0 ||
        ::listen(fd.get(), kBacklog) != 0) {
        Error error = socket_error(errno, path.string());
        ::unlink(path.c_str());
        return error;
    }
    return UnixListenSocket(std::move(fd), path, st.st_ino);
}

UnixListenSocket::UnixListenSocket(UnixListenSocket&& other) noexcept
    : fd_(std::move(other.fd_)), path_(std::exchange(other.path_, {})), inode_(other.inode_) {}

UnixListenSocket::~UnixListenSocket() {
    struct stat st {};
    if (!path_.empty() && ::lstat(path_.c_str(), &st) == 0 && st.st_ino == inode_)
        ::unlink(path_.c_str());
}

Result<TcpListenSocket> open_tcp_listen_socket(const std::string& address, std::uint16_t port) {
    std::string where = address + " port " + std::to_string(port);
    socklen_t size = 0;
    TRY(sockaddr_storage bound, tcp_address(address, port, size));
    UniqueFd fd(::socket(bound.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.ok()) return socket_error(errno, "socket");
    set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    set_no_delay(fd.get());  // its connections inherit it
    if (bound.ss_family == AF_INET6) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
    if (::bind(fd.get(), generic(bound), size) != 0 || ::listen(fd.get(), kBacklog) != 0)
        return socket_error(errno, where);
    sockaddr_storage actual{};
    socklen_t actual_size = sizeof(actual);
    if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&actual), &actual_size) != 0)
        return socket_error(errno, where);
    HttpPeer self;
    read_inet_peer(actual, self);
    return TcpListenSocket{std::move(fd), self.port};
}

HttpPeer peer_of(int fd) {
    HttpPeer peer;
    sockaddr_storage from{};
    socklen_t size = sizeof(from);
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&from), &size) != 0) return peer;
    if (from.ss_family == AF_INET || from.ss_family == AF_INET6) {
        read_inet_peer(from, peer);
    }
    if (from.ss_family == AF_UNIX) {
        ucred credentials{};
        socklen_t credentials_size = sizeof(credentials);
        if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &credentials_size) == 0)
            peer.uid = credentials.uid;
    }
    return peer;
}

void set_no_delay(int fd) {
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

Error socket_error(int code, std::string_view doing) {
    ErrorKind kind = ErrorKind::Io;
    if (code == ENOENT || code == ENOTDIR) kind = ErrorKind::NotFound;
    if (code == EACCES || code == EPERM) kind = ErrorKind::Refused;
    if (code == EADDRINUSE) kind = ErrorKind::Busy;
    if (code == EADDRNOTAVAIL) kind = ErrorKind::Invalid;
    if (code == ECONNREFUSED || code == EHOSTUNREACH || code == ENETUNREACH)
        kind = ErrorKind::Unavailable;
    if (code == ETIMEDOUT) kind = ErrorKind::Timeout;
    return {kind, std::string(doing) + ": " + std::generic_category().message(code)};
}

}  // namespace lockstep
