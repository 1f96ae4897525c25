// Two real engines over loopback.
#include "tests/sync/sync_fixture.h"

namespace lockstep {
namespace {

class TwoDevicesTest : public ::testing::Test {
  protected:
    TwoDevicesTest() { FakeReplica::introduce({&a.replica, &b.replica}); }

    void connect() {
        a.start();
        b.start({a.address()});
        ASSERT_TRUE(eventually([&] { return a.is_in_step_with(1) && b.is_in_step_with(1); }));
    }
    bool settle() {
        return eventually([&] {
            return a.replica.frontier() == b.replica.frontier() &&
                   a.replica.missing_packs().empty() && b.replica.missing_packs().empty() &&
                   a.is_in_step_with(1) && b.is_in_step_with(1);
        });
    }

    FakeVault vault = FakeVault::random();
    Device a{vault, "alpha"}, b{vault, "beta"};
};

TEST_F(TwoDevicesTest, ConvergeByAKnownAddressWithoutRelay) {
    a.replica.publish({random_bytes(5000), random_bytes(300'000)});
    b.replica.publish({random_bytes(20'000)});
    connect();
    EXPECT_TRUE(settle());
    EXPECT_EQ(a.replica.pack_count(), 3u);
    EXPECT_EQ(b.replica.pack_count(), 3u);
    EXPECT_EQ(a.status().peers.at(0).label, "beta");
}

TEST_F(TwoDevicesTest, NewSegmentsArePushedWithTheirPacks) {
    connect();
    for (int i = 0; i < 20; ++i) {
        a.replica.publish({random_bytes(4096)});
        EXPECT_TRUE(settle());
    }
    EXPECT_EQ(b.replica.pack_count(), 20u);
}

// It is asked for by every number that it stands for.
TEST_F(TwoDevicesTest, ACompactedSegmentGoesOnce) {
    for (int i = 0; i < 200; ++i) a.replica.publish({});
    a.replica.compact(150);
    connect();
    EXPECT_TRUE(settle());
    EXPECT_EQ(b.replica.compacted_adds(), 1u);
}

TEST_F(TwoDevicesTest, WhoIsInStepIsToldOfACompactedSegment) {
    connect();
    for (int i = 0; i < 20; ++i) a.replica.publish({});
    EXPECT_TRUE(settle());
    a.replica.compact(20);
    EXPECT_TRUE(eventually([&] { return b.replica.compacted_adds() == 1; }));
    a.replica.publish({random_bytes(4096)});
    EXPECT_TRUE(settle());
}

TEST_F(TwoDevicesTest, LargePacksGoByTorrent) {
    a.replica.publish({random_bytes(3 * kMiB), random_bytes(16 * kMiB), random_bytes(kMiB + 1)});
    connect();
    EXPECT_TRUE(settle());
    EXPECT_EQ(b.replica.pack_count(), 3u);
}

}  // namespace
}  // namespace lockstep
