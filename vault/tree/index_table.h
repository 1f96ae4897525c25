// A hash table of indices whose keys lie in the things indexed: eight bytes a slot, open
// addressing.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace lockstep {

using Index = std::uint32_t;
inline constexpr Index kNoIndex = ~Index{0};

class IndexTable {
  public:
    // The slot's index for which `is_it` holds, or kNoIndex.
    template <typename Predicate>
    Index find(std::uint32_t hash, Predicate&& is_it) const {
        if (slots_.empty()) return kNoIndex;
        for (std::size_t at = hash & mask();; at = (at + 1) & mask()) {
            if (slots_[at].index == kNoIndex) return kNoIndex;
            if (slots_[at].hash == hash && is_it(slots_[at].index)) return slots_[at].index;
        }
    }

    // REQUIRES: nothing equal is in the table
    void insert(std::uint32_t hash, Index index) {
        if ((size_ + 1) * 10 > slots_.size() * 7) grow();
        place({hash, index});
        ++size_;
    }

    // REQUIRES: (hash, from) is in the table
    void replace(std::uint32_t hash, Index from, Index to) {
        slots_[locate(hash, from)].index = to;
    }

    // REQUIRES: (hash, index) is in the table
    void erase(std::uint32_t hash, Index index) {
        std::size_t hole = locate(hash, index);
        for (std::size_t at = (hole + 1) & mask(); slots_[at].index != kNoIndex;
             at = (at + 1) & mask()) {
            const std::size_t home = slots_[at].hash & mask();
            if (((at - home) & mask()) >= ((at - hole) & mask())) {
                slots_[hole] = slots_[at];
                hole = at;
            }
        }
        slots_[hole] = {};
        --size_;
    }

  private:
    struct Slot {
        std::uint32_t hash = 0;
        Index index = kNoIndex;
    };

    std::size_t mask() const { return slots_.size() - 1; }

    std::size_t locate(std::uint32_t hash, Index index) const {
        std::size_t at = hash & mask();
        while (slots_[at].index != index) at = (at + 1) & mask();
        return at;
    }

    void place(Slot slot) {
        std::size_t at = slot.hash & mask();
        while (slots_[at].index != kNoIndex) at = (at + 1) & mask();
        slots_[at] = slot;
    }

    void grow() {
        std::vector<Slot> old(slots_.empty() ? 64 : slots_.size() * 2);
        old.swap(slots_);
        for (const Slot& slot : old) {
            if (slot.index != kNoIndex) place(slot);
        }
    }

    std::vector<Slot> slots_;  // a power of two, never full
    std::size_t size_ = 0;
};

// Elements with stable addresses, 1024 at a time.
template <typename T>
class StableVector {
  public:
    T& operator[](Index at) { return chunks_[at / kChunk][at % kChunk]; }
    const T& operator[](Index at) const { return chunks_[at / kChunk][at % kChunk]; }
    Index size() const { return size_; }

    Index push() {
        if (size_ % kChunk == 0) chunks_.push_back(std::vector<T>(kChunk));
        return size_++;
    }

  private:
    static constexpr Index kChunk = 1024;
    std::vector<std::vector<T>> chunks_;
    Index size_ = 0;
};

}  // namespace lockstep
