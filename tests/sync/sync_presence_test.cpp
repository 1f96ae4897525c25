// Ranges of packs, and questions about packs, between engines.
#include <algorithm>

#include "tests/sync/sync_fixture.h"
#include "vault/presence.h"

namespace lockstep {
namespace {

// A vault that wants no packs, only what a test asks for.
class FakePresence final : public Presence {
  public:
    bool wants(const PackId&) override { return false; }
    std::uint64_t left_out() override { return 3; }
    Status take_ranges(const RangeRequest&, ByteView bytes) override {
        MutexLock lock(mutex_);
        if (refusals_ > 0) {
            --refusals_;
            return Error{ErrorKind::Corrupt, "refused by the test"};
        }
        taken_ = to_bytes(bytes);
        return {};
    }
    void ranges_failed(const RangeRequest&) override {
        MutexLock lock(mutex_);
        ++failed_;
    }
    std::vector<PackId> hold(const DeviceId& to, const std::vector<PackId>& packs,
                             std::chrono::seconds keep) override {
        MutexLock lock(mutex_);
        if (keep == kPromiseTime) promised_to_.push_back(to);
        return packs;
    }
    void answer(std::uint64_t number, const Member& by, const std::vector<PackId>& packs) override {
        MutexLock lock(mutex_);
        if (number == 7) answers_[by.device] = packs;
    }
    void answers_end(std::uint64_t) override {
        MutexLock lock(mutex_);
        ++ended_;
    }
    void set_listener(PresenceListener* listener) override {
        MutexLock lock(mutex_);
        listener_ = listener;
    }

    std::vector<BlockAudit> audits_due(const DeviceId& member,
                                       const std::vector<PackId>& packs) override {
        MutexLock lock(mutex_);
        if (packs.empty()) return std::exchange(due_, {});
        asked_again_[member] = packs;
        return std::exchange(due_of_asked_, {});
    }
    void audited(const DeviceId& member,
                 const std::vector<std::pair<BlockAudit, AuditResult>>& results,
                 bool says_all) override {
        MutexLock lock(mutex_);
        for (const auto& [audit, result] : results) results_[member].push_back(result);
        says_all_ = says_all;
    }

    void audit(std::vector<BlockAudit> due, std::vector<BlockAudit> due_of_asked = {}) {
        MutexLock lock(mutex_);
        due_ = std::move(due);
        due_of_asked_ = std::move(due_of_asked);
    }
    std::map<DeviceId, std::vector<AuditResult>> results() {
        MutexLock lock(mutex_);
        return results_;
    }
    bool says_all() {
        MutexLock lock(mutex_);
        return says_all_;
    }
    std::map<DeviceId, std::vector<PackId>> asked_again() {
        MutexLock lock(mutex_);
        return asked_again_;
    }
    void want(const RangeRequest& request) {
        MutexLock lock(mutex_);
        listener_->ranges_wanted(request);
    }
    void ask(const std::vector<PackId>& packs) {
        MutexLock lock(mutex_);
        listener_->packs_asked(7, packs, kPromiseTime);
    }
    void refuse(int count) {
        MutexLock lock(mutex_);
        refusals_ = count;
    }
    std::optional<Bytes> taken() {
        MutexLock lock(mutex_);
        return taken_;
    }
    std::size_t failed() {
        MutexLock lock(mutex_);
        return failed_;
    }
    std::size_t ended() {
        MutexLock lock(mutex_);
        return ended_;
    }
    std::map<DeviceId, std::vector<PackId>> answers() {
        MutexLock lock(mutex_);
        return answers_;
    }
    std::vector<DeviceId> promised_to() {
        MutexLock lock(mutex_);
        return promised_to_;
    }

  private:
    Mutex mutex_;
    PresenceListener* listener_ GUARDED_BY(mutex_) = nullptr;
    int refusals_ GUARDED_BY(mutex_) = 0;
    std::optional<Bytes> taken_ GUARDED_BY(mutex_);
    std::size_t failed_ GUARDED_BY(mutex_) = 0, ended_ GUARDED_BY(mutex_) = 0;
    std::map<DeviceId, std::vector<PackId>> answers_ GUARDED_BY(mutex_);
    std::vector<DeviceId> promised_to_ GUARDED_BY(mutex_);
    std::vector<BlockAudit> due_ GUARDED_BY(mutex_), due_of_asked_ GUARDED_BY(mutex_);
    std::map<DeviceId, std::vector<AuditResult>> results_ GUARDED_BY(mutex_);
    std::map<DeviceId, std::vector<PackId>> asked_again_ GUARDED_BY(mutex_);
    bool says_all_ GUARDED_BY(mutex_) = false;
};

class SyncPresenceTest : public ::testing::Test {
  protected:
    SyncPresenceTest() {
        FakeReplica::introduce({&a.replica, &b.replica, &c.replica});
        a.replica.set_presence(&desires);
    }
    // b and c hold a pack of which a wants ranges only.
    void start() {
        b.replica.publish({bytes});
        b.start();
        c.start({b.address()});
        ASSERT_TRUE(eventually([&] { return c.replica.pack_count() == 1; }));
        a.start({b.address(), c.address()});
        ASSERT_TRUE(eventually([&] { return a.status().peers.size() == 2; }));
        ASSERT_TRUE(eventually([&] {
            pack = a.replica.packs_of({b.replica.frontier().begin()->first, 1}).value_or({});
            return pack.size() == 1;
        }));
        request = {pack[0], {{0, 100}, {700'000, 600'000}}};
        expected = to_bytes(ByteView(bytes).first(100));
        append(expected, ByteView(bytes).subspan(700'000, 600'000));
    }

