// One vault in the daemon's hands: locked, unlocked or mounted, and known to the sync engine.
//
// A vault whose directory could not be opened is here as well, with `problem` saying why; unlocking
// tries again. Verbs that change the state exclude one another; questions never wait for them.
//
// THREADS: any.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/api/history_messages.h"
#include "daemon/api/messages.h"
#include "daemon/idle_timer.h"
#include "daemon/sightings.h"
#include "daemon/transfers.h"
#include "daemon/vault_mirrors.h"
#include "daemon/vault_mounts.h"
#include "daemon/vault_services.h"
#include "vault/pack_scrub.h"

namespace lockstep {

inline constexpr std::size_t kFilesUnderWayMax = 50;
inline constexpr std::uint64_t kPauseMsMax = 366ULL * 24 * 3600 * 1000;

class ManagedVault {
  public:
    ManagedVault(const VaultServices& services, api::VaultConfig config);
    // REQUIRES: shut_down() or detach() was called, or nothing was ever opened
    ~ManagedVault();
    ManagedVault(const ManagedVault&) = delete;
    ManagedVault& operator=(const ManagedVault&) = delete;

    // Opens the directory, locked, and joins its swarm. On failure the problem is kept and shown.
    Status open();
    // Takes over a vault just made or joined, and joins its swarm.
    Status adopt(std::unique_ptr<Vault> vault);

    // Before anything is mounted: what was remembered as a mount point, and was left unguarded by a
    // crash, is guarded again.
    void guard_mount_points();

    // An empty passphrase: by the key this device keeps. Mounts where the configuration says; a
    // mount that fails is a problem shown, not a failed unlock.
    Status unlock(const api::UnlockVault& request);
    // Busy, naming who, while files are open, unless forced.
    Status lock(bool is_forced);
    // When it is locked by itself (managed_vault_autolock.cpp).
    Status set_auto_lock(const api::SetAutoLock& request);
    // Locks it if that is wanted before the machine sleeps, and nobody uses it.
    void lock_for_sleep();
    // Without a directory: wherever it was mounted before (with a path: that folder of it).
    Status mount(const api::MountVault& request);
    // Without a directory: all of its mounts, or none. NotFound when nothing is mounted there.
    Status unmount(const api::UnmountVault& request);
    // Locked while the vault is. A folder that overlaps what Lockstep needs, a mount or another
    // mirror is Invalid; what it holds already is joined with what the vault shows.
    Result<api::MirrorInfo> add_mirror(const api::AddMirror& request);
    // NotFound when there is none. The folder and its files stay.
    Status remove_mirror(const std::string& directory);
    // Also while the vault is locked.
    std::vector<api::MirrorInfo> mirrors() const;
    void release_brake();
    std::vector<api::HeldRewritesInfo> held_rewrites() const;
    // The brake: deletes of mirrors, and rewrites of devices. The latter need an unlocked vault.
    api::BrakeAnswer brake();
    Status set_rewrite_brake(bool is_on);
    Result<api::UndoAnswer> undo_rewrites(bool is_dry_run);
    Result<IgnoreRules::Verdict> ignore_verdict(const std::string& directory,
                                                const std::string& path) const;
    // Remembered over restarts. `until_ms`: wall clock when it is to be resumed; 0: by somebody.
    Status set_paused(bool is_paused, std::uint64_t until_ms);
    // Nothing is synced while the network is metered and that matters.
    void set_metered(bool is_metered);
    // It is paused, and its time is up (or further away than a pause can last: the clock was set).
    bool is_pause_over() const;
    // This device is a blind member of it.
    bool is_blind() const;
    // Of a blind member, or of content on demand; 0: no limit, or as in all vaults.
    Status set_quota(std::uint64_t bytes);
    // What each other device may bring in within a day; 0: no limit.
    Result<std::uint64_t> member_quota();
    Status set_member_quota(std::uint64_t bytes);
    Status let_in(const DeviceId& device);
    // Publishes, unmounts, locks and leaves the swarm; bounded by `deadline` as far as the vault
    // allows.
    void shut_down(std::chrono::steady_clock::time_point deadline);
    // The same for a vault that is taken out of the daemon's hands; nothing happens when it fails.
    Status detach(bool is_forced);

