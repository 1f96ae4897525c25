#include "daemon/memory_care.h"

#include <algorithm>
#include <cstdio>
#include <memory>

#include <malloc.h>
#include <unistd.h>

namespace lockstep {

namespace {

// Two did not slow copying on two cores; a few more let many cores seal at once.
constexpr int kArenasMax = 4;
// Packs (up to 16 MiB) and buffers of requests (1 MiB): the kernel takes them back when they are
// freed. Chunks (up to 256 KiB) come and go too often for a system call and fresh pages each.
// Naming a value also keeps glibc from raising it by itself.
constexpr int kMappedSizeMin = 1 << 20;
constexpr int kTrimmedSizeMin = 1 << 20;
constexpr std::size_t kGrowthMin = std::size_t{16} << 20;

}  // namespace

void configure_allocator() {
    ::mallopt(M_ARENA_MAX, kArenasMax);
    ::mallopt(M_MMAP_THRESHOLD, kMappedSizeMin);
    ::mallopt(M_TRIM_THRESHOLD, kTrimmedSizeMin);
}

std::size_t private_memory() {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/proc/self/statm", "re"),
                                                               std::fclose);
    std::size_t total = 0, resident = 0, shared = 0;
    if (!file || std::fscanf(file.get(), "%zu %zu %zu", &total, &resident, &shared) != 3) return 0;
    return (resident - std::min(resident, shared)) * static_cast<std::size_t>(::getpagesize());
}

bool MemoryCare::tick() {
    const std::size_t now = private_memory();
    kept_ = std::min(kept_, now);
    if (now < kept_ + kGrowthMin) return false;
    ::malloc_trim(0);
    kept_ = private_memory();
    return true;
}

}  // namespace lockstep
