// The Replica of a vault directory: key objects, segments and packs on this device's disk,
// verified.
//
// It knows the replicator secrets that are granted to this device, so it works while the vault is
// locked. While unlocked it also has the member's sealing key, so that new key objects open as far
// as they can.
//
// INVARIANT: frontier() names only segments that are durable here, verified, and linked to their
// log's first. THREADS: any. Lock order: write_mutex_, mutex_.
#pragma once

#include <map>
#include <memory>
#include <set>

#include "base/mutex.h"
#include "vault/keys/key_author.h"
#include "vault/keys/local_keys.h"
#include "vault/log/log_store.h"
#include "vault/packs/pack_store.h"
#include "vault/replica.h"
#include "vault/vault.h"

namespace lockstep {

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
    std::vector<PackInfo> missing_packs() override;
    bool has_pack(const PackId& pack) override;
    Result<PackInfo> pack_info(const PackId& pack) override;
    Result<Bytes> read_pack(const PackId& pack, std::uint64_t offset,
                            std::uint64_t length) override;
    fs::path pack_path(const PackId& pack) override { return packs_->path_of(pack); }
    Result<Bytes> piece_layers(const PackId& pack) override;
    Status add_pack(const PackInfo& pack, ByteView bytes) override;
    Status adopt_pack(const PackInfo& pack, const fs::path& file) override;
    fs::path incoming_directory() override { return directory_ / "incoming"; }
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
    // Packs in the directory that no segment introduces.
    std::vector<PackInfo> strays();
    std::vector<std::string> alarms();
    void alarm(const std::string& sentence);
    std::pair<std::uint64_t, std::uint64_t> pack_totals();  // packs here and their bytes

    // The member's sealing key: key objects open with it from now on, until it is taken away.
    Status set_sealing_key(std::shared_ptr<const SealingKey> key);
    // Makes a key object of this device durable and tells the listeners.
    Status publish_key_object(ByteView bytes);
    // The same for a segment that this device has made.
    Status publish_segment(const SegmentRef& segment, const LogPosition& position, ByteView bytes,
                           const std::vector<PackInfo>& packs);
    void own_pack_written(const PackInfo& pack);
    LocalKeys& local() { return local_; }
    // Writes what this device keeps outside the vault directory; REQUIRES: called by the vault
    // only.
    Status save_local_keys();

  private:
    VaultReplica(const VaultEnvironment& environment, fs::path directory, VaultHeader header,
                 LocalKeys local)
        : environment_(environment),
          directory_(std::move(directory)),
          header_(std::move(header)),
          local_(std::move(local)),
          signing_(environment.device.vault_signing_key(header_.id)) {}
    Result<std::vector<Bytes>> read_key_objects();
    Result<std::shared_ptr<const KeyState>> open_keys(const std::vector<Bytes>& objects);
    Status load_keys();
    Status load_segments();
    Status load_packs();
    // Whether stored bytes are the segment that their name says.
    bool is_intact(const SegmentRef& segment, ByteView bytes);
    Status check_chain(const SegmentOuter& outer) REQUIRES_LOCK(mutex_);
    void take_over(const SegmentRef& segment, const LogPosition& position,
                   const std::vector<PackInfo>& packs) REQUIRES_LOCK(mutex_);
    void use_keys(std::shared_ptr<const KeyState> keys) EXCLUDES_LOCK(mutex_);
    void tell_pack(const PackInfo& pack);
    template <typename Call>
    void tell(Call call) {
        MutexLock lock(listeners_mutex_);
        for (ReplicaListener* listener : listeners_) call(*listener);
    }

    const VaultEnvironment environment_;
    const fs::path directory_;
    const VaultHeader header_;
    LocalKeys local_;
    const SigningKey signing_;
    std::unique_ptr<LogStore> logs_;
    std::unique_ptr<PackStore> packs_;

    Mutex write_mutex_;  // one addition of a segment or key object at a time
    Mutex mutex_;
    std::shared_ptr<const KeyState> keys_ GUARDED_BY(mutex_);
    std::shared_ptr<const SealingKey> sealing_ GUARDED_BY(mutex_);
    std::map<EpochId, std::unique_ptr<const ReplicatorKeys>> epochs_
        GUARDED_BY(mutex_);  // only grows
    std::set<KeyObjectId> key_objects_ GUARDED_BY(mutex_);
    Frontier frontier_ GUARDED_BY(mutex_);
    std::map<LogId, DeviceId> writers_ GUARDED_BY(mutex_);
    std::map<SegmentRef, std::vector<PackInfo>> introduced_ GUARDED_BY(mutex_);
    std::map<PackId, std::uint64_t> known_packs_
        GUARDED_BY(mutex_);  // introduced by a segment: lengths
    std::map<PackId, std::uint64_t> present_ GUARDED_BY(mutex_);  // in this directory: lengths
    std::set<PackId> missing_ GUARDED_BY(mutex_);
    std::vector<std::string> alarms_ GUARDED_BY(mutex_);
    Mutex listeners_mutex_;
    std::set<ReplicaListener*> listeners_ GUARDED_BY(listeners_mutex_);
};

// Where this device keeps what belongs to one vault.
fs::path local_directory(const VaultEnvironment& environment, const VaultId& vault);
Result<VaultHeader> read_vault_header(Disk& disk, const fs::path& directory);
Result<std::vector<Bytes>> read_all_key_objects(Disk& disk, const fs::path& directory);

}  // namespace lockstep
