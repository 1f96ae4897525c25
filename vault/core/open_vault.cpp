#include "vault/core/open_vault.h"

#include <algorithm>

#include "base/log.h"
#include "vault/core/open_vault_secrets.h"

namespace lockstep {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr auto kFirstPublishDelay = milliseconds(10);  // after a pause
// Packs are introduced in the midst of a long write, so that others fetch while it goes on.
constexpr std::uint64_t kIntroduceBytes = 64 * kMiB;
constexpr auto kPublishDelay = milliseconds(150);       // after the last change
constexpr auto kPublishDelayMax = milliseconds(2000);   // under steady change
constexpr unsigned kPublishesPutOffMax = 16;            // in a row, while files are rewritten
constexpr std::uint64_t kJournaledContentMax = kMiB;    // more goes to a pack at fsync
constexpr std::uint64_t kJournalSizeMax = 4 * kMiB;     // then it is emptied when that is easy
constexpr std::uint64_t kJournalSizeLarge = 64 * kMiB;  // then it is emptied whatever that takes
constexpr auto kWithCommit = Journal::Append::BeforeCommit;

}  // namespace

// ---- opening

Result<std::unique_ptr<OpenVault>> OpenVault::open(const VaultEnvironment& environment,
                                                   VaultReplica& replica,
                                                   std::shared_ptr<const KeyState> keys,
                                                   std::function<void()> work_changed) {
    CHECK(keys->is_unlocked());
    auto secrets = std::make_unique<Secrets>(*keys);
    std::unique_ptr<OpenVault> out(new OpenVault(environment, replica, std::move(keys),
                                                 std::move(secrets), std::move(work_changed)));
    TRY_OK(out->load());
    return out;
}

OpenVault::OpenVault(const VaultEnvironment& environment, VaultReplica& replica,
                     std::shared_ptr<const KeyState> keys, std::unique_ptr<Secrets> secrets,
                     std::function<void()> work_changed)
    : TreeHost({environment.random, secrets->derived, environment.device_label}),
      environment_(environment),
      replica_(replica),
      keys_(std::move(keys)),
      secrets_(std::move(secrets)),
      work_changed_(std::move(work_changed)),
      hybrid_(environment.clock),
      brake_(environment_.disk, environment_.clock,
             local_directory(environment_, replica.vault_id()) / "brake.local") {}

OpenVault::~OpenVault() {
    close_absent_content();
    files_.reset();
    content_.reset();
}

Status OpenVault::load() {
    is_reader_ = replica_.may_only_read();
    TRY(std::vector<ReplayedEntry> entries, open_journal());
    // A clock that was set back makes this device's own history none of the future's: what it was
    // built upon must be there when the journal is replayed.
    TRY(std::uint64_t history_end, end_of_history(entries));
    hybrid_.trust_until(history_end);
    TRY_OK(open_index());
    {
        MutexLock lock(mutex);
        is_braking_ = !applied_.empty();
    }
    content_ = std::make_unique<ContentPool>(ContentPoolEnvironment{
        .index = *index_,
        .packs = replica_.packs(),
        .ids = secrets_->ids,
        .random = environment_.random,
        .workers = environment_.workers,
        .cache_size = environment_.chunk_cache_size,
        .vault = replica_.vault_id(),
        .write_epoch = key_state()->write_epoch().value_or(key_state()->newest_epoch()),
        .pack_base_of = [this](const EpochId& epoch) -> const AnySecretKey* {
            const EpochKeys* keys = epoch_keys(epoch);
            return keys == nullptr ? nullptr : &keys->pack_base;
        },
        .may_arrive = [this] { return replica_.has_absent_packs() || expected_packs_ > 0; },
        .alarm =
            [this](const PackId& pack, const std::string& why) {
                replica_.alarm_of_pack(pack, VaultReplica::PackTrouble::WrongClaims, why);
            },
        .fetch_again = [this](const PackId& pack) { return replica_.doubt_pack(pack); },
        .content_wait = environment_.content_wait,
        .pack_written =
            [this](const PackInfo& pack) {
                replica_.own_pack_written(pack);
                if (has_packs_to_introduce()) work_changed_();
            }});
    TRY_OK(open_absent_content());
    files_ = std::make_unique<VaultFiles>(
        VaultFilesEnvironment{*this, *content_, environment_.workers, secrets_->chunker,
                              secrets_->ids, secrets_->derived});

    // Packs of ours that were durable when a crash came before their segment: the next segment
    // introduces them.
    std::vector<PackInfo> strays = replica_.take_strays();
    std::erase_if(strays, [&](const PackInfo& pack) {
        if (content_->pack_arrived(pack).ok()) return false;
        replica_.drop_stray(pack.id);
        return true;
    });
    TRY_OK(index_packs());
    TRY(std::uint64_t merged, merge());
    static_cast<void>(merged);
    for (const PackInfo& pack : strays) content_->add_unintroduced(pack);
    // What the journal needs of a file's content may have to come from others.
    replica_.own_presence().attach(rebuilder_.get());
    TRY_OK(replay(entries));
    hybrid_.trust_until(0);
    is_loaded_ = is_braking_ = true;
    {
        MutexLock lock(arriving_mutex_);
        arriving_.want_walk();
    }
    select_packs();
    return {};
}

