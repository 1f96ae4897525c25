// SimulatedWorld: everything heals, the devices settle, and the oracles judge.
#include <algorithm>

#include "tests/sim/merge_table.h"
#include "tests/sim/simulated_world.h"

namespace lockstep::sim {

void SimulatedWorld::heal() {
    note("everything heals");
    network_.sides.clear();
    for (auto& device : devices_) {
        if (is_wrong()) return;
        heal_disk(*device);
        look_after(*device);
        user_of(*device).close_handles();
        if (!device->has_rot) continue;
        put_back(*device);
        publish(*device, true);
        // The index remembers the damage.
        if (Status rebuilt = device->vault->vault().rebuild_index(); !rebuilt.ok())
            return fail(device->label() + ": rebuild the index: " + rebuilt.error().message);
        reopen(
            *device, [&] { return device->vault->kill_and_reopen(); }, "its objects were mended");
        device->has_rot = false;
    }
    // Time passes until no stamp lies in the future; clocks are set right.
    if (had_bad_clock_) now_ms_ += clock_ahead_ms_max_ + 48 * kHourMs;
    now_ms_ += 3000;
    for (auto& device : devices_) {
        device->clock.advance(std::chrono::seconds(3));
        device->clock.set_wall_ns(FakeClock::kStartNs + now_ms_ * 1'000'000);
    }
}

void SimulatedWorld::settle() {
    count_members();
    for (std::size_t round = 0; round < 12 && !is_wrong(); ++round) {
        advance(3000);
        for (auto& device : devices_) {
            merge(*device);
            publish(*device, is_member(*device) && round > 4);
            if (is_wrong() && are_keys_apart()) break;
            if (is_wrong()) return;
        }
        for (auto& to : devices_)
            for (auto& from : devices_) exchange_all(*to, *from);
        if (round > 0) give_rights_back();
        // A device whose log was closed still has all of it; the others have it under another name.
        const auto state = [](SimDevice& device) { return device.replica().frontier_to_merge(); };
        const bool is_quiet = std::all_of(members_.begin(), members_.end(), [&](SimDevice* device) {
            return device->vault->vault().status().pending_records == 0 &&
                   !device->vault->vault().publish_due() &&  // a step of a collection
                   state(*device) == state(*members_[0]);
        });
        if (is_quiet && round > 0 && !adopt_leftovers()) return;
    }
    if (options_.with_membership && are_keys_apart()) {
        count("membership: no owner opens all keys");
        wrong_.clear();
        is_stuck_ = true;
        return;
    }
    if (is_wrong()) return;
    note_states();
    fail("the devices do not come to rest");
}

// Two owners have removed each other, and no third one has what both made since: a person with the
// passphrase must let the one in again whom the other left out.
bool SimulatedWorld::are_keys_apart() {
    std::set<KeyObjectId> all;
    for (SimDevice* device : members_)
        for (const KeyObjectId& id : device->replica().key_objects()) all.insert(id);
    return std::none_of(members_.begin(), members_.end(), [&](SimDevice* device) {
        const RosterMember* member = roster_->find(device->id());
        return member->role == MemberRole::Owner &&
               device->replica().key_objects().size() == all.size();
    });
}

// For whoever looks into what went wrong.
void SimulatedWorld::note_states() {
    for (SimDevice* device : members_) {
        const VaultStatus status = device->vault->vault().status();
        std::string line = "  " + device->label() + ": " + std::to_string(status.pending_records) +
                           " records to publish, " + std::to_string(status.unmerged_segments) +
                           " segments to merge;";
        for (const auto& [log, last] : device->replica().frontier()) {
            line += " " + log.to_hex().substr(0, 8) + "/" + std::to_string(last.number);
            if (auto end = device->replica().end_of(log))
                line += " (ends at " + std::to_string(end->number) + ")";
        }
        note(line + alarms_of(*device));
    }
}

void SimulatedWorld::check() {
    check_alarms();
    if (is_wrong()) return;
    count_members();
    check_convergence();
    if (is_wrong()) return note_states();
    SimDevice& first = *members_[0];
    auto witness = Witness::of(first);
    if (!witness.ok()) return fail("witness: " + witness.error().message);
    if (std::string text = (*witness)->difference(Witness::shown_by(first)); !text.empty())
        return fail("the reference model disagrees: " + text);
    check_promises();
    count_merges(**witness, counters_);
    if (options_.with_membership && !is_wrong()) check_members();
    SimDevice& last = *members_[random_.below(members_.size())];
    // By a clock that is years ahead everything is old, and who only reads does not object for the
    // snapshots that nobody else has heard of.
    if (!is_wrong() && !(had_bad_clock_ && had_readers_))
        check_history(last, FakeClock::kStartNs / 1'000'000 + now_ms_);
    count_collections();
    check_blind();
    if (!is_wrong()) check_index(last);
}

void SimulatedWorld::check_convergence() {
    const Witness::Shown wanted = Witness::shown_by(*members_[0]);
    for (SimDevice* device : members_) {
        const VaultStatus status = device->vault->vault().status();
        if (status.unmerged_segments != 0) return fail(device->label() + " has unmerged segments");
        if (status.missing_packs != 0) return fail(device->label() + " lacks packs");
        const Witness::Shown shown = Witness::shown_by(*device);
        if (!shown.wrong.empty()) return fail(shown.wrong);
        for (const auto& [path, line] : wanted.entries)
            if (!shown.entries.contains(path) || shown.entries.at(path) != line)
                return fail(device->label() + " shows " + path + " otherwise than " +
                            members_[0]->label() + ", or not at all: " + line + " " +
                            (shown.entries.contains(path) ? shown.entries.at(path) : "not"));
        if (shown.entries != wanted.entries)
            return fail(device->label() + " shows another tree than " + members_[0]->label());
        if (shown.bytes != wanted.bytes)
            return fail(device->label() + " shows other bytes than " + members_[0]->label());
    }
}

void SimulatedWorld::check_promises() {
    std::set<ContentKey> shown;
    const Witness::Shown all = Witness::shown_by(*members_[0]);
    for (const auto& [path, bytes] : all.bytes) {
        const bool is_symlink = all.entries.at(path).starts_with("3 ");
        const ContentKey key = is_symlink ? key_of_symlink(bytes) : key_of(bytes);
        shown.insert(key);
        if (!ledger_.is_known(key)) return fail(path + " holds bytes that nobody wrote");
    }
    const auto must_show = [&](std::size_t device, const auto& logs) {
        return counts(device, logs);
    };
    for (const std::string& what : ledger_.broken(shown, must_show))
        return fail("lost: what " + what);
    counters_["promises kept"] += ledger_.promises();
}

void SimulatedWorld::check_index(SimDevice& device) {
    const auto digest = [&]() -> std::optional<std::array<std::byte, 32>> {
        auto report = device.vault->vault().check();
        if (!report.ok()) {
            fail(device.label() + ": check: " + report.error().message);
            return std::nullopt;
        }
        if (!report->errors.empty() && !had_trouble_)
            fail(device.label() + ": check: " + report->errors.front());
        return report->index_digest;
    };
    const Witness::Shown before = Witness::shown_by(device);
    const Frontier before_restart = device.replica().frontier();
    // A restart finds segments whose publishing had failed when they were almost durable.
    reopen(
        device, [&] { return device.vault->kill_and_reopen(); }, "a kill");
    if (is_wrong()) return;
    const auto live = digest();
    if (Status rebuilt = device.vault->vault().rebuild_index(); !rebuilt.ok())
        return fail(device.label() + ": rebuild the index: " + rebuilt.error().message);
    reopen(
        device, [&] { return device.vault->kill_and_reopen(); }, "its index is made anew");
    if (is_wrong()) return;
    const Witness::Shown after = Witness::shown_by(device);
    if (after.entries != before.entries || after.bytes != before.bytes)
        return fail(device.label() + " shows something else after its index was made anew: " +
                    Witness::first_difference(before, after));
    // What lies behind the end of a log is in the index of whoever had applied it before, and not
    // in one that is made from the segments that count.
    const bool has_ended_logs = std::any_of(
        before_restart.begin(), before_restart.end(),
        [&](const auto& each) { return device.replica().end_of(each.first).has_value(); });
    if (!is_wrong() && !has_ended_logs && digest() != live)
        fail(device.label() + ": an index made anew is another one");
}

// No alarm without a reason; and one where there is a reason.
void SimulatedWorld::check_alarms() {
    bool is_told = false, is_rollback_told = false;
    for (auto& device : devices_) {
        for (const std::string& alarm : device->vault->vault().status().alarms) {
            if (!had_trouble_) return fail(device->label() + ": " + alarm);
            if (alarm.find("cloned or restored") == std::string::npos) continue;
            (alarm.starts_with("rollback") ? is_rollback_told : is_told) = true;
        }
    }
    if (is_forked_ && !is_told) fail("a log was forked, and nobody says so");
    if (is_told && !is_cloned_) fail("an alarm tells of a fork, and there is none");
    if (is_rollback_told && !was_put_back_) fail("an alarm tells of a rollback, and there is none");
    if (is_forked_) count("fault: fork with an alarm");
}

}  // namespace lockstep::sim
