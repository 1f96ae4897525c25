// Vault on a directory: what vault/vault.h promises.
//
// THREADS: any. Lock order: state_mutex_ (lock, unlock and everything that must not overlap them),
// then the open vault's own.
#pragma once

#include <future>

#include "vault/core/blind_care.h"
#include "vault/core/directory_arrivals.h"
#include "vault/core/lockable_files.h"
#include "vault/core/open_vault.h"
#include "vault/core/unlock_backoff.h"
#include "vault/core/vault_history.h"
#include "vault/vault.h"

namespace lockstep {

class VaultImpl final : public Vault, private ReplicaListener {
  public:
    VaultImpl(const VaultEnvironment& environment, fs::path directory, VaultHeader header);
    ~VaultImpl() override;

    VaultId id() const override { return header_.id; }
    const fs::path& directory() const override { return directory_; }
    bool is_unlocked() const override;
    Status unlock(ByteView passphrase) override;
    Status unlock_with_stored_key() override;
    Status set_unlock_at_start(bool enabled) override;
    Status lock(bool force) override;
    FileSystem& files() override { return files_; }
    Replica* replica() override { return replica_.get(); }
    std::optional<std::chrono::steady_clock::time_point> publish_due() override;
    Status publish() override;
    Result<std::uint64_t> merge() override;
    bool has_unmerged() override;
    void set_work_listener(std::function<void()> listener) override;
    Status look_at_directory(const DirectoryNews& news) override;
    VaultStatus status() override;
    std::vector<FileUnderWay> files_under_way(std::size_t max) override;
    std::vector<ChangeNews> take_news() override;
    std::vector<ConflictEntry> conflicts() override;
    Status resolve_conflict(const std::string& path, ConflictChoice keep) override;
    Result<FileReport> explain(const std::string& path) override;
    Result<KeepReport> keep(const std::string& path) override;
    Status set_keep(const std::string& path, std::optional<Keep> keep) override;
    std::vector<KeepReport> keep_rules() override;
    Result<EvictionReport> evict(const std::string& path) override;
    Result<WhereisReport> whereis(const std::string& path) override;
    bool is_blind() override { return replica_ && replica_->is_blind(); }
    Status set_quota(std::optional<std::uint64_t> bytes) override;
    std::uint64_t care_for_presence() override;
    void set_waiting(bool may_wait) override;
    Result<std::uint64_t> member_quota() override;
    Status set_member_quota(std::uint64_t bytes_per_day) override;
    Status let_in(const DeviceId& device) override;
    std::vector<HeldRewrites> held_rewrites() override;
    Status release_rewrites() override;
    Result<UndoReport> undo_rewrites(bool is_dry_run) override;
    Status set_rewrite_brake(bool is_on) override;
    VaultHistory& history() override { return history_; }
    Result<CheckReport> check() override;
    void note_repairs(CheckReport& report) override;
    Status rebuild_index() override;
    std::vector<KeySlotInfo> key_slots() override;
    Status set_passphrase(const NewPassphrase& wish) override;
    Status remove_passphrase(std::string_view id, ByteView current) override;
    Result<RecoveryCode> renew_recovery_code(std::string_view vault_name,
                                             ByteView current) override;
    Status test_recovery_code(ByteView code) override;
    Status rotate() override;
    Result<Bytes> make_offer(std::string_view vault_label) override;
    Result<Bytes> admit(ByteView request, MemberRole role) override;
    Result<CollectionReport> collect(bool is_dry_run) override;
    Result<std::uint64_t> compact(bool at_once) override;
    Status revoke(const DeviceId& device) override;
    Status begin_reseal(const DeviceId& removed) override;
    Result<bool> continue_reseal() override;
    ResealReport reseal_report() override;
    Status retire(const DeviceId& device) override;
    Status set_role(const DeviceId& device, MemberRole role) override;
    Result<std::uint64_t> adopt(const DeviceId& device) override;

