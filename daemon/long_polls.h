// Requests that wait for something to become true, without a thread each.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/http/server.h"
#include "base/mutex.h"

namespace lockstep {

inline constexpr std::size_t kLongPollsMax = 256;
// How stale an answer may be when nobody wakes us.
inline constexpr std::chrono::milliseconds kLongPollInterval{10};

// THREADS: any. One thread, "ls-poll", asks the questions.
class LongPolls {
  public:
    // Gives the answer, or nothing yet. When `is_last` (time is up, or the daemon stops) it must
    // answer.
    using Question = std::function<std::optional<HttpResponse>(bool is_last)>;

    LongPolls();
    ~LongPolls();
    LongPolls(const LongPolls&) = delete;
    LongPolls& operator=(const LongPolls&) = delete;

    // Asks at once, then again and again until `deadline`. Busy when too many wait.
    Status add(std::chrono::steady_clock::time_point deadline, Question question,
               HttpResponder responder);
    // Something may have changed: ask now.
    void wake();
    // Answers everything that waits and returns when that is done; later questions are answered at
    // once. REQUIRES: called from one thread, and from no question.
    void stop();

  private:
    struct Waiting {
        std::chrono::steady_clock::time_point deadline;
        Question question;
        HttpResponder responder;
    };
    void run();

    Mutex mutex_;
    CondVar changed_;
    std::vector<Waiting> waiting_ GUARDED_BY(mutex_);
    std::size_t count_ GUARDED_BY(mutex_) = 0;  // with those being asked just now
    bool is_woken_ GUARDED_BY(mutex_) = false;
    bool is_stopping_ GUARDED_BY(mutex_) = false;
    std::thread thread_;
};

}  // namespace lockstep
