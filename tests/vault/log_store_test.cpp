#include "vault/log/log_store.h"

#include <gtest/gtest.h>

#include "tests/support/memory_disk.h"
#include "tests/vault/log_samples.h"

namespace lockstep {
namespace {

struct LogStoreTest : testing::Test {
    LogStoreTest() { EXPECT_TRUE(disk.make_directories("/v").ok()); }

    std::unique_ptr<LogStore> opened() { return LogStore::open(disk, "/v").value(); }
    LogReport report() { return opened()->verify(writer.lookup()); }
    // Writes the next segment into `store`.
    LogStore::Put put(LogStore& store) {
        Bytes bytes = writer.write(one_of_each());
        return store.put(writer.ref(), bytes).value();
    }
    fs::path path(std::uint64_t number) { return opened()->path_of({writer.log, number}); }

    MemoryDisk disk;
    LogWriter writer{9};
};

TEST_F(LogStoreTest, AnEmptyVaultHasNoLogs) {
    EXPECT_TRUE(opened()->logs().empty());
    EXPECT_TRUE(report().frontier.empty());
}

TEST_F(LogStoreTest, WhatWasPutIsReadBackAndListed) {
    auto store = opened();
    Bytes bytes = writer.write(one_of_each());
    EXPECT_EQ(store->put(writer.ref(), bytes).value(), LogStore::Put::Stored);
    EXPECT_EQ(store->put(writer.ref(), bytes).value(), LogStore::Put::Known);
    EXPECT_EQ(put(*store), LogStore::Put::Stored);
    EXPECT_EQ(store->read({writer.log, 1}).value(), bytes);
    EXPECT_TRUE(store->has({writer.log, 2}));
    EXPECT_FALSE(store->has({writer.log, 3}));
    auto again = opened();
    for (const LogStore* either : {store.get(), again.get()}) {
        EXPECT_EQ(either->logs(), std::vector<LogId>{writer.log});
        EXPECT_EQ(either->numbers(writer.log), (std::vector<std::uint64_t>{1, 2}));
        EXPECT_EQ(either->segment_count(), 2U);
    }
}

TEST_F(LogStoreTest, AnIntactChainGivesTheFrontier) {
    auto store = opened();
    for (int i = 0; i < 12; ++i) put(*store);
    LogReport found = report();
    EXPECT_EQ(found.frontier, (Frontier{{writer.log, writer.last}}));
    EXPECT_EQ(found.devices.at(writer.log), writer.device);
    EXPECT_TRUE(found.forks.empty() && found.missing.empty() && found.damaged.empty());
}

TEST_F(LogStoreTest, AGapEndsTheFrontierAndIsNamed) {
    auto store = opened();
    put(*store);
    LogPosition first = writer.last;
    put(*store);
    put(*store);
    ASSERT_TRUE(disk.remove(path(2)).ok());
    LogReport found = report();
    EXPECT_EQ(found.frontier.at(writer.log), first);
    EXPECT_EQ(found.missing, (std::vector<SegmentRef>{{writer.log, 2}}));
}

TEST_F(LogStoreTest, DamageIsNamedAndCanBeRepaired) {
    auto store = opened();
    put(*store);
    put(*store);
    Bytes good = *disk.contents(path(1));
    for (std::size_t at = 0; at < good.size(); at += 97) {
        Bytes bad = good;
        bad[at] ^= std::byte{1};
        disk.put(path(1), bad);
        LogReport found = report();
        EXPECT_TRUE(found.frontier.empty());
        ASSERT_EQ(found.damaged.size(), 1U);
        EXPECT_NE(found.damaged.front().find("segment 1 of log " + writer.log.to_hex()),
                  std::string::npos);
        EXPECT_EQ(found.missing, (std::vector<SegmentRef>{{writer.log, 1}}));
    }
    ASSERT_TRUE(store->repair({writer.log, 1}, good).ok());
    EXPECT_EQ(report().frontier.at(writer.log), writer.last);
}

TEST_F(LogStoreTest, ASegmentUnderAnotherNameIsDamage) {
    auto store = opened();
    put(*store);
    disk.put(path(2), *disk.contents(path(1)));
    LogReport found = report();
    EXPECT_EQ(found.frontier.at(writer.log).number, 1U);
    EXPECT_EQ(found.damaged.size(), 1U);
}

// A cloned machine writes the same numbers; both tails are kept and the fork is evidence.
TEST_F(LogStoreTest, TwoSegmentsOfOneNumberAreBothKeptAndReported) {
    auto store = opened();
    put(*store);
    LogPosition common = writer.last;
    put(*store);
    SegmentHash first = writer.last.hash;
    writer.last = common;
    Bytes second = writer.write();
    EXPECT_EQ(store->put(writer.ref(), second).value(), LogStore::Put::Forked);
    EXPECT_EQ(store->put(writer.ref(), second).value(), LogStore::Put::Known);
    LogReport found = report();
    EXPECT_EQ(found.frontier.at(writer.log), (LogPosition{2, first}));
    EXPECT_EQ(found.forks, (std::vector<LogFork>{{{writer.log, 2}, first, writer.last.hash}}));
    EXPECT_EQ(opened()->read({writer.log, 2}, writer.last.hash).value(), second);
}

TEST_F(LogStoreTest, AFilledUpForkReplacesADamagedFirst) {
    auto store = opened();
    put(*store);
    Bytes good = *disk.contents(path(1));
    disk.put(path(1), Bytes(4096));
    EXPECT_EQ(opened()->put({writer.log, 1}, good).value(), LogStore::Put::Forked);
    LogReport found = report();
    EXPECT_EQ(found.frontier.at(writer.log), writer.last);
    EXPECT_TRUE(found.forks.empty());
    EXPECT_EQ(found.damaged.size(), 1U);
}

TEST_F(LogStoreTest, ALogBelongsToOneDevice) {
    auto store = opened();
    put(*store);
    LogWriter thief(8);
    thief.last = writer.last;
    Bytes bytes = thief.write();
    ASSERT_TRUE(store->put(thief.ref(), bytes).ok());
    SegmentLookup lookup = writer.lookup();
    lookup.signer_of = [&](const DeviceId& id) {
        return id == writer.device ? writer.signing.public_key() : thief.signing.public_key();
    };
    LogReport found = store->verify(lookup);
    EXPECT_EQ(found.frontier.at(writer.log).number, 1U);
    EXPECT_EQ(found.damaged.size(), 1U);
}

TEST_F(LogStoreTest, ForeignFilesAreLeftAloneAndReported) {
    put(*opened());
    std::string log = writer.log.to_hex();
    for (std::string name : {"readme", "0.seg", "01.seg", "1.seg.tmp", "x.seg", "1.ab.seg", ".seg"})
        disk.put("/v/log/" + log + "/" + name, as_bytes("?"));
    disk.put("/v/log/stray", as_bytes("?"));
    ASSERT_TRUE(disk.make_directories("/v/log/" + std::string(32, 'A')).ok());
    LogReport found = report();
    EXPECT_EQ(found.foreign.size(), 9U);
    EXPECT_EQ(found.frontier.at(writer.log), writer.last);
    EXPECT_TRUE(disk.exists("/v/log/stray"));
}

TEST_F(LogStoreTest, ADiskThatCannotBeReadIsAnError) {
    put(*opened());
    disk.power_off_at(0);
    EXPECT_FALSE(opened()->put({writer.log, 2}, {}).ok());
}

// At every disk call a crash, with every fate of what was not durable: what put() reported Stored
// is there, and nothing wrong is accepted.
TEST(LogStoreCrashTest, WhatWasStoredSurvivesACrashAtAnyCall) {
    for (std::uint64_t point = 0;; ++point) {
        bool finished = false;
        for (std::uint64_t seed = 0; seed < 8; ++seed) {
            MemoryDisk disk;
            ASSERT_TRUE(disk.make_directories("/v").ok());
            LogWriter writer(9);
            disk.power_off_at(point);
            std::uint64_t stored = 0;
            if (auto store = LogStore::open(disk, "/v"); store.ok()) {
                while (stored < 3) {
                    Bytes bytes = writer.write(one_of_each());
                    if (!(*store)->put(writer.ref(), bytes).ok()) break;
                    ++stored;
                }
            }
            finished = stored == 3;
            disk.crash(seed);
            auto store = LogStore::open(disk, "/v").value();
            LogReport found = store->verify(writer.lookup());
            std::uint64_t there = found.frontier.empty() ? 0 : found.frontier.at(writer.log).number;
            EXPECT_GE(there, stored) << "call " << point << ", seed " << seed;
            EXPECT_TRUE(found.damaged.empty() && found.missing.empty()) << "call " << point;
            LogWriter again(9);
            while (again.last.number < 3) {
                Bytes bytes = again.write(one_of_each());
                ASSERT_TRUE(store->put(again.ref(), bytes).ok());
            }
            EXPECT_EQ(store->verify(writer.lookup()).frontier.at(writer.log), again.last);
        }
        if (finished) break;
    }
}

}  // namespace
}  // namespace lockstep
