// System calls on a mount.
#include <set>

#include <dirent.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "tests/fuse/mounted_test.h"
#include "tests/support/seeded_random.h"

namespace lockstep {
namespace {

using MountPosixTest = MountedTest;

ssize_t put(const UniqueFd& fd, std::string_view text, off_t offset) {
    return ::pwrite(fd.get(), text.data(), text.size(), offset);
}

std::string get(const UniqueFd& fd, std::size_t size, off_t offset) {
    std::string out(size, '?');
    const ssize_t length = ::pread(fd.get(), out.data(), size, offset);
    out.resize(length < 0 ? 0 : static_cast<std::size_t>(length));
    return out;
}

TEST_F(MountPosixTest, FilesAreWrittenAndRead) {
    write_file("f", "hello");
    EXPECT_EQ(read_file("f"), "hello");
    const struct stat status = status_of("f");
    EXPECT_EQ(status.st_size, 5);
    EXPECT_TRUE(S_ISREG(status.st_mode));
    EXPECT_EQ(status.st_uid, ::geteuid());
    EXPECT_EQ(status.st_nlink, 1U);
}

TEST_F(MountPosixTest, ErrorsAreThoseOfPosix) {
    write_file("f", "x");
    ASSERT_EQ(::mkdir(path("d").c_str(), 0755), 0);
    write_file("d/inside", "x");
    const auto error_of = [](int result) { return result == 0 ? 0 : errno; };
    EXPECT_EQ(error_of(::unlink(path("no").c_str())), ENOENT);
    EXPECT_EQ(error_of(::mkdir(path("f").c_str(), 0755)), EEXIST);
    EXPECT_EQ(error_of(::rmdir(path("d").c_str())), ENOTEMPTY);
    EXPECT_EQ(error_of(::rmdir(path("f").c_str())), ENOTDIR);
    EXPECT_EQ(error_of(::unlink(path("d").c_str())), EISDIR);
    EXPECT_EQ(error_of(::rename(path("f").c_str(), path("d").c_str())), EISDIR);
    EXPECT_EQ(error_of(::rename(path("d").c_str(), path("d/e").c_str())), EINVAL);
    EXPECT_EQ(error_of(::link(path("d").c_str(), path("e").c_str())), EPERM);
    EXPECT_EQ(error_of(::mknod(path("c").c_str(), S_IFCHR | 0600, 0x103)), EPERM);
    EXPECT_EQ(error_of(::mkdir(path(std::string(256, 'n')).c_str(), 0755)), ENAMETOOLONG);
    EXPECT_EQ(error_of(::truncate(path("f").c_str(), off_t{1} << 60)), EFBIG);
}

TEST_F(MountPosixTest, FailedReadsAndWritesSayIo) {
    write_file("f", "content");
    const UniqueFd fd = open("f", O_RDWR);
    fs_.fail_io_with(ErrorKind::Unavailable);
    EXPECT_EQ(put(fd, "x", 0), -1);
    EXPECT_EQ(errno, EIO);
    fs_.fail_io_with(ErrorKind::NoSpace);
    EXPECT_EQ(put(fd, "x", 0), -1);
    EXPECT_EQ(errno, ENOSPC);
    fs_.fail_io_with(std::nullopt);
    EXPECT_EQ(get(fd, 100, 0), "content");
}

TEST_F(MountPosixTest, OpenFilesOutliveUnlinkAndRenameOver) {
    write_file("f", "old");
    write_file("g", "new");
    const UniqueFd f = open("f", O_RDWR);
    ASSERT_EQ(::rename(path("g").c_str(), path("f").c_str()), 0);
    EXPECT_EQ(read_file("f"), "new");
    EXPECT_EQ(get(f, 100, 0), "old");
    EXPECT_EQ(put(f, "OLD+", 0), 4);
    EXPECT_EQ(get(f, 100, 0), "OLD+");
    const UniqueFd g = open("f", O_RDONLY);
    ASSERT_EQ(::unlink(path("f").c_str()), 0);
    EXPECT_EQ(get(g, 100, 0), "new");
    EXPECT_FALSE(exists("f"));
}

TEST_F(MountPosixTest, RenameFlagsWork) {
    write_file("a", "A");
    write_file("b", "B");
    const auto rename_with = [&](const char* from, const char* to, unsigned flags) {
        return ::renameat2(AT_FDCWD, path(from).c_str(), AT_FDCWD, path(to).c_str(), flags);
    };
    EXPECT_EQ(rename_with("a", "b", RENAME_NOREPLACE), -1);
    EXPECT_EQ(errno, EEXIST);
    EXPECT_EQ(rename_with("a", "b", RENAME_EXCHANGE), 0);
    EXPECT_EQ(read_file("a"), "B");
    EXPECT_EQ(read_file("b"), "A");
    EXPECT_EQ(rename_with("a", "c", RENAME_NOREPLACE), 0);
    EXPECT_EQ(rename_with("a", "c", RENAME_WHITEOUT), -1);
}

TEST_F(MountPosixTest, LinksOfBothKinds) {
    write_file("f", "x");
    ASSERT_EQ(::link(path("f").c_str(), path("hard").c_str()), 0);
    EXPECT_EQ(status_of("f").st_nlink, 2U);
    EXPECT_EQ(status_of("hard").st_ino, status_of("f").st_ino);
    const std::string target(4000, 't');
    ASSERT_EQ(::symlink(target.c_str(), path("soft").c_str()), 0);
    std::string back(5000, '?');
    back.resize(static_cast<std::size_t>(::readlink(path("soft").c_str(), back.data(), 5000)));
    EXPECT_EQ(back, target);
    EXPECT_EQ(status_of("soft").st_size, 4000);
}

TEST_F(MountPosixTest, ModesTimesAndUmask) {
    const mode_t before = ::umask(027);
    open("f", O_CREAT | O_WRONLY, 0666);
    ::umask(before);
    EXPECT_EQ(status_of("f").st_mode & 07777, 0640U);
    // setuid and setgid never stick, the sticky bit does.
    ::chmod(path("f").c_str(), 06755);
    EXPECT_EQ(status_of("f").st_mode & 07777, 0755U);
    ASSERT_EQ(::mkdir(path("d").c_str(), 0755), 0);
    ASSERT_EQ(::chmod(path("d").c_str(), 01777), 0);
    EXPECT_EQ(status_of("d").st_mode & 07777, 01777U);
    const timespec times[2] = {{.tv_sec = 5, .tv_nsec = 6}, {.tv_sec = -7, .tv_nsec = 8}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path("f").c_str(), times, 0), 0);
    EXPECT_EQ(status_of("f").st_mtim.tv_sec, -7);
    EXPECT_EQ(status_of("f").st_mtim.tv_nsec, 8);
    EXPECT_EQ(status_of("f").st_atim.tv_sec, 5);
}

TEST_F(MountPosixTest, TimesSetThroughAnOpenFileOutliveItsClose) {
    UniqueFd fd = open("f", O_CREAT | O_RDWR);
    EXPECT_EQ(put(fd, "data", 0), 4);
    const timespec times[2] = {{.tv_sec = 5, .tv_nsec = 0}, {.tv_sec = 9, .tv_nsec = 1}};
    ASSERT_EQ(::futimens(fd.get(), times), 0);
    fd.reset();
    EXPECT_EQ(status_of("f").st_mtim.tv_sec, 9);
    EXPECT_EQ(status_of("f").st_mtim.tv_nsec, 1);
}

TEST_F(MountPosixTest, TruncateAndHoles) {
    const UniqueFd fd = open("f", O_CREAT | O_RDWR);
    EXPECT_EQ(put(fd, "0123456789", 0), 10);
    ASSERT_EQ(::ftruncate(fd.get(), 4), 0);
    EXPECT_EQ(put(fd, "z", 8), 1);
    EXPECT_EQ(get(fd, 100, 0), std::string("0123\0\0\0\0z", 9));
    EXPECT_EQ(put(fd, "far", off_t{1} << 35), 3);
    EXPECT_EQ(status_of("f").st_size, (off_t{1} << 35) + 3);
    EXPECT_LT(status_of("f").st_blocks, 4096);
    ASSERT_EQ(::truncate(path("f").c_str(), 0), 0);
    EXPECT_EQ(get(fd, 100, 0), "");
    EXPECT_EQ(::posix_fallocate(fd.get(), 0, 8192), 0);
    EXPECT_EQ(get(fd, 10000, 0), std::string(8192, '\0'));
}

TEST_F(MountPosixTest, AppendersDoNotOverwriteEachOther) {
    constexpr int kWriters = 4, kLines = 200;
    std::vector<std::thread> writers;
    open("log", O_CREAT | O_WRONLY);
    for (int i = 0; i < kWriters; ++i)
        writers.emplace_back([&, i] {
            const UniqueFd fd = open("log", O_WRONLY | O_APPEND);
            const std::string line(15, static_cast<char>('a' + i));
            for (int n = 0; n < kLines; ++n)
                EXPECT_EQ(::write(fd.get(), (line + "\n").data(), 16), 16);
        });
    for (std::thread& writer : writers) writer.join();
    const std::string log = read_file("log");
    ASSERT_EQ(log.size(), std::size_t{16} * kWriters * kLines);
    for (std::size_t at = 0; at < log.size(); at += 16)
        ASSERT_EQ(log.substr(at, 16), std::string(15, log[at]) + "\n");
}

TEST_F(MountPosixTest, SharedMappingsAreWrittenBack) {
    constexpr std::size_t kSize = 64 * 1024;
    const UniqueFd fd = open("f", O_CREAT | O_RDWR);
    ASSERT_EQ(::ftruncate(fd.get(), kSize), 0);
    EXPECT_TRUE(in_child([&] {
        void* memory = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
        if (memory == MAP_FAILED) return false;
        auto* text = static_cast<char*>(memory);
        std::memset(text, 'm', kSize);
        if (::msync(memory, kSize, MS_SYNC) != 0) return false;
        text[5] = 'X';
        return ::munmap(memory, kSize) == 0;
    }));
    ASSERT_EQ(::fsync(fd.get()), 0);
    const auto node = fs_.lookup(kRootNode, "f");
    ASSERT_TRUE(node.ok());
    const auto handle = fs_.open(node->node, {});
    ASSERT_TRUE(handle.ok());
    Bytes back(10);
    EXPECT_TRUE(fs_.read(*handle, 0, back).ok());
    EXPECT_EQ(as_text(back), "mmmmmXmmmm");
    fs_.release(*handle);
    fs_.forget(node->node, 1);
}

TEST_F(MountPosixTest, LocksHoldBetweenProcesses) {
    const UniqueFd fd = open("lock", O_CREAT | O_RDWR);
    ASSERT_EQ(::flock(fd.get(), LOCK_EX), 0);
    run("! flock --nonblock --exclusive lock true");
    ASSERT_EQ(::flock(fd.get(), LOCK_UN), 0);
    run("flock --nonblock --exclusive lock true");
}

TEST_F(MountPosixTest, DirectoriesAreListedWhole) {
    constexpr int kFiles = 3000;
    ASSERT_EQ(::mkdir(path("d").c_str(), 0755), 0);
    for (int i = 0; i < kFiles; ++i)
        open("d/a-name-of-some-length-" + std::to_string(i), O_CREAT | O_WRONLY);
    std::set<std::string> names;
    DIR* directory = ::opendir(path("d").c_str());
    ASSERT_NE(directory, nullptr);
    while (const dirent* entry = ::readdir(directory)) {
        EXPECT_TRUE(names.insert(entry->d_name).second) << entry->d_name;
        // What is removed while the list is read does no harm to the rest.
        if (names.size() == 100) ::unlink(path("d/a-name-of-some-length-2999").c_str());
    }
    ::rewinddir(directory);
    int again = 0;
    while (::readdir(directory) != nullptr) ++again;
    ::closedir(directory);
    EXPECT_GE(names.size(), static_cast<std::size_t>(kFiles + 1));
    EXPECT_EQ(again, kFiles + 1);
}

TEST_F(MountPosixTest, UserXattrsOnly) {
    write_file("f", "x");
    const std::string file = path("f");
    ASSERT_EQ(::setxattr(file.c_str(), "user.a", "value", 5, XATTR_CREATE), 0);
    EXPECT_EQ(::setxattr(file.c_str(), "user.a", "value", 5, XATTR_CREATE), -1);
    EXPECT_EQ(errno, EEXIST);
    std::string value(100, '?');
    EXPECT_EQ(::getxattr(file.c_str(), "user.a", nullptr, 0), 5);
    EXPECT_EQ(::getxattr(file.c_str(), "user.a", value.data(), 2), -1);
    EXPECT_EQ(errno, ERANGE);
    ASSERT_EQ(::getxattr(file.c_str(), "user.a", value.data(), 100), 5);
    EXPECT_EQ(value.substr(0, 5), "value");
    EXPECT_EQ(::listxattr(file.c_str(), value.data(), 100), 7);
    ASSERT_EQ(::removexattr(file.c_str(), "user.a"), 0);
    EXPECT_EQ(::getxattr(file.c_str(), "user.a", nullptr, 0), -1);
    EXPECT_EQ(errno, ENODATA);
    EXPECT_EQ(::setxattr(file.c_str(), "trusted.a", "value", 5, 0), -1);
    EXPECT_TRUE(errno == EOPNOTSUPP || errno == EPERM);
}

TEST_F(MountPosixTest, SpecialFilesAndSpace) {
    ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
    EXPECT_TRUE(S_ISFIFO(status_of("fifo").st_mode));
    run("(echo through > fifo &) ; test \"$(cat fifo)\" = through");
    ASSERT_EQ(::mknod(path("socket").c_str(), S_IFSOCK | 0600, 0), 0);
    EXPECT_TRUE(S_ISSOCK(status_of("socket").st_mode));
    struct statvfs space {};
    ASSERT_EQ(::statvfs(directory_.path().c_str(), &space), 0);
    EXPECT_EQ(space.f_blocks, fs_.space()->blocks_total);
    EXPECT_EQ(space.f_namemax, 255U);
    EXPECT_TRUE(space.f_flag & ST_NOSUID);
    EXPECT_TRUE(space.f_flag & ST_NODEV);
}

TEST_F(MountPosixTest, DirectoriesSync) {
    const UniqueFd directory = open(".", O_RDONLY | O_DIRECTORY);
    EXPECT_EQ(::fsync(directory.get()), 0);
}

// Random reads and writes through calls and a mapping of one file, compared with a string.
TEST_F(MountPosixTest, RandomAccessEqualsAString) {
    constexpr std::size_t kSizeMax = 300'000;
    SeededRandom random(7);
    std::string model;
    UniqueFd fd = open("f", O_CREAT | O_RDWR);
    for (int step = 0; step < 1500; ++step) {
        const std::size_t offset = random.below(kSizeMax), size = random.below(30'000);
        const auto at = static_cast<off_t>(offset);
        switch (random.below(8)) {
            case 0:
            case 1:
            case 2: {
                const std::string data(as_text(random.bytes(size)));
                ASSERT_EQ(put(fd, data, at), static_cast<ssize_t>(size));
                if (size == 0) break;
                if (model.size() < offset + size) model.resize(offset + size);
                model.replace(offset, size, data);
                break;
            }
            case 3:
                ASSERT_EQ(::ftruncate(fd.get(), at), 0);
                model.resize(offset);
                break;
            case 4:
                fd = open("f", O_RDWR);
                break;
            case 5: {
                if (offset >= model.size()) break;
                ASSERT_TRUE(in_child([&] {
                    void* memory = ::mmap(nullptr, model.size(), PROT_READ | PROT_WRITE, MAP_SHARED,
                                          fd.get(), 0);
                    if (memory == MAP_FAILED) return false;
                    static_cast<char*>(memory)[offset] = 'M';
                    return ::munmap(memory, model.size()) == 0;
                }));
                model[offset] = 'M';
                break;
            }
            default:
                ASSERT_TRUE(get(fd, size, at) ==
                            (offset < model.size() ? model.substr(offset, size) : ""))
                    << "step " << step;
        }
    }
    EXPECT_TRUE(read_file("f") == model);
}

}  // namespace
}  // namespace lockstep
