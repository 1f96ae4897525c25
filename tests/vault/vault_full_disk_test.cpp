// A disk without space: who is told, what stays, and what works again when there is space.
#include <gtest/gtest.h>

#include "tests/support/vault_device.h"

namespace lockstep {
namespace {

std::string noise(std::uint64_t seed, std::size_t size) {
    SeededRandom random(seed);
    return std::string(as_text(random.bytes(size)));
}

std::optional<ErrorKind> kind_of(const Status& status) {
    if (status.ok()) return std::nullopt;
    return status.error().kind;
}

class VaultFullDiskTest : public ::testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(device_.found().ok());
        ASSERT_TRUE(device_.write("acknowledged", "before it was full").ok());
        ASSERT_TRUE(device_.sync("acknowledged").ok());
    }

    void expect_acknowledged(const std::string& path, const std::string& content) {
        auto text = device_.read(path);
        ASSERT_TRUE(text.ok()) << path << ": " << text.error().message;
        EXPECT_TRUE(*text == content) << path;
    }

    FakeClock clock_;
    VaultDevice device_{"laptop", 3, clock_};
};

// More than the journal takes: fsync puts a pack, which fails and is tried again by the next fsync.
TEST_F(VaultFullDiskTest, WhatAFailedSyncCouldNotPackTheNextOneMakesDurable) {
    const std::string large = noise(1, 1'500'000);
    ASSERT_TRUE(device_.write("large", large).ok());
    ASSERT_TRUE(device_.rename("acknowledged", "renamed").ok());
    device_.disk().set_full(true);
    EXPECT_EQ(kind_of(device_.sync("large")), ErrorKind::NoSpace);
    EXPECT_EQ(kind_of(device_.sync("large")), ErrorKind::NoSpace) << "and not once only";
    EXPECT_EQ(kind_of(device_.vault().files().sync_metadata()), ErrorKind::NoSpace)
        << "the records that could not be committed are not forgotten";
    expect_acknowledged("renamed", "before it was full");
    device_.disk().set_full(false);
    EXPECT_TRUE(device_.sync("large").ok());
    ASSERT_TRUE(device_.crash_and_reopen(5).ok());
    expect_acknowledged("large", large);
    expect_acknowledged("renamed", "before it was full");
}

