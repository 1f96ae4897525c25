// Content of files, and many callers at a time.
#include <algorithm>
#include <atomic>
#include <cctype>
#include <thread>

#include "base/mutex.h"
#include "tests/support/seeded_random.h"
#include "tests/vault/file_system_conformance.h"
#include "vault/limits.h"

namespace lockstep {
namespace {

constexpr std::size_t kBlock = 4096;

std::string pattern(std::uint64_t seed, std::size_t size) {
    return std::string(as_text(SeededRandom(seed).bytes(size)));
}

AttributeChange resized_to(std::uint64_t size) {
    AttributeChange change;
    change.size = size;
    return change;
}

}  // namespace

TEST_P(FileSystemConformance, ReadsEndAtTheEndOfTheFile) {
    const HandleId handle = open_to_write(make_file(kRootNode, "f", "0123456789"));
    EXPECT_EQ(read(handle, 0, 10), "0123456789");
    EXPECT_EQ(read(handle, 0, 11), "0123456789");
    EXPECT_EQ(read(handle, 9, 5), "9");
    EXPECT_EQ(read(handle, 10, 5), "");
    EXPECT_EQ(read(handle, 1'000'000, 5), "");
    EXPECT_EQ(read(handle, 3, 0), "");
    fs().release(handle);
}

TEST_P(FileSystemConformance, WritesShowAtOnceThroughEveryHandle) {
    const NodeId file = make_file(kRootNode, "f", "aaaa");
    const HandleId one = open_to_write(file), two = open_for(file, {});
    write(one, 2, "bbbb");
    EXPECT_EQ(read(two, 0, 100), "aabbbb");
    EXPECT_EQ(attributes_of(file).size, 6U);
    fs().release(one);
    EXPECT_EQ(read(two, 0, 100), "aabbbb");
    fs().release(two);
}

TEST_P(FileSystemConformance, WritingBeyondTheEndLeavesZeros) {
    const NodeId file = make_file(kRootNode, "f", "ab");
    const HandleId handle = open_to_write(file);
    write(handle, 10 * kBlock, "z");
    EXPECT_EQ(attributes_of(file).size, 10 * kBlock + 1);
    EXPECT_EQ(read(handle, 0, 20 * kBlock), "ab" + std::string(10 * kBlock - 2, '\0') + "z");
    EXPECT_OK(fs().flush(handle));
    fs().release(handle);
    EXPECT_EQ(content_of(file), "ab" + std::string(10 * kBlock - 2, '\0') + "z");
}

TEST_P(FileSystemConformance, FarWritesDoNotFillTheHole) {
    constexpr std::uint64_t kFar = std::uint64_t{1} << 40;
    const NodeId file = make_file(kRootNode, "f");
    const HandleId handle = open_to_write(file);
    write(handle, kFar, "end");
    EXPECT_OK(fs().flush(handle));
    EXPECT_EQ(attributes_of(file).size, kFar + 3);
    EXPECT_LT(attributes_of(file).allocated, std::uint64_t{1} << 24);
    EXPECT_EQ(read(handle, kFar - 2, 10), std::string("\0\0end", 5));
    EXPECT_EQ(read(handle, kFar / 2, 3), std::string(3, '\0'));
    fs().release(handle);
    EXPECT_EQ(attributes_of(file).size, kFar + 3);
}

TEST_P(FileSystemConformance, FilesEndAtTheLargestSize) {
    const HandleId handle = open_to_write(make_file(kRootNode, "f"));
    EXPECT_FAILS(TooLarge, fs().write(handle, kFileSizeMax, as_bytes("x")));
    EXPECT_FAILS(TooLarge, fs().write(handle, kFileSizeMax - 1, as_bytes("xy")));
    fs().release(handle);
}

TEST_P(FileSystemConformance, TruncatingDropsAndGrowingZeros) {
    const NodeId file = make_file(kRootNode, "f", pattern(1, 3 * kBlock));
    EXPECT_OK(fs().set_attributes(file, resized_to(kBlock + 7), {}));
    EXPECT_EQ(content_of(file), pattern(1, 3 * kBlock).substr(0, kBlock + 7));
    EXPECT_OK(fs().set_attributes(file, resized_to(2 * kBlock), {}));
    EXPECT_EQ(content_of(file),
              pattern(1, 3 * kBlock).substr(0, kBlock + 7) + std::string(kBlock - 7, '\0'));
    EXPECT_OK(fs().set_attributes(file, resized_to(0), {}));
    EXPECT_EQ(content_of(file), "");
}

TEST_P(FileSystemConformance, TruncatingThroughAHandleThatStaysOpen) {
    const NodeId file = make_file(kRootNode, "f", "0123456789");
    const HandleId handle = open_to_write(file);
    EXPECT_OK(fs().set_attributes(file, resized_to(3), handle));
    write(handle, 5, "x");
    EXPECT_EQ(read(handle, 0, 100), std::string("012\0\0x", 6));
    EXPECT_OK(fs().flush(handle));
    fs().release(handle);
    EXPECT_EQ(content_of(file), std::string("012\0\0x", 6));
}

TEST_P(FileSystemConformance, AnUnlinkedFileIsAFileLikeAnyOther) {
    std::string content = pattern(4, 50000);
    const NodeId file = make_file(kRootNode, "f", content);
    const HandleId one = open_to_write(file), two = open_to_write(file);
    EXPECT_OK(fs().remove_file(kRootNode, "f"));
    write(one, 100, "written when it had no name");
    content.replace(100, 27, "written when it had no name");
    EXPECT_OK(fs().flush(one));
    EXPECT_OK(fs().sync(one));
    write(two, 45000, "and again after that");
    content.replace(45000, 20, "and again after that");
    EXPECT_EQ(read(one, 0, 60000), content);
    fs().release(two);
    const auto resized = fs().set_attributes(file, resized_to(30000), one);
    ASSERT_TRUE(resized.ok());
    EXPECT_EQ(resized->size, 30000U);
    EXPECT_EQ(attributes_of(file).size, 30000U);
    write(one, 40000, "end");
    EXPECT_EQ(attributes_of(file).size, 40003U);
    EXPECT_EQ(attributes_of(file).links, 0U);
    EXPECT_EQ(read(one, 0, 60000), content.substr(0, 30000) + std::string(10000, '\0') + "end");
    fs().release(one);
}

TEST_P(FileSystemConformance, OpeningWithTruncateEmpties) {
    const NodeId file = make_file(kRootNode, "f", "0123456789");
    const HandleId reader = open_for(file, {});
    const HandleId handle = open_for(file, {.read = false, .write = true, .truncate = true});
    EXPECT_EQ(attributes_of(file).size, 0U);
    write(handle, 0, "new");
    EXPECT_OK(fs().flush(handle));
    fs().release(handle);
    EXPECT_EQ(read(reader, 0, 100), "new");
    fs().release(reader);
}

TEST_P(FileSystemConformance, OnlyFilesAreOpened) {
    EXPECT_FAILS(IsDirectory, fs().open(make_directory(kRootNode, "d"), {}));
    const auto link = fs().make_symlink(kRootNode, "l", "t");
    ASSERT_TRUE(link.ok());
    EXPECT_FAILS(Loop, fs().open(link->node, {}));
    fs().forget(link->node, 1);
}

TEST_P(FileSystemConformance, HandlesDoWhatTheyWereOpenedFor) {
    const NodeId file = make_file(kRootNode, "f", "text");
    const HandleId reader = open_for(file, {.read = true, .write = false});
    EXPECT_FALSE(fs().write(reader, 0, as_bytes("x")).ok());
    fs().release(reader);
    EXPECT_EQ(content_of(file), "text");
}

TEST_P(FileSystemConformance, SyncAndFlushMayBeRepeated) {
    const NodeId file = make_file(kRootNode, "f");
    const HandleId handle = open_to_write(file);
    for (int i = 0; i < 3; ++i) {
        write(handle, static_cast<std::uint64_t>(i), "x");
        EXPECT_OK(fs().flush(handle));
        EXPECT_OK(fs().sync(handle));
        EXPECT_OK(fs().sync_metadata());
    }
    fs().release(handle);
    EXPECT_EQ(content_of(file), "xxx");
}

TEST_P(FileSystemConformance, LargeFilesComeBackAsWritten) {
    constexpr std::size_t kStep = kMiB, kSteps = 64;
    const NodeId file = make_file(kRootNode, "big");
    const HandleId handle = open_to_write(file);
    for (std::size_t i = 0; i < kSteps; ++i) write(handle, i * kStep, pattern(i, kStep));
    EXPECT_OK(fs().flush(handle));
    fs().release(handle);
    EXPECT_EQ(attributes_of(file).size, kSteps * kStep);
    EXPECT_GE(attributes_of(file).allocated, kSteps * kStep);
    const HandleId reader = open_for(file, {});
    for (std::size_t i = 0; i < kSteps; ++i)
        ASSERT_TRUE(read(reader, i * kStep, kStep) == pattern(i, kStep)) << "MiB " << i;
    fs().release(reader);
}

// Random reads, writes, truncates, closes and reopens of one file, compared with a string.
TEST_P(FileSystemConformance, RandomAccessEqualsAString) {
    constexpr std::size_t kSizeMax = 600 * kKiB;
    constexpr int kStepsPerSeed = 300;
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        SCOPED_TRACE(seed);
        SeededRandom random(seed);
        std::string model;
        const NodeId file = make_file(kRootNode, "f" + std::to_string(seed));
        HandleId handle = open_to_write(file);
        for (int step = 0; step < kStepsPerSeed; ++step) {
            SCOPED_TRACE(step);
            const std::size_t offset = random.below(kSizeMax);
            const std::size_t size = random.below(random.chance(50) ? 100 : 100 * kKiB);
            switch (random.below(10)) {
                case 0:
                case 1:
                case 2:
                case 3: {
                    const std::string data = pattern(random.below(1 << 30), size);
                    write(handle, offset, data);
                    if (data.empty()) break;
                    if (model.size() < offset + size) model.resize(offset + size);
                    model.replace(offset, size, data);
                    break;
                }
                case 4:
                    EXPECT_OK(fs().set_attributes(file, resized_to(offset), {}));
                    model.resize(offset);
                    break;
                case 5:
                    EXPECT_OK(fs().flush(handle));
                    fs().release(handle);
                    handle = open_to_write(file);
                    break;
                case 6:
                    EXPECT_OK(fs().sync(handle));
                    break;
                default:
                    ASSERT_TRUE(read(handle, offset, size) ==
                                (offset < model.size() ? model.substr(offset, size) : ""));
            }
            ASSERT_EQ(attributes_of(file).size, model.size());
        }
        EXPECT_OK(fs().flush(handle));
        fs().release(handle);
        ASSERT_TRUE(content_of(file) == model);
    }
}

