// The n-th call of the disk fails, for every n and every kind of call, in everything that a vault
// does with one. Whatever is answered: what was acknowledged stays, nothing is damaged, the same
// can be done again once the disk works, and other members get all of it.
//
// Some points of each row unless LOCKSTEP_ALL_POINTS is set. Power cuts: vault_crash_test.cpp and
// the tests of each operation.
#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/support/vault_device.h"
#include "tests/vault/failing_world.h"
#include "vault/keys/vault_header.h"

namespace lockstep {
namespace {

using Kind = DiskCall::Kind;

class VaultFailingDiskTest : public FailingWorld {
  protected:
    static bool is_of(const DiskCall& call, std::optional<Kind> only) {
        return only ? call.kind == *only : call.changes();
    }
    // Calls of this kind when nothing fails.
    std::uint64_t count(std::optional<Kind> only) {
        const auto laptop = laptop_.clone(50), desk = desk_.clone(51);
        laptop->disk().start_recording();
        expect_ok(GetParam().run({*laptop, *desk, phone()}));
        const std::vector<DiskCall> calls = laptop->disk().calls();
        return static_cast<std::uint64_t>(std::count_if(
            calls.begin(), calls.end(), [&](const DiskCall& call) { return is_of(call, only); }));
    }

    void fail_at(std::uint64_t point, std::optional<Kind> only, bool is_restarted) {
        const auto laptop = laptop_.clone(100 + 2 * point), desk = desk_.clone(101 + 2 * point);
        laptop->disk().fail_call(point, point % 2 == 0 ? ErrorKind::Io : ErrorKind::NoSpace, only);
        const Status first = GetParam().run({*laptop, *desk, phone()});
        laptop->disk().clear_failures();
        SCOPED_TRACE(first.ok() ? "it said that it was done" : first.error().message);
        if (is_restarted) expect_ok(laptop->kill_and_reopen());
        if (!laptop->is_open()) expect_ok(lock_and_unlock({*laptop, *desk, phone()}));
        ASSERT_FALSE(HasFailure());
        expect_ok(GetParam().run({*laptop, *desk, phone()}));
        expect_all_is_well(*laptop, *desk);
    }

    void fail_at_all(std::optional<Kind> only) {
        const std::uint64_t calls = count(only);
        const std::uint64_t points = std::getenv("LOCKSTEP_ALL_POINTS") != nullptr ? calls : 10;
        const std::uint64_t step = std::max<std::uint64_t>(1, calls / std::max(points, 1UL));
        for (std::uint64_t point = 0; point < calls; point += step) {
            for (const bool is_restarted : {false, true}) {
                if (points < calls && is_restarted == (point / step % 2 == 0)) continue;
                SCOPED_TRACE("call " + std::to_string(point) + " of " + std::to_string(calls) +
                             (is_restarted ? ", restarted" : ""));
                fail_at(point, only, is_restarted);
                ASSERT_FALSE(HasFailure());
            }
        }
    }
};

TEST_P(VaultFailingDiskTest, AnErrorOfAnyChangeLosesNothingAndIsGotOver) {
    fail_at_all(std::nullopt);
}
TEST_P(VaultFailingDiskTest, AnErrorOfAnyReadLosesNothingAndIsGotOver) {
    fail_at_all(Kind::Read);
}
TEST_P(VaultFailingDiskTest, AnErrorOfAnyOpeningLosesNothingAndIsGotOver) {
    fail_at_all(Kind::Open);
}
TEST_P(VaultFailingDiskTest, AnErrorOfAnyListingLosesNothingAndIsGotOver) {
    fail_at_all(Kind::List);
}

INSTANTIATE_TEST_SUITE_P(Operations, VaultFailingDiskTest, every_operation(),
                         [](const auto& of) { return of.param.name; });

// A vault whose making failed is none, or is whole.
TEST(VaultCreationTest, AnErrorOfAnyCallLeavesNoVaultOrAWholeOne) {
    for (std::uint64_t point = 0;; ++point) {
        ASSERT_LT(point, 200U);
        SCOPED_TRACE("call " + std::to_string(point));
        FakeClock clock;
        VaultDevice laptop{"laptop", point, clock, quick_stretcher()};
        laptop.disk().fail_call(point, ErrorKind::Io);
        const std::uint64_t before = laptop.disk().change_count();
        std::string code;
        const bool is_made = laptop.found(&code).ok();
        const bool has_failed = laptop.disk().change_count() > before + point;
        laptop.disk().clear_failures();
        const Status reopened = is_made ? laptop.lose_power() : laptop.kill_and_reopen();
        EXPECT_TRUE(reopened.ok() || !is_made) << "what was acknowledged survives a power cut";
        if (laptop.disk().exists(kTestVaultDirectory / fs::path(kVaultHeaderName))) {
            // Whoever typed the passphrase opens it, as anybody does who finds the directory.
            Status opened = reopened;
            if (!opened.ok()) opened = laptop.vault().unlock(as_bytes(kTestPassphrase));
            EXPECT_TRUE(opened.ok()) << opened.error().message;
            EXPECT_TRUE(laptop.write("first", "text").ok());
            EXPECT_TRUE(laptop.publish().ok());
        }
        ASSERT_FALSE(::testing::Test::HasFailure());
        if (!has_failed) break;
    }
}

// Who could not finish joining may be left with a directory that nothing was lost with: the other
// members go on, and it joins again with a new ticket.
TEST(VaultJoiningTest, AnErrorOfAnyCallHarmsNobodyAndJoiningAgainWorks) {
    FakeClock clock;
    VaultDevice base{"laptop", 1, clock, quick_stretcher()};
    ASSERT_TRUE(base.found().ok());
    ASSERT_TRUE(base.write("kept", noise(50'000, 1)).ok());
    ASSERT_TRUE(base.publish().ok());
    for (std::uint64_t point = 0;; ++point) {
        ASSERT_LT(point, 200U);
        SCOPED_TRACE("call " + std::to_string(point));
        const auto laptop = base.clone(100 + point);
        const auto desk =
            std::make_unique<VaultDevice>("desk", 500 + point, clock, quick_stretcher());
        desk->disk().fail_call(point, ErrorKind::Io);
        const std::uint64_t before = desk->disk().change_count();
        const bool has_joined = desk->join(*laptop).ok();
        const bool has_failed = desk->disk().change_count() > before + point;
        desk->disk().clear_failures();
        EXPECT_EQ(laptop->read("kept").value_or("unreadable"), noise(50'000, 1));
        EXPECT_TRUE(!has_joined || desk->lose_power().ok());
        // It asks again, with nothing of what is left of the attempt.
        std::unique_ptr<VaultDevice> fresh;
        VaultDevice* member = desk.get();
        if (!has_joined) {
            fresh = std::make_unique<VaultDevice>("desk", 900 + point, clock, quick_stretcher());
            EXPECT_TRUE(fresh->join(*laptop).ok());
            member = fresh.get();
        }
        ASSERT_TRUE(member->is_open());
        EXPECT_TRUE(member->pull(*laptop).ok());
        EXPECT_EQ(member->read("kept").value_or("unreadable"), noise(50'000, 1));
        EXPECT_TRUE(member->write("from desk", "text").ok());
        EXPECT_TRUE(member->publish().ok());
        EXPECT_TRUE(laptop->pull(*member).ok());
        EXPECT_EQ(laptop->read("from desk").value_or("unreadable"), "text");
        ASSERT_FALSE(::testing::Test::HasFailure());
        if (!has_failed) break;
    }
}

}  // namespace
}  // namespace lockstep