    // After shut_down() or detach() every verb fails with NotFound.
    std::string name() const;
    api::VaultConfig config() const;
    std::optional<VaultId> id() const;
    // It is, or is to be, mounted there.
    bool is_mount_point(const std::string& directory) const;
    api::VaultInfo info();
    // With the files that are under way.
    api::VaultInfo detailed_info();
    std::vector<api::DeviceInfo> members();
    // Notes who is connected now. For every change of the sync status, so that what members() says
    // of who has gone is true.
    void note_sightings();
    Result<std::vector<ConflictEntry>> conflicts();
    Status resolve_conflict(const std::string& path, ConflictChoice keep);
    Result<api::ExplainAnswer> explain(const std::string& path);
    // What this device keeps of the content (managed_vault_presence.cpp); Locked while it is.
    Result<api::KeepAnswer> keep(const std::string& path);
    Status set_keep(const std::string& path, const std::string& word);
    Result<api::EvictAnswer> evict(const std::string& path);
    Result<api::WhereisAnswer> whereis(const std::string& path);
    // Locked while it is.
    Result<VaultHistory*> history();
    // `mends_index`: an index that says otherwise than the directory is thrown away, too.
    Result<CheckReport> check(bool rebuilds_index, bool mends_index = false);
    // Reads every pack again; what is damaged is fetched from other devices.
    // Waits some seconds for what connected devices are asked for, and notes in the report what
    // has come.
    Result<PackScrub::Report> repair(CheckReport& report);
    // These need it unlocked.
    Result<CollectionReport> collect(bool is_dry_run);
    // Keys (managed_vault_keys.cpp). The list and the test need no unlocked vault.
    Result<std::vector<KeySlotInfo>> key_slots() const;
    Status set_passphrase(const api::SetPassphrase& request);
    Status remove_passphrase(const api::RemovePassphrase& request);
    Result<RecoveryCode> renew_recovery_code(const api::RenewRecovery& request);
    Status test_recovery_code(const api::TestRecovery& request) const;
    Status rotate();
    Status set_role(const DeviceId& device, MemberRole role);
    Status revoke(const DeviceId& device);
    // Of a removed device: see Vault. It goes on by itself, also after a restart.
    Status begin_reseal(const DeviceId& device);
    Result<api::ResealAnswer> reseal() const;
    Status retire(const DeviceId& device);
    Result<std::uint64_t> adopt(const DeviceId& device);
    // Locked while the vault is.
    Result<Transfers*> transfers();
    Result<FileSystem*> files();
    // For joining.
    Result<Bytes> make_offer();
    Result<Bytes> admit(ByteView request, MemberRole role);

    // Publishes what is there, waiting at most until `deadline`.
    Status publish(std::chrono::steady_clock::time_point deadline);
    // What keeps this vault from being in step, as sentences; empty: it is.
    std::vector<std::string> missing(const api::WaitForVault& request);

    // Regular care: transfers nobody uses, a mount that somebody took away.
    void tick();