TEST_P(FileSystemConformance, ManyFilesInOneDirectory) {
    constexpr std::size_t kFiles = 2000;
    const NodeId directory = make_directory(kRootNode, "d");
    for (std::size_t i = 0; i < kFiles; ++i)
        make_file(directory, "file-" + std::to_string(i), std::to_string(i));
    EXPECT_EQ(names_in(directory).size(), kFiles);
    for (std::size_t i = 0; i < kFiles; i += 97)
        EXPECT_EQ(content_of(node_of(directory, "file-" + std::to_string(i))), std::to_string(i));
    for (std::size_t i = 0; i < kFiles; ++i)
        EXPECT_OK(fs().remove_file(directory, "file-" + std::to_string(i)));
    EXPECT_OK(fs().remove_directory(kRootNode, "d"));
}

// ---- many callers ----

// Each thread works in files of its own within shared directories: what it sees of them is
// determined.
TEST_P(FileSystemConformance, ThreadsDoNotDisturbEachOther) {
    constexpr int kThreads = 8, kRounds = 40;
    const NodeId a = make_directory(kRootNode, "a"), b = make_directory(kRootNode, "b");
    std::atomic<int> wrong{0};
    const auto work = [&](int number) {
        SeededRandom random(static_cast<std::uint64_t>(number) + 1);
        const std::string mine = "t" + std::to_string(number);
        for (int round = 0; round < kRounds; ++round) {
            const std::string content = pattern(random.below(1 << 30), random.below(40 * kKiB));
            const auto made = fs().create(a, mine, 0644);
            bool good = made.ok() && fs().write(made->handle, 0, as_bytes(content)).ok() &&
                        fs().flush(made->handle).ok() &&
                        fs().rename(a, mine, b, mine, RenameMode::NoReplace).ok();
            std::string back(content.size(), '?');
            if (good) {
                const auto length = fs().read(
                    made->handle, 0, std::as_writable_bytes(std::span(back.data(), back.size())));
                good = length.ok() && *length == content.size() && back == content;
                fs().release(made->handle);
                good = good && fs().list(b).ok() && fs().remove_file(b, mine).ok();
                fs().forget(made->attributes.node, 1);
            }
            if (!good) ++wrong;
        }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) threads.emplace_back(work, i);
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
    EXPECT_TRUE(names_in(a).empty());
    EXPECT_TRUE(names_in(b).empty());
}

