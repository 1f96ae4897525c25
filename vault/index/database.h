// SQLite, fenced in: a database, its prepared statements and its transactions, with Results for
// errors.
//
// The index is a cache: every doubt about it (a failed check, an impossible value) is Corrupt, and
// its owner rebuilds it from the vault directory and the journal.
//
// THREADS: one at a time; the owner holds a lock. Statements must not outlive their database.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"
#include "vault/index/sealed_files.h"

struct sqlite3;
struct sqlite3_stmt;

namespace lockstep {

class EncryptingVfs;

// A prepared statement, reusable. Parameters are numbered from 1, columns from 0.
class Statement {
  public:
    Statement() = default;
    ~Statement();
    Statement(Statement&& other) noexcept;
    Statement& operator=(Statement&& other) noexcept;

    // What is bound must stay alive until the step: nothing is copied.
    Statement& bind(int parameter, std::uint64_t value);  // 2^63 and more: the step fails
    Statement& bind(int parameter, ByteView value);
    Statement& bind_null(int parameter);
    template <typename Tag, std::size_t N>
    Statement& bind(int parameter, const Id<Tag, N>& id) {
        return bind(parameter, id.view());
    }

    // True: a row is there to read.
    Result<bool> step();
    // Steps to the end, then is ready to be bound anew.
    Status run();
    void reset();

    std::uint64_t integer(int column) const;
    ByteView blob(int column) const;  // valid until the next step or reset
    bool is_null(int column) const;
    int columns() const;
    template <typename IdType>
    Result<IdType> id(int column) const {
        ByteView view = blob(column);
        if (view.size() != IdType::kSize)
            return Error{ErrorKind::Corrupt, "index: id of the wrong length"};
        return IdType::from(view);
    }

  private:
    friend class Database;
    sqlite3_stmt* handle_ = nullptr;
    int bind_error_ = 0;
};

// Resets a statement when its reader is done with it, also on early returns.
class StatementUse {
  public:
    explicit StatementUse(Statement& statement) : statement_(statement) {}
    ~StatementUse() { statement_.reset(); }
    StatementUse(const StatementUse&) = delete;
    StatementUse& operator=(const StatementUse&) = delete;

  private:
    Statement& statement_;
};

struct DatabaseLimits {
    std::size_t cache_bytes = 12 * kMiB;  // of pages in memory; more than that go to the WAL
    std::size_t wal_pages = 1024;         // of pages in the WAL when a commit empties it
};

class Database {
  public:
    // An empty database in memory with the index's schema.
    static Result<Database> open_in_memory();
    // An empty database in sealed files with the index's schema. REQUIRES: the files are not there.
    static Result<Database> create_sealed(SealedFilesEnvironment environment,
                                          const DatabaseLimits& limits);
    // The database that was left there. Corrupt when a key, a seal or the schema is another.
    static Result<Database> open_sealed(SealedFilesEnvironment environment,
                                        const DatabaseLimits& limits);

    ~Database();
    Database(Database&& other) noexcept;
    Database& operator=(Database&&) = delete;

    Result<Statement> prepare(std::string_view sql);
    Status execute(std::string_view sql);
    std::uint64_t changed_rows() const;  // by the last statement
    std::uint64_t last_row() const;      // rowid of the last insert
    // False, too, when an error has ended the transaction, and undone it.
    bool is_in_transaction() const;

    // Copies the WAL into the database and empties it.
    Status checkpoint();

    // Whether every page on the disk opens. REQUIRES: checkpoint() was called
    Status verify_seals();
    // Its files are removed; it goes on without.
    void abandon();

    // SQLite's own quick check; Corrupt with its words when it finds anything.
    Status check();

  private:
    Database();
    Status open(const char* name, const char* vfs);
    std::unique_ptr<EncryptingVfs> vfs_;  // null: in memory
    sqlite3* handle_ = nullptr;
};

}  // namespace lockstep
