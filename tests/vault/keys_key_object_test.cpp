// Bytes of headers and key objects: every flipped bit is refused, limits hold, the document tells
// the truth.
#include "tests/vault/keys_world.h"
#include "vault/keys/key_object_codec.h"
#include "vault/limits.h"

namespace lockstep {
namespace {

class KeyObjectTest : public ::testing::Test {
  protected:
    KeyWorld world_;
    const Bytes& bytes_ = world_.objects[0];
};

TEST_F(KeyObjectTest, EveryFlippedBitIsRefusedAtTheFirstStage) {
    ASSERT_TRUE(parse_key_object(bytes_, world_.id()).ok());
    for (std::size_t bit = 0; bit < bytes_.size() * 8; ++bit) {
        Bytes damaged = bytes_;
        damaged[bit / 8] ^= std::byte{1} << (bit % 8);
        ASSERT_FALSE(parse_key_object(damaged, world_.id()).ok()) << "bit " << bit;
    }
}

TEST_F(KeyObjectTest, EveryTruncationAndAnyAdditionIsRefused) {
    for (std::size_t size = 0; size < bytes_.size(); ++size)
        ASSERT_FALSE(parse_key_object(ByteView(bytes_).first(size), world_.id()).ok());
    Bytes longer = bytes_;
    longer.push_back({});
    EXPECT_FALSE(parse_key_object(longer, world_.id()).ok());
    EXPECT_FALSE(parse_key_object(Bytes(kKeyObjectSizeMax + 1), world_.id()).ok());
}

TEST_F(KeyObjectTest, BelongsToItsVault) {
    EXPECT_FALSE(parse_key_object(bytes_, world_.random.id<VaultId>()).ok());
}

TEST_F(KeyObjectTest, ReencodesToTheSameBytes) {
    KeyObject object = parse_key_object(bytes_, world_.id()).value();
    Bytes again = encode_before_mac(object);
    append(again, object.mac.view());
    append(again, object.signature.view());
    EXPECT_EQ(again, bytes_);
}

// Who knows the VUK but is no owner cannot change anything; who is an owner but does not know the
// VUK neither.
TEST_F(KeyObjectTest, MacAndSignatureAreBothNeeded) {
    KeyObject object = parse_key_object(bytes_, world_.id()).value();
    const KeySlot& slot = object.slots.back();
    UnlockKey unlock = open_slot(object, slot, world_.founder.sealing).value();
    ASSERT_TRUE(open_keyring(object, unlock).ok());
    EXPECT_EQ(open_keyring(object, UnlockKey::random(world_.random)).error().kind,
              ErrorKind::WrongKey);
    object.mac.bytes[0] ^= std::byte{1};
    EXPECT_EQ(open_keyring(object, unlock).error().kind, ErrorKind::Corrupt);
    EXPECT_EQ(open_slot(object, slot, SealingKey::random(world_.random)).error().kind,
              ErrorKind::WrongKey);
}

TEST_F(KeyObjectTest, PassphraseCostBelowTheFloorIsRefusedWithoutTrying) {
    KeyObject object = parse_key_object(bytes_, world_.id()).value();
    KeySlot slot = object.slots[0];
    ASSERT_EQ(slot.type, SlotType::Passphrase);
    EXPECT_TRUE(passphrase_parameters(slot).ok());
    slot.parameters = encode_parameters({.salt = {}, .cost = {8192, 1}});
    EXPECT_EQ(passphrase_parameters(slot).error().kind, ErrorKind::Refused);
    slot.parameters = encode_parameters({.salt = {}, .cost = {std::uint64_t{1} << 42, 3}});
    EXPECT_EQ(passphrase_parameters(slot).error().kind, ErrorKind::Refused);
    slot.parameters.pop_back();
    EXPECT_EQ(passphrase_parameters(slot).error().kind, ErrorKind::Corrupt);
}

TEST_F(KeyObjectTest, SlotsHoldAsManyAsTheLimitSaysAndNotOneMore) {
    auto state = world_.open(world_.founder);
    Keyring keyring{state->root().copy(), {}};
    keyring.epochs.emplace(state->newest_epoch(),
                           state->epoch_secret(state->newest_epoch())->copy());
    auto build = [&](std::size_t devices) {
        std::vector<KeySlot> slots;
        for (std::size_t i = 0; i < devices; ++i)
            slots.push_back({.type = SlotType::Device,
                             .sealing = SealingKey::random(world_.random).public_key(),
                             .signing = {},
                             .parameters = {},
                             .sealed = {}});
        return build_key_object({.vault = world_.id(),
                                 .parents = {},
                                 .created_ms = 0,
                                 .roster_epoch = state->newest_epoch(),
                                 .slots = std::move(slots),
                                 .facts = state->facts(),
                                 .keyring = keyring,
                                 .grants_to = {}},
                                world_.founder.identity.vault_signing_key(world_.id()),
                                world_.random);
    };
    auto full = build(kSlotsMax);
    ASSERT_TRUE(full.ok());
    EXPECT_TRUE(parse_key_object(*full, world_.id()).ok());
    EXPECT_EQ(build(kSlotsMax + 1).error().kind, ErrorKind::TooLarge);
}

TEST_F(KeyObjectTest, EveryFlippedBitOfTheVaultHeaderIsRefused) {
    const Bytes& header = world_.vault->header_bytes;
    EXPECT_EQ(decode_vault_header(header).value(), world_.vault->header);
    for (std::size_t bit = 0; bit < header.size() * 8; ++bit) {
        Bytes damaged = header;
        damaged[bit / 8] ^= std::byte{1} << (bit % 8);
        ASSERT_FALSE(decode_vault_header(damaged).ok()) << "bit " << bit;
    }
    for (std::size_t size = 0; size < header.size(); ++size)
        ASSERT_FALSE(decode_vault_header(ByteView(header).first(size)).ok());
    Bytes longer = header;
    longer.push_back({});
    EXPECT_FALSE(decode_vault_header(longer).ok());
    Bytes newer = header;
    newer[5] = std::byte{2};
    EXPECT_EQ(decode_vault_header(newer).error().kind, ErrorKind::Unsupported);
}

}  // namespace
}  // namespace lockstep
