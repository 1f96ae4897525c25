// Takes what changed elsewhere out of the kernel's caches.
//
// The kernel takes its own locks while it drops an entry, locks that a request under way may hold;
// so this is done on a thread of its own ("ls-fuse-inval"), never by the observer's caller and
// never by a request.
//
// THREADS: any. node_changed() and entry_changed() only queue; with kPendingInvalidationsMax queued
// they wait, which is safe because observers are called with no lock held. Threads that answer
// requests never wait, whichever mount they belong to: the kernel may hold what the invalidation
// thread is waiting for until it has their answer. What they report is bounded by the requests.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <set>
#include <string>
#include <thread>

#include "base/mutex.h"
#include "vault/file_system.h"

namespace lockstep {

inline constexpr std::size_t kPendingInvalidationsMax = 65536;

// The calling thread answers requests of a mount from now on.
// Operations on it are those of `mount`.
void mark_request_thread(const ChangeObserver& mount);

// The kernel's caches of one mount.
class KernelCaches {
  public:
    virtual ~KernelCaches() = default;
    // From the invalidation thread alone.
    virtual void drop_node(NodeId node) = 0;
    virtual void drop_entry(NodeId directory, const std::string& name) = 0;
    // Puts all of a file's content into its pages. From the request that opens it, while no other
    // is under way for it: see HandedOut::begin_filling().
    virtual void fill_node(NodeId node, ByteView content) = 0;
};

class Invalidation final : public ChangeObserver {
  public:
    explicit Invalidation(KernelCaches& caches, std::size_t pending_max = kPendingInvalidationsMax);
    ~Invalidation() override;

    void start();
    // Forgets what is queued and lets waiting callers go. The thread ends when the kernel lets it:
    // unmount, then join().
    void stop();
    void join();

    void node_changed(NodeId node) override;
    void entry_changed(NodeId directory, const std::string& name) override;

    // Returns when everything queued before the call has been handed to the kernel, or after
    // stop().
    void wait_until_idle();

    // Grows with every change reported: an answer begun under another number may be out of date.
    std::uint64_t changes() const { return changes_.load(std::memory_order_acquire); }

  private:
    struct Item {
        NodeId node = 0;
        std::string name;  // empty: the node itself
        auto operator<=>(const Item&) const = default;
    };

    void queue(Item item) EXCLUDES_LOCK(mutex_);
    void run() EXCLUDES_LOCK(mutex_);
    void hand_over(const Item& item);

    KernelCaches& caches_;
    const std::size_t pending_max_;
    std::atomic<std::uint64_t> changes_{0};
    Mutex mutex_;
    CondVar changed_;
    std::deque<Item> order_ GUARDED_BY(mutex_);
    std::set<Item> pending_ GUARDED_BY(mutex_);  // the same items: each is queued once
    std::uint64_t queued_ GUARDED_BY(mutex_) = 0;
    std::uint64_t handed_ GUARDED_BY(mutex_) = 0;
    bool stopping_ GUARDED_BY(mutex_) = false;
    std::thread thread_;
};

}  // namespace lockstep
