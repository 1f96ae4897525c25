// The mirrors of one unlocked vault: started, watched, stopped.
//
// THREADS: verbs one at a time; questions, release_brake() and set_listener() any.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/random.h"
#include "daemon/api/config.h"
#include "daemon/api/messages.h"
#include "sync/mirror/folder_mirror.h"

namespace lockstep {

struct MirrorsEnvironment {
    Clock& clock;
    Random& random;
    std::filesystem::path state_directory;  // of all mirrors; exists
    std::string device_label;
    std::function<std::unique_ptr<Meeting>()> begin_meeting = {};  // of the vault
};

class VaultMirrors {
  public:
    // `files` outlives this. `on_news` is called when a mirror may have stopped or hold deletes,
    // from its thread: it only notes that.
    VaultMirrors(FileSystem& files, MirrorsEnvironment environment, std::function<void()> on_news)
        : files_(files), environment_(std::move(environment)), on_news_(std::move(on_news)) {}

    // Nothing happens when it runs already. As FolderMirror::start(); what fails is kept, and
    // shown.
    Status start(const api::MirrorConfig& mirror);
    void stop(const std::string& directory);
    void stop_all();
    // Forgets what this device knows of it, and takes the marker away. The folder's files stay.
    static void clean_up(const std::filesystem::path& state_directory,
                         const api::MirrorConfig& mirror);

    bool is_running(const std::string& directory) const;
    // What is to be known of a mirror, whether or not it runs.
    api::MirrorInfo info(const api::MirrorConfig& mirror) const;
    void release_brake();
    // Unavailable when it does not run.
    Result<IgnoreRules::Verdict> ignore_verdict(const std::string& directory,
                                                const std::string& path) const;

  private:
    struct Running {
        std::string directory;
        std::unique_ptr<FolderMirror> mirror;
    };
    FolderMirror* find(const std::string& directory) const REQUIRES_LOCK(mutex_);

    FileSystem& files_;
    const MirrorsEnvironment environment_;
    const std::function<void()> on_news_;
    mutable Mutex mutex_;
    std::vector<Running> running_ GUARDED_BY(mutex_);
    std::map<std::string, std::string> failures_ GUARDED_BY(mutex_);  // by directory
};

// "scanning", "syncing", ...
std::string_view mirror_phase_text(MirrorPhase phase);

}  // namespace lockstep
