#include <gtest/gtest.h>

#include "tests/vault/log_samples.h"
#include "vault/log/compaction.h"
#include "vault/log/segment_format.h"
#include "vault/log/segment_parts.h"

namespace lockstep {
namespace {

// A log of segments that say all that a segment can say.
struct CompactionTest : testing::Test {
    void write(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            SegmentDraft draft = writer.draft(random_records(random, random.below(40)));
            const auto fill = static_cast<std::uint8_t>(random.below(200) + 1);
            if (i % 3 == 0)
                draft.replicator.frontier[kOtherLog] = {i + 1, id_of<SegmentHash>(fill)};
            if (i % 4 == 1) draft.replicator.packs = {{id_of<PackId>(fill), kPackSizeMin}};
            if (i % 5 == 2) draft.replicator.condemned = {id_of<PackId>(fill)};
            if (i % 6 == 3) draft.replicator.consents = {{{kOtherLog, 7}, {id_of<PackId>(fill)}}};
            if (i % 7 == 4) draft.replicator.extensions = {republishes({{kOtherLog, i}})};
            segments.push_back(writer.write(draft));
        }
    }
    Result<Bytes> compacted(std::size_t from, std::size_t count) {
        return compact_segments(std::span(segments).subspan(from, count), writer.keys(),
                                writer.lookup());
    }
    Result<std::vector<Bytes>> restored(const Bytes& bytes) {
        TRY(SegmentOuter outer, open_outer(bytes, writer.lookup()));
        return restore_segments(bytes, outer, writer.vault, writer.records_key, writer.outer_key);
    }

