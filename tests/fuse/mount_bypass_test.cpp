// A new file that is only written goes past the kernel's pages. What matters: whoever else reads,
// maps or writes it meanwhile or later sees what was written, as if it did not.
#include <atomic>

#include <sys/mman.h>

#include "tests/fuse/mounted_test.h"

namespace lockstep {
namespace {

class MountBypassTest : public MountedTest {
  protected:
    static void append(const UniqueFd& fd, const std::string& text) {
        ASSERT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    static std::string read_all(const UniqueFd& fd) {
        std::string out(1 << 20, '?');
        const ssize_t size = ::pread(fd.get(), out.data(), out.size(), 0);
        out.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
        return out;
    }
    // What a process sees that maps the file. Not of this process: it serves the mount.
    static bool maps(const std::string& path, int flags, const std::string& expected) {
        return in_child([&] {
            const int fd = ::open(path.c_str(), O_RDONLY);
            void* at = ::mmap(nullptr, expected.size(), PROT_READ, flags, fd, 0);
            return at != MAP_FAILED && std::memcmp(at, expected.data(), expected.size()) == 0;
        });
    }
};

TEST_F(MountBypassTest, ReadersOfAFileThatIsStillWrittenSeeAllOfIt) {
    const UniqueFd log = open("log", O_CREAT | O_WRONLY | O_APPEND);
    const UniqueFd reader = open("log", O_RDONLY);
    std::string all;
    for (int i = 0; i < 300; ++i) {
        const std::string line = "line " + std::to_string(i) + "\n";
        append(log, line);
        all += line;
        ASSERT_EQ(read_all(reader), all);
        ASSERT_EQ(read_all(open("log", O_RDONLY)), all);
    }
    EXPECT_EQ(status_of("log").st_size, static_cast<off_t>(all.size()));
}

TEST_F(MountBypassTest, MappingsOfAFileThatIsStillWrittenSeeAllOfIt) {
    const UniqueFd log = open("log", O_CREAT | O_WRONLY | O_APPEND);
    std::string all;
    for (int i = 0; i < 20; ++i) {
        const std::string part(1000, static_cast<char>('a' + i));
        append(log, part);
        all += part;
        EXPECT_TRUE(maps(path("log"), MAP_SHARED, all)) << i;
        EXPECT_TRUE(maps(path("log"), MAP_PRIVATE, all)) << i;
    }
}

// The kernel's pages may be as old as the mapping that filled them.
TEST_F(MountBypassTest, WhoOpensItLaterSeesNothingOld) {
    for (int i = 0; i < 50; ++i) {
        const std::string name = "f" + std::to_string(i);
        {
            const UniqueFd writer = open(name, O_CREAT | O_WRONLY);
            append(writer, std::string(5000, 'x'));
            EXPECT_TRUE(maps(path(name), MAP_PRIVATE, std::string(5000, 'x')));
            ASSERT_EQ(::pwrite(writer.get(), "new", 3, 0), 3);
        }
        const std::string expected = "new" + std::string(4997, 'x');
        EXPECT_EQ(read_all(open(name, O_RDONLY)), expected);
        EXPECT_EQ(read_all(open(name, O_RDONLY)), expected);
        EXPECT_TRUE(maps(path(name), MAP_SHARED, expected));
    }
}

TEST_F(MountBypassTest, TwoWritersAndAMappingShareOneFile) {
    const UniqueFd first = open("f", O_CREAT | O_WRONLY);
    append(first, std::string(8192, '.'));
    const bool is_written = in_child([&] {
        const int fd = ::open(path("f").c_str(), O_RDWR);
        void* at = ::mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (at == MAP_FAILED) return false;
        static_cast<char*>(at)[5000] = 'm';
        return ::msync(at, 8192, MS_SYNC) == 0 && ::pwrite(fd, "p", 1, 1) == 1;
    });
    EXPECT_TRUE(is_written);
    ASSERT_EQ(::pwrite(first.get(), "w", 1, 7000), 1);
    std::string expected(8192, '.');
    expected[5000] = 'm';
    expected[1] = 'p';
    expected[7000] = 'w';
    EXPECT_EQ(read_file("f"), expected);
}

// SQLite's rollback journal goes past the pages although it is opened for reading as well: what is
// written in pieces of any size is read back through the same handle, through others and mappings.
TEST_F(MountBypassTest, ARollbackJournalIsReadBackByWhoWroteIt) {
    const UniqueFd journal = open("db-journal", O_CREAT | O_RDWR);
    std::string all;
    for (int i = 0; i < 40; ++i) {
        append(journal, std::string(4 + static_cast<std::size_t>(i) * 613 % 4096,
                                    static_cast<char>('a' + i % 26)));
        all += std::string(4 + static_cast<std::size_t>(i) * 613 % 4096,
                           static_cast<char>('a' + i % 26));
        ASSERT_EQ(read_all(journal), all);
    }
    ASSERT_EQ(::pwrite(journal.get(), "count", 5, 8), 5);
    all.replace(8, 5, "count");
    EXPECT_EQ(read_all(open("db-journal", O_RDWR)), all);
    EXPECT_TRUE(maps(path("db-journal"), MAP_SHARED, all));
    ASSERT_EQ(::ftruncate(journal.get(), 100), 0);
    EXPECT_EQ(read_all(journal), all.substr(0, 100));
    EXPECT_EQ(status_of("db-journal").st_size, 100);
}

TEST_F(MountBypassTest, WhatIsClosedIsReadFromPagesAgain) {
    { append(open("f", O_CREAT | O_WRONLY), "content"); }
    // The kernel gives the handle back when it gets round to it.
    ASSERT_TRUE(fs_.wait_until_closed());
    const UniqueFd fd = open("f", O_RDONLY);
    fs_.fail_io_with(ErrorKind::Io);
    EXPECT_EQ(read_all(fd), "content");
    fs_.fail_io_with(std::nullopt);
}

// Readers open, read and map all the time while files are made; each finds a beginning of what is
// written, and all of it when it has been closed.
TEST_F(MountBypassTest, ReadersRaceWithTheWriterOfANewFile) {
    std::atomic<int> round{0};
    std::atomic<bool> is_over{false};
    std::vector<std::thread> readers;
    std::atomic<int> wrong{0};
    for (int i = 0; i < 3; ++i)
        readers.emplace_back([&] {
            while (!is_over) {
                const UniqueFd fd(
                    ::open(path("f" + std::to_string(round)).c_str(), O_RDONLY | O_CLOEXEC));
                if (!fd.ok()) continue;
                const std::string text = read_all(fd);
                if (text.find_first_not_of('x') != std::string::npos) ++wrong;
            }
        });
    for (; round < 200; ++round) {
        const std::string name = "f" + std::to_string(round);
        {
            const UniqueFd fd = open(name, O_CREAT | O_EXCL | O_WRONLY);
            for (int i = 0; i < 5; ++i) append(fd, std::string(3000, 'x'));
        }
        EXPECT_EQ(read_all(open(name, O_RDONLY)), std::string(15'000, 'x'));
        EXPECT_EQ(status_of(name).st_size, 15'000);
    }
    is_over = true;
    for (std::thread& reader : readers) reader.join();
    EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace lockstep
