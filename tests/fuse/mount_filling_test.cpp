// Small files are put into the kernel's pages when they are opened. What matters: nothing old stays
// there, whoever changes the file.
#include <atomic>

#include "tests/fuse/mounted_test.h"

namespace lockstep {
namespace {

std::string text_of(std::size_t size, char first = 'a') {
    std::string text(size, ' ');
    for (std::size_t i = 0; i < size; ++i)
        text[i] = static_cast<char>(first + static_cast<char>(i % 23));
    return text;
}

class MountFillingTest : public MountedTest {
  protected:
    // As another device's merge does: the kernel has not seen it.
    NodeId make(const std::string& name, const std::string& content) {
        const auto made = fs_.create(kRootNode, name, 0644);
        EXPECT_TRUE(made.ok());
        if (!made.ok()) return 0;
        EXPECT_TRUE(fs_.write(made->handle, 0, as_bytes(content)).ok());
        fs_.release(made->handle);
        fs_.forget(made->attributes.node, 1);
        return made->attributes.node;
    }
    void replace(NodeId node, const std::string& content) {
        const auto handle = fs_.open(node, {.read = false, .write = true, .truncate = true});
        ASSERT_TRUE(handle.ok());
        EXPECT_TRUE(fs_.write(*handle, 0, as_bytes(content)).ok());
        fs_.release(*handle);
        fs_.report_node(node);
    }
    static std::string read_all(const UniqueFd& fd) {
        std::string out(1 << 20, '?');
        const ssize_t size = ::pread(fd.get(), out.data(), out.size(), 0);
        out.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
        return out;
    }
};

TEST_F(MountFillingTest, ReadingAnOpenedSmallFileAsksNothing) {
    for (const std::size_t size : {1U, 2048U, 4095U, 4096U, 4097U, 65536U, 100000U, 131072U}) {
        const std::string name = "f" + std::to_string(size);
        make(name, text_of(size));
        const UniqueFd fd = open(name, O_RDONLY);
        fs_.fail_io_with(ErrorKind::Io);
        EXPECT_EQ(read_all(fd), text_of(size)) << size;
        fs_.fail_io_with(std::nullopt);
    }
}

TEST_F(MountFillingTest, ALargerFileIsReadWhenItIsReadAndNotWhenItIsOpened) {
    make("f", text_of(131'073));
    fs_.fail_io_with(ErrorKind::Io);
    const UniqueFd fd = open("f", O_RDONLY);
    char byte = 0;
    EXPECT_EQ(::pread(fd.get(), &byte, 1, 0), -1);
    EXPECT_EQ(errno, EIO);
    fs_.fail_io_with(std::nullopt);
    EXPECT_EQ(read_all(fd), text_of(131'073));
}

TEST_F(MountFillingTest, ContentThatCannotBeReadFailsTheReadAndNotTheOpen) {
    make("f", "content");
    fs_.fail_io_with(ErrorKind::Io);
    const UniqueFd fd = open("f", O_RDONLY);
    char byte = 0;
    EXPECT_EQ(::pread(fd.get(), &byte, 1, 0), -1);
    fs_.fail_io_with(std::nullopt);
    EXPECT_EQ(read_all(fd), "content");
}

TEST_F(MountFillingTest, WhatChangesElsewhereIsReadAnew) {
    const NodeId node = make("f", text_of(10'000));
    const UniqueFd fd = open("f", O_RDONLY);
    for (const std::size_t size : {20000U, 5000U, 0U, 131072U, 1U}) {
        replace(node, text_of(size, 'A'));
        mount_->wait_for_invalidations();
        EXPECT_EQ(read_all(fd), text_of(size, 'A'));
        EXPECT_EQ(read_all(open("f", O_RDONLY)), text_of(size, 'A'));
    }
}

TEST_F(MountFillingTest, WhatChangesHereIsReadAnew) {
    make("f", text_of(10'000));
    const UniqueFd fd = open("f", O_RDONLY);
    ASSERT_EQ(::truncate(path("f").c_str(), 5'000), 0);
    EXPECT_EQ(read_all(fd), text_of(5'000));
    ASSERT_EQ(::truncate(path("f").c_str(), 5'002), 0);
    EXPECT_EQ(read_all(open("f", O_RDONLY)), text_of(5'000) + std::string(2, '\0'));
    write_file("f", text_of(7'000, 'A'));
    EXPECT_EQ(read_all(fd), text_of(7'000, 'A'));
}

// Readers open and read all the time; whatever they leave in the pages, what was written last is
// what is read when the writer looks.
class MountFillingRaceTest : public MountFillingTest {
  protected:
    static constexpr int kRounds = 400;

    template <typename Change>
    void race(Change change) {
        std::atomic<bool> is_over = false;
        std::vector<std::thread> readers;
        for (int i = 0; i < 3; ++i)
            readers.emplace_back([&] {
                while (!is_over) read_all(open("f", O_RDONLY));
            });
        for (int round = 0; round < kRounds && !HasFailure(); ++round) {
            std::string text = text_of(1 + static_cast<std::size_t>(round * 7919 % 20'000),
                                       static_cast<char>('A' + round % 29));
            change(text);
            EXPECT_EQ(read_all(open("f", O_RDONLY)), text) << round;
            EXPECT_EQ(status_of("f").st_size, static_cast<off_t>(text.size())) << round;
        }
        is_over = true;
        for (std::thread& reader : readers) reader.join();
    }
};

TEST_F(MountFillingRaceTest, WritersOfThisMount) {
    make("f", "x");
    race([&](const std::string& text) {
        const UniqueFd fd = open("f", O_WRONLY | O_TRUNC);
        ASSERT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    });
}

TEST_F(MountFillingRaceTest, SizesSetByPath) {
    const std::string longest = text_of(131'072);
    make("f", longest);
    race([&](std::string& text) {
        text = text_of(text.size());
        {
            const UniqueFd fd = open("f", O_WRONLY);
            ASSERT_EQ(::write(fd.get(), longest.data(), longest.size()), 131'072);
        }
        ASSERT_EQ(::truncate(path("f").c_str(), static_cast<off_t>(text.size())), 0);
    });
}

TEST_F(MountFillingRaceTest, ChangesFromElsewhere) {
    const NodeId node = make("f", "x");
    race([&](const std::string& text) {
        replace(node, text);
        mount_->wait_for_invalidations();
    });
}

}  // namespace
}  // namespace lockstep
