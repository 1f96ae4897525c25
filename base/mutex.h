// Mutex with the annotations that clang's -Wthread-safety checks (std::mutex has none).
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define LOCKSTEP_TSA(x) __attribute__((x))
#else
#define LOCKSTEP_TSA(x)
#endif
#define GUARDED_BY(x) LOCKSTEP_TSA(guarded_by(x))
#define REQUIRES_LOCK(...) LOCKSTEP_TSA(requires_capability(__VA_ARGS__))
#define EXCLUDES_LOCK(...) LOCKSTEP_TSA(locks_excluded(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS LOCKSTEP_TSA(no_thread_safety_analysis)

namespace lockstep {

class LOCKSTEP_TSA(capability("mutex")) Mutex {
  public:
    // Tries for a moment before it sleeps: most locks are held for less time than falling asleep
    // and being woken takes.
    void lock() LOCKSTEP_TSA(acquire_capability()) {
        for (int i = 0; i < kTries; ++i) {
            if (mutex_.try_lock()) return;
            pause();
        }
        mutex_.lock();
    }
    void unlock() LOCKSTEP_TSA(release_capability()) { mutex_.unlock(); }

  private:
    friend class CondVar;
    static constexpr int kTries = 100;  // some microseconds

    static void pause() {
#if defined(__x86_64__)
        for (int i = 0; i < 4; ++i) __builtin_ia32_pause();
#endif
    }

    std::mutex mutex_;
};

class LOCKSTEP_TSA(scoped_lockable) MutexLock {
  public:
    explicit MutexLock(Mutex& mutex) LOCKSTEP_TSA(acquire_capability(mutex)) : mutex_(mutex) {
        mutex_.lock();
    }
    ~MutexLock() LOCKSTEP_TSA(release_capability()) { mutex_.unlock(); }
    MutexLock(const MutexLock&) = delete;
    MutexLock& operator=(const MutexLock&) = delete;

  private:
    Mutex& mutex_;
};

class CondVar {
  public:
    // REQUIRES: the caller holds `mutex`. Wakes spuriously: wait in a loop.
    void wait(Mutex& mutex) REQUIRES_LOCK(mutex) {
        std::unique_lock<std::mutex> held(mutex.mutex_, std::adopt_lock);
        condition_.wait(held);
        held.release();
    }
    // False when `until` has passed.
    bool wait_until(Mutex& mutex, std::chrono::steady_clock::time_point until)
        REQUIRES_LOCK(mutex) {
        std::unique_lock<std::mutex> held(mutex.mutex_, std::adopt_lock);
        auto status = condition_.wait_until(held, until);
        held.release();
        return status == std::cv_status::no_timeout;
    }
    void notify_one() { condition_.notify_one(); }
    void notify_all() { condition_.notify_all(); }

  private:
    std::condition_variable condition_;
};

}  // namespace lockstep
