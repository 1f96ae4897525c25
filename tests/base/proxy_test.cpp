#include "base/http/proxy.h"

#include <thread>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/http/client.h"
#include "tests/base/http_test_peer.h"

namespace lockstep {
namespace {

using std::chrono::milliseconds;

Patience patience(milliseconds time = kTestPatience) {
    return {std::chrono::steady_clock::now() + time, {}};
}

Proxy parsed(const std::string& url) {
    auto proxy = parse_proxy_url(url);
    EXPECT_TRUE(proxy.ok()) << url << ": " << (proxy.ok() ? "" : proxy.error().message);
    return proxy.ok() ? *proxy : Proxy{};
}

TEST(ProxyUrlTest, IsReadAndWrittenAlike) {
    for (const std::string url :
         {"socks5://localhost:1080", "http://proxy.example.org:3128", "socks5://[::1]:9050",
          "socks5://ana:secret@10.0.0.1:1080", "http://ana@proxy:8080",
          "socks5://an%3Aa:p%40ss%2Fword@proxy:1080"}) {
        EXPECT_EQ(proxy_url(parsed(url)), url);
    }
    EXPECT_EQ(proxy_url(parsed("socks5h://proxy:1/")), "socks5://proxy:1");
    const Proxy proxy = parsed("http://an%61:p%40ss%2Fword@[2001:db8::7]:8080");
    EXPECT_EQ(proxy.kind, Proxy::Kind::Http);
    EXPECT_EQ(proxy.host, "2001:db8::7");
    EXPECT_EQ(proxy.port, 8080);
    EXPECT_EQ(proxy.user, "ana");
    EXPECT_EQ(proxy.password, "p@ss/word");
}

TEST(ProxyUrlTest, ShowsEverythingButThePassword) {
    const Proxy proxy = parsed("socks5://ana:secret@proxy:1080");
    EXPECT_EQ(shown_proxy_url(proxy), "socks5://ana:***@proxy:1080");
    EXPECT_EQ(proxy_name(proxy), "socks5://proxy:1080");
    EXPECT_EQ(shown_proxy_url(parsed("http://proxy:1")), "http://proxy:1");
}

TEST(ProxyUrlTest, RefusesWhatIsNoneAndRepeatsNothingOfIt) {
    const std::string long_text(256, 's');
    for (const std::string& url : {std::string(),
                                   std::string("proxy:1080"),
                                   std::string("https://secret:secret@proxy:1"),
                                   std::string("socks4://secret@proxy:1"),
                                   std::string("socks5://"),
                                   std::string("socks5://proxy"),
                                   std::string("socks5://proxy:0"),
                                   std::string("socks5://proxy:65536"),
                                   std::string("socks5://proxy:port"),
                                   std::string("socks5://:1080"),
                                   std::string("socks5://[proxy]:1080"),
                                   std::string("socks5://::1:1080"),
                                   std::string("socks5://proxy:1080/path"),
                                   std::string("socks5://secret@proxy:1080"),
                                   std::string("socks5://:secret@proxy:1080"),
                                   std::string("socks5://ana:secret%2@proxy:1080"),
                                   std::string("http://an%3Aa:secret@proxy:1080"),
                                   std::string("http://ana:secret%0d%0aX: y@proxy:1080"),
                                   std::string("http://ana:secret%0d%0aX:@proxy:1080"),
                                   std::string("socks5://ana:sec ret@proxy:1080"),
                                   "socks5://ana:" + long_text + "@proxy:1080",
                                   "socks5://" + long_text + ":1080"}) {
        auto proxy = parse_proxy_url(url);
        ASSERT_FALSE(proxy.ok()) << url;
        EXPECT_EQ(proxy.error().kind, ErrorKind::Invalid);
        EXPECT_EQ(proxy.error().message.find("secret"), std::string::npos) << url;
    }
}

// Runs connect_through() while the test plays the proxy.
class ProxyTest : public testing::Test {
  protected:
    Proxy proxy(Proxy::Kind kind, std::string user = "", std::string password = "") const {
        return {kind, "127.0.0.1", server.port(), std::move(user), std::move(password)};
    }
    Result<UniqueFd> connect(const Proxy& through, const std::string& host,
                             const std::function<void(RawPeer&)>& play,
                             milliseconds time = kTestPatience) {
        std::thread other([&] {
            RawPeer peer = server.accept();
            play(peer);
            peer.read_to_end();
        });
        auto fd = connect_through(through, host, 6970, patience(time));
        if (fd.ok()) {
            std::string got(5, '\0');
            Patience enough = patience();
            EXPECT_TRUE(enough.wait(fd->get(), POLLIN).ok());
            EXPECT_EQ(::recv(fd->get(), got.data(), got.size(), MSG_WAITALL), 5);
            EXPECT_EQ(got, "hello") << "what the server says first belongs to the connection";
            ::shutdown(fd->get(), SHUT_RDWR);
        }
        other.join();
        return fd;
    }
    static std::string bytes(std::initializer_list<int> list) {
        std::string out;
        for (int each : list) out += static_cast<char>(each);
        return out;
    }

