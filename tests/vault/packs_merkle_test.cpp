#include <bit>

#include <gtest/gtest.h>

#include "tests/support/seeded_random.h"
#include "vault/packs/merkle.h"
#include "vault/packs/pack_torrent_id.h"

namespace lockstep {
namespace {

// BEP 52 as its text says it: leaves padded with zeros to a power of two, then pairs all the way
// up.
Hash256 root_by_definition(ByteView data) {
    std::vector<Hash256> layer;
    for (std::size_t at = 0; at < data.size(); at += kMerkleBlockSize) {
        layer.push_back(sha256(data.subspan(at, std::min(kMerkleBlockSize, data.size() - at))));
    }
    layer.resize(std::bit_ceil(layer.size()));
    while (layer.size() > 1) {
        std::vector<Hash256> above;
        for (std::size_t i = 0; i < layer.size(); i += 2) {
            Bytes pair = to_bytes(layer[i].view());
            append(pair, layer[i + 1].view());
            above.push_back(sha256(pair));
        }
        layer = above;
    }
    return layer.front();
}

const std::vector<std::size_t>& sizes() {
    static const std::vector<std::size_t> out{1,
                                              100,
                                              kMerkleBlockSize - 1,
                                              kMerkleBlockSize,
                                              kMerkleBlockSize + 1,
                                              3 * kMerkleBlockSize,
                                              64 * kKiB,
                                              64 * kKiB + 1,
                                              5 * 64 * kKiB - 3,
                                              kMiB,
                                              kMiB + 1,
                                              3 * kMiB + 12345};
    return out;
}

TEST(MerkleTest, RootIsThatOfTheDefinition) {
    SeededRandom random(1);
    for (std::size_t size : sizes()) {
        Bytes data = random.bytes(size);
        PackIdentity identity = identify_pack(data);
        EXPECT_EQ(identity.info.length, size);
        EXPECT_EQ(identity.info.id.bytes, root_by_definition(data).bytes) << size;
    }
}

TEST(MerkleTest, AStreamHashesAsTheWholeDoes) {
    SeededRandom random(2);
    for (std::size_t size : sizes()) {
        Bytes data = random.bytes(size);
        MerkleHasher hasher;
        for (std::size_t at = 0; at < size;) {
            std::size_t step = std::min(size - at, 1 + random.below(50'000));
            hasher.update(ByteView(data).subspan(at, step));
            at += step;
        }
        EXPECT_EQ(hasher.length(), size);
        EXPECT_EQ(merkle_root(std::move(hasher).finish()).bytes, identify_pack(data).info.id.bytes);
    }
}

TEST(MerkleTest, PiecesAreSubtreesAndTheirLayerGivesTheRoot) {
    SeededRandom random(3);
    for (std::size_t size : sizes()) {
        Bytes data = random.bytes(size);
        PackIdentity identity = identify_pack(data);
        std::size_t piece = pack_piece_size(size);
        EXPECT_TRUE(verify_piece_layers(identity.piece_layers, identity.info).ok()) << size;
        if (size <= piece) {
            EXPECT_TRUE(identity.piece_layers.empty());
            continue;
        }
        EXPECT_EQ(identity.piece_layers.size(), (size + piece - 1) / piece * 32);
        Hash256 first = root_by_definition(ByteView(data).first(piece));
        EXPECT_TRUE(equal(ByteView(identity.piece_layers).first(32), first.view()));
        Bytes damaged = identity.piece_layers;
        damaged[5] ^= std::byte{1};
        EXPECT_FALSE(verify_piece_layers(damaged, identity.info).ok());
        damaged = identity.piece_layers;
        damaged.resize(damaged.size() - 32);
        EXPECT_FALSE(verify_piece_layers(damaged, identity.info).ok());
    }
}

TEST(PackTorrentTest, VerifiesBytesAgainstTheirName) {
    Bytes data = SeededRandom(4).bytes(100'000);
    PackInfo info = identify_pack(data).info;
    EXPECT_TRUE(verify_pack(data, info).ok());
    for (std::size_t at = 0; at < data.size(); at += 997) {
        data[at] ^= std::byte{1};
        auto verified = verify_pack(data, info);
        ASSERT_FALSE(verified.ok());
        EXPECT_NE(verified.error().message.find(info.id.to_hex()), std::string::npos);
        data[at] ^= std::byte{1};
    }
    PackInfo longer = info;
    ++longer.length;
    EXPECT_FALSE(verify_pack(data, longer).ok());
    EXPECT_FALSE(verify_pack({}, PackInfo{}).ok());
    // Zero padding up to the next block would give the same leaf count, not the same id.
    data.push_back(std::byte{0});
    EXPECT_FALSE(verify_pack(data, longer).ok());
}

TEST(PackTorrentTest, PieceSizeFollowsTheLengthAlone) {
    EXPECT_EQ(pack_piece_size(1), 64 * kKiB);
    EXPECT_EQ(pack_piece_size(kMiB), 64 * kKiB);
    EXPECT_EQ(pack_piece_size(kMiB + 1), kMiB);
    EXPECT_EQ(pack_piece_size(kPackSizeMax), kMiB);
}

// Frozen on day one: every device derives these from (id, length), for ever.
TEST(PackTorrentGoldenTest, IdsInfoDictionaryAndInfoHashNeverChange) {
    Bytes data(200'000);
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i * 7 + i / 251);
    PackIdentity identity = identify_pack(data);
    EXPECT_EQ(identity.info.id.to_hex(),
              "b7e21e9cd89a67ff2b26ea73c769350e128c7cf0ef67a6562c936ff74b467521");
    std::string name = identity.info.id.to_hex();
    std::string dictionary = "d9:file treed64:" + name + "d0:d6:lengthi200000e11:pieces root32:" +
                             std::string(as_text(identity.info.id.view())) +
                             "eee12:meta versioni2e4:name64:" + name + "12:piece lengthi65536ee";
    EXPECT_EQ(as_text(pack_info_dictionary(identity.info)), dictionary);
    EXPECT_EQ(pack_info_hash(identity.info).to_hex(),
              "f190196b3a01c0076438b86abd89ecdcaa300ac579e4eb2fe3112161b4dc5210");
    EXPECT_EQ(sha256(identity.piece_layers).to_hex(),
              "7e79918e3dc1e7d35e2b7c26f9388f027eeae981aecd15ac72a1e7d5b86a16fc");
    EXPECT_EQ(identify_pack(Bytes(3 * kMiB, std::byte{1})).info.id.to_hex(),
              "1d9e497da2cf44ef079f1f0e5d5fc7381982ab3749c4181e7a78f8699f5e5f9e");
}

}  // namespace
}  // namespace lockstep
