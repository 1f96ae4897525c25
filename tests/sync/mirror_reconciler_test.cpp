// What a mirror makes of changes in its folder and in its vault. Real vaults, real folders; nothing
// watches, so each step looks at exactly what the test has done.
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/sync/mirror_world.h"

namespace lockstep {
namespace {

namespace fs = std::filesystem;
using Tree = std::map<std::string, std::string>;

class ReconcilerTest : public testing::Test {
  protected:
    MirrorWorld world;
    MirroredDevice& laptop = world.found("laptop");

    std::vector<std::string> names_with(const MirroredDevice& device, const std::string& part) {
        std::vector<std::string> names;
        for (const auto& [name, content] : device.tree())
            if (name.find(part) != std::string::npos) names.push_back(name);
        return names;
    }
};

class TwoMirrorsTest : public ReconcilerTest {
  protected:
    MirroredDevice& desk = world.join("desk");
    void expect_equal() {
        EXPECT_EQ(laptop.tree(), desk.tree());
        laptop.check_equal();
        desk.check_equal();
    }
};

// ---- importing

TEST_F(ReconcilerTest, WhatTheFolderHoldsComesIntoTheVault) {
    laptop.write("a/b/c", "text");
    laptop.write("big", std::string(3'000'000, 'x'));
    fs::create_directories(laptop.path("empty"));
    laptop.settle();
    EXPECT_EQ(laptop.vault_tree(), laptop.tree());
    EXPECT_EQ(laptop.vault_tree().at("a/b/c"), "text");
    EXPECT_TRUE(laptop.vault_tree().contains("empty/"));
}

TEST_F(ReconcilerTest, LinksModesAndTimesGoAlong) {
    laptop.write("script", "#!/bin/sh");
    fs::permissions(laptop.path("script"), fs::perms(0750));
    laptop.make_link("link", "../somewhere else");
    laptop.settle();
    const Attributes script = laptop.attributes("script");
    EXPECT_EQ(script.mode, 0750U);
    struct stat found {};
    ASSERT_EQ(::stat(laptop.path("script").c_str(), &found), 0);
    EXPECT_EQ(script.modified_ns, found.st_mtim.tv_sec * 1'000'000'000LL + found.st_mtim.tv_nsec);
    const Attributes link = laptop.attributes("link");
    EXPECT_EQ(*laptop.files().read_symlink(link.node), "../somewhere else");
}

TEST_F(ReconcilerTest, SetuidIsNotTakenOver) {
    laptop.write("program", "x");
    ASSERT_EQ(::chmod(laptop.path("program").c_str(), 04755), 0);
    laptop.settle();
    EXPECT_EQ(laptop.attributes("program").mode, 0755U);
}

TEST_F(ReconcilerTest, ARenamedDirectoryMovesNoContent) {
    for (int i = 0; i < 20; ++i)
        laptop.write("before/sub/" + std::to_string(i), "text " + std::to_string(i));
    laptop.settle();
    const NodeId node = laptop.attributes("before/sub/7").node;
    const MirrorCounts counts = laptop.reconciler().counts();
    laptop.rename("before", "after");
    laptop.settle();
    EXPECT_EQ(laptop.vault_tree(), laptop.tree());
    EXPECT_EQ(laptop.attributes("after/sub/7").node, node);
    EXPECT_EQ(laptop.reconciler().counts().imported, counts.imported);
    EXPECT_EQ(laptop.reconciler().counts().renamed, counts.renamed + 1);
}

TEST_F(ReconcilerTest, ARenameBesideAChangeIsBoth) {
    laptop.write("d/x", "one");
    laptop.settle();
    const NodeId node = laptop.attributes("d/x").node;
    laptop.rename("d/x", "y");
    laptop.write("y", "another");
    laptop.settle();
    EXPECT_EQ(laptop.vault_tree(), (Tree{{"d/", ""}, {"y", "another"}}));
    EXPECT_EQ(laptop.attributes("y").node, node);
}

TEST_F(ReconcilerTest, ASaveByRenameIsAVersionOfTheFile) {
    laptop.write("doc", "first");
    laptop.settle();
    const NodeId node = laptop.attributes("doc").node;
    laptop.write("doc.tmp", "second");
    laptop.rename("doc.tmp", "doc");
    laptop.settle();
    EXPECT_EQ(laptop.vault_tree(), (Tree{{"doc", "second"}}));
    EXPECT_EQ(laptop.attributes("doc").node, node);
}

TEST_F(ReconcilerTest, AFileThatIsBeingWrittenWaits) {
    const int open = ::open(laptop.path("download").c_str(), O_CREAT | O_WRONLY, 0644);
    ASSERT_EQ(::write(open, "half", 4), 4);
    ASSERT_TRUE(laptop.reconciler().scan().ok());
    ASSERT_TRUE(laptop.reconciler().work(std::chrono::seconds(1)).ok());
    EXPECT_EQ(laptop.vault_tree(), Tree());
    EXPECT_TRUE(laptop.reconciler().next_due());
    ASSERT_EQ(::write(open, " whole", 6), 6);
    ::close(open);
    laptop.settle();
    EXPECT_EQ(laptop.vault_tree(), (Tree{{"download", "half whole"}}));
}

TEST_F(ReconcilerTest, AFileBecomesADirectoryAndBack) {
    laptop.write("x", "file");
    laptop.settle();
    laptop.remove("x");
    laptop.write("x/inside", "text");
    laptop.settle();
    laptop.settle();
    EXPECT_EQ(laptop.vault_tree(), (Tree{{"x/", ""}, {"x/inside", "text"}}));
    laptop.remove("x");
    laptop.write("x", "file again");
    laptop.settle();
    laptop.settle();
    EXPECT_EQ(laptop.vault_tree(), (Tree{{"x", "file again"}}));
}

TEST_F(ReconcilerTest, PipesAreLeftAlone) {
    ASSERT_EQ(::mkfifo(laptop.path("pipe").c_str(), 0600), 0);
    laptop.write("file", "x");
    laptop.settle();
    EXPECT_EQ(laptop.vault_tree(), (Tree{{"file", "x"}}));
    EXPECT_TRUE(laptop.reconciler().problems().contains("pipe"));
}

// ---- exporting

TEST_F(ReconcilerTest, WhatTheVaultShowsComesIntoTheFolder) {
    ASSERT_TRUE(laptop.device().write("a/b", "text").ok());
    ASSERT_TRUE(laptop.device().make_directory("empty").ok());
    laptop.settle();
    EXPECT_EQ(laptop.tree(), (Tree{{"a/", ""}, {"a/b", "text"}, {"empty/", ""}}));
    ASSERT_TRUE(laptop.device().write("a/b", "other text").ok());
    ASSERT_TRUE(laptop.device().rename("a", "c").ok());
    struct stat before {
    }, after{};
    ASSERT_EQ(::stat(laptop.path("a").c_str(), &before), 0);
    laptop.work();
    EXPECT_EQ(laptop.tree(), (Tree{{"c/", ""}, {"c/b", "other text"}, {"empty/", ""}}));
    ASSERT_EQ(::stat(laptop.path("c").c_str(), &after), 0);
    EXPECT_EQ(before.st_ino, after.st_ino) << "a rename is a rename";
    ASSERT_TRUE(laptop.device().remove("c/b").ok());
    laptop.work();
    EXPECT_EQ(laptop.tree(), (Tree{{"c/", ""}, {"empty/", ""}}));
}

TEST_F(ReconcilerTest, AVaultsNameOfOursIsNotExported) {
    ASSERT_TRUE(laptop.device().write(".lockstep-mirror", "forged").ok());
    ASSERT_TRUE(laptop.device().write("d/.lockstep-part-1", "forged").ok());
    laptop.settle();
    EXPECT_FALSE(fs::exists(laptop.path(".lockstep-mirror")));
    EXPECT_FALSE(fs::exists(laptop.path("d/.lockstep-part-1")));
    EXPECT_EQ(laptop.vault_tree().at(".lockstep-mirror"), "forged");
}

TEST_F(ReconcilerTest, WhatChangesBetweenLookAndExportIsKept) {
    laptop.write("doc", "agreed");
    laptop.settle();
    // The vault's change is noted; the folder's is not, as if its event were still to come.
    ASSERT_TRUE(laptop.device().write("doc", "from the vault").ok());
    laptop.write("doc", "from the folder, longer");
    laptop.work();
    laptop.settle();
    Tree tree = laptop.tree();
    EXPECT_EQ(tree.size(), 2U);
    std::set<std::string> contents;
    for (const auto& [name, content] : tree) contents.insert(content);
    EXPECT_EQ(contents, (std::set<std::string>{"from the vault", "from the folder, longer"}));
    laptop.check_equal();
}

TEST_F(ReconcilerTest, AFileThatAProgramWritesIsNotReplaced) {
    laptop.write("doc", "agreed");
    laptop.settle();
    const int open = ::open(laptop.path("doc").c_str(), O_WRONLY | O_APPEND);
    ASSERT_TRUE(laptop.device().write("doc", "from the vault").ok());
    ASSERT_TRUE(laptop.reconciler().work(std::chrono::seconds(1)).ok());
    EXPECT_EQ(laptop.read("doc"), "agreed");
    ASSERT_EQ(::write(open, " and more", 9), 9);
    ::close(open);
    laptop.settle();
    laptop.settle();
    std::set<std::string> contents;
    for (const auto& [name, content] : laptop.tree()) contents.insert(content);
    EXPECT_EQ(contents, (std::set<std::string>{"from the vault", "agreed and more"}));
}

// ---- attacks

TEST_F(ReconcilerTest, ADirectoryReplacedByALinkLeadsNowhere) {
    TempDir outside;
    laptop.write("d/file", "inside");
    laptop.settle();
    laptop.rename("d", "elsewhere");
    fs::create_directory_symlink(outside.path(), laptop.path("d"));
    ASSERT_TRUE(laptop.device().write("d/file", "from the vault").ok());
    ASSERT_TRUE(laptop.device().write("d/new", "from the vault").ok());
    laptop.work();
    laptop.settle();
    EXPECT_TRUE(fs::is_empty(outside.path()));
}

TEST_F(ReconcilerTest, ALinkOfTheVaultIsNotFollowed) {
    TempDir outside;
    laptop.write("link/file", "x");
    laptop.settle();
    // Another device makes a link of the directory; what it then writes "through" it stays inside.
    ASSERT_TRUE(laptop.device().remove("link/file").ok());
    ASSERT_TRUE(laptop.device().remove("link").ok());
    const auto made = laptop.files().make_symlink(kRootNode, "link", outside.path().native());
    ASSERT_TRUE(made.ok());
    laptop.files().forget(made->node, 1);
    laptop.settle();
    laptop.settle();
    EXPECT_EQ(laptop.tree(), (Tree{{"link", "-> " + outside.path().native()}}));
    EXPECT_TRUE(fs::is_empty(outside.path()));
}

TEST_F(ReconcilerTest, FoldersOpenNothingThroughLinksOrDots) {
    TempDir outside;
    std::ofstream(outside / "secret") << "x";
    fs::create_directory_symlink(outside.path(), laptop.path("way"));
    const auto folder = Folder::open(laptop.path("").native());
    ASSERT_TRUE(folder.ok());
    EXPECT_EQ((*folder)->facts("way/secret").error().kind, ErrorKind::NotFound);
    EXPECT_EQ((*folder)->open_to_read("way/secret").error().kind, ErrorKind::NotFound);
    EXPECT_EQ((*folder)->open_to_read("../folder/way").error().kind, ErrorKind::NotFound);
    EXPECT_FALSE((*folder)->create("way/new").ok());
    EXPECT_FALSE((*folder)->rename("way/secret", "stolen").ok());
    EXPECT_FALSE((*folder)->remove_file("way/secret").ok());
    EXPECT_TRUE(fs::exists(outside / "secret"));
}

// Somebody exchanges a directory and a link that leads out, again and again, while the mirror
// writes and deletes below that name.
TEST_F(ReconcilerTest, ARaceOfLinksLeadsNowhere) {
    TempDir outside;
    std::ofstream(outside / "precious") << "x";
    laptop.write("d/precious", "x");
    laptop.settle();
    fs::create_directory_symlink(outside.path(), laptop.path("link"));
    std::atomic<bool> is_done{false};
    std::thread attacker([&] {
        while (!is_done)
            ::renameat2(AT_FDCWD, laptop.path("d").c_str(), AT_FDCWD, laptop.path("link").c_str(),
                        RENAME_EXCHANGE);
    });
    for (int i = 0; i < 150; ++i) {
        static_cast<void>(laptop.device().write("d/" + std::to_string(i % 7), "text").ok());
        if (i % 5 == 0) static_cast<void>(laptop.device().remove("d/3").ok());
        static_cast<void>(laptop.reconciler().scan().ok());
        static_cast<void>(laptop.reconciler().work(std::chrono::milliseconds(20)).ok());
        world.clock().advance(std::chrono::seconds(2));
    }
    is_done = true;
    attacker.join();
    EXPECT_EQ(std::distance(fs::directory_iterator(outside.path()), fs::directory_iterator()), 1);
    EXPECT_TRUE(fs::exists(outside / "precious"));
}

// ---- ignoring

TEST_F(ReconcilerTest, IgnoredFilesStayOnTheirSide) {
    laptop.write(".lockstepignore", "*.o\n/build\n!/keep.o\n");
    laptop.write("x.o", "1");
    laptop.write("build/y", "2");
    laptop.write("src/build/z", "3");
    ASSERT_TRUE(laptop.device().write("v.o", "4").ok());
    laptop.settle();
    EXPECT_FALSE(laptop.vault_tree().contains("x.o"));
    EXPECT_FALSE(laptop.vault_tree().contains("build/"));
    EXPECT_TRUE(laptop.vault_tree().contains("src/build/z"));
    EXPECT_TRUE(laptop.vault_tree().contains(".lockstepignore")) << "the rules are synced";
    EXPECT_FALSE(fs::exists(laptop.path("v.o")));
}

TEST_F(ReconcilerTest, WhatBecomesIgnoredIsDeletedNowhere) {
    laptop.write("x.o", "1");
    laptop.settle();
    laptop.write(".lockstepignore", "*.o");
    laptop.settle();
    EXPECT_TRUE(laptop.vault_tree().contains("x.o"));
    laptop.remove("x.o");
    laptop.settle();
    EXPECT_TRUE(laptop.vault_tree().contains("x.o"));
    laptop.remove(".lockstepignore");
    laptop.settle();
    laptop.settle();
    EXPECT_EQ(laptop.read("x.o"), "1");
}

TEST_F(ReconcilerTest, ADirectoryGoesWithWhatMayBeDeletedInIt) {
    laptop.write(".lockstepignore", "(?d)*.tmp\n*.keep\n");
    laptop.write("d/file", "1");
    laptop.write("d/x.tmp", "2");
    laptop.write("e/file", "3");
    laptop.write("e/x.keep", "4");
    laptop.settle();
    for (const char* name : {"d/file", "d", "e/file", "e"})
        ASSERT_TRUE(laptop.device().remove(name).ok());
    laptop.settle();
    EXPECT_FALSE(fs::exists(laptop.path("d")));
    EXPECT_EQ(laptop.read("e/x.keep"), "4");
    laptop.settle();
    EXPECT_FALSE(laptop.vault_tree().contains("e/")) << "what is ignored brings nothing back";
    laptop.write("e/new", "5");
    laptop.settle();
    EXPECT_EQ(laptop.vault_tree().at("e/new"), "5");
}

// ---- the brake

TEST_F(ReconcilerTest, AMassOfDeletesIsHeldUntilReleased) {
    for (int i = 0; i < 100; ++i) laptop.write("d/" + std::to_string(i), "text");
    laptop.settle();
    laptop.remove("d");
    laptop.settle();
    EXPECT_EQ(laptop.reconciler().held().in_vault, 100U);
    EXPECT_EQ(laptop.vault_tree().size(), 101U);
    // Other changes go on.
    laptop.write("other", "x");
    laptop.settle();
    EXPECT_EQ(laptop.vault_tree().size(), 102U);
    laptop.reconciler().release_held();
    laptop.work();
    EXPECT_EQ(laptop.vault_tree(), (Tree{{"other", "x"}}));
    EXPECT_EQ(laptop.reconciler().held().in_vault, 0U);
}

TEST_F(ReconcilerTest, AMassOfDeletesOfTheVaultIsHeldAsWell) {
    for (int i = 0; i < 100; ++i) laptop.write("d/" + std::to_string(i), "text");
    laptop.settle();
    for (int i = 0; i < 100; ++i)
        ASSERT_TRUE(laptop.device().remove("d/" + std::to_string(i)).ok());
    laptop.work();
    EXPECT_EQ(laptop.reconciler().held().in_folder, 100U);
    EXPECT_EQ(laptop.tree().size(), 101U);
    laptop.reconciler().release_held();
    laptop.work();
    EXPECT_EQ(laptop.tree(), (Tree{{"d/", ""}}));
}

TEST_F(ReconcilerTest, WhatComesBackIsNotHeldAnyMore) {
    for (int i = 0; i < 100; ++i) laptop.write("d/" + std::to_string(i), "text");
    laptop.settle();
    laptop.rename("d", "../aside");
    laptop.settle();
    EXPECT_EQ(laptop.reconciler().held().in_vault, 100U);
    laptop.rename("../aside", "d");
    laptop.settle();
    world.clock().advance(std::chrono::seconds(11));
    laptop.work();
    EXPECT_EQ(laptop.reconciler().held().in_vault, 0U);
    EXPECT_EQ(laptop.vault_tree().size(), 101U);
}

TEST_F(ReconcilerTest, NothingIsDeletedFromAFolderThatIsNotSound) {
    ReconcilerOptions options;
    options.is_folder_sound = [] { return false; };
    laptop.start(options);
    laptop.write("a", "1");
    laptop.settle();
    laptop.remove("a");
    ASSERT_TRUE(laptop.reconciler().scan().ok());
    world.clock().advance(std::chrono::seconds(1));
    Status worked = laptop.reconciler().work(std::chrono::seconds(1));
    world.clock().advance(std::chrono::seconds(1));
    if (worked.ok()) worked = laptop.reconciler().work(std::chrono::seconds(1));
    ASSERT_FALSE(worked.ok());
    EXPECT_EQ(worked.error().kind, ErrorKind::Refused);
    EXPECT_EQ(laptop.vault_tree(), (Tree{{"a", "1"}}));
}

// ---- starting again

TEST_F(ReconcilerTest, ChangesWhileItWasAwayAreFound) {
    laptop.write("a", "1");
    laptop.write("b", "2");
    laptop.write("d/c", "3");
    laptop.settle();
    laptop.stop();
    laptop.write("a", "changed in the folder");
    laptop.remove("b");
    laptop.rename("d", "e");
    ASSERT_TRUE(laptop.device().write("v", "new in the vault").ok());
    ASSERT_TRUE(laptop.device().write("d/c", "changed in the vault").ok());
    laptop.start();
    laptop.settle();
    EXPECT_EQ(laptop.tree(), (Tree{{"a", "changed in the folder"},
                                   {"e/", ""},
                                   {"e/c", "changed in the vault"},
                                   {"v", "new in the vault"}}));
    laptop.check_equal();
}

TEST_F(ReconcilerTest, ALostStateCostsNoByteAndNoConflict) {
    laptop.write("a", "1");
    laptop.write("d/b", std::string(100'000, 'y'));
    laptop.settle();
    laptop.stop();
    MirrorState::remove_files(laptop.path("").parent_path().parent_path() / "state.db");
    laptop.start();
    laptop.settle();
    EXPECT_EQ(laptop.reconciler().counts().conflicts, 0U);
    EXPECT_EQ(laptop.reconciler().counts().imported, 0U);
    EXPECT_EQ(laptop.tree().size(), 3U);
    laptop.check_equal();
}

TEST_F(ReconcilerTest, APowerCutAfterAnyStepLosesNothing) {
    laptop.write("a", "one");
    laptop.settle();
    ASSERT_TRUE(laptop.device().publish().ok());
    laptop.write("a", "two");
    laptop.write("b", "three");
    laptop.settle();  // the state is committed
    laptop.stop();
    // The vault's disk forgets what was not synced.
    ASSERT_TRUE(laptop.device().crash_and_reopen(7).ok());
    laptop.start();
    laptop.settle();
    EXPECT_EQ(laptop.tree(), (Tree{{"a", "two"}, {"b", "three"}}));
    laptop.check_equal();
}

TEST_F(ReconcilerTest, WhatACrashLeftUnderOurNamesIsTakenIn) {
    laptop.write("a", "one");
    laptop.settle();
    laptop.stop();
    laptop.write(".lockstep-part-0", "half an exp");
    laptop.rename("a", ".lockstep-swap-1");  // on its way out when the power failed
    laptop.write(".lockstep-swap-2", "somebody's");
    laptop.start();
    laptop.settle();
    laptop.settle();
    EXPECT_EQ(laptop.tree(), (Tree{{"a", "one"}, {"recovered-2", "somebody's"}}));
    EXPECT_FALSE(fs::exists(laptop.path(".lockstep-part-0")));
    laptop.check_equal();
}

TEST_F(ReconcilerTest, AFolderAndAVaultThatBothHoldFilesAreJoined) {
    laptop.stop();
    laptop.write("same", "equal");
    laptop.write("other", "of the folder");
    laptop.write("d/folder", "f");
    ASSERT_TRUE(laptop.device().write("same", "equal").ok());
    ASSERT_TRUE(laptop.device().write("other", "of the vault").ok());
    ASSERT_TRUE(laptop.device().write("d/vault", "v").ok());
    laptop.start();
    laptop.settle();
    laptop.settle();
    Tree tree = laptop.tree();
    EXPECT_EQ(tree.at("same"), "equal");
    EXPECT_EQ(tree.at("other"), "of the vault");
    const auto aside = names_with(laptop, "other (conflict from laptop");
    ASSERT_EQ(aside.size(), 1U);
    EXPECT_EQ(tree.at(aside[0]), "of the folder");
    EXPECT_EQ(tree.at("d/folder"), "f");
    EXPECT_EQ(tree.at("d/vault"), "v");
    laptop.check_equal();
}

// ---- two devices

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
    EXPECT_EQ(names_with(laptop, "doc (conflict from").size(), 1U);
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

// Killed when all was carried over, and MirrorState did not say so yet.
class KilledMirrorTest : public TwoMirrorsTest {
  protected:
    // At the last step before the state is committed: the vault is being synced.
    void carry_over_and_be_killed() { be_killed_at(DiskCall::Kind::Sync); }
    // Before the vault had handed to the disk what it was given: it forgets that.
    void carry_over_and_be_forgotten() { be_killed_at(DiskCall::Kind::Write); }
    void be_killed_at(DiskCall::Kind kind) {
        ASSERT_TRUE(laptop.reconciler().scan().ok());
        laptop.device().disk().fail_call(0, ErrorKind::Io, kind);
        bool has_failed = false;
        for (int round = 0; round < 100'000 && !has_failed; ++round) {
            has_failed = !laptop.reconciler().work(std::chrono::seconds(10)).ok();
            world.clock().advance(std::chrono::milliseconds(20));
        }
        ASSERT_TRUE(has_failed);
        laptop.stop();
        ASSERT_TRUE(laptop.device().kill_and_reopen().ok());
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
    laptop.write("script", "#!/bin/sh");
    world.settle();
    desk.write("doc", "second");
    desk.settle();
    world.exchange();
    laptop.write("unrelated", "so that the vault is synced");
    carry_over_and_be_killed();
    EXPECT_EQ(laptop.read("doc"), "second");
    desk.write("doc", "the third");
    desk.settle();
    world.exchange();
    come_back();
    EXPECT_EQ(laptop.read("doc"), "the third");
    EXPECT_EQ(desk.tree().size(), 3U);
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

TEST_F(ReconcilerTest, AnotherDirectoryUnderTheNameOfOneIsScannedAfterARestart) {
    laptop.write("a/1", "one");
    laptop.settle();
    laptop.stop();
    ASSERT_TRUE(laptop.device().kill_and_reopen().ok());
    ASSERT_TRUE(laptop.device().rename("a", "b").ok());
    ASSERT_TRUE(laptop.device().write("a/2", "two").ok());
    ASSERT_TRUE(laptop.device().publish().ok());
    ASSERT_TRUE(laptop.device().kill_and_reopen().ok());
    laptop.start();
    const Status scanned = laptop.reconciler().scan();
    EXPECT_TRUE(scanned.ok()) << scanned.error().message;
    laptop.settle();
    EXPECT_EQ(laptop.tree(), (Tree{{"a/", ""}, {"a/2", "two"}, {"b/", ""}, {"b/1", "one"}}));
    laptop.check_equal();
}

}  // namespace
}  // namespace lockstep
