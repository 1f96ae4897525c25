// A vault while it is unlocked: its tree, journal, index and contents, and how they are published
// and merged.
//
// Publishing: content durable in packs, (number, hash) in the journal, segment durable, announced,
// journal released. fsync on the mount: content and records into the journal, one fdatasync.
//
// THREADS: any. Lock order: publish_mutex_, merge_mutex_ (never both), journal_mutex_,
// TreeHost::mutex.
#pragma once

#include "vault/core/arriving_files.h"
#include "vault/core/change_notes.h"
#include "vault/core/rewrite_brake.h"
#include "vault/core/vault_replica.h"
#include "vault/files/vault_files.h"
#include "vault/history.h"
#include "vault/history/kept_times.h"
#include "vault/journal/journal.h"
#include "vault/log/hybrid_clock.h"
#include "vault/meeting.h"
#include "vault/presence/pack_rebuilder.h"

namespace lockstep {

struct PastViewParts;  // vault/core/past_view.h

// What this device keeps of a reseal; None when there is nothing, or it cannot be read.
ResealReport read_reseal(const VaultEnvironment& environment, const VaultId& vault);

// Of each log the last segment that was applied here and is gone.
using LostPositions = std::map<LogId, LogPosition>;

class OpenVault final : public TreeHost {
  public:
    // Loads everything published, then the journal. `keys`: unlocked.
    static Result<std::unique_ptr<OpenVault>> open(const VaultEnvironment& environment,
                                                   VaultReplica& replica,
                                                   std::shared_ptr<const KeyState> keys,
                                                   std::function<void()> work_changed);
    ~OpenVault() override;

    VaultFiles& files() { return *files_; }

    std::optional<std::chrono::steady_clock::time_point> publish_due();
    // With `all`, files that are being written become versions too.
    Status publish(bool all);
    Result<std::uint64_t> merge();
    bool has_unmerged();
    void pack_arrived(const PackId& pack) EXCLUDES_LOCK(mutex);
    // A pack is here whose index is yet to be read: until then readers of what is in it wait.
    void expect_pack();
    void expected_pack_arrived(const PackId& pack) EXCLUDES_LOCK(mutex);
    void keys_changed();
    // What came while the vault was being opened, when nobody could be told of it.
    // REQUIRES: news is told from now on
    Status take_in_meanwhile();
    // Readers that wait for content give up.
    void close() { content_->close(); }