    SeededRandom random{5};
    LogWriter writer{9};
    std::vector<Bytes> segments;
};

TEST_F(CompactionTest, EverySegmentIsMadeAgainToTheLastBit) {
    write(40);
    for (const auto& [from, count] : {std::pair(0, 40), std::pair(0, 2), std::pair(7, 21)}) {
        const Bytes bytes = compacted(std::size_t(from), std::size_t(count)).value();
        EXPECT_EQ(restored(bytes).value(),
                  std::vector<Bytes>(segments.begin() + from, segments.begin() + from + count));
    }
}

// What devices without a vault key go by.
TEST_F(CompactionTest, ItSaysWithoutAVaultKeyWhatTheSegmentsSay) {
    write(20);
    const SegmentOuter outer = open_outer(compacted(3, 12).value(), writer.lookup()).value();
    EXPECT_EQ(outer.header.number, 15U);
    EXPECT_EQ(outer.replicator.compacted->first_number, 4U);
    const auto inside = segments_in(outer).value();
    ASSERT_EQ(inside.size(), 12U);
    for (std::size_t i = 0; i < inside.size(); ++i) {
        const SegmentOuter segment = open_outer(segments[3 + i], writer.lookup()).value();
        EXPECT_EQ(inside[i].header, segment.header);
        EXPECT_EQ(inside[i].replicator, segment.replicator);
        EXPECT_EQ(inside[i].hash, segment.hash);
        EXPECT_EQ(inside[i].records_offset, segment.records_offset);
    }
}

TEST_F(CompactionTest, ItIsSmallerThanWhatItStandsFor) {
    const std::vector<Record> all = one_of_each();
    for (int i = 0; i < 100; ++i) segments.push_back(writer.write({all[0], all[1], all[2]}));
    EXPECT_LE(compacted(0, 100)->size(), 100 * 4 * kKiB / 4);
}

TEST_F(CompactionTest, TheSameSegmentsGiveTheSameBytes) {
    write(20);
    EXPECT_EQ(compacted(0, 20).value(), compacted(0, 20).value());
}

// What lies on disks must be read for ever.
TEST_F(CompactionTest, ItsBytesAreFrozen) {
    for (int i = 0; i < 3; ++i) segments.push_back(writer.write(one_of_each()));
    EXPECT_EQ(segment_hash(compacted(0, 3).value()).to_hex(),
              "3642cff9950a66d74423dfe7fd7b7fea0a4d07027064b79b730e9c8d518a6a3a");
}

TEST_F(CompactionTest, OnlyNeighboursOfOneLogAndEpochBelongTogether) {
    write(5);
    const auto kind = [&](const std::vector<Bytes>& some) {
        return compact_segments(some, writer.keys(), writer.lookup()).error().kind;
    };
    EXPECT_EQ(kind({}), ErrorKind::Invalid);
    EXPECT_EQ(kind({segments[0]}), ErrorKind::Invalid);
    EXPECT_EQ(kind({segments[0], segments[2]}), ErrorKind::Invalid);
    EXPECT_EQ(kind({segments[1], segments[0]}), ErrorKind::Invalid);
    EXPECT_EQ(kind({compacted(0, 2).value(), segments[2]}), ErrorKind::Invalid);
    // The same numbers in logs of others.
    const auto second = [&](auto change) {
        SegmentDraft draft = writer.draft();
        draft.number = 2;
        draft.replicator.previous = segment_hash(segments[0]);
        change(draft);
        return build_segment(draft, writer.keys(), writer.random).value();
    };
    EXPECT_TRUE(compact_segments(std::vector<Bytes>{segments[0], second([](SegmentDraft&) {})},
                                 writer.keys(), writer.lookup())
                    .ok());
    EXPECT_EQ(kind({segments[0], second([](SegmentDraft& draft) { draft.log = kOtherLog; })}),
              ErrorKind::Invalid);
    EXPECT_EQ(kind({segments[0], second([](SegmentDraft& draft) {
                        draft.replicator.incarnation = id_of<IncarnationId>(0x78);
                    })}),
              ErrorKind::Invalid);
    EXPECT_EQ(kind(std::vector<Bytes>(kSegmentsCompactedMax + 1, segments[0])), ErrorKind::Invalid);
    Bytes damaged = segments[1];
    damaged.back() ^= std::byte{1};
    EXPECT_EQ(kind({segments[0], damaged}), ErrorKind::Corrupt);
    // The other way on of a forked log.
    writer.last = {1, segment_hash(segments[0])};
    EXPECT_EQ(kind({segments[0], segments[1], writer.write(), segments[3]}), ErrorKind::Invalid);
}

TEST_F(CompactionTest, NobodyButTheDeviceMakesOne) {
    write(4);
    LogWriter other(10);
    const SegmentKeys keys{writer.vault, writer.records_key, writer.outer_key, other.signing};
    const Bytes bytes = compact_segments(segments, keys, writer.lookup()).value();
    EXPECT_EQ(open_outer(bytes, writer.lookup()).error().kind, ErrorKind::Corrupt);
}

// A device that tells other records than those it has published is found out by the hashes.
TEST_F(CompactionTest, OtherRecordsThanThoseOfTheSegmentsAreRefused) {
    write(6);
    std::vector<Bytes> others;
    LogWriter twin(9);
    for (int i = 0; i < 6; ++i) others.push_back(twin.write(random_records(random, 3)));
    SegmentOuter outer = open_outer(compacted(0, 6).value(), writer.lookup()).value();
    const Bytes lie = compact_segments(others, writer.keys(), writer.lookup()).value();
    SegmentOuter lying = open_outer(lie, writer.lookup()).value();
    // The hashes of the first, the records of the second.
    lying.replicator.compacted->last = outer.replicator.compacted->last;
    EXPECT_FALSE(
        restore_segments(lie, lying, writer.vault, writer.records_key, writer.outer_key).ok());
}

// A member may sign any part: what a file says that it stands for must be segments of its log, of
// lengths that they can have, from where it begins.
TEST_F(CompactionTest, WhatItStandsForMustBeSegmentsOfItsLog) {
    write(3);
    const Bytes bytes = compacted(0, 3).value();
    const SegmentOuter outer = open_outer(bytes, writer.lookup()).value();
    const auto refuses = [&](auto change) {
        SegmentOuter other = outer;
        change(other.replicator);
        return !segments_in(other).ok() &&
               !restore_segments(bytes, other, writer.vault, writer.records_key, writer.outer_key)
                    .ok();
    };
    const auto with_fields = [&](auto change) {
        return [&, change](ReplicatorPart& part) {
            ReplacedSegment& second = part.compacted->replaced[1];
            const SegmentHeader header{writer.epoch, writer.log, 2, second.length};
            ReplicatorPart said = decode_replicator_part(second.fields, header).value();
            change(said);
            second.fields = encode_replicator_part(said, header).value();
        };
    };
    EXPECT_FALSE(refuses([](ReplicatorPart&) {}));
    EXPECT_TRUE(refuses([](ReplicatorPart& part) { part.compacted->replaced[1].fields.clear(); }));
    EXPECT_TRUE(refuses([](ReplicatorPart& part) { part.device = id_of<DeviceId>(1); }));
    EXPECT_TRUE(refuses([](ReplicatorPart& part) { part.incarnation = id_of<IncarnationId>(1); }));
    EXPECT_TRUE(refuses([](ReplicatorPart& part) { part.previous = id_of<SegmentHash>(1); }));
    EXPECT_TRUE(refuses([](ReplicatorPart& part) { part.compacted->replaced[2].length = 100; }));
    EXPECT_TRUE(
        refuses(with_fields([](ReplicatorPart& said) { said.device = id_of<DeviceId>(1); })));
    const auto restores = [&](auto change) {
        SegmentOuter other = outer;
        change(*other.replicator.compacted);
        return restore_segments(bytes, other, writer.vault, writer.records_key, writer.outer_key)
            .ok();
    };
    EXPECT_TRUE(restores([](CompactedRange&) {}));
    EXPECT_FALSE(restores([](CompactedRange& range) { range.replaced[1].length = 16 * kKiB; }));
    EXPECT_FALSE(restores(
        [](CompactedRange& range) { range.replaced[1].sealed_records = blake2b(Bytes(1)); }));
    EXPECT_FALSE(restores([](CompactedRange& range) { range.replaced.pop_back(); }));
}

TEST_F(CompactionTest, ItHoldsNoRecordsOfItsOwn) {
    write(3);
    const Bytes bytes = compacted(0, 3).value();
    const SegmentOuter outer = open_outer(bytes, writer.lookup()).value();
    EXPECT_FALSE(open_records(bytes, outer, writer.vault, writer.records_key).ok());
}

TEST_F(CompactionTest, DamageIsNoticed) {
    write(3);
    const Bytes bytes = compacted(0, 3).value();
    for (std::size_t at = 0; at < bytes.size(); at += 97) {
        Bytes other = bytes;
        other[at] ^= std::byte{0x10};
        EXPECT_FALSE(open_outer(other, writer.lookup()).ok()) << at;
    }
}

TEST_F(CompactionTest, WhatSaysSomethingBesideIsRefused) {
    write(3);
    const SegmentOuter outer = open_outer(compacted(0, 3).value(), writer.lookup()).value();
    const auto refuses = [&](auto change) {
        ReplicatorPart part = outer.replicator;
        change(part);
        return !encode_replicator_part(part, outer.header).ok();
    };
    EXPECT_FALSE(refuses([](ReplicatorPart&) {}));
    EXPECT_TRUE(refuses([](ReplicatorPart& part) {
        part.frontier[kOtherLog] = {1, id_of<SegmentHash>(1)};
    }));
    EXPECT_TRUE(refuses([](ReplicatorPart& part) { part.condemned = {id_of<PackId>(1)}; }));
    EXPECT_TRUE(refuses([](ReplicatorPart& part) { part.extensions = {republishes({})}; }));
    EXPECT_TRUE(refuses([](ReplicatorPart& part) { part.compacted->replaced.pop_back(); }));
    EXPECT_TRUE(refuses([](ReplicatorPart& part) { part.compacted->first_number = 3; }));
    EXPECT_TRUE(refuses([](ReplicatorPart& part) { ++part.compacted->replaced[0].length; }));
    EXPECT_TRUE(refuses([](ReplicatorPart& part) { part.previous = id_of<SegmentHash>(1); }));
}

// ---- what is worth it

std::vector<CompactionItem> items_of(const std::vector<std::uint64_t>& counts,
                                     std::uint64_t size_bytes = 4096) {
    std::vector<CompactionItem> out;
    std::uint64_t next = 1;
    for (std::uint64_t count : counts) {
        out.push_back({next, next + count - 1, size_bytes, id_of<EpochId>(1)});
        next += count;
    }
    return out;
}
using Items = std::optional<std::pair<std::size_t, std::size_t>>;

TEST(CompactionPlanTest, SixteenOfOneOrderAreWorthIt) {
    const std::vector<std::uint64_t> few(15, 1), enough(16, 1);
    EXPECT_EQ(plan_compaction(items_of(few), false), Items());
    EXPECT_EQ(plan_compaction(items_of(enough), false), Items({0, 16}));
    EXPECT_EQ(plan_compaction(items_of(few), true), Items({0, 15}));
    EXPECT_EQ(plan_compaction(items_of({1}), true), Items());
    std::vector<std::uint64_t> mixed(15, 20);
    mixed.insert(mixed.end(), 15, 1);
    EXPECT_EQ(plan_compaction(items_of(mixed), false), Items());
    mixed.push_back(1);
    EXPECT_EQ(plan_compaction(items_of(mixed), false), Items({15, 31}));
}

TEST(CompactionPlanTest, GapsEpochsAndLargeSegmentsPartRuns) {
    auto items = items_of(std::vector<std::uint64_t>(20, 1));
    items[10].epoch = id_of<EpochId>(2);
    EXPECT_EQ(plan_compaction(items, false), Items());
    items = items_of(std::vector<std::uint64_t>(20, 1));
    items.erase(items.begin() + 10);
    EXPECT_EQ(plan_compaction(items, false), Items());
    items = items_of(std::vector<std::uint64_t>(20, 1));
    items[3].size_bytes = kCompactedBytesMax;
    EXPECT_EQ(plan_compaction(items, false), Items({4, 20}));
}

// Whatever is published, the log is few files, and no segment was written often.
TEST(CompactionPlanTest, FilesAndRewritesStayLogarithmic) {
    std::vector<CompactionItem> items;
    std::map<std::uint64_t, int> written;
    constexpr std::uint64_t kSegments = 20'000;
    for (std::uint64_t number = 1; number <= kSegments; ++number) {
        items.push_back({number, number, 4096, id_of<EpochId>(1)});
        while (const Items run = plan_compaction(items, false)) {
            CompactionItem one = items[run->first];
            one.last = items[run->second - 1].last;
            // A segment of a few records takes some 600 bytes in it.
            one.size_bytes = padded_segment_size((one.last - one.first + 1) * 600);
            for (std::uint64_t each = one.first; each <= one.last; ++each) ++written[each];
            items.erase(items.begin() + std::ptrdiff_t(run->first),
                        items.begin() + std::ptrdiff_t(run->second));
            items.insert(items.begin() + std::ptrdiff_t(run->first), one);
        }
    }
    EXPECT_LE(items.size(), 110U);
    for (const auto& [number, times] : written) EXPECT_LE(times, 3) << number;
}

}  // namespace
}  // namespace lockstep
