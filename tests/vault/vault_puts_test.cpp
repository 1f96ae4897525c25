// Content put under names by a consumer that keeps copies: what it replaces and removes is exactly
// what it had seen, whatever a merge or a mount has done since.
#include <cstring>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/vault_device.h"

namespace lockstep {
namespace {

using Tree = std::map<std::string, std::string>;

std::string random_text(std::size_t size, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::string text(size, ' ');
    for (std::size_t at = 0; at + 8 <= size; at += 8) {
        const std::uint64_t word = random();
        std::memcpy(text.data() + at, &word, 8);
    }
    return text;
}

class VaultPutsTest : public testing::Test {
  protected:
    VaultPutsTest() {
        EXPECT_TRUE(laptop.found().ok());
        EXPECT_TRUE(desk.join(laptop).ok());
    }

    FileSystem& files() { return laptop.vault().files(); }
    HandleId content(std::string_view text) {
        const auto handle = files().open_unnamed();
        EXPECT_TRUE(handle.ok());
        constexpr std::size_t kStep = 1 << 20;
        for (std::size_t at = 0; at < text.size(); at += kStep)
            EXPECT_TRUE(files().write(*handle, at, as_bytes(text.substr(at, kStep))).ok());
        return *handle;
    }
    Result<PutOutcome> put_file(const std::string& name, std::string_view text) {
        const HandleId handle = content(text);
        auto put = files().put_file(handle, kRootNode, name, {.mode = 0600, .modified_ns = 5});
        files().release(handle);
        return put;
    }
    Result<PutOutcome> put_version(const PutOutcome& seen, std::string_view text) {
        const HandleId handle = content(text);
        auto put = files().put_version(handle, seen.node, seen.version, {});
        files().release(handle);
        return put;
    }
    NodeId held(const std::string& name) { return *laptop.node(name); }
    void exchange() {
        for (VaultDevice* each : {&laptop, &desk}) {
            clock.advance(std::chrono::seconds(1));
            EXPECT_TRUE(each->publish().ok());
        }
        EXPECT_TRUE(laptop.pull(desk).ok());
        EXPECT_TRUE(desk.pull(laptop).ok());
    }

    // Of packs, by segments that came after `before`.
    std::uint64_t introduced_bytes(const Frontier& before) {
        Replica& replica = *laptop.vault().replica();
        std::uint64_t bytes = 0;
        for (const auto& [log, position] : replica.frontier()) {
            const auto known = before.find(log);
            std::uint64_t number = known == before.end() ? 0 : known->second.number;
            while (++number <= position.number)
                for (const PackInfo& pack : replica.packs_of({log, number}).value_or({}))
                    bytes += pack.length;
        }
        return bytes;
    }

