// Handles that programs have closed, on their way back to the FileSystem.
//
// What was written becomes a version when the last handle goes, and nobody waits for that: close(2)
// has returned long before. So it is done on a thread of its own ("ls-fuse-close") that yields the
// processor to those that answer, and a little later: what is removed right after it was closed, as
// the journal of a database is, needs no version then.
//
// THREADS: any.
#pragma once

#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "vault/file_system.h"

namespace lockstep {

inline constexpr auto kCloseDelay = std::chrono::milliseconds(2);
inline constexpr std::size_t kClosingMax = 256;

class Closing {
  public:
    explicit Closing(FileSystem& file_system) : file_system_(file_system) {}
    ~Closing();

    // What it does counts as done by requests of `mount`.
    void start(const ChangeObserver& mount);
    // Before start(), after stop() and while kClosingMax wait: at once.
    void release(HandleId handle);
    // On return everything has been released, and the thread has ended.
    void stop();

  private:
    void run();

    FileSystem& file_system_;
    Mutex mutex_;
    CondVar changed_;
    bool is_running_ GUARDED_BY(mutex_) = false;
    std::vector<HandleId> waiting_ GUARDED_BY(mutex_);
    std::chrono::steady_clock::time_point due_ GUARDED_BY(mutex_);  // of the first that waits
    std::thread thread_;
};

}  // namespace lockstep
