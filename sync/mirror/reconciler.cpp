#include "sync/mirror/reconciler.h"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>

#include "vault/limits.h"

namespace lockstep {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kBufferSize = kMiB;
constexpr std::uint64_t kBatchItemsMax = 1000;
constexpr std::uint64_t kBatchBytesMax = 64 * kMiB;
constexpr std::chrono::seconds kBatchTimeMax{1};  // each syncs all of the folder's file system
constexpr milliseconds kRetryWritten{1000};       // somebody is writing it
constexpr milliseconds kRetryProblem{10'000};
constexpr std::size_t kProblemsMax = 100;

}  // namespace

bool is_reserved_path(std::string_view path) {
    const std::string_view name = name_of(path);
    return path == kMarkerFile || name.starts_with(kPartPrefix) || name.starts_with(kSwapPrefix);
}

Reconciler::Reconciler(Folder& folder, FileSystem& files, NodeId root, MirrorState& state,
                       Clock& clock, Random& random, ReconcilerOptions options)
    : folder_(folder),
      files_(files),
      state_(state),
      clock_(clock),
      random_(random),
      options_(std::move(options)),
      buffer_(kBufferSize) {
    state_.root().vault.node = root;
}

Reconciler::~Reconciler() {
    for (Staged& staged : staged_) static_cast<void>(folder_.remove_file(staged.part).ok());
    for (const NodeId node : held_directories_) files_.forget(node, 1);
}

// What cannot be done now, and is tried again some time, is no work.
bool Reconciler::is_idle() const {
    return ready_.empty() && staged_.empty() && (gone_.empty() || is_held_stale_) &&
           std::ranges::all_of(later_,
                               [&](const auto& each) { return problems_.contains(each.first); });
}

// ---- hints

void Reconciler::note(const std::string& path, unsigned sides) {
    if (path.empty()) return;
    if (const auto waiting = later_.find(path); waiting != later_.end()) {
        sides |= waiting->second.sides;
        later_.erase(waiting);
    }
    ready_[path] |= sides;
}

void Reconciler::note_growing(const std::string& path) {
    if (!later_.contains(path)) note(path, kFolder);
}

void Reconciler::note_vault_node(NodeId node) {
    for (const MirrorEntry* entry : state_.with_node(node))
        note(MirrorState::path_of(*entry), kVault);
}

void Reconciler::note_vault_entry(NodeId directory, const std::string& name) {
    if (directory == state_.root().vault.node) return note(name, kVault);
    for (const MirrorEntry* entry : state_.with_node(directory)) {
        if (entry->vault.type == FileType::Directory)
            note(join_path(MirrorState::path_of(*entry), name), kVault);
    }
}

void Reconciler::note_moved(const std::string& from, const std::string& to) {
    remap(from, to);
    note(from, kFolder);
    note(to, kFolder);
}

// Hints about what lay below `from` are about what lies below `to` now.
void Reconciler::remap(const std::string& from, const std::string& to) {
    const auto move_all = [&](auto& hints, const auto& merge) {
        std::vector<std::pair<std::string, typename std::decay_t<decltype(hints)>::mapped_type>>
            moved;
        for (auto at = hints.lower_bound(from + '/'); at != hints.end();) {
            if (!is_below_path(at->first, from)) break;
            moved.emplace_back(to + at->first.substr(from.size()), at->second);
            at = hints.erase(at);
        }
        for (auto& [path, hint] : moved) merge(hints[path], hint);
    };
    move_all(ready_, [](unsigned& at, unsigned sides) { at |= sides; });
    move_all(later_, [](Later& at, const Later& hint) { at = hint; });
    move_all(gone_, [](Time& at, Time since) { at = since; });
}

void Reconciler::defer(const std::string& path, unsigned sides, milliseconds delay) {
    Later& later = later_[path];
    later.sides |= sides;
    later.due = clock_.steady() + delay;
}

void Reconciler::take_due() {
    const Time now = clock_.steady();
    for (auto at = later_.begin(); at != later_.end();) {
        if (at->second.due > now) {
            ++at;
            continue;
        }
        ready_[at->first] |= at->second.sides;
        at = later_.erase(at);
    }
}

std::optional<Reconciler::Time> Reconciler::next_due() const {
    if (!ready_.empty() || !staged_.empty()) return clock_.steady();
    std::optional<Time> next;
    const auto consider = [&](Time time) {
        if (!next || time < *next) next = time;
    };
    for (const auto& [path, later] : later_) consider(later.due);
    if (is_held_stale_) {
        consider(look_at_held_);
    } else if (const auto due = gone_due()) {
        consider(*due);
    }
    return next;
}

// ---- working

Status Reconciler::work(milliseconds limit) {
    const auto until = std::chrono::steady_clock::now() + limit;
    take_due();
    const Folder::Near near(folder_);
    while (!ready_.empty()) {
        const auto first = ready_.begin();
        const std::string path = first->first;
        const unsigned sides = first->second;
        ready_.erase(first);
        Status done = reconcile(path, sides);
        if (!done.ok()) {
            if (done.error().kind == ErrorKind::Locked) return done;
            if (done.error().kind == ErrorKind::Cancelled) {
                note(path, kBoth);
                return finish_batch();
            }
            const bool is_passing = done.error().kind == ErrorKind::Busy;
            if (!is_passing) set_problem(path, done.error().message);
            defer(path, kBoth, is_passing ? kRetryWritten : kRetryProblem);
        } else {
            problems_.erase(path);
        }
        if (batch_items_++ == 0) batch_begun_ = std::chrono::steady_clock::now();
        if (batch_items_ >= kBatchItemsMax || batch_bytes_ >= kBatchBytesMax)
            TRY_OK(finish_batch());
        const auto now = std::chrono::steady_clock::now();
        if (now < until) continue;
        const bool goes_on =
            !ready_.empty() && batch_items_ != 0 && now < batch_begun_ + kBatchTimeMax;
        return goes_on ? Status() : finish_batch();
    }
    TRY_OK(finish_batch());
    if (!ready_.empty() || gone_.empty()) return {};
    const Time now = clock_.steady();
    if (now < (is_held_stale_ ? look_at_held_ : *gone_due())) return {};
    TRY_OK(work_on_gone());
    return finish_batch();
}

// The other half of a rename may be yet to come; under a long `rm -r` there is always one such. The
// brake is to see as many of one deed as it can; without it nothing waits for others for long.
std::optional<Reconciler::Time> Reconciler::gone_due() const {
    if (gone_.empty()) return std::nullopt;
    Time first = Time::max(), last = Time::min();
    for (const auto& [path, since] : gone_) {
        first = std::min(first, since);
        last = std::max(last, since);
    }
    return std::min(last + kGoneGrace,
                    first + (options_.has_brake ? kGoneWaitMax : kGoneWaitUnbraked));
}

Status Reconciler::finish_batch() {
    batch_items_ = batch_bytes_ = 0;
    TRY_OK(place_staged());
    if (has_vault_changes_ || !changed_directories_.empty()) TRY_OK(sync_vault());
    if (changed_directories_.size() > kSyncedOneByOne) {
        TRY_OK(folder_.sync_all());
    } else {
        for (const std::string& directory : changed_directories_) {
            Status synced = folder_.sync_directory(directory);
            // What is gone again needs no syncing.
            if (!synced.ok() && synced.error().kind != ErrorKind::NotFound) return synced;
        }
    }
    changed_directories_.clear();
    return state_.commit();
}

// What the folder has, the vault must not forget: else it would be given something older.
Status Reconciler::sync_vault() {
    TRY_OK(files_.sync_metadata());
    has_vault_changes_ = false;
    return {};
}

Status Reconciler::check_going_on() const {
    if (options_.is_stopping()) return Error{ErrorKind::Cancelled, "the mirror stops"};
    return {};
}

void Reconciler::set_problem(const std::string& path, std::string text) {
    if (problems_.size() < kProblemsMax) problems_[path] = std::move(text);
}

// ---- looking

bool Reconciler::is_left_out(const std::string& path) const {
    return rules_.is_ignored(path) && !needed_.contains(path);
}

// Nothing is taken for gone because something else stands in the way.
Result<std::optional<FileFacts>> Reconciler::look_in_folder(const std::string& path) {
    Result<FileFacts> found = folder_.facts(path);
    if (found.ok()) {
        if (found->is_foreign)
            return Error{ErrorKind::Unsupported,
                         "it is no file, folder or link, or lies on another file system"};
        return std::optional<FileFacts>(*found);
    }
    if (found.error().kind != ErrorKind::NotFound) return std::move(found).error();
    if (folder_.has_directory(parent_of(path))) return std::optional<FileFacts>();
    for (std::string_view parent = parent_of(path); !parent.empty(); parent = parent_of(parent)) {
        const Result<FileFacts> way = folder_.facts(parent);
        if (way.ok() && way->is_foreign)
            return Error{ErrorKind::Unsupported, "another file system is mounted on the way"};
        if (!way.ok() && way.error().kind != ErrorKind::NotFound) return way.error();
    }
    return std::optional<FileFacts>();
}

Result<std::optional<VaultFacts>> Reconciler::look_in_vault(const MirrorEntry& parent,
                                                            std::string_view name) {
    Result<Attributes> found = files_.lookup(parent.vault.node, name);
    if (!found.ok()) {
        if (found.error().kind == ErrorKind::NotFound) return std::optional<VaultFacts>();
        return std::move(found).error();
    }
    VaultFacts facts;
    facts.type = found->type;
    facts.node = found->node;
    facts.mode = found->mode & 0777;
    if (found->type == FileType::Regular || found->type == FileType::Directory) {
        Result<Xattrs> xattrs = vault_xattrs(found->node);
        if (xattrs.ok()) facts.xattrs = digest_of(*xattrs);
    }
    if (found->type == FileType::Directory) {
        hold(found->node);
        return std::optional<VaultFacts>(facts);
    }
    facts.modified_ns = found->modified_ns;
    Result<VersionId> version = files_.version(found->node);
    files_.forget(found->node, 1);
    if (found->type == FileType::Fifo || found->type == FileType::Socket)
        return Error{ErrorKind::Unsupported, "pipes and sockets are not mirrored"};
    TRY(facts.version, std::move(version));
    return std::optional<VaultFacts>(facts);
}

// Directories are held, so that the vault tells of changes in them and their numbers last. Takes
// over one reference.
void Reconciler::hold(NodeId directory) {
    if (!held_directories_.insert(directory).second) files_.forget(directory, 1);
}

void Reconciler::unhold_below(const MirrorEntry& entry) {
    if (entry.vault.type != FileType::Directory) return;
    if (held_directories_.erase(entry.vault.node) > 0) files_.forget(entry.vault.node, 1);
    for (const auto& [name, child] : entry.children) unhold_below(*child);
}

void Reconciler::drop(MirrorEntry& entry) {
    unhold_below(entry);
    state_.remove(entry);
}

// ---- deciding

Status Reconciler::reconcile(const std::string& path, unsigned sides) {
    if (is_reserved_path(path)) return {};
    if (path == kIgnoreFile || std::ranges::count(rules_.included(), path) > 0) load_rules();
    Look look{.path = path};
    look.agreed = state_.find(path);
    if (is_left_out(path)) {
        if (look.agreed != nullptr) drop(*look.agreed);
        if (rules_.has_exceptions()) scan_left_out(path);
        return {};
    }
    gone_.erase(path);
    TRY(look.folder, look_in_folder(path));
    if (look.agreed != nullptr && look.folder == look.agreed->folder && (sides & kVault) == 0)
        return {};
    look.parent = state_.find(parent_of(path));
    if (look.parent == nullptr || look.parent->folder.type != FileType::Directory) {
        // It is looked at again with what it lies in.
        const std::string parent(parent_of(path));
        if (rules_.is_ignored(parent)) needed_.insert(parent);
        if (look.folder || (sides & kVault) != 0) note(parent, kBoth);
        return {};
    }
    if (look.parent->is_leftover) {
        if (!look.folder) return {};
        // Something that belongs into the vault has come into a directory that has gone there.
        const std::string parent(parent_of(path));
        drop(*look.parent);
        note(parent, kBoth);
        return {};
    }
    if (!look.folder && look.parent != &state_.root() && !folder_.has_directory(parent_of(path)) &&
        !folder_.facts(parent_of(path)).ok()) {
        // What it lies in was renamed or deleted: that comes first, and takes it along.
        if (!gone_.contains(std::string(parent_of(path))))
            note(std::string(parent_of(path)), kFolder);
        if ((sides & kVault) != 0) defer(path, sides, kRetryWritten);
        return {};
    }
    TRY(look.vault, look_in_vault(*look.parent, name_of(path)));
    // A name of both sides' batch: what is staged comes first.
    if (std::ranges::any_of(staged_, [&](const Staged& each) { return each.path == path; })) {
        TRY_OK(place_staged());
        note(path, kBoth);
        return {};
    }
    return decide(look);
}

// Whether what a kill has left half noted was found: that is what was agreed on.
Result<bool> Reconciler::take_up_step(Look& look) {
    const std::vector<MirrorStep>* const left = state_.steps().left(look.path);
    if (left == nullptr) return false;
    const std::vector<MirrorStep> steps = *left;
    state_.steps().forget(look.path);
    // The newest that anything found agrees with: those behind it did not come to pass, or the
    // vault forgot them.
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
        TRY(const bool is_taken_up, take_up(look, *step));
        if (is_taken_up) return true;
    }
    return false;
}

