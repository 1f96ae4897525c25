#include "vault/keys/key_state.h"

#include <algorithm>
#include <set>

#include "vault/keys/recovery_code.h"
#include "vault/limits.h"

namespace lockstep {
namespace {

// One key object and what of it could be opened.
struct Candidate {
    KeyObject object;
    std::optional<Keyring> keyring;
    std::optional<RosterPart> part;
    bool is_valid = false;
};

// For salts and costs tried: a passphrase is stretched once for each.
using StretchCache = std::map<std::pair<PassphraseSalt, PassphraseCost>, SlotKeys>;

const RotateFact* find_rotation(const FactSet& facts, const EpochId& epoch,
                                const Commitment& replicator) {
    for (const auto& [id, fact] : facts)
        if (const auto* rotate = std::get_if<RotateFact>(&fact.body))
            if (rotate->epoch == epoch && rotate->replicator == replicator) return rotate;
    return nullptr;
}

}  // namespace

// Reads the objects into a KeyState; lives for one open().
class KeyStateReader {
  public:
    KeyStateReader(const VaultHeader& header, const KeyCredentials& credentials)
        : credentials_(credentials), state_(header) {}

    Result<KeyState> read(const std::vector<Bytes>& objects) {
        if (objects.empty()) return Error{ErrorKind::NotFound, "the vault has no key objects"};
        parse(objects);
        drop_ancestors_of_pins();
        if (credentials_.known != nullptr)
            for (const auto& [epoch, secret] : *credentials_.known)
                state_.replicators_.emplace(epoch, secret.copy());
        sort_newest_first();
        for (Candidate& candidate : candidates_) unlock(candidate);
        open_rosters();
        for (Candidate& candidate : candidates_) validate(candidate);
        TRY_OK(check_opened());
        merge();
        return std::move(state_);
    }

  private:
    void problem(const KeyObjectId& id, Error error) {
        state_.problems_.push_back({id, std::move(error)});
    }

    void parse(const std::vector<Bytes>& objects) {
        std::set<KeyObjectId> known;
        for (const Bytes& bytes : objects) {
            KeyObjectId id = key_object_id(bytes);
            if (!known.insert(id).second) continue;
            auto object = parse_key_object(bytes, state_.vault());
            if (!object.ok()) {
                problem(id, std::move(object).error());
                continue;
            }
            parents_[id] = object->parents;
            candidates_.push_back({.object = std::move(object).value(),
                                   .keyring = std::nullopt,
                                   .part = std::nullopt,
                                   .is_valid = false});
        }
    }

    // Everything before `id`, as far as its objects are here (or named by one that is).
    std::set<KeyObjectId> ancestors(const std::vector<KeyObjectId>& of) const {
        std::set<KeyObjectId> out;
        std::vector<KeyObjectId> todo = of;
        while (!todo.empty()) {
            KeyObjectId id = todo.back();
            todo.pop_back();
            auto parents = parents_.find(id);
            if (parents == parents_.end()) continue;
            for (const KeyObjectId& parent : parents->second)
                if (out.insert(parent).second) todo.push_back(parent);
        }
        return out;
    }

    // What a pinned head has superseded is not looked at again: a rollback changes nothing, and an
    // old passphrase stays old.
    void drop_ancestors_of_pins() {
        std::set<KeyObjectId> old = ancestors(credentials_.pinned);
        std::erase_if(candidates_, [&](const Candidate& c) { return old.contains(c.object.id); });
    }

    // So that the slots of today are tried before those of earlier passphrases.
    void sort_newest_first() {
        std::map<KeyObjectId, std::size_t> depth;
        for (const Candidate& c : candidates_) depth[c.object.id] = ancestors({c.object.id}).size();
        std::stable_sort(candidates_.begin(), candidates_.end(), [&](const auto& a, const auto& b) {
            return depth[a.object.id] > depth[b.object.id];
        });
    }

    bool has_unlocking_credentials() const {
        return credentials_.passphrase != nullptr || credentials_.recovery_code != nullptr ||
               credentials_.device != nullptr;
    }

    Result<const SlotKeys*> passphrase_keys(const KeySlot& slot) {
        TRY(PassphraseParameters parameters, passphrase_parameters(slot));
        auto key = std::pair(parameters.salt, parameters.cost);
        if (auto known = stretched_.find(key); known != stretched_.end()) return &known->second;
        if (!may_stretch_) return static_cast<const SlotKeys*>(nullptr);
        if (stretched_.size() >= kPassphraseTriesMax)
            return Error{ErrorKind::Refused, "too many different passphrase slots"};
        TRY(StretchedPassphrase stretched,
            credentials_.stretcher.stretch(*credentials_.passphrase, parameters.salt,
                                           parameters.cost));
        return &stretched_
                    .emplace(key, derive_slot_keys(stretched, state_.vault(), parameters.salt))
                    .first->second;
    }

