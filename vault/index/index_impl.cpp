#include "vault/index/index_impl.h"

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

Status Index::Impl::commit(bool is_closing) {
    if (!has_begun && (!is_closing || was_closed)) return {};
    TRY_OK(begin());
    TRY(Statement * state, statement(kSetState));
    state->bind(1, std::uint64_t{is_closing ? 1U : 0U}).bind(2, counts.packs);
    state->bind(3, counts.chunks).bind(4, counts.segments).bind(5, counts.introductions);
    Status committed = state->run();
    if (committed.ok()) committed = run("COMMIT");
    if (!committed.ok()) {
        // SQLite may have rolled back already.
        static_cast<void>(run("ROLLBACK").ok());
        has_begun = false;
        TRY_OK(load());
        return committed;
    }
    was_closed = is_closing;
    has_begun = false;
    rows_changed = bytes_changed = 0;
    return {};
}

Result<IndexChange> IndexChange::begin(Index::Impl& index) {
    TRY_OK(index.begin());
    TRY_OK(index.run("SAVEPOINT change"));
    return IndexChange(index, index.counts);
}

// The lock is the caller's: a change lives and dies inside one call of the index.
IndexChange::~IndexChange() NO_THREAD_SAFETY_ANALYSIS {
    if (index_ == nullptr) return;
    index_->counts = before_;
    // Where it fails SQLite has rolled back already, with the error that brought us here.
    static_cast<void>(index_->run("ROLLBACK TO change").ok());
    static_cast<void>(index_->run("RELEASE change").ok());
}

Status IndexChange::keep(std::uint64_t rows, std::uint64_t bytes) NO_THREAD_SAFETY_ANALYSIS {
    TRY_OK(index_->run("RELEASE change"));
    Index::Impl& index = *std::exchange(index_, nullptr);
    index.rows_changed += rows;
    index.bytes_changed += bytes;
    if (index.rows_changed < kTransactionRowsMax && index.bytes_changed < kTransactionBytesMax)
        return {};
    return index.commit(false);
}

}  // namespace lockstep
