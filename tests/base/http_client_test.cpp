// The HTTP client against our server and against raw bytes.
#include <atomic>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "base/http/client.h"
#include "base/http/server.h"
#include "tests/base/http_test_peer.h"
#include "tests/support/temp_dir.h"

namespace lockstep {
namespace {

using namespace std::chrono_literals;

// A server that answers each connection with fixed bytes after having read one request's header.
class ScriptedServer {
  public:
    explicit ScriptedServer(std::vector<std::string> answers)
        : thread_([this, answers = std::move(answers)] {
              for (const auto& answer : answers) {
                  RawPeer peer = listener_.accept();
                  seen_ += peer.read_until("\r\n\r\n");
                  peer.send(answer);
              }
          }) {}
    ~ScriptedServer() {
        if (thread_.joinable()) thread_.join();
    }
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;

    HttpClient client(HttpClientOptions options = {}) {
        return HttpClient::over_tcp("127.0.0.1", listener_.port(), options);
    }
    std::string seen() {
        thread_.join();
        return seen_;
    }

  private:
    RawServer listener_;
    std::string seen_;
    std::thread thread_;
};

Result<HttpResponse> get_from(std::string answer, HttpClientOptions options = {}) {
    ScriptedServer server({std::move(answer)});
    return server.client(options).request({}, kTestPatience);
}

TEST(HttpClientTest, WritesWhatItWasTold) {
    ScriptedServer server({"HTTP/1.1 204 No Content\r\n\r\n"});
    HttpRequest request{.method = "GET", .path = "/a b/c", .query = {{"q", std::string("\0&", 2)}}};
    request.headers = {{"X-One", "1"}};
    auto client = server.client();
    EXPECT_EQ(client.request(request, kTestPatience)->status, 204);
    std::string seen = server.seen();
    EXPECT_TRUE(seen.starts_with("GET /a%20b/c?q=%00%26 HTTP/1.1\r\nHost: 127.0.0.1:")) << seen;
    EXPECT_NE(seen.find("X-One: 1\r\n"), std::string::npos);
    EXPECT_EQ(seen.find("Content-Length"), std::string::npos);
}

TEST(HttpClientTest, ReadsLengthsChunksAndEnds) {
    EXPECT_EQ(get_from("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab")->body, "ab");
    EXPECT_EQ(
        get_from(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n")
            ->body,
        "ab");
    EXPECT_EQ(get_from("HTTP/1.1 200 OK\r\n\r\nab")->body, "ab");
    auto response = get_from(
        "HTTP/1.1 404 Nope\r\nContent-Type: text/x\r\nX-Y: z\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(response->status, 404);
    EXPECT_EQ(response->content_type, "text/x");
    EXPECT_EQ(*response->header("x-y"), "z");
}

TEST(HttpClientTest, SkipsInterimResponses) {
    EXPECT_EQ(get_from("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
                  ->body,
              "x");
    std::string endless;
    for (int i = 0; i < 100; ++i) endless += "HTTP/1.1 100 Continue\r\n\r\n";
    EXPECT_EQ(get_from(endless).error().kind, ErrorKind::Corrupt);
}

TEST(HttpClientTest, SaysWhatWasWrongWithTheAnswer) {
    EXPECT_EQ(get_from("SSH-2.0-OpenSSH\r\n\r\n").error().kind, ErrorKind::Corrupt);
    EXPECT_EQ(get_from("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab").error().kind,
              ErrorKind::Io);
    EXPECT_EQ(get_from("HTTP/1.1 200 O").error().kind, ErrorKind::Io);
    EXPECT_EQ(get_from("").error().kind, ErrorKind::Io);
}

TEST(HttpClientTest, ResponsesAreBounded) {
    HttpClientOptions small{.response_size_max = 4, .header_size_max = 100};
    EXPECT_EQ(get_from("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd", small)->body, "abcd");
    EXPECT_EQ(get_from("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde", small).error().kind,
              ErrorKind::TooLarge);
    EXPECT_EQ(get_from("HTTP/1.1 200 OK\r\n\r\nabcde", small).error().kind, ErrorKind::TooLarge);
    EXPECT_EQ(get_from("HTTP/1.1 200 OK\r\nX: " + std::string(100, 'x'), small).error().kind,
              ErrorKind::TooLarge);
    EXPECT_EQ(
        get_from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(999, 'x'),
                 small)
            .error()
            .kind,
        ErrorKind::TooLarge);
}

TEST(HttpClientTest, RequestsCannotBreakOutOfTheirLine) {
    HttpClient client = HttpClient::over_tcp("127.0.0.1", 1);
    for (const HttpRequest& bad : std::vector<HttpRequest>{{.method = "GET /"},
                                                           {.headers = {{"X", "1\r\nY: 2"}}},
                                                           {.headers = {{"X:", "1"}}},
                                                           {.target = "/a b"},
                                                           {.target = "/\r\n"},
                                                           {.target = "relative"}})
        EXPECT_EQ(client.request(bad, kTestPatience).error().kind, ErrorKind::Invalid);
}

TEST(HttpClientTest, NobodyThereIsToldApart) {
    TempDir dir;
    EXPECT_EQ(HttpClient::over_unix(dir / "none").request({}, kTestPatience).error().kind,
              ErrorKind::NotFound);
    std::ofstream(dir / "file") << "x";
    EXPECT_EQ(HttpClient::over_unix(dir / "file").request({}, kTestPatience).error().kind,
              ErrorKind::Unavailable);
    std::uint16_t port = RawServer().port();
    EXPECT_EQ(HttpClient::over_tcp("127.0.0.1", port).request({}, kTestPatience).error().kind,
              ErrorKind::Unavailable);
    EXPECT_EQ(HttpClient::over_tcp("host.invalid", 1).request({}, kTestPatience).error().kind,
              ErrorKind::Unavailable);
}

TEST(HttpClientTest, ASilentServerIsATimeout) {
    RawServer silent;
    EXPECT_EQ(HttpClient::over_tcp("127.0.0.1", silent.port()).request({}, 30ms).error().kind,
              ErrorKind::Timeout);
}

TEST(HttpClientTest, AStopEndsTheWait) {
    RawServer silent;
    std::stop_source stop;
    std::thread stopper([&] {
        RawPeer peer = silent.accept();
        peer.read_until("\r\n\r\n");
        stop.request_stop();
    });
    auto response = HttpClient::over_tcp("127.0.0.1", silent.port())
                        .request({}, kTestPatience, stop.get_token());
    EXPECT_EQ(response.error().kind, ErrorKind::Cancelled);
    stopper.join();
}

TEST(HttpClientTest, KeepsItsConnection) {
    std::atomic<int> ports_seen = 0;
    std::atomic<int> last_port = 0;
    HttpServer server({}, [&](const HttpRequest& request, HttpResponder responder) {
        if (last_port.exchange(request.peer.port) != request.peer.port) ++ports_seen;
        responder.respond(HttpResponse::text(200, "x"));
    });
    HttpClient client =
        HttpClient::over_tcp("127.0.0.1", server.listen_tcp("127.0.0.1", 0).value());
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(client.request({}, kTestPatience).ok());
    EXPECT_EQ(ports_seen, 1);
}

TEST(HttpClientTest, ADeadKeptConnectionIsReplaced) {
    // Both answers end with the connection closed, though the first promised to keep it.
    ScriptedServer server({"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
                           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb"});
    auto client = server.client();
    EXPECT_EQ(client.request({}, kTestPatience)->body, "a");
    EXPECT_EQ(client.request({}, kTestPatience)->body, "b");
}

TEST(HttpClientTest, HeadHasNoBody) {
    ScriptedServer server({"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"});
    auto client = server.client();
    auto response = client.request({.method = "HEAD"}, kTestPatience);
    ASSERT_TRUE(response.ok()) << response.error().message;
    EXPECT_EQ(response->body, "");
}

TEST(HttpClientTest, AnEarlyRefusalOfALargeUploadIsSeen) {
    HttpServer server({.body_size_max = 100},
                      [](const HttpRequest&, HttpResponder responder) { responder.respond({}); });
    HttpClient client =
        HttpClient::over_tcp("127.0.0.1", server.listen_tcp("127.0.0.1", 0).value());
    auto response =
        client.request({.method = "POST", .body = std::string(100'000, 'x')}, kTestPatience);
    ASSERT_TRUE(response.ok()) << response.error().message;
    EXPECT_EQ(response->status, 413);
    EXPECT_EQ(client.request({.method = "POST", .body = "small"}, kTestPatience)->status, 200);
}

}  // namespace
}  // namespace lockstep
