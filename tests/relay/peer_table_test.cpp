#include "relay/peer_table.h"

#include <set>

#include <gtest/gtest.h>

#include "tests/relay/announce_samples.h"
#include "tests/support/fake_clock.h"
#include "tests/support/seeded_random.h"

namespace lockstep {
namespace {

using namespace std::chrono_literals;

class PeerTableTest : public testing::Test {
  protected:
    // Peer `number` announces from its own address.
    PeerTable::Announced announce(std::uint16_t number, std::uint8_t hash = 1,
                                  AnnounceEvent event = AnnounceEvent::None) {
        AnnounceRequest request = announce_of(number, hash);
        request.event = event;
        return table.announce(request, endpoint_number(number)).value();
    }

    FakeClock clock;
    SeededRandom random{1};
    PeerTable table{clock, random, 600s};
};

TEST_F(PeerTableTest, PeersLearnOfEachOtherButNotOfThemselves) {
    EXPECT_TRUE(announce(1).peers.empty());
    EXPECT_EQ(announce(2).peers, std::vector{endpoint_number(1)});
    EXPECT_EQ(announce(1).peers, std::vector{endpoint_number(2)});
    EXPECT_EQ(table.peer_count(), 2U);
}

TEST_F(PeerTableTest, SwarmsAreApart) {
    announce(1, 1);
    EXPECT_TRUE(announce(2, 2).peers.empty());
    EXPECT_EQ(table.swarm_count(), 2U);
}

TEST_F(PeerTableTest, BothAddressFamiliesShareASwarmAndAPeersOtherAddressIsNotOffered) {
    ASSERT_TRUE(table.announce(announce_of(1), endpoint_v6(1)).ok());
    EXPECT_TRUE(announce(1).peers.empty());
    EXPECT_EQ(announce(2).peers.size(), 2U);
}

TEST_F(PeerTableTest, CompletePeersAreToldOfEachOther) {
    AnnounceRequest request = announce_of(1);
    request.left = 0;
    ASSERT_TRUE(table.announce(request, endpoint_number(1)).ok());
    request = announce_of(2);
    request.left = 0;
    auto announced = table.announce(request, endpoint_number(2)).value();
    EXPECT_EQ(announced.peers.size(), 1U);
    EXPECT_EQ(announced.complete, 2U);
    EXPECT_EQ(announced.incomplete, 0U);
}

TEST_F(PeerTableTest, AStoppedPeerIsForgottenAtOnce) {
    announce(1);
    announce(2);
    EXPECT_TRUE(announce(1, 1, AnnounceEvent::Stopped).peers.empty());
    EXPECT_TRUE(announce(2).peers.empty());
    announce(2, 1, AnnounceEvent::Stopped);
    EXPECT_EQ(table.swarm_count(), 0U);
    EXPECT_EQ(table.peer_count(), 0U);
}

TEST_F(PeerTableTest, StoppingInAnUnknownSwarmMakesNone) {
    announce(1, 1, AnnounceEvent::Stopped);
    EXPECT_EQ(table.swarm_count(), 0U);
}

TEST_F(PeerTableTest, NobodyStopsOrReplacesAnother) {
    announce(1);
    AnnounceRequest forged = announce_of(1);
    forged.event = AnnounceEvent::Stopped;
    ASSERT_TRUE(table.announce(forged, endpoint_number(66)).ok());
    EXPECT_EQ(announce(2).peers, std::vector{endpoint_number(1)});
    forged.event = AnnounceEvent::None;
    ASSERT_TRUE(table.announce(forged, endpoint_number(66)).ok());
    EXPECT_EQ(announce(2).peers.size(), 2U);
}

TEST_F(PeerTableTest, PeersExpireAtTheirLifetime) {
    announce(1);
    clock.advance(599s);
    EXPECT_EQ(announce(2).peers.size(), 1U);
    clock.advance(1s);
    EXPECT_TRUE(announce(2).peers.empty());
    EXPECT_EQ(table.peer_count(), 1U);
}

TEST_F(PeerTableTest, AnnouncingRenews) {
    announce(1);
    for (int i = 0; i < 5; ++i) {
        clock.advance(400s);
        announce(1);
    }
    EXPECT_EQ(announce(2).peers.size(), 1U);
}

TEST_F(PeerTableTest, TheWallClockMayJump) {
    announce(1);
    clock.jump_wall(1000h);
    EXPECT_EQ(announce(2).peers.size(), 1U);
    clock.jump_wall(-5000h);
    EXPECT_EQ(announce(3).peers.size(), 2U);
}

TEST_F(PeerTableTest, SwarmsNobodyAsksForAreSweptByOthersAnnounces) {
    for (std::uint8_t hash = 1; hash < 200; ++hash) announce(1, hash);
    EXPECT_EQ(table.swarm_count(), 199U);
    clock.advance(600s);
    for (int i = 0; i < 60; ++i) {
        announce(2, 255);
        clock.advance(10ms);
    }
    EXPECT_EQ(table.swarm_count(), 1U);
    EXPECT_EQ(table.peer_count(), 1U);
}

TEST_F(PeerTableTest, NumwantIsHonouredUpToTheLimit) {
    for (std::uint16_t i = 0; i < 300; ++i) announce(i);
    AnnounceRequest request = announce_of(1000);
    for (auto [wanted, expected] :
         {std::pair{0U, 0U}, {1U, 1U}, {200U, 200U}, {201U, 200U}, {4'000'000'000U, 200U}}) {
        request.numwant = wanted;
        auto peers = table.announce(request, endpoint_number(1000)).value().peers;
        EXPECT_EQ(peers.size(), expected);
        EXPECT_EQ(std::set<PeerEndpoint>(peers.begin(), peers.end()).size(), expected);
    }
}

TEST_F(PeerTableTest, ASubsetIsChosenAtRandom) {
    for (std::uint16_t i = 0; i < 100; ++i) announce(i);
    AnnounceRequest request = announce_of(1000);
    request.numwant = 10;
    std::map<PeerEndpoint, int> seen;
    for (int i = 0; i < 1000; ++i) {
        auto announced = table.announce(request, endpoint_number(1000)).value();
        for (const auto& peer : announced.peers) ++seen[peer];
    }
    EXPECT_EQ(seen.size(), 100U);
    for (const auto& [peer, times] : seen) {
        EXPECT_GT(times, 50);  // 100 is the mean, 9.5 the deviation
        EXPECT_LT(times, 150);
    }
}

TEST_F(PeerTableTest, AFullSwarmAnswersButDoesNotRemember) {
    PeerTable small(clock, random, 600s, {.peers_per_swarm_max = 2});
    for (std::uint16_t i = 1; i <= 3; ++i)
        EXPECT_EQ(small.announce(announce_of(i), endpoint_number(i)).value().peers.size(), i - 1U);
    EXPECT_EQ(small.peer_count(), 2U);
    // Those it knows may still renew.
    EXPECT_EQ(small.announce(announce_of(1), endpoint_number(1)).value().peers.size(), 1U);
}

TEST_F(PeerTableTest, OneAddressCannotFillASwarm) {
    PeerTable small(clock, random, 600s, {.peers_per_address_max = 2});
    for (std::uint16_t port = 1; port <= 10; ++port)
        ASSERT_TRUE(small.announce(announce_of(port), endpoint_number(1, port)).ok());
    EXPECT_EQ(small.peer_count(), 2U);
    ASSERT_TRUE(small.announce(announce_of(50), endpoint_number(2)).ok());
    EXPECT_EQ(small.peer_count(), 3U);
}

TEST_F(PeerTableTest, SwarmsAndPeersAreBoundedInAll) {
    PeerTable small(clock, random, 600s, {.swarms_max = 3, .peers_max = 4});
    for (std::uint8_t hash = 1; hash <= 3; ++hash)
        ASSERT_TRUE(small.announce(announce_of(1, hash), endpoint_number(1)).ok());
    EXPECT_EQ(small.announce(announce_of(1, 4), endpoint_number(1)).error().kind,
              ErrorKind::NoSpace);
    for (std::uint16_t i = 2; i < 9; ++i)
        ASSERT_TRUE(small.announce(announce_of(i, 1), endpoint_number(i)).ok());
    EXPECT_EQ(small.peer_count(), 4U);
    clock.advance(600s);
    EXPECT_TRUE(small.announce(announce_of(1, 4), endpoint_number(1)).ok());
    EXPECT_EQ(small.peer_count(), 1U);
}

TEST_F(PeerTableTest, CountsAreScraped) {
    AnnounceRequest request = announce_of(1);
    request.left = 0;
    request.event = AnnounceEvent::Completed;
    ASSERT_TRUE(table.announce(request, endpoint_number(1)).ok());
    announce(2);
    announce(3);
    EXPECT_EQ(table.counts(hash_number(1)), (SwarmCounts{hash_number(1), 1, 1, 2}));
    EXPECT_EQ(table.counts(hash_number(77)), (SwarmCounts{hash_number(77), 0, 0, 0}));
    clock.advance(600s);
    EXPECT_EQ(table.counts(hash_number(1)), (SwarmCounts{hash_number(1), 0, 0, 0}));
    EXPECT_EQ(table.swarm_count(), 0U);
}

// Goal: after any sequence of announces the counters agree with what is held, within all limits.
TEST_F(PeerTableTest, RandomTrafficKeepsTheInvariants) {
    PeerTable small(
        clock, random, 600s,
        {.swarms_max = 5, .peers_max = 30, .peers_per_swarm_max = 8, .peers_per_address_max = 3});
    SeededRandom traffic(2);
    for (int i = 0; i < 20'000; ++i) {
        AnnounceRequest request = announce_of(static_cast<std::uint16_t>(traffic.below(20)),
                                              static_cast<std::uint8_t>(traffic.below(8)));
        request.event = static_cast<AnnounceEvent>(traffic.below(4));
        request.left = traffic.below(2);
        auto port = static_cast<std::uint16_t>(1 + traffic.below(4));
        auto announced = small.announce(
            request, endpoint_number(static_cast<std::uint16_t>(traffic.below(20)), port));
        if (traffic.chance(5)) clock.advance(std::chrono::seconds(traffic.below(300)));
        if (announced.ok()) {
            ASSERT_LE(announced->complete + announced->incomplete, 8U);
        }
        ASSERT_LE(small.swarm_count(), 5U);
        ASSERT_LE(small.peer_count(), 30U);
    }
    clock.advance(600s);
    std::uint64_t left = 0;
    for (std::uint8_t hash = 0; hash < 8; ++hash) left += small.counts(hash_number(hash)).complete;
    EXPECT_EQ(left, 0U);
    EXPECT_EQ(small.peer_count(), 0U);
    EXPECT_EQ(small.swarm_count(), 0U);
}

}  // namespace
}  // namespace lockstep
