// Files through the control API, over a real vault: whole or not there, and one version each.
#include "daemon/transfers.h"

#include <set>

#include <gtest/gtest.h>

#include "tests/support/vault_device.h"
#include "vault/history.h"

namespace lockstep {
namespace {

class TransfersTest : public testing::Test {
  protected:
    TransfersTest() { EXPECT_TRUE(is_founded_); }

    std::vector<std::string> names(std::string_view path = "") {
        std::vector<std::string> out;
        auto list = list_path(files_, path);
        EXPECT_TRUE(list.ok());
        for (const api::EntryInfo& entry : list->entries) out.push_back(entry.name);
        return out;
    }

    void put(const std::string& path, std::string_view content) {
        auto id = transfers_.begin_upload(path, 0640, 1'700'000'000'123'456'789);
        ASSERT_TRUE(id.ok()) << id.error().message;
        ASSERT_TRUE(transfers_.write(*id, 0, as_bytes(content)).ok());
        Status finished = transfers_.finish(*id);
        ASSERT_TRUE(finished.ok()) << finished.error().message;
    }

    std::string get(const std::string& path) {
        auto id = transfers_.begin_download(path);
        EXPECT_TRUE(id.ok());
        auto block = transfers_.read(*id, 0);
        EXPECT_TRUE(block.ok());
        EXPECT_TRUE(transfers_.drop(*id).ok());
        EXPECT_EQ(block->total, block->bytes.size());
        return std::string(as_text(block->bytes));
    }

    // The path's versions, newest first, after all that was done is one.
    std::vector<std::uint64_t> version_sizes(const std::string& path) {
        EXPECT_TRUE(device_.publish().ok());
        std::vector<std::uint64_t> out;
        auto past = device_.vault().history().history(path);
        EXPECT_TRUE(past.ok()) << past.error().message;
        if (past.ok())
            for (const VersionInfo& version : past->versions) out.push_back(version.size);
        return out;
    }
    // What somebody else does, who closes the file.
    void write_elsewhere(const std::string& path, std::string_view text) {
        ASSERT_TRUE(device_.write(path, text).ok());
    }

