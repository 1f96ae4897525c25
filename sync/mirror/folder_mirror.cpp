#include "sync/mirror/folder_mirror.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"

namespace lockstep {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kHintsMax = 1'000'000;
constexpr milliseconds kTurn{250};
// Events of one operation come together.
constexpr milliseconds kGather{4};
constexpr int kGathersMax = 5;
constexpr std::chrono::seconds kRescan{60};  // of a folder that cannot be watched entirely
constexpr std::chrono::seconds kRetry{5};
constexpr std::size_t kProblemsShown = 10;

Result<std::string> read_marker(const Folder& folder) {
    TRY(const UniqueFd opened, folder.open_to_read(kMarkerFile));
    std::array<char, 256> text{};
    const ssize_t got = ::read(opened.get(), text.data(), text.size());
    if (got < 0) return Error{ErrorKind::Io, "the marker cannot be read"};
    std::string_view found(text.data(), static_cast<std::size_t>(got));
    return std::string(found.substr(0, found.find('\n')));
}

class FolderFile final : public PlainFile {
  public:
    FolderFile(std::shared_ptr<const Folder> folder, std::string path, std::uint64_t size)
        : folder_(std::move(folder)), path_(std::move(path)), size_(size) {}
    std::uint64_t size() const override { return size_; }
    // Opened each time: a folder may hold more files than may be open.
    Status read(std::uint64_t offset, MutableByteView out) const override {
        TRY(const UniqueFd file, folder_->open_to_read(path_));
        while (!out.empty()) {
            const ssize_t got =
                ::pread(file.get(), out.data(), out.size(), static_cast<off_t>(offset));
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) return Error{ErrorKind::Busy, "the file is not what it was"};
            out = out.subspan(static_cast<std::size_t>(got));
            offset += static_cast<std::uint64_t>(got);
        }
        return {};
    }

  private:
    const std::shared_ptr<const Folder> folder_;
    const std::string path_;
    const std::uint64_t size_;
};

Error no_marker(const std::string& directory) {
    return {
        ErrorKind::Refused,
        fmt::format("{} holds no {} of this mirror: it is another folder, or a disk that is not "
                    "mounted. Nothing was deleted",
                    directory, kMarkerFile)};
}

Result<NodeId> find_directory(FileSystem& files, std::string_view path) {
    NodeId at = kRootNode;
    while (!path.empty()) {
        const std::size_t slash = std::min(path.find('/'), path.size());
        Result<Attributes> next = files.lookup(at, path.substr(0, slash));
        if (at != kRootNode) files.forget(at, 1);
        if (!next.ok()) return std::move(next).error();
        at = next->node;
        if (next->type != FileType::Directory) {
            files.forget(at, 1);
            return Error{ErrorKind::NotDirectory, "no folder of the vault"};
        }
        path.remove_prefix(std::min(slash + 1, path.size()));
    }
    return at;
}

}  // namespace

// ---- the marker

