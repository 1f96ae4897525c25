// Taking back what one device has done, where nobody has gone on from there.
//
// Two trees tell what to do: the vault as it is, and the vault as it would be had the device done
// nothing since. What differs is brought from the first to the second, by new versions, names and
// removals of this device; so an undo can be undone.
#include <algorithm>
#include <functional>

#include "vault/core/open_vault_secrets.h"
#include "vault/core/past_restorer.h"
#include "vault/core/vault_path_parts.h"

namespace lockstep {
namespace {

// What the device has said of a file since, and what others have said after its first word.
struct Touched {
    Stamp first;
    std::optional<Stamp> other;
};

// Which files the records are about.
class TouchedFiles {
  public:
    explicit TouchedFiles(std::function<bool(const Stamp&)> is_undone)
        : is_undone_(std::move(is_undone)) {}

    void note_links(const std::vector<Record>& records) {
        for (const Record& record : records)
            if (const auto* link = std::get_if<LinkRecord>(&record))
                files_[link->link] = link->file;
    }
    void note(const std::vector<Record>& records) {
        for (const Record& record : records) {
            const auto file = file_of(record);
            if (!file || *file == kRootFile || is_touch(record)) continue;
            const Stamp& stamp = stamp_of(record);
            if (is_undone_(stamp)) {
                auto [at, is_new] = touched_.emplace(*file, Touched{stamp, {}});
                if (!is_new) at->second.first = std::min(at->second.first, stamp);
            } else {
                others_[*file] = std::max(others_[*file], stamp);
            }
        }
    }
    std::map<FileId, Touched> take() {
        for (auto& [file, touched] : touched_)
            if (const auto other = others_.find(file);
                other != others_.end() && other->second > touched.first)
                touched.other = other->second;
        return std::move(touched_);
    }

  private:
    std::optional<FileId> file_of(const Record& record) const {
        return std::visit(
            [&](const auto& each) -> std::optional<FileId> {
                if constexpr (requires { each.file; }) {
                    return each.file;
                } else {
                    const auto at = files_.find(each.link);
                    return at == files_.end() ? std::nullopt : std::optional(at->second);
                }
            },
            record);
    }
    // A time alone: directories get a new one with every entry.
    static bool is_touch(const Record& record) {
        const auto* attribute = std::get_if<AttributeRecord>(&record);
        return attribute != nullptr && (attribute->key == AttributeKey::ModifiedNs ||
                                        attribute->xattr.starts_with("lockstep."));
    }

    const std::function<bool(const Stamp&)> is_undone_;
    std::map<LinkId, FileId> files_;
    std::map<FileId, Touched> touched_;
    std::map<FileId, Stamp> others_;
};

std::string parent_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

std::string name_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? path : path.substr(slash + 1);
}

std::size_t depth_of(const std::string& path) {
    return static_cast<std::size_t>(std::count(path.begin(), path.end(), '/'));
}

// The steps, in an order in which each finds what it needs.
class Undoing {
  public:
    Undoing(TreeHost& live, VaultFiles& files, const Tree& wanted, bool is_dry_run)
        : live_(live), files_(files), wanted_(wanted), is_dry_run_(is_dry_run) {}

    UndoReport run(const std::map<FileId, Touched>& touched,
                   const std::function<std::string(const LogId&)>& label) {
        std::vector<FileId> directories, others;
        for (const auto& [file, what] : touched) {
            if (what.other) {
                leave(file, "changed since by " + label(what.other->log));
                continue;
            }
            (wanted_.is_directory(file) || is_live_directory(file) ? directories : others)
                .push_back(file);
        }
        const auto wanted_path = [&](const FileId& file) { return first(wanted_paths(file)); };
        std::sort(directories.begin(), directories.end(), [&](const auto& a, const auto& b) {
            return depth_of(wanted_path(a)) < depth_of(wanted_path(b));
        });
        for (const FileId& file : directories) bring_back_directory(file);
        for (const FileId& file : others) bring_back(file);
        for (const FileId& file : others) remove_made(file);
        std::sort(directories.begin(), directories.end(), [&](const auto& a, const auto& b) {
            return depth_of(first(live_paths(a))) > depth_of(first(live_paths(b)));
        });
        for (const FileId& file : directories) remove_made(file);
        return std::move(report_);
    }

