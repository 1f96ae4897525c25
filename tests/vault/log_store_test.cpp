#include "vault/log/log_store.h"

#include <gtest/gtest.h>

#include "tests/support/memory_disk.h"
#include "tests/vault/log_samples.h"

namespace lockstep {
namespace {

struct LogStoreTest : testing::Test {
    LogStoreTest() { EXPECT_TRUE(disk.make_directories("/v").ok()); }

    std::unique_ptr<LogStore> opened() { return LogStore::open(disk, "/v").value(); }
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
        EXPECT_EQ(either->names(writer.log), (std::vector<LogStore::Name>{{1, {}}, {2, {}}}));
        EXPECT_EQ(either->segment_count(), 2U);
    }
}

TEST_F(LogStoreTest, DamageCanBeRepaired) {
    auto store = opened();
    put(*store);
    Bytes good = *disk.contents(path(1));
    disk.put(path(1), Bytes(good.size()));
    ASSERT_TRUE(store->repair(writer.log, {1}, good).ok());
    EXPECT_EQ(opened()->read({writer.log, 1}).value(), good);
}

// A cloned machine writes the same numbers; both tails are kept and the fork is evidence.
TEST_F(LogStoreTest, TwoSegmentsOfOneNumberAreBothKept) {
    auto store = opened();
    put(*store);
    LogPosition common = writer.last;
    put(*store);
    const Bytes first = *disk.contents(path(2));
    const SegmentHash first_hash = writer.last.hash;
    writer.last = common;
    Bytes second = writer.write();
    EXPECT_EQ(store->put(writer.ref(), second).value(), LogStore::Put::Forked);
    EXPECT_EQ(store->put(writer.ref(), second).value(), LogStore::Put::Known);
    auto again = opened();
    for (const LogStore* either : {store.get(), again.get()}) {
        EXPECT_EQ(either->names(writer.log),
                  (std::vector<LogStore::Name>{{1, {}}, {2, {}}, {2, writer.last.hash}}));
        for (const auto& [hash, bytes] :
             {std::pair(first_hash, first), std::pair(writer.last.hash, second)})
            EXPECT_EQ(
                either->read(writer.log, either->names_of({writer.log, 2}, hash).at(0)).value(),
                bytes);
    }
}

TEST_F(LogStoreTest, ForeignFilesAreLeftAlone) {
    put(*opened());
    std::string log = writer.log.to_hex();
    for (std::string name : {"readme", "0.seg", "01.seg", "1.seg.tmp", "x.seg", "1.ab.seg", ".seg"})
        disk.put("/v/log/" + log + "/" + name, as_bytes("?"));
    disk.put("/v/log/stray", as_bytes("?"));
    ASSERT_TRUE(disk.make_directories("/v/log/" + std::string(32, 'A')).ok());
    EXPECT_EQ(opened()->names(writer.log), (std::vector<LogStore::Name>{{1, {}}}));
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
            const auto names = store->names(writer.log);
            EXPECT_GE(names.size(), stored) << "call " << point << ", seed " << seed;
            for (const LogStore::Name& name : names)
                EXPECT_TRUE(open_outer(*store->read(writer.log, name), writer.lookup()).ok())
                    << "call " << point;
            LogWriter again(9);
            while (again.last.number < 3) {
                Bytes bytes = again.write(one_of_each());
                ASSERT_TRUE(store->put(again.ref(), bytes).ok());
            }
            EXPECT_EQ(store->names(writer.log),
                      (std::vector<LogStore::Name>{{1, {}}, {2, {}}, {3, {}}}));
        }
        if (finished) break;
    }
}

}  // namespace
}  // namespace lockstep
