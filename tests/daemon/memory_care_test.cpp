#include "daemon/memory_care.h"

#include <cstring>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

namespace lockstep {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

// Blocks too small to be mapped, with some kept in between, so that the heap cannot just shrink.
TEST(MemoryCareTest, WhatWasFreedGoesBackToTheKernel) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "sanitizers have an allocator of their own";
#endif
    configure_allocator();
    MemoryCare care;
    care.tick();
    const std::size_t before = private_memory();
    ASSERT_GT(before, 0U);
    constexpr std::size_t kSize = 60'000;
    std::vector<std::unique_ptr<char[]>> blocks;
    for (std::size_t i = 0; i < 64 * kMiB / kSize; ++i) {
        blocks.push_back(std::make_unique<char[]>(kSize));
        std::memset(blocks.back().get(), 'x', kSize);
    }
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        if (i % 16 != 0) blocks[i].reset();
    }
    EXPECT_GT(private_memory(), before + 32 * kMiB);
    EXPECT_TRUE(care.tick());
    EXPECT_LT(private_memory(), before + 16 * kMiB);
    EXPECT_FALSE(care.tick()) << "nothing has grown since";
}

}  // namespace
}  // namespace lockstep
