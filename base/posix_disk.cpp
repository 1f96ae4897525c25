// Disk on the machine's file system.
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/unique_fd.h"

namespace lockstep {
namespace {

Error last_error(const fs::path& path, std::string_view doing) {
    int code = errno;
    ErrorKind kind = ErrorKind::Io;
    if (code == ENOENT || code == ENOTDIR) kind = ErrorKind::NotFound;
    if (code == EEXIST) kind = ErrorKind::Exists;
    if (code == ENOSPC || code == EDQUOT) kind = ErrorKind::NoSpace;
    if (code == EACCES || code == EPERM) kind = ErrorKind::Refused;
    if (code == EROFS) kind = ErrorKind::ReadOnly;
    if (code == ENOTEMPTY) kind = ErrorKind::NotEmpty;
    if (code == EISDIR) kind = ErrorKind::IsDirectory;
    return {kind, std::string(doing) + " " + path.string() + ": " +
                      std::generic_category().message(code)};
}

// What O_DIRECT asks of memory, offset and size.
constexpr std::size_t kDirectAlignment = 4096;
constexpr std::size_t kDirectBufferSize = 2 << 20;
constexpr std::uint64_t kWriteBackAtOnceMin = 1 << 20;

struct DirectBuffer {
    struct Free {
        void operator()(void* memory) const { std::free(memory); }
    };
    std::unique_ptr<void, Free> bytes{std::aligned_alloc(kDirectAlignment, kDirectBufferSize)};
};

DirectBuffer& direct_buffer() {
    thread_local DirectBuffer buffer;
    return buffer;
}

class PosixFile final : public DiskFile {
  public:
    PosixFile(UniqueFd fd, fs::path path) : fd_(std::move(fd)), path_(std::move(path)) {}

    Result<std::size_t> read(std::uint64_t offset, MutableByteView out) override {
        std::size_t done = 0;
        while (done < out.size()) {
            ssize_t got = pread(fd_.get(), out.data() + done, out.size() - done,
                                static_cast<off_t>(offset + done));
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return last_error(path_, "read");
            if (got == 0) break;
            done += static_cast<std::size_t>(got);
        }
        return done;
    }

    Status write(std::uint64_t offset, ByteView data) override {
        const std::uint64_t begin = offset;
        while (!data.empty()) {
            ssize_t put = pwrite(fd_.get(), data.data(), data.size(), static_cast<off_t>(offset));
            if (put < 0 && errno == EINTR) continue;
            if (put < 0) return last_error(path_, "write");
            offset += static_cast<std::uint64_t>(put);
            data = data.subspan(static_cast<std::size_t>(put));
        }
        // The disk is at it already while the writer makes what comes next, and sync() waits less.
        if (const std::uint64_t size = offset - begin; size >= kWriteBackAtOnceMin)
            sync_file_range(fd_.get(), static_cast<off_t>(begin), static_cast<off_t>(size),
                            SYNC_FILE_RANGE_WRITE);
        return {};
    }

    // O_DIRECT spares copying into the page cache, which costs more than all that was done to the
    // bytes before where the kernel has to find memory for it first.
    Status write_uncached(std::uint64_t offset, ByteView data) override {
        DirectBuffer& buffer = direct_buffer();
        const int flags = fcntl(fd_.get(), F_GETFL);
        bool is_possible = buffer.bytes != nullptr && offset % kDirectAlignment == 0 &&
                           flags >= 0 && fcntl(fd_.get(), F_SETFL, flags | O_DIRECT) == 0;
        while (is_possible && data.size() >= kDirectAlignment) {
            std::size_t size = std::min(data.size(), kDirectBufferSize);
            size -= size % kDirectAlignment;
            std::memcpy(buffer.bytes.get(), data.data(), size);
            ssize_t put = pwrite(fd_.get(), buffer.bytes.get(), size, static_cast<off_t>(offset));
            if (put < 0 && errno == EINTR) continue;
            // Whatever is the matter, the plain write below says it, or does it.
            if (put <= 0 || static_cast<std::size_t>(put) % kDirectAlignment != 0) break;
            offset += static_cast<std::uint64_t>(put);
            data = data.subspan(static_cast<std::size_t>(put));
        }
        if (flags >= 0 && fcntl(fd_.get(), F_SETFL, flags) != 0) return last_error(path_, "write");
        return write(offset, data);
    }

