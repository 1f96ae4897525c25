#include "vault/vault.h"

#include <atomic>
#include <functional>
#include <future>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include "tests/support/vault_device.h"

namespace lockstep {
namespace {

class VaultTest : public ::testing::Test {
  protected:
    void SetUp() override {
        Status made = laptop_.found();
        ASSERT_TRUE(made.ok()) << made.error().message;
    }
    void join_desk() {
        Status joined = desk_.join(laptop_);
        ASSERT_TRUE(joined.ok()) << joined.error().message;
    }
    void settle() {
        for (int round = 0; round < 4; ++round) {
            clock_.advance(std::chrono::seconds(3));
            for (VaultDevice* device : {&laptop_, &desk_}) {
                Status published = device->publish();
                ASSERT_TRUE(published.ok()) << published.error().message;
            }
            auto there = laptop_.pull(desk_), back = desk_.pull(laptop_);
            ASSERT_TRUE(there.ok()) << there.error().message;
            ASSERT_TRUE(back.ok()) << back.error().message;
        }
    }
    std::vector<fs::path> files_below(const fs::path& directory) {
        std::vector<fs::path> out;
        auto items = laptop_.disk().list(directory);
        for (const DirectoryItem& item : items.ok() ? *items : std::vector<DirectoryItem>{}) {
            fs::path path = directory / item.name;
            if (!item.is_directory) out.push_back(path);
            if (item.is_directory)
                for (fs::path& below : files_below(path)) out.push_back(std::move(below));
        }
        return out;
    }
    // Whether a device that starts now gets all of the laptop's segments.
    bool segments_open() {
        return laptop_.kill_and_reopen().ok() && laptop_.vault().status().alarms.empty();
    }
    static std::string noise(std::size_t size, std::uint64_t seed = 1) {
        SeededRandom random(seed);
        return std::string(as_text(random.bytes(size)));
    }

