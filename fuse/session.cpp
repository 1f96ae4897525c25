#include "fuse/session.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "base/unique_fd.h"
#include "fuse/permissions.h"

namespace lockstep {
namespace {

// Ends a blocking read of /dev/fuse. Sent only to threads that wait for a request.
int wake_signal() {
    return SIGRTMIN + 7;
}

// A thread may be between its last look at stopping_ and the read when the signal comes: it is sent
// again.
constexpr auto kWakeInterval = std::chrono::milliseconds(5);

// The kernel gives each request to the worker that has waited longest. With all of them waiting,
// each would have its stack and its memory in no processor's cache any more when its turn comes;
// the others rest until none is left to listen.
constexpr unsigned kListenersMax = 3;

void ignore_signal(int) {}

void install_wake_signal() {
    static const bool once = [] {
        struct sigaction action {};
        action.sa_handler = ignore_signal;  // and no SA_RESTART: the read must return
        return ::sigaction(wake_signal(), &action, nullptr) == 0;
    }();
    CHECK(once, "cannot install the wake signal");
}

// Signals of the process are for threads that expect them.
class BlockedSignals {
  public:
    BlockedSignals() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, &before_);
    }
    ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    BlockedSignals(const BlockedSignals&) = delete;
    BlockedSignals& operator=(const BlockedSignals&) = delete;

  private:
    sigset_t before_{};
};

void accept_wake_signal() {
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, wake_signal());
    pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
}

// What libfuse last complained about on this thread: it has no other way to say why.
thread_local std::string last_complaint;

__attribute__((format(printf, 2, 0))) void note_complaint(fuse_log_level level, const char* format,
                                                          va_list arguments) {
    if (level > FUSE_LOG_WARNING) return;
    std::array<char, 512> text{};
    std::vsnprintf(text.data(), text.size(), format, arguments);
    last_complaint = text.data();
    while (!last_complaint.empty() && last_complaint.back() == '\n') last_complaint.pop_back();
}

Error complaint(const std::string& doing) {
    return Error{ErrorKind::Io, last_complaint.empty() ? doing : doing + ": " + last_complaint};
}

// The kernel forgets nodes by itself, and desktops look at the free space of every mount now and
// then: neither is somebody at work. (The kernel's numbers of these requests.)
bool is_use(const fuse_buf& buffer) {
    constexpr std::uint32_t kForget = 2, kStatFs = 17, kBatchForget = 42;
    if ((buffer.flags & FUSE_BUF_IS_FD) != 0 || buffer.size < 8) return true;
    std::uint32_t opcode = 0;  // behind the request's length
    std::memcpy(&opcode, static_cast<const char*>(buffer.mem) + 4, sizeof(opcode));
    return opcode != kForget && opcode != kStatFs && opcode != kBatchForget;
}

}  // namespace

Session::~Session() {
    CHECK(!is_serving());
    if (session_ == nullptr) return;
    cut_connection();
    fuse_session_destroy(session_);
}

Status Session::mount(const std::string& options, const std::filesystem::path& path,
                      MountContext& context) {
    fuse_set_log_func(note_complaint);
    last_complaint.clear();
    context_ = &context;
    std::array<std::string, 3> words{"lockstep", "-o", options};
    std::array<char*, 3> raw{words[0].data(), words[1].data(), words[2].data()};
    fuse_args arguments{.argc = 3, .argv = raw.data(), .allocated = 0};
    const fuse_lowlevel_ops& operations = mount_operations();
    session_ = fuse_session_new(&arguments, &operations, sizeof(operations), context_);
    fuse_opt_free_args(&arguments);
    if (session_ == nullptr) return complaint("start a FUSE session");
    if (fuse_session_mount(session_, path.c_str()) != 0) return complaint("mount");
    is_connected_ = true;
    TRY_OK(use_own_init_reply(session_));
    ::fcntl(fuse_session_fd(session_), F_SETFD, FD_CLOEXEC);
    return {};
}

void Session::start(unsigned threads, std::function<void()> ended) {
    CHECK(is_connected_ && workers_.empty());
    install_wake_signal();
    ended_ = std::move(ended);
    serving_ = threads;
    const BlockedSignals blocked;
    for (unsigned i = 0; i < threads; ++i) {
        Worker& worker = *workers_.emplace_back(std::make_unique<Worker>());
        worker.thread = std::thread([this, &worker, i] {
            pthread_setname_np(pthread_self(), ("ls-fuse-" + std::to_string(i)).c_str());
            run(worker);
        });
    }
}

void Session::run(Worker& worker) {
    accept_wake_signal();
    mark_request_thread(context_->invalidation);
    serve(worker);
    const bool is_last = serving_.fetch_sub(1) == 1;
    if (is_last && !stopping_ && ended_) ended_();
    MutexLock lock(mutex_);
    worker.has_ended = true;
    worker_ended_.notify_all();
    wanted_.notify_all();
}