    // This device may not write in the vault.
    bool is_reader() const { return is_reader_; }
    void add_status(VaultStatus& status);
    std::vector<FileUnderWay> files_under_way(std::size_t max) EXCLUDES_LOCK(mutex);
    std::vector<ChangeNews> take_news() EXCLUDES_LOCK(mutex);
    std::vector<ConflictEntry> conflicts();
    Status resolve_conflict(const std::string& path, ConflictChoice keep) EXCLUDES_LOCK(mutex);
    Result<FileReport> explain(const std::string& path) EXCLUDES_LOCK(mutex);
    Status check(CheckReport& report);
    // On-demand content (open_vault_presence.cpp): see Vault.
    Result<KeepReport> keep(const std::string& path) EXCLUDES_LOCK(mutex);
    Status set_keep(const std::string& path, std::optional<Keep> keep) EXCLUDES_LOCK(mutex);
    std::vector<KeepReport> keep_rules() EXCLUDES_LOCK(mutex);
    Result<EvictionReport> evict(const std::string& path) EXCLUDES_LOCK(mutex);
    Result<WhereisReport> whereis(const std::string& path) EXCLUDES_LOCK(mutex);
    // A meeting with plain files (open_vault_meeting.cpp): see Meeting.
    void begin_meeting() EXCLUDES_LOCK(selection_mutex_);
    Status learn(std::shared_ptr<const PlainFile> file, const std::function<bool()>& is_stopping);
    void all_learnt() EXCLUDES_LOCK(selection_mutex_);
    void settle_meeting() EXCLUDES_LOCK(selection_mutex_);
    void care_for_presence();
    std::uint64_t trim() EXCLUDES_LOCK(mutex);
    void set_waiting(bool may_wait);
    // Vault::collect(); open_vault_collection.cpp.
    Result<CollectionReport> collect(bool is_dry_run) EXCLUDES_LOCK(publish_mutex_);
    // Vault::begin_reseal() and so on; open_vault_reseal.cpp.
    Status begin_reseal(const DeviceId& removed) EXCLUDES_LOCK(publish_mutex_);
    Result<bool> continue_reseal() EXCLUDES_LOCK(publish_mutex_);
    ResealReport reseal_report() EXCLUDES_LOCK(publish_mutex_);
    // History: see VaultHistory (open_vault_history.cpp, open_vault_restore.cpp,
    // open_vault_undo.cpp).
    Result<PathHistory> history(const std::string& path) EXCLUDES_LOCK(mutex);
    Result<PastViewParts> view_at(std::int64_t time_ms);
    Result<PastViewParts> view_of_version(const std::string& path, const VersionId& id);
    Result<RestoreReport> restore_path(const RestoreRequest& request) EXCLUDES_LOCK(mutex);
    Result<std::vector<Difference>> difference(std::int64_t from_ms,
                                               std::optional<std::int64_t> to_ms);
    Result<UndoReport> undo(const DeviceId& device, std::int64_t since_ms, bool is_dry_run)
        EXCLUDES_LOCK(mutex);
    // The brake for rewrites (open_vault_brake.cpp): see Vault.
    std::vector<HeldRewrites> held_rewrites() EXCLUDES_LOCK(mutex);
    Status release_rewrites();
    Result<UndoReport> undo_rewrites(bool is_dry_run) EXCLUDES_LOCK(mutex);
    RewriteBrake& brake() { return brake_; }
    std::vector<Snapshot> snapshots() EXCLUDES_LOCK(mutex);
    Result<Snapshot> make_snapshot(const std::string& name, std::optional<std::int64_t> time_ms)
        EXCLUDES_LOCK(mutex);
    Status remove_snapshot(const std::string& name) EXCLUDES_LOCK(mutex);
    RetentionReport retention() EXCLUDES_LOCK(mutex);
    Status set_retention(const std::string& text) EXCLUDES_LOCK(mutex);
    Status set_history_quota(std::optional<std::uint64_t> bytes) EXCLUDES_LOCK(mutex);
    // Vault::compact(); open_vault_compaction.cpp.
    Result<std::uint64_t> compact(bool at_once) EXCLUDES_LOCK(publish_mutex_);
    // Publishes what a revoked device wrote beyond the end of its logs, as this device's own.
    // Returns how many segments; NotFound when there are none.
    Result<std::uint64_t> adopt(const DeviceId& device);
    // How much of the device's logs this vault shows, sorted by log.
    std::vector<LogCut> applied_of(const DeviceId& device) EXCLUDES_LOCK(mutex);
    // Removes the index on disk; the next unlock makes it anew.
    void abandon_index() { index_->abandon(); }
    static Status remove_index(const VaultEnvironment& environment, const VaultId& vault);

    // TreeHost
    Stamp tick() override { return hybrid_.tick(); }
    Clock& clock() override { return environment_.clock; }
    void tree_changed() override REQUIRES_LOCK(mutex);
    void write_begun() override { work_changed_(); }
    Status append_write(const JournalWrite& write) override EXCLUDES_LOCK(mutex);
    Status commit() override EXCLUDES_LOCK(mutex);
    Result<FileSystemSpace> space() override;
    std::optional<std::string> presence_attribute(const Node& node, std::string_view name) override
        EXCLUDES_LOCK(mutex);

  private:
    struct Ids;  // DerivedIds under the vault's keys
    struct Secrets;

