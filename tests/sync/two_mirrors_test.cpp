// What the mirrors of two devices make of each other's changes, of kills, and of large files. Real
// vaults, real folders.
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/sync/mirror_world.h"

namespace lockstep {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Tree = std::map<std::string, std::string>;

class TwoMirrorsTest : public testing::Test {
  protected:
    MirrorWorld world;
    MirroredDevice& laptop = world.found("laptop");
    MirroredDevice& desk = world.join("desk");
    void expect_equal() {
        EXPECT_EQ(laptop.tree(), desk.tree());
        laptop.check_equal();
        desk.check_equal();
    }
};

TEST_F(TwoMirrorsTest, ChangesOfEachReachTheOther) {
    laptop.write("a", "1");
    desk.write("b/c", "2");
    world.settle();
    EXPECT_EQ(laptop.tree(), (Tree{{"a", "1"}, {"b/", ""}, {"b/c", "2"}}));
    expect_equal();
    desk.write("a", "changed");
    laptop.rename("b", "d");
    world.settle();
    EXPECT_EQ(laptop.tree(), (Tree{{"a", "changed"}, {"d/", ""}, {"d/c", "2"}}));
    expect_equal();
    laptop.remove("a");
    desk.remove("d");
    world.settle();
    EXPECT_EQ(laptop.tree(), Tree());
    expect_equal();
}

TEST_F(TwoMirrorsTest, ConcurrentEditsAreBothKept) {
    laptop.write("doc.txt", "common");
    world.settle();
    laptop.write("doc.txt", "of the laptop");
    desk.write("doc.txt", "of the desk");
    world.settle();
    expect_equal();
    std::set<std::string> contents;
    for (const auto& [name, content] : laptop.tree()) contents.insert(content);
    EXPECT_EQ(contents, (std::set<std::string>{"of the laptop", "of the desk"}));
    EXPECT_EQ(laptop.names_with("doc (conflict from").size(), 1U);
    EXPECT_EQ(laptop.device().vault().conflicts().size(), 1U);
}

TEST_F(TwoMirrorsTest, AnEditOutlivesADelete) {
    laptop.write("doc", "common");
    world.settle();
    laptop.remove("doc");
    desk.write("doc", "edited");
    world.settle();
    EXPECT_EQ(laptop.tree(), (Tree{{"doc", "edited"}}));
    expect_equal();
}

TEST_F(TwoMirrorsTest, ADirectoryDeletedHereAndFilledThereStaysWithThat) {
    laptop.write("d/old", "1");
    world.settle();
    laptop.remove("d");
    desk.write("d/new", "2");
    world.settle();
    EXPECT_EQ(laptop.tree(), (Tree{{"d/", ""}, {"d/new", "2"}}));
    expect_equal();
}

// The import replaces what the folder had seen, and nothing that has come meanwhile.
TEST_F(TwoMirrorsTest, AnImportAfterAMergeReplacesOnlyWhatItHadSeen) {
    laptop.write("doc", "common");
    world.settle();
    desk.write("doc", "of the desk");
    desk.settle();
    world.exchange();
    // The laptop's vault shows the desk's version; its folder does not yet, and changes now.
    laptop.write("doc", "of the laptop, later");
    laptop.settle();
    world.settle();
    std::set<std::string> contents;
    for (const auto& [name, content] : desk.tree()) contents.insert(content);
    EXPECT_EQ(contents, (std::set<std::string>{"of the laptop, later", "of the desk"}));
    expect_equal();
}

TEST_F(TwoMirrorsTest, AnAttributeAloneReachesTheOther) {
    laptop.write("script", "x");
    world.settle();
    ASSERT_EQ(::chmod(laptop.path("script").c_str(), 0755), 0);
    world.settle();
    struct stat found {};
    ASSERT_EQ(::stat(desk.path("script").c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 07777, 0755U);
    EXPECT_EQ(desk.reconciler().counts().exported, 1U);
}

// ---- extended attributes and hard links

class MirroredXattrTest : public TwoMirrorsTest {
  protected:
    static void set(const MirroredDevice& device, const char* name, const char* key,
                    const std::string& value) {
        ASSERT_EQ(::setxattr(device.path(name).c_str(), key, value.data(), value.size(), 0), 0)
            << std::strerror(errno);
    }
    static std::string get(const MirroredDevice& device, const char* name, const char* key) {
        std::string value(256, '\0');
        const ssize_t size = ::getxattr(device.path(name).c_str(), key, value.data(), value.size());
        return size < 0 ? "none" : value.substr(0, static_cast<std::size_t>(size));
    }
};

TEST_F(MirroredXattrTest, TheyGoBothWaysAlsoWithoutTheContent) {
    laptop.write("photo", "pixels");
    laptop.write("album/other", "more");
    set(laptop, "photo", "user.colour", "red");
    set(laptop, "album", "user.year", "2026");
    world.settle();
    EXPECT_EQ(get(desk, "photo", "user.colour"), "red");
    EXPECT_EQ(get(desk, "album", "user.year"), "2026");
    const MirrorCounts counts = laptop.reconciler().counts();
    set(desk, "photo", "user.colour", "blue");
    set(desk, "photo", "user.stars", "5");
    world.settle();
    EXPECT_EQ(get(laptop, "photo", "user.colour"), "blue");
    EXPECT_EQ(get(laptop, "photo", "user.stars"), "5");
    EXPECT_EQ(laptop.reconciler().counts().exported, counts.exported);
    ASSERT_EQ(::removexattr(laptop.path("photo").c_str(), "user.stars"), 0);
    world.settle();
    EXPECT_EQ(get(desk, "photo", "user.stars"), "none");
    // A version that takes the file's place takes them along.
    laptop.write("photo", "other pixels");
    world.settle();
    EXPECT_EQ(desk.read("photo"), "other pixels");
    EXPECT_EQ(get(desk, "photo", "user.colour"), "blue");
    EXPECT_EQ(get(laptop, "photo", "user.colour"), "blue");
    expect_equal();
}

TEST_F(MirroredXattrTest, WhatTheVaultLacksIsNotTakenFromAFolderThatIsJoined) {
    laptop.stop();
    laptop.write("photo", "pixels");
    set(laptop, "photo", "user.colour", "red");
    ASSERT_TRUE(laptop.device().write("photo", "pixels").ok());
    laptop.start();
    world.settle();
    EXPECT_EQ(get(laptop, "photo", "user.colour"), "red");
    EXPECT_EQ(get(desk, "photo", "user.colour"), "red");
}

TEST_F(TwoMirrorsTest, HardLinksStayNamesOfOneFile) {
    const auto inode = [](const MirroredDevice& device, const char* name) {
        struct stat found {};
        EXPECT_EQ(::stat(device.path(name).c_str(), &found), 0) << name;
        return found.st_ino;
    };
    laptop.write("a", "one");
    fs::create_hard_link(laptop.path("a"), laptop.path("b"));
    world.settle();
    EXPECT_EQ(laptop.attributes("a").node, laptop.attributes("b").node);
    EXPECT_EQ(inode(desk, "a"), inode(desk, "b"));
    // Written through one name.
    std::ofstream(desk.path("b"), std::ios::app) << " two";
    world.settle();
    EXPECT_EQ(laptop.read("a"), "one two");
    EXPECT_EQ(inode(laptop, "a"), inode(laptop, "b"));
    EXPECT_EQ(inode(desk, "a"), inode(desk, "b"));
    expect_equal();
    laptop.remove("a");
    world.settle();
    EXPECT_EQ(desk.tree(), (Tree{{"b", "one two"}}));
}

// ---- large files

namespace {
std::string noise(std::size_t size, std::uint64_t seed) {
    SeededRandom random(seed);
    return std::string(as_text(random.bytes(size)));
}
}  // namespace

TEST_F(TwoMirrorsTest, OfALargeFileOnlyWhatIsNewComesFromTheVault) {
    const std::string before = noise(8'000'000, 1), more = noise(100'000, 2);
    laptop.write("disk.img", before);
    world.settle();
    for (const std::string& after : {before + more, more + before,
                                     before.substr(0, 3'000'000) + before.substr(5'000'000) + more,
                                     std::string(3'000'000, '\0') + before}) {
        const std::uint64_t copied = desk.reconciler().counts().copied_bytes;
        laptop.write("disk.img.new", after);
        laptop.rename("disk.img.new", "disk.img");
        world.settle();
        EXPECT_EQ(desk.read("disk.img"), after);
        EXPECT_GE(desk.reconciler().counts().copied_bytes - copied, 5'000'000U);
        expect_equal();
    }
}

TEST_F(TwoMirrorsTest, WhatSomebodyHasOpenForWritingIsNotCopiedFrom) {
    const std::string before = noise(3'000'000, 1), more = noise(100'000, 2);
    laptop.write("disk.img", before);
    world.settle();
    std::fstream open(desk.path("disk.img"), std::ios::binary | std::ios::in | std::ios::out);
    laptop.write("disk.img", before + more);
    laptop.settle();
    world.exchange();
    ASSERT_TRUE(desk.reconciler().scan().ok());
    ASSERT_TRUE(desk.reconciler().work(std::chrono::seconds(10)).ok());
    EXPECT_EQ(desk.reconciler().counts().copied_bytes, 0U);
    EXPECT_EQ(desk.read("disk.img"), before);
    open.close();
    world.settle();
    EXPECT_EQ(desk.read("disk.img"), before + more);
    expect_equal();
}

// Content that only becomes longer. Placed by a rename the file would have another inode.
class GrowingFileTest : public TwoMirrorsTest {
  protected:
    const std::string before = noise(17'000'000, 1), more = noise(1'000'000, 2);

    GrowingFileTest() {
        laptop.write("log", before);
        world.settle();
    }
    std::uint64_t inode() const {
        struct stat found {};
        EXPECT_EQ(::stat(desk.path("log").c_str(), &found), 0);
        return found.st_ino;
    }
    void append(const MirroredDevice& device, const std::string& text) {
        std::ofstream(device.path("log"), std::ios::binary | std::ios::app) << text;
    }
    // The desk's vault shows the longer version, its folder does not.
    void append_at_the_laptop() {
        append(laptop, more);
        laptop.settle();
        world.exchange();
    }
    // As a crash would leave it: noted, and `end` written.
    void leave_half_grown(const std::string& end) {
        const MirrorEntry* const entry = desk.state().find("log");
        ASSERT_NE(entry, nullptr);
        const Attributes shown = desk.attributes("log");
        MirrorStep step{entry->folder, FileType::Regular, *desk.files().version(shown.node),
                        entry->folder.size};
        step.folder.size = shown.size;
        step.folder.modified_ns = shown.modified_ns;
        ASSERT_TRUE(desk.state().steps().note_durably("log", step).ok());
        desk.stop();
        append(desk, end);
        desk.start();
        world.settle();
    }
};

TEST_F(GrowingFileTest, ALargeFileGrowsInPlace) {
    const std::uint64_t inode_before = inode();
    append_at_the_laptop();
    desk.settle();
    if (desk.reconciler().counts().grown == 0)
        GTEST_SKIP() << "this file system shares blocks, or knows no leases";
    EXPECT_EQ(inode(), inode_before);
    EXPECT_EQ(desk.read("log"), before + more);
    world.settle();
    EXPECT_EQ(desk.reconciler().counts().grown, 1U);
    EXPECT_EQ(laptop.reconciler().counts().exported, 0U);
    expect_equal();
}

TEST_F(GrowingFileTest, WhoeverHasItOpenGoesOnReadingWhatHeOpened) {
    const int open = ::open(desk.path("log").c_str(), O_RDONLY);
    append_at_the_laptop();
    desk.settle();
    EXPECT_EQ(desk.read("log"), before + more);
    EXPECT_EQ(desk.reconciler().counts().grown, 0U);
    struct stat found {};
    ASSERT_EQ(::fstat(open, &found), 0);
    EXPECT_EQ(static_cast<std::size_t>(found.st_size), before.size());
    ::close(open);
}

TEST_F(GrowingFileTest, ALongerFileThatBeginsOtherwiseIsWrittenAnew) {
    std::string other = before;
    other[before.size() - 5] ^= 1;
    laptop.write("log", other + more);
    laptop.settle();
    world.exchange();
    desk.settle();
    EXPECT_EQ(desk.read("log"), other + more);
    EXPECT_EQ(desk.reconciler().counts().grown, 0U);
}

TEST_F(GrowingFileTest, WhatACrashLeftHalfGrownGoesOnAndIsNobodysChange) {
    append_at_the_laptop();
    // Some of it has reached the disk, some is zeros.
    leave_half_grown(more.substr(0, 300'000) + std::string(100'000, '\0'));
    EXPECT_EQ(desk.tree(), (Tree{{"log", before + more}}));
    EXPECT_EQ(desk.reconciler().counts().imported, 0U);
    expect_equal();
}

TEST_F(GrowingFileTest, AGrowthThatWasNotBegunBeforeTheCrashIsDoneThen) {
    append_at_the_laptop();
    leave_half_grown("");
    EXPECT_EQ(desk.tree(), (Tree{{"log", before + more}}));
    EXPECT_EQ(desk.reconciler().counts().imported, 0U);
    expect_equal();
}

TEST_F(GrowingFileTest, WhatSomebodyWroteBehindAHalfGrownFileIsKept) {
    append_at_the_laptop();
    leave_half_grown(more.substr(0, 300'000) + "mine");
    ASSERT_EQ(desk.tree().size(), 2U);
    std::set<std::string> contents;
    for (const auto& [name, content] : desk.tree()) contents.insert(content);
    EXPECT_EQ(contents,
              (std::set<std::string>{before + more, before + more.substr(0, 300'000) + "mine"}));
    expect_equal();
}

// ---- after a kill

// Noted, written beside, and not yet under its name.
TEST_F(TwoMirrorsTest, WhatWasNotPlacedBeforeAKillIsPlacedAndNotTakenForDeleted) {
    laptop.write("old", "first");
    world.settle();
    laptop.write("old", "second");
    laptop.write("new", "text");
    laptop.settle();
    world.exchange();
    for (const std::string name : {"old", "new"}) {
        const std::string beside = (name == "old" ? ".lockstep-swap-" : ".lockstep-part-") + name;
        const Attributes shown = desk.attributes(name);
        desk.write(beside, laptop.read(name));
        const auto folder = Folder::open(desk.path("").native());
        const MirrorStep step{*(*folder)->facts(beside), FileType::Regular,
                              *desk.files().version(shown.node)};
        ASSERT_TRUE(desk.state().steps().note(name, step).ok());
    }
    desk.stop();
    desk.start();
    world.settle();
    EXPECT_EQ(desk.tree(), (Tree{{"new", "text"}, {"old", "second"}}));
    expect_equal();
}

// A batch is noted when the next one has been synced, with more of the same to come.
TEST_F(TwoMirrorsTest, FilesOfABatchThatWasNotNotedYetAreKnownAgain) {
    for (int i = 0; i < 1050; ++i)
        laptop.write("d" + std::to_string(i % 7) + "/" + std::to_string(i), std::to_string(i));
    laptop.settle();
    world.exchange();
    ASSERT_TRUE(desk.reconciler().scan().ok());
    while (desk.reconciler().counts().exported == 0)
        ASSERT_TRUE(desk.reconciler().work(std::chrono::milliseconds(0)).ok());
    ASSERT_GT(desk.reconciler().pending(), 0u);
    desk.stop();
    desk.write("d0/0", "changed after the kill");
    desk.remove("d0/1001");
    desk.start();
    world.settle();
    Tree expected = desk.tree();
    EXPECT_EQ(expected.at("d0/0"), "changed after the kill");
    EXPECT_EQ(expected.count("d0/1001"), 0u);
    EXPECT_EQ(expected.size(), 1049u + 7u);
    expect_equal();
}

// Killed when all was carried over, and MirrorState did not say so yet.
class KilledMirrorTest : public TwoMirrorsTest {
  protected:
    // At the last step before the state is committed: the vault is being synced.
    void carry_over_and_be_killed() { be_killed_at(DiskCall::Kind::Sync); }
    // Before the vault had handed to the disk what it was given: it forgets that.
    void carry_over_and_be_forgotten() { be_killed_at(DiskCall::Kind::Write); }
    void be_killed_at(DiskCall::Kind kind) {
        fail_at(kind);
        laptop.stop();
        ASSERT_TRUE(laptop.device().kill_and_reopen().ok());
    }
    // Places what others have changed and then carries "later" over, at whose sync it ends.
    void carry_over_another() {
        laptop.rename("later", "moved");
        ASSERT_TRUE(laptop.files().sync_metadata().ok());
        fail_at(DiskCall::Kind::Sync);
    }
    void carry_over_another_and_be_killed() {
        carry_over_another();
        laptop.stop();
        ASSERT_TRUE(laptop.device().kill_and_reopen().ok());
    }
    // Carries over, and does not come to commit the state.
    void fail_at(DiskCall::Kind kind) {
        ASSERT_TRUE(laptop.reconciler().scan().ok());
        laptop.device().disk().fail_call(0, ErrorKind::Io, kind);
        bool has_failed = false;
        for (int round = 0; round < 100'000 && !has_failed; ++round) {
            has_failed = !laptop.reconciler().work(std::chrono::seconds(10)).ok();
            world.clock().advance(std::chrono::milliseconds(20));
        }
        ASSERT_TRUE(has_failed);
    }
    void come_back() {
        laptop.start();
        laptop.settle();
        world.settle();
        expect_equal();
    }
};

TEST_F(KilledMirrorTest, AFileThatIsWrittenOnAfterItWasTakenOverIsNoConflict) {
    laptop.write("doc", "first");
    world.settle();
    laptop.write("doc", "second");
    laptop.write("new", "one");
    laptop.rename("doc", "moved");
    carry_over_and_be_killed();
    laptop.write("moved", "the third");
    laptop.write("new", "another");
    come_back();
    EXPECT_EQ(desk.tree(), (Tree{{"moved", "the third"}, {"new", "another"}}));
}

// Found by a soak of kills: the folder was given what the vault had before.
TEST_F(KilledMirrorTest, WhatTheVaultForgotIsTakenOverAgain) {
    laptop.write("doc", "first");
    laptop.write("old", "text");
    world.settle();
    laptop.write("doc", "second");
    laptop.write("new", "one");
    laptop.rename("old", "renamed");
    carry_over_and_be_forgotten();
    const Tree wanted{{"doc", "second"}, {"new", "one"}, {"renamed", "text"}};
    EXPECT_NE(laptop.vault_tree(), wanted);
    come_back();
    EXPECT_EQ(laptop.tree(), wanted);
    EXPECT_EQ(desk.tree(), wanted);
}

TEST_F(KilledMirrorTest, WhatTheVaultForgotAndWasWrittenOnIsTakenOverAgain) {
    laptop.write("doc", "first");
    world.settle();
    laptop.write("doc", "second");
    laptop.write("new", "one");
    carry_over_and_be_forgotten();
    laptop.write("doc", "the third");
    laptop.write("new", "another");
    const Tree wanted{{"doc", "the third"}, {"new", "another"}};
    come_back();
    EXPECT_EQ(laptop.tree(), wanted);
    EXPECT_EQ(desk.tree(), wanted);
}

// Found by a soak of kills: only the last step of a file was known again, and the vault had
// forgotten what that one was about.
TEST_F(KilledMirrorTest, OfSeveralStepsOfAFileTheOneThatTheVaultHasKeptCounts) {
    laptop.write("doc", "first");
    world.settle();
    laptop.write("doc", "second");
    fail_at(DiskCall::Kind::Sync);
    laptop.write("doc", "the third");
    // Old enough to be taken over at once, before there is a commit.
    fs::last_write_time(laptop.path("doc"), fs::file_time_type::clock::now() - 1s);
    carry_over_and_be_forgotten();
    EXPECT_EQ(laptop.vault_tree(), (Tree{{"doc", "second"}}));
    laptop.write("doc", "the fourth");
    come_back();
    EXPECT_EQ(desk.tree(), (Tree{{"doc", "the fourth"}}));
}

// Found by a soak of kills: with what had not been placed, what had been placed before was
// forgotten.
TEST_F(KilledMirrorTest, WhatWasPlacedBeforeAStepThatDidNotComeToPassCounts) {
    laptop.write("doc", "first");
    laptop.write("later", "text");
    world.settle();
    const auto change_at_the_desk = [&](const char* content) {
        desk.write("doc", content);
        desk.settle();
        world.exchange();
    };
    change_at_the_desk("second");
    carry_over_another();
    ASSERT_EQ(laptop.read("doc"), "second");
    change_at_the_desk("the third");
    // Noted, and the kill comes before it is placed.
    const std::string part = laptop.path(".lockstep-part-0");
    std::ofstream(part, std::ios::binary) << "the third";
    const UniqueFd opened(::open(part.c_str(), O_RDONLY | O_CLOEXEC));
    const FileFacts facts = Folder::facts_of(opened.get()).value();
    const VersionId third = *laptop.files().version(laptop.attributes("doc").node);
    ASSERT_TRUE(laptop.state().steps().note_durably("doc", {facts, FileType::Regular, third}).ok());
    laptop.stop();
    ASSERT_TRUE(laptop.device().kill_and_reopen().ok());
    come_back();
    EXPECT_EQ(laptop.tree().size(), 2U);
    EXPECT_EQ(laptop.read("doc"), "the third");
}

// The second kill comes before what the first one left was looked at, and after a commit.
TEST_F(KilledMirrorTest, WhatAKillHasLeftIsKnownAgainAfterTheNext) {
    laptop.write("doc", "first");
    world.settle();
    laptop.write("doc", "second");
    carry_over_and_be_killed();
    laptop.start();
    ASSERT_TRUE(laptop.state().steps().note("other", {}).ok());
    ASSERT_TRUE(laptop.state().commit().ok());
    laptop.stop();
    laptop.write("doc", "the third");
    come_back();
    EXPECT_EQ(desk.tree(), (Tree{{"doc", "the third"}}));
}

// Found by a soak of kills: a mount writes, the folder has it, the vault forgets it, and what was
// written next made a conflict with it.
TEST_F(KilledMirrorTest, WhatAMountHasWrittenIsDurableBeforeTheFolderHasIt) {
    laptop.write("doc", "first");
    world.settle();
    ASSERT_TRUE(laptop.device().write("doc", "second").ok());
    carry_over_and_be_forgotten();
    EXPECT_EQ(laptop.vault_tree(), (Tree{{"doc", "first"}}));
    EXPECT_EQ(laptop.read("doc"), "first");
    ASSERT_TRUE(laptop.device().write("doc", "the third").ok());
    come_back();
    EXPECT_EQ(desk.tree(), (Tree{{"doc", "the third"}}));
}

TEST_F(KilledMirrorTest, AFileThatIsDeletedAfterItWasTakenOverStaysDeleted) {
    laptop.write("doc", "first");
    laptop.write("other", "text");
    world.settle();
    laptop.write("doc", "second");
    carry_over_and_be_killed();
    laptop.remove("doc");
    come_back();
    EXPECT_EQ(desk.tree(), (Tree{{"other", "text"}}));
}

TEST_F(KilledMirrorTest, AFileThatOthersChangeAfterItWasPlacedIsNoConflict) {
    laptop.write("doc", "first");
    laptop.write("later", "text");
    world.settle();
    desk.write("doc", "second");
    desk.settle();
    world.exchange();
    carry_over_another_and_be_killed();
    EXPECT_EQ(laptop.read("doc"), "second");
    desk.write("doc", "the third");
    desk.settle();
    world.exchange();
    come_back();
    EXPECT_EQ(laptop.read("doc"), "the third");
    EXPECT_EQ(desk.tree().size(), 2U);
}

// Found by a soak of kills: it came back as a new one.
TEST_F(KilledMirrorTest, AFileThatOthersDeleteAfterItWasPlacedStaysDeleted) {
    laptop.write("later", "text");
    laptop.write("known", "text");
    world.settle();
    desk.write("doc", "first");
    desk.write("known", "changed");
    desk.settle();
    world.exchange();
    carry_over_another_and_be_killed();
    EXPECT_EQ(laptop.read("doc"), "first");
    desk.remove("doc");
    desk.remove("known");
    desk.settle();
    world.exchange();
    come_back();
    EXPECT_EQ(laptop.tree(), (Tree{{"moved", "text"}}));
    EXPECT_EQ(desk.tree(), (Tree{{"moved", "text"}}));
}

// What both versions have in common cannot be told then, and is not what matters.
TEST_F(KilledMirrorTest, NorWhenTheContentOfTheirChangeIsYetToCome) {
    SeededRandom random(9);
    const auto content = [&] { return std::string(as_text(random.bytes(200'000))); };
    laptop.write("doc", content());
    laptop.write("later", "text");
    world.settle();
    desk.write("doc", content());
    desk.settle();
    world.exchange();
    carry_over_another_and_be_killed();
    EXPECT_EQ(laptop.read("doc"), desk.read("doc"));
    desk.write("doc", content());
    desk.settle();
    ASSERT_TRUE(desk.device().publish().ok());
    ASSERT_EQ(1U, laptop.device().pull(desk.device(), 1).value_or(0)) << "the segment alone";
    laptop.start();
    laptop.settle();
    world.settle();
    EXPECT_EQ(laptop.read("doc"), desk.read("doc"));
    EXPECT_EQ(laptop.names_with("conflict").size(), 0U);
}

TEST_F(TwoMirrorsTest, ALargeFileWhoseContentIsToComeHoldsNobodyUp) {
    std::string film(40 * kMiB, '\0');
    SeededRandom random(7);
    random.fill(std::as_writable_bytes(std::span(film)));
    world.settle();
    ASSERT_TRUE(laptop.device().write("film", film).ok());
    ASSERT_TRUE(laptop.device().write("note", "text").ok());
    ASSERT_TRUE(laptop.device().publish().ok());
    const auto work_once = [&] { return desk.reconciler().work(std::chrono::seconds(10)).ok(); };
    while (!desk.device().tree().contains("note")) {
        const auto taken = desk.device().pull(laptop.device(), 1);
        ASSERT_TRUE(taken.ok() && *taken == 1);
        ASSERT_TRUE(desk.device().vault().merge().ok());
    }
    ASSERT_TRUE(work_once());
    EXPECT_EQ(desk.tree(), (Tree{{"note", "text"}}));
    EXPECT_FALSE(desk.reconciler().is_idle());
    EXPECT_TRUE(desk.reconciler().problems().empty());
    ASSERT_TRUE(desk.device().pull(laptop.device()).ok());
    world.clock().advance(std::chrono::seconds(1));
    ASSERT_TRUE(work_once());
    EXPECT_TRUE(desk.read("film") == film);
    EXPECT_TRUE(desk.reconciler().is_idle());
}

}  // namespace
}  // namespace lockstep
