// ReplicaWork: the way from ls-sync to a Replica's blocking methods and back.
//
// Tasks run on workers; those given to in_order() one after another. close() makes sure that
// nothing touches the replica any more. THREADS: any.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "base/mutex.h"
#include "base/worker_pool.h"
#include "sync/relay_names.h"
#include "vault/replica.h"

namespace lockstep {

class ReplicaWork : public std::enable_shared_from_this<ReplicaWork> {
  public:
    using Task = std::function<void(Replica&)>;

    ReplicaWork(Replica& replica, WorkerPool& workers) : replica_(replica), workers_(workers) {}

    // Tasks that have not begun when close() is called are dropped.
    void submit(Task task);
    void in_order(Task task);
    // At once, on the calling thread; Cancelled after close().
    Result<Bytes> sign_admission(const EpochId& epoch, ByteView message);
    Result<MemberName> own_relay_name(const EpochId& epoch, std::string_view relay);
    // Likewise; `task` returns soon.
    Status run_here(const std::function<Status(Replica&)>& task);
    // Returns when no task runs. Not from a worker.
    void close();

  private:
    bool enter();
    void leave();
    void run_ordered();

    Replica& replica_;
    WorkerPool& workers_;
    Mutex mutex_;
    CondVar idle_;
    bool closed_ GUARDED_BY(mutex_) = false;
    std::size_t running_ GUARDED_BY(mutex_) = 0;
    bool order_busy_ GUARDED_BY(mutex_) = false;
    std::deque<Task> ordered_ GUARDED_BY(mutex_);
};

}  // namespace lockstep
