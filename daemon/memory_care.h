// Keeps the daemon's memory near what it uses.
//
// glibc gives every busy thread an arena of its own and keeps what was freed in each; a daemon with
// dozens of threads that each once held a pack then stays at several hundred MiB for ever. So: few
// arenas, large buffers straight from the kernel, and what is free goes back after bursts of work.
// Figures: tests/bench/README.md, "Memory of lockstepd".
//
// THREADS: configure_allocator() before the first thread; MemoryCare one.
#pragma once

#include <cstddef>

namespace lockstep {

void configure_allocator();

// Bytes that are in this process's memory and nobody else's. 0: /proc does not tell.
std::size_t private_memory();

class MemoryCare {
  public:
    // Gives free memory back when there is noticeably more of it than after the last time. Cheap
    // otherwise; call it about once a second. True when it gave back.
    bool tick();

  private:
    std::size_t kept_ = 0;  // bytes after the last giving back
};

}  // namespace lockstep
