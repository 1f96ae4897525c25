// FakeReplica: a Replica with toy keys: real signatures and MACs, packs as files, everything else
// in memory.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <set>

#include "base/mutex.h"
#include "tests/support/temp_dir.h"
#include "vault/replica.h"

namespace lockstep {

// What all members of a toy vault know.
struct FakeVault {
    VaultId id;
    EpochId epoch;
    std::array<std::byte, 32> swarm_key{};

    static FakeVault random();
};

class FakeReplica final : public Replica {
  public:
    FakeReplica(const FakeVault& vault, const std::string& label);

    // Everybody knows everybody. A pointer may be to a device that others do not know: leave it
    // out.
    static void introduce(const std::vector<FakeReplica*>& members);
    void set_member(const Member& member);
    void revoke(const DeviceId& device);
    Member self() const;

    // Makes a segment of this device that introduces these packs, durable on return, and tells
    // listeners.
    SegmentRef publish(const std::vector<Bytes>& packs, std::size_t payload_size = 100);
    // From now on the first `count` segments of this device's log are handed out as one. Tells
    // listeners.
    void compact(std::uint64_t count);
    // How often such a one was added here.
    std::size_t compacted_adds() { return compacted_adds_; }
    KeyObjectId add_own_key_object(ByteView bytes);
    // Its bytes are gone, and listeners are told, as of one that rots.
    void damage_segment(const SegmentRef& segment);
    // Not here any more. REQUIRES: before syncing begins
    void lose_pack(const PackId& pack);
    void want_now(const PackId& pack);

    // Not owned; to be set before syncing begins.
    void set_presence(Presence* presence) { presence_ = presence; }

    // What it does wrong.
    void poison(const PackId& pack);  // hands out other bytes
    void use_epoch_key(const std::array<std::byte, 32>& swarm_key);
    void forge_signatures() { forges_ = true; }

    std::size_t pack_count();
    std::size_t add_pack_calls() { return add_pack_calls_; }
    Bytes pack_bytes(const PackId& pack);

    Presence* presence() override { return presence_; }
    VaultId vault_id() const override { return vault_.id; }
    DeviceId device() const override { return device_; }
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
    std::vector<PackInfo> missing_packs() override;
    bool has_pack(const PackId& pack) override;
    Result<PackInfo> pack_info(const PackId& pack) override;
    Result<Bytes> read_pack(const PackId& pack, std::uint64_t offset,
                            std::uint64_t length) override;
    std::filesystem::path pack_path(const PackId& pack) override;
    Result<Bytes> piece_layers(const PackId& pack) override;
    Status add_pack(const PackInfo& pack, ByteView bytes) override;
    Status adopt_pack(const PackInfo& pack, const std::filesystem::path& file) override;
    std::filesystem::path incoming_directory() override;
    void add_listener(ReplicaListener& listener) override;
    void remove_listener(ReplicaListener& listener) override;

  private:
    struct Segment {
        Bytes bytes;
        SegmentHash hash;
        std::vector<PackInfo> packs;
    };
    struct Pack {
        PackInfo info;
        bool is_here = false;
        Bytes layers;
    };

    template <typename F>
    void notify(F call);
    Result<Added> add_compacted(ByteView bytes);

    FakeVault vault_;
    std::string label_;
    DeviceId device_;
    std::array<std::byte, 64> secret_{};
    LogId log_;
    TempDir directory_;
    Presence* presence_ = nullptr;
    std::atomic<bool> forges_{false};
    std::atomic<std::size_t> add_pack_calls_{0};
    std::atomic<std::size_t> compacted_adds_{0};
    std::atomic<std::uint64_t> compacted_{0};  // segments of the own log

    Mutex mutex_;
    std::map<DeviceId, Member> members_ GUARDED_BY(mutex_);
    std::map<LogId, std::vector<Segment>> logs_ GUARDED_BY(mutex_);
    std::map<PackId, Pack> packs_ GUARDED_BY(mutex_);
    std::set<PackId> poisoned_ GUARDED_BY(mutex_);
    std::map<KeyObjectId, Bytes> keys_ GUARDED_BY(mutex_);

    Mutex listeners_mutex_;  // held while listeners are called: removing waits
    std::vector<ReplicaListener*> listeners_ GUARDED_BY(listeners_mutex_);
};

}  // namespace lockstep
