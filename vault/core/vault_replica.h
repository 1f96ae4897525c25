// The Replica of a vault directory: key objects, segments and packs on this device's disk,
// verified.
//
// It knows the replicator secrets that are granted to this device, so it works while the vault is
// locked. While unlocked it also has the member's sealing key, so that new key objects open as far
// as they can.
//
// Others may write to the directory at the same time (another device on a shared disk, rsync, a
// sync service): what they put there is taken by take_...(), verified like what a peer sends, and
// nothing here is written under a name that another writer could use too.
//
// INVARIANT: frontier() names only segments that are durable here, verified, and linked to their
// log's first. THREADS: any. Lock order: write_mutex_, mutex_.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "base/mutex.h"
#include "vault/core/intake_quota.h"
#include "vault/core/log_ends.h"
#include "vault/core/segment_files.h"
#include "vault/keys/key_author.h"
#include "vault/keys/local_keys.h"
#include "vault/packs/pack_store.h"
#include "vault/presence/vault_presence.h"
#include "vault/replica.h"
#include "vault/vault.h"

namespace lockstep {

// Segments of a log that are kept aside.
struct HeldLog {
    LogId log;
    DeviceId device;
    std::vector<std::uint64_t> numbers;
};

// Packs that a segment has condemned, and how far their collection has come.
struct Condemnation {
    SegmentRef condemned_by;  // as its header says
    DeviceId collector;
    std::vector<PackId> packs;                // sorted
    std::map<DeviceId, SegmentRef> consents;  // as their headers say
    bool is_collected = false;
};

class VaultReplica final : public Replica {
  public:
    // Reads lockstep.vault, all key objects and the outer part of every segment.
    // NotFound when the directory is no vault; WrongKey when nothing is granted to this device.
    static Result<std::unique_ptr<VaultReplica>> open(const VaultEnvironment& environment,
                                                      const fs::path& directory, LocalKeys local);
    ~VaultReplica() override = default;

    VaultId vault_id() const override { return header_.id; }
    DeviceId device() const override { return environment_.device.id(); }
    std::vector<Swarm> swarms() override;
    Result<Bytes> prove_membership(const EpochId& epoch, ByteView transcript) override;
    bool verify_membership(const EpochId& epoch, ByteView transcript, ByteView proof) override;
    Result<Bytes> sign_admission(const EpochId& epoch, ByteView message) override;
    Bytes sign(ByteView transcript) override;
    Result<Member> verify_signature(const DeviceId& claimed, ByteView transcript,
                                    ByteView signature) override;
    std::vector<Member> members() override;
    std::vector<KeyObjectId> key_objects() override;
    Result<Bytes> read_key_object(const KeyObjectId& id) override;
    Result<Added> add_key_object(ByteView bytes) override;
    Frontier frontier() override;
    Result<Bytes> read_segment(const SegmentRef& segment) override;
    Result<std::vector<PackInfo>> packs_of(const SegmentRef& segment) override;
    Result<Added> add_segment(ByteView bytes) override;
    Presence* presence() override { return presence_.get(); }
    std::vector<PackInfo> missing_packs() override;
    bool has_pack(const PackId& pack) override;
    Result<PackInfo> pack_info(const PackId& pack) override;
    Result<Bytes> read_pack(const PackId& pack, std::uint64_t offset,
                            std::uint64_t length) override;
    fs::path pack_path(const PackId& pack) override { return packs_->path_of(pack); }
    Result<Bytes> piece_layers(const PackId& pack) override;
    void doubt(const PackId& pack) override { static_cast<void>(doubt_pack(pack)); }
    Status add_pack(const PackInfo& pack, ByteView bytes) override;
    Status adopt_pack(const PackInfo& pack, const fs::path& file) override;
    fs::path incoming_directory() override { return directory_ / "incoming" / writer_; }
    void add_listener(ReplicaListener& listener) override;
    void remove_listener(ReplicaListener& listener) override;

    // ---- for the vault around it

