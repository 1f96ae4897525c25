// Holes of a FileContent, and parts put from one into another.
#include "base/random.h"
#include "tests/vault/file_content_fixture.h"

namespace lockstep {
namespace {

class FileContentRangesTest : public FileContentTest {
  protected:
    // A content and what it should be, byte by byte.
    struct Modelled {
        Modelled(MemoryChunks& chunks, const Chunker& chunker) : content(chunks, chunker) {}
        FileContent content;
        Bytes bytes;
        std::vector<bool> is_data;
        void resize(std::size_t size) {
            bytes.resize(size);
            is_data.resize(size);
        }
    };

    void write(Modelled& file, std::size_t at, const Bytes& data) {
        ASSERT_TRUE(file.content.write(at, data).ok());
        file.resize(std::max(file.bytes.size(), at + data.size()));
        std::copy(data.begin(), data.end(), file.bytes.begin() + diff(at));
        std::fill_n(file.is_data.begin() + diff(at), data.size(), true);
    }
    void punch(Modelled& file, std::size_t at, std::size_t length) {
        ASSERT_TRUE(file.content.punch(at, length).ok());
        if (at >= file.bytes.size()) return;
        length = std::min(length, file.bytes.size() - at);
        std::fill_n(file.bytes.begin() + diff(at), length, std::byte{0});
        std::fill_n(file.is_data.begin() + diff(at), length, false);
    }
    void copy(Modelled& from, std::size_t from_at, Modelled& to, std::size_t to_at,
              std::size_t length) {
        auto part = from.content.part(from_at, length);
        ASSERT_TRUE(part.ok());
        length = from_at < from.bytes.size() ? std::min(length, from.bytes.size() - from_at) : 0;
        ASSERT_EQ(part->length, length);
        ASSERT_TRUE(to.content.put(to_at, std::move(*part)).ok());
        if (length == 0) return;
        const Bytes bytes(from.bytes.begin() + diff(from_at),
                          from.bytes.begin() + diff(from_at + length));
        const std::vector<bool> is_data(from.is_data.begin() + diff(from_at),
                                        from.is_data.begin() + diff(from_at + length));
        to.resize(std::max(to.bytes.size(), to_at + length));
        std::copy(bytes.begin(), bytes.end(), to.bytes.begin() + diff(to_at));
        std::copy(is_data.begin(), is_data.end(), to.is_data.begin() + diff(to_at));
    }
    // The chunks of the same data, each run of it written at once.
    ContentList canonical(const Modelled& file) {
        FileContent content(chunks_, chunker_);
        EXPECT_TRUE(content.truncate(file.bytes.size()).ok());
        for (std::size_t at = 0; at < file.bytes.size();) {
            std::size_t end = at;
            while (end < file.bytes.size() && file.is_data[end] == file.is_data[at]) ++end;
            if (file.is_data[at]) {
                EXPECT_TRUE(content.write(at, ByteView(file.bytes).subspan(at, end - at)).ok());
            }
            at = end;
        }
        auto sealed = content.seal();
        EXPECT_TRUE(sealed.ok());
        return sealed->list;
    }
    void expect_as_modelled(Modelled& file) {
        ASSERT_EQ(file.content.size(), file.bytes.size());
        ASSERT_TRUE(read_all(file.content) == file.bytes);
        // Holes are where they should be.
        std::optional<std::uint64_t> at = 0;
        while ((at = file.content.find_data(*at))) {
            ASSERT_TRUE(file.is_data[*at]);
            const auto end = file.content.find_hole(*at);
            ASSERT_TRUE(end && *end > *at);
            ASSERT_TRUE(*end == file.bytes.size() || !file.is_data[*end]);
            at = end;
        }
        const auto holes =
            static_cast<std::uint64_t>(std::count(file.is_data.begin(), file.is_data.end(), false));
        ASSERT_EQ(file.content.hole_bytes(0, file.bytes.size()), holes);
    }
    static std::ptrdiff_t diff(std::size_t at) { return static_cast<std::ptrdiff_t>(at); }
};

TEST_F(FileContentRangesTest, ACopyOfAllSharesAll) {
    FileContent source(chunks_, chunker_), target(chunks_, chunker_);
    ASSERT_TRUE(source.write(0, noise(3 * kMiB)).ok());
    auto sealed = source.seal();
    ASSERT_TRUE(sealed.ok());
    const std::size_t chunks = chunks_.count();
    auto part = source.part(0, ~std::uint64_t{0});
    ASSERT_TRUE(part.ok());
    ASSERT_TRUE(target.put(0, std::move(*part)).ok());
    EXPECT_EQ(target.dirty_bytes(), 0U);
    auto copied = target.seal();
    ASSERT_TRUE(copied.ok());
    EXPECT_EQ(copied->list, sealed->list);
    EXPECT_EQ(chunks_.count(), chunks);
}

TEST_F(FileContentRangesTest, APartBringsItsChunksAndBytesAtItsEdges) {
    FileContent source(chunks_, chunker_), target(chunks_, chunker_);
    ASSERT_TRUE(source.write(0, noise(8 * kMiB)).ok());
    ASSERT_TRUE(source.seal().ok());
    ASSERT_TRUE(target.write(0, noise(100 * kKiB)).ok());
    ASSERT_TRUE(target.seal().ok());
    const std::size_t chunks = chunks_.count();
    auto part = source.part(1'000'001, 5 * kMiB);
    ASSERT_TRUE(part.ok());
    ASSERT_TRUE(target.put(77'777, std::move(*part)).ok());
    EXPECT_LE(target.dirty_bytes(), 3 * kChunkSizeMax);
    ASSERT_TRUE(target.seal().ok());
    EXPECT_LE(chunks_.count() - chunks, 12U);
}

// Small contents are not sealed for a copy: what was written over their chunks is not in these.
TEST_F(FileContentRangesTest, ACopyOfALittleHasWhatWasWrittenOverItsChunk) {
    for (const std::size_t at : {0U, 300U, 1300U, 1450U}) {
        Modelled source(chunks_, chunker_), target(chunks_, chunker_);
        write(source, 0, noise(1500));
        ASSERT_TRUE(source.content.truncate(100'000).ok());  // with a hole it is sealed
        ASSERT_TRUE(source.content.seal().ok());
        ASSERT_TRUE(source.content.truncate(1500).ok());
        write(source, at, noise(200));
        copy(source, 0, target, 0, 1500);
        expect_as_modelled(target);
        copy(source, 100, target, 5000, 1300);
        expect_as_modelled(target);
    }
}

// Where a content ended, or a hole began, the last chunk was cut for that reason alone.
TEST_F(FileContentRangesTest, CopiesThatMeetOtherDataAreCutAsOne) {
    Modelled source(chunks_, chunker_), target(chunks_, chunker_);
    write(source, 0, noise(500 * kKiB + 77));
    ASSERT_TRUE(source.content.seal().ok());
    const std::size_t size = source.bytes.size();
    write(target, 0, noise(900 * kKiB));
    punch(target, 0, size);
    ASSERT_TRUE(target.content.seal().ok());
    copy(source, 0, target, 0, size);  // fills the hole
    auto sealed = target.content.seal();
    ASSERT_TRUE(sealed.ok());
    EXPECT_EQ(sealed->list, canonical(target));
    copy(source, 0, target, target.bytes.size(), size);  // appends
    copy(source, 0, target, target.bytes.size(), size);
    sealed = target.content.seal();
    ASSERT_TRUE(sealed.ok());
    EXPECT_EQ(sealed->list, canonical(target));
    expect_as_modelled(target);
}

TEST_F(FileContentRangesTest, PuttingWhatCannotBeReadChangesNothing) {
    FileContent source(chunks_, chunker_), target(chunks_, chunker_);
    const Bytes bytes = noise(kMiB);
    ASSERT_TRUE(target.write(0, bytes).ok());
    ASSERT_TRUE(target.seal().ok());
    ContentPart part;
    part.length = 20 * kKiB;
    part.pieces.push_back({.length = part.length,
                           .chunk = system_random().id<ChunkId>(),
                           .ends_with_data = true,
                           .bytes = {}});
    EXPECT_FALSE(target.put(300 * kKiB, std::move(part)).ok());
    EXPECT_TRUE(read_all(target) == bytes);
}

// Writes, holes, copies between two contents and within one: bytes, holes and chunks are those of
// the model.
TEST_F(FileContentRangesTest, RandomRangesEqualTheModelAndStayCanonical) {
    for (int round = 0; round < 10; ++round) {
        SCOPED_TRACE(round);
        Modelled files[2] = {{chunks_, chunker_}, {chunks_, chunker_}};
        for (Modelled& file : files) write(file, 0, noise(700 * kKiB));
        for (int step = 0; step < 50; ++step) {
            SCOPED_TRACE(step);
            Modelled &one = files[random_() % 2], &other = files[random_() % 2];
            const std::size_t at = random_() % (one.bytes.size() + 50 * kKiB);
            const std::size_t length = 1 + random_() % (random_() % 3 == 0 ? 400 * kKiB : 5 * kKiB);
            switch (random_() % 8) {
                case 0:
                    write(one, at, noise(length));
                    break;
                case 1:
                case 2:
                    punch(one, at, length);
                    break;
                case 3:
                case 4:
                case 5: {
                    const std::size_t from = random_() % other.bytes.size();
                    copy(other, from, one, at, length);
                    break;
                }
                case 6:
                    ASSERT_TRUE(one.content.truncate(at).ok());
                    one.resize(at);
                    break;
                default: {
                    auto sealed = one.content.seal();
                    ASSERT_TRUE(sealed.ok());
                    if (!sealed->bytes) {
                        ASSERT_EQ(sealed->list, canonical(one));
                    }
                }
            }
            if (HasFatalFailure()) return;
            expect_as_modelled(one);
            if (HasFatalFailure()) return;
            if (one.bytes.empty()) write(one, 0, noise(kMiB));
        }
    }
}

}  // namespace
}  // namespace lockstep
