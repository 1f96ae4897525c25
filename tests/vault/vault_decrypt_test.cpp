// Decrypting a damaged vault without a daemon: what is intact of a file comes back, and never looks
// like a whole one.
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"
#include "tests/support/vault_device.h"

namespace lockstep {
namespace {

class VaultDecrypt : public ::testing::Test {
  protected:
    void SetUp() override { expect_ok(laptop_.found()); }
    static void expect_ok(const Status& status) {
        ASSERT_TRUE(status.ok()) << status.error().message;
    }
    static std::string noise(std::size_t size, std::uint64_t seed) {
        SeededRandom random(seed);
        return std::string(as_text(random.bytes(size)));
    }
    void write(const std::string& path, const std::string& text) {
        expect_ok(laptop_.write(path, text));
        clock_.advance(std::chrono::seconds(3));
        expect_ok(laptop_.publish());
    }
    std::vector<fs::path> packs() {
        std::vector<fs::path> out;
        const fs::path top = kTestVaultDirectory / "packs";
        const auto folders = laptop_.disk().list(top);
        for (const DirectoryItem& folder : folders.value()) {
            const auto items = laptop_.disk().list(top / folder.name);
            for (const DirectoryItem& item : items.value())
                out.push_back(top / folder.name / item.name);
        }
        return out;
    }
    void damage(const fs::path& path, std::size_t at) {
        Bytes bytes = *laptop_.disk().contents(path);
        ASSERT_LT(at, bytes.size());
        bytes[at] ^= std::byte{0x40};
        laptop_.disk().put(path, bytes);
    }
    DecryptReport decrypt() {
        fs::remove_all(out_.path() / "files");
        fs::create_directories(out_.path() / "files");
        auto report = decrypt_vault(laptop_.disk(), workers_, kTestVaultDirectory,
                                    as_bytes(kTestPassphrase), out_.path() / "files");
        EXPECT_TRUE(report.ok()) << (report.ok() ? "" : report.error().message);
        return report.ok() ? *report : DecryptReport{};
    }
    std::map<std::string, std::string> files() {
        std::map<std::string, std::string> out;
        for (const auto& item : fs::recursive_directory_iterator(out_.path() / "files"))
            if (item.is_regular_file()) {
                std::ifstream in(item.path(), std::ios::binary);
                out[fs::relative(item.path(), out_.path() / "files").string()] =
                    std::string(std::istreambuf_iterator<char>(in), {});
            }
        return out;
    }
    // Zeros where the report says that bytes are missing, and the true ones everywhere else.
    static std::string with_holes(std::string content, const DecryptReport::Partial& partial) {
        for (const ByteRange& range : partial.missing.ranges)
            std::fill_n(content.begin() + static_cast<std::ptrdiff_t>(range.offset), range.length,
                        '\0');
        return content;
    }

