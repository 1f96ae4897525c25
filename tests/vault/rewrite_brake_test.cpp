// The brake for rewrites: a mass of files that became noise is held, and nothing else is.
#include "vault/core/rewrite_brake.h"

#include <gtest/gtest.h>

#include "tests/support/vault_device.h"

namespace lockstep {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr int kFiles = 60;  // of which a tenth, or 20, may be rewritten

std::string noise(std::size_t size, std::uint64_t seed) {
    SeededRandom random(seed);
    return std::string(as_text(random.bytes(size)));
}

std::string text(int file, std::size_t size) {
    std::string out;
    while (out.size() < size)
        out += "line " + std::to_string(out.size() + static_cast<std::size_t>(file)) + " of it\n";
    return out.substr(0, size);
}

class RewriteBrakeTest : public ::testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(laptop_.found().ok());
        for (int file = 0; file < kFiles; ++file)
            ASSERT_TRUE(laptop_.write(name(file), text(file, size(file))).ok());
        later(laptop_);
        ASSERT_TRUE(desk_.join(laptop_).ok());
        pull(desk_, laptop_);
        ASSERT_EQ(laptop_.tree(), desk_.tree());
        clock_.advance(minutes(30));
    }
    static std::string name(int file) { return "papers/" + std::to_string(file) + ".txt"; }
    // Some lie in the log, others in packs.
    static std::size_t size(int file) { return file % 2 == 0 ? 900 : 30'000; }

    void later(VaultDevice& device) {
        clock_.advance(seconds(3));
        Status published = device.publish();
        ASSERT_TRUE(published.ok()) << published.error().message;
    }
    void pull(VaultDevice& to, VaultDevice& from) {
        auto pulled = to.pull(from);
        ASSERT_TRUE(pulled.ok()) << pulled.error().message;
    }
    // A publish in between, as every second or two.
    void encrypt_all(VaultDevice& device) {
        for (int file = 0; file < kFiles; ++file) {
            ASSERT_TRUE(
                device.write(name(file), noise(size(file), static_cast<std::uint64_t>(file) + 9))
                    .ok());
            if (file % 10 == 9) later(device);
        }
        later(device);
    }
    static std::size_t noisy(VaultDevice& device) {
        std::size_t out = 0;
        for (const auto& [path, content] : device.tree())
            out += looks_like_noise(as_bytes(content)) ? 1U : 0U;
        return out;
    }
    static void release(VaultDevice& device) {
        ASSERT_TRUE(device.vault().release_rewrites().ok());
        ASSERT_TRUE(device.vault().merge().ok());
    }
    static std::vector<HeldRewrites> held(VaultDevice& device) {
        return device.vault().held_rewrites();
    }

    FakeClock clock_;
    VaultDevice laptop_{"laptop", 1, clock_};
    VaultDevice desk_{"desk", 2, clock_};
};

TEST(LooksLikeNoise, TellsRandomBytesFromWhatPeopleWrite) {
    EXPECT_TRUE(looks_like_noise(as_bytes(noise(64, 1))));
    EXPECT_TRUE(looks_like_noise(as_bytes(noise(1'000'000, 2))));
    EXPECT_FALSE(looks_like_noise(as_bytes(noise(40, 3)))) << "too little to say";
    EXPECT_FALSE(looks_like_noise(as_bytes(text(1, 5000))));
    EXPECT_FALSE(looks_like_noise(Bytes(5000)));
    std::string base64;
    for (const char c : noise(5000, 4))
        base64 += "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[c & 63];
    EXPECT_FALSE(looks_like_noise(as_bytes(base64)));
    EXPECT_TRUE(has_compressed_form(as_bytes("\xff\xd8\xff\xe0 a picture")));
    EXPECT_TRUE(
        has_compressed_form(as_bytes(std::string("\0\0\0\x18"
                                                 "ftypmp42 film",
                                                 17))));
    EXPECT_FALSE(has_compressed_form(as_bytes(noise(1000, 5))));
}

