// Memory that is not there when it is asked for: the n-th allocation of this thread fails, once.
// For programs that link lockstep_failing_allocations, which replaces operator new, the allocator
// of SQLite and sodium_malloc.
//
// What is spared (`SpareAllocations`) is neither counted nor refused: that of fakes, which stand
// for something outside the process.
#pragma once

#include <cstdint>

namespace lockstep {

enum class Allocator { New, Sqlite, Locked };

// THREADS: each thread has its own.
class FailingAllocations {
  public:
    // How many there have been since the last call of either of these.
    static std::uint64_t count(Allocator allocator);
    static void count_anew();
    // The n-th from now on (0: the next) fails. operator new then asks the new handler, as ever.
    static void fail_at(Allocator allocator, std::uint64_t n);
    // None fails any more. Whether the planned one has.
    static bool clear();
};

}  // namespace lockstep