Status FolderMirror::prepare(const std::string& directory, std::string_view identity) {
    std::error_code failure;
    std::filesystem::create_directories(directory, failure);
    if (failure) return Error{ErrorKind::Io, fmt::format("{}: {}", directory, failure.message())};
    TRY(const auto folder, Folder::open(directory));
    if (const Result<std::string> there = read_marker(*folder); there.ok()) {
        if (*there == identity) return {};
        return Error{ErrorKind::Exists, fmt::format("{} is the folder of another mirror (see {})",
                                                    directory, kMarkerFile)};
    }
    TRY(const UniqueFd marker, folder->create(kMarkerFile));
    const std::string text = fmt::format(
        "{}\nThis folder is a mirror of a Lockstep vault. Without this file the mirror stops.\n",
        identity);
    if (::write(marker.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        ::fsync(marker.get()) != 0)
        return Error{ErrorKind::Io, "the marker cannot be written"};
    return folder->sync_directory("");
}

void FolderMirror::remove_marker(const std::string& directory, std::string_view identity) {
    const auto folder = Folder::open(directory);
    if (!folder.ok()) return;
    if (const auto there = read_marker(**folder); there.ok() && *there == identity)
        static_cast<void>((*folder)->remove_file(kMarkerFile).ok());
}

bool FolderMirror::is_sound() const {
    if (!folder_->is_in_place()) return false;
    const Result<std::string> marker = read_marker(*folder_);
    return marker.ok() && *marker == options_.identity;
}

// ---- life

Result<std::unique_ptr<FolderMirror>> FolderMirror::start(FileSystem& files, Clock& clock,
                                                          Random& random, MirrorOptions options) {
    std::unique_ptr<FolderMirror> mirror(new FolderMirror(files, std::move(options)));
    const MirrorOptions& chosen = mirror->options_;
    TRY(mirror->folder_, Folder::open(chosen.directory));
    if (!mirror->is_sound()) return no_marker(chosen.directory);
    TRY(mirror->state_, MirrorState::open(chosen.state_file, chosen.identity));
    mirror->wake_ = UniqueFd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!mirror->wake_.ok()) return Error{ErrorKind::Io, "no eventfd"};
    if (Result<std::unique_ptr<FolderWatcher>> watcher = FolderWatcher::open(*mirror->folder_);
        watcher.ok()) {
        mirror->watcher_ = std::move(*watcher);
    } else {
        mirror->watch_problem_ = watcher.error().message;
    }
    Result<NodeId> root = find_directory(files, chosen.vault_path);
    if (!root.ok())
        return std::move(root).error().in(fmt::format("folder {} of the vault", chosen.vault_path));
    mirror->root_ = *root;
    mirror->clock_ = &clock;
    FolderMirror* const self = mirror.get();
    mirror->reconciler_ = std::make_unique<Reconciler>(
        *mirror->folder_, files, mirror->root_, *mirror->state_, clock, random,
        ReconcilerOptions{.device_label = chosen.device_label,
                          .has_brake = chosen.has_brake,
                          .on_directory =
                              [self](const std::string& path) {
                                  if (!self->watcher_) return;
                                  Status watched = self->watcher_->watch(path);
                                  if (!watched.ok() && watched.error().kind == ErrorKind::TooLarge)
                                      self->watch_problem_ = watched.error().message;
                              },
                          .is_stopping = [self] { return self->is_stopping_.load(); },
                          .is_folder_sound = [self] { return self->is_sound(); }});
    files.add_observer(*mirror);
    mirror->thread_ = std::thread([self] { self->run(); });
    return mirror;
}

FolderMirror::~FolderMirror() {
    is_stopping_ = true;
    if (thread_.joinable()) {
        wake();
        thread_.join();
        files_.remove_observer(*this);
    }
    reconciler_.reset();
    if (root_ != kRootNode) files_.forget(root_, 1);
}

void FolderMirror::wake() {
    const std::uint64_t one = 1;
    static_cast<void>(::write(wake_.get(), &one, sizeof(one)) == sizeof(one));
}

void FolderMirror::run() {
    ::pthread_setname_np(::pthread_self(), "ls-mirror");
    ChangeOrigin::set_consumer(this);
    meet();
    while (!is_stopping_) {
        Status turned = turn();
        if (!turned.ok()) {
            const ErrorKind kind = turned.error().kind;
            if (kind == ErrorKind::Locked || kind == ErrorKind::Refused)
                return stop_with(turned.error());
            // Not the message: it may name files.
            log_warning("mirror", "something failed; it is tried again");
            MutexLock lock(mutex_);
            status_.problem = turned.error().message;
        }
        if (!is_stopping_) wait();
    }
    if (reconciler_) static_cast<void>(reconciler_->finish().ok());
}