std::shared_ptr<const KeyState> OpenVault::key_state() {
    MutexLock lock(keys_mutex_);
    return keys_;
}

const EpochKeys* OpenVault::epoch_keys(const EpochId& epoch) {
    MutexLock lock(keys_mutex_);
    auto at = secrets_->epochs.find(epoch);
    return at == secrets_->epochs.end() ? nullptr : at->second.get();
}

void OpenVault::keys_changed() {
    auto state = replica_.keys();
    if (!state->is_unlocked()) return;
    {
        MutexLock lock(keys_mutex_);
        secrets_->learn(*state);
        keys_ = state;
    }
    Frontier applied;
    {
        MutexLock lock(mutex);
        applied = applied_;
    }
    replica_.accept_applied(applied);
    if (auto epoch = state->write_epoch()) content_->set_write_epoch(*epoch);
    is_reader_ = replica_.may_only_read();
    may_have_ends_ = true;
    work_changed_();
}

// ---- merging

bool OpenVault::has_unmerged() {
    const Frontier have = replica_.frontier_to_merge();
    MutexLock lock(mutex);
    for (const auto& [log, last] : have) {
        auto at = applied_.find(log);
        if (at == applied_.end() || at->second.number < last.number) return true;
    }
    return false;
}

Result<std::uint64_t> OpenVault::merge() {
    std::set<PackId> unindexed;
    {
        MutexLock lock(mutex);
        unindexed = unindexed_;
    }
    for (const PackId& pack : unindexed) pack_arrived(pack);
    std::uint64_t count = 0;
    std::optional<Error> failure;
    {
        MutexLock merge_lock(merge_mutex_);
        follow_forks();
        for (bool progress = true; progress;) {
            progress = false;
            for (const auto& [log, last] : replica_.frontier()) {
                for (;;) {
                    auto merged = merge_next(log, last);
                    if (!merged.ok()) {
                        replica_.alarm_of_log(log, "segment of log " + log.to_hex().substr(0, 16) +
                                                       ": " + merged.error().message);
                        failure = std::move(merged).error();
                        break;
                    }
                    if (!*merged) break;
                    replica_.log_goes_on(log);
                    ++count;
                    progress = true;
                }
            }
        }
    }
    if (count > 0 && replica_.has_open_condemnations()) may_have_collections_ = true;
    if (count > 0) commit_index();
    if (count > 0 && files_) files_->tree_merged();
    if (count > 0 && is_loaded_ && replica_.own_presence().is_selective()) {
        replica_.own_presence().unsettle();
        select_packs();
    }
    if (failure && count == 0) return *failure;
    return count;
}

