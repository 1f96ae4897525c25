// What the parts of the index share: the database, its lock and the statements in hot use.
#pragma once

#include <map>

#include "base/mutex.h"
#include "vault/index/database.h"
#include "vault/index/index.h"

namespace lockstep {

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

    Mutex mutex;
    Database database GUARDED_BY(mutex);
    std::map<const char*, Statement> statements GUARDED_BY(mutex);
};

}  // namespace lockstep