    FakeClock clock_;
    WorkerPool workers_{0};
    VaultDevice laptop_{"laptop", 1, clock_};
    VaultDevice desk_{"desk", 2, clock_};
};

TEST_F(VaultTest, WhatIsWrittenIsReadBack) {
    ASSERT_TRUE(laptop_.write("notes/today.txt", "hello").ok());
    EXPECT_EQ("hello", *laptop_.read("notes/today.txt"));
    std::string big = noise(3 << 20);
    ASSERT_TRUE(laptop_.write("big", big).ok());
    EXPECT_EQ(big, *laptop_.read("big"));
}

TEST_F(VaultTest, PublishedContentSurvivesAPowerCut) {
    std::string big = noise(2 << 20);
    ASSERT_TRUE(laptop_.write("a/big", big).ok());
    ASSERT_TRUE(laptop_.write("a/small", "text").ok());
    ASSERT_TRUE(laptop_.publish().ok());
    ASSERT_TRUE(laptop_.crash_and_reopen(7).ok());
    EXPECT_EQ(big, *laptop_.read("a/big"));
    EXPECT_EQ("text", *laptop_.read("a/small"));
}

TEST_F(VaultTest, SyncedContentSurvivesAPowerCutBeforeItIsPublished) {
    std::string big = noise(300000), huge = noise(3 << 20, 5);
    ASSERT_TRUE(laptop_.write("d/big", big).ok());
    ASSERT_TRUE(laptop_.write("d/huge", huge).ok());
    ASSERT_TRUE(laptop_.write("d/small", "text").ok());
    ASSERT_TRUE(laptop_.sync("d/small").ok());
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
        ASSERT_TRUE(laptop_.crash_and_reopen(seed).ok());
        EXPECT_EQ("text", *laptop_.read("d/small"));
        EXPECT_EQ(big, *laptop_.read("d/big")) << "fsync covers what was closed before";
        EXPECT_EQ(huge, *laptop_.read("d/huge"));
    }
    ASSERT_TRUE(laptop_.publish().ok());
    ASSERT_TRUE(laptop_.crash_and_reopen(9).ok());
    EXPECT_EQ(huge, *laptop_.read("d/huge"));
}

// What is written to a version in conflict becomes a file of its own, whose records have the stamps
// of that version: they are older than what this device published last.
TEST_F(VaultTest, SyncedContentOfAConflictSurvivesAPowerCut) {
    join_desk();
    ASSERT_TRUE(laptop_.write("plan", "base").ok());
    settle();
    ASSERT_TRUE(laptop_.write("plan", "laptop's").ok());
    ASSERT_TRUE(desk_.write("plan", "desk's").ok());
    ASSERT_TRUE(desk_.write("other", "something later").ok());
    settle();
    VaultDevice* devices[] = {&laptop_, &desk_};
    for (VaultDevice* device : devices) {
        auto conflicts = device->vault().conflicts();
        ASSERT_EQ(1u, conflicts.size());
        const std::string sibling = conflicts[0].sibling;
        ASSERT_TRUE(device->write(sibling, "both").ok());
        ASSERT_TRUE(device->sync("other").ok());
        ASSERT_TRUE(device->crash_and_reopen(7).ok());
        EXPECT_EQ("both", device->read(sibling).value_or("nothing"));
    }
    settle();
    EXPECT_EQ(laptop_.tree(), desk_.tree());
}

TEST_F(VaultTest, APackThatArrivesWhileTheVaultIsBeingUnlockedIsRead) {
    join_desk();
    const std::string first = noise(300'000, 1), second = noise(300'000, 2);
    settle();
    ASSERT_TRUE(desk_.vault().lock(true).ok());
    for (const auto& [name, content] : {std::pair("first", first), std::pair("second", second)}) {
        ASSERT_TRUE(laptop_.write(name, content).ok());
        ASSERT_TRUE(laptop_.publish().ok());
    }
    ASSERT_TRUE(desk_.pull(laptop_, 2).ok());  // the segments
    Replica& mine = *desk_.vault().replica();
    Replica& theirs = *laptop_.vault().replica();
    std::vector<PackInfo> missing = mine.missing_packs();
    ASSERT_EQ(missing.size(), 2U);
    const auto add = [&](const PackInfo& pack) {
        auto bytes = theirs.read_pack(pack.id, 0, pack.length);
        ASSERT_TRUE(bytes.ok());
        ASSERT_TRUE(mine.add_pack(pack, *bytes).ok());
    };
    add(missing[0]);
    // The second comes in the moment in which unlocking reads the first.
    bool has_come = false;
    desk_.disk().set_before_open([&](const fs::path& path) {
        if (has_come || path.string().find(missing[0].id.to_hex()) == std::string::npos) return;
        has_come = true;
        add(missing[1]);
    });
    ASSERT_TRUE(desk_.vault().unlock(as_bytes(kTestPassphrase)).ok());
    desk_.disk().set_before_open({});
    ASSERT_TRUE(has_come);
    auto merged = desk_.vault().merge();
    ASSERT_TRUE(merged.ok());
    for (const auto& [name, content] : {std::pair("first", first), std::pair("second", second)}) {
        auto read = desk_.read(name);
        ASSERT_TRUE(read.ok()) << name << ": " << read.error().message;
        EXPECT_EQ(content, *read);
    }
}

TEST_F(VaultTest, WhatIsReadWhileItsPackIsBeingTakenInIsWaitedFor) {
    desk_.set_content_wait(std::chrono::minutes(1));
    join_desk();
    settle();
    const std::string content = noise(300'000, 1);
    ASSERT_TRUE(laptop_.write("new", content).ok());
    ASSERT_TRUE(laptop_.publish().ok());
    ASSERT_TRUE(desk_.pull(laptop_, 1).ok());  // the segment
    ASSERT_TRUE(desk_.vault().merge().ok());
    const std::vector<PackInfo> missing = desk_.vault().replica()->missing_packs();
    ASSERT_EQ(missing.size(), 1U);
    auto bytes = laptop_.vault().replica()->read_pack(missing[0].id, 0, missing[0].length);
    ASSERT_TRUE(bytes.ok());
    // Nothing is missing any more when its index is read, and none of it can be found yet.
    std::future<Result<std::string>> reader;
    desk_.disk().set_before_open([&](const fs::path& path) {
        if (reader.valid() || path.string().find(missing[0].id.to_hex()) == std::string::npos ||
            !desk_.vault().replica()->missing_packs().empty())
            return;
        reader = std::async(std::launch::async, [&] { return desk_.read("new"); });
        EXPECT_EQ(reader.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
    });
    ASSERT_TRUE(desk_.vault().replica()->add_pack(missing[0], *bytes).ok());
    desk_.disk().set_before_open({});
    ASSERT_TRUE(reader.valid());
    auto read = reader.get();
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(content, *read);
}

// Calls back from within a publish, when its segment is durable and its journal entries not yet
// released.
struct DuringPublish final : ReplicaListener {
    explicit DuringPublish(std::function<void()> todo) : work(std::move(todo)) {}
    void segment_added(const SegmentRef&) override {
        if (auto once = std::exchange(work, nullptr)) once();
    }
    void pack_added(const PackId&) override {}
    void keys_changed() override {}
    void pack_wanted_now(const PackInfo&) override {}
    std::function<void()> work;
};

TEST_F(VaultTest, WhatIsSyncedWhileAPublishIsUnderWaySurvivesAKillAfterIt) {
    std::string large = noise(100000);
    ASSERT_TRUE(laptop_.write("before", "published").ok());
    DuringPublish during([&] {
        ASSERT_TRUE(laptop_.write("first", large).ok());
        ASSERT_TRUE(laptop_.sync("first").ok());
        ASSERT_TRUE(laptop_.write("second", "text").ok());
        ASSERT_TRUE(laptop_.sync("second").ok());
    });
    laptop_.vault().replica()->add_listener(during);
    ASSERT_TRUE(laptop_.publish().ok());
    laptop_.vault().replica()->remove_listener(during);
    ASSERT_FALSE(during.work);
    ASSERT_TRUE(laptop_.kill_and_reopen().ok());
    EXPECT_EQ("published", *laptop_.read("before"));
    ASSERT_TRUE(laptop_.read("first").ok());
    EXPECT_EQ(large, *laptop_.read("first"));
    EXPECT_EQ("text", *laptop_.read("second"));
}

TEST_F(VaultTest, AWrongPassphraseIsRefused) {
    ASSERT_TRUE(laptop_.write("x", "y").ok());
    ASSERT_TRUE(laptop_.vault().lock(false).ok());
    EXPECT_EQ(ErrorKind::Locked, laptop_.vault().files().attributes(kRootNode).error().kind);
    EXPECT_EQ(ErrorKind::WrongKey, laptop_.vault().unlock(as_bytes("wrong")).error().kind);
    Status unlocked = laptop_.vault().unlock(as_bytes(kTestPassphrase));
    ASSERT_TRUE(unlocked.ok()) << unlocked.error().message;
    EXPECT_EQ("y", *laptop_.read("x"));
}

// A reader must not see the empty content that another reader is just loading into.
TEST_F(VaultTest, ManyReadersOfAFileJustOpenedAllReadItWhole) {
    std::string big = noise(600000);
    ASSERT_TRUE(laptop_.write("big", big).ok());
    FileSystem& files = laptop_.vault().files();
    NodeId id = *laptop_.node("big");
    for (int round = 0; round < 50; ++round) {
        auto handle = files.open(id, {.read = true});
        ASSERT_TRUE(handle.ok());
        std::atomic<int> wrong{0};
        std::vector<std::thread> readers;
        for (std::size_t part = 0; part < 4; ++part) {
            readers.emplace_back([&, part] {
                Bytes out(100000);
                auto got = files.read(*handle, part * 100000, out);
                if (!got.ok() ||
                    as_text(out) != std::string_view(big).substr(part * 100000, 100000))
                    ++wrong;
            });
        }
        for (auto& reader : readers) reader.join();
        files.release(*handle);
        ASSERT_EQ(0, wrong) << "round " << round;
    }
}

TEST_F(VaultTest, LockNamesOpenFilesAndForceEndsThem) {
    ASSERT_TRUE(laptop_.write("d/open.txt", "y").ok());
    auto handle = laptop_.vault().files().open(*laptop_.node("d/open.txt"), {.read = true});
    ASSERT_TRUE(handle.ok());
    Status refused = laptop_.vault().lock(false);
    EXPECT_EQ(ErrorKind::Busy, refused.error().kind);
    EXPECT_NE(std::string::npos, refused.error().message.find("d/open.txt"));
    ASSERT_TRUE(laptop_.vault().lock(true).ok());
    Bytes out(1);
    EXPECT_EQ(ErrorKind::Locked, laptop_.vault().files().read(*handle, 0, out).error().kind);
}

TEST_F(VaultTest, TwoDevicesConverge) {
    join_desk();
    std::string big = noise(5 << 20);
    ASSERT_TRUE(laptop_.write("a/b/c.txt", "from laptop").ok());
    ASSERT_TRUE(laptop_.write("big", big).ok());
    ASSERT_TRUE(desk_.write("d.txt", "from desk").ok());
    settle();
    EXPECT_EQ(laptop_.tree(), desk_.tree());
    EXPECT_EQ("from laptop", *desk_.read("a/b/c.txt"));
    EXPECT_EQ(big, *desk_.read("big"));
    EXPECT_EQ("from desk", *laptop_.read("d.txt"));
    ASSERT_TRUE(desk_.append("a/b/c.txt", "\nand desk").ok());
    settle();
    EXPECT_EQ("from laptop\nand desk", *laptop_.read("a/b/c.txt"));
}

TEST_F(VaultTest, ConcurrentEditsAreBothThereOnBoth) {
    join_desk();
    ASSERT_TRUE(laptop_.write("plan.txt", "draft").ok());
    settle();
    ASSERT_TRUE(laptop_.write("plan.txt", "laptop's").ok());
    clock_.advance(std::chrono::seconds(5));
    ASSERT_TRUE(desk_.write("plan.txt", "desk's").ok());
    settle();
    EXPECT_EQ(laptop_.tree(), desk_.tree());
    EXPECT_EQ(2u, laptop_.tree().size());
    EXPECT_EQ("desk's", *laptop_.read("plan.txt"));
    auto conflicts = desk_.vault().conflicts();
    ASSERT_EQ(1u, conflicts.size());
    EXPECT_EQ("plan.txt", conflicts[0].path);
    EXPECT_EQ("laptop", conflicts[0].device_label);
    EXPECT_EQ("laptop's", *desk_.read(conflicts[0].sibling));
}

TEST_F(VaultTest, AnEditSurvivesAConcurrentDelete) {
    join_desk();
    ASSERT_TRUE(laptop_.write("d/keep.txt", "draft").ok());
    settle();
    ASSERT_TRUE(laptop_.remove("d/keep.txt").ok());
    ASSERT_TRUE(desk_.write("d/keep.txt", "edited").ok());
    settle();
    EXPECT_EQ("edited", *laptop_.read("d/keep.txt"));
    EXPECT_EQ(laptop_.tree(), desk_.tree());
}

TEST_F(VaultTest, RenamingADirectoryMovesNoContent) {
    join_desk();
    for (int i = 0; i < 30; ++i)
        ASSERT_TRUE(
            laptop_.write("src/f" + std::to_string(i), noise(50000, static_cast<std::uint64_t>(i)))
                .ok());
    settle();
    std::uint64_t packs = laptop_.vault().status().packs;
    ASSERT_TRUE(laptop_.rename("src", "dst").ok());
    settle();
    EXPECT_EQ(packs, laptop_.vault().status().packs);
    EXPECT_EQ(laptop_.tree(), desk_.tree());
    EXPECT_TRUE(desk_.read("dst/f7").ok());
}

TEST_F(VaultTest, SaveByRenameKeepsOneFileWithTheNewContent) {
    join_desk();
    ASSERT_TRUE(laptop_.write("doc", "old").ok());
    settle();
    ASSERT_TRUE(desk_.write("doc.tmp", "new").ok());
    ASSERT_TRUE(desk_.rename("doc.tmp", "doc").ok());
    EXPECT_EQ("new", *desk_.read("doc"));
    settle();
    EXPECT_EQ((std::map<std::string, std::string>{{"doc", "new"}}), laptop_.tree());
    EXPECT_EQ(laptop_.tree(), desk_.tree());
}

// What this device has recorded before its clock was set back is not held as news from the future,
// nor is what that was built upon: else records would be published before what they name.
TEST_F(VaultTest, AClockSetBackAtARestartHoldsNothingOfTheDevicesOwnHistory) {
    join_desk();
    ASSERT_TRUE(desk_.write("theirs", "1").ok());
    ASSERT_TRUE(laptop_.write("mine", "2").ok());
    settle();
    FakeClock back;
    back.set_wall_ns(FakeClock::kStartNs - std::int64_t{2000} * 24 * 3600 * 1'000'000'000);
    ASSERT_TRUE(laptop_.rename("theirs", "renamed").ok());
    ASSERT_TRUE(laptop_.sync("mine").ok());
    auto laptop = laptop_.clone(77, back);
    const std::map<std::string, std::string> wanted{{"mine", "2"}, {"renamed", "1"}};
    EXPECT_EQ(wanted, laptop->tree());
    ASSERT_TRUE(laptop->vault().rebuild_index().ok());
    ASSERT_TRUE(laptop->kill_and_reopen().ok());
    EXPECT_EQ(wanted, laptop->tree());
    ASSERT_TRUE(laptop->write("mine", "3").ok());
    ASSERT_TRUE(laptop->publish().ok());
    ASSERT_TRUE(desk_.pull(*laptop).ok());
    EXPECT_EQ(laptop->tree(), desk_.tree());
    EXPECT_EQ("3", *desk_.read("mine"));
}

TEST_F(VaultTest, APackThatCouldNotBeReadWhenItArrivedIsReadLater) {
    join_desk();
    const std::string big = noise(100000);
    ASSERT_TRUE(laptop_.write("big", big).ok());
    ASSERT_TRUE(laptop_.publish().ok());
    for (std::uint64_t point = 0; point < 12; ++point) {
        auto desk = desk_.clone(50 + point);
        desk->disk().fail_call(point, ErrorKind::Io, DiskCall::Kind::Read);
        static_cast<void>(desk->pull(laptop_).ok());
        desk->disk().clear_failures();
        ASSERT_TRUE(desk->pull(laptop_).ok()) << "point " << point;
        auto text = desk->read("big");
        ASSERT_TRUE(text.ok()) << "point " << point << ": " << text.error().message;
        EXPECT_TRUE(*text == big) << "point " << point;
    }
}

TEST_F(VaultTest, ALockedDeviceStillTakesObjects) {
    join_desk();
    settle();
    ASSERT_TRUE(desk_.vault().lock(false).ok());
    ASSERT_TRUE(laptop_.write("later.txt", "for desk").ok());
    ASSERT_TRUE(laptop_.publish().ok());
    auto taken = desk_.pull(laptop_);
    ASSERT_TRUE(taken.ok()) << taken.error().message;
    EXPECT_EQ(1u, *taken);
    ASSERT_TRUE(desk_.vault().unlock_with_stored_key().ok());
    EXPECT_EQ("for desk", *desk_.read("later.txt"));
}

TEST_F(VaultTest, AFileOpenForReadingShowsWhatARemoteDeviceWrote) {
    join_desk();
    ASSERT_TRUE(laptop_.write("log", "one").ok());
    settle();
    auto handle = desk_.vault().files().open(*desk_.node("log"), {.read = true});
    ASSERT_TRUE(handle.ok());
    Bytes out(16);
    EXPECT_EQ(3u, *desk_.vault().files().read(*handle, 0, out));
    ASSERT_TRUE(laptop_.write("log", "one two").ok());
    settle();
    auto got = desk_.vault().files().read(*handle, 0, out);
    ASSERT_TRUE(got.ok());
    EXPECT_EQ("one two", as_text(ByteView(out).first(*got)));
    desk_.vault().files().release(*handle);
}

// Every byte of every object, one bit at a time. Argon2id runs once for each flip that gets so far,
// so packs and segments are read through an open vault's own reader: check() names them without a
// passphrase.
TEST_F(VaultTest, EveryFlippedByteOfEveryObjectIsNoticed) {
    ASSERT_TRUE(laptop_.write("a.txt", "some text that matters").ok());
    ASSERT_TRUE(laptop_.write("b.bin", noise(3000)).ok());
    ASSERT_TRUE(laptop_.publish().ok());
    auto clean = laptop_.vault().check();
    ASSERT_TRUE(clean.ok()) << clean.error().message;
    ASSERT_TRUE(clean->errors.empty()) << clean->errors.front();
    std::vector<fs::path> objects = files_below("/home/vault");
    ASSERT_GE(objects.size(), 4u) << "header, key object, segment, pack";
    std::uint64_t flips = 0;
    for (const fs::path& path : objects) {
        Bytes bytes = *laptop_.disk().contents(path);
        // Keys and segments are verified as a whole at every opening: a stride keeps the test
        // short.
        std::size_t stride = path.extension() == ".pack" ? 1 : 7;
        for (std::size_t at = 0; at < bytes.size(); at += stride) {
            Bytes damaged = bytes;
            damaged[at] ^= std::byte{1};
            laptop_.disk().put(path, damaged);
            auto report = check_vault(laptop_.disk(), workers_, "/home/vault", std::nullopt);
            bool is_noticed = !report.ok() || !report->errors.empty();
            if (path.extension() == ".seg") is_noticed = !segments_open();
            ASSERT_TRUE(is_noticed) << path << " at " << at;
            ++flips;
        }
        laptop_.disk().put(path, bytes);
    }
    EXPECT_GT(flips, 4096u);
}

// Restarted with a damaged segment a device goes back before it; peers send what is missing again.
TEST_F(VaultTest, ADamagedSegmentIsRepairedByAPeer) {
    join_desk();
    ASSERT_TRUE(desk_.write("a.txt", "one").ok());
    ASSERT_TRUE(desk_.publish().ok());
    ASSERT_TRUE(desk_.write("b.txt", "two").ok());
    settle();
    const auto wanted = laptop_.tree();
    for (const fs::path& path : files_below("/home/vault")) {
        if (path.extension() != ".seg") continue;
        Bytes bytes = *laptop_.disk().contents(path);
        bytes[bytes.size() / 2] ^= std::byte{1};
        laptop_.disk().put(path, bytes);
    }
    ASSERT_TRUE(laptop_.kill_and_reopen().ok());
    EXPECT_NE(wanted, laptop_.tree());
    settle();
    EXPECT_EQ(wanted, laptop_.tree());
    ASSERT_TRUE(laptop_.kill_and_reopen().ok());
    EXPECT_EQ(wanted, laptop_.tree());
    auto report = laptop_.vault().check();
    ASSERT_TRUE(report.ok());
    EXPECT_TRUE(report->errors.empty()) << report->errors.front();
}

// Bit rot in what was good when the vault was opened.
TEST_F(VaultTest, ASegmentThatRotsIsNotHandedOutAndMendedByTheTrueBytes) {
    join_desk();
    ASSERT_TRUE(desk_.write("a.txt", "one").ok());
    settle();
    struct Heard final : ReplicaListener {
        void segment_added(const SegmentRef&) override {}
        void pack_added(const PackId&) override {}
        void keys_changed() override {}
        void pack_wanted_now(const PackInfo&) override {}
        void segment_damaged(const SegmentRef& segment) override { damaged.push_back(segment); }
        std::vector<SegmentRef> damaged;
    } heard;
    Replica& replica = *laptop_.vault().replica();
    replica.add_listener(heard);
    std::vector<SegmentRef> all;
    for (const auto& [log, position] : replica.frontier())
        for (std::uint64_t number = 1; number <= position.number; ++number)
            all.push_back({log, number});
    std::map<fs::path, Bytes> good;
    bool is_removed = false;
    for (const fs::path& path : files_below("/home/vault")) {
        if (path.extension() != ".seg") continue;
        Bytes bytes = good[path] = *laptop_.disk().contents(path);
        bytes[bytes.size() / 2] ^= std::byte{1};
        if (!std::exchange(is_removed, true)) {
            ASSERT_TRUE(laptop_.disk().remove(path).ok());
        } else {
            laptop_.disk().put(path, bytes);
        }
    }
    ASSERT_EQ(all.size(), good.size());
    for (const SegmentRef& segment : all)
        EXPECT_EQ(replica.read_segment(segment).error().kind, ErrorKind::Corrupt);
    EXPECT_EQ(heard.damaged, all);
    EXPECT_EQ(laptop_.vault().status().alarms.size(), all.size());
    // What is no better mends nothing.
    EXPECT_FALSE(replica.add_segment(*laptop_.disk().contents(std::prev(good.end())->first)).ok());
    for (const SegmentRef& segment : all) {
        auto bytes = desk_.vault().replica()->read_segment(segment);
        ASSERT_TRUE(bytes.ok());
        EXPECT_EQ(replica.add_segment(*bytes).value(), Added::Known);
        EXPECT_EQ(replica.read_segment(segment).value(), *bytes);
    }
    for (const auto& [path, bytes] : good) EXPECT_EQ(*laptop_.disk().contents(path), bytes);
    EXPECT_EQ(laptop_.vault().status().alarms, std::vector<std::string>());
    replica.remove_listener(heard);
    const auto wanted = laptop_.tree();
    ASSERT_TRUE(laptop_.kill_and_reopen().ok());
    EXPECT_EQ(laptop_.tree(), wanted);
}

TEST_F(VaultTest, ADamagedPackIsNamedAndItsFileFailsInsteadOfReadingWrong) {
    std::string big = noise(100000);
    ASSERT_TRUE(laptop_.write("b.bin", big).ok());
    ASSERT_TRUE(laptop_.publish().ok());
    for (const fs::path& path : files_below("/home/vault")) {
        if (path.extension() != ".pack") continue;
        Bytes bytes = *laptop_.disk().contents(path);
        bytes[bytes.size() / 3] ^= std::byte{0x20};
        laptop_.disk().put(path, bytes);
        ASSERT_TRUE(laptop_.kill_and_reopen().ok());
        EXPECT_EQ(ErrorKind::Corrupt, laptop_.read("b.bin").error().kind);
        auto report = laptop_.vault().check();
        ASSERT_TRUE(report.ok());
        ASSERT_FALSE(report->errors.empty());
        EXPECT_NE(std::string::npos, report->errors[0].find(path.stem().string()));
    }
}

}  // namespace
}  // namespace lockstep
