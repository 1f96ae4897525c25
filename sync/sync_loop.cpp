#include "sync/sync_loop.h"

#include "base/check.h"
#include "base/worker_pool.h"

namespace lockstep {

SyncLoop::SyncLoop()
    : thread_([this] {
          name_thread("ls-sync");
          work();
      }) {}

SyncLoop::~SyncLoop() {
    CHECK(!is_current(), "the loop must not end itself");
    {
        MutexLock lock(mutex_);
        stopping_ = true;
        wake_.notify_all();
    }
    thread_.join();
}

void SyncLoop::post(Task task) {
    MutexLock lock(mutex_);
    tasks_.push_back(std::move(task));
    if (tasks_.size() == 1) wake_.notify_one();
}

void SyncLoop::post_after(std::chrono::milliseconds delay, Task task) {
    MutexLock lock(mutex_);
    timers_.emplace(std::chrono::steady_clock::now() + delay, std::move(task));
    wake_.notify_one();
}

void SyncLoop::run(const Task& task) {
    if (is_current()) return task();
    struct Done {
        Mutex mutex;
        CondVar wake;
        bool done GUARDED_BY(mutex) = false;
    } done;
    post([&] {
        task();
        MutexLock lock(done.mutex);
        done.done = true;
        done.wake.notify_one();
    });
    MutexLock lock(done.mutex);
    while (!done.done) done.wake.wait(done.mutex);
}

void SyncLoop::work() {
    std::deque<Task> batch;
    for (;;) {
        {
            MutexLock lock(mutex_);
            while (tasks_.empty() && !stopping_) {
                if (timers_.empty()) {
                    wake_.wait(mutex_);
                } else {
                    Time due = timers_.begin()->first;
                    if (due <= std::chrono::steady_clock::now()) break;
                    wake_.wait_until(mutex_, due);
                }
            }
            if (tasks_.empty() && stopping_) {
                timers_.clear();
                return;
            }
            auto now = std::chrono::steady_clock::now();
            while (!timers_.empty() && timers_.begin()->first <= now) {
                tasks_.push_back(std::move(timers_.begin()->second));
                timers_.erase(timers_.begin());
            }
            batch.swap(tasks_);
        }
        for (Task& task : batch) {
            task();
            task = nullptr;  // what a task holds goes away on this thread, at once
        }
        batch.clear();
    }
}

}  // namespace lockstep