// Applies the next segment of the log, if there is one and all that it depends on is applied.
Result<bool> OpenVault::merge_next(const LogId& log, const LogPosition& last) {
    std::uint64_t done = 0;
    {
        MutexLock lock(mutex);
        if (auto at = applied_.find(log); at != applied_.end()) done = at->second.number;
    }
    if (done >= last.number) return false;
    // Segments that came before it was known that their log had ended.
    if (auto end = replica_.end_of(log); end && done >= end->number) return false;
    SegmentRef ref{log, done + 1};
    if (replica_.last_of(log).number < ref.number) return false;  // it was forked just now
    auto original = read_original(ref);
    // In a compacted file: the key object that tells its epoch has not come yet.
    if (!original.ok() && original.error().kind == ErrorKind::WrongKey) return false;
    TRY(const Bytes bytes, std::move(original));
    TRY(SegmentOuter outer, open_outer(bytes, replica_.lookup()));
    for (const auto& [other, position] : outer.replicator.frontier) {
        LogPosition& named = named_[other];
        named = std::max(named, position);
        if (!is_applied(other, position)) return false;
    }
    if (is_merging_held(ref, outer)) return false;
    // A branch begins behind a segment of another.
    if (ref.number == 1 && outer.header.number > 1 &&
        !is_applied(outer.header.log, {outer.header.number - 1, outer.replicator.previous}))
        return false;
    const EpochKeys* keys = epoch_keys(outer.header.epoch);
    if (keys == nullptr) return false;  // the key object that tells this epoch has not come yet
    TRY(RecordBatch batch, open_records(bytes, outer, replica_.vault_id(), keys->records));
    for (const Record& record : batch.records) {
        if (hybrid_.is_too_far_ahead(stamp_of(record))) {
            replica_.alarm_of_log(
                log, "a segment of log " + log.to_hex().substr(0, 16) +
                         " has times more than a day ahead: it is held until then; check that "
                         "device's clock");
            return false;
        }
    }
    if (is_to_be_held(ref, outer, batch.records)) return false;
    for (const Record& record : batch.records) hybrid_.observe(stamp_of(record));
    TRY_OK(index_->log().apply_segment(outer, batch, ref));
    const DeviceId& writer = outer.replicator.device;
    {
        MutexLock lock(mutex);
        tree.apply(batch.records);
        applied_[log] = {ref.number, outer.hash};
        if (writer == environment_.device.id()) own_logs_.insert(outer.header.log);
    }
    note_changes(writer, batch.records);
    return true;
}

void OpenVault::pack_arrived(const PackId& pack) {
    auto info = replica_.pack_info(pack);
    Status indexed = info.ok() ? content_->pack_arrived(*info) : Status{};
    if (replica_.has_open_condemnations()) may_have_collections_ = true;
    const bool is_decided = indexed.ok() || indexed.error().kind == ErrorKind::Corrupt;
    bool has_failed_before = false;
    {
        MutexLock lock(mutex);
        if (is_decided) unindexed_.erase(pack);
        if (!is_decided) has_failed_before = !unindexed_.insert(pack).second;
    }
    if (indexed.ok()) return replica_.pack_is_indexed(pack);
    // What a disk refuses once is tried again by the next merge, and alarms nobody before.
    if (is_decided || has_failed_before)
        replica_.alarm_of_pack(pack, VaultReplica::PackTrouble::NoIndex, indexed.error().message);
    else
        log_warning("vault", "pack {}: {}", pack.to_hex(), indexed.error().message);
}

void OpenVault::expect_pack() {
    ++expected_packs_;
}

void OpenVault::expected_pack_arrived(const PackId& pack) {
    pack_arrived(pack);
    --expected_packs_;
}

// ---- recording and fsync

void OpenVault::tree_changed() {
    auto records = tree.take_new_records();
    if (records.empty()) return;
    note_rewrites(environment_.device.id(), records, 0);
    fresh_.insert(fresh_.end(), std::make_move_iterator(records.begin()),
                  std::make_move_iterator(records.end()));
    last_change_ = environment_.clock.steady();
    if (first_change_) return;
    first_change_ = last_change_;
    work_changed_();
}

Status OpenVault::append_records(const std::vector<Record>& records) {
    constexpr std::size_t kRecordsPerEntry = 8192;
    for (std::size_t at = 0; at < records.size(); at += kRecordsPerEntry) {
        auto first = records.begin() + static_cast<std::ptrdiff_t>(at);
        auto last = records.begin() +
                    static_cast<std::ptrdiff_t>(std::min(at + kRecordsPerEntry, records.size()));
        TRY(auto sequence, journal_->append(JournalRecords{{first, last}}, kWithCommit));
        static_cast<void>(sequence);
    }
    return {};
}

// Everything recorded so far goes into the journal, no record before the content that it names.
Status OpenVault::append_fresh() {
    std::vector<Record> in_flight, fresh;
    {
        MutexLock lock(mutex);
        in_flight = std::exchange(in_flight_, {});
        fresh = std::exchange(fresh_, {});
    }
    if (in_flight.empty() && fresh.empty()) return {};
    Status appended = [&]() -> Status {
        if (content_->volatile_bytes() > kJournaledContentMax) return content_->make_durable();
        TRY(auto contents, content_->take_unjournaled());
        for (JournalContent& content : contents) {
            TRY(auto sequence, journal_->append(std::move(content), kWithCommit));
            static_cast<void>(sequence);
        }
        return {};
    }();
    if (appended.ok()) appended = append_records(in_flight);
    if (appended.ok()) appended = append_records(fresh);
    if (appended.ok()) return {};
    content_->journal_failed();
    // The next fsync must not promise what this one could not: the records wait for it. The same
    // record twice is the same record.
    MutexLock lock(mutex);
    in_flight_.insert(in_flight_.begin(), in_flight.begin(), in_flight.end());
    fresh_.insert(fresh_.begin(), fresh.begin(), fresh.end());
    return appended;
}

