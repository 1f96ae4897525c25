// Bytes of key objects: vault/FORMAT.md, "Key objects".
#include "vault/keys/key_object_codec.h"

#include <algorithm>

#include "vault/crypto/object_prefix.h"
#include "vault/limits.h"

namespace lockstep {
namespace {

constexpr std::size_t kSlotSizeMin = 1 + 32 + 32 + 4 + 4;
constexpr std::size_t kGrantSize = 32 + kSealedBoxSize;
constexpr std::size_t kTailSize = 32 + 64;  // MAC and signature

template <typename IdType>
void encode_ids(Encoder& out, const std::vector<IdType>& ids) {
    out.u32(static_cast<std::uint32_t>(ids.size()));
    for (const IdType& id : ids) out.id(id);
}

template <typename List, typename Less>
void require_ascending(Decoder& in, const List& list, Less less) {
    for (std::size_t i = 1; i < list.size(); ++i)
        if (!less(list[i - 1], list[i])) in.fail("list is not in ascending order");
}

template <typename IdType>
std::vector<IdType> decode_ids(Decoder& in, std::size_t count_max) {
    std::vector<IdType> out(in.count(count_max, IdType::kSize));
    for (IdType& id : out) id = in.template id<IdType>();
    require_ascending(in, out, std::less<>());
    return out;
}

KeySlot decode_slot(Decoder& in) {
    KeySlot slot;
    slot.type = static_cast<SlotType>(in.u8());
    slot.sealing = in.id<SealingPublicKey>();
    slot.signing = in.id<SigningPublicKey>();
    slot.parameters = to_bytes(in.bytes(kSlotBodySizeMax));
    slot.sealed = to_bytes(in.bytes(kSlotBodySizeMax));
    return slot;
}

void decode_slots(Decoder& in, KeyObject& out) {
    std::uint32_t count = in.count(kSlotsMax, kSlotSizeMin);
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i) out.slots.push_back(decode_slot(in));
    require_ascending(in, out.slots, slot_less);
    auto secret_slots = std::count_if(out.slots.begin(), out.slots.end(), [](const KeySlot& slot) {
        return slot.type != SlotType::Device;
    });
    if (static_cast<std::size_t>(secret_slots) > kSecretSlotsMax) in.fail("too many slots");
}

void decode_grants(Decoder& in, KeyObject& out) {
    std::uint32_t count = in.count(kDevicesMax, kGrantSize);
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
        EpochGrant grant;
        grant.to = in.id<SealingPublicKey>();
        grant.sealed = to_bytes(in.raw(kSealedBoxSize));
        out.grants.push_back(std::move(grant));
    }
    require_ascending(in, out.grants,
                      [](const EpochGrant& a, const EpochGrant& b) { return a.to < b.to; });
}

}  // namespace

bool slot_less(const KeySlot& a, const KeySlot& b) {
    return std::tie(a.type, a.sealing) < std::tie(b.type, b.sealing);
}

Bytes encode_before_mac(const KeyObject& object) {
    Encoder out;
    encode_prefix(out, {.type = ObjectType::KeyObject});
    out.id(object.vault);
    encode_ids(out, object.parents);
    out.u64(static_cast<std::uint64_t>(object.created_ms));
    encode_ids(out, object.epochs);
    out.id(object.roster_epoch).u32(static_cast<std::uint32_t>(object.slots.size()));
    for (const KeySlot& slot : object.slots) {
        out.u8(static_cast<std::uint8_t>(slot.type)).id(slot.sealing).id(slot.signing);
        out.bytes(slot.parameters).bytes(slot.sealed);
    }
    out.u32(static_cast<std::uint32_t>(object.grants.size()));
    for (const EpochGrant& grant : object.grants) out.id(grant.to).raw(grant.sealed);
    out.bytes(object.sealed_roster).id(object.keyring_commitment).bytes(object.sealed_keyring);
    out.id(object.author);
    return std::move(out).take();
}

KeyObjectId key_object_id(ByteView bytes) {
    return hash_as<KeyObjectId>(blake2b(bytes));
}

