// Ending a conflict as its user wants, and saying why a file is not the same everywhere.
#include <algorithm>
#include <utility>

#include "vault/chunks/content_store.h"
#include "vault/core/open_vault_secrets.h"

namespace lockstep {

namespace {

std::vector<std::string> parts_of(const std::string& path) {
    std::vector<std::string> out;
    for (std::size_t start = 0; start < path.size();) {
        const std::size_t end = std::min(path.find('/', start), path.size());
        if (end > start) out.push_back(path.substr(start, end - start));
        start = end + 1;
    }
    return out;
}

// The directory that a path lies in; referenced while this lives.
class HeldParent {
  public:
    static Result<HeldParent> find(FileSystem& files, const std::string& path) {
        std::vector<std::string> parts = parts_of(path);
        CHECK(!parts.empty());
        HeldParent out(files, std::move(parts.back()));
        parts.pop_back();
        for (const std::string& part : parts) {
            TRY(Attributes found, files.lookup(out.directory_, part));
            out.let_go();
            out.directory_ = found.node;
        }
        return out;
    }
    HeldParent(HeldParent&& other) noexcept
        : files_(other.files_),
          directory_(std::exchange(other.directory_, kRootNode)),
          name_(std::move(other.name_)) {}
    HeldParent& operator=(HeldParent&&) = delete;
    ~HeldParent() { let_go(); }

    NodeId directory() const { return directory_; }
    const std::string& name() const { return name_; }

  private:
    HeldParent(FileSystem& files, std::string name) : files_(files), name_(std::move(name)) {}
    void let_go() {
        if (directory_ != kRootNode) files_.forget(directory_, 1);
    }

    FileSystem& files_;
    NodeId directory_ = kRootNode;
    std::string name_;
};

std::string joined(const std::vector<std::string>& parts) {
    std::string out;
    for (const std::string& part : parts) out += (out.empty() ? "" : "/") + part;
    return out;
}

}  // namespace

Result<TreeEntry> OpenVault::entry_at(const std::string& path) {
    const std::vector<std::string> parts = parts_of(path);
    if (parts.empty()) return Error{ErrorKind::Invalid, "this is the whole vault"};
    FileId directory = kRootFile;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
        TRY(TreeEntry entry, tree.lookup(directory, parts[i]));
        directory = entry.node.file;
    }
    return tree.lookup(directory, parts.back());
}

// ---- ending a conflict

Result<std::vector<OpenVault::Contestant>> OpenVault::contestants(const std::string& path) {
    MutexLock lock(mutex);
    const std::vector<TreeConflict> conflicts = tree.conflicts();
    std::string base = path;
    for (const TreeConflict& conflict : conflicts)
        if (conflict.path == path) base = conflict.base_path;
    std::vector<Contestant> out;
    for (const TreeConflict& conflict : conflicts)
        if (conflict.base_path == base)
            out.push_back({conflict.path, conflict.node, conflict.stamp.log,
                           tree.is_directory(conflict.node.file)});
    if (out.empty()) return Error{ErrorKind::NotFound, path + " is in no conflict"};
    TRY(TreeEntry shown, entry_at(base));
    const auto heads = tree.heads(shown.node.file);
    out.insert(out.begin(), {base, shown.node, heads.empty() ? LogId{} : heads.front().stamp.log,
                             shown.type == FileType::Directory});
    return out;
}

Result<OpenVault::Contestant> OpenVault::choose(const std::vector<Contestant>& all,
                                                const std::string& path, ConflictChoice keep) {
    std::vector<Contestant> wanted;
    for (const Contestant& one : all) {
        const bool is_own =
            one.log == log_ || replica_.writer_of(one.log) == environment_.device.id();
        const bool is_meant = keep == ConflictChoice::This   ? one.path == path
                              : keep == ConflictChoice::Mine ? is_own
                                                             : !is_own;
        if (is_meant) wanted.push_back(one);
    }
    if (wanted.size() == 1) return wanted.front();
    std::string names;
    for (const Contestant& one : wanted.empty() ? all : wanted)
        names += (names.empty() ? "" : ", ") + one.path;
    return Error{ErrorKind::Invalid,
                 (wanted.empty() ? "none of the versions is meant by that; name the one to keep: "
                                 : "several versions are meant by that; name the one to keep: ") +
                     names};
}

