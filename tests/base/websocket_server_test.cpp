// The server's WebSocket against Boost.Beast's client, an implementation of others.
#include <future>
#include <thread>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "base/http/server.h"
#include "base/http/websocket_loop.h"
#include "tests/base/http_test_peer.h"

namespace lockstep {
namespace {

using namespace std::chrono_literals;
namespace net = boost::asio;
namespace beast = boost::beast;
using Tcp = net::ip::tcp;
using BeastSocket = beast::websocket::stream<Tcp::socket>;

// Sends every message back, whole; closes with 1008 when told "leave".
class Echo final : public WebSocketEvents {
  public:
    Echo(std::shared_ptr<WebSocket> socket, std::atomic<int>& closed)
        : socket_(std::move(socket)), closed_(closed) {}
    void on_data(ByteView piece, bool is_text, bool ends_message) override {
        append(message_, piece);
        if (!ends_message) return;
        if (as_text(message_) == "leave") return socket_->close(websocket_close::kPolicy);
        socket_->send(is_text ? WebSocketOpcode::Text : WebSocketOpcode::Binary,
                      std::exchange(message_, {}));
    }
    void on_closed() override { ++closed_; }

  private:
    std::shared_ptr<WebSocket> socket_;
    std::atomic<int>& closed_;
    Bytes message_;
};

class WebSocketServerTest : public testing::Test {
  protected:
    void serve(WebSocketOptions options = {}, HttpServerOptions http = {.inline_handlers = true}) {
        server = std::make_unique<HttpServer>(http, [this, options](const HttpRequest&,
                                                                    HttpResponder responder) {
            responder.accept_websocket(options, [this](const std::shared_ptr<WebSocket>& socket) {
                return std::make_shared<Echo>(socket, closed);
            });
        });
        port = server->listen_tcp("127.0.0.1", 0).value();
    }
    BeastSocket connect() {
        BeastSocket socket(io);
        socket.next_layer().connect({net::ip::make_address("127.0.0.1"), port});
        socket.handshake("localhost", "/");
        socket.binary(true);
        return socket;
    }
    static std::string read(BeastSocket& socket) {
        beast::flat_buffer buffer;
        socket.read(buffer);
        return beast::buffers_to_string(buffer.data());
    }
    // A client's upgrade by hand; what comes behind the answer's head is `peer`'s.
    RawPeer upgrade(std::string_view behind) {
        RawPeer peer = RawPeer::to_tcp(port);
        peer.send(
            "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n" +
            std::string(behind));
        return peer;
    }

