// The HTTP server over real sockets: what peers may send, and what they get.
#include <atomic>
#include <fstream>
#include <future>
#include <latch>
#include <thread>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/http/client.h"
#include "base/http/server.h"
#include "tests/base/http_test_peer.h"
#include "tests/support/seeded_random.h"
#include "tests/support/temp_dir.h"

namespace lockstep {
namespace {

using namespace std::chrono_literals;

// Answers with what it got.
void echo(const HttpRequest& request, HttpResponder responder) {
    std::string out = request.method + " " + request.path + "\n";
    for (const auto& field : request.query) out += field.name + "=" + field.value + "\n";
    responder.respond(HttpResponse::text(200, out + request.body));
}

class HttpServerTest : public testing::Test {
  protected:
    void serve(HttpHandler handler, HttpServerOptions options = {}) {
        server = std::make_unique<HttpServer>(options, std::move(handler));
        port = server->listen_tcp("127.0.0.1", 0).value();
    }
    RawPeer connect() const { return RawPeer::to_tcp(port); }
    HttpClient client() const { return HttpClient::over_tcp("127.0.0.1", port); }
    // One connection: sends `bytes`, and reads to its end.
    std::string exchange(std::string_view bytes) const {
        RawPeer peer = connect();
        peer.send(bytes);
        return peer.read_to_end();
    }

