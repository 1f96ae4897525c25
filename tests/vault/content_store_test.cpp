#include "vault/chunks/content_store.h"

#include <gtest/gtest.h>

#include "tests/vault/packs_samples.h"
#include "vault/chunks/content_node.h"

namespace lockstep {
namespace {

ChunkId numbered(std::uint64_t number) {
    return sample_ids().chunk_id(std::as_bytes(std::span(&number, 1)));
}

std::vector<Extent> many_extents(std::size_t count, std::uint64_t length = 64 * kKiB) {
    std::vector<Extent> out;
    for (std::size_t i = 0; i < count; ++i) out.push_back({.chunk = numbered(i), .length = length});
    return out;
}

ContentList list_of(std::vector<Extent> extents) {
    return *ContentList::from(std::move(extents));
}

Content store(const ContentList& list, MapChunks& chunks) {
    return *store_content(sample_ids(), list, chunks);
}

// Stores a node as somebody would who keeps no rule.
ChunkId plant(const ContentNode& node, MapChunks& chunks) {
    Bytes bytes = encode_content_node(node);
    ChunkId id = sample_ids().list_node_id(bytes);
    chunks.objects[id] = bytes;
    return id;
}

Content list_content(const ChunkId& root, std::uint64_t size, std::uint8_t depth) {
    return {.kind = Content::Kind::List,
            .size = size,
            .root = ContentRoot::from(root.view()),
            .depth = depth,
            .inline_bytes = {}};
}

ErrorKind load_error(const Content& content, MapChunks& chunks) {
    auto loaded = load_content(sample_ids(), content, chunks);
    return loaded.ok() ? ErrorKind::Exists : loaded.error().kind;
}

TEST(ContentStoreTest, WhatWasStoredLoads) {
    for (std::size_t count : {2U, 3U, 127U, 128U, 129U, 1000U, 5000U, 200'000U}) {
        MapChunks chunks;
        std::vector<Extent> extents = many_extents(count);
        extents[count / 2] = Extent::hole(1'000'000);
        ContentList list = list_of(extents);
        Content content = store(list, chunks);
        EXPECT_EQ(content.kind, Content::Kind::List);
        EXPECT_EQ(content.size, list.size());
        auto loaded = load_content(sample_ids(), content, chunks);
        ASSERT_TRUE(loaded.ok()) << loaded.error().message;
        EXPECT_EQ(*loaded, list);
        EXPECT_EQ(store(*loaded, chunks), content);
    }
}

TEST(ContentStoreTest, SmallContentsNeedNoList) {
    MapChunks chunks;
    Content empty = store(ContentList(), chunks);
    EXPECT_EQ(empty.kind, Content::Kind::Inline);
    EXPECT_EQ(empty, inline_content(sample_ids(), {}));
    EXPECT_EQ(load_content(sample_ids(), empty, chunks)->size(), 0U);

    Content single = store(list_of(many_extents(1)), chunks);
    EXPECT_EQ(single.kind, Content::Kind::Chunk);
    EXPECT_EQ(to_bytes(single.root.view()), to_bytes(numbered(0).view()));
    EXPECT_EQ(load_content(sample_ids(), single, chunks)->extents(), many_extents(1));
    EXPECT_EQ(chunks.puts + chunks.gets, 0U);

    EXPECT_EQ(store(list_of({Extent::hole(5)}), chunks).kind, Content::Kind::List);
}

TEST(ContentStoreTest, InlineContentHasNoList) {
    MapChunks chunks;
    EXPECT_EQ(load_error(inline_content(sample_ids(), as_bytes("text")), chunks),
              ErrorKind::Invalid);
}

TEST(ContentStoreTest, ASmallChangeRewritesAPath) {
    MapChunks chunks;
    ContentList list = list_of(many_extents(500'000));
    Content before = store(list, chunks);
    std::size_t nodes = chunks.puts;
    EXPECT_GT(nodes, 300U);
    ASSERT_TRUE(list.replace(100'000 * 64 * kKiB, 64 * kKiB,
                             {{.chunk = numbered(9'999'999), .length = 64 * kKiB}})
                    .ok());
    chunks.puts = 0;
    Content after = store(list, chunks);
    EXPECT_NE(after.root, before.root);
    EXPECT_LE(chunks.puts, 2 * static_cast<std::size_t>(after.depth));
    // An insertion shifts everything behind it and yet rewrites no more.
    ASSERT_TRUE(list.replace(0, 0, {{.chunk = numbered(8'888'888), .length = 20'000}}).ok());
    chunks.puts = 0;
    store(list, chunks);
    EXPECT_LE(chunks.puts, 2 * static_cast<std::size_t>(after.depth));
}

TEST(ContentStoreTest, AHugeSparseFileIsOneNode) {
    MapChunks chunks;
    ContentList list;
    ASSERT_TRUE(list.resize(100ULL << 30).ok());
    ASSERT_TRUE(list.replace(50ULL << 30, 4096, {{.chunk = numbered(1), .length = 4096}}).ok());
    Content content = store(list, chunks);
    EXPECT_EQ(content.depth, 1);
    EXPECT_EQ(chunks.puts, 1U);
    EXPECT_EQ(*load_content(sample_ids(), content, chunks), list);
    EXPECT_EQ(chunks.gets, 1U);
}

TEST(ContentStoreTest, OneChunkRepeatedWithoutEndStaysShallow) {
    // The id is one that ends nodes wherever it may.
    ChunkId id = numbered(0);
    id.bytes[0] = id.bytes[1] = std::byte{0};
    MapChunks chunks;
    ContentList list = list_of(std::vector<Extent>(300'000, {.chunk = id, .length = 1000}));
    Content content = store(list, chunks);
    EXPECT_LE(content.depth, 3);
    EXPECT_EQ(*load_content(sample_ids(), content, chunks), list);
}

TEST(ContentStoreTest, VisitsEveryObjectThatTheContentNeeds) {
    struct Visits final : ContentVisitor {
        void visit(ChunkKind kind, const ChunkId& id) override { seen.emplace_back(kind, id); }
        std::vector<std::pair<ChunkKind, ChunkId>> seen;
    };
    MapChunks chunks;
    std::vector<Extent> extents = many_extents(3000);
    extents.push_back(Extent::hole(10));
    Content content = store(list_of(extents), chunks);
    Visits visits;
    ASSERT_TRUE(visit_content(sample_ids(), content, chunks, visits).ok());
    std::size_t nodes = 0;
    for (auto& [kind, id] : visits.seen) {
        EXPECT_EQ(chunks.objects.contains(id), kind == ChunkKind::ListNode);
        if (kind == ChunkKind::ListNode) ++nodes;
    }
    EXPECT_EQ(nodes, chunks.objects.size());
    EXPECT_EQ(visits.seen.size(), nodes + 3000);
}

TEST(ContentStoreTest, MissingAndExchangedNodesAreRefused) {
    MapChunks chunks;
    Content content = store(list_of(many_extents(5000)), chunks);
    for (auto& [id, bytes] : MapChunks(chunks).objects) {
        MapChunks missing = chunks;
        missing.objects.erase(id);
        EXPECT_EQ(load_error(content, missing), ErrorKind::Unavailable);
        for (auto& [other, other_bytes] : chunks.objects) {
            if (other == id) continue;
            MapChunks exchanged = chunks;
            exchanged.objects[id] = other_bytes;
            EXPECT_EQ(load_error(content, exchanged), ErrorKind::Corrupt);
        }
        MapChunks flipped = chunks;
        flipped.objects[id].back() ^= std::byte{1};
        EXPECT_EQ(load_error(content, flipped), ErrorKind::Corrupt);
    }
}

TEST(ContentStoreTest, LyingSizesAndDepthsAreRefused) {
    MapChunks chunks;
    Content content = store(list_of(many_extents(5000)), chunks);
    Content other = content;
    ++other.size;
    EXPECT_EQ(load_error(other, chunks), ErrorKind::Corrupt);
    other = content;
    ++other.depth;
    EXPECT_EQ(load_error(other, chunks), ErrorKind::Corrupt);
    other = content;
    --other.depth;
    EXPECT_EQ(load_error(other, chunks), ErrorKind::Corrupt);
    other = content;
    other.inline_bytes = Bytes(1);
    EXPECT_EQ(load_error(other, chunks), ErrorKind::Corrupt);
}

TEST(ContentStoreTest, ListsInAnotherThanTheOneFormAreRefused) {
    MapChunks chunks;
    ContentNodeEntry one{.id = numbered(1), .length = 10};
    ContentNodeEntry two{.id = numbered(2), .length = 10};
    ContentNodeEntry hole{.id = {}, .length = 10};
    // One chunk needs no list.
    EXPECT_EQ(load_error(list_content(plant({1, {one}}, chunks), 10, 1), chunks),
              ErrorKind::Corrupt);
    // Two nodes where one would do.
    ContentNodeEntry left{.id = plant({1, {one}}, chunks), .length = 10};
    ContentNodeEntry right{.id = plant({1, {two}}, chunks), .length = 10};
    EXPECT_EQ(load_error(list_content(plant({2, {left, right}}, chunks), 20, 2), chunks),
              ErrorKind::Corrupt);
    // A level that is not needed.
    ContentNodeEntry both{.id = plant({1, {one, two}}, chunks), .length = 20};
    EXPECT_EQ(load_error(list_content(plant({2, {both}}, chunks), 20, 2), chunks),
              ErrorKind::Corrupt);
    EXPECT_EQ(load_error(list_content(both.id, 20, 1), chunks), ErrorKind::Exists)
        << "this one is right";
    // Holes side by side, holes above the lowest level, a node of another level.
    EXPECT_EQ(load_error(list_content(plant({1, {hole, hole}}, chunks), 20, 1), chunks),
              ErrorKind::Corrupt);
    EXPECT_EQ(load_error(list_content(plant({2, {both, hole}}, chunks), 30, 2), chunks),
              ErrorKind::Corrupt);
    EXPECT_EQ(load_error(list_content(plant({2, {one, two}}, chunks), 20, 1), chunks),
              ErrorKind::Corrupt);
}

TEST(ContentNodeTest, DecodesWhatWasEncodedAndNothingElse) {
    ContentNode node{.level = 2, .entries = {{numbered(1), 70'000'000}, {numbered(2), 5}}};
    Bytes bytes = encode_content_node(node);
    EXPECT_EQ(*decode_content_node(bytes), node);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(decode_content_node(ByteView(bytes).first(size)).ok());
    }
    Bytes longer = bytes;
    longer.push_back(std::byte{0});
    EXPECT_FALSE(decode_content_node(longer).ok());
    longer = bytes;
    longer[0] = std::byte{2};
    EXPECT_EQ(decode_content_node(longer).error().kind, ErrorKind::Unsupported);
    for (int level : {0, static_cast<int>(kContentDepthMax) + 1, 255}) {
        longer = bytes;
        longer[1] = static_cast<std::byte>(level);
        EXPECT_EQ(decode_content_node(longer).error().kind, ErrorKind::Corrupt);
    }
}

TEST(ContentNodeTest, LengthsThatCannotBeAreRefused) {
    auto refused = [](ContentNode node) {
        return !decode_content_node(encode_content_node(node)).ok();
    };
    EXPECT_TRUE(refused({1, {{numbered(1), 0}}}));
    EXPECT_TRUE(refused({1, {{numbered(1), kChunkSizeMax + 1}}}));
    EXPECT_FALSE(refused({1, {{numbered(1), kChunkSizeMax}}}));
    EXPECT_TRUE(refused({1, {{ChunkId{}, kFileSizeMax + 1}}}));
    EXPECT_TRUE(refused({1, {{ChunkId{}, kFileSizeMax}, {numbered(1), 1}}}));
    EXPECT_FALSE(refused({1, {{ChunkId{}, kFileSizeMax}}}));
}

TEST(ContentNodeTest, InnerCutsAreRefused) {
    ChunkId ends = numbered(0);
    ends.bytes[0] = ends.bytes[1] = std::byte{0};
    ContentNode node{.level = 1, .entries = std::vector<ContentNodeEntry>(128, {ends, 7})};
    EXPECT_TRUE(decode_content_node(encode_content_node(node)).ok());
    node.entries.push_back({numbered(1), 7});
    EXPECT_FALSE(decode_content_node(encode_content_node(node)).ok());
}

TEST(ContentCheckTest, InlineRootMustFitTheBytes) {
    Content content = inline_content(sample_ids(), as_bytes("hello"));
    EXPECT_TRUE(check_content(sample_ids(), content).ok());
    content.inline_bytes[0] ^= std::byte{1};
    EXPECT_FALSE(check_content(sample_ids(), content).ok());
    content = inline_content(sample_ids(), as_bytes("hello"));
    content.size = 4;
    EXPECT_FALSE(check_content(sample_ids(), content).ok());
}

// Frozen: node encoding, cuts and roots decide which contents are equal, for ever.
TEST(ContentGoldenTest, RootsNeverChange) {
    MapChunks chunks;
    std::vector<Extent> extents;
    for (int i = 1; i <= 200; ++i) {
        extents.push_back(
            {.chunk = id_of_byte<ChunkId>(i), .length = 1000U + static_cast<unsigned>(i)});
    }
    extents.push_back(Extent::hole(1 << 20));
    EXPECT_EQ(store(list_of(extents), chunks).root.to_hex(),
              "551432763ad2884f20608afd66a29f3d45fcbce37ad18735f36ec8e37b274540");
    EXPECT_EQ(inline_content(sample_ids(), as_bytes("lockstep")).root.to_hex(),
              "059ee85f5046eb2fccc5e3cf5f8177fde0194e7e03b5549a83bd589c61f2f929");
    EXPECT_EQ(sample_ids().chunk_id(as_bytes("lockstep")).to_hex(),
              "536a9649cd219d016751255864c86bc3fe0c6f1c92511034a62d5bea1a1dd8ea");
}

}  // namespace
}  // namespace lockstep