    net::io_context io;
    std::atomic<int> closed{0};
    std::unique_ptr<HttpServer> server;
    std::uint16_t port = 0;
};

TEST_F(WebSocketServerTest, MessagesOfAllSizesComeBack) {
    serve();
    BeastSocket socket = connect();
    for (std::size_t size : {0U, 1U, 125U, 126U, 65535U, 65536U, 3U << 20}) {
        std::string message(size, static_cast<char>('a' + size % 26));
        socket.write(net::buffer(message));
        EXPECT_TRUE(read(socket) == message) << size;
    }
    socket.close(beast::websocket::close_code::normal);
    EXPECT_TRUE(eventually([&] { return closed == 1; }));
}

TEST_F(WebSocketServerTest, FragmentsAreOneMessageAndPingsAreAnswered) {
    serve();
    BeastSocket socket = connect();
    std::string pong;
    socket.control_callback([&](beast::websocket::frame_type type, beast::string_view text) {
        if (type == beast::websocket::frame_type::pong) pong = std::string(text);
    });
    socket.write_some(false, net::buffer(std::string("one ")));
    socket.ping("are you there");
    socket.write_some(true, net::buffer(std::string("message")));
    EXPECT_EQ(read(socket), "one message");
    EXPECT_EQ(pong, "are you there");
}

TEST_F(WebSocketServerTest, TheServersGoodbyeSaysWhy) {
    serve();
    BeastSocket socket = connect();
    socket.write(net::buffer(std::string("leave")));
    beast::flat_buffer buffer;
    boost::system::error_code error;
    socket.read(buffer, error);
    EXPECT_EQ(error, beast::websocket::error::closed);
    EXPECT_EQ(socket.reason().code, websocket_close::kPolicy);
}

TEST_F(WebSocketServerTest, ARequestThatAsksForNoneGets426) {
    serve();
    RawPeer peer = RawPeer::to_tcp(port);
    peer.send("GET / HTTP/1.1\r\n\r\n");
    EXPECT_NE(peer.read_to_end().find("426 Upgrade Required"), std::string::npos);
    serve({.subprotocol = "lockstep-relay-1"});
    EXPECT_NE(upgrade("").read_until("\r\n").find("426"), std::string::npos);
}

TEST_F(WebSocketServerTest, FramesRightBehindTheRequestAreHeard) {
    serve();
    RawPeer peer = upgrade(std::string("\x82\x82\0\0\0\0#!", 8));
    std::string got = peer.read_until("#!");
    EXPECT_NE(got.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
              std::string::npos);
    EXPECT_TRUE(got.ends_with("\x82\x02#!"));
}

TEST_F(WebSocketServerTest, MalformedFramesEndItWithAProtocolError) {
    serve();
    RawPeer peer = upgrade("\x81\x05hello");  // not masked
    EXPECT_TRUE(peer.read_to_end().ends_with(std::string("\x88\x02\x03\xea", 4)));
    EXPECT_TRUE(eventually([&] { return closed == 1 && server->connection_count() == 0; }));
}

TEST_F(WebSocketServerTest, SilentOnesArePingedThenClosed) {
    serve({.ping_interval = 50ms, .silence_max = 300ms},
          {.inline_handlers = true, .idle_timeout = 40ms});
    RawPeer peer = upgrade("");
    std::string got = peer.read_to_end();
    EXPECT_NE(got.find(std::string("\x89\x00", 2)), std::string::npos);
    EXPECT_TRUE(eventually([&] { return closed == 1; }));
}

TEST_F(WebSocketServerTest, WhoReadsNothingIsClosedWhenTooMuchWaits) {
    serve({.unsent_bytes_max = 1 << 20});
    BeastSocket socket = connect();
    std::string message(1 << 20, 'x');
    boost::system::error_code error;
    for (int i = 0; i < 1000 && !error; ++i) socket.write(net::buffer(message), error);
    EXPECT_TRUE(error.failed());
    EXPECT_TRUE(eventually([&] { return closed == 1; }));
}

TEST_F(WebSocketServerTest, DrainingSaysGoodbyeToAll) {
    serve();
    BeastSocket socket = connect();
    auto drained = std::async(std::launch::async, [&] { server->drain(20s); });
    beast::flat_buffer buffer;
    boost::system::error_code error;
    socket.read(buffer, error);
    EXPECT_EQ(error, beast::websocket::error::closed);
    EXPECT_EQ(socket.reason().code, websocket_close::kGoingAway);
    drained.get();
    EXPECT_EQ(closed, 1);
}

// Our own client: what goes into a pipe comes back from the echo, however slowly it is read.
TEST_F(WebSocketServerTest, APipePassesBytesBothWaysAndEndsWithItsSocket) {
    serve();
    auto loop = std::make_unique<WebSocketLoop>("ls-test");
    int ends[2] = {};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    UniqueFd ours(ends[0]);
    std::promise<void> ended;
    loop->pipe(dial_websocket({.host = "127.0.0.1", .port = port}, 20s).value(), UniqueFd(ends[1]),
               [&] { ended.set_value(); });
    std::string sent(5 << 20, '\0'), got;
    for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 7919 >> 8);
    std::jthread writer([&] {
        for (std::size_t at = 0; at < sent.size();)
            at += static_cast<std::size_t>(::write(ours.get(), sent.data() + at, sent.size() - at));
    });
    while (got.size() < sent.size()) {
        char piece[10'000];
        ssize_t size = ::read(ours.get(), piece, sizeof(piece));
        ASSERT_GT(size, 0);
        got.append(piece, static_cast<std::size_t>(size));
    }
    EXPECT_TRUE(got == sent);
    writer.join();
    ours.reset();
    ended.get_future().get();
    EXPECT_TRUE(eventually([&] { return closed == 1; }));
}

TEST_F(WebSocketServerTest, DialingSaysWhatTheServerAnswered) {
    serve({.subprotocol = "other"});
    auto refused = dial_websocket({.host = "127.0.0.1", .port = port, .subprotocol = "mine"}, 20s);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind, ErrorKind::Refused);
    EXPECT_NE(refused.error().message.find("426"), std::string::npos);
    auto nobody = dial_websocket({.host = "127.0.0.1", .port = 1}, 20s);
    EXPECT_EQ(nobody.error().kind, ErrorKind::Unavailable);
}

}  // namespace
}  // namespace lockstep
