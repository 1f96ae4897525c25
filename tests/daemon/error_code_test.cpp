#include "daemon/api/error_code.h"

#include <set>

#include <gtest/gtest.h>

#include "daemon/api/json_codec.h"

namespace lockstep::api {
namespace {

// Loop is the last kind.
std::vector<ErrorKind> all_kinds() {
    std::vector<ErrorKind> kinds;
    for (int i = 0; i <= static_cast<int>(ErrorKind::Loop); ++i) {
        kinds.push_back(static_cast<ErrorKind>(i));
    }
    return kinds;
}

TEST(ErrorCodeTest, EveryKindHasACodeOfItsOwnThatLeadsBack) {
    std::set<std::string_view> codes;
    for (ErrorKind kind : all_kinds()) {
        EXPECT_TRUE(codes.insert(error_code(kind)).second) << error_code(kind);
        EXPECT_EQ(error_kind(error_code(kind)), kind) << error_code(kind);
    }
}

TEST(ErrorCodeTest, EveryKindHasAFailingStatusAndExitCode) {
    for (ErrorKind kind : all_kinds()) {
        EXPECT_GE(http_status(kind), 400) << error_code(kind);
        EXPECT_LT(http_status(kind), 600) << error_code(kind);
        EXPECT_NE(exit_code(kind), ExitCode::Ok) << error_code(kind);
    }
}

TEST(ErrorCodeTest, ExitCodesAreTheContract) {
    EXPECT_EQ(static_cast<int>(exit_code(ErrorKind::Io)), 1);
    EXPECT_EQ(static_cast<int>(exit_code(ErrorKind::Invalid)), 2);
    EXPECT_EQ(static_cast<int>(exit_code(ErrorKind::NotFound)), 10);
    EXPECT_EQ(static_cast<int>(exit_code(ErrorKind::Locked)), 11);
    EXPECT_EQ(static_cast<int>(exit_code(ErrorKind::Busy)), 11);
    EXPECT_EQ(static_cast<int>(exit_code(ErrorKind::WrongKey)), 12);
    EXPECT_EQ(static_cast<int>(exit_code(ErrorKind::Unsupported)), 13);
    EXPECT_EQ(static_cast<int>(exit_code(ErrorKind::Timeout)), 15);
    EXPECT_EQ(static_cast<int>(exit_code(ErrorKind::Cancelled)), 130);
}

TEST(ErrorCodeTest, AnErrorBodyLeadsBackToTheError) {
    const std::string body = encode_error({"wrong_key", "no", "r1", "/v1/x", "now"});
    Error error = decode_error(403, body);
    EXPECT_EQ(error.kind, ErrorKind::WrongKey);
    EXPECT_EQ(error.message, "no");
}

TEST(ErrorCodeTest, AnUnknownCodeOrNoBodyIsAnIoError) {
    EXPECT_EQ(decode_error(400, R"({"error":{"code":"from_the_future","message":"m"}})").kind,
              ErrorKind::Io);
    for (const char* body : {"", "<html>", "[]", "{}", R"({"error":1})"}) {
        EXPECT_EQ(decode_error(500, body).kind, ErrorKind::Io) << body;
    }
    EXPECT_EQ(error_kind("nonsense"), std::nullopt);
}

}  // namespace
}  // namespace lockstep::api
