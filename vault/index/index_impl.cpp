#include "vault/index/index_impl.h"

#include "base/log.h"

namespace lockstep {
namespace {

constexpr const char* kState =
    "SELECT is_closed, packs, chunks, segments, introductions FROM state WHERE row = 0";
constexpr const char* kSetState =
    "UPDATE state SET is_closed = ?1, packs = ?2, chunks = ?3, segments = ?4, introductions = ?5";
constexpr const char* kCounts =
    "SELECT (SELECT count(*) FROM pack), (SELECT count(*) FROM chunk),"
    " (SELECT count(*) FROM segment), (SELECT count(*) FROM introduction)";

IndexCounts read_counts(const Statement& row, int first) {
    return {row.integer(first), row.integer(first + 1), row.integer(first + 2),
            row.integer(first + 3)};
}

}  // namespace

Status Index::Impl::load() {
    TRY(Statement * state, statement(kState));
    StatementUse use(*state);
    TRY(bool has_row, state->step());
    if (!has_row) return Error{ErrorKind::Corrupt, "index: it has no state"};
    was_closed = state->integer(0) != 0;
    counts = read_counts(*state, 1);
    return {};
}

Status Index::Impl::check_counts() {
    TRY(Statement * actual, statement(kCounts));
    StatementUse use(*actual);
    TRY(bool has_row, actual->step());
    if (!has_row || read_counts(*actual, 0) != counts)
        return Error{ErrorKind::Corrupt, "index: rows are missing"};
    return {};
}

Status Index::Impl::begin() {
    if (has_begun) return {};
    TRY_OK(run("BEGIN"));
    has_begun = true;
    return {};
}

Status Index::Impl::restore() {
    is_restoring = is_behind = true;
    has_begun = false;
    const Status restored = [&]() REQUIRES_LOCK(mutex) -> Status {
        if (database.is_in_transaction()) TRY_OK(database.execute("ROLLBACK"));
        TRY_OK(load());
        TRY_OK(begin());
        for (const IndexWork& work : uncommitted) {
            TRY(std::uint64_t rows, work(*this));
            static_cast<void>(rows);
        }
        return {};
    }();
    is_restoring = false;
    is_behind = !restored.ok();
    return restored;
}

Result<std::uint64_t> Index::Impl::attempt(const IndexWork& work) {
    if (is_behind_or_lost()) TRY_OK(restore());
    TRY_OK(begin());
    TRY_OK(run("SAVEPOINT change"));
    const IndexCounts before = counts;
    Result<std::uint64_t> done = work(*this);
    if (done.ok()) {
        const Status released = run("RELEASE change");
        if (released.ok()) return done;
        done = released.error();
    }
    if (is_behind_or_lost()) return done;
    counts = before;
    Status undone = database.execute("ROLLBACK TO change");
    if (undone.ok()) undone = database.execute("RELEASE change");
    is_behind = !undone.ok();
    return done;
}

Status Index::Impl::change(IndexWork work, std::uint64_t bytes) {
    // What cannot be committed is kept, and no more is taken.
    if (is_large()) TRY_OK(commit(false));
    Result<std::uint64_t> done = attempt(work);
    // Once more: what the machine refuses for a moment is no reason to be behind the directory.
    if (!done.ok() && (is_behind_or_lost() || done.error().kind == ErrorKind::Io))
        done = attempt(work);
    if (!done.ok()) return done.error();
    uncommitted.push_back(std::move(work));
    rows_changed += *done;
    bytes_changed += bytes;
    if (!is_large()) return {};
    if (Status committed = commit(false); !committed.ok())
        log_warning("index", "{}", committed.error().message);
    return {};
}

Status Index::Impl::commit(bool is_closing) {
    if (is_behind_or_lost()) TRY_OK(restore());
    if (!has_begun && (!is_closing || was_closed)) return {};
    TRY_OK(begin());
    TRY(Statement * state, statement(kSetState));
    state->bind(1, std::uint64_t{is_closing ? 1U : 0U}).bind(2, counts.packs);
    state->bind(3, counts.chunks).bind(4, counts.segments).bind(5, counts.introductions);
    Status committed = state->run();
    if (committed.ok()) committed = run("COMMIT");
    is_behind = !committed.ok();
    if (is_behind) return committed;
    was_closed = is_closing;
    has_begun = false;
    uncommitted.clear();
    rows_changed = bytes_changed = 0;
    return {};
}

}  // namespace lockstep
