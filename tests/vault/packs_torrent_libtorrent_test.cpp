// Our torrent of a pack against libtorrent's own idea of it.
#include <fstream>

#include <gtest/gtest.h>
#include <libtorrent/bencode.hpp>
#include <libtorrent/create_torrent.hpp>
#include <libtorrent/file_storage.hpp>
#include <libtorrent/torrent_info.hpp>

#include "tests/support/seeded_random.h"
#include "tests/support/temp_dir.h"
#include "vault/packs/pack_torrent_id.h"

namespace lockstep {
namespace {

std::string text_of(const lt::sha256_hash& hash) {
    return std::string(hash.data(), 32);
}

class PackTorrentLibtorrentTest : public testing::TestWithParam<std::size_t> {};

TEST_P(PackTorrentLibtorrentTest, ReadsOurTorrentAsWeMeanIt) {
    Bytes data = SeededRandom(1).bytes(GetParam());
    PackIdentity identity = identify_pack(data);
    Bytes file = pack_torrent_file(identity.info, identity.piece_layers);
    lt::error_code failed;
    lt::torrent_info info(lt::span<const char>(reinterpret_cast<const char*>(file.data()),
                                               static_cast<std::ptrdiff_t>(file.size())),
                          failed, lt::from_span);
    ASSERT_FALSE(failed) << failed.message();
    EXPECT_TRUE(info.is_valid());
    EXPECT_TRUE(info.info_hashes().has_v2());
    EXPECT_FALSE(info.info_hashes().has_v1());
    EXPECT_EQ(text_of(info.info_hashes().v2), as_text(pack_info_hash(identity.info).view()));
    EXPECT_EQ(info.name(), identity.info.id.to_hex());
    // libtorrent 2.0.8 pads the last piece with a file of its own that is never stored nor sent.
    EXPECT_EQ(info.files().file_size(lt::file_index_t{0}), static_cast<std::int64_t>(data.size()));
    for (int i = 1; i < info.num_files(); ++i) {
        EXPECT_TRUE(info.files().pad_file_at(lt::file_index_t{i}));
    }
    EXPECT_EQ(info.piece_length(), static_cast<int>(pack_piece_size(data.size())));
    EXPECT_EQ(text_of(info.files().root(lt::file_index_t{0})), as_text(identity.info.id.view()));
    auto layer = info.piece_layer(lt::file_index_t{0});
    if (!identity.piece_layers.empty()) {
        EXPECT_EQ(std::string(layer.data(), static_cast<std::size_t>(layer.size())),
                  as_text(identity.piece_layers));
    }
}

TEST_P(PackTorrentLibtorrentTest, MakesTheSameTorrentFromTheSameBytes) {
    Bytes data = SeededRandom(2).bytes(GetParam());
    PackIdentity identity = identify_pack(data);
    std::string name = identity.info.id.to_hex();
    TempDir directory;
    std::ofstream(directory / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(data.data()),
               static_cast<std::streamsize>(data.size()));

    lt::file_storage files;
    files.add_file(name, static_cast<std::int64_t>(data.size()));
    lt::create_torrent torrent(files, static_cast<int>(pack_piece_size(data.size())),
                               lt::create_torrent::v2_only);
    lt::error_code failed;
    lt::set_piece_hashes(torrent, directory.path().string(), failed);
    ASSERT_FALSE(failed) << failed.message();
    lt::entry whole = torrent.generate();
    std::string dictionary;
    lt::bencode(std::back_inserter(dictionary), whole["info"]);
    EXPECT_EQ(dictionary, as_text(pack_info_dictionary(identity.info)));
    if (!identity.piece_layers.empty()) {
        std::string id(as_text(identity.info.id.view()));
        EXPECT_EQ(whole["piece layers"][id].string(), as_text(identity.piece_layers));
    }
}

INSTANTIATE_TEST_SUITE_P(Lengths, PackTorrentLibtorrentTest,
                         testing::Values(4 * kKiB, 16 * kKiB, 64 * kKiB, 64 * kKiB + 4096,
                                         256 * kKiB, kMiB, kMiB + 32 * kKiB, 5 * kMiB + 160 * kKiB,
                                         kPackSizeMax));

}  // namespace
}  // namespace lockstep