// Content that waits for room in packs must not keep the next publish from trying those packs
// again.
TEST_F(VaultFullDiskTest, PublishingGoesOnWhenThereIsRoomAgain) {
    device_.disk().set_full(true);
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        FileSystem& files = device_.vault().files();
        auto file = files.create(kRootNode, "packed" + std::to_string(seed), 0644);
        ASSERT_TRUE(file.ok());
        ASSERT_TRUE(files.write(file->handle, 0, as_bytes(noise(seed, 10'000))).ok());
        clock_.advance(std::chrono::seconds(5));
        EXPECT_EQ(kind_of(device_.publish()), ErrorKind::NoSpace);
    }
    device_.disk().set_full(false);
    clock_.advance(std::chrono::seconds(5));
    ASSERT_TRUE(device_.publish().ok());
    ASSERT_TRUE(device_.crash_and_reopen(5).ok());
    for (std::uint64_t seed = 1; seed <= 4; ++seed)
        expect_acknowledged("packed" + std::to_string(seed), noise(seed, 10'000));
}

// The chunks of a version are known, and the list of them, which comes last, finds no room: what
// was written is no version and not in the journal, so the next fsync must not leave it to either.
TEST_F(VaultFullDiskTest, AVersionWhoseListFoundNoRoomIsWholeAfterTheNextSync) {
    const std::string part = noise(1, 10'000);
    FileSystem& files = device_.vault().files();
    device_.disk().set_full(true);
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
        auto packed = files.create(kRootNode, "packed" + std::to_string(seed), 0644);
        ASSERT_TRUE(packed.ok());
        ASSERT_TRUE(files.write(packed->handle, 0, as_bytes(noise(seed, part.size()))).ok());
        clock_.advance(std::chrono::seconds(5));
        EXPECT_EQ(kind_of(device_.publish()), ErrorKind::NoSpace);
    }
    auto sparse = files.create(kRootNode, "sparse", 0644);
    ASSERT_TRUE(sparse.ok());
    ASSERT_TRUE(files.write(sparse->handle, 0, as_bytes(part)).ok());
    ASSERT_TRUE(files.write(sparse->handle, 100'000, as_bytes(part)).ok());
    EXPECT_EQ(kind_of(files.flush(sparse->handle)), ErrorKind::NoSpace);
    device_.disk().set_full(false);
    ASSERT_TRUE(files.write(sparse->handle, 5'000, as_bytes("changed")).ok());
    ASSERT_TRUE(files.sync(sparse->handle).ok());
    ASSERT_TRUE(device_.lose_power().ok());
    std::string expected(100'000, '\0');
    expected.replace(0, part.size(), part);
    expected += part;
    expected.replace(5'000, 7, "changed");
    expect_acknowledged("sparse", expected);
}

// The same, and the power fails instead: what was acknowledged is there, what was not may be gone.
TEST_F(VaultFullDiskTest, APowerCutAfterAFailedSyncLosesNothingAcknowledged) {
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        auto device = device_.clone(seed);
        ASSERT_TRUE(device->write("large", noise(seed, 1'500'000)).ok());
        device->disk().set_full(true);
        EXPECT_FALSE(device->sync("large").ok());
        device->disk().set_full(false);
        ASSERT_TRUE(device->crash_and_reopen(seed).ok());
        EXPECT_EQ(*device->read("acknowledged"), "before it was full");
        auto large = device->read("large");
        EXPECT_TRUE(!large.ok() || large->empty() || *large == noise(seed, 1'500'000));
        ASSERT_TRUE(device->write("after", "after").ok());
        ASSERT_TRUE(device->publish().ok());
    }
}

// What fits into the journal goes there; when the journal itself does not fit, no later fsync may
// say that all is well before it is opened again.
TEST_F(VaultFullDiskTest, ASyncThatTheJournalRefusedIsNeverTakenBack) {
    ASSERT_TRUE(device_.write("small", "small").ok());
    device_.disk().set_full(true);
    EXPECT_EQ(kind_of(device_.sync("small")), ErrorKind::NoSpace);
    EXPECT_FALSE(device_.sync("small").ok());
    device_.disk().set_full(false);
    const bool is_kept = device_.sync("small").ok();
    ASSERT_TRUE(device_.crash_and_reopen(6).ok());
    if (is_kept) expect_acknowledged("small", "small");
    expect_acknowledged("acknowledged", "before it was full");
    ASSERT_TRUE(device_.write("small", "again").ok());
    EXPECT_TRUE(device_.sync("small").ok());
}

TEST_F(VaultFullDiskTest, AVaultOpensAndReadsOnAFullDisk) {
    ASSERT_TRUE(device_.write("large", noise(2, 300'000)).ok());
    ASSERT_TRUE(device_.sync("large").ok());
    device_.disk().set_full(true);
    Status reopened = device_.kill_and_reopen();
    ASSERT_TRUE(reopened.ok()) << reopened.error().message;
    expect_acknowledged("acknowledged", "before it was full");
    expect_acknowledged("large", noise(2, 300'000));
    ASSERT_TRUE(device_.vault().lock(false).ok());
    ASSERT_TRUE(device_.vault().unlock(as_bytes(kTestPassphrase)).ok());
    expect_acknowledged("large", noise(2, 300'000));
}

// A segment whose number is burnt makes the next start begin a log, which needs space.
TEST_F(VaultFullDiskTest, AVaultOpensOnADiskThatWasFilledWhileItPublished) {
    for (std::uint64_t point = 0; point < 12; ++point) {
        auto device = device_.clone(100 + point);
        device->disk().fail_call(point, ErrorKind::NoSpace);
        const bool published = device->publish().ok();
        device->disk().clear_failures();
        device->disk().set_full(true);
        Status reopened = device->kill_and_reopen();
        ASSERT_TRUE(reopened.ok()) << "point " << point << ": " << reopened.error().message;
        EXPECT_EQ(*device->read("acknowledged"), "before it was full") << point << published;
        device->disk().set_full(false);
        ASSERT_TRUE(device->kill_and_reopen().ok());
        ASSERT_TRUE(device->write("after", "after").ok());
        ASSERT_TRUE(device->publish().ok());
        ASSERT_TRUE(device->kill_and_reopen().ok());
        EXPECT_EQ(*device->read("acknowledged"), "before it was full");
        EXPECT_EQ(*device->read("after"), "after");
    }
}

// Locking publishes first; what has no room waits in the journal, and if not even that, it stays
// open.
TEST_F(VaultFullDiskTest, LockingLeavesInTheJournalWhatCannotBePublished) {
    ASSERT_TRUE(device_.write("chunked", noise(3, 100'000)).ok());
    ASSERT_TRUE(device_.sync("chunked").ok());
    ASSERT_TRUE(device_.write("late", "not acknowledged, but in memory").ok());
    device_.disk().fail_call(0, ErrorKind::NoSpace, DiskCall::Kind::Create);  // of the pack
    Status locked = device_.vault().lock(false);
    ASSERT_TRUE(locked.ok()) << locked.error().message;
    EXPECT_FALSE(device_.vault().is_unlocked());
    ASSERT_TRUE(device_.vault().unlock(as_bytes(kTestPassphrase)).ok());
    expect_acknowledged("acknowledged", "before it was full");
    expect_acknowledged("chunked", noise(3, 100'000));
    expect_acknowledged("late", "not acknowledged, but in memory");
}

// The journal has room, and what was written is in no version that it could keep.
TEST_F(VaultFullDiskTest, LockingKeepsAFileThatFoundNoRoomForItsVersion) {
    device_.disk().set_full(true);
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
        ASSERT_TRUE(device_.write("packed" + std::to_string(seed), noise(seed, 10'000)).ok());
        EXPECT_EQ(kind_of(device_.publish()), ErrorKind::NoSpace);
    }
    EXPECT_EQ(kind_of(device_.write("late", noise(3, 10'000))), ErrorKind::NoSpace);
    device_.disk().set_full(false);
    device_.disk().fail_call(0, ErrorKind::NoSpace, DiskCall::Kind::Create);  // of the pack
    // It may find room now, or stay unlocked.
    static_cast<void>(device_.vault().lock(false).ok());
    device_.disk().clear_failures();
    ASSERT_TRUE(device_.vault().lock(false).ok());
    ASSERT_TRUE(device_.vault().unlock(as_bytes(kTestPassphrase)).ok());
    expect_acknowledged("late", noise(3, 10'000));
}

TEST_F(VaultFullDiskTest, LockingDoesNotThrowAwayWhatNothingKeepsUnlessForced) {
    device_.disk().set_full(true);
    ASSERT_TRUE(device_.write("late", "has never been acknowledged").ok());
    EXPECT_FALSE(device_.vault().lock(false).ok());
    EXPECT_TRUE(device_.vault().is_unlocked());
    expect_acknowledged("late", "has never been acknowledged");
    EXPECT_TRUE(device_.vault().lock(true).ok());
    EXPECT_FALSE(device_.vault().is_unlocked());
    device_.disk().set_full(false);
    ASSERT_TRUE(device_.vault().unlock(as_bytes(kTestPassphrase)).ok());
    expect_acknowledged("acknowledged", "before it was full");
}

}  // namespace
}  // namespace lockstep
