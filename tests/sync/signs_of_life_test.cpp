// Signs of life: silence is told apart from news that are withheld.
#include "sync/signs_of_life.h"

#include <algorithm>

#include "base/clock.h"
#include "tests/sync/hostile_peer.h"

namespace lockstep {
namespace {

constexpr std::uint64_t kHourMs = 3'600'000;

class SignsOfLifeTest : public ::testing::Test {
  protected:
    SignsOfLifeTest() { FakeReplica::introduce({&here.replica, &silent, &other, &peer.replica}); }
    void connect() {
        here.start();
        peer.dial(here.address());
        ASSERT_TRUE(eventually([&] { return here.status().peers.size() == 1; }));
        ASSERT_TRUE(eventually([&] { return peer.is_connected(); }));
    }
    static std::uint64_t now() { return static_cast<std::uint64_t>(system_clock().wall_ms()); }
    SignOfLife sign_of(FakeReplica& replica, std::uint64_t time_ms) {
        SignOfLife sign;
        sign.device = replica.device();
        sign.time_ms = time_ms;
        sign.frontier = replica.frontier();
        const Bytes signature = replica.sign(SignsOfLife::transcript(vault.id, sign));
        std::copy(signature.begin(), signature.end(), sign.signature.begin());
        return sign;
    }
    static std::optional<MemberSign> heard(Device& device, const DeviceId& of) {
        for (const MemberSign& sign : device.status().signs)
            if (sign.device == of) return sign;
        return std::nullopt;
    }

    FakeVault vault = FakeVault::random();
    Device here{vault, "here"};
    FakeReplica silent{vault, "silent"}, other{vault, "other"};
    HostilePeer peer{vault, "passer-on", [](PeerSession&, const Message&) {}};
};

// The peer passes the sign on and keeps the segments to itself.
TEST_F(SignsOfLifeTest, WhatIsPassedOnTellsOfNewsThatNeverCame) {
    const SegmentRef first = silent.publish({});
    const SegmentRef second = silent.publish({});
    connect();
    const std::uint64_t time = now() - kHourMs;
    peer.say({AliveMessage{sign_of(silent, time)}});
    ASSERT_TRUE(eventually([&] { return heard(here, silent.device()).has_value(); }));
    const auto sign = heard(here, silent.device());
    EXPECT_EQ(static_cast<std::int64_t>(time), sign->time_ms);
    EXPECT_EQ(2u, sign->unseen_segments);
    // Another way brings them.
    for (const SegmentRef& segment : {first, second})
        ASSERT_TRUE(here.replica.add_segment(*silent.read_segment(segment)).ok());
    EXPECT_TRUE(eventually([&] { return heard(here, silent.device())->unseen_segments == 0; }));
}

TEST_F(SignsOfLifeTest, NeitherForgedNorOldNorForeignSignsCount) {
    connect();
    FakeReplica stranger{vault, "stranger"};
    SignOfLife forged = sign_of(silent, now());
    forged.time_ms += 1;
    SignOfLife borrowed = sign_of(other, now());
    borrowed.device = silent.device();
    peer.say({AliveMessage{forged}, AliveMessage{borrowed},
              AliveMessage{sign_of(silent, now() + 48 * kHourMs)},
              AliveMessage{sign_of(stranger, now())},
              AliveMessage{sign_of(here.replica, now() + kHourMs)},
              AliveMessage{sign_of(other, now() - 5 * kHourMs)}});
    ASSERT_TRUE(eventually([&] { return heard(here, other.device()).has_value(); }));
    EXPECT_EQ(1u, here.status().signs.size());
    EXPECT_EQ(1u, here.status().peers.size()) << "who passes something on is not to blame";

    const std::uint64_t time = now() - kHourMs;
    peer.say({AliveMessage{sign_of(silent, time)}});
    ASSERT_TRUE(eventually([&] { return heard(here, silent.device()).has_value(); }));
    peer.say({AliveMessage{sign_of(silent, time - kHourMs)},
              AliveMessage{sign_of(other, now() - 2 * kHourMs)}});
    ASSERT_TRUE(eventually([&] {
        return heard(here, other.device())->time_ms >
               static_cast<std::int64_t>(now() - 3 * kHourMs);
    }));
    EXPECT_EQ(static_cast<std::int64_t>(time), heard(here, silent.device())->time_ms);
}

TEST_F(SignsOfLifeTest, MembersHearOfEachOtherByWayOfAThird) {
    Device laptop{vault, "laptop"}, phone{vault, "phone"};
    FakeReplica::introduce({&here.replica, &laptop.replica, &phone.replica});
    here.start();
    laptop.start({here.address()});
    const DeviceId device = laptop.replica.device();
    ASSERT_TRUE(eventually([&] { return heard(here, device).has_value(); }));
    laptop.stop();
    phone.start({here.address()});
    EXPECT_TRUE(eventually([&] { return heard(phone, device).has_value(); }));
    EXPECT_EQ(heard(here, device)->time_ms, heard(phone, device)->time_ms);
    EXPECT_TRUE(eventually([&] { return heard(phone, here.replica.device()).has_value(); }));
}

}  // namespace
}  // namespace lockstep
