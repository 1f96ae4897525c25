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

struct sqlite3;
struct sqlite3_stmt;

namespace lockstep {

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

class Database {
  public:
    // An empty database in memory with the index's schema.
    static Result<Database> open_in_memory();

    ~Database();
    Database(Database&& other) noexcept;
    Database& operator=(Database&&) = delete;

    Result<Statement> prepare(std::string_view sql);
    Status execute(std::string_view sql);
    std::uint64_t changed_rows() const;  // by the last statement
    std::uint64_t last_row() const;      // rowid of the last insert

    // SQLite's own quick check; Corrupt with its words when it finds anything.
    Status check();

  private:
    Database() = default;
    sqlite3* handle_ = nullptr;
};

// Rolls back unless committed. Not nested.
class Transaction {
  public:
    static Result<Transaction> begin(Database& database);
    ~Transaction();
    Transaction(Transaction&& other) noexcept;
    Transaction& operator=(Transaction&&) = delete;
    Status commit();

  private:
    explicit Transaction(Database& database) : database_(&database) {}
    Database* database_;
};

}  // namespace lockstep
