// The mailbox: sealed objects that wait for devices which are never online together.
//
// An object has a name in its swarm, is never changed, and goes when it is taken away or expires.
// Small ones lie in a SQLite database, large ones in files beside it. What callers ask for at the
// same time becomes durable together: one sync for all.
//
// INVARIANT: a row of the database whose object is a file names a file that is whole and durable.
// THREADS: methods from any; answers are given on "ls-mailbox", after what they say is durable.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <thread>

#include "base/clock.h"
#include "base/mutex.h"
#include "relay/admission.h"
#include "relay/protocol/mailbox.h"
#include "relay/relay_config.h"

namespace lockstep {

struct MailboxCounts {
    std::uint64_t objects = 0;
    std::uint64_t bytes = 0;
};

class Mailbox {
  public:
    // Makes the directory when missing, and removes what a crash left half done.
    static Result<std::unique_ptr<Mailbox>> open(Clock& clock, const MailboxOptions& options);
    // Answers what was asked, then ends.
    ~Mailbox();
    Mailbox(const Mailbox&) = delete;
    Mailbox& operator=(const Mailbox&) = delete;

    // Stores an object. False: the swarm has one of that name, which stays. NoSpace above
    // `quota_bytes` of the swarm, or when the relay is full; TooLarge; Busy when too much waits.
    void put(const SwarmName& swarm, const std::string& name, std::string data,
             std::uint64_t quota_bytes, std::function<void(Result<bool>)> answer);
    // NotFound.
    void get(const SwarmName& swarm, const std::string& name,
             std::function<void(Result<std::string>)> answer);
    // What was stored after `since`, oldest first, at most kMailboxListedMax.
    void list(const SwarmName& swarm, std::uint64_t since,
              std::function<void(Result<std::vector<MailboxItem>>)> answer);
    // NotFound.
    void take_away(const SwarmName& swarm, const std::string& name,
                   std::function<void(Status)> answer);
    // Forgets what has expired, some of it at a time.
    void sweep();

    MailboxCounts counts() const { return {objects_, bytes_}; }

  private:
    class Store;
    // Runs inside a transaction; gives what to do when it is durable.
    using Work = std::function<std::function<void()>(Store&)>;

    Mailbox(Clock& clock, const MailboxOptions& options);
    bool submit(Work work);
    void run();
    void run_batch(std::deque<Work> batch);

    Clock& clock_;
    const MailboxOptions options_;
    std::unique_ptr<Store> store_;
    std::atomic<std::uint64_t> objects_{0};
    std::atomic<std::uint64_t> bytes_{0};
    Mutex mutex_;
    CondVar wake_;
    std::deque<Work> work_ GUARDED_BY(mutex_);
    bool is_stopping_ GUARDED_BY(mutex_) = false;
    std::thread thread_;
};

}  // namespace lockstep
