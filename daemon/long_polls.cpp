#include "daemon/long_polls.h"

#include "base/worker_pool.h"

namespace lockstep {

LongPolls::LongPolls() : thread_([this] { run(); }) {}

LongPolls::~LongPolls() {
    stop();
}

Status LongPolls::add(std::chrono::steady_clock::time_point deadline, Question question,
                      HttpResponder responder) {
    {
        MutexLock lock(mutex_);
        if (!is_stopping_) {
            if (count_ >= kLongPollsMax) {
                return Error{ErrorKind::Busy, "too many requests wait already"};
            }
            ++count_;
            waiting_.push_back({deadline, std::move(question), std::move(responder)});
            is_woken_ = true;
            changed_.notify_one();
            return {};
        }
    }
    if (auto answer = question(true)) responder.respond(std::move(*answer));
    return {};
}

void LongPolls::wake() {
    MutexLock lock(mutex_);
    is_woken_ = true;
    changed_.notify_one();
}

void LongPolls::stop() {
    {
        MutexLock lock(mutex_);
        is_stopping_ = true;
        changed_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
}

void LongPolls::run() {
    name_thread("ls-poll");
    while (true) {
        std::vector<Waiting> asked;
        bool is_stopping = false;
        {
            MutexLock lock(mutex_);
            const auto until = std::chrono::steady_clock::now() + kLongPollInterval;
            while (!is_woken_ && !is_stopping_) {
                if (waiting_.empty()) {
                    changed_.wait(mutex_);
                } else if (!changed_.wait_until(mutex_, until)) {
                    break;
                }
            }
            is_woken_ = false;
            is_stopping = is_stopping_;
            asked = std::move(waiting_);
            waiting_.clear();
        }
        const auto now = std::chrono::steady_clock::now();
        std::erase_if(asked, [&](Waiting& waiting) {
            auto answer = waiting.question(is_stopping || now >= waiting.deadline);
            if (answer) waiting.responder.respond(std::move(*answer));
            return answer.has_value() || is_stopping;
        });
        MutexLock lock(mutex_);
        for (Waiting& waiting : asked) waiting_.push_back(std::move(waiting));
        count_ = waiting_.size();
        if (is_stopping) return;
    }
}

}  // namespace lockstep
