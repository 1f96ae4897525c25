#include "vault/files/content_pool.h"

#include <gtest/gtest.h>

#include "tests/support/memory_disk.h"
#include "tests/vault/packs_samples.h"

namespace lockstep {
namespace {

constexpr std::size_t kCacheSize = kMiB;
constexpr std::size_t kChunk = 60'000;

// A pool over a memory disk whose packs are durable, so that what is read is opened anew.
class ContentPoolTest : public ::testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(disk_.make_directories("/vault").ok());
        auto packs = PackStore::open(disk_, "/vault");
        auto index = Index::open_in_memory();
        ASSERT_TRUE(packs.ok() && index.ok());
        packs_ = std::move(*packs);
        index_ = std::move(*index);
        pool_ = std::make_unique<ContentPool>(ContentPoolEnvironment{
            .index = *index_,
            .packs = *packs_,
            .ids = sample_ids(),
            .random = random_,
            .workers = workers_,
            .cache_size = kCacheSize,
            .vault = kSampleVault,
            .write_epoch = kSampleEpoch,
            .pack_base_of = [](const EpochId&) { return &sample_pack_base(); },
            .may_arrive = [] { return false; },
            .alarm = [](const PackId&, const std::string& what) { ADD_FAILURE() << what; },
            .content_wait = std::chrono::milliseconds(0),
            .pack_written = [](const PackInfo&) {}});
        for (int i = 0; i < 64; ++i) {
            contents_.push_back(Bytes(kChunk));
            random_.fill(contents_.back());
            auto id = pool_->write_chunk(contents_.back());
            ASSERT_TRUE(id.ok());
            ids_.push_back(*id);
        }
        ASSERT_TRUE(pool_->make_durable().ok());
    }
    void expect_content(std::size_t i) {
        auto chunk = pool_->read_chunk(ids_[i]);
        ASSERT_TRUE(chunk.ok()) << chunk.error().message;
        EXPECT_EQ(contents_[i], **chunk);
    }

    MemoryDisk disk_;
    SeededRandom random_{5};
    WorkerPool workers_{0};
    std::unique_ptr<PackStore> packs_;
    std::unique_ptr<Index> index_;
    std::unique_ptr<ContentPool> pool_;
    std::vector<Bytes> contents_;
    std::vector<ChunkId> ids_;
};

TEST_F(ContentPoolTest, OpenedChunksNeverTakeMoreThanTheCachesSize) {
    for (int round = 0; round < 2; ++round) {
        for (std::size_t i = 0; i < ids_.size(); ++i) {
            expect_content(i);
            EXPECT_LE(pool_->cached_bytes(), kCacheSize);
        }
    }
    EXPECT_GT(pool_->cached_bytes(), kCacheSize - kChunk) << "and it is used";
    pool_->prefetch(ids_);
    EXPECT_LE(pool_->cached_bytes(), kCacheSize);
}

TEST_F(ContentPoolTest, WhatNobodyReadsAgainTakesNoneOfTheCacheAndCanBeRead) {
    for (std::size_t i = 0; i < 8; ++i) expect_content(i);
    EXPECT_EQ(8 * kChunk, pool_->cached_bytes());
    pool_->done_with({ids_.begin(), ids_.begin() + 6});
    EXPECT_EQ(2 * kChunk, pool_->cached_bytes());
    pool_->done_with(ids_);  // also those that are not in it
    EXPECT_EQ(0U, pool_->cached_bytes());
    for (std::size_t i = 0; i < 8; ++i) expect_content(i);
}

}  // namespace
}  // namespace lockstep
