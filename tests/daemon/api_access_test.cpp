// Who comes in to the control API over TCP: who names this server, comes from no foreign page, and
// shows the token.
#include "daemon/api_access.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/temp_dir.h"

namespace lockstep {
namespace {

const std::string kToken(64, 'a');
const std::string kMetricsToken(64, 'm');

ApiAccess access_at(const std::string& host) {
    return {ApiAccess::Tokens{.all = kToken, .metrics = kMetricsToken}, {host, 6980}};
}

HttpRequest request_with(HttpFields headers) {
    HttpRequest request;
    request.path = "/v1/status";
    request.headers = std::move(headers);
    return request;
}

int answer(const ApiAccess& access, HttpFields headers) {
    auto refusal = access.refusal(request_with(std::move(headers)));
    return refusal ? refusal->status : 200;
}

TEST(ApiAccessTest, TheTokenIsNeeded) {
    const ApiAccess access = access_at("127.0.0.1");
    const HttpField host{"Host", "127.0.0.1:6980"};
    EXPECT_EQ(answer(access, {host, {"Authorization", "Bearer " + kToken}}), 200);
    const std::vector<std::string> wrong = {"",
                                            "Bearer ",
                                            "Bearer " + kToken + "a",
                                            "Bearer " + kToken.substr(1),
                                            "Bearer " + kToken.substr(1) + "b",
                                            "Basic " + kToken,
                                            kToken};
    for (const std::string& shown : wrong) {
        EXPECT_EQ(answer(access, {host, {"Authorization", shown}}), 401) << shown;
    }
    auto refusal = access.refusal(request_with({host}));
    ASSERT_TRUE(refusal);
    EXPECT_EQ(refusal->status, 401);
    EXPECT_EQ(*refusal->header("WWW-Authenticate"), "Bearer");
    EXPECT_NE(refusal->body.find(R"("code":"refused")"), std::string::npos);
}

// A page whose name resolves to this machine has the browser send that name.
TEST(ApiAccessTest, AForeignHostIsRefusedWhateverTokenItShows) {
    const ApiAccess access = access_at("127.0.0.1");
    const HttpField token{"Authorization", "Bearer " + kToken};
    for (const char* host : {"evil.example", "evil.example:6980", "127.0.0.1", "127.0.0.1:80",
                             "localhost", "", "127.0.0.1:6980.evil.example", "[::1]:6980"})
        EXPECT_EQ(answer(access, {{"Host", host}, token}), 403) << host;
    EXPECT_EQ(answer(access, {token}), 403);
    EXPECT_EQ(answer(access, {{"Host", "127.0.0.1:6980"}, {"host", "evil.example"}, token}), 403);
    for (const char* host : {"127.0.0.1:6980", "localhost:6980", "LocalHost:6980"})
        EXPECT_EQ(answer(access, {{"Host", host}, token}), 200) << host;
    const ApiAccess six = access_at("::1");
    EXPECT_EQ(answer(six, {{"Host", "[::1]:6980"}, token}), 200);
}

TEST(ApiAccessTest, AForeignPageIsRefused) {
    const ApiAccess access = access_at("127.0.0.1");
    const HttpField host{"Host", "127.0.0.1:6980"}, token{"Authorization", "Bearer " + kToken};
    for (const char* origin : {"http://evil.example", "https://127.0.0.1:6980", "null", "",
                               "http://127.0.0.1:6981", "http://127.0.0.1"})
        EXPECT_EQ(answer(access, {host, {"Origin", origin}, token}), 403) << origin;
    EXPECT_EQ(answer(access, {host, {"Origin", "http://127.0.0.1:6980"}, token}), 200);
}

TEST(ApiAccessTest, TheTokenForFiguresOpensNothingElse) {
    const ApiAccess access = access_at("127.0.0.1");
    struct {
        std::string method, path;
        int status;
    } cases[] = {{"GET", "/metrics", 200},           {"HEAD", "/metrics", 200},
                 {"GET", "/healthz", 200},           {"POST", "/metrics", 403},
                 {"GET", "/v1/status", 403},         {"GET", "/v1/log", 403},
                 {"GET", "/metrics/../v1/log", 403}, {"GET", "/metrics/", 403},
                 {"POST", "/v1/vaults", 403},        {"GET", "/", 403}};
    for (const auto& one : cases) {
        HttpRequest request = request_with(
            {{"Host", "127.0.0.1:6980"}, {"Authorization", "Bearer " + kMetricsToken}});
        request.method = one.method;
        request.path = one.path;
        auto refusal = access.refusal(request);
        EXPECT_EQ(refusal ? refusal->status : 200, one.status) << one.method << ' ' << one.path;
    }
    HttpRequest foreign =
        request_with({{"Host", "evil.example"}, {"Authorization", "Bearer " + kMetricsToken}});
    foreign.path = "/metrics";
    EXPECT_EQ(access.refusal(foreign)->status, 403);
}

TEST(ApiAccessTest, AWatchersTokenComesFromAFileThatMayBeShared) {
    TempDir directory;
    const auto file = directory / "given";
    auto open = [&] {
        return ApiAccess::open(posix_disk(), directory.path(), {"127.0.0.1", 6980}, system_random(),
                               file);
    };
    EXPECT_EQ(open().error().kind, ErrorKind::NotFound);
    ASSERT_TRUE(posix_disk().write_file_durably(file, as_bytes("short\n")).ok());
    EXPECT_EQ(open().error().kind, ErrorKind::Invalid);
    ASSERT_TRUE(posix_disk().write_file_durably(file, as_bytes(kMetricsToken + "\n")).ok());
    ::chmod(file.c_str(), 0644);
    auto access = open();
    ASSERT_TRUE(access.ok()) << access.error().message;
    HttpRequest request =
        request_with({{"Host", "127.0.0.1:6980"}, {"Authorization", "Bearer " + kMetricsToken}});
    request.path = "/metrics";
    EXPECT_FALSE(access->refusal(request));
    EXPECT_FALSE(posix_disk().exists(directory / "metrics.token"));
}

TEST(ApiAccessTest, TheTokenIsMadeOnceAndTheUsersAlone) {
    TempDir directory;
    const auto file = directory / "api.token";
    auto open = [&] {
        return ApiAccess::open(posix_disk(), directory.path(), {"127.0.0.1", 6980},
                               system_random());
    };
    auto first = open();
    ASSERT_TRUE(first.ok()) << first.error().message;
    struct stat status {};
    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    const std::string token(as_text(posix_disk().read_file(file, 1000).value()).substr(0, 64));
    EXPECT_EQ(token.find_first_not_of("0123456789abcdef"), std::string::npos);
    EXPECT_NE(posix_disk().read_file(file, 1000).value(),
              posix_disk().read_file(directory / "metrics.token", 1000).value());
    auto again = open();
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(answer(*again, {{"Host", "127.0.0.1:6980"}, {"Authorization", "Bearer " + token}}),
              200);

    ::chmod(file.c_str(), 0644);
    EXPECT_EQ(open().error().kind, ErrorKind::Refused);
    ASSERT_TRUE(posix_disk().write_file_durably(file, as_bytes("short\n")).ok());
    ::chmod(file.c_str(), 0600);
    EXPECT_EQ(open().error().kind, ErrorKind::Invalid);
    ASSERT_TRUE(posix_disk().remove(file).ok());
    ::chmod((directory / "metrics.token").c_str(), 0640);
    EXPECT_EQ(open().error().kind, ErrorKind::Refused);
}

}  // namespace
}  // namespace lockstep
