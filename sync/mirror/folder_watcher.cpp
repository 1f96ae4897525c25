#include "sync/mirror/folder_watcher.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace lockstep {
namespace {

constexpr unsigned kMask = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE |
                           IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR |
                           IN_EXCL_UNLINK;
constexpr std::size_t kReadSize = 64 * 1024;

}  // namespace

Result<std::unique_ptr<FolderWatcher>> FolderWatcher::open(const Folder& folder) {
    std::unique_ptr<FolderWatcher> watcher(new FolderWatcher(folder));
    watcher->inotify_ = UniqueFd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!watcher->inotify_.ok()) {
        return Error{ErrorKind::TooLarge,
                     fmt::format("no folder can be watched ({}): raise the limit, for example by "
                                 "sysctl fs.inotify.max_user_instances=1024",
                                 std::strerror(errno))};
    }
    return watcher;
}

FolderWatcher::~FolderWatcher() = default;

std::string FolderWatcher::path_of(const Watched& directory) {
    if (directory.parent == nullptr) return {};
    return join_path(path_of(*directory.parent), directory.name);
}

FolderWatcher::Watched* FolderWatcher::find(std::string_view directory) {
    Watched* at = &root_;
    while (!directory.empty()) {
        const std::size_t slash = std::min(directory.find('/'), directory.size());
        const std::string_view name = directory.substr(0, slash);
        directory.remove_prefix(std::min(slash + 1, directory.size()));
        auto child = at->children.find(name);
        if (child == at->children.end()) {
            auto made = std::make_unique<Watched>();
            made->parent = at;
            made->name = name;
            child = at->children.emplace(std::string(name), std::move(made)).first;
        }
        at = child->second.get();
    }
    return at;
}

Status FolderWatcher::watch(const std::string& directory) {
    TRY(const UniqueFd opened, folder_.open_directory(directory));
    const std::string self = fmt::format("/proc/self/fd/{}", opened.get());
    const int watch = ::inotify_add_watch(inotify_.get(), self.c_str(), kMask);
    if (watch < 0) {
        if (errno != ENOSPC && errno != ENOMEM)
            return Error{ErrorKind::Io, fmt::format("watch: {}", std::strerror(errno))};
        is_limited_ = true;
        return Error{ErrorKind::TooLarge,
                     "the system's limit of watched directories is reached: raise it by sysctl "
                     "fs.inotify.max_user_watches=1048576"};
    }
    Watched* at = find(directory);
    if (at->watch == watch) return {};
    // A directory that is watched already was renamed, and the event is lost or yet to come.
    if (const auto known = by_watch_.find(watch); known != by_watch_.end())
        known->second->watch = -1;
    if (at->watch >= 0) by_watch_.erase(at->watch);
    at->watch = watch;
    by_watch_[watch] = at;
    return {};
}

void FolderWatcher::unwatch(Watched& directory) {
    for (const auto& [name, child] : directory.children) unwatch(*child);
    if (directory.watch < 0) return;
    ::inotify_rm_watch(inotify_.get(), directory.watch);
    by_watch_.erase(directory.watch);
    directory.watch = -1;
}

void FolderWatcher::drain(const std::function<void(const FolderEvent&)>& report) {
    // What moved away and had not arrived when the last events were read has left the folder.
    std::map<unsigned, MovedAway> waiting = std::exchange(moved_away_, {});
    const auto settle = [&] {
        for (auto& [cookie, moved] : waiting) unwatch(*moved.directory);
        waiting.clear();
    };
    alignas(inotify_event) std::array<char, kReadSize> buffer;
    while (true) {
        const ssize_t length = ::read(inotify_.get(), buffer.data(), buffer.size());
        if (length <= 0) break;
        for (ssize_t at = 0; at < length;) {
            inotify_event event;
            std::memcpy(&event, buffer.data() + at, sizeof(event));
            const char* name = event.len > 0 ? buffer.data() + at + sizeof(event) : "";
            at += static_cast<ssize_t>(sizeof(event) + event.len);
            if (event.mask & IN_MOVED_TO)
                if (auto moved = waiting.extract(event.cookie))
                    moved_away_.insert(std::move(moved));
            take_event(event.wd, event.mask, event.cookie, name, report);
        }
    }
    settle();
}

void FolderWatcher::take_event(int watch, unsigned mask, unsigned cookie, const char* name,
                               const std::function<void(const FolderEvent&)>& report) {
    using Kind = FolderEvent::Kind;
    if (mask & IN_Q_OVERFLOW) return report({Kind::Lost, {}, {}});
    const auto known = by_watch_.find(watch);
    if (known == by_watch_.end()) return;
    Watched& directory = *known->second;
    if (mask & IN_IGNORED) {
        directory.watch = -1;
        by_watch_.erase(known);
        return;
    }
    if (mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) {
        if (&directory == &root_) report({Kind::RootGone, {}, {}});
        return;
    }
    if (*name == '\0') return;
    const std::string path = join_path(path_of(directory), name);
    const bool is_directory = (mask & IN_ISDIR) != 0;
    if (is_directory && (mask & (IN_MOVED_FROM | IN_DELETE))) {
        auto child = directory.children.extract(std::string(name));
        if (child && (mask & IN_MOVED_FROM)) {
            moved_away_[cookie] = {std::move(child.mapped()), path};
        } else if (child) {
            unwatch(*child.mapped());
        }
    }
    if (is_directory && (mask & IN_MOVED_TO)) {
        if (auto moved = moved_away_.extract(cookie)) {
            std::unique_ptr<Watched> child = std::move(moved.mapped().directory);
            child->parent = &directory;
            child->name = name;
            auto& place = directory.children[child->name];
            if (place) unwatch(*place);
            place = std::move(child);
            return report({Kind::Moved, path, moved.mapped().from});
        }
    }
    const bool is_growing =
        !is_directory && (mask & (IN_MODIFY | IN_CREATE)) != 0 && (mask & IN_CLOSE_WRITE) == 0;
    report({is_growing ? Kind::Growing : Kind::Changed, path, {}});
}

}  // namespace lockstep
