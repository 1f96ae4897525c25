// Reconciler: what was deleted on one side is deleted on the other.
#include <algorithm>

#include "sync/mirror/reconciler.h"

namespace lockstep {
namespace {

constexpr std::chrono::seconds kLookAtHeld{10};
constexpr std::size_t kExamples = 10;
constexpr std::chrono::milliseconds kRetry{10'000};

// With what it lies in it is counted already.
bool is_covered(std::string_view path, const std::set<std::string, std::less<>>& directories) {
    while (!(path = parent_of(path)).empty()) {
        if (directories.contains(path)) return true;
    }
    return false;
}

}  // namespace

// Everything is looked at once more; then all deletes of one direction are announced to the brake
// together, and done or held together.
Status Reconciler::work_on_gone() {
    struct Delete {
        std::string path;
        MirrorEntry* entry;
    };
    std::vector<Delete> in_vault, in_folder;
    std::set<std::string, std::less<>> in_vault_directories, in_folder_directories;
    std::uint64_t files_in_vault = 0, files_in_folder = 0;
    const std::map<std::string, Time> gone = std::exchange(gone_, {});
    const Time now = clock_.steady();
    for (const auto& [path, since] : gone) {
        if (now < since + kGoneGrace) {
            gone_[path] = since;
            continue;
        }
        MirrorEntry* const entry = state_.find(path);
        if (entry == nullptr || is_left_out(path)) continue;
        Result<std::optional<FileFacts>> there = look_in_folder(path);
        Result<std::optional<VaultFacts>> shown = look_in_vault(*entry->parent, entry->name);
        if (!there.ok() || !shown.ok()) {
            note(path, kBoth);
            continue;
        }
        const bool is_in_folder = *there && (*there)->type == entry->folder.type;
        const bool is_in_vault = *shown && (*shown)->type == entry->vault.type;
        if (!is_in_folder && is_in_vault && (*shown)->has_content_of(entry->vault)) {
            if (is_covered(path, in_vault_directories)) continue;
            if (entry->vault.type == FileType::Directory) in_vault_directories.insert(path);
            in_vault.push_back({path, entry});
            files_in_vault += MirrorState::files_below(*entry);
        } else if (is_in_folder && !is_in_vault && (*there)->has_content_of(entry->folder)) {
            if (is_covered(path, in_folder_directories)) continue;
            if (entry->vault.type == FileType::Directory) in_folder_directories.insert(path);
            in_folder.push_back({path, entry});
            files_in_folder += MirrorState::files_below(*entry);
        } else {
            note(path, kBoth);
        }
    }
    if (!in_vault.empty() && !options_.is_folder_sound())
        return Error{ErrorKind::Refused, "the folder is not the one that was mirrored any more"};
    if (!in_folder.empty()) {
        // A removed directory shows as an empty one.
        TRY(const Attributes root, files_.attributes(state_.root().vault.node));
        if (root.links == 0)
            return Error{ErrorKind::Refused, "the vault's folder that is mirrored was removed"};
    }
    held_ = {};
    const auto hold_all = [&](const std::vector<Delete>& deletes) {
        for (const Delete& each : deletes) {
            gone_.emplace(each.path, now - kGoneGrace);
            if (held_.examples.size() < kExamples) held_.examples.push_back(each.path);
        }
    };
    const auto may_delete = [&](Brake& brake, std::uint64_t files, std::uint64_t& held) {
        if (files == 0 && gone_.empty()) brake.nothing_held();
        if (!options_.has_brake || files == 0 || brake.may_delete(files, state_.files(), now))
            return true;
        held = files;
        return false;
    };
    // Asked before anything is held again: what waits in `gone_` now is too young.
    const bool may_in_vault = may_delete(into_vault_, files_in_vault, held_.in_vault);
    const bool may_in_folder = may_delete(into_folder_, files_in_folder, held_.in_folder);
    is_held_stale_ = held_.in_vault + held_.in_folder > 0;
    look_at_held_ = now + kLookAtHeld;
    if (!may_in_vault) hold_all(in_vault);
    if (!may_in_folder) hold_all(in_folder);
    const auto remove_all = [&](std::vector<Delete>& deletes, auto remove) -> Status {
        for (const Delete& each : deletes) {
            Result<bool> removed = remove(each);
            if (!removed.ok() && removed.error().kind == ErrorKind::Locked)
                return std::move(removed).error();
            if (!removed.ok()) {
                set_problem(each.path, removed.error().message);
                defer(each.path, kBoth, kRetry);
            } else if (!*removed) {
                note(each.path, kBoth);  // what stays is told by what the sides show now
            }
        }
        return {};
    };
    if (may_in_vault)
        TRY_OK(remove_all(
            in_vault, [&](const Delete& each) { return remove_in_vault(*each.entry, each.path); }));
    if (may_in_folder)
        TRY_OK(remove_all(in_folder, [&](const Delete& each) {
            return remove_in_folder(*each.entry, each.path);
        }));
    return {};
}

// Whether the entry, and all below it, is gone in the vault. Each file goes only in the version
// that was agreed on.
Result<bool> Reconciler::remove_in_vault(MirrorEntry& entry, const std::string& path) {
    const NodeId parent = entry.parent->vault.node;
    if (entry.vault.type != FileType::Directory) {
        Status removed =
            files_.remove_version(parent, entry.name, entry.vault.node, entry.vault.version);
        if (!removed.ok() && removed.error().kind == ErrorKind::Conflict) {
            // It has changed: it lives, and comes back into the folder.
            drop(entry);
            note(path, kBoth);
            return false;
        }
        if (!removed.ok() && removed.error().kind != ErrorKind::NotFound)
            return std::move(removed).error();
        has_vault_changes_ = true;
        ++counts_.deleted;
        drop(entry);
        return true;
    }
    std::vector<std::string> names;
    for (const auto& [name, child] : entry.children) names.push_back(name);
    for (const std::string& name : names) {
        const auto child = entry.children.find(name);
        if (child == entry.children.end()) continue;
        TRY(const bool is_gone, remove_in_vault(*child->second, join_path(path, name)));
        static_cast<void>(is_gone);  // what is left is seen by the directory
    }
    Status removed = files_.remove_directory(parent, entry.name);
    const bool is_gone = removed.ok() || removed.error().kind == ErrorKind::NotFound;
    if (!is_gone && removed.error().kind != ErrorKind::NotEmpty) return std::move(removed).error();
    has_vault_changes_ = true;
    // Something in it is news: the directory comes back with that.
    drop(entry);
    return is_gone;
}

// Whether the entry, and all below it, is gone in the folder.
Result<bool> Reconciler::remove_in_folder(MirrorEntry& entry, const std::string& path) {
    if (entry.folder.type != FileType::Directory) {
        Status unlinked = unlink_agreed(entry, path);
        if (!unlinked.ok() && unlinked.error().kind != ErrorKind::NotFound) {
            if (unlinked.error().kind == ErrorKind::Conflict) {
                // It has changed: it lives, and comes back into the vault.
                drop(entry);
                note(path, kBoth);
                return false;
            }
            return std::move(unlinked).error();
        }
        changed_directories_.insert(std::string(parent_of(path)));
        ++counts_.deleted;
        drop(entry);
        return true;
    }
    std::vector<std::string> names;
    for (const auto& [name, child] : entry.children) names.push_back(name);
    for (const std::string& name : names) {
        const auto child = entry.children.find(name);
        if (child == entry.children.end()) continue;
        TRY(const bool is_gone, remove_in_folder(*child->second, join_path(path, name)));
        static_cast<void>(is_gone);  // what is left is seen by the directory
    }
    Status removed = folder_.remove_directory(path);
    if (!removed.ok() && removed.error().kind == ErrorKind::NotEmpty)
        return remove_left_in_directory(entry, path);
    if (!removed.ok() && removed.error().kind != ErrorKind::NotFound)
        return std::move(removed).error();
    changed_directories_.insert(std::string(parent_of(path)));
    changed_directories_.erase(path);
    drop(entry);
    return true;
}

// What a directory holds that nobody has agreed on: what may be deleted with it is; what is left
// out keeps it; anything else brings it back into the vault.
Result<bool> Reconciler::remove_left_in_directory(MirrorEntry& entry, const std::string& path) {
    TRY(const std::vector<FolderEntry> left, folder_.list(path));
    bool is_wanted = !entry.children.empty(), is_kept = false;
    for (const FolderEntry& each : left) {
        const std::string below = join_path(path, each.name);
        const IgnoreRules::Verdict verdict = rules_.verdict(below);
        const bool is_deletable = verdict.is_ignored && verdict.is_deletable &&
                                  each.facts.type != FileType::Directory && !each.facts.is_foreign;
        if (is_deletable) {
            TRY_OK(folder_.remove_file(below));
        } else if (verdict.is_ignored || each.facts.is_foreign) {
            is_kept = true;
        } else {
            is_wanted = true;
        }
    }
    if (is_wanted) {
        drop(entry);
        note(path, kBoth);
        return false;
    }
    if (is_kept) {
        unhold_below(entry);
        state_.set_leftover(entry);
        return true;
    }
    TRY_OK(folder_.remove_directory(path));
    changed_directories_.insert(std::string(parent_of(path)));
    drop(entry);
    return true;
}

// It is looked at after it was taken out of the way, when nobody finds it any more.
Status Reconciler::unlink_agreed(const MirrorEntry& entry, const std::string& path) {
    const Error changed{ErrorKind::Conflict, "it has changed in the folder"};
    TRY(const FileFacts there, folder_.content_facts(path));
    if (!there.has_content_of(entry.folder)) return changed;
    const std::string swap = own_name(parent_of(path), kSwapPrefix);
    TRY_OK(folder_.rename(path, swap));
    const Result<FileFacts> taken = folder_.content_facts(swap);
    bool is_agreed = taken.ok() && taken->has_content_of(entry.folder);
    if (is_agreed && taken->type == FileType::Regular) {
        const Result<UniqueFd> opened = folder_.open_to_read(swap);
        is_agreed = !opened.ok() || !Folder::is_open_for_writing(opened->get()).value_or(false);
    }
    if (is_agreed) return folder_.remove_file(swap);
    // Taken meanwhile: then it is kept under another name.
    if (!folder_.rename(swap, path).ok()) TRY_OK(folder_.rename(swap, path + " (kept)"));
    return changed;
}

}  // namespace lockstep
