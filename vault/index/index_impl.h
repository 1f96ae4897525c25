// What the parts of the index share: the database, its lock, the statements in hot use, and the
// transaction that several calls make together.
#pragma once

#include <functional>
#include <map>
#include <vector>

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

// What one call writes; returns about how many rows. It owns what it needs: it may be done again.
using IndexWork = std::function<Result<std::uint64_t>(Index::Impl&)>;

struct Index::Impl {
    explicit Impl(Database the_database) : database(std::move(the_database)) {}

    // The prepared statement of `sql`, ready to be bound. REQUIRES: `sql` is a literal: its address
    // names it.
    Result<Statement*> statement(const char* sql) REQUIRES_LOCK(mutex) {
        if (is_behind_or_lost() && !is_restoring) TRY_OK(restore());
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
    Status commit(bool is_closing) REQUIRES_LOCK(mutex);

    // Does `work` wholly or not at all, as a part of the transaction that several calls share.
    // `bytes`: about how much it writes.
    //
    // An error of the disk, or of memory, in any statement takes the whole transaction away, what
    // other calls had done before included; so that is kept until it is committed, and done again.
    Status change(IndexWork work, std::uint64_t bytes) REQUIRES_LOCK(mutex);

    Mutex mutex;
    Database database GUARDED_BY(mutex);
    std::map<const char*, Statement> statements GUARDED_BY(mutex);
    IndexCounts counts GUARDED_BY(mutex);
    bool was_closed GUARDED_BY(mutex) = true;  // in the file

  private:
    Status begin() REQUIRES_LOCK(mutex);  // unless begun
    Result<std::uint64_t> attempt(const IndexWork& work) REQUIRES_LOCK(mutex);
    Status restore() REQUIRES_LOCK(mutex);
    bool is_behind_or_lost() const REQUIRES_LOCK(mutex) {
        return is_behind || (has_begun && !database.is_in_transaction());
    }
    bool is_large() const REQUIRES_LOCK(mutex) {
        return rows_changed >= kTransactionRowsMax || bytes_changed >= kTransactionBytesMax;
    }

    std::vector<IndexWork> uncommitted GUARDED_BY(mutex);
    bool has_begun GUARDED_BY(mutex) = false;
    bool is_behind GUARDED_BY(mutex) = false;  // lacks what is uncommitted
    bool is_restoring GUARDED_BY(mutex) = false;
    std::uint64_t rows_changed GUARDED_BY(mutex) = 0, bytes_changed GUARDED_BY(mutex) = 0;
};

}  // namespace lockstep
