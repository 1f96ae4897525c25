// Forked logs: this device, or another one, was cloned or restored from a backup.
//
// Both ways that a forked log goes are applied like any other log. Where it is this device's own,
// the device begins a new incarnation: what it writes from then on nobody else writes, too.
#include "base/log.h"
#include "vault/core/open_vault_secrets.h"

namespace lockstep {
namespace {

// What the journal says that this device has written of each of its logs, the newest first.
std::map<LogId, std::vector<JournalSegmentIntent>> written_by_journal(
    const std::vector<ReplayedEntry>& entries) {
    std::map<LogId, std::vector<JournalSegmentIntent>> out;
    for (auto each = entries.rbegin(); each != entries.rend(); ++each)
        if (const auto* intent = std::get_if<JournalSegmentIntent>(&each->entry))
            out[intent->log].push_back(*intent);
    return out;
}

}  // namespace

bool OpenVault::is_applied(const LogId& log, const LogPosition& position) {
    std::optional<SegmentRef> wanted = SegmentRef{log, position.number};
    // Its author may know the log by the name that it had before it was forked.
    if (replica_.has_splits()) wanted = replica_.find(log, position);
    if (!wanted) return false;
    MutexLock lock(mutex);
    auto at = applied_.find(wanted->log);
    return at != applied_.end() && at->second.number >= wanted->number;
}

void OpenVault::follow_forks() {
    if (!replica_.has_splits()) return;
    Frontier applied;
    {
        MutexLock lock(mutex);
        applied = applied_;
    }
    for (const auto& [log, last] : applied) {
        const auto pieces = replica_.pieces_of(log, last);
        if (pieces.size() < 2) continue;
        for (std::size_t i = 0; i + 1 < pieces.size(); ++i) {
            Status split = index_->log().split(
                {.log = pieces[i].first, .kept = pieces[i].second, .tail = pieces[i + 1].first});
            if (split.ok()) continue;
            log_warning("index", "{}", split.error().message);
            index_->abandon();
        }
        MutexLock lock(mutex);
        for (const auto& [piece, position] : pieces) {
            if (position.number == 0)
                applied_.erase(piece);
            else
                applied_[piece] = position;
        }
    }
}

// Whether the log that the journal says is this device's own goes on where it did not write it: a
// machine with a copy of its state did, or it was restored from a backup.
bool OpenVault::has_twin(const std::vector<ReplayedEntry>& entries) {
    if (replica_.is_split(log_)) return true;
    std::uint64_t written = 0;
    for (const ReplayedEntry& replayed : entries) {
        if (const auto* intent = std::get_if<JournalSegmentIntent>(&replayed.entry);
            intent && intent->log == log_)
            written = std::max(written, intent->number);
        if (const auto* done = std::get_if<JournalPublished>(&replayed.entry);
            done && done->log == log_)
            written = std::max(written, done->number);
    }
    return replica_.last_of(log_).number > written;
}

// What the last durable segment of a log of this device holds was published, even when a crash left
// the journal no time to say so: an operation of that log is in it if its stamp is not above the
// segment's greatest. Unless that segment was one of several that one publish needed: they are not
// in the order of stamps. What another machine has written, that has gone on with the log, does not
// count.
Result<std::map<LogId, Stamp>> OpenVault::last_own_stamps(
    const std::vector<ReplayedEntry>& entries) {
    auto written = written_by_journal(entries);
    if (!written.contains(log_)) {
        const LogPosition last = replica_.last_of(log_);
        written[log_].push_back({log_, last.number, last.hash, true});
    }
    std::map<LogId, Stamp> out;
    for (const auto& [log, intents] : written) {
        std::uint64_t greatest = 0;
        for (const JournalSegmentIntent& intent : intents) {
            const auto pieces = replica_.pieces_of(log, {intent.number, intent.hash});
            if (pieces.empty()) continue;  // it was not written after all
            for (const auto& [piece, last] : pieces) {
                TRY(std::uint64_t time, index_->log().greatest_time({piece, last.number}));
                greatest = std::max(greatest, time);
            }
            if (!intent.ends_publish) greatest = 0;
            break;
        }
        if (greatest != 0) out[log] = {greatest, log};
    }
    return out;
}

// Of everything in this device's logs that it has not written itself.
Result<std::set<Stamp>> OpenVault::stamps_of_twins(const std::vector<ReplayedEntry>& entries) {
    std::set<Stamp> out;
    for (const auto& [own, intents] : written_by_journal(entries)) {
        std::map<LogId, std::uint64_t> written;
        for (const JournalSegmentIntent& intent : intents)
            if (written.empty())
                for (const auto& [log, last] :
                     replica_.pieces_of(own, {intent.number, intent.hash}))
                    written[log] = last.number;
        for (const auto& [log, last] : replica_.frontier()) {
            if (replica_.origin_of(log) != own) continue;
            for (std::uint64_t number = written[log] + 1; number <= last.number; ++number) {
                TRY(auto records, index_->log().records_of({log, number}));
                for (const Record& record : records) out.insert(stamp_of(record));
            }
        }
    }
    return out;
}

// Whether it has gone on by now.
bool OpenVault::is_own_log_elsewhere() {
    return replica_.is_split(log_) || replica_.last_of(log_) != head_;
}

}  // namespace lockstep
