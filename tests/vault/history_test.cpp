// What a vault held before: versions, restoring, the state at a time, snapshots, undo.
#include <gtest/gtest.h>

#include "tests/support/vault_device.h"

namespace lockstep {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

class HistoryTest : public ::testing::Test {
  protected:
    void SetUp() override {
        expect_ok(laptop_.found());
        laptop_.set_retention(hours(24 * 30));
    }
    static void expect_ok(const Status& status) {
        ASSERT_TRUE(status.ok()) << status.error().message;
    }
    void join_desk() { expect_ok(desk_.join(laptop_)); }
    void settle() {
        for (int round = 0; round < 3; ++round) {
            clock_.advance(std::chrono::seconds(3));
            for (VaultDevice* device : {&laptop_, &desk_}) expect_ok(device->publish());
            ASSERT_TRUE(laptop_.pull(desk_).ok());
            ASSERT_TRUE(desk_.pull(laptop_).ok());
        }
    }
    std::int64_t now() { return clock_.wall_ms(); }
    // Some time later, everything published.
    std::int64_t later(std::chrono::milliseconds time = minutes(10)) {
        expect_ok(laptop_.publish());
        const std::int64_t then = now();
        clock_.advance(time);
        return then;
    }
    VaultHistory& history(VaultDevice& device) { return device.vault().history(); }
    VaultHistory& history() { return history(laptop_); }
    RestoreReport restore(const RestoreRequest& request) {
        auto report = history().restore(request);
        EXPECT_TRUE(report.ok()) << report.error().message;
        if (!report.ok()) return {};
        EXPECT_EQ(std::vector<std::string>{}, report->problems);
        return *report;
    }
    static RestoreRequest last(const std::string& path) {
        RestoreRequest out;
        out.path = path;
        return out;
    }
    static RestoreRequest of_version(const std::string& path, const VersionId& id,
                                     const std::string& to) {
        RestoreRequest out = last(path);
        out.version = id;
        out.to = to;
        return out;
    }
    static RestoreRequest of_time(const std::string& path, std::int64_t time_ms,
                                  const std::string& to) {
        RestoreRequest out = last(path);
        out.time_ms = time_ms;
        out.to = to;
        return out;
    }
    static std::string noise(std::size_t size, std::uint64_t seed) {
        SeededRandom random(seed);
        return std::string(as_text(random.bytes(size)));
    }
    // path -> content of a view.
    static std::map<std::string, std::string> tree_of(FileSystem& files, NodeId at = kRootNode,
                                                      const std::string& path = "") {
        std::map<std::string, std::string> out;
        auto listing = files.list(at);
        if (!listing.ok()) return {{path, listing.error().message}};
        for (const DirectoryEntry& entry : **listing) {
            auto found = files.lookup(at, entry.name);
            const std::string below = path + entry.name;
            if (found->type == FileType::Directory) {
                out[below + "/"] = "";
                out.merge(tree_of(files, found->node, below + "/"));
            } else {
                out[below] = read(files, *found);
            }
            files.forget(found->node, 1);
        }
        return out;
    }
    static std::string read(FileSystem& files, const Attributes& file) {
        auto handle = files.open(file.node, {});
        if (!handle.ok()) return handle.error().message;
        Bytes bytes(file.size + 1);
        auto got = files.read(*handle, 0, bytes);
        files.release(*handle);
        if (!got.ok()) return got.error().message;
        return std::string(as_text(ByteView(bytes).first(*got)));
    }
    std::map<std::string, std::string> at(std::int64_t time_ms) {
        auto view = history().at(time_ms);
        EXPECT_TRUE(view.ok()) << view.error().message;
        return tree_of(**view);
    }

