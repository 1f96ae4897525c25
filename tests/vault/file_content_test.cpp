#include "tests/vault/file_content_fixture.h"
#include "vault/files/dirty_ranges.h"

namespace lockstep {
namespace {

TEST_F(FileContentTest, SmallContentStaysBytes) {
    FileContent content(chunks_, chunker_);
    ASSERT_TRUE(content.write(3, as_bytes("abc")).ok());
    auto sealed = content.seal();
    ASSERT_TRUE(sealed.ok());
    ASSERT_TRUE(sealed->bytes.has_value());
    EXPECT_EQ(std::string("\0\0\0abc", 6), as_text(*sealed->bytes));
    EXPECT_EQ(0u, chunks_.count());
}

TEST_F(FileContentTest, AStreamSealedOnTheWayHasTheChunksOfOneWrite) {
    Bytes bytes = noise(3 * kMiB + 12345);
    FileContent content(chunks_, chunker_);
    for (std::size_t at = 0; at < bytes.size(); at += 128 * kKiB) {
        std::size_t size = std::min<std::size_t>(128 * kKiB, bytes.size() - at);
        ASSERT_TRUE(content.write(at, ByteView(bytes).subspan(at, size)).ok());
        if (at % (512 * kKiB) == 0) {
            content.seal_stream(1);
            ASSERT_TRUE(content.take_stream_error().ok());
            EXPECT_LE(content.dirty_bytes(), kChunkSizeMax);
        }
    }
    auto sealed = content.seal();
    ASSERT_TRUE(sealed.ok());
    EXPECT_EQ(chunked_whole(bytes), sealed->list);
    EXPECT_EQ(bytes, read_all(content));
}

// The tail that no content has cut yet and what was written behind it meanwhile are one stream.
TEST_F(FileContentTest, AStreamThatGrowsWhileItIsSealedHasTheChunksOfOneWrite) {
    const Bytes bytes = noise(24 * kMiB);
    FileContent content(chunks_, chunker_);
    std::size_t done = 0;
    const auto grow = [&](std::size_t size) {
        const auto part = ByteView(bytes).subspan(done, std::min(size, bytes.size() - done));
        EXPECT_TRUE(content.write(done, part).ok());
        done += part.size();
    };
    while (done < bytes.size()) {
        grow(kMiB);
        bool has_grown = false;
        chunks_.on_write = [&] {
            if (!std::exchange(has_grown, true)) grow(2 * kMiB);
        };
        content.seal_stream();
        chunks_.on_write = nullptr;
    }
    auto sealed = content.seal();
    ASSERT_TRUE(sealed.ok());
    EXPECT_EQ(sealed->list, chunked_whole(bytes));
    EXPECT_EQ(chunks_.count(), sealed->list.extents().size());
}

TEST_F(FileContentTest, AnEditInTheMiddleLeavesTheChunksOfTheRest) {
    Bytes bytes = noise(4 * kMiB);
    FileContent content(chunks_, chunker_);
    ASSERT_TRUE(content.write(0, bytes).ok());
    ASSERT_TRUE(content.seal().ok());
    std::size_t before = chunks_.count();
    ASSERT_TRUE(content.write(2 * kMiB, as_bytes("edit")).ok());
    std::memcpy(bytes.data() + 2 * kMiB, "edit", 4);
    auto sealed = content.seal();
    ASSERT_TRUE(sealed.ok());
    EXPECT_LE(chunks_.count() - before, 3u);
    EXPECT_EQ(chunked_whole(bytes), sealed->list);
}

TEST_F(FileContentTest, SealingNeedsChunksThatItHasReplacedNoLonger) {
    FileContent content(chunks_, chunker_);
    ASSERT_TRUE(content.write(0, noise(4 * kMiB)).ok());
    ASSERT_TRUE(content.seal().ok());
    const std::vector<ChunkId> before = content.chunks();
    ASSERT_TRUE(chunks_.done().empty());
    for (std::uint64_t at = 0; at < 4 * kMiB; at += kMiB)
        ASSERT_TRUE(content.write(at + 1000, as_bytes("edit")).ok());
    ASSERT_TRUE(content.seal().ok());
    const std::vector<ChunkId> after = content.chunks();
    const std::set<ChunkId> kept(after.begin(), after.end());
    std::set<ChunkId> replaced;
    for (const ChunkId& id : before)
        if (!kept.contains(id)) replaced.insert(id);
    EXPECT_FALSE(replaced.empty());
    EXPECT_TRUE(std::includes(chunks_.done().begin(), chunks_.done().end(), replaced.begin(),
                              replaced.end()));
    EXPECT_LT(chunks_.done().size(), before.size()) << "the others were not read";
}

TEST_F(FileContentTest, AppendingCutsTheLastChunkAnew) {
    Bytes bytes = noise(300 * kKiB), more = noise(200 * kKiB);
    FileContent content(chunks_, chunker_);
    ASSERT_TRUE(content.write(0, bytes).ok());
    ASSERT_TRUE(content.seal().ok());
    ASSERT_TRUE(content.write(bytes.size(), more).ok());
    append(bytes, more);
    auto sealed = content.seal();
    ASSERT_TRUE(sealed.ok());
    EXPECT_EQ(chunked_whole(bytes), sealed->list);
}

TEST_F(FileContentTest, RangesNeverWrittenAreHoles) {
    FileContent content(chunks_, chunker_);
    ASSERT_TRUE(content.truncate(std::uint64_t{100} << 30).ok());
    ASSERT_TRUE(content.write(std::uint64_t{50} << 30, noise(100 * kKiB)).ok());
    auto sealed = content.seal();
    ASSERT_TRUE(sealed.ok());
    EXPECT_EQ(std::uint64_t{100} << 30, sealed->list.size());
    EXPECT_EQ(100 * kKiB, content.allocated());
}

// Random writes, truncations and seals against a plain vector; at every seal without holes the
// chunks are those of the same bytes written at once.
TEST_F(FileContentTest, RandomEditsReadBackAndStayCanonical) {
    for (int round = 0; round < 12; ++round) {
        FileContent content(chunks_, chunker_);
        Bytes model;
        auto first = noise(kMiB);
        ASSERT_TRUE(content.write(0, first).ok());
        model = first;
        bool has_holes = false;
        for (int step = 0; step < 60; ++step) {
            std::uint64_t pick = random_() % 10;
            if (pick < 6) {
                std::size_t at = random_() % (model.size() + 1);
                Bytes data = noise(1 + random_() % (random_() % 4 == 0 ? 400 * kKiB : 3000));
                ASSERT_TRUE(content.write(at, data).ok());
                if (model.size() < at + data.size()) model.resize(at + data.size());
                std::copy(data.begin(), data.end(),
                          model.begin() + static_cast<std::ptrdiff_t>(at));
            } else if (pick == 6) {
                std::size_t size = random_() % (model.size() + model.size() / 8 + 1);
                has_holes |= size > model.size();
                ASSERT_TRUE(content.truncate(size).ok());
                model.resize(size);
            } else if (pick == 7) {
                content.seal_stream(1);
                ASSERT_TRUE(content.take_stream_error().ok());
            } else if (pick == 8) {
                auto sealed = content.seal();
                ASSERT_TRUE(sealed.ok());
                if (sealed->bytes) {
                    EXPECT_EQ(model, *sealed->bytes);
                } else if (!has_holes) {
                    ASSERT_EQ(chunked_whole(model), sealed->list)
                        << "round " << round << " step " << step;
                }
            } else if (!model.empty()) {
                std::size_t at = random_() % model.size(),
                            size = 1 + random_() % (model.size() - at);
                Bytes out(size);
                auto got = content.read(at, out);
                ASSERT_TRUE(got.ok());
                ASSERT_EQ(size, *got);
                ASSERT_TRUE(equal(out, ByteView(model).subspan(at, size)))
                    << "round " << round << " step " << step;
            }
        }
        ASSERT_TRUE(content.seal().ok());
        ASSERT_EQ(model, read_all(content)) << "round " << round;
    }
}

TEST(DirtyRangesTest, LatestWriteIsOnTopAndRangesMerge) {
    DirtyRanges ranges;
    ranges.write(10, as_bytes("aaaa"));
    ranges.write(20, as_bytes("bbbb"));
    ranges.write(12, as_bytes("cccccccccc"));
    EXPECT_EQ(14u, ranges.bytes());
    EXPECT_TRUE(ranges.covers(10, 14));
    Bytes out(14);
    ranges.overlay(10, out);
    EXPECT_EQ("aaccccccccccbb", as_text(out));
    ranges.erase(12, 4);
    EXPECT_FALSE(ranges.covers(10, 14));
    EXPECT_EQ(10u, ranges.bytes());
    EXPECT_EQ(16u, ranges.next(12).offset);
    ranges.truncate(17);
    EXPECT_EQ(3u, ranges.bytes());
}

}  // namespace
}  // namespace lockstep