// What it holds is known to the vault before anything is compared or fetched.
void FolderMirror::meet() {
    if (!options_.begin_meeting || state_->entries() > 0) return;
    note_status(MirrorPhase::Scanning);
    meeting_ = options_.begin_meeting();
    if (meeting_->has_others()) {
        Result<std::unique_ptr<Folder>> folder = Folder::open(options_.directory);
        if (folder.ok()) static_cast<void>(learn(std::move(*folder), "").ok());
    }
    meeting_->all_learnt();
}

// What cannot be read is left out: it is nothing that must be known.
Status FolderMirror::learn(const std::shared_ptr<const Folder>& folder,
                           const std::string& directory) {
    TRY(const std::vector<FolderEntry> entries, folder->list(directory));
    for (const FolderEntry& entry : entries) {
        if (is_stopping_) return Error{ErrorKind::Cancelled, "the mirror stops"};
        const std::string path = join_path(directory, entry.name);
        if (is_reserved_path(path) || entry.facts.is_foreign) continue;
        if (entry.facts.type == FileType::Directory) {
            static_cast<void>(learn(folder, path).ok());
        } else if (entry.facts.type == FileType::Regular) {
            auto file = std::make_shared<FolderFile>(folder, path, entry.facts.size);
            static_cast<void>(
                meeting_->learn(std::move(file), [this] { return is_stopping_.load(); }).ok());
        }
    }
    return {};
}

Status FolderMirror::turn() {
    take_hints();
    take_events();
    if (wants_check_) {
        if (!is_sound()) return no_marker(options_.directory);
        wants_check_ = false;
    }
    if (wants_release_.exchange(false)) reconciler_->release_held();
    const auto now = steady_clock::now();
    if (!watch_problem_.empty() && now >= next_scan_) wants_scan_ = true;
    if (wants_scan_) {
        note_status(MirrorPhase::Scanning);
        TRY_OK(reconciler_->scan());
        wants_scan_ = false;
        next_scan_ = steady_clock::now() + kRescan;
    }
    // Said before the work, so that nobody takes what was heard of for done.
    if (!reconciler_->is_idle() && reconciler_->pending() > 0) note_status(MirrorPhase::Syncing);
    TRY_OK(reconciler_->work(kTurn));
    const HeldDeletes held = reconciler_->held();
    const bool is_held = held.in_vault + held.in_folder > 0;
    note_status(is_held                  ? MirrorPhase::Held
                : reconciler_->is_idle() ? MirrorPhase::UpToDate
                                         : MirrorPhase::Syncing);
    if (is_held || reconciler_->is_idle()) meeting_.reset();
    return {};
}

void FolderMirror::note_status(MirrorPhase phase) {
    std::function<void()> listener;
    {
        MutexLock lock(mutex_);
        if (status_.phase != phase || status_.problem != watch_problem_) listener = listener_;
        status_.phase = phase;
        status_.problem = watch_problem_;
        status_.files = state_->files();
        status_.pending = reconciler_->pending();
        status_.counts = reconciler_->counts();
        status_.held = reconciler_->held();
        status_.problems.clear();
        for (const auto& [path, problem] : reconciler_->problems()) {
            if (status_.problems.size() >= kProblemsShown) break;
            status_.problems.emplace_back(path, problem);
        }
        if (!(rules_ == reconciler_->rules())) rules_ = reconciler_->rules();
    }
    if (listener) listener();
}

void FolderMirror::stop_with(const Error& error) {
    if (error.kind != ErrorKind::Locked) log_error("mirror", "a mirror stops: {}", error.message);
    std::function<void()> listener;
    {
        MutexLock lock(mutex_);
        status_.phase = MirrorPhase::Stopped;
        status_.problem = error.message;
        listener = listener_;
    }
    if (listener) listener();
}

// ---- hearing

void FolderMirror::node_changed(NodeId node) {
    entry_changed(node, {});
}

