#include "tests/support/memory_disk.h"

#include <gtest/gtest.h>

namespace lockstep {
namespace {

using Kind = DiskCall::Kind;

std::string text_of(MemoryDisk& disk, const fs::path& path) {
    auto bytes = disk.contents(path);
    return bytes ? std::string(as_text(*bytes)) : "(none)";
}

class MemoryDiskTest : public testing::Test {
  protected:
    MemoryDiskTest() { CHECK(disk.make_directories("/d").ok()); }

    std::unique_ptr<DiskFile> open(const fs::path& path, OpenMode mode = OpenMode::Create) {
        return disk.open(path, mode).value();
    }
    // Everything done but the directory's sync.
    void write_synced(const fs::path& path, std::string_view data) {
        auto file = open(path);
        CHECK(file->write(0, as_bytes(data)).ok());
        CHECK(file->sync().ok());
    }
    void write_durable(const fs::path& path, std::string_view data) {
        write_synced(path, data);
        CHECK(disk.sync_directory(path.parent_path()).ok());
    }

    MemoryDisk disk;
};

TEST_F(MemoryDiskTest, WhatIsWrittenIsRead) {
    auto file = open("/d/a");
    ASSERT_TRUE(file->write(3, as_bytes("xyz")).ok());
    EXPECT_EQ(*file->size(), 6U);
    Bytes out(10);
    EXPECT_EQ(*file->read(1, out), 5U);
    EXPECT_EQ(as_text(ByteView(out).first(5)), std::string_view("\0\0xyz", 5));
    EXPECT_EQ(*file->read(6, out), 0U);
    ASSERT_TRUE(file->truncate(4).ok());
    EXPECT_EQ(*file->size(), 4U);
}

TEST_F(MemoryDiskTest, OpenModesKeepTheirPromises) {
    EXPECT_EQ(disk.open("/d/a", OpenMode::Read).error().kind, ErrorKind::NotFound);
    EXPECT_EQ(disk.open("/d/a", OpenMode::ReadWrite).error().kind, ErrorKind::NotFound);
    EXPECT_EQ(disk.open("/none/a", OpenMode::Create).error().kind, ErrorKind::NotFound);
    EXPECT_TRUE(disk.open("/d/a", OpenMode::CreateNew).ok());
    EXPECT_EQ(disk.open("/d/a", OpenMode::CreateNew).error().kind, ErrorKind::Exists);
    EXPECT_EQ(disk.open("/d", OpenMode::Read).error().kind, ErrorKind::IsDirectory);
    EXPECT_EQ(open("/d/a", OpenMode::Read)->write(0, as_bytes("x")).error().kind, ErrorKind::Io);
}

TEST_F(MemoryDiskTest, ListIsSortedAndKnowsDirectories) {
    write_synced("/d/b", "12");
    write_synced("/d/a", "1");
    ASSERT_TRUE(disk.make_directories("/d/c/e").ok());
    auto items = *disk.list("/d");
    ASSERT_EQ(items.size(), 3U);
    EXPECT_EQ(items[0].name, "a");
    EXPECT_EQ(items[1].size, 2U);
    EXPECT_TRUE(items[2].is_directory);
    EXPECT_EQ(disk.list("/none").error().kind, ErrorKind::NotFound);
    EXPECT_EQ(disk.list("/d/a").error().kind, ErrorKind::NotFound);
}

TEST_F(MemoryDiskTest, CrashDropsUnsyncedBytes) {
    write_durable("/d/a", "old");
    auto file = open("/d/a");
    ASSERT_TRUE(file->write(0, as_bytes("NEWER")).ok());
    EXPECT_EQ(text_of(disk, "/d/a"), "NEWER");
    disk.crash();
    EXPECT_EQ(text_of(disk, "/d/a"), "old");
}

TEST_F(MemoryDiskTest, SyncedFileWithoutItsNameIsLost) {
    write_synced("/d/a", "data");
    disk.crash();
    EXPECT_FALSE(disk.exists("/d/a"));
}

TEST_F(MemoryDiskTest, DurableNameOfAnUnsyncedFileIsEmpty) {
    ASSERT_TRUE(open("/d/a")->write(0, as_bytes("data")).ok());
    ASSERT_TRUE(disk.sync_directory("/d").ok());
    disk.crash();
    EXPECT_EQ(text_of(disk, "/d/a"), "");
}

TEST_F(MemoryDiskTest, RenameIsDurableOnlyAfterItsDirectorySync) {
    write_durable("/d/a", "1");
    write_durable("/d/b", "2");
    ASSERT_TRUE(disk.rename("/d/a", "/d/b").ok());
    EXPECT_EQ(text_of(disk, "/d/b"), "1");
    disk.crash();
    EXPECT_EQ(text_of(disk, "/d/a"), "1");
    EXPECT_EQ(text_of(disk, "/d/b"), "2");
    ASSERT_TRUE(disk.rename("/d/a", "/d/b").ok());
    ASSERT_TRUE(disk.sync_directory("/d").ok());
    disk.crash();
    EXPECT_FALSE(disk.exists("/d/a"));
    EXPECT_EQ(text_of(disk, "/d/b"), "1");
}

TEST_F(MemoryDiskTest, RenameAcrossDirectoriesNeedsBothSyncs) {
    ASSERT_TRUE(disk.make_directories("/e").ok());
    write_durable("/d/a", "1");
    ASSERT_TRUE(disk.rename("/d/a", "/e/a").ok());
    ASSERT_TRUE(disk.sync_directory("/e").ok());
    disk.crash();
    EXPECT_EQ(text_of(disk, "/d/a"), "1");
    EXPECT_FALSE(disk.exists("/e/a"));
    ASSERT_TRUE(disk.rename("/d/a", "/e/a").ok());
    ASSERT_TRUE(disk.sync_directory("/e").ok());
    ASSERT_TRUE(disk.sync_directory("/d").ok());
    disk.crash();
    EXPECT_FALSE(disk.exists("/d/a"));
    EXPECT_EQ(text_of(disk, "/e/a"), "1");
}

TEST_F(MemoryDiskTest, OvertakenRenameDoesNotComeBack) {
    ASSERT_TRUE(disk.make_directories("/e").ok());
    write_durable("/d/a", "1");
    ASSERT_TRUE(disk.rename("/d/a", "/e/a").ok());
    ASSERT_TRUE(disk.remove("/e/a").ok());
    ASSERT_TRUE(disk.sync_directory("/e").ok());
    ASSERT_TRUE(disk.sync_directory("/d").ok());
    disk.crash();
    EXPECT_FALSE(disk.exists("/e/a"));
    EXPECT_FALSE(disk.exists("/d/a"));
}

TEST_F(MemoryDiskTest, DirectoriesMoveWithTheirContent) {
    ASSERT_TRUE(disk.make_directories("/d/x").ok());
    write_durable("/d/x/a", "1");
    ASSERT_TRUE(disk.rename("/d/x", "/d/y").ok());
    EXPECT_EQ(text_of(disk, "/d/y/a"), "1");
    EXPECT_EQ(disk.remove("/d/y").error().kind, ErrorKind::NotEmpty);
    disk.crash();
    EXPECT_EQ(text_of(disk, "/d/x/a"), "1");
}

TEST_F(MemoryDiskTest, RemoveIsDurableOnlyAfterItsDirectorySync) {
    write_durable("/d/a", "1");
    ASSERT_TRUE(disk.remove("/d/a").ok());
    EXPECT_EQ(disk.remove("/d/a").error().kind, ErrorKind::NotFound);
    disk.crash();
    EXPECT_EQ(text_of(disk, "/d/a"), "1");
    ASSERT_TRUE(disk.remove("/d/a").ok());
    ASSERT_TRUE(disk.sync_directory("/d").ok());
    disk.crash();
    EXPECT_FALSE(disk.exists("/d/a"));
}

TEST_F(MemoryDiskTest, MadeDirectoriesAreDurableAtOnce) {
    ASSERT_TRUE(disk.make_directories("/x/y/z").ok());
    disk.crash();
    EXPECT_TRUE(disk.exists("/x/y/z"));
    write_durable("/d/a", "1");
    EXPECT_EQ(disk.make_directories("/d/a/b").error().kind, ErrorKind::Exists);
}

TEST_F(MemoryDiskTest, WriteDurablySurvivesACrash) {
    ASSERT_TRUE(disk.write_file_durably("/d/a", as_bytes("1")).ok());
    disk.crash();
    EXPECT_EQ(text_of(disk, "/d/a"), "1");
    EXPECT_FALSE(disk.exists("/d/a.tmp"));
}

// Goal: whenever the power goes during write_file_durably, there is the old file or the new one,
// whole. Method: cut the power at each call, with many seeds of what the disk kept.
TEST_F(MemoryDiskTest, WriteDurablyIsOldOrNewAtEveryCrashPoint) {
    bool finished = false;
    std::uint64_t points = 0;
    for (; !finished; ++points) {
        ASSERT_LT(points, 20U);
        for (std::uint64_t seed = 0; seed < 50; ++seed) {
            MemoryDisk cut;
            cut.put("/d/a", as_bytes("old content"));
            cut.power_off_at(points);
            finished = cut.write_file_durably("/d/a", as_bytes("the new content")).ok();
            cut.crash(seed);
            std::string got = text_of(cut, "/d/a");
            EXPECT_TRUE(got == "the new content" || (!finished && got == "old content")) << got;
        }
    }
    EXPECT_GE(points, 5U);
}

TEST_F(MemoryDiskTest, FilesOpenAtACrashStayDead) {
    auto file = open("/d/a");
    disk.crash();
    Bytes out(1);
    EXPECT_EQ(file->read(0, out).error().kind, ErrorKind::Io);
    EXPECT_EQ(file->write(0, as_bytes("x")).error().kind, ErrorKind::Io);
    EXPECT_EQ(file->sync().error().kind, ErrorKind::Io);
    EXPECT_EQ(file->size().error().kind, ErrorKind::Io);
}

TEST_F(MemoryDiskTest, ThePlannedCallFailsOnceAndHasNoEffect) {
    auto file = open("/d/a");
    disk.fail_call(1, ErrorKind::NoSpace);
    EXPECT_TRUE(file->write(0, as_bytes("1")).ok());
    EXPECT_EQ(file->write(1, as_bytes("2")).error().kind, ErrorKind::NoSpace);
    EXPECT_EQ(text_of(disk, "/d/a"), "1");
    EXPECT_TRUE(file->write(1, as_bytes("2")).ok());
}

TEST_F(MemoryDiskTest, APlanMayNameItsKindOfCall) {
    auto file = open("/d/a");
    disk.fail_call(0, ErrorKind::Io, Kind::Sync);
    EXPECT_TRUE(file->write(0, as_bytes("1")).ok());
    EXPECT_EQ(file->sync().error().kind, ErrorKind::Io);
    EXPECT_TRUE(file->sync().ok());
    disk.fail_call(0, ErrorKind::Io, Kind::Read);
    Bytes out(1);
    EXPECT_EQ(file->read(0, out).error().kind, ErrorKind::Io);
    EXPECT_TRUE(file->read(0, out).ok());
}

TEST_F(MemoryDiskTest, BytesOfAFailedSyncAreNeverDurable) {
    write_durable("/d/a", "old");
    auto file = open("/d/a");
    ASSERT_TRUE(file->write(0, as_bytes("new")).ok());
    disk.fail_call(0, ErrorKind::Io, Kind::Sync);
    ASSERT_FALSE(file->sync().ok());
    ASSERT_TRUE(file->sync().ok());
    EXPECT_EQ(text_of(disk, "/d/a"), "new");
    disk.crash();
    EXPECT_EQ(text_of(disk, "/d/a"), "old");
}

TEST_F(MemoryDiskTest, AfterPowerOffNothingWorksUntilTheCrash) {
    write_durable("/d/a", "old");
    auto file = open("/d/a");
    disk.power_off_at(0);
    EXPECT_FALSE(file->write(0, as_bytes("new")).ok());
    Bytes out(1);
    EXPECT_FALSE(file->read(0, out).ok());
    EXPECT_FALSE(disk.sync_directory("/d").ok());
    EXPECT_FALSE(disk.make_directories("/x").ok());
    EXPECT_FALSE(disk.list("/d").ok());
    EXPECT_FALSE(disk.exists("/d/a"));
    disk.crash();
    EXPECT_EQ(text_of(disk, "/d/a"), "old");
    EXPECT_TRUE(disk.make_directories("/x").ok());
}

TEST_F(MemoryDiskTest, SeededCrashKeepsDropsAndTears) {
    bool kept = false, dropped = false, torn = false, name_kept = false, name_dropped = false;
    for (std::uint64_t seed = 0; seed < 64; ++seed) {
        MemoryDisk other;
        other.put("/d/a", as_bytes("------"));
        ASSERT_TRUE(
            other.open("/d/a", OpenMode::ReadWrite).value()->write(0, as_bytes("ABCDEF")).ok());
        ASSERT_TRUE(other.open("/d/b", OpenMode::CreateNew).ok());
        other.crash(seed);
        std::string got = text_of(other, "/d/a");
        kept |= got == "ABCDEF";
        dropped |= got == "------";
        torn |= got != "ABCDEF" && got != "------";
        (other.exists("/d/b") ? name_kept : name_dropped) = true;
    }
    EXPECT_TRUE(kept && dropped && torn && name_kept && name_dropped);
}

TEST_F(MemoryDiskTest, TheSameSeedCrashesTheSameWay) {
    auto run = [](std::uint64_t seed) {
        MemoryDisk other;
        other.put("/d/a", as_bytes("0000000000000000"));
        auto file = other.open("/d/a", OpenMode::ReadWrite).value();
        for (std::uint64_t i = 0; i < 8; ++i) CHECK(file->write(i * 2, as_bytes("xy")).ok());
        other.crash(seed);
        return text_of(other, "/d/a");
    };
    for (std::uint64_t seed = 0; seed < 20; ++seed) EXPECT_EQ(run(seed), run(seed));
}

TEST_F(MemoryDiskTest, CallsAreRecordedInOrder) {
    disk.start_recording();
    std::uint64_t before = disk.change_count();
    write_durable("/d/a", "1");
    std::vector<DiskCall> expected{{Kind::Create, "/d/a"},
                                   {Kind::Write, "/d/a"},
                                   {Kind::Sync, "/d/a"},
                                   {Kind::SyncDirectory, "/d"}};
    EXPECT_EQ(disk.calls(), expected);
    EXPECT_EQ(disk.change_count() - before, 4U);
}

TEST_F(MemoryDiskTest, ACloneIsDurableAndApart) {
    write_synced("/d/a", "1");
    auto copy = disk.clone();
    copy->crash();
    EXPECT_EQ(text_of(*copy, "/d/a"), "1");
    copy->put("/d/a", as_bytes("2"));
    EXPECT_EQ(text_of(disk, "/d/a"), "1");
}

TEST_F(MemoryDiskTest, AFullDiskTakesNothingNewAndLosesNothingOld) {
    disk.put("/d/old", as_bytes("old"));
    disk.set_full(true);
    auto old = disk.open("/d/old", OpenMode::ReadWrite);
    ASSERT_TRUE(old.ok());
    EXPECT_EQ((*old)->write(3, as_bytes("er")).error().kind, ErrorKind::NoSpace);
    EXPECT_TRUE((*old)->sync().ok());
    EXPECT_EQ(disk.open("/d/new", OpenMode::Create).error().kind, ErrorKind::NoSpace);
    EXPECT_EQ(disk.make_directories("/e").error().kind, ErrorKind::NoSpace);
    EXPECT_EQ(*disk.contents("/d/old"), to_bytes(as_bytes("old")));
    EXPECT_TRUE(disk.rename("/d/old", "/d/renamed").ok());
    disk.set_full(false);
    EXPECT_TRUE(disk.open("/d/new", OpenMode::Create).ok());
}

}  // namespace
}  // namespace lockstep
