// What a vault tells of its changes: who did what to which files, a few of them by name.
#include <gtest/gtest.h>

#include "tests/support/vault_device.h"

namespace lockstep {
namespace {

class ChangeNewsTest : public ::testing::Test {
  protected:
    void SetUp() override {
        ok(laptop_.found());
        ok(laptop_.write("before", "x"));
        ok(laptop_.publish());
        ok(desk_.join(laptop_));
        settle();
        static_cast<void>(laptop_.vault().take_news());
        static_cast<void>(desk_.vault().take_news());
    }
    static void ok(const Status& status) { ASSERT_TRUE(status.ok()) << status.error().message; }
    void settle() {
        for (int round = 0; round < 3; ++round) {
            clock_.advance(std::chrono::seconds(3));
            for (VaultDevice* device : {&laptop_, &desk_}) ok(device->publish());
            ASSERT_TRUE(laptop_.pull(desk_).ok());
            ASSERT_TRUE(desk_.pull(laptop_).ok());
        }
    }
    static std::vector<std::string> paths(const std::vector<ChangeNews>& news,
                                          DifferenceKind kind) {
        std::vector<std::string> out;
        for (const ChangeNews& one : news)
            if (one.kind == kind) out.insert(out.end(), one.paths.begin(), one.paths.end());
        std::sort(out.begin(), out.end());
        return out;
    }
    using Paths = std::vector<std::string>;

