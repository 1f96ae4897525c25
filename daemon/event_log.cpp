#include "daemon/event_log.h"

#include <algorithm>

#include "daemon/api/json_codec.h"

namespace lockstep {

EventLog::EventLog(Clock& clock)
    : clock_(clock),
      sequence_(static_cast<std::uint64_t>(std::max<std::int64_t>(1, clock.wall_ms()))) {}

bool EventLog::send(EventSink& sink, const api::Event& event) {
    return sink.send(std::to_string(event.sequence), event.type, api::encode(event));
}

void EventLog::add(Happened event) {
    const std::int64_t now_ms = clock_.wall_ms();
    MutexLock lock(mutex_);
    if (is_closed_) return;
    api::Event numbered{++sequence_,
                        now_ms,
                        std::move(event.type),
                        std::move(event.vault),
                        std::move(event.subject),
                        std::move(event.message),
                        std::move(event.device_label),
                        std::move(event.kind),
                        std::move(event.files),
                        event.more};
    std::erase_if(followers_, [&](const auto& sink) { return !send(*sink, numbered); });
    kept_.push_back(std::move(numbered));
    if (kept_.size() > kEventsKeptMax) kept_.pop_front();
}

void EventLog::forget_files(const std::string& vault) {
    MutexLock lock(mutex_);
    for (api::Event& event : kept_) {
        if (event.vault != vault) continue;
        event.more += event.files.size();
        event.files = {};
    }
}

std::uint64_t EventLog::sequence() const {
    MutexLock lock(mutex_);
    return sequence_;
}

void EventLog::follow(std::uint64_t since, std::shared_ptr<EventSink> sink) {
    MutexLock lock(mutex_);
    if (is_closed_) return sink->close();
    const std::uint64_t before_first = sequence_ - kept_.size();
    if (since == 0) since = sequence_ - std::min(kept_.size(), kEventsReplayedMax);
    if (since < before_first || since > sequence_) {
        api::Event resync;
        resync.sequence = sequence_;
        resync.time_ms = clock_.wall_ms();
        resync.type = "resync";
        resync.message = "events were lost; ask for the status anew";
        if (!send(*sink, resync)) return;
    } else {
        for (const api::Event& event : kept_) {
            if (event.sequence > since && !send(*sink, event)) return;
        }
    }
    followers_.push_back(std::move(sink));
}

void EventLog::follow(std::shared_ptr<EventSink> sink) {
    MutexLock lock(mutex_);
    if (is_closed_) return sink->close();
    followers_.push_back(std::move(sink));
}

void EventLog::close() {
    MutexLock lock(mutex_);
    is_closed_ = true;
    for (const auto& sink : followers_) sink->close();
    followers_.clear();
}

}  // namespace lockstep
