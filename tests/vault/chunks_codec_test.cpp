#include <gtest/gtest.h>
#include <lz4.h>

#include "base/codec.h"
#include "tests/vault/packs_samples.h"
#include "vault/chunks/chunk_codec.h"

namespace lockstep {
namespace {

PackContext sample_context(int salt = 9) {
    return PackContext::derive(sample_pack_base(), kSampleVault, kSampleEpoch,
                               id_of_byte<PackSalt>(salt));
}

SealedChunk seal_sample(ByteView plaintext) {
    return seal_chunk(sample_context(), ChunkKind::Data, sample_ids().chunk_id(plaintext),
                      plaintext, system_random());
}

Result<Bytes> open_sample(const SealedChunk& chunk) {
    return open_chunk(sample_context(), chunk.header, chunk.sealed, &sample_ids());
}

// What a member who knows the keys but not the rules could seal.
SealedChunk forge(const ChunkHeader& header, ByteView payload) {
    PackContext pack = sample_context();
    Encoder extra;
    extra.id(pack.salt).id(header.id).u8(static_cast<std::uint8_t>(header.kind));
    extra.u8(static_cast<std::uint8_t>(header.compression)).u32(header.raw_length);
    Bytes aad = associated_data(
        {.type = ObjectType::PackChunk, .vault = kSampleVault, .epoch = kSampleEpoch},
        extra.view());
    return {.header = header,
            .pack = pack.salt,
            .sealed = seal(pack.key, aad, payload, system_random())};
}

Bytes lz4(ByteView raw) {
    Bytes out(static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(raw.size()))));
    int size = LZ4_compress_default(reinterpret_cast<const char*>(raw.data()),
                                    reinterpret_cast<char*>(out.data()),
                                    static_cast<int>(raw.size()), static_cast<int>(out.size()));
    out.resize(static_cast<std::size_t>(size));
    return out;
}

TEST(ChunkCodecTest, WhatWasSealedOpens) {
    SeededRandom random(1);
    for (std::size_t size : {std::size_t{1}, std::size_t{2}, std::size_t{15}, std::size_t{16},
                             std::size_t{1000}, kChunkSizeMin, kChunkSizeMax}) {
        for (const Bytes& plaintext : {random.bytes(size), Bytes(size, std::byte{7})}) {
            SealedChunk chunk = seal_sample(plaintext);
            EXPECT_LE(chunk.sealed.size(), sealed_chunk_size_max(size));
            EXPECT_LE(chunk.sealed.size(), kSealedChunkSizeMax);
            auto opened = open_sample(chunk);
            ASSERT_TRUE(opened.ok()) << opened.error().message;
            EXPECT_EQ(*opened, plaintext);
        }
    }
}

TEST(ChunkCodecTest, CompressionIsKeptOnlyWhenItSavesASixteenth) {
    SeededRandom random(2);
    Bytes plaintext = random.bytes(64 * kKiB);
    EXPECT_EQ(seal_sample(plaintext).header.compression, Compression::None);
    std::fill(plaintext.begin(), plaintext.begin() + 3 * kKiB,
              std::byte{0});  // less than a sixteenth
    EXPECT_EQ(seal_sample(plaintext).header.compression, Compression::None);
    std::fill(plaintext.begin(), plaintext.begin() + 8 * kKiB, std::byte{0});
    EXPECT_EQ(seal_sample(plaintext).header.compression, Compression::Lz4);
}

TEST(ChunkCodecTest, EqualChunksNeverHaveEqualCiphertext) {
    Bytes plaintext(1000, std::byte{1});
    EXPECT_NE(seal_sample(plaintext).sealed, seal_sample(plaintext).sealed);
}

TEST(ChunkCodecTest, EveryFlippedByteIsDetectedAndNamed) {
    for (const Bytes& plaintext : {Bytes(300, std::byte{1}), SeededRandom(3).bytes(300)}) {
        SealedChunk chunk = seal_sample(plaintext);
        for (std::size_t i = 0; i < chunk.sealed.size(); ++i) {
            SealedChunk damaged = chunk;
            damaged.sealed[i] ^= std::byte{0x10};
            auto opened = open_sample(damaged);
            ASSERT_FALSE(opened.ok());
            EXPECT_EQ(opened.error().kind, ErrorKind::Corrupt);
            EXPECT_NE(opened.error().message.find(chunk.header.id.to_hex()), std::string::npos);
        }
    }
}

