// Reconciler: from the vault into the folder.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sync/mirror/reconciler.h"
#include "vault/limits.h"

namespace lockstep {
namespace {

// Below that, reading it from the vault is as fast.
constexpr std::uint64_t kSharedSizeMin = kMiB;
constexpr std::uint64_t kCopiedAtOnce = 64 * kMiB;
constexpr std::uint64_t kFlushedAtOnce = 16 * kMiB;
constexpr std::uint64_t kToComeMax = 32 * kMiB;
constexpr std::chrono::milliseconds kLookAtToComeMin{300}, kLookAtToComeMax{10'000};

Error system_error(std::string_view doing) {
    return {errno == ENOSPC || errno == EDQUOT ? ErrorKind::NoSpace : ErrorKind::Io,
            fmt::format("{}: {}", doing, std::strerror(errno))};
}

Status write_all(int to, std::uint64_t at, ByteView data) {
    while (!data.empty()) {
        const ssize_t put = ::pwrite(to, data.data(), data.size(), static_cast<off_t>(at));
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return system_error("write");
        data = data.subspan(static_cast<std::size_t>(put));
        at += static_cast<std::uint64_t>(put);
    }
    return {};
}

}  // namespace

Status Reconciler::export_new(Look& look) {
    TRY(const bool is_renamed, export_rename(look));
    if (is_renamed) return {};
    if (look.vault->type != FileType::Directory) return stage(look);
    TRY_OK(folder_.make_directory(look.path, look.vault->mode));
    changed_directories_.insert(std::string(parent_of(look.path)));
    // Whatever the umask has taken away.
    TRY_OK(folder_.set_mode(look.path, look.vault->mode));
    TRY_OK(export_xattrs(look, look.path));
    TRY(look.folder, look_in_folder(look.path));
    if (!look.folder) return Error{ErrorKind::Busy, "it was removed at once"};
    agree(look);
    TRY_OK(scan_folder(look.path, *look.agreed));
    return scan_vault(look.path, *look.agreed);
}

// The vault calls by this name what it called otherwise when both sides last agreed.
Result<bool> Reconciler::export_rename(Look& look) {
    for (MirrorEntry* entry : state_.with_node(look.vault->node)) {
        if (entry->vault.type != look.vault->type) continue;
        const std::string before = MirrorState::path_of(*entry);
        if (is_below_path(look.path, before) || is_left_out(before)) continue;
        // A second name of one file is a file of its own here.
        TRY(const std::optional<VaultFacts> shown, look_in_vault(*entry->parent, entry->name));
        if (shown && shown->node == look.vault->node) continue;
        const Result<FileFacts> there = folder_.content_facts(before);
        if (!there.ok() || !there->has_content_of(entry->folder)) continue;
        TRY_OK(place_staged());
        TRY_OK(sync_vault());
        TRY_OK(state_.steps().note(look.path, {.folder = entry->folder,
                                               .type = entry->vault.type,
                                               .version = entry->vault.version,
                                               .is_export = true}));
        if (!folder_.rename(before, look.path).ok()) continue;
        changed_directories_.insert(std::string(parent_of(before)));
        changed_directories_.insert(std::string(parent_of(look.path)));
        ++counts_.renamed;
        state_.move(*entry, *look.parent, name_of(look.path));
        gone_.erase(before);
        if (entry->folder.type == FileType::Directory) {
            remap(before, look.path);
            options_.on_directory(look.path);
        }
        note(before, kBoth);
        note(look.path, kBoth);
        return true;
    }
    return false;
}

Status Reconciler::export_change(Look& look) {
    TRY(const bool has_grown, grow(look));
    if (has_grown) return {};
    return stage(look);
}

// The content is what both have; times and mode are the vault's.
Status Reconciler::export_attributes(Look& look) {
    if (look.vault->type != FileType::Symlink && look.folder->mode != look.vault->mode) {
        // A mode that this file system does not know is agreed on all the same.
        TRY_OK(folder_.set_mode(look.path, look.vault->mode));
    }
    if (look.vault->type == FileType::Regular &&
        look.folder->modified_ns != look.vault->modified_ns)
        TRY_OK(folder_.set_modified(look.path, look.vault->modified_ns));
    if (look.vault->xattrs != look.folder->xattrs) TRY_OK(export_xattrs(look, look.path));
    const FileFacts before = *look.folder;
    TRY(look.folder, look_in_folder(look.path));
    // A write in between has a time of its own, or another size.
    const bool is_ours = look.folder && look.folder->is_same_file(before) &&
                         look.folder->size == before.size &&
                         (look.folder->modified_ns == look.vault->modified_ns ||
                          look.folder->modified_ns == before.modified_ns);
    if (!is_ours) {
        note(look.path, kBoth);
        return {};
    }
    agree(look);
    return {};
}

// Of a large file most is still to come: others have their turn meanwhile.
Result<bool> Reconciler::comes_later(const Look& look) {
    if (look.vault->type != FileType::Regular) return false;
    TRY(const Attributes shown, files_.lookup(look.parent->vault.node, name_of(look.path)));
    const Result<std::uint64_t> to_come =
        shown.size <= kToComeMax ? Result<std::uint64_t>(0) : files_.bytes_to_come(shown.node);
    files_.forget(shown.node, 1);
    if (!to_come.ok() || *to_come <= kToComeMax) {
        to_come_.erase(look.path);
        return false;
    }
    // A look costs what the file has chunks: seldom when nothing comes, and when very much is left.
    ToCome& known = to_come_[look.path];
    const bool has_come = std::exchange(known.bytes, *to_come) != *to_come;
    known.delay = has_come ? kLookAtToComeMin : std::min(known.delay * 2, kLookAtToComeMax);
    defer(look.path, kBoth, known.delay + std::chrono::milliseconds(*to_come / kMiB));
    return true;
}

Status Reconciler::stage(Look& look) {
    TRY(const bool is_early, comes_later(look));
    if (is_early) return {};
    const std::string part = own_name(parent_of(look.path), kPartPrefix);
    Status written = write_part(look, part);
    if (!written.ok()) {
        static_cast<void>(folder_.remove_file(part).ok());
        return written;
    }
    staged_.push_back({look.path, part, *look.vault});
    return {};
}

// The content of exactly the version that was looked at.
Status Reconciler::write_part(const Look& look, const std::string& part) {
    TRY(const Attributes shown, files_.lookup(look.parent->vault.node, name_of(look.path)));
    struct Forget {
        FileSystem& files;
        NodeId node;
        ~Forget() { files.forget(node, 1); }
    } const forget{files_, shown.node};
    if (shown.node != look.vault->node)
        return Error{ErrorKind::Busy, "it shows something else by now"};
    if (look.vault->type == FileType::Symlink) {
        TRY(const std::string target, files_.read_symlink(shown.node));
        return folder_.make_link(part, target);
    }
    TRY(const bool is_linked, link_part(look, part));
    if (is_linked) return {};
    TRY(const UniqueFd to, folder_.create(part));
    TRY(const HandleId from, files_.open(shown.node, {.read = true}));
    Status copied = copy_content(look, shown, from, to.get());
    if (copied.ok()) {
        Result<VersionId> version = files_.version(shown.node);
        if (!version.ok() || *version != look.vault->version)
            copied = Error{ErrorKind::Busy, "it shows something else by now"};
    }
    files_.release(from);
    TRY_OK(std::move(copied));
    // Before the mode may forbid it; a new file has none.
    if (look.vault->xattrs != 0) TRY_OK(export_xattrs(look, part));
    if (::fchmod(to.get(), look.vault->mode & 0777) != 0) return system_error("chmod");
    TRY_OK(Folder::set_modified_of(to.get(), look.vault->modified_ns));
    batch_bytes_ += shown.size;
    return {};
}

// The file has another name in the folder, where it shows this version already, or is about to.
Result<bool> Reconciler::link_part(const Look& look, const std::string& part) {
    for (const Staged& each : staged_) {
        const bool is_it = each.vault == *look.vault && each.vault.type == FileType::Regular;
        if (is_it && folder_.link_file(each.part, part).ok()) return true;
    }
    for (const MirrorEntry* entry : state_.with_node(look.vault->node)) {
        if (entry == look.agreed || entry->vault != *look.vault) continue;
        const std::string other = MirrorState::path_of(*entry);
        const Result<FileFacts> there = folder_.facts(other);
        if (!there.ok() || *there != entry->folder) continue;
        if (!folder_.link_file(other, part).ok()) continue;
        const Result<FileFacts> linked = folder_.facts(part);
        if (linked.ok() && *linked == entry->folder) return true;
        TRY_OK(folder_.remove_file(part));
    }
    return false;
}

// What the folder's file has already is copied within the folder (a file system that can share
// blocks then does), the rest comes from the vault.
Status Reconciler::copy_content(const Look& look, const Attributes& shown, HandleId from, int to) {
    const bool has_holes = shown.size >= 4 * kMiB && shown.allocated < shown.size;
    const std::optional<FolderCopy> here = folder_copy(look, shown);
    std::optional<PatientReading> patient;
    if (shown.size > kToComeMax) patient.emplace();
    std::uint64_t at = 0;
    for (const SharedRange& range : here ? here->ranges : std::vector<SharedRange>()) {
        TRY_OK(copy_from_vault({from, at, range.offset, has_holes}, to));
        TRY(const bool is_copied, copy_within_folder(here->file.get(), range, to));
        at = is_copied ? range.offset + range.length : range.offset;
    }
    TRY_OK(copy_from_vault({from, at, shown.size, has_holes}, to));
    if (::ftruncate(to, static_cast<off_t>(shown.size)) != 0) return system_error("truncate");
    if (here && !is_untouched(*here))
        return Error{ErrorKind::Busy, "somebody is changing it in the folder"};
    return {};
}

// The folder's file, when it is what was agreed on and nobody writes it, and what of it the
// version to come has as well. Nullopt: nothing that would be worth it.
std::optional<Reconciler::FolderCopy> Reconciler::folder_copy(const Look& look,
                                                              const Attributes& shown) {
    const bool is_worth_it = look.agreed != nullptr && shown.size >= kSharedSizeMin &&
                             look.agreed->folder.type == FileType::Regular &&
                             look.agreed->folder.size >= kSharedSizeMin;
    if (!is_worth_it) return std::nullopt;
    Result<UniqueFd> file = folder_.open_to_read(look.path);
    if (!file.ok()) return std::nullopt;
    FolderCopy here{std::move(*file), look.agreed->folder, {}};
    if (!is_untouched(here)) return std::nullopt;
    Result<std::vector<SharedRange>> ranges =
        files_.shared_ranges(shown.node, look.agreed->vault.version);
    if (!ranges.ok()) return std::nullopt;
    here.ranges = std::move(*ranges);
    return here;
}

bool Reconciler::is_untouched(const FolderCopy& here) {
    const Result<FileFacts> facts = Folder::facts_of(here.file.get());
    return facts.ok() && facts->has_content_of(here.facts) &&
           Folder::is_open_for_writing(here.file.get()) == false;
}

Status Reconciler::copy_from_vault(const VaultRange& range, int to) {
    std::uint64_t flushed = range.begin;
    for (std::uint64_t at = range.begin; at < range.end;) {
        TRY_OK(check_going_on());
        if (range.may_have_holes) {
            TRY(const auto data, files_.seek(range.from, at, SeekTarget::Data));
            if (!data || *data >= range.end) break;
            at = *data;
        }
        const std::size_t wanted =
            static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size(), range.end - at));
        TRY(const std::size_t got, files_.read(range.from, at, std::span(buffer_).first(wanted)));
        if (got == 0) break;
        TRY_OK(write_all(to, at, std::span(buffer_).first(got)));
        at += got;
        if (at - flushed < kFlushedAtOnce) continue;
        // It is synced as a whole in the end: the disk need not wait until then. A hint, no more.
        static_cast<void>(::sync_file_range(to, static_cast<off_t>(flushed),
                                            static_cast<off_t>(at - flushed),
                                            SYNC_FILE_RANGE_WRITE));
        flushed = at;
    }
    return {};
}

