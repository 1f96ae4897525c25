// Unlocking from the index on disk: always as if it had been rebuilt from the vault directory, and
// without reading that.
#include <algorithm>

#include <gtest/gtest.h>

#include "tests/support/vault_device.h"

namespace lockstep {
namespace {

using Files = std::map<std::string, std::string>;

struct IndexUnlockTest : testing::Test {
    FakeClock clock;
    VaultDevice laptop{"laptop", 1, clock};

    void SetUp() override { ASSERT_TRUE(laptop.found().ok()); }

    static fs::path index(VaultDevice& device) {
        return fs::path("/home/state") / device.vault().id().to_hex() / "index.db";
    }
    static void lock(VaultDevice& device) { ASSERT_TRUE(device.vault().lock(false).ok()); }
    static void unlock(VaultDevice& device) {
        Status unlocked = device.vault().unlock_with_stored_key();
        ASSERT_TRUE(unlocked.ok()) << unlocked.error().message;
    }
    // Locks, does something to what lies on the disk, unlocks.
    static void relock(
        VaultDevice& device, const std::function<void()>& meanwhile = [] {}) {
        lock(device);
        meanwhile();
        unlock(device);
    }
    static bool is_rollback(const std::string& alarm) { return alarm.starts_with("rollback: "); }
    static auto digest(VaultDevice& device) {
        CheckReport report = device.vault().check().value();
        std::erase_if(report.errors, is_rollback);
        EXPECT_EQ(report.errors, std::vector<std::string>{});
        return report.index_digest;
    }
    // What is seen and what the index says, unlocked from the index and from a rebuilt one.
    static void expect_equals_rebuilt(VaultDevice& device) {
        ASSERT_TRUE(device.vault().publish().ok());
        const Files before = device.tree();
        const auto digest_before = digest(device);
        const auto conflicts_before = conflicts(device);
        for (bool is_rebuilt : {false, true}) {
            relock(device, [&] {
                if (is_rebuilt) {
                    ASSERT_TRUE(device.disk().remove(index(device)).ok());
                }
            });
            EXPECT_EQ(device.tree(), before);
            EXPECT_EQ(digest(device), digest_before);
            EXPECT_EQ(conflicts(device), conflicts_before);
        }
    }
    static std::vector<std::string> conflicts(VaultDevice& device) {
        std::vector<std::string> out;
        for (const ConflictEntry& each : device.vault().conflicts()) out.push_back(each.sibling);
        std::sort(out.begin(), out.end());
        return out;
    }
};

TEST_F(IndexUnlockTest, UnlockingReadsNeitherPacksNorSegments) {
    for (int file = 0; file < 30; ++file) {
        ASSERT_TRUE(laptop.write("a/" + std::to_string(file), std::string(5000, 'x')).ok());
        ASSERT_TRUE(laptop.publish().ok());
    }
    const Files before = laptop.tree();
    lock(laptop);
    laptop.disk().start_recording();
    unlock(laptop);
    for (const DiskCall& call : laptop.disk().calls()) {
        if (call.kind == DiskCall::Kind::List) continue;
        for (const fs::path& part : call.path)
            EXPECT_TRUE(part != "packs" && part != "log") << call.path;
    }
    EXPECT_EQ(laptop.tree(), before);
}

// Several devices, few names, partial deliveries: conflicts of every kind.
TEST_F(IndexUnlockTest, RandomHistoriesUnlockAsTheyAreRebuilt) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        SeededRandom random(seed);
        VaultDevice founder("founder", seed * 10, clock), second("second", seed * 10 + 1, clock);
        ASSERT_TRUE(founder.found().ok());
        ASSERT_TRUE(second.join(founder).ok());
        ASSERT_TRUE(founder.pull(second).ok());
        VaultDevice* devices[] = {&founder, &second};
        auto name = [&] {
            std::string path;
            for (std::uint64_t depth = random.below(3); depth > 0; --depth)
                path += std::string(1, static_cast<char>('d' + random.below(2))) + "/";
            return path + std::string(1, static_cast<char>('x' + random.below(3)));
        };
        for (int step = 0; step < 120; ++step) {
            VaultDevice& device = *devices[random.below(2)];
            VaultDevice& other = &device == &founder ? second : founder;
            clock.advance(std::chrono::milliseconds(random.below(400)));
            // Whether an operation succeeds is nothing to this test.
            switch (random.below(10)) {
                case 0:
                case 1:
                case 2:
                    static_cast<void>(
                        device
                            .write(name(), SeededRandom(random.u64()).chance(50)
                                               ? std::to_string(random.below(3))
                                               : std::string(3000, 'c') + std::to_string(step))
                            .ok());
                    break;
                case 3:
                    static_cast<void>(device.remove(name()).ok());
                    break;
                case 4:
                    static_cast<void>(device.rename(name(), name()).ok());
                    break;
                case 5:
                    static_cast<void>(device.make_directory(name()).ok());
                    break;
                case 6:
                    static_cast<void>(device.rename("d", "e/d").ok());
                    break;
                case 7:
                    ASSERT_TRUE(device.publish().ok());
                    break;
                case 8:
                    ASSERT_TRUE(device.pull(other, random.below(4)).ok());
                    ASSERT_TRUE(device.vault().merge().ok());
                    break;
                default:
                    if (random.chance(30)) relock(device);
                    if (random.chance(10)) {
                        ASSERT_TRUE(device.kill_and_reopen().ok());
                    }
            }
        }
        for (VaultDevice* device : devices) expect_equals_rebuilt(*device);
        for (int round = 0; round < 3; ++round) {
            ASSERT_TRUE(founder.pull(second).ok());
            ASSERT_TRUE(second.pull(founder).ok());
        }
        for (VaultDevice* device : devices) {
            relock(*device);  // merges what arrived
            expect_equals_rebuilt(*device);
        }
        EXPECT_EQ(founder.tree(), second.tree()) << "seed " << seed;
        if (HasFailure()) FAIL() << "seed " << seed;
    }
}

