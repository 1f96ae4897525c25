#include "daemon/idle_timer.h"

#include <gtest/gtest.h>

namespace lockstep {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

TEST(IdleTimerTest, IsDueWhenNothingWasUsedForTheTime) {
    IdleTimer timer;
    EXPECT_FALSE(timer.is_due(7, minutes(15), seconds(100)));
    EXPECT_FALSE(timer.is_due(7, minutes(15), seconds(999)));
    EXPECT_TRUE(timer.is_due(7, minutes(15), seconds(1000)));
}

TEST(IdleTimerTest, AUseBeginsTheTimeAnew) {
    IdleTimer timer;
    EXPECT_FALSE(timer.is_due(7, minutes(15), seconds(0)));
    EXPECT_FALSE(timer.is_due(8, minutes(15), seconds(899)));
    EXPECT_FALSE(timer.is_due(8, minutes(15), seconds(1798)));
    EXPECT_TRUE(timer.is_due(8, minutes(15), seconds(1799)));
}

TEST(IdleTimerTest, AsksAgainAfterSomeSecondsWhenItCouldNotBe) {
    IdleTimer timer;
    timer.is_due(7, minutes(15), seconds(0));
    EXPECT_TRUE(timer.is_due(7, minutes(15), seconds(900)));
    EXPECT_FALSE(timer.is_due(7, minutes(15), seconds(914)));
    EXPECT_TRUE(timer.is_due(7, minutes(15), seconds(915)));
    EXPECT_FALSE(timer.is_due(8, minutes(15), seconds(930)));
}

TEST(IdleTimerTest, RestartsWithEveryUnlock) {
    IdleTimer timer;
    timer.is_due(7, minutes(15), seconds(0));
    timer.restart();
    EXPECT_FALSE(timer.is_due(7, minutes(15), seconds(3600)));
    EXPECT_TRUE(timer.is_due(7, minutes(15), seconds(4500)));
}

}  // namespace
}  // namespace lockstep