void Session::begin_listening() {
    for (;;) {
        unsigned listeners = listening_;
        while (listeners < kListenersMax)
            if (listening_.compare_exchange_weak(listeners, listeners + 1)) return;
        MutexLock lock(mutex_);
        ++resting_;
        while (listening_ >= kListenersMax && !stopping_ && fuse_session_exited(session_) == 0)
            wanted_.wait(mutex_);
        --resting_;
        if (stopping_ || fuse_session_exited(session_) != 0) {
            ++listening_;
            return;
        }
    }
}

void Session::end_listening() {
    if (listening_.fetch_sub(1) != 1) return;
    MutexLock lock(mutex_);
    if (resting_ > 0) wanted_.notify_one();
}

void Session::serve(Worker& worker) {
    fuse_buf buffer{};
    while (!fuse_session_exited(session_)) {
        worker.is_waiting = true;
        begin_listening();
        const int length = stopping_ ? 0 : fuse_session_receive_buf(session_, &buffer);
        end_listening();
        worker.is_waiting = false;
        if (length == -EINTR || length == -EAGAIN) continue;
        if (length <= 0) break;
        if (uses_ && is_use(buffer)) ++*uses_;
        changes_at_request = context_->invalidation.changes();
        fuse_session_process_buf(session_, &buffer);
        ++worker.answered;
    }
    if (buffer.mem != nullptr) explicit_bzero(buffer.mem, buffer.size);
    std::free(buffer.mem);
}

void Session::wait_for_requests() {
    for (const auto& worker : workers_) {
        const std::uint64_t answered = worker->answered;
        MutexLock lock(mutex_);
        while (!worker->is_waiting && !worker->has_ended && worker->answered == answered)
            worker_ended_.wait_until(mutex_, std::chrono::steady_clock::now() + kWakeInterval);
    }
}

void Session::stop() {
    stopping_ = true;
    {
        MutexLock lock(mutex_);
        while (wake_workers())
            worker_ended_.wait_until(mutex_, std::chrono::steady_clock::now() + kWakeInterval);
    }
    for (const auto& worker : workers_) worker->thread.join();
    workers_.clear();
    cut_connection();
}

// False when there is none left.
bool Session::wake_workers() {
    bool any = false;
    wanted_.notify_all();
    for (const auto& worker : workers_) {
        if (worker->has_ended) continue;
        any = true;
        if (worker->is_waiting) pthread_kill(worker->thread.native_handle(), wake_signal());
    }
    return any;
}

// libfuse unmounts whatever lies at its path, unless its connection is dead already: so it is given
// a dead one, a pipe nobody reads. Closing the true one makes the kernel fail all that still comes.
void Session::cut_connection() {
    if (!std::exchange(is_connected_, false)) return;
    std::array<int, 2> ends{-1, -1};
    CHECK(::pipe2(ends.data(), O_CLOEXEC) == 0, "no pipe to end a mount with");
    const UniqueFd writing(ends[1]);
    ::close(ends[0]);
    CHECK(::dup3(writing.get(), fuse_session_fd(session_), O_CLOEXEC) >= 0);
    fuse_session_unmount(session_);
}

void Session::drop_node(NodeId node) {
    context_->handed_out.pages_dropped(node);
    // Fails when the kernel does not know the node, or is gone: both are what we want.
    fuse_lowlevel_notify_inval_inode(session_, node, 0, 0);
    const bool is_ours_to_check = context_->checks_modes && context_->mounting_user != 0;
    if (is_ours_to_check && !context_->is_cut_off) drop_entries_out_of_reach(node);
}

// A kernel that does not check modes asks nothing more for a name that it knows.
void Session::drop_entries_out_of_reach(NodeId directory) {
    const Result<Attributes> now = context_->file_system.attributes(directory);
    if (!now.ok() || !is_out_of_reach(*now)) return;
    const auto listing = context_->file_system.list(directory);
    if (!listing.ok()) return;
    for (const DirectoryEntry& entry : **listing) drop_entry(directory, entry.name);
}

// What could not be put there is read later.
void Session::fill_node(NodeId node, ByteView content) {
    fuse_bufvec bytes = FUSE_BUFVEC_INIT(content.size());
    bytes.buf[0].mem = const_cast<std::byte*>(content.data());
    fuse_lowlevel_notify_store(session_, node, 0, &bytes, fuse_buf_copy_flags{});
}

// A directory that is still there is only asked for again: throwing its entry away would cut the
// processes that have it as their working directory off from their path. Any other entry is thrown
// away, since only then does the kernel forget a negative answer, or a size that it trusts more
// than ours.
void Session::drop_entry(NodeId directory, const std::string& name) {
    const Result<Attributes> now = context_->file_system.lookup(directory, name);
    if (now.ok()) context_->file_system.forget(now->node, 1);
    if (now.ok() && now->type == FileType::Directory) {
        fuse_lowlevel_notify_expire_entry(session_, directory, name.data(), name.size(),
                                          FUSE_LL_EXPIRE_ONLY);
    } else {
        fuse_lowlevel_notify_inval_entry(session_, directory, name.data(), name.size());
    }
}

}  // namespace lockstep