Result<bool> Reconciler::take_up(Look& look, const MirrorStep& step) {
    const bool is_in_folder = look.folder && look.folder->has_content_of(step.folder);
    // It was noted and did not come to pass.
    if (!is_in_folder && look.agreed != nullptr && look.folder &&
        look.folder->has_content_of(look.agreed->folder))
        return false;
    if (step.grown_from != 0 && !is_in_folder) return take_up_growth(look, step);
    bool is_in_vault = look.vault && look.vault->type == step.type;
    if (is_in_vault && !step.version.is_zero()) {
        is_in_vault = look.vault->version == step.version;
    } else if (is_in_vault) {
        TRY(const Attributes shown, files_.lookup(look.parent->vault.node, name_of(look.path)));
        files_.forget(shown.node, 1);
        is_in_vault = shown.node == look.vault->node && shown.size == step.folder.size &&
                      shown.modified_ns == step.folder.modified_ns;
    }
    const bool is_agreed =
        is_in_vault || (is_in_folder && (step.is_export || has_moved_on_from(look, step.version)));
    if (!is_agreed) return false;
    VaultFacts vault{.type = step.type, .version = step.version};
    if (is_in_vault) {
        vault = *look.vault;
    } else if (look.agreed != nullptr) {
        vault.node = look.agreed->vault.node;
    }
    look.agreed = &state_.put(*look.parent, name_of(look.path),
                              is_in_folder ? *look.folder : step.folder, vault);
    return true;
}

