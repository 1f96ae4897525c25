#include "vault/index/database.h"

#include <utility>

#include <sqlite3.h>

#include "vault/index/encrypting_vfs.h"
#include "vault/index/schema.h"

namespace lockstep {
namespace {

Error error_of(sqlite3* handle, int code) {
    ErrorKind kind = ErrorKind::Io;
    switch (code & 0xff) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_CONSTRAINT:
        case SQLITE_MISMATCH:
            kind = ErrorKind::Corrupt;
            break;
        case SQLITE_IOERR:
            if (code == SQLITE_IOERR_DATA) kind = ErrorKind::Corrupt;
            break;
        case SQLITE_FULL:
            kind = ErrorKind::NoSpace;
            break;
        case SQLITE_TOOBIG:
        case SQLITE_RANGE:
            kind = ErrorKind::Invalid;
            break;
        default:
            break;
    }
    return {kind, std::string("index: ") +
                      (handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code))};
}

// Against a planted or damaged database: nothing in it runs code, and cells are checked before they
// are used.
constexpr const char* kHardening =
    "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;"
    "PRAGMA temp_store=MEMORY; PRAGMA locking_mode=EXCLUSIVE; PRAGMA secure_delete=OFF;";

// Synced at checkpoints only: what a power cut leaves is then what the index was at some commit,
// never a mixture. (Without, a checkpoint half on the disk is a mixture that every seal fits.)
std::string sealed_settings(const DatabaseLimits& limits) {
    return "PRAGMA synchronous=NORMAL; PRAGMA cache_size=-" +
           std::to_string(limits.cache_bytes / kKiB) +
           "; PRAGMA wal_autocheckpoint=" + std::to_string(limits.wal_pages) +
           "; PRAGMA journal_size_limit=" + std::to_string(2 * limits.wal_pages * kIndexPageSize) +
           ";";
}

}  // namespace

// ---- Statement ---------------------------------------------------------------------------------

Statement::~Statement() {
    sqlite3_finalize(handle_);
}

Statement::Statement(Statement&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), bind_error_(other.bind_error_) {}

Statement& Statement::operator=(Statement&& other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(bind_error_, other.bind_error_);
    return *this;
}

Statement& Statement::bind(int parameter, std::uint64_t value) {
    int code = value > INT64_MAX
                   ? SQLITE_RANGE
                   : sqlite3_bind_int64(handle_, parameter, static_cast<sqlite3_int64>(value));
    if (code != SQLITE_OK) bind_error_ = code;
    return *this;
}

Statement& Statement::bind(int parameter, ByteView value) {
    // A null pointer would bind NULL, not an empty blob.
    const void* data = value.empty() ? static_cast<const void*>("") : value.data();
    int code = sqlite3_bind_blob64(handle_, parameter, data, value.size(), SQLITE_STATIC);
    if (code != SQLITE_OK) bind_error_ = code;
    return *this;
}

Statement& Statement::bind_null(int parameter) {
    int code = sqlite3_bind_null(handle_, parameter);
    if (code != SQLITE_OK) bind_error_ = code;
    return *this;
}

