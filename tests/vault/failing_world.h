// What a vault does with its disk and its memory, as operations that tests let fail at any point,
// and a small world in which they do it: vault_failing_disk_test.cpp,
// vault_failing_memory_test.cpp.
#pragma once

#include <algorithm>
#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/support/vault_device.h"

namespace lockstep {

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
inline void PrintTo(const Operation& operation, std::ostream* out) {
    *out << operation.name;
}

inline std::string noise(std::size_t size, std::uint64_t seed) {
    SeededRandom random(seed);
    return std::string(as_text(random.bytes(size)));
}

template <typename T>
inline Status status_of(const Result<T>& result) {
    return result.ok() ? Status{} : Status{result.error()};
}

inline Status write_and_sync(const Members& members) {
    TRY_OK(members.laptop.write("new", noise(60'000, 7)));
    TRY_OK(members.laptop.sync("new"));
    TRY_OK(members.laptop.write("large", noise(1'200'000, 8)));
    return members.laptop.sync("large");
}
inline Status publish(const Members& members) {
    TRY_OK(members.laptop.write("new", noise(60'000, 7)));
    return members.laptop.publish();
}
inline Status rotate(const Members& members) {
    return members.laptop.vault().rotate();
}
inline Status revoke(const Members& members) {
    for (const Member& member : members.laptop.vault().replica()->members())
        if (member.device == members.phone && member.is_revoked) return {};
    return members.laptop.vault().revoke(members.phone);
}
inline Status change_role(const Members& members) {
    return members.laptop.vault().set_role(members.phone, MemberRole::Reader);
}
inline Status change_passphrase(const Members& members) {
    return members.laptop.vault().set_passphrase({.current = as_bytes(kTestPassphrase),
                                                  .passphrase = as_bytes("another"),
                                                  .cost = kTestCost});
}
inline Status compact(const Members& members) {
    return status_of(members.laptop.vault().compact(true));
}
inline Status collect(const Members& members) {
    return status_of(members.laptop.vault().collect(false));
}
inline Status receive(const Members& members) {
    return status_of(members.laptop.pull(members.desk));
}
inline Status lock_and_unlock(const Members& members) {
    if (members.laptop.vault().is_unlocked()) TRY_OK(members.laptop.vault().lock(false));
    return members.laptop.vault().unlock_with_stored_key();
}
inline Status read(const Members& members) {
    return status_of(members.laptop.read("kept"));
}
inline Status check(const Members& members) {
    return status_of(members.laptop.vault().check());
}
inline Status rebuild_index(const Members& members) {
    return members.laptop.vault().rebuild_index();
}

// Two members with unmerged news for each other, a third, old packs, and one file that is in the
// laptop's journal alone.
class FailingWorld : public ::testing::TestWithParam<Operation> {
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

    const std::string kept_ = noise(150'000, 1), synced_ = noise(20'000, 4);
    FakeClock clock_;
    VaultDevice laptop_{"laptop", 1, clock_, quick_stretcher()};
    VaultDevice desk_{"desk", 2, clock_, quick_stretcher()};
    VaultDevice phone_{"phone", 3, clock_, quick_stretcher()};
};

inline auto every_operation() {
    return ::testing::Values(
        Operation{"write", write_and_sync}, Operation{"publish", publish},
        Operation{"rotate", rotate}, Operation{"revoke", revoke}, Operation{"role", change_role},
        Operation{"passphrase", change_passphrase}, Operation{"compact", compact},
        Operation{"collect", collect}, Operation{"receive", receive},
        Operation{"unlock", lock_and_unlock}, Operation{"read", read}, Operation{"check", check},
        Operation{"rebuild", rebuild_index});
}

}  // namespace lockstep
