// Vault: the front door of vault/. Create, open, unlock, lock; the plaintext side (FileSystem), the
// ciphertext side (Replica), and what joins them: publish and merge.
//
// A Vault has no thread of its own: somebody calls publish() when publish_due() says so and merge()
// when the replica has news. VaultRunner does that for the daemon; tests and the simulation call
// them as they like.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/disk.h"
#include "base/random.h"
#include "base/worker_pool.h"
#include "vault/check_report.h"
#include "vault/file_system.h"
#include "vault/history.h"
#include "vault/key_slots.h"
#include "vault/limits.h"
#include "vault/presence.h"
#include "vault/replica.h"

namespace lockstep {

class DeviceIdentity;       // vault/keys/device_identity.h
class PassphraseStretcher;  // vault/crypto/passphrase.h
PassphraseStretcher& in_process_stretcher();

struct VaultEnvironment {
    Disk& disk;
    Clock& clock;
    Random& random;
    WorkerPool& workers;
    const DeviceIdentity& device;
    std::string device_label;  // names conflict siblings and this device in other people's lists
    fs::path
        state_directory;  // local state of all vaults; each gets a folder named by its vault id
    std::chrono::milliseconds content_wait{
        60'000};                               // how long a read waits for content that is not here
    std::size_t chunk_cache_size = 64 * kMiB;  // bytes of opened chunks that each vault keeps
    PassphraseStretcher& stretcher = in_process_stretcher();  // takes 256 MiB at each unlock
    // Of content that need not be here (Keep::OnDemand): bytes kept because they were used.
    std::uint64_t on_demand_cache_size = 10ULL << 30;
    // Members that must promise to keep a pack before it is deleted here; at least 1.
    std::size_t eviction_copies = 1;
    // A vault's passphrase that costs less gets a new slot when an owner unlocks with it.
    std::optional<KdfCost> passphrase_cost_min = {};
    // How long what was replaced or deleted is kept, while the vault has no policy of its own.
    std::chrono::milliseconds retention = std::chrono::hours(24 * 30);
};

struct VaultCreation {
    KdfCost cost;
    bool unlock_at_start = false;
    // The passphrase opens it on this device only, and does not lie in the vault's directory.
    bool passphrase_stays_here = false;
};

// A conflict as people see it: `sibling` lies beside `path` and holds another device's version.
struct ConflictEntry {
    std::string path;
    std::string sibling;
    std::string device_label;
    std::int64_t wall_ms = 0;
    std::uint64_t size = 0;
};

// What a collection found, or would do.
struct CollectionReport {
    std::uint64_t packs = 0, bytes = 0;                 // that nothing here needs
    std::uint64_t rewritten_packs = 0, kept_bytes = 0;  // mostly unneeded; what is needed of them
    std::uint64_t waiting_packs = 0;  // condemned before; other devices have not agreed
    // Content that only the past needs, before anything goes, and what its quota lets go of that.
    std::uint64_t past_bytes = 0;
    std::optional<std::uint64_t> past_quota = {};
    std::uint64_t freed_versions = 0, freed_past_bytes = 0;
    std::int64_t past_cut_ms = 0;  // what ended before is let go; 0: nothing for a quota
};

struct KeepReport {
    std::string path;  // empty: the whole vault
    Keep keep = Keep::Full;
    std::string from;  // the path whose rule says so; empty: the vault's, or none
};

// What giving up content has come to.
struct EvictionReport {
    std::uint64_t packs = 0, bytes = 0;  // deleted here; `bytes` with what was only cached
    struct Kept {
        std::string reason;  // "N packs: REASON"
        std::uint64_t count = 0;
    };
    std::vector<Kept> kept;