// Whether the vault has had this version here, and shows a later one. What it was given before a
// kill it may have forgotten, for nothing was synced: then what the folder has is news.
bool Reconciler::has_moved_on_from(const Look& look, const VersionId& version) {
    if (!look.vault || look.vault->type == FileType::Directory || version.is_zero()) return false;
    const Result<Attributes> shown = files_.lookup(look.parent->vault.node, name_of(look.path));
    if (!shown.ok()) return false;
    bool is_known = shown->node == look.vault->node;
    if (is_known) {
        // Whatever else it says: what both have in common may be yet to come.
        const auto shared = files_.shared_ranges(shown->node, version);
        is_known = shared.ok() || shared.error().kind != ErrorKind::NotFound;
    }
    files_.forget(shown->node, 1);
    return is_known;
}

Status Reconciler::decide(Look& look) {
    TRY(const bool is_taken_up, take_up_step(look));
    static_cast<void>(is_taken_up);
    if (look.agreed != nullptr) return decide_agreed(look);
    if (look.folder && look.vault) return join(look);
    if (look.folder) return import_new(look);
    if (look.vault) return export_new(look);
    return {};
}

Status Reconciler::decide_agreed(Look& look) {
    MirrorEntry& agreed = *look.agreed;
    const bool is_folder_same = look.folder && look.folder->has_content_of(agreed.folder);
    const bool is_vault_same = look.vault && look.vault->has_content_of(agreed.vault);
    const bool is_directory = agreed.folder.type == FileType::Directory;
    // Another directory under the name is still a directory: what is in it is looked at one by one.
    const bool stays_directory = is_directory && look.folder && look.vault &&
                                 look.folder->type == FileType::Directory &&
                                 look.vault->type == FileType::Directory;
    if (stays_directory && !(is_folder_same && is_vault_same)) {
        const bool is_other_node = !is_vault_same;
        if (is_other_node && held_directories_.erase(agreed.vault.node) > 0)
            files_.forget(agreed.vault.node, 1);
        state_.set(agreed, *look.folder, *look.vault);
        TRY_OK(scan_folder(look.path, agreed));
        return is_other_node ? scan_vault(look.path, agreed) : Status();
    }
    const bool is_folder_gone = !look.folder || look.folder->type != agreed.folder.type;
    const bool is_vault_gone = !look.vault || look.vault->type != agreed.vault.type;
    if (!look.folder && !look.vault) {
        drop(agreed);
        return {};
    }
    if ((is_folder_gone && is_vault_same) || (is_vault_gone && is_folder_same)) {
        if (agreed.is_leftover && !look.vault) return {};
        gone_.emplace(look.path, clock_.steady());
        return {};
    }
    if (!look.folder || !look.vault) {  // deleted here, changed there
        drop(agreed);
        look.agreed = nullptr;
        return decide(look);
    }
    if (!is_folder_same && !is_vault_same) return conflict(look);
    if (!is_folder_same) return import_change(look);
    if (!is_vault_same) return export_change(look);
    if (*look.vault != agreed.vault) return export_attributes(look);
    if (*look.folder != agreed.folder) return import_change(look);
    return {};
}

