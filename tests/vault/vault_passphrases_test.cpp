// Passphrases and the recovery code of a vault: changed, added, removed, kept on one device; at
// every call of the disk that a power cut can come at.
#include <gtest/gtest.h>

#include "tests/support/vault_device.h"
#include "vault/keys/recovery_code.h"

namespace lockstep {
namespace {

constexpr std::string_view kFresh = "another passphrase";

class VaultPassphrases : public ::testing::Test {
  protected:
    void SetUp() override { expect_ok(laptop_.found(&recovery_code_)); }

    static void expect_ok(const Status& status) {
        EXPECT_TRUE(status.ok()) << (status.ok() ? "" : status.error().message);
    }
    static ErrorKind error_of(const Status& status) {
        EXPECT_FALSE(status.ok());
        return status.ok() ? ErrorKind::Io : status.error().kind;
    }
    static NewPassphrase wish(std::string_view current, std::string_view passphrase) {
        return {.current = as_bytes(current),
                .passphrase = as_bytes(passphrase),
                .cost = kTestCost,
                .replaces = true};
    }
    static NewPassphrase one_more(std::string_view passphrase) {
        return {.current = as_bytes(kTestPassphrase),
                .passphrase = as_bytes(passphrase),
                .cost = kTestCost};
    }
    // What happens when somebody locks the vault and types this.
    static Status unlock_anew(VaultDevice& device, std::string_view secret) {
        TRY_OK(device.vault().lock(false));
        return device.vault().unlock(as_bytes(secret));
    }
    static std::size_t count(VaultDevice& device, KeySlotInfo::Kind kind) {
        std::size_t out = 0;
        for (const KeySlotInfo& slot : device.vault().key_slots()) out += slot.kind == kind ? 1 : 0;
        return out;
    }
    static std::string id_of(VaultDevice& device, KeySlotInfo::Kind kind, std::size_t index = 0) {
        for (const KeySlotInfo& slot : device.vault().key_slots())
            if (slot.kind == kind && index-- == 0) return slot.id;
        return {};
    }
    std::uint64_t epochs(VaultDevice& device) { return device.vault().replica()->swarms().size(); }
    void pull(VaultDevice& to, VaultDevice& from) {
        auto taken = to.pull(from);
        EXPECT_TRUE(taken.ok()) << (taken.ok() ? "" : taken.error().message);
    }