    void add_kept(const std::string& reason, std::uint64_t count) {
        for (Kept& one : kept)
            if (one.reason == reason) return void(one.count += count);
        kept.push_back({reason, count});
    }
};

// Which connected members hold a file's content.
struct WhereisReport {
    Keep keep = Keep::Full;
    std::uint64_t size = 0, absent_bytes = 0;  // not here
    std::uint64_t pieces = 0;                  // chunks and parts of its list
    bool is_everywhere = false;                // so small that it lies in the log
    struct Holder {
        DeviceId device;
        std::uint64_t pieces = 0;  // that it holds
    };
    std::vector<Holder> holders;
};

// Which version of a file in conflict is kept.
enum class ConflictChoice {
    Mine,    // the one that this device wrote
    Theirs,  // the one that another device wrote
    This,    // the one that the path shows
    Both,    // all: each becomes a file of its own, under the name that it is shown by
};

// What keeps a file from being the same on all devices, as far as this device's vault knows.
struct FileReport {
    FileType type = FileType::Regular;
    std::uint64_t size = 0;
    std::string written_by;         // label of the device that wrote the version shown
    std::uint64_t written_ms = 0;   // wall clock, as that device says
    LogId log;                      // that it was published in
    bool is_being_written = false;  // what was written last is no version yet
    bool is_unpublished = false;    // its last change is not published yet
    bool is_in_conflict = false;
    std::uint64_t absent_bytes = 0;      // of its content, not here
    std::vector<PackInfo> absent_packs;  // where those bytes may be: packs of that log, not here
};

// Kept aside, to be adopted or not: segments behind the end of a revoked device's logs.
struct HeldSegments {
    DeviceId device;
    std::uint64_t segments = 0;
};

// A device that rewrote so many files to noise that it is held: see RewriteBrake.
struct HeldRewrites {
    DeviceId device;
    bool is_own = false;        // this device: nothing is published; else: nothing of it is applied
    std::int64_t since_ms = 0;  // wall clock, just before the first of them
    std::uint64_t files = 0;    // when it was stopped
    std::uint64_t segments = 0;         // of other devices: that wait
    std::vector<std::string> examples;  // paths; a few
};

struct VaultStatus {
    bool is_unlocked = false;
    bool may_write = true;  // unlocked: this device's role; else every change fails with ReadOnly
    std::uint64_t files = 0, directories = 0;  // that can be seen; symbolic links count as files
    std::uint64_t packs = 0, pack_bytes = 0;   // ciphertext here
    std::uint64_t missing_packs = 0, missing_pack_bytes = 0;    // to be fetched
    std::uint64_t left_out_packs = 0, left_out_pack_bytes = 0;  // not here by choice
    bool is_selecting = false;                // what is to be fetched is not clear yet
    bool is_blind = false;                    // this device holds what it cannot open
    std::optional<std::uint64_t> quota = {};  // see set_quota()
    std::uint64_t pending_records = 0;        // local changes not yet published
    std::uint64_t unmerged_segments = 0;
    std::uint64_t conflicts = 0;
    std::vector<DeviceId> held_back;  // that have brought in too much within a day
    std::vector<HeldSegments> held;   // what revoked devices wrote that does not count
    bool has_brake = true;            // for rewrites
    std::vector<std::string> alarms;  // forks, rollbacks, damage: sentences for a person
    std::vector<std::string> notes;   // files in the directory that are left alone, and why
};

// How far sealing anew has come what a removed device has the keys of, and what it can read still.
struct ResealReport {
    enum class State {
        None,     // was never asked for
        Running,  // while the vault is unlocked, in steps
        Done
    };
    State state = State::None;
    DeviceId device;
    // When it was asked for. It could read all of that, and does if it has a copy.
    std::uint64_t files = 0, file_bytes = 0;
    std::uint64_t segments = 0;  // names and history under its keys; they are not sealed anew
    std::uint64_t packs = 0, bytes = 0;                  // whose content lies under new keys by now
    std::uint64_t left_packs = 0, left_bytes = 0;        // here, and not sealed anew yet
    std::uint64_t absent_packs = 0;                      // under its keys and not here
    std::uint64_t waiting_packs = 0, waiting_bytes = 0;  // kept until every device agrees
    std::string problem;  // why it does not go on just now; empty: it does
};

// What may have become other in a vault's directory without our doing.
struct DirectoryNews {
    std::vector<fs::path> changed;  // relative; a directory stands for all in it
    bool is_everything = false;     // look at all of it
};

// What one device has done to files, since somebody asked last.
struct ChangeNews {
    DeviceId device;
    DifferenceKind kind = DifferenceKind::Changed;
    std::vector<std::string> paths;  // at most kNewsPathsMax, of kNewsPathBytesMax together
    std::uint64_t more = 0;          // further changes
};
inline constexpr std::size_t kNewsPathsMax = 10;
inline constexpr std::size_t kNewsPathBytesMax = 4096;

// A file whose content is to be here and is not all here yet.
struct FileUnderWay {
    std::string path;
    std::uint64_t size = 0, absent_bytes = 0;
    std::uint64_t rate = 0;  // bytes a second since the last question but one; 0: not known
};

class Vault {
  public:
    virtual ~Vault() = default;

