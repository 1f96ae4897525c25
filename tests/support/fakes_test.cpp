#include <fstream>

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/support/seeded_random.h"
#include "tests/support/temp_dir.h"

namespace lockstep {
namespace {

TEST(FakeClockTest, StandsStillUntilTurned) {
    FakeClock clock;
    auto wall = clock.wall_ns();
    auto steady = clock.steady();
    EXPECT_EQ(clock.wall_ns(), wall);
    clock.advance(std::chrono::seconds(2));
    EXPECT_EQ(clock.wall_ns() - wall, 2'000'000'000);
    EXPECT_EQ(clock.steady() - steady, std::chrono::seconds(2));
}

TEST(FakeClockTest, WallJumpsLeaveSteadyTimeAlone) {
    FakeClock clock;
    auto steady = clock.steady();
    clock.jump_wall(-std::chrono::hours(5));
    EXPECT_EQ(clock.steady(), steady);
    EXPECT_LT(clock.wall_ns(), FakeClock::kStartNs);
}

TEST(SeededRandomTest, TheSameSeedGivesTheSameBytes) {
    SeededRandom a(7), b(7), c(8);
    Bytes first = a.bytes(100);
    EXPECT_EQ(first, b.bytes(100));
    EXPECT_NE(first, c.bytes(100));
}

TEST(SeededRandomTest, BelowStaysBelow) {
    SeededRandom random(1);
    bool seen[3] = {};
    for (int i = 0; i < 200; ++i) {
        auto value = random.below(3);
        ASSERT_LT(value, 3U);
        seen[value] = true;
    }
    EXPECT_TRUE(seen[0] && seen[1] && seen[2]);
}

TEST(TempDirTest, IsPrivateAndGoesAway) {
    std::filesystem::path path;
    {
        TempDir dir;
        path = dir.path();
        std::ofstream(dir / "file") << "x";
        EXPECT_TRUE(std::filesystem::exists(dir / "file"));
        EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms::owner_all);
    }
    EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace lockstep