    std::unique_ptr<HttpServer> server;
    std::uint16_t port = 0;
};

TEST_F(HttpServerTest, AnswersARequest) {
    serve(echo);
    std::string body("GET /a b\nx=1\ny=\0\xff\n", 18);
    EXPECT_EQ(exchange("GET /a%20b?x=1&y=%00%ff HTTP/1.1\r\nConnection: close\r\n\r\n"),
              "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 18\r\n"
              "Connection: close\r\n\r\n" +
                  body);
}

TEST_F(HttpServerTest, HandlersSeeEverythingOfTheRequest) {
    std::promise<HttpRequest> seen;
    serve([&](const HttpRequest& request, HttpResponder responder) {
        seen.set_value(request);
        responder.respond(HttpResponse::text(200, ""));
    });
    exchange(
        "PUT /v1/a%2Fb/c?q=1+2 HTTP/1.1\r\nX-One: 1\r\nx-two:  2 \r\nContent-Length: "
        "4\r\nConnection: close\r\n\r\nbody");
    HttpRequest request = seen.get_future().get();
    EXPECT_EQ(request.method, "PUT");
    EXPECT_EQ(request.target, "/v1/a%2Fb/c?q=1+2");
    EXPECT_EQ(request.path, "/v1/a/b/c");
    EXPECT_EQ(request.path_parts(), (std::vector<std::string>{"v1", "a/b", "c"}));
    EXPECT_EQ(*request.query_value("q"), "1 2");
    EXPECT_EQ(*request.header("X-TWO"), "2");
    EXPECT_EQ(request.header("X-Three"), nullptr);
    EXPECT_EQ(request.body, "body");
    EXPECT_EQ(request.peer.address, "127.0.0.1");
    EXPECT_EQ(hex(request.peer.address_bytes), "7f000001");
    EXPECT_NE(request.peer.port, 0);
    EXPECT_FALSE(request.peer.uid.has_value());
}

TEST_F(HttpServerTest, KeepsTheConnectionAndAnswersPipelinedRequestsInOrder) {
    serve(echo);
    RawPeer peer = connect();
    std::string requests;
    for (int i = 0; i < 50; ++i) requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\n\r\n";
    peer.send(requests + "GET /last HTTP/1.1\r\nConnection: close\r\n\r\n");
    std::string got = peer.read_to_end();
    EXPECT_EQ(count_of(got, "HTTP/1.1 200 OK"), 51U);
    std::size_t at = 0;
    for (int i = 0; i < 50; ++i) {
        std::size_t next = got.find("GET /" + std::to_string(i) + "\n");
        ASSERT_NE(next, std::string::npos);
        EXPECT_GE(next, at);
        at = next;
    }
}

TEST_F(HttpServerTest, TakesARequestByteByByte) {
    serve(echo);
    RawPeer peer = connect();
    for (char c :
         std::string_view("POST /x HTTP/1.1\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"))
        peer.send(std::string_view(&c, 1));
    EXPECT_TRUE(peer.read_to_end().ends_with("POST /x\nabc"));
}

TEST_F(HttpServerTest, TakesChunkedBodies) {
    serve(echo);
    EXPECT_TRUE(
        exchange("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                 "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
            .ends_with("POST /\nabcde"));
}

TEST_F(HttpServerTest, HeadHasTheHeadersOfGetAndNoBody) {
    serve(echo);
    std::string got = exchange("HEAD /abc HTTP/1.1\r\nConnection: close\r\n\r\n");
    EXPECT_NE(got.find("Content-Length: 10\r\n"), std::string::npos);
    EXPECT_TRUE(got.ends_with("\r\n\r\n"));
}

TEST_F(HttpServerTest, Http10IsAnsweredAndClosed) {
    serve(echo);
    EXPECT_TRUE(exchange("GET / HTTP/1.0\r\n\r\n").ends_with("GET /\n"));
}

TEST_F(HttpServerTest, ExpectedContinueIsSaidBeforeTheBody) {
    serve(echo);
    RawPeer peer = connect();
    peer.send(
        "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: "
        "close\r\n\r\n");
    EXPECT_EQ(peer.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    peer.send("hi");
    EXPECT_TRUE(peer.read_to_end().ends_with("POST /\nhi"));
}

TEST_F(HttpServerTest, MalformedRequestsGet400AndNoHandler) {
    std::atomic<int> handled = 0;
    serve([&](const HttpRequest&, HttpResponder responder) {
        ++handled;
        responder.respond({});
    });
    for (std::string_view bad :
         {"nonsense\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/1.1\r\nbad header\r\n\r\n",
          "GET /%zz HTTP/1.1\r\n\r\n", "GET /?a=%1 HTTP/1.1\r\n\r\n", "GET x HTTP/1.1\r\n\r\n",
          "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
          "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
          "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
          "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"})
        EXPECT_TRUE(exchange(bad).starts_with("HTTP/1.1 400 ")) << bad;
    EXPECT_TRUE(exchange("GET / HTTP/7.0\r\n\r\n").starts_with("HTTP/1.1 505 "));
    EXPECT_EQ(handled, 0);
}

TEST_F(HttpServerTest, HeaderAndBodyLimitsHoldAtAndOnePast) {
    serve(echo, {.body_size_max = 10, .header_size_max = 200});
    auto with_header = [&](std::size_t size) {
        std::string_view start = "GET / HTTP/1.1\r\nConnection: close\r\nX: ", end = "\r\n\r\n";
        return exchange(std::string(start) + std::string(size - start.size() - end.size(), 'x') +
                        std::string(end));
    };
    EXPECT_TRUE(with_header(200).starts_with("HTTP/1.1 200 "));
    EXPECT_TRUE(with_header(201).starts_with("HTTP/1.1 431 "));
    EXPECT_TRUE(
        exchange("POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 10\r\n\r\n0123456789")
            .starts_with("HTTP/1.1 200 "));
    EXPECT_TRUE(exchange("POST / HTTP/1.1\r\nContent-Length: 11\r\n\r\n0123456789x")
                    .starts_with("HTTP/1.1 413 "));
    EXPECT_TRUE(
        exchange(
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n0123456789x\r\n0\r\n\r\n")
            .starts_with("HTTP/1.1 413 "));
}

TEST_F(HttpServerTest, EndlessChunkHeadersAreCut) {
    serve(echo, {.header_size_max = 1000});
    EXPECT_TRUE(
        exchange("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;" + std::string(5000, 'x'))
            .starts_with("HTTP/1.1 4"));
}

TEST_F(HttpServerTest, ARefusedUploadStillReadsItsAnswer) {
    serve(echo, {.body_size_max = 10});
    RawPeer peer = connect();
    peer.send("POST / HTTP/1.1\r\nContent-Length: 300000\r\n\r\n" + std::string(300'000, 'x'));
    peer.stop_sending();
    EXPECT_TRUE(peer.read_to_end().starts_with("HTTP/1.1 413 "));
}

TEST_F(HttpServerTest, SlowRequestsAreCutAndIdleConnectionsClosed) {
    serve(echo, {.idle_timeout = 50ms, .request_timeout = 50ms});
    EXPECT_TRUE(exchange("GET / HT").starts_with("HTTP/1.1 408 "));
    EXPECT_TRUE(
        exchange("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc").starts_with("HTTP/1.1 408 "));
    EXPECT_EQ(exchange(""), "");
    EXPECT_TRUE(eventually([&] { return server->connection_count() == 0; }));
}

TEST_F(HttpServerTest, TheRestOfACutRequestIsNotAnswered) {
    serve(echo, {.request_timeout = 50ms});
    RawPeer peer = connect();
    peer.send("GET / HT");
    EXPECT_TRUE(peer.read_until("too long\n").starts_with("HTTP/1.1 408 "));
    peer.send("TP/1.1\r\n\r\n");
    EXPECT_EQ(peer.read_to_end(), "");
}

TEST_F(HttpServerTest, AReaderThatReadsNothingIsClosed) {
    serve(
        [](const HttpRequest&, HttpResponder responder) {
            responder.respond(HttpResponse::text(200, std::string(32 << 20, 'x')));
        },
        {.request_timeout = 50ms});
    RawPeer peer = connect();
    peer.send("GET / HTTP/1.1\r\n\r\n");
    peer.read_until("\r\n\r\n");
    EXPECT_TRUE(eventually([&] { return server->connection_count() == 0; }));
}

TEST_F(HttpServerTest, LargeBodiesArriveWhole) {
    serve([](const HttpRequest& request,
             HttpResponder responder) { responder.respond(HttpResponse::text(200, request.body)); },
          {.body_size_max = 16 << 20});
    SeededRandom random(1);
    std::string body(as_text(random.bytes(9 << 20)));
    HttpRequest request{.method = "POST", .body = body};
    auto response = client().request(request, kTestPatience);
    ASSERT_TRUE(response.ok()) << response.error().message;
    EXPECT_TRUE(response->body == body);
}

TEST_F(HttpServerTest, ConnectionsAboveTheLimitAreClosed) {
    serve(echo, {.connections_max = 2});
    RawPeer first = connect(), second = connect();
    ASSERT_TRUE(eventually([&] { return server->connection_count() == 2; }));
    EXPECT_EQ(exchange("GET / HTTP/1.1\r\n\r\n"), "");
    first.close();
    ASSERT_TRUE(eventually([&] { return server->connection_count() == 1; }));
    EXPECT_NE(exchange("GET / HTTP/1.1\r\nConnection: close\r\n\r\n"), "");
}

TEST_F(HttpServerTest, HandlersMayBlockWithoutBlockingOthers) {
    std::promise<void> release;
    auto released = release.get_future().share();
    serve(
        [&](const HttpRequest& request, HttpResponder responder) {
            if (request.path == "/slow") released.wait();
            responder.respond(HttpResponse::text(200, request.path));
        },
        {.threads = 2});
    RawPeer slow = connect();
    slow.send("GET /slow HTTP/1.1\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(exchange("GET /fast HTTP/1.1\r\nConnection: close\r\n\r\n").ends_with("/fast"));
    release.set_value();
    EXPECT_TRUE(slow.read_to_end().ends_with("/slow"));
}

TEST_F(HttpServerTest, AnAnswerMayComeLaterFromAnotherThread) {
    std::promise<HttpResponder> parked;
    serve([&](const HttpRequest&, HttpResponder responder) { parked.set_value(responder); });
    RawPeer peer = connect();
    peer.send("GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
    HttpResponder responder = parked.get_future().get();
    responder.respond(HttpResponse::text(200, "first"));
    responder.respond(HttpResponse::text(200, "second"));
    EXPECT_FALSE(responder.start_events()->is_open());
    EXPECT_TRUE(peer.read_to_end().ends_with("first"));
}

TEST_F(HttpServerTest, AForgottenAnswerIsA500) {
    serve([](const HttpRequest&, HttpResponder) {});
    EXPECT_TRUE(
        exchange("GET / HTTP/1.1\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 500 "));
}

TEST_F(HttpServerTest, AThrowingHandlerIsA500) {
    serve([](const HttpRequest&, HttpResponder) { throw std::runtime_error("broken"); });
    EXPECT_TRUE(
        exchange("GET / HTTP/1.1\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 500 "));
}

TEST_F(HttpServerTest, ResponseHeadersCannotBreakOutOfTheirLine) {
    serve([](const HttpRequest&, HttpResponder responder) {
        responder.respond({.status = 200,
                           .content_type = "a\r\nEvil: 1",
                           .body = {},
                           .headers = {{"X", "1\r\nEvil: 2"}, {"Bad Name", "3"}, {"Good", "4"}}});
    });
    std::string got = exchange("GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(got.find("Evil"), std::string::npos);
    EXPECT_EQ(got.find("Bad"), std::string::npos);
    EXPECT_NE(got.find("Good: 4\r\n"), std::string::npos);
}

TEST_F(HttpServerTest, NoContentHasNoBodyAndNoLength) {
    serve([](const HttpRequest&, HttpResponder responder) {
        responder.respond({.status = 204, .body = "ignored"});
    });
    std::string got = exchange("GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(got.find("Content-Length"), std::string::npos);
    EXPECT_TRUE(got.ends_with("\r\n\r\n"));
}

TEST_F(HttpServerTest, InlineHandlersRunOnOneThread) {
    std::set<std::thread::id> threads;
    serve(
        [&](const HttpRequest&, HttpResponder responder) {
            threads.insert(std::this_thread::get_id());
            responder.respond(HttpResponse::text(200, "x"));
        },
        {.inline_handlers = true});
    for (int i = 0; i < 20; ++i)
        EXPECT_TRUE(exchange("GET / HTTP/1.1\r\nConnection: close\r\n\r\n").ends_with("x"));
    server->stop();
    EXPECT_EQ(threads.size(), 1U);
}

TEST_F(HttpServerTest, StopIsIdempotentAndClosesConnections) {
    serve(echo);
    RawPeer peer = connect();
    ASSERT_TRUE(eventually([&] { return server->connection_count() == 1; }));
    server->stop();
    server->stop();
    EXPECT_EQ(peer.read_to_end(), "");
    EXPECT_EQ(server->listen_tcp("127.0.0.1", 0).error().kind, ErrorKind::Cancelled);
}

TEST_F(HttpServerTest, ResponderAndSinkMayOutliveTheServer) {
    std::promise<HttpResponder> parked;
    serve([&](const HttpRequest&, HttpResponder responder) { parked.set_value(responder); });
    RawPeer first = connect();
    first.send("GET / HTTP/1.1\r\n\r\n");
    HttpResponder responder = parked.get_future().get();
    server.reset();
    auto sink = responder.start_events();
    EXPECT_FALSE(sink->is_open());
    responder.respond(HttpResponse::text(200, "late"));
}

// Goal: no bytes crash the server or reach it beyond its limits.
// Method: mutate a good request many times; the server must still answer a good one afterwards.
TEST_F(HttpServerTest, SurvivesMutatedRequests) {
    serve(echo, {.body_size_max = 4096, .request_timeout = 200ms});
    const std::string good =
        "POST /v1/x?a=1&b=%20 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nConnection: "
        "close\r\n\r\nhello";
    SeededRandom random(7);
    for (int i = 0; i < 300; ++i) {
        std::string bytes = good;
        for (std::uint64_t n = random.below(4) + 1; n > 0; --n)
            bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
        if (random.chance(20)) bytes.resize(random.below(bytes.size()));
        RawPeer peer = connect();
        peer.send(bytes);
        peer.stop_sending();
        peer.read_to_end();
    }
    EXPECT_TRUE(exchange(good).ends_with("hello"));
}

class UnixServerTest : public testing::Test {
  protected:
    std::unique_ptr<HttpServer> make(HttpServerOptions options = {}) {
        return std::make_unique<HttpServer>(options, echo);
    }
    TempDir dir;
    std::filesystem::path path = dir / "control.sock";
};

TEST_F(UnixServerTest, KnowsItsPeerAndHidesFromOthers) {
    std::promise<HttpRequest> seen;
    HttpServer server({}, [&](const HttpRequest& request, HttpResponder responder) {
        seen.set_value(request);
        responder.respond({});
    });
    ASSERT_TRUE(server.listen_unix(path).ok());
    struct stat st {};
    ASSERT_EQ(::stat(path.c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 07777, 0600U);
    ASSERT_TRUE(HttpClient::over_unix(path).request({}, kTestPatience).ok());
    HttpPeer peer = seen.get_future().get().peer;
    EXPECT_EQ(peer.uid, ::getuid());
    EXPECT_EQ(peer.address, "");
}

TEST_F(UnixServerTest, AnotherUserIsClosedBeforeAByteIsRead) {
    auto server = make({.allowed_uid = ::getuid() + 1});
    ASSERT_TRUE(server->listen_unix(path).ok());
    RawPeer peer = RawPeer::to_unix(path);
    peer.send("GET / HTTP/1.1\r\n\r\n");
    EXPECT_EQ(peer.read_to_end(), "");
    EXPECT_EQ(HttpClient::over_unix(path).request({}, kTestPatience).error().kind, ErrorKind::Io);
}

TEST_F(UnixServerTest, TheUserItselfIsServed) {
    auto server = make({.allowed_uid = ::getuid()});
    ASSERT_TRUE(server->listen_unix(path).ok());
    EXPECT_EQ(HttpClient::over_unix(path).request({}, kTestPatience)->status, 200);
}

TEST_F(UnixServerTest, ASocketInUseIsBusyAndKeepsWorking) {
    auto first = make(), second = make();
    ASSERT_TRUE(first->listen_unix(path).ok());
    EXPECT_EQ(second->listen_unix(path).error().kind, ErrorKind::Busy);
    EXPECT_TRUE(HttpClient::over_unix(path).request({}, kTestPatience).ok());
}

TEST_F(UnixServerTest, AStaleSocketIsReplaced) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(address.sun_path, sizeof(address.sun_path) - 1);
    {
        UniqueFd left_behind(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        ASSERT_EQ(::bind(left_behind.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)),
                  0);
    }
    ASSERT_TRUE(std::filesystem::exists(path));
    auto server = make();
    ASSERT_TRUE(server->listen_unix(path).ok());
    EXPECT_TRUE(HttpClient::over_unix(path).request({}, kTestPatience).ok());
}

TEST_F(UnixServerTest, SomethingElseOfThatNameIsLeftAlone) {
    std::ofstream(path) << "precious";
    auto server = make();
    EXPECT_EQ(server->listen_unix(path).error().kind, ErrorKind::Exists);
    EXPECT_EQ(std::filesystem::file_size(path), 8U);
    EXPECT_EQ(server->listen_unix(dir / "missing/sock").error().kind, ErrorKind::NotFound);
    EXPECT_EQ(server->listen_unix(dir / std::string(200, 'x')).error().kind,
              ErrorKind::NameTooLong);
}

TEST_F(UnixServerTest, StopRemovesItsSocketButNotASuccessors) {
    auto first = make();
    ASSERT_TRUE(first->listen_unix(path).ok());
    first->stop();
    EXPECT_FALSE(std::filesystem::exists(path));
    auto second = make(), third = make();
    ASSERT_TRUE(second->listen_unix(path).ok());
    std::filesystem::rename(path, dir / "old");  // keeps the inode taken
    ASSERT_TRUE(third->listen_unix(path).ok());
    second->stop();
    EXPECT_TRUE(std::filesystem::exists(path));
    EXPECT_TRUE(HttpClient::over_unix(path).request({}, kTestPatience).ok());
}

TEST(TcpListenTest, SaysWhyItCannot) {
    HttpServer server({}, echo);
    auto port = server.listen_tcp("127.0.0.1", 0);
    ASSERT_TRUE(port.ok());
    EXPECT_EQ(server.listen_tcp("127.0.0.1", *port).error().kind, ErrorKind::Busy);
    EXPECT_EQ(server.listen_tcp("localhost", 0).error().kind, ErrorKind::Invalid);
    EXPECT_EQ(server.listen_tcp("192.0.2.1", 0).error().kind, ErrorKind::Invalid);
}

TEST(TcpListenTest, AnIpv6SocketShowsIpv4PeersAsIpv4) {
    std::promise<HttpPeer> seen;
    HttpServer server({}, [&](const HttpRequest& request, HttpResponder responder) {
        seen.set_value(request.peer);
        responder.respond({});
    });
    auto port = server.listen_tcp("::", 0);
    if (!port.ok()) GTEST_SKIP() << "no IPv6 here";
    ASSERT_TRUE(HttpClient::over_tcp("127.0.0.1", *port).request({}, kTestPatience).ok());
    HttpPeer peer = seen.get_future().get();
    EXPECT_EQ(peer.address, "127.0.0.1");
    EXPECT_EQ(peer.address_bytes.size(), 4U);
}

}  // namespace
}  // namespace lockstep