Status OpenVault::append_write(const JournalWrite& write) {
    MutexLock journal_lock(journal_mutex_);
    TRY_OK(append_fresh());
    TRY(auto sequence, journal_->append(write, kWithCommit));
    static_cast<void>(sequence);
    return {};
}

Status OpenVault::commit() {
    {
        MutexLock journal_lock(journal_mutex_);
        TRY_OK(append_fresh());
    }
    return journal_->commit();
}

// ---- publishing

std::optional<steady_clock::time_point> OpenVault::publish_due() {
    std::optional<steady_clock::time_point> due;
    if (is_reader_)
        return may_have_ends_ || may_have_collections_ ? std::optional(environment_.clock.steady())
                                                       : due;
    if (may_have_ends_ || may_have_collections_) return environment_.clock.steady();
    // What is held is not due until it is released.
    const bool is_held = brake_.is_held(environment_.device.id());
    if (!is_held && (has_unpublished_ || has_packs_to_introduce()))
        return environment_.clock.steady();
    if (!is_held) {
        MutexLock lock(mutex);
        if (first_change_) {
            if (*first_change_ - last_publish_ >= kPublishDelay)
                due = *first_change_ + kFirstPublishDelay;
            else
                due = std::min(last_change_ + kPublishDelay, *first_change_ + kPublishDelayMax);
        }
    }
    if (auto commit = files_->next_commit(); commit && (!due || *commit < *due)) due = commit;
    return due;
}

bool OpenVault::has_packs_to_introduce() {
    std::uint64_t bytes = 0;
    for (const PackInfo& pack : content_->unintroduced()) bytes += pack.length;
    return bytes >= kIntroduceBytes && replica_.may_write();
}

Status OpenVault::publish(bool all) {
    TRY_OK(complete_keys());
    MutexLock publish_lock(publish_mutex_);
    if (!is_reader_ && (is_log_in_doubt_ || is_own_log_elsewhere())) TRY_OK(begin_incarnation());
    if (may_have_ends_.exchange(false)) {
        if (Status settled = settle_ends(); !settled.ok()) {
            may_have_ends_ = true;
            return settled;
        }
    }
    if (may_have_collections_.exchange(false)) settle_collections();
    if (is_reader_) {
        // What was written before the right was lost is kept for the day when it is given back.
        TRY_OK(files_->commit_written(environment_.clock.steady(), all));
        return commit();
    }
    if (is_log_in_doubt_) TRY_OK(begin_incarnation());
    if (brake_.is_held(environment_.device.id())) {
        TRY_OK(files_->commit_written(environment_.clock.steady(), all));
        return commit();
    }
    if (unpublished_.empty() && has_packs_to_introduce()) TRY_OK(publish_step({}));
    // Writes that only a large journal holds become versions, so that it can be emptied.
    const bool is_journal_large = journal_->size_bytes() >= kJournalSizeLarge;
    TRY_OK(files_->commit_written(environment_.clock.steady(), all || is_journal_large));
    const std::uint64_t noted = brake_.noted();
    if (is_publishing_held()) return commit();
    Frontier frontier;
    JournalPosition position;
    {
        // Nothing goes into the journal between the sequence that is released and the records that
        // it covers.
        MutexLock journal_lock(journal_mutex_);
        // What was rewritten meanwhile is judged first: the publish is still due.
        if (brake_.noted() != noted && ++publishes_put_off_ <= kPublishesPutOffMax) return {};
        publishes_put_off_ = 0;
        TRY(position.mark, journal_->mark());
        position.has_open_writes = files_->journaled_files() > 0 || has_unrestored_writes_;
        MutexLock lock(mutex);
        std::vector<Record> records = tree.publish().records;
        unpublished_.insert(unpublished_.end(), std::make_move_iterator(records.begin()),
                            std::make_move_iterator(records.end()));
        in_flight_.insert(in_flight_.end(), std::make_move_iterator(fresh_.begin()),
                          std::make_move_iterator(fresh_.end()));
        fresh_.clear();
        // Nothing behind it is released, not even what is being published: content and records
        // written meanwhile are among it, and replay knows by their stamps which records a segment
        // holds.
        frontier = applied_;
        first_change_.reset();
    }
    frontier = replica_.clipped_to_ends(std::move(frontier));
    if (unpublished_.empty()) return {};
    has_unpublished_ = true;
    TRY_OK(publish_records(unpublished_, frontier));
    has_unpublished_ = false;
    {
        MutexLock lock(mutex);
        in_flight_.clear();
        last_publish_ = environment_.clock.steady();
    }
    commit_index();
    return release_journal(position);
}

