#include <gtest/gtest.h>

#include "tests/support/memory_disk.h"
#include "tests/support/temp_dir.h"
#include "tests/vault/packs_samples.h"
#include "vault/packs/pack_store.h"

namespace lockstep {
namespace {

const fs::path kVault = "/vault";

FinishedPack sample_pack(std::uint64_t seed, std::size_t size = 700) {
    SeededRandom random(seed);
    PackBuilder builder = sample_builder(random);
    for (std::size_t done = 0; done < size; done += kChunkSizeMax) {
        add_data(builder, random.bytes(std::min(size - done, kChunkSizeMax)));
    }
    return std::move(builder).finish();
}

std::unique_ptr<PackStore> open_store(Disk& disk) {
    return std::move(PackStore::open(disk, kVault)).value();
}

class PackStoreTest : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(disk.make_directories(kVault).ok());
        store = open_store(disk);
    }
    MemoryDisk disk;
    std::unique_ptr<PackStore> store;
};

TEST_F(PackStoreTest, WhatWasPutIsThereAfterACrash) {
    FinishedPack pack = sample_pack(1);
    ASSERT_TRUE(store->put(pack).ok());
    disk.crash();
    store = open_store(disk);
    EXPECT_TRUE(store->has(pack.info().id));
    EXPECT_EQ(*store->read_verified(pack.info()), pack.bytes);
    EXPECT_TRUE(store->verify(pack.info()).ok());
    EXPECT_EQ(*store->read(pack.info().id, 100, 50),
              Bytes(pack.bytes.begin() + 100, pack.bytes.begin() + 150));
    EXPECT_FALSE(store->read(pack.info().id, 4000, 500).ok());
    EXPECT_EQ(store->path_of(pack.info().id), kVault / "packs" /
                                                  pack.info().id.to_hex().substr(0, 2) /
                                                  (pack.info().id.to_hex() + ".pack"));
}

TEST_F(PackStoreTest, PuttingAgainChangesNothing) {
    FinishedPack pack = sample_pack(2);
    ASSERT_TRUE(store->put(pack).ok());
    ASSERT_TRUE(store->put(pack).ok());
    ASSERT_TRUE(store->put_received(pack.info(), pack.bytes).ok());
    EXPECT_EQ(store->list()->packs, std::vector<PackInfo>{pack.info()});
}

TEST_F(PackStoreTest, ReceivedBytesAreTakenOnlyUnderTheirName) {
    FinishedPack pack = sample_pack(3);
    Bytes damaged = pack.bytes;
    damaged[1234] ^= std::byte{1};
    EXPECT_EQ(store->put_received(pack.info(), damaged).error().kind, ErrorKind::Corrupt);
    EXPECT_FALSE(store->put_received(sample_pack(4).info(), pack.bytes).ok());
    EXPECT_FALSE(store->put_received({.id = pack.info().id, .length = 4095}, pack.bytes).ok());
    EXPECT_FALSE(store->put_received({}, {}).ok());
    EXPECT_TRUE(store->list()->packs.empty());
    EXPECT_TRUE(store->put_received(pack.info(), pack.bytes).ok());
}

TEST_F(PackStoreTest, AFileIsAdoptedOnlyWhenItIsThePack) {
    FinishedPack pack = sample_pack(5, 3 * kMiB);
    fs::path file = "/download/file";
    Bytes damaged = pack.bytes;
    damaged.back() ^= std::byte{1};
    disk.put(file, damaged);
    EXPECT_EQ(store->adopt_file(pack.info(), file).error().kind, ErrorKind::Corrupt);
    EXPECT_TRUE(disk.exists(file));
    EXPECT_FALSE(store->has(pack.info().id));
    disk.put(file, pack.bytes);
    ASSERT_TRUE(store->adopt_file(pack.info(), file).ok());
    disk.crash();
    EXPECT_FALSE(disk.exists(file));
    EXPECT_EQ(*open_store(disk)->read_verified(pack.info()), pack.bytes);
}

TEST_F(PackStoreTest, DamageOnTheDiskIsDetectedAndNamed) {
    FinishedPack pack = sample_pack(6);
    ASSERT_TRUE(store->put(pack).ok());
    Bytes damaged = pack.bytes;
    damaged[99] ^= std::byte{1};
    disk.put(store->path_of(pack.info().id), damaged);
    EXPECT_TRUE(store->piece_layers(pack.info()).ok()) << "known from when it was put";
    store = open_store(disk);
    for (Status status :
         {store->verify(pack.info()), Status(store->read_verified(pack.info()).error()),
          Status(store->piece_layers(pack.info()).error())}) {
        ASSERT_FALSE(status.ok());
        EXPECT_EQ(status.error().kind, ErrorKind::Corrupt);
        EXPECT_NE(status.error().message.find(pack.info().id.to_hex()), std::string::npos);
    }
}

TEST_F(PackStoreTest, MissingPacksAreNotFound) {
    PackInfo info = sample_pack(7).info();
    EXPECT_FALSE(store->has(info.id));
    EXPECT_EQ(store->open_pack(info.id).error().kind, ErrorKind::NotFound);
    EXPECT_EQ(store->verify(info).error().kind, ErrorKind::NotFound);
    EXPECT_EQ(store->remove(info.id).error().kind, ErrorKind::NotFound);
    EXPECT_EQ(store->piece_layers(info).error().kind, ErrorKind::NotFound);
}

TEST_F(PackStoreTest, RemovedPacksStayAway) {
    FinishedPack pack = sample_pack(8, 2 * kMiB);
    ASSERT_TRUE(store->put(pack).ok());
    EXPECT_EQ(*store->piece_layers(pack.info()), pack.identity.piece_layers);
    ASSERT_TRUE(store->remove(pack.info().id).ok());
    disk.crash();
    EXPECT_FALSE(open_store(disk)->has(pack.info().id));
    EXPECT_FALSE(store->piece_layers(pack.info()).ok())
        << "remembered layers of a pack that is gone";
}

