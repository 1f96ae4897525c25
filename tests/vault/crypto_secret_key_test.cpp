#include <sstream>

#include <gtest/gtest.h>

#include "tests/support/seeded_random.h"
#include "vault/crypto/passphrase.h"
#include "vault/crypto/sealed_box.h"
#include "vault/crypto/signature.h"
#include "vault/keys/key_tree.h"

namespace lockstep {
namespace {

// What the type system promises.
static_assert(!std::is_copy_constructible_v<NameKey> && !std::is_copy_assignable_v<NameKey>);
static_assert(std::is_nothrow_move_constructible_v<NameKey>);
static_assert(!std::is_convertible_v<NameKey&&, PackKey> &&
              !std::is_constructible_v<PackKey, NameKey&&>);
static_assert(!std::equality_comparable<NameKey>);
template <typename T>
concept Printable = requires(std::ostream& out, const T& value) {
    out << value;
};
static_assert(!Printable<NameKey> && !Printable<SecretBytes>);

TEST(SecretKeyTest, MovedFromKeyIsWipedAndDiesWhenUsed) {
    SeededRandom random(1);
    NameKey key = NameKey::random(random);
    const std::byte* place = key.reveal().data();
    Bytes value = to_bytes(key.reveal());
    NameKey other = std::move(key);
    EXPECT_TRUE(equal(other.reveal(), value));
    EXPECT_EQ(Bytes(place, place + 32), Bytes(32));
    EXPECT_DEATH((void)key.reveal(), "moved");
}

TEST(SecretKeyTest, CopyIsByName) {
    SeededRandom random(1);
    NameKey key = NameKey::random(random);
    EXPECT_TRUE(equal(key.copy().reveal(), key.reveal()));
}

TEST(SecretBytesTest, KeepMoveAndCopyTheirContent) {
    SecretBytes a = SecretBytes::from_text("correct horse");
    SecretBytes b = std::move(a);
    EXPECT_TRUE(a.empty());
    EXPECT_EQ(as_text(b.reveal()), "correct horse");
    EXPECT_EQ(as_text(b.copy().reveal()), "correct horse");
    EXPECT_TRUE(SecretBytes().empty());
}

TEST(KeyedHashTest, PartsDoNotRunIntoOneAnother) {
    SeededRandom random(1);
    NameKey key = NameKey::random(random);
    EXPECT_NE(keyed_hash(key, {as_bytes("ab"), as_bytes("c")}),
              keyed_hash(key, {as_bytes("a"), as_bytes("bc")}));
    EXPECT_NE(keyed_hash(key, {as_bytes("a")}), keyed_hash(key, {as_bytes("a"), {}}));
}

TEST(SignatureTest, BindsLabelMessageAndKey) {
    SeededRandom random(2);
    SigningKey key(SigningSeed::random(random)), other(SigningSeed::random(random));
    Signature signature = key.sign("label", as_bytes("message"));
    EXPECT_TRUE(verify(key.public_key(), "label", as_bytes("message"), signature).ok());
    EXPECT_FALSE(verify(key.public_key(), "labelm", as_bytes("essage"), signature).ok());
    EXPECT_FALSE(verify(key.public_key(), "label", as_bytes("messagE"), signature).ok());
    EXPECT_FALSE(verify(other.public_key(), "label", as_bytes("message"), signature).ok());
    for (std::size_t bit = 0; bit < 512; ++bit) {
        Signature damaged = signature;
        damaged.bytes[bit / 8] ^= std::byte{1} << (bit % 8);
        EXPECT_FALSE(verify(key.public_key(), "label", as_bytes("message"), damaged).ok());
    }
    EXPECT_FALSE(verify(SigningPublicKey{}, "label", as_bytes("message"), signature).ok());
}

class SealedBoxTest : public ::testing::Test {
  protected:
    SeededRandom random_{3};
    SealingKey key_ = SealingKey::random(random_);
    NameKey secret_ = NameKey::random(random_);
    Bytes box_ = seal_to(key_.public_key(), as_bytes("context"), secret_, random_).value();

    Result<NameKey> open(const SealingKey& key, std::string_view context, ByteView box) {
        return open_sealed<struct NameKeyTag>(key, as_bytes(context), box);
    }
};

TEST_F(SealedBoxTest, OpensWithItsKeyAndContextOnly) {
    ASSERT_EQ(box_.size(), kSealedBoxSize);
    EXPECT_TRUE(equal(open(key_, "context", box_).value().reveal(), secret_.reveal()));
    EXPECT_EQ(open(SealingKey::random(random_), "context", box_).error().kind, ErrorKind::WrongKey);
    EXPECT_EQ(open(key_, "other", box_).error().kind, ErrorKind::WrongKey);
    EXPECT_EQ(open(key_, "context", ByteView(box_).first(135)).error().kind, ErrorKind::Corrupt);
}

TEST_F(SealedBoxTest, EveryFlippedBitIsRefused) {
    for (std::size_t bit = 0; bit < box_.size() * 8; ++bit) {
        Bytes damaged = box_;
        damaged[bit / 8] ^= std::byte{1} << (bit % 8);
        // X25519 ignores the top bit of a public key, but the key derivation hashes it as it is.
        EXPECT_FALSE(open(key_, "context", damaged).ok()) << bit;
    }
}

TEST_F(SealedBoxTest, PublicKeysOfLowOrderAreRefused) {
    EXPECT_EQ(seal_to(SealingPublicKey{}, as_bytes("context"), secret_, random_).error().kind,
              ErrorKind::Invalid);
    Bytes zeros(kSealedBoxSize);
    EXPECT_FALSE(open(key_, "context", zeros).ok());
}

TEST(PassphraseTest, CostsOutOfBoundsAreRefusedBeforeAnyWork) {
    auto kind = [](std::uint64_t memory, std::uint32_t operations) {
        auto status = check_cost({memory, operations});
        return status.ok() ? std::string("ok") : status.error().message;
    };
    const std::uint64_t floor = 64ULL << 20, cap = 4ULL << 30;
    EXPECT_EQ(kind(floor, 3), "ok");
    EXPECT_EQ(kind(cap, 64), "ok");
    EXPECT_NE(kind(floor - 1024, 3), "ok");
    EXPECT_NE(kind(floor, 2), "ok");
    EXPECT_NE(kind(cap + 1024, 3), "ok");
    EXPECT_NE(kind(cap, 65), "ok");
    EXPECT_NE(kind(floor + 1, 3), "ok");
    SecretBytes passphrase = SecretBytes::from_text("x");
    EXPECT_EQ(stretch_passphrase(passphrase, {}, {8192, 1}).error().kind, ErrorKind::Refused);
    EXPECT_EQ(stretch_passphrase(passphrase, {}, {~0ULL << 10, 3}).error().kind,
              ErrorKind::Refused);
    EXPECT_EQ(stretch_passphrase(SecretBytes(), {}, kPassphraseCostMin).error().kind,
              ErrorKind::Invalid);
}

TEST(PassphraseTest, SaltAndPassphraseDecideTheKey) {
    PassphraseSalt one{}, two{};
    two.bytes[0] = std::byte{1};
    auto key = [](const char* text, const PassphraseSalt& salt) {
        return to_bytes(stretch_passphrase(SecretBytes::from_text(text), salt, kPassphraseCostMin)
                            .value()
                            .reveal());
    };
    Bytes first = key("a", one);
    EXPECT_EQ(first, key("a", one));
    EXPECT_NE(first, key("b", one));
    EXPECT_NE(first, key("a", two));
}

}  // namespace
}  // namespace lockstep
