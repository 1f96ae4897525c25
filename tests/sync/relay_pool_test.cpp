// Which relay is used for what: strategies, circuits, and where swarms go when relays come and go.
#include "sync/relay_pool.h"

#include <map>

#include <gtest/gtest.h>
#include <sodium.h>

#include "tests/support/seeded_random.h"

namespace lockstep {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Circuit = RelayState::Circuit;
using Places = std::vector<std::string>;

std::string url(int number) {
    return "https://relay" + std::to_string(number) + ".example:6970";
}
std::string announce(int number) {
    return url(number) + "/announce";
}

RelayPool::SwarmHash swarm(std::uint32_t number) {
    RelayPool::SwarmHash out{};
    std::memcpy(out.data(), &number, sizeof(number));
    return out;
}

class RelayPoolTest : public testing::Test {
  protected:
    RelayPoolTest() { CHECK(sodium_init() >= 0); }
    void use(RelayStrategy strategy, int relays) {
        pool.set_strategy(strategy);
        entries.clear();
        for (int i = 1; i <= relays; ++i) entries.push_back({.url = url(i)});
        pool.set_relays(entries);
    }
    Places all() const {
        Places out;
        for (std::size_t i = 1; i <= entries.size(); ++i)
            out.push_back(announce(static_cast<int>(i)));
        return out;
    }
    std::string first() { return pool.in_order(all(), swarm(1)).front(); }
    RelayState state(int number) const {
        return pool.states(now)[static_cast<std::size_t>(number - 1)];
    }
    void break_down(int number) {
        for (int i = 0; i < 3; ++i) (void)pool.on_failure(announce(number), now, "no answer");
    }
    bool is_due(int number) {
        Places due = pool.due_probes(now, in_use);
        return std::count(due.begin(), due.end(), announce(number)) != 0;
    }

