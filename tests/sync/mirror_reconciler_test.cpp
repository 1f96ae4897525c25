// What a mirror makes of changes in its folder and in its vault. Real vaults, real folders; nothing
// watches, so each step looks at exactly what the test has done.
#include <atomic>
#include <fstream>
#include <set>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
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

// As under a long `rm -r`.
TEST_F(ReconcilerTest, DeletesThatWaitForYoungerOnesAreNotLookedAtBefore) {
    laptop.write("one", "text");
    laptop.write("other", "text");
    laptop.settle();
    const auto remove = [&](const std::string& name) {
        laptop.remove(name);
        laptop.reconciler().note_folder(name);
        EXPECT_TRUE(laptop.reconciler().work(std::chrono::seconds(10)).ok());
    };
    remove("one");
    world.clock().advance(kGoneGrace - std::chrono::milliseconds(1));
    remove("other");
    world.clock().advance(std::chrono::milliseconds(1));
    EXPECT_TRUE(laptop.reconciler().work(std::chrono::seconds(10)).ok());
    ASSERT_TRUE(laptop.reconciler().next_due().has_value());
    EXPECT_GT(*laptop.reconciler().next_due(), world.clock().steady());
    laptop.work();
    EXPECT_TRUE(laptop.vault_tree().empty());
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
    const auto aside = laptop.names_with("other (conflict from laptop");
    ASSERT_EQ(aside.size(), 1U);
    EXPECT_EQ(tree.at(aside[0]), "of the folder");
    EXPECT_EQ(tree.at("d/folder"), "f");
    EXPECT_EQ(tree.at("d/vault"), "v");
    laptop.check_equal();
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