    FakeClock clock_;
    WorkerPool workers_{0};
    TempDir out_;
    VaultDevice laptop_{"laptop", 1, clock_};
};

TEST_F(VaultDecrypt, WhatIsIntactOfADamagedFileIsWrittenUnderAnotherName) {
    const std::string film = noise(2'000'000, 1);
    write("films/film.mp4", film);
    write("films/small.txt", "small");
    ASSERT_EQ(1u, packs().size());
    // In two places that are far from each other.
    damage(packs().front(), 300'000);
    damage(packs().front(), 1'500'000);
    const DecryptReport report = decrypt();
    ASSERT_EQ(1u, report.partial.size());
    const DecryptReport::Partial& partial = report.partial.front();
    EXPECT_EQ("films/film.mp4", partial.path);
    EXPECT_EQ("films/film.mp4.damaged", partial.written_as);
    EXPECT_EQ(2'000'000u, partial.size);
    EXPECT_EQ(2u, partial.missing.count);
    EXPECT_LE(partial.missing.bytes, 2u * 256 * 1024);
    EXPECT_EQ(1u, report.files) << "a file in part is not counted";
    EXPECT_FALSE(report.damaged.empty());
    EXPECT_NE(std::string::npos, report.damaged.front().find("films/film.mp4.damaged"));
    EXPECT_EQ(
        (std::map<std::string, std::string>{{"films/film.mp4.damaged", with_holes(film, partial)},
                                            {"films/small.txt", "small"}}),
        files());
}

TEST_F(VaultDecrypt, EveryFlippedByteOfAPackLeavesTrueBytesOrNone) {
    const std::string film = noise(200'000, 1);
    write("film", film);
    const fs::path pack = packs().front();
    const Bytes good = *laptop_.disk().contents(pack);
    for (std::size_t at = 5; at < good.size(); at += good.size() / 12) {
        damage(pack, at);
        const DecryptReport report = decrypt();
        EXPECT_FALSE(report.damaged.empty()) << at;
        for (const auto& [name, content] : files()) {
            if (name == "film") {
                EXPECT_EQ(film, content) << at;
            } else {
                ASSERT_EQ("film.damaged", name);
                ASSERT_EQ(1u, report.partial.size());
                EXPECT_EQ(with_holes(film, report.partial.front()), content) << at;
            }
        }
        laptop_.disk().put(pack, good);
    }
}

// A large file lies in several packs; its list in the last of them.
TEST_F(VaultDecrypt, OfAFileWithMissingPacksTheOthersAreSaved) {
    const std::string film = noise(40'000'000, 1);
    write("film", film);
    const std::vector<fs::path> all = packs();
    ASSERT_GE(all.size(), 3u);
    bool is_saved = false, is_list_lost = false;
    for (const fs::path& pack : all) {
        const Bytes good = *laptop_.disk().contents(pack);
        ASSERT_TRUE(laptop_.disk().remove(pack).ok());
        const DecryptReport report = decrypt();
        ASSERT_EQ(1u, report.partial.size());
        const DecryptReport::Partial& partial = report.partial.front();
        const auto found = files();
        EXPECT_FALSE(found.contains("film"));
        if (partial.written_as.empty()) {
            is_list_lost = true;
            EXPECT_EQ(40'000'000u, partial.missing.bytes);
            EXPECT_TRUE(found.empty()) << "a file of which nothing is intact is not written";
        } else {
            is_saved = true;
            EXPECT_LT(partial.missing.bytes, 20'000'000u);
            EXPECT_TRUE(with_holes(film, partial) == found.at("film.damaged"));
        }
        laptop_.disk().put(pack, good);
    }
    EXPECT_TRUE(is_saved);
    EXPECT_TRUE(is_list_lost) << "which pack holds the list?";
    EXPECT_TRUE(decrypt().damaged.empty());
}

TEST_F(VaultDecrypt, ItsNameIsNoOtherFilesName) {
    const std::string name(255, 'n');
    write("film", noise(300'000, 1));
    const fs::path pack = packs().front();
    expect_ok(laptop_.write("film.damaged", "a file of that name"));
    expect_ok(laptop_.rename("film", "first"));
    expect_ok(laptop_.rename("first", "film"));
    write(name, "long");
    damage(pack, 100'000);
    DecryptReport report = decrypt();
    ASSERT_EQ(1u, report.partial.size());
    EXPECT_EQ("film.damaged.2", report.partial.front().written_as);
    EXPECT_EQ("a file of that name", files().at("film.damaged"));
    EXPECT_FALSE(files().contains("film"));
    expect_ok(laptop_.remove(name));
    expect_ok(laptop_.rename("film", name));
    clock_.advance(std::chrono::seconds(3));
    expect_ok(laptop_.publish());
    report = decrypt();
    ASSERT_EQ(1u, report.partial.size());
    EXPECT_EQ(std::string(247, 'n') + ".damaged", report.partial.front().written_as);
}

}  // namespace
}  // namespace lockstep