    // Opens the ciphertext side with what this device keeps of the vault.
    Status open_replica(LocalKeys local);
    // This device's own passphrase, while the vault is unlocked.
    Status keep_passphrase_here(ByteView passphrase, const KdfCost& cost);
    // Unlocks with the member's sealing key, which is kept sealed for later unlocks.
    Status unlock_as_member(std::shared_ptr<const SealingKey> sealing);

    // Null while it is locked.
    std::shared_ptr<OpenVault> open_vault() const EXCLUDES_LOCK(open_mutex_);

  private:
    void segment_added(const SegmentRef& segment) override;
    void pack_added(const PackId& pack) override;
    void keys_changed() override;
    void pack_wanted_now(const PackInfo&) override {}

    void work_changed();
    void close_open_vault() EXCLUDES_LOCK(open_mutex_);
    KeyEditor key_editor(const KeyState& state);
    Status check_may_unlock();
    Status unlock_with(const SecretBytes& secret) REQUIRES_LOCK(state_mutex_);
    // Passphrases and the recovery code (vault_impl_keys.cpp).
    struct Proof {
        std::optional<SigningPublicKey> slot;  // that the secret opens
        bool is_recovery = false;
        bool is_local = false;  // this device's own passphrase
    };
    // WrongKey, also when this device has no passphrase of its own.
    Result<SealingKey> open_own_passphrase(const SecretBytes& secret);
    Result<Proof> prove(ByteView current) REQUIRES_LOCK(state_mutex_);
    Status set_local_passphrase(const SecretBytes& passphrase, const PassphraseCost& cost)
        REQUIRES_LOCK(state_mutex_);
    Status change_slots_by_owner(const SlotChange& change) REQUIRES_LOCK(state_mutex_);
    std::vector<SigningPublicKey> slots_of(SlotType type);
    void raise_passphrase_cost(const KeyState& opened, const SecretBytes& secret)
        REQUIRES_LOCK(state_mutex_);
    void raise_own_passphrase_cost(const SecretBytes& secret) REQUIRES_LOCK(state_mutex_);
    Status open_with(std::shared_ptr<const KeyState> keys);
    Status join_with_passphrase(KeyState state);
    Status save_sealing_key(const SealingKey& key, const RootKey& root);
    Result<std::shared_ptr<const SealingKey>> load_sealing_key(const RootKey& root);

    const VaultEnvironment environment_;
    const fs::path directory_;
    const VaultHeader header_;
    std::unique_ptr<VaultReplica> replica_;
    std::unique_ptr<DirectoryArrivals> arrivals_;  // when there is a replica
    std::unique_ptr<BlindCare> blind_care_;        // likewise
    LockableFiles files_;
    LockableHistory history_{[this] { return open_vault(); }};
    UnlockBackoff backoff_;

    Mutex state_mutex_;
    mutable Mutex open_mutex_;
    std::shared_ptr<OpenVault> open_ GUARDED_BY(open_mutex_);
    std::future<void> open_gone_ GUARDED_BY(open_mutex_);
    std::shared_ptr<const SealingKey> sealing_ GUARDED_BY(open_mutex_);
    Mutex listener_mutex_;
    std::function<void()> work_listener_ GUARDED_BY(listener_mutex_);
};

// Opens the directory as a member who was just admitted, unlocked.
Result<std::unique_ptr<Vault>> open_as_member(const VaultEnvironment& environment,
                                              const fs::path& directory, VaultHeader header,
                                              std::shared_ptr<const SealingKey> sealing,
                                              DeviceCertificate certificate, bool unlock_at_start);
// The same for one who was admitted as a blind member: it stays locked.
Result<std::unique_ptr<Vault>> open_as_blind_member(const VaultEnvironment& environment,
                                                    const fs::path& directory, VaultHeader header,
                                                    const SealingKey& sealing,
                                                    DeviceCertificate certificate);
// Makes an empty directory for a vault. Exists when it holds anything.
Status prepare_vault_directory(Disk& disk, const fs::path& directory);
Status write_key_object(Disk& disk, const fs::path& directory, ByteView bytes);

}  // namespace lockstep
