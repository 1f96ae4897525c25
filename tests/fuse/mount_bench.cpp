// How fast a mount of a MemoryFileSystem is: the cost of FUSE and of this layer alone, for
// information.
//
//     mount_bench [--writeback]
#include <chrono>
#include <cstring>
#include <string>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuse/mount.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/temp_dir.h"

namespace lockstep {
namespace {

constexpr int kFiles = 5000;
constexpr std::size_t kBigFileSize = 512 * 1024 * 1024;

template <typename Work>
double seconds_of(Work work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

int open_or_die(const std::string& path, int flags) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
    CHECK(fd >= 0, path);
    return fd;
}

std::string file_name(const std::string& root, int number) {
    return root + "/d" + std::to_string(number % 50) + "/f" + std::to_string(number);
}

void make_files(const std::string& root, const std::vector<char>& content) {
    for (int i = 0; i < kFiles; ++i) {
        const int fd = open_or_die(file_name(root, i), O_CREAT | O_EXCL | O_WRONLY);
        CHECK(::write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
        ::close(fd);
    }
}

void read_files(const std::string& root, std::vector<char>& into) {
    for (int i = 0; i < kFiles; ++i) {
        const int fd = open_or_die(file_name(root, i), O_RDONLY);
        CHECK(::read(fd, into.data(), into.size()) > 0);
        ::close(fd);
    }
}

void stat_files(const std::string& root) {
    struct stat status {};
    for (int i = 0; i < kFiles; ++i) CHECK(::stat(file_name(root, i).c_str(), &status) == 0);
}

void write_big(const std::string& path, std::size_t step) {
    const std::vector<char> block(step, 'x');
    const int fd = open_or_die(path, O_CREAT | O_TRUNC | O_WRONLY);
    for (std::size_t done = 0; done < kBigFileSize; done += step)
        CHECK(::write(fd, block.data(), step) == static_cast<ssize_t>(step));
    ::close(fd);
}

void read_big(const std::string& path) {
    std::vector<char> block(1024 * 1024);
    const int fd = open_or_die(path, O_RDONLY);
    ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    while (::read(fd, block.data(), block.size()) > 0) {
    }
    ::close(fd);
}

void report(const char* what, double seconds, double amount, const char* unit) {
    fmt::print("{:<28} {:>10.0f} {}\n", what, amount / seconds, unit);
}

void run(bool writeback) {
    const TempDir directory;
    MemoryFileSystem file_system;
    MountOptions options;
    options.writeback_cache = writeback;
    auto mounted = Mount::mount(file_system, directory.path(), options);
    CHECK(mounted.ok(), mounted.ok() ? "" : mounted.error().message);
    const std::string root = directory.path().string();
    const std::string big = root + "/big";
    std::vector<char> block(4096, 'x');
    constexpr double kMiB = kBigFileSize / 1048576.0;
    for (int i = 0; i < 50; ++i)
        CHECK(::mkdir((root + "/d" + std::to_string(i)).c_str(), 0755) == 0);

    report("create 4 KiB files", seconds_of([&] { make_files(root, block); }), kFiles, "files/s");
    report("stat files", seconds_of([&] { stat_files(root); }), kFiles, "files/s");
    report("read 4 KiB files", seconds_of([&] { read_files(root, block); }), kFiles, "files/s");
    report("write, 4 KiB steps", seconds_of([&] { write_big(big, 4096); }), kMiB, "MiB/s");
    report("write, 128 KiB steps", seconds_of([&] { write_big(big, 131072); }), kMiB, "MiB/s");
    report("write, 1 MiB steps", seconds_of([&] { write_big(big, 1048576); }), kMiB, "MiB/s");
    report("read, 1 MiB steps", seconds_of([&] { read_big(big); }), kMiB, "MiB/s");
}

}  // namespace
}  // namespace lockstep

int main(int count, char** arguments) {
    lockstep::run(count > 1 && std::strcmp(arguments[1], "--writeback") == 0);
    return 0;
}