    const fs::path& directory() const { return directory_; }
    const VaultHeader& header() const { return header_; }
    PackStore& packs() { return *packs_; }
    std::shared_ptr<const KeyState> keys();
    // What segments are verified with; valid as long as the replica.
    SegmentLookup lookup();
    // Null when the epoch is not known.
    const SegmentOuterKey* outer_key(const EpochId& epoch) { return lookup().outer_key_of(epoch); }
    const SigningKey& signing_key() const { return signing_; }
    // A pack that could not be read as it should: if its file is not what its name says it counts
    // as missing from now on, and is fetched like others. The file stays, for what is intact in it,
    // until the right bytes take its place. True when the pack is missing then.
    bool doubt_pack(const PackId& pack);
    // Packs that lie in the directory, whole, and that no segment introduces; they count as here
    // from now on. Reads them all.
    std::vector<PackInfo> take_strays();
    // One of them is no pack of this vault after all.
    void drop_stray(const PackId& pack);
    std::vector<PackInfo> present_packs();
    // Introduced by a segment and not here, by choice or not.
    std::vector<PackInfo> absent_packs();
    bool has_absent_packs();
    VaultPresence& own_presence() { return *presence_; }
    // A reader cannot go on without the whole pack.
    void want_now(const PackInfo& pack);
    // Other devices have the very same directory open, or it is kept equal to theirs.
    bool is_directory_shared();
    // Deletes a pack that others hold. REQUIRES: called while it is being evicted
    Status remove_evicted(const PackId& pack);
    // Packs that segments of this log introduce and that are not here.
    std::vector<PackInfo> missing_packs_of(const LogId& log);
    std::optional<DeviceId> writer_of(const LogId& log);

    // ---- segments as they were written, and compaction (vault/log/compaction.h)

    Result<SegmentHash> hash_of(const SegmentRef& segment);
    // All of a segment but its records.
    Result<SegmentOuter> open_stored(const SegmentRef& segment);
    // The segment itself, whatever stands for it; read_segment() gives that.
    Result<Bytes> read_original(const SegmentRef& segment, const RecordKeys& keys);
    // Puts one file in the place of many in a log of this device, where that is worth it; with
    // `at_once` wherever it is possible. Returns how many segments lie otherwise now.
    Result<std::uint64_t> compact_log(const LogId& log, const RecordKeys& keys, bool at_once);
    // Logs of this device that it may compact: nobody else has written on in them.
    std::vector<LogId> logs_to_compact();
    // Removes files of which a compacted one that lies here holds everything, as it proves.
    // Returns how many.
    Result<std::uint64_t> drop_replaced(const RecordKeys& keys);

    // ---- for what others put into the directory (directory_arrivals.h)

    // Takes the log's next segments from the directory, as far as they lie there and are good.
    // nullopt: there is no next one; else why the one after the frontier was not taken.
    std::optional<Error> take_segments(const LogId& log);
    // Known, or NotFound when nothing lies there; Gap: no segment names it yet.
    Result<Added> take_pack(const PackId& pack);
    // A file of an object that is here was changed or removed: whether it still is what it was.
    // Else an alarm is raised for a segment, which is asked of peers again, and a pack counts as
    // missing.
    bool recheck_segment(const SegmentRef& header);
    bool recheck_compacted(const LogId& log, const LogStore::Name& name);
    // A compacted segment that lies in the directory. Gap: what it follows is not here.
    Result<Added> take_compacted(const LogId& log, const LogStore::Name& name);
    bool knows_compacted(const LogId& log, const LogStore::Name& name);
    std::vector<std::pair<LogId, LogStore::Name>> compacted_here();
    fs::path compacted_path(const LogId& log, const LogStore::Name& name) const {
        return logs_->path_of(log, name);
    }
    bool recheck_pack(const PackId& pack);
    bool has_key_object(const KeyObjectId& id);
    // Files of key objects that are gone or damaged: the newest ones are made again from this
    // device's copies, others count as missing and are asked of members. Returns how many.
    std::uint64_t mend_keys() EXCLUDES_LOCK(write_mutex_);
    bool is_introduced(const PackId& pack);
    // The greatest number that the log's segments here have in their headers, held ones included.
    std::uint64_t greatest_number_of(const LogId& log) EXCLUDES_LOCK(mutex_);
    bool has_segment(const SegmentRef& header, const SegmentHash& hash) EXCLUDES_LOCK(mutex_);
    // Of files that lie in the directory and are linked; as their headers say.
    std::vector<SegmentRef> segments_here();
    fs::path segment_path(const SegmentRef& header) const { return logs_->path_of(header); }