    // Makes the directory (Exists when it holds anything) and leaves the vault unlocked.
    // `recovery_code` gets the text of the recovery slot's code.
    static Result<std::unique_ptr<Vault>> create(const VaultEnvironment& environment,
                                                 const fs::path& directory, ByteView passphrase,
                                                 const VaultCreation& options,
                                                 std::string* recovery_code);
    // Opens a vault directory locked. NotFound when it is no vault. A device that has never been in
    // this vault must unlock with the passphrase, which admits it.
    static Result<std::unique_ptr<Vault>> open(const VaultEnvironment& environment,
                                               const fs::path& directory);

    virtual VaultId id() const = 0;
    virtual const fs::path& directory() const = 0;
    virtual bool is_unlocked() const = 0;
    // With a passphrase or the recovery code. WrongKey when it is not this vault's, Busy after too
    // many of those. Takes about a second (Argon2id). Refused on a blind member.
    virtual Status unlock(ByteView passphrase) = 0;
    // Locked when this device does not keep the key (see set_unlock_at_start).
    virtual Status unlock_with_stored_key() = 0;
    virtual Status set_unlock_at_start(bool enabled) = 0;  // REQUIRES: unlocked
    // Publishes, then forgets keys and plaintext. Busy while files are open, unless forced: their
    // handles then fail.
    virtual Status lock(bool force) = 0;

    virtual FileSystem& files() = 0;  // while locked every call fails with Locked
    // Not usable (null) only on a device that has never been in this vault, until its first unlock.
    virtual Replica* replica() = 0;

    // When the next publish is due; nothing to publish: nullopt.
    virtual std::optional<std::chrono::steady_clock::time_point> publish_due() = 0;
    virtual Status publish() = 0;
    // Applies segments that the replica has got. Returns how many.
    virtual Result<std::uint64_t> merge() = 0;
    virtual bool has_unmerged() = 0;
    // Called when publish_due() or has_unmerged() may have become other, maybe under locks of the
    // vault: it only notes that, and calls nothing back. One listener.
    virtual void set_work_listener(std::function<void()> listener) = 0;

    // Takes objects that others have put into the directory (another device on the same disk,
    // rsync, a sync service), each verified like what a peer sends; what is not good yet is left
    // alone and looked at again, also by a call without news, when something else has come. Works
    // locked, too. Blocks on the disk. See VaultDropBox.
    virtual Status look_at_directory(const DirectoryNews& news) = 0;

    virtual VaultStatus status() = 0;
    // Some of the files that are on their way to this device, at most `max`; nothing while it is
    // locked. Each call looks for a tenth of a second or two, so more come to light call by call.
    virtual std::vector<FileUnderWay> files_under_way(std::size_t max) = 0;
    // What was published and merged since the last call, as news for people: not what a new index
    // is made from. Nothing while it is locked, and what was not taken before a lock is forgotten.
    virtual std::vector<ChangeNews> take_news() = 0;
    virtual std::vector<ConflictEntry> conflicts() = 0;
    // Ends the conflict that `path` (or its sibling) is in: a new version replaces all, or each
    // gets a file of its own. NotFound when there is none; Invalid when it is not clear which one
    // is meant, or a directory takes part. Locked while locked.
    virtual Status resolve_conflict(const std::string& path, ConflictChoice keep) = 0;
    // NotFound when there is no such file. Reads list nodes that are here; waits for nothing.
    virtual Result<FileReport> explain(const std::string& path) = 0;
    // What this device keeps of the content at a path ("" is the whole vault): its own choice,
    // inherited from the directory above. NotFound, Locked. set_keep is durable on return; nullopt:
    // as the directory above. What need not be here any more stays until it is evicted.
    virtual Result<KeepReport> keep(const std::string& path) = 0;
    virtual Status set_keep(const std::string& path, std::optional<Keep> keep) = 0;
    virtual std::vector<KeepReport> keep_rules() = 0;
    // Deletes packs with content of the path that need not be here, if enough other members promise
    // to keep them. May take a minute. Refused when the directory is shared.
    virtual Result<EvictionReport> evict(const std::string& path) = 0;
    virtual Result<WhereisReport> whereis(const std::string& path) = 0;
    // A blind member never unlocks: what needs plaintext fails with Locked there.
    virtual bool is_blind() = 0;
    // How much of this device's disk the vault may take; nullopt: as much as it takes. On members
    // that are not blind: of content on demand; nullopt: on_demand_cache_size. What is here and
    // does not fit goes with time, once others promise to keep it. Durable; also while locked.
    virtual Status set_quota(std::optional<std::uint64_t> bytes) = 0;
    // Regular care: learns what is to be fetched when that is not clear; holds the limit of the
    // cache, or the quota. May take a minute. Returns the bytes freed.
    virtual std::uint64_t care_for_presence() = 0;
    // While false, readers of content that is not here get Locked instead of waiting for it.
    virtual void set_waiting(bool may_wait) = 0;