TEST_F(PackStoreTest, LayersAreThoseOfTheBuilder) {
    for (std::size_t size : {std::size_t{700}, 100 * kKiB, 3 * kMiB}) {
        FinishedPack pack = sample_pack(size, size);
        ASSERT_TRUE(store->put(pack).ok());
        EXPECT_EQ(*store->piece_layers(pack.info()), pack.identity.piece_layers);
        EXPECT_EQ(*store->piece_layers(pack.info()), pack.identity.piece_layers);
    }
}

TEST_F(PackStoreTest, ListsPacksAndTellsStrangersApart) {
    std::vector<PackInfo> packs;
    for (std::uint64_t seed = 20; seed < 40; ++seed) {
        FinishedPack pack = sample_pack(seed);
        ASSERT_TRUE(store->put(pack).ok());
        packs.push_back(pack.info());
    }
    std::sort(packs.begin(), packs.end());
    fs::path first = store->path_of(packs[0].id);
    disk.put(kVault / "packs" / "README", as_bytes("x"));
    disk.put(first.parent_path() / "conflicted copy.pack", as_bytes("x"));
    std::string other = packs[0].id.to_hex().starts_with("00") ? "01" : "00";
    disk.put(kVault / "packs" / other / first.filename(), as_bytes("x"));
    auto listing = store->list();
    ASSERT_TRUE(listing.ok());
    EXPECT_EQ(listing->packs, packs);
    EXPECT_EQ(listing->strangers.size(), 3U);
}

TEST_F(PackStoreTest, LeftoversAreRemovedAtOpen) {
    FinishedPack pack = sample_pack(9);
    ASSERT_TRUE(store->put(pack).ok());
    fs::path leftover = store->path_of(pack.info().id);
    leftover += ".7.tmp";
    disk.put(leftover, as_bytes("half"));
    store = open_store(disk);
    EXPECT_FALSE(disk.exists(leftover));
    EXPECT_TRUE(store->has(pack.info().id));
}

TEST_F(PackStoreTest, ReadingACopyChangesNothing) {
    FinishedPack pack = sample_pack(9);
    ASSERT_TRUE(store->put(pack).ok());
    fs::path leftover = store->path_of(pack.info().id);
    leftover += ".7.tmp";
    disk.put(leftover, as_bytes("half"));
    std::uint64_t changes = disk.change_count();
    auto copy = PackStore::open_read_only(disk, kVault);
    EXPECT_EQ(copy->list()->packs, std::vector<PackInfo>{pack.info()});
    EXPECT_TRUE(copy->verify(pack.info()).ok());
    EXPECT_TRUE(PackStore::open_read_only(disk, "/elsewhere")->list()->packs.empty());
    EXPECT_EQ(disk.change_count(), changes);
}

TEST_F(PackStoreTest, AFailedPutLeavesNothingAndCanBeRepeated) {
    for (std::uint64_t n = 0;; ++n) {
        FinishedPack pack = sample_pack(100 + n);
        disk.fail_call(n, ErrorKind::NoSpace);
        Status put = store->put(pack);
        disk.clear_failures();
        if (put.ok()) break;
        ASSERT_LT(n, 20U);
        EXPECT_EQ(put.error().kind, ErrorKind::NoSpace);
        ASSERT_TRUE(store->put(pack).ok());
        EXPECT_TRUE(store->verify(pack.info()).ok());
        EXPECT_TRUE(store->list()->strangers.empty());
    }
}

// Power cuts at every changing call of put(): afterwards the pack is whole or not there, and when
// put() had returned ok it is there.
TEST(PackStoreCrashTest, APackIsWholeOrAbsentAtEveryCrashPoint) {
    FinishedPack pack = sample_pack(10);
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
        for (std::uint64_t n = 0;; ++n) {
            ASSERT_LT(n, 50U);
            MemoryDisk disk;
            ASSERT_TRUE(disk.make_directories(kVault).ok());
            disk.power_off_at(n);
            auto store = PackStore::open(disk, kVault);
            bool is_put = store.ok() && (*store)->put(pack).ok();
            disk.crash(seed);
            auto again = open_store(disk);
            if (again->has(pack.info().id)) {
                EXPECT_TRUE(again->verify(pack.info()).ok()) << "torn at call " << n;
            } else {
                EXPECT_FALSE(is_put);
            }
            EXPECT_TRUE(again->list()->strangers.empty());
            ASSERT_TRUE(again->put(pack).ok());
            disk.crash();
            EXPECT_TRUE(open_store(disk)->verify(pack.info()).ok());
            if (is_put) break;
        }
    }
}

TEST(PackStorePosixTest, WorksOnTheMachinesDisk) {
    TempDir directory;
    auto store = PackStore::open(posix_disk(), directory.path());
    ASSERT_TRUE(store.ok());
    FinishedPack pack = sample_pack(11, 2 * kMiB);
    ASSERT_TRUE((*store)->put(pack).ok());
    EXPECT_EQ(*(*store)->read_verified(pack.info()), pack.bytes);
    auto reader = PackReader::open(std::move((*store)->open_pack(pack.info().id)).value(),
                                   sample_pack_base(), kSampleVault);
    ASSERT_TRUE(reader.ok());
    EXPECT_TRUE(reader->check(sample_ids()).errors.empty());
    ASSERT_TRUE((*store)->remove(pack.info().id).ok());
}

}  // namespace
}  // namespace lockstep