  private:
    Status adopt_locked(std::unique_ptr<Vault> vault) REQUIRES_LOCK(operation_);
    Status open_locked() REQUIRES_LOCK(operation_);
    Status mount_locked(const api::MountConfig& mount) REQUIRES_LOCK(operation_);
    Status mount_remembered(const std::string& path, const api::MountVault& request)
        REQUIRES_LOCK(operation_);
    Status unmount_all_locked(bool is_forced) REQUIRES_LOCK(operation_);
    void note_mounts() REQUIRES_LOCK(operation_);
    void note_mount_problem(const api::MountConfig& mount, const std::string& problem);
    void forget_mounts(const std::vector<std::string>& directories);
    void remove_guards(const std::vector<std::string>& directories) const;
    // Who locks it by itself, and how long that may take to publish.
    struct LockReason {
        std::chrono::milliseconds publish_time;
        std::string subject, message;
    };
    Status lock_locked(bool is_forced, const LockReason& reason) REQUIRES_LOCK(operation_);
    void lock_by_itself(const LockReason& reason, bool is_told);
    void lock_when_idle();
    std::uint64_t uses() const;
    void note_use() { ++uses_; }
    Status check_usable() REQUIRES_LOCK(operation_);
    Status check_mount_point(const std::string& directory) const;
    Status check_mirror_folder(const std::string& directory) const;
    Status check_apart(const std::string& directory, const char* what) const;
    void start_mirrors() REQUIRES_LOCK(operation_);
    void note_mirrors();
    void note_rewrites();
    fs::path mirror_states() const { return services_.paths.state_directory / "mirrors"; }
    Status remember(const std::function<void(api::VaultConfig&)>& change);
    void care_for_presence();
    void scrub(Vault& vault);
    void go_on_resealing(Vault& vault);
    void watch_directory() REQUIRES_LOCK(operation_);
    void leave_directory() REQUIRES_LOCK(operation_);
    void apply_pause() REQUIRES_LOCK(operation_);
    void join_swarm() REQUIRES_LOCK(operation_);
    void leave_swarm() REQUIRES_LOCK(operation_);
    std::uint64_t kdf_memory_bytes() const;  // of passphrases that are set from now on
    void restore_sightings();
    void save_sightings();
    // Events about files (managed_vault_news.cpp): what changed since the last time; and what was
    // told before is kept without names.
    void tell_changes(Vault& vault) EXCLUDES_LOCK(telling_);
    void forget_changes() EXCLUDES_LOCK(telling_);
    void set_problem(std::string problem);
    void tell(std::string type, std::string message, std::string subject = {});
    Vault* vault() const;
    Result<Vault*> unlocked_vault() const;
    Error blind_error() const;
    void note_sightings(const VaultSyncStatus& sync, bool is_settled);
    std::string status_word(const api::VaultInfo& info, const VaultSyncStatus& sync) const;

    const VaultServices services_;

    // Held by verbs that change the state, for as long as they take. Taken before state_.
    mutable Mutex operation_;
    bool is_in_swarm_ GUARDED_BY(operation_) = false;
    std::atomic<bool> is_metered_{false};
    bool is_gone_ GUARDED_BY(operation_) = false;
    // Set once; what uses the vault goes before it.
    std::unique_ptr<Vault> vault_;
    std::unique_ptr<VaultRunner> runner_;
    std::unique_ptr<Transfers> transfers_;
    std::unique_ptr<VaultMounts> mounts_;
    std::unique_ptr<VaultMirrors> mirrors_;
    std::unique_ptr<PackScrub> scrub_;           // used by `presence_care_` alone
    std::unique_ptr<WorkerPool> presence_care_;  // of the thread that calls tick()
    std::atomic<bool> is_caring_{false};
    std::chrono::steady_clock::time_point reseal_due_{};  // of the thread that cares
    IdleTimer idle_;                                      // used by `presence_care_` alone
    std::optional<std::uint64_t> told_at_uses_{};         // the same: what lock_waits was told at
    std::atomic<std::uint64_t> uses_{0};                  // through the API
    std::atomic<bool> has_mirror_news_{false};
    std::set<DeviceId> told_rewrites_;  // held devices that were told of; of the thread of tick()

    Mutex telling_;  // names of files are on their way into events
    std::chrono::steady_clock::time_point changes_due_{};  // of the thread that calls tick()
    std::chrono::seconds changes_pause_{1};                // the same

    // Short; what questions read.
    mutable Mutex state_;
    Vault* opened_ GUARDED_BY(state_) = nullptr;
    api::VaultConfig config_ GUARDED_BY(state_);
    std::string problem_ GUARDED_BY(state_);
    std::shared_ptr<VaultDropBox> drop_box_ GUARDED_BY(state_);
    std::vector<api::MountConfig> mounted_ GUARDED_BY(state_);
    std::map<std::string, std::string> mount_problems_ GUARDED_BY(state_);  // by directory

    Sightings sightings_;
    std::chrono::steady_clock::time_point sightings_saved_{};  // of the thread that calls tick()
};

std::string_view role_text(MemberRole role);
// "added", "removed", "changed", "renamed", "attributes"
std::string_view difference_kind_text(DifferenceKind kind);
api::UndoAnswer undo_answer(UndoReport report);

// "it is not mounted at DIRECTORY: PROBLEM"
std::string mount_problem_text(const std::string& directory, const std::string& problem);

// An absolute path without "." and "..", and without a last '/'.
std::string normal_path(const std::string& path);

}  // namespace lockstep
