#include "vault/core/vault_impl.h"

#include <algorithm>

#include "base/log.h"
#include "vault/crypto/aead.h"

namespace lockstep {
namespace {

constexpr std::string_view kSealingName = "sealing.sealed";

Bytes sealing_aad(const VaultId& vault) {
    return associated_data({.type = ObjectType::LocalSecret, .vault = vault, .epoch = {}},
                           as_bytes("sealing key"));
}

LocalKeys new_local_keys(const VaultId& vault, const SealingKey& sealing,
                         DeviceCertificate certificate) {
    LocalKeys out;
    out.vault = vault;
    out.sealing_public = sealing.public_key();
    out.format_seen_max = static_cast<std::uint8_t>(kFormatVersion);
    out.certificate = std::move(certificate);
    return out;
}

}  // namespace

// ---- making and opening

Status prepare_vault_directory(Disk& disk, const fs::path& directory) {
    auto items = disk.list(directory);
    if (items.ok() && !items->empty())
        return Error{ErrorKind::Exists,
                     directory.string() + " is not empty: choose another directory"};
    if (!items.ok() && items.error().kind != ErrorKind::NotFound) return std::move(items).error();
    return disk.make_directories(directory / kKeyDirectoryName);
}

Status write_key_object(Disk& disk, const fs::path& directory, ByteView bytes) {
    fs::path name = key_object_id(bytes).to_hex() + std::string(kKeyObjectSuffix);
    return disk.write_file_durably(directory / kKeyDirectoryName / name, bytes);
}

Result<std::unique_ptr<Vault>> Vault::create(const VaultEnvironment& environment,
                                             const fs::path& directory, ByteView passphrase,
                                             const VaultCreation& options,
                                             std::string* recovery_code) {
    TRY_OK(prepare_vault_directory(environment.disk, directory));
    auto sealing = std::make_shared<const SealingKey>(SealingKey::random(environment.random));
    SecretBytes secret(passphrase);
    PassphraseCost cost{options.cost.memory_bytes,
                        static_cast<std::uint32_t>(options.cost.operations)};
    TRY(NewVault made, create_vault_keys({.device = environment.device,
                                          .sealing = *sealing,
                                          .device_label = environment.device_label,
                                          .passphrase = secret,
                                          .cost = cost,
                                          .now_ms = environment.clock.wall_ms(),
                                          .stretcher = environment.stretcher,
                                          .has_passphrase_slot = !options.passphrase_stays_here},
                                         environment.random));
    TRY_OK(write_key_object(environment.disk, directory, made.key_object));
    // Last: a directory without it is no vault.
    TRY_OK(environment.disk.write_file_durably(directory / kVaultHeaderName, made.header_bytes));
    if (recovery_code != nullptr) *recovery_code = as_text(made.recovery_code.reveal());
    TRY(auto vault, open_as_member(environment, directory, made.header, sealing,
                                   made.header.founder, options.unlock_at_start));
    if (options.passphrase_stays_here)
        TRY_OK(static_cast<VaultImpl&>(*vault).keep_passphrase_here(passphrase, options.cost));
    return vault;
}

Result<std::unique_ptr<Vault>> open_as_member(const VaultEnvironment& environment,
                                              const fs::path& directory, VaultHeader header,
                                              std::shared_ptr<const SealingKey> sealing,
                                              DeviceCertificate certificate, bool unlock_at_start) {
    LocalKeys local = new_local_keys(header.id, *sealing, std::move(certificate));
    auto vault = std::make_unique<VaultImpl>(environment, directory, std::move(header));
    TRY_OK(vault->open_replica(std::move(local)));
    TRY_OK(vault->unlock_as_member(sealing));
    TRY_OK(vault->set_unlock_at_start(unlock_at_start));
    return std::unique_ptr<Vault>(std::move(vault));
}

// The sealing key opens nothing until an owner gives the device a role that reads.
Result<std::unique_ptr<Vault>> open_as_blind_member(const VaultEnvironment& environment,
                                                    const fs::path& directory, VaultHeader header,
                                                    const SealingKey& sealing,
                                                    DeviceCertificate certificate) {
    LocalKeys local = new_local_keys(header.id, sealing, std::move(certificate));
    local.sealing_clear = sealing.copy();
    auto vault = std::make_unique<VaultImpl>(environment, directory, std::move(header));
    TRY_OK(vault->open_replica(std::move(local)));
    return std::unique_ptr<Vault>(std::move(vault));
}

Result<std::unique_ptr<Vault>> Vault::open(const VaultEnvironment& environment,
                                           const fs::path& directory) {
    TRY(VaultHeader header, read_vault_header(environment.disk, directory));
    auto vault = std::make_unique<VaultImpl>(environment, directory, header);
    fs::path path = local_directory(environment, header.id) / "keys.local";
    auto bytes = environment.disk.read_file(path, kLocalKeysSizeMax);
    if (bytes.ok()) {
        WipeAtEnd wiped(*bytes);
        TRY(LocalKeys local, decode_local_keys(*bytes, header.id));
        TRY_OK(vault->open_replica(std::move(local)));
    } else if (bytes.error().kind != ErrorKind::NotFound) {
        return std::move(bytes).error();
    }
    return std::unique_ptr<Vault>(std::move(vault));
}

VaultImpl::VaultImpl(const VaultEnvironment& environment, fs::path directory, VaultHeader header)
    : environment_(environment),
      directory_(std::move(directory)),
      header_(std::move(header)),
      backoff_(environment_.clock) {}

VaultImpl::~VaultImpl() {
    if (replica_) replica_->remove_listener(*this);
    if (auto open = open_vault()) open->close();
    close_open_vault();
}

// Waits until nobody uses the open vault any more: then its keys are wiped.
void VaultImpl::close_open_vault() {
    files_.close();
    history_.close();
    std::shared_ptr<OpenVault> open;
    std::future<void> gone;
    {
        MutexLock lock(open_mutex_);
        open = std::move(open_);
        open_.reset();
        sealing_.reset();
        gone = std::move(open_gone_);
    }
    open.reset();
    if (gone.valid()) gone.wait();
}

Status VaultImpl::open_replica(LocalKeys local) {
    auto replica = VaultReplica::open(environment_, directory_, std::move(local));
    if (!replica.ok()) return std::move(replica).error();
    replica_ = std::move(replica).value();
    arrivals_ = std::make_unique<DirectoryArrivals>(environment_.disk, *replica_);
    blind_care_ = std::make_unique<BlindCare>(environment_, *replica_);
    replica_->add_listener(*this);
    return replica_->change_local([](LocalKeys&) {});
}

// ---- locking and unlocking

std::shared_ptr<OpenVault> VaultImpl::open_vault() const {
    MutexLock lock(open_mutex_);
    return open_;
}

bool VaultImpl::is_unlocked() const {
    return open_vault() != nullptr;
}

// Also with a passphrase: no key that opens the vault is to come to this device.
Status VaultImpl::check_may_unlock() {
    if (!is_blind()) return {};
    return Error{ErrorKind::Refused,
                 "this device is a blind member of the vault: it holds what it cannot open. An "
                 "owner's device can give it another role"};
}

Status VaultImpl::unlock(ByteView passphrase) {
    MutexLock lock(state_mutex_);
    if (is_unlocked()) return {};
    TRY_OK(check_may_unlock());
    TRY_OK(backoff_.check());
    Status unlocked = unlock_with(SecretBytes(passphrase));
    backoff_.note(unlocked);
    return unlocked;
}

Status VaultImpl::unlock_with(const SecretBytes& secret) {
    auto own = open_own_passphrase(secret);
    if (own.ok()) {
        TRY_OK(unlock_as_member(std::make_shared<const SealingKey>(std::move(*own))));
        raise_own_passphrase_cost(secret);
        return {};
    }
    if (own.error().kind != ErrorKind::WrongKey) return std::move(own).error();
    KeyCredentials credentials{.stretcher = environment_.stretcher};
    if (replica_) credentials.pinned = replica_->pinned();
    TRY(auto objects, read_all_key_objects(environment_.disk, directory_));
    TRY(KeyState state,
        KeyState::open_with_secret(header_, objects, secret, std::move(credentials)));
    // One that another device has replaced meanwhile may open an object that does not know of it.
    if (!state.is_unlocked() || state.slot_author() == nullptr ||
        state.roster().authority_of(state.slot_author()->public_key()) == Authority::None)
        return Error{ErrorKind::WrongKey, "the passphrase is wrong"};
    if (!replica_) return join_with_passphrase(std::move(state));
    auto sealing = load_sealing_key(state.root());
    if (sealing.ok()) {
        TRY_OK(unlock_as_member(*sealing));
        raise_passphrase_cost(state, secret);
        return {};
    }
    if (sealing.error().kind != ErrorKind::NotFound) return std::move(sealing).error();
    // A blind member until now.
    if (auto kept = replica_->key_at_start())
        return unlock_as_member(std::make_shared<const SealingKey>(std::move(*kept)));
    return open_with(std::make_shared<const KeyState>(std::move(state)));
}

// A device that has the directory and the passphrase, and was never a member, admits itself; with
// the recovery code as an owner.
Status VaultImpl::join_with_passphrase(KeyState state) {
    auto sealing = std::make_shared<const SealingKey>(SealingKey::random(environment_.random));
    DeviceCertificate certificate =
        environment_.device.certify(header_.id, sealing->public_key(), environment_.device_label);
    const KeyEditor editor{state, *state.slot_author(), environment_.clock.wall_ms(),
                           environment_.random, environment_.stretcher};
    const bool is_recovery =
        state.roster().authority_of(editor.author.public_key()) == Authority::Recovery;
    TRY(Bytes object, is_recovery ? recover_member(editor, certificate)
                                  : admit_member(editor, certificate, MemberRole::Writer));
    TRY_OK(write_key_object(environment_.disk, directory_, object));
    TRY_OK(open_replica(new_local_keys(header_.id, *sealing, certificate)));
    return unlock_as_member(sealing);
}

Status VaultImpl::unlock_as_member(std::shared_ptr<const SealingKey> sealing) {
    TRY_OK(replica_->set_sealing_key(sealing));
    auto keys = replica_->keys();
    if (!keys->is_unlocked()) {
        TRY_OK(replica_->set_sealing_key(nullptr));
        return Error{ErrorKind::WrongKey,
                     "this device's key does not open the vault any more; use the passphrase"};
    }
    if (auto kept = load_sealing_key(keys->root());
        !kept.ok() || !equal((*kept)->reveal(), sealing->reveal()))
        TRY_OK(save_sealing_key(*sealing, keys->root()));
    {
        MutexLock lock(open_mutex_);
        sealing_ = sealing;
    }
    return open_with(std::move(keys));
}

Status VaultImpl::open_with(std::shared_ptr<const KeyState> keys) {
    TRY(auto open,
        OpenVault::open(environment_, *replica_, std::move(keys), [this] { work_changed(); }));
    auto gone = std::make_shared<std::promise<void>>();
    std::shared_ptr<OpenVault> shared(open.release(), [gone](OpenVault* closing) {
        delete closing;
        gone->set_value();
    });
    {
        MutexLock lock(open_mutex_);
        open_ = shared;
        open_gone_ = gone->get_future();
    }
    if (Status caught_up = shared->take_in_meanwhile(); !caught_up.ok()) {
        shared.reset();
        close_open_vault();
        return caught_up;
    }
    files_.open(shared->files(), [held = shared.get()] { return !held->is_reader(); });
    history_.open();
    work_changed();
    return {};
}

Status VaultImpl::unlock_with_stored_key() {
    MutexLock lock(state_mutex_);
    if (is_unlocked()) return {};
    TRY_OK(check_may_unlock());
    auto kept = replica_ ? replica_->key_at_start() : std::nullopt;
    if (!kept)
        return Error{ErrorKind::Locked,
                     "this device does not keep the vault's key: unlock with the passphrase"};
    return unlock_as_member(std::make_shared<const SealingKey>(std::move(*kept)));
}

Status VaultImpl::set_unlock_at_start(bool enabled) {
    std::shared_ptr<const SealingKey> sealing;
    {
        MutexLock lock(open_mutex_);
        sealing = sealing_;
    }
    if (!replica_) return locked();
    if (enabled && !sealing) return Error{ErrorKind::Locked, "unlock the vault first"};
    return replica_->change_local([&](LocalKeys& local) {
        local.sealing_clear.reset();
        if (enabled) local.sealing_clear = sealing->copy();
    });
}

Status VaultImpl::lock(bool force) {
    MutexLock lock(state_mutex_);
    auto open = open_vault();
    if (!open) return {};
    if (!force && open->files().open_handles() > 0) {
        std::string names;
        for (const std::string& path : open->files().open_paths())
            names += (names.empty() ? "" : ", ") + path;
        return Error{ErrorKind::Busy,
                     "files are open: " + (names.empty() ? std::string("removed ones") : names)};
    }
    if (Status published = open->publish(true); !published.ok() && !force) {
        // On a full disk the journal keeps them until the next unlock, if it can. It knows nothing
        // of what is no version yet.
        const Status committed = open->files().commit_written(environment_.clock.steady(), true);
        if (!committed.ok() || !open->commit().ok())
            return std::move(published).error().in(
                "the last changes could not be published; nothing was locked");
        log_warning("vault", "locked with changes to be published later: {}",
                    published.error().message);
    }
    open->close();
    open.reset();
    close_open_vault();
    return replica_->set_sealing_key(nullptr);
}

// The member's sealing key lies beside keys.local, sealed under a key that takes the root constant
// to make: whoever unlocks with the passphrase gets it back.
Status VaultImpl::save_sealing_key(const SealingKey& key, const RootKey& root) {
    JournalKey wrap = environment_.device.journal_key(root, header_.id);
    Bytes sealed = seal(wrap, sealing_aad(header_.id), key.reveal(), environment_.random);
    return environment_.disk.write_file_durably(
        local_directory(environment_, header_.id) / kSealingName, sealed);
}

Result<std::shared_ptr<const SealingKey>> VaultImpl::load_sealing_key(const RootKey& root) {
    TRY(Bytes sealed, environment_.disk.read_file(
                          local_directory(environment_, header_.id) / kSealingName, 4 * kKiB));
    JournalKey wrap = environment_.device.journal_key(root, header_.id);
    TRY(Bytes secret, lockstep::open(wrap, sealing_aad(header_.id), sealed));
    WipeAtEnd wiped(secret);
    if (secret.size() != AnySecretKey::kSize)
        return Error{ErrorKind::Corrupt, "sealing.sealed is damaged"};
    return std::make_shared<const SealingKey>(SecretKey<struct LoadedSealingTag>::from(secret));
}

// ---- work

void VaultImpl::set_work_listener(std::function<void()> listener) {
    MutexLock lock(listener_mutex_);
    work_listener_ = std::move(listener);
}

void VaultImpl::work_changed() {
    MutexLock lock(listener_mutex_);
    if (work_listener_) work_listener_();
}

std::optional<std::chrono::steady_clock::time_point> VaultImpl::publish_due() {
    auto open = open_vault();
    return open ? open->publish_due() : std::nullopt;
}

Status VaultImpl::publish() {
    auto open = open_vault();
    if (!open) return {};
    return open->publish(false);
}

Result<std::uint64_t> VaultImpl::merge() {
    auto open = open_vault();
    if (!open) return std::uint64_t{0};
    return open->merge();
}

bool VaultImpl::has_unmerged() {
    auto open = open_vault();
    return open && open->has_unmerged();
}

void VaultImpl::segment_added(const SegmentRef&) {
    work_changed();
}
void VaultImpl::keys_changed() {
    if (auto open = open_vault()) open->keys_changed();
}

void VaultImpl::pack_added(const PackId& pack) {
    // Its index is read on a worker: listeners return at once.
    std::shared_ptr<OpenVault> open = open_vault();
    if (open == nullptr) return;
    open->expect_pack();
    environment_.workers.submit([open = std::weak_ptr<OpenVault>(open), pack] {
        if (auto held = open.lock()) held->expected_pack_arrived(pack);
    });
}

Status VaultImpl::look_at_directory(const DirectoryNews& news) {
    if (!arrivals_) return {};
    if (news.is_everything) return arrivals_->look_at_everything();
    arrivals_->look_at(news.changed);
    return {};
}

// ---- questions

VaultStatus VaultImpl::status() {
    VaultStatus out;
    if (!replica_) return out;
    std::tie(out.packs, out.pack_bytes) = replica_->pack_totals();
    VaultPresence& presence = replica_->own_presence();
    for (const PackInfo& pack : replica_->absent_packs()) {
        const bool is_wanted = presence.wants(pack.id);
        ++(is_wanted ? out.missing_packs : out.left_out_packs);
        (is_wanted ? out.missing_pack_bytes : out.left_out_pack_bytes) += pack.length;
    }
    out.is_selecting = !presence.is_settled();
    if (auto open = open_vault()) {
        out.is_unlocked = true;
        out.may_write = !open->is_reader();
        open->add_status(out);
    }
    for (const HeldLog& log : replica_->held()) {
        auto at = std::find_if(out.held.begin(), out.held.end(),
                               [&](const HeldSegments& held) { return held.device == log.device; });
        if (at == out.held.end()) at = out.held.insert(at, {.device = log.device, .segments = 0});
        at->segments += log.numbers.size();
    }
    out.is_blind = replica_->is_blind();
    out.quota = presence.quota();
    out.held_back = replica_->held_back();
    out.alarms = replica_->alarms();
    if (!out.may_write && out.pending_records > 0)
        out.alarms.emplace_back(
            "this device may only read now: " + std::to_string(out.pending_records) +
            " changes that it made before stay here until it may write again");
    if (arrivals_) out.notes = arrivals_->notes();
    return out;
}

std::vector<FileUnderWay> VaultImpl::files_under_way(std::size_t max) {
    auto open = open_vault();
    return open ? open->files_under_way(max) : std::vector<FileUnderWay>{};
}

std::vector<ChangeNews> VaultImpl::take_news() {
    auto open = open_vault();
    return open ? open->take_news() : std::vector<ChangeNews>{};
}

std::vector<ConflictEntry> VaultImpl::conflicts() {
    auto open = open_vault();
    return open ? open->conflicts() : std::vector<ConflictEntry>{};
}

Status VaultImpl::resolve_conflict(const std::string& path, ConflictChoice keep) {
    auto open = open_vault();
    if (!open) return locked();
    return open->resolve_conflict(path, keep);
}

Result<FileReport> VaultImpl::explain(const std::string& path) {
    auto open = open_vault();
    if (!open) return locked();
    return open->explain(path);
}

// ---- on-demand content

Result<KeepReport> VaultImpl::keep(const std::string& path) {
    auto open = open_vault();
    if (!open) return locked();
    return open->keep(path);
}

Status VaultImpl::set_keep(const std::string& path, std::optional<Keep> keep) {
    auto open = open_vault();
    if (!open) return locked();
    return open->set_keep(path, keep);
}

std::vector<KeepReport> VaultImpl::keep_rules() {
    auto open = open_vault();
    return open ? open->keep_rules() : std::vector<KeepReport>{};
}

Result<EvictionReport> VaultImpl::evict(const std::string& path) {
    auto open = open_vault();
    if (!open) return locked();
    return open->evict(path);
}

Result<WhereisReport> VaultImpl::whereis(const std::string& path) {
    auto open = open_vault();
    if (!open) return locked();
    return open->whereis(path);
}

Status VaultImpl::set_quota(std::optional<std::uint64_t> bytes) {
    if (!replica_) return locked();
    return replica_->own_presence().set_quota(bytes);
}

std::uint64_t VaultImpl::care_for_presence() {
    if (is_blind()) return blind_care_->care();
    auto open = open_vault();
    if (!open) return 0;
    open->care_for_presence();
    return open->trim();
}

void VaultImpl::set_waiting(bool may_wait) {
    if (blind_care_) blind_care_->set_waiting(may_wait);
    if (auto open = open_vault()) open->set_waiting(may_wait);
}

// ---- what other devices may bring in

Result<std::uint64_t> VaultImpl::member_quota() {
    if (!replica_) return locked();
    return replica_->member_quota();
}

Status VaultImpl::set_member_quota(std::uint64_t bytes_per_day) {
    if (!replica_) return locked();
    return replica_->set_member_quota(bytes_per_day);
}

Status VaultImpl::let_in(const DeviceId& device) {
    if (!replica_) return locked();
    const std::vector<DeviceId> held = replica_->held_back();
    if (std::find(held.begin(), held.end(), device) == held.end())
        return Error{ErrorKind::NotFound, "that device is not held back"};
    return replica_->let_in(device);
}

// ---- the brake for rewrites

std::vector<HeldRewrites> VaultImpl::held_rewrites() {
    auto open = open_vault();
    return open ? open->held_rewrites() : std::vector<HeldRewrites>{};
}

Status VaultImpl::release_rewrites() {
    auto open = open_vault();
    if (!open) return locked();
    return open->release_rewrites();
}

Result<UndoReport> VaultImpl::undo_rewrites(bool is_dry_run) {
    auto open = open_vault();
    if (!open) return locked();
    return open->undo_rewrites(is_dry_run);
}

Status VaultImpl::set_rewrite_brake(bool is_on) {
    auto open = open_vault();
    if (!open) return locked();
    TRY_OK(open->brake().set_on(is_on));
    work_changed();
    return {};
}

// ---- joining: the guest

namespace {

class PendingJoinImpl final : public PendingJoin {
  public:
    PendingJoinImpl(const VaultEnvironment& environment, VaultHeader header, std::string label)
        : environment_(environment),
          header_(std::move(header)),
          label_(std::move(label)),
          sealing_(std::make_shared<const SealingKey>(SealingKey::random(environment.random))),
          certificate_(environment.device.certify(header_.id, sealing_->public_key(),
                                                  environment.device_label)) {}

