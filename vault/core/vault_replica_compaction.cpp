// VaultReplica: compacted segments, made here, taken from peers, or found in the directory.
//
// A file is removed only when another one that is durable holds everything that it holds, and has
// proved it: each segment made again from it has the hash that it must have.
#include <algorithm>

#include "base/log.h"
#include "vault/core/vault_replica.h"
#include "vault/log/segment_format.h"

namespace lockstep {

Result<SegmentHash> VaultReplica::hash_of(const SegmentRef& segment) {
    TRY(StoredSegment found, stored(segment));
    return found.hash;
}

Result<Bytes> VaultReplica::read_original(const SegmentRef& segment, const RecordKeys& keys) {
    TRY(StoredSegment found, stored(segment));
    return files_->original(found.header, found.hash, keys);
}

// ---- keeping

void VaultReplica::note_compacted(const OpenedSegments& opened, const LogStore::Name& name) {
    const LogId& log = opened.outer.header.log;
    logs_->note_contents(log, name, opened.hashes());
    MutexLock lock(mutex_);
    for (const SegmentOuter& segment : opened.segments) {
        segment_alarms_.erase({log, segment.header.number});
        damaged_segments_.erase({log, segment.header.number});
    }
}

// All that it stands for is here. It takes the place of the files once an unlocked vault has seen
// that it holds them (drop_replaced()); a device that cannot see that has no use for it, unless it
// lies in the directory: then others may remove the files; or when a file is damaged.
void VaultReplica::keep_compacted(const OpenedSegments& opened, ByteView bytes) {
    const LogId& log = opened.outer.header.log;
    const LogStore::Name name = opened.name();
    bool is_damaged = false, is_useful = false;
    {
        MutexLock lock(mutex_);
        for (const SegmentOuter& segment : opened.segments)
            is_damaged = is_damaged || damaged_segments_.contains({log, segment.header.number});
        is_useful = is_damaged || sealing_ != nullptr;
    }
    if (!is_damaged && !logs_->contents_of(log, name).empty()) return;
    if (!is_useful) {
        auto there = logs_->read(log, name);
        is_useful = there.ok() && equal(*there, bytes);
    }
    if (!is_useful) return;
    auto kept = store_file(opened, bytes);
    if (kept.ok())
        note_compacted(opened, *kept);
    else
        log_info("vault", "a compacted segment is not kept: {}", kept.error().message);
}

// ---- in the directory

bool VaultReplica::knows_compacted(const LogId& log, const LogStore::Name& name) {
    return !logs_->contents_of(log, name).empty();
}

std::vector<std::pair<LogId, LogStore::Name>> VaultReplica::compacted_here() {
    std::vector<std::pair<LogId, LogStore::Name>> out;
    for (const LogId& log : logs_->logs())
        for (const LogStore::Name& name : logs_->names(log))
            if (knows_compacted(log, name)) out.emplace_back(log, name);
    return out;
}

Result<Added> VaultReplica::take_compacted(const LogId& log, const LogStore::Name& name) {
    TRY(Bytes bytes, logs_->read(log, name));
    TRY(const OpenedSegments opened, open_segments(bytes, lookup()));
    LogStore::Name said = opened.name();
    if (name.fork) said.fork = opened.outer.hash;
    if (opened.outer.header.log != log || said != name)
        return Error{ErrorKind::Corrupt, "it is not the segment that its name says"};
    TRY(const Added added, add_next(bytes));
    if (added == Added::Stored) presence_->note_shared_directory();
    return added;
}

// Whether every segment that the number's header may mean lies in a file of another name.
bool VaultReplica::is_held_otherwise(const SegmentRef& header) {
    std::vector<SegmentHash> hashes;
    {
        MutexLock lock(mutex_);
        for (const SegmentRef& segment : branches_.named_by_header(header))
            hashes.push_back(branches_.hash_of(segment));
    }
    const LogStore::Name own{.number = header.number, .fork = {}};
    return !hashes.empty() &&
           std::all_of(hashes.begin(), hashes.end(), [&](const SegmentHash& hash) {
               const auto names = logs_->names_of(header, hash);
               return std::any_of(names.begin(), names.end(), [&](const LogStore::Name& name) {
                   return name != own && environment_.disk.exists(logs_->path_of(header.log, name));
               });
           });
}

bool VaultReplica::recheck_compacted(const LogId& log, const LogStore::Name& name) {
    const std::vector<SegmentHash> before = logs_->contents_of(log, name);
    if (before.empty()) return true;
    auto opened = files_->open(log, name);
    if (opened.ok() && opened->hashes() == before) return true;
    logs_->forget(log, name);
    files_->find_compacted(log);
    std::vector<SegmentRef> missing;
    for (std::uint64_t number = name.first; number <= name.number; ++number) {
        const SegmentRef header{log, number};
        if (!environment_.disk.exists(logs_->path_of(header)) && !is_held_otherwise(header))
            missing.push_back(header);
    }
    if (missing.empty()) return true;
    {
        MutexLock lock(mutex_);
        std::string sentence = "segments " + log.to_hex().substr(0, 16) + "/" +
                               std::to_string(name.first) + " to " + std::to_string(name.number) +
                               ": somebody has removed or damaged them in the vault directory";
        log_error("vault", "{}", sentence);
        for (const SegmentRef& header : missing) segment_alarms_[header] = sentence;
    }
    for (const SegmentRef& header : missing) note_damage(header);
    return false;
}

// ---- compacting

std::vector<LogId> VaultReplica::logs_to_compact() {
    std::vector<LogId> out;
    if (!may_write()) return out;
    MutexLock lock(mutex_);
    for (const auto& [log, last] : frontier_)
        if (writers_.at(log) == device() && branches_.origin_of(log) == log &&
            branches_.family_of(log).size() == 1)
            out.push_back(log);
    return out;
}

namespace {
Result<EpochId> epoch_of(Disk& disk, const fs::path& path) {
    TRY(auto file, disk.open(path, OpenMode::Read));
    Bytes header(kSegmentHeaderSize);
    TRY(const std::size_t size, file->read(0, header));
    Decoder in(ByteView(header).first(size));
    TRY_OK(decode_prefix(in, ObjectType::Segment));
    const EpochId epoch = in.id<EpochId>();
    TRY_OK(in.status());
    return epoch;
}
}  // namespace

// The files that the log is read from, as far as it counts; the widest where several hold the same.
std::vector<CompactionItem> VaultReplica::compaction_items(const LogId& log) {
    const Frontier accepted = frontier();
    const auto last = accepted.find(log);
    std::vector<CompactionItem> out;
    if (last == accepted.end()) return out;
    for (const LogStore::File& file : logs_->files(log)) {
        const LogStore::Name& name = file.name;
        if (name.fork || name.number > last->second.number ||
            (name.is_compacted() && !knows_compacted(log, name)))
            continue;
        const CompactionItem item{name.from(), name.number, file.size_bytes, {}};
        if (!out.empty() && out.back().first == item.first)
            out.back() = item;
        else if (out.empty() || out.back().last < item.first)
            out.push_back(item);
    }
    for (CompactionItem& item : out) {
        const LogStore::Name name{
            .number = item.last, .fork = {}, .first = item.first < item.last ? item.first : 0};
        // What cannot be read is not compacted.
        auto epoch = epoch_of(environment_.disk, logs_->path_of(log, name));
        if (epoch.ok())
            item.epoch = *epoch;
        else
            item.size_bytes = kCompactedBytesMax + 1;
    }
    return out;
}

Result<std::uint64_t> VaultReplica::compact_log(const LogId& log, const RecordKeys& keys,
                                                bool at_once) {
    for (std::uint64_t count = 0;;) {
        const std::vector<CompactionItem> items = compaction_items(log);
        const auto run = plan_compaction(items, at_once);
        if (!run) return count;
        const std::uint64_t first = items[run->first].first, last = items[run->second - 1].last;
        TRY_OK(compact_run(log, first, last, keys));
        count += last - first + 1;
    }
}

Status VaultReplica::compact_run(const LogId& log, std::uint64_t first, std::uint64_t last,
                                 const RecordKeys& keys) {
    std::vector<Bytes> segments;
    for (std::uint64_t number = first; number <= last; ++number) {
        TRY(segments.emplace_back(), read_original({log, number}, keys));
        TRY(const SegmentHash hash, hash_of({log, number}));
        if (segment_hash(segments.back()) != hash)
            return Error{ErrorKind::Corrupt, "a segment is damaged"};
    }
    TRY(const SegmentHeader header, read_segment_header(segments.front()));
    const RecordKey* records = keys(header.epoch);
    const SegmentOuterKey* outer = outer_key(header.epoch);
    if (records == nullptr || outer == nullptr)
        return Error{ErrorKind::WrongKey, "the segment's epoch is not known"};
    TRY(const Bytes bytes,
        compact_segments(segments, {header_.id, *records, *outer, signing_}, lookup()));
    TRY(const OpenedSegments opened, open_segments(bytes, lookup()));
    LogStore::Name name;
    {
        MutexLock write_lock(write_mutex_);
        TRY(name, store_file(opened, bytes));
        note_compacted(opened, name);
    }
    TRY(const std::uint64_t removed, drop_replaced_by(log, name, keys));
    log_info("vault", "segments {} to {} of this device's log lie in one file; {} were removed",
             first, last, removed);
    tell([&](ReplicaListener& listener) { listener.segments_compacted({log, last}); });
    return {};
}

// ---- what is not needed any more

Result<std::uint64_t> VaultReplica::drop_replaced_by(const LogId& log, const LogStore::Name& name,
                                                     const RecordKeys& keys) {
    MutexLock write_lock(write_mutex_);
    std::vector<LogStore::Name> others;
    for (const LogStore::Name& other : logs_->names(log))
        if (other != name && name.first <= other.from() && other.number <= name.number)
            others.push_back(other);
    if (others.empty()) return std::uint64_t{0};
    // Not from memory: what lies there now is what must hold them.
    TRY(const Bytes bytes, logs_->read(log, name));
    TRY(const OpenedSegments opened, open_segments(bytes, lookup()));
    const std::vector<SegmentHash> hashes = logs_->contents_of(log, name);
    if (!opened.is_compacted() || opened.hashes() != hashes)
        return Error{ErrorKind::Corrupt, "the file is not what it was"};
    TRY(const std::vector<Bytes> originals, files_->restore(bytes, opened, keys));
    const auto holds_all_of = [&](const LogStore::Name& other) {
        const auto at = hashes.begin() + std::ptrdiff_t(other.from() - name.first);
        if (other.is_compacted()) {
            const std::vector<SegmentHash> its = logs_->contents_of(log, other);
            return !its.empty() && std::equal(its.begin(), its.end(), at);
        }
        auto its_bytes = logs_->read(log, other);
        return its_bytes.ok() && equal(*its_bytes, originals[other.number - name.first]);
    };
    std::erase_if(others, [&](const LogStore::Name& other) { return !holds_all_of(other); });
    if (others.empty()) return std::uint64_t{0};
    // Somebody else may have put it there, and not have waited for the disk.
    TRY_OK(logs_->repair(log, name, bytes));
    for (const LogStore::Name& other : others) TRY_OK(logs_->remove(log, other));
    return std::uint64_t{others.size()};
}

Result<std::uint64_t> VaultReplica::drop_replaced(const RecordKeys& keys) {
    std::uint64_t count = 0;
    std::optional<Error> failure;
    for (const auto& [log, name] : compacted_here()) {
        if (!knows_compacted(log, name)) continue;  // a wider one has replaced it
        auto dropped = drop_replaced_by(log, name, keys);
        if (dropped.ok())
            count += *dropped;
        else
            failure = std::move(dropped).error();
    }
    if (failure) return *std::move(failure);
    return count;
}

}  // namespace lockstep