// All threads fight for one name: somebody wins each time, and nothing is left but what the last
// one made.
TEST_P(FileSystemConformance, OneNameIsMadeOnce) {
    constexpr int kThreads = 8, kRounds = 50;
    std::atomic<int> made_count{0}, removed_count{0};
    const auto work = [&] {
        for (int round = 0; round < kRounds; ++round) {
            const auto made = fs().create(kRootNode, "x", 0644);
            if (made.ok()) {
                ++made_count;
                fs().release(made->handle);
                fs().forget(made->attributes.node, 1);
            }
            if (fs().remove_file(kRootNode, "x").ok()) ++removed_count;
        }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) threads.emplace_back(work);
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(made_count, removed_count);
    EXPECT_TRUE(names_in(kRootNode).empty());
}

TEST_P(FileSystemConformance, ThreadsWriteDisjointPartsOfOneFile) {
    constexpr std::size_t kThreads = 8, kPart = 64 * kKiB + 13;
    const NodeId file = make_file(kRootNode, "f");
    const auto work = [&](std::size_t number) {
        const auto handle = fs().open(file, {.read = true, .write = true});
        ASSERT_TRUE(handle.ok());
        const std::string part = pattern(number, kPart);
        for (std::size_t done = 0; done < kPart; done += 1000)
            EXPECT_TRUE(
                fs().write(*handle, number * kPart + done, as_bytes(part.substr(done, 1000))).ok());
        EXPECT_TRUE(fs().flush(*handle).ok());
        fs().release(*handle);
    };
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < kThreads; ++i) threads.emplace_back(work, i);
    for (std::thread& thread : threads) thread.join();
    std::string expected;
    for (std::size_t i = 0; i < kThreads; ++i) expected += pattern(i, kPart);
    EXPECT_TRUE(content_of(file) == expected);
}

