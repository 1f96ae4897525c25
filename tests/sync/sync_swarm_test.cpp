// One device has packs, several want them: they meet, share the work, and take no harm from one
// that does not keep its word.
#include "tests/sync/sync_fixture.h"

namespace lockstep {
namespace {

constexpr std::size_t kPacks = 12, kPackSize = 2 * kMiB;

class SwarmTest : public ::testing::Test {
  protected:
    SwarmTest() {
        FakeReplica::introduce({&origin.replica, &b.replica, &c.replica, &d.replica});
        for (std::size_t i = 0; i < kPacks; ++i) packs.push_back(random_bytes(kPackSize));
    }

    // All know the origin's address only.
    void start_all() {
        origin.start();
        for (Device* receiver : receivers) receiver->start({origin.address()});
        ASSERT_TRUE(eventually([&] {
            return std::all_of(receivers.begin(), receivers.end(),
                               [](Device* one) { return one->is_in_step_with(3); });
        }));
    }
    bool all_have(std::size_t count) {
        return std::all_of(receivers.begin(), receivers.end(),
                           [&](Device* one) { return one->replica.pack_count() == count; });
    }
    // Bytes that the receivers got from one device.
    std::uint64_t sent_by(const Device& sender) {
        std::uint64_t sum = 0;
        for (Device* receiver : receivers)
            for (const PeerStatus& peer : receiver->status().peers)
                if (peer.device == sender.replica.device()) sum += peer.bytes_received;
        return sum;
    }

    FakeVault vault = FakeVault::random();
    Device origin{vault, "origin"}, b{vault, "beta"}, c{vault, "gamma"}, d{vault, "delta"};
    std::vector<Device*> receivers{&b, &c, &d};
    std::vector<Bytes> packs;
};

TEST_F(SwarmTest, MembersLearnOfEachOtherFromACommonPeer) {
    start_all();
}

TEST_F(SwarmTest, TheOriginSendsAboutOneCopy) {
    start_all();
    origin.engine->set_limits({.up = 16 * kMiB});
    origin.replica.publish(packs);
    ASSERT_TRUE(eventually([&] { return all_have(kPacks); }, std::chrono::seconds(60)));
    EXPECT_LE(sent_by(origin), kPacks * kPackSize * 5 / 4);
    EXPECT_GE(sent_by(b) + sent_by(c) + sent_by(d), kPacks * kPackSize * 7 / 4);
}

TEST_F(SwarmTest, ABlindMemberSharesLikeOthers) {
    for (Device* device : {&origin, &b, &c, &d}) {
        Member blind = c.replica.self();
        blind.role = MemberRole::Blind;
        device->replica.set_member(blind);
    }
    origin.start();
    c.start({origin.address()});
    origin.replica.publish(packs);
    ASSERT_TRUE(eventually([&] { return c.is_in_step_with(1) && c.replica.pack_count() == kPacks; },
                           std::chrono::seconds(60)));
    origin.stop();
    b.start({c.address()});
    EXPECT_TRUE(eventually([&] { return b.replica.pack_count() == kPacks; }));
}

TEST_F(SwarmTest, WhatAMemberThatGoesAwayWasGettingIsTakenOver) {
    start_all();
    origin.engine->set_limits({.up = 12 * kMiB});
    origin.replica.publish(packs);
    ASSERT_TRUE(eventually([&] { return d.status().missing_packs != 0; }));
    d.stop();
    receivers.pop_back();
    EXPECT_TRUE(eventually([&] { return all_have(kPacks); }, std::chrono::seconds(60)));
}

}  // namespace
}  // namespace lockstep