    // ---- forked logs (log_branches.h)

    // What the segment at that position is called now; nullopt: it is not here.
    std::optional<SegmentRef> find(const LogId& log, const LogPosition& position);
    std::vector<std::pair<LogId, LogPosition>> pieces_of(const LogId& log,
                                                         const LogPosition& position);
    std::vector<SegmentRef> named_by_header(const SegmentRef& header);
    bool is_split(const LogId& log);
    LogId origin_of(const LogId& log);
    bool has_splits();
    // The log's last segment here, held ones included.
    LogPosition last_of(const LogId& log) EXCLUDES_LOCK(mutex_);

    // What accepted segments say of collections; in the order of their segments' names.
    std::vector<Condemnation> condemnations();
    // Whether there is one that is not collected, or not deleted here.
    bool has_open_condemnations();
    bool is_collected(const PackId& pack) EXCLUDES_LOCK(mutex_);
    // Deletes a pack that is collected. REQUIRES: nothing here needs it
    Status remove_collected(const PackId& pack);
    // How far the device's logs are here, sorted by log.
    std::vector<LogCut> cuts_of(const DeviceId& device);
    // The frontier without what lies behind the ends of logs: it may have come before the end was
    // known.
    Frontier frontier_to_merge();
    bool may_write();
    // It is a member that may not.
    bool may_only_read();
    // This device was removed from the vault.
    bool is_revoked();
    // It is a member that holds what it cannot open.
    bool is_blind();
    // Packs that segments introduce, in the order of their logs, each once.
    std::vector<PackInfo> introduced_packs();
    // Those that are here and that every member has let go.
    std::vector<PackInfo> collected_here();
    // What segments and key objects take in the directory.
    std::uint64_t log_bytes();

    // Segments beyond where their log ends: kept, never applied (DESIGN 4, "Cut of a revocation").
    // Without those that somebody has published again.
    std::vector<HeldLog> held();
    bool is_republished(const SegmentRef& segment);
    // The last ones of this device's own logs that were retired before them: naming them makes them
    // count.
    Frontier own_beyond_ends();
    // Accepts again what was applied here before its log was ended and the replica opened anew.
    void accept_applied(const Frontier& applied);
    // Where logs of devices that were revoked, or may write no more, go further here than everybody
    // knows to accept: a segment under `epoch` that names them tells everybody. Nothing is due:
    // empty.
    struct Testimony {
        Frontier frontier;
        EpochId epoch;
    };
    // REQUIRES: `applied` is in causal order, and within the frontier
    std::optional<Testimony> testimony_due(const Frontier& applied);
    // What another device's segment may name: no more of an ended log than everybody accepts.
    Frontier clipped_to_ends(Frontier frontier);
    // The last segment of a log that counts; nullopt: it goes on.
    std::optional<LogPosition> end_of(const LogId& log);
    // What other devices may bring in (intake_quota.h).
    std::uint64_t member_quota() EXCLUDES_LOCK(intake_mutex_);
    Status set_member_quota(std::uint64_t bytes_per_day) EXCLUDES_LOCK(intake_mutex_);
    Status let_in(const DeviceId& device) EXCLUDES_LOCK(intake_mutex_);
    std::vector<DeviceId> held_back() EXCLUDES_LOCK(intake_mutex_);
    // Alarms (vault_replica_alarms.cpp). Those of damage end when it is healed: the object came
    // whole, or was read again and found to be so.
    std::vector<std::string> alarms();
    // Stands until the vault is opened anew.
    void alarm(const std::string& sentence);
    enum class PackTrouble {
        WrongBytes,   // not what the pack's name says: ends when they are
        NoIndex,      // it could not be read; ends when it was
        WrongClaims,  // it is whole, and holds other chunks than it says: stands
    };
    // Of a pack whose bytes are wrong it is an alarm of those, whatever was noticed.
    void alarm_of_pack(const PackId& pack, PackTrouble trouble, const std::string& why);
    void pack_is_whole(const PackId& pack) EXCLUDES_LOCK(mutex_);
    void pack_is_indexed(const PackId& pack) EXCLUDES_LOCK(mutex_);
    // Its next segment cannot be applied; ends when it was.
    void alarm_of_log(const LogId& log, const std::string& sentence);
    void log_goes_on(const LogId& log) EXCLUDES_LOCK(mutex_);
    // Ends when the segment at that position is here.
    void alarm_of_rollback(const LogId& log, const LogPosition& lost, const std::string& sentence);

