#include "tests/support/fake_replica.h"

#include <algorithm>
#include <fstream>

#include <sodium.h>

#include "base/codec.h"
#include "base/disk.h"
#include "base/random.h"
#include "vault/limits.h"
#include "vault/packs/pack_torrent_id.h"

namespace lockstep {

namespace {

template <typename IdType>
IdType hash_of(ByteView bytes) {
    IdType out;
    crypto_generichash(u8(MutableByteView(out.bytes)), out.bytes.size(), u8(bytes), bytes.size(),
                       nullptr, 0);
    return out;
}

// What a segment that stands for several begins with.
constexpr std::string_view kCompacted = "compacted";

struct ToySegment {
    LogId log;
    std::uint64_t number = 0;
    SegmentHash before;
    DeviceId author;
    std::vector<PackInfo> packs;
    ByteView signed_part, signature;
};

Result<ToySegment> decode_segment(ByteView bytes) {
    Decoder in(bytes);
    ToySegment out;
    out.log = in.id<LogId>();
    out.number = in.u64();
    out.before = in.id<SegmentHash>();
    out.author = in.id<DeviceId>();
    std::uint32_t count = in.count(65536, 40);
    for (std::uint32_t i = 0; i < count; ++i) {
        PackId id = in.id<PackId>();
        out.packs.push_back({id, in.u64()});
    }
    in.bytes(kSegmentSizeMax);
    out.signed_part = bytes.first(in.position());
    out.signature = in.raw(crypto_sign_BYTES);
    TRY_OK(in.finish());
    return out;
}

}  // namespace

FakeVault FakeVault::random() {
    FakeVault out;
    out.id = system_random().id<VaultId>();
    out.epoch = system_random().id<EpochId>();
    system_random().fill(out.swarm_key);
    return out;
}

FakeReplica::FakeReplica(const FakeVault& vault, const std::string& label)
    : vault_(vault), label_(label), log_(system_random().id<LogId>()) {
    CHECK(sodium_init() >= 0);
    crypto_sign_keypair(u8(MutableByteView(device_.bytes)), u8(MutableByteView(secret_)));
    std::filesystem::create_directories(directory_.path() / "incoming");
    members_[device_] = self();
}

Member FakeReplica::self() const {
    return {device_, label_, MemberRole::Writer, false};
}

void FakeReplica::introduce(const std::vector<FakeReplica*>& members) {
    for (FakeReplica* one : members)
        for (FakeReplica* other : members) one->set_member(other->self());
}

void FakeReplica::set_member(const Member& member) {
    {
        MutexLock lock(mutex_);
        members_[member.device] = member;
    }
    notify([](ReplicaListener& listener) { listener.keys_changed(); });
}

void FakeReplica::revoke(const DeviceId& device) {
    {
        MutexLock lock(mutex_);
        members_[device].is_revoked = true;
    }
    notify([](ReplicaListener& listener) { listener.keys_changed(); });
}

SegmentRef FakeReplica::publish(const std::vector<Bytes>& packs, std::size_t payload_size) {
    std::vector<PackInfo> infos;
    for (const Bytes& bytes : packs) {
        PackIdentity identity = identify_pack(bytes);
        std::ofstream(pack_path(identity.info.id), std::ios::binary)
            .write(as_text(bytes).data(), static_cast<std::streamsize>(bytes.size()));
        MutexLock lock(mutex_);
        packs_[identity.info.id] = {identity.info, true, identity.piece_layers};
        infos.push_back(identity.info);
    }
    SegmentRef ref;
    {
        MutexLock lock(mutex_);
        auto& log = logs_[log_];
        Encoder out;
        out.id(log_)
            .u64(log.size() + 1)
            .id(log.empty() ? SegmentHash{} : log.back().hash)
            .id(device_);
        out.u32(static_cast<std::uint32_t>(infos.size()));
        for (const PackInfo& info : infos) out.id(info.id).u64(info.length);
        out.bytes(Bytes(payload_size, std::byte{42}));
        out.raw(sign(out.view()));
        Bytes bytes = std::move(out).take();
        SegmentHash hash = hash_of<SegmentHash>(bytes);
        log.push_back({std::move(bytes), hash, infos});
        ref = {log_, log.size()};
    }
    notify([&](ReplicaListener& listener) { listener.segment_added(ref); });
    return ref;
}

KeyObjectId FakeReplica::add_own_key_object(ByteView bytes) {
    KeyObjectId id = hash_of<KeyObjectId>(bytes);
    {
        MutexLock lock(mutex_);
        keys_[id] = to_bytes(bytes);
    }
    notify([](ReplicaListener& listener) { listener.keys_changed(); });
    return id;
}

void FakeReplica::want_now(const PackId& pack) {
    auto info = pack_info(pack);
    CHECK(info.ok());
    notify([&](ReplicaListener& listener) { listener.pack_wanted_now(*info); });
}

void FakeReplica::poison(const PackId& pack) {
    MutexLock lock(mutex_);
    poisoned_.insert(pack);
    // On disk as well: a seed reads the file.
    std::fstream file(pack_path(pack), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(100);
    file.write("poison", 6);
}

void FakeReplica::use_epoch_key(const std::array<std::byte, 32>& swarm_key) {
    vault_.swarm_key = swarm_key;
}

std::size_t FakeReplica::pack_count() {
    MutexLock lock(mutex_);
    return static_cast<std::size_t>(std::count_if(
        packs_.begin(), packs_.end(), [](const auto& item) { return item.second.is_here; }));
}

Bytes FakeReplica::pack_bytes(const PackId& pack) {
    return posix_disk().read_file(pack_path(pack), kPackSizeMax).value_or({});
}

std::vector<Swarm> FakeReplica::swarms() {
    std::array<std::byte, 32> key{};
    std::array<std::byte, 64> secret{};
    crypto_sign_seed_keypair(u8(MutableByteView(key)), u8(MutableByteView(secret)),
                             u8(ByteView(vault_.swarm_key)));
    return {{vault_.epoch, hash_of<Id<struct Seed, 32>>(vault_.epoch.view()).bytes, key}};
}

Result<Bytes> FakeReplica::prove_membership(const EpochId& epoch, ByteView transcript) {
    if (epoch != vault_.epoch) return Error{ErrorKind::NotFound, "no such epoch"};
    Bytes out(32);
    crypto_generichash(u8(MutableByteView(out)), out.size(), u8(transcript), transcript.size(),
                       u8(ByteView(vault_.swarm_key)), vault_.swarm_key.size());
    return out;
}

bool FakeReplica::verify_membership(const EpochId& epoch, ByteView transcript, ByteView proof) {
    auto own = prove_membership(epoch, transcript);
    return own.ok() && equal(*own, proof);
}

Result<Bytes> FakeReplica::sign_admission(const EpochId&, ByteView message) {
    std::array<std::byte, 32> key{};
    std::array<std::byte, 64> secret{};
    crypto_sign_seed_keypair(u8(MutableByteView(key)), u8(MutableByteView(secret)),
                             u8(ByteView(vault_.swarm_key)));
    Encoder bytes_to_sign;
    bytes_to_sign.text("lockstep v1 sign relay admission").bytes(message);
    Bytes bytes = std::move(bytes_to_sign).take();
    Bytes out(crypto_sign_BYTES);
    crypto_sign_detached(u8(MutableByteView(out)), nullptr, u8(ByteView(bytes)), bytes.size(),
                         u8(ByteView(secret)));
    return out;
}

Bytes FakeReplica::sign(ByteView transcript) {
    Bytes out(crypto_sign_BYTES);
    crypto_sign_detached(u8(MutableByteView(out)), nullptr, u8(transcript), transcript.size(),
                         u8(ByteView(secret_)));
    if (forges_) out[0] ^= std::byte{1};
    return out;
}

Result<Member> FakeReplica::verify_signature(const DeviceId& claimed, ByteView transcript,
                                             ByteView signature) {
    MutexLock lock(mutex_);
    auto at = members_.find(claimed);
    if (at == members_.end()) return Error{ErrorKind::Refused, "unknown device"};
    if (at->second.is_revoked) return Error{ErrorKind::Refused, "revoked device"};
    if (signature.size() != crypto_sign_BYTES ||
        crypto_sign_verify_detached(u8(signature), u8(transcript), transcript.size(),
                                    u8(claimed.view())) != 0)
        return Error{ErrorKind::Refused, "not its signature"};
    return at->second;
}

std::vector<Member> FakeReplica::members() {
    MutexLock lock(mutex_);
    std::vector<Member> out;
    for (const auto& [id, member] : members_) out.push_back(member);
    return out;
}

std::vector<KeyObjectId> FakeReplica::key_objects() {
    MutexLock lock(mutex_);
    std::vector<KeyObjectId> out;
    for (const auto& [id, bytes] : keys_) out.push_back(id);
    return out;
}

Result<Bytes> FakeReplica::read_key_object(const KeyObjectId& id) {
    MutexLock lock(mutex_);
    auto at = keys_.find(id);
    if (at == keys_.end()) return Error{ErrorKind::NotFound, "no such key object"};
    return at->second;
}

Result<Added> FakeReplica::add_key_object(ByteView bytes) {
    add_own_key_object(bytes);
    return Added::Stored;
}

Frontier FakeReplica::frontier() {
    MutexLock lock(mutex_);
    Frontier out;
    for (const auto& [log, segments] : logs_)
        if (!segments.empty()) out[log] = {segments.size(), segments.back().hash};
    return out;
}

Result<Bytes> FakeReplica::read_segment(const SegmentRef& segment) {
    MutexLock lock(mutex_);
    auto at = logs_.find(segment.log);
    if (at == logs_.end() || segment.number == 0 || segment.number > at->second.size())
        return Error{ErrorKind::NotFound, "no such segment"};
    const Bytes& bytes = at->second[segment.number - 1].bytes;
    if (bytes.empty()) return Error{ErrorKind::Corrupt, "the segment is damaged"};
    if (segment.log != log_ || segment.number > compacted_) return bytes;
    Encoder out;
    out.text(kCompacted).u32(static_cast<std::uint32_t>(compacted_));
    for (std::uint64_t i = 0; i < compacted_; ++i) out.bytes(at->second[i].bytes);
    return std::move(out).take();
}

void FakeReplica::lose_pack(const PackId& pack) {
    MutexLock lock(mutex_);
    packs_.at(pack).is_here = false;
}

void FakeReplica::damage_segment(const SegmentRef& segment) {
    {
        MutexLock lock(mutex_);
        logs_.at(segment.log).at(segment.number - 1).bytes.clear();
    }
    notify([&](ReplicaListener& listener) { listener.segment_damaged(segment); });
}

void FakeReplica::compact(std::uint64_t count) {
    compacted_ = count;
    notify([&](ReplicaListener& listener) { listener.segments_compacted({log_, count}); });
}

Result<Added> FakeReplica::add_compacted(ByteView bytes) {
    Decoder in(bytes);
    in.text(kCompacted.size());
    Added out = Added::Known;
    for (std::uint32_t count = in.u32(); count > 0 && in.status().ok(); --count) {
        TRY(const Added added, add_segment(in.bytes(kSegmentSizeMax)));
        if (added != Added::Known) out = added;
    }
    TRY_OK(in.finish());
    ++compacted_adds_;
    return out;
}

Result<std::vector<PackInfo>> FakeReplica::packs_of(const SegmentRef& segment) {
    MutexLock lock(mutex_);
    auto at = logs_.find(segment.log);
    if (at == logs_.end() || segment.number == 0 || segment.number > at->second.size())
        return Error{ErrorKind::NotFound, "no such segment"};
    return at->second[segment.number - 1].packs;
}

Result<Added> FakeReplica::add_segment(ByteView bytes) {
    Decoder in(bytes);
    if (in.text(kSegmentSizeMax) == kCompacted && !in.failed()) return add_compacted(bytes);
    TRY(ToySegment segment, decode_segment(bytes));
    auto author = verify_signature(segment.author, segment.signed_part, segment.signature);
    if (!author.ok()) return std::move(author).error();
    SegmentRef ref{segment.log, segment.number};
    {
        MutexLock lock(mutex_);
        auto& log = logs_[segment.log];
        if (segment.number <= log.size()) {
            if (log[segment.number - 1].hash == hash_of<SegmentHash>(bytes))
                log[segment.number - 1].bytes = to_bytes(bytes);
            return Added::Known;
        }
        if (segment.number != log.size() + 1) return Added::Gap;
        SegmentHash before = log.empty() ? SegmentHash{} : log.back().hash;
        if (before != segment.before) return Error{ErrorKind::Corrupt, "segment does not follow"};
        log.push_back({to_bytes(bytes), hash_of<SegmentHash>(bytes), segment.packs});
        for (const PackInfo& info : segment.packs) packs_.emplace(info.id, Pack{info, false, {}});
    }
    notify([&](ReplicaListener& listener) { listener.segment_added(ref); });
    return Added::Stored;
}

std::vector<PackInfo> FakeReplica::missing_packs() {
    MutexLock lock(mutex_);
    std::vector<PackInfo> out;
    for (const auto& [id, pack] : packs_)
        if (!pack.is_here) out.push_back(pack.info);
    return out;
}

bool FakeReplica::has_pack(const PackId& pack) {
    MutexLock lock(mutex_);
    auto at = packs_.find(pack);
    return at != packs_.end() && at->second.is_here;
}

Result<PackInfo> FakeReplica::pack_info(const PackId& pack) {
    MutexLock lock(mutex_);
    auto at = packs_.find(pack);
    if (at == packs_.end()) return Error{ErrorKind::NotFound, "no such pack"};
    return at->second.info;
}

Result<Bytes> FakeReplica::read_pack(const PackId& pack, std::uint64_t offset,
                                     std::uint64_t length) {
    if (!has_pack(pack)) return Error{ErrorKind::NotFound, "no such pack"};
    TRY(auto file, posix_disk().open(pack_path(pack), OpenMode::Read));
    Bytes out(static_cast<std::size_t>(length));
    TRY(std::size_t size, file->read(offset, out));
    out.resize(size);
    return out;
}

std::filesystem::path FakeReplica::pack_path(const PackId& pack) {
    return directory_.path() / (pack.to_hex() + ".pack");
}

Result<Bytes> FakeReplica::piece_layers(const PackId& pack) {
    MutexLock lock(mutex_);
    auto at = packs_.find(pack);
    if (at == packs_.end() || !at->second.is_here)
        return Error{ErrorKind::NotFound, "no such pack"};
    return at->second.layers;
}

Status FakeReplica::add_pack(const PackInfo& pack, ByteView bytes) {
    ++add_pack_calls_;
    if (bytes.size() != pack.length) return Error{ErrorKind::Corrupt, "pack of another length"};
    PackIdentity identity = identify_pack(bytes);
    if (identity.info != pack) return Error{ErrorKind::Corrupt, "not that pack"};
    std::ofstream(pack_path(pack.id), std::ios::binary)
        .write(as_text(bytes).data(), static_cast<std::streamsize>(bytes.size()));
    {
        MutexLock lock(mutex_);
        packs_[pack.id] = {pack, true, identity.piece_layers};
    }
    notify([&](ReplicaListener& listener) { listener.pack_added(pack.id); });
    return {};
}

Status FakeReplica::adopt_pack(const PackInfo& pack, const std::filesystem::path& file) {
    TRY(Bytes bytes, posix_disk().read_file(file, kPackSizeMax));
    TRY_OK(add_pack(pack, bytes));
    std::error_code ignored;
    std::filesystem::remove(file, ignored);
    return {};
}

std::filesystem::path FakeReplica::incoming_directory() {
    return directory_.path() / "incoming";
}

void FakeReplica::add_listener(ReplicaListener& listener) {
    MutexLock lock(listeners_mutex_);
    listeners_.push_back(&listener);
}

void FakeReplica::remove_listener(ReplicaListener& listener) {
    MutexLock lock(listeners_mutex_);
    std::erase(listeners_, &listener);
}

template <typename F>
void FakeReplica::notify(F call) {
    MutexLock lock(listeners_mutex_);
    for (ReplicaListener* listener : listeners_) call(*listener);
}

}  // namespace lockstep
