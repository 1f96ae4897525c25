#include "base/directory_watcher.h"

#include <algorithm>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace lockstep {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

class DirectoryWatcherTest : public ::testing::Test {
  protected:
    void SetUp() override {
        fs::create_directories(temp_ / "old/deep");
        auto started = DirectoryWatcher::start(
            temp_.path(), [](const fs::path& path) { return path.filename() != "not this"; });
        ASSERT_TRUE(started.ok()) << started.error().message;
        watcher_ = std::move(*started);
    }
    void write(const fs::path& path) { std::ofstream(temp_.path() / path) << "text"; }
    // Until `path` is told, or nothing more comes.
    bool tells(const fs::path& path) {
        for (int round = 0; round < 100; ++round) {
            auto news = watcher_->wait(milliseconds(2'000), milliseconds(5));
            EXPECT_TRUE(news.ok());
            if (!news.ok() || (news->changed.empty() && !news->is_gone)) return false;
            is_gone_ = is_gone_ || news->is_gone;
            if (std::ranges::count(news->changed, path) > 0) return true;
        }
        return false;
    }

    TempDir temp_;
    std::unique_ptr<DirectoryWatcher> watcher_;
    bool is_gone_ = false;
};

TEST_F(DirectoryWatcherTest, TellsWhatIsWrittenRenamedLinkedAndRemovedAtAnyDepth) {
    write("old/deep/file");
    EXPECT_TRUE(tells("old/deep/file"));
    fs::rename(temp_ / "old/deep/file", temp_ / "old/other");
    EXPECT_TRUE(tells("old/other"));
    fs::create_hard_link(temp_ / "old/other", temp_ / "linked");
    EXPECT_TRUE(tells("linked"));
    fs::remove(temp_ / "old/other");
    EXPECT_TRUE(tells("old/other"));
}

TEST_F(DirectoryWatcherTest, NewDirectoriesAreWatchedAndWhatIsInThemTold) {
    fs::create_directories(temp_ / "new/below/deeper");
    write("new/below/deeper/file");
    EXPECT_TRUE(tells("new/below/deeper/file"));
    write("new/below/later");
    EXPECT_TRUE(tells("new/below/later"));
}

TEST_F(DirectoryWatcherTest, ADirectoryThatIsMovedIsWatchedWhereItIsNow) {
    fs::rename(temp_ / "old", temp_ / "moved");
    EXPECT_TRUE(tells("moved"));
    write("moved/deep/file");
    EXPECT_TRUE(tells("moved/deep/file"));
}

TEST_F(DirectoryWatcherTest, UnwantedDirectoriesAreNotLookedInto) {
    fs::create_directories(temp_ / "not this");
    write("not this/file");
    write("end");
    for (bool is_end = false; !is_end;) {
        auto news = watcher_->wait(milliseconds(2'000), milliseconds(5));
        ASSERT_TRUE(news.ok() && !news->changed.empty());
        EXPECT_EQ(std::ranges::count(news->changed, fs::path("not this/file")), 0);
        is_end = std::ranges::count(news->changed, fs::path("end")) > 0;
    }
}

// Goal: more happens than the system queues; it may be lost, but not unsaid.
TEST_F(DirectoryWatcherTest, SaysWhenEventsWereLost) {
    std::size_t queued_max = 0;
    std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> queued_max;
    if (queued_max == 0 || queued_max > 100'000) GTEST_SKIP() << "the queue is too long to fill";
    write("old/0");
    // Two events each.
    for (std::size_t done = 0; done <= queued_max / 2; ++done)
        fs::rename(temp_ / ("old/" + std::to_string(done % 2)),
                   temp_ / ("old/" + std::to_string((done + 1) % 2)));
    auto news = watcher_->wait(milliseconds(2'000), milliseconds(5));
    ASSERT_TRUE(news.ok());
    EXPECT_TRUE(news->is_incomplete);
    write("old/after");
    EXPECT_TRUE(tells("old/after")) << "and it goes on";
}

TEST_F(DirectoryWatcherTest, SaysWhenTheTopIsGone) {
    fs::rename(temp_.path(), temp_.path().string() + ".moved");
    auto news = watcher_->wait(milliseconds(5'000), milliseconds(5));
    fs::rename(temp_.path().string() + ".moved", temp_.path());
    ASSERT_TRUE(news.ok());
    EXPECT_TRUE(news->is_gone);
}

TEST_F(DirectoryWatcherTest, AnInterruptEndsTheWait) {
    std::thread other([this] { watcher_->interrupt(); });
    auto news = watcher_->wait(std::chrono::hours(1), milliseconds(5));
    other.join();
    ASSERT_TRUE(news.ok());
    EXPECT_TRUE(news->changed.empty());
}

TEST_F(DirectoryWatcherTest, AMissingDirectoryCannotBeWatched) {
    auto started = DirectoryWatcher::start(temp_ / "none", [](const fs::path&) { return true; });
    ASSERT_FALSE(started.ok());
    EXPECT_EQ(started.error().kind, ErrorKind::NotFound);
}

}  // namespace
}  // namespace lockstep