    // ---- for a check (vault_replica_check.cpp)

    // Segments and key objects, read again; packs that should be here; all other alarms.
    void check_objects(CheckReport& report);
    void note_repairs(CheckReport& report);
    std::pair<std::uint64_t, std::uint64_t> pack_totals();  // packs here and their bytes

    // The member's sealing key: key objects open with it from now on, until it is taken away.
    Status set_sealing_key(std::shared_ptr<const SealingKey> key);
    // Makes a key object of this device durable and tells the listeners.
    Status publish_key_object(ByteView bytes);
    // The same for a segment that this device has made.
    Status publish_segment(const SegmentOuter& outer, ByteView bytes);
    void own_pack_written(const PackInfo& pack);
    // What this device keeps of the vault outside its directory. A change is durable when
    // change_local() returns.
    std::optional<SealedSecret> sealed_by_passphrase() EXCLUDES_LOCK(write_mutex_);
    std::optional<SealingKey> key_at_start() EXCLUDES_LOCK(write_mutex_);
    std::vector<KeyObjectId> pinned() EXCLUDES_LOCK(write_mutex_);
    const SealingPublicKey& own_sealing_key() const { return own_sealing_; }
    Status change_local(const std::function<void(LocalKeys&)>& change) EXCLUDES_LOCK(write_mutex_);

