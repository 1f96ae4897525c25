#include "vault/core/log_branches.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/support/seeded_random.h"

namespace lockstep {
namespace {

// Segments of one log as their headers and hashes say: a tree that a seed makes.
struct ForkedLog {
    LogId log;
    std::vector<SegmentOuter> segments;

    explicit ForkedLog(std::uint64_t seed, std::size_t count) {
        SeededRandom random(seed);
        log = random.id<LogId>();
        for (std::size_t i = 0; i < count; ++i) {
            SegmentOuter next;
            next.header.log = log;
            next.hash = random.id<SegmentHash>();
            next.header.number = 1;
            // Mostly on the newest one; now and then somebody goes on from an older one.
            if (!segments.empty() && !random.chance(3)) {
                const SegmentOuter& before =
                    random.chance(20) ? segments[random.below(segments.size())] : segments.back();
                next.header.number = before.header.number + 1;
                next.replicator.previous = before.hash;
            }
            segments.push_back(next);
        }
    }
};

// Every segment's name, by its hash.
std::map<SegmentHash, SegmentRef> names(const LogBranches& branches) {
    std::map<SegmentHash, SegmentRef> out;
    for (const LogId& branch : branches.all())
        for (std::uint64_t number = 1; number <= branches.last_of(branch).number; ++number)
            out[branches.hash_of({branch, number})] = {branch, number};
    return out;
}

TEST(LogBranches, NamesAreTheSameInWhateverOrderSegmentsArrive) {
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        const ForkedLog log(seed, 40);
        std::optional<std::map<SegmentHash, SegmentRef>> first;
        for (std::uint64_t order = 0; order < 4; ++order) {
            SeededRandom random(seed * 10 + order);
            std::vector<SegmentOuter> waiting = log.segments;
            for (std::size_t i = waiting.size(); order > 0 && i > 1; --i)
                std::swap(waiting[i - 1], waiting[random.below(i)]);
            LogBranches branches;
            while (!waiting.empty()) {
                const auto next = std::find_if(
                    waiting.begin(), waiting.end(),
                    [&](const SegmentOuter& each) { return branches.place_of(each).has_value(); });
                ASSERT_NE(next, waiting.end());
                const SegmentRef added = branches.add(*next).segment;
                EXPECT_EQ(branches.hash_of(added), next->hash);
                EXPECT_TRUE(branches.place_of(*next)->is_known);
                waiting.erase(next);
            }
            if (!first) first = names(branches);
            EXPECT_EQ(names(branches), *first) << "seed " << seed << " order " << order;
            EXPECT_EQ(first->size(), log.segments.size());
        }
    }
}

// Whoever does not know of a fork yet calls what follows it by the older name.
TEST(LogBranches, APositionUnderAnOlderNameIsFoundByItsHash) {
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        const ForkedLog log(seed, 40);
        LogBranches branches;
        std::vector<std::pair<SegmentRef, SegmentHash>> said;
        Frontier followed;
        for (const SegmentOuter& each : log.segments) {
            const LogBranches::Added added = branches.add(each);
            said.emplace_back(added.segment, each.hash);
            followed[added.segment.log] =
                std::max(followed[added.segment.log], {added.segment.number, each.hash});
            if (added.split) added.split->rename_in(followed);
            followed[added.segment.log] = {added.segment.number, each.hash};
            for (const auto& [segment, hash] : said) {
                const auto now = branches.find(segment.log, {segment.number, hash});
                ASSERT_TRUE(now) << "seed " << seed;
                EXPECT_EQ(branches.hash_of(*now), hash);
                const auto pieces = branches.pieces_of(segment.log, {segment.number, hash});
                ASSERT_FALSE(pieces.empty());
                EXPECT_EQ(pieces.front().first, segment.log);
                EXPECT_EQ(pieces.back().second.hash, hash);
            }
        }
        for (const auto& [branch, last] : followed) EXPECT_EQ(last, branches.last_of(branch));
    }
}

TEST(LogBranches, WhatFollowsNothingHereHasNoPlace) {
    const ForkedLog log(1, 3);
    LogBranches branches;
    SegmentOuter lost = log.segments[0];
    lost.header.number = 2;
    lost.replicator.previous = log.segments[1].hash;
    EXPECT_FALSE(branches.place_of(lost));
    branches.add(log.segments[0]);
    EXPECT_FALSE(branches.place_of(lost));
    EXPECT_FALSE(branches.find(log.log, {1, log.segments[2].hash}));
    EXPECT_FALSE(branches.find(log.log, {2, log.segments[0].hash}));
}

}  // namespace
}  // namespace lockstep
