#include "vault/index/encrypting_vfs.h"

#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>

#include <sqlite3.h>

#include "base/log.h"

namespace lockstep {
namespace {

// SQLite allocates this and calls through its first member.
struct OpenFile {
    sqlite3_file base;
    SealedFile* file;
};

SealedFile& file_of(sqlite3_file* opened) {
    return *reinterpret_cast<OpenFile*>(opened)->file;
}

int code_of(const Error& error, int otherwise) {
    log_debug("index", "{}", error.message);
    switch (error.kind) {
        case ErrorKind::Corrupt:
            return SQLITE_IOERR_DATA;
        case ErrorKind::NoSpace:
            return SQLITE_FULL;
        default:
            return otherwise;
    }
}

// ---- files

int close_file(sqlite3_file* opened) {
    delete reinterpret_cast<OpenFile*>(opened)->file;
    return SQLITE_OK;
}

int read_file(sqlite3_file* opened, void* out, int size, sqlite3_int64 offset) {
    const auto length = static_cast<std::size_t>(size);
    auto done = file_of(opened).read(static_cast<std::uint64_t>(offset),
                                     {static_cast<std::byte*>(out), length});
    if (!done.ok()) return code_of(done.error(), SQLITE_IOERR_READ);
    return *done < length ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
}

int write_file(sqlite3_file* opened, const void* data, int size, sqlite3_int64 offset) {
    Status written = file_of(opened).write(
        static_cast<std::uint64_t>(offset),
        {static_cast<const std::byte*>(data), static_cast<std::size_t>(size)});
    return written.ok() ? SQLITE_OK : code_of(written.error(), SQLITE_IOERR_WRITE);
}

int truncate_file(sqlite3_file* opened, sqlite3_int64 size) {
    Status cut = file_of(opened).truncate(static_cast<std::uint64_t>(size));
    return cut.ok() ? SQLITE_OK : code_of(cut.error(), SQLITE_IOERR_TRUNCATE);
}

int sync_file(sqlite3_file* opened, int) {
    Status synced = file_of(opened).sync();
    return synced.ok() ? SQLITE_OK : code_of(synced.error(), SQLITE_IOERR_FSYNC);
}

int file_size(sqlite3_file* opened, sqlite3_int64* size) {
    *size = static_cast<sqlite3_int64>(file_of(opened).size());
    return SQLITE_OK;
}

// The instance lock of the daemon keeps other processes away; here there is one connection.
int lock_file(sqlite3_file*, int) {
    return SQLITE_OK;
}
int check_reserved_lock(sqlite3_file*, int* is_reserved) {
    *is_reserved = 0;
    return SQLITE_OK;
}
int file_control(sqlite3_file*, int operation, void* argument) {
    if (operation != SQLITE_FCNTL_PERSIST_WAL) return SQLITE_NOTFOUND;
    // An empty WAL stays where it is: neither its end nor its beginning has to be made durable.
    *static_cast<int*>(argument) = 1;
    return SQLITE_OK;
}
int sector_size(sqlite3_file*) {
    return 4096;
}
int device_characteristics(sqlite3_file*) {
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

// Version 1: no shared memory and no memory maps.
constexpr sqlite3_io_methods kFileMethods = {
    .iVersion = 1,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = file_size,
    .xLock = lock_file,
    .xUnlock = lock_file,
    .xCheckReservedLock = check_reserved_lock,
    .xFileControl = file_control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = device_characteristics,
    .xShmMap = nullptr,
    .xShmLock = nullptr,
    .xShmBarrier = nullptr,
    .xShmUnmap = nullptr,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

// ---- the file system

SealedFiles& files_of(sqlite3_vfs* vfs) {
    return *static_cast<SealedFiles*>(vfs->pAppData);
}

int open_file(sqlite3_vfs* vfs, const char*, sqlite3_file* opened, int flags, int* flags_out) {
    opened->pMethods = nullptr;
    auto open = [&]() -> Result<std::unique_ptr<SealedFile>> {
        if ((flags & SQLITE_OPEN_WAL) != 0) return SealedWal::open(files_of(vfs));
        if ((flags & SQLITE_OPEN_MAIN_DB) == 0)
            return Error{ErrorKind::Unsupported, "index: a file that is none of its own"};
        TRY(auto database, SealedDatabase::open(files_of(vfs)));
        return std::unique_ptr<SealedFile>(std::move(database));
    };
    auto file = open();
    if (!file.ok()) return code_of(file.error(), SQLITE_CANTOPEN);
    reinterpret_cast<OpenFile*>(opened)->file = std::move(file).value().release();
    opened->pMethods = &kFileMethods;
    if (flags_out != nullptr) *flags_out = flags;
    return SQLITE_OK;
}

bool is_wal(sqlite3_vfs* vfs, const char* name) {
    return files_of(vfs).environment().wal_path() == name;
}

int delete_file(sqlite3_vfs* vfs, const char* name, int) {
    if (!is_wal(vfs, name)) return SQLITE_IOERR_DELETE_NOENT;
    Status removed = files_of(vfs).environment().disk.remove(name);
    return removed.ok() ? SQLITE_OK : SQLITE_IOERR_DELETE;
}

int access_file(sqlite3_vfs* vfs, const char* name, int, int* is_there) {
    *is_there = is_wal(vfs, name) && files_of(vfs).environment().disk.exists(name) ? 1 : 0;
    return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* name, int size, char* out) {
    const std::size_t length = std::strlen(name);
    if (length >= static_cast<std::size_t>(size)) return SQLITE_CANTOPEN;
    std::memcpy(out, name, length + 1);
    return SQLITE_OK;
}

int randomness(sqlite3_vfs*, int size, char* out) {
    system_random().fill(std::as_writable_bytes(std::span(out, static_cast<std::size_t>(size))));
    return size;
}

int sleep_for(sqlite3_vfs*, int microseconds) {
    std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
    return microseconds;
}

int current_time(sqlite3_vfs*, double* julian_days) {
    *julian_days = 2440587.5;  // the index asks for no dates
    return SQLITE_OK;
}

int last_error(sqlite3_vfs*, int, char*) {
    return 0;
}

std::string next_name() {
    static std::atomic<std::uint64_t> count{0};
    return "lockstep-index-" + std::to_string(++count);
}

}  // namespace

struct EncryptingVfs::Impl {
    explicit Impl(SealedFilesEnvironment environment)
        : files(std::move(environment)),
          name(next_name()),
          file_name(files.environment().path.string()) {}

    SealedFiles files;
    std::string name, file_name;
    sqlite3_vfs vfs{};
};

EncryptingVfs::EncryptingVfs(SealedFilesEnvironment environment)
    : impl_(std::make_unique<Impl>(std::move(environment))) {
    sqlite3_vfs& vfs = impl_->vfs;
    vfs.iVersion = 1;
    vfs.szOsFile = sizeof(OpenFile);
    vfs.mxPathname = 4096;
    vfs.zName = impl_->name.c_str();
    vfs.pAppData = &impl_->files;
    vfs.xOpen = open_file;
    vfs.xDelete = delete_file;
    vfs.xAccess = access_file;
    vfs.xFullPathname = full_path;
    vfs.xRandomness = randomness;
    vfs.xSleep = sleep_for;
    vfs.xCurrentTime = current_time;
    vfs.xGetLastError = last_error;
    CHECK(sqlite3_vfs_register(&vfs, 0) == SQLITE_OK);
}

EncryptingVfs::~EncryptingVfs() {
    sqlite3_vfs_unregister(&impl_->vfs);
}

const std::string& EncryptingVfs::name() const {
    return impl_->name;
}
const std::string& EncryptingVfs::file_name() const {
    return impl_->file_name;
}
SealedFiles& EncryptingVfs::files() {
    return impl_->files;
}

}  // namespace lockstep
