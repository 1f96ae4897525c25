// libtorrent's disk, called as libtorrent calls it: real files, one thread that runs the handlers.
#include "sync/pack_disk.h"

#include <csignal>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <libtorrent/disk_observer.hpp>
#include <libtorrent/error_code.hpp>
#include <libtorrent/file_storage.hpp>
#include <libtorrent/hasher.hpp>
#include <libtorrent/peer_request.hpp>
#include <sys/resource.h>

#include "base/bytes.h"
#include "base/unique_fd.h"
#include "tests/support/seeded_random.h"
#include "tests/support/temp_dir.h"

namespace lockstep {
namespace {

constexpr int kBlock = lt::default_block_size;
constexpr int kPieceLength = 8 * kBlock;

struct PeerThatWaits final : lt::disk_observer {
    int calls = 0;
    void on_disk() override { ++calls; }
};

class PackDiskTest : public testing::Test {
  protected:
    struct Torrent {
        std::unique_ptr<lt::file_storage> files;
        std::string directory;
        lt::storage_holder storage;
    };

    Torrent torrent(const std::filesystem::path& file, std::int64_t size) {
        Torrent out;
        out.files = std::make_unique<lt::file_storage>();
        out.files->set_piece_length(kPieceLength);
        out.files->add_file(file.filename().string(), size);
        out.files->set_num_pieces(static_cast<int>((size + kPieceLength - 1) / kPieceLength));
        out.directory = file.parent_path().string();
        const lt::aux::vector<lt::download_priority_t, lt::file_index_t> all;
        const lt::storage_params params(*out.files, nullptr, out.directory, lt::storage_mode_sparse,
                                        all, lt::sha1_hash());
        out.storage = disk_->new_torrent(params, nullptr);
        return out;
    }

