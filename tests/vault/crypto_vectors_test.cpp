// Published vectors for every primitive, through our functions where these allow it, else through
// the library that they call: a build with a broken library or a changed constant must not pass.
#include <gtest/gtest.h>
#include <sodium.h>

#include "tests/support/seeded_random.h"
#include "vault/crypto/aead.h"
#include "vault/crypto/kdf.h"
#include "vault/crypto/sealed_box.h"
#include "vault/crypto/signature.h"

namespace lockstep {
namespace {

using TestKey = SecretKey<struct TestKeyTag>;

Bytes unhex(std::string_view text) {
    return from_hex(text).value();
}

TestKey counting_key() {
    Bytes bytes(32);
    for (std::size_t i = 0; i < 32; ++i) bytes[i] = static_cast<std::byte>(i);
    return TestKey::from(bytes);
}

// draft-irtf-cfrg-xchacha, A.3.1.
TEST(CryptoVectorsTest, XChaCha20Poly1305OfTheDraftInBothImplementations) {
    Bytes plaintext = to_bytes(
        as_bytes("Ladies and Gentlemen of the class of '99: If I could offer you only one tip for "
                 "the future, sunscreen would be it."));
    Bytes aad = unhex("50515253c0c1c2c3c4c5c6c7");
    TestKey key =
        TestKey::from(unhex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"));
    Bytes nonce = unhex("404142434445464748494a4b4c4d4e4f5051525354555657");
    std::string expected =
        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
        "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
        "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
        "21f9664c97637da9768812f615c68b13b52e"
        "c0875924c1c7987947deafd8780acf49";
    for (auto with : {AeadImplementation::Sodium, AeadImplementation::OpenSsl}) {
        Bytes sealed(plaintext.size() + kSealOverhead);
        seal_with_nonce_for_tests(sealed, key, aad, plaintext, nonce, with);
        EXPECT_EQ(hex(sealed), hex(nonce) + expected);
        Bytes opened(plaintext.size());
        ASSERT_TRUE(open_for_tests(opened, key, aad, sealed, with).ok());
        EXPECT_EQ(opened, plaintext);
    }
}

// draft-irtf-cfrg-xchacha, 2.2.1.
TEST(CryptoVectorsTest, HChaCha20OfTheDraft) {
    TestKey key = counting_key();
    Bytes nonce = unhex("000000090000004a0000000031415927");
    Bytes out(32);
    crypto_core_hchacha20(u8(MutableByteView(out)), u8(ByteView(nonce)), u8(key.reveal()), nullptr);
    EXPECT_EQ(hex(out), "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc");
}

TEST(CryptoVectorsTest, Sha256OfAbc) {
    std::string expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    EXPECT_EQ(sha256(as_bytes("abc")).to_hex(), expected);
    EXPECT_EQ(Sha256().add(as_bytes("a")).add({}).add(as_bytes("bc")).finish().to_hex(), expected);
}

TEST(CryptoVectorsTest, Blake2b256OfAbc) {
    std::string expected = "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319";
    EXPECT_EQ(blake2b(as_bytes("abc")).to_hex(), expected);
    EXPECT_EQ(Blake2b().add(as_bytes("ab")).add(as_bytes("c")).finish().to_hex(), expected);
}

// From Python's hashlib (the reference implementation), and the first entry of the BLAKE2b known
// answers.
TEST(CryptoVectorsTest, KeyedBlake2b) {
    EXPECT_EQ(keyed_hash(counting_key(), as_bytes("lockstep")).to_hex(),
              "c16e8a06aaa92155838c4248ca65f8598bb2014767efb9ade721ec7fcc3aa91b");
    Bytes key(64), out(64);
    for (std::size_t i = 0; i < 64; ++i) key[i] = static_cast<std::byte>(i);
    crypto_generichash(u8(MutableByteView(out)), 64, nullptr, 0, u8(ByteView(key)), 64);
    EXPECT_EQ(hex(out),
              "10ebb67700b1868efb4417987acf4690ae9d972fb7a590c2f02871799aaa4786"
              "b5e996e8f0f4eb981fc214b005f42d2ff4233499391653df7aefcbc13fc51568");
}

// From Python's hashlib over the bytes that vault/FORMAT.md, "Labels", describes.
TEST(CryptoVectorsTest, KeyDerivationIsBlake2bOverLengthPrefixedParts) {
    auto derived =
        derive<struct TestDerivedTag>(counting_key(), "label", {as_bytes("a"), as_bytes("bc")});
    EXPECT_EQ(hex(derived.key.reveal()),
              "83fe5426f6034fd48865eeca2bc595bf6764ef64a24b8792e3f2b92661a151b6");
    EXPECT_EQ(derived.commitment.to_hex(),
              "58c2faa16ee3fc2750d0d60be7f96a8e7fb949ef22ce150eff778fc3132fb7cb");
}

// RFC 8032, 7.1, test 1 (the plain signature, without our label) and its key pair through ours.
TEST(CryptoVectorsTest, Ed25519OfRfc8032) {
    TestKey seed =
        TestKey::from(unhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"));
    SigningKey key(seed);
    EXPECT_EQ(key.public_key().to_hex(),
              "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    Bytes secret = to_bytes(seed.reveal()), signature(64);
    append(secret, key.public_key().view());
    crypto_sign_detached(u8(MutableByteView(signature)), nullptr, nullptr, 0, u8(ByteView(secret)));
    EXPECT_EQ(hex(signature),
              "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
              "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b");
}

// RFC 7748, 5.2.
TEST(CryptoVectorsTest, X25519OfRfc7748) {
    Bytes scalar = unhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4");
    Bytes point = unhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c");
    Bytes out(32);
    ASSERT_EQ(
        crypto_scalarmult(u8(MutableByteView(out)), u8(ByteView(scalar)), u8(ByteView(point))), 0);
    EXPECT_EQ(hex(out), "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
    // The iterated vector's first step multiplies the base point: a key pair.
    Bytes nine(32);
    nine[0] = std::byte{9};
    EXPECT_EQ(SealingKey(TestKey::from(nine)).public_key().to_hex(),
              "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
}

// Lanes end and begin at different times: every length around a block, long ones, empty ones.
TEST(CryptoVectorsTest, HashingSeveralAtOnceIsHashingEach) {
    SeededRandom random(11);
    const auto key = counting_key();
    const Bytes data = random.bytes(300'000);
    std::vector<ByteView> messages;
    for (std::size_t size : {0U, 1U, 127U, 128U, 129U, 256U, 257U, 5000U, 131072U, 300000U, 3U, 0U})
        messages.push_back(ByteView(data).first(size));
    for (int i = 0; i < 60; ++i) {
        std::size_t from = random.below(200'000), size = random.below(i % 3 == 0 ? 90'000 : 600);
        messages.push_back(ByteView(data).subspan(from, size));
    }
    for (std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{5}, messages.size()}) {
        const std::span<const ByteView> some = std::span(messages).first(count);
        std::vector<Hash256> found(count);
        keyed_hashes(key, some, found);
        for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(found[i], keyed_hash(key, some[i])) << i;
        for (const std::string& name : keyed_hashes_implementations()) {
            std::vector<Hash256> again(count);
            keyed_hashes_with(name, key, some, again);
            EXPECT_EQ(found, again) << name;
        }
    }
}

// libsodium's own vector (its costs are below our floor, so it is asked directly).
TEST(CryptoVectorsTest, Argon2id) {
    Bytes passphrase =
        unhex("b540beb016a5366524d4605156493f9874514a5aa58818cd0c6dfffaa9e90205f17b");
    Bytes salt = unhex("44071f6d181561670bda728d43fb79b4");
    Bytes out(231);
    ASSERT_EQ(crypto_pwhash(u8(MutableByteView(out)), out.size(), as_text(passphrase).data(),
                            passphrase.size(), u8(ByteView(salt)), 1, 1631659,
                            crypto_pwhash_ALG_ARGON2ID13),
              0);
    EXPECT_EQ(hex(out).substr(0, 64),
              "7fb72409b0987f8190c3729710e98c3f80c5a8727d425fdcde7f3644d467fe97");
    EXPECT_TRUE(hex(out).ends_with("5b2d98c13303b3fe76285531a826b6fc0fe8e3dddecf"));
}

}  // namespace
}  // namespace lockstep
