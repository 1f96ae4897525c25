#include "vault/index/index.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/vault/log_samples.h"
#include "vault/index/database.h"
#include "vault/limits.h"

namespace lockstep {
namespace {

struct IndexTest : testing::Test {
    std::unique_ptr<Index> index = Index::open_in_memory().value();
    ChunkIndex& chunks = index->chunks();
    LogIndex& log = index->log();
    EpochId epoch = id_of<EpochId>(2);
    PackInfo pack{id_of<PackId>(1), kPackSizeMin}, other_pack{id_of<PackId>(2), 2 * kPackSizeMin};
    ChunkId chunk = id_of<ChunkId>(3);
    ChunkEntry entry{chunk, 1, 1, 100, 2000, 3000};
    LogWriter writer{9};

    // A segment with records, opened again.
    std::pair<SegmentOuter, RecordBatch> segment(const SegmentDraft& draft) {
        Bytes bytes = writer.write(draft);
        return {open_outer(bytes, writer.lookup()).value(), draft.records};
    }
    Status apply(const SegmentDraft& draft) {
        auto [outer, records] = segment(draft);
        return log.apply_segment(outer, records);
    }
};

TEST_F(IndexTest, AChunkIsFoundWhereItsPackSays) {
    EXPECT_FALSE(chunks.find(chunk).value().has_value());
    ASSERT_TRUE(chunks.add_pack(pack, epoch, {&entry, 1}, true).ok());
    ChunkLocation expected{pack.id, pack.length, epoch, 1, 1, 100, 2000, 3000, true, true, false};
    EXPECT_EQ(chunks.find(chunk).value(), expected);
}

TEST_F(IndexTest, AddingAPackAgainKeepsWhatWasVerified) {
    ASSERT_TRUE(chunks.add_pack(pack, epoch, {&entry, 1}, true).ok());
    auto before = index->digest().value();
    ASSERT_TRUE(chunks.add_pack(pack, epoch, {&entry, 1}, false).ok());
    EXPECT_TRUE(chunks.find(chunk).value()->is_verified);
    EXPECT_EQ(chunks.find_all(chunk)->size(), 1U);
    EXPECT_EQ(index->digest().value(), before);
}

TEST_F(IndexTest, AVerifiedPresentPlaceIsPreferred) {
    ASSERT_TRUE(chunks.add_pack(pack, epoch, {&entry, 1}, false).ok());
    ASSERT_TRUE(chunks.add_pack(other_pack, epoch, {&entry, 1}, false).ok());
    ASSERT_TRUE(chunks.mark_verified(chunk, other_pack.id).ok());
    EXPECT_EQ(chunks.find(chunk).value()->pack, other_pack.id);
    ASSERT_TRUE(chunks.set_present(other_pack.id, false).ok());
    EXPECT_EQ(chunks.find(chunk).value()->pack, pack.id);
    ASSERT_TRUE(chunks.drop_entry(chunk, pack.id).ok());
    EXPECT_EQ(chunks.find(chunk).value()->pack, other_pack.id);
    EXPECT_FALSE(chunks.find(chunk).value()->is_present);
    ASSERT_TRUE(chunks.forget_pack(other_pack.id).ok());
    EXPECT_FALSE(chunks.find(chunk).value().has_value());
    EXPECT_FALSE(chunks.pack(other_pack.id).value().has_value());
}

TEST_F(IndexTest, CondemnedPlacesComeLast) {
    ASSERT_TRUE(chunks.add_pack(pack, epoch, {&entry, 1}, true).ok());
    ASSERT_TRUE(chunks.add_pack(other_pack, epoch, {&entry, 1}, true).ok());
    ASSERT_TRUE(chunks.set_condemned(pack.id, true).ok());
    EXPECT_EQ(chunks.find(chunk).value()->pack, other_pack.id);
    EXPECT_TRUE(chunks.pack(pack.id).value()->is_condemned);
}

TEST_F(IndexTest, PacksIntroducedAndNotHereAreMissing) {
    SegmentDraft draft = writer.draft();
    draft.replicator.packs = {pack, other_pack};
    ASSERT_TRUE(apply(draft).ok());
    EXPECT_EQ(chunks.missing_packs().value(), (std::vector<PackInfo>{pack, other_pack}));
    ASSERT_TRUE(chunks.add_pack(pack, epoch, {}, false).ok());
    EXPECT_EQ(chunks.missing_packs().value(), std::vector<PackInfo>{other_pack});
    EXPECT_EQ(log.introduced_by(pack.id).value(), (SegmentRef{writer.log, 1}));
    EXPECT_EQ(chunks.packs()->size(), 2U);
    ASSERT_TRUE(chunks.forget_pack(other_pack.id).ok());
    EXPECT_TRUE(chunks.missing_packs()->empty());
}

TEST_F(IndexTest, ASegmentCondemnsPacks) {
    SegmentDraft first = writer.draft();
    first.replicator.packs = {pack};
    ASSERT_TRUE(apply(first).ok());
    SegmentDraft second = writer.draft();
    second.replicator.condemned = {pack.id};
    ASSERT_TRUE(apply(second).ok());
    EXPECT_TRUE(chunks.pack(pack.id).value()->is_condemned);
}

TEST_F(IndexTest, RecordsComeBackAsTheyWereApplied) {
    SeededRandom random(4);
    std::vector<Record> records = one_of_each();
    for (const Record& record : random_records(random, 200)) records.push_back(record);
    ASSERT_TRUE(apply(writer.draft(records)).ok());
    ASSERT_TRUE(apply(writer.draft(one_of_each())).ok());
    for (const Record& record : one_of_each()) records.push_back(record);
    EXPECT_EQ(log.records().value(), records);
}

TEST_F(IndexTest, WhatSegmentsSayOfLogsIsKept) {
    const LogPosition seen{7, id_of<SegmentHash>(7)}, later{8, id_of<SegmentHash>(1)};
    SegmentDraft first = writer.draft({ParentRecord{id_of<LinkId>(1), {9, kOwnLog}, {}},
                                       ParentRecord{id_of<LinkId>(2), {99, kOtherLog}, {}}});
    first.replicator.frontier = {{kOtherLog, later}};
    SegmentDraft second = writer.draft({ParentRecord{id_of<LinkId>(1), {~0ULL, kOwnLog}, {}}});
    ASSERT_TRUE(apply(first).ok());
    EXPECT_EQ(log.logs()->at(0).time, 9U);
    EXPECT_EQ(log.named().value(), (Frontier{{kOtherLog, later}}));
    second.number = writer.last.number + 1;
    second.replicator.previous = writer.last.hash;
    second.replicator.frontier = {{kOtherLog, seen}};
    ASSERT_TRUE(apply(second).ok());
    EXPECT_EQ(log.logs()->at(0).time, ~0ULL);
    EXPECT_EQ(log.named().value(), (Frontier{{kOtherLog, later}}));
}

TEST_F(IndexTest, ACallThatFailsChangesNothing) {
    ASSERT_TRUE(apply(writer.draft(one_of_each())).ok());
    auto before = index->digest().value();
    auto skipped = segment(writer.draft());
    auto next = segment(writer.draft(one_of_each()));
    EXPECT_FALSE(log.apply_segment(next.first, next.second).ok());
    EXPECT_EQ(index->digest().value(), before);
    EXPECT_TRUE(index->check().ok());
    ASSERT_TRUE(log.apply_segment(skipped.first, skipped.second).ok());
    ASSERT_TRUE(log.apply_segment(next.first, next.second).ok());
    EXPECT_TRUE(index->check().ok());
}

TEST_F(IndexTest, WhatAPackLiedAboutStaysAway) {
    ASSERT_TRUE(chunks.add_pack(pack, epoch, {&entry, 1}, false).ok());
    auto before = index->digest().value();
    ASSERT_TRUE(chunks.drop_entry(chunk, pack.id).ok());
    ASSERT_TRUE(chunks.add_pack(pack, epoch, {&entry, 1}, false).ok());
    EXPECT_FALSE(chunks.find(chunk).value().has_value());
    EXPECT_EQ(index->digest().value(), before);
}

TEST_F(IndexTest, ApplyingASegmentAgainChangesNothing) {
    auto [outer, records] = segment(writer.draft(one_of_each()));
    ASSERT_TRUE(log.apply_segment(outer, records).ok());
    auto before = index->digest().value();
    ASSERT_TRUE(log.apply_segment(outer, records).ok());
    EXPECT_EQ(index->digest().value(), before);
    EXPECT_TRUE(log.is_applied({writer.log, 1}).value());
    EXPECT_FALSE(log.is_applied({writer.log, 2}).value());
    EXPECT_EQ(log.segment_count().value(), 1U);
    EXPECT_EQ(log.frontier().value(), (Frontier{{writer.log, writer.last}}));
    EXPECT_EQ(log.logs().value(),
              (std::vector<LogRow>{{writer.log, writer.device, id_of<IncarnationId>(0x77),
                                    writer.last, log.logs()->at(0).time}}));
}

TEST_F(IndexTest, SegmentsOutOfOrderOrTwiceNumberedAreConflicts) {
    auto first = segment(writer.draft());
    LogPosition after_first = writer.last;
    auto second = segment(writer.draft());
    auto before = index->digest().value();
    EXPECT_EQ(log.apply_segment(second.first, second.second).error().kind, ErrorKind::Conflict);
    EXPECT_EQ(index->digest().value(), before);
    ASSERT_TRUE(log.apply_segment(first.first, first.second).ok());
    ASSERT_TRUE(log.apply_segment(second.first, second.second).ok());
    writer.last = after_first;
    auto fork = segment(writer.draft(one_of_each()));
    EXPECT_EQ(log.apply_segment(fork.first, fork.second).error().kind, ErrorKind::Conflict);
    auto tail = segment(writer.draft());
    EXPECT_EQ(log.apply_segment(tail.first, tail.second).error().kind, ErrorKind::Conflict);
}

// Two logs and their packs, in two orders: the same content.
TEST_F(IndexTest, ARebuiltIndexEqualsTheLiveOne) {
    LogWriter other(8, kOtherLog);
    SegmentDraft first = writer.draft(one_of_each());
    first.replicator.packs = {pack};
    SegmentDraft second = other.draft(one_of_each());
    second.replicator.packs = {pack, other_pack};
    Bytes a = writer.write(first), b = other.write(second);
    SegmentOuter outer_a = open_outer(a, writer.lookup()).value();
    SegmentOuter outer_b = open_outer(b, other.lookup()).value();

    ASSERT_TRUE(log.apply_segment(outer_a, first.records).ok());
    ASSERT_TRUE(chunks.add_pack(pack, epoch, {&entry, 1}, true).ok());
    ASSERT_TRUE(log.apply_segment(outer_b, second.records).ok());

    auto rebuilt = Index::open_in_memory().value();
    EXPECT_NE(rebuilt->digest().value(), index->digest().value());
    ASSERT_TRUE(rebuilt->log().apply_segment(outer_b, second.records).ok());
    ASSERT_TRUE(rebuilt->log().apply_segment(outer_a, first.records).ok());
    ASSERT_TRUE(rebuilt->chunks().add_pack(pack, epoch, {&entry, 1}, false).ok());
    EXPECT_EQ(rebuilt->digest().value(), index->digest().value());
    std::vector<Record> live = log.records().value(), again = rebuilt->log().records().value();
    std::sort(live.begin(), live.end());
    std::sort(again.begin(), again.end());
    EXPECT_EQ(again, live);
    EXPECT_TRUE(index->check().ok());
}

TEST(DatabaseTest, ErrorsAreResultsAndStatementsCanBeUsedAgain) {
    Database database = Database::open_in_memory().value();
    EXPECT_FALSE(database.prepare("SELECT nothing FROM nowhere").ok());
    EXPECT_FALSE(database.execute("INSERT INTO pack (id) VALUES (NULL)").ok());
    Statement insert = database
                           .prepare(
                               "INSERT INTO pack (id, length, present, condemned)"
                               " VALUES (?1, ?2, 0, 0)")
                           .value();
    Bytes id(32);
    EXPECT_EQ(insert.bind(1, ByteView(id)).bind(2, std::uint64_t{1} << 63).run().error().kind,
              ErrorKind::Invalid);
    EXPECT_TRUE(insert.bind(1, ByteView(id)).bind(2, std::uint64_t{5}).run().ok());
    EXPECT_EQ(insert.bind(1, ByteView(id)).bind(2, std::uint64_t{5}).run().error().kind,
              ErrorKind::Corrupt);
    id[0] = std::byte{1};
    EXPECT_TRUE(insert.bind(1, ByteView(id)).bind(2, std::uint64_t{5}).run().ok());
    EXPECT_EQ(database.changed_rows(), 1U);
    EXPECT_TRUE(database.check().ok());
}

}  // namespace
}  // namespace lockstep
