#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "vault/limits.h"
#include "vault/log/hybrid_clock.h"

namespace lockstep {
namespace {

using namespace std::chrono_literals;

struct HybridClockTest : testing::Test {
    FakeClock wall;
    HybridClock clock{wall, LogId{}};
    std::uint64_t now() { return static_cast<std::uint64_t>(wall.wall_ms()) << 16; }
};

TEST_F(HybridClockTest, StampsFollowTheWallClock) {
    EXPECT_EQ(clock.tick().time, now());
    wall.advance(5ms);
    EXPECT_EQ(clock.tick().time, now());
    EXPECT_EQ(clock.tick().wall_ms(), wall.wall_ms());
}

TEST_F(HybridClockTest, StampsOfOneMillisecondDiffer) {
    Stamp first = clock.tick();
    EXPECT_EQ(clock.tick().time, first.time + 1);
}

TEST_F(HybridClockTest, NeverGoesBackWhenTheWallClockDoes) {
    Stamp before = clock.tick();
    wall.jump_wall(-1h);
    EXPECT_EQ(clock.tick().time, before.time + 1);
}

TEST_F(HybridClockTest, AFullCounterBorrowsFromTheNextMillisecond) {
    Stamp first = clock.tick();
    Stamp last;
    for (int i = 0; i < 0x10000; ++i) last = clock.tick();
    EXPECT_EQ(last.wall_ms(), first.wall_ms() + 1);
    EXPECT_EQ(last.time & 0xffff, 0U);
}

TEST_F(HybridClockTest, AStampObservedIsPassed) {
    Stamp seen{now() + (1000ULL << 16) + 7, LogId{}};
    EXPECT_EQ(clock.observe(seen), HybridClock::Observed::Accepted);
    EXPECT_EQ(clock.tick().time, seen.time + 1);
}

TEST_F(HybridClockTest, AnOldStampObservedChangesNothing) {
    Stamp before = clock.tick();
    EXPECT_EQ(clock.observe({5, LogId{}}), HybridClock::Observed::Accepted);
    EXPECT_EQ(clock.tick().time, before.time + 1);
}

TEST_F(HybridClockTest, AStampOneDayAheadIsTakenAndOneMillisecondMoreIsNot) {
    std::uint64_t day = static_cast<std::uint64_t>(kClockSkewMaxMs) << 16;
    Stamp too_far{now() + day + 0x10000, LogId{}};
    EXPECT_EQ(clock.observe(too_far), HybridClock::Observed::TooFarAhead);
    EXPECT_TRUE(clock.is_too_far_ahead(too_far));
    EXPECT_EQ(clock.tick().time, now());
    Stamp at_limit{now() + day + 0xffff, LogId{}};
    EXPECT_EQ(clock.observe(at_limit), HybridClock::Observed::Accepted);
    EXPECT_EQ(clock.tick().time, at_limit.time + 1);
}

// A clock that was set back: what this device has done before is no future.
TEST_F(HybridClockTest, WhatHistoryVouchesForIsNotTooFarAhead) {
    const std::uint64_t day = static_cast<std::uint64_t>(kClockSkewMaxMs) << 16;
    const std::uint64_t end = now() + 10 * day;
    const Stamp in_history{end, LogId{}}, a_day_later{end + day, LogId{}},
        too_far{end + day + 0x10000, LogId{}};
    EXPECT_TRUE(clock.is_too_far_ahead(in_history));
    clock.trust_until(end);
    EXPECT_FALSE(clock.is_too_far_ahead(in_history));
    EXPECT_FALSE(clock.is_too_far_ahead(a_day_later));
    EXPECT_TRUE(clock.is_too_far_ahead(too_far));
    EXPECT_EQ(clock.tick().time, end + 1) << "what comes now is behind it";
    clock.trust_until(0);
    EXPECT_TRUE(clock.is_too_far_ahead(in_history));
    EXPECT_EQ(clock.tick().time, end + 2);
}

TEST_F(HybridClockTest, AWallClockBefore1970StandsAtZero) {
    wall.set_wall_ns(-5'000'000'000);
    EXPECT_EQ(clock.tick().time, 1U);
}

TEST_F(HybridClockTest, ANewIncarnationStampsItsOwnLog) {
    LogId log;
    log.bytes[0] = std::byte{9};
    clock.set_log(log);
    EXPECT_EQ(clock.tick().log, log);
}

}  // namespace
}  // namespace lockstep
