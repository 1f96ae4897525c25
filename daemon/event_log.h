// What happened, numbered: the last events are kept, so that a client that lost its connection goes
// on where it was. Numbers grow over restarts too, as they begin at the wall clock.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/http/server.h"
#include "base/mutex.h"
#include "daemon/api/messages.h"

namespace lockstep {

inline constexpr std::size_t kEventsKeptMax = 4096;
// What who asks for the beginning gets of them: less than a follower may be behind.
inline constexpr std::size_t kEventsReplayedMax = 1000;

// THREADS: any.
class EventLog {
  public:
    explicit EventLog(Clock& clock);

    struct Happened {
        std::string type;
        std::string vault = {};
        std::string subject = {};
        std::string message = {};
        // Of "vault.files" alone.
        std::string device_label = {}, kind = {};
        std::vector<api::ChangedFile> files = {};
        std::uint64_t more = 0;
    };
    void add(Happened event);
    // From now on nobody is told the names of files of that vault: they are counted among `more`.
    void forget_files(const std::string& vault);

    // Of the last event; the number before the first when there is none.
    std::uint64_t sequence() const;

    // Sends everything after `since`, then what happens from now on, until the sink is closed. When
    // events after `since` are no longer kept (or it lies ahead of us), sends a "resync" event
    // first, whose number is where the stream goes on. From 0: the last kEventsReplayedMax that are
    // kept, and no resync.
    void follow(std::uint64_t since, std::shared_ptr<EventSink> sink);
    // From now on only.
    void follow(std::shared_ptr<EventSink> sink);

    // Ends all streams; later followers are closed at once.
    void close();

  private:
    static bool send(EventSink& sink, const api::Event& event);

    Clock& clock_;
    mutable Mutex mutex_;
    std::uint64_t sequence_ GUARDED_BY(mutex_);
    std::deque<api::Event> kept_ GUARDED_BY(mutex_);
    std::vector<std::shared_ptr<EventSink>> followers_ GUARDED_BY(mutex_);
    bool is_closed_ GUARDED_BY(mutex_) = false;
};

}  // namespace lockstep