    FakeClock clock_;
    VaultDevice laptop_{"laptop", 1, clock_, quick_stretcher()};
    VaultDevice desk_{"desk", 2, clock_, quick_stretcher()};
};

TEST_F(ChangeNewsTest, EachKindOfChangeIsToldOnBothDevicesWithItsWriter) {
    ok(laptop_.write("a/new", "1"));
    ok(laptop_.write("before", "changed"));
    settle();
    for (VaultDevice* device : {&laptop_, &desk_}) {
        const auto news = device->vault().take_news();
        EXPECT_EQ(paths(news, DifferenceKind::Added), (Paths{"a", "a/new"})) << device->label();
        EXPECT_EQ(paths(news, DifferenceKind::Changed), (Paths{"before"})) << device->label();
        for (const ChangeNews& one : news) {
            EXPECT_EQ(one.device, laptop_.vault().replica()->device());
            EXPECT_EQ(one.more, 0U);
        }
        EXPECT_TRUE(device->vault().take_news().empty());
    }
    ok(desk_.rename("before", "a/after"));
    settle();
    ok(desk_.remove("a/new"));
    settle();
    for (VaultDevice* device : {&laptop_, &desk_}) {
        const auto news = device->vault().take_news();
        EXPECT_EQ(paths(news, DifferenceKind::Renamed), (Paths{"a/after"})) << device->label();
        EXPECT_EQ(paths(news, DifferenceKind::Removed), (Paths{"a/new"})) << device->label();
        EXPECT_TRUE(paths(news, DifferenceKind::Added).empty());
        for (const ChangeNews& one : news) EXPECT_EQ(one.device, desk_.vault().replica()->device());
    }
}

TEST_F(ChangeNewsTest, OfMassesAFewAreNamedAndTheRestIsCounted) {
    constexpr std::uint64_t kFiles = 500;
    for (std::uint64_t i = 0; i < kFiles; ++i) ok(laptop_.write("many" + std::to_string(i), "x"));
    settle();
    const auto news = desk_.vault().take_news();
    ASSERT_EQ(news.size(), 1U);
    EXPECT_EQ(news[0].kind, DifferenceKind::Added);
    EXPECT_EQ(news[0].paths.size(), kNewsPathsMax);
    EXPECT_EQ(news[0].more, kFiles - kNewsPathsMax);
}

TEST_F(ChangeNewsTest, LongPathsAreCountedWhenThereIsNoRoomForThem) {
    std::string folder;
    for (int depth = 0; depth < 12; ++depth) folder += std::string(200, 'd') + "/";
    ok(laptop_.make_directory(folder + "x"));
    settle();
    std::size_t bytes = 0;
    const auto news = desk_.vault().take_news();
    ASSERT_EQ(news.size(), 1U);
    for (const std::string& path : news[0].paths) bytes += path.size();
    EXPECT_LE(bytes, kNewsPathBytesMax);
    EXPECT_EQ(news[0].paths.size() + news[0].more, 13U);
    EXPECT_GT(news[0].more, 0U);
}

TEST_F(ChangeNewsTest, AFileChangedTwiceIsNamedOnce) {
    ok(laptop_.write("before", "once"));
    settle();
    ok(laptop_.write("before", "twice"));
    settle();
    const auto news = desk_.vault().take_news();
    ASSERT_EQ(news.size(), 1U);
    EXPECT_EQ(news[0].paths, (Paths{"before"}));
    EXPECT_EQ(news[0].more, 0U);
}

TEST_F(ChangeNewsTest, ALockedVaultTellsNothingAndForgetsWhatItHadToTell) {
    ok(laptop_.write("secret", "x"));
    settle();
    ok(desk_.vault().lock(false));
    EXPECT_TRUE(desk_.vault().take_news().empty());
    ok(desk_.vault().unlock(as_bytes(kTestPassphrase)));
    EXPECT_TRUE(desk_.vault().take_news().empty());
}

TEST_F(ChangeNewsTest, WhatCameWhileItWasLockedIsToldAtTheNextUnlock) {
    ok(desk_.vault().lock(false));
    ok(laptop_.write("meanwhile", "x"));
    clock_.advance(std::chrono::seconds(3));
    ok(laptop_.publish());
    ASSERT_TRUE(desk_.pull(laptop_).ok());
    ok(desk_.vault().unlock(as_bytes(kTestPassphrase)));
    EXPECT_EQ(paths(desk_.vault().take_news(), DifferenceKind::Added), (Paths{"meanwhile"}));
}

TEST_F(ChangeNewsTest, ANewIndexIsNoNews) {
    ok(desk_.vault().rebuild_index());
    ok(desk_.vault().lock(false));
    ok(desk_.vault().unlock(as_bytes(kTestPassphrase)));
    ASSERT_TRUE(desk_.read("before").ok());
    EXPECT_TRUE(desk_.vault().take_news().empty());
}

class FilesUnderWayTest : public ChangeNewsTest {
  protected:
    // Key objects and segments come before packs: one object at a time until the file is seen.
    void pull_names(const std::string& path) {
        for (int objects = 0; objects < 100 && !desk_.node(path).ok(); ++objects)
            ASSERT_TRUE(desk_.pull(laptop_, 1).ok());
        ASSERT_TRUE(desk_.node(path).ok());
    }
    static std::string noise(std::size_t size) {
        SeededRandom random(7);
        return std::string(as_text(random.bytes(size)));
    }
    void write_on_laptop(const std::string& path, std::size_t size) {
        ok(laptop_.write(path, noise(size)));
        clock_.advance(std::chrono::seconds(3));
        ok(laptop_.publish());
    }
};

TEST_F(FilesUnderWayTest, AFileIsUnderWayUntilItsContentIsHere) {
    constexpr std::size_t kSize = 3'000'000;
    write_on_laptop("a/film", kSize);
    write_on_laptop("a/small", 10);
    pull_names("a/small");
    const auto files = desk_.vault().files_under_way(10);
    ASSERT_EQ(files.size(), 1U);
    EXPECT_EQ(files[0].path, "a/film");
    EXPECT_EQ(files[0].size, kSize);
    EXPECT_EQ(files[0].absent_bytes, kSize);
    EXPECT_TRUE(desk_.vault().files_under_way(0).empty());
    EXPECT_TRUE(laptop_.vault().files_under_way(10).empty());
    settle();
    EXPECT_TRUE(desk_.vault().files_under_way(10).empty());
}

TEST_F(FilesUnderWayTest, WhatWasUnderWayBeforeARestartIsFoundAgain) {
    write_on_laptop("a/film", 3'000'000);
    pull_names("a/film");
    ok(desk_.vault().lock(false));
    EXPECT_TRUE(desk_.vault().files_under_way(10).empty());
    ok(desk_.vault().unlock(as_bytes(kTestPassphrase)));
    std::vector<FileUnderWay> files;
    for (int question = 0; question < 100 && files.empty(); ++question)
        files = desk_.vault().files_under_way(10);
    ASSERT_EQ(files.size(), 1U);
    EXPECT_EQ(files[0].path, "a/film");
}

TEST_F(FilesUnderWayTest, WhatStaysAwayByChoiceIsNotUnderWay) {
    ok(desk_.vault().set_keep("", Keep::OnDemand));
    write_on_laptop("film", 3'000'000);
    pull_names("film");
    EXPECT_TRUE(desk_.vault().files_under_way(10).empty());
}

}  // namespace
}  // namespace lockstep