void Reconciler::agree(Look& look) {
    state_.steps().forget(look.path);
    look.agreed = &state_.put(*look.parent, name_of(look.path), *look.folder, *look.vault);
}

Result<bool> Reconciler::has_equal_content(const Look& look) {
    if (look.folder->type != look.vault->type) return false;
    TRY(const Attributes shown, files_.lookup(look.parent->vault.node, name_of(look.path)));
    const NodeId node = shown.node;
    struct Forget {
        FileSystem& files;
        NodeId node;
        ~Forget() { files.forget(node, 1); }
    } const forget{files_, node};
    if (look.folder->type == FileType::Symlink) {
        TRY(const std::string here, folder_.read_link(look.path));
        TRY(const std::string there, files_.read_symlink(node));
        return here == there;
    }
    if (shown.size != look.folder->size) return false;
    TRY(const UniqueFd here, folder_.open_to_read(look.path));
    TRY(const HandleId there, files_.open(node, {.read = true}));
    Result<bool> is_equal = [&]() -> Result<bool> {
        Bytes other(kBufferSize);
        for (std::uint64_t at = 0; at < shown.size;) {
            TRY_OK(check_going_on());
            const ssize_t got =
                ::pread(here.get(), buffer_.data(), buffer_.size(), static_cast<off_t>(at));
            if (got <= 0) return false;
            const auto size = static_cast<std::size_t>(got);
            TRY(const std::size_t read, files_.read(there, at, std::span(other).first(size)));
            if (!equal(std::span(buffer_).first(size), std::span(other).first(read))) return false;
            at += size;
        }
        TRY(const FileFacts after, Folder::facts_of(here.get()));
        TRY(const VersionId version, files_.version(node));
        return after.has_content_of(*look.folder) && version == look.vault->version;
    }();
    files_.release(there);
    return is_equal;
}