// Takes whole operations from the front, as many as fit into one segment.
Result<std::vector<Record>> OpenVault::next_batch(std::vector<Record>& records) {
    constexpr std::size_t kSegmentBytesWanted = kSegmentSizeMax / 2;
    std::size_t bytes = 0, end = 0, whole = 0;
    while (end < records.size()) {
        bytes += encoded_size_bound(records[end]);
        ++end;
        bool is_whole =
            end == records.size() || stamp_of(records[end]) != stamp_of(records[end - 1]);
        if (is_whole) whole = end;
        if ((bytes > kSegmentBytesWanted || end >= kSegmentRecordsMax) && whole > 0) break;
    }
    if (whole == 0 || whole > kSegmentRecordsMax)
        return Error{ErrorKind::TooLarge, "one operation has more records than a segment holds"};
    std::vector<Record> out(
        std::make_move_iterator(records.begin()),
        std::make_move_iterator(records.begin() + static_cast<std::ptrdiff_t>(whole)));
    records.erase(records.begin(), records.begin() + static_cast<std::ptrdiff_t>(whole));
    return out;
}

Status OpenVault::publish_records(std::vector<Record>& records, const Frontier& frontier) {
    TRY_OK(content_->make_durable());
    while (!records.empty()) {
        std::vector<PackInfo> packs = content_->unintroduced();
        TRY(std::vector<Record> batch, next_batch(records));
        if (Status published = publish_segment({.records = batch,
                                                .frontier = frontier,
                                                .packs = packs,
                                                .is_last = records.empty()});
            !published.ok()) {
            records.insert(records.begin(), std::make_move_iterator(batch.begin()),
                           std::make_move_iterator(batch.end()));
            return published;
        }
        content_->mark_introduced(packs);
        note_changes(environment_.device.id(), batch);
    }
    return {};
}

Status OpenVault::publish_segment(const SegmentPlan& plan) {
    EpochId epoch;
    {
        MutexLock lock(keys_mutex_);
        auto chosen = plan.epoch ? plan.epoch : keys_->write_epoch();
        if (!chosen)
            return Error{ErrorKind::Refused, "the vault's keys must be rotated by an owner first"};
        epoch = *chosen;
    }
    const EpochKeys* keys = epoch_keys(epoch);
    const SegmentOuterKey* outer_key = replica_.outer_key(epoch);
    if (keys == nullptr || outer_key == nullptr)
        return Error{ErrorKind::WrongKey, "the epoch's keys are not known"};
    SegmentDraft draft{.epoch = epoch,
                       .log = log_,
                       .number = head_.number + 1,
                       .replicator = {},
                       .records = {plan.records, {}}};
    draft.replicator.device = environment_.device.id();
    draft.replicator.incarnation = incarnation_;
    draft.replicator.previous = head_.hash;
    draft.replicator.frontier = plan.frontier;
    draft.replicator.frontier.erase(log_);
    draft.replicator.packs = plan.packs;
    if (!plan.republished.empty())
        draft.replicator.extensions.push_back(republishes(plan.republished));
    draft.replicator.condemned = plan.step.condemned;
    draft.replicator.consents = plan.step.consents;
    draft.replicator.collected = plan.step.collected;
    TRY(Bytes bytes,
        build_segment(draft,
                      {replica_.vault_id(), keys->records, *outer_key, replica_.signing_key()},
                      environment_.random));
    TRY(SegmentOuter outer, open_outer(bytes, replica_.lookup()));
    LogPosition position{draft.number, outer.hash};
    TRY(auto sequence,
        journal_->append(JournalSegmentIntent{log_, position.number, position.hash, plan.is_last},
                         kWithCommit));
    static_cast<void>(sequence);
    TRY_OK(journal_->commit());
    {
        // The tree has these records already: the merger must not take the segment for news.
        MutexLock lock(mutex);
        applied_[log_] = position;
    }
    Status published = replica_.publish_segment(outer, bytes);
    if (!published.ok()) {
        // Whether the segment is on the disk nobody knows: its number is burnt, another log goes
        // on, and no segment may name this one.
        is_log_in_doubt_ = true;
        MutexLock lock(mutex);
        applied_[log_] = head_;
        if (head_.number == 0) applied_.erase(log_);
        return published;
    }
    head_ = position;
    return index_->log().apply_segment(outer, draft.records);
}

