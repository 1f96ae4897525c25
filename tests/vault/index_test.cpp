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

TEST_F(IndexTest, RecordsComeBackAsASet) {
    SeededRandom random(4);
    std::vector<Record> records = one_of_each();
    for (const Record& record : random_records(random, 200)) records.push_back(record);
    ASSERT_TRUE(apply(writer.draft(records)).ok());
    std::vector<Record> found = log.records().value();
    std::sort(records.begin(), records.end());
    records.erase(std::unique(records.begin(), records.end()), records.end());
    ASSERT_EQ(found.size(), records.size());
    for (std::size_t i = 1; i < found.size(); ++i)
        EXPECT_LE(found[i - 1].index(), found[i].index());
    std::sort(found.begin(), found.end());
    EXPECT_EQ(found, records);
}

TEST_F(IndexTest, RecordsOfOneSubjectComeInStampOrder) {
    std::vector<Record> records;
    for (std::uint64_t time :
         {std::uint64_t{256}, std::uint64_t{1}, ~std::uint64_t{0}, std::uint64_t{255}})
        records.push_back(ParentRecord{id_of<LinkId>(1), {time, kOwnLog}, {}});
    ASSERT_TRUE(apply(writer.draft(records)).ok());
    std::vector<Record> found = log.records().value();
    std::sort(records.begin(), records.end(),
              [](const Record& a, const Record& b) { return stamp_of(a) < stamp_of(b); });
    EXPECT_EQ(found, records);
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
    EXPECT_EQ(log.logs().value(), (std::vector<LogRow>{{writer.log, writer.device,
                                                        id_of<IncarnationId>(0x77), writer.last}}));
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
    EXPECT_EQ(rebuilt->log().records().value(), log.records().value());
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

TEST(DatabaseTest, ATransactionThatIsNotCommittedLeavesNothing) {
    Database database = Database::open_in_memory().value();
    {
        Transaction transaction = Transaction::begin(database).value();
        ASSERT_TRUE(
            database.execute("INSERT INTO log VALUES (x'00', x'00', x'00', 1, x'00')").ok());
    }
    Statement count = database.prepare("SELECT count(*) FROM log").value();
    ASSERT_TRUE(count.step().value());
    EXPECT_EQ(count.integer(0), 0U);
}

}  // namespace
}  // namespace lockstep