  private:
    VaultReplica(const VaultEnvironment& environment, fs::path directory, VaultHeader header,
                 LocalKeys local);
    Result<std::vector<Bytes>> read_key_objects();
    Status save_local_keys() REQUIRES_LOCK(write_mutex_);
    Result<std::shared_ptr<const KeyState>> open_keys(const std::vector<Bytes>& objects);
    void open_presence();
    Status load_keys();
    Status load_segments();
    Status load_packs();
    Status clear_incoming();
    Result<Added> add_next(ByteView bytes);
    // How the file is called now.
    Result<LogStore::Name> store_file(const OpenedSegments& opened, ByteView bytes)
        REQUIRES_LOCK(write_mutex_);
    void keep_compacted(const OpenedSegments& opened, ByteView bytes) REQUIRES_LOCK(write_mutex_)
        EXCLUDES_LOCK(mutex_);
    void note_compacted(const OpenedSegments& opened, const LogStore::Name& name)
        EXCLUDES_LOCK(mutex_);
    Result<std::size_t> first_new(const std::vector<SegmentOuter>& segments) REQUIRES_LOCK(mutex_);
    // What the file holds that is new to the log.
    Status admit_file(const OpenedSegments& opened) REQUIRES_LOCK(mutex_);
    bool is_held_otherwise(const SegmentRef& header) EXCLUDES_LOCK(mutex_);
    std::vector<CompactionItem> compaction_items(const LogId& log);
    Status compact_run(const LogId& log, std::uint64_t first, std::uint64_t last,
                       const RecordKeys& keys);
    Result<std::uint64_t> drop_replaced_by(const LogId& log, const LogStore::Name& name,
                                           const RecordKeys& keys) EXCLUDES_LOCK(write_mutex_);
    struct StoredSegment {
        SegmentRef header;
        SegmentHash hash;
    };
    Result<StoredSegment> stored(const SegmentRef& segment) EXCLUDES_LOCK(mutex_);
    Status check_author(const SegmentOuter& outer) REQUIRES_LOCK(mutex_);
    Result<LogBranches::Place> check_place(const SegmentOuter& outer) REQUIRES_LOCK(mutex_);
    bool is_to_be_held(const SegmentOuter& outer, const LogBranches::Place& place)
        REQUIRES_LOCK(mutex_);
    // Nullopt: it is held.
    std::optional<SegmentRef> admit(const SegmentOuter& outer, const LogBranches::Place& place)
        REQUIRES_LOCK(mutex_);
    void rename_tail(const LogSplit& split) REQUIRES_LOCK(mutex_);
    void alarm_of_fork(const SegmentOuter& outer) REQUIRES_LOCK(mutex_);
    std::optional<LogPosition> end_in_roster(const LogId& log, const DeviceId& device)
        REQUIRES_LOCK(mutex_);
    Status load_log(const LogId& log);
    void note_damage(const SegmentRef& header) EXCLUDES_LOCK(mutex_);
    Status repair_segment(const SegmentOuter& outer, ByteView bytes) REQUIRES_LOCK(write_mutex_)
        EXCLUDES_LOCK(mutex_);
    LogPosition last_here(const LogId& log) REQUIRES_LOCK(mutex_);
    std::size_t held_segments_of(const DeviceId& device) REQUIRES_LOCK(mutex_);
    // Of what counted before (see count_anew), a segment counts whose file cannot be read now.
    std::vector<SegmentRef> release_held(const Frontier& before = {}) REQUIRES_LOCK(write_mutex_)
        EXCLUDES_LOCK(mutex_);
    bool accept_held(const LogId& log, const LogPosition& last) REQUIRES_LOCK(write_mutex_)
        EXCLUDES_LOCK(mutex_);
    bool has_counted_beyond_cuts() REQUIRES_LOCK(mutex_);
    std::vector<SegmentRef> count_anew() REQUIRES_LOCK(write_mutex_) EXCLUDES_LOCK(mutex_);
    void take_over(const SegmentOuter& outer, const SegmentRef& segment) REQUIRES_LOCK(mutex_);
    std::optional<SegmentRef> next_held(const LogId& log) REQUIRES_LOCK(mutex_);
    void use_keys(const std::vector<Bytes>& objects, std::shared_ptr<const KeyState> keys)
        EXCLUDES_LOCK(mutex_);
    void tell_pack(const PackInfo& pack);
    Status check_room(const PackInfo& pack);
    Status check_intake(const OpenedSegments& opened, std::size_t first_new, std::size_t bytes)
        EXCLUDES_LOCK(intake_mutex_);
    std::vector<std::string> intake_alarms();
    template <typename Call>
    void tell(Call call) {
        MutexLock lock(listeners_mutex_);
        for (ReplicaListener* listener : listeners_) call(*listener);
    }

    const VaultEnvironment environment_;
    const fs::path directory_;
    const VaultHeader header_;
    LocalKeys local_;  // written under write_mutex_ once it is open
    const SealingPublicKey own_sealing_;
    const SigningKey signing_;
    std::unique_ptr<VaultPresence> presence_;
    const std::string writer_;            // tells this device's unfinished files from others'
    const std::string temporary_ending_;  // of its unfinished files
    std::unique_ptr<LogStore> logs_;
    std::unique_ptr<SegmentFiles> files_;
    std::unique_ptr<PackStore> packs_;

