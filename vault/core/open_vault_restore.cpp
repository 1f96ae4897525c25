// Bringing back what a vault held before, and saying what has become other since.
#include <algorithm>
#include <limits>

#include "vault/core/open_vault_secrets.h"
#include "vault/core/past_restorer.h"
#include "vault/core/vault_path_parts.h"

namespace lockstep {
namespace {

// Deletes that follow each other no later than this are one removal of a directory.
constexpr std::int64_t kRemovalGapMs = 60'000;

struct PastEntry {
    FileType type = FileType::Regular;
    Node node;
    FileId parent;
    std::string name;
    std::optional<Content> content;
    std::vector<AttributeSetting> attributes;
};
using PastPaths = std::map<std::string, PastEntry>;

void list_below(const Tree& tree, const FileId& directory, const std::string& path,
                PastPaths& out) {
    const auto entries = tree.list(directory);
    if (!entries.ok()) return;
    for (const TreeListEntry& entry : **entries) {
        const std::string below = joined_path(path, entry.name);
        PastEntry& at = out[below];
        at = {entry.type, entry.node, directory, entry.name, {}, {}};
        for (const AttributeSetting& setting : tree.attributes(entry.node.file))
            if (setting.key == AttributeKey::Mode ||
                (setting.key == AttributeKey::Xattr && setting.xattr.starts_with("user.")))
                at.attributes.push_back(setting);
        if (entry.type == FileType::Directory)
            list_below(tree, entry.node.file, below, out);
        else
            at.content = tree.content(entry.node);
    }
}

std::uint64_t size_of(const PastEntry& entry) {
    return entry.content ? entry.content->size : 0;
}

bool has_other_content(const PastEntry& a, const PastEntry& b) {
    if (!a.content || !b.content) return a.content.has_value() != b.content.has_value();
    return a.content->size != b.content->size || a.content->root != b.content->root;
}

Result<Node> node_at(const Tree& tree, const std::string& path) {
    Node at{kRootFile, std::nullopt};
    for (const std::string& part : path_parts(path)) {
        TRY(const TreeEntry entry, tree.lookup(at.file, part));
        at = entry.node;
    }
    return at;
}

}  // namespace

// ---- what has become other

Result<std::vector<Difference>> OpenVault::difference(std::int64_t from_ms,
                                                      std::optional<std::int64_t> to_ms) {
    PastPaths before, after;
    const auto list_at = [&](std::optional<std::int64_t> time_ms, PastPaths& out) -> Status {
        Tree past({environment_.random, secrets_->derived, environment_.device_label});
        TRY_OK(load_past(
            [&](const Stamp& stamp) { return !time_ms || stamp.wall_ms() <= *time_ms; }, past));
        list_below(past, kRootFile, "", out);
        return {};
    };
    if (!to_ms) TRY_OK(files_->commit_written(environment_.clock.steady(), true));
    TRY_OK(list_at(from_ms, before));
    TRY_OK(list_at(to_ms, after));
    std::map<Node, std::string> gone;  // what has another path now, or none
    for (const auto& [path, entry] : before) {
        const auto now = after.find(path);
        if (now == after.end() || now->second.node != entry.node) gone.emplace(entry.node, path);
    }
    std::vector<Difference> out;
    std::set<std::string> explained;  // paths of before
    for (const auto& [path, entry] : after) {
        Difference found{.type = entry.type, .path = path, .before = {}, .size = size_of(entry)};
        const auto there = before.find(path);
        const bool is_same_name = there != before.end() && (there->second.type == entry.type) &&
                                  (there->second.node == entry.node || !gone.contains(entry.node));
        const PastEntry* old = is_same_name ? &there->second : nullptr;
        if (!is_same_name) {
            const auto moved = gone.find(entry.node);
            if (moved == gone.end()) {
                found.kind = DifferenceKind::Added;
                out.push_back(std::move(found));
                continue;
            }
            old = &before.at(moved->second);
            explained.insert(moved->second);
            found.before = moved->second;
            found.kind = DifferenceKind::Renamed;
            found.size_before = size_of(*old);
            // What went with its directory is not said again.
            if (old->parent != entry.parent || old->name != entry.name) out.push_back(found);
        } else {
            explained.insert(path);
        }
        found.before.clear();
        found.size_before = size_of(*old);
        found.kind =
            has_other_content(*old, entry) ? DifferenceKind::Changed : DifferenceKind::Attributes;
        if (found.kind == DifferenceKind::Changed || old->attributes != entry.attributes)
            out.push_back(std::move(found));
    }
    for (const auto& [path, entry] : before)
        if (!explained.contains(path))
            out.push_back({.kind = DifferenceKind::Removed,
                           .type = entry.type,
                           .path = path,
                           .before = {},
                           .size_before = size_of(entry)});
    std::stable_sort(out.begin(), out.end(),
                     [](const Difference& a, const Difference& b) { return a.path < b.path; });
    return out;
}

// ---- restoring

// The state before it was removed, or before what it shows was written.
Result<OpenVault::KeepsRecords> OpenVault::before_it_was_lost(const std::string& path) {
    MutexLock lock(mutex);
    if (auto shown = entry_at(path); shown.ok()) {
        if (shown->type != FileType::Regular)
            return Error{ErrorKind::Invalid, path + " is there: say of which time it is wanted"};
        const std::vector<VersionRecord> heads = tree.heads(shown->node.file);
        if (heads.empty() || heads.front().replaces.empty())
            return Error{ErrorKind::NotFound, path + " has no earlier version"};
        const Stamp stamp = heads.front().stamp;
        return KeepsRecords([stamp](const Stamp& each) { return each.time < stamp.time; });
    }
    const std::vector<std::string> parts = path_parts(path);
    std::vector<std::string> above(parts.begin(), parts.end() - 1);
    std::string parent;
    for (const std::string& part : above) parent = joined_path(parent, part);
    std::vector<FileId> parents = files_named(parent);
    std::optional<PastLink> last;
    for (PastLink& link : tree.links_in({parents.begin(), parents.end()}))
        if (link.name == parts.back() && link.deleted.time != 0 &&
            (!last || link.deleted > last->deleted))
            last = std::move(link);
    if (!last) return Error{ErrorKind::NotFound, "nothing ever had the name " + path};
    std::uint64_t time = last->deleted.time;
    // A directory goes after all that was in it.
    std::vector<Stamp> deletes;
    std::set<FileId> level{last->file};
    while (last->type == FileType::Directory && !level.empty()) {
        std::set<FileId> next;
        for (const PastLink& link : tree.links_in(level)) {
            if (link.deleted.time != 0) deletes.push_back(link.deleted);
            if (link.type == FileType::Directory) next.insert(link.file);
        }
        level = std::move(next);
    }
    std::sort(deletes.begin(), deletes.end(), std::greater<>());
    for (const Stamp& each : deletes)
        if (each.time < time && Stamp{time, {}}.wall_ms() - each.wall_ms() <= kRemovalGapMs)
            time = each.time;
    return KeepsRecords([time](const Stamp& each) { return each.time < time; });
}

Result<RestoreReport> OpenVault::restore_path(const RestoreRequest& request) {
    if (!replica_.may_write()) return Error{ErrorKind::Refused, "this device may not write"};
    TRY_OK(files_->commit_written(environment_.clock.steady(), true));
    std::vector<std::string> parts = path_parts(request.path);
    KeepsRecords keeps;
    std::optional<VersionRecord> version;
    if (request.version) {
        MutexLock lock(mutex);
        for (const FileId& file : files_named(request.path))
            for (VersionRecord& each : tree.history(file))
                if (each.id == *request.version) version = std::move(each);
        if (!version)
            return Error{ErrorKind::NotFound,
                         request.path + " has no version " + request.version->to_hex()};
        // Names and attributes as they were when it ended.
        const auto endings = tree.endings(version->file);
        const auto end = endings.find(version->id);
        const std::uint64_t end_time = end == endings.end()
                                           ? std::numeric_limits<std::uint64_t>::max()
                                           : end->second.stamp.time;
        keeps = [end_time](const Stamp& each) { return each.time < end_time; };
    } else if (request.time_ms) {
        keeps = [time = *request.time_ms](const Stamp& each) { return each.wall_ms() <= time; };
    } else {
        if (parts.empty())
            return Error{ErrorKind::Invalid, "say of which time the vault is wanted"};
        TRY(keeps, before_it_was_lost(request.path));
    }
    Tree past({environment_.random, secrets_->derived, environment_.device_label});
    TRY_OK(load_past(keeps, past));
    Node node;
    if (version) {
        node = {version->file, std::nullopt};
    } else {
        auto found = node_at(past, request.path);
        if (!found.ok() && found.error().kind == ErrorKind::NotFound)
            return Error{ErrorKind::NotFound, request.path + " was not there then"};
        if (!found.ok()) return std::move(found).error();
        node = *found;
    }
    RestoreReport report;
    PastRestorer restorer(past, *files_, report);
    if (version) restorer.set_content(version->content);
    if (!request.to.empty()) {
        parts = path_parts(request.to);
        if (parts.empty()) return Error{ErrorKind::Exists, "the vault's root is there already"};
        MutexLock lock(mutex);
        if (entry_at(request.to).ok())
            return Error{ErrorKind::Exists, request.to + " is there already"};
    }
    for (const std::string& part : parts) report.path = joined_path(report.path, part);
    std::string name;
    if (!parts.empty()) {
        name = std::move(parts.back());
        parts.pop_back();
    }
    TRY(const HeldNode parent, restorer.make_directories(parts));
    restorer.restore(node, parent.id(), name, report.path);
    TRY_OK(files_->sync_metadata());
    if (report.files + report.directories + report.unchanged == 0 && !report.problems.empty())
        return Error{ErrorKind::Unavailable, report.problems.front()};
    return report;
}

}  // namespace lockstep
