#include "base/result.h"

#include <memory>

#include <gtest/gtest.h>

namespace lockstep {
namespace {

Result<int> half(int value) {
    if (value % 2 != 0) return Error{ErrorKind::Invalid, "odd"};
    return value / 2;
}

Result<int> quarter(int value) {
    TRY(int once, half(value));
    TRY(int twice, half(once));
    return twice;
}

Status check_even(int value) {
    TRY_OK(half(value).ok() ? Status() : Status(Error{ErrorKind::Invalid, "odd"}));
    return {};
}

TEST(ResultTest, TryPassesValuesAndErrors) {
    EXPECT_EQ(*quarter(8), 2);
    EXPECT_EQ(quarter(6).error().message, "odd");
    EXPECT_TRUE(check_even(2).ok());
    EXPECT_EQ(check_even(3).error().kind, ErrorKind::Invalid);
}

TEST(ResultTest, ContextIsAddedInFront) {
    Error error = Error{ErrorKind::Io, "unexpected end"}.in("read header").in("open vault");
    EXPECT_EQ(error.message, "open vault: read header: unexpected end");
    EXPECT_EQ(error.kind, ErrorKind::Io);
}

TEST(ResultTest, HoldsMoveOnlyValues) {
    Result<std::unique_ptr<int>> result = std::make_unique<int>(5);
    std::unique_ptr<int> taken = std::move(result).value();
    EXPECT_EQ(*taken, 5);
}

TEST(ResultTest, ValueOrKeepsTheValue) {
    EXPECT_EQ(half(4).value_or(7), 2);
    EXPECT_EQ(half(5).value_or(7), 7);
}

TEST(ResultDeathTest, TheWrongSideIsABugOfOurs) {
    EXPECT_DEATH((void)half(5).value(), "odd");
    EXPECT_DEATH((void)half(4).error(), "result.h");
}

}  // namespace
}  // namespace lockstep