    Mutex write_mutex_;  // one addition of a segment or key object at a time
    Mutex mutex_;
    std::shared_ptr<const KeyState> keys_ GUARDED_BY(mutex_);
    std::shared_ptr<const SealingKey> sealing_ GUARDED_BY(mutex_);
    std::map<EpochId, std::unique_ptr<const ReplicatorKeys>> epochs_
        GUARDED_BY(mutex_);  // only grows
    std::set<KeyObjectId> key_objects_ GUARDED_BY(mutex_);
    LogBranches branches_ GUARDED_BY(mutex_);  // accepted segments, and held ones behind them
    Frontier frontier_ GUARDED_BY(mutex_);
    std::map<LogId, DeviceId> writers_ GUARDED_BY(mutex_);
    LogEnds ends_ GUARDED_BY(mutex_);
    void note_collections(const SegmentOuter& outer) REQUIRES_LOCK(mutex_);
    std::map<CondemnedPacks, Condemnation> condemnations_ GUARDED_BY(mutex_);
    std::set<PackId> collected_ GUARDED_BY(mutex_);
    std::map<SegmentRef, std::set<DeviceId>> republished_ GUARDED_BY(mutex_);  // and by whom
    std::map<LogId, LogPosition> held_ GUARDED_BY(mutex_);  // the last one held of each log
    std::map<SegmentRef, std::vector<PackInfo>> introduced_ GUARDED_BY(mutex_);
    std::map<PackId, std::uint64_t> known_packs_
        GUARDED_BY(mutex_);  // introduced by a segment: lengths
    std::map<PackId, std::uint64_t> present_ GUARDED_BY(mutex_);  // in this directory: lengths
    std::set<PackId> missing_ GUARDED_BY(mutex_);
    std::size_t packs_told_ GUARDED_BY(mutex_) = 0;  // here, and their listeners do not all know
    std::map<PackId, std::uint64_t> candidates_
        GUARDED_BY(mutex_);  // found at start, not introduced, not verified: lengths
    std::vector<std::string> alarms_ GUARDED_BY(mutex_);
    // Those that may end: the object comes, whole, after all.
    std::map<SegmentRef, std::string> segment_alarms_ GUARDED_BY(mutex_);
    // As headers name them; their files are not what they were.
    std::set<SegmentRef> damaged_segments_ GUARDED_BY(mutex_);
    std::vector<std::string> key_alarms_ GUARDED_BY(mutex_);
    std::map<KeyObjectId, std::string> missing_key_alarms_ GUARDED_BY(mutex_);
    std::map<std::pair<PackId, PackTrouble>, std::string> pack_alarms_ GUARDED_BY(mutex_);
    std::map<LogId, std::string> log_alarms_ GUARDED_BY(mutex_);
    std::map<std::pair<LogId, LogPosition>, std::string> rollback_alarms_ GUARDED_BY(mutex_);
    // Files that were found damaged or gone, and are not whole again.
    std::set<PackId> doubted_packs_ GUARDED_BY(mutex_);
    std::set<KeyObjectId> doubted_keys_ GUARDED_BY(mutex_);
    struct Mended {
        CheckFinding::Kind kind;
        std::string name;
        std::optional<DeviceId> from;
    };
    std::deque<Mended> mended_ GUARDED_BY(mutex_);  // the last kMendedMax
    void note_mended(CheckFinding::Kind kind, std::string name) REQUIRES_LOCK(mutex_);
    // Other alarms than those of segments, packs and key objects.
    std::vector<std::string> alarms_of_no_object() EXCLUDES_LOCK(mutex_);
    void check_segments(CheckReport& report);
    void check_packs(CheckReport& report);
    void check_keys(CheckReport& report);
    CheckFinding::Repair repair_of(const CheckFinding& finding, bool are_others)
        REQUIRES_LOCK(mutex_);
    // Members but this device.
    bool has_others();
    // Segments that this device wrote came from others: was it put back to an older state?
    void alarm_if_put_back(const SegmentOuter& outer, bool was_in_directory) REQUIRES_LOCK(mutex_);
    std::set<LogId> logs_with_damage_ GUARDED_BY(mutex_);  // since the vault was opened
    std::map<LogId, std::uint64_t> own_at_opening_ GUARDED_BY(mutex_);  // their last segments then
    Mutex intake_mutex_;                                                // the innermost
    IntakeQuota intake_ GUARDED_BY(intake_mutex_);
    Mutex listeners_mutex_;
    std::set<ReplicaListener*> listeners_ GUARDED_BY(listeners_mutex_);
};

// "LOG/NUMBER", as reports name a segment.
std::string segment_name(const SegmentRef& header);
std::optional<SegmentRef> parse_segment_name(std::string_view name);

// Where this device keeps what belongs to one vault.
fs::path local_directory(const VaultEnvironment& environment, const VaultId& vault);
Result<VaultHeader> read_vault_header(Disk& disk, const fs::path& directory);
Result<std::vector<Bytes>> read_all_key_objects(Disk& disk, const fs::path& directory);
// Nothing when no key object has that file name.
std::optional<KeyObjectId> parse_key_object_name(std::string_view name);

}  // namespace lockstep