    Status sync() override {
        if (fdatasync(fd_.get()) != 0) return last_error(path_, "sync");
        return {};
    }

    Status truncate(std::uint64_t size) override {
        if (ftruncate(fd_.get(), static_cast<off_t>(size)) != 0)
            return last_error(path_, "truncate");
        return {};
    }

    Result<std::uint64_t> size() override {
        struct stat st {};
        if (fstat(fd_.get(), &st) != 0) return last_error(path_, "stat");
        return static_cast<std::uint64_t>(st.st_size);
    }

  private:
    UniqueFd fd_;
    fs::path path_;
};

int open_flags(OpenMode mode) {
    switch (mode) {
        case OpenMode::Read:
            return O_RDONLY;
        case OpenMode::ReadWrite:
            return O_RDWR;
        case OpenMode::Create:
            return O_RDWR | O_CREAT;
        case OpenMode::CreateNew:
            return O_RDWR | O_CREAT | O_EXCL;
    }
    return O_RDONLY;
}

class PosixDisk final : public Disk {
  public:
    Result<std::unique_ptr<DiskFile>> open(const fs::path& path, OpenMode mode) override {
        UniqueFd fd(::open(path.c_str(), open_flags(mode) | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (!fd.ok()) return last_error(path, "open");
        return std::unique_ptr<DiskFile>(std::make_unique<PosixFile>(std::move(fd), path));
    }

    Status rename(const fs::path& from, const fs::path& to) override {
        if (::rename(from.c_str(), to.c_str()) != 0) return last_error(to, "rename to");
        return {};
    }

    Status remove(const fs::path& path) override {
        if (::remove(path.c_str()) != 0) return last_error(path, "remove");
        return {};
    }

    Status make_directories(const fs::path& path) override {
        if (::mkdir(path.c_str(), 0700) == 0) return sync_directory(parent_of(path));
        if (errno == EEXIST) return {};
        if (errno != ENOENT || path == parent_of(path)) return last_error(path, "make directory");
        TRY_OK(make_directories(parent_of(path)));
        if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
            return last_error(path, "make directory");
        return sync_directory(parent_of(path));
    }

    Status sync_directory(const fs::path& path) override {
        UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!fd.ok()) return last_error(path, "open");
        if (fsync(fd.get()) != 0) return last_error(path, "sync directory");
        return {};
    }

    Result<std::vector<DirectoryItem>> list(const fs::path& path) override {
        std::error_code error;
        std::vector<DirectoryItem> out;
        for (fs::directory_iterator it(path, error), end; !error && it != end;
             it.increment(error)) {
            std::error_code gone;
            bool is_directory = it->is_directory(gone);
            std::uint64_t size = is_directory ? 0 : it->file_size(gone);
            out.push_back({it->path().filename().string(), is_directory, gone ? 0 : size});
        }
        if (error) {
            errno = error.value();
            return last_error(path, "list");
        }
        std::sort(out.begin(), out.end(), [](auto& a, auto& b) { return a.name < b.name; });
        return out;
    }

    Result<DiskSpace> space(const fs::path& path) override {
        struct statvfs at {};
        if (statvfs(path.c_str(), &at) != 0) return last_error(path, "ask for the space of");
        return DiskSpace{at.f_blocks * at.f_frsize, at.f_bfree * at.f_frsize,
                         at.f_bavail * at.f_frsize};
    }

    bool exists(const fs::path& path) override { return ::access(path.c_str(), F_OK) == 0; }

  private:
    static fs::path parent_of(const fs::path& path) {
        fs::path parent = path.parent_path();
        return parent.empty() ? fs::path(".") : parent;
    }
};

}  // namespace

Disk& posix_disk() {
    static PosixDisk disk;
    return disk;
}

}  // namespace lockstep
