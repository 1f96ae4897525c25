// Names, links, types. Attributes and content have files of their own.
#include "tests/vault/file_system_conformance.h"

#include <algorithm>

#include "vault/limits.h"

namespace lockstep {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(FileSystemConformance);

FileSystemConformance::~FileSystemConformance() {
    for (NodeId node : held_) fs().forget(node, 1);
}

bool FileSystemConformance::reopen() {
    held_.clear();
    return under_test_->reopen();
}

NodeId FileSystemConformance::hold(NodeId node) {
    held_.push_back(node);
    return node;
}

NodeId FileSystemConformance::make_directory(NodeId parent, std::string_view name) {
    const auto made = fs().make_directory(parent, name, 0755);
    EXPECT_OK(made);
    return made.ok() ? hold(made->node) : 0;
}

NodeId FileSystemConformance::make_file(NodeId parent, std::string_view name,
                                        std::string_view content) {
    const auto made = fs().create(parent, name, 0644);
    EXPECT_OK(made);
    if (!made.ok()) return 0;
    if (!content.empty()) write(made->handle, 0, content);
    EXPECT_OK(fs().flush(made->handle));
    fs().release(made->handle);
    return hold(made->attributes.node);
}

NodeId FileSystemConformance::node_of(NodeId parent, std::string_view name) {
    const auto found = fs().lookup(parent, name);
    EXPECT_OK(found);
    return found.ok() ? hold(found->node) : 0;
}

Attributes FileSystemConformance::attributes_of(NodeId node) {
    const auto found = fs().attributes(node);
    EXPECT_OK(found);
    return found.ok() ? *found : Attributes{};
}

HandleId FileSystemConformance::open_for(NodeId node, OpenRequest request) {
    const auto handle = fs().open(node, request);
    EXPECT_OK(handle);
    return handle.ok() ? *handle : 0;
}

void FileSystemConformance::write(HandleId handle, std::uint64_t offset, std::string_view data) {
    EXPECT_OK(fs().write(handle, offset, as_bytes(data)));
}

std::string FileSystemConformance::read(HandleId handle, std::uint64_t offset, std::size_t size) {
    std::string out(size, '?');
    const auto length =
        fs().read(handle, offset, std::as_writable_bytes(std::span(out.data(), out.size())));
    EXPECT_OK(length);
    out.resize(length.ok() ? *length : 0);
    return out;
}

std::string FileSystemConformance::content_of(NodeId node) {
    const HandleId handle = open_for(node, {});
    std::string content = read(handle, 0, attributes_of(node).size + 1);
    fs().release(handle);
    return content;
}

std::vector<std::string> FileSystemConformance::names_in(NodeId directory) {
    const auto listing = fs().list(directory);
    EXPECT_OK(listing);
    std::vector<std::string> names;
    if (!listing.ok()) return names;
    for (const DirectoryEntry& entry : **listing) names.push_back(entry.name);
    return names;
}

using Names = std::vector<std::string>;

// ---- lookup, list ----

TEST_P(FileSystemConformance, RootIsAnEmptyDirectory) {
    const Attributes root = attributes_of(kRootNode);
    EXPECT_EQ(root.node, kRootNode);
    EXPECT_EQ(root.type, FileType::Directory);
    EXPECT_EQ(root.links, 2U);
    EXPECT_TRUE(names_in(kRootNode).empty());
}

TEST_P(FileSystemConformance, LookupFindsWhatWasMadeAndNothingElse) {
    const NodeId directory = make_directory(kRootNode, "d");
    const NodeId file = make_file(directory, "f");
    EXPECT_EQ(node_of(kRootNode, "d"), directory);
    EXPECT_EQ(node_of(directory, "f"), file);
    EXPECT_FAILS(NotFound, fs().lookup(kRootNode, "f"));
    EXPECT_FAILS(NotFound, fs().lookup(directory, "F"));
    EXPECT_FAILS(NotDirectory, fs().lookup(file, "x"));
}

TEST_P(FileSystemConformance, ListingIsSortedByBytesAndTyped) {
    make_file(kRootNode, "b");
    make_directory(kRootNode, "a");
    make_file(kRootNode, "B");
    make_file(kRootNode, "\xff");
    const auto link = fs().make_symlink(kRootNode, "l", "a");
    ASSERT_TRUE(link.ok());
    fs().forget(link->node, 1);
    EXPECT_EQ(names_in(kRootNode), (Names{"B", "a", "b", "l", "\xff"}));
    const auto listing = fs().list(kRootNode);
    ASSERT_TRUE(listing.ok());
    EXPECT_EQ((**listing)[1].type, FileType::Directory);
    EXPECT_EQ((**listing)[2].type, FileType::Regular);
    EXPECT_EQ((**listing)[3].type, FileType::Symlink);
    EXPECT_EQ((**listing)[3].node, node_of(kRootNode, "l"));
}

TEST_P(FileSystemConformance, ListingStaysAsItWas) {
    make_file(kRootNode, "a");
    make_file(kRootNode, "b");
    const auto before = fs().list(kRootNode);
    ASSERT_TRUE(before.ok());
    EXPECT_OK(fs().remove_file(kRootNode, "a"));
    make_file(kRootNode, "c");
    EXPECT_EQ((*before)->size(), 2U);
    EXPECT_EQ((**before)[0].name, "a");
    EXPECT_EQ(names_in(kRootNode), (Names{"b", "c"}));
}

TEST_P(FileSystemConformance, ListingOfWhatIsNoDirectoryFails) {
    EXPECT_FAILS(NotDirectory, fs().list(make_file(kRootNode, "f")));
}

TEST_P(FileSystemConformance, NamesAreAnyBytesUpToTheLimit) {
    std::string odd;
    for (int c = 1; c < 256; ++c)
        if (c != '/') odd += static_cast<char>(c);
    ASSERT_EQ(odd.size(), 254U);
    const std::string longest(kNameSizeMax, 'n');
    for (const std::string& name :
         {odd, longest, std::string("..."), std::string(" "), std::string("\n"),
          std::string("e\xcc\x81"), std::string("\xc3\xa9")}) {
        const NodeId made = make_file(kRootNode, name, name);
        EXPECT_EQ(node_of(kRootNode, name), made);
        EXPECT_EQ(content_of(made), name);
    }
    EXPECT_EQ(names_in(kRootNode).size(), 7U);
}

TEST_P(FileSystemConformance, NamesBeyondTheLimitAreTooLongEverywhere) {
    const std::string name(kNameSizeMax + 1, 'n');
    const NodeId file = make_file(kRootNode, "f");
    EXPECT_FAILS(NameTooLong, fs().lookup(kRootNode, name));
    EXPECT_FAILS(NameTooLong, fs().create(kRootNode, name, 0644));
    EXPECT_FAILS(NameTooLong, fs().make_directory(kRootNode, name, 0755));
    EXPECT_FAILS(NameTooLong, fs().make_node(kRootNode, name, {}));
    EXPECT_FAILS(NameTooLong, fs().make_symlink(kRootNode, name, "t"));
    EXPECT_FAILS(NameTooLong, fs().make_link(file, kRootNode, name));
    EXPECT_FAILS(NameTooLong, fs().rename(kRootNode, "f", kRootNode, name, RenameMode::Replace));
}

TEST_P(FileSystemConformance, NamesThatCannotBeAreInvalid) {
    using namespace std::string_view_literals;
    for (std::string_view name : {""sv, "."sv, ".."sv, "a/b"sv, "/"sv, "a\0b"sv}) {
        EXPECT_FAILS(Invalid, fs().create(kRootNode, name, 0644)) << name;
        EXPECT_FAILS(Invalid, fs().make_directory(kRootNode, name, 0755)) << name;
    }
}

// ---- make ----

TEST_P(FileSystemConformance, TakenNamesAreRefused) {
    make_directory(kRootNode, "d");
    const NodeId file = make_file(kRootNode, "f");
    for (const char* name : {"d", "f"}) {
        EXPECT_FAILS(Exists, fs().create(kRootNode, name, 0644));
        EXPECT_FAILS(Exists, fs().make_directory(kRootNode, name, 0755));
        EXPECT_FAILS(Exists, fs().make_node(kRootNode, name, {}));
        EXPECT_FAILS(Exists, fs().make_symlink(kRootNode, name, "t"));
        EXPECT_FAILS(Exists, fs().make_link(file, kRootNode, name));
    }
}

TEST_P(FileSystemConformance, NothingIsMadeInsideAFile) {
    const NodeId file = make_file(kRootNode, "f");
    EXPECT_FAILS(NotDirectory, fs().create(file, "x", 0644));
    EXPECT_FAILS(NotDirectory, fs().make_directory(file, "x", 0755));
    EXPECT_FAILS(NotDirectory, fs().make_symlink(file, "x", "t"));
    EXPECT_FAILS(NotDirectory, fs().make_link(file, file, "x"));
    EXPECT_FAILS(NotDirectory, fs().remove_file(file, "x"));
    EXPECT_FAILS(NotDirectory, fs().remove_directory(file, "x"));
}

TEST_P(FileSystemConformance, ModesKeepPermissionsAndStickyBit) {
    const auto directory = fs().make_directory(kRootNode, "d", 01777);
    ASSERT_TRUE(directory.ok());
    EXPECT_EQ(directory->mode, 01777U);
    const auto file = fs().create(kRootNode, "f", 0600);
    ASSERT_TRUE(file.ok());
    EXPECT_EQ(file->attributes.mode, 0600U);
    fs().release(file->handle);
}

TEST_P(FileSystemConformance, SpecialNodesHaveTheirType) {
    const auto fifo = fs().make_node(kRootNode, "fifo", {.type = FileType::Fifo, .mode = 0600});
    const auto socket =
        fs().make_node(kRootNode, "socket", {.type = FileType::Socket, .mode = 0600});
    const auto file = fs().make_node(kRootNode, "file", {.type = FileType::Regular, .mode = 0640});
    ASSERT_TRUE(fifo.ok() && socket.ok() && file.ok());
    EXPECT_EQ(fifo->type, FileType::Fifo);
    EXPECT_EQ(socket->type, FileType::Socket);
    EXPECT_EQ(file->type, FileType::Regular);
    EXPECT_EQ(file->mode, 0640U);
    EXPECT_EQ(attributes_of(fifo->node).links, 1U);
}

TEST_P(FileSystemConformance, SymlinksKeepTheirTarget) {
    const std::string longest(kSymlinkSizeMax, 't');
    for (const std::string& target : {std::string("a"), std::string("../x/\xff y"), longest}) {
        const auto made = fs().make_symlink(kRootNode, "l", target);
        ASSERT_TRUE(made.ok());
        EXPECT_EQ(made->type, FileType::Symlink);
        EXPECT_EQ(made->size, target.size());
        const auto read = fs().read_symlink(made->node);
        ASSERT_TRUE(read.ok());
        EXPECT_EQ(*read, target);
        EXPECT_OK(fs().remove_file(kRootNode, "l"));
        fs().forget(made->node, 1);
    }
    EXPECT_FAILS(NameTooLong, fs().make_symlink(kRootNode, "l", longest + "t"));
    EXPECT_FAILS(Invalid, fs().read_symlink(make_file(kRootNode, "f")));
}

// ---- links ----

TEST_P(FileSystemConformance, HardLinksAreOneFile) {
    const NodeId directory = make_directory(kRootNode, "d");
    const NodeId file = make_file(kRootNode, "a", "content");
    const auto linked = fs().make_link(file, directory, "b");
    ASSERT_TRUE(linked.ok());
    EXPECT_EQ(linked->node, file);
    EXPECT_EQ(linked->links, 2U);
    fs().forget(file, 1);
    const HandleId handle = open_to_write(node_of(directory, "b"));
    write(handle, 0, "CON");
    EXPECT_OK(fs().flush(handle));
    fs().release(handle);
    EXPECT_EQ(content_of(node_of(kRootNode, "a")), "CONtent");
    EXPECT_OK(fs().remove_file(kRootNode, "a"));
    EXPECT_EQ(attributes_of(node_of(directory, "b")).links, 1U);
    EXPECT_EQ(content_of(node_of(directory, "b")), "CONtent");
}

TEST_P(FileSystemConformance, DirectoriesHaveNoHardLinks) {
    const NodeId directory = make_directory(kRootNode, "d");
    EXPECT_FAILS(Refused, fs().make_link(directory, kRootNode, "e"));
}

TEST_P(FileSystemConformance, DirectoriesCountTheirSubdirectories) {
    const NodeId top = make_directory(kRootNode, "top");
    EXPECT_EQ(attributes_of(top).links, 2U);
    make_directory(top, "a");
    make_directory(top, "b");
    make_file(top, "f");
    EXPECT_EQ(attributes_of(top).links, 4U);
    EXPECT_EQ(attributes_of(kRootNode).links, 3U);
    EXPECT_OK(fs().rename(top, "a", kRootNode, "a", RenameMode::Replace));
    EXPECT_EQ(attributes_of(top).links, 3U);
    EXPECT_EQ(attributes_of(kRootNode).links, 4U);
    EXPECT_OK(fs().remove_directory(top, "b"));
    EXPECT_EQ(attributes_of(top).links, 2U);
}

// ---- remove ----

TEST_P(FileSystemConformance, RemovingWhatIsNotThere) {
    EXPECT_FAILS(NotFound, fs().remove_file(kRootNode, "x"));
    EXPECT_FAILS(NotFound, fs().remove_directory(kRootNode, "x"));
}

TEST_P(FileSystemConformance, FilesAndDirectoriesAreRemovedByTheirOwnCall) {
    make_directory(kRootNode, "d");
    make_file(kRootNode, "f");
    EXPECT_FAILS(IsDirectory, fs().remove_file(kRootNode, "d"));
    EXPECT_FAILS(NotDirectory, fs().remove_directory(kRootNode, "f"));
    EXPECT_OK(fs().remove_file(kRootNode, "f"));
    EXPECT_OK(fs().remove_directory(kRootNode, "d"));
    EXPECT_TRUE(names_in(kRootNode).empty());
}

TEST_P(FileSystemConformance, OnlyEmptyDirectoriesAreRemoved) {
    const NodeId directory = make_directory(kRootNode, "d");
    make_file(directory, "f");
    EXPECT_FAILS(NotEmpty, fs().remove_directory(kRootNode, "d"));
    EXPECT_OK(fs().remove_file(directory, "f"));
    EXPECT_OK(fs().remove_directory(kRootNode, "d"));
}

TEST_P(FileSystemConformance, NothingIsMadeInARemovedDirectory) {
    const auto directory = fs().make_directory(kRootNode, "d", 0755);
    ASSERT_TRUE(directory.ok());
    EXPECT_OK(fs().remove_directory(kRootNode, "d"));
    EXPECT_FAILS(NotFound, fs().create(directory->node, "f", 0644));
    EXPECT_FAILS(NotFound, fs().make_directory(directory->node, "e", 0755));
    EXPECT_FAILS(NotFound, fs().lookup(directory->node, "f"));
    fs().forget(directory->node, 1);
}

TEST_P(FileSystemConformance, OpenFilesOutliveTheirName) {
    const NodeId file = make_file(kRootNode, "f", "before");
    const HandleId handle = open_to_write(file);
    EXPECT_OK(fs().remove_file(kRootNode, "f"));
    EXPECT_FAILS(NotFound, fs().lookup(kRootNode, "f"));
    EXPECT_EQ(read(handle, 0, 100), "before");
    write(handle, 6, " and after");
    EXPECT_EQ(read(handle, 0, 100), "before and after");
    EXPECT_EQ(attributes_of(file).links, 0U);
    EXPECT_EQ(attributes_of(file).size, 16U);
    EXPECT_OK(fs().sync(handle));
    EXPECT_OK(fs().flush(handle));
    fs().release(handle);
}

TEST_P(FileSystemConformance, ANewFileUnderTheNameOfAnOpenOneIsAnother) {
    const HandleId old = open_to_write(make_file(kRootNode, "f", "old"));
    EXPECT_OK(fs().remove_file(kRootNode, "f"));
    const NodeId fresh = make_file(kRootNode, "f", "new!");
    EXPECT_EQ(read(old, 0, 100), "old");
    EXPECT_EQ(content_of(fresh), "new!");
    fs().release(old);
    EXPECT_EQ(content_of(fresh), "new!");
}

TEST_P(FileSystemConformance, ReferencedNodesKeepTheirNumber) {
    const auto file = fs().create(kRootNode, "f", 0644);
    ASSERT_TRUE(file.ok());
    write(file->handle, 0, "text");
    EXPECT_OK(fs().flush(file->handle));
    fs().release(file->handle);
    EXPECT_OK(fs().remove_file(kRootNode, "f"));
    // Still referenced once: the number names the same, nameless file.
    EXPECT_EQ(attributes_of(file->attributes.node).links, 0U);
    EXPECT_EQ(content_of(file->attributes.node), "text");
    EXPECT_NE(make_file(kRootNode, "g"), file->attributes.node);
    fs().forget(file->attributes.node, 1);
}

TEST_P(FileSystemConformance, ReferencesAddUp) {
    const auto made = fs().create(kRootNode, "f", 0644);
    ASSERT_TRUE(made.ok());
    fs().release(made->handle);
    for (int i = 0; i < 4; ++i) EXPECT_OK(fs().lookup(kRootNode, "f"));
    fs().forget(made->attributes.node, 4);
    EXPECT_OK(fs().remove_file(kRootNode, "f"));
    EXPECT_OK(fs().attributes(made->attributes.node));
    fs().forget(made->attributes.node, 1);
}

// ---- rename ----

TEST_P(FileSystemConformance, RenameMovesAnEntry) {
    const NodeId directory = make_directory(kRootNode, "d");
    const NodeId file = make_file(kRootNode, "a", "text");
    EXPECT_OK(fs().rename(kRootNode, "a", directory, "b", RenameMode::Replace));
    EXPECT_EQ(node_of(directory, "b"), file);
    EXPECT_EQ(names_in(kRootNode), (Names{"d"}));
    EXPECT_EQ(content_of(file), "text");
}

TEST_P(FileSystemConformance, RenameOverAFileReplacesItsContent) {
    const HandleId old = open_for(make_file(kRootNode, "x", "old"), {});
    make_file(kRootNode, "tmp", "new content");
    EXPECT_OK(fs().rename(kRootNode, "tmp", kRootNode, "x", RenameMode::Replace));
    EXPECT_EQ(names_in(kRootNode), (Names{"x"}));
    EXPECT_EQ(content_of(node_of(kRootNode, "x")), "new content");
    EXPECT_EQ(read(old, 0, 100), "old");
    fs().release(old);
}

TEST_P(FileSystemConformance, RenameKeepsTheNodeOfTheSource) {
    const auto source = fs().create(kRootNode, "tmp", 0640);
    ASSERT_TRUE(source.ok());
    const HandleId handle = source->handle;
    write(handle, 0, "one");
    make_file(kRootNode, "x", "old");
    EXPECT_OK(fs().rename(kRootNode, "tmp", kRootNode, "x", RenameMode::Replace));
    EXPECT_EQ(node_of(kRootNode, "x"), source->attributes.node);
    EXPECT_EQ(attributes_of(source->attributes.node).mode, 0640U);
    EXPECT_EQ(attributes_of(source->attributes.node).links, 1U);
    write(handle, 3, " two");
    EXPECT_OK(fs().flush(handle));
    fs().release(handle);
    EXPECT_EQ(content_of(node_of(kRootNode, "x")), "one two");
    fs().forget(source->attributes.node, 1);
}

TEST_P(FileSystemConformance, RenameToItselfDoesNothing) {
    const NodeId file = make_file(kRootNode, "a", "text");
    EXPECT_OK(fs().rename(kRootNode, "a", kRootNode, "a", RenameMode::Replace));
    const auto linked = fs().make_link(file, kRootNode, "b");
    ASSERT_TRUE(linked.ok());
    fs().forget(file, 1);
    EXPECT_OK(fs().rename(kRootNode, "a", kRootNode, "b", RenameMode::Replace));
    EXPECT_EQ(names_in(kRootNode), (Names{"a", "b"}));
    EXPECT_EQ(attributes_of(file).links, 2U);
}

TEST_P(FileSystemConformance, RenameOverOneOfSeveralLinksLeavesTheOthers) {
    const NodeId file = make_file(kRootNode, "a", "first");
    const auto linked = fs().make_link(file, kRootNode, "b");
    ASSERT_TRUE(linked.ok());
    fs().forget(file, 1);
    make_file(kRootNode, "c", "second");
    EXPECT_OK(fs().rename(kRootNode, "c", kRootNode, "b", RenameMode::Replace));
    EXPECT_EQ(content_of(node_of(kRootNode, "a")), "first");
    EXPECT_EQ(content_of(node_of(kRootNode, "b")), "second");
    EXPECT_EQ(attributes_of(node_of(kRootNode, "a")).links, 1U);
}

TEST_P(FileSystemConformance, RenameChecksTypes) {
    const NodeId directory = make_directory(kRootNode, "d");
    make_directory(kRootNode, "empty");
    make_file(kRootNode, "f");
    make_file(directory, "inside");
    const auto replace = RenameMode::Replace;
    EXPECT_FAILS(IsDirectory, fs().rename(kRootNode, "f", kRootNode, "d", replace));
    EXPECT_FAILS(NotDirectory, fs().rename(kRootNode, "d", kRootNode, "f", replace));
    EXPECT_FAILS(NotEmpty, fs().rename(kRootNode, "empty", kRootNode, "d", replace));
    EXPECT_FAILS(NotFound, fs().rename(kRootNode, "x", kRootNode, "y", replace));
    EXPECT_OK(fs().rename(kRootNode, "d", kRootNode, "empty", replace));
    EXPECT_EQ(names_in(kRootNode), (Names{"empty", "f"}));
    EXPECT_EQ(names_in(directory), (Names{"inside"}));
}

TEST_P(FileSystemConformance, RenameIntoItselfIsInvalid) {
    const NodeId top = make_directory(kRootNode, "top");
    const NodeId below = make_directory(top, "below");
    const auto replace = RenameMode::Replace;
    EXPECT_FAILS(Invalid, fs().rename(kRootNode, "top", top, "x", replace));
    EXPECT_FAILS(Invalid, fs().rename(kRootNode, "top", below, "x", replace));
    EXPECT_FAILS(NotEmpty, fs().rename(top, "below", kRootNode, "top", replace));
}

TEST_P(FileSystemConformance, NoReplaceRefusesATakenName) {
    make_file(kRootNode, "a", "a");
    make_file(kRootNode, "b", "b");
    const auto mode = RenameMode::NoReplace;
    EXPECT_FAILS(Exists, fs().rename(kRootNode, "a", kRootNode, "b", mode));
    EXPECT_FAILS(NotFound, fs().rename(kRootNode, "x", kRootNode, "y", mode));
    EXPECT_OK(fs().rename(kRootNode, "a", kRootNode, "c", mode));
    EXPECT_EQ(names_in(kRootNode), (Names{"b", "c"}));
}

TEST_P(FileSystemConformance, ExchangeSwapsFilesAndDirectories) {
    const NodeId directory = make_directory(kRootNode, "d");
    const NodeId inside = make_file(directory, "inside", "text");
    const NodeId file = make_file(kRootNode, "f", "file");
    EXPECT_OK(fs().rename(kRootNode, "d", kRootNode, "f", RenameMode::Exchange));
    EXPECT_EQ(node_of(kRootNode, "f"), directory);
    EXPECT_EQ(node_of(kRootNode, "d"), file);
    EXPECT_EQ(node_of(directory, "inside"), inside);
    const auto exchange = RenameMode::Exchange;
    EXPECT_FAILS(NotFound, fs().rename(kRootNode, "d", kRootNode, "x", exchange));
    EXPECT_FAILS(Invalid, fs().rename(kRootNode, "f", directory, "inside", exchange));
    EXPECT_FAILS(Invalid, fs().rename(directory, "inside", kRootNode, "f", exchange));
}

// ---- the rest ----

TEST_P(FileSystemConformance, SpaceMakesSense) {
    const auto space = fs().space();
    ASSERT_TRUE(space.ok());
    EXPECT_GT(space->block_size, 0U);
    EXPECT_LE(space->blocks_free, space->blocks_total);
    EXPECT_LE(space->blocks_available, space->blocks_free);
}

TEST_P(FileSystemConformance, AReopenedFileSystemHasEverything) {
    const NodeId directory = make_directory(kRootNode, "d");
    const NodeId file = make_file(directory, "f", "content");
    EXPECT_OK(fs().set_xattr(file, "user.a", as_bytes("v"), XattrMode::Set));
    AttributeChange change;
    change.mode = 0751;
    change.modified_ns = 42;
    EXPECT_OK(fs().set_attributes(file, change, {}));
    const auto link = fs().make_symlink(directory, "l", "target");
    ASSERT_TRUE(link.ok());
    const auto second = fs().make_link(file, kRootNode, "g");
    ASSERT_TRUE(second.ok());
    if (!reopen()) GTEST_SKIP() << "stores nothing";

    const NodeId again = node_of(kRootNode, "d");
    EXPECT_EQ(names_in(again), (Names{"f", "l"}));
    const NodeId found = node_of(again, "f");
    EXPECT_EQ(node_of(kRootNode, "g"), found);
    EXPECT_EQ(content_of(found), "content");
    EXPECT_EQ(attributes_of(found).mode, 0751U);
    EXPECT_EQ(attributes_of(found).modified_ns, 42);
    EXPECT_EQ(attributes_of(found).links, 2U);
    const auto value = fs().get_xattr(found, "user.a");
    ASSERT_TRUE(value.ok());
    EXPECT_EQ(as_text(*value), "v");
    const auto target = fs().read_symlink(node_of(again, "l"));
    ASSERT_TRUE(target.ok());
    EXPECT_EQ(*target, "target");
}

}  // namespace lockstep
