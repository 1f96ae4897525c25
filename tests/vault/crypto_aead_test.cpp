#include <gtest/gtest.h>

#include "tests/support/seeded_random.h"
#include "vault/crypto/aead.h"
#include "vault/crypto/object_prefix.h"

namespace lockstep {
namespace {

using TestKey = SecretKey<struct TestKeyTag>;

class AeadTest : public ::testing::Test {
  protected:
    SeededRandom random_{1};
    TestKey key_ = TestKey::random(random_);
    Bytes aad_ = associated_data({.type = ObjectType::PackChunk,
                                  .vault = random_.id<VaultId>(),
                                  .epoch = random_.id<EpochId>()});
};

TEST_F(AeadTest, OpenGivesBackWhatWasSealedAtEverySize) {
    for (std::size_t size : {0U, 1U, 63U, 64U, 65U, 2047U, 2048U, 2049U, 65536U, 262144U}) {
        Bytes plaintext = random_.bytes(size);
        Bytes sealed = seal(key_, aad_, plaintext, random_);
        EXPECT_EQ(sealed.size(), size + kSealOverhead);
        EXPECT_EQ(open(key_, aad_, sealed).value(), plaintext);
    }
}

// The fast path is allowed only because it makes the same bytes and accepts the same ones.
TEST_F(AeadTest, BothImplementationsAgreeOnRandomInputs) {
    for (int round = 0; round < 300; ++round) {
        Bytes plaintext = random_.bytes(random_.below(5000));
        Bytes aad = random_.bytes(1 + random_.below(200)), nonce = random_.bytes(kSealNonceSize);
        Bytes a(plaintext.size() + kSealOverhead), b(a.size());
        seal_with_nonce_for_tests(a, key_, aad, plaintext, nonce, AeadImplementation::Sodium);
        seal_with_nonce_for_tests(b, key_, aad, plaintext, nonce, AeadImplementation::OpenSsl);
        ASSERT_EQ(a, b);
        Bytes opened(plaintext.size());
        ASSERT_TRUE(open_for_tests(opened, key_, aad, a, AeadImplementation::OpenSsl).ok());
        ASSERT_EQ(opened, plaintext);
        a[random_.below(a.size())] ^= std::byte{1};
        ASSERT_FALSE(open_for_tests(opened, key_, aad, a, AeadImplementation::OpenSsl).ok());
        ASSERT_FALSE(open_for_tests(opened, key_, aad, a, AeadImplementation::Sodium).ok());
    }
}

TEST_F(AeadTest, EveryFlippedBitIsRefusedAndLeavesNoPlaintext) {
    for (std::size_t size : {40U, 3000U}) {
        Bytes plaintext(size, std::byte{7});
        Bytes sealed = seal(key_, aad_, plaintext, random_);
        std::size_t step = size == 40 ? 1 : 97;
        for (std::size_t bit = 0; bit < sealed.size() * 8; bit += step) {
            Bytes damaged = sealed;
            damaged[bit / 8] ^= std::byte{1} << (bit % 8);
            Bytes out(size, std::byte{9});
            auto status = open_into(out, key_, aad_, damaged);
            ASSERT_FALSE(status.ok());
            EXPECT_EQ(status.error().kind, ErrorKind::Corrupt);
            EXPECT_EQ(out, Bytes(size));
        }
    }
}

TEST_F(AeadTest, AnotherKeyOrShorterBytesAreRefused) {
    Bytes sealed = seal(key_, aad_, as_bytes("hello"), random_);
    EXPECT_FALSE(open(TestKey::random(random_), aad_, sealed).ok());
    for (std::size_t size = 0; size < sealed.size(); ++size)
        EXPECT_FALSE(open(key_, aad_, ByteView(sealed).first(size)).ok());
}

TEST_F(AeadTest, SealsInPlace) {
    for (std::size_t size : {100U, 10000U}) {
        Bytes plaintext = random_.bytes(size);
        Bytes buffer(size + kSealOverhead);
        std::copy(plaintext.begin(), plaintext.end(), buffer.begin() + kSealNonceSize);
        seal_into(buffer, key_, aad_, ByteView(buffer).subspan(kSealNonceSize, size), random_);
        EXPECT_EQ(open(key_, aad_, buffer).value(), plaintext);
    }
}

TEST_F(AeadTest, TwoSealsOfOneTextDiffer) {
    EXPECT_NE(seal(key_, aad_, as_bytes("x"), random_), seal(key_, aad_, as_bytes("x"), random_));
}

// Every type offered as every other type, in another vault, another epoch, with other extra: none
// opens.
TEST_F(AeadTest, NoObjectOpensAsAnother) {
    std::vector<Bytes> contexts;
    VaultId vault = random_.id<VaultId>();
    EpochId epoch = random_.id<EpochId>();
    for (std::uint8_t type = 32; type <= 46; ++type)
        contexts.push_back(associated_data(
            {.type = static_cast<ObjectType>(type), .vault = vault, .epoch = epoch}));
    auto type = ObjectType::PackChunk;
    contexts.push_back(associated_data({type, random_.id<VaultId>(), epoch}));
    contexts.push_back(associated_data({type, vault, random_.id<EpochId>()}));
    contexts.push_back(associated_data({type, vault, epoch}, as_bytes("extra")));
    for (const Bytes& sealed_as : contexts) {
        Bytes sealed = seal(key_, sealed_as, as_bytes("text"), random_);
        for (const Bytes& opened_as : contexts)
            EXPECT_EQ(open(key_, opened_as, sealed).ok(), &sealed_as == &opened_as);
    }
}

Result<ObjectPrefix> read_prefix(ByteView bytes) {
    Decoder in(bytes);
    return decode_prefix(in, ObjectType::Pack);
}

TEST(ObjectPrefixTest, TellsDamageFromNewerFormats) {
    Encoder out;
    encode_prefix(out, {.type = ObjectType::Pack});
    Bytes good = to_bytes(out.view());
    ASSERT_EQ(good.size(), kObjectPrefixSize);
    EXPECT_TRUE(read_prefix(good).ok());
    auto with = [&](std::size_t at, int value) {
        Bytes bytes = good;
        bytes[at] = static_cast<std::byte>(value);
        return read_prefix(bytes);
    };
    EXPECT_EQ(with(0, 'X').error().kind, ErrorKind::Corrupt);
    EXPECT_EQ(with(4, static_cast<int>(ObjectType::Segment)).error().kind, ErrorKind::Corrupt);
    EXPECT_EQ(with(5, 0).error().kind, ErrorKind::Corrupt);
    EXPECT_EQ(with(5, 2).error().kind, ErrorKind::Unsupported);
    EXPECT_EQ(with(6, 1).error().kind, ErrorKind::Unsupported);
    EXPECT_EQ(with(7, 128).value().optional_flags, 128);
    EXPECT_FALSE(read_prefix(ByteView(good).first(7)).ok());
}

}  // namespace
}  // namespace lockstep
