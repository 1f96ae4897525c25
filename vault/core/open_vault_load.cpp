// Unlocking: what the index on disk says, brought up to date from the vault directory.
//
// The index may be behind the directory (a crash, objects that arrived while the vault was locked):
// the merger applies what is newer. Any other difference is a doubt: then it is rebuilt, and the
// result is the same.
#include <map>
#include <set>
#include <sstream>

#include "base/log.h"
#include "vault/core/open_vault_secrets.h"

namespace lockstep {
namespace {

constexpr std::string_view kIndexName = "index.db";
constexpr std::string_view kLostName = "lost.positions";
constexpr std::size_t kLostSizeMax = kMiB;

// Segments that were applied here once and are gone from the vault directory: it was put back to an
// older state. Kept beside the index, which is made anew then, until they are there again. One line
// each: log, number, hash.
LostPositions read_lost(Disk& disk, const fs::path& path) {
    LostPositions out;
    auto bytes = disk.read_file(path, kLostSizeMax);
    if (!bytes.ok()) return out;
    std::istringstream lines{std::string(as_text(*bytes))};
    std::string log, hash;
    std::uint64_t number = 0;
    while (lines >> log >> number >> hash) {
        auto log_id = LogId::parse_hex(log);
        auto segment = SegmentHash::parse_hex(hash);
        if (log_id.ok() && segment.ok()) out[*log_id] = {number, *segment};
    }
    return out;
}

Status write_lost(Disk& disk, const fs::path& path, const LostPositions& lost) {
    std::string text;
    for (const auto& [log, position] : lost)
        text += log.to_hex() + " " + std::to_string(position.number) + " " +
                position.hash.to_hex() + "\n";
    return disk.write_file_durably(path, as_bytes(text));
}

void note_lost(VaultReplica& replica, Disk& disk, const fs::path& path,
               const std::vector<LogRow>& logs) {
    LostPositions lost;
    for (const LogRow& row : logs)
        if (!replica.find(row.log, row.last)) lost[row.log] = row.last;
    if (lost.empty()) return;
    for (const auto& [log, position] : read_lost(disk, path)) {
        LogPosition& known = lost[log];
        known = std::max(known, position);
    }
    if (Status written = write_lost(disk, path, lost); !written.ok())
        log_warning("vault", "what is lost is not noted: {}", written.error().message);
}

// What is lost still.
LostPositions tell_of_lost(VaultReplica& replica, Disk& disk, const fs::path& path) {
    const LostPositions before = read_lost(disk, path);
    LostPositions lost = before;
    std::erase_if(
        lost, [&](const auto& each) { return replica.find(each.first, each.second).has_value(); });
    for (const auto& [log, position] : lost) {
        const std::uint64_t here = replica.last_of(log).number;
        std::string whose = "a device";
        if (const auto writer = replica.writer_of(log))
            if (const RosterMember* member = replica.keys()->roster().find(*writer))
                whose = member->certificate.label;
        replica.alarm_of_rollback(
            log, position,
            "rollback: of what " + whose + " wrote, segment " + std::to_string(position.number) +
                " was here before and now only " + std::to_string(here) +
                " are: the vault directory was put back to an older state, or is damaged");
    }
    if (lost.size() == before.size()) return lost;
    const Status done = lost.empty() ? disk.remove(path) : write_lost(disk, path, lost);
    if (!done.ok()) log_warning("vault", "what was lost stays noted: {}", done.error().message);
    return lost;
}

struct LoadedRecords {
    RecordBatch batch;
    std::uint64_t greatest_time = 0;
};

Result<LoadedRecords> load_records(const StoredRecords& stored) {
    if (blake2b(stored.bytes) != stored.sum)
        return Error{ErrorKind::Corrupt, "index: records are not what was applied"};
    LoadedRecords out;
    TRY(out.batch, decode_own_records(stored.bytes, stored.log));
    for (const Record& record : out.batch.records)
        out.greatest_time = std::max(out.greatest_time, stamp_of(record).time);
    return out;
}

}  // namespace

Status OpenVault::remove_index(const VaultEnvironment& environment, const VaultId& vault) {
    return Index::remove(environment.disk, local_directory(environment, vault) / kIndexName);
}

Status OpenVault::open_index() {
    const fs::path lost = local_directory(environment_, replica_.vault_id()) / kLostName;
    TRY_OK(load_or_rebuild_index());
    MutexLock lock(publish_mutex_);
    lost_ = tell_of_lost(replica_, environment_.disk, lost);
    return {};
}

bool OpenVault::lacks_what_was_here() {
    std::erase_if(lost_, [&](const auto& each) {
        return replica_.find(each.first, each.second).has_value();
    });
    return !lost_.empty();
}

Status OpenVault::load_or_rebuild_index() {
    const fs::path directory = local_directory(environment_, replica_.vault_id());
    TRY_OK(environment_.disk.make_directories(directory));
    const SealedFilesEnvironment place{
        environment_.disk, directory / kIndexName,
        environment_.device.index_key(key_state()->root(), replica_.vault_id()),
        replica_.vault_id(), environment_.random};
    Status opened = open_index_at(place);
    if (opened.ok() && index_->is_new()) return {};
    if (opened.ok()) opened = load_from_index();
    if (opened.ok()) return {};
    log_info("index", "rebuilding: {}", opened.error().message);
    {
        MutexLock lock(mutex);
        tree.clear();
    }
    index_.reset();
    opened = Index::remove(place.disk, place.path);
    if (opened.ok()) opened = open_index_at(place);
    if (opened.ok()) return {};
    log_warning("index", "it cannot be kept on the disk: {}", opened.error().message);
    TRY(index_, Index::open_in_memory());
    return {};
}

Status OpenVault::open_index_at(const SealedFilesEnvironment& place) {
    TRY(index_, Index::open(place));
    if (index_->doubt()) log_info("index", "rebuilding: {}", *index_->doubt());
    return {};
}

// A directory that was put back to an earlier state, or has another segment in a place, must not be
// seen through an index that knows more.
Status OpenVault::check_index_is_not_ahead(const std::vector<LogRow>& logs) {
    const Frontier have = replica_.frontier();
    for (const LogRow& row : logs) {
        auto at = have.find(row.log);
        SegmentHash hash;
        if (at != have.end() && at->second.number == row.last.number) {
            hash = at->second.hash;
        } else if (at != have.end() && at->second.number > row.last.number) {
            TRY(hash, replica_.hash_of({row.log, row.last.number}));
        }
        if (hash != row.last.hash) {
            note_lost(replica_, environment_.disk,
                      local_directory(environment_, replica_.vault_id()) / kLostName, logs);
            return Error{ErrorKind::Conflict, "index: it is ahead of the vault directory"};
        }
    }
    return {};
}

Status OpenVault::load_from_index() {
    TRY(std::vector<LogRow> logs, index_->log().logs());
    TRY(Frontier named, index_->log().named());
    accept_applied(logs);
    TRY_OK(check_index_is_not_ahead(logs));
    std::uint64_t greatest_time = 0;
    for (std::uint64_t cursor = 0;;) {
        TRY(std::vector<StoredRecords> segments, index_->log().stored_records(cursor));
        if (segments.empty()) break;
        for (const StoredRecords& stored : segments) {
            TRY(LoadedRecords loaded, load_records(stored));
            greatest_time = std::max(greatest_time, loaded.greatest_time);
            MutexLock lock(mutex);
            tree.load(loaded.batch.records);
        }
    }
    // Segments from the future are held by the merger until then; the clock has gone back.
    if (hybrid_.observe({greatest_time, {}}) == HybridClock::Observed::TooFarAhead)
        return Error{ErrorKind::Conflict, "index: it holds times more than a day ahead"};
    MutexLock merge_lock(merge_mutex_);
    MutexLock lock(mutex);
    tree.finish_loading();
    named_ = std::move(named);
    for (const LogRow& row : logs) {
        applied_[row.log] = row.last;
        if (row.device == environment_.device.id()) own_logs_.insert(replica_.origin_of(row.log));
    }
    return {};
}

// A cache that could not be written is no reason to fail what it follows.
void OpenVault::commit_index() {
    if (Status committed = index_->commit(); !committed.ok())
        log_warning("index", "{}", committed.error().message);
}

// Packs whose index was read already are not opened; those that have gone are marked, and those
// whose condemnation was not published before a crash are condemned no more.
Status OpenVault::index_packs() {
    TRY(std::vector<PackRow> rows, index_->chunks().packs());
    std::map<PackId, PackRow> known;
    std::vector<PackId> condemned;
    for (const PackRow& row : rows) {
        if (row.is_present) known.emplace(row.info.id, row);
        if (row.is_condemned) condemned.push_back(row.info.id);
    }
    TRY_OK(spare(condemned));
    for (const PackInfo& pack : replica_.present_packs()) {
        auto at = known.find(pack.id);
        const bool is_same = at != known.end() && at->second.info.length == pack.length &&
                             !at->second.epoch.is_zero();
        if (at != known.end()) known.erase(at);
        if (is_same) continue;
        TRY_OK(index_->chunks().set_present(pack.id, false));
        pack_arrived(pack.id);
    }
    for (const auto& [id, row] : known) TRY_OK(index_->chunks().set_present(id, false));
    return {};
}

Status OpenVault::take_in_meanwhile() {
    if (replica_.keys() != key_state()) keys_changed();
    TRY(std::vector<PackRow> rows, index_->chunks().packs());
    std::set<PackId> known;
    for (const PackRow& row : rows)
        if (row.is_present && !row.epoch.is_zero()) known.insert(row.info.id);
    for (const PackInfo& pack : replica_.present_packs())
        if (!known.contains(pack.id)) pack_arrived(pack.id);
    return {};
}

}  // namespace lockstep
