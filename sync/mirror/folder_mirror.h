// A mirror: a plain folder kept equal to a vault, or to a folder of it, while it lives.
//
// It is a consumer of the vault like a mount is, with a thread of its own ("ls-mirror"), which
// watches the folder, hears of changes in the vault, and lets a Reconciler do what is to be done.
//
// The folder holds a marker, a file that names the mirror. Without it, or when the folder itself is
// gone, the mirror stops and deletes nothing: an unmounted disk is no mass delete.
//
// THREADS: any.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "sync/mirror/folder_watcher.h"
#include "sync/mirror/reconciler.h"
#include "vault/file_system.h"
#include "vault/meeting.h"

namespace lockstep {

struct MirrorOptions {
    std::string directory;   // absolute
    std::string vault_path;  // "a/b", a directory of the vault; empty: all of it
    std::string identity;    // of this mirror, as the marker has it
    std::filesystem::path state_file;
    std::string device_label;
    bool has_brake = true;
    // At the first start: what the folder holds may be what the vault holds. May be empty.
    std::function<std::unique_ptr<Meeting>()> begin_meeting = {};
};

enum class MirrorPhase {
    Scanning,  // looks at everything
    Syncing,   // carries changes over
    UpToDate,
    Held,     // the brake holds deletes; everything else goes on
    Stopped,  // see `problem`
};

struct MirrorStatus {
    MirrorPhase phase = MirrorPhase::Scanning;
    std::string problem;  // why it has stopped, or is slower than it could be; empty: no problem
    std::uint64_t files = 0;
    std::uint64_t pending = 0;
    MirrorCounts counts;
    HeldDeletes held;
    std::vector<std::pair<std::string, std::string>> problems;  // path, what is wrong; a few
};

class FolderMirror final : private ChangeObserver {
  public:
    // Makes the directory when it is missing, and puts the marker into it. Exists when it is the
    // folder of another mirror.
    static Status prepare(const std::string& directory, std::string_view identity);
    // Takes the marker away, if it is this mirror's.
    static void remove_marker(const std::string& directory, std::string_view identity);

    // Fails when the folder, its marker, the directory of the vault or the state is not there.
    // `files` and `random` outlive it.
    static Result<std::unique_ptr<FolderMirror>> start(FileSystem& files, Clock& clock,
                                                       Random& random, MirrorOptions options);
    // Stops; what is not carried over yet is found at the next start.
    ~FolderMirror();
    FolderMirror(const FolderMirror&) = delete;
    FolderMirror& operator=(const FolderMirror&) = delete;

    MirrorStatus status() const;
    void release_brake();
    // `path` relative to the folder. By the rules in force.
    IgnoreRules::Verdict ignore_verdict(const std::string& path) const;
    // Called on a change of phase or problem, from the mirror's thread; it only notes that.
    void set_listener(std::function<void()> listener);

  private:
    FolderMirror(FileSystem& files, MirrorOptions options)
        : files_(files), options_(std::move(options)) {}

    void node_changed(NodeId node) override;
    void entry_changed(NodeId directory, const std::string& name) override;

    void run();
    void meet();
    Status learn(const std::shared_ptr<const Folder>& folder, const std::string& directory);
    Status turn();
    void take_hints();
    void take_events();
    void wait();
    void wake();
    bool is_sound() const;
    void note_status(MirrorPhase phase);
    void stop_with(const Error& error);

    FileSystem& files_;
    const MirrorOptions options_;
    NodeId root_ = kRootNode;
    std::unique_ptr<Folder> folder_;
    std::unique_ptr<MirrorState> state_;
    std::unique_ptr<FolderWatcher> watcher_;
    std::unique_ptr<Reconciler> reconciler_;
    Clock* clock_ = nullptr;
    UniqueFd wake_;
    std::thread thread_;
    std::atomic<bool> is_stopping_{false}, wants_release_{false};

    // Of the thread alone.
    bool wants_scan_ = true, wants_check_ = false, has_events_ = false;
    std::string watch_problem_;
    std::unique_ptr<Meeting> meeting_;  // until folder and vault are equal for the first time
    std::chrono::steady_clock::time_point next_scan_{};

    struct Hint {
        NodeId node = 0;
        std::string name;  // empty: the node itself
    };
    mutable Mutex mutex_;
    std::vector<Hint> hints_ GUARDED_BY(mutex_);
    bool has_lost_hints_ GUARDED_BY(mutex_) = false;
    MirrorStatus status_ GUARDED_BY(mutex_);
    IgnoreRules rules_ GUARDED_BY(mutex_);
    std::function<void()> listener_ GUARDED_BY(mutex_);
};

}  // namespace lockstep