    OpenVault(const VaultEnvironment& environment, VaultReplica& replica,
              std::shared_ptr<const KeyState> keys, std::unique_ptr<Secrets> secrets,
              std::function<void()> work_changed);
    Status load();
    // What the index on disk knows is taken from there; what it lacks comes from the vault
    // directory (open_vault_load.cpp).
    Status open_index();
    Status load_or_rebuild_index();
    Status open_index_at(const SealedFilesEnvironment& place);
    Status load_from_index();
    Status check_index_is_not_ahead(const std::vector<LogRow>& logs);
    Status index_packs();
    void commit_index();
    void check_indexed_segments(const std::vector<LogRow>& logs, CheckReport& report);
    std::optional<std::vector<ChunkId>> lost_with(const PackId& pack, const std::set<PackId>& bad);
    Status find_affected_by_packs(CheckReport& report) EXCLUDES_LOCK(mutex);
    void find_affected_by_segments(CheckReport& report) EXCLUDES_LOCK(mutex);
    AffectedVersion affected(const FileId& file, const VersionId& version, std::int64_t time_ms)
        REQUIRES_LOCK(mutex);
    std::shared_ptr<const KeyState> key_state() EXCLUDES_LOCK(keys_mutex_);
    Result<std::vector<ReplayedEntry>> open_journal();
    Result<std::uint64_t> end_of_history(const std::vector<ReplayedEntry>& entries);
    Status replay(const std::vector<ReplayedEntry>& entries);
    Status begin_incarnation() REQUIRES_LOCK(publish_mutex_);
    bool doubts_incarnation(const std::vector<ReplayedEntry>& entries);
    Result<bool> merge_next(const LogId& log, const LogPosition& last) REQUIRES_LOCK(merge_mutex_);
    bool is_applied(const LogId& log, const LogPosition& position) EXCLUDES_LOCK(mutex);
    // Logs that were forked have other names now (open_vault_forks.cpp).
    void follow_forks() REQUIRES_LOCK(merge_mutex_) EXCLUDES_LOCK(mutex);
    bool has_twin(const std::vector<ReplayedEntry>& entries) REQUIRES_LOCK(publish_mutex_);
    bool is_own_log_elsewhere() REQUIRES_LOCK(publish_mutex_);
    Result<std::map<LogId, Stamp>> last_own_stamps(const std::vector<ReplayedEntry>& entries);
    Result<std::set<Stamp>> stamps_of_twins(const std::vector<ReplayedEntry>& entries);
    const EpochKeys* epoch_keys(const EpochId& epoch) EXCLUDES_LOCK(keys_mutex_);
    RecordKeys record_keys();
    Result<Bytes> read_original(const SegmentRef& segment) {
        return replica_.read_original(segment, record_keys());
    }

    Status publish_records(std::vector<Record>& records, const Frontier& frontier)
        REQUIRES_LOCK(publish_mutex_);
    Result<std::vector<Record>> next_batch(std::vector<Record>& records);
    struct CollectionStep {
        std::vector<PackId> condemned;
        std::vector<CondemnedPacks> consents, collected;
    };
    struct SegmentPlan {
        const std::vector<Record>& records;
        const Frontier& frontier;
        std::vector<PackInfo> packs;
        bool is_last = true;                       // of a publish
        std::optional<EpochId> epoch = {};         // else the one that is written with now
        std::vector<SegmentRef> republished = {};  // see segment.h
        CollectionStep step = {};
    };
    Status publish_segment(const SegmentPlan& plan) REQUIRES_LOCK(publish_mutex_);
    // What other devices' logs that have ended, and this one's, ask for (open_vault_ends.cpp).
    Status settle_ends() REQUIRES_LOCK(publish_mutex_);
    Status complete_keys() EXCLUDES_LOCK(publish_mutex_);
    Status testify() REQUIRES_LOCK(publish_mutex_);
    Status republish(const SegmentRef& segment) REQUIRES_LOCK(publish_mutex_);
    bool can_adopt(const SegmentRef& segment) REQUIRES_LOCK(publish_mutex_);
    void accept_applied(const std::vector<LogRow>& logs);

    // News for people, once the tree shows what these records say.
    void note_changes(const DeviceId& device, const std::vector<Record>& records)
        EXCLUDES_LOCK(mutex);
    std::string path_of(const RecordedChange& change) REQUIRES_LOCK(mutex);
    // Files under way (open_vault_under_way.cpp).
    struct Arriving {
        std::string path;
        std::uint64_t size = 0, absent_bytes = 0;
    };
    std::optional<Arriving> look_at_arriving(const FileId& file) EXCLUDES_LOCK(mutex);
    void walk_for_arriving(std::vector<ArrivingFiles::Place>& walk,
                           std::chrono::steady_clock::time_point until)
        REQUIRES_LOCK(arriving_mutex_) EXCLUDES_LOCK(mutex);