    // What each other device may bring in within a day, in bytes (0: no limit), before what else it
    // writes is left with those who have it: see IntakeQuota. Durable on return; also while locked.
    // Locked on a device that has never been in this vault.
    virtual Result<std::uint64_t> member_quota() = 0;
    virtual Status set_member_quota(std::uint64_t bytes_per_day) = 0;
    // A device that is held back may go on.
    virtual Status let_in(const DeviceId& device) = 0;

    // The brake for rewrites; none is held while it is locked, and the rest needs an unlocked
    // vault. A release lets everything through that is held, and more of the same devices for an
    // hour. An undo brings back what they had changed, as VaultHistory::undo() from `since_ms` on,
    // and releases then: of what was written here nothing was ever published. Its report may name
    // what is left.
    virtual std::vector<HeldRewrites> held_rewrites() = 0;
    virtual Status release_rewrites() = 0;
    virtual Result<UndoReport> undo_rewrites(bool is_dry_run) = 0;
    // Durable on return. Off: what is held is released, and nothing is held any more.
    virtual Status set_rewrite_brake(bool is_on) = 0;

    // What it held before.
    virtual VaultHistory& history() = 0;

    // Every object of the directory, verified; unlocked: chunks as well, that the index on this
    // device says the same, and which versions need what is damaged.
    virtual Result<CheckReport> check() = 0;
    // Brings up to date which of the findings are whole again by now, or asked of other members.
    virtual void note_repairs(CheckReport& report) = 0;
    // Throws away what this device keeps to unlock quickly: the next unlock makes it anew, from the
    // directory.
    virtual Status rebuild_index() = 0;

    // Passphrases and the recovery code; also while it is locked.
    virtual std::vector<KeySlotInfo> key_slots() = 0;
    // The rest needs an unlocked vault and, but for this device's own passphrase, an owner; each is
    // durable when it returns. What is replaced or removed opens nothing that is written from then
    // on, but does open older copies of the directory. WrongKey when `current` is wrong.
    virtual Status set_passphrase(const NewPassphrase& wish) = 0;
    // NotFound; Refused when it is the last passphrase of this device and of the vault.
    virtual Status remove_passphrase(std::string_view id, ByteView current) = 0;
    // Replaces the recovery code; the new one is kept nowhere. `vault_name` is for the sheet.
    virtual Result<RecoveryCode> renew_recovery_code(std::string_view vault_name,
                                                     ByteView current) = 0;
    // Whether it is this vault's: WrongKey, Invalid when mistyped. Also while locked.
    virtual Status test_recovery_code(ByteView code) = 0;
    // A new epoch: whoever has older keys only cannot read what is written from now on.
    virtual Status rotate() = 0;

    // Joining. The host (unlocked, owner) makes an offer, the guest answers with a request, the
    // host admits it: the new key object is durable when admit() returns. Bytes are opaque to the
    // transport.
    virtual Result<Bytes> make_offer(std::string_view vault_label) = 0;
    virtual Result<Bytes> admit(ByteView request, MemberRole role) = 0;

    // Condemns packs that nothing needs any more, and packs that are mostly that, once the rest of
    // them lies in new ones. They are deleted everywhere when every active member has agreed. With
    // `is_dry_run` nothing is done.
    virtual Result<CollectionReport> collect(bool is_dry_run) = 0;

    // Puts small files of this device's log together, and removes files that a compacted one of any
    // log stands for (unlocked). Cheap when nothing has come since; each segment is written again
    // a few times at most. With `at_once` whatever can be put together is. Returns how many
    // segments lie otherwise now.
    virtual Result<std::uint64_t> compact(bool at_once) = 0;

