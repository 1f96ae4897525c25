// Logs that have ended: what this device had applied of them is told to the others, and what it
// wrote itself beyond the end of its own log comes to count by a new one that names it.
#include <algorithm>

#include "base/log.h"
#include "vault/core/open_vault_secrets.h"

namespace lockstep {

// What the tree showed before its log was ended goes on showing; testify() tells the others.
void OpenVault::accept_applied(const std::vector<LogRow>& logs) {
    Frontier applied;
    for (const LogRow& row : logs) applied[row.log] = row.last;
    replica_.accept_applied(applied);
}

// After two revocations at once no epoch is without a revoked device: an owner makes one. A member
// who was admitted while another was removed is given the new epoch.
Status OpenVault::complete_keys() {
    const auto state = key_state();
    const bool must_rotate = !state->write_epoch();
    if (!must_rotate && !state->leaves_somebody_out()) return {};
    if (state->roster().authority_of(replica_.signing_key().public_key()) != Authority::Owner)
        return {};
    const KeyEditor editor{*state, replica_.signing_key(), environment_.clock.wall_ms(),
                           environment_.random};
    TRY(Bytes object, must_rotate ? rotate_epoch(editor) : merge_key_objects(editor));
    return replica_.publish_key_object(object);
}

// What has been applied depends on nothing that has not; what has merely come may.
std::vector<LogCut> OpenVault::applied_of(const DeviceId& device) {
    std::vector<LogCut> out;
    for (const LogCut& here : replica_.cuts_of(device)) {
        MutexLock lock(mutex);
        if (auto at = applied_.find(here.log); at != applied_.end())
            out.push_back({here.log, at->second.number, at->second.hash});
    }
    return out;
}

Status OpenVault::settle_ends() {
    if (replica_.is_revoked()) {
        replica_.alarm("this device was removed from the vault: what changes here stays here");
        return {};
    }
    if (is_reader_) return {};
    TRY_OK(testify());
    if (replica_.end_of(log_)) TRY_OK(begin_incarnation());
    const Frontier own = replica_.own_beyond_ends();
    if (own.empty()) return {};
    Frontier frontier = frontier_to_name();
    for (const auto& [log, last] : own) frontier[log] = last;
    TRY_OK(publish_segment({.records = {}, .frontier = std::move(frontier), .packs = {}}));
    replica_.accept_applied(own);
    return {};
}

Status OpenVault::testify() {
    Frontier applied;
    {
        MutexLock lock(mutex);
        applied = applied_;
    }
    const auto due = replica_.testimony_due(applied);
    if (!due || epoch_keys(due->epoch) == nullptr) return {};
    return publish_segment(
        {.records = {}, .frontier = due->frontier, .packs = {}, .epoch = due->epoch});
}

// The same records with their own stamps: whoever has them already sees no change, and registers
// that were set since keep what they have.
Status OpenVault::republish(const SegmentRef& segment) {
    TRY(Bytes bytes, read_original(segment));
    TRY(SegmentOuter outer, open_outer(bytes, replica_.lookup()));
    const EpochKeys* keys = epoch_keys(outer.header.epoch);
    if (keys == nullptr) return Error{ErrorKind::WrongKey, "the segment's epoch is not known"};
    TRY(RecordBatch batch, open_records(bytes, outer, replica_.vault_id(), keys->records));
    for (const Record& record : batch.records)
        if (hybrid_.is_too_far_ahead(stamp_of(record)))
            return Error{ErrorKind::Refused, "it has times more than a day ahead"};
    for (const Record& record : batch.records) hybrid_.observe(stamp_of(record));
    TRY_OK(publish_segment({.records = batch.records,
                            .frontier = frontier_to_name(),
                            .packs = outer.replicator.packs,
                            .republished = {segment}}));
    {
        MutexLock lock(mutex);
        tree.apply(batch.records);
    }
    note_changes(environment_.device.id(), batch.records);
    return {};
}

// What the held segment builds on is shown here, or was published again.
bool OpenVault::can_adopt(const SegmentRef& segment) {
    auto outer = replica_.open_stored(segment);
    if (!outer.ok()) return false;
    Frontier needs = outer->replicator.frontier;
    const SegmentHeader& header = outer->header;
    if (header.number > 1) needs[header.log] = {header.number - 1, outer->replicator.previous};
    // What was adopted was adopted with all before it.
    return std::all_of(needs.begin(), needs.end(), [&](const auto& need) {
        if (is_applied(need.first, need.second)) return true;
        const auto place = replica_.find(need.first, need.second);
        return place && replica_.is_republished(*place);
    });
}

Result<std::uint64_t> OpenVault::adopt(const DeviceId& device) {
    if (is_reader_) return Error{ErrorKind::ReadOnly, "this device may only read in this vault"};
    std::uint64_t count = 0;
    bool has_any = false;
    {
        MutexLock publish_lock(publish_mutex_);
        if (is_log_in_doubt_) TRY_OK(begin_incarnation());
        // In causal order: one log may build on another.
        for (bool progress = true; progress;) {
            progress = false;
            for (const HeldLog& log : replica_.held()) {
                if (log.device != device) continue;
                has_any = true;
                for (std::uint64_t number : log.numbers) {
                    if (!can_adopt({log.log, number})) break;
                    TRY_OK(republish({log.log, number}));
                    progress = true;
                    ++count;
                }
            }
        }
    }
    if (!has_any) return Error{ErrorKind::NotFound, "nothing of that device waits to be adopted"};
    if (count == 0)
        return Error{ErrorKind::Unavailable,
                     "what that device wrote builds on changes that have not arrived here yet: "
                     "adopt it once they have"};
    commit_index();
    files_->tree_merged();
    return count;
}

}  // namespace lockstep
