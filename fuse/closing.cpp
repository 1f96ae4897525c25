#include "fuse/closing.h"

#include <utility>

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fuse/invalidation.h"

namespace lockstep {
namespace {

using std::chrono::steady_clock;

constexpr int kNiceMore = 5;

// Of the calling thread alone, as Linux has it. That it cannot be changed is no harm.
void yield_to_others() {
    const auto thread = static_cast<id_t>(::gettid());
    static_cast<void>(
        ::setpriority(PRIO_PROCESS, thread, ::getpriority(PRIO_PROCESS, thread) + kNiceMore));
}

}  // namespace

Closing::~Closing() {
    stop();
}

void Closing::start(const ChangeObserver& mount) {
    CHECK(!thread_.joinable());
    {
        MutexLock lock(mutex_);
        is_running_ = true;
    }
    thread_ = std::thread([this, &mount] {
        pthread_setname_np(pthread_self(), "ls-fuse-close");
        mark_request_thread(mount);
        yield_to_others();
        run();
    });
}

void Closing::release(HandleId handle) {
    {
        MutexLock lock(mutex_);
        if (is_running_ && waiting_.size() < kClosingMax) {
            waiting_.push_back(handle);
            if (waiting_.size() > 1) return;
            due_ = steady_clock::now() + kCloseDelay;
            changed_.notify_all();
            return;
        }
    }
    file_system_.release(handle);
}

void Closing::stop() {
    {
        MutexLock lock(mutex_);
        is_running_ = false;
        changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
}

void Closing::run() {
    std::vector<HandleId> due;
    for (;;) {
        {
            MutexLock lock(mutex_);
            while (is_running_ && waiting_.empty()) changed_.wait(mutex_);
            while (is_running_ && steady_clock::now() < due_) changed_.wait_until(mutex_, due_);
            if (waiting_.empty()) return;
            due = std::exchange(waiting_, {});
        }
        for (const HandleId handle : due) file_system_.release(handle);
    }
}

}  // namespace lockstep
