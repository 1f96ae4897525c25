#include "vault/journal/journal.h"

#include <thread>

#include <gtest/gtest.h>

#include "tests/support/memory_disk.h"
#include "tests/support/temp_dir.h"
#include "tests/vault/journal_samples.h"
#include "vault/journal/journal_format.h"

namespace lockstep {
namespace {

const fs::path kPath = "/state/journal";

JournalEntry fact(std::size_t number, std::size_t size = 20) {
    return JournalFact{static_cast<std::uint8_t>(number),
                       Bytes(size, static_cast<std::byte>(number))};
}

std::vector<JournalEntry> entries_of(const std::vector<ReplayedEntry>& replayed) {
    std::vector<JournalEntry> out;
    for (const ReplayedEntry& entry : replayed) out.push_back(entry.entry);
    return out;
}

bool is_prefix(const std::vector<JournalEntry>& part, const std::vector<JournalEntry>& whole) {
    return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}

struct JournalTest : testing::Test {
    JournalTest() { EXPECT_TRUE(disk.make_directories("/state").ok()); }

    Result<Journal::Opened> open_on(Disk& where) {
        return Journal::open(where, kPath, id_of<VaultId>(1), key, random);
    }
    Journal::Opened opened() { return open_on(disk).value(); }
    // A journal of committed facts 1 to `count`, each committed alone.
    void fill(std::size_t count) {
        auto journal = opened().journal;
        for (std::size_t i = 1; i <= count; ++i) {
            ASSERT_TRUE(journal->append(fact(i)).ok());
            ASSERT_TRUE(journal->commit().ok());
        }
    }
    std::size_t frame_size() const {
        return kJournalFrameHeaderSize + kSealOverhead + encode_journal_entry(fact(1))->size();
    }