    // The brake for rewrites.
    void note_rewrites(const DeviceId& device, const std::vector<Record>& records,
                       std::uint64_t packed_bytes) REQUIRES_LOCK(mutex);
    void note_deletion(const DeviceId& device, const DeleteRecord& removed) REQUIRES_LOCK(mutex);
    bool is_made_noise(const RewriteBrake::Rewrite& rewrite) EXCLUDES_LOCK(mutex);
    bool is_publishing_held() EXCLUDES_LOCK(mutex);
    bool is_merging_held(const SegmentRef& segment, const SegmentOuter& outer)
        REQUIRES_LOCK(merge_mutex_);
    bool is_to_be_held(const SegmentRef& segment, const SegmentOuter& outer,
                       const std::vector<Record>& records) REQUIRES_LOCK(merge_mutex_)
        EXCLUDES_LOCK(mutex);

    // History.
    using KeepsRecords = std::function<bool(const Stamp&)>;
    using VisitRecords = std::function<void(const std::vector<Record>&)>;
    Status visit_records(const VisitRecords& visit) EXCLUDES_LOCK(publish_mutex_);
    // The tree that the records with these stamps make. REQUIRES: `out` is new
    Status load_past(const KeepsRecords& keeps, Tree& out) EXCLUDES_LOCK(publish_mutex_);
    PastViewParts view_of(std::unique_ptr<TreeHost> host);
    std::vector<FileId> files_named(const std::string& path) REQUIRES_LOCK(mutex);
    std::string writer_label(const LogId& log);
    std::vector<Snapshot> snapshots_locked() REQUIRES_LOCK(mutex);
    // `cut_ms`: what ended before goes as well, for the history's quota; nullopt: as far as a
    // collection has said.
    KeptTimes kept_now(std::optional<std::int64_t> cut_ms = {}) REQUIRES_LOCK(mutex);
    std::optional<std::uint64_t> history_quota() REQUIRES_LOCK(mutex);
    std::int64_t history_cut_ms() REQUIRES_LOCK(mutex);
    // What the past takes, and up to where the quota lets it go.
    struct PastUse {
        std::uint64_t bytes = 0;                            // that only the past needs
        std::uint64_t freed_versions = 0, freed_bytes = 0;  // beyond the quota
        std::int64_t cut_ms = 0;
    };
    Result<PastUse> past_use() EXCLUDES_LOCK(mutex);
    Result<std::optional<std::int64_t>> cut_past(bool is_dry_run, CollectionReport& report)
        EXCLUDES_LOCK(mutex);
    Status check_may_collect() REQUIRES_LOCK(publish_mutex_);
    Status set_root_xattr(const std::string& name, std::optional<Bytes> value) EXCLUDES_LOCK(mutex);
    std::optional<DeviceId> writer_of(const LogId& log);
    Result<KeepsRecords> before_it_was_lost(const std::string& path) EXCLUDES_LOCK(mutex);

