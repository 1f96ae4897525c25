// The parts of a mirror that decide or watch: ignore patterns, the brake, the watcher, the state.
#include <fstream>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include "sync/mirror/brake.h"
#include "sync/mirror/folder_watcher.h"
#include "sync/mirror/ignore_rules.h"
#include "sync/mirror/mirror_state.h"
#include "tests/support/temp_dir.h"

namespace lockstep {
namespace {

namespace fs = std::filesystem;

// ---- ignore patterns

IgnoreRules rules_of(std::string_view text, std::vector<std::string>* faults = nullptr) {
    return IgnoreRules::parse(
        text,
        [](const std::string&) {
            return Error{ErrorKind::NotFound, "no such file"};
        },
        faults);
}

struct IgnoreCase {
    const char* pattern;
    const char* path;
    bool is_ignored;
};

TEST(IgnoreRulesTest, PatternsFitAsSyncthingSays) {
    const IgnoreCase cases[] = {
        {"foo", "foo", true},
        {"foo", "sub/foo", true},
        {"foo", "foo/inside", true},
        {"foo", "sub/foo/deep/er", true},
        {"foo", "food", false},
        {"/foo", "foo", true},
        {"/foo", "foo/inside", true},
        {"/foo", "sub/foo", false},
        {"foo/", "foo", false},
        {"foo/", "foo/inside", true},
        {"foo/**", "foo", false},
        {"foo/**", "foo/a/b", true},
        {"*.o", "x.o", true},
        {"*.o", "sub/x.o", true},
        {"*.o", "x.o.txt", false},
        {"te*ne", "telephone", true},
        {"te*ne", "sub/telephone", true},
        {"te*ne", "tele/phone", false},
        {"te**ne", "tele/sub/phone", true},
        {"te??st", "tebest", true},
        {"te??st", "teb/st", false},
        {"/a?c", "a/c", false},
        {"x[0-9].log", "x7.log", true},
        {"x[!0-9].log", "x7.log", false},
        {"x[!0-9].log", "xy.log", true},
        {"[]x]", "]", true},
        {"*.{jpg,png}", "a.png", true},
        {"*.{jpg,png}", "a.gif", false},
        {"(?i)Thumbs.db", "sub/THUMBS.DB", true},
        {"Thumbs.db", "THUMBS.DB", false},
        {"(?d)(?i)*.TMP", "a.tmp", true},
        {"\\*.o", "*.o", true},
        {"\\*.o", "x.o", false},
        {"**/foo/bar", "foo/bar", true},
        {"**/foo/bar", "a/b/foo/bar", true},
        {"foo/bar", "x/foo/bar", true},
        {"//foo", "foo", false},
        {"", "foo", false},
        {"# no comment", "# no comment", true},
        {"*", ".hidden", true},
    };
    for (const IgnoreCase& each : cases)
        EXPECT_EQ(rules_of(each.pattern).is_ignored(each.path), each.is_ignored)
            << each.pattern << " on " << each.path;
}

TEST(IgnoreRulesTest, TheFirstPatternThatFitsDecides) {
    const IgnoreRules rules = rules_of("!important.txt\n!/docs/**\n*.txt\n");
    EXPECT_FALSE(rules.is_ignored("a/important.txt"));
    EXPECT_FALSE(rules.is_ignored("docs/x.txt"));
    EXPECT_TRUE(rules.is_ignored("other/x.txt"));
    EXPECT_EQ(rules.verdict("other/x.txt").rule, "*.txt");
    EXPECT_TRUE(rules.has_exceptions());
    EXPECT_TRUE(rules_of("*.txt\n!a.txt").is_ignored("a.txt"));
}

TEST(IgnoreRulesTest, IncludesAreReadAndMayNotGoInCircles) {
    std::vector<std::string> faults;
    const auto reader = [](const std::string& path) -> Result<std::string> {
        if (path == "shared") return std::string("*.o\n#include shared\n");
        return Error{ErrorKind::NotFound, "no such file"};
    };
    const IgnoreRules rules =
        IgnoreRules::parse("#include shared\n#include missing\n*.x", reader, &faults);
    EXPECT_TRUE(rules.is_ignored("a.o"));
    EXPECT_TRUE(rules.is_ignored("a.x"));
    EXPECT_EQ(faults.size(), 2U);
}

TEST(IgnoreRulesTest, LinesThatMakeNoSenseAreNamedAndLeftOut) {
    std::vector<std::string> faults;
    const IgnoreRules rules = rules_of("a[b\n{a,b\n!\n*.o\nx\\", &faults);
    EXPECT_EQ(faults.size(), 4U);
    EXPECT_EQ(faults.at(0).substr(0, 17), ".lockstepignore:1");
    EXPECT_TRUE(rules.is_ignored("x.o"));
}

TEST(IgnoreRulesTest, APatternOfManyStarsTakesNoTime) {
    std::string pattern;
    for (int i = 0; i < 100; ++i) pattern += "*a";
    EXPECT_FALSE(rules_of(pattern).is_ignored(std::string(200, 'a') + "b"));
}

// ---- the brake

class BrakeTest : public testing::Test {
  protected:
    Brake brake;
    Brake::Time now{};
};

TEST_F(BrakeTest, AFifthOrAThousandIsTooMuch) {
    EXPECT_TRUE(brake.may_delete(200, 1000, now));
    EXPECT_FALSE(Brake(brake).may_delete(1, 800, now));
    Brake other;
    EXPECT_TRUE(other.may_delete(1000, 100'000, now));
    EXPECT_FALSE(other.may_delete(1, 99'000, now));
}

TEST_F(BrakeTest, OfFewFilesAFifthIsNothing) {
    EXPECT_TRUE(brake.may_delete(20, 20, now));
}

TEST_F(BrakeTest, ManySmallStepsAddUpForTenMinutes) {
    for (unsigned i = 0; i < 20; ++i) EXPECT_TRUE(brake.may_delete(10, 1000 - 10 * i, now));
    EXPECT_FALSE(brake.may_delete(10, 800, now));
    now += kBrakeWindow + std::chrono::seconds(1);
    EXPECT_TRUE(brake.may_delete(10, 800, now));
}

TEST_F(BrakeTest, AReleaseIsForWhatIsHeld) {
    EXPECT_FALSE(brake.may_delete(500, 1000, now));
    EXPECT_TRUE(brake.is_holding());
    brake.release();
    EXPECT_TRUE(brake.may_delete(500, 1000, now));
    EXPECT_FALSE(brake.may_delete(400, 500, now));
}

// ---- the watcher

class WatcherTest : public testing::Test {
  protected:
    void SetUp() override {
        auto opened = Folder::open(directory.path().native());
        ASSERT_TRUE(opened.ok());
        folder = std::move(*opened);
        auto made = FolderWatcher::open(*folder);
        ASSERT_TRUE(made.ok());
        watcher = std::move(*made);
        ASSERT_TRUE(watcher->watch("").ok());
    }
    std::vector<std::string> events() {
        std::vector<std::string> seen;
        watcher->drain([&](const FolderEvent& event) {
            switch (event.kind) {
                case FolderEvent::Kind::Changed:
                    return seen.push_back(event.path);
                case FolderEvent::Kind::Growing:
                    return seen.push_back("growing " + event.path);
                case FolderEvent::Kind::Moved:
                    return seen.push_back(event.from + " -> " + event.path);
                case FolderEvent::Kind::Lost:
                    return seen.push_back("lost");
                case FolderEvent::Kind::RootGone:
                    return seen.push_back("root gone");
            }
        });
        return seen;
    }
    fs::path path(const std::string& name) { return directory / name; }

    TempDir directory;
    std::unique_ptr<Folder> folder;
    std::unique_ptr<FolderWatcher> watcher;
};

TEST_F(WatcherTest, AFileGrowsUntilItIsClosed) {
    std::ofstream(path("a")) << "x";
    const std::vector<std::string> seen = events();
    ASSERT_FALSE(seen.empty());
    EXPECT_EQ(seen.front(), "growing a");
    EXPECT_EQ(seen.back(), "a");
}

TEST_F(WatcherTest, ARenamedDirectoryKeepsItsWatches) {
    fs::create_directories(path("a/b"));
    ASSERT_TRUE(watcher->watch("a").ok());
    ASSERT_TRUE(watcher->watch("a/b").ok());
    events();
    fs::rename(path("a"), path("c"));
    std::ofstream(path("c/b/file")) << "x";
    const std::vector<std::string> seen = events();
    EXPECT_EQ(seen.at(0), "a");
    EXPECT_EQ(seen.at(1), "a -> c");
    EXPECT_EQ(seen.back(), "c/b/file");
}

TEST_F(WatcherTest, WhatLeavesTheFolderIsWatchedNoMore) {
    TempDir outside;
    fs::create_directories(path("a/b"));
    ASSERT_TRUE(watcher->watch("a").ok());
    ASSERT_TRUE(watcher->watch("a/b").ok());
    fs::rename(path("a"), outside / "a");
    events();
    events();
    std::ofstream(outside / "a/b/file") << "x";
    EXPECT_EQ(events(), std::vector<std::string>{});
    EXPECT_EQ(watcher->watches(), 1U);
}

TEST_F(WatcherTest, TooManyEventsAreToldAsLost) {
    std::ifstream limit("/proc/sys/fs/inotify/max_queued_events");
    int events_max = 0;
    limit >> events_max;
    if (events_max == 0 || events_max > 100'000) GTEST_SKIP() << "the queue is too long";
    for (int i = 0; i < events_max / 2 + 100; ++i) {
        const int open = ::open(path(std::to_string(i)).c_str(), O_CREAT | O_WRONLY, 0600);
        ::close(open);
    }
    const std::vector<std::string> seen = events();
    EXPECT_EQ(seen.back(), "lost");
}

TEST_F(WatcherTest, ItTellsThatTheFolderItselfHasGone) {
    fs::rename(directory.path(), directory.path().native() + ".moved");
    EXPECT_EQ(events(), (std::vector<std::string>{"root gone"}));
    fs::rename(directory.path().native() + ".moved", directory.path());
}

// ---- the state

TEST(MirrorStateTest, WhatWasCommittedIsThereAgain) {
    TempDir directory;
    const fs::path file = directory / "state.db";
    const FileFacts facts{.type = FileType::Regular, .size = 7, .modified_ns = -5, .inode = 3};
    const FileFacts folder{.type = FileType::Directory, .inode = 4};
    VaultFacts shown{.type = FileType::Regular, .node = 11, .modified_ns = 99};
    shown.version.bytes[0] = std::byte{1};
    {
        auto state = MirrorState::open(file, "one");
        ASSERT_TRUE(state.ok()) << state.error().message;
        MirrorEntry& sub =
            (*state)->put((*state)->root(), "d", folder, {.type = FileType::Directory, .node = 12});
        MirrorEntry& moved = (*state)->put((*state)->root(), "x", facts, shown);
        (*state)->put(sub, "gone", facts, shown);
        (*state)->move(moved, sub, "y");
        (*state)->remove(*(*state)->find("d/gone"));
        ASSERT_TRUE((*state)->commit().ok());
        (*state)->put((*state)->root(), "uncommitted", facts, shown);
    }
    EXPECT_EQ(MirrorState::open(file, "two").error().kind, ErrorKind::Conflict);
    auto state = MirrorState::open(file, "one");
    ASSERT_TRUE(state.ok());
    EXPECT_EQ((*state)->entries(), 2U);
    EXPECT_EQ((*state)->files(), 1U);
    const MirrorEntry* found = (*state)->find("d/y");
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->folder, facts);
    EXPECT_EQ(found->vault, shown);
    EXPECT_EQ((*state)->with_inode(3).size(), 1U);
    EXPECT_EQ((*state)->with_node(12).size(), 1U);
    EXPECT_EQ(fs::status(file).permissions(), fs::perms(0600));
}

TEST(MirrorStateTest, ADamagedFileIsBegunAnew) {
    TempDir directory;
    std::ofstream(directory / "state.db") << std::string(10'000, 'x');
    auto state = MirrorState::open(directory / "state.db", "one");
    ASSERT_TRUE(state.ok()) << state.error().message;
    EXPECT_EQ((*state)->entries(), 0U);
}

}  // namespace
}  // namespace lockstep