TEST(ChunkCodecTest, OpensUnderItsOwnHeaderOnly) {
    SealedChunk chunk = seal_sample(SeededRandom(4).bytes(5000));
    auto refused = [&](auto change) {
        SealedChunk other = chunk;
        change(other.header);
        auto opened = open_chunk(sample_context(), other.header, other.sealed, nullptr);
        return !opened.ok() && opened.error().kind == ErrorKind::Corrupt;
    };
    EXPECT_TRUE(refused([](ChunkHeader& h) { h.id.bytes[0] ^= std::byte{1}; }));
    EXPECT_TRUE(refused([](ChunkHeader& h) { h.kind = ChunkKind::ListNode; }));
    EXPECT_TRUE(refused([](ChunkHeader& h) { h.compression = Compression::Lz4; }));
    EXPECT_TRUE(refused([](ChunkHeader& h) { ++h.raw_length; }));
    EXPECT_FALSE(open_chunk(sample_context(10), chunk.header, chunk.sealed, nullptr).ok());
}

TEST(ChunkCodecTest, LengthsNoWriterMakesAreRefusedBeforeOpening) {
    ChunkHeader header{
        .id = {}, .kind = ChunkKind::Data, .compression = Compression::None, .raw_length = 0};
    EXPECT_FALSE(check_chunk_lengths(header, kSealOverhead).ok());
    header.raw_length = kChunkSizeMax + 1;
    EXPECT_FALSE(check_chunk_lengths(header, header.raw_length + kSealOverhead).ok());
    header.raw_length = kChunkSizeMax;
    EXPECT_TRUE(check_chunk_lengths(header, kChunkSizeMax + kSealOverhead).ok());
    EXPECT_FALSE(check_chunk_lengths(header, kChunkSizeMax + kSealOverhead - 1).ok());
    header.compression = Compression::Lz4;
    EXPECT_FALSE(check_chunk_lengths(header, kChunkSizeMax + kSealOverhead).ok());
    EXPECT_FALSE(check_chunk_lengths(header, kSealOverhead).ok());
    EXPECT_TRUE(check_chunk_lengths(header, kChunkSizeMax / 16 * 15 + kSealOverhead).ok());
    EXPECT_FALSE(check_chunk_lengths(header, kChunkSizeMax / 16 * 15 + kSealOverhead + 1).ok());
}

TEST(ChunkCodecTest, BombsAndLyingLengthsAreRefused) {
    Bytes zeros(kChunkSizeMax);
    Bytes bomb = lz4(zeros);  // a thousandth of it
    ChunkHeader header{.id = sample_ids().chunk_id(zeros),
                       .kind = ChunkKind::Data,
                       .compression = Compression::Lz4,
                       .raw_length = 64 * kKiB};
    EXPECT_FALSE(open_sample(forge(header, bomb)).ok());  // more than it says
    header.raw_length = kChunkSizeMax;
    EXPECT_TRUE(open_sample(forge(header, bomb)).ok());  // exactly what it says
    EXPECT_FALSE(open_sample(forge(header, lz4(Bytes(kChunkSizeMax - 1)))).ok());  // less
    header.raw_length = 4 * kChunkSizeMax;
    EXPECT_FALSE(
        open_sample(forge(header, lz4(Bytes(4 * kChunkSizeMax)))).ok());  // above the limit
    header.raw_length = kChunkSizeMax;
    EXPECT_FALSE(open_sample(forge(header, SeededRandom(5).bytes(5000))).ok());  // no LZ4 at all
}

TEST(ChunkCodecTest, OtherContentUnderAnIdIsRefusedWhenVerified) {
    Bytes honest(100, std::byte{1});
    Bytes other(100, std::byte{2});
    ChunkHeader header{.id = sample_ids().chunk_id(honest),
                       .kind = ChunkKind::Data,
                       .compression = Compression::None,
                       .raw_length = 100};
    SealedChunk lie = forge(header, other);
    auto opened = open_sample(lie);
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().kind, ErrorKind::Corrupt);
    EXPECT_TRUE(open_chunk(sample_context(), header, lie.sealed, nullptr).ok());
    // An id of the other kind does not stand for it either.
    header = {.id = sample_ids().chunk_id(honest),
              .kind = ChunkKind::ListNode,
              .compression = Compression::None,
              .raw_length = 100};
    EXPECT_FALSE(open_sample(forge(header, honest)).ok());
}

TEST(ContentIdsTest, KindsHaveIdsOfTheirOwn) {
    Bytes bytes(100, std::byte{1});
    EXPECT_NE(sample_ids().chunk_id(bytes), sample_ids().list_node_id(bytes));
    EXPECT_NE(to_bytes(sample_ids().inline_root(bytes).view()),
              to_bytes(sample_ids().chunk_id(bytes).view()));
    EXPECT_EQ(sample_ids().id_of(ChunkKind::Data, bytes), sample_ids().chunk_id(bytes));
    EXPECT_EQ(sample_ids().id_of(ChunkKind::ListNode, bytes), sample_ids().list_node_id(bytes));
}

}  // namespace
}  // namespace lockstep
