// The machine's disk. The same rules are tested under crashes in
// tests/support/memory_disk_test.cpp.
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/disk.h"
#include "tests/support/memory_disk.h"
#include "tests/support/temp_dir.h"

namespace lockstep {
namespace {

// One conformance suite for every Disk.
class DiskTest : public testing::TestWithParam<bool> {
  protected:
    DiskTest() { CHECK(disk.make_directories(dir).ok()); }

    TempDir temp;
    MemoryDisk memory;
    Disk& disk = GetParam() ? static_cast<Disk&>(memory) : posix_disk();
    fs::path dir = temp / "d";
};

TEST_P(DiskTest, ReadsWhatWasWritten) {
    auto file = disk.open(dir / "a", OpenMode::CreateNew).value();
    ASSERT_TRUE(file->write(2, as_bytes("xyz")).ok());
    ASSERT_TRUE(file->sync().ok());
    EXPECT_EQ(*file->size(), 5U);
    Bytes out(9);
    EXPECT_EQ(*file->read(0, out), 5U);
    EXPECT_EQ(as_text(ByteView(out).first(5)), std::string_view("\0\0xyz", 5));
    EXPECT_EQ(*file->read(5, out), 0U);
    EXPECT_EQ(*file->read(100, out), 0U);
    ASSERT_TRUE(file->truncate(3).ok());
    EXPECT_EQ(as_text(*disk.read_file(dir / "a", 3)), std::string_view("\0\0x", 3));
}

TEST_P(DiskTest, OpenModesKeepTheirPromises) {
    EXPECT_EQ(disk.open(dir / "a", OpenMode::Read).error().kind, ErrorKind::NotFound);
    EXPECT_EQ(disk.open(dir / "a", OpenMode::ReadWrite).error().kind, ErrorKind::NotFound);
    EXPECT_EQ(disk.open(dir / "none/a", OpenMode::Create).error().kind, ErrorKind::NotFound);
    EXPECT_TRUE(disk.open(dir / "a", OpenMode::Create).ok());
    EXPECT_TRUE(disk.open(dir / "a", OpenMode::Create).ok());
    EXPECT_EQ(disk.open(dir / "a", OpenMode::CreateNew).error().kind, ErrorKind::Exists);
    EXPECT_EQ(disk.open(dir / "a", OpenMode::Read).value()->write(0, as_bytes("x")).error().kind,
              ErrorKind::Io);
}

TEST_P(DiskTest, ReadFileIsBoundedAtAndOnePast) {
    ASSERT_TRUE(disk.write_file_durably(dir / "a", as_bytes("12345")).ok());
    EXPECT_EQ(disk.read_file(dir / "a", 5)->size(), 5U);
    EXPECT_EQ(disk.read_file(dir / "a", 4).error().kind, ErrorKind::TooLarge);
    EXPECT_EQ(disk.read_file(dir / "b", 4).error().kind, ErrorKind::NotFound);
}

TEST_P(DiskTest, DurableWriteReplacesAndLeavesNoTemporary) {
    ASSERT_TRUE(disk.write_file_durably(dir / "a", as_bytes("a longer old content")).ok());
    ASSERT_TRUE(disk.write_file_durably(dir / "a", as_bytes("new")).ok());
    EXPECT_EQ(as_text(*disk.read_file(dir / "a", 100)), "new");
    EXPECT_EQ(disk.list(dir)->size(), 1U);
    EXPECT_EQ(disk.write_file_durably(dir / "none/a", {}).error().kind, ErrorKind::NotFound);
}

TEST_P(DiskTest, ALeftoverTemporaryIsOverwritten) {
    auto left = disk.open(dir / "a.tmp", OpenMode::CreateNew).value();
    ASSERT_TRUE(left->write(0, as_bytes("left over from a crash")).ok());
    ASSERT_TRUE(disk.write_file_durably(dir / "a", as_bytes("x")).ok());
    EXPECT_EQ(as_text(*disk.read_file(dir / "a", 100)), "x");
}

TEST_P(DiskTest, RenameReplacesAndRemoveRemoves) {
    ASSERT_TRUE(disk.write_file_durably(dir / "a", as_bytes("1")).ok());
    ASSERT_TRUE(disk.write_file_durably(dir / "b", as_bytes("2")).ok());
    ASSERT_TRUE(disk.rename(dir / "a", dir / "b").ok());
    EXPECT_FALSE(disk.exists(dir / "a"));
    EXPECT_EQ(as_text(*disk.read_file(dir / "b", 9)), "1");
    EXPECT_EQ(disk.rename(dir / "a", dir / "b").error().kind, ErrorKind::NotFound);
    ASSERT_TRUE(disk.remove(dir / "b").ok());
    EXPECT_EQ(disk.remove(dir / "b").error().kind, ErrorKind::NotFound);
    EXPECT_TRUE(disk.sync_directory(dir).ok());
    EXPECT_EQ(disk.sync_directory(dir / "none").error().kind, ErrorKind::NotFound);
}

TEST_P(DiskTest, DirectoriesAreMadeWithTheirParentsAndListedSorted) {
    ASSERT_TRUE(disk.make_directories(dir / "x/y/z").ok());
    ASSERT_TRUE(disk.make_directories(dir / "x/y/z").ok());
    ASSERT_TRUE(disk.write_file_durably(dir / "b", as_bytes("12")).ok());
    ASSERT_TRUE(disk.write_file_durably(dir / "a", {}).ok());
    auto items = *disk.list(dir);
    ASSERT_EQ(items.size(), 3U);
    EXPECT_EQ(items[0].name, "a");
    EXPECT_EQ(items[1].size, 2U);
    EXPECT_TRUE(items[2].is_directory);
    EXPECT_EQ(disk.list(dir / "none").error().kind, ErrorKind::NotFound);
}

TEST_P(DiskTest, AFullDirectoryIsNotRemoved) {
    ASSERT_TRUE(disk.make_directories(dir / "x/y").ok());
    EXPECT_EQ(disk.remove(dir / "x").error().kind, ErrorKind::NotEmpty);
    EXPECT_TRUE(disk.remove(dir / "x/y").ok());
}

INSTANTIATE_TEST_SUITE_P(Disks, DiskTest, testing::Bool(),
                         [](const auto& i) { return std::string(i.param ? "Memory" : "Posix"); });

class PosixDiskTest : public testing::Test {
  protected:
    TempDir temp;
    Disk& disk = posix_disk();
};

TEST_F(PosixDiskTest, FilesAndDirectoriesArePrivate) {
    ASSERT_TRUE(disk.make_directories(temp / "d").ok());
    ASSERT_TRUE(disk.write_file_durably(temp / "d/a", as_bytes("x")).ok());
    struct stat st {};
    ASSERT_EQ(::stat((temp / "d").c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777, 0700U);
    ASSERT_EQ(::stat((temp / "d/a").c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777, 0600U);
}

TEST_F(PosixDiskTest, SymbolicLinksAreNotFollowed) {
    std::ofstream(temp / "target") << "x";
    fs::create_symlink(temp / "target", temp / "link");
    EXPECT_FALSE(disk.open(temp / "link", OpenMode::Create).ok());
}

TEST_F(PosixDiskTest, MessagesNameTheFile) {
    auto error = disk.open(temp / "missing", OpenMode::Read).error();
    EXPECT_NE(error.message.find("missing"), std::string::npos);
}

}  // namespace
}  // namespace lockstep
