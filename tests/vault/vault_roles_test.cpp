// Roles that change: what a device writes that may not any more, how it gets the right back, and
// members that become blind.
#include <gtest/gtest.h>

#include "tests/support/vault_device.h"

namespace lockstep {
namespace {

class VaultRoles : public ::testing::Test {
  protected:
    void SetUp() override {
        expect_ok(laptop_.found());
        expect_ok(desk_.join(laptop_, MemberRole::Writer));
        expect_ok(phone_.join(laptop_, MemberRole::Writer));
        expect_ok(laptop_.write("start", "here"));
        exchange({&laptop_, &desk_, &phone_});
    }
    static void expect_ok(const Status& status) {
        EXPECT_TRUE(status.ok()) << (status.ok() ? "" : status.error().message);
    }
    static ErrorKind error_of(const Status& status) {
        EXPECT_FALSE(status.ok());
        return status.ok() ? ErrorKind::Io : status.error().kind;
    }
    void publish(VaultDevice& device) {
        clock_.advance(std::chrono::seconds(3));
        expect_ok(device.publish());
    }
    void pull(VaultDevice& to, VaultDevice& from) {
        auto taken = to.pull(from);
        EXPECT_TRUE(taken.ok()) << (taken.ok() ? "" : taken.error().message);
    }
    void exchange(const std::vector<VaultDevice*>& devices) {
        for (int round = 0; round < 4; ++round) {
            for (VaultDevice* device : devices) publish(*device);
            for (VaultDevice* to : devices)
                for (VaultDevice* from : devices)
                    if (to != from) pull(*to, *from);
        }
    }
    static DeviceId id_of(VaultDevice& device) { return device.vault().replica()->device(); }
    static MemberRole role_at(VaultDevice& at, VaultDevice& whom) {
        for (const Member& member : at.vault().replica()->members())
            if (member.device == id_of(whom)) return member.role;
        return MemberRole::Blind;
    }
    void set_role(VaultDevice& whom, MemberRole role) {
        expect_ok(laptop_.vault().set_role(id_of(whom), role));
    }
    static std::uint64_t held(VaultDevice& device) {
        std::uint64_t out = 0;
        for (const HeldSegments& held : device.vault().status().held) out += held.segments;
        return out;
    }

