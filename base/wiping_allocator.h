// An allocator whose memory is zeroed before it is given back, for buffers through which secrets
// pass: what a person typed must not be found in memory, or in a swapped page, hours later.
//
// THREADS: as std::allocator.
#pragma once

#include <memory>

#include <string.h>

namespace lockstep {

template <typename T>
struct WipingAllocator {
    using value_type = T;

    WipingAllocator() = default;
    template <typename U>
    WipingAllocator(const WipingAllocator<U>&) {}

    T* allocate(std::size_t count) { return std::allocator<T>().allocate(count); }
    void deallocate(T* data, std::size_t count) {
        ::explicit_bzero(static_cast<void*>(data), count * sizeof(T));
        std::allocator<T>().deallocate(data, count);
    }
    bool operator==(const WipingAllocator&) const = default;
};

}  // namespace lockstep
