// Ending a conflict as its user wants it.
#include <gtest/gtest.h>

#include "tests/support/vault_device.h"

namespace lockstep {
namespace {

using Tree = std::map<std::string, std::string>;

class ConflictsTest : public ::testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(laptop_.found().ok());
        ASSERT_TRUE(desk_.join(laptop_).ok());
    }
    void settle() {
        for (int round = 0; round < 4; ++round) {
            clock_.advance(std::chrono::seconds(3));
            for (VaultDevice* device : {&laptop_, &desk_}) {
                Status published = device->publish();
                ASSERT_TRUE(published.ok()) << published.error().message;
            }
            ASSERT_TRUE(laptop_.pull(desk_).ok());
            ASSERT_TRUE(desk_.pull(laptop_).ok());
        }
    }
    // Both write one file while apart; desk's version is the newer one.
    void conflict_of_versions() {
        ASSERT_TRUE(laptop_.write("dir/notes.txt", "before").ok());
        settle();
        ASSERT_TRUE(laptop_.write("dir/notes.txt", "from laptop").ok());
        clock_.advance(std::chrono::seconds(3));
        ASSERT_TRUE(laptop_.publish().ok());
        ASSERT_TRUE(desk_.write("dir/notes.txt", "from desk").ok());
        settle();
        ASSERT_EQ(laptop_.vault().conflicts().size(), 1U);
    }
    // Both make a file of one name.
    void conflict_of_files() {
        ASSERT_TRUE(laptop_.write("plan", "from laptop").ok());
        clock_.advance(std::chrono::seconds(3));
        ASSERT_TRUE(laptop_.publish().ok());
        ASSERT_TRUE(desk_.write("plan", "from desk").ok());
        settle();
        ASSERT_EQ(laptop_.vault().conflicts().size(), 1U);
    }
    void expect_everywhere(const Tree& expected) {
        settle();
        for (VaultDevice* device : {&laptop_, &desk_}) {
            EXPECT_EQ(device->tree(), expected) << device->label();
            EXPECT_TRUE(device->vault().conflicts().empty());
        }
    }

    FakeClock clock_;
    VaultDevice laptop_{"laptop", 1, clock_};
    VaultDevice desk_{"desk", 2, clock_};
};

TEST_F(ConflictsTest, MineIsWhatThisDeviceWroteWhicheverIsNewer) {
    conflict_of_versions();
    ASSERT_TRUE(laptop_.vault().resolve_conflict("dir/notes.txt", ConflictChoice::Mine).ok());
    expect_everywhere({{"dir/", ""}, {"dir/notes.txt", "from laptop"}});
}

TEST_F(ConflictsTest, TheirsIsANewVersionThatReplacesBoth) {
    conflict_of_versions();
    ASSERT_TRUE(laptop_.vault().resolve_conflict("dir/notes.txt", ConflictChoice::Theirs).ok());
    expect_everywhere({{"dir/", ""}, {"dir/notes.txt", "from desk"}});
}

TEST_F(ConflictsTest, TheNewerDeviceMayKeepTheOlderOnesVersion) {
    conflict_of_versions();
    ASSERT_TRUE(desk_.vault().resolve_conflict("/dir/notes.txt", ConflictChoice::Theirs).ok());
    expect_everywhere({{"dir/", ""}, {"dir/notes.txt", "from laptop"}});
}

TEST_F(ConflictsTest, TheSiblingsPathMeansTheSameConflictAndThisTheSibling) {
    conflict_of_versions();
    const std::string sibling = laptop_.vault().conflicts().front().sibling;
    EXPECT_EQ(*laptop_.read(sibling), "from laptop");
    ASSERT_TRUE(desk_.vault().resolve_conflict(sibling, ConflictChoice::This).ok());
    expect_everywhere({{"dir/", ""}, {"dir/notes.txt", "from laptop"}});
}

TEST_F(ConflictsTest, BothBecomeFilesOfTheirOwn) {
    conflict_of_versions();
    const std::string sibling = laptop_.vault().conflicts().front().sibling;
    ASSERT_TRUE(laptop_.vault().resolve_conflict("dir/notes.txt", ConflictChoice::Both).ok());
    expect_everywhere({{"dir/", ""}, {"dir/notes.txt", "from desk"}, {sibling, "from laptop"}});
}

TEST_F(ConflictsTest, TwoFilesOfOneNameAreSettledToo) {
    conflict_of_files();
    ASSERT_TRUE(laptop_.vault().resolve_conflict("plan", ConflictChoice::Mine).ok());
    expect_everywhere({{"plan", "from laptop"}});
}

TEST_F(ConflictsTest, OfTwoFilesOfOneNameTheOtherMayBeKept) {
    conflict_of_files();
    ASSERT_TRUE(laptop_.vault().resolve_conflict("plan", ConflictChoice::Theirs).ok());
    expect_everywhere({{"plan", "from desk"}});
}