    std::string vault_label() const override { return label_; }
    VaultId vault_id() const override { return header_.id; }
    Bytes request() const override {
        Encoder out;
        encode_certificate(out, certificate_);
        return std::move(out).take();
    }

    Result<std::unique_ptr<Vault>> finish(const fs::path& directory, ByteView admission,
                                          bool unlock_at_start) override {
        constexpr std::size_t kKeyObjectsMax = 4096;
        Decoder in(admission);
        if (in.u8() != 1) in.fail("made by another version of Lockstep");
        std::vector<Bytes> objects(in.count(kKeyObjectsMax, 4));
        for (Bytes& object : objects) object = to_bytes(in.bytes(kKeyObjectSizeMax));
        TRY_OK(in.finish());
        // Before anything is written: the objects must make this device a member.
        KeyCredentials credentials;
        credentials.device = sealing_.get();
        auto opened = KeyState::open(header_, objects, credentials);
        const SealingKey replica = environment_.device.vault_replica_key(header_.id);
        if (!opened.ok() && opened.error().kind == ErrorKind::WrongKey) {
            // A blind member is granted nothing else.
            credentials.device = nullptr;
            credentials.replica = &replica;
            opened = KeyState::open(header_, objects, credentials);
        }
        TRY(KeyState state, std::move(opened));
        const RosterMember* self = state.roster().find(environment_.device.id());
        const bool is_blind = self != nullptr && self->role == MemberRole::Blind;
        if (self == nullptr || (!state.is_unlocked() && !is_blind))
            return Error{ErrorKind::Refused, "the other device did not admit this one"};
        TRY_OK(prepare_vault_directory(environment_.disk, directory));
        for (const Bytes& object : objects)
            TRY_OK(write_key_object(environment_.disk, directory, object));
        TRY_OK(environment_.disk.write_file_durably(directory / kVaultHeaderName,
                                                    encode_vault_header(header_)));
        if (is_blind)
            return open_as_blind_member(environment_, directory, header_, *sealing_, certificate_);
        return open_as_member(environment_, directory, header_, sealing_, certificate_,
                              unlock_at_start);
    }

  private:
    const VaultEnvironment environment_;
    const VaultHeader header_;
    const std::string label_;
    const std::shared_ptr<const SealingKey> sealing_;
    const DeviceCertificate certificate_;
};

}  // namespace

Result<std::unique_ptr<PendingJoin>> PendingJoin::begin(const VaultEnvironment& environment,
                                                        ByteView offer) {
    Decoder in(offer);
    if (in.u8() != 1) in.fail("made by another version of Lockstep");
    Bytes header_bytes = to_bytes(in.bytes(64 * kKiB));
    std::string label = in.text(kNameSizeMax);
    TRY_OK(in.finish());
    TRY(VaultHeader header, decode_vault_header(header_bytes));
    return std::unique_ptr<PendingJoin>(
        std::make_unique<PendingJoinImpl>(environment, std::move(header), std::move(label)));
}

}  // namespace lockstep
