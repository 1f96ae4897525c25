// The simulation over the seeds of every build, in shares so that they run side by side; that it
// meets every fault and every row of the merge table; and that a seed says what happens.
#include <gtest/gtest.h>

#include "base/log.h"
#include "tests/sim/merge_table.h"
#include "tests/sim/simulated_world.h"

namespace lockstep::sim {
namespace {

constexpr std::uint64_t kShares = 10, kSeedsPerShare = 30;

// What once went wrong, by seed; a bug's smallest test lies beside the code that was wrong. These
// are from before members were removed and packs collected in the simulation.
constexpr std::uint64_t kRegressionSeeds[] = {86,   139,  287,   584,   666,   1097,  2119,
                                              2218, 2628, 10010, 10263, 10635, 10969, 44956};
// And these from since; all from before logs were compacted in it.
constexpr std::uint64_t kRegressionSeedsOfMembers[] = {
    11,   18,   27,   118,  125,   198,   1119,  1243,  1429,  1434,
    1471, 2037, 2081, 2088, 20238, 20279, 20648, 21033, 21080, 30769};

// With compaction.
constexpr std::uint64_t kRegressionSeedsOfCompaction[] = {5510, 40532};

// With everything.
constexpr std::uint64_t kRegressionSeedsOfAll[] = {202439, 300232};

class VaultSimulation : public ::testing::TestWithParam<std::uint64_t> {
  protected:
    void SetUp() override { set_log_level(LogLevel::Error); }
};

std::string run(const SimulationOptions& options, Counters* counters = nullptr) {
    SimulatedWorld world(options);
    std::string wrong = world.run();
    if (counters != nullptr)
        for (const auto& [name, count] : world.counters()) (*counters)[name] += count;
    return wrong;
}
std::string run(std::uint64_t seed, Counters* counters = nullptr) {
    return run(SimulationOptions::of_seed(seed), counters);
}

TEST_P(VaultSimulation, AllDevicesAreEqualInTheEndAndNothingIsLost) {
    for (std::uint64_t seed = GetParam(); seed < GetParam() + kSeedsPerShare; ++seed)
        ASSERT_EQ("", run(seed)) << "replay: ./dev sim --seed " << seed;
}

std::vector<std::uint64_t> first_seeds() {
    std::vector<std::uint64_t> out;
    for (std::uint64_t share = 0; share < kShares; ++share)
        out.push_back(1000 + share * kSeedsPerShare);
    return out;
}

INSTANTIATE_TEST_SUITE_P(Share, VaultSimulation, ::testing::ValuesIn(first_seeds()));

TEST(VaultSimulationTest, WhatOnceWentWrongDoesNotAgain) {
    set_log_level(LogLevel::Error);
    for (const std::uint64_t seed : kRegressionSeeds) {
        SimulationOptions options = SimulationOptions::of_seed(seed);
        options.with_membership = options.with_collections = options.with_compactions = false;
        options.with_old_directories = options.with_blind = false;
        EXPECT_EQ("", run(options))
            << "replay: ./dev sim --merging --no-compaction --seed " << seed;
    }
    for (const std::uint64_t seed : kRegressionSeedsOfMembers) {
        SimulationOptions options = SimulationOptions::of_seed(seed);
        options.with_compactions = options.with_old_directories = options.with_blind = false;
        EXPECT_EQ("", run(options)) << "replay: ./dev sim --no-compaction --seed " << seed;
    }
    for (const std::uint64_t seed : kRegressionSeedsOfCompaction) {
        SimulationOptions options = SimulationOptions::of_seed(seed);
        options.with_old_directories = options.with_blind = false;
        EXPECT_EQ("", run(options)) << "replay: ./dev sim --seed " << seed;
    }
    for (const std::uint64_t seed : kRegressionSeedsOfAll)
        EXPECT_EQ("", run(seed)) << "replay: ./dev sim --seed " << seed;
}

TEST(VaultSimulationTest, EveryFaultAndEveryRowOfTheMergeTableOccurs) {
    set_log_level(LogLevel::Error);
    std::vector<std::string> wanted = merge_rows();
    for (const char* what : {"fault: kill",
                             "fault: power cut",
                             "fault: power cut at a call",
                             "fault: EIO",
                             "fault: ENOSPC",
                             "fault: short write",
                             "fault: full disk",
                             "fault: bit rot",
                             "fault: clock jumps ahead",
                             "fault: clock jumps back",
                             "fault: rollback",
                             "fault: clone",
                             "fault: old directory with an alarm",
                             "fault: fork with an alarm",
                             "fault: rollback that nobody tells of",
                             "fork: looked for",
                             "network: lost",
                             "network: doubled",
                             "network: damaged",
                             "network: reordered",
                             "network: partition",
                             "relay: withheld",
                             "relay: replayed",
                             "relay: damaged",
                             "refused: segment",
                             "refused: key object",
                             "refused: pack",
                             "membership: revocation",
                             "membership: a log ends",
                             "membership: retirement",
                             "membership: retires itself",
                             "membership: may only read",
                             "membership: may write again",
                             "membership: a reader is refused",
                             "collection: packs condemned",
                             "collection: packs rewritten",
                             "collection: others consented",
                             "collection: complete",
                             "collection: pack deleted",
                             "versions read back",
                             "compaction",
                             "compaction: taken for what it stands for",
                             "compaction: taken beside what it stands for",
                             "compaction: another's files dropped",
                             "compaction: power cut",
                             "blind: holds everything and opens nothing",
                             "blind: hands on",
                             "time passes",
                             "join",
                             "lock",
                             "promises kept"})
        wanted.push_back(what);
    Counters counters;
    const auto missing = [&] {
        std::string out;
        for (const std::string& name : wanted)
            if (!counters.contains(name)) out += name + "\n";
        return out;
    };
    // Behind the shares' seeds some that hold what is rare.
    for (std::uint64_t seed = 1000; seed < 2180; ++seed) {
        if (seed == 1000 + kShares * kSeedsPerShare) seed = 2060;
        ASSERT_EQ("", run(seed, &counters)) << "replay: ./dev sim --seed " << seed;
        if (seed >= 1030 && missing().empty()) break;
    }
    EXPECT_EQ("", missing());
    for (const char* edit : {"write",          "large write",
                             "append",         "overwrite part",
                             "truncate",       "copy",
                             "rename over",    "rename no-replace",
                             "exchange",       "link",
                             "unlink",         "mkdir",
                             "rmdir",          "rm -r",
                             "symlink",        "set xattr",
                             "save by rename", "save with backup",
                             "fsync",          "write to open file",
                             "close"})
        EXPECT_GT(counters[std::string("edit: ") + edit], 0u) << edit;
}

// The same world with and without: every device has the same frontier, tree and index in the end.
TEST(VaultSimulationTest, CompactionChangesNothing) {
    set_log_level(LogLevel::Error);
    std::uint64_t compactions = 0;
    for (std::uint64_t seed = 3000; seed < 3010; ++seed) {
        SimulationOptions options = SimulationOptions::of_seed(seed);
        // Of a forked log more arrives at once when it lies in one file.
        options.is_calm = true;
        options.with_disk_faults = options.with_forks = false;
        std::vector<std::string> states[2];
        for (const bool compacts : {false, true}) {
            options.with_compactions = compacts;
            SimulatedWorld world(options);
            ASSERT_EQ("", world.run()) << "replay: ./dev sim --twice --first " << seed;
            states[compacts] = world.states();
            if (compacts && world.counters().contains("compaction"))
                compactions += world.counters().at("compaction");
        }
        EXPECT_EQ(states[0], states[1]) << "replay: ./dev sim --twice --first " << seed;
    }
    EXPECT_GT(compactions, 20u);
}

TEST(VaultSimulationTest, TheSameSeedGivesTheSameTrace) {
    set_log_level(LogLevel::Error);
    for (const std::uint64_t seed : {7u, 23u}) {
        SimulatedWorld one(SimulationOptions::of_seed(seed)), two(SimulationOptions::of_seed(seed));
        ASSERT_EQ(one.run(), two.run());
        EXPECT_EQ(one.trace(), two.trace());
        EXPECT_EQ(one.counters(), two.counters());
    }
}

}  // namespace
}  // namespace lockstep::sim
