// What of the network is local, and pipes between sockets. Whole devices behind proxies:
// tests/e2e/proxy_test.py.
#include <array>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "sync/near_socket.h"
#include "sync/socket_pipes.h"
#include "tests/sync/sync_fixture.h"

namespace lockstep {
namespace {

TEST(LocalAddressTest, IsOfThisMachineOrOfANetworkThatEndsHere) {
    for (const char* host : {"127.0.0.1", "127.64.1.2", "10.0.0.0", "10.255.255.255", "172.16.0.1",
                             "172.31.255.255", "192.168.7.1", "169.254.1.1", "::1", "fd12::7",
                             "fe80::1", "fe80::1%eth0", "::ffff:192.168.7.1"})
        EXPECT_TRUE(is_local_address(host)) << host;
    for (const char* host : {"9.255.255.255", "11.0.0.0", "172.15.0.1", "172.32.0.1", "192.169.0.1",
                             "203.0.113.7", "100.64.0.1", "::2", "2001:db8::1", "fec0::1",
                             "::ffff:203.0.113.7", "", "localhost", "10.0.0"})
        EXPECT_FALSE(is_local_address(host)) << host;
}

TEST(ProxyTest, DevicesOfTheLocalNetworkMeetThoughTheProxyIsAwayAndDnsIsNotAsked) {
    FakeVault vault = FakeVault::random();
    Device a{vault, "alpha"}, b{vault, "beta"};
    FakeReplica::introduce({&a.replica, &b.replica});
    a.proxy = b.proxy =
        std::make_shared<const Proxy>(Proxy{Proxy::Kind::Socks5, "127.0.0.1", 1, "", ""});
    a.start({}, {"srv:relays.example"});
    b.start({a.address()});
    a.replica.publish({random_bytes(2 * kMiB)});
    EXPECT_TRUE(eventually([&] {
        return a.replica.frontier() == b.replica.frontier() && b.replica.missing_packs().empty() &&
               a.is_in_step_with(1) && b.is_in_step_with(1);
    }));
    EXPECT_TRUE(eventually([&] {
        const auto domains = a.engine->relay_domains();
        return domains.size() == 1 &&
               domains[0].problem.find("go around the proxy") != std::string::npos;
    }));
}

std::array<UniqueFd, 2> socket_pair() {
    int fds[2] = {-1, -1};
    CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

Patience patience() {
    return Patience(std::chrono::steady_clock::now() + std::chrono::seconds(20), {});
}

// Two ends with a pipe between them.
struct Piped {
    explicit Piped(SocketPipes& pipes) {
        auto left = socket_pair(), right = socket_pair();
        one = std::move(left[0]);
        other = std::move(right[0]);
        pipes.add(std::move(left[1]), std::move(right[1]), [over = over] { *over = true; });
    }
    UniqueFd one, other;
    std::shared_ptr<std::atomic<bool>> over = std::make_shared<std::atomic<bool>>(false);
};

TEST(SocketPipesTest, BytesPassBothWaysThoughOneEndIsSlow) {
    SocketPipes pipes("test-pipes");
    Piped piped(pipes);
    const Bytes sent = random_bytes(3 * kMiB);
    const auto pass = [&](int from, int to) {
        std::size_t written = 0;
        Bytes got;
        while (got.size() < sent.size()) {
            if (written < sent.size()) {
                const ssize_t some = ::send(from, sent.data() + written, sent.size() - written,
                                            MSG_NOSIGNAL | MSG_DONTWAIT);
                if (some > 0) written += static_cast<std::size_t>(some);
            }
            const Patience enough = patience();
            ASSERT_TRUE(enough.wait(to, POLLIN).ok());
            std::byte piece[4096];
            const ssize_t some = ::recv(to, piece, sizeof(piece), MSG_DONTWAIT);
            ASSERT_GT(some, 0);
            append(got, ByteView(piece).first(static_cast<std::size_t>(some)));
        }
        EXPECT_EQ(got, sent);
    };
    pass(piped.one.get(), piped.other.get());
    pass(piped.other.get(), piped.one.get());
    EXPECT_FALSE(*piped.over);
}

TEST(SocketPipesTest, WhenOneEndClosesTheOtherIsClosedAndItIsTold) {
    SocketPipes pipes("test-pipes");
    Piped first(pipes), second(pipes);
    first.one.reset();
    EXPECT_TRUE(eventually([&] { return first.over->load(); }));
    std::byte byte{};
    EXPECT_EQ(::recv(first.other.get(), &byte, 1, 0), 0);
    EXPECT_FALSE(*second.over);
    pipes.close_all();
    EXPECT_TRUE(eventually([&] { return second.over->load(); }));
}

TEST(SocketPipesTest, AllAreToldWhenItEnds) {
    auto pipes = std::make_unique<SocketPipes>("test-pipes");
    Piped piped(*pipes);
    pipes.reset();
    EXPECT_TRUE(*piped.over);
}

}  // namespace
}  // namespace lockstep