  private:
    static std::string first(const std::vector<std::string>& paths) {
        return paths.empty() ? std::string() : paths.front();
    }
    std::vector<std::string> live_paths(const FileId& file) {
        MutexLock lock(live_.mutex);
        return paths_in(live_.tree, file);
    }
    std::vector<std::string> wanted_paths(const FileId& file) { return paths_in(wanted_, file); }
    static std::vector<std::string> paths_in(const Tree& tree, const FileId& file) {
        std::vector<std::string> paths;
        if (!tree.is_directory(file)) {
            paths = tree.paths({file, std::nullopt});
        } else if (is_seen(tree, file)) {
            paths = {tree.directory_path(file)};
        }
        std::sort(paths.begin(), paths.end());
        return paths;
    }
    // A directory that was removed still has a path.
    static bool is_seen(const Tree& tree, const FileId& directory) {
        FileId at = kRootFile;
        for (const std::string& part : path_parts(tree.directory_path(directory))) {
            const auto entry = tree.lookup(at, part);
            if (!entry.ok() || entry->type != FileType::Directory) return false;
            at = entry->node.file;
        }
        return at == tree.primary(directory);
    }
    bool is_live_directory(const FileId& file) {
        MutexLock lock(live_.mutex);
        return live_.tree.is_directory(file);
    }

    void leave(const FileId& file, const std::string& why) {
        std::string path = first(live_paths(file));
        if (path.empty()) path = first(wanted_paths(file));
        if (!path.empty()) report_.left.push_back(path + ": " + why);
    }
    void did(std::string action, std::string path, std::string before = {}) {
        report_.done.push_back({std::move(action), std::move(path), std::move(before)});
    }

    Result<HeldNode> find(const std::string& path) {
        HeldNode at(files_, kRootNode);
        for (const std::string& part : path_parts(path)) {
            TRY(const Attributes found, files_.lookup(at.id(), part));
            at = HeldNode(files_, found.node);
        }
        return at;
    }
    Status rename(const std::string& from, const std::string& to) {
        TRY(const HeldNode source, find(parent_of(from)));
        TRY(const HeldNode target, find(parent_of(to)));
        return files_.rename(source.id(), name_of(from), target.id(), name_of(to),
                             RenameMode::NoReplace);
    }
    void rename_back(const FileId& file, const std::string& from, const std::string& to) {
        if (!is_dry_run_) {
            if (Status renamed = rename(from, to); !renamed.ok())
                return leave(file,
                             "it cannot be called " + to + " again: " + renamed.error().message);
        }
        did("rename", to, from);
    }
    Status put_back(const FileId& file, const std::string& path, bool is_there) {
        if (is_dry_run_) return {};
        RestoreReport report;
        PastRestorer restorer(wanted_, files_, report);
        TRY(const HeldNode parent, restorer.make_directories(path_parts(parent_of(path))));
        if (!is_there)
            if (const auto taken = files_.lookup(parent.id(), name_of(path)); taken.ok()) {
                files_.forget(taken->node, 1);
                return Error{ErrorKind::Exists, "another file has its name now"};
            }
        restorer.restore({file, std::nullopt}, parent.id(), name_of(path), path);
        if (!report.problems.empty()) return Error{ErrorKind::Io, report.problems.front()};
        return {};
    }

    void bring_back_directory(const FileId& file) {
        const std::string then = first(wanted_paths(file)), now = first(live_paths(file));
        if (then.empty()) return;
        if (!now.empty()) {
            if (now != then) rename_back(file, now, then);
            return;
        }
        if (!is_dry_run_) {
            RestoreReport report;
            PastRestorer restorer(wanted_, files_, report);
            auto made = restorer.make_directories(path_parts(then));
            if (!made.ok()) return leave(file, made.error().message);
        }
        did("restore", then);
    }

