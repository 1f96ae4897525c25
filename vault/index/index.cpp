#include "vault/index/index.h"

#include "base/codec.h"
#include "vault/crypto/hash.h"
#include "vault/index/index_impl.h"

namespace lockstep {
namespace {

// Every table by its key, without numbers that depend on the order of insertion.
constexpr const char* kDigestQueries[] = {
    "SELECT id, length, epoch, present, condemned FROM pack ORDER BY id",
    ("SELECT c.id, p.id, c.kind, c.compression, c.offset, c.sealed_length, c.raw_length"
     " FROM chunk c JOIN pack p ON p.row = c.pack ORDER BY c.id, p.id"),
    "SELECT id, device, incarnation, number, hash FROM log ORDER BY id",
    "SELECT log, number, hash, epoch FROM segment ORDER BY log, number",
    "SELECT pack, log, number FROM introduction ORDER BY pack, log, number",
    "SELECT kind, subject, stamp, body FROM record ORDER BY kind, subject, stamp, body",
};

void add_column(Blake2b& hasher, const Statement& row, int column) {
    bool is_null = row.is_null(column);
    ByteView value = row.blob(column);  // integers as their decimal text
    hasher.add(Encoder().u8(is_null ? 1 : 0).u32(static_cast<std::uint32_t>(value.size())).view());
    hasher.add(value);
}

}  // namespace

Index::Index(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Index::~Index() = default;

Result<std::unique_ptr<Index>> Index::open_in_memory() {
    TRY(Database database, Database::open_in_memory());
    return std::unique_ptr<Index>(new Index(std::make_unique<Impl>(std::move(database))));
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
    return impl_->database.check();
}

}  // namespace lockstep
