// T15: a device is put back to an older state, with everything that could remember it. Nothing here
// knows that there was more; the other devices do.
#include <gtest/gtest.h>

#include "tests/support/vault_device.h"

namespace lockstep {
namespace {

class RollbackWithoutMemory : public ::testing::Test {
  protected:
    void SetUp() override {
        expect_ok(laptop_.found());
        expect_ok(desk_.join(laptop_));
        write(laptop_, "start", "here");
        settle();
        // On the first day a device may have been here before.
        clock_.advance(std::chrono::hours(25));
        settle();
        backup_ = laptop_.disk().clone();
        write(laptop_, "after the backup", "text");
        settle();
        ASSERT_EQ("text", *desk_.read("after the backup"));
        EXPECT_FALSE(is_told(laptop_));
        EXPECT_FALSE(is_told(desk_));
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
    static void pull(VaultDevice& to, VaultDevice& from) {
        auto taken = to.pull(from);
        EXPECT_TRUE(taken.ok()) << (taken.ok() ? "" : taken.error().message);
    }
    void settle() {
        for (int round = 0; round < 3; ++round) {
            publish(laptop_);
            publish(desk_);
            pull(desk_, laptop_);
            pull(laptop_, desk_);
        }
    }
    static bool is_told(VaultDevice& device) {
        for (const std::string& alarm : device.vault().status().alarms)
            if (alarm.starts_with("rollback: other devices have")) return true;
        return false;
    }
    // Index, journal and all else that this device keeps of the vault but its keys.
    void forget_everything() {
        const fs::path state =
            fs::path("/home/state") / desk_.vault().replica()->vault_id().to_hex();
        auto items = laptop_.disk().list(state);
        ASSERT_TRUE(items.ok());
        for (const DirectoryItem& item : *items)
            if (!item.is_directory && (item.name.starts_with("index.db") ||
                                       item.name == "journal" || item.name == "lost.positions"))
                expect_ok(laptop_.disk().remove(state / item.name));
    }
    void expect_told_and_whole() {
        EXPECT_FALSE(is_told(laptop_)) << "nothing here knows";
        pull(laptop_, desk_);
        EXPECT_TRUE(is_told(laptop_));
        EXPECT_FALSE(is_told(desk_)) << "desk is as it was";
        EXPECT_EQ("text", *laptop_.read("after the backup"));
        // Told is all: it goes on, under a new name of its log, and nothing is used twice.
        write(laptop_, "goes on", "1");
        settle();
        EXPECT_EQ(laptop_.tree(), desk_.tree());
        EXPECT_EQ("1", *desk_.read("goes on"));
        EXPECT_FALSE(is_told(desk_));
        // All is here again: after the next start there is nothing to tell.
        expect_ok(laptop_.kill_and_reopen());
        settle();
        EXPECT_FALSE(is_told(laptop_));
    }

    FakeClock clock_;
    VaultDevice laptop_{"laptop", 1, clock_, quick_stretcher()};
    VaultDevice desk_{"desk", 2, clock_, quick_stretcher()};
    std::unique_ptr<MemoryDisk> backup_;
};

TEST_F(RollbackWithoutMemory, T15ADiskPutBackWholeIsToldByTheOthers) {
    expect_ok(laptop_.restore(*backup_));
    expect_told_and_whole();
}

TEST_F(RollbackWithoutMemory, T15ADirectoryPutBackWithItsIndexLostIsToldByTheOthers) {
    forget_everything();
    expect_ok(laptop_.put_directory_back(*backup_));
    expect_told_and_whole();
}

// As long as it is true a restart does not end it: whoever knows more says it again.
TEST_F(RollbackWithoutMemory, T15TheAlarmComesBackUntilEverythingIsHere) {
    write(laptop_, "more", "1");
    write(laptop_, "still more", "2");
    settle();
    expect_ok(laptop_.restore(*backup_));
    for (int restart = 0; restart < 2; ++restart) {
        auto taken = laptop_.pull(desk_, 1);
        ASSERT_TRUE(taken.ok());
        EXPECT_TRUE(is_told(laptop_)) << restart;
        expect_ok(laptop_.kill_and_reopen());
        EXPECT_FALSE(is_told(laptop_));
    }
    settle();
    EXPECT_EQ(laptop_.tree(), desk_.tree());
}

// Bit rot is no rollback.
TEST_F(RollbackWithoutMemory, T15AnOwnSegmentThatRottedIsDamageAndNoRollback) {
    for (const auto& [log, last] : laptop_.vault().replica()->frontier()) {
        const fs::path file =
            kTestVaultDirectory / "log" / log.to_hex() / (std::to_string(last.number) + ".seg");
        auto bytes = laptop_.disk().contents(file);
        if (!bytes) continue;
        (*bytes)[bytes->size() / 2] ^= std::byte{1};
        laptop_.disk().put(file, *bytes);
    }
    forget_everything();
    expect_ok(laptop_.kill_and_reopen());
    EXPECT_FALSE(laptop_.vault().status().alarms.empty());
    settle();
    EXPECT_FALSE(is_told(laptop_));
    EXPECT_EQ(laptop_.tree(), desk_.tree());
}

}  // namespace
}  // namespace lockstep