TEST_F(IndexUnlockTest, WhatArrivedWhileLockedIsThereAfterwards) {
    VaultDevice desk("desk", 2, clock);
    ASSERT_TRUE(desk.join(laptop).ok());
    ASSERT_TRUE(laptop.pull(desk).ok());
    ASSERT_TRUE(laptop.write("mine", "here").ok());
    relock(laptop, [&] {
        ASSERT_TRUE(desk.write("theirs", std::string(20'000, 't')).ok());
        ASSERT_TRUE(desk.publish().ok());
        ASSERT_TRUE(laptop.pull(desk).ok());
    });
    EXPECT_EQ(laptop.read("theirs").value(), std::string(20'000, 't'));
    EXPECT_EQ(laptop.read("mine").value(), "here");
    expect_equals_rebuilt(laptop);
}

TEST_F(IndexUnlockTest, APackThatWentIsNotBelievedToBeHere) {
    ASSERT_TRUE(laptop.write("big", std::string(20'000, 'b')).ok());
    relock(laptop, [&] {
        const auto folders = laptop.disk().list("/home/vault/packs").value();
        for (const DirectoryItem& folder : folders) {
            const fs::path path = fs::path("/home/vault/packs") / folder.name;
            const auto packs = laptop.disk().list(path).value();
            for (const DirectoryItem& pack : packs)
                ASSERT_TRUE(laptop.disk().remove(path / pack.name).ok());
        }
        // The replica lists what is there when it is opened.
        ASSERT_TRUE(laptop.kill_and_reopen().ok());
        lock(laptop);
    });
    auto read = laptop.read("big");
    ASSERT_FALSE(read.ok());
    EXPECT_EQ(read.error().kind, ErrorKind::Unavailable);
    // The same content written again is stored again, not referred to.
    ASSERT_TRUE(laptop.write("again", std::string(20'000, 'b')).ok());
    ASSERT_TRUE(laptop.publish().ok());
    EXPECT_EQ(laptop.read("big").value(), std::string(20'000, 'b'));
}

// Somebody put the vault directory back to yesterday's: what it does not hold is not shown.
TEST_F(IndexUnlockTest, AnIndexAheadOfTheDirectoryIsRebuilt) {
    ASSERT_TRUE(laptop.write("old", "1").ok());
    ASSERT_TRUE(laptop.publish().ok());
    ASSERT_TRUE(laptop.write("new", "2").ok());
    ASSERT_TRUE(laptop.publish().ok());
    lock(laptop);
    const auto logs = laptop.disk().list("/home/vault/log").value();
    ASSERT_EQ(logs.size(), 1U);
    const fs::path log = fs::path("/home/vault/log") / logs[0].name;
    const auto segments = laptop.disk().list(log).value();
    const auto last = std::max_element(
        segments.begin(), segments.end(), [](const DirectoryItem& a, const DirectoryItem& b) {
            return std::stoull(a.name, nullptr, 10) < std::stoull(b.name, nullptr, 10);
        });
    ASSERT_TRUE(laptop.disk().remove(log / last->name).ok());
    ASSERT_TRUE(laptop.kill_and_reopen().ok());
    EXPECT_TRUE(laptop.read("old").ok());
    EXPECT_FALSE(laptop.read("new").ok());
    ASSERT_TRUE(laptop.write("newer", "3").ok());
    expect_equals_rebuilt(laptop);
    const std::vector<std::string> alarms = laptop.vault().status().alarms;
    EXPECT_EQ(1, std::count_if(alarms.begin(), alarms.end(), is_rollback));
}

TEST_F(IndexUnlockTest, ADamagedIndexIsRebuilt) {
    for (int file = 0; file < 50; ++file)
        ASSERT_TRUE(laptop.write(std::to_string(file), std::string(3000, 'f')).ok());
    ASSERT_TRUE(laptop.publish().ok());
    const Files before = laptop.tree();
    const auto digest_before = digest(laptop);
    SeededRandom random(3);
    for (int round = 0; round < 40; ++round) {
        relock(laptop, [&] {
            Bytes bytes = laptop.disk().contents(index(laptop)).value();
            if (round % 4 == 3)
                bytes.resize(random.below(bytes.size()));
            else
                bytes[random.below(bytes.size())] ^= static_cast<std::byte>(1 + random.below(255));
            laptop.disk().put(index(laptop), bytes);
        });
        ASSERT_TRUE(laptop.tree() == before) << "round " << round;
    }
    relock(laptop, [&] { laptop.disk().put(index(laptop), random.bytes(100'000)); });
    EXPECT_TRUE(laptop.tree() == before);
    EXPECT_EQ(digest(laptop), digest_before);
}

TEST_F(IndexUnlockTest, AnIndexToBeRebuiltIsMadeAnewAtTheNextUnlock) {
    ASSERT_TRUE(laptop.write("a", std::string(9000, 'a')).ok());
    ASSERT_TRUE(laptop.publish().ok());
    const auto before = digest(laptop);
    ASSERT_TRUE(laptop.vault().rebuild_index().ok());
    EXPECT_FALSE(laptop.disk().exists(index(laptop)));
    // It serves on until then.
    ASSERT_TRUE(laptop.write("b", std::string(9000, 'b')).ok());
    ASSERT_TRUE(laptop.publish().ok());
    EXPECT_EQ(laptop.read("b").value(), std::string(9000, 'b'));
    EXPECT_NE(digest(laptop), before);
    expect_equals_rebuilt(laptop);
    relock(laptop, [&] {
        ASSERT_TRUE(laptop.vault().rebuild_index().ok());
        EXPECT_FALSE(laptop.disk().exists(index(laptop)));
    });
    EXPECT_TRUE(laptop.disk().exists(index(laptop)));
    expect_equals_rebuilt(laptop);
}

}  // namespace
}  // namespace lockstep
