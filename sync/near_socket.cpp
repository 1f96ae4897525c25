#include "sync/near_socket.h"

#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/random.h"

namespace lockstep {
namespace {

// 127.64.0.1 to 127.127.255.254
std::string random_near_host() {
    std::uint64_t random = system_random().u64();
    auto byte = [&](int shift) { return static_cast<unsigned>((random >> shift) & 0xff); };
    return "127." + std::to_string(64 + byte(0) % 64) + "." + std::to_string(byte(8)) + "." +
           std::to_string(1 + byte(16) % 254);
}

Error socket_fault(const char* doing) {
    return {ErrorKind::Io, std::string(doing) + ": " + std::strerror(errno)};
}

}  // namespace

Result<NearSocket> make_near_socket() {
    NearSocket out{UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)), {}};
    if (!out.fd.ok()) return socket_fault("socket");
    out.address.host = random_near_host();
    sockaddr_in address{};
    address.sin_family = AF_INET;
    ::inet_pton(AF_INET, out.address.host.c_str(), &address.sin_addr);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(out.fd.get(), generic, size) != 0) return socket_fault("bind");
    if (::getsockname(out.fd.get(), generic, &size) != 0) return socket_fault("getsockname");
    out.address.port = ntohs(address.sin_port);
    int on = 1;
    (void)::setsockopt(out.fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return out;
}

Status connect_near(const NearSocket& from, const PeerAddress& to, const Patience& patience) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(to.port);
    if (::inet_pton(AF_INET, to.host.c_str(), &address.sin_addr) != 1)
        return Error{ErrorKind::Unsupported, "tunnels need an IPv4 address to listen on"};
    int fd = from.fd.get();
    int code = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address));
    if (code != 0 && errno != EINPROGRESS) return socket_fault("connect");
    TRY_OK(patience.wait(fd, POLLOUT));
    socklen_t size = sizeof(code);
    if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) != 0 || code != 0)
        return Error{ErrorKind::Io, std::string("connect: ") + std::strerror(code)};
    return {};
}

Status listen_near(const NearSocket& at) {
    if (::listen(at.fd.get(), 1) != 0) return socket_fault("listen");
    return {};
}

Result<UniqueFd> accept_near(const NearSocket& at, const Patience& patience) {
    TRY_OK(patience.wait(at.fd.get(), POLLIN));
    UniqueFd out(::accept4(at.fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!out.ok()) return socket_fault("accept");
    int on = 1;
    (void)::setsockopt(out.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return out;
}

}  // namespace lockstep
