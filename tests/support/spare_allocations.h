// See failing_allocations.h; without that nothing is counted, and this costs nothing.
#pragma once

namespace lockstep {

inline thread_local int spared_allocations = 0;

class SpareAllocations {
  public:
    SpareAllocations() { ++spared_allocations; }
    SpareAllocations(const SpareAllocations&) = delete;
    SpareAllocations& operator=(const SpareAllocations&) = delete;
    ~SpareAllocations() { --spared_allocations; }
};

}  // namespace lockstep