    void bring_back(const FileId& file) {
        const std::vector<std::string> then = wanted_paths(file);
        if (then.empty()) return;
        std::vector<std::string> now = live_paths(file);
        if (now.empty()) {
            for (const std::string& path : then) {
                Status restored = put_back(file, path, false);
                if (restored.ok())
                    did("restore", path);
                else
                    leave(file, restored.error().message);
            }
            return;
        }
        const bool has_moved = now != then;
        if (has_moved && (now.size() != 1 || then.size() != 1))
            return leave(file, "its names have changed, and it has several");
        if (has_moved) rename_back(file, now.front(), then.front());
        if (!is_changed(file)) return;
        const std::string path = is_dry_run_ ? now.front() : first(live_paths(file));
        Status reverted = put_back(file, path, true);
        if (reverted.ok())
            did("revert", path);
        else
            leave(file, reverted.error().message);
    }

    bool is_changed(const FileId& file) {
        const auto relevant = [](std::vector<AttributeSetting> settings) {
            std::erase_if(settings, [](const AttributeSetting& each) {
                return each.key != AttributeKey::Mode &&
                       (each.key != AttributeKey::Xattr || !each.xattr.starts_with("user."));
            });
            return settings;
        };
        const auto then = wanted_.content({file, std::nullopt});
        MutexLock lock(live_.mutex);
        const auto now = live_.tree.content({file, std::nullopt});
        if (then.has_value() != now.has_value()) return true;
        if (then && (then->size != now->size || then->root != now->root)) return true;
        return relevant(wanted_.attributes(file)) != relevant(live_.tree.attributes(file));
    }

    // What would not be there without the device.
    void remove_made(const FileId& file) {
        if (!wanted_paths(file).empty()) return;
        for (const std::string& path : live_paths(file)) {
            Status removed = is_dry_run_ ? Status() : remove(path, is_live_directory(file));
            if (removed.ok())
                did("remove", path);
            else
                leave(file, removed.error().message);
        }
    }
    Status remove(const std::string& path, bool is_directory) {
        TRY(const HeldNode parent, find(parent_of(path)));
        return is_directory ? files_.remove_directory(parent.id(), name_of(path))
                            : files_.remove_file(parent.id(), name_of(path));
    }

    TreeHost& live_;
    VaultFiles& files_;
    const Tree& wanted_;
    const bool is_dry_run_;
    UndoReport report_;
};

}  // namespace

Result<UndoReport> OpenVault::undo(const DeviceId& device, std::int64_t since_ms, bool is_dry_run) {
    if (!replica_.may_write()) return Error{ErrorKind::Refused, "this device may not write"};
    bool is_member = device == environment_.device.id();
    for (const Member& member : replica_.members()) is_member |= member.device == device;
    if (!is_member) return Error{ErrorKind::NotFound, "that device was never a member"};
    TRY_OK(files_->commit_written(environment_.clock.steady(), true));
    std::map<LogId, bool> logs;
    const KeepsRecords is_undone = [&](const Stamp& stamp) {
        if (stamp.wall_ms() <= since_ms) return false;
        auto [at, is_new] = logs.emplace(stamp.log, false);
        if (is_new) at->second = writer_of(stamp.log) == device;
        return at->second;
    };
    TouchedFiles touched(is_undone);
    TRY_OK(visit_records([&](const std::vector<Record>& records) { touched.note_links(records); }));
    TRY_OK(visit_records([&](const std::vector<Record>& records) { touched.note(records); }));
    Tree wanted({environment_.random, secrets_->derived, environment_.device_label});
    TRY_OK(load_past([&](const Stamp& stamp) { return !is_undone(stamp); }, wanted));
    Undoing undoing(*this, *files_, wanted, is_dry_run);
    UndoReport report =
        undoing.run(touched.take(), [this](const LogId& log) { return writer_label(log); });
    if (!is_dry_run) TRY_OK(files_->sync_metadata());
    return report;
}

}  // namespace lockstep