    FakeClock clock_;
    VaultDevice laptop_{"laptop", 1, clock_, quick_stretcher()};
    VaultDevice desk_{"desk", 2, clock_, quick_stretcher()};
    VaultDevice phone_{"phone", 3, clock_, quick_stretcher()};
};

TEST_F(VaultRoles, AReaderIsToldThatItCannotChangeAnything) {
    set_role(desk_, MemberRole::Reader);
    pull(desk_, laptop_);
    EXPECT_FALSE(desk_.vault().status().may_write);
    EXPECT_EQ("here", *desk_.read("start"));
    EXPECT_EQ(error_of(desk_.write("start", "changed")), ErrorKind::ReadOnly);
    EXPECT_EQ(error_of(desk_.write("new", "x")), ErrorKind::ReadOnly);
    EXPECT_EQ(error_of(desk_.make_directory("d")), ErrorKind::ReadOnly);
    EXPECT_EQ(error_of(desk_.remove("start")), ErrorKind::ReadOnly);
    EXPECT_EQ(error_of(desk_.rename("start", "end")), ErrorKind::ReadOnly);
    EXPECT_FALSE(desk_.vault().publish_due().has_value() && desk_.publish().ok() &&
                 desk_.vault().publish_due().has_value())
        << "nothing is due for ever";
    // What others write it gets.
    expect_ok(laptop_.write("start", "newer"));
    exchange({&laptop_, &desk_, &phone_});
    EXPECT_EQ("newer", *desk_.read("start"));
    EXPECT_EQ(0u, desk_.vault().status().pending_records);
}

TEST_F(VaultRoles, AMemberThatWasAlwaysAReaderIsToldSo) {
    VaultDevice guest("guest", 9, clock_, quick_stretcher());
    expect_ok(guest.join(laptop_, MemberRole::Reader));
    exchange({&laptop_, &guest});
    EXPECT_EQ("here", *guest.read("start"));
    EXPECT_EQ(error_of(guest.write("start", "changed")), ErrorKind::ReadOnly);
}

TEST_F(VaultRoles, AnOpenFileStopsTakingWritesWhenTheRightIsLost) {
    auto node = desk_.node("start");
    ASSERT_TRUE(node.ok());
    FileSystem& files = desk_.vault().files();
    auto handle = files.open(*node, {.read = true, .write = true});
    ASSERT_TRUE(handle.ok());
    expect_ok(files.write(*handle, 0, as_bytes("HERE")));
    set_role(desk_, MemberRole::Reader);
    pull(desk_, laptop_);
    EXPECT_EQ(error_of(files.write(*handle, 0, as_bytes("no"))), ErrorKind::ReadOnly);
    files.release(*handle);
    // What was written before is kept over a power cut, and published when the right is back.
    publish(desk_);
    expect_ok(desk_.lose_power());
    EXPECT_EQ("HERE", *desk_.read("start"));
    EXPECT_FALSE(desk_.vault().status().alarms.empty());
    EXPECT_EQ("here", *laptop_.read("start"));
    set_role(desk_, MemberRole::Writer);
    exchange({&laptop_, &desk_, &phone_});
    EXPECT_EQ("HERE", *laptop_.read("start"));
    EXPECT_EQ("HERE", *phone_.read("start"));
    expect_ok(desk_.write("after", "written"));
    exchange({&laptop_, &desk_, &phone_});
    EXPECT_EQ("written", *phone_.read("after"));
}

TEST_F(VaultRoles, WhatNobodyHadSeenIsHeldAndComesBackWithTheRight) {
    set_role(desk_, MemberRole::Reader);
    // The desk does not know yet.
    expect_ok(desk_.write("unseen", "text"));
    publish(desk_);
    pull(laptop_, desk_);
    EXPECT_FALSE(laptop_.read("unseen").ok());
    EXPECT_EQ(1u, held(laptop_));
    pull(phone_, laptop_);
    pull(phone_, desk_);
    EXPECT_FALSE(phone_.read("unseen").ok());
    exchange({&laptop_, &desk_, &phone_});
    EXPECT_FALSE(phone_.read("unseen").ok());
    set_role(desk_, MemberRole::Writer);
    exchange({&laptop_, &desk_, &phone_});
    EXPECT_EQ("text", *laptop_.read("unseen"));
    EXPECT_EQ(laptop_.tree(), phone_.tree());
    EXPECT_EQ(laptop_.tree(), desk_.tree());
    EXPECT_EQ(0u, held(laptop_));
}

TEST_F(VaultRoles, WhatAReaderHadWrittenUnseenCanBeAdopted) {
    set_role(desk_, MemberRole::Reader);
    expect_ok(desk_.write("unseen", "text"));
    publish(desk_);
    exchange({&laptop_, &desk_, &phone_});
    auto adopted = laptop_.vault().adopt(id_of(desk_));
    ASSERT_TRUE(adopted.ok()) << adopted.error().message;
    EXPECT_EQ(1u, *adopted);
    exchange({&laptop_, &desk_, &phone_});
    EXPECT_EQ("text", *phone_.read("unseen"));
    EXPECT_EQ(laptop_.tree(), desk_.tree());
}

// Somebody had applied it before hearing of the change: it counts for everybody, also when that
// device never writes anything itself.
TEST_F(VaultRoles, WhatSomebodyHadAppliedCountsForAll) {
    expect_ok(desk_.write("seen by the phone", "text"));
    publish(desk_);
    pull(phone_, desk_);
    EXPECT_EQ("text", *phone_.read("seen by the phone"));
    set_role(desk_, MemberRole::Reader);
    exchange({&laptop_, &desk_, &phone_});
    EXPECT_EQ("text", *laptop_.read("seen by the phone"));
    EXPECT_EQ(laptop_.tree(), phone_.tree());
    EXPECT_EQ(0u, held(laptop_));
}

TEST_F(VaultRoles, OnlyOwnersChangeRolesAndOneStays) {
    EXPECT_EQ(error_of(desk_.vault().set_role(id_of(phone_), MemberRole::Reader)),
              ErrorKind::Refused);
    EXPECT_EQ(error_of(laptop_.vault().set_role(id_of(laptop_), MemberRole::Writer)),
              ErrorKind::Refused);
    set_role(desk_, MemberRole::Owner);
    exchange({&laptop_, &desk_, &phone_});
    // Not by itself; by the other one.
    EXPECT_EQ(error_of(laptop_.vault().set_role(id_of(laptop_), MemberRole::Reader)),
              ErrorKind::Refused);
    expect_ok(desk_.vault().set_role(id_of(laptop_), MemberRole::Reader));
    exchange({&laptop_, &desk_, &phone_});
    EXPECT_EQ(error_of(laptop_.write("x", "x")), ErrorKind::ReadOnly);
    EXPECT_EQ(MemberRole::Reader, role_at(phone_, laptop_));
    expect_ok(desk_.vault().set_role(id_of(laptop_), MemberRole::Owner));
    exchange({&laptop_, &desk_, &phone_});
    expect_ok(laptop_.write("x", "x"));
}

// Two owners demote each other: one of them stays.
TEST_F(VaultRoles, TwoOwnersThatDemoteEachOtherLeaveOne) {
    set_role(desk_, MemberRole::Owner);
    exchange({&laptop_, &desk_, &phone_});
    expect_ok(laptop_.vault().set_role(id_of(desk_), MemberRole::Reader));
    expect_ok(desk_.vault().set_role(id_of(laptop_), MemberRole::Reader));
    exchange({&laptop_, &desk_, &phone_});
    int owners = 0;
    for (VaultDevice* one : {&laptop_, &desk_, &phone_})
        owners += role_at(phone_, *one) == MemberRole::Owner ? 1 : 0;
    EXPECT_EQ(1, owners);
    for (VaultDevice* at : {&laptop_, &desk_})
        for (VaultDevice* whom : {&laptop_, &desk_, &phone_})
            EXPECT_EQ(role_at(phone_, *whom), role_at(*at, *whom));
    EXPECT_EQ(laptop_.tree(), phone_.tree());
}

TEST_F(VaultRoles, AMemberThatBecomesBlindGetsNoNewKeysAndCanComeBack) {
    set_role(desk_, MemberRole::Blind);
    expect_ok(laptop_.write("secret", "text"));
    exchange({&laptop_, &desk_, &phone_});
    EXPECT_FALSE(desk_.read("secret").ok());
    // It goes on holding what it cannot read.
    EXPECT_EQ(laptop_.vault().replica()->frontier(), desk_.vault().replica()->frontier());
    EXPECT_EQ("text", *phone_.read("secret"));
    set_role(desk_, MemberRole::Writer);
    exchange({&laptop_, &desk_, &phone_});
    EXPECT_EQ("text", *desk_.read("secret"));
    expect_ok(desk_.write("back", "again"));
    exchange({&laptop_, &desk_, &phone_});
    EXPECT_EQ("again", *phone_.read("back"));
}

// A removal after that: what the removed one wrote, and others had seen, stays.
TEST_F(VaultRoles, WhatWasWrittenAfterTheRightCameBackCountsWhenTheDeviceIsRemoved) {
    set_role(desk_, MemberRole::Blind);
    exchange({&laptop_, &desk_, &phone_});
    set_role(desk_, MemberRole::Writer);
    exchange({&laptop_, &desk_, &phone_});
    expect_ok(desk_.write("late", "text"));
    publish(desk_);
    pull(phone_, desk_);
    expect_ok(laptop_.vault().revoke(id_of(desk_)));
    exchange({&laptop_, &phone_});
    EXPECT_EQ("text", *laptop_.read("late"));
    EXPECT_EQ(laptop_.tree(), phone_.tree());
}

TEST_F(VaultRoles, APowerCutAtAnyDiskCallLeavesTheOldRoleOrTheNewOne) {
    std::uint64_t point = 0;
    for (bool finished = false; !finished; ++point) {
        ASSERT_LT(point, 100u);
        auto device = laptop_.clone(100 + point);
        device->disk().power_off_at(point);
        finished = device->vault().set_role(id_of(desk_), MemberRole::Reader).ok();
        expect_ok(device->crash_and_reopen(point));
        const MemberRole role = role_at(*device, desk_);
        EXPECT_TRUE(role == MemberRole::Reader || (role == MemberRole::Writer && !finished));
        EXPECT_EQ("here", *device->read("start"));
        expect_ok(device->write("more", "text"));
        expect_ok(device->publish());
    }
    EXPECT_GT(point, 2u);
}

}  // namespace
}  // namespace lockstep
