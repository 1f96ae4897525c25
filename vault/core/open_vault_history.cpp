// What an open vault held before: versions, the state at a time, snapshots, and how long it is
// kept.
#include <algorithm>

#include "base/codec.h"
#include "vault/core/open_vault_past.h"
#include "vault/core/open_vault_secrets.h"
#include "vault/core/past_view.h"
#include "vault/core/vault_path_parts.h"
#include "vault/history/retention.h"

namespace lockstep {
namespace {

// The vault's own attributes of the root directory (vault/FORMAT.md).
constexpr std::string_view kRetentionXattr = "lockstep.retention";
constexpr std::string_view kHistoryQuotaXattr = "lockstep.history-quota";
constexpr std::string_view kSnapshotXattrs = "lockstep.snapshot.";
constexpr std::size_t kSnapshotNameMax = 64;
constexpr std::size_t kSnapshotsMax = 1024;

bool is_snapshot_name(std::string_view name) {
    return !name.empty() && name.size() <= kSnapshotNameMax && name != "." && name != ".." &&
           std::none_of(name.begin(), name.end(), [](char c) {
               return c == '/' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
           });
}

// What a resolve dropped may have become a file of its own, whose records have the stamp of the
// version: they belong to the past only if what made them does.
class Forks {
  public:
    Forks(const DerivedIds& ids, const std::function<bool(const Stamp&)>& keeps)
        : ids_(ids), keeps_(keeps) {}

    void note(const Record& record) {
        const auto* resolve = std::get_if<ResolveRecord>(&record);
        if (resolve == nullptr) return;
        const bool is_kept = keeps_(resolve->stamp);
        for (const VersionId& version : resolve->drops)
            (is_kept ? made_ : later_).insert(ids_.file(resolve->file, version));
    }
    bool is_later(const FileId& file) const {
        return later_.contains(file) && !made_.contains(file);
    }

  private:
    const DerivedIds& ids_;
    const std::function<bool(const Stamp&)>& keeps_;
    std::set<FileId> made_, later_;
};

class PastRecords {
  public:
    PastRecords(const Forks& forks, const std::function<bool(const Stamp&)>& keeps)
        : forks_(forks), keeps_(keeps) {}

    // The links of a file come before all that is said of them.
    std::vector<Record> of(const std::vector<Record>& records) {
        std::vector<Record> out;
        for (const Record& record : records)
            if (keeps_(stamp_of(record)) && !is_of_later_fork(record)) out.push_back(record);
        return out;
    }

  private:
    bool is_of_later_fork(const Record& record) {
        return std::visit(
            [&](const auto& each) {
                if constexpr (requires { each.file; }) {
                    const bool is_later = forks_.is_later(each.file);
                    if constexpr (std::is_same_v<std::decay_t<decltype(each)>, LinkRecord>)
                        if (is_later) links_.insert(each.link);
                    return is_later;
                } else {
                    return links_.contains(each.link);
                }
            },
            record);
    }

