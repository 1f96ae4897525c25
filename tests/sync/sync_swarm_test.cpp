// One device has packs, several want them: they meet, share the work, and take no harm from one
// that does not keep its word.
#include "tests/sync/hostile_peer.h"

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

// Nobody holds everything: neither does who holds what all others miss, nor can it be told from
// them by how much it misses.
TEST_F(SwarmTest, AHolderThatMissesSomethingItselfIsFound) {
    Device e{vault, "epsilon"};
    FakeReplica::introduce({&origin.replica, &b.replica, &c.replica, &d.replica, &e.replica});
    const Bytes held = random_bytes(500'000), lost = random_bytes(500'000);
    const SegmentRef segment = origin.replica.publish({held, lost});
    origin.replica.lose_pack(origin.replica.packs_of(segment)->at(1).id);
    b.start();
    for (Device* other : {&c, &d, &e}) other->start({b.address()});
    const std::vector<Device*> others{&b, &c, &d, &e};
    ASSERT_TRUE(eventually([&] {
        return std::all_of(others.begin(), others.end(),
                           [](Device* one) { return one->is_in_step_with(3); });
    }));
    // The last whom anybody would ask by chance.
    origin.start({b.address()});
    EXPECT_TRUE(eventually([&] {
        return std::all_of(others.begin(), others.end(), [](Device* one) {
            return one->replica.pack_count() == 1 && one->status().missing_packs == 1;
        });
    }));
}

TEST_F(SwarmTest, TheOriginSendsAboutOneCopy) {
    start_all();
    origin.engine->set_limits({.up = 16 * kMiB});
    origin.replica.publish(packs);
    ASSERT_TRUE(eventually([&] { return all_have(kPacks); }, std::chrono::seconds(60)));
    // A status is up to a second old.
    EXPECT_TRUE(eventually([&] {
        return sent_by(origin) + sent_by(b) + sent_by(c) + sent_by(d) >= 3 * kPacks * kPackSize;
    }));
    EXPECT_LE(sent_by(origin), kPacks * kPackSize * 5 / 4);
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

// A member that claims to have everything, and what it makes of being asked.
class HostileTest : public ::testing::Test {
  protected:
    HostileTest() {
        FakeReplica::introduce({&origin.replica, &b.replica, &hostile.replica});
        for (std::size_t i = 0; i < kPacks; ++i) packs.push_back(random_bytes(kPackSize));
        b.want_timeout = std::chrono::seconds(2);
    }
    // b has met both, and the hostile one claims to be in step, before the packs are there.
    void start_all() {
        origin.start();
        b.start({origin.address()});
        hostile.dial(b.address());
        ASSERT_TRUE(eventually([&] { return hostile.is_connected() && b_has_met_origin(); }));
        origin.engine->set_limits({.up = 8 * kMiB});
    }
    bool b_has_met_origin() {
        const VaultSyncStatus status = b.status();
        return std::any_of(status.peers.begin(), status.peers.end(), [&](const PeerStatus& peer) {
            return peer.device == origin.replica.device() && peer.in_step;
        });
    }
    void publish() {
        origin.replica.publish(packs);
        claim();
    }
    void claim() { hostile.say({HeadsMessage{origin.replica.frontier(), 0, 0}}); }
    bool b_has_all() { return b.replica.pack_count() == packs.size(); }

    FakeVault vault = FakeVault::random();
    Device origin{vault, "origin"}, b{vault, "beta"};
    std::atomic<int> times_asked{0};
    std::function<void(PeerSession&, const PackWant&)> answer;  // set before it is asked
    HostilePeer hostile{vault, "hostile", [this](PeerSession& session, const Message& message) {
                            const auto* wanted = std::get_if<WantPacksMessage>(&message);
                            if (wanted == nullptr) return;
                            for (const PackWant& want : wanted->wants) {
                                ++times_asked;
                                if (answer) answer(session, want);
                            }
                        }};
    std::vector<Bytes> packs;
};

TEST_F(HostileTest, PacksPromisedAndWithheldComeFromAnother) {
    start_all();
    publish();
    EXPECT_TRUE(eventually([&] { return b_has_all(); }, std::chrono::seconds(60)));
    EXPECT_GT(times_asked, 0);
}

TEST_F(HostileTest, WhoWithholdsIsAskedNoMoreForAWhile) {
    start_all();
    publish();
    ASSERT_TRUE(eventually([&] { return b_has_all(); }, std::chrono::seconds(60)));
    ASSERT_GE(times_asked, 1);
    int before = times_asked;
    origin.replica.publish({random_bytes(kPackSize), random_bytes(kPackSize)});
    claim();
    ASSERT_TRUE(eventually([&] { return b.replica.pack_count() == packs.size() + 2; },
                           std::chrono::seconds(60)));
    EXPECT_EQ(times_asked, before);
}

TEST_F(HostileTest, ATorrentThatIsSaidToRunAndDoesNotIsGivenUp) {
    answer = [](PeerSession& session, const PackWant& want) {
        session.send(PackReadyMessage{want.pack.id});
    };
    start_all();
    publish();
    EXPECT_TRUE(eventually([&] { return b_has_all(); }, std::chrono::seconds(60)));
    EXPECT_GT(times_asked, 0);
}

TEST_F(HostileTest, PoisonedFramesAreFoundOutAndTheirSenderIsCutOff) {
    packs.clear();
    for (int i = 0; i < 40; ++i) packs.push_back(random_bytes(200'000));
    answer = [](PeerSession& session, const PackWant& want) {
        session.send(PackMessage{want.pack.id, static_cast<std::uint32_t>(want.pack.length), 0,
                                 Bytes(static_cast<std::size_t>(want.pack.length))});
    };
    start_all();
    publish();
    EXPECT_TRUE(eventually([&] { return b_has_all(); }, std::chrono::seconds(60)));
    EXPECT_TRUE(eventually([&] { return times_asked < 3 || !hostile.is_connected(); }));
}

// It holds up nobody for longer than a while by saying that it is getting everything itself.
TEST_F(HostileTest, WhatIsSaidToBeFetchedAndNeverComesIsTakenOver) {
    start_all();
    origin.replica.publish(packs);
    FetchingMessage all;
    for (const auto& [log, position] : origin.replica.frontier())
        for (std::uint64_t number = 1; number <= position.number; ++number)
            for (const PackInfo& pack : origin.replica.packs_of({log, number}).value_or({}))
                all.packs.push_back({pack.id, 0});
    HeadsMessage heads{origin.replica.frontier(), all.packs.size(), 1};
    hostile.say({heads, all});
    // Repeating it gains nothing.
    EXPECT_TRUE(eventually(
        [&] {
            hostile.say({all});
            return b_has_all();
        },
        std::chrono::seconds(60)));
}

}  // namespace
}  // namespace lockstep
