#include "vault/chunks/chunker.h"

#include <algorithm>

namespace lockstep {
namespace {

// High bits: they depend on the most bytes. Bit 63 stays free, so that the doubled hash of the
// first byte of a step can be tested against the doubled mask.
constexpr std::uint64_t kHardMask = ((std::uint64_t{1} << 18) - 1) << 45;
constexpr std::uint64_t kEasyMask = ((std::uint64_t{1} << 14) - 1) << 49;
static_assert(kHardMask >> 63 == 0 && kEasyMask >> 63 == 0);
// Two bytes are taken at a step between these limits.
static_assert(kChunkSizeMin % 2 == 0 && kChunkSizeNormal % 2 == 0 && kChunkSizeMax % 2 == 0);

struct Scan {
    const GearTable& gear;
    const GearTable& gear_doubled;
    const std::byte* data;
    std::uint64_t hash = 0;

    // Looks for a cut after a byte in [from, to). Returns the chunk's length, 0 when there is none.
    // REQUIRES: (to - from) is even
    std::size_t find(std::size_t from, std::size_t to, std::uint64_t mask) {
        std::uint64_t doubled_mask = mask << 1;
        std::uint64_t h = hash;
        for (std::size_t i = from; i < to; i += 2) {
            h = (h << 2) + gear_doubled[std::to_integer<std::size_t>(data[i])];
            if ((h & doubled_mask) == 0) return i + 1;
            h += gear[std::to_integer<std::size_t>(data[i + 1])];
            if ((h & mask) == 0) return i + 2;
        }
        hash = h;
        return 0;
    }
};

}  // namespace

Chunker::Chunker(const GearTable& table) : gear_(table) {
    for (std::size_t i = 0; i < table.size(); ++i) gear_doubled_[i] = table[i] << 1;
}

Chunker::~Chunker() {
    wipe(std::as_writable_bytes(std::span(gear_)));
    wipe(std::as_writable_bytes(std::span(gear_doubled_)));
}

std::size_t Chunker::cut(ByteView data, bool at_end) const {
    std::size_t end = std::min(data.size(), kChunkSizeMax);
    // An odd last byte cannot be tested by the two-byte step; a cut after it is the end of the data
    // anyway, or is found when more has come.
    std::size_t scanned = end & ~std::size_t{1};
    Scan scan{.gear = gear_, .gear_doubled = gear_doubled_, .data = data.data()};
    if (scanned > kChunkSizeMin) {
        std::size_t normal = std::min(scanned, kChunkSizeNormal);
        if (std::size_t cut = scan.find(kChunkSizeMin, normal, kHardMask)) return cut;
        if (scanned > kChunkSizeNormal) {
            if (std::size_t cut = scan.find(kChunkSizeNormal, scanned, kEasyMask)) return cut;
        }
    }
    return at_end || end == kChunkSizeMax ? end : 0;
}

}  // namespace lockstep
