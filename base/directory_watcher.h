// Tells which names below a directory have come, changed or gone: inotify on the directory and on
// all below it, those that come later included.
//
// What it says is a hint to look there: a name may be told twice, or have changed again since.
// INVARIANT: nothing that happens after start() goes untold, unless News::is_incomplete says so, or
// problem() says that some of it will not be told any more.
// THREADS: wait() from one; interrupt() from any.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace lockstep {

class DirectoryWatcher {
  public:
    // Whether to look into a directory; its path is relative to the top.
    using Wants = std::function<bool(const std::filesystem::path& directory)>;

    // TooLarge when the system allows no more watches (fs.inotify.max_user_watches) or instances;
    // Unsupported where there is no inotify.
    static Result<std::unique_ptr<DirectoryWatcher>> start(std::filesystem::path top, Wants wants);

    // Whether changes that other machines make there are told, too: not on network file systems.
    static bool tells_all(const std::filesystem::path& directory);

    struct News {
        std::vector<std::filesystem::path> changed;  // relative to the top; sorted
        bool is_incomplete = false;                  // events were lost: look at everything
        bool is_gone = false;  // the top itself was moved, deleted or unmounted: start anew
    };
    // Waits for news, an interrupt or the time; then gathers what comes within `gather`, so that
    // somebody's burst is one piece of news. Nothing changed: time was up, or interrupted.
    Result<News> wait(std::chrono::milliseconds timeout, std::chrono::milliseconds gather);
    // Ends the wait under way, or the next one.
    void interrupt();

    // Why not all directories are watched. THREADS: as wait().
    const std::optional<Error>& problem() const { return problem_; }

  private:
    DirectoryWatcher(std::filesystem::path top, Wants wants)
        : top_(std::move(top)), wants_(std::move(wants)) {}
    // Watches it and what is below; reports what lies in it when `is_new`.
    Status watch(const std::filesystem::path& directory, bool is_new, News& news);
    void forget(const std::filesystem::path& directory);
    Status read_events(News& news);
    void take_event(int watch, std::uint32_t mask, const char* name, News& news);

    const std::filesystem::path top_;
    const Wants wants_;
    UniqueFd inotify_;
    UniqueFd wake_;
    std::map<int, std::filesystem::path> directories_;  // by watch descriptor
    std::optional<Error> problem_;
};

}  // namespace lockstep
