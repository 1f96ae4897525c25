// Forked logs: this device, or another one, was cloned or restored from a backup.
//
// Both ways that a forked log goes are applied like any other log. Where it is this device's own,
// the device begins a new incarnation: what it writes from then on nobody else writes, too.
#include "base/log.h"
#include "vault/core/open_vault_secrets.h"

namespace lockstep {

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

// The same, of what has come since.
bool OpenVault::is_own_log_elsewhere() {
    return replica_.is_split(log_) || replica_.last_of(log_) != head_;
}

}  // namespace lockstep