    // Condemns packs, and seals anew what is needed of them.
    Status condemn(const std::vector<PackId>& packs) REQUIRES_LOCK(publish_mutex_);
    Result<std::vector<PackRow>> packs_under_keys_of_removed();
    bool is_known_to_removed(const Roster& roster, const EpochId& epoch);
    ResealReport noted_reseal() EXCLUDES_LOCK(reseal_mutex_);
    Status note_reseal(const ResealReport& report) EXCLUDES_LOCK(reseal_mutex_);
    void note_reseal_problem(const Status& status) EXCLUDES_LOCK(reseal_mutex_);
    // Collection: what is needed still, and the steps of every condemnation.
    using ChunkMap = std::unordered_map<ChunkId, ChunkKind>;
    Result<ChunkMap> needed_chunks(std::optional<std::int64_t> cut_ms = {}) EXCLUDES_LOCK(mutex);
    Status rescue(const std::vector<PackId>& packs) EXCLUDES_LOCK(mutex);
    Status spare(const std::vector<PackId>& packs);
    Frontier frontier_to_name() EXCLUDES_LOCK(mutex);
    bool has_packs_to_introduce();
    Status publish_step(const CollectionStep& step) REQUIRES_LOCK(publish_mutex_);
    std::vector<DeviceId> members_to_consent();
    bool is_responsible(const Condemnation& condemnation);
    bool have_all_consented(const Condemnation& condemnation);
    bool has_applied(const SegmentRef& header) EXCLUDES_LOCK(mutex);
    Status settle_collection(const Condemnation& condemnation) REQUIRES_LOCK(publish_mutex_);
    void settle_collections() REQUIRES_LOCK(publish_mutex_);
    // Segments that were applied here before are gone, and what they refer to is not known.
    bool lacks_what_was_here() REQUIRES_LOCK(publish_mutex_);
    // On-demand content.
    struct KeptEntry {
        TreeEntry entry = {};
        std::string path = {};
        Keep keep = Keep::Full;
        std::string from = {};
        std::optional<Content> content = {};  // of a regular file, when it was visited
    };
    // Chunks by what is to become of them here.
    struct ChunkNeeds {
        std::unordered_set<ChunkId> kept, on_demand;
        bool keeps_the_rest = true;  // what no file shows: earlier versions
        bool is_complete = true;
        std::set<PackId> condemned;
    };
    struct EvictionView {
        ChunkNeeds needs;
        std::set<PackId> unpublished;
        std::unordered_set<ChunkId> in_use;
    };
    Status open_absent_content();
    void open_rebuilder();
    enum class MeetingState { None, Learning, TakingIn, Settled, Over };
    MeetingState meeting_state() EXCLUDES_LOCK(selection_mutex_);
    bool takes_whole(const PackInfo& pack) EXCLUDES_LOCK(selection_mutex_);
    void close_absent_content() EXCLUDES_LOCK(selection_mutex_);
    static Keep rule_of(const KeepRules& rules, const TreeEntry& entry, Keep inherited);
    Result<KeptEntry> kept_entry(const std::string& path) EXCLUDES_LOCK(mutex);
    Keep keep_of(const Node& node) REQUIRES_LOCK(mutex);
    void visit_kept_files(const KeepRules& rules, const KeptEntry& top,
                          const std::function<void(const KeptEntry&)>& visit) EXCLUDES_LOCK(mutex);
    ChunkNeeds chunk_needs() EXCLUDES_LOCK(mutex);
    static bool is_to_be_here(const ChunkNeeds& needs, const PackId& pack,
                              const std::vector<ChunkEntry>& chunks);
    // Finds out on a worker which packs are to be fetched.
    void select_packs() EXCLUDES_LOCK(selection_mutex_);
    void select_now() EXCLUDES_LOCK(mutex);
    PackAnswers ask_others(const std::vector<PackId>& packs, std::chrono::seconds keep);
    Result<EvictionView> eviction_view() EXCLUDES_LOCK(mutex);
    std::string why_it_stays(const PackRow& row, const EvictionView& view);
    std::vector<PackId> give_up(const std::vector<PackId>& packs, EvictionReport& report);
    // The versions that contest one name (open_vault_conflicts.cpp).
    struct Contestant {
        std::string path;
        Node node;
        LogId log;
        bool is_directory = false;
    };
    Result<TreeEntry> entry_at(const std::string& path) REQUIRES_LOCK(mutex);
    Result<std::vector<Contestant>> contestants(const std::string& path) EXCLUDES_LOCK(mutex);
    Result<Contestant> choose(const std::vector<Contestant>& all, const std::string& path,
                              ConflictChoice keep) EXCLUDES_LOCK(mutex);
    Status remove_contestant(const std::string& path);
    Status rename_contestant(const std::string& from, const std::string& to);
    bool is_unpublished(const FileId& file) REQUIRES_LOCK(mutex);
    // What stood in the journal when a publish began.
    struct JournalPosition {
        Journal::Mark mark;
        bool has_open_writes = false;
    };
    Status release_journal(const JournalPosition& position) REQUIRES_LOCK(publish_mutex_);
    Status append_fresh() REQUIRES_LOCK(journal_mutex_) EXCLUDES_LOCK(mutex);
    Status restore_writes(const std::vector<ReplayedEntry>& entries);
    Status append_records(const std::vector<Record>& records) REQUIRES_LOCK(journal_mutex_);

