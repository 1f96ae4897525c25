// What the parts of the index share: the database, its lock, the statements in hot use, and the
// transaction that several calls make together.
#pragma once

#include <map>

#include "base/mutex.h"
#include "vault/index/database.h"
#include "vault/index/index.h"

namespace lockstep {

// Calls share a transaction until they have changed this much; lost with a crash, it is applied
// again from the vault directory.
inline constexpr std::uint64_t kTransactionRowsMax = 10'000;
inline constexpr std::uint64_t kTransactionBytesMax = 16 * kMiB;

// Rows of each table, as in `state`.
struct IndexCounts {
    std::uint64_t packs = 0, chunks = 0, segments = 0, introductions = 0;
    bool operator==(const IndexCounts&) const = default;
};

struct Index::Impl {
    explicit Impl(Database the_database) : database(std::move(the_database)) {}

    // The prepared statement of `sql`, ready to be bound. REQUIRES: `sql` is a literal: its address
    // names it.
    Result<Statement*> statement(const char* sql) REQUIRES_LOCK(mutex) {
        auto found = statements.find(sql);
        if (found == statements.end()) {
            TRY(Statement made, database.prepare(sql));
            found = statements.emplace(sql, std::move(made)).first;
        }
        return &found->second;
    }
    Status run(const char* sql) REQUIRES_LOCK(mutex) {
        TRY(Statement * made, statement(sql));
        return made->run();
    }

    // Reads `state`; Corrupt when the file was not closed and its tables are not as they should be.
    Status load() REQUIRES_LOCK(mutex);
    Status check_counts() REQUIRES_LOCK(mutex);
    Status begin() REQUIRES_LOCK(mutex);  // unless begun
    Status commit(bool is_closing) REQUIRES_LOCK(mutex);

    Mutex mutex;
    Database database GUARDED_BY(mutex);
    std::map<const char*, Statement> statements GUARDED_BY(mutex);
    IndexCounts counts GUARDED_BY(mutex);
    bool was_closed GUARDED_BY(mutex) = true;  // in the file
    bool has_begun GUARDED_BY(mutex) = false;
    std::uint64_t rows_changed GUARDED_BY(mutex) = 0, bytes_changed GUARDED_BY(mutex) = 0;
};

// What one call writes: all or nothing, as a part of the shared transaction.
class IndexChange {
  public:
    static Result<IndexChange> begin(Index::Impl& index) REQUIRES_LOCK(index.mutex);
    IndexChange(IndexChange&& other) noexcept
        : index_(std::exchange(other.index_, nullptr)), before_(other.before_) {}
    IndexChange& operator=(IndexChange&&) = delete;
    ~IndexChange();

    // `rows`, `bytes`: about how much was changed.
    Status keep(std::uint64_t rows, std::uint64_t bytes);

  private:
    IndexChange(Index::Impl& index, const IndexCounts& before) : index_(&index), before_(before) {}
    Index::Impl* index_;
    IndexCounts before_;
};

}  // namespace lockstep
