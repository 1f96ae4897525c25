#include "vault/keys/key_object.h"

#include <algorithm>

#include "vault/crypto/aead.h"
#include "vault/keys/key_object_codec.h"
#include "vault/limits.h"

namespace lockstep {
namespace {

using KeyObjectMacKey = SecretKey<struct KeyObjectMacKeyTag>;

Bytes slot_context(const VaultId& vault, const KeySlot& slot) {
    Encoder extra;
    extra.u8(static_cast<std::uint8_t>(slot.type)).id(slot.signing);
    return associated_data({.type = ObjectType::SlotSecret, .vault = vault, .epoch = {}},
                           extra.view());
}

Bytes grant_context(const VaultId& vault, const EpochId& epoch) {
    return associated_data({.type = ObjectType::EpochGrant, .vault = vault, .epoch = epoch});
}

Bytes roster_context(const VaultId& vault, const EpochId& epoch) {
    return associated_data({.type = ObjectType::Roster, .vault = vault, .epoch = epoch});
}

Bytes keyring_context(const VaultId& vault) {
    return associated_data({.type = ObjectType::Keyring, .vault = vault, .epoch = {}});
}

DerivedKey<struct KeyringKeyTag> keyring_key(const UnlockKey& unlock, const VaultId& vault) {
    return derive<struct KeyringKeyTag>(unlock, label::kKeyring, {vault.view()});
}

Hash256 mac_of(const UnlockKey& unlock, const VaultId& vault, const Hash256& mac_input) {
    auto key = derive_key<struct KeyObjectMacKeyTag>(unlock, label::kKeyObjectMac, vault.view());
    return keyed_hash(key, mac_input.view());
}

Status seal_slots(KeyObject& object, const UnlockKey& unlock, Random& random) {
    std::sort(object.slots.begin(), object.slots.end(), slot_less);
    for (KeySlot& slot : object.slots) {
        auto box = seal_to(slot.sealing, slot_context(object.vault, slot), unlock, random);
        if (!box.ok()) return std::move(box).error().in("seal to a slot");
        slot.sealed = std::move(box).value();
    }
    return {};
}

Status seal_grants(KeyObject& object, std::vector<SealingPublicKey> to,
                   const ReplicatorSecret& secret, Random& random) {
    std::sort(to.begin(), to.end());
    to.erase(std::unique(to.begin(), to.end()), to.end());
    for (const SealingPublicKey& key : to) {
        auto box = seal_to(key, grant_context(object.vault, object.roster_epoch), secret, random);
        if (!box.ok()) return std::move(box).error().in("seal to a member");
        object.grants.push_back({.to = key, .sealed = std::move(box).value()});
    }
    return {};
}

void seal_parts(KeyObject& object, const KeyObjectContent& content, const UnlockKey& unlock,
                const ReplicatorSecret& newest, Random& random) {
    std::map<EpochId, ReplicatorSecret> older;
    for (const auto& [epoch, secret] : content.keyring.epochs) {
        object.epochs.push_back(epoch);
        if (epoch != object.roster_epoch)
            older.emplace(epoch, derive_replicator_secret(secret, object.vault, epoch));
    }
    Bytes roster = encode_roster_part(older, content.facts);
    WipeAtEnd roster_wiped(roster);
    auto replicator = ReplicatorKeys::derive(newest, object.vault, object.roster_epoch);
    object.sealed_roster =
        seal(replicator.roster, roster_context(object.vault, object.roster_epoch), roster, random);
    Bytes keyring = encode_keyring(content.keyring);
    WipeAtEnd keyring_wiped(keyring);
    auto key = keyring_key(unlock, object.vault);
    object.keyring_commitment = key.commitment;
    object.sealed_keyring = seal(key.key, keyring_context(object.vault), keyring, random);
}

Status check_limits(const KeyObjectContent& content) {
    if (content.slots.size() > kSlotsMax || content.grants_to.size() > kDevicesMax)
        return Error{ErrorKind::TooLarge, "too many members or slots"};
    if (content.facts.size() > kFactsMax)
        return Error{ErrorKind::TooLarge, "too many membership facts"};
    if (content.keyring.epochs.size() > kEpochsMax)
        return Error{ErrorKind::TooLarge, "too many epochs"};
    return {};
}

bool is_entitled_slot(const KeySlot& slot, const Roster& roster) {
    if (slot.type == SlotType::Device)
        return std::any_of(roster.members().begin(), roster.members().end(), [&](const auto& m) {
            return m.is_keyed() && m.certificate.sealing == slot.sealing &&
                   m.certificate.signing == slot.signing;
        });
    return std::any_of(roster.slots().begin(), roster.slots().end(), [&](const AddSlotFact& s) {
        return s.type == slot.type && s.sealing == slot.sealing && s.signing == slot.signing;
    });
}

bool is_entitled_grant(const EpochGrant& grant, const Roster& roster) {
    return std::any_of(roster.members().begin(), roster.members().end(), [&](const auto& m) {
        return m.is_active() && m.certificate.replica == grant.to;
    });
}

}  // namespace

Result<Bytes> build_key_object(KeyObjectContent content, const SigningKey& author, Random& random) {
    CHECK(content.keyring.epochs.contains(content.roster_epoch));
    CHECK(std::is_sorted(content.parents.begin(), content.parents.end()) &&
          content.parents.size() <= kKeyObjectParentsMax);
    TRY_OK(check_limits(content));
    KeyObject object;
    object.vault = content.vault;
    object.parents = std::move(content.parents);
    object.created_ms = content.created_ms;
    object.roster_epoch = content.roster_epoch;
    object.slots = std::move(content.slots);
    object.author = author.public_key();
    UnlockKey unlock = UnlockKey::random(random);
    ReplicatorSecret newest = derive_replicator_secret(
        content.keyring.epochs.at(object.roster_epoch), object.vault, object.roster_epoch);
    TRY_OK(seal_slots(object, unlock, random));
    TRY_OK(seal_grants(object, std::move(content.grants_to), newest, random));
    seal_parts(object, content, unlock, newest, random);
    Bytes bytes = encode_before_mac(object);
    append(bytes, mac_of(unlock, object.vault, blake2b(bytes)).view());
    append(bytes, author.sign(label::kSignKeyObject, blake2b(bytes).view()).view());
    if (bytes.size() > kKeyObjectSizeMax)
        return Error{ErrorKind::TooLarge, "the key object would be too large"};
    return bytes;
}

Result<ReplicatorSecret> open_grant(const KeyObject& object, const SealingKey& replica) {
    for (const EpochGrant& grant : object.grants)
        if (grant.to == replica.public_key())
            return open_sealed<struct ReplicatorSecretTag>(
                replica, grant_context(object.vault, object.roster_epoch), grant.sealed);
    return Error{ErrorKind::NotFound, "nothing is granted to this device"};
}

Result<RosterPart> open_roster_part(const KeyObject& object, const ReplicatorSecret& secret) {
    auto keys = ReplicatorKeys::derive(secret, object.vault, object.roster_epoch);
    auto plain =
        open(keys.roster, roster_context(object.vault, object.roster_epoch), object.sealed_roster);
    // The bytes are those that the author signed, so what does not fit is the key.
    if (!plain.ok()) return Error{ErrorKind::WrongKey, "roster is sealed with another secret"};
    WipeAtEnd wiped(*plain);
    return decode_roster_part(object.vault, *plain);
}

Status check_authorship(const KeyObject& object, const Roster& own_roster) {
    if (own_roster.authority_of(object.author) == Authority::None)
        return Error{ErrorKind::Refused, "key object is not by an owner"};
    for (const KeySlot& slot : object.slots)
        if (!is_entitled_slot(slot, own_roster))
            return Error{ErrorKind::Refused, "key object is sealed to a stranger"};
    for (const EpochGrant& grant : object.grants)
        if (!is_entitled_grant(grant, own_roster))
            return Error{ErrorKind::Refused, "key object grants an epoch to a stranger"};
    if (own_roster.find_epoch(object.roster_epoch) == nullptr)
        return Error{ErrorKind::Refused, "key object uses an epoch that nobody began"};
    return {};
}

Result<UnlockKey> open_slot(const KeyObject& object, const KeySlot& slot, const SealingKey& key) {
    // An AEAD alone may open under several keys; a public key belongs to one.
    if (key.public_key() != slot.sealing)
        return Error{ErrorKind::WrongKey, "not the key of this slot"};
    return open_sealed<struct UnlockKeyTag>(key, slot_context(object.vault, slot), slot.sealed);
}

Result<Keyring> open_keyring(const KeyObject& object, const UnlockKey& unlock) {
    auto key = keyring_key(unlock, object.vault);
    if (!equal_in_constant_time(key.commitment.view(), object.keyring_commitment.view()))
        return Error{ErrorKind::WrongKey, "keyring is sealed with another unlock key"};
    if (!equal_in_constant_time(mac_of(unlock, object.vault, object.mac_input).view(),
                                object.mac.view()))
        return Error{ErrorKind::Corrupt, "key object: MAC does not match"};
    TRY(Bytes plain, open(key.key, keyring_context(object.vault), object.sealed_keyring));
    WipeAtEnd wiped(plain);
    return decode_keyring(object, plain);
}

SlotKeys derive_slot_keys(const AnySecretKey& secret, const VaultId& vault,
                          const PassphraseSalt& salt) {
    return {
        .sealing = SealingKey(derive_key<struct SlotSealingTag>(secret, label::kSlotSealing,
                                                                {vault.view(), salt.view()})),
        .signing = SigningKey(derive_key<struct SlotSigningTag>(secret, label::kSlotSigning,
                                                                {vault.view(), salt.view()})),
    };
}

}  // namespace lockstep
