// One connection to the kernel: libfuse's session, the threads that serve it, and the kernel's
// caches.
//
// libfuse's own multi-threaded loop starts and cancels threads as load comes and goes; ours are a
// fixed few with names, wake from a blocking read by a signal, and wipe the buffers that plaintext
// passed through.
//
// THREADS: start() and the destructor from the owner; the rest from any.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "fuse/invalidation.h"
#include "fuse/libfuse.h"
#include "fuse/operations.h"

namespace lockstep {

class Session final : public KernelCaches {
  public:
    Session() = default;
    // REQUIRES: stopped, or never started
    ~Session() override;
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // `options` as after -o. The context is what the handlers get; it outlives the session.
    Status mount(const std::string& options, const std::filesystem::path& path,
                 MountContext& context);
    // Counts requests that somebody's use of files causes; before start().
    void set_use_counter(std::shared_ptr<std::atomic<std::uint64_t>> uses) {
        uses_ = std::move(uses);
    }
    // Serves until the kernel hangs up, then the last thread calls `ended`; or until stop().
    void start(unsigned threads, std::function<void()> ended);
    // Ends the service once the requests under way are answered, and cuts the connection: files
    // that are still open fail. Does not unmount. REQUIRES: no drop_node() or drop_entry() under
    // way
    void stop();
    // Returns when every request that was under way at the call has been answered.
    void wait_for_requests();
    bool is_serving() const { return serving_.load() > 0; }

    void drop_node(NodeId node) override;
    void drop_entry(NodeId directory, const std::string& name) override;
    void fill_node(NodeId node, ByteView content) override;

  private:
    struct Worker {
        std::thread thread;
        std::atomic<bool> is_waiting{false};  // in the blocking read, or about to be
        std::atomic<bool> has_ended{false};
        std::atomic<std::uint64_t> answered{0};
    };

    void run(Worker& worker);
    void serve(Worker& worker);
    void begin_listening() EXCLUDES_LOCK(mutex_);
    void end_listening() EXCLUDES_LOCK(mutex_);
    bool wake_workers();
    void drop_entries_out_of_reach(NodeId directory);
    void cut_connection();

    fuse_session* session_ = nullptr;
    MountContext* context_ = nullptr;
    std::atomic<bool> stopping_{false};
    std::atomic<unsigned> serving_{0};
    std::vector<std::unique_ptr<Worker>> workers_;
    std::function<void()> ended_;
    std::shared_ptr<std::atomic<std::uint64_t>> uses_;  // may be null
    bool is_connected_ = false;
    Mutex mutex_;
    CondVar worker_ended_;
    std::atomic<unsigned> listening_{0};  // workers in the blocking read, or about to be
    unsigned resting_ GUARDED_BY(mutex_) = 0;
    CondVar wanted_;  // workers that rest
};

}  // namespace lockstep
