// Replica: the ciphertext side of a vault on this device, and all that sync/ knows of it.
//
// It works while the vault is locked and on blind members: it holds the replicator secret S_e,
// never a key that opens content or names. Everything added is verified first (hash, signature by a
// member, size limits) and durable when the call returns.
//
// THREADS: every method from any thread; several block on the disk, so not on an event loop.
// Listeners are called from whatever thread made the change, without a lock held, and must return
// at once.
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "vault/types.h"

namespace lockstep {

class Presence;  // vault/presence.h

struct Member {
    DeviceId device;
    std::string label;
    MemberRole role = MemberRole::Writer;
    bool is_revoked = false;
};

// What a control swarm is made of: equal on every member, one per epoch not yet superseded.
struct Swarm {
    EpochId epoch;
    std::array<std::byte, 32> torrent_seed{};  // the synthetic control torrent derives from it
    std::array<std::byte, 32> relay_key{};     // Ed25519 public key: whom a relay admits to it
};

enum class Added {
    Stored,
    Known,
    Gap,    // an earlier segment of the same log is missing
    Apart,  // it follows another segment than the one here: the log was forked before it
    Held,   // kept, but its log had ended before: it does not count
};

class ReplicaListener {
  public:
    virtual ~ReplicaListener() = default;
    // A segment is durable here, published on this device or received.
    virtual void segment_added(const SegmentRef& segment) = 0;
    // This device has put one segment in the place of several; `last` is the last of them.
    virtual void segments_compacted(const SegmentRef& last) { static_cast<void>(last); }
    virtual void pack_added(const PackId& pack) = 0;
    virtual void keys_changed() = 0;
    // A reader waits for this pack now: fetch it before others.
    virtual void pack_wanted_now(const PackInfo& pack) = 0;
    // The file of a segment that is here is not what it was: add_segment() with the true bytes
    // mends it. Said whenever it is noticed.
    virtual void segment_damaged(const SegmentRef& /*segment*/) {}
};

class Replica {
  public:
    virtual ~Replica() = default;

    virtual VaultId vault_id() const = 0;
    virtual DeviceId device() const = 0;

    // Membership. `transcript` is hashed by the implementation under a label of its own.
    virtual std::vector<Swarm> swarms() = 0;  // newest last; never empty
    virtual Result<Bytes> prove_membership(const EpochId& epoch,
                                           ByteView transcript) = 0;  // 32-byte MAC
    virtual bool verify_membership(const EpochId& epoch, ByteView transcript, ByteView proof) = 0;
    // By the key that `Swarm::relay_key` names: 64 bytes over a request for a relay's ticket.
    virtual Result<Bytes> sign_admission(const EpochId& epoch, ByteView message) = 0;
    virtual Bytes sign(
        ByteView transcript) = 0;  // 64 bytes, by this device's signing key of this vault
    // The member, if `signature` is its own over `transcript`; Refused when unknown, revoked or not
    // its signature.
    virtual Result<Member> verify_signature(const DeviceId& claimed, ByteView transcript,
                                            ByteView signature) = 0;
    virtual std::vector<Member> members() = 0;

    // Key objects.
    virtual std::vector<KeyObjectId> key_objects() = 0;  // all that are here, sorted
    virtual Result<Bytes> read_key_object(const KeyObjectId& id) = 0;
    virtual Result<Added> add_key_object(ByteView bytes) = 0;

    // Segments. Where a log was forked (its device was cloned or restored from a backup) it ends,
    // and each way on is a log of its own (vault/FORMAT.md, "Forked logs"): what is named here by
    // log and number.
    virtual Frontier frontier() = 0;
    // The segment, or one that stands for it and others (vault/FORMAT.md, "Compacted segments").
    // Verified: Corrupt, and listeners are told, when no file has it any more.
    virtual Result<Bytes> read_segment(const SegmentRef& segment) = 0;
    virtual Result<std::vector<PackInfo>> packs_of(const SegmentRef& segment) = 0;
    virtual Result<Added> add_segment(ByteView bytes) = 0;

    // What is not here by choice, and how to get parts of it. Null: everything is to be here.
    virtual Presence* presence() { return nullptr; }

    // Packs.
    // Introduced by a segment, not here, and to be fetched (Presence::wants).
    virtual std::vector<PackInfo> missing_packs() = 0;
    virtual bool has_pack(const PackId& pack) = 0;
    virtual Result<PackInfo> pack_info(const PackId& pack) = 0;
    virtual Result<Bytes> read_pack(const PackId& pack, std::uint64_t offset,
                                    std::uint64_t length) = 0;
    virtual std::filesystem::path pack_path(
        const PackId& pack) = 0;  // where it lies (to seed from)
    virtual Result<Bytes> piece_layers(
        const PackId& pack) = 0;  // as BEP 52 stores them; empty for one piece
    // A part of it that was read is not what it should be: if it is damaged it counts as missing
    // from now on.
    virtual void doubt(const PackId& /*pack*/) {}
    virtual Status add_pack(const PackInfo& pack, ByteView bytes) = 0;
    // Takes over a downloaded file (same file system as the vault directory), verified like
    // add_pack.
    virtual Status adopt_pack(const PackInfo& pack, const std::filesystem::path& file) = 0;
    // A directory of this device's own, on the vault directory's file system, where downloads may
    // lie until adopted; emptied at start.
    virtual std::filesystem::path incoming_directory() = 0;

    virtual void add_listener(ReplicaListener& listener) = 0;
    virtual void remove_listener(ReplicaListener& listener) = 0;  // waits for calls under way
};

}  // namespace lockstep