    FakeClock clock;
    VaultDevice laptop{"laptop", 1, clock}, desk{"desk", 2, clock};
};

TEST_F(VaultPutsTest, AFileIsThereAtOnceAndWhole) {
    const HandleId handle = content("text");
    EXPECT_EQ(laptop.tree(), Tree());
    const auto put = files().put_file(handle, kRootNode, "a", {.mode = 06755, .modified_ns = 77});
    files().release(handle);
    ASSERT_TRUE(put.ok());
    EXPECT_EQ(laptop.tree(), (Tree{{"a", "text"}}));
    const NodeId node = held("a");
    EXPECT_EQ(node, put->node);
    EXPECT_EQ(*files().version(node), put->version);
    EXPECT_EQ(files().attributes(node)->mode, 0755U);
    EXPECT_EQ(files().attributes(node)->modified_ns, 77);
    EXPECT_EQ(put_file("a", "x").error().kind, ErrorKind::Exists);
}

// Others fetch while it goes on.
TEST_F(VaultPutsTest, ALongWriteIntroducesItsPacksBeforeItEnds) {
    ASSERT_TRUE(laptop.publish().ok());
    const Frontier before = laptop.vault().replica()->frontier();
    const auto handle = files().open_unnamed();
    ASSERT_TRUE(handle.ok());
    std::mt19937_64 random(5);
    std::string block(1 << 20, ' ');
    for (std::uint64_t i = 0; i < 100; ++i) {
        for (std::size_t at = 0; at < block.size(); at += 8) {
            const std::uint64_t word = random();
            std::memcpy(block.data() + at, &word, 8);
        }
        ASSERT_TRUE(files().write(*handle, i << 20, as_bytes(block)).ok());
    }
    // Packs are written on workers.
    while (!laptop.vault().publish_due()) std::this_thread::yield();
    ASSERT_TRUE(laptop.publish().ok());
    std::uint64_t bytes = 0;
    for (const auto& [log, position] : laptop.vault().replica()->frontier()) {
        const auto known = before.find(log);
        std::uint64_t number = known == before.end() ? 0 : known->second.number;
        while (++number <= position.number)
            for (const PackInfo& pack :
                 laptop.vault().replica()->packs_of({log, number}).value_or({}))
                bytes += pack.length;
    }
    EXPECT_GE(bytes, std::uint64_t{64} << 20);
    EXPECT_EQ(laptop.tree(), Tree());
    ASSERT_TRUE(files().put_file(*handle, kRootNode, "a", {.mode = 0600, .modified_ns = 5}).ok());
    files().release(*handle);
    ASSERT_TRUE(laptop.publish().ok());
    ASSERT_TRUE(laptop.kill_and_reopen().ok());
    EXPECT_EQ(laptop.read("a")->size(), std::size_t{100} << 20);
}

TEST_F(VaultPutsTest, AnInsertIntroducesLittleMoreThanWhatIsNew) {
    const std::string old = random_text(96 << 20, 11);
    const HandleId first = content(old);
    const auto put = files().put_file(first, kRootNode, "a", {.mode = 0600, .modified_ns = 5});
    files().release(first);
    ASSERT_TRUE(put.ok());
    held("a");
    ASSERT_TRUE(laptop.publish().ok());
    const Frontier before = laptop.vault().replica()->frontier();
    ASSERT_TRUE(put_version(*put, random_text(1 << 20, 12) + old).ok());
    ASSERT_TRUE(laptop.publish().ok());
    EXPECT_LE(introduced_bytes(before), std::uint64_t{3} << 19);
}

TEST_F(VaultPutsTest, ADamagedPackIsMissingUntilItComesAgain) {
    std::string text(500'000, ' ');
    std::mt19937 random(9);
    for (char& c : text) c = static_cast<char>(random());
    ASSERT_TRUE(laptop.write("a", text).ok());
    exchange();
    ASSERT_EQ(*desk.read("a"), text);
    Replica& replica = *desk.vault().replica();
    ASSERT_TRUE(replica.missing_packs().empty());
    // Bit rot in every pack that desk has got.
    std::vector<PackInfo> packs;
    for (const auto& [log, position] : replica.frontier())
        for (std::uint64_t number = 1; number <= position.number; ++number)
            for (const PackInfo& pack : replica.packs_of({log, number}).value_or({}))
                packs.push_back(pack);
    ASSERT_FALSE(packs.empty());
    ASSERT_TRUE(desk.kill_and_reopen().ok());
    for (const PackInfo& pack : packs) {
        const auto path = desk.vault().replica()->pack_path(pack.id);
        Bytes bytes = *desk.disk().read_file(path, kPackSizeMax);
        for (std::size_t at = 1000; at < bytes.size(); at += 5000) bytes[at] ^= std::byte{1};
        ASSERT_TRUE(desk.disk().write_file_durably(path, bytes).ok());
    }
    EXPECT_FALSE(desk.read("a").ok());
    ASSERT_FALSE(desk.vault().replica()->missing_packs().empty());
    EXPECT_FALSE(desk.vault().replica()->has_pack(packs.back().id));
    ASSERT_TRUE(desk.pull(laptop).ok());
    EXPECT_TRUE(desk.vault().replica()->missing_packs().empty());
    const auto again = desk.read("a");
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_EQ(*again, text);
}

TEST_F(VaultPutsTest, WhatWasPutSurvivesAPowerCutAfterSync) {
    const std::string big(300'000, 'b');
    ASSERT_TRUE(put_file("big", big).ok());
    ASSERT_TRUE(files().sync_metadata().ok());
    ASSERT_TRUE(laptop.crash_and_reopen(3).ok());
    EXPECT_EQ(laptop.tree(), (Tree{{"big", big}}));
}

TEST_F(VaultPutsTest, UnnamedContentThatIsReleasedIsGone) {
    files().release(content("text"));
    EXPECT_EQ(laptop.tree(), Tree());
    EXPECT_TRUE(laptop.vault().lock(false).ok()) << "nothing is open";
}

TEST_F(VaultPutsTest, AVersionReplacesWhatWasSeen) {
    const PutOutcome first = *put_file("a", "one");
    const NodeId node = held("a");
    const PutOutcome second = *put_version(first, "two");
    EXPECT_NE(second.version, first.version);
    EXPECT_EQ(laptop.tree(), (Tree{{"a", "two"}}));
    const PutOutcome same = *put_version(second, "two");
    EXPECT_EQ(same.version, second.version) << "equal content is no new version";
    EXPECT_EQ(*files().version(node), second.version);
    exchange();
    EXPECT_EQ(desk.tree(), (Tree{{"a", "two"}}));
}

TEST_F(VaultPutsTest, AVersionBesideOneThatWasNotSeenIsAConflict) {
    const PutOutcome first = *put_file("a", "one");
    held("a");
    exchange();
    ASSERT_TRUE(desk.write("a", "of the desk").ok());
    exchange();
    ASSERT_EQ(laptop.tree(), (Tree{{"a", "of the desk"}}));
    clock.advance(std::chrono::seconds(1));
    ASSERT_TRUE(put_version(first, "of the folder").ok());
    exchange();
    for (VaultDevice* each : {&laptop, &desk}) {
        std::set<std::string> contents;
        for (const auto& [name, text] : each->tree()) contents.insert(text);
        EXPECT_EQ(contents, (std::set<std::string>{"of the desk", "of the folder"}));
        EXPECT_EQ(each->vault().conflicts().size(), 1U);
    }
}

TEST_F(VaultPutsTest, AnOpenHandleDoesNotReplaceWhatItHasNotSeen) {
    const PutOutcome first = *put_file("a", "one");
    const NodeId node = held("a");
    const HandleId mount = *files().open(node, {.read = true, .write = true});
    ASSERT_TRUE(files().write(mount, 0, as_bytes("of the mount")).ok());
    EXPECT_EQ(files().version(node).error().kind, ErrorKind::Busy);
    ASSERT_TRUE(put_version(first, "of the folder").ok());
    ASSERT_TRUE(files().flush(mount).ok());
    files().release(mount);
    std::set<std::string> contents;
    for (const auto& [name, text] : laptop.tree()) contents.insert(text);
    EXPECT_EQ(contents, (std::set<std::string>{"of the mount", "of the folder"}));
    const Tree before = laptop.tree();
    exchange();
    EXPECT_EQ(laptop.tree(), desk.tree());
    EXPECT_EQ(laptop.tree(), before);
}

// For the journal a later version of this device is the end of a write (journal/JOURNAL.md):
// neither one that comes after an fsync nor one that came before it may be taken for that.
TEST_F(VaultPutsTest, WhatAHandleHasSyncedSurvivesAPutBesideIt) {
    const std::string text = random_text(20'000, 3);
    for (const bool is_put_first : {false, true}) {
        SCOPED_TRACE(is_put_first);
        const std::string name = is_put_first ? "first" : "then";
        const auto put = put_file(name, text);
        ASSERT_TRUE(put.ok());
        const auto handle = files().open(held(name), {.read = true, .write = true});
        ASSERT_TRUE(handle.ok());
        ASSERT_TRUE(files().write(*handle, 100, as_bytes("from the handle")).ok());
        if (!is_put_first) {
            ASSERT_TRUE(files().sync(*handle).ok());
        }
        ASSERT_TRUE(put_version(*put, "put").ok());
        if (is_put_first) {
            ASSERT_TRUE(files().sync(*handle).ok());
        }
        ASSERT_TRUE(files().sync_metadata().ok());
        ASSERT_TRUE(laptop.lose_power().ok());
        std::string synced = text;
        synced.replace(100, 15, "from the handle");
        std::size_t found = 0;
        for (const auto& [path, content] : laptop.tree()) found += content == synced ? 1U : 0U;
        EXPECT_EQ(found, 1U) << "what was synced is there, under its name or as a conflict";
        for (const auto& [path, content] : laptop.tree()) EXPECT_TRUE(laptop.remove(path).ok());
    }
}

TEST_F(VaultPutsTest, OnlyTheVersionThatWasSeenIsRemoved) {
    const PutOutcome first = *put_file("a", "one");
    const PutOutcome other = *put_file("b", "other");
    held("a");
    ASSERT_TRUE(put_version(first, "two").ok());
    const auto remove = [&](NodeId node, const VersionId& seen) {
        return files().remove_version(kRootNode, "a", node, seen);
    };
    EXPECT_EQ(remove(first.node, first.version).error().kind, ErrorKind::Conflict);
    EXPECT_EQ(remove(other.node, other.version).error().kind, ErrorKind::Conflict);
    EXPECT_TRUE(remove(first.node, *files().version(first.node)).ok());
    EXPECT_EQ(laptop.tree(), (Tree{{"b", "other"}}));
    EXPECT_EQ(remove(first.node, first.version).error().kind, ErrorKind::NotFound);
}

TEST_F(VaultPutsTest, WhoHoldsTheDirectoryHearsOfAttributesOfWhatIsInIt) {
    struct Observer final : ChangeObserver {
        std::set<std::string> names;
        void node_changed(NodeId) override {}
        void entry_changed(NodeId, const std::string& name) override { names.insert(name); }
    } observer;
    ASSERT_TRUE(put_file("a", "one").ok());
    exchange();
    AttributeChange change;
    change.mode = 0777;
    ASSERT_TRUE(desk.vault().files().set_attributes(*desk.node("a"), change, std::nullopt).ok());
    files().add_observer(observer);
    exchange();
    files().remove_observer(observer);
    EXPECT_TRUE(observer.names.contains("a"));
}

}  // namespace
}  // namespace lockstep
