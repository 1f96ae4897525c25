#include "vault/keys/key_author.h"

#include <algorithm>

#include "vault/keys/recovery_code.h"
#include "vault/limits.h"

namespace lockstep {
namespace {

// Facts under construction: each new one has seen all before it.
class FactChain {
  public:
    FactChain(const VaultId& vault, const SigningKey& author, std::int64_t now_ms, FactSet facts,
              std::vector<FactId> heads)
        : vault_(vault),
          author_(author),
          now_ms_(now_ms),
          facts_(std::move(facts)),
          heads_(std::move(heads)) {}

    void state(FactBody body) {
        MembershipFact fact = sign_fact(
            vault_, author_, {.created_ms = now_ms_, .seen = heads_, .body = std::move(body)});
        FactId id = fact_id(fact);
        added_.push_back(id);
        heads_ = {id};
        facts_.emplace(id, std::move(fact));
    }

    const FactSet& facts() const { return facts_; }
    const std::vector<FactId>& added() const { return added_; }

  private:
    const VaultId& vault_;
    const SigningKey& author_;
    std::int64_t now_ms_;
    FactSet facts_;
    std::vector<FactId> heads_;
    std::vector<FactId> added_;
};

Keyring copy_keyring(const KeyState& state) {
    Keyring out{state.root().copy(), {}};
    for (const auto& [epoch, secret] : state.epoch_secrets())
        out.epochs.emplace(epoch, secret.copy());
    return out;
}

// A new epoch in the keyring, and the fact that names it.
RotateFact begin_epoch(const VaultId& vault, const Roster& roster, Keyring& keyring,
                       Random& random) {
    RotateFact fact;
    fact.epoch = random.id<EpochId>();
    fact.sequence = roster.epochs().empty() ? 1 : roster.epochs().back().sequence + 1;
    EpochSecret secret = EpochSecret::random(random);
    fact.secret = epoch_commitment(secret, vault, fact.epoch);
    fact.replicator = replicator_commitment(derive_replicator_secret(secret, vault, fact.epoch),
                                            vault, fact.epoch);
    for (const RosterMember& member : roster.members())
        if (member.is_kept_out()) fact.excluded.push_back(member.device());
    std::sort(fact.excluded.begin(), fact.excluded.end());
    keyring.epochs.emplace(fact.epoch, std::move(secret));
    return fact;
}

// What one change consists of.
struct Edit {
    std::vector<FactBody> facts;
    bool rotates = false;
    std::vector<KeySlot> new_slots = {};
};

// The slots of `roster`: parameters come from the state's slots or the new ones.
Result<std::vector<KeySlot>> slots_for(const Roster& roster, const KeyState& state,
                                       const std::vector<KeySlot>& new_slots) {
    std::vector<KeySlot> known = state.slots();
    known.insert(known.end(), new_slots.begin(), new_slots.end());
    std::vector<KeySlot> out;
    for (const AddSlotFact& live : roster.slots()) {
        auto slot = std::find_if(known.begin(), known.end(),
                                 [&](const KeySlot& s) { return s.signing == live.signing; });
        if (slot == known.end())
            return Error{ErrorKind::Unavailable, "a slot's parameters are not here yet"};
        if (slot->type != SlotType::Passphrase && slot->type != SlotType::Recovery)
            return Error{ErrorKind::Unsupported, "the vault has a slot of a newer Lockstep"};
        out.push_back(*slot);
    }
    for (const RosterMember& member : roster.members())
        if (member.is_keyed())
            out.push_back({.type = SlotType::Device,
                           .sealing = member.certificate.sealing,
                           .signing = member.certificate.signing,
                           .parameters = {},
                           .sealed = {}});
    return out;
}

// The greatest clean epoch; where there is none (a recovery code may revoke but not rotate) the
// greatest.
Result<EpochId> roster_epoch_for(const Roster& roster, const Keyring& keyring) {
    const RotateFact* clean = roster.write_epoch();
    if (clean != nullptr && keyring.epochs.contains(clean->epoch)) return clean->epoch;
    for (auto epoch = roster.epochs().rbegin(); epoch != roster.epochs().rend(); ++epoch)
        if (keyring.epochs.contains(epoch->epoch)) return epoch->epoch;
    return Error{ErrorKind::Unavailable, "no epoch of the vault is known here"};
}

std::vector<SealingPublicKey> replica_keys(const Roster& roster) {
    std::vector<SealingPublicKey> out;
    for (const RosterMember& member : roster.members())
        if (member.is_active()) out.push_back(member.certificate.replica);
    return out;
}

Status check_facts_count(const Roster& roster, const FactChain& chain) {
    for (const FactId& id : chain.added())
        if (!roster.counts(id))
            return Error{ErrorKind::Refused, "this key may not make that change"};
    return {};
}

Status check_member_count(const Roster& roster) {
    auto active = std::count_if(roster.members().begin(), roster.members().end(),
                                [](const RosterMember& member) { return member.is_active(); });
    if (static_cast<std::size_t>(active) > kDevicesMax)
        return Error{ErrorKind::TooLarge, "the vault has as many members as it can have"};
    return {};
}

Result<Bytes> write(const KeyEditor& editor, Edit edit) {
    const KeyState& state = editor.state;
    if (!state.is_unlocked()) return Error{ErrorKind::Locked, "the vault is locked"};
    const DeviceId& founder = state.header().genesis.founder;
    FactChain chain(state.vault(), editor.author, editor.now_ms, state.facts(),
                    state.roster().heads());
    for (FactBody& body : edit.facts) chain.state(std::move(body));
    Keyring keyring = copy_keyring(state);
    if (edit.rotates)
        chain.state(begin_epoch(state.vault(), Roster::build(founder, chain.facts()), keyring,
                                editor.random));
    Roster roster = Roster::build(founder, chain.facts());
    TRY_OK(check_facts_count(roster, chain));
    TRY_OK(check_member_count(roster));
    TRY(std::vector<KeySlot> slots, slots_for(roster, state, edit.new_slots));
    TRY(EpochId epoch, roster_epoch_for(roster, keyring));
    std::vector<KeyObjectId> parents = state.heads();
    if (parents.size() > kKeyObjectParentsMax) parents.resize(kKeyObjectParentsMax);
    TRY(Bytes bytes, build_key_object({.vault = state.vault(),
                                       .parents = std::move(parents),
                                       .created_ms = editor.now_ms,
                                       .roster_epoch = epoch,
                                       .slots = std::move(slots),
                                       .facts = chain.facts(),
                                       .keyring = keyring,
                                       .grants_to = replica_keys(roster)},
                                      editor.author, editor.random));
    // Never hand out an object that its readers would refuse.
    TRY(KeyObject parsed, parse_key_object(bytes, state.vault()));
    TRY_OK(check_authorship(parsed, roster));
    return bytes;
}

struct NewSlot {
    KeySlot slot;
    AddSlotFact fact;
};

NewSlot make_slot(SlotType type, const SlotKeys& keys, Bytes parameters) {
    return {.slot = {.type = type,
                     .sealing = keys.sealing.public_key(),
                     .signing = keys.signing.public_key(),
                     .parameters = std::move(parameters),
                     .sealed = {}},
            .fact = {.type = type,
                     .sealing = keys.sealing.public_key(),
                     .signing = keys.signing.public_key()}};
}

Result<NewSlot> make_passphrase_slot(const VaultId& vault, const SecretBytes& passphrase,
                                     const PassphraseCost& cost, PassphraseStretcher& stretcher,
                                     Random& random) {
    PassphraseParameters parameters{.salt = random.id<PassphraseSalt>(), .cost = cost};
    TRY(StretchedPassphrase stretched, stretcher.stretch(passphrase, parameters.salt, cost));
    return make_slot(SlotType::Passphrase, derive_slot_keys(stretched, vault, parameters.salt),
                     encode_parameters(parameters));
}

Result<NewSlot> make_recovery_slot(const VaultId& vault, const SecretBytes& code, Random& random) {
    auto salt = random.id<PassphraseSalt>();
    TRY(RecoverySecret secret, read_recovery_code(code.reveal()));
    return make_slot(SlotType::Recovery, derive_slot_keys(secret, vault, salt),
                     to_bytes(salt.view()));
}

VaultHeader make_header(const NewVaultOptions& options, const RootKey& root, Random& random) {
    VaultHeader header;
    random.fill(header.genesis.random);
    header.genesis.created_ms = options.now_ms;
    header.genesis.founder = options.device.id();
    header.genesis.root = root_commitment(root);
    header.id = vault_id_of(header.genesis);
    header.founder =
        options.device.certify(header.id, options.sealing.public_key(), options.device_label);
    return header;
}

Status check_known_member(const KeyState& state, const DeviceId& device) {
    const RosterMember* member = state.roster().find(device);
    if (member == nullptr) return Error{ErrorKind::NotFound, "no such member"};
    if (member->is_revoked) return Error{ErrorKind::Invalid, "that member was revoked already"};
    return {};
}

Status check_certificate(const KeyState& state, const DeviceCertificate& certificate) {
    if (certificate.vault != state.vault())
        return Error{ErrorKind::Invalid, "the certificate is for another vault"};
    TRY_OK(certificate.verify());
    const RosterMember* member = state.roster().find(certificate.device);
    if (member != nullptr && member->is_revoked)
        return Error{ErrorKind::Refused, "that device was revoked; it needs a new identity"};
    return {};
}

}  // namespace

Result<NewVault> create_vault_keys(const NewVaultOptions& options, Random& random) {
    TRY_OK(check_device_label(options.device_label));
    Keyring keyring{RootKey::random(random), {}};
    VaultHeader header = make_header(options, keyring.root, random);
    SecretBytes code = make_recovery_code(random);
    std::vector<KeySlot> slots;
    std::optional<NewSlot> passphrase;
    if (options.has_passphrase_slot) {
        TRY(passphrase, make_passphrase_slot(header.id, options.passphrase, options.cost,
                                             options.stretcher, random));
        slots.push_back(passphrase->slot);
    }
    TRY(NewSlot recovery, make_recovery_slot(header.id, code, random));
    KeySlot device{.type = SlotType::Device,
                   .sealing = header.founder.sealing,
                   .signing = header.founder.signing,
                   .parameters = {},
                   .sealed = {}};

    slots.push_back(recovery.slot);
    slots.push_back(device);

    SigningKey author = options.device.vault_signing_key(header.id);
    FactChain chain(header.id, author, options.now_ms, {}, {});
    chain.state(AddFact{.certificate = header.founder, .role = MemberRole::Owner});
    if (passphrase) chain.state(passphrase->fact);
    chain.state(recovery.fact);
    RotateFact first = begin_epoch(header.id, Roster{}, keyring, random);
    chain.state(first);

    TRY(Bytes bytes, build_key_object({.vault = header.id,
                                       .parents = {},
                                       .created_ms = options.now_ms,
                                       .roster_epoch = first.epoch,
                                       .slots = std::move(slots),
                                       .facts = chain.facts(),
                                       .keyring = keyring,
                                       .grants_to = {header.founder.replica}},
                                      author, random));
    KeyObjectId id = key_object_id(bytes);
    Bytes header_bytes = encode_vault_header(header);
    return NewVault{.header = std::move(header),
                    .header_bytes = std::move(header_bytes),
                    .key_object = std::move(bytes),
                    .key_object_id = id,
                    .recovery_code = std::move(code)};
}

Result<Bytes> admit_member(const KeyEditor& editor, const DeviceCertificate& certificate,
                           MemberRole role) {
    TRY_OK(check_certificate(editor.state, certificate));
    return write(editor,
                 {.facts = {AddFact{.certificate = certificate, .role = role}}, .rotates = false});
}

Result<Bytes> recover_member(const KeyEditor& editor, const DeviceCertificate& certificate) {
    TRY_OK(check_certificate(editor.state, certificate));
    return write(editor, {.facts = {RecoverFact{.certificate = certificate}}, .rotates = false});
}

Result<Bytes> change_role(const KeyEditor& editor, const DeviceId& device, MemberRole role,
                          const std::vector<LogCut>& cuts) {
    TRY_OK(check_known_member(editor.state, device));
    const MemberRole before = editor.state.roster().find(device)->role;
    // A member that becomes blind keeps the keys it had; one that is no longer blind must not be
    // among those that the epoch in use was kept from.
    Edit edit{.facts = {}, .rotates = (before == MemberRole::Blind) != (role == MemberRole::Blind)};
    for (const LogCut& cut : cuts) edit.facts.push_back(RetireFact{.device = device, .cut = cut});
    edit.facts.push_back(RoleFact{.device = device, .role = role});
    return write(editor, std::move(edit));
}

Result<Bytes> revoke_member(const KeyEditor& editor, const DeviceId& device,
                            std::vector<LogCut> cuts) {
    TRY_OK(check_known_member(editor.state, device));
    std::sort(cuts.begin(), cuts.end());
    for (std::size_t i = 1; i < cuts.size(); ++i)
        if (cuts[i - 1].log == cuts[i].log) return Error{ErrorKind::Invalid, "two cuts of one log"};
    if (cuts.size() > kLogsMax) return Error{ErrorKind::TooLarge, "too many logs to cut"};
    bool by_owner =
        editor.state.roster().authority_of(editor.author.public_key()) == Authority::Owner;
    return write(editor, {.facts = {RevokeFact{.device = device, .cuts = std::move(cuts)}},
                          .rotates = by_owner});
}

Result<Bytes> retire_log(const KeyEditor& editor, const DeviceId& device, const LogCut& cut) {
    TRY_OK(check_known_member(editor.state, device));
    return write(editor, {.facts = {RetireFact{.device = device, .cut = cut}}, .rotates = false});
}

Result<Bytes> rotate_epoch(const KeyEditor& editor) {
    return write(editor, {.facts = {}, .rotates = true});
}

Result<Bytes> change_slots(const KeyEditor& editor, const SlotChange& change) {
    Edit edit{.facts = {}, .rotates = change.rotates};
    const auto& live = editor.state.roster().slots();
    for (const SigningPublicKey& removed : change.removed) {
        if (std::none_of(live.begin(), live.end(),
                         [&](const AddSlotFact& slot) { return slot.signing == removed; }))
            return Error{ErrorKind::NotFound, "the vault has no such passphrase or recovery code"};
        edit.facts.push_back(RemoveSlotFact{.signing = removed});
    }
    const auto add = [&](const NewSlot& slot) {
        edit.facts.push_back(slot.fact);
        edit.new_slots.push_back(slot.slot);
    };
    if (change.passphrase != nullptr) {
        TRY(NewSlot slot, make_passphrase_slot(editor.state.vault(), *change.passphrase,
                                               change.cost, editor.stretcher, editor.random));
        add(slot);
    }
    if (change.recovery_code != nullptr) {
        TRY(NewSlot slot,
            make_recovery_slot(editor.state.vault(), *change.recovery_code, editor.random));
        add(slot);
    }
    return write(editor, std::move(edit));
}

Result<Bytes> change_passphrase(const KeyEditor& editor, const SecretBytes& passphrase,
                                const PassphraseCost& cost) {
    SlotChange change{.passphrase = &passphrase, .cost = cost, .rotates = true};
    for (const AddSlotFact& old : editor.state.roster().slots())
        if (old.type == SlotType::Passphrase) change.removed.push_back(old.signing);
    return change_slots(editor, change);
}

Result<Bytes> merge_key_objects(const KeyEditor& editor) {
    return write(editor, {.facts = {}, .rotates = false});
}

}  // namespace lockstep