    const VaultEnvironment environment_;
    VaultReplica& replica_;
    Mutex keys_mutex_;
    std::shared_ptr<const KeyState> keys_ GUARDED_BY(keys_mutex_);
    std::unique_ptr<Secrets> secrets_;
    std::function<void()> work_changed_;
    HybridClock hybrid_;
    std::unique_ptr<Index> index_;
    std::unique_ptr<Journal> journal_;
    std::unique_ptr<RangeCache> range_cache_;
    std::unique_ptr<AbsentContent> absent_;
    std::unique_ptr<PackRebuilder> rebuilder_;
    std::unique_ptr<ContentPool> content_;
    std::unique_ptr<VaultFiles> files_;

    Mutex publish_mutex_;
    LostPositions lost_ GUARDED_BY(publish_mutex_);
    IncarnationId incarnation_ GUARDED_BY(publish_mutex_);
    LogId log_;  // of this incarnation
    LogPosition head_ GUARDED_BY(publish_mutex_);
    bool is_log_in_doubt_ GUARDED_BY(publish_mutex_) = false;
    // How far the logs were when compact() last looked.
    std::map<LogId, LogPosition> compacted_ GUARDED_BY(publish_mutex_);
    std::size_t compacted_files_ GUARDED_BY(publish_mutex_) = 0;
    std::vector<Record> unpublished_
        GUARDED_BY(publish_mutex_);  // coalesced, but the disk did not take them yet
    Mutex reseal_mutex_;             // the innermost
    std::optional<ResealReport> reseal_ GUARDED_BY(reseal_mutex_);  // nullopt: not read yet
    Mutex merge_mutex_;
    Frontier applied_ GUARDED_BY(mutex);  // segments in the tree
    std::set<PackId> unindexed_
        GUARDED_BY(mutex);  // arrived, but could not be read then; the next merge tries again
    std::set<LogId> own_logs_ GUARDED_BY(mutex);  // of this device, as found at unlock
    Frontier named_ GUARDED_BY(merge_mutex_);     // the greatest that any segment's frontier names

    Mutex journal_mutex_;  // what is taken from below goes into the journal before anything later
                           // does
    std::vector<Record> fresh_
        GUARDED_BY(mutex);  // since the last publish began, not in the journal
    std::vector<Record> in_flight_ GUARDED_BY(mutex);  // being published, not in the journal
    std::optional<std::chrono::steady_clock::time_point> first_change_ GUARDED_BY(mutex);
    std::chrono::steady_clock::time_point last_change_ GUARDED_BY(mutex){};
    std::chrono::steady_clock::time_point last_publish_ GUARDED_BY(mutex){};
    std::atomic<bool> has_unpublished_{false};
    std::atomic<std::size_t> expected_packs_{0};
    std::atomic<bool> may_have_collections_{true};  // segments have come since they were settled
    std::atomic<bool> is_reader_{false};            // then nothing is published
    std::atomic<bool> may_have_ends_{true};         // keys have changed since settle_ends()
    bool has_unrestored_writes_ = false;            // then the journal is not emptied

    ChangeNotes notes_ GUARDED_BY(mutex);
    std::vector<FileId> may_arrive_ GUARDED_BY(mutex);  // since somebody asked for arriving files
    Mutex arriving_mutex_;                              // before TreeHost::mutex
    ArrivingFiles arriving_ GUARDED_BY(arriving_mutex_);
    RewriteBrake brake_;
    unsigned publishes_put_off_ GUARDED_BY(publish_mutex_) = 0;
    // The tree was not empty before: what is applied now is news.
    std::atomic<bool> is_braking_{false};
    // Of each device: bytes of packs that its segments introduced and no version has accounted for.
    std::map<DeviceId, std::uint64_t> packed_ GUARDED_BY(merge_mutex_);

    std::atomic<bool> is_loaded_{false};
    std::atomic<bool> may_wait_{true};
    Mutex selection_mutex_;
    CondVar selection_ended_;
    bool is_selecting_ GUARDED_BY(selection_mutex_) = false;
    bool is_selection_due_ GUARDED_BY(selection_mutex_) = false;
    bool is_leaving_ GUARDED_BY(selection_mutex_) = false;
    bool is_meeting_ GUARDED_BY(selection_mutex_) = false;
    bool is_learning_ GUARDED_BY(selection_mutex_) = false;
    std::optional<std::chrono::steady_clock::time_point> meeting_ends_ GUARDED_BY(selection_mutex_);
};

}  // namespace lockstep
