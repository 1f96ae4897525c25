// Who comes in to the control API over TCP: who names this server, comes from no foreign page, and
// shows the token.
#include "daemon/api_access.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/temp_dir.h"

namespace lockstep {
namespace {

const std::string kToken(64, 'a');

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
    const ApiAccess access(kToken, {"127.0.0.1", 6980});
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
    const ApiAccess access(kToken, {"127.0.0.1", 6980});
    const HttpField token{"Authorization", "Bearer " + kToken};
    for (const char* host : {"evil.example", "evil.example:6980", "127.0.0.1", "127.0.0.1:80",
                             "localhost", "", "127.0.0.1:6980.evil.example", "[::1]:6980"})
        EXPECT_EQ(answer(access, {{"Host", host}, token}), 403) << host;
    EXPECT_EQ(answer(access, {token}), 403);
    EXPECT_EQ(answer(access, {{"Host", "127.0.0.1:6980"}, {"host", "evil.example"}, token}), 403);
    for (const char* host : {"127.0.0.1:6980", "localhost:6980", "LocalHost:6980"})
        EXPECT_EQ(answer(access, {{"Host", host}, token}), 200) << host;
    const ApiAccess six(kToken, {"::1", 6980});
    EXPECT_EQ(answer(six, {{"Host", "[::1]:6980"}, token}), 200);
}

TEST(ApiAccessTest, AForeignPageIsRefused) {
    const ApiAccess access(kToken, {"127.0.0.1", 6980});
    const HttpField host{"Host", "127.0.0.1:6980"}, token{"Authorization", "Bearer " + kToken};
    for (const char* origin : {"http://evil.example", "https://127.0.0.1:6980", "null", "",
                               "http://127.0.0.1:6981", "http://127.0.0.1"})
        EXPECT_EQ(answer(access, {host, {"Origin", origin}, token}), 403) << origin;
    EXPECT_EQ(answer(access, {host, {"Origin", "http://127.0.0.1:6980"}, token}), 200);
}

TEST(ApiAccessTest, TheTokenIsMadeOnceAndTheUsersAlone) {
    TempDir directory;
    const auto file = directory / "api.token";
    auto first = ApiAccess::open(posix_disk(), file, {"127.0.0.1", 6980}, system_random());
    ASSERT_TRUE(first.ok()) << first.error().message;
    struct stat status {};
    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    const std::string token(as_text(posix_disk().read_file(file, 1000).value()).substr(0, 64));
    EXPECT_EQ(token.find_first_not_of("0123456789abcdef"), std::string::npos);
    auto again = ApiAccess::open(posix_disk(), file, {"127.0.0.1", 6980}, system_random());
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(answer(*again, {{"Host", "127.0.0.1:6980"}, {"Authorization", "Bearer " + token}}),
              200);

    ::chmod(file.c_str(), 0644);
    auto open = ApiAccess::open(posix_disk(), file, {"127.0.0.1", 6980}, system_random());
    EXPECT_EQ(open.error().kind, ErrorKind::Refused);
    ASSERT_TRUE(posix_disk().write_file_durably(file, as_bytes("short\n")).ok());
    ::chmod(file.c_str(), 0600);
    auto weak = ApiAccess::open(posix_disk(), file, {"127.0.0.1", 6980}, system_random());
    EXPECT_EQ(weak.error().kind, ErrorKind::Invalid);
}

}  // namespace
}  // namespace lockstep