TEST_F(ConflictsTest, OfTwoFilesOfOneNameBothMayBeKept) {
    conflict_of_files();
    const std::string other = laptop_.vault().conflicts().front().sibling;
    ASSERT_TRUE(desk_.vault().resolve_conflict("plan", ConflictChoice::Both).ok());
    settle();
    EXPECT_EQ(laptop_.tree().size(), 2U);
    EXPECT_TRUE(laptop_.tree().contains(other));
    EXPECT_EQ(laptop_.tree(), desk_.tree());
    EXPECT_TRUE(laptop_.vault().conflicts().empty());
}

TEST_F(ConflictsTest, WhatIsInNoConflictOrNotClearIsRefused) {
    conflict_of_versions();
    ASSERT_TRUE(laptop_.write("other", "text").ok());
    EXPECT_EQ(laptop_.vault().resolve_conflict("other", ConflictChoice::Mine).error().kind,
              ErrorKind::NotFound);
    EXPECT_EQ(laptop_.vault().resolve_conflict("none", ConflictChoice::Both).error().kind,
              ErrorKind::NotFound);
    // A third device has written neither.
    VaultDevice phone("phone", 3, clock_);
    ASSERT_TRUE(phone.join(laptop_).ok());
    ASSERT_TRUE(phone.pull(laptop_).ok());
    EXPECT_EQ(phone.vault().resolve_conflict("dir/notes.txt", ConflictChoice::Mine).error().kind,
              ErrorKind::Invalid);
    EXPECT_EQ(phone.vault().resolve_conflict("dir/notes.txt", ConflictChoice::Theirs).error().kind,
              ErrorKind::Invalid);
    EXPECT_TRUE(phone.vault().resolve_conflict("dir/notes.txt", ConflictChoice::This).ok());
}

// Goal: an edit that nobody has seen yet is neither lost nor in the way.
TEST_F(ConflictsTest, AnEditMadeMeanwhileByTheOtherDeviceIsKept) {
    conflict_of_versions();
    ASSERT_TRUE(desk_.write("dir/notes.txt", "desk again").ok());
    ASSERT_TRUE(laptop_.vault().resolve_conflict("dir/notes.txt", ConflictChoice::Mine).ok());
    settle();
    std::set<std::string> contents;
    for (const auto& [path, content] : laptop_.tree()) contents.insert(content);
    EXPECT_TRUE(contents.contains("from laptop"));
    EXPECT_TRUE(contents.contains("desk again"));
    EXPECT_EQ(laptop_.tree(), desk_.tree());
}

class ExplainTest : public ConflictsTest {};

TEST_F(ExplainTest, SaysWhoWroteItAndWhetherItIsPublished) {
    ASSERT_TRUE(laptop_.write("dir/file", "text").ok());
    auto report = laptop_.vault().explain("dir/file");
    ASSERT_TRUE(report.ok()) << report.error().message;
    EXPECT_TRUE(report->is_unpublished);
    EXPECT_EQ(report->written_by, "laptop");
    EXPECT_EQ(report->size, 4U);
    settle();
    EXPECT_FALSE(laptop_.vault().explain("dir/file")->is_unpublished);
    report = desk_.vault().explain("/dir/file");
    ASSERT_TRUE(report.ok());
    EXPECT_EQ(report->written_by, "laptop");
    EXPECT_EQ(report->absent_bytes, 0U);
    EXPECT_EQ(desk_.vault().explain("none").error().kind, ErrorKind::NotFound);
    EXPECT_EQ(laptop_.vault().explain("dir")->type, FileType::Directory);
}

TEST_F(ExplainTest, SaysHowMuchContentIsNotHereAndInWhichPacksItMayBe) {
    SeededRandom random(9);
    const std::string big(as_text(random.bytes(500'000)));
    ASSERT_TRUE(laptop_.write("big", big).ok());
    clock_.advance(std::chrono::seconds(3));
    ASSERT_TRUE(laptop_.publish().ok());
    Replica& theirs = *laptop_.vault().replica();
    for (const auto& [log, last] : theirs.frontier())
        for (std::uint64_t number = 1; number <= last.number; ++number)
            ASSERT_TRUE(
                desk_.vault().replica()->add_segment(*theirs.read_segment({log, number})).ok());
    ASSERT_TRUE(desk_.vault().merge().ok());
    auto report = desk_.vault().explain("big");
    ASSERT_TRUE(report.ok()) << report.error().message;
    EXPECT_EQ(report->absent_bytes, big.size());
    EXPECT_EQ(report->absent_packs, desk_.vault().replica()->missing_packs());
    settle();
    EXPECT_EQ(desk_.vault().explain("big")->absent_bytes, 0U);
}

TEST_F(ExplainTest, SaysThatAFileIsInConflict) {
    conflict_of_versions();
    EXPECT_TRUE(laptop_.vault().explain("dir/notes.txt")->is_in_conflict);
    EXPECT_TRUE(
        laptop_.vault().explain(laptop_.vault().conflicts().front().sibling)->is_in_conflict);
}

}  // namespace
}  // namespace lockstep
