// Levels by area, as text and in force; what was written lately; lines for the journal.
#include "base/log_levels.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "tests/support/temp_dir.h"

namespace lockstep {
namespace {

class LogLevelsTest : public testing::Test {
  protected:
    void TearDown() override { set_log_levels({}); }

    // The messages written by `write`, which are told from all others by `mark`.
    static std::vector<std::string> written(const std::string& mark) {
        std::vector<std::string> out;
        for (const LogRecord& record : recent_log_lines())
            if (record.message.starts_with(mark)) out.push_back(record.message);
        return out;
    }
};

TEST_F(LogLevelsTest, ATextNamesTheLevelAndThoseOfAreas) {
    const LogLevels levels = parse_log_levels("warning, sync=debug,vault=error").value();
    EXPECT_EQ(levels.usual, LogLevel::Warning);
    EXPECT_EQ(levels.areas.at("sync"), LogLevel::Debug);
    EXPECT_EQ(format_log_areas(levels), "sync=debug,vault=error");
    EXPECT_EQ(parse_log_levels("").value(), LogLevels{});
    EXPECT_EQ(parse_log_levels("fuse=error").value().usual, LogLevel::Info);
    EXPECT_TRUE(parse_log_areas("").value().empty());
}

TEST_F(LogLevelsTest, WhatIsNoLevelOrAreaIsNamed) {
    for (const auto& [text, named] :
         std::vector<std::pair<const char*, const char*>>{{"loud", "'loud'"},
                                                          {"info,debug", "'debug'"},
                                                          {"info,snyc=debug", "'snyc'"},
                                                          {"sync=loud", "'sync'"}}) {
        auto levels = parse_log_levels(text);
        ASSERT_FALSE(levels.ok()) << text;
        EXPECT_EQ(levels.error().kind, ErrorKind::Invalid);
        EXPECT_NE(levels.error().message.find(named), std::string::npos) << levels.error().message;
    }
    EXPECT_FALSE(parse_log_areas("debug").ok());
}

TEST_F(LogLevelsTest, AnAreaSaysAsMuchAsItsLevel) {
    set_log_levels(parse_log_levels("warning,sync=debug,vault=error").value());
    const std::uint64_t warnings = log_lines_written(LogLevel::Warning);
    log_debug("sync", "by area {}", 1);
    log_info("daemon", "by area {}", 2);
    log_warning("daemon", "by area {}", 3);
    log_warning("vault", "by area {}", 4);
    log_error("vault", "by area {}", 5);
    EXPECT_EQ(written("by area"),
              (std::vector<std::string>{"by area 1", "by area 3", "by area 5"}));
    EXPECT_EQ(log_lines_written(LogLevel::Warning), warnings + 1);

    set_log_level(LogLevel::Info);  // of all areas
    log_debug("sync", "of all {}", 1);
    log_info("vault", "of all {}", 2);
    EXPECT_EQ(written("of all"), std::vector<std::string>{"of all 2"});
}

TEST_F(LogLevelsTest, TheLastLinesAreKeptAndNoMore) {
    set_log_level(LogLevel::Error);
    for (std::size_t i = 0; i < kRecentLogLinesMax + 5; ++i) log_error("daemon", "line {}", i);
    const std::vector<LogRecord> recent = recent_log_lines();
    ASSERT_EQ(recent.size(), kRecentLogLinesMax);
    EXPECT_EQ(recent.front().message, "line 5");
    EXPECT_EQ(recent.back().message, fmt::format("line {}", kRecentLogLinesMax + 4));
    EXPECT_EQ(recent.back().area, "daemon");
}

// Goal: the journal gets priorities. Standard error is a file for a moment.
TEST_F(LogLevelsTest, LinesForTheJournalBeginWithTheirPriority) {
    TempDir directory;
    const std::string file = (directory / "journal").native();
    UniqueFd out(::open(file.c_str(), O_RDWR | O_CREAT, 0600));
    struct stat status {};
    ASSERT_EQ(::fstat(out.get(), &status), 0);
    const std::string stream = fmt::format("{}:{}", status.st_dev, status.st_ino);
    EXPECT_TRUE(is_journal(stream, out.get()));
    EXPECT_FALSE(is_journal(stream, STDIN_FILENO));
    EXPECT_FALSE(is_journal(std::nullopt, out.get()));

    UniqueFd kept(::dup(STDERR_FILENO));
    ::dup2(out.get(), STDERR_FILENO);
    set_log_to_journal(true);
    log_warning("sync", "careful");
    set_log_to_journal(false);
    ::dup2(kept.get(), STDERR_FILENO);
    char text[64] = {};
    ASSERT_GT(::pread(out.get(), text, sizeof text - 1, 0), 0);
    EXPECT_STREQ(text, "<4>sync: careful\n");
}

}  // namespace
}  // namespace lockstep
