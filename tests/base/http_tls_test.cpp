// TLS under the HTTP server and client: who is believed, and what a broken handshake costs.
#include <gtest/gtest.h>

#include "base/http/client.h"
#include "base/http/server.h"
#include "tests/base/http_test_peer.h"
#include "tests/support/certificate.h"
#include "tests/support/temp_dir.h"

namespace lockstep {
namespace {

using namespace std::chrono_literals;

class HttpTlsTest : public testing::Test {
  protected:
    HttpTlsTest() {
        server.set_tls(own);
        port = server.listen_tcp("127.0.0.1", 0, HttpServer::Security::Tls).value();
    }
    Result<HttpResponse> get(const TlsClientOptions& options, std::string body = {}) {
        auto tls = TlsContext::client(options).value();
        HttpClient client = HttpClient::over_tls("127.0.0.1", port, tls);
        return client.request({.method = "POST", .path = "/", .body = std::move(body)},
                              kTestPatience);
    }

    TempDir directory;
    TestCertificate certificate = TestCertificate::make(directory.path(), "relay");
    std::shared_ptr<TlsContext> own =
        TlsContext::server(certificate.certificate, certificate.key).value();
    static void echo(const HttpRequest& request, const HttpResponder& responder) {
        responder.respond(HttpResponse::text(200, request.body + "!"));
    }
    HttpServer server{{.body_size_max = 64 << 20, .request_timeout = kTestPatience}, echo};
    std::uint16_t port = 0;
};

TEST_F(HttpTlsTest, AServerWithAKnownAuthorityIsBelieved) {
    auto response = get({.host = "127.0.0.1", .authorities = certificate.certificate}, "hello");
    ASSERT_TRUE(response.ok()) << response.error().message;
    EXPECT_EQ(response->body, "hello!");
}

TEST_F(HttpTlsTest, LargeBodiesPassWholeBothWays) {
    std::string body(20 << 20, 'x');
    for (std::size_t i = 0; i < body.size(); i += 1000) body[i] = static_cast<char>(i / 1000);
    auto response = get({.host = "127.0.0.1", .authorities = certificate.certificate}, body);
    ASSERT_TRUE(response.ok()) << response.error().message;
    EXPECT_TRUE(response->body == body + "!");
}

TEST_F(HttpTlsTest, AnotherNameOrAnUnknownAuthorityIsRefused) {
    auto other = get({.host = "192.0.2.1", .authorities = certificate.certificate});
    ASSERT_FALSE(other.ok());
    EXPECT_EQ(other.error().kind, ErrorKind::Refused) << other.error().message;
    auto unknown = get({.host = "127.0.0.1"});
    ASSERT_FALSE(unknown.ok());
    EXPECT_EQ(unknown.error().kind, ErrorKind::Refused) << unknown.error().message;
}

TEST_F(HttpTlsTest, APinnedKeyIsBelievedWhateverItsNameAndNoOther) {
    TlsPin pin = own->own_pin();
    EXPECT_TRUE(get({.host = "somewhere.example", .pin = &pin}).ok());
    pin[0] ^= std::byte{1};
    auto other = get({.host = "127.0.0.1", .pin = &pin, .authorities = certificate.certificate});
    ASSERT_FALSE(other.ok());
    EXPECT_NE(other.error().message.find("pinned"), std::string::npos) << other.error().message;
}

TEST_F(HttpTlsTest, ACertificateIsReplacedWhileConnectionsLive) {
    TlsPin old_pin = own->own_pin();
    HttpClient client =
        HttpClient::over_tls("127.0.0.1", port, *TlsContext::client({.pin = &old_pin}));
    ASSERT_TRUE(client.request({.path = "/"}, kTestPatience).ok());
    auto next = TestCertificate::make(directory.path(), "next");
    auto context = TlsContext::server(next.certificate, next.key).value();
    server.set_tls(context);
    EXPECT_TRUE(client.request({.path = "/"}, kTestPatience).ok()) << "the kept connection";
    EXPECT_FALSE(get({.pin = &old_pin}).ok());
    TlsPin pin = context->own_pin();
    EXPECT_TRUE(get({.pin = &pin}).ok());
}

TEST_F(HttpTlsTest, WhoDoesNotSpeakTlsOrStopsInTheMiddleIsClosed) {
    HttpServer hasty({.request_timeout = 300ms}, echo);
    hasty.set_tls(own);
    const std::uint16_t at = hasty.listen_tcp("127.0.0.1", 0, HttpServer::Security::Tls).value();
    RawPeer plain = RawPeer::to_tcp(at);
    plain.send("GET / HTTP/1.1\r\n\r\n");
    EXPECT_EQ(plain.read_to_end().find("200"), std::string::npos);
    RawPeer silent = RawPeer::to_tcp(at);
    EXPECT_EQ(silent.read_to_end(), "");
    EXPECT_TRUE(eventually([&] { return hasty.connection_count() == 0; }));
}

TEST(TlsContextTest, SaysWhichFileIsWrong) {
    TempDir directory;
    auto a = TestCertificate::make(directory.path(), "a"),
         b = TestCertificate::make(directory.path(), "b");
    auto missing = TlsContext::server(directory / "none.pem", a.key);
    ASSERT_FALSE(missing.ok());
    EXPECT_NE(missing.error().message.find("none.pem"), std::string::npos);
    EXPECT_FALSE(TlsContext::server(a.certificate, b.key).ok());
    EXPECT_FALSE(TlsContext::server(a.key, a.key).ok());
}

}  // namespace
}  // namespace lockstep
