#include "fuse/invalidation.h"

#include <utility>

#include <pthread.h>

namespace lockstep {
namespace {

thread_local bool answers_requests = false;

}  // namespace

void mark_request_thread(const ChangeObserver& mount) {
    ChangeOrigin::set_consumer(&mount);
    answers_requests = true;
}

Invalidation::Invalidation(KernelCaches& caches, std::size_t pending_max)
    : caches_(caches), pending_max_(pending_max) {}

Invalidation::~Invalidation() {
    stop();
    join();
}

void Invalidation::start() {
    CHECK(!thread_.joinable());
    thread_ = std::thread([this] {
        pthread_setname_np(pthread_self(), "ls-fuse-inval");
        run();
    });
}

void Invalidation::stop() {
    MutexLock lock(mutex_);
    stopping_ = true;
    order_.clear();
    pending_.clear();
    changed_.notify_all();
}

void Invalidation::join() {
    if (thread_.joinable()) thread_.join();
}

void Invalidation::node_changed(NodeId node) {
    queue({.node = node, .name = {}});
}

void Invalidation::entry_changed(NodeId directory, const std::string& name) {
    queue({.node = directory, .name = name});
}

void Invalidation::queue(Item item) {
    if (ChangeOrigin::is_own_news(*this)) return;
    changes_.fetch_add(1, std::memory_order_acq_rel);
    MutexLock lock(mutex_);
    while (!stopping_ && !answers_requests && order_.size() >= pending_max_ &&
           !pending_.contains(item))
        changed_.wait(mutex_);
    if (stopping_ || !pending_.insert(item).second) return;
    order_.push_back(std::move(item));
    ++queued_;
    changed_.notify_all();
}

void Invalidation::run() {
    for (;;) {
        Item item;
        {
            MutexLock lock(mutex_);
            while (!stopping_ && order_.empty()) changed_.wait(mutex_);
            if (stopping_) return;
            item = std::move(order_.front());
            order_.pop_front();
            pending_.erase(item);
        }
        hand_over(item);
        MutexLock lock(mutex_);
        ++handed_;
        changed_.notify_all();
    }
}

void Invalidation::hand_over(const Item& item) {
    if (item.name.empty()) {
        caches_.drop_node(item.node);
    } else {
        caches_.drop_entry(item.node, item.name);
    }
}

void Invalidation::wait_until_idle() {
    MutexLock lock(mutex_);
    const std::uint64_t until = queued_;
    while (!stopping_ && handed_ < until) changed_.wait(mutex_);
}

}  // namespace lockstep
