#include "vault/core/vault_replica.h"

#include <algorithm>

#include "base/log.h"
#include "vault/crypto/hash.h"

namespace lockstep {
namespace {

constexpr std::size_t kHeaderSizeMax = 4 * kKiB;
// Of one device, beyond where its logs end.
constexpr std::size_t kHeldSegmentsMax = 4096;
// Of one log: nobody restores a device that often.
constexpr std::size_t kBranchesMax = 256;

}  // namespace

fs::path local_directory(const VaultEnvironment& environment, const VaultId& vault) {
    return environment.state_directory / vault.to_hex();
}

Result<VaultHeader> read_vault_header(Disk& disk, const fs::path& directory) {
    auto bytes = disk.read_file(directory / kVaultHeaderName, kHeaderSizeMax);
    if (!bytes.ok() && bytes.error().kind == ErrorKind::NotFound)
        return Error{ErrorKind::NotFound,
                     directory.string() + " is not a vault: it has no lockstep.vault"};
    if (!bytes.ok()) return std::move(bytes).error();
    auto header = decode_vault_header(*bytes);
    if (!header.ok()) return std::move(header).error().in("lockstep.vault");
    return header;
}

// ---- opening

namespace {
// Only members know the key that this is the hash of.
std::string writer_name(const SigningKey& signing) {
    Encoder out;
    out.text("temporary files of").raw(signing.public_key().view());
    return blake2b(std::move(out).take()).to_hex().substr(0, 16);
}
}  // namespace

VaultReplica::VaultReplica(const VaultEnvironment& environment, fs::path directory,
                           VaultHeader header, LocalKeys local)
    : environment_(environment),
      directory_(std::move(directory)),
      header_(std::move(header)),
      local_(std::move(local)),
      own_sealing_(local_.sealing_public),
      signing_(environment.device.vault_signing_key(header_.id)),
      writer_(writer_name(signing_)),
      temporary_ending_("." + writer_ + ".tmp"),
      intake_(environment_.disk, environment_.clock,
              local_directory(environment_, header_.id) / "intake.local") {}

Result<std::unique_ptr<VaultReplica>> VaultReplica::open(const VaultEnvironment& environment,
                                                         const fs::path& directory,
                                                         LocalKeys local) {
    TRY(VaultHeader header, read_vault_header(environment.disk, directory));
    if (header.id != local.vault)
        return Error{ErrorKind::Refused, "this directory holds another vault than it did before"};
    std::unique_ptr<VaultReplica> out(
        new VaultReplica(environment, directory, std::move(header), std::move(local)));
    TRY(out->logs_, LogStore::open(environment.disk, directory, out->temporary_ending_));
    out->files_ = std::make_unique<SegmentFiles>(*out->logs_, out->lookup());
    TRY(out->packs_, PackStore::open(environment.disk, directory, out->temporary_ending_));
    out->open_presence();
    TRY_OK(out->load_keys());
    TRY_OK(out->load_segments());
    TRY_OK(out->load_packs());
    {
        MutexLock lock(out->intake_mutex_);
        static_cast<void>(out->intake_.keep_beginning().ok());
    }
    return out;
}

Result<SegmentOuter> VaultReplica::open_stored(const SegmentRef& segment) {
    TRY(StoredSegment found, stored(segment));
    return files_->outer_of(found.header, found.hash);
}

Status VaultReplica::load_segments() {
    // What is counted as published must not vanish with the power.
    TRY_OK(logs_->make_names_durable());
    for (const LogId& log : logs_->logs()) TRY_OK(load_log(log));
    // A segment may say how far another log counts.
    MutexLock write_lock(write_mutex_);
    {
        MutexLock lock(mutex_);
        for (const auto& [log, writer] : writers_)
            if (writer == device()) own_at_opening_[log] = branches_.greatest_of(log);
        for (const auto& [segment, sentence] : segment_alarms_)
            logs_with_damage_.insert(segment.log);
    }
    static_cast<void>(release_held());
    return {};
}

// What is not linked to the log's beginning is left: what is missing or damaged may come from a
// peer.
Status VaultReplica::load_log(const LogId& log) {
    std::map<LogStore::Name, std::string> damaged;
    for (const LogStore::Name& name : logs_->names(log)) {
        {
            MutexLock lock(mutex_);
            // What follows a gap is no damage.
            if (name.from() > branches_.greatest_of(log) + 1) break;
        }
        auto opened = files_->open(log, name);
        if (!opened.ok() && opened.error().kind == ErrorKind::Io) return std::move(opened).error();
        MutexLock lock(mutex_);
        Status admitted = opened.ok() ? admit_file(*opened) : Status(opened.error());
        if (!admitted.ok()) damaged[name] = admitted.error().message;
    }
    for (const auto& [name, why] : damaged) {
        const SegmentRef segment{log, name.number};
        // Nothing is missing.
        if (name.is_compacted() ? greatest_number_of(log) >= name.number
                                : is_held_otherwise(segment))
            continue;
        MutexLock lock(mutex_);
        segment_alarms_[segment] = "segment " + log.to_hex().substr(0, 16) + "/" +
                                   std::to_string(name.number) + ": " + why;
    }
    return {};
}

// A file of the wrong length is unfinished, whoever is writing it. What no segment introduces may
// be anything: take_strays() and take_pack() look at it.
Status VaultReplica::load_packs() {
    TRY(auto listing, packs_->list());
    TRY_OK(clear_incoming());
    MutexLock lock(mutex_);
    for (const PackInfo& pack : listing.packs) {
        auto known = known_packs_.find(pack.id);
        if (known == known_packs_.end()) {
            candidates_[pack.id] = pack.length;
        } else if (known->second == pack.length) {
            present_[pack.id] = pack.length;
            missing_.erase(pack.id);
        }
    }
    return {};
}

// Downloads under way when the daemon stopped start anew. Other devices' are not touched.
Status VaultReplica::clear_incoming() {
    TRY_OK(environment_.disk.make_directories(incoming_directory()));
    TRY(auto leftovers, environment_.disk.list(incoming_directory()));
    for (const DirectoryItem& item : leftovers)
        if (!item.is_directory) TRY_OK(environment_.disk.remove(incoming_directory() / item.name));
    return {};
}

// ---- segments

Frontier VaultReplica::frontier() {
    MutexLock lock(mutex_);
    return frontier_;
}

Result<VaultReplica::StoredSegment> VaultReplica::stored(const SegmentRef& segment) {
    MutexLock lock(mutex_);
    if (segment.number == 0 || segment.number > branches_.last_of(segment.log).number)
        return Error{ErrorKind::NotFound, "the segment is not here"};
    return StoredSegment{branches_.header_of(segment), branches_.hash_of(segment)};
}

Result<Bytes> VaultReplica::read_segment(const SegmentRef& segment) {
    TRY(StoredSegment found, stored(segment));
    auto bytes = files_->file_of(found.header, found.hash);
    const bool is_lost = !bytes.ok() && (bytes.error().kind == ErrorKind::NotFound ||
                                         bytes.error().kind == ErrorKind::Corrupt ||
                                         bytes.error().kind == ErrorKind::TooLarge);
    if (!is_lost) return bytes;
    note_damage(found.header);
    return Error{ErrorKind::Corrupt, "the segment is damaged in the vault directory"};
}

// What is known of it stays true: whoever has it hands it out again.
void VaultReplica::note_damage(const SegmentRef& header) {
    std::vector<SegmentRef> wanted;
    {
        MutexLock lock(mutex_);
        damaged_segments_.insert(header);
        logs_with_damage_.insert(header.log);
        std::string& sentence = segment_alarms_[header];
        if (sentence.empty()) {
            sentence = "segment " + header.log.to_hex().substr(0, 16) + "/" +
                       std::to_string(header.number) + ": it is damaged in the vault directory";
            log_error("vault", "{}", sentence);
        }
        wanted = branches_.named_by_header(header);
    }
    for (const SegmentRef& segment : wanted)
        tell([&](ReplicaListener& listener) { listener.segment_damaged(segment); });
}

// REQUIRES: `outer` is known, and `bytes` are its own file's
Status VaultReplica::repair_segment(const SegmentOuter& outer, ByteView bytes) {
    const SegmentRef header{outer.header.log, outer.header.number};
    {
        MutexLock lock(mutex_);
        if (!damaged_segments_.contains(header)) return {};
    }
    LogStore::Name name{.number = header.number};
    for (const LogStore::Name& each : logs_->names_of(header, outer.hash))
        if (each.fork) name = each;
    auto stored = logs_->read(header.log, name);
    if (!stored.ok() && stored.error().kind == ErrorKind::Io) return std::move(stored).error();
    if (!stored.ok() || segment_hash(*stored) != outer.hash) {
        // Another one that is good stays: it is this one that was put in its place.
        if (stored.ok() && open_outer(*stored, lookup()).ok()) {
            TRY(auto put, logs_->put(header, bytes));
            static_cast<void>(put);
        } else {
            TRY_OK(logs_->repair(header.log, name, bytes));
        }
        log_info("vault", "segment {}/{} is whole again", header.log.to_hex().substr(0, 16),
                 header.number);
    }
    MutexLock lock(mutex_);
    damaged_segments_.erase(header);
    if (segment_alarms_.erase(header) > 0)
        note_mended(CheckFinding::Kind::Segment, segment_name(header));
    return {};
}

Result<std::vector<PackInfo>> VaultReplica::packs_of(const SegmentRef& segment) {
    MutexLock lock(mutex_);
    auto at = introduced_.find(segment);
    if (at != introduced_.end()) return at->second;
    auto log = frontier_.find(segment.log);
    if (log == frontier_.end() || segment.number > log->second.number)
        return Error{ErrorKind::NotFound, "the segment is not here"};
    return std::vector<PackInfo>{};
}

// Whether it was written by its log's device, a member that may write.
Status VaultReplica::check_author(const SegmentOuter& outer) {
    const auto& part = outer.replicator;
    const RosterMember* member = keys_->roster().find(part.device);
    if (member == nullptr) return Error{ErrorKind::Refused, "its device is not a member"};
    // What a member wrote before it knew that it had lost the right is held.
    if (!member->may_write() && !member->was_writer)
        return Error{ErrorKind::Refused, "its device may not write"};
    if (auto writer = writers_.find(outer.header.log);
        writer != writers_.end() && writer->second != part.device)
        return Error{ErrorKind::Refused, "its log belongs to another device"};
    return {};
}

// Conflict: what it follows is not here.
Result<LogBranches::Place> VaultReplica::check_place(const SegmentOuter& outer) {
    TRY_OK(check_author(outer));
    const auto place = branches_.place_of(outer);
    if (!place) return Error{ErrorKind::Conflict, "it does not follow the segment before it"};
    if (place->is_known || place->is_next) return *place;
    if (place->is_name_taken || branches_.family_of(outer.header.log).size() >= kBranchesMax)
        return Error{ErrorKind::Refused, "its log was forked too often"};
    return *place;
}

bool VaultReplica::is_to_be_held(const SegmentOuter& outer, const LogBranches::Place& place) {
    auto accepted = frontier_.find(place.parent);
    if ((accepted == frontier_.end() ? 0 : accepted->second.number) < place.number) return true;
    const RosterMember* member = keys_->roster().find(outer.replicator.device);
    return ends_.is_beyond(branches_, keys_->roster(), *member, place, outer);
}

std::optional<SegmentRef> VaultReplica::admit(const SegmentOuter& outer,
                                              const LogBranches::Place& place) {
    const bool is_held = is_to_be_held(outer, place);
    const LogBranches::Added added = branches_.add(outer);
    if (added.split) rename_tail(*added.split);
    if (!place.is_next) alarm_of_fork(outer);
    writers_.emplace(outer.header.log, outer.replicator.device);
    writers_.emplace(added.segment.log, outer.replicator.device);
    if (is_held) {
        held_[added.segment.log] = {added.segment.number, outer.hash};
        return std::nullopt;
    }
    take_over(outer, added.segment);
    return added.segment;
}

// What is known under the log's name, and lies behind the fork, goes by the tail's.
void VaultReplica::rename_tail(const LogSplit& split) {
    const std::uint64_t kept = split.kept.number;
    writers_.emplace(split.tail, writers_.at(split.log));
    split.rename_in(frontier_);
    auto accepted = frontier_.find(split.log);
    // Nothing of it may be left to be held.
    if (split.rename_in(held_) && accepted != frontier_.end() && accepted->second.number == kept)
        held_.erase(split.log);
    std::map<SegmentRef, std::vector<PackInfo>> moved;
    for (auto at = introduced_.upper_bound({split.log, kept});
         at != introduced_.end() && at->first.log == split.log; at = introduced_.erase(at))
        moved[{split.tail, at->first.number - kept}] = std::move(at->second);
    introduced_.merge(moved);
}

void VaultReplica::alarm_of_fork(const SegmentOuter& outer) {
    const std::string sentence =
        "log " + outer.header.log.to_hex().substr(0, 16) + " has two segments with number " +
        std::to_string(outer.header.number) + ": its device was cloned or restored from a backup";
    if (std::find(alarms_.begin(), alarms_.end(), sentence) != alarms_.end()) return;
    log_error("vault", "{}", sentence);
    alarms_.push_back(sentence);
}

void VaultReplica::take_over(const SegmentOuter& outer, const SegmentRef& segment) {
    const std::vector<PackInfo>& packs = outer.replicator.packs;
    frontier_[segment.log] = {segment.number, outer.hash};
    ends_.note_accepted(outer);
    for (const SegmentRef& ref : republished_by(outer.replicator))
        republished_[ref].insert(outer.replicator.device);
    if (!packs.empty()) introduced_[segment] = packs;
    for (const PackInfo& pack : packs) {
        known_packs_[pack.id] = pack.length;
        if (!present_.contains(pack.id) && !collected_.contains(pack.id)) missing_.insert(pack.id);
    }
    note_collections(outer);
}

Result<Added> VaultReplica::add_segment(ByteView bytes) {
    TRY(SegmentHeader header, read_segment_header(bytes));
    // What somebody has put into the directory came first.
    const std::uint64_t next = greatest_number_of(header.log) + 1;
    if (environment_.disk.exists(logs_->path_of({header.log, next})))
        static_cast<void>(take_segments(header.log));
    return add_next(bytes);
}

// Where the segments begin to be new; as many as there are: all are here.
// Conflict: what the first one follows is not here.
Result<std::size_t> VaultReplica::first_new(const std::vector<SegmentOuter>& segments) {
    for (std::size_t i = 0; i < segments.size(); ++i) {
        TRY(const LogBranches::Place place, check_place(segments[i]));
        if (!place.is_known) return i;
    }
    return segments.size();
}

Status VaultReplica::admit_file(const OpenedSegments& opened) {
    for (const SegmentOuter& segment : opened.segments) {
        TRY(const LogBranches::Place place, check_place(segment));
        if (!place.is_known) static_cast<void>(admit(segment, place));
    }
    return {};
}

Result<Added> VaultReplica::add_next(ByteView bytes) {
    std::vector<SegmentRef> accepted;
    bool is_held = false;
    {
        MutexLock write_lock(write_mutex_);
        TRY(SegmentHeader header, read_segment_header(bytes));
        auto read = open_segments(bytes, lookup());
        const std::uint64_t from = read.ok() ? read->segments.front().header.number : header.number;
        if (from > greatest_number_of(header.log) + 1) return Added::Gap;
        TRY(OpenedSegments opened, std::move(read));
        std::size_t first = 0;
        {
            MutexLock lock(mutex_);
            auto checked = first_new(opened.segments);
            if (!checked.ok() && checked.error().kind == ErrorKind::Conflict) return Added::Apart;
            TRY(first, std::move(checked));
            if (first < opened.segments.size()) {
                const SegmentOuter& outer = opened.segments[first];
                TRY(const LogBranches::Place place, check_place(outer));
                is_held = is_to_be_held(outer, place);
                if (is_held && held_segments_of(outer.replicator.device) >= kHeldSegmentsMax)
                    return Error{ErrorKind::Refused,
                                 "its log has ended, and enough of what follows is kept"};
            }
        }
        if (first == opened.segments.size()) {
            if (opened.is_compacted())
                keep_compacted(opened, bytes);
            else
                TRY_OK(repair_segment(opened.outer, bytes));
            return Added::Known;
        }
        TRY_OK(check_intake(opened, first, bytes.size()));
        const bool was_in_directory =
            environment_.disk.exists(logs_->path_of(header.log, opened.name()));
        TRY(const LogStore::Name name, store_file(opened, bytes));
        if (opened.is_compacted()) note_compacted(opened, name);
        for (; first < opened.segments.size(); ++first) {
            const SegmentOuter& outer = opened.segments[first];
            MutexLock lock(mutex_);
            const SegmentRef named{outer.header.log, outer.header.number};
            if (segment_alarms_.erase(named) > 0)
                note_mended(CheckFinding::Kind::Segment, segment_name(named));
            TRY(const LogBranches::Place place, check_place(outer));
            if (place.is_known) continue;
            alarm_if_put_back(outer, was_in_directory);
            if (auto segment = admit(outer, place)) accepted.push_back(*segment);
        }
        for (const SegmentRef& released : release_held()) accepted.push_back(released);
    }
    for (const SegmentRef& segment : accepted)
        tell([&](ReplicaListener& listener) { listener.segment_added(segment); });
    return is_held && accepted.empty() ? Added::Held : Added::Stored;
}

// Other bytes under its name are another segment of a forked log, and stay; or were not good enough
// to be it: damaged or unfinished ones are replaced.
Result<LogStore::Name> VaultReplica::store_file(const OpenedSegments& opened, ByteView bytes) {
    const LogId& log = opened.outer.header.log;
    LogStore::Name name = opened.name();
    auto stored = logs_->read(log, name);
    if (!stored.ok() && stored.error().kind != ErrorKind::NotFound &&
        stored.error().kind != ErrorKind::TooLarge)
        return std::move(stored).error();
    const bool is_same = stored.ok() && equal(*stored, bytes);
    const bool is_damaged = [&] {
        if (!stored.ok()) return stored.error().kind == ErrorKind::TooLarge;
        if (is_same) return false;
        auto other = open_outer(*stored, lookup());
        return !other.ok() && other.error().kind == ErrorKind::Corrupt;
    }();
    if (is_damaged) {
        TRY_OK(logs_->repair(log, name, bytes));
        return name;
    }
    TRY(auto put, logs_->put(log, name, bytes));
    static_cast<void>(put);
    if (stored.ok() && !is_same) name.fork = opened.outer.hash;
    return name;
}

Status VaultReplica::publish_segment(const SegmentOuter& outer, ByteView bytes) {
    const SegmentRef segment{outer.header.log, outer.header.number};
    std::vector<SegmentRef> released;
    {
        MutexLock write_lock(write_mutex_);
        LogBranches::Place place;
        {
            MutexLock lock(mutex_);
            auto found = branches_.place_of(outer);
            // Nothing of a log that somebody else writes, too, is written.
            if (!found || !found->is_next)
                return Error{ErrorKind::Conflict, "another program has written this device's log"};
            place = *found;
        }
        TRY(auto stored, logs_->put(segment, bytes));
        if (stored == LogStore::Put::Forked)
            return Error{ErrorKind::Conflict, "another program has written this device's log"};
        {
            MutexLock lock(mutex_);
            const LogBranches::Added added = branches_.add(outer);
            writers_.emplace(segment.log, outer.replicator.device);
            take_over(outer, added.segment);
        }
        released = release_held();
    }
    tell([&](ReplicaListener& listener) { listener.segment_added(segment); });
    for (const SegmentRef& other : released)
        tell([&](ReplicaListener& listener) { listener.segment_added(other); });
    return {};
}

// ---- packs

bool VaultReplica::has_pack(const PackId& pack) {
    MutexLock lock(mutex_);
    return present_.contains(pack);
}

Result<PackInfo> VaultReplica::pack_info(const PackId& pack) {
    MutexLock lock(mutex_);
    if (auto at = present_.find(pack); at != present_.end()) return PackInfo{pack, at->second};
    if (auto at = known_packs_.find(pack); at != known_packs_.end())
        return PackInfo{pack, at->second};
    return Error{ErrorKind::NotFound, "no such pack"};
}

Result<Bytes> VaultReplica::read_pack(const PackId& pack, std::uint64_t offset,
                                      std::uint64_t length) {
    TRY(PackInfo info, pack_info(pack));
    if (offset > info.length || length > info.length - offset)
        return Error{ErrorKind::Invalid, "the range is not within the pack"};
    return packs_->read(pack, offset, static_cast<std::size_t>(length));
}

Result<Bytes> VaultReplica::piece_layers(const PackId& pack) {
    TRY(PackInfo info, pack_info(pack));
    return packs_->piece_layers(info);
}

void VaultReplica::tell_pack(const PackInfo& pack) {
    {
        MutexLock lock(mutex_);
        present_[pack.id] = pack.length;
        missing_.erase(pack.id);
        ++packs_told_;
        if (doubted_packs_.erase(pack.id) > 0)
            note_mended(CheckFinding::Kind::Pack, pack.id.to_hex());
        pack_alarms_.erase({pack.id, PackTrouble::WrongBytes});
    }
    tell([&](ReplicaListener& listener) { listener.pack_added(pack.id); });
    MutexLock lock(mutex_);
    --packs_told_;
}

Status VaultReplica::add_pack(const PackInfo& pack, ByteView bytes) {
    if (has_pack(pack.id) || is_collected(pack.id)) return {};
    TRY_OK(check_room(pack));
    TRY_OK(packs_->put_received(pack, bytes));
    tell_pack(pack);
    return {};
}

Status VaultReplica::adopt_pack(const PackInfo& pack, const fs::path& file) {
    if (has_pack(pack.id) || is_collected(pack.id)) return environment_.disk.remove(file);
    TRY_OK(packs_->adopt_file(pack, file));
    tell_pack(pack);
    return {};
}

void VaultReplica::own_pack_written(const PackInfo& pack) {
    tell_pack(pack);
}

std::pair<std::uint64_t, std::uint64_t> VaultReplica::pack_totals() {
    MutexLock lock(mutex_);
    std::uint64_t bytes = 0;
    for (const auto& [id, length] : present_) bytes += length;
    return {present_.size(), bytes};
}

// ---- listeners

void VaultReplica::add_listener(ReplicaListener& listener) {
    MutexLock lock(listeners_mutex_);
    listeners_.insert(&listener);
}

void VaultReplica::remove_listener(ReplicaListener& listener) {
    MutexLock lock(listeners_mutex_);
    listeners_.erase(&listener);
}

}  // namespace lockstep
