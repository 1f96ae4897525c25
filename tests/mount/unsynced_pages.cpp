// Preloaded into lockstepd (LD_PRELOAD): remembers what the disk holds for certain of every file,
// so that unsynced_pages.py can take away what was written and not synced, as a power cut does.
//
// For each file, by its inode, a file in $LOCKSTEP_UNSYNCED holds what each write since its last
// sync has overwritten: u64 offset ‖ u64 size of the file before ‖ u64 length ‖ bytes. A sync
// removes it, and syncs nothing: what counts here is what was asked for. Names are believed to be
// durable at once (MemoryDisk of the vault's own tests forgets those, too).
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

std::mutex& turn() {
    static auto* mutex = new std::mutex;  // outlives whatever still writes at the end
    return *mutex;
}

const char* directory() {
    static const char* const found = std::getenv("LOCKSTEP_UNSYNCED");
    return found;
}

std::string record_of(const struct stat& file) {
    return std::string(directory()) + "/" + std::to_string(file.st_ino);
}

// Standard output and error are no files of the vault.
bool is_watched(int fd, struct stat& file) {
    return fd > 2 && directory() != nullptr && ::fstat(fd, &file) == 0 && S_ISREG(file.st_mode) &&
           file.st_nlink > 0 && (::fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR;
}

// What `length` bytes at `offset` are before they change.
void remember(int fd, const struct stat& file, std::uint64_t offset, std::uint64_t length) {
    const auto size = static_cast<std::uint64_t>(file.st_size);
    const std::uint64_t kept = offset < size ? std::min(length, size - offset) : 0;
    std::vector<char> record(3 * sizeof(std::uint64_t) + kept);
    const std::uint64_t head[] = {offset, size, kept};
    std::copy_n(reinterpret_cast<const char*>(head), sizeof(head), record.begin());
    // A file that is written past the page cache wants aligned reads.
    const int flags = ::fcntl(fd, F_GETFL);
    if ((flags & O_DIRECT) != 0) ::fcntl(fd, F_SETFL, flags & ~O_DIRECT);
    const ssize_t got =
        kept == 0 ? 0 : ::pread(fd, record.data() + sizeof(head), kept, static_cast<off_t>(offset));
    if ((flags & O_DIRECT) != 0) ::fcntl(fd, F_SETFL, flags);
    const int out =
        ::open(record_of(file).c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    const bool is_noted =
        got == static_cast<ssize_t>(kept) && out >= 0 &&
        ::syscall(SYS_write, out, record.data(), record.size()) == static_cast<long>(record.size());
    if (out >= 0) ::close(out);
    if (!is_noted) std::abort();  // the test would prove nothing
}

void forget(const char* path) {
    struct stat file {};
    if (directory() != nullptr && ::lstat(path, &file) == 0 && S_ISREG(file.st_mode) &&
        file.st_nlink == 1)
        ::syscall(SYS_unlink, record_of(file).c_str());
}

long write_at(int fd, const void* bytes, std::size_t size, off_t offset) {
    const std::lock_guard lock(turn());
    struct stat file {};
    if (is_watched(fd, file)) remember(fd, file, static_cast<std::uint64_t>(offset), size);
    return ::syscall(SYS_pwrite64, fd, bytes, size, offset);
}

int resize(int fd, off_t size) {
    const std::lock_guard lock(turn());
    struct stat file {};
    if (is_watched(fd, file))
        remember(fd, file, static_cast<std::uint64_t>(size), ~std::uint64_t{0});
    return static_cast<int>(::syscall(SYS_ftruncate, fd, size));
}

int sync_file(int fd) {
    const std::lock_guard lock(turn());
    struct stat file {};
    if (is_watched(fd, file)) ::syscall(SYS_unlink, record_of(file).c_str());
    return 0;
}

}  // namespace

// What the C library is asked for, under its names.
extern "C" {
ssize_t pwrite(int fd, const void* bytes, std::size_t size, off_t offset) {
    return write_at(fd, bytes, size, offset);
}
ssize_t pwrite64(int fd, const void* bytes, std::size_t size, off64_t offset) {
    return write_at(fd, bytes, size, offset);
}
int ftruncate(int fd, off_t size) noexcept {
    return resize(fd, size);
}
int ftruncate64(int fd, off64_t size) noexcept {
    return resize(fd, size);
}
int fsync(int fd) {
    return sync_file(fd);
}
int fdatasync(int fd) {
    return sync_file(fd);
}
// A file that ends may give its inode to another.
int unlink(const char* path) noexcept {
    const std::lock_guard lock(turn());
    forget(path);
    return static_cast<int>(::syscall(SYS_unlink, path));
}
int remove(const char* path) noexcept {
    struct stat file {};
    if (::lstat(path, &file) == 0 && S_ISDIR(file.st_mode))
        return static_cast<int>(::syscall(SYS_rmdir, path));
    return unlink(path);
}
int rename(const char* from, const char* to) noexcept {
    const std::lock_guard lock(turn());
    forget(to);
    return static_cast<int>(::syscall(SYS_rename, from, to));
}
}