    void make_blind(Device& device) {
        Member blind = device.replica.self();
        blind.role = MemberRole::Blind;
        for (Device* each : {&a, &b, &c}) each->replica.set_member(blind);
    }

    FakeVault vault = FakeVault::random();
    FakePresence desires;  // outlives the engine of a
    Device a{vault, "alpha"}, b{vault, "beta"}, c{vault, "gamma"};
    Bytes bytes = random_bytes(2 * kMiB), expected;
    std::vector<PackInfo> pack;
    RangeRequest request;
};

TEST_F(SyncPresenceTest, RangesComeWithoutTheirPackAndWhoLeavesPacksOutIsInStep) {
    start();
    EXPECT_TRUE(eventually([&] { return a.is_in_step_with(2) && b.is_in_step_with(2); }));
    const auto peers = b.status().peers;
    EXPECT_TRUE(std::any_of(peers.begin(), peers.end(), [&](const PeerStatus& peer) {
        return peer.device == a.replica.device() && peer.left_out_packs == 3;
    }));
    desires.want(request);
    EXPECT_TRUE(eventually([&] { return desires.taken() == expected; }));
    EXPECT_EQ(a.replica.pack_count(), 0u);
}

TEST_F(SyncPresenceTest, WhoSendsOtherBytesIsPassedOver) {
    start();
    desires.refuse(1);
    desires.want(request);
    EXPECT_TRUE(eventually([&] { return desires.taken() == expected; }));
}

TEST_F(SyncPresenceTest, ABlindMemberShowsTheBlocksThatItIsAskedFor) {
    make_blind(c);
    start();
    PackInfo other = pack[0];
    other.id.bytes[3] ^= std::byte{1};
    desires.audit({{pack[0], 0}, {pack[0], 70}, {pack[0], 127}, {other, 5}});
    const std::vector<AuditResult> expected_results{AuditResult::Shown, AuditResult::Shown,
                                                    AuditResult::Shown, AuditResult::NotHere};
    EXPECT_TRUE(eventually([&] { return desires.results().size() == 1; }));
    EXPECT_EQ(expected_results, desires.results()[c.replica.device()]) << "and only the blind one";
    EXPECT_TRUE(desires.says_all());
}

TEST_F(SyncPresenceTest, ABlindMembersPromiseIsTakenWhenItHasShownWhatItHolds) {
    FakePresence of_b;
    b.replica.set_presence(&of_b);
    make_blind(b);
    start();
    desires.audit({}, {{pack[0], 9}});
    desires.ask({pack[0].id});
    EXPECT_TRUE(eventually([&] { return desires.ended() == 1; }));
    EXPECT_EQ(std::vector<PackId>{pack[0].id}, desires.asked_again()[b.replica.device()]);
    EXPECT_EQ(std::vector{AuditResult::Shown}, desires.results()[b.replica.device()]);
    EXPECT_EQ(2u, desires.answers().size());
    EXPECT_EQ(1u, desires.asked_again().size()) << "others' word is enough";
    b.stop();  // before what it asks goes
}

TEST_F(SyncPresenceTest, QuestionsGoToAllMembersAndEnd) {
    FakePresence of_b;
    b.replica.set_presence(&of_b);
    start();
    desires.ask({pack[0].id});
    ASSERT_TRUE(eventually([&] { return desires.ended() == 1; }));
    const auto answers = desires.answers();
    // The other one keeps no promises: it has no presence.
    EXPECT_EQ(answers.at(b.replica.device()), std::vector<PackId>{pack[0].id});
    EXPECT_EQ(answers.at(c.replica.device()), std::vector<PackId>{});
    EXPECT_EQ(of_b.promised_to(), std::vector<DeviceId>{a.replica.device()});
    b.stop();
    desires.ask({pack[0].id});
    EXPECT_TRUE(eventually([&] { return desires.ended() == 2; }));
}

TEST_F(SyncPresenceTest, WhatIsWantedWhenSyncingEndsFails) {
    start();
    b.stop();
    c.stop();
    desires.want(request);
    a.stop();
    EXPECT_EQ(desires.failed(), 1u);
}

}  // namespace
}  // namespace lockstep
