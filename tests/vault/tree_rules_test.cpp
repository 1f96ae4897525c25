// The rules that the reference model names, each by an example that fails without it; what
// operations refuse; open files; coalescing; changes reported.

#include <algorithm>
#include <functional>

#include <gtest/gtest.h>

#include "tests/vault/tree_world.h"

namespace lockstep {
namespace {

class TreeRulesTest : public testing::Test {
  protected:
    void TearDown() override {
        if (!compares) return;
        EXPECT_EQ(a.difference(), "");
        EXPECT_EQ(b.difference(), "");
    }
    void from_a() {
        if (auto segment = a.publish()) {
            ASSERT_TRUE(b.deliver(*segment));
        }
    }
    void from_b() {
        if (auto segment = b.publish()) {
            ASSERT_TRUE(a.deliver(*segment));
        }
    }
    void both() {
        const auto one = a.publish(), two = b.publish();
        if (one) {
            ASSERT_TRUE(b.deliver(*one));
        }
        if (two) {
            ASSERT_TRUE(a.deliver(*two));
        }
        EXPECT_EQ(a.seen(), b.seen());
    }
    FileId file_at(TreeDevice& device, const std::string& name) {
        return device.tree().lookup(kRootFile, name)->node.file;
    }

    TreeDevice a{"A", 1}, b{"B", 2};
    bool compares = true;  // false: the test went past the model
    Stamp late{std::uint64_t{1'800'000'000'000} << 16, LogId{}};
};

TEST_F(TreeRulesTest, LastCountsOnlyWhileItsDeleteCounts) {  // last_effective
    a.create("/x", "1");
    from_a();
    a.unlink("/x");
    b.rename("/x", "/y");
    both();
    a.link("/y", "/z");
    both();
    a.unlink("/z");
    both();
    EXPECT_EQ(a.paths(), (std::vector<std::string>{"/y"}));
}

TEST_F(TreeRulesTest, AnUnknownLinkVoidsLast) {  // last_links
    a.create("/x", "1");
    from_a();
    a.unlink("/x");
    b.link("/x", "/y");
    b.unlink("/y");
    b.link("/x", "/z");
    both();
    EXPECT_EQ(a.read("/z"), "1");
}

TEST_F(TreeRulesTest, ATouchOfARevivedLinkRestampsItsParent) {  // restamp_revived
    a.create("/x", "old");
    from_a();
    a.unlink("/x");
    b.write("/x", "new");
    both();
    a.write("/x", "newer");
    both();
    ASSERT_EQ(a.read("/x"), "newer");
    const auto& records = a.model().published();
    EXPECT_EQ(std::count_if(
                  records.begin(), records.end(),
                  [](const Record& each) { return std::holds_alternative<ParentRecord>(each); }),
              2);
}

TEST_F(TreeRulesTest, SaveByRenameOfALinkedFileReplacesTheLinkOnly) {  // replace_one_source
    a.create("/t", "new");
    a.link("/t", "/u");
    a.create("/x", "old");
    const FileId linked = file_at(a, "t");
    a.rename("/t", "/x");
    EXPECT_EQ(file_at(a, "x"), linked);
    EXPECT_EQ(a.tree().link_count({linked, std::nullopt}), 2u);
}

TEST_F(TreeRulesTest, SaveByRenameKeepsTheFileAndTakesTheAttributes) {  // replace_attrs
    a.create("/x", "old");
    a.chmod("/x", 1);
    from_a();
    const FileId before = file_at(a, "x");
    a.create("/t", "new");
    a.chmod("/t", 2);
    const FileId temporary = file_at(a, "t");
    a.tree().take_changes();
    a.rename("/t", "/x");
    EXPECT_EQ(file_at(a, "x"), before);
    EXPECT_EQ(a.tree().attribute(before, AttributeKey::Mode), mode_setting(2).value);
    const TreeChanges changes = a.tree().take_changes();
    ASSERT_EQ(changes.remaps.size(), 1u);
    EXPECT_EQ(changes.remaps[0].from.file, temporary);
    EXPECT_EQ(changes.remaps[0].to.file, before);
    from_a();
    EXPECT_EQ(b.tree().history(before).size(), 2u);
    EXPECT_FALSE(b.tree().type(temporary)) << "a temporary file is never published";
}

TEST_F(TreeRulesTest, AFileAndASymlinkNeverShareContentBySave) {
    a.create("/x", "old");
    a.create("/t", "target", FileType::Symlink);
    const FileId link = file_at(a, "t");
    a.rename("/t", "/x");
    EXPECT_EQ(file_at(a, "x"), link);
}

TEST_F(TreeRulesTest, TwoNamesOfOneFileStayWhenOneIsRenamedOverTheOther) {
    a.create("/x", "1");
    a.link("/x", "/y");
    EXPECT_TRUE(a.rename("/x", "/y"));
    EXPECT_EQ(a.paths().size(), 2u);
}

TEST_F(TreeRulesTest,
       BothDevicesForkASiblingIntoTheSameFile) {  // fork_per_link, fork_stamp, derived_kept
    a.create("/x", "old");
    a.link("/x", "/y");
    from_a();
    a.write("/x", "a");
    b.write("/x", "b");
    both();
    ASSERT_EQ(a.tree().conflict_count(), 2u);
    a.chmod("/x", 1);
    b.chmod("/y", 2);
    both();
    EXPECT_EQ(a.tree().conflict_count(), 0u);
    EXPECT_EQ(a.paths().size(), 4u);
    const auto names = a.paths();
    EXPECT_EQ(a.tree().lookup(kRootFile, names[1].substr(1))->node,
              a.tree().lookup(kRootFile, names[3].substr(1))->node);
}

TEST_F(TreeRulesTest, EveryTouchMakesTheOtherNamesOfTheGroupReal) {  // link_touches, write_touches
    a.create("/x", "a");
    b.time = 10;
    b.create("/x", "b");
    both();
    ASSERT_EQ(a.tree().conflict_count(), 1u);
    const auto before = a.paths();
    a.link("/x", "/y");
    EXPECT_EQ(a.tree().conflict_count(), 0u);
    b.write(before[1], "c");
    EXPECT_EQ(b.tree().conflict_count(), 0u);
    both();
    EXPECT_EQ(a.read("/x"), "a");
    EXPECT_EQ(a.read(before[1]), "c");
}

TEST_F(TreeRulesTest, AWriteOfWhatASiblingShowsMakesItRealFirst) {  // write_equal
    a.create("/x", "old");
    from_a();
    a.write("/x", "a");
    b.write("/x", "b");
    both();
    const auto paths = a.paths();
    const std::string other = *a.read(paths[1]);
    a.write(paths[0], other);
    EXPECT_EQ(a.paths(), paths);
    EXPECT_EQ(a.read(paths[1]), other);
    both();
}

TEST_F(TreeRulesTest, ADeletedNameTakesItsHiddenTwinsAlong) {  // twins_all
    a.create("/x", "same");
    b.create("/x", "same");
    both();
    ASSERT_EQ(a.paths().size(), 1u);
    a.unlink("/x");
    EXPECT_TRUE(a.paths().empty());
    both();
}

TEST_F(TreeRulesTest, WhatWasVersionedBeforeThePublishStandsForWhatItReplaced) {  // capture_ids
    a.create("/x", "0");
    from_a();
    a.write("/x", "1");
    a.open(1, "/x");
    a.write("/x", "2");
    from_a();
    a.close(1, "3");
    both();
    EXPECT_EQ(a.paths().size(), 1u);
    EXPECT_EQ(b.read("/x"), "3");
}

TEST_F(TreeRulesTest, NobodyConflictsWithHimself) {  // one_writer
    a.create("/x", "0");
    a.open(1, "/x");
    a.open(2, "/x");
    a.close(1, "1");
    a.close(2, "2");
    EXPECT_EQ(a.paths().size(), 1u);
    EXPECT_EQ(a.read("/x"), "2");
}

TEST_F(TreeRulesTest, ARemoteVersionWaitsBesideAnOpenFile) {
    a.create("/x", "0");
    from_a();
    a.open(1, "/x");
    b.write("/x", "remote");
    from_b();
    EXPECT_EQ(a.read("/x"), "remote");
    a.close(1, "local");
    EXPECT_EQ(a.read("/x"), "local");
    EXPECT_EQ(a.tree().conflict_count(), 1u);
    both();
}

TEST_F(TreeRulesTest, AHandleOnAFileRemovedHereKeepsNothing) {
    a.create("/x", "0");
    from_a();
    a.open(1, "/x");
    a.unlink("/x");
    EXPECT_FALSE(a.close(1, "1"));
    EXPECT_TRUE(a.paths().empty());
}

TEST_F(TreeRulesTest, AHandleOnAFileRemovedElsewhereKeepsEverything) {
    a.create("/x", "0");
    from_a();
    a.open(1, "/x");
    b.unlink("/x");
    from_b();
    ASSERT_TRUE(a.paths().empty());
    EXPECT_TRUE(a.close(1, "1"));
    EXPECT_EQ(a.read("/x"), "1");
    both();
}

TEST_F(TreeRulesTest, AHandleOnTheSourceOfASaveGoesOnWithTheTarget) {
    a.create("/x", "old");
    a.create("/t", "new");
    a.open(1, "/t");
    a.open(2, "/x");
    a.rename("/t", "/x");
    EXPECT_FALSE(a.close(2, "to what was replaced"));
    EXPECT_TRUE(a.close(1, "newer"));
    EXPECT_EQ(a.read("/x"), "newer");
    EXPECT_EQ(a.paths().size(), 1u);
}

TEST_F(TreeRulesTest, AHandleOnAHiddenTwinGoesOnWithWhatHidesIt) {
    a.create("/x", "same");
    b.time = 10;
    b.create("/x", "same");
    b.open(1, "/x");
    both();
    b.chmod("/x", 1);
    EXPECT_TRUE(b.close(1, "written"));
    EXPECT_EQ(b.paths(), (std::vector<std::string>{"/x"}));
    EXPECT_EQ(b.read("/x"), "written");
    both();
}

TEST_F(TreeRulesTest, OpeningADerivedNameMakesItReal) {
    a.create("/x", "old");
    from_a();
    a.write("/x", "a");
    b.write("/x", "b");
    both();
    const std::string sibling = a.paths()[1];
    const Node before = a.tree().lookup(kRootFile, sibling.substr(1))->node;
    ASSERT_TRUE(before.sibling);
    a.tree().take_changes();
    a.open(1, sibling);
    const Node now = a.tree().lookup(kRootFile, sibling.substr(1))->node;
    EXPECT_FALSE(now.sibling);
    const TreeChanges changes = a.tree().take_changes();
    ASSERT_EQ(changes.remaps.size(), 1u);
    EXPECT_EQ(changes.remaps[0].from, before);
    EXPECT_EQ(changes.remaps[0].to, now);
    EXPECT_TRUE(a.close(1, "c"));
    both();
}

TEST_F(TreeRulesTest,
       WhatCameAndWentIsNeverPublishedButADirectoryThatWasUsedIs) {  // temp_whole_file,
                                                                     // keep_named_dirs
    a.create("/t", "1");
    a.unlink("/t");
    const auto nothing = a.publish();
    ASSERT_TRUE(nothing && nothing->records.empty());
    ASSERT_TRUE(b.deliver(*nothing));
    a.mkdir("/keep");
    from_a();
    a.mkdir("/d");
    a.rename("/keep", "/d/keep");
    a.rename("/d/keep", "/keep");
    a.rmdir("/d");
    both();
    EXPECT_EQ(b.paths(), (std::vector<std::string>{"/keep"}));
}

TEST_F(TreeRulesTest, RestoreTakesAFreeName) {  // restore_free_name
    a.create("/x.txt", "old");
    from_a();
    a.unlink("/x.txt");
    a.create("/x.txt", "new");
    ASSERT_TRUE(a.restore(a.tree().trash().at(0).link));
    EXPECT_EQ(a.read("/x (restored).txt"), "old");
    EXPECT_TRUE(a.tree().trash().empty());
    both();
}

TEST_F(TreeRulesTest, RemovingInARevivedDirectoryRestoresIt) {  // restore_dir_on_unlink
    a.mkdir("/d");
    a.create("/d/x", "1");
    a.create("/d/y", "1");
    from_a();
    a.unlink("/d/x");
    a.unlink("/d/y");
    a.rmdir("/d");
    b.write("/d/x", "2");
    both();
    ASSERT_EQ(a.paths(), (std::vector<std::string>{"/d", "/d/x"}));
    a.unlink("/d/x");
    EXPECT_EQ(a.paths(), (std::vector<std::string>{"/d"}));
    both();
}

TEST_F(TreeRulesTest, ThousandsOfWritesAreOneVersion) {
    a.create("/x", "0");
    from_a();
    for (int at = 0; at < 1000; ++at) a.write("/x", std::to_string(at));
    const auto published = a.tree().publish();
    EXPECT_EQ(published.records.size(), 1u);
    EXPECT_EQ(published.coalesced.size(), 999u);
    a.model().publish();
    EXPECT_EQ(a.tree().history(file_at(a, "x")).size(), 2u);
}

TEST_F(TreeRulesTest, ResolveLeavesOneHeadWithTheChosenContent) {
    a.create("/x", "old");
    from_a();
    a.write("/x", "a");
    b.write("/x", "b");
    both();
    const std::string sibling = a.paths()[1];
    const std::string chosen = *a.read(sibling);
    ASSERT_TRUE(a.resolve(sibling));
    both();
    EXPECT_EQ(b.paths(), (std::vector<std::string>{"/x"}));
    EXPECT_EQ(b.read("/x"), chosen);
}

TEST_F(TreeRulesTest, ARemoteEditOfOneFileReportsOnlyIt) {
    for (int at = 0; at < 100; ++at) a.create("/f" + std::to_string(at), "0");
    from_a();
    b.tree().take_changes();
    a.write("/f7", "1");
    from_a();
    const TreeChanges changes = b.tree().take_changes();
    EXPECT_EQ(changes.files, (std::vector<FileId>{file_at(b, "f7")}));
    EXPECT_EQ(changes.entries, (std::vector<EntryPlace>{{kRootFile, "f7"}}));
}

TEST_F(TreeRulesTest, OperationsRefuseWhatPosixRefuses) {
    a.create("/f", "1");
    a.mkdir("/d");
    a.mkdir("/d/e");
    compares = false;
    Tree& tree = a.tree();
    const FileId d = file_at(a, "d"), f = file_at(a, "f");
    const NewFile file{FileType::Regular, inline_content(""), {}};
    EXPECT_EQ(tree.create(kRootFile, "f", file, late).error().kind, ErrorKind::Exists);
    EXPECT_EQ(tree.create(f, "x", file, late).error().kind, ErrorKind::NotDirectory);
    EXPECT_EQ(tree.create(FileId{{std::byte{9}}}, "x", file, late).error().kind,
              ErrorKind::NotFound);
    EXPECT_EQ(tree.make_directory(kRootFile, std::string(256, 'x'), {}, late).error().kind,
              ErrorKind::NameTooLong);
    for (const char* name : {"", ".", "..", "a/b"}) {
        EXPECT_EQ(tree.make_directory(kRootFile, name, {}, late).error().kind, ErrorKind::Invalid);
    }
    EXPECT_EQ(tree.make_link({d, std::nullopt}, kRootFile, "x", late).error().kind,
              ErrorKind::Refused);
    EXPECT_EQ(tree.remove_file(kRootFile, "d", late).error().kind, ErrorKind::IsDirectory);
    EXPECT_EQ(tree.remove_file(kRootFile, "none", late).error().kind, ErrorKind::NotFound);
    EXPECT_EQ(tree.remove_directory(kRootFile, "f", late).error().kind, ErrorKind::NotDirectory);
    EXPECT_EQ(tree.remove_directory(kRootFile, "d", late).error().kind, ErrorKind::NotEmpty);
    const auto rename = [&](const char* from, const FileId& to, const char* name,
                            RenameMode mode = RenameMode::Replace) {
        return tree.rename(kRootFile, from, to, name, mode, late).error().kind;
    };
    EXPECT_EQ(rename("d", d, "x"), ErrorKind::Invalid);
    EXPECT_EQ(rename("f", kRootFile, "d"), ErrorKind::IsDirectory);
    EXPECT_EQ(rename("d", kRootFile, "f"), ErrorKind::NotDirectory);
    EXPECT_EQ(rename("f", kRootFile, "d", RenameMode::NoReplace), ErrorKind::Exists);
    EXPECT_EQ(rename("f", kRootFile, "x", RenameMode::Exchange), ErrorKind::NotFound);
    EXPECT_EQ(tree.begin_write({d, std::nullopt}, late).error().kind, ErrorKind::IsDirectory);
    EXPECT_TRUE(tree.make_directory(kRootFile, std::string(255, 'x'), {}, late).ok());
}

TEST_F(TreeRulesTest, AFileHasAtMost2048Links) {
    a.create("/f", "1");
    compares = false;
    const Node node = a.tree().lookup(kRootFile, "f")->node;
    Stamp stamp = late;
    for (int at = 1; at < 2048; ++at, ++stamp.time) {
        ASSERT_TRUE(a.tree().make_link(node, kRootFile, "l" + std::to_string(at), stamp).ok());
    }
    EXPECT_EQ(a.tree().make_link(node, kRootFile, "one more", stamp).error().kind,
              ErrorKind::TooManyLinks);
}

// A deleted directory that is shown for a hidden twin alone leaves the merged directory when the
// twin goes.
TEST(TreeMergedDirectoryTest, TouchingMayTakeAnAliasAway) {
    using Edit = std::function<bool(TreeDevice&)>;
    const Edit edits[] = {[](TreeDevice& d) { return d.rename("/a/b", "/b"); },
                          [](TreeDevice& d) { return d.rename("/a/b", "/a/c"); },
                          [](TreeDevice& d) { return d.link("/a/b", "/a/c"); },
                          [](TreeDevice& d) { return d.unlink("/a/b"); }};
    for (const Edit& edit : edits) {
        TreeDevice a("A", 1), b("B", 2);
        a.mkdir("/a");
        a.mkdir("/b");
        a.create("/b/b", "old");
        ASSERT_TRUE(b.deliver(*a.publish()));
        ASSERT_TRUE(a.rename("/b", "/a"));
        ASSERT_TRUE(b.link("/b/b", "/a/b"));
        const auto from_a = a.publish(), from_b = b.publish();
        ASSERT_TRUE(a.deliver(*from_b));
        ASSERT_TRUE(b.deliver(*from_a));
        EXPECT_TRUE(edit(a));
        EXPECT_EQ("", a.difference());
        ASSERT_TRUE(b.deliver(*a.publish()));
        EXPECT_EQ("", b.difference());
        EXPECT_EQ(a.seen(), b.seen());
    }
}

}  // namespace
}  // namespace lockstep
