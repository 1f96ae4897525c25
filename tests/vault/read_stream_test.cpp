#include "vault/files/read_stream.h"

#include <array>

#include <gtest/gtest.h>

#include "vault/limits.h"

namespace lockstep {
namespace {

constexpr std::uint64_t kFile = 64 * kMiB;
constexpr std::size_t kRequest = 128 * kKiB;

bool is_done_empty(const ReadStream::Advice& advice) {
    return advice.done_from >= advice.done_to;
}

TEST(ReadStreamTest, InOrderItIsFetchedAheadAndLetGoBehindOnceAndWhole) {
    ReadStream stream;
    std::uint64_t done = 0;
    for (std::uint64_t at = 0; at < kFile; at += kRequest) {
        const auto advice = stream.note(at, kRequest, kFile);
        if (advice.fetch_from) {
            EXPECT_GE(*advice.fetch_from, at + kRequest);
            stream.fetching(*advice.fetch_from + kMiB);
        }
        if (is_done_empty(advice)) continue;
        EXPECT_EQ(done, advice.done_from);
        done = advice.done_to;
        const bool is_end = at + kRequest == kFile;
        EXPECT_LE(done, is_end ? kFile : at) << "what is being read is not behind";
    }
    EXPECT_EQ(kFile, done);
}

TEST(ReadStreamTest, RequestsThatOvertakeEachOtherFindTheirChunksStillThere) {
    ReadStream stream;
    for (std::uint64_t at = 0; at + 8 * kRequest <= kFile; at += 8 * kRequest) {
        for (const std::uint64_t place : std::array<std::uint64_t, 8>{1, 0, 3, 2, 7, 5, 4, 6}) {
            const auto advice = stream.note(at + place * kRequest, kRequest, 2 * kFile);
            EXPECT_LE(advice.done_to, at);
        }
    }
}

TEST(ReadStreamTest, ScatteredAndSmallReadsKeepWhatTheyHaveRead) {
    ReadStream scattered;
    for (std::uint64_t i = 1; i < 60; ++i) {
        const auto advice = scattered.note(i * 37 % 60 * kMiB, kRequest, kFile);
        EXPECT_TRUE(is_done_empty(advice));
        EXPECT_FALSE(advice.fetch_from);
    }
    ReadStream small;
    for (std::uint64_t at = 0; at < 8 * kMiB; at += 4 * kKiB) {
        const auto advice = small.note(at, 4 * kKiB, kFile);
        EXPECT_TRUE(is_done_empty(advice));
        EXPECT_FALSE(advice.fetch_from);
    }
}

TEST(ReadStreamTest, ASmallFileThatIsReadAtOnceIsDone) {
    ReadStream stream;
    const auto advice = stream.note(0, 3'000, 3'000);
    EXPECT_EQ(0U, advice.done_from);
    EXPECT_EQ(3'000U, advice.done_to);
    EXPECT_FALSE(advice.fetch_from);
}

TEST(ReadStreamTest, WhoBeginsAgainIsServedAsAtFirst) {
    ReadStream stream;
    for (int round = 0; round < 2; ++round) {
        std::uint64_t done = 0;
        for (std::uint64_t at = 0; at < kFile; at += kMiB)
            done = std::max(done, stream.note(at, kMiB, kFile).done_to);
        EXPECT_EQ(kFile, done);
    }
}

}  // namespace
}  // namespace lockstep
