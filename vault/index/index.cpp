#include "vault/index/index.h"

#include "base/codec.h"
#include "base/log.h"
#include "vault/crypto/hash.h"
#include "vault/index/index_impl.h"

namespace lockstep {
namespace {

// Every table by its key, without numbers that depend on the order of insertion.
constexpr const char* kDigestQueries[] = {
    ("SELECT id, length, CASE WHEN present THEN epoch END, present, condemned FROM pack"
     " WHERE present OR EXISTS (SELECT 1 FROM introduction i WHERE i.pack = pack.id) ORDER BY id"),
    ("SELECT c.id, p.id, c.kind, c.compression, c.offset, c.sealed_length, c.raw_length"
     " FROM chunk c JOIN pack p ON p.row = c.pack WHERE p.present ORDER BY c.id, p.id"),
    "SELECT id, device, incarnation, number, hash, time FROM log ORDER BY id",
    "SELECT log, number, hash FROM named ORDER BY log",
    "SELECT log, number, hash, epoch, sum, records FROM segment ORDER BY log, number",
    "SELECT pack, log, number FROM introduction ORDER BY pack, log, number",
};

void add_column(Blake2b& hasher, const Statement& row, int column) {
    bool is_null = row.is_null(column);
    ByteView value = row.blob(column);  // integers as their decimal text
    hasher.add(Encoder().u8(is_null ? 1 : 0).u32(static_cast<std::uint32_t>(value.size())).view());
    hasher.add(value);
}

}  // namespace

Index::Index(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Index::~Index() {
    MutexLock lock(impl_->mutex);
    // Without its mark, or with a WAL beside it, it is checked when it is opened again.
    Status closed = impl_->commit(true);
    if (closed.ok()) closed = impl_->database.checkpoint();
    if (!closed.ok()) log_warning("index", "closing: {}", closed.error().message);
    impl_->statements.clear();
}

Result<std::unique_ptr<Index>> Index::open_in_memory() {
    TRY(Database database, Database::open_in_memory());
    return std::unique_ptr<Index>(new Index(std::make_unique<Impl>(std::move(database))));
}

Result<std::unique_ptr<Index>> Index::open_existing(const SealedFilesEnvironment& environment,
                                                    const DatabaseLimits& limits) {
    const bool is_wal_hot = SealedFiles(environment.copy()).has_hot_wal();
    TRY(Database database, Database::open_sealed(environment.copy(), limits));
    auto impl = std::make_unique<Impl>(std::move(database));
    {
        MutexLock lock(impl->mutex);
        TRY_OK(impl->load());
        if (is_wal_hot || !impl->was_closed) {
            TRY_OK(impl->database.check());
            TRY_OK(impl->database.checkpoint());
        }
        TRY_OK(impl->check_counts());
        // SQLite opens pages when it needs them; what is damaged must be found before.
        TRY_OK(impl->database.verify_seals());
    }
    std::unique_ptr<Index> out(new Index(std::move(impl)));
    out->is_new_ = false;
    return out;
}

Result<std::unique_ptr<Index>> Index::open(const SealedFilesEnvironment& environment,
                                           const DatabaseLimits& limits) {
    std::optional<std::string> doubt;
    if (environment.disk.exists(environment.path)) {
        auto existing = open_existing(environment, limits);
        if (existing.ok()) return existing;
        doubt = existing.error().message;
    }
    TRY_OK(remove(environment.disk, environment.path));
    TRY(Database database, Database::create_sealed(environment.copy(), limits));
    std::unique_ptr<Index> out(new Index(std::make_unique<Impl>(std::move(database))));
    out->doubt_ = std::move(doubt);
    return out;
}

Status Index::remove(Disk& disk, const fs::path& path) {
    bool is_changed = false;
    for (const fs::path& each : {path, fs::path(path.string() + "-wal")}) {
        if (!disk.exists(each)) continue;
        TRY_OK(disk.remove(each));
        is_changed = true;
    }
    return is_changed ? disk.sync_directory(path.parent_path()) : Status();
}

Status Index::commit() {
    MutexLock lock(impl_->mutex);
    return impl_->commit(false);
}

void Index::abandon() {
    MutexLock lock(impl_->mutex);
    impl_->database.abandon();
}

Result<std::array<std::byte, 32>> Index::digest() {
    MutexLock lock(impl_->mutex);
    Blake2b hasher;
    for (const char* sql : kDigestQueries) {
        TRY(Statement rows, impl_->database.prepare(sql));
        hasher.add(as_bytes(sql));
        for (;;) {
            TRY(bool has_row, rows.step());
            if (!has_row) break;
            for (int column = 0; column < rows.columns(); ++column)
                add_column(hasher, rows, column);
        }
    }
    return hasher.finish().bytes;
}

Status Index::check() {
    MutexLock lock(impl_->mutex);
    TRY_OK(impl_->database.check());
    return impl_->check_counts();
}

}  // namespace lockstep
