// T06: one ciphertext that opens under many keys finds a passphrase by halves ("partitioning
// oracle", Len, Grubbs and Ristenpart 2021).
//
// Poly1305 is a polynomial: whoever knows two keys solves an equation for one block of the
// ciphertext, and both accept the same bytes. These tests do it, see that the AEAD alone falls for
// it, and that nothing of ours does.
#include <memory>

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <sodium.h>

#include "tests/support/seeded_random.h"
#include "tests/support/vault_device.h"
#include "tests/vault/keys_world.h"
#include "vault/crypto/aead.h"
#include "vault/crypto/hash.h"
#include "vault/crypto/kdf_labels.h"
#include "vault/crypto/sealed_box.h"
#include "vault/keys/local_keys.h"

namespace lockstep {
namespace {

using TestKey = SecretKey<struct TestKeyTag>;

// Numbers modulo 2^130 - 5.
class Field {
  public:
    using Number = std::unique_ptr<BIGNUM, decltype(&BN_free)>;

    Field() {
        BN_set_bit(modulus_.get(), 130);
        BN_sub_word(modulus_.get(), 5);
    }
    static Number number() { return {BN_new(), BN_free}; }
    // As Poly1305 takes a block: little endian, with a bit above it.
    static Number block(ByteView bytes) {
        Number out = plain(bytes);
        BN_set_bit(out.get(), static_cast<int>(8 * bytes.size()));
        return out;
    }
    static Number plain(ByteView bytes) {
        return {BN_lebin2bn(u8(bytes), static_cast<int>(bytes.size()), nullptr), BN_free};
    }
    Number add(const Number& a, const Number& b) const {
        Number out = number();
        BN_mod_add(out.get(), a.get(), b.get(), modulus_.get(), context_.get());
        return out;
    }
    Number subtract(const Number& a, const Number& b) const {
        Number out = number();
        BN_mod_sub(out.get(), a.get(), b.get(), modulus_.get(), context_.get());
        return out;
    }
    Number multiply(const Number& a, const Number& b) const {
        Number out = number();
        BN_mod_mul(out.get(), a.get(), b.get(), modulus_.get(), context_.get());
        return out;
    }
    Number inverse(const Number& a) const {
        return {BN_mod_inverse(nullptr, a.get(), modulus_.get(), context_.get()), BN_free};
    }

  private:
    std::unique_ptr<BN_CTX, decltype(&BN_CTX_free)> context_{BN_CTX_new(), BN_CTX_free};
    Number modulus_ = number();
};

Bytes padded(ByteView bytes) {
    Bytes out = to_bytes(bytes);
    out.resize((out.size() + 15) / 16 * 16);
    return out;
}

// Poly1305 under the one-time key that (key, nonce) gives, of which blocks may still be unknown.
class OneTimeMac {
  public:
    OneTimeMac(const Field& field, const AnySecretKey& key, ByteView nonce24) : field_(field) {
        std::array<unsigned char, 32> subkey;
        crypto_core_hchacha20(subkey.data(), u8(nonce24), u8(key.reveal()), nullptr);
        std::array<unsigned char, 12> nonce{};
        std::memcpy(nonce.data() + 4, nonce24.data() + 16, 8);
        std::array<std::byte, 32> stream{};
        crypto_stream_chacha20_ietf(u8(MutableByteView(stream)), stream.size(), nonce.data(),
                                    subkey.data());
        for (std::size_t i : {3U, 7U, 11U, 15U}) stream[i] &= std::byte{15};
        for (std::size_t i : {4U, 8U, 12U}) stream[i] &= std::byte{252};
        r_ = Field::plain(ByteView(stream).first(16));
        s_ = Field::plain(ByteView(stream).last(16));
    }