    FakeClock clock_;
    VaultDevice laptop_{"laptop", 1, clock_};
    VaultDevice desk_{"desk", 2, clock_};
};

TEST_F(HistoryTest, EveryPublishedContentIsAVersionAndSaysWhyItEnded) {
    expect_ok(laptop_.write("notes", "one"));
    const std::int64_t first = later();
    expect_ok(laptop_.write("notes", "three"));
    later();
    auto found = history().history("notes");
    ASSERT_TRUE(found.ok()) << found.error().message;
    EXPECT_TRUE(found->is_there);
    ASSERT_EQ(2u, found->versions.size());
    EXPECT_EQ(5u, found->versions[0].size);
    EXPECT_EQ(VersionEnd::Shown, found->versions[0].end);
    EXPECT_EQ(3u, found->versions[1].size);
    EXPECT_EQ(VersionEnd::Replaced, found->versions[1].end);
    EXPECT_EQ("laptop", found->versions[1].ended_by);
    EXPECT_GE(first, found->versions[1].time_ms);
    EXPECT_LT(first, found->versions[1].end_ms);
    expect_ok(laptop_.remove("notes"));
    later();
    found = history().history("notes");
    ASSERT_TRUE(found.ok());
    EXPECT_FALSE(found->is_there);
    EXPECT_EQ(VersionEnd::Deleted, found->versions[0].end);
    EXPECT_EQ(ErrorKind::NotFound, history().history("other").error().kind);
}

TEST_F(HistoryTest, ADirectoryTellsWhatWasDeletedInIt) {
    expect_ok(laptop_.write("a/kept", "1"));
    expect_ok(laptop_.write("a/gone", "22"));
    later();
    expect_ok(laptop_.remove("a/gone"));
    later();
    auto found = history().history("a");
    ASSERT_TRUE(found.ok());
    ASSERT_EQ(1u, found->deleted.size());
    EXPECT_EQ("gone", found->deleted[0].name);
    EXPECT_EQ(2u, found->deleted[0].size);
    EXPECT_EQ("laptop", found->deleted[0].deleted_by);
}

TEST_F(HistoryTest, TheStateAtATimeIsWhatWasSeenThen) {
    const std::string film = noise(300'000, 1);
    expect_ok(laptop_.write("a/film", film));
    expect_ok(laptop_.write("a/b/notes", "one"));
    const auto shown = laptop_.tree();
    const std::int64_t then = later();
    expect_ok(laptop_.write("a/b/notes", "two"));
    expect_ok(laptop_.rename("a/film", "film"));
    expect_ok(laptop_.remove("a/b/notes"));
    expect_ok(laptop_.write("new", "new"));
    later();
    EXPECT_EQ(shown, at(then));
    EXPECT_EQ(laptop_.tree(), at(now()));
    EXPECT_EQ((std::map<std::string, std::string>{}), at(0));
    // Not only what is published.
    expect_ok(laptop_.write("unpublished", "x"));
    clock_.advance(minutes(1));
    EXPECT_TRUE(at(now()).contains("unpublished"));
}

TEST_F(HistoryTest, AViewOfThePastRefusesChangesAndEndsWithTheLock) {
    expect_ok(laptop_.write("notes", "one"));
    const std::int64_t then = later();
    auto view = history().at(then);
    ASSERT_TRUE(view.ok());
    auto found = (*view)->lookup(kRootNode, "notes");
    ASSERT_TRUE(found.ok());
    EXPECT_EQ(ErrorKind::ReadOnly, (*view)->open(found->node, {.write = true}).error().kind);
    EXPECT_EQ(ErrorKind::ReadOnly, (*view)->remove_file(kRootNode, "notes").error().kind);
    EXPECT_EQ(ErrorKind::ReadOnly, (*view)->make_directory(kRootNode, "d", 0755).error().kind);
    ASSERT_TRUE(laptop_.vault().lock(true).ok());
    EXPECT_EQ(ErrorKind::Locked, (*view)->list(kRootNode).error().kind);
    EXPECT_EQ(ErrorKind::Locked, history().at(then).error().kind);
}

TEST_F(HistoryTest, ARestoredVersionIsANewOneAndNothingIsLost) {
    const std::string one = noise(400'000, 1), two = noise(400'000, 2);
    expect_ok(laptop_.write("film", one));
    const std::int64_t first = later();
    expect_ok(laptop_.write("film", two));
    later();
    const auto versions = history().history("film")->versions;
    ASSERT_EQ(2u, versions.size());
    EXPECT_EQ(1u, restore(of_version("film", versions[1].id, "")).files);
    EXPECT_EQ(one, *laptop_.read("film"));
    later();
    EXPECT_EQ(3u, history().history("film")->versions.size());
    EXPECT_EQ(1u, restore(last("film")).files) << "to what it was before";
    EXPECT_EQ(two, *laptop_.read("film"));
    later();
    EXPECT_EQ(1u, restore(of_time("film", first, "old/film")).files);
    EXPECT_EQ(one, *laptop_.read("old/film"));
    EXPECT_EQ(two, *laptop_.read("film"));
    EXPECT_EQ(ErrorKind::Exists, history().restore(of_time("film", first, "film")).error().kind);
    // The content was shared, not written again.
    EXPECT_LE(laptop_.vault().status().pack_bytes, 1'100'000u);
}

TEST_F(HistoryTest, ADeletedFileAndADeletedDirectoryComeBack) {
    expect_ok(laptop_.write("a/b/one", "1"));
    expect_ok(laptop_.write("a/b/two", noise(100'000, 2)));
    expect_ok(laptop_.write("a/c", "3"));
    const auto shown = laptop_.tree();
    const std::int64_t then = later();
    for (const char* path : {"a/b/one", "a/b/two", "a/c"}) {
        expect_ok(laptop_.remove(path));
        clock_.advance(std::chrono::seconds(1));
    }
    auto parent = laptop_.node("a");
    ASSERT_TRUE(parent.ok());
    expect_ok(laptop_.vault().files().remove_directory(*parent, "b"));
    expect_ok(laptop_.vault().files().remove_directory(kRootNode, "a"));
    later();
    EXPECT_TRUE(laptop_.tree().empty());
    EXPECT_EQ(1u, restore(last("a/c")).files);
    EXPECT_EQ("3", *laptop_.read("a/c"));
    expect_ok(laptop_.remove("a/c"));
    expect_ok(laptop_.vault().files().remove_directory(kRootNode, "a"));
    later();
    restore(of_time("a", then, "back"));
    std::map<std::string, std::string> back;
    for (const auto& [path, text] : shown) back["back" + path.substr(1)] = text;
    EXPECT_EQ(back, laptop_.tree());
    restore(of_time("", then, ""));
    back.insert(shown.begin(), shown.end());
    EXPECT_EQ(back, laptop_.tree());
}

TEST_F(HistoryTest, ADirectoryThatWasRemovedWithAllInItComesBackWhole) {
    expect_ok(laptop_.write("a/b/one", "1"));
    expect_ok(laptop_.write("a/two", "2"));
    const auto shown = laptop_.tree();
    later();
    expect_ok(laptop_.remove("a/b/one"));
    clock_.advance(std::chrono::seconds(1));
    expect_ok(laptop_.vault().files().remove_directory(*laptop_.node("a"), "b"));
    expect_ok(laptop_.remove("a/two"));
    clock_.advance(std::chrono::seconds(1));
    expect_ok(laptop_.vault().files().remove_directory(kRootNode, "a"));
    later();
    const RestoreReport report = restore(last("a"));
    EXPECT_EQ(2u, report.files);
    EXPECT_EQ(2u, report.directories);
    EXPECT_EQ(shown, laptop_.tree());
}

TEST_F(HistoryTest, ARestoreReachesTheOtherDevices) {
    join_desk();
    expect_ok(laptop_.write("film", noise(300'000, 1)));
    settle();
    expect_ok(desk_.remove("film"));
    settle();
    EXPECT_TRUE(laptop_.tree().empty());
    restore(last("film"));
    settle();
    EXPECT_EQ(noise(300'000, 1), *desk_.read("film"));
    EXPECT_EQ(laptop_.tree(), desk_.tree());
    auto found = history(desk_).history("film");
    ASSERT_TRUE(found.ok());
    EXPECT_EQ("desk", found->versions.back().ended_by);
}

TEST_F(HistoryTest, WhatTheRetentionHasLetGoIsNotRestored) {
    expect_ok(laptop_.write("film", noise(300'000, 1)));
    const std::int64_t then = later();
    expect_ok(laptop_.write("film", noise(300'000, 2)));
    later(hours(24 * 31));
    ASSERT_TRUE(laptop_.vault().collect(false).ok());
    later();
    later();
    ASSERT_EQ(1u, laptop_.vault().status().packs);
    EXPECT_FALSE(history().history("film")->versions[1].is_kept);
    EXPECT_EQ(ErrorKind::Unavailable, history().restore(of_time("film", then, "")).error().kind);
    EXPECT_EQ(noise(300'000, 2), *laptop_.read("film"));
}

TEST_F(HistoryTest, ASnapshotKeepsWhatTheVaultHeldThen) {
    join_desk();
    expect_ok(laptop_.write("film", noise(300'000, 1)));
    auto made = history().make_snapshot("before", std::nullopt);
    ASSERT_TRUE(made.ok()) << made.error().message;
    settle();
    EXPECT_EQ(ErrorKind::Exists, history(desk_).make_snapshot("before", {}).error().kind);
    EXPECT_EQ(ErrorKind::Invalid, history().make_snapshot("a/b", {}).error().kind);
    EXPECT_EQ(ErrorKind::Invalid,
              history().make_snapshot("future", now() + 1'000'000).error().kind);
    expect_ok(laptop_.write("film", noise(300'000, 2)));
    settle();
    expect_ok(laptop_.remove("film"));
    settle();
    later(hours(24 * 40));
    ASSERT_TRUE(laptop_.vault().collect(false).ok());
    settle();
    settle();
    EXPECT_EQ(1u, desk_.vault().status().packs) << "what lies between is gone";
    auto listed = history(desk_).snapshots();
    ASSERT_EQ(1u, listed->size());
    EXPECT_EQ("before", listed->front().name);
    auto view = history(desk_).at(listed->front().time_ms);
    EXPECT_EQ((std::map<std::string, std::string>{{"film", noise(300'000, 1)}}), tree_of(**view));
    view->reset();
    expect_ok(history(desk_).remove_snapshot("before"));
    EXPECT_EQ(ErrorKind::NotFound, history(desk_).remove_snapshot("before").error().kind);
    settle();
    EXPECT_TRUE(history().snapshots()->empty());
    ASSERT_TRUE(laptop_.vault().collect(false).ok());
    settle();
    settle();
    EXPECT_EQ(0u, desk_.vault().status().packs);
    EXPECT_EQ(std::vector<std::string>{}, *laptop_.vault().files().list_xattrs(kRootNode));
}

TEST_F(HistoryTest, APolicyKeepsOneVersionOfADay) {
    expect_ok(history().set_retention("all 7d, daily 60d"));
    EXPECT_EQ("all 7d, daily 60d", history().retention()->text);
    EXPECT_TRUE(history().retention()->is_own);
    // Three versions a day, for three days.
    for (int i = 0; i < 9; ++i) {
        expect_ok(laptop_.write("film", noise(300'000, static_cast<std::uint64_t>(i))));
        later(hours(8));
    }
    later(hours(24 * 20));
    ASSERT_TRUE(laptop_.vault().collect(false).ok());
    later();
    later();
    EXPECT_EQ(4u, laptop_.vault().status().packs) << "each midnight's, and what is shown";
    const std::vector<VersionInfo> versions = history().history("film")->versions;
    std::size_t kept = 0;
    for (const VersionInfo& version : versions) kept += version.is_kept;
    EXPECT_EQ(4u, kept);
    ASSERT_TRUE(laptop_.kill_and_reopen().ok());  // nothing is in memory any more
    for (const VersionInfo& version : versions)
        EXPECT_EQ(version.is_kept,
                  history().restore(of_version("film", version.id, "x" + version.id.to_hex())).ok())
            << version.time_ms;
    expect_ok(history().set_retention(""));
    EXPECT_EQ("all 30d", history().retention()->text);
    EXPECT_EQ(ErrorKind::Invalid, history().set_retention("all 1d").error().kind);
}

// The oldest go first; snapshots, what is shown and the last 7 days stay.
TEST_F(HistoryTest, AQuotaLetsTheOldestVersionsGo) {
    join_desk();
    expect_ok(history().set_retention("all 1y"));
    for (std::uint64_t i = 0; i < 6; ++i) {
        expect_ok(laptop_.write("film", noise(300'000, i)));
        settle();
        if (i == 1) {
            ASSERT_TRUE(history().make_snapshot("early", std::nullopt).ok());
        }
        clock_.advance(hours(24 * 10));
    }
    settle();
    EXPECT_EQ(std::nullopt, history().retention()->quota);
    const CollectionReport unlimited = *laptop_.vault().collect(true);
    EXPECT_EQ(0u, unlimited.freed_versions);
    EXPECT_EQ(0u, unlimited.packs) << "without a quota nothing of a year goes";

    // Five old versions of 300 kB, and room for three: the snapshot's counts and stays.
    expect_ok(history().set_history_quota(950'000));
    settle();
    EXPECT_EQ(950'000u, *history(desk_).retention()->quota) << "synced";
    const CollectionReport preview = *desk_.vault().collect(true);
    EXPECT_EQ(950'000u, *preview.past_quota);
    EXPECT_GE(preview.past_bytes, 1'500'000u);
    EXPECT_EQ(2u, preview.freed_versions);
    EXPECT_EQ(600'000u, preview.freed_past_bytes);
    EXPECT_EQ(2u, preview.packs);
    settle();
    EXPECT_EQ(6u, laptop_.vault().status().packs) << "a preview takes nothing";
    EXPECT_EQ(0, history().retention()->cut_ms);

    ASSERT_TRUE(desk_.vault().collect(false).ok());
    settle();
    settle();
    EXPECT_EQ(4u, laptop_.vault().status().packs);
    EXPECT_EQ(4u, desk_.vault().status().packs);
    EXPECT_EQ(preview.past_cut_ms, history().retention()->cut_ms);
    std::string kept;
    for (const VersionInfo& version : history().history("film")->versions)
        kept += version.is_kept ? "1" : "0";
    EXPECT_EQ("111010", kept) << "newest first; the snapshot's stays";
    const CollectionReport after = *laptop_.vault().collect(true);
    EXPECT_EQ(0u, after.freed_versions);
    EXPECT_EQ(0u, after.packs);
    // Nothing that went is needed again when the quota is taken away.
    expect_ok(history().set_history_quota(std::nullopt));
    settle();
    EXPECT_EQ(std::nullopt, history(desk_).retention()->quota);
    EXPECT_EQ(0u, laptop_.vault().collect(true)->packs);
}

// One device cannot make the others forget last week's work.
TEST_F(HistoryTest, AQuotaOfNothingKeepsTheLastSevenDays) {
    for (std::uint64_t i = 0; i < 4; ++i) {
        expect_ok(laptop_.write("film", noise(300'000, i)));
        later(hours(24 * 3));
    }
    later();
    expect_ok(history().set_history_quota(0));
    later();
    const CollectionReport report = *laptop_.vault().collect(false);
    EXPECT_EQ(1u, report.freed_versions) << "it was replaced nine days ago";
    later();
    later();
    EXPECT_EQ(3u, laptop_.vault().status().packs);
}

TEST_F(HistoryTest, ADifferenceNamesWhatCameWentAndMoved) {
    expect_ok(laptop_.write("a/kept", "1"));
    expect_ok(laptop_.write("a/changed", "1"));
    expect_ok(laptop_.write("a/removed", "1"));
    expect_ok(laptop_.write("b/moved", "12"));
    expect_ok(laptop_.write("b/along", "123"));
    const std::int64_t then = later();
    expect_ok(laptop_.write("a/changed", "22"));
    expect_ok(laptop_.remove("a/removed"));
    expect_ok(laptop_.rename("b/moved", "a/moved"));
    expect_ok(laptop_.rename("b", "c"));
    expect_ok(laptop_.write("a/added", "1"));
    const std::int64_t end = later();
    expect_ok(laptop_.remove("a/added"));
    auto found = history().difference(then, end);
    ASSERT_TRUE(found.ok()) << found.error().message;
    std::vector<std::string> lines;
    for (const Difference& each : *found)
        lines.push_back(std::to_string(static_cast<int>(each.kind)) + " " + each.path +
                        (each.before.empty() ? "" : " was " + each.before));
    EXPECT_EQ((std::vector<std::string>{"0 a/added", "2 a/changed", "3 a/moved was b/moved",
                                        "1 a/removed", "3 c was b"}),
              lines);
    found = history().difference(end, std::nullopt);
    ASSERT_EQ(1u, found->size());
    EXPECT_EQ(DifferenceKind::Removed, found->front().kind);
    EXPECT_TRUE(history().difference(end, end)->empty());
}

TEST_F(HistoryTest, AnUndoTakesBackWhatOneDeviceDidAndNothingElse) {
    join_desk();
    for (const char* name : {"deleted", "changed", "moved", "ours"})
        expect_ok(laptop_.write(std::string("d/") + name, noise(50'000, 7) + name));
    expect_ok(laptop_.write("d/sub/deep", "deep"));
    settle();
    const auto before = laptop_.tree();
    clock_.advance(minutes(1));
    const std::int64_t since = now();
    clock_.advance(minutes(1));
    expect_ok(desk_.remove("d/deleted"));
    expect_ok(desk_.write("d/changed", "encrypted!"));
    expect_ok(desk_.write("d/ours", "encrypted, too"));
    expect_ok(desk_.rename("d/moved", "d/elsewhere"));
    expect_ok(desk_.write("made/by/desk", "x"));
    expect_ok(desk_.remove("d/sub/deep"));
    expect_ok(desk_.vault().files().remove_directory(*desk_.node("d"), "sub"));
    settle();
    clock_.advance(minutes(1));
    expect_ok(laptop_.write("d/ours", "went on with it"));
    expect_ok(laptop_.write("untouched", "by desk"));
    settle();
    const DeviceId desk = desk_.vault().replica()->device();
    auto plan = history().undo(desk, since, true);
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    const auto now_shown = laptop_.tree();
    EXPECT_EQ(now_shown, laptop_.tree()) << "a dry run changes nothing";
    auto done = history().undo(desk, since, false);
    ASSERT_TRUE(done.ok());
    auto expected = before;
    expected["d/ours"] = "went on with it";
    expected["untouched"] = "by desk";
    EXPECT_EQ(expected, laptop_.tree());
    ASSERT_EQ(1u, done->left.size());
    EXPECT_EQ("d/ours: changed since by laptop", done->left[0]);
    EXPECT_EQ(plan->done.size(), done->done.size());
    EXPECT_EQ(plan->left, done->left);
    settle();
    EXPECT_EQ(expected, desk_.tree());
    EXPECT_EQ(ErrorKind::NotFound, history().undo(DeviceId{}, since, true).error().kind);
    EXPECT_TRUE(history().undo(desk, now(), false)->done.empty());
}

}  // namespace
}  // namespace lockstep