    Result<const SlotKeys*> recovery_keys(const KeySlot& slot) {
        if (slot.parameters.size() != PassphraseSalt::kSize)
            return Error{ErrorKind::Corrupt, "recovery slot is malformed"};
        auto salt = PassphraseSalt::from(slot.parameters);
        if (auto known = recovered_.find(salt); known != recovered_.end()) return &known->second;
        TRY(RecoverySecret secret, read_recovery_code(credentials_.recovery_code->reveal()));
        return &recovered_.emplace(salt, derive_slot_keys(secret, state_.vault(), salt))
                    .first->second;
    }

    // The credentials' keys for a slot; null when they have none for its type.
    Result<const SlotKeys*> keys_for(const KeySlot& slot) {
        if (slot.type == SlotType::Passphrase && credentials_.passphrase != nullptr)
            return passphrase_keys(slot);
        if (slot.type == SlotType::Recovery && credentials_.recovery_code != nullptr)
            return recovery_keys(slot);
        return static_cast<const SlotKeys*>(nullptr);
    }

    // The unlock key in the object, by the first slot that the credentials open.
    Result<UnlockKey> unlock_key(const KeyObject& object) {
        std::optional<Error> refusal;
        for (const KeySlot& slot : object.slots) {
            if (slot.type == SlotType::Device && credentials_.device != nullptr &&
                credentials_.device->public_key() == slot.sealing)
                return open_slot(object, slot, *credentials_.device);
            auto keys = keys_for(slot);
            if (!keys.ok()) {
                refusal = std::move(keys).error();
                continue;
            }
            if (*keys == nullptr || (*keys)->sealing.public_key() != slot.sealing) continue;
            auto key = open_slot(object, slot, (*keys)->sealing);
            if (key.ok()) state_.slot_author_ = (*keys)->signing.copy();
            return key;
        }
        if (refusal) return *std::move(refusal);
        return Error{ErrorKind::WrongKey, "no slot of it opens"};
    }

    Result<Keyring> keyring_of(const KeyObject& object) {
        TRY(UnlockKey unlock, unlock_key(object));
        TRY(Keyring keyring, open_keyring(object, unlock));
        if (root_commitment(keyring.root) != state_.header_.genesis.root)
            return Error{ErrorKind::Corrupt, "keyring holds the root key of another vault"};
        return keyring;
    }

    void unlock(Candidate& candidate) {
        if (!has_unlocking_credentials()) return;
        // Slots that a newer object has no more are not worth a second each.
        may_stretch_ = !older_than_opened_.contains(candidate.object.id);
        auto keyring = keyring_of(candidate.object);
        if (!keyring.ok()) {
            // A slot may be missing for honest reasons (another branch); anything else is worth a
            // word.
            Error error = std::move(keyring).error();
            if (error.kind != ErrorKind::WrongKey) note_refusal(candidate, std::move(error));
            return;
        }
        candidate.keyring = std::move(keyring).value();
        older_than_opened_.merge(ancestors({candidate.object.id}));
    }

    void note_refusal(Candidate& candidate, Error error) {
        if (!refusal_ || refusal_->kind == ErrorKind::Corrupt) refusal_ = error;
        problem(candidate.object.id, std::move(error));
    }

    std::optional<ReplicatorSecret> replicator_of(const Candidate& candidate) const {
        const KeyObject& object = candidate.object;
        if (candidate.keyring)
            return derive_replicator_secret(candidate.keyring->epochs.at(object.roster_epoch),
                                            object.vault, object.roster_epoch);
        if (credentials_.replica != nullptr) {
            auto granted = open_grant(object, *credentials_.replica);
            if (granted.ok()) return std::move(granted).value();
        }
        auto known = state_.replicators_.find(object.roster_epoch);
        if (known != state_.replicators_.end()) return known->second.copy();
        return std::nullopt;
    }

    // An opened roster part may tell the secrets of other epochs, and so open further objects.
    void open_rosters() {
        bool is_progress = true;
        while (std::exchange(is_progress, false)) {
            for (Candidate& candidate : candidates_) {
                if (candidate.part) continue;
                auto secret = replicator_of(candidate);
                if (!secret) continue;
                auto part = open_roster_part(candidate.object, *secret);
                if (!part.ok()) continue;
                learn_replicators(candidate, *part, *secret);
                candidate.part = std::move(part).value();
                is_progress = true;
            }
        }
    }

    // Only secrets that a ROTATE fact commits to.
    void learn_replicators(const Candidate& candidate, const RosterPart& part,
                           const ReplicatorSecret& newest) {
        auto learn = [&](const EpochId& epoch, const ReplicatorSecret& secret) {
            Commitment commitment = replicator_commitment(secret, state_.vault(), epoch);
            if (find_rotation(part.facts, epoch, commitment) != nullptr)
                state_.replicators_.emplace(epoch, secret.copy());
        };
        learn(candidate.object.roster_epoch, newest);
        for (const auto& [epoch, secret] : part.older) learn(epoch, secret);
    }

