// SyncLoop: the thread "ls-sync". It owns all state of sync/ that is neither libtorrent's nor a
// worker's.
//
// Tasks run one after another in the order posted; timers run when due. Nothing on it blocks.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <thread>

#include "base/mutex.h"

namespace lockstep {

// THREADS: post() and post_after() from any. The destructor runs what is queued, drops timers,
// joins.
class SyncLoop {
  public:
    using Task = std::function<void()>;
    using Time = std::chrono::steady_clock::time_point;

    SyncLoop();
    ~SyncLoop();
    SyncLoop(const SyncLoop&) = delete;
    SyncLoop& operator=(const SyncLoop&) = delete;

    void post(Task task);
    void post_after(std::chrono::milliseconds delay, Task task);
    // Runs `task` on the loop and waits for it; at once when called on the loop.
    void run(const Task& task);
    bool is_current() const { return std::this_thread::get_id() == thread_.get_id(); }

  private:
    void work();

    Mutex mutex_;
    CondVar wake_;
    std::deque<Task> tasks_ GUARDED_BY(mutex_);
    std::multimap<Time, Task> timers_ GUARDED_BY(mutex_);
    bool stopping_ GUARDED_BY(mutex_) = false;
    std::thread thread_;  // last: the others exist when it starts
};

}  // namespace lockstep
