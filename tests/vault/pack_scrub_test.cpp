// Packs are read again, and damaged ones are fetched from other members.
#include "vault/pack_scrub.h"

#include <gtest/gtest.h>

#include "tests/support/vault_device.h"

namespace lockstep {
namespace {

using std::chrono::hours;

class PackScrubTest : public ::testing::Test {
  protected:
    static void expect_ok(const Status& status) {
        ASSERT_TRUE(status.ok()) << status.error().message;
    }
    void write_packs(int count) {
        for (int i = 0; i < count; ++i) {
            SeededRandom random(static_cast<std::uint64_t>(i));
            expect_ok(laptop_.write("film" + std::to_string(i), as_text(random.bytes(300'000))));
            expect_ok(laptop_.publish());
        }
    }
    fs::path damage_a_pack(VaultDevice& device) {
        const fs::path packs = kTestVaultDirectory / "packs";
        const auto folders = device.disk().list(packs);
        EXPECT_TRUE(folders.ok());
        for (const DirectoryItem& folder : *folders) {
            const auto items = device.disk().list(packs / folder.name);
            EXPECT_TRUE(items.ok());
            for (const DirectoryItem& item : *items) {
                fs::path path = packs / folder.name / item.name;
                auto file = device.disk().open(path, OpenMode::ReadWrite);
                EXPECT_TRUE(file.ok() && (*file)->write(2'000, Bytes(9)).ok());
                return path;
            }
        }
        return {};
    }
    PackScrub scrub() { return PackScrub(laptop_.vault(), laptop_.disk(), clock_, "/home/scrub"); }

    FakeClock clock_;
    VaultDevice laptop_{"laptop", 1, clock_};
    VaultDevice desk_{"desk", 2, clock_};
};

TEST_F(PackScrubTest, EachPackHasItsTurnOnceInThirtyDaysOverRestartsToo) {
    expect_ok(laptop_.found());
    write_packs(6);
    ASSERT_EQ(6u, laptop_.vault().status().packs);
    std::vector<std::uint64_t> read;
    for (int day = 0; day < 90; ++day) {
        PackScrub each_day = scrub();
        std::uint64_t packs = 0;
        for (int i = 0; i < 5; ++i) packs += each_day.next().packs;
        EXPECT_LE(packs, 1u) << "evenly";
        if (day % 30 == 0) read.push_back(0);
        read.back() += packs;
        clock_.advance(hours(24));
    }
    ASSERT_EQ(3u, read.size());
    for (std::size_t i = 1; i < read.size(); ++i) {
        EXPECT_GE(read[i], 5u);
        EXPECT_LE(read[i], 7u);
    }
}

TEST_F(PackScrubTest, ADamagedPackIsAnAlarmWhereNobodyElseHasIt) {
    expect_ok(laptop_.found());
    write_packs(2);
    damage_a_pack(laptop_);
    const PackScrub::Report report = scrub().everything();
    EXPECT_EQ(2u, report.packs);
    ASSERT_EQ(1u, report.damaged.size());
    EXPECT_EQ(0u, report.fetched_again);
    EXPECT_EQ(report.damaged, laptop_.vault().status().alarms);
}

TEST_F(PackScrubTest, ADamagedPackComesAgainFromAnotherMember) {
    expect_ok(laptop_.found());
    expect_ok(desk_.join(laptop_));
    write_packs(2);
    ASSERT_TRUE(desk_.pull(laptop_).ok());
    const fs::path path = damage_a_pack(laptop_);
    const PackScrub::Report report = scrub().everything();
    EXPECT_EQ(1u, report.fetched_again);
    EXPECT_EQ(1u, laptop_.vault().status().missing_packs);
    ASSERT_TRUE(laptop_.pull(desk_).ok());
    EXPECT_EQ(0u, laptop_.vault().status().missing_packs);
    EXPECT_TRUE(scrub().everything().damaged.empty());
    EXPECT_EQ(*laptop_.disk().read_file(path, 1 << 20), *desk_.disk().read_file(path, 1 << 20));
}

// Also while nothing else is wrong: nobody else may have them.
TEST_F(PackScrubTest, KeyObjectsThatAreGoneOrDamagedAreThereAgain) {
    expect_ok(laptop_.found());
    expect_ok(laptop_.vault().rotate());
    expect_ok(desk_.join(laptop_));
    std::map<fs::path, Bytes> before;
    const auto ids = laptop_.vault().replica()->key_objects();
    for (const KeyObjectId& id : ids) {
        const fs::path path = kTestVaultDirectory / "keys" / (id.to_hex() + ".keys");
        before[path] = *laptop_.disk().read_file(path, 1 << 20);
    }
    ASSERT_GE(before.size(), 2u);
    bool is_first = true;
    for (const auto& [path, bytes] : before) {
        if (std::exchange(is_first, false)) {
            expect_ok(laptop_.disk().remove(path));
        } else {
            Bytes damaged = bytes;
            damaged[damaged.size() / 2] ^= std::byte{1};
            expect_ok(laptop_.disk().write_file_durably(path, damaged));
        }
    }
    EXPECT_EQ(before.size(), scrub().everything().mended_keys);
    ASSERT_TRUE(laptop_.pull(desk_).ok());
    for (const auto& [path, bytes] : before)
        EXPECT_EQ(bytes, *laptop_.disk().read_file(path, 1 << 20)) << path;
    EXPECT_EQ(ids, laptop_.vault().replica()->key_objects());
    EXPECT_EQ(0u, scrub().everything().mended_keys);
    expect_ok(laptop_.kill_and_reopen());
    expect_ok(laptop_.vault().lock(false));
    expect_ok(laptop_.vault().unlock(as_bytes(kTestPassphrase)));
}

}  // namespace
}  // namespace lockstep