Status OpenVault::resolve_conflict(const std::string& wanted_path, ConflictChoice keep) {
    const std::string path = joined(parts_of(wanted_path));
    // What is still being written must be a version to be kept, or replaced.
    TRY_OK(files_->commit_written(environment_.clock.steady(), true));
    TRY(std::vector<Contestant> all, contestants(path));
    if (keep == ConflictChoice::Both) return files_->make_real(all.back().node);
    if (std::any_of(all.begin(), all.end(), [](const auto& one) { return one.is_directory; }))
        return Error{ErrorKind::Invalid,
                     "a folder takes part: rename or remove what is not wanted, or keep both"};
    TRY(Contestant kept, choose(all, path, keep));
    const std::string base = all.front().path;
    const FileId contested = all.front().node.file;
    const auto is_version_of = [](const FileId& file) {
        return [file](const Contestant& one) { return one.node.file == file; };
    };
    // Versions of one file: a new one replaces them all, and the others keep the names they have.
    if (std::count_if(all.begin(), all.end(), is_version_of(kept.node.file)) > 1)
        TRY_OK(files_->resolve(kept.node));
    for (const Contestant& one : all) {
        if (one.node.file == kept.node.file || one.path == base) continue;
        TRY_OK(remove_contestant(one.path));
    }
    if (kept.node.file == contested) return {};
    return rename_contestant(kept.path, base);
}

Status OpenVault::remove_contestant(const std::string& path) {
    TRY(HeldParent at, HeldParent::find(*files_, path));
    return files_->remove_file(at.directory(), at.name());
}

Status OpenVault::rename_contestant(const std::string& from, const std::string& to) {
    TRY(HeldParent source, HeldParent::find(*files_, from));
    TRY(HeldParent target, HeldParent::find(*files_, to));
    return files_->rename(source.directory(), source.name(), target.directory(), target.name(),
                          RenameMode::Replace);
}

// ---- why a file is not the same everywhere

bool OpenVault::is_unpublished(const FileId& file) {
    const auto concerns = [&](const Record& record) {
        return std::visit(
            [&](const auto& one) {
                if constexpr (requires { one.file; }) return one.file == file;
                return false;
            },
            record);
    };
    return std::any_of(tree.pending().begin(), tree.pending().end(), concerns) ||
           std::any_of(in_flight_.begin(), in_flight_.end(), concerns);
}

Result<FileReport> OpenVault::explain(const std::string& wanted_path) {
    const std::string path = joined(parts_of(wanted_path));
    FileReport out;
    std::optional<Content> content;
    FileId file;
    {
        MutexLock lock(mutex);
        TRY(TreeEntry entry, entry_at(path));
        file = entry.node.file;
        out.type = entry.type;
        const auto heads = tree.heads(file);
        const auto shown = std::find_if(heads.begin(), heads.end(),
                                        [&](const auto& head) { return head.id == entry.version; });
        if (shown != heads.end()) {
            out.written_by = shown->device_label;
            out.written_ms = static_cast<std::uint64_t>(shown->stamp.wall_ms());
            out.log = shown->stamp.log;
        }
        content = tree.content(entry.node);
        out.is_unpublished = is_unpublished(file);
        for (const TreeConflict& conflict : tree.conflicts())
            if (conflict.node.file == file || conflict.base_path == path) out.is_in_conflict = true;
    }
    out.is_being_written = files_->is_being_written(file);
    if (!content || out.type != FileType::Regular) return out;
    out.size = content->size;
    out.absent_bytes = content_->absent_bytes(*content);
    if (out.absent_bytes > 0) out.absent_packs = replica_.missing_packs_of(out.log);
    return out;
}

}  // namespace lockstep
