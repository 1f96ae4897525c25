#include "base/http/event_queue.h"

#include "base/http/event_stream.h"

namespace lockstep {
namespace {

class QueueSink final : public EventSink {
  public:
    explicit QueueSink(std::shared_ptr<EventQueue> queue) : queue_(std::move(queue)) {}
    ~QueueSink() override { queue_->close(); }
    QueueSink(const QueueSink&) = delete;
    QueueSink& operator=(const QueueSink&) = delete;

    bool send(const HttpEvent& event) override { return queue_->push(event); }
    bool is_open() const override { return queue_->is_open(); }
    void close() override { queue_->close(); }

  private:
    std::shared_ptr<EventQueue> queue_;
};

}  // namespace

std::shared_ptr<EventSink> EventQueue::sink_of(std::shared_ptr<EventQueue> queue) {
    return std::make_shared<QueueSink>(std::move(queue));
}

bool EventQueue::push(const HttpEvent& event) {
    std::string bytes = format_event(event);
    bool fits = false, wakes = false;
    {
        MutexLock lock(mutex_);
        if (!is_open_) return false;
        fits = events_ < events_max_ && bytes_.size() + bytes.size() <= bytes_max_;
        if (fits) {
            bytes_ += bytes;
            ++events_;
            wakes = !std::exchange(is_woken_, true);
        }
    }
    if (!fits) close_and_wake(true);
    if (wakes) wake_();
    return fits;
}

void EventQueue::close() {
    if (is_open()) close_and_wake(false);
}

void EventQueue::close_and_wake(bool forget) {
    {
        MutexLock lock(mutex_);
        is_open_ = false;
        if (forget) bytes_.clear();
        if (is_woken_) return;
        is_woken_ = true;
    }
    wake_();
}

void EventQueue::abandon() {
    MutexLock lock(mutex_);
    is_open_ = false;
    is_woken_ = true;  // nobody is left to wake
    bytes_.clear();
}

bool EventQueue::is_open() const {
    MutexLock lock(mutex_);
    return is_open_;
}

EventQueue::Taken EventQueue::take() {
    MutexLock lock(mutex_);
    is_woken_ = false;
    events_ = 0;
    return {std::exchange(bytes_, {}), !is_open_};
}

}  // namespace lockstep
