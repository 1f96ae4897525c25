// Attributes and extended attributes.
#include <algorithm>

#include "tests/vault/file_system_conformance.h"
#include "vault/limits.h"

namespace lockstep {

using Names = std::vector<std::string>;

TEST_P(FileSystemConformance, TimesAreKeptToTheNanosecond) {
    const NodeId file = make_file(kRootNode, "f");
    constexpr std::int64_t kYear2200 = 7258118400LL * 1'000'000'000;
    for (std::int64_t time : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1},
                              std::int64_t{-86'400'000'000'000}, kYear2200 + 123456789}) {
        AttributeChange change;
        change.modified_ns = time;
        const auto changed = fs().set_attributes(file, change, {});
        ASSERT_TRUE(changed.ok());
        EXPECT_EQ(changed->modified_ns, time);
        EXPECT_EQ(attributes_of(file).modified_ns, time);
    }
}

TEST_P(FileSystemConformance, SeveralAttributesChangeAtOnce) {
    const NodeId file = make_file(kRootNode, "f", "0123456789");
    AttributeChange change;
    change.mode = 0400;
    change.size = 4;
    change.modified_ns = 1'000;
    const auto changed = fs().set_attributes(file, change, {});
    ASSERT_TRUE(changed.ok());
    for (const Attributes& shown : {*changed, attributes_of(file)}) {
        EXPECT_EQ(shown.mode, 0400U);
        EXPECT_EQ(shown.size, 4U);
        EXPECT_EQ(shown.modified_ns, 1'000);
    }
    EXPECT_EQ(content_of(file), "0123");
}

TEST_P(FileSystemConformance, DirectoriesAndLinksHaveModesAndTimesToo) {
    const NodeId directory = make_directory(kRootNode, "d");
    AttributeChange change;
    change.mode = 01700;
    change.modified_ns = -5;
    EXPECT_OK(fs().set_attributes(directory, change, {}));
    EXPECT_EQ(attributes_of(directory).mode, 01700U);
    EXPECT_EQ(attributes_of(directory).modified_ns, -5);
    const auto link = fs().make_symlink(kRootNode, "l", "t");
    ASSERT_TRUE(link.ok());
    AttributeChange times;
    times.modified_ns = 77;
    EXPECT_OK(fs().set_attributes(link->node, times, {}));
    EXPECT_EQ(attributes_of(link->node).modified_ns, 77);
    fs().forget(link->node, 1);
}

TEST_P(FileSystemConformance, OnlyFilesHaveASizeToSet) {
    AttributeChange change;
    change.size = 1;
    const NodeId directory = make_directory(kRootNode, "d");
    EXPECT_FAILS(IsDirectory, fs().set_attributes(directory, change, {}));
    const auto fifo = fs().make_node(kRootNode, "p", {.type = FileType::Fifo, .mode = 0600});
    ASSERT_TRUE(fifo.ok());
    EXPECT_FAILS(Invalid, fs().set_attributes(fifo->node, change, {}));
    fs().forget(fifo->node, 1);
    change.size = kFileSizeMax + 1;
    EXPECT_FAILS(TooLarge, fs().set_attributes(make_file(kRootNode, "f"), change, {}));
}

TEST_P(FileSystemConformance, WritingAdvancesTheModificationTime) {
    const NodeId file = make_file(kRootNode, "f");
    AttributeChange change;
    change.modified_ns = 5;
    EXPECT_OK(fs().set_attributes(file, change, {}));
    const HandleId handle = open_to_write(file);
    EXPECT_EQ(attributes_of(file).modified_ns, 5);
    write(handle, 0, "x");
    EXPECT_GT(attributes_of(file).modified_ns, 5);
    EXPECT_OK(fs().flush(handle));
    fs().release(handle);
    EXPECT_GT(attributes_of(file).modified_ns, 5);
}

TEST_P(FileSystemConformance, ATimeSetThroughAnOpenFileOutlivesItsClose) {
    const NodeId file = make_file(kRootNode, "f");
    const HandleId handle = open_to_write(file);
    write(handle, 0, "copied");
    AttributeChange change;
    change.modified_ns = 1'234'567'890;
    EXPECT_OK(fs().set_attributes(file, change, handle));
    EXPECT_OK(fs().flush(handle));
    fs().release(handle);
    EXPECT_EQ(attributes_of(file).modified_ns, 1'234'567'890);
}

TEST_P(FileSystemConformance, EveryChangeAdvancesTheChangeTime) {
    const NodeId file = make_file(kRootNode, "f", "x");
    std::int64_t before = attributes_of(file).changed_ns;
    const auto expect_later = [&](const char* what) {
        EXPECT_GT(attributes_of(file).changed_ns, before) << what;
        before = attributes_of(file).changed_ns;
    };
    const auto linked = fs().make_link(file, kRootNode, "g");
    ASSERT_TRUE(linked.ok());
    fs().forget(file, 1);
    expect_later("link");
    EXPECT_OK(fs().rename(kRootNode, "g", kRootNode, "h", RenameMode::Replace));
    expect_later("rename");
    EXPECT_OK(fs().remove_file(kRootNode, "h"));
    expect_later("unlink");
    AttributeChange change;
    change.mode = 0600;
    EXPECT_OK(fs().set_attributes(file, change, {}));
    expect_later("chmod");
    EXPECT_OK(fs().set_xattr(file, "user.a", as_bytes("v"), XattrMode::Set));
    expect_later("setxattr");
    EXPECT_OK(fs().remove_xattr(file, "user.a"));
    expect_later("removexattr");
    EXPECT_OK(fs().remove_file(kRootNode, "f"));
    expect_later("unlink of the last name");
}

TEST_P(FileSystemConformance, AccessTimesAreThoseThatWereSet) {
    const NodeId file = make_file(kRootNode, "f", "text");
    AttributeChange change;
    change.accessed_ns = 1'234;
    EXPECT_OK(fs().set_attributes(file, change, {}));
    const std::int64_t modified = attributes_of(file).modified_ns;
    EXPECT_EQ(content_of(file), "text");
    EXPECT_EQ(attributes_of(file).accessed_ns, 1'234);
    EXPECT_EQ(attributes_of(file).modified_ns, modified);
}

TEST_P(FileSystemConformance, OwnersAreKept) {
    const NodeId file = make_file(kRootNode, "f"), directory = make_directory(kRootNode, "d");
    AttributeChange change;
    change.uid = 1234;
    EXPECT_OK(fs().set_attributes(file, change, {}));
    change.gid = 4'000'000'000;
    EXPECT_OK(fs().set_attributes(directory, change, {}));
    const auto expect_owners = [&] {
        EXPECT_EQ(attributes_of(node_of(kRootNode, "f")).uid, 1234U);
        EXPECT_EQ(attributes_of(node_of(kRootNode, "d")).uid, 1234U);
        EXPECT_EQ(attributes_of(node_of(kRootNode, "d")).gid, 4'000'000'000U);
    };
    expect_owners();
    if (reopen()) expect_owners();
}

TEST_P(FileSystemConformance, RemovedFilesHaveAttributesWhileTheyAreOpen) {
    const NodeId file = make_file(kRootNode, "f", "0123456789");
    EXPECT_OK(fs().set_xattr(file, "user.a", as_bytes("v"), XattrMode::Set));
    const HandleId handle = open_to_write(file);
    EXPECT_OK(fs().remove_file(kRootNode, "f"));
    AttributeChange change;
    change.size = 4;
    change.mode = 0612;
    change.uid = 77;
    change.modified_ns = 99;
    EXPECT_OK(fs().set_attributes(file, change, handle));
    for (int round = 0; round < 2; ++round) {
        const Attributes shown = attributes_of(file);
        EXPECT_EQ(shown.links, 0U);
        EXPECT_EQ(shown.size, 4U);
        EXPECT_EQ(shown.mode, 0612U);
        EXPECT_EQ(shown.uid, 77U);
        EXPECT_EQ(shown.modified_ns, 99);
        EXPECT_OK(fs().sync(handle));
    }
    EXPECT_EQ(as_text(*fs().get_xattr(file, "user.a")), "v");
    EXPECT_OK(fs().set_xattr(file, "user.b", as_bytes("w"), XattrMode::Create));
    EXPECT_OK(fs().remove_xattr(file, "user.a"));
    EXPECT_EQ(*fs().list_xattrs(file), Names{"user.b"});
    write(handle, 2, "after");
    EXPECT_EQ(attributes_of(file).size, 7U);
    EXPECT_GT(attributes_of(file).modified_ns, 99);
    fs().release(handle);
}

TEST_P(FileSystemConformance, NumbersStayWhenAFileIsSavedByRename) {
    make_file(kRootNode, "f", "old");
    NodeId number = 0;
    for (int save = 0; save < 3; ++save) {
        number = make_file(kRootNode, "f.new", "content " + std::to_string(save));
        EXPECT_OK(fs().rename(kRootNode, "f.new", kRootNode, "f", RenameMode::Replace));
        EXPECT_EQ(node_of(kRootNode, "f"), number);
    }
    if (!reopen()) GTEST_SKIP() << "stores nothing";
    EXPECT_EQ((**fs().list(kRootNode))[0].node, number);
    EXPECT_EQ(node_of(kRootNode, "f"), number);
    EXPECT_TRUE(fs().list_xattrs(number)->empty());
}

TEST_P(FileSystemConformance, UnknownNodesAreNotFound) {
    constexpr NodeId kNobody = 0x7fff'ffff'ffff;
    EXPECT_FAILS(NotFound, fs().attributes(kNobody));
    EXPECT_FAILS(NotFound, fs().lookup(kNobody, "x"));
    EXPECT_FAILS(NotFound, fs().open(kNobody, {}));
    EXPECT_FAILS(NotFound, fs().set_attributes(kNobody, {}, {}));
    EXPECT_FAILS(NotFound, fs().list(kNobody));
}

// ---- extended attributes ----

TEST_P(FileSystemConformance, XattrsAreSetReadListedAndRemoved) {
    const NodeId file = make_file(kRootNode, "f");
    const NodeId directory = make_directory(kRootNode, "d");
    for (NodeId node : {file, directory}) {
        EXPECT_FAILS(NoAttribute, fs().get_xattr(node, "user.a"));
        EXPECT_OK(fs().set_xattr(node, "user.a", as_bytes("one"), XattrMode::Set));
        EXPECT_OK(fs().set_xattr(node, "user.b", {}, XattrMode::Set));
        EXPECT_OK(fs().set_xattr(node, "user.a", as_bytes("two"), XattrMode::Set));
        const auto value = fs().get_xattr(node, "user.a");
        ASSERT_TRUE(value.ok());
        EXPECT_EQ(as_text(*value), "two");
        auto names = fs().list_xattrs(node);
        ASSERT_TRUE(names.ok());
        std::sort(names->begin(), names->end());
        std::erase_if(*names, [](const auto& name) { return name.starts_with("user.lockstep."); });
        EXPECT_EQ(*names, (Names{"user.a", "user.b"}));
        EXPECT_OK(fs().remove_xattr(node, "user.a"));
        EXPECT_FAILS(NoAttribute, fs().get_xattr(node, "user.a"));
        EXPECT_FAILS(NoAttribute, fs().remove_xattr(node, "user.a"));
    }
}

TEST_P(FileSystemConformance, XattrModesAreObeyed) {
    const NodeId file = make_file(kRootNode, "f");
    const ByteView value = as_bytes("v");
    EXPECT_FAILS(NoAttribute, fs().set_xattr(file, "user.a", value, XattrMode::Replace));
    EXPECT_OK(fs().set_xattr(file, "user.a", value, XattrMode::Create));
    EXPECT_FAILS(Exists, fs().set_xattr(file, "user.a", value, XattrMode::Create));
    EXPECT_OK(fs().set_xattr(file, "user.a", as_bytes("w"), XattrMode::Replace));
}

TEST_P(FileSystemConformance, XattrsHaveLimits) {
    const NodeId file = make_file(kRootNode, "f");
    for (std::size_t i = 0; i < kXattrsPerFileMax; ++i)
        EXPECT_OK(fs().set_xattr(file, "user." + std::to_string(i), as_bytes("v"), XattrMode::Set));
    EXPECT_FAILS(NoSpace, fs().set_xattr(file, "user.more", as_bytes("v"), XattrMode::Set));
    EXPECT_OK(fs().set_xattr(file, "user.0", as_bytes("again"), XattrMode::Set));
    const NodeId other = make_file(kRootNode, "g");
    const Bytes big(kXattrTotalSizeMax + 1);
    EXPECT_FAILS(NoSpace, fs().set_xattr(other, "user.big", big, XattrMode::Set));
    EXPECT_OK(fs().set_xattr(other, "user.big", ByteView(big).first(kXattrTotalSizeMax - 4096),
                             XattrMode::Set));
    EXPECT_FAILS(NoSpace,
                 fs().set_xattr(other, "user.next", ByteView(big).first(8192), XattrMode::Set));
}

}  // namespace lockstep
