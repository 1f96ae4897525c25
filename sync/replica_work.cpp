#include "sync/replica_work.h"

namespace lockstep {

bool ReplicaWork::enter() {
    MutexLock lock(mutex_);
    if (closed_) return false;
    ++running_;
    return true;
}

void ReplicaWork::leave() {
    MutexLock lock(mutex_);
    if (--running_ == 0) idle_.notify_all();
}

void ReplicaWork::submit(Task task) {
    workers_.submit([self = shared_from_this(), task = std::move(task)] {
        if (!self->enter()) return;
        task(self->replica_);
        self->leave();
    });
}

void ReplicaWork::in_order(Task task) {
    {
        MutexLock lock(mutex_);
        if (closed_) return;
        ordered_.push_back(std::move(task));
        if (order_busy_) return;
        order_busy_ = true;
    }
    workers_.submit([self = shared_from_this()] { self->run_ordered(); });
}

void ReplicaWork::run_ordered() {
    Task task;
    {
        MutexLock lock(mutex_);
        if (closed_ || ordered_.empty()) {
            order_busy_ = false;
            return;
        }
        task = std::move(ordered_.front());
        ordered_.pop_front();
        ++running_;
    }
    task(replica_);
    leave();
    workers_.submit([self = shared_from_this()] { self->run_ordered(); });
}

Result<Bytes> ReplicaWork::sign_admission(const EpochId& epoch, ByteView message) {
    if (!enter()) return Error{ErrorKind::Cancelled, "the vault is gone"};
    auto signature = replica_.sign_admission(epoch, message);
    leave();
    return signature;
}

Result<MemberName> ReplicaWork::own_relay_name(const EpochId& epoch, std::string_view relay) {
    if (!enter()) return Error{ErrorKind::Cancelled, "the vault is gone"};
    auto name = relay_member_name(replica_, epoch, relay, replica_.device());
    leave();
    return name;
}

Status ReplicaWork::run_here(const std::function<Status(Replica&)>& task) {
    if (!enter()) return Error{ErrorKind::Cancelled, "the vault is gone"};
    Status status = task(replica_);
    leave();
    return status;
}

void ReplicaWork::close() {
    std::deque<Task> dropped;  // destroyed without the lock: tasks own what we know nothing of
    MutexLock lock(mutex_);
    closed_ = true;
    dropped.swap(ordered_);
    while (running_ != 0) idle_.wait(mutex_);
}

}  // namespace lockstep