    // The polynomial over `message`, whole blocks, without s.
    Field::Number polynomial(ByteView message) const {
        Field::Number sum = Field::number();
        BN_zero(sum.get());
        for (std::size_t at = 0; at < message.size(); at += 16)
            sum = field_.multiply(field_.add(sum, Field::block(message.subspan(at, 16))), r_);
        return sum;
    }
    // What one in the block before the last n blocks adds to it.
    Field::Number weight(std::size_t blocks_behind) const {
        Field::Number out{BN_dup(r_.get()), BN_free};
        for (; blocks_behind > 0; --blocks_behind) out = field_.multiply(out, r_);
        return out;
    }
    std::array<std::byte, 16> tag(ByteView message) const {
        Field::Number sum = polynomial(message);
        BN_add(sum.get(), sum.get(), s_.get());
        BN_mask_bits(sum.get(), 128);
        std::array<std::byte, 16> out{};
        BN_bn2lebinpad(sum.get(), u8(MutableByteView(out)), 16);
        return out;
    }
    const Field::Number& s() const { return s_; }

  private:
    const Field& field_;
    Field::Number r_{nullptr, BN_free}, s_{nullptr, BN_free};
};

// nonce ‖ ciphertext of 32 bytes ‖ tag that opens under both keys.
Bytes opens_under_both(const AnySecretKey& one, const AnySecretKey& other, ByteView aad,
                       SeededRandom& random) {
    const Field field;
    for (int attempt = 0; attempt < 1000; ++attempt) {
        const Bytes nonce = random.bytes(kSealNonceSize);
        const OneTimeMac first(field, one, nonce), second(field, other, nonce);
        // associated data, a block of our choice, the block that is solved for, lengths
        Bytes message = padded(aad);
        append(message, random.bytes(16));
        const std::size_t solved_at = message.size();
        message.resize(message.size() + 16);
        Encoder lengths;
        for (std::uint64_t length : {std::uint64_t{aad.size()}, std::uint64_t{32}})
            for (int byte = 0; byte < 8; ++byte)
                lengths.u8(static_cast<std::uint8_t>(length >> (8 * byte)));
        append(message, lengths.view());
        // P1(0) + x w1 + s1 = P2(0) + x w2 + s2, where both sums are below 2^128 by luck or not.
        const auto sides = field.subtract(field.add(second.polynomial(message), second.s()),
                                          field.add(first.polynomial(message), first.s()));
        const auto x =
            field.multiply(sides, field.inverse(field.subtract(first.weight(1), second.weight(1))));
        if (BN_num_bits(x.get()) > 128) continue;
        BN_bn2lebinpad(x.get(), u8(MutableByteView(message)) + solved_at, 16);
        if (first.tag(message) != second.tag(message)) continue;
        Bytes out = nonce;
        append(out, ByteView(message).subspan(solved_at - 16, 32));
        append(out, first.tag(message));
        return out;
    }
    ADD_FAILURE() << "no ciphertext found";
    return Bytes(32 + kSealOverhead);
}

class T06_KeyCommitmentTest : public ::testing::Test {
  protected:
    SeededRandom random_{6};
};

// The attack is real: XChaCha20-Poly1305 says yes twice. Without this the others would show
// nothing.
TEST_F(T06_KeyCommitmentTest, AnAeadAloneOpensACraftedCiphertextUnderTwoKeys) {
    const TestKey one = TestKey::random(random_), other = TestKey::random(random_);
    const Bytes aad = random_.bytes(57);
    const Bytes crafted = opens_under_both(one, other, aad, random_);
    auto first = open(one, aad, crafted), second = open(other, aad, crafted);
    ASSERT_TRUE(first.ok()) << first.error().message;
    ASSERT_TRUE(second.ok()) << second.error().message;
    EXPECT_NE(*first, *second);
}

// A slot of a key object: whoever writes to the directory offers a box made for two passphrases
// and watches which half of the guesses is answered otherwise.
TEST_F(T06_KeyCommitmentTest, ABoxCraftedForTwoPassphrasesIsRefusedByAllButTheOneThatItNames) {
    const VaultId vault = random_.id<VaultId>();
    const PassphraseSalt salt = random_.id<PassphraseSalt>();
    const TestKey guesses[] = {TestKey::random(random_), TestKey::random(random_)};
    const SlotKeys slots[] = {derive_slot_keys(guesses[0], vault, salt),
                              derive_slot_keys(guesses[1], vault, salt)};
    const SealingKey ephemeral = SealingKey::random(random_);
    const Bytes context = random_.bytes(40);
    std::vector<DerivedKey<struct BoxKeyTag>> keys;
    for (const SlotKeys& slot : slots) {
        std::array<std::byte, 32> shared{};
        ASSERT_EQ(0, crypto_scalarmult(u8(MutableByteView(shared)), u8(ephemeral.reveal()),
                                       u8(slot.sealing.public_key().view())));
        keys.push_back(derive<struct BoxKeyTag>(
            TestKey::from(shared), label::kSealedBox,
            {ephemeral.public_key().view(), slot.sealing.public_key().view(), context}));
    }
    const Bytes crafted = opens_under_both(keys[0].key, keys[1].key, context, random_);
    for (int named : {0, 1}) {
        Bytes box = to_bytes(ephemeral.public_key().view());
        append(box, keys[static_cast<std::size_t>(named)].commitment.view());
        append(box, crafted);
        for (int guess : {0, 1}) {
            const SealingKey& key = slots[guess].sealing;
            auto opened = open_sealed<struct UnlockKeyTag>(key, context, box);
            if (guess == named) {
                EXPECT_TRUE(opened.ok()) << "the box is made as ours are";
            } else {
                ASSERT_FALSE(opened.ok());
                EXPECT_EQ(opened.error().kind, ErrorKind::WrongKey) << "as any wrong passphrase";
            }
        }
    }
}

// keys.local has no commitment: what opens must be the key that the roster names.
TEST_F(T06_KeyCommitmentTest, ALocalKeyCraftedForTwoPassphrasesIsRefusedByBoth) {
    const VaultId vault = random_.id<VaultId>();
    const SealingKey own = SealingKey::random(random_);
    const SecretBytes texts[] = {SecretBytes::from_text("first guess"),
                                 SecretBytes::from_text("second guess")};
    auto sealed =
        seal_sealing_key(own, vault, texts[0], kPassphraseCostMin, random_, quick_stretcher());
    ASSERT_TRUE(sealed.ok());
    ASSERT_TRUE(
        open_sealing_key(*sealed, vault, texts[0], own.public_key(), quick_stretcher()).ok());
    std::vector<LocalUnlockKey> keys;
    for (const SecretBytes& text : texts) {
        auto stretched = quick_stretcher().stretch(text, sealed->salt, kPassphraseCostMin);
        ASSERT_TRUE(stretched.ok());
        keys.push_back(
            derive_key<struct LocalUnlockKeyTag>(*stretched, label::kLocalUnlock, {vault.view()}));
    }
    const Bytes aad =
        associated_data({.type = ObjectType::LocalSecret, .vault = vault, .epoch = {}});
    // The same keys and associated data as the product's, or this test would test nothing.
    ASSERT_TRUE(open(keys[0], aad, sealed->sealed).ok());
    sealed->sealed = opens_under_both(keys[0], keys[1], aad, random_);
    ASSERT_TRUE(open(keys[0], aad, sealed->sealed).ok());
    ASSERT_TRUE(open(keys[1], aad, sealed->sealed).ok());
    std::vector<std::string> said;
    for (const SecretBytes& text : texts) {
        auto opened = open_sealing_key(*sealed, vault, text, own.public_key(), quick_stretcher());
        ASSERT_FALSE(opened.ok());
        EXPECT_EQ(opened.error().kind, ErrorKind::WrongKey);
        said.push_back(opened.error().message);
    }
    auto wrong =
        open_sealing_key(*sealed, vault, SecretBytes::from_text("a third"), own.public_key());
    ASSERT_FALSE(wrong.ok());
    EXPECT_EQ(said, std::vector<std::string>(2, wrong.error().message))
        << "nothing tells them apart";
}

}  // namespace
}  // namespace lockstep
