#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include "base/mutex.h"
#include "tests/vault/packs_samples.h"
#include "vault/crypto/object_prefix.h"

namespace lockstep {
namespace {

FinishedPack small_pack(std::uint64_t seed, std::size_t chunk_size = 700) {
    SeededRandom random(seed);
    PackBuilder builder = sample_builder(random);
    add_data(builder, random.bytes(chunk_size));
    add_data(builder, Bytes(900, static_cast<std::byte>(seed)));
    Bytes node = random.bytes(50);
    builder.add(ChunkKind::ListNode, sample_ids().list_node_id(node), node);
    return std::move(builder).finish();
}

// A pack from parts that its author chose, sealed with the right key.
struct ForgedPack {
    ForgedPack()
        : context(PackContext::derive(sample_pack_base(), kSampleVault, kSampleEpoch,
                                      id_of_byte<PackSalt>(3))) {
        bytes = encode_pack_prefix(
            {.epoch = kSampleEpoch, .salt = context.salt, .commitment = context.commitment});
    }
    PackEntry add(ByteView plaintext) {
        SealedChunk chunk = seal_chunk(context, ChunkKind::Data, sample_ids().chunk_id(plaintext),
                                       plaintext, random);
        PackEntry entry{.header = chunk.header,
                        .offset = 0,
                        .sealed_length = static_cast<std::uint32_t>(chunk.sealed.size())};
        append(bytes, chunk.sealed);
        return entry;
    }
    // Ends the pack; `change` may spoil the trailer first.
    template <typename Change>
    Bytes finish(const std::vector<PackEntry>& entries, Change change,
                 std::byte padding_byte = {}) {
        PackTrailer trailer;
        Bytes prefix(bytes.begin(), bytes.begin() + kPackPrefixSize);
        std::uint64_t length = bytes.size() + kSealOverhead + 4 +
                               entries.size() * kPackIndexEntrySize + kSealOverhead +
                               kPackTrailerSize;
        trailer.pack_length = padded_pack_length(length);
        trailer.padding_offset = bytes.size();
        append_sealed(bytes, context.key, pack_padding_aad(context),
                      Bytes(trailer.pack_length - length, padding_byte), random);
        trailer.index_offset = bytes.size();
        append_sealed(bytes, context.key, pack_index_aad(context), encode_pack_index(entries),
                      random);
        change(trailer);
        append_sealed(bytes, context.key, pack_trailer_aad(context, prefix),
                      encode_pack_trailer(trailer), random);
        return bytes;
    }
    Bytes finish(const std::vector<PackEntry>& entries) {
        return finish(entries, [](PackTrailer&) {});
    }