Status OpenVault::release_journal(const JournalPosition& position) {
    MutexLock journal_lock(journal_mutex_);
    const std::uint64_t next = journal_->next_sequence(), before = position.mark.sequence;
    TRY(auto sequence, journal_->append(JournalPublished{log_, head_.number, before}));
    static_cast<void>(sequence);
    const std::uint64_t size = journal_->size_bytes();
    if (size < kJournalSizeMax || position.has_open_writes) return {};
    const std::vector<JournalEntry> kept{JournalIncarnation{incarnation_, log_},
                                         JournalSegmentIntent{log_, head_.number, head_.hash, true},
                                         JournalPublished{log_, head_.number, 0}};
    // Behind the mark stand the segment's intent and what was recorded since the publish began.
    if (next <= before + 1 && files_->journaled_files() == 0) {
        TRY(auto first, journal_->rewrite(kept));
        static_cast<void>(first);
    } else if (size >= kJournalSizeLarge) {
        TRY_OK(journal_->rewrite_before(position.mark, kept));
    }
    return {};
}

// ---- questions

Result<FileSystemSpace> OpenVault::space() {
    TRY(DiskSpace space, environment_.disk.space(replica_.directory()));
    FileSystemSpace out;
    out.blocks_total = space.total / out.block_size;
    out.blocks_free = space.free / out.block_size;
    out.blocks_available = space.available / out.block_size;
    MutexLock lock(mutex);
    out.files_total = std::uint64_t{1} << 32;
    out.files_free = out.files_total - tree.counts().files;
    return out;
}

void OpenVault::add_status(VaultStatus& status) {
    status.has_brake = brake_.is_on();
    const Frontier have = replica_.frontier_to_merge();
    MutexLock lock(mutex);
    TreeCounts counts = tree.counts();
    status.files = counts.files;
    status.directories = counts.directories;
    status.pending_records = fresh_.size() + in_flight_.size() + (has_unpublished_ ? 1 : 0);
    if (first_change_ && status.pending_records == 0) status.pending_records = 1;
    status.conflicts = tree.conflict_count();
    for (const auto& [log, last] : have) {
        auto at = applied_.find(log);
        status.unmerged_segments +=
            last.number - (at == applied_.end() ? 0 : std::min(at->second.number, last.number));
    }
}

void OpenVault::note_changes(const DeviceId& device, const std::vector<Record>& records) {
    if (!is_braking_) return;
    const std::vector<RecordedChange> changes = changes_of(records);
    const bool is_of_others = device != environment_.device.id();
    MutexLock lock(mutex);
    for (const RecordedChange& change : changes) {
        const bool has_content =
            change.kind == DifferenceKind::Added || change.kind == DifferenceKind::Changed;
        // One more than there is room for tells that there were more.
        if (is_of_others && has_content && may_arrive_.size() <= ArrivingFiles::kFilesMax)
            may_arrive_.push_back(change.file);
        notes_.add(device, change.kind,
                   notes_.names_more(device, change.kind) ? path_of(change) : std::string());
    }
}

std::string OpenVault::path_of(const RecordedChange& change) {
    const std::vector<std::string> shown = tree.paths({change.file, std::nullopt});
    if (shown.size() == 1 || (!change.link && !shown.empty())) return shown.front();
    return change.link ? tree.link_path(*change.link) : std::string();
}

std::vector<ChangeNews> OpenVault::take_news() {
    MutexLock lock(mutex);
    return notes_.take();
}

std::vector<ConflictEntry> OpenVault::conflicts() {
    MutexLock lock(mutex);
    std::vector<ConflictEntry> out;
    for (const TreeConflict& conflict : tree.conflicts()) {
        auto content = tree.content(conflict.node);
        out.push_back({.path = conflict.base_path,
                       .sibling = conflict.path,
                       .device_label = conflict.device_label,
                       .wall_ms = conflict.stamp.wall_ms(),
                       .size = content ? content->size : 0});
    }
    return out;
}

}  // namespace lockstep