    Status check(const Candidate& candidate) const {
        const KeyObject& object = candidate.object;
        const FactSet& facts = candidate.part->facts;
        TRY_OK(check_authorship(object, Roster::build(state_.header_.genesis.founder, facts)));
        if (!state_.replicators_.contains(object.roster_epoch))
            return Error{ErrorKind::Refused, "key object has a replicator secret of its own"};
        if (candidate.part->older.size() + 1 != object.epochs.size())
            return Error{ErrorKind::Refused, "key object hides a replicator secret"};
        for (const auto& [epoch, secret] : candidate.part->older) {
            bool is_named = std::binary_search(object.epochs.begin(), object.epochs.end(), epoch);
            Commitment commitment = replicator_commitment(secret, object.vault, epoch);
            if (!is_named || find_rotation(facts, epoch, commitment) == nullptr)
                return Error{ErrorKind::Refused, "key object has a replicator secret of its own"};
        }
        if (candidate.keyring) return check_keyring(candidate);
        return {};
    }

    Status check_keyring(const Candidate& candidate) const {
        for (const auto& [epoch, secret] : candidate.keyring->epochs) {
            ReplicatorSecret replicator = derive_replicator_secret(secret, state_.vault(), epoch);
            const RotateFact* rotation =
                find_rotation(candidate.part->facts, epoch,
                              replicator_commitment(replicator, state_.vault(), epoch));
            if (rotation == nullptr ||
                rotation->secret != epoch_commitment(secret, state_.vault(), epoch))
                return Error{ErrorKind::Refused, "key object has an epoch secret of its own"};
        }
        return {};
    }

    void validate(Candidate& candidate) {
        if (!candidate.part) {
            problem(candidate.object.id,
                    {ErrorKind::WrongKey, "key object does not open with what is known here"});
            return;
        }
        auto status = check(candidate);
        if (!status.ok()) return note_refusal(candidate, std::move(status).error());
        candidate.is_valid = true;
    }

    Status check_opened() const {
        if (candidates_.empty() && !state_.problems_.empty())
            return Error(state_.problems_.front().error).in("key objects");
        bool is_any_valid = std::any_of(candidates_.begin(), candidates_.end(),
                                        [](const Candidate& c) { return c.is_valid; });
        bool is_any_unlocked =
            std::any_of(candidates_.begin(), candidates_.end(),
                        [](const auto& c) { return c.is_valid && c.keyring.has_value(); });
        if (is_any_valid && (is_any_unlocked || !has_unlocking_credentials())) return {};
        if (refusal_) return Error(*refusal_).in("key objects");
        if (credentials_.passphrase != nullptr)
            return Error{ErrorKind::WrongKey, "the passphrase is wrong"};
        if (credentials_.recovery_code != nullptr)
            return Error{ErrorKind::WrongKey, "the recovery code is not this vault's"};
        return Error{ErrorKind::WrongKey, "no key object opens with this device's keys"};
    }

    void merge() {
        std::vector<KeyObjectId> ids;
        for (Candidate& candidate : candidates_) {
            if (!candidate.is_valid) continue;
            ids.push_back(candidate.object.id);
            for (auto& [id, fact] : candidate.part->facts) state_.facts_.emplace(id, fact);
            if (candidate.keyring) merge_keyring(*candidate.keyring);
        }
        std::sort(ids.begin(), ids.end());
        std::set<KeyObjectId> superseded = ancestors(ids);
        for (const KeyObjectId& id : ids)
            if (!superseded.contains(id)) state_.heads_.push_back(id);
        state_.valid_ = ids;
        for (const KeyObjectId& pin : credentials_.pinned)
            if (!parents_.contains(pin) && !superseded.contains(pin))
                state_.missing_pins_.push_back(pin);
        state_.roster_ = Roster::build(state_.header_.genesis.founder, state_.facts_);
        merge_slots();
        state_.leaves_somebody_out_ = leaves_somebody_out();
    }

