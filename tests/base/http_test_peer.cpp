#include "tests/base/http_test_peer.h"

#include <condition_variable>
#include <mutex>

#include <poll.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/http/client_socket.h"

namespace lockstep {
namespace {

Patience patience() {
    return Patience(std::chrono::steady_clock::now() + kTestPatience, {});
}

}  // namespace

RawPeer RawPeer::to_tcp(std::uint16_t port) {
    return RawPeer(connect_tcp("127.0.0.1", port, patience()).value());
}
RawPeer RawPeer::to_unix(const std::filesystem::path& path) {
    return RawPeer(connect_unix(path, patience()).value());
}

void RawPeer::send(std::string_view bytes) {
    // The other end may have had enough and closed: what it said then is what the test looks at.
    Transport plain(fd_.get());
    (void)send_all(plain, fd_.get(), bytes, patience());
}

bool RawPeer::read_more() {
    std::byte piece[4096];
    Transport plain(fd_.get());
    auto got = receive_some(plain, fd_.get(), piece, patience());
    CHECK(got.ok() || got.error().kind != ErrorKind::Timeout, "the peer says nothing");
    if (!got.ok() || *got == 0) return false;
    unread_ += as_text(ByteView(piece).first(*got));
    return true;
}

std::string RawPeer::read_to_end() {
    while (read_more()) {
    }
    return std::exchange(unread_, {});
}

std::string RawPeer::read_until(std::string_view text) {
    std::size_t at = unread_.find(text);
    while (at == std::string::npos && read_more()) at = unread_.find(text);
    std::size_t end = at == std::string::npos ? unread_.size() : at + text.size();
    std::string out = unread_.substr(0, end);
    unread_.erase(0, end);
    return out;
}

void RawPeer::stop_sending() {
    ::shutdown(fd_.get(), SHUT_WR);
}

RawServer::RawServer() {
    auto socket = open_tcp_listen_socket("127.0.0.1", 0).value();
    fd_ = std::move(socket.fd);
    port_ = socket.port;
}

bool RawServer::has_visitor() const {
    pollfd look{fd_.get(), POLLIN, 0};
    return ::poll(&look, 1, 0) == 1;
}

RawPeer RawServer::accept() {
    CHECK(patience().wait(fd_.get(), POLLIN).ok(), "nobody connects");
    UniqueFd fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    CHECK(fd.ok());
    return RawPeer(std::move(fd));
}

bool eventually(const std::function<bool()>& condition) {
    auto until = std::chrono::steady_clock::now() + kTestPatience;
    Patience waiting(until, {});
    while (!condition())
        if (!waiting.pause(std::chrono::milliseconds(1)).ok()) return condition();
    return true;
}

std::size_t count_of(std::string_view text, std::string_view part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string_view::npos;
         at = text.find(part, at + part.size()))
        ++count;
    return count;
}

}  // namespace lockstep
