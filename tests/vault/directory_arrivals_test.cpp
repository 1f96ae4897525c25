// Objects that others put into the vault directory: taken when they are good, left alone else.
#include "vault/core/directory_arrivals.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/support/vault_device.h"

namespace lockstep {
namespace {

const fs::path kVault = "/home/vault";

class DirectoryArrivalsTest : public ::testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(laptop_.found().ok());
        ASSERT_TRUE(desk_.join(laptop_).ok());
    }

    // All objects in a device's directory; relative paths.
    static std::vector<fs::path> objects(VaultDevice& device) {
        std::vector<fs::path> out;
        for (const char* top : {"keys", "log", "packs"}) list_into(device, top, out);
        return out;
    }
    static void list_into(VaultDevice& device, const fs::path& directory,
                          std::vector<fs::path>& out) {
        auto items = device.disk().list(kVault / directory);
        for (const DirectoryItem& item : items.ok() ? *items : std::vector<DirectoryItem>{}) {
            if (item.is_directory)
                list_into(device, directory / item.name, out);
            else
                out.push_back(directory / item.name);
        }
    }
    // Those that `to` lacks.
    static std::vector<fs::path> new_objects(VaultDevice& from, VaultDevice& to,
                                             const std::string& ending) {
        std::vector<fs::path> out = objects(from);
        std::erase_if(out, [&](const fs::path& path) {
            return to.disk().exists(kVault / path) || !path.string().ends_with(ending);
        });
        return out;
    }
    static Bytes bytes_of(VaultDevice& device, const fs::path& path) {
        return device.disk().contents(kVault / path).value_or(Bytes());
    }
    static void drop(VaultDevice& from, VaultDevice& to, const std::vector<fs::path>& paths) {
        for (const fs::path& path : paths) to.disk().put(kVault / path, bytes_of(from, path));
    }
    static void look(VaultDevice& device, const std::vector<fs::path>& changed) {
        Status looked = device.vault().look_at_directory({changed, false});
        ASSERT_TRUE(looked.ok()) << looked.error().message;
        merge(device);
    }
    static void look_at_everything(VaultDevice& device) {
        Status looked = device.vault().look_at_directory({{}, true});
        ASSERT_TRUE(looked.ok()) << looked.error().message;
        merge(device);
    }
    static void merge(VaultDevice& device) {
        auto merged = device.vault().merge();
        ASSERT_TRUE(merged.ok()) << merged.error().message;
    }
    static std::vector<std::string> notes(VaultDevice& device) {
        return device.vault().status().notes;
    }
    static std::vector<std::string> alarms(VaultDevice& device) {
        return device.vault().status().alarms;
    }
    // Several segments, one of them with a pack of its own.
    void write_on_laptop() {
        for (const char* name : {"one", "two", "three"}) {
            ASSERT_TRUE(laptop_.write(name, std::string("text of ") + name).ok());
            clock_.advance(std::chrono::seconds(3));
            ASSERT_TRUE(laptop_.publish().ok());
        }
        ASSERT_TRUE(laptop_.write("big", noise(300'000)).ok());
        clock_.advance(std::chrono::seconds(3));
        ASSERT_TRUE(laptop_.publish().ok());
    }
    bool phone_joins() { return phone_.join(laptop_).ok(); }
    static std::string noise(std::size_t size) {
        SeededRandom random(7);
        return std::string(as_text(random.bytes(size)));
    }

    FakeClock clock_;
    VaultDevice laptop_{"laptop", 1, clock_};
    VaultDevice desk_{"desk", 2, clock_};
    VaultDevice phone_{"phone", 3, clock_};
};

TEST_F(DirectoryArrivalsTest, WhatIsDroppedInIsTakenAndMerged) {
    write_on_laptop();
    drop(laptop_, desk_, objects(laptop_));
    look_at_everything(desk_);
    EXPECT_EQ(desk_.tree(), laptop_.tree());
    EXPECT_TRUE(notes(desk_).empty());
    EXPECT_TRUE(alarms(desk_).empty());
    ASSERT_TRUE(desk_.kill_and_reopen().ok());
    EXPECT_EQ(desk_.tree(), laptop_.tree());
}

// Goal: whatever the order, and whether told of one by one or at once.
TEST_F(DirectoryArrivalsTest, ObjectsMayComeInAnyOrder) {
    write_on_laptop();
    std::vector<fs::path> all = new_objects(laptop_, desk_, "");
    ASSERT_GE(all.size(), 5U);
    std::reverse(all.begin(), all.end());
    for (const fs::path& path : all) {
        drop(laptop_, desk_, {path});
        look(desk_, {path});
    }
    EXPECT_EQ(desk_.tree(), laptop_.tree());
    EXPECT_TRUE(notes(desk_).empty());
}

TEST_F(DirectoryArrivalsTest, ANewDirectoryStandsForAllInIt) {
    write_on_laptop();
    drop(laptop_, desk_, objects(laptop_));
    look(desk_, {"log", "packs"});
    EXPECT_EQ(desk_.tree(), laptop_.tree());
}

TEST_F(DirectoryArrivalsTest, ASegmentWaitsForTheOneBeforeIt) {
    write_on_laptop();
    const std::vector<fs::path> segments = new_objects(laptop_, desk_, ".seg");
    ASSERT_GE(segments.size(), 3U);
    const std::vector<fs::path> later(segments.begin() + 1, segments.end());
    drop(laptop_, desk_, later);
    look(desk_, later);
    EXPECT_TRUE(desk_.tree().empty());
    ASSERT_FALSE(notes(desk_).empty());
    EXPECT_NE(notes(desk_).front().find("an earlier segment is missing"), std::string::npos);
    EXPECT_TRUE(alarms(desk_).empty());
    // Nor is it an alarm, or lost, over a restart.
    ASSERT_TRUE(desk_.kill_and_reopen().ok());
    EXPECT_TRUE(alarms(desk_).empty());
    drop(laptop_, desk_, {segments.front()});
    look_at_everything(desk_);
    EXPECT_EQ(desk_.vault().replica()->frontier(), laptop_.vault().replica()->frontier());
}

// The predecessor may come from a peer as well.
TEST_F(DirectoryArrivalsTest, ASegmentThatWaitsIsTakenWhenAPeerSendsTheOneBeforeIt) {
    write_on_laptop();
    const std::vector<fs::path> segments = new_objects(laptop_, desk_, ".seg");
    drop(laptop_, desk_, {segments.begin() + 1, segments.end()});
    look_at_everything(desk_);
    ASSERT_EQ(*desk_.vault().replica()->add_segment(bytes_of(laptop_, segments.front())),
              Added::Stored);
    look(desk_, {});
    EXPECT_EQ(desk_.vault().replica()->frontier(), laptop_.vault().replica()->frontier());
}

TEST_F(DirectoryArrivalsTest, AnUnfinishedFileIsTakenWhenItIsWhole) {
    write_on_laptop();
    ASSERT_TRUE(phone_joins());
    const std::vector<fs::path> all = new_objects(laptop_, desk_, "");
    for (const fs::path& path : all) {
        Bytes half = bytes_of(laptop_, path);
        half.resize(half.size() / 2);
        desk_.disk().put(kVault / path, half);
    }
    look(desk_, all);
    EXPECT_TRUE(desk_.tree().empty());
    EXPECT_GE(notes(desk_).size(), 3U);
    for (const fs::path& path : all)
        EXPECT_EQ(bytes_of(desk_, path).size(), bytes_of(laptop_, path).size() / 2);
    drop(laptop_, desk_, all);
    look(desk_, all);
    EXPECT_EQ(desk_.tree(), laptop_.tree());
    EXPECT_TRUE(notes(desk_).empty());
    EXPECT_TRUE(alarms(desk_).empty());
    EXPECT_EQ(desk_.vault().replica()->key_objects(), laptop_.vault().replica()->key_objects());
}

TEST_F(DirectoryArrivalsTest, WhatWasUnfinishedAtTheStartIsTakenWhenItIsWhole) {
    write_on_laptop();
    const std::vector<fs::path> all = new_objects(laptop_, desk_, "");
    for (const fs::path& path : all) {
        Bytes half = bytes_of(laptop_, path);
        half.resize(half.size() / 2);
        desk_.disk().put(kVault / path, half);
    }
    ASSERT_TRUE(desk_.kill_and_reopen().ok());
    look_at_everything(desk_);
    drop(laptop_, desk_, all);
    look(desk_, all);
    EXPECT_EQ(desk_.tree(), laptop_.tree());
    EXPECT_TRUE(notes(desk_).empty());
    EXPECT_TRUE(alarms(desk_).empty());
}

TEST_F(DirectoryArrivalsTest, WhatAPeerSendsReplacesAnUnfinishedFile) {
    write_on_laptop();
    const std::vector<fs::path> all = new_objects(laptop_, desk_, "");
    for (const fs::path& path : all) {
        Bytes half = bytes_of(laptop_, path);
        half.resize(half.size() / 2);
        desk_.disk().put(kVault / path, half);
    }
    look(desk_, all);
    auto pulled = desk_.pull(laptop_);
    ASSERT_TRUE(pulled.ok()) << pulled.error().message;
    for (const fs::path& path : all) EXPECT_EQ(bytes_of(desk_, path), bytes_of(laptop_, path));
    EXPECT_EQ(desk_.tree(), laptop_.tree());
    look(desk_, all);
    EXPECT_TRUE(notes(desk_).empty());
}

TEST_F(DirectoryArrivalsTest, APackWaitsForTheSegmentThatNamesIt) {
    write_on_laptop();
    const std::vector<fs::path> packs = new_objects(laptop_, desk_, ".pack");
    ASSERT_FALSE(packs.empty());
    drop(laptop_, desk_, packs);
    look(desk_, packs);
    const PackId pack = *PackId::parse_hex(packs.front().stem().string());
    EXPECT_FALSE(desk_.vault().replica()->has_pack(pack));
    ASSERT_EQ(notes(desk_).size(), packs.size());
    EXPECT_NE(notes(desk_).front().find("no segment names it yet"), std::string::npos);
    const std::vector<fs::path> segments = new_objects(laptop_, desk_, ".seg");
    drop(laptop_, desk_, segments);
    look(desk_, segments);
    EXPECT_TRUE(desk_.vault().replica()->has_pack(pack));
    EXPECT_EQ(*desk_.read("big"), noise(300'000));
    EXPECT_TRUE(notes(desk_).empty());
}

// A length that is not known to be right must never be told to others.
TEST_F(DirectoryArrivalsTest, AnUnfinishedPackThatNoSegmentNamesIsNotIntroduced) {
    write_on_laptop();
    const fs::path path = new_objects(laptop_, desk_, ".pack").front();
    Bytes half = bytes_of(laptop_, path);
    half.resize(half.size() / 2);
    desk_.disk().put(kVault / path, half);
    ASSERT_TRUE(desk_.kill_and_reopen().ok());
    ASSERT_TRUE(desk_.write("mine", noise(100'000)).ok());
    clock_.advance(std::chrono::seconds(3));
    ASSERT_TRUE(desk_.publish().ok());
    const PackId pack = *PackId::parse_hex(path.stem().string());
    Replica& replica = *desk_.vault().replica();
    for (const auto& [log, last] : replica.frontier())
        for (std::uint64_t number = 1; number <= last.number; ++number) {
            const auto packs = replica.packs_of({log, number});
            ASSERT_TRUE(packs.ok());
            for (const PackInfo& info : *packs) EXPECT_NE(info.id, pack);
        }
}

TEST_F(DirectoryArrivalsTest, WrongBytesUnderAGoodNameAreNeverTaken) {
    write_on_laptop();
    const std::vector<fs::path> all = new_objects(laptop_, desk_, "");
    for (const fs::path& path : all) {
        Bytes wrong = bytes_of(laptop_, path);
        wrong[wrong.size() / 2] ^= std::byte{1};
        desk_.disk().put(kVault / path, wrong);
    }
    look(desk_, all);
    look_at_everything(desk_);
    EXPECT_TRUE(desk_.tree().empty());
    EXPECT_EQ(desk_.vault().replica()->missing_packs().size(), 0U);
    EXPECT_GE(notes(desk_).size(), 2U);
}

TEST_F(DirectoryArrivalsTest, ForeignFilesAndConflictedCopiesAreLeftAloneAndReported) {
    write_on_laptop();
    drop(laptop_, desk_, objects(laptop_));
    look_at_everything(desk_);
    const std::string log = laptop_.vault().replica()->frontier().begin()->first.to_hex();
    const std::vector<fs::path> foreign = {
        ".stfolder",
        "desktop.ini",
        "keys/readme.txt",
        "keys/" + std::string(64, 'a') + " (conflicted copy).keys",
        "log/" + log + "/1 (conflicted copy).seg",
        "log/" + log + "/1.sync-conflict-20261121-101112-ABCDEFG.seg",
        "log/not a log/1.seg",
        "packs/00/x.pack",
        "packs/photo.jpg"};
    const auto before = desk_.tree();
    for (const fs::path& path : foreign) desk_.disk().put(kVault / path, to_bytes(as_bytes("x")));
    look_at_everything(desk_);
    EXPECT_EQ(notes(desk_).size(), foreign.size());
    auto report = desk_.vault().check();
    ASSERT_TRUE(report.ok());
    EXPECT_EQ(report->notes.size(), foreign.size());
    EXPECT_TRUE(report->errors.empty()) << report->errors.front();
    EXPECT_TRUE(alarms(desk_).empty());
    ASSERT_TRUE(desk_.kill_and_reopen().ok());
    EXPECT_TRUE(alarms(desk_).empty());
    EXPECT_EQ(desk_.tree(), before);
    for (const fs::path& path : foreign) {
        EXPECT_TRUE(desk_.disk().exists(kVault / path)) << path;
        ASSERT_TRUE(desk_.disk().remove(kVault / path).ok());
    }
    ASSERT_TRUE(desk_.disk().remove(kVault / "log/not a log").ok());
    look_at_everything(desk_);
    EXPECT_TRUE(notes(desk_).empty());
}

TEST_F(DirectoryArrivalsTest, ALockedVaultTakesThemAndMergesWhenUnlocked) {
    ASSERT_TRUE(desk_.vault().lock(false).ok());
    write_on_laptop();
    drop(laptop_, desk_, objects(laptop_));
    ASSERT_TRUE(desk_.vault().look_at_directory({{}, true}).ok());
    Replica& replica = *desk_.vault().replica();
    EXPECT_FALSE(desk_.vault().is_unlocked());
    EXPECT_EQ(replica.frontier(), laptop_.vault().replica()->frontier());
    EXPECT_TRUE(replica.missing_packs().empty());
    // It serves them, too.
    for (const auto& [log, last] : replica.frontier())
        for (std::uint64_t number = 1; number <= last.number; ++number)
            EXPECT_TRUE(replica.read_segment({log, number}).ok());
    ASSERT_TRUE(desk_.vault().unlock_with_stored_key().ok());
    EXPECT_EQ(desk_.tree(), laptop_.tree());
}

TEST_F(DirectoryArrivalsTest, ASegmentOfANewDeviceWaitsForTheKeyObjectThatAdmitsIt) {
    ASSERT_TRUE(phone_joins());
    ASSERT_TRUE(phone_.write("from phone", "hello").ok());
    clock_.advance(std::chrono::seconds(3));
    ASSERT_TRUE(phone_.publish().ok());
    const std::vector<fs::path> segments = new_objects(phone_, desk_, ".seg");
    drop(phone_, desk_, segments);
    look(desk_, segments);
    EXPECT_TRUE(desk_.tree().empty());
    EXPECT_EQ(notes(desk_).size(), 1U);
    const std::vector<fs::path> keys = new_objects(phone_, desk_, ".keys");
    ASSERT_EQ(keys.size(), 1U);
    drop(phone_, desk_, keys);
    look(desk_, keys);
    EXPECT_EQ(*desk_.read("from phone"), "hello");
    EXPECT_TRUE(notes(desk_).empty());
}

TEST_F(DirectoryArrivalsTest, ASegmentThatSomebodyChangesOrRemovesIsAnAlarmUntilItIsBack) {
    write_on_laptop();
    const fs::path path = new_objects(laptop_, desk_, ".seg").front();
    const Bytes good = bytes_of(laptop_, path);
    Bytes wrong = good;
    wrong.back() ^= std::byte{1};
    laptop_.disk().put(kVault / path, wrong);
    look(laptop_, {path});
    ASSERT_EQ(alarms(laptop_).size(), 1U);
    EXPECT_NE(alarms(laptop_).front().find("damaged"), std::string::npos);
    ASSERT_TRUE(laptop_.disk().remove(kVault / path).ok());
    look_at_everything(laptop_);
    ASSERT_EQ(alarms(laptop_).size(), 1U);
    EXPECT_NE(alarms(laptop_).front().find("removed"), std::string::npos);
    laptop_.disk().put(kVault / path, good);
    look(laptop_, {path});
    EXPECT_TRUE(alarms(laptop_).empty());
}

TEST_F(DirectoryArrivalsTest, APackThatSomebodyRemovesIsMissingAndMayComeAgain) {
    write_on_laptop();
    drop(laptop_, desk_, objects(laptop_));
    look_at_everything(desk_);
    const fs::path path = [&] {
        for (const fs::path& one : objects(desk_))
            if (one.extension() == ".pack") return one;
        return fs::path();
    }();
    ASSERT_TRUE(desk_.disk().remove(kVault / path).ok());
    look(desk_, {path});
    EXPECT_EQ(desk_.vault().replica()->missing_packs().size(), 1U);
    drop(laptop_, desk_, {path});
    look(desk_, {path});
    EXPECT_TRUE(desk_.vault().replica()->missing_packs().empty());
}

// Another device may have the same directory open and be writing just now.
TEST_F(DirectoryArrivalsTest, UnfinishedFilesOfOtherDevicesSurviveAStart) {
    write_on_laptop();
    std::string other = "0123456789abcdef";
    const fs::path pack = new_objects(laptop_, desk_, ".pack").front();
    const std::vector<fs::path> theirs = {
        pack.string() + ".0." + other + ".tmp", "incoming/" + other + "/download",
        new_objects(laptop_, desk_, ".seg").front().string() + "." + other + ".tmp"};
    const fs::path incoming = desk_.vault().replica()->incoming_directory();
    desk_.disk().put(incoming / "mine", to_bytes(as_bytes("x")));
    for (const fs::path& path : theirs) desk_.disk().put(kVault / path, to_bytes(as_bytes("x")));
    ASSERT_TRUE(desk_.kill_and_reopen().ok());
    look_at_everything(desk_);
    for (const fs::path& path : theirs) EXPECT_TRUE(desk_.disk().exists(kVault / path)) << path;
    EXPECT_FALSE(desk_.disk().exists(incoming / "mine"));
    EXPECT_TRUE(notes(desk_).empty());
    EXPECT_NE(incoming, laptop_.vault().replica()->incoming_directory());
}

}  // namespace
}  // namespace lockstep