    SeededRandom random{77};
    PackContext context;
    Bytes bytes;
};

bool index_is_refused(ByteView pack) {
    auto reader = open_sample(pack);
    EXPECT_TRUE(reader.ok());
    auto index = reader->read_index();
    return !index.ok() && index.error().kind == ErrorKind::Corrupt;
}

TEST(PackTest, WhatWasPackedOpens) {
    SeededRandom random(1);
    PackBuilder builder = sample_builder(random);
    std::vector<Bytes> contents;
    for (std::size_t size : {std::size_t{1}, std::size_t{500}, kChunkSizeMin, kChunkSizeMax}) {
        contents.push_back(random.bytes(size));
        contents.push_back(Bytes(size, std::byte{9}));
    }
    for (const Bytes& content : contents) {
        EXPECT_FALSE(builder.holds(sample_ids().chunk_id(content)));
        EXPECT_TRUE(builder.holds(add_data(builder, content)));
    }
    EXPECT_EQ(builder.chunk_count(), contents.size());
    FinishedPack pack = std::move(builder).finish();
    EXPECT_EQ(pack.bytes.size(), pack.info().length);
    EXPECT_TRUE(verify_pack(pack.bytes, pack.info()).ok());

    auto reader = open_sample(pack.bytes);
    ASSERT_TRUE(reader.ok()) << reader.error().message;
    EXPECT_EQ(reader->epoch(), kSampleEpoch);
    auto index = reader->read_index();
    ASSERT_TRUE(index.ok()) << index.error().message;
    EXPECT_EQ(*index, pack.entries);
    for (std::size_t i = 0; i < contents.size(); ++i) {
        auto chunk = reader->read_chunk((*index)[i], &sample_ids());
        ASSERT_TRUE(chunk.ok()) << chunk.error().message;
        EXPECT_EQ(*chunk, contents[i]);
    }
    PackCheck check = reader->check(sample_ids());
    EXPECT_TRUE(check.errors.empty());
    EXPECT_EQ(check.intact, pack.entries);
}

TEST(PackTest, AChunkIsPackedOnce) {
    SeededRandom random(2);
    PackBuilder builder = sample_builder(random);
    add_data(builder, as_bytes("twice"));
    add_data(builder, as_bytes("twice"));
    EXPECT_EQ(builder.chunk_count(), 1U);
    EXPECT_EQ(open_sample(std::move(builder).finish().bytes).value().read_index()->size(), 1U);
}

TEST(PackTest, ManyThreadsSealIntoOnePack) {
    constexpr std::size_t kThreads = 4;
    constexpr std::size_t kChunksEach = 50;
    PackBuilder builder = sample_builder(system_random());
    Mutex mutex;
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < kThreads; ++t) {
        threads.emplace_back([&, t] {
            for (std::size_t i = 0; i < kChunksEach; ++i) {
                Bytes content(2000 + i, static_cast<std::byte>(t));
                SealedChunk sealed =
                    builder.seal(ChunkKind::Data, sample_ids().chunk_id(content), content);
                MutexLock lock(mutex);
                builder.append(std::move(sealed));
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    FinishedPack pack = std::move(builder).finish();
    PackCheck check = open_sample(pack.bytes)->check(sample_ids());
    EXPECT_TRUE(check.errors.empty());
    EXPECT_EQ(check.intact.size(), kThreads * kChunksEach);
}

TEST(PackTest, LengthsAreFewAndTheLimitIsKept) {
    EXPECT_EQ(padded_pack_length(1), 4 * kKiB);
    EXPECT_EQ(padded_pack_length(4 * kKiB), 4 * kKiB);
    EXPECT_EQ(padded_pack_length(4 * kKiB + 1), 16 * kKiB);
    EXPECT_EQ(padded_pack_length(16 * kKiB + 1), 64 * kKiB);
    EXPECT_EQ(padded_pack_length(64 * kKiB + 1), 256 * kKiB);
    EXPECT_EQ(padded_pack_length(256 * kKiB), 256 * kKiB);
    EXPECT_EQ(padded_pack_length(256 * kKiB + 1), 264 * kKiB);
    EXPECT_EQ(padded_pack_length(kPackSizeMax), kPackSizeMax);
    EXPECT_EQ(padded_pack_length(kPackSizeMax - 1), kPackSizeMax);
    for (std::uint64_t length = 256 * kKiB; length < kPackSizeMax; length += 12'345) {
        std::uint64_t padded = padded_pack_length(length);
        EXPECT_GE(padded, length);
        EXPECT_LE(padded - length, length / 8);
        EXPECT_EQ(padded_pack_length(padded), padded);
    }
}

TEST(PackTest, AFullPackStaysWithinTheLimit) {
    SeededRandom random(3);
    PackBuilder builder = sample_builder(random);
    std::uint64_t number = 0;
    Bytes content = random.bytes(kChunkSizeMax);
    while (builder.fits(content.size() + kSealOverhead)) {
        std::memcpy(content.data(), &++number, sizeof(number));
        add_data(builder, content);
    }
    EXPECT_GT(number, 60U);
    FinishedPack pack = std::move(builder).finish();
    EXPECT_LE(pack.bytes.size(), kPackSizeMax);
    EXPECT_TRUE(open_sample(pack.bytes)->check(sample_ids()).errors.empty());
}

// DESIGN: any flipped byte is detected and named, never wrong plaintext.
TEST(PackTest, EveryFlippedByteIsDetected) {
    FinishedPack pack = small_pack(4);
    ASSERT_EQ(pack.bytes.size(), 4 * kKiB);
    for (std::size_t i = 0; i < pack.bytes.size(); ++i) {
        Bytes damaged = pack.bytes;
        damaged[i] ^= static_cast<std::byte>(1 << (i % 8));
        EXPECT_FALSE(verify_pack(damaged, pack.info()).ok());
        auto reader = open_sample(damaged);
        if (!reader.ok()) {
            EXPECT_LT(i, kPackPrefixSize);
            EXPECT_NE(reader.error().message.find("prefix"), std::string::npos);
            continue;
        }
        PackCheck check = reader->check(sample_ids());
        ASSERT_EQ(check.errors.size(), 1U) << "byte " << i;
        EXPECT_EQ(check.errors.front().kind, ErrorKind::Corrupt);
        if (i < kPackPrefixSize) continue;  // what all parts are bound to: none opens
        for (const PackEntry& entry : pack.entries) {
            bool is_hit = i >= entry.offset && i < entry.offset + entry.sealed_length;
            bool is_named =
                check.errors.front().message.find(entry.header.id.to_hex()) != std::string::npos;
            EXPECT_EQ(is_named, is_hit);
            EXPECT_EQ(reader->read_chunk(entry, &sample_ids()).ok(), !is_hit);
        }
    }
}

TEST(PackTest, TruncatedAndExtendedPacksAreRefused) {
    FinishedPack pack = small_pack(5);
    for (std::size_t size = 0; size < pack.bytes.size(); size += 61) {
        EXPECT_FALSE(open_sample(ByteView(pack.bytes).first(size)).ok());
    }
    Bytes longer = pack.bytes;
    longer.push_back(std::byte{0});
    EXPECT_TRUE(index_is_refused(longer));
    FinishedPack large = small_pack(5, 9000);
    EXPECT_TRUE(index_is_refused(ByteView(large.bytes).first(8000)));
    EXPECT_FALSE(open_sample(Bytes(kPackSizeMax + 1)).ok());
}

TEST(PackTest, ChunksDoNotOpenInAnotherPack) {
    FinishedPack one = small_pack(6);
    FinishedPack two = small_pack(7);
    ASSERT_EQ(one.entries[0].sealed_length, two.entries[0].sealed_length);
    Bytes mixed = one.bytes;
    std::copy_n(two.bytes.begin() + one.entries[0].offset, one.entries[0].sealed_length,
                mixed.begin() + one.entries[0].offset);
    auto reader = open_sample(mixed);
    EXPECT_FALSE(reader->read_chunk(one.entries[0], nullptr).ok());
    EXPECT_FALSE(reader->read_chunk(two.entries[0], nullptr).ok());
    // Whole foreign tails: index and trailer of another pack.
    mixed = one.bytes;
    std::copy(two.bytes.end() - kPackTrailerSize, two.bytes.end(), mixed.end() - kPackTrailerSize);
    EXPECT_TRUE(index_is_refused(mixed));
}

TEST(PackTest, ChunksOfOnePackDoNotStandForEachOther) {
    SeededRandom random(8);
    PackBuilder builder = sample_builder(random);
    add_data(builder, random.bytes(400));
    add_data(builder, random.bytes(400));
    FinishedPack pack = std::move(builder).finish();
    PackEntry swapped = pack.entries[0];
    swapped.offset = pack.entries[1].offset;
    EXPECT_FALSE(open_sample(pack.bytes)->read_chunk(swapped, nullptr).ok());
}

TEST(PackTest, OtherKeysVaultsAndEpochsDoNotOpenIt) {
    FinishedPack pack = small_pack(9);
    auto open_with = [&](int key, const VaultId& vault) {
        return PackReader::open(std::make_unique<MemoryPackBytes>(pack.bytes),
                                key_of_byte<PackBaseKey>(key), vault);
    };
    EXPECT_EQ(open_with(8, kSampleVault).error().kind, ErrorKind::WrongKey);
    auto other_vault = open_with(7, id_of_byte<VaultId>(1));
    ASSERT_TRUE(other_vault.ok());  // the prefix is bound to the key alone, all else to the vault
    EXPECT_FALSE(other_vault->read_index().ok());
    Bytes other_epoch = pack.bytes;
    other_epoch[kObjectPrefixSize] ^= std::byte{1};
    EXPECT_TRUE(index_is_refused(other_epoch));
}

TEST(PackTest, PlacesOutsideThePackAreRefused) {
    FinishedPack pack = small_pack(10);
    auto reader = open_sample(pack.bytes);
    PackEntry entry = pack.entries[0];
    entry.offset = 4000;
    EXPECT_FALSE(reader->read_chunk(entry, nullptr).ok());
    entry.offset = ~std::uint32_t{0};
    EXPECT_FALSE(reader->read_chunk(entry, nullptr).ok());
    entry = pack.entries[0];
    entry.sealed_length = ~std::uint32_t{0};
    EXPECT_FALSE(reader->read_chunk(entry, nullptr).ok());
    entry.header.raw_length = ~std::uint32_t{0} - kSealOverhead;
    EXPECT_FALSE(reader->read_chunk(entry, nullptr).ok());
}

TEST(PackTest, OnlyPrefixAndLengthsAreInClear) {
    FinishedPack pack = small_pack(11);
    auto prefix = read_pack_prefix(MemoryPackBytes(pack.bytes));
    ASSERT_TRUE(prefix.ok());
    EXPECT_EQ(prefix->epoch, kSampleEpoch);
    std::string text(as_text(pack.bytes));
    EXPECT_EQ(text.find(as_text(kSampleVault.view())), std::string::npos);
    for (const PackEntry& entry : pack.entries) {
        EXPECT_EQ(text.find(as_text(entry.header.id.view())), std::string::npos);
    }
    EXPECT_EQ(text.find(std::string(16, '\0')), std::string::npos) << "padding in clear";
}

TEST(PackTest, ForgedPartsAreRefused) {
    {
        ForgedPack honest;
        Bytes bytes = honest.finish({honest.add(as_bytes("a"))});
        EXPECT_TRUE(open_sample(bytes)->check(sample_ids()).errors.empty())
            << "the forger can make an honest pack";
    }
    {
        ForgedPack pack;  // an index entry that points beyond the chunks
        PackEntry entry = pack.add(as_bytes("a"));
        PackEntry more = entry;
        more.header.id.bytes[0] ^= std::byte{1};
        EXPECT_TRUE(index_is_refused(pack.finish({entry, more})));
    }
    {
        ForgedPack pack;  // bytes that no entry covers
        PackEntry entry = pack.add(as_bytes("a"));
        pack.add(as_bytes("b"));
        EXPECT_TRUE(index_is_refused(pack.finish({entry})));
    }
    {
        ForgedPack pack;  // one id twice
        PackEntry entry = pack.add(as_bytes("a"));
        pack.add(as_bytes("b"));
        EXPECT_TRUE(index_is_refused(pack.finish({entry, entry})));
    }
    {
        ForgedPack pack;  // a length that no chunk has
        PackEntry entry = pack.add(as_bytes("a"));
        entry.header.raw_length = kChunkSizeMax + 1;
        EXPECT_TRUE(index_is_refused(pack.finish({entry})));
    }
    {
        ForgedPack pack;  // no chunks at all
        EXPECT_TRUE(index_is_refused(pack.finish({})));
    }
    {
        ForgedPack pack;  // padding that is not zero
        Bytes bytes = pack.finish(
            {pack.add(as_bytes("a"))}, [](PackTrailer&) {}, std::byte{1});
        PackCheck check = open_sample(bytes)->check(sample_ids());
        ASSERT_EQ(check.errors.size(), 1U);
        EXPECT_EQ(check.errors[0].message, "pack padding: not zero");
    }
    for (int field = 0; field < 3; ++field) {
        for (std::uint64_t value : {std::uint64_t{0}, std::uint64_t{kPackPrefixSize - 1},
                                    std::uint64_t{4000}, std::uint64_t{5000}, ~std::uint64_t{0}}) {
            ForgedPack pack;
            Bytes bytes = pack.finish({pack.add(as_bytes("a"))}, [&](PackTrailer& trailer) {
                (field == 0   ? trailer.padding_offset
                 : field == 1 ? trailer.index_offset
                              : trailer.pack_length) = value;
            });
            EXPECT_TRUE(index_is_refused(bytes)) << field << " " << value;
        }
    }
}

TEST(PackTest, NewerFormatsAreUnsupportedNotCorrupt) {
    Bytes newer = small_pack(12).bytes;
    newer[5] = std::byte{2};
    EXPECT_EQ(open_sample(newer).error().kind, ErrorKind::Unsupported);
    newer = small_pack(12).bytes;
    newer[6] = std::byte{1};
    EXPECT_EQ(open_sample(newer).error().kind, ErrorKind::Unsupported);
}

// A pack of the released format opens for ever, with the same chunks.
TEST(PackGoldenTest, FrozenPackOpens) {
    std::ifstream file(LOCKSTEP_GOLDEN_DIRECTORY "/pack_v1.pack", std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(file)), {});
    ASSERT_EQ(text.size(), 4 * kKiB);
    EXPECT_EQ(identify_pack(as_bytes(text)).info.id.to_hex(),
              "99e368cffdcfc52c36f4e6133ef629ae72eb2add736ec4025ccbdde596c34fd1");
    auto reader = open_sample(as_bytes(text));
    ASSERT_TRUE(reader.ok()) << reader.error().message;
    PackCheck check = reader->check(sample_ids());
    EXPECT_TRUE(check.errors.empty());
    ASSERT_EQ(check.intact.size(), 2U);
    EXPECT_EQ(as_text(*reader->read_chunk(check.intact[0], &sample_ids())),
              "Lockstep: a chunk in clear");
    EXPECT_EQ(*reader->read_chunk(check.intact[1], &sample_ids()), Bytes(1000, std::byte{'z'}));
    EXPECT_EQ(check.intact[1].header.compression, Compression::Lz4);
}

}  // namespace
}  // namespace lockstep
