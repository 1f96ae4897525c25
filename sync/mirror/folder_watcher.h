// Tells what changes in a folder, by inotify: one watch for each directory.
//
// Events are hints on where to look; nothing depends on their completeness but speed. When some
// were lost (overflow, a directory that could not be watched) that is an event as well, or a state
// that is asked for.
//
// A directory that is renamed keeps its watches, and those below it: the two halves of the event
// are paired by their cookie.
//
// THREADS: one at a time.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "sync/mirror/folder.h"

namespace lockstep {

struct FolderEvent {
    enum class Kind {
        Changed,   // something came, went, was closed after writing, or has other attributes
        Growing,   // is being written: whoever reads it now may get half of it
        Moved,     // a directory, from `from`
        Lost,      // events were lost: anything may have changed
        RootGone,  // the folder itself was removed or renamed
    };
    Kind kind = Kind::Changed;
    std::string path;
    std::string from;
};

class FolderWatcher {
  public:
    static Result<std::unique_ptr<FolderWatcher>> open(const Folder& folder);
    ~FolderWatcher();

    // Readable when events wait.
    int descriptor() const { return inotify_.get(); }
    // Watches a directory, not what is below it. TooLarge when the system's limit is reached; then
    // is_limited() for good.
    Status watch(const std::string& directory);
    // Reports what has happened since the last call, without waiting.
    void drain(const std::function<void(const FolderEvent&)>& report);
    bool is_limited() const { return is_limited_; }
    std::size_t watches() const { return by_watch_.size(); }

  private:
    struct Watched {
        int watch = -1;
        Watched* parent = nullptr;
        std::string name;
        std::map<std::string, std::unique_ptr<Watched>, std::less<>> children;
    };
    struct MovedAway {
        std::unique_ptr<Watched> directory;
        std::string from;
    };

    explicit FolderWatcher(const Folder& folder) : folder_(folder) {}
    Watched* find(std::string_view directory);
    static std::string path_of(const Watched& directory);
    void unwatch(Watched& directory);
    void take_event(int watch, unsigned mask, unsigned cookie, const char* name,
                    const std::function<void(const FolderEvent&)>& report);

    const Folder& folder_;
    UniqueFd inotify_;
    Watched root_;
    std::unordered_map<int, Watched*> by_watch_;
    std::map<unsigned, MovedAway> moved_away_;  // by cookie
    bool is_limited_ = false;
};

}  // namespace lockstep