    MemoryDisk disk;
    SeededRandom random{5};
    JournalKey key = JournalKey::from(id_of<Id<void, 32>>(7).view());
};

TEST_F(JournalTest, ANewJournalIsEmpty) {
    EXPECT_TRUE(opened().entries.empty());
    auto again = opened();
    EXPECT_TRUE(again.entries.empty() && again.salvage.damage.empty());
    EXPECT_EQ(again.journal->next_sequence(), 1U);
}

TEST_F(JournalTest, EveryKindOfEntryComesBackInOrder) {
    std::vector<JournalEntry> entries = {
        JournalIncarnation{id_of<IncarnationId>(1), kOwnLog},
        JournalRecords{one_of_each()},
        JournalContent{JournalContent::Form::Plain, 1, id_of<ChunkId>(2), Bytes(300)},
        JournalContent{JournalContent::Form::Sealed, 2, id_of<ChunkId>(3), {}},
        JournalSegmentIntent{kOwnLog, 4, id_of<SegmentHash>(4)},
        JournalPublished{kOwnLog, 4, 3},
        JournalFact{200, to_bytes(as_bytes("ticket"))},
        write_entry(),
    };
    auto journal = opened().journal;
    for (std::size_t i = 0; i < entries.size(); ++i)
        EXPECT_EQ(journal->append(entries[i]).value(), i + 1);
    ASSERT_TRUE(journal->commit().ok());
    auto again = opened();
    EXPECT_EQ(entries_of(again.entries), entries);
    EXPECT_EQ(again.entries.front().sequence, 1U);
    EXPECT_EQ(again.journal->next_sequence(), entries.size() + 1);
}

TEST_F(JournalTest, PublishedReleasesRecordsAndContentBelowItsSequence) {
    std::vector<ReplayedEntry> entries = {{1, JournalIncarnation{{}, kOwnLog}},
                                          {2, JournalRecords{}},
                                          {3, JournalContent{}},
                                          {4, JournalRecords{}},
                                          {5, JournalPublished{kOwnLog, 1, 4}}};
    auto left = unreleased(entries);
    ASSERT_EQ(left.size(), 3U);
    EXPECT_EQ(left[0].sequence, 1U);
    EXPECT_EQ(left[1].sequence, 4U);
    EXPECT_EQ(left[2].sequence, 5U);
}

TEST_F(JournalTest, WhatWasAppendedIsInTheFileBeforeAnyCommit) {
    auto first = opened().journal;
    ASSERT_TRUE(first->append(fact(1)).ok());
    first.reset();  // the process is killed: no crash of the disk
    EXPECT_EQ(opened().entries.size(), 1U);
}

TEST_F(JournalTest, ALostPowerTakesOnlyWhatWasNotCommitted) {
    auto journal = opened().journal;
    ASSERT_TRUE(journal->append(fact(1)).ok());
    ASSERT_TRUE(journal->commit().ok());
    EXPECT_EQ(journal->durable_before(), 2U);
    ASSERT_TRUE(journal->append(fact(2)).ok());
    disk.crash();
    auto again = opened();
    EXPECT_EQ(entries_of(again.entries), std::vector<JournalEntry>{fact(1)});
    EXPECT_TRUE(again.salvage.damage.empty());
}

TEST_F(JournalTest, OneCommitSyncsAllAppendsOnce) {
    auto journal = opened().journal;
    for (std::size_t i = 0; i < 50; ++i) ASSERT_TRUE(journal->append(fact(i)).ok());
    disk.start_recording();
    ASSERT_TRUE(journal->commit().ok());
    ASSERT_TRUE(journal->commit().ok());
    std::size_t syncs = 0;
    for (const DiskCall& call : disk.calls()) syncs += call.kind == DiskCall::Kind::Sync;
    EXPECT_EQ(syncs, 1U);
}

TEST_F(JournalTest, EightThreadsCommitTogetherAndNothingIsLost) {
    constexpr std::size_t kThreads = 8, kEach = 100;
    auto journal = opened().journal;
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < kThreads; ++t) {
        threads.emplace_back([&, t] {
            for (std::size_t i = 0; i < kEach; ++i) {
                auto sequence = journal->append(fact(t));
                ASSERT_TRUE(sequence.ok());
                ASSERT_TRUE(journal->commit().ok());
                ASSERT_GT(journal->durable_before(), *sequence);
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    disk.crash();
    auto again = opened();
    EXPECT_EQ(again.entries.size(), kThreads * kEach);
    EXPECT_TRUE(again.salvage.damage.empty());
}

TEST_F(JournalTest, EveryFlippedByteIsNoticedAndTheRestIsSaved) {
    constexpr std::size_t kCount = 5;
    fill(kCount);
    Bytes good = *disk.contents(kPath);
    for (std::size_t at = 0; at < good.size(); ++at) {
        Bytes bad = good;
        bad[at] ^= static_cast<std::byte>(1U << (at % 8));
        disk.put(kPath, bad);
        auto result = open_on(disk);
        ASSERT_TRUE(result.ok()) << at << ": " << result.error().message;
        std::size_t hit =
            at < kJournalFramesOffset ? 0 : (at - kJournalFramesOffset) / frame_size() + 1;
        for (const ReplayedEntry& entry : result->entries) {
            EXPECT_EQ(entry.entry, fact(entry.sequence)) << at;
            EXPECT_NE(entry.sequence, hit) << at;
        }
        EXPECT_EQ(result->entries.size(), kCount - (hit != 0)) << at;
        if (at < kJournalSlotSize || (hit > 0 && hit < kCount)) {
            EXPECT_FALSE(result->salvage.damage.empty()) << at;
        }
        EXPECT_EQ(result->salvage.entries_lost, hit > 0 && hit < kCount ? 1U : 0U) << at;
    }
}

TEST_F(JournalTest, EveryTruncationLeavesAPrefix) {
    fill(4);
    Bytes good = *disk.contents(kPath);
    for (std::size_t size = 0; size <= good.size(); ++size) {
        disk.put(kPath, ByteView(good).first(size));
        auto result = open_on(disk);
        ASSERT_TRUE(result.ok()) << size;
        std::size_t whole =
            size < kJournalFramesOffset ? 0 : (size - kJournalFramesOffset) / frame_size();
        EXPECT_EQ(result->entries.size(), whole) << size;
        EXPECT_TRUE(result->salvage.damage.empty()) << size;
        // And it goes on from there.
        ASSERT_TRUE(result->journal->append(fact(9)).ok());
        ASSERT_TRUE(result->journal->commit().ok());
        EXPECT_EQ(open_on(disk)->entries.size(), whole + 1) << size;
    }
}

TEST_F(JournalTest, ExchangedDroppedAndRepeatedEntriesAreReported) {
    fill(6);
    Bytes good = *disk.contents(kPath);
    auto frame = [&](std::size_t number) {
        return ByteView(good).subspan(kJournalFramesOffset + (number - 1) * frame_size(),
                                      frame_size());
    };
    for (std::vector<std::size_t> order : std::vector<std::vector<std::size_t>>{
             {1, 3, 2, 4, 5, 6}, {1, 2, 4, 5, 6}, {2, 3, 4, 5, 6}, {1, 2, 2, 3, 4, 5, 6}}) {
        Bytes bad(good.begin(), good.begin() + kJournalFramesOffset);
        for (std::size_t number : order) append(bad, frame(number));
        disk.put(kPath, bad);
        auto result = open_on(disk).value();
        EXPECT_FALSE(result.salvage.damage.empty());
        std::uint64_t last = 0;
        for (const ReplayedEntry& entry : result.entries) {
            EXPECT_GT(entry.sequence, last);
            EXPECT_EQ(entry.entry, fact(entry.sequence));
            last = entry.sequence;
        }
        EXPECT_EQ(last, 6U);
    }
}

TEST_F(JournalTest, AHoleAboveTheLastCommitIsTheEnd) {
    auto journal = opened().journal;
    for (std::size_t i = 1; i <= 5; ++i) ASSERT_TRUE(journal->append(fact(i)).ok());
    Bytes bytes = *disk.contents(kPath);
    std::fill_n(bytes.begin() + kJournalFramesOffset + static_cast<std::ptrdiff_t>(frame_size()),
                frame_size(), std::byte{0});
    disk.put(kPath, bytes);
    auto again = opened();
    EXPECT_EQ(entries_of(again.entries), std::vector<JournalEntry>{fact(1)});
    EXPECT_TRUE(again.salvage.damage.empty());
    EXPECT_EQ(again.salvage.torn_bytes, 4 * frame_size());
    EXPECT_EQ(disk.contents(kPath)->size(), kJournalFramesOffset + frame_size());
}

// Found by the simulation, seed 30769.
TEST_F(JournalTest, WhatASyncAtOpeningFailedToTakeIsWrittenAgain) {
    fill(2);
    ASSERT_TRUE(opened().journal->append(fact(3)).ok());  // and killed
    disk.fail_call(0, ErrorKind::Io, DiskCall::Kind::Sync);
    EXPECT_FALSE(open_on(disk).ok());
    {
        auto again = opened();
        ASSERT_EQ(3u, again.entries.size());
        ASSERT_TRUE(again.journal->append(fact(4)).ok());
        ASSERT_TRUE(again.journal->commit().ok());
    }
    disk.crash();
    auto after = opened();
    EXPECT_EQ(4u, after.entries.size());
    EXPECT_EQ(std::vector<std::string>{}, after.salvage.damage);
}

TEST_F(JournalTest, WhatWasFoundDamagedIsInNobodysWayLater) {
    fill(3);
    Bytes bytes = *disk.contents(kPath);
    bytes[kJournalFramesOffset + frame_size() + 60] ^= std::byte{1};
    disk.put(kPath, bytes);
    auto journal = opened().journal;
    disk.fail_call(0, ErrorKind::Io, DiskCall::Kind::Sync);
    static_cast<void>(journal->append(fact(4)));
    EXPECT_FALSE(journal->commit().ok());
    EXPECT_TRUE(journal->commit().ok());
    journal.reset();
    EXPECT_EQ((std::vector<JournalEntry>{fact(1), fact(3), fact(4)}), entries_of(opened().entries));
}

TEST_F(JournalTest, AnotherKeyOrAnotherVaultOpensNothing) {
    fill(3);
    JournalKey other = JournalKey::from(id_of<Id<void, 32>>(8).view());
    Bytes before = *disk.contents(kPath);
    EXPECT_EQ(Journal::open(disk, kPath, id_of<VaultId>(1), other, random).error().kind,
              ErrorKind::Corrupt);
    EXPECT_EQ(Journal::open(disk, kPath, id_of<VaultId>(2), key, random).error().kind,
              ErrorKind::Corrupt);
    EXPECT_EQ(*disk.contents(kPath), before);
}

TEST_F(JournalTest, RewriteKeepsWhatIsGivenUnderNewSequences) {
    fill(4);
    auto first = opened();
    EXPECT_EQ(first.journal->rewrite({fact(3), fact(4)}).value(), 5U);
    ASSERT_TRUE(first.journal->append(fact(5)).ok());
    ASSERT_TRUE(first.journal->commit().ok());
    disk.crash();
    auto again = opened();
    EXPECT_EQ(entries_of(again.entries), (std::vector<JournalEntry>{fact(3), fact(4), fact(5)}));
    EXPECT_EQ(again.entries.front().sequence, 5U);
    EXPECT_TRUE(again.salvage.damage.empty());
}

TEST_F(JournalTest, RewriteToNothingIsOneSyncAndSequencesGoOn) {
    fill(4);
    auto journal = opened().journal;
    disk.start_recording();
    EXPECT_EQ(journal->rewrite({}).value(), 5U);
    std::size_t syncs = 0;
    for (const DiskCall& call : disk.calls())
        syncs += call.kind == DiskCall::Kind::Sync || call.kind == DiskCall::Kind::SyncDirectory;
    EXPECT_EQ(syncs, 1U);
    EXPECT_EQ(journal->size_bytes(), kJournalFramesOffset);
    EXPECT_EQ(journal->append(fact(7)).value(), 5U);
    ASSERT_TRUE(journal->commit().ok());
    disk.crash();
    auto again = opened();
    EXPECT_EQ(entries_of(again.entries), std::vector<JournalEntry>{fact(7)});
    EXPECT_TRUE(again.salvage.damage.empty());
}

TEST_F(JournalTest, ADamagedHeaderAfterARewriteLosesNoCommittedEntry) {
    fill(4);
    auto journal = opened().journal;
    ASSERT_TRUE(journal->rewrite({}).ok());
    for (std::size_t i = 5; i <= 7; ++i) ASSERT_TRUE(journal->append(fact(i)).ok());
    ASSERT_TRUE(journal->commit().ok());
    Bytes bytes = *disk.contents(kPath);
    bytes[kJournalSlotDistance + 9] ^= std::byte{1};
    disk.put(kPath, bytes);
    auto again = opened();
    EXPECT_EQ(entries_of(again.entries), (std::vector<JournalEntry>{fact(5), fact(6), fact(7)}));
    EXPECT_FALSE(again.salvage.damage.empty());
}

TEST_F(JournalTest, AfterAFailedWriteOrSyncEverythingGoesIntoANewFile) {
    for (DiskCall::Kind kind : {DiskCall::Kind::Write, DiskCall::Kind::Sync}) {
        fill(1);
        auto journal = opened().journal;
        disk.fail_call(0, ErrorKind::NoSpace, kind);
        Status status;
        if (auto appended = journal->append(fact(2)); !appended.ok()) status = appended.error();
        if (status.ok()) status = journal->commit();
        EXPECT_EQ(status.error().kind, ErrorKind::NoSpace);
        // As long as the new file cannot be written either, each call says so.
        disk.fail_call(0, ErrorKind::Io, kind);
        EXPECT_EQ(journal->append(fact(3)).error().kind, ErrorKind::Io);
        ASSERT_TRUE(journal->append(fact(3)).ok());
        ASSERT_TRUE(journal->commit().ok());
        disk.crash();
        auto again = opened();
        EXPECT_EQ(entries_of(again.entries),
                  (std::vector<JournalEntry>{fact(1), fact(2), fact(3)}));
        EXPECT_TRUE(again.salvage.damage.empty());
        ASSERT_TRUE(disk.remove(kPath).ok());
    }
}

// What the old file does not give back must not be left out of the one that takes its place.
TEST_F(JournalTest, WhatDoesNotReadBackKeepsTheOldFile) {
    fill(2);
    const Bytes before = *disk.contents(kPath);
    for (const bool is_cut : {false, true}) {
        SCOPED_TRACE(is_cut);
        disk.put(kPath, before);
        auto journal = opened().journal;
        ASSERT_TRUE(journal->append(fact(3)).ok());
        disk.fail_call(0, ErrorKind::Io, DiskCall::Kind::Sync);
        EXPECT_FALSE(journal->commit().ok());
        const Bytes written = *disk.contents(kPath);
        Bytes damaged = written;
        if (is_cut)
            damaged.resize(kJournalFramesOffset + frame_size());
        else
            damaged[kJournalFramesOffset + frame_size() + 60] ^= std::byte{1};
        disk.put(kPath, damaged);
        EXPECT_EQ(journal->commit().error().kind, ErrorKind::Io);
        EXPECT_EQ(journal->append(fact(4)).error().kind, ErrorKind::Io);
        EXPECT_EQ(*disk.contents(kPath), damaged);
        disk.put(kPath, written);
        EXPECT_TRUE(journal->commit().ok());
        journal.reset();
        EXPECT_EQ(entries_of(opened().entries),
                  (std::vector<JournalEntry>{fact(1), fact(2), fact(3)}));
    }
}

TEST_F(JournalTest, WhileTheDiskRefusesEveryCallSaysSoAndNothingIsLost) {
    fill(1);
    auto journal = opened().journal;
    const Journal::Mark mark = journal->mark().value();
    ASSERT_TRUE(journal->append(fact(2)).ok());
    disk.fail_call(0, ErrorKind::Io, DiskCall::Kind::Sync);
    ASSERT_FALSE(journal->commit().ok());
    disk.set_full(true);
    EXPECT_EQ(journal->append(fact(3)).error().kind, ErrorKind::NoSpace);
    EXPECT_EQ(journal->commit().error().kind, ErrorKind::NoSpace);
    EXPECT_EQ(journal->flush().error().kind, ErrorKind::NoSpace);
    EXPECT_EQ(journal->mark().error().kind, ErrorKind::NoSpace);
    EXPECT_EQ(journal->rewrite({}).error().kind, ErrorKind::NoSpace);
    EXPECT_EQ(journal->rewrite_before(mark, {}).error().kind, ErrorKind::NoSpace);
    disk.set_full(false);
    ASSERT_TRUE(journal->append(fact(4)).ok());
    ASSERT_TRUE(journal->commit().ok());
    disk.crash();
    auto again = opened();
    EXPECT_EQ(entries_of(again.entries), (std::vector<JournalEntry>{fact(1), fact(2), fact(4)}));
    EXPECT_TRUE(again.salvage.damage.empty());
}

TEST_F(JournalTest, FlushPutsIntoTheFileWhatWaitsForItsCommit) {
    auto journal = opened().journal;
    ASSERT_TRUE(journal->append(fact(1), Journal::Append::BeforeCommit).ok());
    ASSERT_TRUE(journal->flush().ok());
    journal.reset();  // the process is killed: no crash of the disk
    EXPECT_EQ(entries_of(opened().entries), std::vector<JournalEntry>{fact(1)});
}

TEST_F(JournalTest, MuchThatWaitsForItsCommitIsWrittenBefore) {
    auto journal = opened().journal;
    const JournalContent content{JournalContent::Form::Plain, 1, {}, Bytes(200'000)};
    ASSERT_TRUE(journal->append(content, Journal::Append::BeforeCommit).ok());
    EXPECT_EQ(disk.contents(kPath)->size(), kJournalFramesOffset);
    ASSERT_TRUE(journal->append(content, Journal::Append::BeforeCommit).ok());
    EXPECT_GT(disk.contents(kPath)->size(), 2 * content.bytes.size());
    ASSERT_TRUE(journal->commit().ok());
    disk.crash();
    EXPECT_EQ(entries_of(opened().entries), (std::vector<JournalEntry>{content, content}));
}

TEST_F(JournalTest, NoRoomToWriteAheadIsNoReasonToFailACommit) {
    auto journal = opened().journal;
    std::vector<JournalEntry> all;
    for (std::size_t i = 1; i <= 20; ++i) {
        all.push_back(fact(i, 4000));
        ASSERT_TRUE(journal->append(all.back()).ok());
    }
    disk.fail_call(0, ErrorKind::NoSpace, DiskCall::Kind::Write);
    ASSERT_TRUE(journal->commit().ok());
    disk.crash();
    EXPECT_EQ(entries_of(opened().entries), all);
}

// Entries that no sync has taken are written again at the opening: without room for that the vault
// is read all the same, and with an error of another kind nothing is promised.
TEST_F(JournalTest, OpeningOnAFullDiskSaysWhatIsNotDurable) {
    fill(2);
    ASSERT_TRUE(opened().journal->append(fact(3)).ok());  // and killed
    disk.fail_call(0, ErrorKind::Io, DiskCall::Kind::Write);
    EXPECT_EQ(open_on(disk).error().kind, ErrorKind::Io);
    disk.set_full(true);
    auto journal = opened();
    EXPECT_EQ(journal.entries.size(), 3U);
    EXPECT_EQ(journal.journal->next_sequence(), 4U);
    EXPECT_EQ(journal.journal->durable_before(), 3U);
    disk.set_full(false);
    ASSERT_TRUE(journal.journal->commit().ok());
    EXPECT_EQ(journal.journal->durable_before(), 4U);
    disk.crash();
    EXPECT_EQ(opened().entries.size(), 3U);
}

TEST_F(JournalTest, TheNewerHeaderIsInForceWhicheverItIs) {
    auto journal = opened().journal;
    for (std::size_t i = 1; i <= 3; ++i) {
        ASSERT_TRUE(journal->append(fact(i)).ok());
        ASSERT_TRUE(journal->rewrite({}).ok());
        ASSERT_TRUE(journal->append(fact(10 + i)).ok());
        ASSERT_TRUE(journal->commit().ok());
        journal.reset();
        auto again = opened();
        EXPECT_EQ(entries_of(again.entries), std::vector<JournalEntry>{fact(10 + i)});
        EXPECT_TRUE(again.salvage.damage.empty());
        journal = std::move(again.journal);
    }
}

TEST_F(JournalTest, AnEntryOfANewerVersionIsReportedAndTheOthersAreKept) {
    const JournalCipher cipher{id_of<VaultId>(1), key.copy()};
    Bytes file = cipher.encode_slot(1);
    JournalLink link = journal_link(file);
    file.resize(kJournalFramesOffset);
    std::uint64_t sequence = 1;
    for (const Bytes& plaintext : {encode_journal_entry(fact(1)).value(), Bytes(5, std::byte{99}),
                                   encode_journal_entry(fact(3)).value()}) {
        const std::size_t at = file.size();
        cipher.append_frame(file, {sequence, sequence, link, plaintext}, random);
        link = journal_link(ByteView(file).subspan(at));
        ++sequence;
    }
    disk.put(kPath, file);
    auto found = opened();
    EXPECT_EQ(entries_of(found.entries), (std::vector<JournalEntry>{fact(1), fact(3)}));
    EXPECT_EQ(found.salvage.entries_lost, 1U);
    EXPECT_EQ(found.salvage.damage.size(), 1U);
    EXPECT_EQ(found.journal->next_sequence(), 4U);
}

TEST_F(JournalTest, AMarkOfBeforeTheFileWasEmptiedTakesNothingAway) {
    fill(3);
    auto journal = opened().journal;
    const Journal::Mark mark = journal->mark().value();
    ASSERT_TRUE(journal->rewrite({}).ok());
    ASSERT_TRUE(journal->append(fact(5)).ok());
    ASSERT_TRUE(journal->rewrite_before(mark, {fact(9)}).ok());
    journal.reset();
    EXPECT_EQ(entries_of(opened().entries), std::vector<JournalEntry>{fact(5)});
}

TEST_F(JournalTest, ARewriteWithAnEntryAboveItsLimitIsNone) {
    fill(2);
    auto journal = opened().journal;
    const JournalFact large{1, Bytes(kJournalFactSizeMax + 1)};
    const Journal::Mark mark = journal->mark().value();
    EXPECT_EQ(journal->rewrite({fact(9), large}).error().kind, ErrorKind::TooLarge);
    EXPECT_EQ(journal->rewrite_before(mark, {fact(9), large}).error().kind, ErrorKind::TooLarge);
    EXPECT_EQ(journal->append(JournalRecords{{NameRecord{}}}).error().kind, ErrorKind::Invalid);
    journal.reset();
    EXPECT_EQ(entries_of(opened().entries), (std::vector<JournalEntry>{fact(1), fact(2)}));
}

TEST_F(JournalTest, WhatStandsBehindAMarkOutlivesARewrite) {
    auto journal = opened().journal;
    ASSERT_TRUE(journal->append(fact(1)).ok());
    const Journal::Mark mark = journal->mark().value();
    ASSERT_TRUE(journal->append(fact(2)).ok());
    ASSERT_TRUE(journal->commit().ok());
    ASSERT_TRUE(journal->append(fact(3)).ok());
    ASSERT_TRUE(journal->rewrite_before(mark, {fact(9)}).ok());
    disk.crash();
    auto again = opened();
    EXPECT_EQ(entries_of(again.entries), (std::vector<JournalEntry>{fact(9), fact(2), fact(3)}));
    EXPECT_TRUE(again.salvage.damage.empty());
}

// Written ahead with zeros, emptied without being cut, written over: nothing of before comes back.
TEST_F(JournalTest, ALongFileIsWrittenOverAfterItWasEmptied) {
    auto journal = opened().journal;
    for (std::size_t i = 1; i <= 40; ++i) {
        ASSERT_TRUE(journal->append(fact(i, 4000)).ok());
        ASSERT_TRUE(journal->commit().ok());
    }
    const std::size_t before = disk.contents(kPath)->size();
    ASSERT_TRUE(journal->rewrite({}).ok());
    ASSERT_TRUE(journal->append(fact(50, 100)).ok());
    ASSERT_TRUE(journal->commit().ok());
    EXPECT_EQ(disk.contents(kPath)->size(), before);
    disk.crash();
    auto again = opened();
    EXPECT_EQ(entries_of(again.entries), std::vector<JournalEntry>{fact(50, 100)});
    EXPECT_TRUE(again.salvage.damage.empty());
}

// What waits for its commit is not lost behind what does not.
TEST_F(JournalTest, EntriesBeforeACommitAreWrittenWithItAndInOrder) {
    auto journal = opened().journal;
    ASSERT_TRUE(journal->append(fact(1)).ok());
    disk.start_recording();
    ASSERT_TRUE(journal->append(fact(2), Journal::Append::BeforeCommit).ok());
    ASSERT_TRUE(journal->append(fact(3), Journal::Append::BeforeCommit).ok());
    EXPECT_TRUE(disk.calls().empty());
    EXPECT_EQ(journal->next_sequence(), 4U);
    ASSERT_TRUE(journal->commit().ok());
    std::size_t writes = 0;
    for (const DiskCall& call : disk.calls()) writes += call.kind == DiskCall::Kind::Write;
    EXPECT_EQ(writes, 1U);
    ASSERT_TRUE(journal->append(fact(4), Journal::Append::BeforeCommit).ok());
    ASSERT_TRUE(journal->append(fact(5)).ok());
    journal.reset();  // the process is killed: no crash of the disk
    const std::vector<JournalEntry> all{fact(1), fact(2), fact(3), fact(4), fact(5)};
    EXPECT_EQ(entries_of(opened().entries), all);
}

// Commits over room written ahead, on a real disk past its page cache: of many sizes, so that they
// begin and end anywhere in its blocks, between entries that no commit follows, in a file that is
// emptied now and then.
TEST_F(JournalTest, CommitsOfManySizesOverRoomWrittenAheadComeBack) {
    const TempDir directory;
    const fs::path path = directory.path() / "journal";
    const auto open_here = [&] {
        return Journal::open(posix_disk(), path, id_of<VaultId>(1), key, random);
    };
    std::vector<JournalEntry> expected;
    auto journal = std::move(open_here()->journal);
    for (std::size_t i = 1; i <= 600; ++i) {
        expected.push_back(fact(i % 200, (i * i * 37) % 9000));
        const bool is_followed = i % 7 != 0;
        ASSERT_TRUE(journal
                        ->append(expected.back(),
                                 is_followed ? Journal::Append::BeforeCommit : Journal::Append::Now)
                        .ok());
        const bool is_committed = is_followed && i % 5 != 0;
        ASSERT_TRUE(!is_committed || journal->commit().ok());
        if (i % 400 == 0) {
            ASSERT_TRUE(journal->rewrite({}).ok());
            expected.clear();
        }
        if (i % 250 != 0) continue;
        ASSERT_TRUE(journal->commit().ok());
        journal.reset();
        auto again = open_here();
        ASSERT_TRUE(again.ok());
        ASSERT_EQ(entries_of(again->entries), expected) << i;
        ASSERT_TRUE(again->salvage.damage.empty());
        journal = std::move(again->journal);
    }
}

// The same in the model of a power cut, which takes what was written and not synced in any part.
TEST_F(JournalTest, APowerCutAmongCommitsOverRoomWrittenAheadTakesNothingCommitted) {
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        MemoryDisk crashing;
        ASSERT_TRUE(crashing.make_directories("/state").ok());
        auto first = open_on(crashing);
        Journal& journal = *first->journal;
        std::vector<JournalEntry> committed{fact(1, 40'000), fact(1, 40'000)}, written = committed;
        for (const JournalEntry& entry : committed) ASSERT_TRUE(journal.append(entry).ok());
        ASSERT_TRUE(journal.commit().ok());
        for (std::size_t i = 2; i < 12; ++i) {
            written.push_back(fact(i, (seed * 997 + i * 613) % 5000));
            ASSERT_TRUE(journal.append(written.back(), Journal::Append::BeforeCommit).ok());
            if (i == 11) crashing.fail_call(0, ErrorKind::Io, DiskCall::Kind::Sync);
            const bool is_durable = journal.commit().ok();
            ASSERT_EQ(is_durable, i < 11);
            if (is_durable) committed = written;
        }
        crashing.crash(seed);
        auto after = open_on(crashing);
        ASSERT_TRUE(after.ok()) << seed << ": " << after.error().message;
        const std::vector<JournalEntry> found = entries_of(after->entries);
        ASSERT_TRUE(is_prefix(committed, found) && is_prefix(found, written)) << seed;
        ASSERT_TRUE(after->salvage.damage.empty()) << seed;
    }
}

TEST_F(JournalTest, ARewriteThatFindsNoSpaceLeavesTheOldContentInUse) {
    fill(2);
    auto journal = opened().journal;
    disk.fail_call(0, ErrorKind::NoSpace, DiskCall::Kind::Write);
    EXPECT_EQ(journal->rewrite({fact(9)}).error().kind, ErrorKind::NoSpace);
    EXPECT_EQ(journal->append(fact(3)).value(), 3U);
    ASSERT_TRUE(journal->commit().ok());
    auto again = opened();
    EXPECT_EQ(entries_of(again.entries), (std::vector<JournalEntry>{fact(1), fact(2), fact(3)}));
    EXPECT_TRUE(again.salvage.damage.empty());
}

TEST_F(JournalTest, EntriesAtTheirLimitsAndOnePast) {
    auto journal = opened().journal;
    EXPECT_TRUE(journal->append(JournalFact{1, Bytes(kJournalFactSizeMax)}).ok());
    EXPECT_EQ(journal->append(JournalFact{1, Bytes(kJournalFactSizeMax + 1)}).error().kind,
              ErrorKind::TooLarge);
    JournalContent content{JournalContent::Form::Plain, 1, {}, Bytes(kJournalContentSizeMax)};
    EXPECT_TRUE(journal->append(content).ok());
    content.bytes.push_back(std::byte{0});
    EXPECT_EQ(journal->append(content).error().kind, ErrorKind::TooLarge);
    ASSERT_TRUE(journal->commit().ok());
    EXPECT_EQ(opened().entries.size(), 2U);
}

// A power cut at every disk call of a life of appends, commits and rewrites, with every fate of
// what was not synced. Goal: committed entries are there, in order, under the right bytes; nothing
// else is; no damage is seen.
TEST_F(JournalTest, ACrashAtAnyCallLosesNothingCommitted) {
    bool finished = false;
    for (std::uint64_t point = 0; !finished; ++point) {
        for (std::uint64_t seed = 0; seed < 12; ++seed) {
            MemoryDisk crashing;
            ASSERT_TRUE(crashing.make_directories("/state").ok());
            crashing.power_off_at(point);
            std::vector<JournalEntry> committed, written, replacement;
            bool is_replacing = false;
            auto live = [&]() -> Status {
                TRY(auto first, open_on(crashing));
                Journal& journal = *first.journal;
                for (std::size_t round = 1; round <= 4; ++round) {
                    for (std::size_t i = 0; i < 3; ++i) {
                        JournalEntry entry = fact(10 * round + i, 10 + 300 * i);
                        written.push_back(entry);
                        TRY_OK(journal.append(entry));
                        if (i == 1) {
                            TRY_OK(journal.commit());
                            committed = written;
                        }
                    }
                    if (round == 4) break;
                    replacement = round % 2 == 0 ? std::vector<JournalEntry>{written.back()}
                                                 : std::vector<JournalEntry>{};
                    is_replacing = true;
                    TRY_OK(journal.rewrite(replacement));
                    is_replacing = false;
                    committed = written = replacement;
                }
                return {};
            };
            finished = live().ok();
            crashing.crash(seed);
            auto after = open_on(crashing);
            ASSERT_TRUE(after.ok()) << point << " " << seed << ": " << after.error().message;
            std::vector<JournalEntry> found = entries_of(after->entries);
            bool is_legal = (is_prefix(committed, found) && is_prefix(found, written)) ||
                            (is_replacing && found == replacement);
            ASSERT_TRUE(is_legal) << "call " << point << ", seed " << seed << ": " << found.size();
            ASSERT_TRUE(after->salvage.damage.empty())
                << "call " << point << ", seed " << seed << ": " << after->salvage.damage.front();
            ASSERT_TRUE(after->journal->append(fact(99)).ok());
            ASSERT_TRUE(after->journal->commit().ok());
            crashing.crash(seed);
            found.push_back(fact(99));
            EXPECT_EQ(entries_of(open_on(crashing)->entries), found);
        }
    }
}

}  // namespace
}  // namespace lockstep