    SeededRandom random{1};
    RelayPool pool{random};
    std::vector<RelayEntry> entries;
    RelayPool::Time now{std::chrono::hours(1)};
    std::set<std::string> in_use{announce(1), announce(2), announce(3)};
};

TEST_F(RelayPoolTest, FailoverTakesTheFirstOfTheListThatIsWellAndGoesBackToIt) {
    use(RelayStrategy::Failover, 3);
    EXPECT_EQ(pool.in_order(all(), swarm(1)), all());
    break_down(1);
    EXPECT_EQ(pool.in_order(all(), swarm(1)), (Places{announce(2), announce(3), announce(1)}));
    EXPECT_TRUE(pool.on_answer(announce(1), now, milliseconds(5)));
    EXPECT_EQ(first(), announce(1));
    EXPECT_EQ(pool.in_order({announce(3), announce(2)}, swarm(1)),
              (Places{announce(2), announce(3)}))
        << "only relays at which the other is";
}

TEST_F(RelayPoolTest, RoundRobinGivesEachItsTurnAndSkipsWhoIsDown) {
    use(RelayStrategy::RoundRobin, 3);
    Places firsts;
    for (int i = 0; i < 6; ++i) firsts.push_back(first());
    EXPECT_EQ(firsts, (Places{announce(1), announce(2), announce(3), announce(1), announce(2),
                              announce(3)}));
    break_down(2);
    for (int i = 0; i < 6; ++i) EXPECT_NE(first(), announce(2));
}

TEST_F(RelayPoolTest, WeightsShareOutAndZeroGetsLittle) {
    use(RelayStrategy::Weighted, 3);
    entries[0].weight = 6;
    entries[1].weight = 2;
    entries[2].weight = 0;
    pool.set_relays(entries);
    std::map<std::string, int> taken;
    for (int i = 0; i < 8000; ++i) ++taken[first()];
    EXPECT_NEAR(taken[announce(1)], 5926, 300);
    EXPECT_NEAR(taken[announce(2)], 1975, 300);
    EXPECT_NEAR(taken[announce(3)], 99, 60);
}

TEST_F(RelayPoolTest, LeastLatencyTakesTheFastestAndOneSlowAnswerChangesLittle) {
    use(RelayStrategy::LeastLatency, 3);
    (void)pool.on_answer(announce(1), now, milliseconds(40));
    (void)pool.on_answer(announce(3), now, milliseconds(20));
    EXPECT_EQ(pool.in_order(all(), swarm(1)), (Places{announce(3), announce(1), announce(2)}));
    (void)pool.on_answer(announce(3), now, milliseconds(60));
    EXPECT_EQ(first(), announce(3));
    for (int i = 0; i < 4; ++i) (void)pool.on_answer(announce(3), now, milliseconds(60));
    EXPECT_EQ(first(), announce(1));
}

TEST_F(RelayPoolTest, AllButHashMeetAtEveryRelay) {
    for (auto strategy : {RelayStrategy::Failover, RelayStrategy::RoundRobin,
                          RelayStrategy::Weighted, RelayStrategy::LeastLatency}) {
        use(strategy, 3);
        EXPECT_EQ(pool.places_of(swarm(1)), all());
    }
    use(RelayStrategy::Hash, 3);
    EXPECT_EQ(pool.places_of(swarm(1)).size(), 2U);
}

TEST_F(RelayPoolTest, HashSpreadsSwarmsByWeightAndAllDevicesAgree) {
    use(RelayStrategy::Hash, 5);
    entries[4].weight = 2;
    pool.set_relays(entries);
    SeededRandom other_random{2};
    RelayPool other{other_random};
    other.set_strategy(RelayStrategy::Hash);
    std::reverse(entries.begin(), entries.end());
    other.set_relays(entries);
    std::map<std::string, int> firsts;
    for (std::uint32_t i = 0; i < 6000; ++i) {
        EXPECT_EQ(pool.places_of(swarm(i)), other.places_of(swarm(i)));
        ++firsts[pool.places_of(swarm(i)).front()];
    }
    for (int i = 1; i <= 4; ++i) EXPECT_NEAR(firsts[announce(i)], 1000, 150);
    EXPECT_NEAR(firsts[announce(5)], 2000, 200);
}

TEST_F(RelayPoolTest, DevicesThatDisagreeAboutOneRelayStillMeet) {
    use(RelayStrategy::Hash, 5);
    std::vector<Places> before;
    for (std::uint32_t i = 0; i < 1000; ++i) before.push_back(pool.places_of(swarm(i)));
    break_down(2);
    for (std::uint32_t i = 0; i < 1000; ++i) {
        Places now_at = pool.places_of(swarm(i));
        bool meets = std::any_of(now_at.begin(), now_at.end(), [&](const std::string& place) {
            return std::count(before[i].begin(), before[i].end(), place) != 0;
        });
        EXPECT_TRUE(meets) << i;
    }
}

TEST_F(RelayPoolTest, HigherPriorityNumbersAreReserve) {
    for (auto strategy :
         {RelayStrategy::Failover, RelayStrategy::RoundRobin, RelayStrategy::Weighted,
          RelayStrategy::LeastLatency, RelayStrategy::Hash}) {
        use(strategy, 3);
        entries[0].priority = 10;
        pool.set_relays(entries);
        for (int i = 1; i <= 3; ++i) (void)pool.on_answer(announce(i), now, milliseconds(i));
        for (int i = 0; i < 10; ++i) EXPECT_NE(first(), announce(1));
        break_down(2);
        break_down(3);
        EXPECT_EQ(first(), announce(1));
    }
}

TEST_F(RelayPoolTest, ThreeFailuresInARowOpenTheCircuitAndNobodyAsksWhileItIsOpen) {
    use(RelayStrategy::Failover, 1);
    (void)is_due(1);
    EXPECT_FALSE(pool.on_failure(announce(1), now, "a"));
    EXPECT_FALSE(pool.on_failure(announce(1), now, "b"));
    EXPECT_FALSE(pool.on_answer(announce(1), now, milliseconds(1)));
    EXPECT_EQ(state(1).failures, 0U);
    for (const char* why : {"a", "b"}) EXPECT_FALSE(pool.on_failure(announce(1), now, why));
    EXPECT_TRUE(pool.is_usable(announce(1)));
    EXPECT_TRUE(pool.on_failure(announce(1), now, "c"));
    EXPECT_FALSE(pool.is_usable(announce(1)));
    EXPECT_EQ(state(1).circuit, Circuit::Down);
    EXPECT_EQ(state(1).problem, "c");
    EXPECT_GT(state(1).retry_in, milliseconds(3000));
    EXPECT_FALSE(is_due(1));
    // What was asked before then says nothing new.
    EXPECT_FALSE(pool.on_failure(announce(1), now, "late"));
    EXPECT_EQ(state(1).failures, 3U);
}

TEST_F(RelayPoolTest, AHalfOpenCircuitSendsOneProbeWhichClosesOrOpensIt) {
    use(RelayStrategy::Failover, 1);
    (void)is_due(1);
    break_down(1);
    now += seconds(7);
    EXPECT_TRUE(is_due(1));
    EXPECT_EQ(state(1).circuit, Circuit::Trying);
    EXPECT_FALSE(pool.is_usable(announce(1)));
    EXPECT_FALSE(is_due(1)) << "one probe at a time";
    EXPECT_FALSE(pool.on_failure(announce(1), now, "still down"));
    EXPECT_EQ(state(1).circuit, Circuit::Down);
    now += state(1).retry_in;
    EXPECT_TRUE(is_due(1));
    EXPECT_TRUE(pool.on_answer(announce(1), now, milliseconds(1)));
    EXPECT_EQ(state(1).circuit, Circuit::Up);
    EXPECT_TRUE(pool.is_usable(announce(1)));
}

TEST_F(RelayPoolTest, BackOffDoublesWithJitterUpToFiveMinutes) {
    use(RelayStrategy::Failover, 1);
    (void)is_due(1);
    break_down(1);
    std::vector<std::int64_t> waits;
    for (int i = 0; i < 12; ++i) {
        waits.push_back(state(1).retry_in.count());
        now += state(1).retry_in;
        ASSERT_TRUE(is_due(1));
        (void)pool.on_failure(announce(1), now, "down");
    }
    for (std::size_t i = 0; i < waits.size(); ++i) {
        double middle = std::min(300'000.0, 5000.0 * (1 << std::min<std::size_t>(i, 8)));
        EXPECT_GE(static_cast<double>(waits[i]), middle * 0.74) << i;
        EXPECT_LE(static_cast<double>(waits[i]), middle * 1.26) << i;
    }
    EXPECT_NE(waits[10] / 100, waits[11] / 100) << "jitter";
}

TEST_F(RelayPoolTest, WhoIsWellIsCheckedEveryMinuteAndSoonerAfterAFailure) {
    use(RelayStrategy::Failover, 1);
    EXPECT_TRUE(is_due(1));
    (void)pool.on_answer(announce(1), now, milliseconds(1));
    now += seconds(40);
    EXPECT_FALSE(is_due(1));
    now += seconds(40);
    EXPECT_TRUE(is_due(1));
    (void)pool.on_failure(announce(1), now, "once");
    now += seconds(2);
    EXPECT_TRUE(is_due(1));
    (void)pool.on_answer(announce(1), now, milliseconds(1));
    EXPECT_FALSE(is_due(1));
    pool.check_soon(announce(1), now);
    EXPECT_TRUE(is_due(1));
}

TEST_F(RelayPoolTest, WhoServesNoSwarmIsAskedOnlyWhetherItIsBack) {
    use(RelayStrategy::Hash, 2);
    in_use = {announce(1)};
    EXPECT_FALSE(is_due(2));
    break_down(2);
    now += seconds(7);
    EXPECT_TRUE(is_due(2));
}

TEST_F(RelayPoolTest, WhatIsKnownOfARelayThatStaysIsKept) {
    use(RelayStrategy::Failover, 2);
    break_down(2);
    entries = {{.url = url(3)}, {.url = url(2), .weight = 5}};
    pool.set_relays(entries);
    EXPECT_EQ(state(1).circuit, Circuit::Unknown);
    EXPECT_EQ(state(2).circuit, Circuit::Down);
    EXPECT_EQ(state(2).weight, 5U);
    EXPECT_TRUE(pool.is_usable(announce(1))) << "unknown now";
}

}  // namespace
}  // namespace lockstep
