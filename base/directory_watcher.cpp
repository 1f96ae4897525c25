#include "base/directory_watcher.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <system_error>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/statfs.h>
#include <unistd.h>

namespace lockstep {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

// Not IN_MODIFY: who writes closes, and what is half written is no news. IN_CREATE is for hard
// links, and for directories.
constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM |
                                  IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR |
                                  IN_DONT_FOLLOW | IN_EXCL_UNLINK;

Error watch_error(const fs::path& directory) {
    const int code = errno;
    if (code == ENOENT || code == ENOTDIR)
        return {ErrorKind::NotFound, directory.string() + ": no such directory"};
    if (code == ENOSPC)
        return {ErrorKind::TooLarge,
                "the system allows no more watches: raise fs.inotify.max_user_watches (sysctl)"};
    if (code == EMFILE)
        return {ErrorKind::TooLarge,
                "the system allows no more watchers: raise fs.inotify.max_user_instances (sysctl)"};
    if (code == ENOSYS) return {ErrorKind::Unsupported, "this system has no inotify"};
    return {ErrorKind::Io,
            "watch " + directory.string() + ": " + std::generic_category().message(code)};
}

}  // namespace

Result<std::unique_ptr<DirectoryWatcher>> DirectoryWatcher::start(fs::path top, Wants wants) {
    std::unique_ptr<DirectoryWatcher> out(new DirectoryWatcher(std::move(top), std::move(wants)));
    out->inotify_ = UniqueFd(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!out->inotify_.ok()) return watch_error(out->top_);
    out->wake_ = UniqueFd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!out->wake_.ok()) return Error{ErrorKind::Io, "no event descriptor is left"};
    News unused;
    TRY_OK(out->watch({}, false, unused));
    return out;
}

bool DirectoryWatcher::tells_all(const fs::path& directory) {
    struct statfs at {};
    if (statfs(directory.c_str(), &at) != 0) return false;
    // NFS, SMB 1 to 3, FUSE (sshfs and the like), 9P, Ceph, AFS, Coda.
    constexpr std::array<std::uint32_t, 9> kNetworkTypes = {0x6969,     0x517B,     0xFF534D42,
                                                            0xFE534D42, 0x65735546, 0x01021997,
                                                            0x00C36400, 0x5346414F, 0x73757245};
    return std::find(kNetworkTypes.begin(), kNetworkTypes.end(),
                     static_cast<std::uint32_t>(at.f_type)) == kNetworkTypes.end();
}

Status DirectoryWatcher::watch(const fs::path& directory, bool is_new, News& news) {
    const fs::path path = directory.empty() ? top_ : top_ / directory;
    const int watch = inotify_add_watch(inotify_.get(), path.c_str(), kEvents);
    if (watch < 0) return watch_error(path);
    directories_[watch] = directory;
    // Listed after the watch is there: what comes in between is told twice rather than never.
    std::error_code failure;
    std::vector<fs::path> below;
    for (fs::directory_iterator it(path, failure), end; !failure && it != end;
         it.increment(failure)) {
        std::error_code gone;
        const fs::path name = directory / it->path().filename();
        if (it->symlink_status(gone).type() == fs::file_type::directory)
            below.push_back(name);
        else if (is_new)
            news.changed.push_back(name);
    }
    if (failure && failure != std::errc::no_such_file_or_directory)
        return Error{ErrorKind::Io, "list " + path.string() + ": " + failure.message()};
    for (const fs::path& one : below) {
        if (is_new) news.changed.push_back(one);
        if (!wants_(one)) continue;
        Status watched = this->watch(one, is_new, news);
        if (!watched.ok() && watched.error().kind != ErrorKind::NotFound) return watched;
    }
    return {};
}

// It was moved away: what happens in it is no more of our business.
void DirectoryWatcher::forget(const fs::path& directory) {
    for (auto it = directories_.begin(); it != directories_.end();) {
        auto [in_directory, in_path] =
            std::mismatch(directory.begin(), directory.end(), it->second.begin(), it->second.end());
        if (in_directory == directory.end()) {
            inotify_rm_watch(inotify_.get(), it->first);
            it = directories_.erase(it);
        } else {
            ++it;
        }
    }
}

Result<DirectoryWatcher::News> DirectoryWatcher::wait(milliseconds timeout, milliseconds gather) {
    News news;
    std::array<pollfd, 2> waiting = {pollfd{inotify_.get(), POLLIN, 0},
                                     pollfd{wake_.get(), POLLIN, 0}};
    steady_clock::time_point until = steady_clock::now() + timeout;
    bool is_gathering = false;
    for (;;) {
        const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now()).count();
        const int ready = poll(waiting.data(), waiting.size(),
                               static_cast<int>(std::clamp<std::int64_t>(left, 0, INT_MAX)));
        if (ready < 0 && errno == EINTR) continue;
        if (ready < 0) return Error{ErrorKind::Io, "wait for changes of " + top_.string()};
        if (waiting[0].revents != 0) TRY_OK(read_events(news));
        const bool is_interrupted = waiting[1].revents != 0;
        if (is_interrupted) {
            std::uint64_t count = 0;
            static_cast<void>(!::read(wake_.get(), &count, sizeof count));
        }
        if (is_interrupted || news.is_gone || ready == 0) break;
        if (!is_gathering && (news.is_incomplete || !news.changed.empty())) {
            is_gathering = true;
            until = steady_clock::now() + gather;
        }
    }
    std::sort(news.changed.begin(), news.changed.end());
    news.changed.erase(std::unique(news.changed.begin(), news.changed.end()), news.changed.end());
    return news;
}

void DirectoryWatcher::interrupt() {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(wake_.get(), &one, sizeof one));
}

Status DirectoryWatcher::read_events(News& news) {
    alignas(inotify_event) std::array<char, 64 * 1024> buffer;
    for (;;) {
        const ssize_t got = ::read(inotify_.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) return {};
        if (got <= 0) return Error{ErrorKind::Io, "read what has changed in " + top_.string()};
        for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
            inotify_event event{};
            std::memcpy(&event, buffer.data() + at, sizeof event);
            const char* name = event.len == 0 ? "" : buffer.data() + at + sizeof event;
            take_event(event.wd, event.mask, name, news);
            at += sizeof event + event.len;
        }
    }
}

void DirectoryWatcher::take_event(int watch, std::uint32_t mask, const char* name, News& news) {
    if ((mask & IN_Q_OVERFLOW) != 0) {
        news.is_incomplete = true;
        return;
    }
    auto found = directories_.find(watch);
    if (found == directories_.end()) return;
    const fs::path directory = found->second;
    if ((mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) != 0 && directory.empty())
        news.is_gone = true;
    if ((mask & IN_IGNORED) != 0) {
        directories_.erase(found);
        return;
    }
    if (*name == '\0') return;
    const fs::path path = directory / name;
    news.changed.push_back(path);
    if ((mask & IN_ISDIR) == 0) return;
    if ((mask & IN_MOVED_FROM) != 0) forget(path);
    if ((mask & (IN_CREATE | IN_MOVED_TO)) == 0 || !wants_(path)) return;
    Status watched = this->watch(path, true, news);
    if (watched.ok() || watched.error().kind == ErrorKind::NotFound) return;  // or gone again
    news.is_incomplete = true;
    problem_ = std::move(watched).error();
}

}  // namespace lockstep
