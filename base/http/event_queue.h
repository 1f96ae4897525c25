// The bounded queue between those who send events and the connection that writes them.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/http/server.h"
#include "base/mutex.h"

namespace lockstep {

// THREADS: any.
class EventQueue {
  public:
    // `wake` is called, from any thread, when there is something new for take(); once until take().
    EventQueue(std::size_t events_max, std::size_t bytes_max, std::function<void()> wake)
        : events_max_(events_max), bytes_max_(bytes_max), wake_(std::move(wake)) {}

    // The sink that feeds this queue; closes it when the last reference goes.
    static std::shared_ptr<EventSink> sink_of(std::shared_ptr<EventQueue> queue);

    // False when the queue is closed; a full one closes itself and forgets what it holds.
    bool push(const HttpEvent& event);
    // No more events: what is queued is still to be written.
    void close();
    // Nobody reads any more: events are dropped from now on.
    void abandon();
    bool is_open() const;

    struct Taken {
        std::string bytes;
        // Nothing will ever come after these bytes.
        bool is_last = false;
    };
    Taken take();

  private:
    void close_and_wake(bool forget);

    const std::size_t events_max_;
    const std::size_t bytes_max_;
    const std::function<void()> wake_;
    mutable Mutex mutex_;
    std::string bytes_ GUARDED_BY(mutex_);
    std::size_t events_ GUARDED_BY(mutex_) = 0;
    bool is_open_ GUARDED_BY(mutex_) = true;
    bool is_woken_ GUARDED_BY(mutex_) = false;
};

}  // namespace lockstep