    RawServer server;
};

TEST_F(ProxyTest, SocksIsToldTheNameAndTheConnectionIsHandedOver) {
    auto fd = connect(proxy(Proxy::Kind::Socks5), "relay.example", [](RawPeer& peer) {
        EXPECT_EQ(peer.read_until(bytes({5, 1, 0})), bytes({5, 1, 0}));
        peer.send(bytes({5, 0}));
        const std::string request =
            bytes({5, 1, 0, 3, 13}) + "relay.example" + bytes({6970 >> 8, 6970 & 0xff});
        EXPECT_EQ(peer.read_until(request), request);
        peer.send(bytes({5, 0, 0, 1, 0, 0, 0, 0, 0, 0}) + "hello");
    });
    EXPECT_TRUE(fd.ok());
}

TEST_F(ProxyTest, SocksIsToldAddressesAsSuch) {
    auto fd = connect(proxy(Proxy::Kind::Socks5), "2001:db8::7", [](RawPeer& peer) {
        peer.read_until(bytes({5, 1, 0}));
        peer.send(bytes({5, 0}));
        peer.read_until(bytes({5, 1, 0, 4, 0x20, 0x01, 0x0d, 0xb8, 0, 0,         0,
                               0, 0, 0, 0, 0,    0,    0,    0,    7, 6970 >> 8, 6970 & 0xff}));
        peer.send(bytes({5, 0, 0, 3, 4}) + "here" + bytes({0, 1}) + "hello");
    });
    EXPECT_TRUE(fd.ok());
}

TEST_F(ProxyTest, SocksGetsThePasswordAndSaysWhenItIsWrong) {
    auto fd = connect(proxy(Proxy::Kind::Socks5, "ana", "secret"), "10.0.0.1", [](RawPeer& peer) {
        peer.read_until(bytes({5, 2, 0, 2}));
        peer.send(bytes({5, 2}));
        EXPECT_EQ(peer.read_until("secret"), bytes({1, 3}) + "ana" + bytes({6}) + "secret");
        peer.send(bytes({1, 1}));
    });
    ASSERT_FALSE(fd.ok());
    EXPECT_EQ(fd.error().kind, ErrorKind::Unavailable);
    EXPECT_EQ(fd.error().message, proxy_name(proxy(Proxy::Kind::Socks5)).insert(0, "proxy ") +
                                      ": it does not take this user and password");
}

TEST_F(ProxyTest, SocksThatWantsAPasswordAndThatRefusesAreNamed) {
    auto wants = connect(proxy(Proxy::Kind::Socks5), "10.0.0.1", [](RawPeer& peer) {
        peer.read_until(bytes({5, 1, 0}));
        peer.send(bytes({5, 0xff}));
    });
    ASSERT_FALSE(wants.ok());
    EXPECT_NE(wants.error().message.find("wants a user and a password"), std::string::npos);
    auto refuses = connect(proxy(Proxy::Kind::Socks5), "10.0.0.1", [](RawPeer& peer) {
        peer.read_until(bytes({5, 1, 0}));
        peer.send(bytes({5, 0}));
        peer.read_until(bytes({1, 10, 0, 0, 1}));
        peer.send(bytes({5, 5, 0, 1, 0, 0, 0, 0, 0, 0}));
    });
    ASSERT_FALSE(refuses.ok());
    EXPECT_NE(refuses.error().message.find("connecting to 10.0.0.1: nobody answers there"),
              std::string::npos)
        << refuses.error().message;
}

TEST_F(ProxyTest, HttpIsAskedWithThePasswordAndTheConnectionIsHandedOver) {
    auto fd =
        connect(proxy(Proxy::Kind::Http, "ana", "secret"), "relay.example", [](RawPeer& peer) {
            const std::string head = peer.read_until("\r\n\r\n");
            EXPECT_TRUE(head.starts_with("CONNECT relay.example:6970 HTTP/1.1\r\n"));
            EXPECT_NE(head.find("\r\nHost: relay.example:6970\r\n"), std::string::npos);
            EXPECT_NE(head.find("\r\nProxy-Authorization: Basic YW5hOnNlY3JldA==\r\n"),
                      std::string::npos);
            peer.send("HTTP/1.1 200 Connection established\r\nVia: one\r\n\r\nhello");
        });
    EXPECT_TRUE(fd.ok());
}

TEST_F(ProxyTest, HttpThatRefusesIsNamed) {
    auto wrong = connect(proxy(Proxy::Kind::Http, "ana", "secret"), "::1", [](RawPeer& peer) {
        EXPECT_TRUE(peer.read_until("\r\n\r\n").starts_with("CONNECT [::1]:6970 "));
        peer.send("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
    });
    ASSERT_FALSE(wrong.ok());
    EXPECT_NE(wrong.error().message.find("does not take this user and password (407)"),
              std::string::npos);
    EXPECT_EQ(wrong.error().message.find("secret"), std::string::npos);
    auto forbidden = connect(proxy(Proxy::Kind::Http), "relay", [](RawPeer& peer) {
        peer.read_until("\r\n\r\n");
        peer.send("HTTP/1.0 403 Forbidden\r\n\r\n");
    });
    ASSERT_FALSE(forbidden.ok());
    EXPECT_NE(forbidden.error().message.find("connecting to relay: it answers 403"),
              std::string::npos);
}

TEST_F(ProxyTest, WhatIsNoProxyIsSaid) {
    for (auto kind : {Proxy::Kind::Socks5, Proxy::Kind::Http}) {
        auto fd = connect(proxy(kind), "relay",
                          [](RawPeer& peer) { peer.send("220 mail.example.org ESMTP\r\n\r\n"); });
        ASSERT_FALSE(fd.ok());
        EXPECT_EQ(fd.error().kind, ErrorKind::Unavailable);
        EXPECT_NE(fd.error().message.find("it is no "), std::string::npos) << fd.error().message;
    }
    auto endless = connect(proxy(Proxy::Kind::Http), "relay", [](RawPeer& peer) {
        peer.send("HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x'));
    });
    ASSERT_FALSE(endless.ok());
    EXPECT_NE(endless.error().message.find("too long"), std::string::npos);
}

TEST_F(ProxyTest, OneThatIsSilentOrNotThereIsNamed) {
    auto silent = connect(
        proxy(Proxy::Kind::Socks5), "relay", [](RawPeer&) {}, milliseconds(30));
    ASSERT_FALSE(silent.ok());
    EXPECT_EQ(silent.error().kind, ErrorKind::Timeout);
    EXPECT_TRUE(silent.error().message.starts_with("proxy socks5://127.0.0.1:"));
    const Proxy nobody{Proxy::Kind::Http, "127.0.0.1", 1, "", ""};
    auto dead = connect_through(nobody, "relay", 6970, patience());
    ASSERT_FALSE(dead.ok());
    EXPECT_EQ(dead.error().kind, ErrorKind::Unavailable);
    EXPECT_TRUE(dead.error().message.starts_with("proxy http://127.0.0.1:1: "));
    // Nothing is tried without it.
    RawServer target;
    HttpClient client = HttpClient::over_tcp("127.0.0.1", target.port(),
                                             {.proxy = std::make_shared<const Proxy>(nobody)});
    EXPECT_FALSE(client.request({}, kTestPatience).ok());
    EXPECT_FALSE(target.has_visitor());
}

TEST_F(ProxyTest, AGreetingTellsWhetherThePasswordIsTaken) {
    for (bool is_right : {true, false}) {
        std::thread other([&] {
            RawPeer peer = server.accept();
            peer.read_until(bytes({5, 2, 0, 2}));
            peer.send(bytes({5, 2}));
            peer.read_until("secret");
            peer.send(bytes({1, is_right ? 0 : 1}));
            peer.read_to_end();
        });
        EXPECT_EQ(greet_proxy(proxy(Proxy::Kind::Socks5, "ana", "secret"), patience()).ok(),
                  is_right);
        other.join();
    }
}

}  // namespace
}  // namespace lockstep
