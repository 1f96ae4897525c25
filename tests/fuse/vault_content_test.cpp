// Content of files of a mounted vault: holes, ranges, copies, flags of open(2), mappings and locks.
#include <functional>

#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "tests/fuse/mounted_vault_test.h"
#include "tests/support/seeded_random.h"

namespace lockstep {
namespace {

constexpr off_t kMebi = 1024 * 1024;

std::string noise(std::uint64_t seed, std::size_t size) {
    return std::string(as_text(SeededRandom(seed).bytes(size)));
}

class VaultContentTest : public MountedVaultTest {
  protected:
    static void put(const UniqueFd& fd, const std::string& text, off_t offset) {
        ASSERT_EQ(::pwrite(fd.get(), text.data(), text.size(), offset),
                  static_cast<ssize_t>(text.size()))
            << std::strerror(errno);
    }
    static std::string get(const UniqueFd& fd, std::size_t size, off_t offset) {
        std::string out(size, '?');
        const ssize_t length = ::pread(fd.get(), out.data(), size, offset);
        out.resize(length < 0 ? 0 : static_cast<std::size_t>(length));
        return out;
    }
    static off_t size_of(const UniqueFd& fd) {
        struct stat status {};
        EXPECT_EQ(::fstat(fd.get(), &status), 0);
        return status.st_size;
    }
    // Data and holes, as "D0-65536 H65536-131072 ".
    static std::string layout(const UniqueFd& fd) {
        std::string out;
        const off_t end = size_of(fd);
        for (off_t at = 0; at < end;) {
            off_t data = ::lseek(fd.get(), at, SEEK_DATA);
            if (data < 0 && errno != ENXIO) return "error " + std::to_string(errno);
            if (data < 0) data = end;
            if (data > at) out += "H" + std::to_string(at) + "-" + std::to_string(data) + " ";
            if (data == end) break;
            at = ::lseek(fd.get(), data, SEEK_HOLE);
            if (at <= data) return out + "no end";
            out += "D" + std::to_string(data) + "-" + std::to_string(at) + " ";
        }
        return out;
    }
    void store() {
        const Status published =
            runner_->publish_now(std::chrono::steady_clock::now() + std::chrono::seconds(20));
        EXPECT_TRUE(published.ok()) << published.error().message;
    }
    std::uint64_t stored_bytes() { return vault_->status().pack_bytes; }
};

int error_of(ssize_t result) {
    return result < 0 ? errno : 0;
}

// ---- open(2)

TEST_F(VaultContentTest, OpenFlagsDoWhatTheySay) {
    write_file("f", "0123456789");
    {
        const UniqueFd fd = open("f", O_WRONLY | O_TRUNC);
        EXPECT_EQ(size_of(fd), 0);
    }
    EXPECT_EQ(read_file("f"), "");
    const UniqueFd one = open("f", O_WRONLY | O_APPEND), two = open("f", O_WRONLY | O_APPEND);
    EXPECT_EQ(::write(one.get(), "one", 3), 3);
    EXPECT_EQ(::write(two.get(), "two", 3), 3);
    EXPECT_EQ(::write(one.get(), "three", 5), 5);
    EXPECT_EQ(read_file("f"), "onetwothree");
    char byte = 0;
    EXPECT_EQ(error_of(::read(one.get(), &byte, 1)), EBADF);
    const UniqueFd reader = open("f", O_RDONLY);
    EXPECT_EQ(error_of(::write(reader.get(), "x", 1)), EBADF);
    EXPECT_EQ(error_of(::ftruncate(reader.get(), 1)), EINVAL);
    const UniqueFd both = open("f", O_RDWR | O_SYNC);
    put(both, "X", 0);
    EXPECT_EQ(read_file("f"), "Xnetwothree");
}

TEST_F(VaultContentTest, DirectIoIsAccepted) {
    const UniqueFd fd = open("f", O_CREAT | O_RDWR | O_DIRECT);
    void* memory = nullptr;
    ASSERT_EQ(::posix_memalign(&memory, 4096, 65536), 0);
    const std::unique_ptr<void, decltype(&std::free)> owned(memory, std::free);
    const std::string data = noise(1, 65536);
    std::memcpy(memory, data.data(), data.size());
    ASSERT_EQ(::pwrite(fd.get(), memory, 65536, 4096), 65536);
    std::memset(memory, 0, 65536);
    ASSERT_EQ(::pread(fd.get(), memory, 65536, 4096), 65536);
    EXPECT_TRUE(std::memcmp(memory, data.data(), data.size()) == 0);
    EXPECT_TRUE(read_file("f") == std::string(4096, '\0') + data);
}

TEST_F(VaultContentTest, WritesBeyondTheLargestFileAreTooBig) {
    const UniqueFd fd = open("f", O_CREAT | O_RDWR);
    EXPECT_EQ(error_of(::pwrite(fd.get(), "x", 1, off_t{1} << 50)), EFBIG);
    EXPECT_EQ(error_of(::ftruncate(fd.get(), (off_t{1} << 50) + 1)), EFBIG);
    EXPECT_EQ(error_of(::fallocate(fd.get(), 0, off_t{1} << 50, 1)), EFBIG);
    EXPECT_EQ(::ftruncate(fd.get(), off_t{1} << 50), 0);
    EXPECT_EQ(size_of(fd), off_t{1} << 50);
}

TEST_F(VaultContentTest, TruncatingDownAndUpLeavesZeros) {
    const std::string data = noise(2, 300'000);
    const UniqueFd fd = open("f", O_CREAT | O_RDWR);
    put(fd, data, 0);
    ASSERT_EQ(::fsync(fd.get()), 0);
    ASSERT_EQ(::ftruncate(fd.get(), 100'001), 0);
    ASSERT_EQ(::ftruncate(fd.get(), 200'000), 0);
    EXPECT_TRUE(get(fd, 300'000, 0) == data.substr(0, 100'001) + std::string(99'999, '\0'));
    remount();
    EXPECT_TRUE(read_file("f") == data.substr(0, 100'001) + std::string(99'999, '\0'));
}

// ---- holes

TEST_F(VaultContentTest, HolesAreFoundAlsoAfterARemount) {
    const off_t size = 3 * kMebi;
    {
        const UniqueFd fd = open("f", O_CREAT | O_RDWR);
        put(fd, noise(3, kMebi), kMebi);
        ASSERT_EQ(::ftruncate(fd.get(), size), 0);
        EXPECT_EQ(layout(fd), "H0-1048576 D1048576-2097152 H2097152-3145728 ");
        EXPECT_EQ(::lseek(fd.get(), kMebi + 5, SEEK_DATA), kMebi + 5);
        EXPECT_EQ(::lseek(fd.get(), 5, SEEK_HOLE), 5);
        EXPECT_EQ(::lseek(fd.get(), size - 1, SEEK_HOLE), size - 1);
        EXPECT_EQ(error_of(::lseek(fd.get(), size - 1, SEEK_DATA)), ENXIO);
        EXPECT_EQ(error_of(::lseek(fd.get(), size, SEEK_DATA)), ENXIO);
        EXPECT_EQ(error_of(::lseek(fd.get(), size, SEEK_HOLE)), ENXIO);
        EXPECT_EQ(error_of(::lseek(fd.get(), -1, SEEK_DATA)), ENXIO);
        EXPECT_LT(status_of("f").st_blocks, 2200);
        ASSERT_EQ(::fsync(fd.get()), 0);
        EXPECT_EQ(layout(fd), "H0-1048576 D1048576-2097152 H2097152-3145728 ");
    }
    remount();
    EXPECT_LT(status_of("f").st_blocks, 2200);
    const UniqueFd fd = open("f", O_RDONLY);
    EXPECT_EQ(layout(fd), "H0-1048576 D1048576-2097152 H2097152-3145728 ");
    const UniqueFd empty = open("empty", O_CREAT | O_RDWR);
    EXPECT_EQ(error_of(::lseek(empty.get(), 0, SEEK_DATA)), ENXIO);
    EXPECT_EQ(error_of(::lseek(empty.get(), 0, SEEK_HOLE)), ENXIO);
}

TEST_F(VaultContentTest, FallocateAnswersEachModeExactly) {
    const UniqueFd fd = open("f", O_CREAT | O_RDWR);
    const std::string data = noise(4, kMebi);
    put(fd, data, 0);
    ASSERT_EQ(::fsync(fd.get()), 0);
    const auto allocate = [&](int mode, off_t offset, off_t length) {
        return error_of(::fallocate(fd.get(), mode, offset, length));
    };
    // Plain: grows, changes no byte.
    EXPECT_EQ(allocate(0, 0, kMebi / 2), 0);
    EXPECT_EQ(size_of(fd), kMebi);
    EXPECT_EQ(allocate(0, kMebi, 4096), 0);
    EXPECT_EQ(size_of(fd), kMebi + 4096);
    EXPECT_EQ(allocate(FALLOC_FL_KEEP_SIZE, 2 * kMebi, kMebi), 0);
    EXPECT_EQ(size_of(fd), kMebi + 4096);
    EXPECT_TRUE(get(fd, 2 * kMebi, 0) == data + std::string(4096, '\0'));
    // Punch: a hole, also at odd places; the size stays, also beyond the end.
    const int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    EXPECT_EQ(allocate(punch, 100'001, 300'001), 0);
    EXPECT_EQ(allocate(punch, kMebi, 10 * kMebi), 0);
    std::string expected = data + std::string(4096, '\0');
    expected.replace(100'001, 300'001, 300'001, '\0');
    EXPECT_TRUE(get(fd, 2 * kMebi, 0) == expected);
    EXPECT_EQ(layout(fd), "D0-100001 H100001-400002 D400002-1048576 H1048576-1052672 ");
    // Zero: the bytes are zeros; it grows unless the size is to be kept.
    EXPECT_EQ(allocate(FALLOC_FL_ZERO_RANGE, 500'000, 1000), 0);
    expected.replace(500'000, 1000, 1000, '\0');
    EXPECT_TRUE(get(fd, 2 * kMebi, 0) == expected);
    EXPECT_EQ(allocate(FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, kMebi + 4000, 4096), 0);
    EXPECT_EQ(size_of(fd), kMebi + 4096);
    EXPECT_EQ(allocate(FALLOC_FL_ZERO_RANGE, kMebi + 4000, 4096), 0);
    EXPECT_EQ(size_of(fd), kMebi + 8096);
    expected.resize(kMebi + 8096);
    // What moves bytes does not pass FUSE.
    EXPECT_EQ(allocate(FALLOC_FL_COLLAPSE_RANGE, 0, 4096), EOPNOTSUPP);
    EXPECT_EQ(allocate(FALLOC_FL_INSERT_RANGE, 0, 4096), EOPNOTSUPP);
    EXPECT_EQ(allocate(0, 0, 0), EINVAL);
    EXPECT_EQ(allocate(0, -1, 10), EINVAL);
    EXPECT_EQ(allocate(FALLOC_FL_PUNCH_HOLE, 0, 10), EOPNOTSUPP);
    EXPECT_EQ(allocate(0, 0, off_t{1} << 49), ENOSPC);
    EXPECT_EQ(size_of(fd), kMebi + 8096);
    const UniqueFd reader = open("f", O_RDONLY);
    EXPECT_EQ(error_of(::fallocate(reader.get(), 0, 0, 10)), EBADF);
    remount();
    EXPECT_TRUE(read_file("f") == expected);
}

// ---- copies

TEST_F(VaultContentTest, CopiesShareTheirChunks) {
    const std::size_t size = 24 * kMebi;
    {
        const UniqueFd source = open("source", O_CREAT | O_RDWR);
        put(source, noise(5, size), 0);
        ASSERT_EQ(::fsync(source.get()), 0);
    }
    store();
    const std::uint64_t before = stored_bytes();
    {
        const UniqueFd source = open("source", O_RDONLY);
        const UniqueFd target = open("target", O_CREAT | O_RDWR);
        std::size_t done = 0;
        while (done < size) {
            const ssize_t copied =
                ::copy_file_range(source.get(), nullptr, target.get(), nullptr, size, 0);
            ASSERT_GT(copied, 0) << std::strerror(errno);
            done += static_cast<std::size_t>(copied);
        }
        EXPECT_EQ(::copy_file_range(source.get(), nullptr, target.get(), nullptr, 1, 0), 0);
        ASSERT_EQ(::fsync(target.get()), 0);
    }
    store();
    EXPECT_LT(stored_bytes() - before, 64 * 1024U);
    EXPECT_TRUE(read_file("target") == read_file("source"));
    remount();
    EXPECT_TRUE(read_file("target") == noise(5, size));
}

TEST_F(VaultContentTest, PartsAreCopiedAnywhere) {
    const std::string data = noise(6, 3 * kMebi), old = noise(7, 2 * kMebi);
    const UniqueFd source = open("source", O_CREAT | O_RDWR),
                   target = open("target", O_CREAT | O_RDWR);
    put(source, data, 0);
    put(target, old, 0);
    std::string model = old;
    SeededRandom random(8);
    for (int step = 0; step < 40; ++step) {
        SCOPED_TRACE(step);
        const std::size_t from = random.below(data.size()), length = random.below(kMebi) + 1;
        std::size_t to = random.below(model.size() + 100'000);
        off_t in = static_cast<off_t>(from), out = static_cast<off_t>(to);
        const std::size_t expected = std::min(length, data.size() - from);
        ASSERT_EQ(::copy_file_range(source.get(), &in, target.get(), &out, length, 0),
                  static_cast<ssize_t>(expected));
        if (model.size() < to + expected) model.resize(to + expected);
        model.replace(to, expected, data, from, expected);
        if (random.chance(20)) {
            ASSERT_EQ(::fsync(target.get()), 0);
        }
        ASSERT_TRUE(get(target, 10 * kMebi, 0) == model);
    }
    // Within one file, where the ranges do not meet.
    off_t in = 10, out = kMebi;
    ASSERT_EQ(::copy_file_range(target.get(), &in, target.get(), &out, 5000, 0), 5000);
    model.replace(kMebi, 5000, std::string(model), 10, 5000);
    EXPECT_TRUE(get(target, 10 * kMebi, 0) == model);
    in = 0, out = 100;
    EXPECT_EQ(error_of(::copy_file_range(target.get(), &in, target.get(), &out, 5000, 0)), EINVAL);
    EXPECT_EQ(error_of(::copy_file_range(target.get(), &in, target.get(), &out, 1, 7)), EINVAL);
    const UniqueFd reader = open("target", O_RDONLY);
    in = 0, out = kMebi;
    EXPECT_EQ(error_of(::copy_file_range(source.get(), &in, reader.get(), &out, 1, 0)), EBADF);
}

TEST_F(VaultContentTest, CopiesKeepHoles) {
    {
        const UniqueFd source = open("source", O_CREAT | O_RDWR);
        put(source, noise(9, kMebi), 4 * kMebi);
        ASSERT_EQ(::ftruncate(source.get(), 10 * kMebi), 0);
    }
    run("cp source copy && cmp source copy");
    const UniqueFd copy = open("copy", O_RDONLY);
    EXPECT_EQ(layout(copy), "H0-4194304 D4194304-5242880 H5242880-10485760 ");
    // FICLONE does not pass FUSE: who insists on it is told so.
    run("! cp --reflink=always source clone && cp --reflink=auto source clone && "
        "cmp source clone");
}

// ---- mappings and locks

TEST_F(VaultContentTest, SharedMappingsReachReadersAndPrivateOnesDoNot) {
    constexpr std::size_t kSize = 256 * 1024;
    const UniqueFd fd = open("f", O_CREAT | O_RDWR);
    put(fd, std::string(kSize, 'a'), 0);
    EXPECT_TRUE(in_child([&] {
        void* memory = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
        if (memory == MAP_FAILED) return false;
        auto* text = static_cast<char*>(memory);
        text[1] = 'S';
        if (::msync(memory, kSize, MS_SYNC) != 0) return false;
        char back = 0;
        if (::pread(fd.get(), &back, 1, 1) != 1 || back != 'S') return false;
        text[kSize - 1] = 'E';
        if (::munmap(memory, kSize) != 0) return false;
        return ::pread(fd.get(), &back, 1, kSize - 1) == 1 && back == 'E';
    }));
    EXPECT_TRUE(in_child([&] {
        void* memory = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd.get(), 0);
        if (memory == MAP_FAILED) return false;
        static_cast<char*>(memory)[2] = 'P';
        return ::munmap(memory, kSize) == 0;
    }));
    std::string expected(kSize, 'a');
    expected[1] = 'S';
    expected[kSize - 1] = 'E';
    EXPECT_TRUE(get(fd, kSize, 0) == expected);
    remount();
    EXPECT_TRUE(read_file("f") == expected);
}

TEST_F(VaultContentTest, LocksHoldBetweenProcesses) {
    const UniqueFd fd = open("lock", O_CREAT | O_RDWR);
    put(fd, "0123456789", 0);
    ASSERT_EQ(::flock(fd.get(), LOCK_EX), 0);
    const std::string name = path("lock");
    const auto child_error = [&](const std::function<int(int)>& call) {
        int error = -1;
        int ends[2];
        if (::pipe(ends) != 0) return -1;
        in_child([&] {
            const int own = ::open(name.c_str(), O_RDWR);
            const int found = error_of(call(own));
            return ::write(ends[1], &found, sizeof(found)) == sizeof(found);
        });
        ::close(ends[1]);
        if (::read(ends[0], &error, sizeof(error)) != sizeof(error)) error = -1;
        ::close(ends[0]);
        return error;
    };
    EXPECT_EQ(child_error([](int own) { return ::flock(own, LOCK_SH | LOCK_NB); }), EWOULDBLOCK);
    ASSERT_EQ(::flock(fd.get(), LOCK_UN), 0);
    EXPECT_EQ(child_error([](int own) { return ::flock(own, LOCK_EX | LOCK_NB); }), 0);
    const auto lock_of = [](short type, off_t start, off_t length) {
        struct flock lock {};
        lock.l_type = type;
        lock.l_whence = SEEK_SET;
        lock.l_start = start;
        lock.l_len = length;
        return lock;
    };
    struct flock held = lock_of(F_WRLCK, 2, 4);
    ASSERT_EQ(::fcntl(fd.get(), F_SETLK, &held), 0);
    const auto try_lock = [&](short type, off_t start, off_t length) {
        return child_error([&](int own) {
            struct flock wanted = lock_of(type, start, length);
            return ::fcntl(own, F_SETLK, &wanted);
        });
    };
    EXPECT_EQ(try_lock(F_RDLCK, 5, 1), EAGAIN);
    EXPECT_EQ(try_lock(F_WRLCK, 6, 4), 0);
    EXPECT_EQ(try_lock(F_WRLCK, 0, 2), 0);
    held.l_type = F_UNLCK;
    ASSERT_EQ(::fcntl(fd.get(), F_SETLK, &held), 0);
    EXPECT_EQ(try_lock(F_WRLCK, 0, 0), 0);
}

}  // namespace
}  // namespace lockstep
