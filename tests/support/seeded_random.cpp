#include "tests/support/seeded_random.h"

namespace lockstep {

// SplitMix64 (public domain, Sebastiano Vigna).
std::uint64_t SeededRandom::next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

void SeededRandom::fill(MutableByteView out) {
    MutexLock lock(mutex_);
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
        if (i % 8 == 0) word = next();
        out[i] = static_cast<std::byte>((word >> (8 * (i % 8))) & 0xff);
    }
}

std::uint64_t SeededRandom::below(std::uint64_t bound) {
    CHECK(bound > 0);
    MutexLock lock(mutex_);
    return next() % bound;
}

Bytes SeededRandom::bytes(std::size_t size) {
    Bytes out(size);
    fill(out);
    return out;
}

}  // namespace lockstep