// Both sides have it, and never agreed on it.
Status Reconciler::join(Look& look) {
    if (look.folder->type == FileType::Directory && look.vault->type == FileType::Directory) {
        TRY_OK(unite_xattrs(look));
        agree(look);
        TRY_OK(scan_folder(look.path, *look.agreed));
        return scan_vault(look.path, *look.agreed);
    }
    TRY(const bool is_equal, has_equal_content(look));
    if (!is_equal) return move_aside(look);
    TRY_OK(unite_xattrs(look));
    const FileFacts found = *look.folder;
    agree(look);
    // The vault's times and mode are those that everybody has.
    if (found.mode == look.vault->mode && found.modified_ns == look.vault->modified_ns) return {};
    return export_attributes(look);
}

Status Reconciler::conflict(Look& look) {
    TRY(const bool is_equal, has_equal_content(look));
    if (is_equal) {
        TRY_OK(unite_xattrs(look));
        agree(look);
        return export_attributes(look);
    }
    ++counts_.conflicts;
    const bool is_one_file = look.folder->type == FileType::Regular &&
                             look.vault->type == FileType::Regular &&
                             look.vault->node == look.agreed->vault.node;
    if (is_one_file) return import_file(look, &look.agreed->vault.version);
    return move_aside(look);
}

// What lies in the folder makes room, under the name of a sibling, and is a new file from then on.
Status Reconciler::move_aside(Look& look) {
    TRY_OK(place_staged());
    const std::string aside = aside_path(look.path);
    TRY_OK(folder_.rename(look.path, aside));
    changed_directories_.insert(std::string(parent_of(look.path)));
    // What was agreed on went along; at its new place it is nothing that anybody has agreed on.
    if (look.agreed != nullptr) drop(*look.agreed);
    if (look.folder->type == FileType::Directory) remap(look.path, aside);
    note(aside, kFolder);
    note(look.path, kBoth);
    return {};
}