// False when the file system cannot copy between its files.
Result<bool> Reconciler::copy_within_folder(int from, const SharedRange& range, int to) {
    off_t source = static_cast<off_t>(range.earlier_offset);
    off_t target = static_cast<off_t>(range.offset);
    for (std::uint64_t left = range.length; left > 0;) {
        TRY_OK(check_going_on());
        const std::uint64_t wanted = std::min(left, kCopiedAtOnce);
        const ssize_t copied = ::copy_file_range(from, &source, to, &target, wanted, 0);
        if (copied == 0) return Error{ErrorKind::Busy, "somebody is changing it in the folder"};
        if (copied < 0 &&
            (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP))
            return false;
        if (copied < 0) return system_error("copy");
        left -= static_cast<std::uint64_t>(copied);
        counts_.copied_bytes += static_cast<std::uint64_t>(copied);
    }
    return true;
}

// ---- into place

// Synced first: a name never leads to content that a power cut could take away. So is the vault,
// where a mount may have written what is placed here a moment ago.
Status Reconciler::place_staged() {
    if (staged_.empty()) return {};
    TRY_OK(sync_vault());
    std::vector<Staged> staged = std::exchange(staged_, {});
    Status synced = [&]() -> Status {
        if (staged.size() > kSyncedOneByOne) return folder_.sync_all();
        for (const Staged& each : staged) {
            if (each.vault.type != FileType::Regular) continue;
            // Opened for reading, which the mode may forbid; then everything is synced.
            Result<UniqueFd> opened = folder_.open_to_read(each.part);
            if (!opened.ok()) return folder_.sync_all();
            if (::fsync(opened->get()) != 0) return system_error("fsync");
        }
        return {};
    }();
    for (Staged& each : staged) {
        Status placed = synced.ok() ? place(each) : synced;
        if (placed.ok()) continue;
        if (!each.part.empty()) {
            static_cast<void>(folder_.remove_file(each.part).ok());
            if (each.is_noted) static_cast<void>(state_.steps().cancel(each.path).ok());
        }
        const bool is_passing = placed.error().kind == ErrorKind::Busy;
        if (!is_passing) set_problem(each.path, placed.error().message);
        defer(each.path, kBoth, std::chrono::milliseconds(is_passing ? 1000 : 10'000));
    }
    return {};
}

Status Reconciler::place(Staged& staged) {
    MirrorEntry* const parent = state_.find(parent_of(staged.path));
    if (parent == nullptr) return Error{ErrorKind::Busy, "its directory has gone"};
    MirrorEntry* const agreed = state_.find(staged.path);
    TRY(const FileFacts written, folder_.facts(staged.part));
    TRY_OK(state_.steps().note(staged.path, {.folder = written,
                                             .type = staged.vault.type,
                                             .version = staged.vault.version,
                                             .is_export = true}));
    staged.is_noted = true;
    state_.steps().forget(staged.path);
    if (agreed == nullptr) {
        Status renamed = folder_.rename(staged.part, staged.path);
        if (!renamed.ok() && renamed.error().kind == ErrorKind::Exists) {
            // Something has come there meanwhile: both are looked at.
            TRY_OK(folder_.remove_file(staged.part));
            note(staged.path, kBoth);
            return {};
        }
        TRY_OK(std::move(renamed));
    } else {
        TRY_OK(replace(staged, *agreed));
    }
    changed_directories_.insert(std::string(parent_of(staged.path)));
    ++counts_.exported;
    state_.put(*parent, name_of(staged.path), written, staged.vault);
    return {};
}

// What lies there gives way only if it is what was agreed on. It is looked at after it was taken
// out of the way, when nobody finds it any more, and goes back when it is something else.
Status Reconciler::replace(Staged& staged, MirrorEntry& agreed) {
    const auto in_the_way = [] {
        return Error{ErrorKind::Busy, "somebody is changing it in the folder"};
    };
    TRY(const FileFacts there, folder_.content_facts(staged.path));
    if (!there.has_content_of(agreed.folder)) return in_the_way();
    const std::string swap = own_name(parent_of(staged.path), kSwapPrefix);
    TRY_OK(folder_.rename(staged.part, swap));
    staged.part = swap;
    TRY_OK(folder_.exchange(swap, staged.path));
    const Result<FileFacts> displaced = folder_.content_facts(swap);
    bool is_agreed = displaced.ok() && displaced->has_content_of(agreed.folder);
    if (is_agreed && displaced->type == FileType::Regular) {
        const Result<UniqueFd> opened = folder_.open_to_read(swap);
        is_agreed = !opened.ok() || !Folder::is_open_for_writing(opened->get()).value_or(false);
    }
    if (!is_agreed) {
        // When it cannot go back it stays where it is, and the next scan finds it.
        if (!folder_.exchange(swap, staged.path).ok()) staged.part.clear();
        return in_the_way();
    }
    return folder_.remove_file(swap);
}

}  // namespace lockstep
