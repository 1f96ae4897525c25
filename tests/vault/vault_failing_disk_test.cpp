// The n-th call of the disk fails, for every n and every kind of call, in everything that a vault
// does with one. Whatever is answered: what was acknowledged stays, nothing is damaged, the same
// can be done again once the disk works, and other members get all of it.
//
// Some points of each row unless LOCKSTEP_ALL_POINTS is set. Power cuts: vault_crash_test.cpp and
// the tests of each operation.
#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/support/vault_device.h"
#include "vault/keys/vault_header.h"

namespace lockstep {
namespace {

using Kind = DiskCall::Kind;

struct Members {
    VaultDevice& laptop;
    VaultDevice& desk;
    DeviceId phone;
};

struct Operation {
    const char* name;
    // As often as one likes: when it was done already it does nothing, or the same again.
    Status (*run)(const Members&);
};
void PrintTo(const Operation& operation, std::ostream* out) {
    *out << operation.name;
}

std::string noise(std::size_t size, std::uint64_t seed) {
    SeededRandom random(seed);
    return std::string(as_text(random.bytes(size)));
}

template <typename T>
Status status_of(const Result<T>& result) {
    return result.ok() ? Status{} : Status{result.error()};
}

Status write_and_sync(const Members& members) {
    TRY_OK(members.laptop.write("new", noise(60'000, 7)));
    TRY_OK(members.laptop.sync("new"));
    TRY_OK(members.laptop.write("large", noise(1'200'000, 8)));
    return members.laptop.sync("large");
}
Status publish(const Members& members) {
    TRY_OK(members.laptop.write("new", noise(60'000, 7)));
    return members.laptop.publish();
}
Status rotate(const Members& members) {
    return members.laptop.vault().rotate();
}
Status revoke(const Members& members) {
    for (const Member& member : members.laptop.vault().replica()->members())
        if (member.device == members.phone && member.is_revoked) return {};
    return members.laptop.vault().revoke(members.phone);
}
Status change_role(const Members& members) {
    return members.laptop.vault().set_role(members.phone, MemberRole::Reader);
}
Status change_passphrase(const Members& members) {
    return members.laptop.vault().set_passphrase({.current = as_bytes(kTestPassphrase),
                                                  .passphrase = as_bytes("another"),
                                                  .cost = kTestCost});
}
Status compact(const Members& members) {
    return status_of(members.laptop.vault().compact(true));
}
Status collect(const Members& members) {
    return status_of(members.laptop.vault().collect(false));
}
Status receive(const Members& members) {
    return status_of(members.laptop.pull(members.desk));
}
Status lock_and_unlock(const Members& members) {
    if (members.laptop.vault().is_unlocked()) TRY_OK(members.laptop.vault().lock(false));
    return members.laptop.vault().unlock_with_stored_key();
}
Status read(const Members& members) {
    return status_of(members.laptop.read("kept"));
}
Status check(const Members& members) {
    return status_of(members.laptop.vault().check());
}
Status rebuild_index(const Members& members) {
    return members.laptop.vault().rebuild_index();
}

class VaultFailingDiskTest : public ::testing::TestWithParam<Operation> {
  protected:
    void SetUp() override {
        for (VaultDevice* device : {&laptop_, &desk_, &phone_})
            device->set_retention(std::chrono::hours(24));
        expect_ok(laptop_.found());
        expect_ok(desk_.join(laptop_));
        expect_ok(phone_.join(laptop_));
        expect_ok(laptop_.write("kept", kept_));
        expect_ok(laptop_.write("old", noise(100'000, 2)));
        exchange({&laptop_, &desk_, &phone_});
        expect_ok(laptop_.remove("old"));
        for (int i = 0; i < 5; ++i) {
            expect_ok(laptop_.write("many " + std::to_string(i), "text"));
            exchange({&laptop_, &desk_, &phone_});
        }
        clock_.advance(std::chrono::hours(25));
        expect_ok(desk_.write("news", noise(80'000, 3)));
        expect_ok(desk_.publish());
        // Acknowledged, and in the journal alone.
        expect_ok(laptop_.write("synced", synced_));
        expect_ok(laptop_.sync("synced"));
        ASSERT_FALSE(HasFailure());
    }
    static void expect_ok(const Status& status) {
        EXPECT_TRUE(status.ok()) << (status.ok() ? "" : status.error().message);
    }
    void exchange(const std::vector<VaultDevice*>& devices) {
        for (int round = 0; round < 2; ++round) {
            clock_.advance(std::chrono::seconds(3));
            for (VaultDevice* device : devices) expect_ok(device->publish());
            for (VaultDevice* to : devices)
                for (VaultDevice* from : devices)
                    if (to != from) expect_ok(status_of(to->pull(*from)));
        }
    }
    DeviceId phone() { return phone_.vault().replica()->device(); }

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

    void expect_all_is_well(VaultDevice& laptop, VaultDevice& desk) {
        EXPECT_EQ(laptop.read("kept").value_or("unreadable"), kept_);
        EXPECT_EQ(laptop.read("synced").value_or("unreadable"), synced_);
        exchange({&laptop, &desk});
        EXPECT_TRUE(laptop.tree() == desk.tree());
        EXPECT_EQ(desk.read("synced").value_or("unreadable"), synced_);
        EXPECT_EQ(laptop.read("news").value_or("unreadable"), noise(80'000, 3));
        EXPECT_EQ(0U, laptop.vault().status().unmerged_segments);
        auto report = laptop.vault().check();
        ASSERT_TRUE(report.ok()) << report.error().message;
        EXPECT_EQ(std::vector<std::string>{}, report->errors);
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

    const std::string kept_ = noise(150'000, 1), synced_ = noise(20'000, 4);
    FakeClock clock_;
    VaultDevice laptop_{"laptop", 1, clock_, quick_stretcher()};
    VaultDevice desk_{"desk", 2, clock_, quick_stretcher()};
    VaultDevice phone_{"phone", 3, clock_, quick_stretcher()};
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

INSTANTIATE_TEST_SUITE_P(
    Operations, VaultFailingDiskTest,
    ::testing::Values(Operation{"write", write_and_sync}, Operation{"publish", publish},
                      Operation{"rotate", rotate}, Operation{"revoke", revoke},
                      Operation{"role", change_role}, Operation{"passphrase", change_passphrase},
                      Operation{"compact", compact}, Operation{"collect", collect},
                      Operation{"receive", receive}, Operation{"unlock", lock_and_unlock},
                      Operation{"read", read}, Operation{"check", check},
                      Operation{"rebuild", rebuild_index}),
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