Result<KeyObject> parse_key_object(ByteView bytes, const VaultId& vault) {
    if (bytes.size() > kKeyObjectSizeMax)
        return Error{ErrorKind::Corrupt, "key object is longer than allowed"};
    Decoder in(bytes);
    TRY_OK(decode_prefix(in, ObjectType::KeyObject));
    KeyObject out;
    out.id = key_object_id(bytes);
    out.vault = in.id<VaultId>();
    out.parents = decode_ids<KeyObjectId>(in, kKeyObjectParentsMax);
    out.created_ms = static_cast<std::int64_t>(in.u64());
    out.epochs = decode_ids<EpochId>(in, kEpochsMax);
    out.roster_epoch = in.id<EpochId>();
    decode_slots(in, out);
    decode_grants(in, out);
    out.sealed_roster = to_bytes(in.bytes(kKeyObjectSizeMax));
    out.keyring_commitment = in.id<Commitment>();
    out.sealed_keyring = to_bytes(in.bytes(kKeyObjectSizeMax));
    out.author = in.id<SigningPublicKey>();
    out.mac = in.id<Hash256>();
    out.signature = in.id<Signature>();
    TRY_OK(in.finish());
    if (out.vault != vault) return Error{ErrorKind::Corrupt, "key object of another vault"};
    if (!std::binary_search(out.epochs.begin(), out.epochs.end(), out.roster_epoch))
        return Error{ErrorKind::Corrupt, "key object lacks its own epoch"};
    ByteView before_signature = bytes.first(bytes.size() - Signature::kSize);
    auto status =
        verify(out.author, label::kSignKeyObject, blake2b(before_signature).view(), out.signature);
    if (!status.ok()) return std::move(status).error().in("key object");
    out.mac_input = blake2b(bytes.first(bytes.size() - kTailSize));
    return out;
}

Bytes encode_parameters(const PassphraseParameters& parameters) {
    Encoder out;
    out.id(parameters.salt).u64(parameters.cost.memory_bytes).u32(parameters.cost.operations);
    return std::move(out).take();
}

Result<PassphraseParameters> passphrase_parameters(const KeySlot& slot) {
    Decoder in(slot.parameters);
    PassphraseParameters out;
    out.salt = in.id<PassphraseSalt>();
    out.cost.memory_bytes = in.u64();
    out.cost.operations = in.u32();
    TRY_OK(in.finish());
    TRY_OK(check_cost(out.cost));
    return out;
}

Bytes encode_roster_part(const std::map<EpochId, ReplicatorSecret>& older, const FactSet& facts) {
    Encoder out;
    out.u32(static_cast<std::uint32_t>(older.size()));
    for (const auto& [epoch, secret] : older) out.id(epoch).raw(secret.reveal());
    out.u32(static_cast<std::uint32_t>(facts.size()));
    for (const auto& [id, fact] : facts) out.bytes(encode_fact(fact));
    return std::move(out).take();
}

Result<RosterPart> decode_roster_part(const VaultId& vault, ByteView bytes) {
    Decoder in(bytes);
    RosterPart out;
    std::uint32_t secrets = in.count(kEpochsMax, EpochId::kSize + AnySecretKey::kSize);
    for (std::uint32_t i = 0; i < secrets && !in.failed(); ++i) {
        EpochId epoch = in.id<EpochId>();
        ByteView secret = in.raw(AnySecretKey::kSize);
        if (in.failed()) break;
        if (!out.older.empty() && out.older.rbegin()->first >= epoch)
            in.fail("list is not in ascending order");
        out.older.emplace(epoch, ReplicatorSecret::from(secret));
    }
    std::uint32_t count = in.count(kFactsMax, 4);
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
        ByteView encoded = in.bytes(kFactSizeMax);
        if (in.failed()) break;
        TRY(MembershipFact fact, decode_fact(vault, encoded));
        FactId id = hash_as<FactId>(blake2b(encoded));
        if (!out.facts.empty() && out.facts.rbegin()->first >= id)
            in.fail("list is not in ascending order");
        out.facts.emplace(id, std::move(fact));
    }
    TRY_OK(in.finish());
    return out;
}

Bytes encode_keyring(const Keyring& keyring) {
    Encoder out;
    out.raw(keyring.root.reveal()).u32(static_cast<std::uint32_t>(keyring.epochs.size()));
    for (const auto& [epoch, secret] : keyring.epochs) out.id(epoch).raw(secret.reveal());
    return std::move(out).take();
}

Result<Keyring> decode_keyring(const KeyObject& object, ByteView bytes) {
    Decoder in(bytes);
    ByteView root = in.raw(AnySecretKey::kSize);
    std::uint32_t count = in.count(kEpochsMax, EpochId::kSize + AnySecretKey::kSize);
    TRY_OK(in.status());
    Keyring out{RootKey::from(root), {}};
    std::vector<EpochId> epochs;
    for (std::uint32_t i = 0; i < count; ++i) {
        epochs.push_back(in.id<EpochId>());
        ByteView secret = in.raw(AnySecretKey::kSize);
        TRY_OK(in.status());
        out.epochs.emplace(epochs.back(), EpochSecret::from(secret));
    }
    TRY_OK(in.finish());
    if (epochs != object.epochs)
        return Error{ErrorKind::Corrupt, "keyring does not hold the epochs that its object names"};
    return out;
}

}  // namespace lockstep
