// The index in its sealed file: that it comes back, and that whatever happens to the file, what is
// accepted is what the index was at some moment.
#include <algorithm>

#include <gtest/gtest.h>

#include "tests/vault/index_world.h"

namespace lockstep {
namespace {

const fs::path kDatabase = "/state/index.db", kWal = "/state/index.db-wal";

struct IndexFileTest : testing::Test {
    MemoryDisk disk;
    IndexPlace place{disk};
    static const IndexHistory& shared_history() {
        static const IndexHistory made(1, 30, 60);
        return made;
    }
    const IndexHistory& history = shared_history();

    std::unique_ptr<Index> open() { return place.open().value(); }
    void fill() {
        auto index = open();
        EXPECT_TRUE(history.catch_up(*index).ok());
    }
    // The number of calls after which the index was what it is now; nullopt: it never was that.
    std::optional<std::size_t> moment(Index& index) {
        auto at =
            std::find(history.digests().begin(), history.digests().end(), index.digest().value());
        if (at == history.digests().end()) return std::nullopt;
        return static_cast<std::size_t>(at - history.digests().begin());
    }
    void expect_catches_up(Index& index) {
        ASSERT_TRUE(history.catch_up(index).ok());
        EXPECT_EQ(moment(index), history.calls().size());
        EXPECT_TRUE(index.check().ok());
        EXPECT_TRUE(index.log().records().ok());
    }
};

TEST_F(IndexFileTest, WhatWasClosedIsThereWhenItIsOpenedAgain) {
    fill();
    EXPECT_EQ(disk.contents(kWal)->size(), 0U);
    auto index = open();
    EXPECT_FALSE(index->is_new());
    EXPECT_EQ(moment(*index), history.calls().size());
    EXPECT_TRUE(index->check().ok());
    auto model = Index::open_in_memory().value();
    ASSERT_TRUE(history.catch_up(*model).ok());
    EXPECT_EQ(index->log().records().value(), model->log().records().value());
    EXPECT_EQ(index->log().logs().value(), model->log().logs().value());
    EXPECT_EQ(index->chunks().packs().value(), model->chunks().packs().value());
}

TEST_F(IndexFileTest, AProcessThatDiesLosesNoCommit) {
    auto index = open();
    for (std::size_t call = 0; call < 25; ++call) {
        ASSERT_TRUE(history.apply(*index, call).ok());
        if (call == 19) {
            ASSERT_TRUE(index->commit().ok());
        }
    }
    // What a process that is killed leaves: the bytes as they are now.
    std::unique_ptr<MemoryDisk> left = disk.clone();
    IndexPlace after(*left);
    auto again = after.open().value();
    EXPECT_FALSE(again->is_new());
    EXPECT_EQ(moment(*again), 20U);
    expect_catches_up(*again);
}

TEST_F(IndexFileTest, VerifiedChunksStayVerified) {
    const auto& added = [&]() -> const IndexHistory::AddedPack& {
        for (const auto& call : history.calls())
            if (const auto* pack = std::get_if<IndexHistory::AddedPack>(&call)) return *pack;
        std::abort();
    }();
    {
        auto index = open();
        ASSERT_TRUE(index->chunks().add_pack(added.pack, {}, added.chunks, false).ok());
        ASSERT_TRUE(index->chunks().mark_verified(added.chunks[0].id, added.pack.id).ok());
    }
    auto index = open();
    EXPECT_TRUE(index->chunks().find(added.chunks[0].id).value()->is_verified);
}

TEST_F(IndexFileTest, AnotherKeyVaultOrFileOpensNothing) {
    fill();
    SealedFilesEnvironment other = place.environment();
    other.key = IndexKey::from(id_of<Id<void, 32>>(0x1e).view());
    auto index = Index::open(other).value();
    EXPECT_TRUE(index->is_new());
    EXPECT_TRUE(index->doubt().has_value());
    EXPECT_EQ(moment(*index), 0U);
    index.reset();
    fill();
    SealedFilesEnvironment elsewhere = place.environment();
    elsewhere.vault = id_of<VaultId>(2);
    EXPECT_TRUE(Index::open(elsewhere).value()->is_new());
}

TEST_F(IndexFileTest, AnotherSchemaIsRebuilt) {
    fill();
    {
        Database database = Database::open_sealed(place.environment(), {}).value();
        ASSERT_TRUE(database.execute("PRAGMA user_version = 999").ok());
    }
    auto index = open();
    EXPECT_TRUE(index->is_new());
    expect_catches_up(*index);
}

TEST_F(IndexFileTest, NothingInItsFilesIsReadable) {
    // Names, ids, labels and SQLite's own words, in the database and in the WAL.
    auto index = open();
    ASSERT_TRUE(history.catch_up(*index).ok());
    ASSERT_TRUE(index->commit().ok());
    std::vector<Bytes> secrets;
    for (std::string_view word : {"SQLite format 3", "CREATE TABLE", "segment", "records"})
        secrets.push_back(to_bytes(as_bytes(word)));
    for (const auto& call : history.calls()) {
        if (const auto* pack = std::get_if<IndexHistory::AddedPack>(&call)) {
            secrets.push_back(to_bytes(pack->pack.id.view().first(8)));
            for (const ChunkEntry& chunk : pack->chunks)
                secrets.push_back(to_bytes(chunk.id.view().first(8)));
        } else {
            const auto& segment = std::get<IndexHistory::AppliedSegment>(call);
            secrets.push_back(to_bytes(segment.outer.hash.view().first(8)));
            secrets.push_back(to_bytes(segment.outer.header.log.view()));
            for (const Record& record : segment.records.records) {
                if (const auto* name = std::get_if<NameRecord>(&record);
                    name && name->name.size() > 5)
                    secrets.push_back(to_bytes(as_bytes(name->name)));
                if (const auto* link = std::get_if<LinkRecord>(&record))
                    secrets.push_back(to_bytes(link->file.view()));
            }
        }
    }
    ASSERT_GT(secrets.size(), 200U);
    for (const fs::path& path : {kDatabase, kWal}) {
        Bytes bytes = disk.contents(path).value();
        ASSERT_GT(bytes.size(), 10'000U);
        for (const Bytes& secret : secrets) {
            auto at = std::search(bytes.begin(), bytes.end(),
                                  std::boyer_moore_horspool_searcher(secret.begin(), secret.end()));
            ASSERT_TRUE(at == bytes.end()) << path << ": " << hex(secret);
        }
    }
    const std::vector<DirectoryItem> items = disk.list("/state").value();
    for (const DirectoryItem& item : items)
        EXPECT_TRUE(item.name == "index.db" || item.name == "index.db-wal") << item.name;
}

// Every bit of a page is under its seal, and so is its place.
TEST_F(IndexFileTest, DamageIsNeverAccepted) {
    fill();
    const Bytes whole = disk.contents(kDatabase).value();
    SeededRandom random(5);
    std::size_t rebuilt = 0;
    for (int round = 0; round < 200; ++round) {
        Bytes damaged = whole;
        if (round % 2 == 0) {
            damaged[random.below(damaged.size())] ^= static_cast<std::byte>(1 << random.below(8));
        } else {
            const std::size_t pages = damaged.size() / kIndexPageSize;
            std::size_t a = random.below(pages), b = (a + 1 + random.below(pages - 1)) % pages;
            std::swap_ranges(
                damaged.begin() + static_cast<std::ptrdiff_t>(a * kIndexPageSize),
                damaged.begin() + static_cast<std::ptrdiff_t>((a + 1) * kIndexPageSize),
                damaged.begin() + static_cast<std::ptrdiff_t>(b * kIndexPageSize));
        }
        disk.put(kDatabase, damaged);
        disk.put(kWal, {});
        auto index = open();
        if (index->is_new()) {
            ++rebuilt;
            EXPECT_EQ(moment(*index), 0U);
            continue;
        }
        ADD_FAILURE() << "round " << round;
    }
    EXPECT_EQ(rebuilt, 200U);
}

// A page replaced by what it was before fits its seal. In a file that was not closed the numbers of
// rows tell; the records' own sums do in any case.
TEST_F(IndexFileTest, OldPagesNeverMakeRecordsThatWereNotApplied) {
    {
        auto index = open();
        for (std::size_t call = 0; call < 20; ++call) ASSERT_TRUE(history.apply(*index, call).ok());
    }
    const Bytes old = disk.contents(kDatabase).value();
    fill();
    const Bytes now = disk.contents(kDatabase).value();
    auto model = Index::open_in_memory().value();
    ASSERT_TRUE(history.catch_up(*model).ok());
    const std::vector<Record> records = model->log().records().value();
    for (std::size_t page = 0; page < old.size() / kIndexPageSize; ++page) {
        Bytes mixed = now;
        auto at = static_cast<std::ptrdiff_t>(page * kIndexPageSize);
        std::copy_n(old.begin() + at, kIndexPageSize, mixed.begin() + at);
        if (mixed == now) continue;
        disk.put(kDatabase, mixed);
        disk.put(kWal, {});
        auto index = open();
        if (index->is_new()) continue;
        auto found = index->log().records();
        if (found.ok())
            EXPECT_EQ(*found, records) << "page " << page;
        else
            EXPECT_EQ(found.error().kind, ErrorKind::Corrupt);
    }
}

constexpr std::uint64_t kImages = 600, kImageShares = 6;

struct IndexCrashTest : IndexFileTest, testing::WithParamInterface<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Images, IndexCrashTest, testing::Range(std::uint64_t{0}, kImageShares));

// Power cuts at every kind of moment, with what was not synced kept, dropped or torn: 600 images, a
// share of them in each test.
TEST_P(IndexCrashTest, ACrashImageIsAMomentOfTheIndexOrRebuilt) {
    auto work = [this](MemoryDisk& on, IndexPlace& at) {
        for (int session = 0; session < 3; ++session) {
            auto index = at.open();
            if (!index.ok()) return;
            for (std::size_t call = 0; call < history.calls().size(); ++call) {
                if (!history.apply(**index, call).ok()) return;
                if (call % 3 == 0 && !(*index)->commit().ok()) return;
            }
            if (session == 1) {
                index->reset();
                if (!Index::remove(on, kDatabase).ok()) return;
            }
        }
    };
    std::uint64_t calls = 0;
    {
        MemoryDisk whole;
        IndexPlace at(whole);
        work(whole, at);
        calls = whole.change_count();
    }
    ASSERT_GT(calls, 300U);
    std::size_t rebuilt = 0, kept = 0, partial = 0;
    for (std::uint64_t image = GetParam(); image < kImages; image += kImageShares) {
        MemoryDisk crashed;
        IndexPlace at(crashed);
        crashed.power_off_at(calls * image / kImages);
        work(crashed, at);
        crashed.crash(image + 1);
        auto index = at.open();
        ASSERT_TRUE(index.ok()) << index.error().message;
        std::optional<std::size_t> found = moment(**index);
        ASSERT_TRUE(found.has_value()) << "image " << image;
        if ((*index)->is_new()) {
            ASSERT_EQ(found, 0U);
            ++rebuilt;
        } else {
            ++kept;
            if (*found > 0 && *found < history.calls().size()) ++partial;
        }
        ASSERT_TRUE((*index)->log().records().ok());
        if (image % 5 == 0) expect_catches_up(**index);
        if (HasFatalFailure() || HasNonfatalFailure()) FAIL() << "image " << image;
    }
    EXPECT_GT(kept, 200 / kImageShares);
    EXPECT_GT(partial, 50 / kImageShares);
    RecordProperty("rebuilt", static_cast<int>(rebuilt));
    RecordProperty("kept", static_cast<int>(kept));
}

// A full or failing disk: the index goes on, and the next one begins anew.
TEST_F(IndexFileTest, ADiskThatRefusesAWriteStopsNobody) {
    for (std::uint64_t nth = 0; nth < 60; nth += 7) {
        MemoryDisk full;
        IndexPlace at(full);
        auto index = at.open().value();
        full.fail_call(nth, ErrorKind::NoSpace);
        expect_catches_up(*index);
        index.reset();
        auto next = at.open().value();
        EXPECT_EQ(moment(*next), next->is_new() ? 0 : history.calls().size());
        expect_catches_up(*next);
    }
}

// Reads fail as well: that is an error, and no moment is made up afterwards.
TEST_F(IndexFileTest, ADiskThatIsGoneIsAnError) {
    auto index = open();
    ASSERT_TRUE(history.apply(*index, 0).ok());
    ASSERT_TRUE(index->commit().ok());
    disk.power_off_at(0);
    Status caught_up = history.catch_up(*index);
    ASSERT_FALSE(caught_up.ok());
    EXPECT_EQ(caught_up.error().kind, ErrorKind::Io);
    index.reset();
    disk.crash();
    index = open();
    ASSERT_TRUE(moment(*index).has_value());
    expect_catches_up(*index);
}

}  // namespace
}  // namespace lockstep