TEST_F(RewriteBrakeTest, AMassOfNoiseIsNotPublishedUntilItIsReleased) {
    encrypt_all(laptop_);
    const auto stopped = held(laptop_);
    ASSERT_EQ(1u, stopped.size());
    EXPECT_TRUE(stopped[0].is_own);
    EXPECT_GT(stopped[0].files, kRewrittenFilesMin);
    EXPECT_EQ(5u, stopped[0].examples.size());
    EXPECT_GT(laptop_.vault().status().pending_records, 0u);
    EXPECT_FALSE(laptop_.vault().publish_due().has_value()) << "nobody is to run in circles";
    pull(desk_, laptop_);
    EXPECT_LE(noisy(desk_), kRewrittenFilesMin);
    EXPECT_EQ(static_cast<std::size_t>(kFiles), noisy(laptop_)) << "here it is as it was written";

    release(laptop_);
    EXPECT_TRUE(held(laptop_).empty());
    later(laptop_);
    pull(desk_, laptop_);
    release(desk_);
    EXPECT_EQ(laptop_.tree(), desk_.tree());
    EXPECT_EQ(static_cast<std::size_t>(kFiles), noisy(desk_));
}

TEST_F(RewriteBrakeTest, WhatIsHeldStaysHeldAndIsKeptOverACrash) {
    encrypt_all(laptop_);
    ASSERT_EQ(1u, held(laptop_).size());
    const auto tree = laptop_.tree();
    ASSERT_TRUE(laptop_.sync(name(0)).ok());
    ASSERT_TRUE(laptop_.lose_power().ok());
    ASSERT_EQ(1u, held(laptop_).size());
    EXPECT_EQ(tree, laptop_.tree());
    later(laptop_);
    pull(desk_, laptop_);
    EXPECT_LE(noisy(desk_), kRewrittenFilesMin);
    // A vault that is locked publishes first, but not this.
    ASSERT_TRUE(laptop_.vault().lock(false).ok());
    ASSERT_TRUE(laptop_.vault().unlock(as_bytes(kTestPassphrase)).ok());
    EXPECT_EQ(1u, held(laptop_).size());
    EXPECT_EQ(tree, laptop_.tree());
    pull(desk_, laptop_);
    EXPECT_LE(noisy(desk_), kRewrittenFilesMin);
}

TEST_F(RewriteBrakeTest, WhatIsUndoneHereNobodyElseEverSees) {
    const auto before = laptop_.tree();
    encrypt_all(laptop_);
    auto undone = laptop_.vault().undo_rewrites(false);
    ASSERT_TRUE(undone.ok()) << undone.error().message;
    EXPECT_EQ(static_cast<std::size_t>(kFiles), undone->done.size());
    EXPECT_TRUE(held(laptop_).empty());
    EXPECT_EQ(before, laptop_.tree());
    later(laptop_);
    EXPECT_TRUE(held(laptop_).empty()) << "taking it back is no rewrite to noise";
    pull(desk_, laptop_);
    EXPECT_TRUE(held(desk_).empty());
    EXPECT_EQ(before, desk_.tree());
    EXPECT_EQ(0u, laptop_.vault().status().conflicts);
}

// The other device's brake is off, or its program is not ours.
TEST_F(RewriteBrakeTest, AnotherDevicesMassIsNotAppliedUntilItIsReleased) {
    ASSERT_TRUE(laptop_.vault().set_rewrite_brake(false).ok());
    encrypt_all(laptop_);
    EXPECT_TRUE(held(laptop_).empty());
    pull(desk_, laptop_);
    const auto stopped = held(desk_);
    ASSERT_EQ(1u, stopped.size());
    EXPECT_FALSE(stopped[0].is_own);
    EXPECT_GT(stopped[0].segments, 0u);
    EXPECT_LE(noisy(desk_), kRewrittenFilesMin);
    // Its own work goes on.
    ASSERT_TRUE(desk_.write("mine", "of the desk").ok());
    later(desk_);
    pull(laptop_, desk_);
    EXPECT_EQ("of the desk", *laptop_.read("mine"));

    // Neither a restart nor an index made anew lets it through.
    ASSERT_TRUE(desk_.lose_power().ok());
    ASSERT_EQ(1u, held(desk_).size());
    EXPECT_LE(noisy(desk_), kRewrittenFilesMin);
    ASSERT_TRUE(desk_.vault().lock(false).ok());
    ASSERT_TRUE(desk_.vault().rebuild_index().ok());
    ASSERT_TRUE(desk_.vault().unlock(as_bytes(kTestPassphrase)).ok());
    ASSERT_EQ(1u, held(desk_).size());
    EXPECT_LE(noisy(desk_), kRewrittenFilesMin);
    EXPECT_EQ("of the desk", *desk_.read("mine"));

    release(desk_);
    EXPECT_EQ(laptop_.tree(), desk_.tree());
    EXPECT_EQ(static_cast<std::size_t>(kFiles), noisy(desk_));
    clock_.advance(minutes(20));
    later(laptop_);
    pull(desk_, laptop_);
    EXPECT_TRUE(held(desk_).empty());
}

