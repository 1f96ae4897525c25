#include "base/http/client_socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/http/listen_socket.h"

namespace lockstep {
namespace {

constexpr std::chrono::milliseconds kRetryPause{5};

// Finishes a connect() that is under way.
Status await_connected(int fd, const std::string& where, const Patience& patience) {
    TRY_OK(patience.wait(fd, POLLOUT));
    int code = 0;
    socklen_t size = sizeof(code);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) != 0) code = errno;
    if (code != 0) return socket_error(code, "connect to " + where);
    return {};
}

Result<UniqueFd> connect_to(const addrinfo& address, const std::string& where,
                            const Patience& patience) {
    UniqueFd fd(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.ok()) return socket_error(errno, "socket");
    if (::connect(fd.get(), address.ai_addr, address.ai_addrlen) != 0) {
        if (errno != EINPROGRESS) return socket_error(errno, "connect to " + where);
        TRY_OK(await_connected(fd.get(), where, patience));
    }
    set_no_delay(fd.get());
    return fd;
}

}  // namespace

void Patience::Ring::operator()() const noexcept {
    std::uint64_t one = 1;
    // An eventfd takes this unless it is already rung as often as it can be.
    [[maybe_unused]] ssize_t written = ::write(fd, &one, sizeof(one));
}

Patience::Patience(Time deadline, const std::stop_token& stop)
    : deadline_(deadline),
      stop_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      on_stop_(stop, Ring{stop_fd_.get()}) {}

Status Patience::wait(int fd, short events) const {
    return poll_until(fd, events, deadline_, false);
}

Status Patience::pause(std::chrono::milliseconds time) const {
    return poll_until(-1, 0, std::min(deadline_, std::chrono::steady_clock::now() + time), true);
}

Status Patience::poll_until(int fd, short events, Time until, bool may_run_out) const {
    for (;;) {
        auto now = std::chrono::steady_clock::now();
        if (now >= deadline_) return Error{ErrorKind::Timeout, "no answer in time"};
        if (now >= until && may_run_out) return {};
        auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now);
        int timeout = static_cast<int>(std::min<std::int64_t>(left.count(), 60'000));
        pollfd fds[2] = {{stop_fd_.get(), POLLIN, 0}, {fd, events, 0}};
        int ready = ::poll(fds, 2, timeout);
        if (ready < 0 && errno != EINTR) return socket_error(errno, "poll");
        if (ready > 0 && fds[0].revents != 0) return Error{ErrorKind::Cancelled, "cancelled"};
        if (ready > 0 && fds[1].revents != 0) return {};
    }
}

Result<UniqueFd> connect_unix(const std::filesystem::path& path, const Patience& patience) {
    std::string text = path.string();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (text.empty() || text.size() >= sizeof(address.sun_path))
        return Error{ErrorKind::Invalid, "'" + text + "' cannot be the name of a unix socket"};
    std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.ok()) return socket_error(errno, "socket");
    // EAGAIN: the listener is there, its queue is full.
    while (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
        if (errno != EAGAIN) return socket_error(errno, "connect to " + text);
        TRY_OK(patience.pause(kRetryPause));
    }
    return fd;
}

Result<UniqueFd> connect_tcp(const std::string& host, std::uint16_t port,
                             const Patience& patience) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* found = nullptr;
    int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (code != 0) return Error{ErrorKind::Unavailable, host + ": " + gai_strerror(code)};
    std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
    std::string where = host + " port " + std::to_string(port);
    Error last{ErrorKind::Unavailable, where + ": no address"};
    for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
        auto fd = connect_to(*address, where, patience);
        if (fd.ok()) {
            int on = 1;
            (void)::setsockopt(fd->get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
            return fd;
        }
        last = std::move(fd).error();
        if (last.kind == ErrorKind::Timeout || last.kind == ErrorKind::Cancelled) break;
    }
    return last;
}

namespace {

Error step_error(const Transport& transport, const IoStep& step, std::string_view doing) {
    bool is_closed = step.kind == IoStep::Kind::Closed;
    if (transport.is_tls() || is_closed)
        return {ErrorKind::Io, std::string(doing) + ": the connection broke"};
    return socket_error(errno, doing);
}

Status wait_after(const IoStep& step, int fd, const Patience& patience) {
    return patience.wait(fd, step.kind == IoStep::Kind::WantsWrite ? POLLOUT : POLLIN);
}

}  // namespace

Status shake_hands(Transport& transport, int fd, const Patience& patience) {
    for (;;) {
        IoStep step = transport.handshake();
        if (step.is_done()) return {};
        if (!step.must_wait())
            return Error{ErrorKind::Refused,
                         "TLS: " + (transport.failure().empty() ? std::string("no handshake")
                                                                : transport.failure())};
        TRY_OK(wait_after(step, fd, patience));
    }
}

Status send_all(Transport& transport, int fd, std::string_view data, const Patience& patience) {
    while (!data.empty()) {
        IoStep step = transport.write(as_bytes(data));
        if (step.must_wait()) {
            TRY_OK(wait_after(step, fd, patience));
            continue;
        }
        if (!step.is_done()) return step_error(transport, step, "send");
        data.remove_prefix(step.size);
    }
    return {};
}

Result<std::size_t> receive_some(Transport& transport, int fd, MutableByteView out,
                                 const Patience& patience) {
    // What TLS has read ahead makes no socket readable.
    if (!transport.is_tls()) TRY_OK(patience.wait(fd, POLLIN));
    for (;;) {
        IoStep step = transport.read(out);
        if (step.is_done()) return step.size;
        if (step.kind == IoStep::Kind::Closed) return std::size_t{0};
        if (!step.must_wait()) return step_error(transport, step, "receive");
        TRY_OK(wait_after(step, fd, patience));
    }
}

bool is_still_usable(const Transport& transport, int fd) {
    char byte = 0;
    ssize_t got = ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    // Under TLS there may be a session ticket that nobody asked for.
    return (got < 0 && errno == EAGAIN) || (got > 0 && transport.is_tls());
}

}  // namespace lockstep