    const Forks& forks_;
    const std::function<bool(const Stamp&)>& keeps_;
    std::set<LinkId> links_;
};

}  // namespace

// ---- the state at a time

// What is being published is seen once: as it will be, or as it is.
Status OpenVault::visit_records(const VisitRecords& visit) {
    MutexLock publish_lock(publish_mutex_);
    for (std::uint64_t cursor = 0;;) {
        TRY(std::vector<StoredRecords> segments, index_->log().stored_records(cursor));
        if (segments.empty()) break;
        for (const StoredRecords& stored : segments) {
            if (blake2b(stored.bytes) != stored.sum)
                return Error{ErrorKind::Corrupt, "index: records are not what was applied"};
            TRY(RecordBatch batch, decode_own_records(stored.bytes, stored.log));
            visit(batch.records);
        }
    }
    visit(unpublished_);
    std::vector<Record> pending;
    {
        MutexLock lock(mutex);
        pending = tree.pending();
    }
    visit(pending);
    return {};
}

Status OpenVault::load_past(const KeepsRecords& keeps, Tree& out) {
    Forks forks(secrets_->derived, keeps);
    TRY_OK(visit_records([&](const std::vector<Record>& records) {
        for (const Record& record : records) forks.note(record);
    }));
    PastRecords past(forks, keeps);
    TRY_OK(visit_records([&](const std::vector<Record>& records) { out.load(past.of(records)); }));
    out.finish_loading();
    return {};
}

PastViewParts OpenVault::view_of(std::unique_ptr<TreeHost> host) {
    PastViewParts out;
    out.host = std::move(host);
    out.vault_files = std::make_unique<VaultFiles>(
        VaultFilesEnvironment{*out.host, *content_, environment_.workers, secrets_->chunker,
                              secrets_->ids, secrets_->derived});
    out.files = std::make_unique<ReadOnlyFiles>(*out.vault_files);
    return out;
}

Result<PastViewParts> OpenVault::view_at(std::int64_t time_ms) {
    auto host = std::make_unique<PastHost>(
        TreeEnvironment{environment_.random, secrets_->derived, environment_.device_label}, *this);
    const KeepsRecords keeps = [&](const Stamp& stamp) { return stamp.wall_ms() <= time_ms; };
    {
        MutexLock lock(host->mutex);
        TRY_OK(load_past(keeps, host->tree));
    }
    return view_of(std::move(host));
}

Result<PastViewParts> OpenVault::view_of_version(const std::string& path, const VersionId& id) {
    std::optional<VersionRecord> wanted;
    std::optional<Bytes> mode;
    {
        MutexLock lock(mutex);
        for (const FileId& file : files_named(path)) {
            for (VersionRecord& version : tree.history(file))
                if (version.id == id) wanted = std::move(version);
            if (wanted && wanted->file == file) mode = tree.attribute(file, AttributeKey::Mode);
        }
    }
    if (!wanted) return Error{ErrorKind::NotFound, path + " has no version " + id.to_hex()};
    auto host = std::make_unique<PastHost>(
        TreeEnvironment{environment_.random, secrets_->derived, environment_.device_label}, *this);
    wanted->replaces.clear();
    const Stamp stamp = wanted->stamp;
    const FileId file = wanted->file;
    LinkId link;
    link.bytes = file.bytes;
    std::vector<Record> records{LinkRecord{link, file, FileType::Regular, stamp},
                                ParentRecord{link, stamp, kRootFile},
                                NameRecord{link, stamp, "content"}, std::move(*wanted)};
    if (mode) records.push_back(AttributeRecord{file, AttributeKey::Mode, {}, stamp, mode});
    {
        MutexLock lock(host->mutex);
        host->tree.load(records);
        host->tree.finish_loading();
    }
    return view_of(std::move(host));
}

// ---- versions

// Every file that has, or had last, this path; those that are seen under it first.
std::vector<FileId> OpenVault::files_named(const std::string& path) {
    const std::vector<std::string> parts = path_parts(path);
    std::set<FileId> directories{kRootFile};
    std::vector<FileId> found{kRootFile};
    for (const std::string& part : parts) {
        found.clear();
        for (const FileId& directory : directories)
            if (auto shown = tree.lookup(directory, part); shown.ok()) {
                found.push_back(shown->node.file);
                found.insert(found.end(), shown->aliases.begin(), shown->aliases.end());
            }
        for (const PastLink& link : tree.links_in(directories))
            if (link.name == part) found.push_back(link.file);
        directories = {found.begin(), found.end()};
    }
    std::set<FileId> seen;
    std::erase_if(found, [&](const FileId& file) { return !seen.insert(file).second; });
    return found;
}

std::optional<DeviceId> OpenVault::writer_of(const LogId& log) {
    if (log == log_) return environment_.device.id();
    return replica_.writer_of(log);
}

std::string OpenVault::writer_label(const LogId& log) {
    const auto device = writer_of(log);
    if (!device) return "unknown device";
    for (const Member& member : replica_.members())
        if (member.device == *device) return member.label;
    return device->to_hex().substr(0, 8);
}

Result<PathHistory> OpenVault::history(const std::string& path) {
    MutexLock lock(mutex);
    const std::vector<FileId> files = files_named(path);
    if (files.empty()) return Error{ErrorKind::NotFound, "nothing ever had the name " + path};
    PathHistory out;
    out.type = *tree.type(files.front());
    const auto shown = path_parts(path).empty() ? Result<TreeEntry>(TreeEntry{}) : entry_at(path);
    out.is_there = shown.ok();
    const KeptTimes kept = kept_now();
    std::set<FileId> directories;
    for (const FileId& file : files) {
        if (tree.is_directory(file)) {
            directories.insert(file);
            continue;
        }
        const auto endings = tree.endings(file);
        std::set<VersionId> heads;
        for (const VersionRecord& head : tree.heads(file)) heads.insert(head.id);
        const auto newest = tree.version({file, std::nullopt});
        for (const VersionRecord& version : tree.history(file)) {
            VersionInfo info{.id = version.id,
                             .file = file,
                             .time_ms = version.stamp.wall_ms(),
                             .written_by = version.device_label,
                             .device = writer_of(version.stamp.log).value_or(DeviceId{}),
                             .size = version.content.size,
                             .ended_by = {}};
            std::int64_t end_ms = std::numeric_limits<std::int64_t>::max();
            if (const auto end = endings.find(version.id); end != endings.end()) {
                info.end = end->second.is_delete ? VersionEnd::Deleted : VersionEnd::Replaced;
                info.end_ms = end_ms = end->second.stamp.wall_ms();
                info.ended_by = end->second.is_delete ? writer_label(end->second.stamp.log)
                                                      : end->second.device_label;
            } else if (version.id != newest) {
                info.end = heads.contains(version.id) ? VersionEnd::Conflict : VersionEnd::Dropped;
            }
            info.is_kept = kept.keeps(info.time_ms, end_ms);
            out.versions.push_back(std::move(info));
        }
    }
    for (const PastLink& link : tree.links_in(directories)) {
        if (link.is_visible || link.deleted.time == 0) continue;
        DeletedEntry entry{.name = link.name,
                           .type = link.type,
                           .deleted_ms = link.deleted.wall_ms(),
                           .deleted_by = writer_label(link.deleted.log)};
        if (const auto content = tree.content({link.file, std::nullopt}))
            entry.size = content->size;
        out.deleted.push_back(std::move(entry));
    }
    std::stable_sort(out.versions.begin(), out.versions.end(),
                     [](const auto& a, const auto& b) { return a.time_ms > b.time_ms; });
    std::stable_sort(out.deleted.begin(), out.deleted.end(),
                     [](const auto& a, const auto& b) { return a.deleted_ms > b.deleted_ms; });
    return out;
}

// ---- snapshots and retention

Status OpenVault::set_root_xattr(const std::string& name, std::optional<Bytes> value) {
    if (!replica_.may_write()) return Error{ErrorKind::Refused, "this device may not write"};
    {
        MutexLock lock(mutex);
        const std::vector<AttributeSetting> settings{{AttributeKey::Xattr, name, std::move(value)}};
        TRY(Node root, tree.set_attributes({kRootFile, std::nullopt}, settings, tick()));
        static_cast<void>(root);
        tree_changed();
    }
    return commit();
}

std::vector<Snapshot> OpenVault::snapshots_locked() {
    std::vector<Snapshot> out;
    for (const AttributeSetting& setting : tree.attributes(kRootFile)) {
        if (setting.key != AttributeKey::Xattr || !setting.value ||
            !setting.xattr.starts_with(kSnapshotXattrs) || setting.value->size() != 8)
            continue;
        const std::string name = setting.xattr.substr(kSnapshotXattrs.size());
        if (is_snapshot_name(name)) out.push_back({name, decode_time(*setting.value)});
    }
    std::sort(out.begin(), out.end(), [](const Snapshot& a, const Snapshot& b) {
        return std::tie(a.time_ms, a.name) < std::tie(b.time_ms, b.name);
    });
    return out;
}

std::vector<Snapshot> OpenVault::snapshots() {
    MutexLock lock(mutex);
    return snapshots_locked();
}

Result<Snapshot> OpenVault::make_snapshot(const std::string& name,
                                          std::optional<std::int64_t> time_ms) {
    if (!is_snapshot_name(name))
        return Error{ErrorKind::Invalid,
                     "a snapshot's name has 1 to 64 bytes, without '/' and control characters"};
    // What is open belongs to it.
    if (!time_ms) TRY_OK(files_->commit_written(environment_.clock.steady(), true));
    Snapshot made{name, 0};
    {
        MutexLock lock(mutex);
        const std::int64_t now = tick().wall_ms();
        made.time_ms = time_ms.value_or(now);
        if (made.time_ms > now) return Error{ErrorKind::Invalid, "that time is yet to come"};
        if (made.time_ms < kept_now().since_ms)
            return Error{ErrorKind::Invalid,
                         "not everything of that time is kept: it is older than the retention"};
        const std::vector<Snapshot> there = snapshots_locked();
        if (there.size() >= kSnapshotsMax)
            return Error{ErrorKind::Invalid, "a vault has 1024 snapshots at most"};
        for (const Snapshot& each : there)
            if (each.name == name)
                return Error{ErrorKind::Exists, "there is a snapshot of that name"};
    }
    TRY_OK(set_root_xattr(std::string(kSnapshotXattrs) + name, encode_time(made.time_ms)));
    return made;
}

Status OpenVault::remove_snapshot(const std::string& name) {
    bool is_there = false;
    for (const Snapshot& each : snapshots()) is_there |= each.name == name;
    if (!is_there) return Error{ErrorKind::NotFound, "there is no snapshot " + name};
    return set_root_xattr(std::string(kSnapshotXattrs) + name, std::nullopt);
}

RetentionReport OpenVault::retention() {
    MutexLock lock(mutex);
    RetentionReport out{
        .text = retention_text({.all_ms = environment_.retention.count(), .thinned = {}})};
    if (const auto chosen = tree.attribute(kRootFile, AttributeKey::Xattr, kRetentionXattr))
        if (const auto policy = parse_retention(as_text(*chosen)); policy.ok())
            out = {.text = retention_text(*policy), .is_own = true};
    out.quota = history_quota();
    out.cut_ms = history_cut_ms();
    return out;
}

Status OpenVault::set_history_quota(std::optional<std::uint64_t> bytes) {
    std::optional<Bytes> value;
    if (bytes) {
        Encoder out;
        out.u64(*bytes);
        value = std::move(out).take();
    }
    return set_root_xattr(std::string(kHistoryQuotaXattr), std::move(value));
}

std::optional<std::uint64_t> OpenVault::history_quota() {
    const auto chosen = tree.attribute(kRootFile, AttributeKey::Xattr, kHistoryQuotaXattr);
    if (!chosen || chosen->size() != 8) return std::nullopt;
    return Decoder(*chosen).u64();
}

std::int64_t OpenVault::history_cut_ms() {
    const auto cut = tree.attribute(kRootFile, AttributeKey::Xattr, kHistoryCutXattr);
    return cut && cut->size() == 8 ? decode_time(*cut) : 0;
}

Status OpenVault::set_retention(const std::string& text) {
    std::optional<Bytes> value;
    if (!text.empty()) {
        TRY(const RetentionPolicy policy, parse_retention(text));
        value = to_bytes(as_bytes(retention_text(policy)));
    }
    return set_root_xattr(std::string(kRetentionXattr), std::move(value));
}

// A policy that this version does not understand counts as none.
KeptTimes OpenVault::kept_now(std::optional<std::int64_t> cut_ms) {
    RetentionPolicy policy{.all_ms = environment_.retention.count(), .thinned = {}};
    if (const auto chosen = tree.attribute(kRootFile, AttributeKey::Xattr, kRetentionXattr))
        if (auto parsed = parse_retention(as_text(*chosen)); parsed.ok())
            policy = std::move(*parsed);
    std::vector<std::int64_t> moments;
    for (const Snapshot& each : snapshots_locked()) moments.push_back(each.time_ms);
    return kept_times(policy, environment_.clock.wall_ms(), std::move(moments),
                      cut_ms.value_or(history_cut_ms()));
}

}  // namespace lockstep
