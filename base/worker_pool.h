// Threads (by default "ls-work-N") that hash, compress, encrypt, and read and write packs.
//
// With zero threads every task runs inside submit(): the simulation and most tests use that.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace lockstep {

// THREADS: any. The destructor runs what is queued, then joins.
class WorkerPool {
  public:
    // Threads are called `name`-0, `name`-1 ...; a name has 12 characters at most.
    explicit WorkerPool(std::size_t threads, std::string name = "ls-work");
    ~WorkerPool();
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    // Runs `task` soon. Tasks must not wait for other tasks.
    void submit(std::function<void()> task);
    std::size_t thread_count() const { return threads_.size(); }

  private:
    void run(std::size_t number);

    const std::string name_;
    Mutex mutex_;
    CondVar wake_;
    std::deque<std::function<void()>> tasks_ GUARDED_BY(mutex_);
    bool stopping_ GUARDED_BY(mutex_) = false;
    std::vector<std::thread> threads_;
};

// Names the calling thread for debuggers and `top` (15 characters at most).
void name_thread(const char* name);

}  // namespace lockstep
