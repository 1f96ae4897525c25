// Objects that others have put into the vault directory, taken where they lie.
#include "base/log.h"
#include "vault/core/vault_replica.h"

namespace lockstep {

bool VaultReplica::has_key_object(const KeyObjectId& id) {
    MutexLock lock(mutex_);
    return key_objects_.contains(id);
}

bool VaultReplica::is_introduced(const PackId& pack) {
    MutexLock lock(mutex_);
    return known_packs_.contains(pack);
}

std::optional<DeviceId> VaultReplica::writer_of(const LogId& log) {
    MutexLock lock(mutex_);
    auto at = writers_.find(log);
    return at == writers_.end() ? std::nullopt : std::optional(at->second);
}

std::vector<PackInfo> VaultReplica::missing_packs_of(const LogId& log) {
    std::vector<PackInfo> out;
    MutexLock lock(mutex_);
    for (auto at = introduced_.lower_bound({log, 0});
         at != introduced_.end() && at->first.log == log; ++at)
        for (const PackInfo& pack : at->second)
            if (missing_.contains(pack.id)) out.push_back(pack);
    return out;
}

// ---- segments

namespace {
// The widest that stands for that number.
std::optional<LogStore::Name> compacted_with(const std::vector<LogStore::File>& files,
                                             std::uint64_t number) {
    std::optional<LogStore::Name> out;
    for (const LogStore::File& file : files)
        if (file.name.is_compacted() && !file.name.fork && file.name.holds(number) &&
            (!out || out->number < file.name.number))
            out = file.name;
    return out;
}
}  // namespace

LogPosition VaultReplica::last_of(const LogId& log) {
    MutexLock lock(mutex_);
    return last_here(log);
}

std::uint64_t VaultReplica::greatest_number_of(const LogId& log) {
    MutexLock lock(mutex_);
    return branches_.greatest_of(log);
}

bool VaultReplica::has_segment(const SegmentRef& header, const SegmentHash& hash) {
    MutexLock lock(mutex_);
    for (const SegmentRef& segment : branches_.named_by_header(header))
        if (branches_.hash_of(segment) == hash) return true;
    return false;
}

std::vector<SegmentRef> VaultReplica::segments_here() {
    std::vector<SegmentRef> out;
    for (const LogId& log : logs_->logs()) {
        const std::uint64_t last = greatest_number_of(log);
        for (const LogStore::Name& name : logs_->names(log))
            if (!name.fork && !name.is_compacted() && name.number <= last)
                out.push_back({log, name.number});
    }
    return out;
}

std::optional<Error> VaultReplica::take_segments(const LogId& log) {
    for (;;) {
        LogStore::Name name{.number = greatest_number_of(log) + 1, .fork = {}};
        const std::uint64_t next = name.number;
        auto bytes = logs_->read(log, name);
        if (!bytes.ok() && bytes.error().kind == ErrorKind::NotFound) {
            const auto compacted = compacted_with(logs_->files(log), next);
            if (!compacted) return std::nullopt;
            name = *compacted;
            bytes = logs_->read(log, name);
        }
        if (!bytes.ok()) return std::move(bytes).error();
        auto header = read_segment_header(*bytes);
        if (!header.ok()) return std::move(header).error();
        if (header->log != log || header->number != name.number)
            return Error{ErrorKind::Corrupt, "it is not the segment that its name says"};
        auto added = add_next(*bytes);
        if (!added.ok()) return std::move(added).error();
        // What is deleted here may be deleted for whoever has put it there.
        if (*added == Added::Stored) presence_->note_shared_directory();
        if (*added == Added::Apart)
            return Error{ErrorKind::Conflict, "it does not follow the segment before it"};
        if (greatest_number_of(log) < next) return std::nullopt;
    }
}

bool VaultReplica::recheck_segment(const SegmentRef& header) {
    auto verify = [&]() -> Status {
        TRY(Bytes bytes, logs_->read(header));
        if (has_segment(header, segment_hash(bytes))) return {};
        if (open_outer(bytes, lookup()).ok())
            return Error{ErrorKind::Conflict,
                         "somebody has put another one in its place: its device was cloned or "
                         "restored from a backup"};
        return Error{ErrorKind::Corrupt, "somebody has damaged it in the vault directory"};
    };
    Status verified = verify();
    const bool has_gone = !verified.ok() && verified.error().kind == ErrorKind::NotFound;
    if (has_gone) files_->find_compacted(header.log);
    if (has_gone && is_held_otherwise(header)) {
        // Somebody has compacted the log, or taken note of it.
        logs_->forget(header.log, {.number = header.number, .fork = {}});
        verified = {};
    }
    if (verified.ok()) {
        MutexLock lock(mutex_);
        damaged_segments_.erase(header);
        segment_alarms_.erase(header);
        return true;
    }
    std::string sentence = "segment " + header.log.to_hex().substr(0, 16) + "/" +
                           std::to_string(header.number) + ": " +
                           (verified.error().kind == ErrorKind::NotFound
                                ? "somebody has removed it from the vault directory"
                                : verified.error().message);
    log_error("vault", "{}", sentence);
    {
        MutexLock lock(mutex_);
        segment_alarms_[header] = std::move(sentence);
    }
    note_damage(header);
    return false;
}

// ---- forked logs

std::optional<SegmentRef> VaultReplica::find(const LogId& log, const LogPosition& position) {
    MutexLock lock(mutex_);
    return branches_.find(log, position);
}

std::vector<std::pair<LogId, LogPosition>> VaultReplica::pieces_of(const LogId& log,
                                                                   const LogPosition& position) {
    MutexLock lock(mutex_);
    return branches_.pieces_of(log, position);
}

std::vector<SegmentRef> VaultReplica::named_by_header(const SegmentRef& header) {
    MutexLock lock(mutex_);
    return branches_.named_by_header(header);
}

bool VaultReplica::is_split(const LogId& log) {
    MutexLock lock(mutex_);
    return branches_.is_split(log);
}

LogId VaultReplica::origin_of(const LogId& log) {
    MutexLock lock(mutex_);
    return branches_.origin_of(log);
}

bool VaultReplica::has_splits() {
    MutexLock lock(mutex_);
    return branches_.has_splits();
}

// ---- packs

bool VaultReplica::doubt_pack(const PackId& pack) {
    PackInfo info{.id = pack};
    {
        MutexLock lock(mutex_);
        if (missing_.contains(pack)) return true;
        auto known = known_packs_.find(pack);
        if (known == known_packs_.end() || !present_.contains(pack)) return false;
        info.length = known->second;
    }
    Status whole = packs_->verify(info);
    if (whole.ok() ||
        (whole.error().kind != ErrorKind::Corrupt && whole.error().kind != ErrorKind::NotFound))
        return false;
    log_warning("vault", "pack {} is damaged and will be fetched again: {}", pack.to_hex(),
                whole.error().message);
    {
        MutexLock lock(mutex_);
        if (present_.erase(pack) == 0) return missing_.contains(pack);
        missing_.insert(pack);
        doubted_packs_.insert(pack);
    }
    tell([&](ReplicaListener& listener) { listener.pack_wanted_now(info); });
    return true;
}

Result<Added> VaultReplica::take_pack(const PackId& pack) {
    PackInfo info{.id = pack};
    {
        MutexLock lock(mutex_);
        if (present_.contains(pack) || collected_.contains(pack)) return Added::Known;
        auto known = known_packs_.find(pack);
        if (known == known_packs_.end()) return Added::Gap;
        info.length = known->second;
    }
    TRY_OK(packs_->take_in_place(info));
    tell_pack(info);
    return Added::Stored;
}

// Its bytes are not hashed again: who reads them, here or at a peer, verifies them. But somebody
// may have mended what an alarm tells of.
bool VaultReplica::recheck_pack(const PackId& pack) {
    auto bytes = packs_->open_pack(pack);
    std::optional<PackInfo> alarmed;
    {
        MutexLock lock(mutex_);
        if (auto at = present_.find(pack); at != present_.end())
            if (pack_alarms_.contains({pack, PackTrouble::WrongBytes}))
                alarmed = {pack, at->second};
    }
    if (alarmed && packs_->verify(*alarmed).ok()) pack_is_whole(pack);
    MutexLock lock(mutex_);
    auto here = present_.find(pack);
    if (here == present_.end()) return false;
    if (bytes.ok() && (*bytes)->size() == here->second) return true;
    present_.erase(here);
    if (known_packs_.contains(pack) && !collected_.contains(pack)) {
        missing_.insert(pack);
        doubted_packs_.insert(pack);
    }
    return false;
}

std::vector<PackInfo> VaultReplica::take_strays() {
    std::vector<PackInfo> found;
    {
        MutexLock lock(mutex_);
        for (const auto& [id, length] : candidates_) found.push_back({id, length});
        candidates_.clear();
    }
    std::erase_if(found, [&](const PackInfo& pack) { return !packs_->take_in_place(pack).ok(); });
    MutexLock lock(mutex_);
    for (const PackInfo& pack : found) {
        present_[pack.id] = pack.length;
        missing_.erase(pack.id);
    }
    std::vector<PackInfo> out;
    for (const auto& [id, length] : present_)
        if (!known_packs_.contains(id)) out.push_back({id, length});
    return out;
}

void VaultReplica::drop_stray(const PackId& pack) {
    MutexLock lock(mutex_);
    if (!known_packs_.contains(pack)) present_.erase(pack);
}

std::vector<PackInfo> VaultReplica::present_packs() {
    MutexLock lock(mutex_);
    std::vector<PackInfo> out;
    for (const auto& [id, length] : present_) out.push_back({id, length});
    return out;
}

}  // namespace lockstep
