// A vault directory that is put back to an older state while this device's own state is not: it is
// told, also after a restart, and nothing that was replaced comes into force again.
#include <gtest/gtest.h>

#include "tests/support/vault_device.h"

namespace lockstep {
namespace {

class VaultRollback : public ::testing::Test {
  protected:
    void SetUp() override {
        expect_ok(laptop_.found());
        expect_ok(desk_.join(laptop_));
    }
    static void expect_ok(const Status& status) {
        EXPECT_TRUE(status.ok()) << (status.ok() ? "" : status.error().message);
    }
    void write(VaultDevice& device, const std::string& path, const std::string& text) {
        expect_ok(device.write(path, text));
        clock_.advance(std::chrono::seconds(3));
        expect_ok(device.publish());
    }
    static void pull(VaultDevice& to, VaultDevice& from) {
        auto taken = to.pull(from);
        EXPECT_TRUE(taken.ok()) << (taken.ok() ? "" : taken.error().message);
    }
    static bool is_told(VaultDevice& device, std::string_view what) {
        for (const std::string& alarm : device.vault().status().alarms)
            if (alarm.find(what) != std::string::npos) return true;
        return false;
    }

    FakeClock clock_;
    VaultDevice laptop_{"laptop", 1, clock_, quick_stretcher()};
    VaultDevice desk_{"desk", 2, clock_, quick_stretcher()};
};

TEST_F(VaultRollback, SegmentsThatAreGoneAreAnAlarmUntilTheyAreThereAgain) {
    for (const char* path : {"a", "b", "c"}) write(laptop_, path, "text");
    pull(desk_, laptop_);
    ASSERT_EQ("text", *desk_.read("c"));
    expect_ok(desk_.kill_and_reopen());
    EXPECT_FALSE(is_told(desk_, "rollback"));
    for (const auto& [log, last] : laptop_.vault().replica()->frontier())
        expect_ok(desk_.disk().remove(kTestVaultDirectory / "log" / log.to_hex() /
                                      (std::to_string(last.number) + ".seg")));
    for (int restart = 0; restart < 3; ++restart) {
        expect_ok(desk_.kill_and_reopen());
        EXPECT_TRUE(is_told(desk_, "rollback: of what laptop wrote")) << restart;
        EXPECT_EQ("text", *desk_.read("a")) << "it is told, and nothing stops";
        write(desk_, "goes on", std::to_string(restart));
    }
    pull(desk_, laptop_);
    EXPECT_EQ("text", *desk_.read("c"));
    expect_ok(desk_.kill_and_reopen());
    EXPECT_FALSE(is_told(desk_, "rollback"));
}

TEST_F(VaultRollback, ADirectoryWithoutTheNewestKeysGetsThemAgain) {
    const auto before = laptop_.vault().replica()->key_objects();
    expect_ok(laptop_.vault().set_passphrase({.current = {},
                                              .passphrase = as_bytes("another one"),
                                              .cost = kTestCost,
                                              .replaces = true}));
    for (const KeyObjectId& id : laptop_.vault().replica()->key_objects())
        if (std::find(before.begin(), before.end(), id) == before.end())
            expect_ok(
                laptop_.disk().remove(kTestVaultDirectory / "keys" / (id.to_hex() + ".keys")));
    expect_ok(laptop_.kill_and_reopen());
    EXPECT_TRUE(is_told(laptop_, "old copy"));
    expect_ok(laptop_.vault().lock(false));
    Status old_one = laptop_.vault().unlock(as_bytes(kTestPassphrase));
    ASSERT_FALSE(old_one.ok()) << "a passphrase that was replaced opens it again";
    EXPECT_EQ(ErrorKind::WrongKey, old_one.error().kind);
    expect_ok(laptop_.vault().unlock(as_bytes("another one")));
}

TEST_F(VaultRollback, WhoWasRemovedStaysRemovedWhenTheDirectoryIsPutBack) {
    const DeviceId desk = desk_.vault().replica()->device();
    const auto before = laptop_.vault().replica()->key_objects();
    expect_ok(laptop_.vault().revoke(desk));
    for (const KeyObjectId& id : laptop_.vault().replica()->key_objects())
        if (std::find(before.begin(), before.end(), id) == before.end())
            expect_ok(
                laptop_.disk().remove(kTestVaultDirectory / "keys" / (id.to_hex() + ".keys")));
    expect_ok(laptop_.kill_and_reopen());
    bool is_revoked = false;
    for (const Member& member : laptop_.vault().replica()->members())
        if (member.device == desk) is_revoked = member.is_revoked;
    EXPECT_TRUE(is_revoked);
}

}  // namespace
}  // namespace lockstep
