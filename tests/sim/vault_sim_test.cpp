#include <gtest/gtest.h>

#include "tests/sim/simulated_world.h"

namespace lockstep {
namespace {

TEST(VaultSimulation, TwoDevicesConvergeAndLoseNothingUnderPartitionsAndCrashes) {
    SimulationCounts total;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        SimulatedWorld world(seed, 2);
        ASSERT_EQ("", world.run(120)) << "seed " << seed;
        total.crashes += world.counts().crashes;
        total.kills += world.counts().kills;
        total.conflicts += world.counts().conflicts;
    }
    EXPECT_GT(total.crashes, 0u);
    EXPECT_GT(total.kills, 0u);
    EXPECT_GT(total.conflicts, 0u);
}

TEST(VaultSimulation, ThreeDevicesConverge) {
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        SimulatedWorld world(seed, 3);
        ASSERT_EQ("", world.run(150)) << "seed " << seed;
    }
}

TEST(VaultSimulation, TheSameSeedGivesTheSameTrace) {
    SimulatedWorld one(7, 2), two(7, 2);
    ASSERT_EQ(one.run(100), two.run(100));
    EXPECT_EQ(one.trace(), two.trace());
}

}  // namespace
}  // namespace lockstep