// "report (conflict from laptop 2026-11-21 14-05-29).txt"
std::string Reconciler::aside_path(std::string_view path) {
    const std::string_view directory = parent_of(path), name = name_of(path);
    const std::size_t dot = name.rfind('.');
    const std::string_view end =
        dot == std::string_view::npos || dot == 0 ? std::string_view{} : name.substr(dot);
    const std::time_t now = static_cast<std::time_t>(clock_.wall_ms() / 1000);
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    std::string label = options_.device_label;
    for (char& c : label)
        if (c == '/' || static_cast<unsigned char>(c) < 0x20) c = '_';
    for (int number = 1;; ++number) {
        const std::string note =
            fmt::format(" (conflict from {} {:04}-{:02}-{:02} {:02}-{:02}-{:02}{})", label,
                        utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                        utc.tm_sec, number > 1 ? fmt::format(" #{}", number) : "");
        std::string stem(name.substr(0, name.size() - end.size()));
        const std::size_t room = kNameSizeMax - std::min(kNameSizeMax, note.size() + end.size());
        // Not in the middle of a character.
        if (stem.size() > room) {
            std::size_t cut = room;
            while (cut > 0 && (static_cast<unsigned char>(stem[cut]) & 0xc0) == 0x80) --cut;
            stem.resize(cut);
        }
        std::string aside = join_path(directory, fmt::format("{}{}{}", stem, note, end));
        if (!folder_.facts(aside).ok() && state_.find(aside) == nullptr) return aside;
    }
}

std::string Reconciler::own_name(std::string_view directory, std::string_view prefix) {
    return join_path(directory, fmt::format("{}{:016x}", prefix, random_.u64()));
}

void Reconciler::release_held() {
    into_vault_.release();
    into_folder_.release();
    look_at_held_ = Time{};
}

}  // namespace lockstep