    // Whether a slot lacks an epoch that is known here (it may be one of a rotation that does not
    // count: others may have written under it), or a member the replicator secret to write with.
    bool leaves_somebody_out() const {
        const RotateFact* written = state_.roster_.write_epoch();
        if (written == nullptr) return false;
        std::map<SealingPublicKey, std::set<EpochId>> told;
        std::set<SealingPublicKey> granted;
        for (const Candidate& candidate : candidates_) {
            const KeyObject& object = candidate.object;
            if (!candidate.is_valid) continue;
            for (const KeySlot& slot : object.slots)
                told[slot.sealing].insert(object.epochs.begin(), object.epochs.end());
            if (object.roster_epoch == written->epoch)
                for (const EpochGrant& grant : object.grants) granted.insert(grant.to);
        }
        for (const KeySlot& slot : state_.slots_)
            for (const auto& [epoch, secret] : state_.epochs_)
                if (!told[slot.sealing].contains(epoch)) return true;
        const auto& members = state_.roster_.members();
        return std::any_of(members.begin(), members.end(), [&](const RosterMember& member) {
            return member.is_active() && !granted.contains(member.certificate.replica);
        });
    }

    void merge_keyring(Keyring& keyring) {
        if (!state_.root_) state_.root_ = std::move(keyring.root);
        for (auto& [epoch, secret] : keyring.epochs) {
            state_.replicators_.emplace(epoch,
                                        derive_replicator_secret(secret, state_.vault(), epoch));
            state_.epochs_.emplace(epoch, std::move(secret));
        }
    }

    // Live slots of the merged roster, with their parameters from an object that has them; and the
    // keyed members.
    void merge_slots() {
        for (const AddSlotFact& live : state_.roster_.slots())
            if (const KeySlot* slot = find_slot(live)) {
                state_.slots_.push_back(*slot);
                state_.slots_.back().sealed.clear();
            }
        for (const RosterMember& member : state_.roster_.members())
            if (member.is_keyed())
                state_.slots_.push_back({.type = SlotType::Device,
                                         .sealing = member.certificate.sealing,
                                         .signing = member.certificate.signing,
                                         .parameters = {},
                                         .sealed = {}});
    }

    const KeySlot* find_slot(const AddSlotFact& live) const {
        for (const Candidate& candidate : candidates_)
            if (candidate.is_valid)
                for (const KeySlot& slot : candidate.object.slots)
                    if (slot.type == live.type && slot.signing == live.signing &&
                        slot.sealing == live.sealing)
                        return &slot;
        return nullptr;
    }

    const KeyCredentials& credentials_;
    KeyState state_;
    std::vector<Candidate> candidates_;
    std::map<KeyObjectId, std::vector<KeyObjectId>> parents_;
    StretchCache stretched_;
    bool may_stretch_ = true;
    std::set<KeyObjectId> older_than_opened_;
    std::map<PassphraseSalt, SlotKeys> recovered_;
    std::optional<Error> refusal_;
};

Result<KeyState> KeyState::open(const VaultHeader& header, const std::vector<Bytes>& objects,
                                const KeyCredentials& credentials) {
    return KeyStateReader(header, credentials).read(objects);
}

// A code has a checksum of 40 bits: no passphrase reads as one by chance, and one that is no code
// of this vault may still be its passphrase.
Result<KeyState> KeyState::open_with_secret(const VaultHeader& header,
                                            const std::vector<Bytes>& objects,
                                            const SecretBytes& secret, KeyCredentials credentials) {
    if (read_recovery_code(secret.reveal()).ok()) {
        credentials.recovery_code = &secret;
        auto state = open(header, objects, credentials);
        if (state.ok() || state.error().kind != ErrorKind::WrongKey) return state;
        credentials.recovery_code = nullptr;
    }
    credentials.passphrase = &secret;
    return open(header, objects, credentials);
}

const RootKey& KeyState::root() const {
    CHECK(root_.has_value(), "the vault is locked");
    return *root_;
}

const EpochSecret* KeyState::epoch_secret(const EpochId& epoch) const {
    auto found = epochs_.find(epoch);
    return found == epochs_.end() ? nullptr : &found->second;
}

const ReplicatorSecret* KeyState::replicator_secret(const EpochId& epoch) const {
    auto found = replicators_.find(epoch);
    return found == replicators_.end() ? nullptr : &found->second;
}

std::optional<EpochId> KeyState::write_epoch() const {
    const RotateFact* epoch = roster_.write_epoch();
    if (epoch == nullptr || replicator_secret(epoch->epoch) == nullptr) return std::nullopt;
    if (is_unlocked() && epoch_secret(epoch->epoch) == nullptr) return std::nullopt;
    return epoch->epoch;
}

EpochId KeyState::newest_epoch() const {
    const auto& epochs = roster_.epochs();
    for (auto epoch = epochs.rbegin(); epoch != epochs.rend(); ++epoch) {
        bool is_known = is_unlocked() ? epoch_secret(epoch->epoch) != nullptr
                                      : replicator_secret(epoch->epoch) != nullptr;
        if (is_known) return epoch->epoch;
    }
    // Every valid object has an epoch that its reader knows and its roster counts; only a merge
    // that revokes the author of all of them could get here.
    CHECK(!replicators_.empty());
    return replicators_.begin()->first;
}

}  // namespace lockstep
