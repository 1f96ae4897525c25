#include <algorithm>

#include <gtest/gtest.h>

#include "tests/vault/packs_samples.h"
#include "vault/chunks/chunker.h"

namespace lockstep {
namespace {

GearTable sample_table() {
    return make_gear_table(key_of_byte<ChunkerSeed>(4));
}

std::vector<std::size_t> cuts_of(const Chunker& chunker, ByteView data) {
    std::vector<std::size_t> cuts;
    std::size_t at = 0;
    while (at < data.size()) {
        std::size_t length = chunker.cut(data.subspan(at), true);
        EXPECT_GT(length, 0U);
        cuts.push_back(at += length);
    }
    return cuts;
}

// The definition of vault/FORMAT.md, one byte at a step.
std::size_t cut_by_definition(const GearTable& gear, ByteView data) {
    std::size_t end = std::min(data.size(), kChunkSizeMax);
    std::uint64_t hash = 0;
    for (std::size_t i = kChunkSizeMin; i < end; ++i) {
        hash = 2 * hash + gear[std::to_integer<std::size_t>(data[i])];
        unsigned zeros = i < kChunkSizeNormal ? 18 : 14;
        if (((hash << 1) >> (64 - zeros)) == 0) return i + 1;
    }
    return end;
}

TEST(ChunkerTest, FilesUpToTheMinimumAreOneChunk) {
    Chunker chunker(sample_table());
    SeededRandom random(1);
    for (std::size_t size : {std::size_t{1}, std::size_t{2}, kChunkSizeMin - 1, kChunkSizeMin}) {
        Bytes data = random.bytes(size);
        EXPECT_EQ(chunker.cut(data, true), size);
        EXPECT_EQ(chunker.cut(data, false), 0U);
    }
    EXPECT_EQ(chunker.cut({}, true), 0U);
}

TEST(ChunkerTest, CutsAreThoseOfTheDefinition) {
    GearTable table = sample_table();
    Chunker chunker(table);
    SeededRandom random(2);
    Bytes data = random.bytes(6 * kMiB + 1);
    for (std::size_t at = 0; at < data.size();) {
        std::size_t length = chunker.cut(ByteView(data).subspan(at), true);
        ASSERT_EQ(length, cut_by_definition(table, ByteView(data).subspan(at))) << at;
        at += length;
    }
}

TEST(ChunkerTest, LengthsKeepTheLimitsAndTheirMeanIsNearTheAverage) {
    Chunker chunker(sample_table());
    SeededRandom random(3);
    Bytes data = random.bytes(32 * kMiB);
    std::vector<std::size_t> cuts = cuts_of(chunker, data);
    std::size_t start = 0;
    for (std::size_t cut : cuts) {
        EXPECT_LE(cut - start, kChunkSizeMax);
        EXPECT_TRUE(cut == data.size() || cut - start > kChunkSizeMin);
        start = cut;
    }
    std::size_t mean = data.size() / cuts.size();
    EXPECT_GT(mean, 60 * kKiB);
    EXPECT_LT(mean, 68 * kKiB);
}

TEST(ChunkerTest, ContentWithoutCutsIsCutAtTheMaximum) {
    Chunker chunker(sample_table());
    Bytes zeros(kChunkSizeMax + 1);
    EXPECT_EQ(chunker.cut(zeros, false), kChunkSizeMax);
    EXPECT_EQ(chunker.cut(ByteView(zeros).first(kChunkSizeMax), false), kChunkSizeMax);
    EXPECT_EQ(chunker.cut(ByteView(zeros).first(kChunkSizeMax - 1), false), 0U);
}

TEST(ChunkerTest, StartingAnewAtAnyCutYieldsTheSameFollowingCuts) {
    Chunker chunker(sample_table());
    SeededRandom random(4);
    Bytes data = random.bytes(4 * kMiB + 7);
    std::vector<std::size_t> cuts = cuts_of(chunker, data);
    for (std::size_t i = 0; i < cuts.size(); ++i) {
        std::vector<std::size_t> rest = cuts_of(chunker, ByteView(data).subspan(cuts[i]));
        for (std::size_t& cut : rest) cut += cuts[i];
        ASSERT_EQ(rest, std::vector<std::size_t>(cuts.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                                 cuts.end()));
    }
}

TEST(ChunkerTest, AStreamIsCutAsTheWholeIs) {
    Chunker chunker(sample_table());
    SeededRandom random(5);
    Bytes data = random.bytes(kMiB);
    std::vector<std::size_t> cuts;
    std::size_t start = 0;
    for (std::size_t seen = 0; start < data.size();) {
        seen = std::min(data.size(), seen + 1 + random.below(20'000));
        ByteView known = ByteView(data).subspan(start, seen - start);
        if (std::size_t length = chunker.cut(known, seen == data.size())) {
            cuts.push_back(start += length);
            seen = start;
        }
    }
    EXPECT_EQ(cuts, cuts_of(chunker, data));
}

TEST(ChunkerTest, AnInsertionMovesFewCuts) {
    Chunker chunker(sample_table());
    SeededRandom random(6);
    Bytes data = random.bytes(8 * kMiB);
    std::vector<std::size_t> before = cuts_of(chunker, data);
    data.insert(data.begin() + 100'000, 1234, std::byte{1});
    std::vector<std::size_t> after = cuts_of(chunker, data);
    std::size_t kept = 0;
    for (std::size_t cut : before) {
        if (std::binary_search(after.begin(), after.end(), cut + 1234)) ++kept;
    }
    EXPECT_GT(kept + 8, before.size());
}

TEST(ChunkerTest, OtherSecretsCutElsewhere) {
    SeededRandom random(7);
    Bytes data = random.bytes(2 * kMiB);
    EXPECT_NE(cuts_of(Chunker(sample_table()), data),
              cuts_of(Chunker(make_gear_table(key_of_byte<ChunkerSeed>(5))), data));
}

// Frozen: the table and the cuts decide which files share chunks, for ever.
TEST(ChunkerGoldenTest, TableAndCutsNeverChange) {
    GearTable table = sample_table();
    EXPECT_EQ(table[0], 12391977825514675983U);
    EXPECT_EQ(table[255], 17790611874681617496U);
    Bytes data(kMiB);
    std::uint64_t state = 1;
    for (std::byte& b : data) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        b = static_cast<std::byte>(state >> 56);
    }
    std::vector<std::size_t> cuts = cuts_of(Chunker(table), data);
    ASSERT_GE(cuts.size(), 4U);
    cuts.resize(4);
    EXPECT_EQ(cuts, (std::vector<std::size_t>{64842, 128739, 177888, 224955}));
}

}  // namespace
}  // namespace lockstep
