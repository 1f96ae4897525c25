#include "base/worker_pool.h"

#include <string>
#include <utility>

#include <pthread.h>

namespace lockstep {

WorkerPool::WorkerPool(std::size_t threads, std::string name) : name_(std::move(name)) {
    threads_.reserve(threads);
    for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this, i] { run(i); });
}

WorkerPool::~WorkerPool() {
    {
        MutexLock lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    for (auto& thread : threads_) thread.join();
}

void WorkerPool::submit(std::function<void()> task) {
    if (threads_.empty()) return task();
    {
        MutexLock lock(mutex_);
        tasks_.push_back(std::move(task));
    }
    wake_.notify_one();
}

void WorkerPool::run(std::size_t number) {
    name_thread((name_ + "-" + std::to_string(number)).c_str());
    for (;;) {
        std::function<void()> task;
        {
            MutexLock lock(mutex_);
            while (tasks_.empty() && !stopping_) wake_.wait(mutex_);
            if (tasks_.empty()) return;
            task = std::move(tasks_.front());
            tasks_.pop_front();
        }
        task();
    }
}

void name_thread(const char* name) {
    pthread_setname_np(pthread_self(), name);
}

}  // namespace lockstep