void FolderMirror::entry_changed(NodeId directory, const std::string& name) {
    if (ChangeOrigin::is_own_news(*this)) return;
    bool is_first = false;
    {
        MutexLock lock(mutex_);
        is_first = hints_.empty();
        if (hints_.size() < kHintsMax) {
            hints_.push_back({directory, name});
        } else {
            has_lost_hints_ = true;
        }
    }
    if (is_first) wake();
}

void FolderMirror::take_hints() {
    std::vector<Hint> hints;
    {
        MutexLock lock(mutex_);
        hints.swap(hints_);
        wants_scan_ = wants_scan_ || std::exchange(has_lost_hints_, false);
    }
    for (const Hint& hint : hints) {
        if (hint.name.empty()) {
            reconciler_->note_vault_node(hint.node);
        } else {
            reconciler_->note_vault_entry(hint.node, hint.name);
        }
    }
}

void FolderMirror::take_events() {
    if (!watcher_) return;
    const auto take = [&](const FolderEvent& event) {
        has_events_ = true;
        switch (event.kind) {
            case FolderEvent::Kind::Changed:
                if (event.path == kMarkerFile) {
                    wants_check_ = true;
                } else if (!is_reserved_path(event.path)) {
                    reconciler_->note_folder(event.path);
                }
                return;
            case FolderEvent::Kind::Growing:
                if (!is_reserved_path(event.path)) reconciler_->note_growing(event.path);
                return;
            case FolderEvent::Kind::Moved:
                reconciler_->note_moved(event.from, event.path);
                return;
            case FolderEvent::Kind::Lost:
                wants_scan_ = true;
                return;
            case FolderEvent::Kind::RootGone:
                wants_check_ = true;
                return;
        }
    };
    for (int gathered = 0; gathered < kGathersMax; ++gathered) {
        has_events_ = false;
        watcher_->drain(take);
        if (!has_events_) return;
        pollfd more{watcher_->descriptor(), POLLIN, 0};
        if (::poll(&more, 1, static_cast<int>(kGather.count())) <= 0) return;
    }
}

void FolderMirror::wait() {
    std::optional<steady_clock::time_point> due = reconciler_->next_due();
    milliseconds timeout = kRescan;
    if (due) {
        timeout = std::chrono::duration_cast<milliseconds>(*due - clock_->steady());
        timeout = std::clamp(timeout + milliseconds(1), milliseconds(0), milliseconds(kRescan));
        if (*due <= clock_->steady()) timeout = milliseconds(0);
    }
    {
        MutexLock lock(mutex_);
        if (status_.problem != watch_problem_) timeout = std::max<milliseconds>(timeout, kRetry);
    }
    std::array<pollfd, 2> watched{{{wake_.get(), POLLIN, 0}, {-1, POLLIN, 0}}};
    if (watcher_) watched[1].fd = watcher_->descriptor();
    ::poll(watched.data(), watched.size(), static_cast<int>(timeout.count()));
    std::uint64_t count = 0;
    static_cast<void>(::read(wake_.get(), &count, sizeof(count)) == sizeof(count));
}

// ---- asking

MirrorStatus FolderMirror::status() const {
    MutexLock lock(mutex_);
    MirrorStatus status = status_;
    // What has happened and was not looked at yet.
    pollfd events{watcher_ ? watcher_->descriptor() : -1, POLLIN, 0};
    if (status.phase == MirrorPhase::UpToDate && (!hints_.empty() || ::poll(&events, 1, 0) > 0))
        status.phase = MirrorPhase::Syncing;
    return status;
}

void FolderMirror::release_brake() {
    wants_release_ = true;
    wake();
}

IgnoreRules::Verdict FolderMirror::ignore_verdict(const std::string& path) const {
    MutexLock lock(mutex_);
    return rules_.verdict(path);
}

void FolderMirror::set_listener(std::function<void()> listener) {
    MutexLock lock(mutex_);
    listener_ = std::move(listener);
}

}  // namespace lockstep
