#include "daemon/transfers.h"

#include <gtest/gtest.h>

#include "tests/support/memory_file_system.h"
#include "tests/support/seeded_random.h"

namespace lockstep {
namespace {

class TransfersTest : public testing::Test {
  protected:
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

    void expect_nothing_held() {
        EXPECT_EQ(files_.references(), 0U);
        EXPECT_EQ(files_.open_handles(), 0U);
        EXPECT_EQ(transfers_.count(), 0U);
    }

    MemoryFileSystem files_;
    SeededRandom random_{1};
    Transfers transfers_{files_, random_};
};

using Names = std::vector<std::string>;

TEST_F(TransfersTest, AnUploadAppearsWholeUnderItsName) {
    put("a.txt", "hello");
    EXPECT_EQ(names(), Names{"a.txt"});
    EXPECT_EQ(get("/a.txt"), "hello");
    auto list = list_path(files_, "a.txt");
    ASSERT_TRUE(list.ok());
    EXPECT_EQ(list->self.mode, 0640U);
    EXPECT_EQ(list->self.modified_ns, 1'700'000'000'123'456'789);
    expect_nothing_held();
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
    expect_nothing_held();
}

TEST_F(TransfersTest, OfADroppedUploadNothingStays) {
    auto id = transfers_.begin_upload("a.txt", 0644, std::nullopt);
    ASSERT_TRUE(id.ok());
    EXPECT_EQ(names().size(), 1U);
    ASSERT_TRUE(transfers_.drop(*id).ok());
    EXPECT_EQ(names(), Names{});
    EXPECT_EQ(transfers_.finish(*id).error().kind, ErrorKind::NotFound);
    expect_nothing_held();
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
    expect_nothing_held();
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
    expect_nothing_held();
}

TEST_F(TransfersTest, TheLimitHoldsAtAndOnePastAndLeavesNothing) {
    for (std::size_t i = 0; i < kTransfersMax; ++i) {
        ASSERT_TRUE(transfers_.begin_upload("f" + std::to_string(i), 0644, {}).ok());
    }
    EXPECT_EQ(transfers_.begin_upload("one more", 0644, {}).error().kind, ErrorKind::Busy);
    EXPECT_EQ(names().size(), kTransfersMax);
    transfers_.drop_all();
    EXPECT_EQ(names(), Names{});
    expect_nothing_held();
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
    expect_nothing_held();
}

}  // namespace
}  // namespace lockstep
