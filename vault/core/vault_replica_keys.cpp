// VaultReplica: key objects, and what they say of who is a member.
#include <algorithm>

#include "base/log.h"
#include "vault/core/vault_replica.h"

namespace lockstep {
namespace {

constexpr std::string_view kLocalKeysName = "keys.local";

fs::path key_object_path(const fs::path& directory, const KeyObjectId& id) {
    return directory / kKeyDirectoryName / (id.to_hex() + std::string(kKeyObjectSuffix));
}

bool is_key_object(const Result<Bytes>& bytes, const KeyObjectId& id) {
    return bytes.ok() && key_object_id(*bytes) == id;
}

// Copies of the heads lie beside keys.local: a directory that is put back to an older state gets
// them again, so that nobody is a member, and no passphrase opens it, that was removed.
void keep_heads(Disk& disk, const fs::path& directory, const fs::path& kept,
                const std::vector<KeyObjectId>& heads) {
    const auto keep = [&]() -> Status {
        TRY_OK(disk.make_directories(kept / kKeyDirectoryName));
        for (const KeyObjectId& id : heads) {
            const fs::path copy = key_object_path(kept, id);
            if (is_key_object(disk.read_file(copy, kKeyObjectSizeMax), id)) continue;
            TRY(Bytes bytes, disk.read_file(key_object_path(directory, id), kKeyObjectSizeMax));
            TRY_OK(disk.write_file_durably(copy, bytes));
        }
        TRY(auto items, disk.list(kept / kKeyDirectoryName));
        for (const DirectoryItem& item : items) {
            const auto id = parse_key_object_name(item.name);
            if (id && std::find(heads.begin(), heads.end(), *id) == heads.end())
                TRY_OK(disk.remove(kept / kKeyDirectoryName / item.name));
        }
        return {};
    };
    if (Status done = keep(); !done.ok())
        log_warning("vault", "the newest key objects have no copy: {}", done.error().message);
}

// Which of the heads were gone from the directory, or damaged, and are there again.
std::vector<KeyObjectId> put_heads_back(Disk& disk, const fs::path& directory, const fs::path& kept,
                                        const std::vector<KeyObjectId>& heads,
                                        std::string_view temporary_ending) {
    std::vector<KeyObjectId> out;
    for (const KeyObjectId& id : heads) {
        const fs::path path = key_object_path(directory, id);
        if (is_key_object(disk.read_file(path, kKeyObjectSizeMax), id)) continue;
        auto copy = disk.read_file(key_object_path(kept, id), kKeyObjectSizeMax);
        if (!is_key_object(copy, id)) continue;
        if (disk.keep_file_durably(path, *copy, temporary_ending).ok()) out.push_back(id);
    }
    return out;
}

}  // namespace

std::optional<KeyObjectId> parse_key_object_name(std::string_view name) {
    if (!name.ends_with(kKeyObjectSuffix)) return std::nullopt;
    name.remove_suffix(std::string_view(kKeyObjectSuffix).size());
    auto id = KeyObjectId::parse_hex(name);
    if (!id.ok() || id->to_hex() != name) return std::nullopt;
    return *id;
}

Result<std::vector<Bytes>> read_all_key_objects(Disk& disk, const fs::path& directory) {
    TRY(auto items, disk.list(directory / kKeyDirectoryName));
    std::vector<Bytes> out;
    for (const DirectoryItem& item : items) {
        // Copies that sync services make, and what can be no key object, are left alone.
        if (item.is_directory || !parse_key_object_name(item.name)) continue;
        auto bytes = disk.read_file(directory / kKeyDirectoryName / item.name, kKeyObjectSizeMax);
        if (!bytes.ok() && (bytes.error().kind == ErrorKind::TooLarge ||
                            bytes.error().kind == ErrorKind::NotFound))
            continue;
        if (!bytes.ok()) return std::move(bytes).error();
        out.push_back(std::move(*bytes));
    }
    if (out.empty()) return Error{ErrorKind::NotFound, "the vault directory holds no key object"};
    return out;
}

Result<std::shared_ptr<const KeyState>> VaultReplica::open_keys(const std::vector<Bytes>& objects) {
    SealingKey replica = environment_.device.vault_replica_key(header_.id);
    std::shared_ptr<const SealingKey> sealing;
    {
        MutexLock lock(mutex_);
        sealing = sealing_;
    }
    KeyCredentials credentials;
    credentials.device = sealing.get();
    credentials.replica = &replica;
    credentials.known = &local_.replicators;
    credentials.pinned = local_.pinned;
    TRY(KeyState state, KeyState::open(header_, objects, credentials));
    return std::make_shared<const KeyState>(std::move(state));
}

Status VaultReplica::load_keys() {
    for (const KeyObjectId& id :
         put_heads_back(environment_.disk, directory_, local_directory(environment_, header_.id),
                        local_.pinned, temporary_ending_))
        alarm("key object " + id.to_hex().substr(0, 16) +
              " was gone from the vault directory, which may be an old copy; it is there again");
    TRY(auto objects, read_all_key_objects(environment_.disk, directory_));
    TRY(auto state, open_keys(objects));
    std::vector<KeyObjectId> missing_keys;
    for (const KeyObjectId& pin : state->missing_pins()) missing_keys.push_back(pin);
    use_keys(objects, std::move(state));
    MutexLock lock(mutex_);
    for (const KeyObjectId& pin : missing_keys) {
        doubted_keys_.insert(pin);
        missing_key_alarms_[pin] = "key object " + pin.to_hex().substr(0, 16) +
                                   " was here before and is gone: the directory may be an old copy";
        log_error("vault", "{}", missing_key_alarms_[pin]);
    }
    return {};
}

void VaultReplica::use_keys(const std::vector<Bytes>& objects,
                            std::shared_ptr<const KeyState> keys) {
    // Those as well for which a newer one stands: peers that list them are not asked again.
    std::set<KeyObjectId> here;
    for (const Bytes& object : objects) here.insert(key_object_id(object));
    for (const KeyProblem& problem : keys->problems()) here.erase(problem.object);
    MutexLock lock(mutex_);
    key_objects_ = std::move(here);
    key_alarms_.clear();
    for (const KeyObjectId& id : key_objects_) {
        missing_key_alarms_.erase(id);
        if (doubted_keys_.erase(id) > 0) note_mended(CheckFinding::Kind::KeyObject, id.to_hex());
    }
    for (const KeyProblem& problem : keys->problems())
        key_alarms_.push_back("key object " + problem.object.to_hex().substr(0, 16) +
                              " is not used: " + problem.error.message);
    for (const auto& [epoch, secret] : keys->replicator_secrets())
        if (!epochs_.contains(epoch))
            epochs_[epoch] = std::make_unique<const ReplicatorKeys>(
                ReplicatorKeys::derive(secret, header_.id, epoch));
    keys_ = std::move(keys);
}

// ---- membership

std::shared_ptr<const KeyState> VaultReplica::keys() {
    MutexLock lock(mutex_);
    return keys_;
}

SegmentLookup VaultReplica::lookup() {
    return {.vault = header_.id,
            .outer_key_of = [this](const EpochId& epoch) -> const SegmentOuterKey* {
                MutexLock lock(mutex_);
                auto at = epochs_.find(epoch);
                return at == epochs_.end() ? nullptr : &at->second->segment_outer;
            },
            .signer_of = [this](const DeviceId& device) -> std::optional<SigningPublicKey> {
                const RosterMember* member = keys()->roster().find(device);
                if (member == nullptr) return std::nullopt;
                return member->certificate.signing;
            }};
}

std::vector<Swarm> VaultReplica::swarms() {
    auto state = keys();
    MutexLock lock(mutex_);
    std::vector<Swarm> out;
    for (const RotateFact& fact : state->roster().epochs()) {
        auto at = epochs_.find(fact.epoch);
        if (at == epochs_.end()) continue;
        Swarm swarm{.epoch = fact.epoch};
        ByteView seed = at->second->control_torrent.reveal();
        std::copy(seed.begin(), seed.end(), swarm.torrent_seed.begin());
        swarm.relay_key = at->second->swarm.public_key().bytes;
        out.push_back(swarm);
    }
    return out;
}

Result<Bytes> VaultReplica::prove_membership(const EpochId& epoch, ByteView transcript) {
    MutexLock lock(mutex_);
    auto at = epochs_.find(epoch);
    if (at == epochs_.end()) return Error{ErrorKind::WrongKey, "the epoch is not known here"};
    return to_bytes(keyed_hash(at->second->swarm_mac, transcript).view());
}

bool VaultReplica::verify_membership(const EpochId& epoch, ByteView transcript, ByteView proof) {
    auto expected = prove_membership(epoch, transcript);
    return expected.ok() && equal_in_constant_time(*expected, proof);
}

Result<Bytes> VaultReplica::sign_admission(const EpochId& epoch, ByteView message) {
    MutexLock lock(mutex_);
    auto at = epochs_.find(epoch);
    if (at == epochs_.end()) return Error{ErrorKind::WrongKey, "the epoch is not known here"};
    return to_bytes(at->second->swarm.sign(label::kSignAdmission, message).view());
}

Bytes VaultReplica::sign(ByteView transcript) {
    return to_bytes(signing_.sign(label::kSignHandshake, transcript).view());
}

namespace {
Member as_member(const RosterMember& member) {
    return {member.device(), member.certificate.label, member.role, member.is_revoked};
}
}  // namespace

Result<Member> VaultReplica::verify_signature(const DeviceId& claimed, ByteView transcript,
                                              ByteView signature) {
    const auto state = keys();
    const RosterMember* member = state->roster().find(claimed);
    if (member == nullptr) return Error{ErrorKind::Refused, "this device is not a member"};
    if (member->is_revoked) return Error{ErrorKind::Refused, "this device was revoked"};
    if (signature.size() != Signature::kSize ||
        !verify(member->certificate.signing, label::kSignHandshake, transcript,
                Signature::from(signature))
             .ok())
        return Error{ErrorKind::Refused, "the signature is not this member's"};
    return as_member(*member);
}

std::vector<Member> VaultReplica::members() {
    std::vector<Member> out;
    for (const RosterMember& member : keys()->roster().members()) out.push_back(as_member(member));
    return out;
}

// ---- key objects

std::vector<KeyObjectId> VaultReplica::key_objects() {
    MutexLock lock(mutex_);
    return {key_objects_.begin(), key_objects_.end()};
}

Result<Bytes> VaultReplica::read_key_object(const KeyObjectId& id) {
    return environment_.disk.read_file(key_object_path(directory_, id), kKeyObjectSizeMax);
}

Result<Added> VaultReplica::add_key_object(ByteView bytes) {
    if (bytes.size() > kKeyObjectSizeMax)
        return Error{ErrorKind::TooLarge, "larger than a key object can be"};
    KeyObjectId id = key_object_id(bytes);
    std::vector<SegmentRef> released;
    Status saved;
    {
        MutexLock write_lock(write_mutex_);
        {
            MutexLock lock(mutex_);
            if (key_objects_.contains(id)) return Added::Known;
        }
        TRY(auto objects, read_all_key_objects(environment_.disk, directory_));
        objects.push_back(to_bytes(bytes));
        TRY(auto state, open_keys(objects));
        for (const KeyProblem& problem : state->problems())
            if (problem.object == id)
                return Error{ErrorKind::Refused,
                             "the key object is not used: " + problem.error.message};
        TRY_OK(environment_.disk.keep_file_durably(key_object_path(directory_, id), bytes,
                                                   temporary_ending_));
        use_keys(objects, std::move(state));
        saved = save_local_keys();
        released = count_anew();
    }
    // It counts from here on, whether or not this device's note of it could be kept.
    tell([](ReplicaListener& listener) { listener.keys_changed(); });
    for (const SegmentRef& segment : released)
        tell([&](ReplicaListener& listener) { listener.segment_added(segment); });
    TRY_OK(saved);
    return Added::Stored;
}

// What the directory holds was looked at by its names.
void VaultReplica::check_keys(CheckReport& report) {
    constexpr auto kKind = CheckFinding::Kind::KeyObject;
    for (const KeyObjectId& id : key_objects())
        if (!environment_.disk.exists(key_object_path(directory_, id)))
            report.add(kKind, id.to_hex(),
                       {ErrorKind::NotFound, "it is gone from the vault directory"});
    MutexLock lock(mutex_);
    for (const auto& [id, sentence] : missing_key_alarms_)
        report.add(kKind, id.to_hex(), {ErrorKind::NotFound, sentence});
}

std::uint64_t VaultReplica::mend_keys() {
    std::uint64_t mended = 0;
    bool is_any_missing = false;
    {
        MutexLock write_lock(write_mutex_);
        const std::vector<KeyObjectId> put_back =
            put_heads_back(environment_.disk, directory_, local_directory(environment_, header_.id),
                           local_.pinned, temporary_ending_);
        mended = put_back.size();
        {
            MutexLock lock(mutex_);
            for (const KeyObjectId& id : put_back)
                note_mended(CheckFinding::Kind::KeyObject, id.to_hex());
        }
        for (const KeyObjectId& id : key_objects()) {
            const auto bytes =
                environment_.disk.read_file(key_object_path(directory_, id), kKeyObjectSizeMax);
            const bool is_gone = !bytes.ok() && bytes.error().kind == ErrorKind::NotFound;
            if (is_key_object(bytes, id) || (!bytes.ok() && !is_gone)) continue;
            MutexLock lock(mutex_);
            key_objects_.erase(id);
            doubted_keys_.insert(id);
            is_any_missing = true;
            ++mended;
        }
    }
    if (is_any_missing) tell([](ReplicaListener& listener) { listener.keys_changed(); });
    return mended;
}

Status VaultReplica::publish_key_object(ByteView bytes) {
    TRY(Added added, add_key_object(bytes));
    static_cast<void>(added);
    return {};
}

Status VaultReplica::set_sealing_key(std::shared_ptr<const SealingKey> key) {
    {
        MutexLock lock(mutex_);
        sealing_ = std::move(key);
    }
    MutexLock write_lock(write_mutex_);
    TRY(auto objects, read_all_key_objects(environment_.disk, directory_));
    TRY(auto state, open_keys(objects));
    use_keys(objects, std::move(state));
    return {};
}

std::optional<SealedSecret> VaultReplica::sealed_by_passphrase() {
    MutexLock write_lock(write_mutex_);
    return local_.sealing_sealed;
}

std::optional<SealingKey> VaultReplica::key_at_start() {
    MutexLock write_lock(write_mutex_);
    if (!local_.sealing_clear) return std::nullopt;
    return local_.sealing_clear->copy();
}

std::vector<KeyObjectId> VaultReplica::pinned() {
    MutexLock write_lock(write_mutex_);
    return local_.pinned;
}

Status VaultReplica::change_local(const std::function<void(LocalKeys&)>& change) {
    MutexLock write_lock(write_mutex_);
    change(local_);
    return save_local_keys();
}

Status VaultReplica::save_local_keys() {
    auto state = keys();
    for (const auto& [epoch, secret] : state->replicator_secrets())
        if (!local_.replicators.contains(epoch)) local_.replicators.emplace(epoch, secret.copy());
    local_.pinned = state->heads();
    keep_heads(environment_.disk, directory_, local_directory(environment_, header_.id),
               local_.pinned);
    Bytes bytes = encode_local_keys(local_);
    WipeAtEnd wiped(bytes);
    fs::path directory = local_directory(environment_, header_.id);
    // Unchanged they are not written again: a vault opens on a full disk, too.
    auto kept = environment_.disk.read_file(directory / kLocalKeysName, kLocalKeysSizeMax);
    if (kept.ok()) {
        WipeAtEnd wiped_kept(*kept);
        if (equal(*kept, bytes)) return {};
    }
    TRY_OK(environment_.disk.make_directories(directory));
    return environment_.disk.write_file_durably(directory / kLocalKeysName, bytes);
}

}  // namespace lockstep
