// OpenVault: the journal is opened, and what a crash has left in it is done again.
#include <algorithm>

#include "vault/core/already_published.h"
#include "vault/core/open_vault_secrets.h"

namespace lockstep {

// The greatest time of what the journal holds: what its records name is older.
Result<std::uint64_t> OpenVault::end_of_history(const std::vector<ReplayedEntry>& entries) {
    std::uint64_t end = 0;
    for (const ReplayedEntry& replayed : entries) {
        if (const auto* records = std::get_if<JournalRecords>(&replayed.entry))
            for (const Record& record : records->records)
                end = std::max(end, stamp_of(record).time);
        if (const auto* write = std::get_if<JournalWrite>(&replayed.entry))
            end = std::max(end, write->base.stamp.time);
    }
    return end;
}

Result<std::vector<ReplayedEntry>> OpenVault::open_journal() {
    fs::path directory = local_directory(environment_, replica_.vault_id());
    TRY_OK(environment_.disk.make_directories(directory));
    JournalKey key = environment_.device.journal_key(key_state()->root(), replica_.vault_id());
    TRY(Journal::Opened opened, Journal::open(environment_.disk, directory / "journal",
                                              replica_.vault_id(), key, environment_.random));
    journal_ = std::move(opened.journal);
    for (const std::string& damage : opened.salvage.damage) replica_.alarm("journal: " + damage);
    return std::move(opened.entries);
}

// Any doubt about where this device's log stands begins a new one, so that no number is ever used
// twice.
bool OpenVault::doubts_incarnation(const std::vector<ReplayedEntry>& entries) {
    MutexLock merge_lock(merge_mutex_);
    MutexLock publish_lock(publish_mutex_);
    if (incarnation_.is_zero() || has_twin(entries)) return true;
    if (auto named = named_.find(log_);
        named != named_.end() && named->second.number > head_.number)
        return true;
    for (const ReplayedEntry& replayed : entries) {
        if (const auto* intent = std::get_if<JournalSegmentIntent>(&replayed.entry);
            intent && intent->log == log_) {
            if (intent->number > head_.number) return true;
            if (intent->number == head_.number && intent->hash != head_.hash) return true;
        }
        if (const auto* done = std::get_if<JournalPublished>(&replayed.entry);
            done && done->log == log_)
            if (done->number > head_.number) return true;
    }
    return false;
}

Status OpenVault::replay(const std::vector<ReplayedEntry>& entries) {
    IncarnationId incarnation;
    for (const ReplayedEntry& replayed : entries)
        if (const auto* began = std::get_if<JournalIncarnation>(&replayed.entry))
            incarnation = began->incarnation;
    {
        MutexLock publish_lock(publish_mutex_);
        MutexLock lock(mutex);
        incarnation_ = incarnation;
        log_ = secrets_->vault.log_id(environment_.device.id(), incarnation_);
        if (auto at = applied_.find(log_); at != applied_.end()) head_ = at->second;
    }
    TRY(auto last_stamps, last_own_stamps(entries));
    const AlreadyPublished published(std::move(last_stamps), entries, secrets_->derived);
    if (doubts_incarnation(entries)) {
        MutexLock publish_lock(publish_mutex_);
        Status began = begin_incarnation();
        if (!began.ok() && began.error().kind != ErrorKind::NoSpace) return began;
        // On a full disk the vault can be read; before it publishes it begins a log that is noted.
        if (!began.ok()) is_log_in_doubt_ = true;
    }
    hybrid_.set_log(log_);
    for (const ReplayedEntry& replayed : unreleased(entries)) {
        if (const auto* content = std::get_if<JournalContent>(&replayed.entry)) {
            if (Status restored = content_->restore(*content); !restored.ok())
                replica_.alarm("journal: " + restored.error().message);
        }
        if (const auto* records = std::get_if<JournalRecords>(&replayed.entry)) {
            std::vector<Record> pending;
            for (const Record& record : records->records) {
                hybrid_.observe(stamp_of(record));
                if (!published.contains(record)) pending.push_back(record);
            }
            if (pending.empty()) continue;
            MutexLock lock(mutex);
            tree.restore_pending(pending);
            if (!first_change_) first_change_ = last_change_ = environment_.clock.steady();
        }
    }
    {
        MutexLock lock(mutex);
        static_cast<void>(tree.take_new_records());
        static_cast<void>(tree.take_changes());
    }
    return restore_writes(entries);
}

Status OpenVault::begin_incarnation() {
    incarnation_ = environment_.random.id<IncarnationId>();
    log_ = secrets_->vault.log_id(environment_.device.id(), incarnation_);
    head_ = {};
    hybrid_.set_log(log_);
    TRY(auto sequence,
        journal_->append(JournalIncarnation{incarnation_, log_}, Journal::Append::BeforeCommit));
    static_cast<void>(sequence);
    TRY_OK(journal_->commit());
    is_log_in_doubt_ = false;
    return {};
}

}  // namespace lockstep
