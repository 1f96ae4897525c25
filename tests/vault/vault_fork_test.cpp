// Devices that were cloned, or restored from a backup, and wrote on twice under one name.
#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"
#include "tests/support/vault_device.h"

namespace lockstep {
namespace {

using Tree = std::map<std::string, std::string>;

class VaultFork : public ::testing::Test {
  protected:
    void SetUp() override {
        expect_ok(laptop_.found());
        expect_ok(desk_.join(laptop_));
        write(laptop_, "start", "here");
        exchange({&laptop_, &desk_});
    }
    static void expect_ok(const Status& status) {
        EXPECT_TRUE(status.ok()) << (status.ok() ? "" : status.error().message);
    }
    void write(VaultDevice& device, const std::string& path, const std::string& text) {
        expect_ok(device.write(path, text));
        publish(device);
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
    static bool tells_of_a_fork(VaultDevice& device) {
        for (const std::string& alarm : device.vault().status().alarms)
            if (alarm.find("cloned or restored") != std::string::npos &&
                !alarm.starts_with("rollback"))
                return true;
        return false;
    }
    void expect_same(const std::vector<VaultDevice*>& devices, const Tree& tree) {
        for (VaultDevice* device : devices) {
            EXPECT_EQ(device->tree(), tree);
            EXPECT_EQ(device->vault().replica()->frontier(),
                      devices[0]->vault().replica()->frontier());
            auto report = device->vault().check();
            ASSERT_TRUE(report.ok());
            for (const std::string& error : report->errors)
                EXPECT_NE(error.find("cloned or restored"), std::string::npos) << error;
        }
    }

    FakeClock clock_;
    WorkerPool workers_{0};
    VaultDevice laptop_{"laptop", 1, clock_};
    VaultDevice desk_{"desk", 2, clock_};
};

TEST_F(VaultFork, WhatBothTwinsWroteIsThereEverywhere) {
    auto twin = laptop_.clone(77);
    write(laptop_, "of the first", "1");
    write(laptop_, "more of the first", "2");
    write(*twin, "of the second", "3");
    exchange({&laptop_, &desk_, twin.get()});
    const Tree all{{"start", "here"},
                   {"of the first", "1"},
                   {"more of the first", "2"},
                   {"of the second", "3"}};
    expect_same({&laptop_, &desk_, twin.get()}, all);
    EXPECT_TRUE(tells_of_a_fork(desk_));
    // From now on each has a log of its own.
    write(laptop_, "later", "4");
    write(*twin, "later still", "5");
    exchange({&laptop_, &desk_, twin.get()});
    Tree later = all;
    later["later"] = "4";
    later["later still"] = "5";
    expect_same({&laptop_, &desk_, twin.get()}, later);
}

TEST_F(VaultFork, ARestoredDeviceThatWroteBeforeItMetAnybodyLosesNothing) {
    const auto backup = laptop_.disk().clone();
    write(laptop_, "after the backup", "1");
    write(laptop_, "start", "changed");
    exchange({&laptop_, &desk_});
    expect_ok(laptop_.restore(*backup));
    EXPECT_EQ(laptop_.tree(), (Tree{{"start", "here"}}));
    write(laptop_, "after the restore", "2");
    exchange({&laptop_, &desk_});
    expect_same({&laptop_, &desk_},
                {{"start", "changed"}, {"after the backup", "1"}, {"after the restore", "2"}});
    EXPECT_TRUE(tells_of_a_fork(desk_));
}

TEST_F(VaultFork, ARestoredDeviceThatMeetsSomebodyFirstForksNothing) {
    const auto backup = laptop_.disk().clone();
    write(laptop_, "after the backup", "1");
    exchange({&laptop_, &desk_});
    expect_ok(laptop_.restore(*backup));
    pull(laptop_, desk_);
    write(laptop_, "after the restore", "2");
    exchange({&laptop_, &desk_});
    expect_same({&laptop_, &desk_},
                {{"start", "here"}, {"after the backup", "1"}, {"after the restore", "2"}});
    EXPECT_FALSE(tells_of_a_fork(desk_));
    EXPECT_FALSE(tells_of_a_fork(laptop_));
}

// What it had in the journal when the backup was made, and what it wrote since, is not taken for
// something that its other self has published.
TEST_F(VaultFork, UnpublishedWritesOfATwinArePublished) {
    expect_ok(laptop_.write("in the journal", "0"));
    expect_ok(laptop_.sync("in the journal"));
    auto twin = laptop_.clone(78);
    expect_ok(twin->write("synced by the twin", "1"));
    expect_ok(twin->sync("synced by the twin"));
    write(laptop_, "by the first", "2");
    write(laptop_, "by the first", "3");
    exchange({&laptop_, &desk_});
    // Its other self's segments come before it publishes, and it is killed.
    pull(*twin, desk_);
    expect_ok(twin->kill_and_reopen());
    exchange({&laptop_, &desk_, twin.get()});
    expect_same({&laptop_, &desk_, twin.get()}, {{"start", "here"},
                                                 {"in the journal", "0"},
                                                 {"synced by the twin", "1"},
                                                 {"by the first", "3"}});
}

TEST_F(VaultFork, ForksAreFollowedAgainAfterARestartAndByOthers) {
    auto twin = laptop_.clone(79);
    auto third = laptop_.clone(80);
    write(laptop_, "1", "1");
    write(*twin, "2", "2");
    write(*third, "3", "3");
    write(*third, "3", "33");
    exchange({&laptop_, &desk_, twin.get(), third.get()});
    const Tree all{{"start", "here"}, {"1", "1"}, {"2", "2"}, {"3", "33"}};
    expect_same({&laptop_, &desk_, twin.get(), third.get()}, all);
    expect_ok(desk_.kill_and_reopen());
    EXPECT_EQ(desk_.tree(), all);
    EXPECT_TRUE(tells_of_a_fork(desk_));
    VaultDevice phone("phone", 3, clock_);
    expect_ok(phone.join(desk_));
    exchange({&phone, &desk_});
    expect_same({&phone, &desk_}, all);
}

// A fork of a fork: the twin is restored from a backup of its own.
TEST_F(VaultFork, ABranchIsForkedAgain) {
    auto twin = laptop_.clone(81);
    write(laptop_, "first", "1");
    write(*twin, "twin", "2");
    const auto backup = twin->disk().clone();
    write(*twin, "lost and found", "3");
    VaultDevice phone("phone", 3, clock_);
    expect_ok(phone.join(desk_));
    pull(phone, *twin);
    expect_ok(twin->restore(*backup));
    write(*twin, "once more", "4");
    exchange({&laptop_, &desk_, twin.get(), &phone});
    expect_same({&laptop_, &desk_, twin.get(), &phone}, {{"start", "here"},
                                                         {"first", "1"},
                                                         {"twin", "2"},
                                                         {"lost and found", "3"},
                                                         {"once more", "4"}});
}

// A revocation that names the log as it was before anybody knew of the fork.
TEST_F(VaultFork, ACutOfAForkedLogIsWhereItWasSeen) {
    VaultDevice phone("phone", 3, clock_);
    expect_ok(phone.join(laptop_));
    exchange({&laptop_, &desk_, &phone});
    auto twin = phone.clone(82);
    write(phone, "seen", "1");
    write(*twin, "unseen", "2");
    exchange({&laptop_, &desk_, &phone});
    auto revoked = laptop_.vault().revoke(phone.vault().replica()->device());
    ASSERT_TRUE(revoked.ok()) << revoked.error().message;
    exchange({&laptop_, &desk_});
    pull(laptop_, *twin);
    pull(desk_, *twin);
    exchange({&laptop_, &desk_});
    EXPECT_EQ(laptop_.tree(), (Tree{{"start", "here"}, {"seen", "1"}}));
    EXPECT_EQ(desk_.tree(), laptop_.tree());
    EXPECT_EQ(desk_.vault().replica()->frontier(), laptop_.vault().replica()->frontier());
}

TEST_F(VaultFork, WithoutADaemonTheDirectoryShowsBothWays) {
    auto twin = laptop_.clone(83);
    write(laptop_, "first", "1");
    write(*twin, "second", "2");
    exchange({&laptop_, &desk_, twin.get()});
    const TempDir plain;
    auto report = decrypt_vault(desk_.disk(), workers_, desk_.vault().directory(),
                                as_bytes(kTestPassphrase), plain.path());
    ASSERT_TRUE(report.ok()) << report.error().message;
    EXPECT_EQ(std::vector<std::string>{}, report->damaged);
    EXPECT_TRUE(fs::exists(plain / "first"));
    EXPECT_TRUE(fs::exists(plain / "second"));
}

}  // namespace
}  // namespace lockstep