Result<bool> Statement::step() {
    int code = std::exchange(bind_error_, SQLITE_OK);
    if (code == SQLITE_OK) code = sqlite3_step(handle_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    Error error = error_of(code == SQLITE_RANGE ? nullptr : sqlite3_db_handle(handle_), code);
    reset();
    return error;
}

Status Statement::run() {
    StatementUse use(*this);
    for (;;) {
        TRY(bool has_row, step());
        if (!has_row) return {};
    }
}

void Statement::reset() {
    if (handle_ != nullptr) sqlite3_reset(handle_);
    bind_error_ = SQLITE_OK;
}

std::uint64_t Statement::integer(int column) const {
    return static_cast<std::uint64_t>(sqlite3_column_int64(handle_, column));
}

ByteView Statement::blob(int column) const {
    const void* data = sqlite3_column_blob(handle_, column);
    int size = sqlite3_column_bytes(handle_, column);
    return {static_cast<const std::byte*>(data), static_cast<std::size_t>(size)};
}

bool Statement::is_null(int column) const {
    return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

int Statement::columns() const {
    return sqlite3_column_count(handle_);
}

// ---- Database ----------------------------------------------------------------------------------

Database::Database() = default;
Database::Database(Database&& other) noexcept
    : vfs_(std::move(other.vfs_)), handle_(std::exchange(other.handle_, nullptr)) {}

Database::~Database() {
    sqlite3_close_v2(handle_);
}

Status Database::open(const char* name, const char* vfs) {
    int code = sqlite3_open_v2(
        name, &handle_,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
        vfs);
    if (code != SQLITE_OK) return error_of(handle_, code);
    sqlite3_extended_result_codes(handle_, 1);
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
    sqlite3_limit(handle_, SQLITE_LIMIT_ATTACHED, 0);
    return execute(kHardening);
}

Result<Database> Database::open_in_memory() {
    Database database;
    TRY_OK(database.open(":memory:", nullptr));
    TRY_OK(database.execute(kIndexSchema));
    return database;
}

Result<Database> Database::create_sealed(SealedFilesEnvironment environment,
                                         const DatabaseLimits& limits) {
    Database database;
    database.vfs_ = std::make_unique<EncryptingVfs>(std::move(environment));
    const EncryptingVfs& vfs = *database.vfs_;
    TRY_OK(database.open(vfs.file_name().c_str(), vfs.name().c_str()));
    int reserved = static_cast<int>(kSealOverhead);
    int code =
        sqlite3_file_control(database.handle_, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
    if (code != SQLITE_OK) return error_of(database.handle_, code);
    // The empty database is written with no journal on the disk: torn, it is no database.
    TRY_OK(database.execute("PRAGMA page_size=" + std::to_string(kIndexPageSize) +
                            "; PRAGMA journal_mode=MEMORY; PRAGMA journal_mode=WAL;"));
    TRY_OK(database.execute(sealed_settings(limits)));
    TRY_OK(database.execute(std::string("BEGIN;") + kIndexSchema + "COMMIT;"));
    return database;
}

Result<Database> Database::open_sealed(SealedFilesEnvironment environment,
                                       const DatabaseLimits& limits) {
    Database database;
    database.vfs_ = std::make_unique<EncryptingVfs>(std::move(environment));
    const EncryptingVfs& vfs = *database.vfs_;
    TRY_OK(database.open(vfs.file_name().c_str(), vfs.name().c_str()));
    TRY_OK(database.execute(sealed_settings(limits)));
    TRY(Statement version, database.prepare("PRAGMA user_version"));
    TRY(bool has_row, version.step());
    if (!has_row || version.integer(0) != kIndexSchemaVersion)
        return Error{ErrorKind::Unsupported, "index: written by another version of Lockstep"};
    return database;
}

Result<Statement> Database::prepare(std::string_view sql) {
    Statement statement;
    int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                  SQLITE_PREPARE_PERSISTENT, &statement.handle_, nullptr);
    if (code != SQLITE_OK) return error_of(handle_, code);
    return statement;
}

Status Database::execute(std::string_view sql) {
    int code = sqlite3_exec(handle_, std::string(sql).c_str(), nullptr, nullptr, nullptr);
    return code == SQLITE_OK ? Status() : Status(error_of(handle_, code));
}

std::uint64_t Database::changed_rows() const {
    return static_cast<std::uint64_t>(sqlite3_changes(handle_));
}

std::uint64_t Database::last_row() const {
    return static_cast<std::uint64_t>(sqlite3_last_insert_rowid(handle_));
}

bool Database::is_in_transaction() const {
    return sqlite3_get_autocommit(handle_) == 0;
}

Status Database::check() {
    TRY(Statement statement, prepare("PRAGMA quick_check(1)"));
    TRY(bool has_row, statement.step());
    std::string answer(has_row ? as_text(statement.blob(0)) : "no answer");
    if (answer != "ok") return Error{ErrorKind::Corrupt, "index: " + answer};
    return {};
}

Status Database::verify_seals() {
    if (!vfs_) return {};
    TRY(auto file, SealedDatabase::open(vfs_->files()));
    return file->verify();
}

void Database::abandon() {
    if (vfs_) vfs_->files().give_up("it is to be rebuilt");
}

Status Database::checkpoint() {
    return execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace lockstep
