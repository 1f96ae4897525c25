// Ranges of open files: holes, allocation, copies.
#include <algorithm>

#include "tests/support/seeded_random.h"
#include "tests/vault/file_system_conformance.h"
#include "vault/limits.h"

namespace lockstep {
namespace {

std::string pattern(std::uint64_t seed, std::size_t size) {
    return std::string(as_text(SeededRandom(seed).bytes(size)));
}

}  // namespace

TEST_P(FileSystemConformance, SeekingFindsDataAndHoles) {
    const HandleId handle = open_to_write(make_file(kRootNode, "f"));
    EXPECT_EQ(*fs().seek(handle, 0, SeekTarget::Data), std::nullopt);
    EXPECT_EQ(*fs().seek(handle, 0, SeekTarget::Hole), std::nullopt);
    write(handle, 4 * kMiB, pattern(1, kMiB));
    EXPECT_OK(fs().change_range(
        handle, {.kind = RangeChange::Kind::Allocate, .offset = 0, .length = 8 * kMiB}));
    for (int round = 0; round < 2; ++round) {
        EXPECT_EQ(*fs().seek(handle, 0, SeekTarget::Hole), 0U);
        EXPECT_EQ(*fs().seek(handle, 0, SeekTarget::Data), 4 * kMiB);
        EXPECT_EQ(*fs().seek(handle, 4 * kMiB + 7, SeekTarget::Data), 4 * kMiB + 7);
        EXPECT_EQ(*fs().seek(handle, 4 * kMiB + 7, SeekTarget::Hole), 5 * kMiB);
        EXPECT_EQ(*fs().seek(handle, 5 * kMiB, SeekTarget::Data), std::nullopt);
        EXPECT_EQ(*fs().seek(handle, 8 * kMiB - 1, SeekTarget::Hole), 8 * kMiB - 1);
        EXPECT_EQ(*fs().seek(handle, 8 * kMiB, SeekTarget::Hole), std::nullopt);
        EXPECT_OK(fs().sync(handle));
    }
    fs().release(handle);
}

TEST_P(FileSystemConformance, DataReachesToTheEndOfAFile) {
    const HandleId handle = open_to_write(make_file(kRootNode, "f", "text"));
    EXPECT_EQ(*fs().seek(handle, 1, SeekTarget::Data), 1U);
    EXPECT_EQ(*fs().seek(handle, 1, SeekTarget::Hole), 4U);
    EXPECT_EQ(*fs().seek(handle, 4, SeekTarget::Data), std::nullopt);
    fs().release(handle);
}

TEST_P(FileSystemConformance, RangesAreAllocatedZeroedAndPunched) {
    using Kind = RangeChange::Kind;
    const NodeId file = make_file(kRootNode, "f");
    const HandleId handle = open_to_write(file);
    std::string model = pattern(2, 600 * kKiB);
    write(handle, 0, model);
    const auto change = [&](Kind kind, std::uint64_t offset, std::uint64_t length, bool keep_size) {
        return fs().change_range(
            handle, {.kind = kind, .offset = offset, .length = length, .keep_size = keep_size});
    };
    EXPECT_OK(change(Kind::Allocate, 0, 10 * kKiB, false));
    EXPECT_OK(change(Kind::Allocate, 0, kMiB, true));
    EXPECT_TRUE(read(handle, 0, 2 * kMiB) == model);
    EXPECT_OK(change(Kind::Allocate, 500 * kKiB, 200 * kKiB, false));
    model.resize(700 * kKiB);
    EXPECT_OK(change(Kind::Punch, 100'001, 200'003, true));
    model.replace(100'001, 200'003, 200'003, '\0');
    EXPECT_OK(change(Kind::Punch, 690 * kKiB, kMiB, true));
    EXPECT_OK(change(Kind::Zero, 5, 10, true));
    model.replace(5, 10, 10, '\0');
    EXPECT_OK(change(Kind::Zero, 699 * kKiB, 2 * kKiB, true));
    EXPECT_TRUE(read(handle, 0, 2 * kMiB) == model);
    EXPECT_OK(change(Kind::Zero, 699 * kKiB, 2 * kKiB, false));
    model.resize(701 * kKiB);
    EXPECT_EQ(attributes_of(file).size, model.size());
    EXPECT_TRUE(read(handle, 0, 2 * kMiB) == model);
    EXPECT_FAILS(Invalid, change(Kind::Punch, 0, 0, true));
    EXPECT_FAILS(TooLarge, change(Kind::Allocate, kFileSizeMax, 1, false));
    EXPECT_OK(fs().flush(handle));
    fs().release(handle);
    EXPECT_TRUE(content_of(file) == model);
    const HandleId reader = open_for(file, {});
    EXPECT_FAILS(Invalid, fs().change_range(reader, {.kind = Kind::Punch, .length = 1}));
    fs().release(reader);
}

TEST_P(FileSystemConformance, PunchedRangesTakeNoSpace) {
    const NodeId file = make_file(kRootNode, "f");
    const HandleId handle = open_to_write(file);
    write(handle, 0, pattern(3, 2 * kMiB));
    EXPECT_OK(fs().change_range(
        handle, {.kind = RangeChange::Kind::Punch, .offset = 0, .length = 2 * kMiB - 64 * kKiB}));
    EXPECT_LE(attributes_of(file).allocated, 128 * kKiB);
    EXPECT_OK(fs().flush(handle));
    EXPECT_LE(attributes_of(file).allocated, 128 * kKiB);
    fs().release(handle);
    if (reopen()) {
        EXPECT_LE(attributes_of(node_of(kRootNode, "f")).allocated, 128 * kKiB);
    }
}

TEST_P(FileSystemConformance, CopiesHaveTheBytesOfTheirMoment) {
    const std::string text = pattern(4, 3 * kMiB);
    const NodeId source = make_file(kRootNode, "source", text);
    const NodeId target = make_file(kRootNode, "target", "old content");
    const HandleId from = open_to_write(source), to = open_to_write(target);
    std::uint64_t done = 0;
    while (done < text.size()) {
        const auto copied = fs().copy_range({.from = from,
                                             .to = to,
                                             .from_offset = done,
                                             .to_offset = 4 + done,
                                             .length = ~std::uint64_t{0} >> 8});
        ASSERT_TRUE(copied.ok() && *copied > 0);
        done += *copied;
    }
    EXPECT_EQ(done, text.size());
    // At the end of the source there is nothing more.
    const auto beyond = fs().copy_range(
        {.from = from, .to = to, .from_offset = done, .to_offset = 0, .length = 10});
    ASSERT_TRUE(beyond.ok());
    EXPECT_EQ(*beyond, 0U);
    write(from, 0, "changed afterwards");
    EXPECT_OK(fs().flush(from));
    EXPECT_OK(fs().flush(to));
    fs().release(from);
    fs().release(to);
    EXPECT_TRUE(content_of(target) == "old " + text);
    EXPECT_EQ(content_of(source).substr(0, 18), "changed afterwards");
}

TEST_P(FileSystemConformance, CopiesWithinAFileMustNotOverlap) {
    const NodeId file = make_file(kRootNode, "f", "0123456789");
    const HandleId handle = open_to_write(file), other = open_to_write(file);
    const auto copy = [&](std::uint64_t from, std::uint64_t to, std::uint64_t length) {
        return fs().copy_range(
            {.from = handle, .to = other, .from_offset = from, .to_offset = to, .length = length});
    };
    EXPECT_FAILS(Invalid, copy(0, 4, 5));
    EXPECT_FAILS(Invalid, copy(4, 0, 5));
    EXPECT_OK(copy(0, 5, 5));
    EXPECT_EQ(read(handle, 0, 100), "0123401234");
    const HandleId reader = open_for(file, {});
    EXPECT_FAILS(Invalid, fs().copy_range({.from = handle, .to = reader, .length = 1}));
    for (HandleId each : {handle, other, reader}) fs().release(each);
}

TEST_P(FileSystemConformance, RemovedFilesAreCopiedFromAndTo) {
    const HandleId from = open_to_write(make_file(kRootNode, "a", pattern(5, 100 * kKiB)));
    const HandleId to = open_to_write(make_file(kRootNode, "b"));
    EXPECT_OK(fs().remove_file(kRootNode, "a"));
    EXPECT_OK(fs().remove_file(kRootNode, "b"));
    const auto copied = fs().copy_range({.from = from, .to = to, .length = 100 * kKiB});
    ASSERT_TRUE(copied.ok());
    EXPECT_EQ(*copied, 100 * kKiB);
    EXPECT_TRUE(read(to, 0, kMiB) == pattern(5, 100 * kKiB));
    fs().release(from);
    fs().release(to);
}

}  // namespace lockstep