    std::string content(std::size_t size) { return std::string(as_text(random_.bytes(size))); }
    std::filesystem::path make_file(const std::string& name, const std::string& text) {
        std::ofstream(dir_ / name, std::ios::binary) << text;
        return dir_ / name;
    }
    static std::string text_of(const std::filesystem::path& file) {
        std::ifstream in(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }

    void run() {
        context_.run();
        context_.restart();
    }

    bool write(const Torrent& to, const std::string& all, std::size_t at,
               const std::shared_ptr<lt::disk_observer>& observer = nullptr) {
        lt::peer_request request;
        request.piece = lt::piece_index_t{static_cast<int>(at) / kPieceLength};
        request.start = static_cast<int>(at) % kPieceLength;
        request.length = static_cast<int>(std::min<std::size_t>(kBlock, all.size() - at));
        return disk_->async_write(to.storage, request, all.data() + at, observer,
                                  [](const lt::storage_error& error) { EXPECT_FALSE(error); });
    }
    // Of the piece's blocks, when the handler is called; `then` sees what it is told.
    using HashDone = std::function<void(const lt::storage_error&)>;
    std::shared_ptr<std::vector<lt::sha256_hash>> hash(const Torrent& of, int piece,
                                                       HashDone then) {
        auto hashes = std::make_shared<std::vector<lt::sha256_hash>>(kPieceLength / kBlock);
        disk_->async_hash(
            of.storage, lt::piece_index_t{piece}, *hashes, {},
            [hashes, then = std::move(then)](lt::piece_index_t, const lt::sha1_hash&,
                                             const lt::storage_error& error) { then(error); });
        return hashes;
    }
    // What is read of this block; the reason, when it cannot be.
    std::string read(const Torrent& from, std::size_t at, int length, lt::storage_error* error) {
        std::string out;
        lt::peer_request request;
        request.piece = lt::piece_index_t{static_cast<int>(at) / kPieceLength};
        request.start = static_cast<int>(at) % kPieceLength;
        request.length = length;
        disk_->async_read(from.storage, request,
                          [&](const lt::disk_buffer_holder& got, const lt::storage_error& failed) {
                              *error = failed;
                              if (!failed)
                                  out.assign(got.data(), static_cast<std::size_t>(got.size()));
                          });
        run();
        return out;
    }
    static lt::sha256_hash hash_of(const std::string& all, std::size_t at) {
        const std::string block = all.substr(at, kBlock);
        return lt::hasher256(lt::span<const char>(block)).final();
    }

    TempDir dir_;
    SeededRandom random_{7};
    lt::io_context context_;
    std::unique_ptr<lt::disk_interface> disk_ = make_pack_disk(context_);
};

TEST_F(PackDiskTest, APieceIsInTheFileWhenItsHashIsSaid) {
    const std::string all = content(2 * kPieceLength + kBlock + 77);
    const Torrent pack = torrent(dir_ / "pack", static_cast<std::int64_t>(all.size()));
    std::vector<std::size_t> blocks;
    for (std::size_t at = 0; at < all.size(); at += kBlock) blocks.push_back(at);
    std::reverse(blocks.begin(), blocks.end());
    std::swap(blocks.front(), blocks.back());
    for (const std::size_t at : blocks) EXPECT_FALSE(write(pack, all, at));
    int done = 0;
    for (int piece = 0; piece < 3; ++piece) {
        const std::size_t begin = static_cast<std::size_t>(piece) * kPieceLength;
        auto* seen = new std::shared_ptr<std::vector<lt::sha256_hash>>;
        *seen = hash(pack, piece, [&, begin, seen](const lt::storage_error& error) {
            EXPECT_FALSE(error);
            EXPECT_EQ(text_of(dir_ / "pack").substr(begin, kPieceLength),
                      all.substr(begin, kPieceLength));
            for (std::size_t at = begin; at < std::min(begin + kPieceLength, all.size());
                 at += kBlock)
                EXPECT_EQ((**seen)[(at - begin) / kBlock], hash_of(all, at));
            delete seen;
            ++done;
        });
    }
    run();
    EXPECT_EQ(done, 3);
    EXPECT_TRUE(text_of(dir_ / "pack") == all);
}

TEST_F(PackDiskTest, WhatComesAgainAfterAWrongPieceReplacesIt) {
    const std::string right = content(kPieceLength), wrong = content(kPieceLength);
    const Torrent pack = torrent(dir_ / "pack", kPieceLength);
    const auto come = [&](const std::string& all, std::size_t from) {
        for (std::size_t at = from; at < all.size(); at += kBlock) write(pack, all, at);
        const auto hashes =
            hash(pack, 0, [](const lt::storage_error& error) { EXPECT_FALSE(error); });
        run();
        return *hashes;
    };
    EXPECT_EQ(come(wrong, 0)[0], hash_of(wrong, 0));
    disk_->async_clear_piece(pack.storage, lt::piece_index_t{0}, [](lt::piece_index_t) {});
    EXPECT_EQ(come(right, 0)[7], hash_of(right, 7 * kBlock));
    EXPECT_TRUE(text_of(dir_ / "pack") == right);
    // Of which only some comes again: the rest is what the file has.
    EXPECT_EQ(come(right, 3 * kBlock)[0], hash_of(right, 0));
}

TEST_F(PackDiskTest, AForgottenPieceIsNotInTheNext) {
    const std::string all = content(kPieceLength);
    const Torrent pack = torrent(dir_ / "pack", kPieceLength);
    write(pack, all, 0);
    disk_->async_clear_piece(pack.storage, lt::piece_index_t{0}, [](lt::piece_index_t) {});
    for (std::size_t at = kBlock; at < all.size(); at += kBlock) write(pack, all, at);
    bool has_failed = false;
    hash(pack, 0, [&](const lt::storage_error& error) { has_failed = static_cast<bool>(error); });
    run();
    EXPECT_TRUE(has_failed) << "the first block is nowhere";
}

TEST_F(PackDiskTest, ReadsWhatIsCachedAndWhatTheDiskHas) {
    const std::string all = content(kPieceLength + 5000);
    const std::filesystem::path file = make_file("pack", all);
    const Torrent pack = torrent(file, static_cast<std::int64_t>(all.size()));
    lt::storage_error error;
    EXPECT_TRUE(read(pack, kBlock, kBlock, &error) == all.substr(kBlock, kBlock));
    const UniqueFd opened(::open(file.c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_EQ(::fsync(opened.get()), 0);
    ASSERT_EQ(::posix_fadvise(opened.get(), 0, 0, POSIX_FADV_DONTNEED), 0);
    EXPECT_TRUE(read(pack, kPieceLength, 5000, &error) == all.substr(kPieceLength));
    EXPECT_FALSE(error);
    bool is_hashed = false;
    disk_->async_hash2(
        pack.storage, lt::piece_index_t{0}, kBlock, {},
        [&](lt::piece_index_t, const lt::sha256_hash& hash, const lt::storage_error& failed) {
            EXPECT_FALSE(failed);
            is_hashed = hash == hash_of(all, kBlock);
        });
    run();
    EXPECT_TRUE(is_hashed);
}

// As libtorrent has it with torrents of the second version.
TEST_F(PackDiskTest, WhatFillsTheLastPieceIsZerosAndInNoFile) {
    std::string all = content(kBlock + 9);
    const std::string text = all;
    all.resize(kPieceLength);
    const Torrent pack = torrent(dir_ / "pack", static_cast<std::int64_t>(text.size()));
    for (std::size_t at = 0; at < all.size(); at += kBlock) write(pack, all, at);
    const auto hashes = hash(pack, 0, [](const lt::storage_error& error) { EXPECT_FALSE(error); });
    run();
    EXPECT_EQ((*hashes)[1], hash_of(text, kBlock));
    EXPECT_TRUE(text_of(dir_ / "pack") == text);
    lt::storage_error error;
    EXPECT_TRUE(read(pack, kBlock, kBlock, &error) == all.substr(kBlock, kBlock));
    EXPECT_TRUE(read(pack, 3 * kBlock, kBlock, &error) == std::string(kBlock, '\0'));
    EXPECT_FALSE(error);
}

TEST_F(PackDiskTest, AFileThatIsGoneOrTooShortIsAnError) {
    const std::string all = content(kPieceLength);
    const Torrent gone = torrent(dir_ / "gone", kPieceLength);
    lt::storage_error error;
    read(gone, 0, kBlock, &error);
    EXPECT_EQ(error.ec.value(), ENOENT);
    const Torrent cut = torrent(make_file("cut", all.substr(0, kBlock + 10)), kPieceLength);
    error = {};
    read(cut, kBlock, kBlock, &error);
    EXPECT_EQ(error.ec, lt::errors::make_error_code(lt::errors::file_too_short));
}

TEST_F(PackDiskTest, APieceThatCannotBeWrittenIsAnErrorAndNoHash) {
    const std::string all = content(kPieceLength);
    const Torrent nowhere = torrent(dir_ / "no" / "such" / "pack", kPieceLength);
    const Torrent limited = torrent(dir_ / "limited", kPieceLength);
    std::vector<int> errors;
    const auto note = [&](const lt::storage_error& error) { errors.push_back(error.ec.value()); };
    for (std::size_t at = 0; at < all.size(); at += kBlock) {
        write(nowhere, all, at);
        write(limited, all, at);
    }
    hash(nowhere, 0, note);
    run();
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const rlimit little{3 * kBlock, before.rlim_max};
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &little), 0);
    hash(limited, 0, note);
    run();
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    std::signal(SIGXFSZ, handler);
    EXPECT_EQ(errors, (std::vector<int>{ENOENT, EFBIG}));
}

TEST_F(PackDiskTest, PeersWaitWhileTheDiskIsBehind) {
    constexpr int kPieces = 200;  // 25 MiB
    const std::string all = content(static_cast<std::size_t>(kPieces) * kPieceLength);
    const Torrent pack = torrent(dir_ / "pack", static_cast<std::int64_t>(all.size()));
    const auto peer = std::make_shared<PeerThatWaits>();
    bool is_to_wait = false;
    for (std::size_t at = 0; at < all.size(); at += kBlock) {
        is_to_wait = write(pack, all, at, peer);
        const std::size_t end = at + kBlock;
        // Nothing runs the handlers meanwhile, so all of that counts as unwritten.
        if (end % kPieceLength == 0)
            hash(pack, static_cast<int>(end / kPieceLength) - 1,
                 [](const lt::storage_error& error) { EXPECT_FALSE(error); });
    }
    EXPECT_TRUE(is_to_wait);
    EXPECT_EQ(peer->calls, 0);
    run();
    EXPECT_GT(peer->calls, 0);
    EXPECT_FALSE(write(pack, all, 0, peer));
    run();
    EXPECT_TRUE(text_of(dir_ / "pack") == all);
}

TEST_F(PackDiskTest, OfManyPacksFewFilesAreOpen) {
    const auto open_files = [] {
        const std::filesystem::directory_iterator fds("/proc/self/fd");
        return std::distance(begin(fds), end(fds));
    };
    const auto before = open_files();
    std::vector<Torrent> packs;
    for (int i = 0; i < 200; ++i)
        packs.push_back(torrent(make_file(std::to_string(i), std::to_string(i)), 3));
    lt::storage_error error;
    for (int i = 0; i < 200; ++i) {
        const std::string name = std::to_string(i);
        EXPECT_EQ(
            read(packs[static_cast<std::size_t>(i)], 0, static_cast<int>(name.size()), &error),
            name);
    }
    EXPECT_LE(open_files() - before, 64);
    for (const Torrent& each : packs) disk_->async_stop_torrent(each.storage, {});
    run();
    EXPECT_EQ(open_files(), before);
}

TEST_F(PackDiskTest, ATorrentMayGoWhileItsWorkIsUnderWay) {
    const std::string all = content(kPieceLength);
    bool is_done = false;
    {
        const Torrent pack = torrent(dir_ / "pack", kPieceLength);
        for (std::size_t at = 0; at < all.size(); at += kBlock) write(pack, all, at);
        hash(pack, 0, [&](const lt::storage_error& error) { is_done = !error; });
    }
    run();
    EXPECT_TRUE(is_done);
    EXPECT_TRUE(text_of(dir_ / "pack") == all);
}

}  // namespace
}  // namespace lockstep
