// Reconciler: looking at everything.
#include <algorithm>

#include <unistd.h>

#include "base/log.h"
#include "sync/mirror/reconciler.h"

namespace lockstep {
namespace {

constexpr std::uint64_t kIgnoreFileSizeMax = 1 << 20;

Result<std::string> read_small(const Folder& folder, const std::string& path) {
    TRY(const UniqueFd opened, folder.open_to_read(path));
    std::string text(kIgnoreFileSizeMax, '\0');
    const ssize_t got = ::read(opened.get(), text.data(), text.size());
    if (got < 0) return Error{ErrorKind::Io, "it cannot be read"};
    text.resize(static_cast<std::size_t>(got));
    return text;
}

}  // namespace

Status Reconciler::scan() {
    load_rules();
    MirrorEntry& root = state_.root();
    root.folder.type = root.vault.type = FileType::Directory;
    TRY_OK(scan_folder("", root));
    return scan_vault("", root);
}

// The rules of before hold as long as the file cannot be read.
void Reconciler::load_rules() {
    std::string text;
    if (Result<std::string> read = read_small(folder_, std::string(kIgnoreFile)); read.ok()) {
        text = std::move(*read);
    } else if (read.error().kind != ErrorKind::NotFound) {
        return set_problem(std::string(kIgnoreFile), read.error().message);
    }
    std::vector<std::string> faults;
    const auto reader = [&](const std::string& path) -> Result<std::string> {
        if (path.empty() || path.front() == '/' || path.ends_with("/") ||
            path.find("..") != std::string::npos)
            return Error{ErrorKind::Invalid, "included files are named relative to the folder"};
        return read_small(folder_, path);
    };
    IgnoreRules rules = IgnoreRules::parse(text, reader, &faults);
    for (const std::string& fault : faults) set_problem(std::string(kIgnoreFile), fault);
    if (rules == rules_) return;
    rules_ = std::move(rules);
    needed_.clear();
    // What was left out may not be any more, and the other way round.
    const auto note_all = [&](const auto& self, const MirrorEntry& directory) -> void {
        for (const auto& [name, child] : directory.children) {
            note(MirrorState::path_of(*child), kBoth);
            self(self, *child);
        }
    };
    note_all(note_all, state_.root());
    static_cast<void>(scan_folder("", state_.root()).ok());
    static_cast<void>(scan_vault("", state_.root()).ok());
}

// Notes what differs from what was agreed on. What is in directories that nobody has agreed on yet
// is looked at when they are.
Status Reconciler::scan_folder(const std::string& path, MirrorEntry& directory) {
    options_.on_directory(path);
    TRY(const std::vector<FolderEntry> entries, folder_.list(path));
    std::unordered_set<std::string_view> names;
    for (const FolderEntry& entry : entries) {
        names.insert(entry.name);
        const std::string below = join_path(path, entry.name);
        if (is_reserved_path(below)) {
            take_in_left_over(below, entry.facts);
            continue;
        }
        const auto child = directory.children.find(entry.name);
        const bool is_known = child != directory.children.end();
        if (is_left_out(below)) {
            if (is_known) note(below, kFolder);
            if (rules_.has_exceptions()) scan_left_out(below);
            continue;
        }
        if (!is_known || child->second->folder != entry.facts) note(below, kFolder);
        if (!is_known || child->second->folder.type != FileType::Directory ||
            entry.facts.type != FileType::Directory || entry.facts.is_foreign)
            continue;
        // One that cannot be read says nothing about what is in it.
        if (Status scanned = scan_folder(below, *child->second); !scanned.ok())
            set_problem(below, scanned.error().message);
    }
    for (const auto& [name, child] : directory.children) {
        if (!names.contains(name)) note(join_path(path, name), kFolder);
    }
    return {};
}

// Below a directory that is left out, what is not.
void Reconciler::scan_left_out(const std::string& path) {
    const Result<std::vector<FolderEntry>> entries = folder_.list(path);
    if (!entries.ok()) return;
    options_.on_directory(path);
    for (const FolderEntry& entry : *entries) {
        const std::string below = join_path(path, entry.name);
        if (is_reserved_path(below)) continue;
        if (!is_left_out(below)) {
            note(below, kFolder);
        } else if (entry.facts.type == FileType::Directory) {
            scan_left_out(below);
        }
    }
}

// What a crash has left under a name of ours. Content on its way in is in the vault. Content on its
// way out is what was agreed on, or else somebody's that came in between: that is kept.
void Reconciler::take_in_left_over(const std::string& path, const FileFacts& facts) {
    const std::string_view name = name_of(path);
    if (path == kMarkerFile || facts.is_foreign) return;
    if (std::ranges::any_of(staged_, [&](const Staged& each) { return each.part == path; })) return;
    // What was to be placed and was not is in the vault still.
    const std::string* const aim = state_.steps().left_for(facts);
    if (aim != nullptr) {
        const std::string target = *aim;
        state_.steps().forget(target, facts);
        note(target, kBoth);
    }
    if (aim != nullptr || name.starts_with(kPartPrefix)) {
        static_cast<void>(folder_.remove_file(path).ok());
        return;
    }
    for (const MirrorEntry* entry : state_.with_inode(facts.inode)) {
        if (!facts.has_content_of(entry->folder)) continue;
        // It was to be replaced or removed; or it has, and the vault holds it.
        const std::string home = MirrorState::path_of(*entry);
        if (folder_.facts(home).ok()) {
            static_cast<void>(folder_.remove_file(path).ok());
        } else {
            static_cast<void>(folder_.rename(path, home).ok());
        }
        return note(home, kBoth);
    }
    const std::string kept =
        join_path(parent_of(path), "recovered-" + std::string(name.substr(kSwapPrefix.size())));
    if (folder_.rename(path, kept).ok()) {
        log_warning("mirror", "content that a crash had left aside was kept");
        note(kept, kFolder);
    }
}

Status Reconciler::scan_vault(const std::string& path, MirrorEntry& directory) {
    TRY(const auto listing, files_.list(directory.vault.node));
    std::unordered_set<std::string_view> names;
    for (const DirectoryEntry& entry : *listing) {
        names.insert(entry.name);
        const std::string below = join_path(path, entry.name);
        const auto child = directory.children.find(entry.name);
        const bool is_known = child != directory.children.end();
        if (is_reserved_path(below) || (is_left_out(below) && !is_known)) continue;
        Result<std::optional<VaultFacts>> found = look_in_vault(directory, entry.name);
        if (!found.ok() && found.error().kind == ErrorKind::Locked) return std::move(found).error();
        if (!is_known || !found.ok() || *found != child->second->vault) note(below, kVault);
        // Another directory than the one agreed on is looked at when that has been noticed; nobody
        // holds the old one any more.
        const bool is_same_directory = is_known && found.ok() && *found &&
                                       (*found)->type == FileType::Directory &&
                                       (*found)->has_content_of(child->second->vault);
        if (is_same_directory) TRY_OK(scan_vault(below, *child->second));
    }
    for (const auto& [name, child] : directory.children) {
        if (!names.contains(name)) note(join_path(path, name), kVault);
    }
    return {};
}

}  // namespace lockstep
