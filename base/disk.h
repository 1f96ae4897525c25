// The disk as an interface: what durable storage needs and no more.
//
// Vault directories and journals live behind it. Tests put a MemoryDisk here that forgets what was
// not synced and can fail the n-th call; so durability rules are tested, not hoped for:
//   * a file's bytes survive a crash once sync() returned;
//   * a file's name (create, rename, remove) survives once sync_directory() of its parent returned.
// A failed sync() means the bytes may be gone: callers never retry it as if nothing had happened.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "base/bytes.h"

namespace lockstep {

namespace fs = std::filesystem;

// An open file. THREADS: read() from any thread; append(), write(), sync() and truncate() one at a
// time.
class DiskFile {
  public:
    virtual ~DiskFile() = default;
    // Reads up to out.size() bytes at `offset`; fewer only at the end of the file.
    virtual Result<std::size_t> read(std::uint64_t offset, MutableByteView out) = 0;
    // Writes all of `data` or fails.
    virtual Status write(std::uint64_t offset, ByteView data) = 0;
    // The same for much data that is not read again soon: past the page cache where the disk can.
    virtual Status write_uncached(std::uint64_t offset, ByteView data) {
        return write(offset, data);
    }
    // fdatasync: when it returns ok, data and size survive a power cut.
    virtual Status sync() = 0;
    virtual Status truncate(std::uint64_t size) = 0;
    virtual Result<std::uint64_t> size() = 0;
};

enum class OpenMode {
    Read,       // must exist
    ReadWrite,  // must exist
    Create,     // read and write; made empty (0600) when missing
    CreateNew,  // read and write; Exists when there
};

struct DirectoryItem {
    std::string name;
    bool is_directory = false;
    std::uint64_t size = 0;
};

struct DiskSpace {
    std::uint64_t total = 0, free = 0, available = 0;  // bytes; available: to this user
};

// THREADS: any.
class Disk {
  public:
    virtual ~Disk() = default;
    virtual Result<std::unique_ptr<DiskFile>> open(const fs::path& path, OpenMode mode) = 0;
    // Replaces `to` if it exists. Durable after sync_directory() of both parents.
    virtual Status rename(const fs::path& from, const fs::path& to) = 0;
    virtual Status remove(const fs::path& path) = 0;
    // Makes the directory and its missing parents (0700); each new name is durable on return.
    virtual Status make_directories(const fs::path& path) = 0;
    virtual Status sync_directory(const fs::path& path) = 0;
    // Sorted by name. NotFound when there is no such directory.
    virtual Result<std::vector<DirectoryItem>> list(const fs::path& path) = 0;
    virtual bool exists(const fs::path& path) = 0;
    // Of the file system that holds `path`.
    virtual Result<DiskSpace> space(const fs::path& path) = 0;

    // The whole file. TooLarge when above `size_max`.
    Result<Bytes> read_file(const fs::path& path, std::uint64_t size_max);
    // Writes a temporary file beside `path`, syncs it, renames it to `path`, syncs the directory:
    // after a crash there is either the old file or the new one, whole. The temporary name is
    // `path` with `temporary_ending` behind it; who shares a directory with other programs that
    // write the same names gives one of its own.
    Status write_file_durably(const fs::path& path, ByteView data,
                              std::string_view temporary_ending = ".tmp");
    // The same; but a file that holds these bytes already (somebody else put it there) is left as
    // it is, and made durable.
    Status keep_file_durably(const fs::path& path, ByteView data,
                             std::string_view temporary_ending = ".tmp");
};

// The machine's file system. THREADS: any.
Disk& posix_disk();

}  // namespace lockstep
