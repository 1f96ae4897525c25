#include "vault/chunks/content_list.h"

#include <gtest/gtest.h>

#include "tests/vault/packs_samples.h"

namespace lockstep {
namespace {

Extent chunk(int id, std::uint64_t length) {
    return {.chunk = id_of_byte<ChunkId>(id), .length = length};
}
Extent hole(std::uint64_t length) {
    return Extent::hole(length);
}

using Extents = std::vector<Extent>;

TEST(ContentListTest, HolesJoinAndEmptyHolesVanish) {
    auto list = ContentList::from(
        {hole(0), hole(5), hole(6), chunk(1, 10), hole(0), chunk(2, 20), hole(1)});
    ASSERT_TRUE(list.ok());
    EXPECT_EQ(list->extents(), (Extents{hole(11), chunk(1, 10), chunk(2, 20), hole(1)}));
    EXPECT_EQ(list->size(), 42U);
    EXPECT_EQ(list->start_of(2), 21U);
    EXPECT_EQ(list->start_of(4), 42U);
}

TEST(ContentListTest, FindsTheExtentOfEveryOffset) {
    ContentList list = *ContentList::from({chunk(1, 10), hole(5), chunk(2, 20)});
    EXPECT_EQ(list.find(0), 0U);
    EXPECT_EQ(list.find(9), 0U);
    EXPECT_EQ(list.find(10), 1U);
    EXPECT_EQ(list.find(15), 2U);
    EXPECT_EQ(list.find(34), 2U);
    EXPECT_EQ(list.find(35), 3U);
    EXPECT_EQ(ContentList().find(0), 0U);
}

TEST(ContentListTest, SplitsBetweenExtentsAndInsideHolesOnly) {
    ContentList list = *ContentList::from({chunk(1, 10), hole(5), chunk(2, 20)});
    for (std::uint64_t offset : {0U, 10U, 11U, 14U, 15U, 35U})
        EXPECT_TRUE(list.may_split_at(offset)) << offset;
    for (std::uint64_t offset : {1U, 9U, 16U, 34U, 36U})
        EXPECT_FALSE(list.may_split_at(offset)) << offset;
}

TEST(ContentListTest, ReplacesARangeByAnother) {
    ContentList list = *ContentList::from({chunk(1, 10), chunk(2, 20), chunk(3, 30)});
    ASSERT_TRUE(list.replace(10, 20, {chunk(4, 5), chunk(5, 6)}).ok());
    EXPECT_EQ(list.extents(), (Extents{chunk(1, 10), chunk(4, 5), chunk(5, 6), chunk(3, 30)}));
    ASSERT_TRUE(list.replace(10, 11, {}).ok());
    EXPECT_EQ(list.extents(), (Extents{chunk(1, 10), chunk(3, 30)}));
    EXPECT_EQ(list.size(), 40U);
}

TEST(ContentListTest, WritesIntoTheMiddleOfAHole) {
    ContentList list = *ContentList::from({hole(100)});
    ASSERT_TRUE(list.replace(40, 10, {chunk(1, 10)}).ok());
    EXPECT_EQ(list.extents(), (Extents{hole(40), chunk(1, 10), hole(50)}));
    ASSERT_TRUE(list.replace(20, 0, {chunk(2, 7)}).ok());
    EXPECT_EQ(list.extents(), (Extents{hole(20), chunk(2, 7), hole(20), chunk(1, 10), hole(50)}));
    ASSERT_TRUE(list.punch_hole(20, 7).ok());
    EXPECT_EQ(list.extents(), (Extents{hole(47), chunk(1, 10), hole(50)}));
}

TEST(ContentListTest, ResizesAtBoundariesAndByHoles) {
    ContentList list = *ContentList::from({chunk(1, 10), chunk(2, 20)});
    EXPECT_FALSE(list.resize(11).ok());
    ASSERT_TRUE(list.resize(10).ok());
    EXPECT_EQ(list.extents(), (Extents{chunk(1, 10)}));
    ASSERT_TRUE(list.resize(25).ok());
    ASSERT_TRUE(list.resize(20).ok());
    EXPECT_EQ(list.extents(), (Extents{chunk(1, 10), hole(10)}));
    ASSERT_TRUE(list.resize(0).ok());
    EXPECT_TRUE(list.extents().empty());
}

TEST(ContentListTest, PunchesBeyondTheEnd) {
    ContentList list = *ContentList::from({chunk(1, 10)});
    ASSERT_TRUE(list.punch_hole(20, 5).ok());
    EXPECT_EQ(list.extents(), (Extents{chunk(1, 10), hole(15)}));
    ASSERT_TRUE(list.punch_hole(0, 100).ok());
    EXPECT_EQ(list.extents(), (Extents{hole(100)}));
    ASSERT_TRUE(list.punch_hole(200, 0).ok());
    EXPECT_EQ(list.size(), 100U);
}

TEST(ContentListTest, RefusesWhatIsNoContentAndStaysAsItWas) {
    ContentList list = *ContentList::from({chunk(1, 10), chunk(2, 20)});
    const ContentList before = list;
    EXPECT_FALSE(list.replace(5, 5, {}).ok());
    EXPECT_FALSE(list.replace(0, 31, {}).ok());
    EXPECT_FALSE(list.replace(31, 0, {}).ok());
    EXPECT_FALSE(list.replace(0, ~std::uint64_t{0}, {}).ok());
    EXPECT_FALSE(list.append(chunk(3, 0)).ok());
    EXPECT_FALSE(list.append(chunk(3, kChunkSizeMax + 1)).ok());
    EXPECT_FALSE(list.append(hole(kFileSizeMax + 1)).ok());
    EXPECT_FALSE(list.append(hole(kFileSizeMax - 29)).ok());
    EXPECT_FALSE(list.punch_hole(0, kFileSizeMax + 1).ok());
    EXPECT_FALSE(list.punch_hole(~std::uint64_t{0}, 2).ok());
    EXPECT_EQ(list, before);
    EXPECT_EQ(list.size(), 30U);
    EXPECT_TRUE(list.append(hole(kFileSizeMax - 30)).ok());
    EXPECT_TRUE(list.append(hole(0)).ok());
}

// Random edits on the list and on a plain array of "which chunk shows at this byte"; both must
// agree.
TEST(ContentListTest, AgreesWithAnArrayOfBytesUnderRandomEdits) {
    SeededRandom random(1);
    for (int round = 0; round < 200; ++round) {
        ContentList list;
        std::vector<int> model;  // per byte: 0 hole, else the chunk
        int next_chunk = 1;
        for (int step = 0; step < 40; ++step) {
            std::uint64_t from = random.below(model.size() + 1);
            std::uint64_t to = from + random.below(model.size() - from + 1);
            while (!list.may_split_at(from)) --from;
            while (!list.may_split_at(to)) ++to;
            Extents extents;
            std::vector<int> bytes;
            for (std::uint64_t n = random.below(4); n > 0; --n) {
                std::uint64_t length = 1 + random.below(9);
                int id = random.chance(30) ? 0 : next_chunk++ % 250 + 1;
                extents.push_back(id == 0 ? hole(length) : chunk(id, length));
                bytes.insert(bytes.end(), length, id);
            }
            ASSERT_TRUE(list.replace(from, to - from, extents).ok());
            auto at = model.erase(model.begin() + static_cast<std::ptrdiff_t>(from),
                                  model.begin() + static_cast<std::ptrdiff_t>(to));
            model.insert(at, bytes.begin(), bytes.end());
            ASSERT_EQ(list.size(), model.size());
            for (std::uint64_t offset = 0; offset < model.size(); ++offset) {
                const Extent& extent = list.extents()[list.find(offset)];
                int expected = model[offset];
                ASSERT_EQ(extent.chunk, expected == 0 ? ChunkId{} : id_of_byte<ChunkId>(expected));
            }
            ASSERT_EQ(*ContentList::from(list.extents()), list) << "not in normal form";
        }
    }
}

}  // namespace
}  // namespace lockstep