    FakeClock clock_;
    VaultDevice device_{"laptop", 1, clock_, quick_stretcher()};
    const bool is_founded_ = device_.found().ok();
    FileSystem& files_ = device_.vault().files();
    SeededRandom random_{1};
    Transfers transfers_{files_, random_};
};

using Names = std::vector<std::string>;
using Sizes = std::vector<std::uint64_t>;

TEST_F(TransfersTest, AnUploadAppearsWholeUnderItsName) {
    put("a.txt", "hello");
    EXPECT_EQ(names(), Names{"a.txt"});
    EXPECT_EQ(get("/a.txt"), "hello");
    auto list = list_path(files_, "a.txt");
    ASSERT_TRUE(list.ok());
    EXPECT_EQ(list->self.mode, 0640U);
    EXPECT_EQ(list->self.modified_ns, 1'700'000'000'123'456'789);
    EXPECT_EQ(transfers_.count(), 0U);
}

TEST_F(TransfersTest, UntilItIsFinishedTheOldContentStays) {
    put("a.txt", "old");
    auto id = transfers_.begin_upload("a.txt", 0644, std::nullopt);
    ASSERT_TRUE(id.ok());
    ASSERT_TRUE(transfers_.write(*id, 0, as_bytes("new")).ok());
    EXPECT_EQ(get("a.txt"), "old");
    ASSERT_TRUE(transfers_.finish(*id).ok());
    EXPECT_EQ(get("a.txt"), "new");
    EXPECT_EQ(names(), Names{"a.txt"});
    EXPECT_EQ(transfers_.count(), 0U);
}

TEST_F(TransfersTest, EachUploadIsOneVersionOfTheFile) {
    put("a.txt", "hello");
    EXPECT_EQ(version_sizes("a.txt"), Sizes{5});
    clock_.advance(std::chrono::seconds(1));
    put("a.txt", "hello again");
    EXPECT_EQ(version_sizes("a.txt"), (Sizes{11, 5}));
    put("empty", "");
    EXPECT_EQ(version_sizes("empty"), Sizes{0});
    auto past = device_.vault().history().history("");
    ASSERT_TRUE(past.ok());
    EXPECT_EQ(past->deleted.size(), 0U);
}

TEST_F(TransfersTest, OfADroppedUploadNothingStaysAndNothingWasSeen) {
    auto id = transfers_.begin_upload("a.txt", 0644, std::nullopt);
    ASSERT_TRUE(id.ok());
    ASSERT_TRUE(transfers_.write(*id, 0, as_bytes("half")).ok());
    EXPECT_TRUE(device_.publish().ok());
    EXPECT_EQ(names(), Names{});
    ASSERT_TRUE(transfers_.drop(*id).ok());
    EXPECT_EQ(names(), Names{});
    EXPECT_EQ(transfers_.finish(*id).error().kind, ErrorKind::NotFound);
    EXPECT_TRUE(device_.publish().ok());
    EXPECT_EQ(device_.vault().history().history("a.txt").error().kind, ErrorKind::NotFound);
    auto past = device_.vault().history().history("");
    EXPECT_TRUE(!past.ok() || past->deleted.empty());
    EXPECT_EQ(transfers_.count(), 0U);
}

TEST_F(TransfersTest, WhatWasWrittenThereMeanwhileStaysBesideIt) {
    put("a.txt", "old");
    auto id = transfers_.begin_upload("a.txt", 0644, std::nullopt);
    ASSERT_TRUE(transfers_.write(*id, 0, as_bytes("uploaded")).ok());
    write_elsewhere("a.txt", "typed meanwhile");
    ASSERT_TRUE(transfers_.finish(*id).ok());
    std::set<std::string> contents;
    for (const std::string& name : names()) contents.insert(get(name));
    EXPECT_EQ(contents, (std::set<std::string>{"uploaded", "typed meanwhile"}));
}

TEST_F(TransfersTest, WhatTookTheNameMeanwhileIsAnEarlierVersion) {
    auto id = transfers_.begin_upload("a.txt", 0644, std::nullopt);
    ASSERT_TRUE(transfers_.write(*id, 0, as_bytes("uploaded")).ok());
    write_elsewhere("a.txt", "first");
    ASSERT_TRUE(device_.publish().ok());
    clock_.advance(std::chrono::seconds(1));
    ASSERT_TRUE(transfers_.finish(*id).ok());
    EXPECT_EQ(names(), Names{"a.txt"});
    EXPECT_EQ(get("a.txt"), "uploaded");
    EXPECT_EQ(version_sizes("a.txt"), (Sizes{8, 5}));
}

TEST_F(TransfersTest, WhatWasRemovedMeanwhileIsThereAgain) {
    put("a.txt", "old");
    auto id = transfers_.begin_upload("a.txt", 0600, std::nullopt);
    ASSERT_TRUE(transfers_.write(*id, 0, as_bytes("uploaded")).ok());
    ASSERT_TRUE(device_.remove("a.txt").ok());
    ASSERT_TRUE(transfers_.finish(*id).ok());
    EXPECT_EQ(names(), Names{"a.txt"});
    EXPECT_EQ(get("a.txt"), "uploaded");
}

TEST_F(TransfersTest, AFileThatAProgramIsWritingToIsNotReplaced) {
    put("a.txt", "old");
    auto node = device_.node("a.txt");
    ASSERT_TRUE(node.ok());
    auto writer = files_.open(*node, {.read = true, .write = true});
    ASSERT_TRUE(files_.write(*writer, 0, as_bytes("new")).ok());
    auto id = transfers_.begin_upload("a.txt", 0644, std::nullopt);
    ASSERT_TRUE(id.ok());
    EXPECT_EQ(transfers_.finish(*id).error().kind, ErrorKind::Busy);
    EXPECT_EQ(transfers_.count(), 0U);
    files_.release(*writer);
    EXPECT_EQ(get("a.txt"), "new");
    put("a.txt", "uploaded");
    EXPECT_EQ(get("a.txt"), "uploaded");
}

TEST_F(TransfersTest, AFileTakesTheNameOfALink) {
    auto link = files_.make_symlink(kRootNode, "l", "elsewhere");
    ASSERT_TRUE(link.ok());
    files_.forget(link->node, 1);
    put("l", "content");
    EXPECT_EQ(names(), Names{"l"});
    EXPECT_EQ(get("l"), "content");
}

TEST_F(TransfersTest, BlocksAreReadInOrderToTheEnd) {
    const std::string content(api::kContentBlockSize + 10, 'x');
    put("big", content);
    auto id = transfers_.begin_download("big");
    ASSERT_TRUE(id.ok());
    EXPECT_EQ(transfers_.read(*id, 0)->bytes.size(), api::kContentBlockSize);
    EXPECT_EQ(transfers_.read(*id, api::kContentBlockSize)->bytes.size(), 10U);
    auto end = transfers_.read(*id, content.size());
    EXPECT_EQ(end->bytes.size(), 0U);
    EXPECT_EQ(end->total, content.size());
}

TEST_F(TransfersTest, ADownloadCannotBeWrittenNorAnUploadRead) {
    put("a", "x");
    auto down = transfers_.begin_download("a");
    EXPECT_EQ(transfers_.write(*down, 0, as_bytes("y")).error().kind, ErrorKind::Invalid);
    auto up = transfers_.begin_upload("b", 0644, std::nullopt);
    EXPECT_EQ(transfers_.read(*up, 0).error().kind, ErrorKind::Invalid);
    transfers_.drop_all();
    EXPECT_EQ(names(), Names{"a"});
    EXPECT_EQ(transfers_.count(), 0U);
}

TEST_F(TransfersTest, WrongTargetsAreNamed) {
    auto directory = files_.make_directory(kRootNode, "d", 0755);
    ASSERT_TRUE(directory.ok());
    files_.forget(directory->node, 1);
    EXPECT_EQ(transfers_.begin_upload("d", 0644, {}).error().kind, ErrorKind::IsDirectory);
    EXPECT_EQ(transfers_.begin_upload("", 0644, {}).error().kind, ErrorKind::IsDirectory);
    EXPECT_EQ(transfers_.begin_upload("no/a", 0644, {}).error().kind, ErrorKind::NotFound);
    EXPECT_EQ(transfers_.begin_upload("d/../a", 0644, {}).error().kind, ErrorKind::Invalid);
    EXPECT_EQ(transfers_.begin_upload("a", 01000, {}).error().kind, ErrorKind::Invalid);
    EXPECT_EQ(transfers_.begin_download("d").error().kind, ErrorKind::IsDirectory);
    EXPECT_EQ(transfers_.begin_download("no").error().kind, ErrorKind::NotFound);
    put("d/f", "x");
    EXPECT_EQ(transfers_.begin_download("d/f/g").error().kind, ErrorKind::NotDirectory);
    EXPECT_EQ(names("d"), Names{"f"});
    EXPECT_EQ(transfers_.count(), 0U);
}

TEST_F(TransfersTest, TheLimitHoldsAtAndOnePastAndLeavesNothing) {
    for (std::size_t i = 0; i < kTransfersMax; ++i) {
        ASSERT_TRUE(transfers_.begin_upload("f" + std::to_string(i), 0644, {}).ok());
    }
    EXPECT_EQ(transfers_.begin_upload("one more", 0644, {}).error().kind, ErrorKind::Busy);
    EXPECT_EQ(names(), Names{});
    transfers_.drop_all();
    EXPECT_EQ(names(), Names{});
    EXPECT_EQ(transfers_.count(), 0U);
}

TEST_F(TransfersTest, NamesThatAreNoUtf8KeepTheirBytes) {
    put("a\xff", "x");
    auto list = list_path(files_, "");
    ASSERT_TRUE(list.ok());
    ASSERT_EQ(list->entries.size(), 1U);
    EXPECT_EQ(list->entries[0].name_hex, "61ff");
    EXPECT_EQ(get("a\xff"), "x");
}

TEST_F(TransfersTest, ListingTellsTypesAndTargets) {
    auto link = files_.make_symlink(kRootNode, "l", "target");
    ASSERT_TRUE(link.ok());
    files_.forget(link->node, 1);
    auto list = list_path(files_, "l");
    ASSERT_TRUE(list.ok());
    EXPECT_EQ(list->self.type, "symlink");
    EXPECT_EQ(list->self.target, "target");
    EXPECT_EQ(transfers_.begin_download("l").error().kind, ErrorKind::Invalid);
    EXPECT_EQ(transfers_.count(), 0U);
}

}  // namespace
}  // namespace lockstep
