// VaultImpl: passphrases, the recovery code, rotation.
#include <algorithm>

#include <fmt/chrono.h>

#include "base/log.h"
#include "vault/core/vault_impl.h"
#include "vault/keys/recovery_code.h"

namespace lockstep {
namespace {

constexpr std::string_view kLocalSlotId = "here";
constexpr std::size_t kSlotIdDigits = 16;

PassphraseCost as_cost(const KdfCost& cost) {
    return {cost.memory_bytes,
            static_cast<std::uint32_t>(std::min<std::uint64_t>(cost.operations, UINT32_MAX))};
}

std::string slot_id(const SigningPublicKey& slot) {
    return slot.to_hex().substr(0, kSlotIdDigits);
}

Error no_such_slot() {
    return {ErrorKind::NotFound, "no such passphrase: list them"};
}

// Who added the slot, and when.
void describe_origin(const KeyState& state, const SigningPublicKey& slot, KeySlotInfo& out) {
    for (const auto& [id, fact] : state.facts()) {
        const auto* added = std::get_if<AddSlotFact>(&fact.body);
        if (added == nullptr || added->signing != slot) continue;
        out.added_ms = fact.created_ms;
        for (const RosterMember& member : state.roster().members())
            if (member.certificate.signing == fact.author) out.added_by = member.certificate.label;
    }
}

}  // namespace

std::vector<KeySlotInfo> VaultImpl::key_slots() {
    std::vector<KeySlotInfo> out;
    if (!replica_) return out;
    if (const auto local = replica_->sealed_by_passphrase()) {
        KeySlotInfo info{.kind = KeySlotInfo::Kind::LocalPassphrase,
                         .id = std::string(kLocalSlotId),
                         .cost = {local->cost.memory_bytes, local->cost.operations}};
        out.push_back(std::move(info));
    }
    const auto state = replica_->keys();
    for (const AddSlotFact& live : state->roster().slots()) {
        if (live.type != SlotType::Passphrase && live.type != SlotType::Recovery) continue;
        KeySlotInfo info{.id = slot_id(live.signing)};
        if (live.type == SlotType::Recovery) info.kind = KeySlotInfo::Kind::RecoveryCode;
        for (const KeySlot& slot : state->slots()) {
            if (slot.signing != live.signing || slot.type != SlotType::Passphrase) continue;
            if (auto parameters = passphrase_parameters(slot); parameters.ok())
                info.cost = {parameters->cost.memory_bytes, parameters->cost.operations};
        }
        describe_origin(*state, live.signing, info);
        out.push_back(std::move(info));
    }
    return out;
}

std::vector<SigningPublicKey> VaultImpl::slots_of(SlotType type) {
    std::vector<SigningPublicKey> out;
    for (const AddSlotFact& live : replica_->keys()->roster().slots())
        if (live.type == type) out.push_back(live.signing);
    return out;
}

Result<SealingKey> VaultImpl::open_own_passphrase(const SecretBytes& secret) {
    const auto sealed = replica_ ? replica_->sealed_by_passphrase() : std::nullopt;
    if (!sealed) return Error{ErrorKind::WrongKey, "the passphrase is wrong"};
    return open_sealing_key(*sealed, header_.id, secret, replica_->own_sealing_key(),
                            environment_.stretcher);
}

Result<VaultImpl::Proof> VaultImpl::prove(ByteView current) {
    if (current.empty()) return Proof{};
    TRY_OK(backoff_.check());
    const SecretBytes secret(current);
    const auto look = [&]() -> Result<Proof> {
        auto own = open_own_passphrase(secret);
        if (own.ok()) return Proof{.slot = std::nullopt, .is_local = true};
        if (own.error().kind != ErrorKind::WrongKey) return std::move(own).error();
        KeyCredentials credentials{.stretcher = environment_.stretcher};
        credentials.pinned = replica_->pinned();
        TRY(auto objects, read_all_key_objects(environment_.disk, directory_));
        TRY(KeyState state,
            KeyState::open_with_secret(header_, objects, secret, std::move(credentials)));
        CHECK(state.slot_author() != nullptr);
        const SigningPublicKey slot = state.slot_author()->public_key();
        const Authority authority = state.roster().authority_of(slot);
        if (authority == Authority::None)
            return Error{ErrorKind::WrongKey, "the passphrase is wrong"};
        return Proof{.slot = slot, .is_recovery = authority == Authority::Recovery};
    };
    auto proof = look();
    backoff_.note(proof.ok() ? Status() : Status(proof.error()));
    return proof;
}

Status VaultImpl::set_passphrase(const NewPassphrase& wish) {
    MutexLock lock(state_mutex_);
    if (!is_unlocked()) return Error{ErrorKind::Locked, "the vault is locked"};
    if (wish.passphrase.empty()) return Error{ErrorKind::Invalid, "the passphrase is empty"};
    const PassphraseCost cost = as_cost(wish.cost);
    TRY_OK(check_cost(cost));
    TRY(Proof proof, prove(wish.current));
    const SecretBytes passphrase(wish.passphrase);
    SlotChange change{.cost = cost};
    if (wish.replaces) {
        if (proof.slot && !proof.is_recovery)
            change.removed = {*proof.slot};
        else if (!proof.is_local)
            change.removed = slots_of(SlotType::Passphrase);
    }
    change.rotates = !change.removed.empty();
    if (!wish.stays_here) change.passphrase = &passphrase;
    // First what opens the vault, then what does no more: a crash between them leaves both.
    if (wish.stays_here) TRY_OK(set_local_passphrase(passphrase, cost));
    if (change.passphrase != nullptr || !change.removed.empty())
        TRY_OK(change_slots_by_owner(change));
    if (!wish.replaces || wish.stays_here || !proof.is_local) return {};
    return replica_->change_local([](LocalKeys& local) { local.sealing_sealed.reset(); });
}

Status VaultImpl::remove_passphrase(std::string_view id, ByteView current) {
    MutexLock lock(state_mutex_);
    if (!is_unlocked()) return Error{ErrorKind::Locked, "the vault is locked"};
    TRY(Proof proof, prove(current));
    static_cast<void>(proof);
    const auto passphrases = slots_of(SlotType::Passphrase);
    const bool has_local = replica_->sealed_by_passphrase().has_value();
    if (passphrases.size() + (has_local ? 1 : 0) == 1)
        return Error{ErrorKind::Refused,
                     "it is the last passphrase that opens the vault here: add another one first"};
    if (id == kLocalSlotId) {
        if (!has_local) return no_such_slot();
        return replica_->change_local([](LocalKeys& local) { local.sealing_sealed.reset(); });
    }
    const auto slot = std::find_if(passphrases.begin(), passphrases.end(),
                                   [&](const SigningPublicKey& key) { return slot_id(key) == id; });
    if (slot == passphrases.end()) return no_such_slot();
    return change_slots_by_owner({.removed = {*slot}, .rotates = true});
}

Result<RecoveryCode> VaultImpl::renew_recovery_code(std::string_view vault_name, ByteView current) {
    MutexLock lock(state_mutex_);
    if (!is_unlocked()) return Error{ErrorKind::Locked, "the vault is locked"};
    TRY(Proof proof, prove(current));
    static_cast<void>(proof);
    const SecretBytes code = make_recovery_code(environment_.random);
    SlotChange change{.recovery_code = &code, .rotates = true};
    change.removed = slots_of(SlotType::Recovery);
    TRY_OK(change_slots_by_owner(change));
    const auto today = static_cast<std::time_t>(environment_.clock.wall_ms() / 1000);
    const SecretBytes sheet =
        recovery_sheet(code, {.vault_name = std::string(vault_name),
                              .vault_id = header_.id.to_hex(),
                              .date = fmt::format("{:%Y-%m-%d}", fmt::gmtime(today))});
    return RecoveryCode{.code = std::string(as_text(code.reveal())),
                        .sheet = std::string(as_text(sheet.reveal()))};
}

Status VaultImpl::test_recovery_code(ByteView code) {
    const SecretBytes secret(code);
    if (auto read = read_recovery_code(secret.reveal()); !read.ok()) return std::move(read).error();
    KeyCredentials credentials;
    credentials.recovery_code = &secret;
    if (replica_) credentials.pinned = replica_->pinned();
    TRY(auto objects, read_all_key_objects(environment_.disk, directory_));
    TRY(KeyState state, KeyState::open(header_, objects, credentials));
    static_cast<void>(state);
    return {};
}

Status VaultImpl::rotate() {
    MutexLock lock(state_mutex_);
    if (!is_unlocked()) return Error{ErrorKind::Locked, "the vault is locked"};
    const auto state = replica_->keys();
    TRY(Bytes object, rotate_epoch(key_editor(*state)));
    return replica_->publish_key_object(object);
}

Status VaultImpl::change_slots_by_owner(const SlotChange& change) {
    const auto state = replica_->keys();
    if (!state->is_unlocked()) return Error{ErrorKind::Locked, "the vault is locked"};
    if (state->roster().authority_of(replica_->signing_key().public_key()) != Authority::Owner)
        return Error{ErrorKind::Refused, "only an owner's device may change what opens the vault"};
    TRY(Bytes object, change_slots(key_editor(*state), change));
    return replica_->publish_key_object(object);
}

Status VaultImpl::keep_passphrase_here(ByteView passphrase, const KdfCost& cost) {
    MutexLock lock(state_mutex_);
    return set_local_passphrase(SecretBytes(passphrase), as_cost(cost));
}

Status VaultImpl::set_local_passphrase(const SecretBytes& passphrase, const PassphraseCost& cost) {
    std::shared_ptr<const SealingKey> sealing;
    {
        MutexLock lock(open_mutex_);
        sealing = sealing_;
    }
    if (!sealing) return Error{ErrorKind::Locked, "unlock the vault first"};
    TRY(SealedSecret sealed, seal_sealing_key(*sealing, header_.id, passphrase, cost,
                                              environment_.random, environment_.stretcher));
    return replica_->change_local(
        [&](LocalKeys& local) { local.sealing_sealed = std::move(sealed); });
}

// The same passphrase in a dearer slot. That it cannot be done now is no reason not to unlock.
void VaultImpl::raise_passphrase_cost(const KeyState& opened, const SecretBytes& secret) {
    if (!environment_.passphrase_cost_min || opened.slot_author() == nullptr) return;
    const SigningPublicKey slot = opened.slot_author()->public_key();
    const PassphraseCost least = as_cost(*environment_.passphrase_cost_min);
    const auto state = replica_->keys();
    if (state->roster().authority_of(replica_->signing_key().public_key()) != Authority::Owner)
        return;
    for (const KeySlot& known : state->slots()) {
        if (known.signing != slot || known.type != SlotType::Passphrase) continue;
        auto parameters = passphrase_parameters(known);
        if (!parameters.ok()) return;
        const PassphraseCost cost{std::max(parameters->cost.memory_bytes, least.memory_bytes),
                                  std::max(parameters->cost.operations, least.operations)};
        if (cost == parameters->cost) return;
        Status raised =
            change_slots_by_owner({.removed = {slot}, .passphrase = &secret, .cost = cost});
        if (raised.ok())
            log_info("vault", "the passphrase is stretched with {} MiB from now on",
                     cost.memory_bytes >> 20);
        else
            log_warning("vault", "the passphrase's cost was not raised: {}",
                        raised.error().message);
    }
}

// The same for the one that opens the vault on this device only; no owner is needed.
void VaultImpl::raise_own_passphrase_cost(const SecretBytes& secret) {
    const auto sealed = replica_->sealed_by_passphrase();
    if (!environment_.passphrase_cost_min || !sealed) return;
    const PassphraseCost least = as_cost(*environment_.passphrase_cost_min);
    const PassphraseCost cost{std::max(sealed->cost.memory_bytes, least.memory_bytes),
                              std::max(sealed->cost.operations, least.operations)};
    if (cost == sealed->cost) return;
    if (Status raised = set_local_passphrase(secret, cost); !raised.ok())
        log_warning("vault", "the passphrase's cost was not raised: {}", raised.error().message);
}

}  // namespace lockstep