    FakeClock clock_;
    VaultDevice laptop_{"laptop", 1, clock_, quick_stretcher()};
    std::string recovery_code_;
};

TEST_F(VaultPassphrases, AChangedOneOpensAndTheOldOneDoesNot) {
    expect_ok(laptop_.write("a", "text"));
    expect_ok(laptop_.vault().set_passphrase(wish(kTestPassphrase, kFresh)));
    EXPECT_EQ(error_of(unlock_anew(laptop_, kTestPassphrase)), ErrorKind::WrongKey);
    expect_ok(laptop_.vault().unlock(as_bytes(kFresh)));
    EXPECT_EQ("text", *laptop_.read("a"));
    EXPECT_EQ(1u, count(laptop_, KeySlotInfo::Kind::Passphrase));
}

TEST_F(VaultPassphrases, WhatIsWrittenAfterAChangeTheOldOneDoesNotOpen) {
    expect_ok(laptop_.vault().set_passphrase(wish(kTestPassphrase, kFresh)));
    EXPECT_EQ(2u, epochs(laptop_));
    expect_ok(laptop_.write("later", "secret"));
    clock_.advance(std::chrono::seconds(3));
    expect_ok(laptop_.publish());
    // Nobody has told it that the first key object was replaced.
    VaultDevice thief("thief", 7, clock_, quick_stretcher());
    if (thief.open_copy(laptop_, kTestPassphrase).ok()) {
        EXPECT_FALSE(thief.read("later").ok());
    }
    VaultDevice friendly("desk", 8, clock_, quick_stretcher());
    expect_ok(friendly.open_copy(laptop_, kFresh));
    EXPECT_EQ("secret", *friendly.read("later"));
}

TEST_F(VaultPassphrases, TheCurrentOneMustBeRightWhereItIsGiven) {
    EXPECT_EQ(error_of(laptop_.vault().set_passphrase(wish("wrong", kFresh))), ErrorKind::WrongKey);
    EXPECT_EQ(error_of(laptop_.vault().set_passphrase(wish(kTestPassphrase, ""))),
              ErrorKind::Invalid);
    expect_ok(unlock_anew(laptop_, kTestPassphrase));
}

TEST_F(VaultPassphrases, SeveralOpenTheSameVaultAndEachCanBeRemoved) {
    expect_ok(laptop_.vault().set_passphrase(one_more("second")));
    expect_ok(laptop_.vault().set_passphrase(one_more("third")));
    EXPECT_EQ(3u, count(laptop_, KeySlotInfo::Kind::Passphrase));
    for (std::string_view one :
         {kTestPassphrase, std::string_view("second"), std::string_view("third")})
        expect_ok(unlock_anew(laptop_, one));
    // Changing one leaves the others alone.
    expect_ok(laptop_.vault().set_passphrase(wish("second", kFresh)));
    EXPECT_EQ(3u, count(laptop_, KeySlotInfo::Kind::Passphrase));
    EXPECT_EQ(error_of(unlock_anew(laptop_, "second")), ErrorKind::WrongKey);
    expect_ok(laptop_.vault().unlock(as_bytes("third")));
    while (count(laptop_, KeySlotInfo::Kind::Passphrase) > 1)
        expect_ok(
            laptop_.vault().remove_passphrase(id_of(laptop_, KeySlotInfo::Kind::Passphrase), {}));
    EXPECT_EQ(error_of(laptop_.vault().remove_passphrase(
                  id_of(laptop_, KeySlotInfo::Kind::Passphrase), {})),
              ErrorKind::Refused);
    EXPECT_EQ(error_of(laptop_.vault().remove_passphrase("0000000000000000", {})),
              ErrorKind::Refused);
}

TEST_F(VaultPassphrases, AfterManyChangesACopyOfTheDirectoryStillOpens) {
    std::string current(kTestPassphrase);
    for (int i = 0; i < 12; ++i) {
        const std::string next = "passphrase " + std::to_string(i);
        expect_ok(laptop_.vault().set_passphrase(wish(current, next)));
        current = next;
    }
    VaultDevice desk("desk", 9, clock_, quick_stretcher());
    expect_ok(desk.open_copy(laptop_, current));
}

TEST_F(VaultPassphrases, WhoIsNoOwnerMayNotChangeThem) {
    VaultDevice desk("desk", 2, clock_, quick_stretcher());
    expect_ok(desk.join(laptop_, MemberRole::Writer));
    EXPECT_EQ(error_of(desk.vault().set_passphrase(wish(kTestPassphrase, kFresh))),
              ErrorKind::Refused);
    EXPECT_EQ(error_of(desk.vault().rotate()), ErrorKind::Refused);
    EXPECT_FALSE(desk.vault().renew_recovery_code("papers", {}).ok());
    expect_ok(unlock_anew(desk, kTestPassphrase));
}

TEST_F(VaultPassphrases, AChangeReachesTheOtherDevices) {
    VaultDevice desk("desk", 2, clock_, quick_stretcher());
    expect_ok(desk.join(laptop_));
    expect_ok(laptop_.vault().set_passphrase(wish(kTestPassphrase, kFresh)));
    pull(desk, laptop_);
    EXPECT_EQ(error_of(unlock_anew(desk, kTestPassphrase)), ErrorKind::WrongKey);
    expect_ok(desk.vault().unlock(as_bytes(kFresh)));
}

// Neither knows of the other's: both new ones open it, and the old one does not.
TEST_F(VaultPassphrases, TwoChangesAtOnceBothTakeEffect) {
    VaultDevice desk("desk", 2, clock_, quick_stretcher());
    expect_ok(desk.join(laptop_));
    expect_ok(laptop_.vault().set_passphrase(wish(kTestPassphrase, kFresh)));
    expect_ok(desk.vault().set_passphrase(one_more("one more")));
    pull(desk, laptop_);
    pull(laptop_, desk);
    for (VaultDevice* device : {&laptop_, &desk}) {
        EXPECT_EQ(error_of(unlock_anew(*device, kTestPassphrase)), ErrorKind::WrongKey);
        expect_ok(device->vault().unlock(as_bytes(kFresh)));
        expect_ok(unlock_anew(*device, "one more"));
    }
}

TEST_F(VaultPassphrases, OneThatStaysHereOpensNoCopyOfTheDirectory) {
    VaultDevice home("home", 3, clock_, quick_stretcher());
    std::string code;
    expect_ok(home.found(&code, true));
    expect_ok(home.write("a", "text"));
    expect_ok(unlock_anew(home, kTestPassphrase));
    EXPECT_EQ("text", *home.read("a"));
    EXPECT_EQ(0u, count(home, KeySlotInfo::Kind::Passphrase));
    EXPECT_EQ(1u, count(home, KeySlotInfo::Kind::LocalPassphrase));
    EXPECT_EQ(error_of(unlock_anew(home, "wrong")), ErrorKind::WrongKey);
    expect_ok(home.vault().unlock(as_bytes(kTestPassphrase)));
    clock_.advance(std::chrono::seconds(3));
    expect_ok(home.publish());
    VaultDevice thief("thief", 4, clock_, quick_stretcher());
    EXPECT_EQ(error_of(thief.open_copy(home, kTestPassphrase)), ErrorKind::WrongKey);
    // The recovery code does: the first device may be lost.
    VaultDevice rescued("rescued", 5, clock_, quick_stretcher());
    expect_ok(rescued.open_copy(home, code));
    EXPECT_EQ("text", *rescued.read("a"));
}

TEST_F(VaultPassphrases, OneCanBeTakenOutOfTheDirectory) {
    NewPassphrase stays = wish(kTestPassphrase, kFresh);
    stays.stays_here = true;
    expect_ok(laptop_.vault().set_passphrase(stays));
    EXPECT_EQ(0u, count(laptop_, KeySlotInfo::Kind::Passphrase));
    EXPECT_EQ(error_of(unlock_anew(laptop_, kTestPassphrase)), ErrorKind::WrongKey);
    expect_ok(laptop_.vault().unlock(as_bytes(kFresh)));
    expect_ok(laptop_.kill_and_reopen());
    expect_ok(unlock_anew(laptop_, kFresh));
    // And back.
    expect_ok(laptop_.vault().set_passphrase(wish(kFresh, "third")));
    EXPECT_EQ(0u, count(laptop_, KeySlotInfo::Kind::LocalPassphrase));
    EXPECT_EQ(error_of(unlock_anew(laptop_, kFresh)), ErrorKind::WrongKey);
    expect_ok(laptop_.vault().unlock(as_bytes("third")));
}

TEST_F(VaultPassphrases, AWriterMayHaveOneOfItsOwn) {
    VaultDevice desk("desk", 2, clock_, quick_stretcher());
    expect_ok(desk.join(laptop_, MemberRole::Writer));
    expect_ok(desk.vault().set_passphrase(
        {.current = {}, .passphrase = as_bytes(kFresh), .cost = kTestCost, .stays_here = true}));
    expect_ok(unlock_anew(desk, kFresh));
    expect_ok(unlock_anew(desk, kTestPassphrase));
    expect_ok(desk.vault().remove_passphrase("here", {}));
    EXPECT_EQ(error_of(unlock_anew(desk, kFresh)), ErrorKind::WrongKey);
}

TEST_F(VaultPassphrases, WrongOnesMustWaitLongerAndLonger) {
    expect_ok(laptop_.vault().lock(false));
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(error_of(laptop_.vault().unlock(as_bytes("wrong"))), ErrorKind::WrongKey);
    EXPECT_EQ(error_of(laptop_.vault().unlock(as_bytes(kTestPassphrase))), ErrorKind::Busy);
    clock_.advance(std::chrono::seconds(2));
    EXPECT_EQ(error_of(laptop_.vault().unlock(as_bytes("wrong"))), ErrorKind::WrongKey);
    clock_.advance(std::chrono::seconds(1));
    EXPECT_EQ(error_of(laptop_.vault().unlock(as_bytes(kTestPassphrase))), ErrorKind::Busy);
    clock_.advance(std::chrono::minutes(1));
    expect_ok(laptop_.vault().unlock(as_bytes(kTestPassphrase)));
    expect_ok(laptop_.vault().lock(false));
    EXPECT_EQ(error_of(laptop_.vault().unlock(as_bytes("wrong"))), ErrorKind::WrongKey);
    expect_ok(laptop_.vault().unlock(as_bytes(kTestPassphrase)));
}

TEST_F(VaultPassphrases, ACheapOneGetsDearerWhenAnOwnerUnlocksWithIt) {
    laptop_.set_passphrase_cost_min({.memory_bytes = 128ULL << 20, .operations = 4});
    expect_ok(laptop_.kill_and_reopen());
    expect_ok(unlock_anew(laptop_, kTestPassphrase));
    const auto slots = laptop_.vault().key_slots();
    const auto slot = std::find_if(slots.begin(), slots.end(), [](const KeySlotInfo& info) {
        return info.kind == KeySlotInfo::Kind::Passphrase;
    });
    ASSERT_NE(slots.end(), slot);
    EXPECT_EQ(128ULL << 20, slot->cost.memory_bytes);
    EXPECT_EQ(4u, slot->cost.operations);
    EXPECT_EQ("laptop", slot->added_by);
    EXPECT_EQ(1u, count(laptop_, KeySlotInfo::Kind::Passphrase));
    EXPECT_EQ(1u, epochs(laptop_)) << "the passphrase is the same: nothing is kept from anybody";
    expect_ok(unlock_anew(laptop_, kTestPassphrase));
}

TEST_F(VaultPassphrases, ACheapOneThatStaysHereGetsDearer) {
    VaultDevice home("home", 3, clock_, quick_stretcher());
    expect_ok(home.found(nullptr, true));
    home.set_passphrase_cost_min({.memory_bytes = 128ULL << 20, .operations = 4});
    expect_ok(home.kill_and_reopen());
    expect_ok(unlock_anew(home, kTestPassphrase));
    const auto slots = home.vault().key_slots();
    const auto slot = std::find_if(slots.begin(), slots.end(), [](const KeySlotInfo& info) {
        return info.kind == KeySlotInfo::Kind::LocalPassphrase;
    });
    ASSERT_NE(slots.end(), slot);
    EXPECT_EQ(128ULL << 20, slot->cost.memory_bytes);
    EXPECT_EQ(4u, slot->cost.operations);
    EXPECT_EQ(error_of(unlock_anew(home, "wrong")), ErrorKind::WrongKey);
    expect_ok(home.vault().unlock(as_bytes(kTestPassphrase)));
}

TEST_F(VaultPassphrases, TheRecoveryCodeIsTriedWithoutUnlockingAndOpensTheVault) {
    expect_ok(laptop_.write("a", "text"));
    expect_ok(laptop_.vault().lock(false));
    expect_ok(laptop_.vault().test_recovery_code(as_bytes(recovery_code_)));
    EXPECT_EQ(error_of(laptop_.vault().test_recovery_code(as_bytes("12345-67890"))),
              ErrorKind::Invalid);
    SeededRandom random(99);
    const SecretBytes other = make_recovery_code(random);
    EXPECT_EQ(error_of(laptop_.vault().test_recovery_code(other.reveal())), ErrorKind::WrongKey);
    EXPECT_FALSE(laptop_.vault().is_unlocked());
    expect_ok(laptop_.vault().unlock(as_bytes(recovery_code_)));
    EXPECT_EQ("text", *laptop_.read("a"));
}

TEST_F(VaultPassphrases, ANewRecoveryCodeReplacesTheOldOne) {
    auto fresh = laptop_.vault().renew_recovery_code("papers", as_bytes(kTestPassphrase));
    ASSERT_TRUE(fresh.ok()) << fresh.error().message;
    EXPECT_EQ(error_of(laptop_.vault().test_recovery_code(as_bytes(recovery_code_))),
              ErrorKind::WrongKey);
    expect_ok(laptop_.vault().test_recovery_code(as_bytes(fresh->code)));
    EXPECT_NE(std::string::npos, fresh->sheet.find("papers"));
    EXPECT_EQ(1u, count(laptop_, KeySlotInfo::Kind::RecoveryCode));
}

TEST_F(VaultPassphrases, TheRecoveryCodeMakesADeviceThatHasOnlyTheDirectoryAnOwner) {
    expect_ok(laptop_.write("a", "text"));
    clock_.advance(std::chrono::seconds(3));
    expect_ok(laptop_.publish());
    VaultDevice desk("desk", 4, clock_, quick_stretcher());
    expect_ok(desk.open_copy(laptop_, recovery_code_));
    EXPECT_EQ("text", *desk.read("a"));
    // The passphrase is forgotten: the new owner sets another one.
    expect_ok(desk.vault().set_passphrase(wish(recovery_code_, kFresh)));
    EXPECT_EQ(error_of(unlock_anew(desk, kTestPassphrase)), ErrorKind::WrongKey);
    expect_ok(desk.vault().unlock(as_bytes(kFresh)));
}

// At every call of the disk, in the midst of a change of each kind: afterwards the vault opens with
// what opened it before or with what opens it after.
TEST_F(VaultPassphrases, APowerCutAtAnyDiskCallLeavesTheOldOneOrTheNewOne) {
    const std::vector<std::pair<const char*, std::function<Status(VaultDevice&)>>> changes = {
        {"change",
         [](VaultDevice& device) {
             return device.vault().set_passphrase(wish(kTestPassphrase, kFresh));
         }},
        {"stays here",
         [](VaultDevice& device) {
             NewPassphrase stays = wish(kTestPassphrase, kFresh);
             stays.stays_here = true;
             return device.vault().set_passphrase(stays);
         }},
        {"recovery code",
         [](VaultDevice& device) {
             auto code = device.vault().renew_recovery_code("papers", {});
             return code.ok() ? Status() : Status(code.error());
         }},
        {"rotate", [](VaultDevice& device) { return device.vault().rotate(); }},
    };
    expect_ok(laptop_.write("a", "text"));
    expect_ok(laptop_.publish());
    for (const auto& [name, change] : changes) {
        std::uint64_t point = 0;
        for (bool finished = false; !finished; ++point) {
            ASSERT_LT(point, 100u);
            auto device = laptop_.clone(100 + point);
            device->disk().power_off_at(point);
            finished = change(*device).ok();
            expect_ok(device->crash_and_reopen(point));
            EXPECT_EQ("text", *device->read("a")) << name << " at " << point;
            Status old_one = unlock_anew(*device, kTestPassphrase);
            if (!old_one.ok()) expect_ok(device->vault().unlock(as_bytes(kFresh)));
            EXPECT_EQ("text", *device->read("a")) << name << " at " << point;
            expect_ok(device->write("b", "goes on"));
            expect_ok(device->publish());
        }
        EXPECT_GT(point, 2u) << name;
    }
}

TEST(RecoverySheet, IsReadBackWithAndWithoutItsWords) {
    SeededRandom random(5);
    const SecretBytes code = make_recovery_code(random);
    const SecretBytes sheet =
        recovery_sheet(code, {.vault_name = "papers", .vault_id = "00", .date = "2026-11-21"});
    const std::string text(as_text(sheet.reveal()));
    // The four lines, as somebody types them.
    std::string typed, first_line;
    std::vector<std::string> words;
    std::size_t at = text.find("    1.");
    for (int line = 1; line <= 4; ++line) {
        const std::size_t end = text.find('\n', at);
        typed += text.substr(at, end - at) + "\n";
        words.push_back(text.substr(end - 4, 4));
        at = end + 1;
    }
    const auto expected = read_recovery_code(code.reveal());
    ASSERT_TRUE(expected.ok());
    auto read = read_recovery_code(as_bytes(typed));
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_TRUE(equal(read->reveal(), expected->reveal()));
    std::string lower = typed;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    EXPECT_TRUE(read_recovery_code(as_bytes(lower)).ok());

    // One letter of the third line.
    std::string wrong = typed;
    char& letter = wrong[wrong.find("3.  ") + 4];
    letter = letter == '7' ? '8' : '7';
    auto refused = read_recovery_code(as_bytes(wrong));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(ErrorKind::Invalid, refused.error().kind);
    EXPECT_EQ("line 3 of the recovery code is mistyped", refused.error().message);
}

}  // namespace
}  // namespace lockstep