TEST_F(RewriteBrakeTest, AnotherDevicesMassIsTakenBackWithOneCall) {
    const auto before = desk_.tree();
    ASSERT_TRUE(laptop_.vault().set_rewrite_brake(false).ok());
    encrypt_all(laptop_);
    pull(desk_, laptop_);
    ASSERT_EQ(1u, held(desk_).size());
    auto undone = desk_.vault().undo_rewrites(false);
    ASSERT_TRUE(undone.ok()) << undone.error().message;
    EXPECT_TRUE(undone->left.empty());
    EXPECT_EQ(before, desk_.tree());
    later(desk_);
    pull(laptop_, desk_);
    EXPECT_EQ(before, laptop_.tree());
    EXPECT_TRUE(held(desk_).empty());
}

// Content that is not here yet is judged by how much room its packs take.
TEST_F(RewriteBrakeTest, AMassWhosePacksHaveNotComeIsHeldAsWell) {
    ASSERT_TRUE(laptop_.vault().set_rewrite_brake(false).ok());
    for (int file = 0; file < kFiles; ++file)
        ASSERT_TRUE(
            laptop_.write(name(file), noise(30'000, static_cast<std::uint64_t>(file))).ok());
    later(laptop_);
    const Frontier seen = desk_.vault().replica()->frontier();
    for (const auto& [log, last] : laptop_.vault().replica()->frontier()) {
        auto at = seen.find(log);
        for (std::uint64_t number = at == seen.end() ? 1 : at->second.number + 1;
             number <= last.number; ++number) {
            auto bytes = laptop_.vault().replica()->read_segment({log, number});
            ASSERT_TRUE(bytes.ok());
            ASSERT_TRUE(desk_.vault().replica()->add_segment(*bytes).ok());
        }
    }
    ASSERT_TRUE(desk_.vault().merge().ok());
    ASSERT_EQ(1u, held(desk_).size());
    EXPECT_EQ(0u, noisy(desk_));
    pull(desk_, laptop_);
    release(desk_);
    EXPECT_EQ(laptop_.tree(), desk_.tree());
}

TEST_F(RewriteBrakeTest, NewFilesPicturesAndTextNeverMeetIt) {
    // An archive is unpacked, in several steps a file.
    for (int file = 0; file < 300; ++file) {
        const std::string path = "photos/" + std::to_string(file);
        ASSERT_TRUE(laptop_.write(path, noise(3000, static_cast<std::uint64_t>(file))).ok());
        if (file % 30 == 29) later(laptop_);
        ASSERT_TRUE(laptop_.append(path, noise(3000, static_cast<std::uint64_t>(file) + 1)).ok());
    }
    later(laptop_);
    EXPECT_TRUE(held(laptop_).empty());
    // A repository is packed: noise comes, what it holds goes.
    for (int file = 0; file < kFiles; ++file) ASSERT_TRUE(laptop_.remove(name(file)).ok());
    ASSERT_TRUE(laptop_.write("pack", noise(2'000'000, 1)).ok());
    later(laptop_);
    EXPECT_TRUE(held(laptop_).empty());
    clock_.advance(minutes(30));
    // All pictures are turned, some grow at their ends, all texts are edited.
    for (int file = 0; file < 300; ++file) {
        const std::string path = "photos/" + std::to_string(file);
        ASSERT_TRUE(laptop_
                        .write(path, "\xff\xd8\xff\xe0" +
                                         noise(5000, static_cast<std::uint64_t>(file) + 1000))
                        .ok());
    }
    for (int file = 0; file < kFiles; ++file)
        ASSERT_TRUE(laptop_.write(name(file), text(file + 1, size(file))).ok());
    later(laptop_);
    EXPECT_TRUE(held(laptop_).empty());
    pull(desk_, laptop_);
    EXPECT_TRUE(held(desk_).empty());
    EXPECT_EQ(laptop_.tree(), desk_.tree());
}

// What encrypts into new files and deletes the old ones.
TEST_F(RewriteBrakeTest, EncryptedCopiesWithTheirOriginalsDeletedAreHeldAsWell) {
    const auto before = laptop_.tree();
    for (int file = 0; file < kFiles; ++file) {
        const std::size_t with_header = size(file) + 300;
        ASSERT_TRUE(
            laptop_
                .write(name(file) + ".locked", noise(with_header, static_cast<std::uint64_t>(file)))
                .ok());
        ASSERT_TRUE(laptop_.remove(name(file)).ok());
        if (file % 10 == 9) later(laptop_);
    }
    later(laptop_);
    const auto stopped = held(laptop_);
    ASSERT_EQ(1u, stopped.size());
    EXPECT_TRUE(stopped[0].is_own);
    EXPECT_GT(stopped[0].files, kRewrittenFilesMin);
    pull(desk_, laptop_);
    EXPECT_LE(noisy(desk_), kRewrittenFilesMin);
    auto undone = laptop_.vault().undo_rewrites(false);
    ASSERT_TRUE(undone.ok()) << undone.error().message;
    EXPECT_EQ(before, laptop_.tree());
    later(laptop_);
    pull(desk_, laptop_);
    EXPECT_EQ(before, desk_.tree());
    EXPECT_TRUE(held(desk_).empty());
}

TEST_F(RewriteBrakeTest, AnotherDevicesEncryptedCopiesAreNotApplied) {
    ASSERT_TRUE(laptop_.vault().set_rewrite_brake(false).ok());
    for (int file = 0; file < kFiles; ++file)
        ASSERT_TRUE(laptop_
                        .write(name(file) + ".locked",
                               noise(size(file) + 16, static_cast<std::uint64_t>(file)))
                        .ok());
    later(laptop_);
    for (int file = 0; file < kFiles; ++file) {
        ASSERT_TRUE(laptop_.remove(name(file)).ok());
        if (file % 10 == 9) later(laptop_);
    }
    later(laptop_);
    pull(desk_, laptop_);
    const auto stopped = held(desk_);
    ASSERT_EQ(1u, stopped.size());
    EXPECT_FALSE(stopped[0].is_own);
    std::size_t originals = 0;
    for (int file = 0; file < kFiles; ++file) originals += desk_.read(name(file)).ok() ? 1U : 0U;
    EXPECT_GE(originals, static_cast<std::size_t>(kFiles) - kRewrittenFilesMin - 10);
    release(desk_);
    EXPECT_EQ(laptop_.tree(), desk_.tree());
}

// Photographs come in while papers go; a tree is moved, copied, packed; noise makes room for noise.
TEST_F(RewriteBrakeTest, FilesThatComeWhileOthersGoAreNoEncryption) {
    for (int file = 0; file < kFiles; ++file) {
        const auto seed = static_cast<std::uint64_t>(file);
        ASSERT_TRUE(laptop_
                        .write("photos/" + std::to_string(file) + ".jpg",
                               "\xff\xd8\xff\xe0" + noise(size(file) + 50, seed))
                        .ok());
        ASSERT_TRUE(laptop_
                        .write("store/" + std::to_string(file),
                               "\x78\x01" + noise(size(file) + 50, seed + 100))
                        .ok());
        ASSERT_TRUE(laptop_.write("copies/" + std::to_string(file), text(file, size(file))).ok());
        ASSERT_TRUE(laptop_.remove(name(file)).ok());
        if (file % 10 == 9) later(laptop_);
    }
    later(laptop_);
    EXPECT_TRUE(held(laptop_).empty());
    clock_.advance(minutes(30));
    // What was encrypted before is encrypted anew, into new files.
    for (int file = 0; file < kFiles; ++file)
        ASSERT_TRUE(laptop_
                        .write("old/" + std::to_string(file),
                               noise(30'000, static_cast<std::uint64_t>(file) + 1'000))
                        .ok());
    later(laptop_);
    clock_.advance(minutes(30));
    for (int file = 0; file < kFiles; ++file) {
        ASSERT_TRUE(laptop_
                        .write("new/" + std::to_string(file),
                               noise(30'100, static_cast<std::uint64_t>(file) + 2'000))
                        .ok());
        ASSERT_TRUE(laptop_.remove("old/" + std::to_string(file)).ok());
    }
    // Moved: under other names, and what was there goes.
    for (int file = 0; file < kFiles; ++file)
        ASSERT_TRUE(
            laptop_.rename("new/" + std::to_string(file), "moved/" + std::to_string(file)).ok());
    later(laptop_);
    EXPECT_TRUE(held(laptop_).empty());
    // Much is unpacked, and some papers go: they are too few, and of other sizes.
    clock_.advance(minutes(30));
    for (int file = 0; file < 300; ++file)
        ASSERT_TRUE(laptop_
                        .write("unpacked/" + std::to_string(file),
                               noise(5'000, static_cast<std::uint64_t>(file) + 3'000))
                        .ok());
    for (int file = 0; file < kFiles; ++file)
        ASSERT_TRUE(laptop_.remove("copies/" + std::to_string(file)).ok());
    later(laptop_);
    EXPECT_TRUE(held(laptop_).empty());
    pull(desk_, laptop_);
    EXPECT_TRUE(held(desk_).empty());
    EXPECT_EQ(laptop_.tree(), desk_.tree());
}

// Films and disk images: samples of them are read.
TEST_F(RewriteBrakeTest, LargeFilesAreJudgedBySamples) {
    constexpr int kLarge = 22;
    constexpr std::size_t kSize = 17'000'000;
    const auto film = [](int file) { return "films/" + std::to_string(file); };
    // A text that does not repeat, or all of it would be one chunk.
    const std::string begin = text(1, kSize);
    for (int file = 0; file < kLarge; ++file) ASSERT_TRUE(laptop_.write(film(file), begin).ok());
    later(laptop_);
    clock_.advance(minutes(30));
    const std::string end = noise(kSize, 77);
    for (int file = 0; file < kLarge; ++file) {
        ASSERT_TRUE(laptop_.write(film(file), end + std::to_string(file)).ok());
        later(laptop_);
    }
    ASSERT_EQ(1u, held(laptop_).size());
    EXPECT_GT(held(laptop_)[0].files, kRewrittenFilesMin);
}

TEST_F(RewriteBrakeTest, WhoJoinsLaterTakesItAsHistory) {
    encrypt_all(laptop_);
    release(laptop_);
    later(laptop_);
    clock_.advance(minutes(30));
    VaultDevice phone("phone", 3, clock_);
    ASSERT_TRUE(phone.join(laptop_).ok());
    pull(phone, laptop_);
    EXPECT_TRUE(held(phone).empty());
    EXPECT_EQ(laptop_.tree(), phone.tree());
}

TEST_F(RewriteBrakeTest, SlowRewritesAreNoMass) {
    for (int file = 0; file < kFiles; ++file) {
        ASSERT_TRUE(
            laptop_.write(name(file), noise(size(file), static_cast<std::uint64_t>(file))).ok());
        clock_.advance(minutes(1));
        later(laptop_);
    }
    EXPECT_TRUE(held(laptop_).empty());
    pull(desk_, laptop_);
    EXPECT_TRUE(held(desk_).empty());
    EXPECT_EQ(laptop_.tree(), desk_.tree());
}

}  // namespace
}  // namespace lockstep