// A kernel releases a handle when it finds time for that: whoever sets the size meanwhile sets it.
TEST_P(FileSystemConformance, ASizeSetWhileTheLastHandleIsReleasedStays) {
    constexpr std::uint64_t kRounds = 300;
    const NodeId file = make_file(kRootNode, "f");
    for (std::uint64_t round = 0; round < kRounds; ++round) {
        const auto handle = fs().open(file, {.read = true, .write = true});
        ASSERT_TRUE(handle.ok());
        ASSERT_TRUE(fs().write(*handle, 0, as_bytes(pattern(round, 40'000))).ok());
        std::atomic<bool> is_releasing{false};
        std::thread releasing([&] {
            is_releasing = true;
            fs().release(*handle);
        });
        while (!is_releasing) std::this_thread::yield();
        const std::uint64_t size = 1000 + round;
        AttributeChange change;
        change.size = size;
        const auto changed = fs().set_attributes(file, change, std::nullopt);
        const auto seen = fs().attributes(file);
        releasing.join();
        ASSERT_TRUE(changed.ok());
        EXPECT_EQ(changed->size, size);
        EXPECT_EQ(seen->size, size);
        EXPECT_EQ(fs().attributes(file)->size, size);
        ASSERT_TRUE(content_of(file) == pattern(round, 40'000).substr(0, size)) << round;
    }
}

}  // namespace lockstep