    // Membership (unlocked, owner; retire: also of this device itself). Each is durable when it
    // returns. NotFound when the device was never a member, Refused when this device may not.
    //
    // The device is a member no longer: what it writes that nobody has seen yet does not count, and
    // what is written from now on it cannot read (a new epoch).
    virtual Status revoke(const DeviceId& device) = 0;
    // Seals anew what the vault holds under keys that a removed device has: content in new packs
    // under the present epoch; the old ones are deleted everywhere once every active member has
    // agreed. Asked for durably: it goes on after a crash, when somebody unlocks and calls
    // continue_reseal(). Conflict while it runs for another device.
    virtual Status begin_reseal(const DeviceId& removed) = 0;
    // The next step, of 16 MiB or a 32nd of what is left. Returns whether there is more to do now.
    virtual Result<bool> continue_reseal() = 0;
    virtual ResealReport reseal_report() = 0;
    // Its logs end where they are known here, without distrust: it goes on with a new log, by which
    // what it wrote meanwhile counts.
    virtual Status retire(const DeviceId& device) = 0;
    // Another role. A device that may write no more has its logs retired: what it writes that
    // nobody has seen yet waits until somebody adopts it, or until it may write again. Becoming or
    // ceasing to be blind begins a new epoch. Refused for this device itself, and the last owner.
    virtual Status set_role(const DeviceId& device, MemberRole role) = 0;
    // Takes over what a device wrote after it was revoked, or might write no more, as far as what
    // it builds on has arrived (nothing of it: Unavailable). Returns how many segments.
    virtual Result<std::uint64_t> adopt(const DeviceId& device) = 0;
};

// The guest's side of joining.
class PendingJoin {
  public:
    virtual ~PendingJoin() = default;
    // Reads the host's offer; Corrupt when it is none.
    static Result<std::unique_ptr<PendingJoin>> begin(const VaultEnvironment& environment,
                                                      ByteView offer);
    virtual std::string vault_label() const = 0;
    virtual VaultId vault_id() const = 0;
    virtual Bytes request() const = 0;
    // Makes the directory and leaves the vault unlocked, or locked where this device was admitted
    // as a blind member.
    virtual Result<std::unique_ptr<Vault>> finish(const fs::path& directory, ByteView admission,
                                                  bool unlock_at_start) = 0;
};

// Without a daemon and without any local state: the passphrase and a copy of the vault directory
// are enough.
struct DecryptReport {
    std::uint64_t files = 0, directories = 0, symlinks = 0, bytes = 0;
    // Paths (or objects) that could not be restored, or not whole, with the reason.
    std::vector<std::string> damaged;
    // Files of which a part is lost. What is intact of one is written beside its place under a name
    // that says so, NAME.damaged, with zeros where bytes are missing; the name itself stays free.
    struct Partial {
        std::string path;
        std::string written_as;  // a path; empty: nothing of it is intact
        std::uint64_t size = 0;
        MissingRanges missing;
    };
    std::vector<Partial> partial;
};
Result<DecryptReport> decrypt_vault(Disk& disk, WorkerPool& workers, const fs::path& directory,
                                    ByteView passphrase, const fs::path& output);
// With a passphrase chunks and paths are checked as well; without one only what needs no key.
Result<CheckReport> check_vault(Disk& disk, WorkerPool& workers, const fs::path& directory,
                                std::optional<ByteView> passphrase);

// Runs a vault's publish and merge on a thread of its own, "ls-vault".
class VaultRunner {
  public:
    explicit VaultRunner(Vault& vault);
    ~VaultRunner();  // stops; does not publish
    VaultRunner(const VaultRunner&) = delete;
    VaultRunner& operator=(const VaultRunner&) = delete;

    // Waits until everything written so far is published, or the deadline passes (Timeout).
    Status publish_now(std::chrono::steady_clock::time_point deadline);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// The vault's directory as a drop box: a thread of its own, "ls-drop", notices what others put
// there or change, and has the vault look at it. It watches with inotify, and looks at everything
// at start, after lost events, and every now and then: some file systems (NFS) tell nothing.
class VaultDropBox {
  public:
    struct Options {
        std::chrono::milliseconds gather{50};  // changes within this time are looked at together
        std::chrono::milliseconds rescan = std::chrono::minutes(10);
        std::chrono::milliseconds unwatched_rescan = std::chrono::seconds(20);  // instead of events
        bool uses_events = true;
    };

    // REQUIRES: the vault has a replica, and outlives this.
    VaultDropBox(Vault& vault, const Options& options);
    explicit VaultDropBox(Vault& vault);
    ~VaultDropBox();
    VaultDropBox(const VaultDropBox&) = delete;
    VaultDropBox& operator=(const VaultDropBox&) = delete;

    // Why the directory cannot be watched, or looked at, just now; empty: it can. THREADS: any.
    std::string problem() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace lockstep
