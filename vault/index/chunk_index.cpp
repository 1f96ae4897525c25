#include "vault/index/chunk_index.h"

#include <tuple>
#include <vector>

#include "vault/index/index_impl.h"

namespace lockstep {
namespace {

constexpr const char* kFind =
    "SELECT p.id, p.length, p.epoch, c.kind, c.compression, c.offset, c.sealed_length,"
    " c.raw_length, p.present, c.trust, p.condemned"
    " FROM chunk c JOIN pack p ON p.row = c.pack WHERE c.id = ?1 AND c.trust <> 2";
constexpr const char* kPackRow = "SELECT row FROM pack WHERE id = ?1";
constexpr const char* kPackColumns =
    "SELECT id, length, epoch, present, condemned FROM pack WHERE id = ?1";
constexpr const char* kAllPacks =
    "SELECT id, length, epoch, present, condemned FROM pack ORDER BY id";
constexpr const char* kMissing =
    "SELECT id, length FROM pack WHERE present = 0 AND"
    " EXISTS (SELECT 1 FROM introduction i WHERE i.pack = pack.id) ORDER BY id";
constexpr const char* kChunksOf =
    "SELECT id, kind, compression, offset, sealed_length, raw_length FROM chunk"
    " WHERE pack = (SELECT row FROM pack WHERE id = ?1) ORDER BY id";
constexpr const char* kUpsertPack =
    "INSERT INTO pack (id, length, epoch, present, condemned) VALUES (?1, ?2, ?3, 1, 0)"
    " ON CONFLICT (id) DO UPDATE SET length = ?2, epoch = ?3, present = 1";
constexpr const char* kUpsertAbsent =
    "INSERT INTO pack (id, length, epoch, present, condemned) VALUES (?1, ?2, ?3, 0, 0)"
    " ON CONFLICT (id) DO UPDATE SET epoch = ?3 WHERE epoch IS NULL";
constexpr const char* kAddChunk =
    "INSERT INTO chunk (id, pack, kind, compression, offset, sealed_length, raw_length, trust)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
    " ON CONFLICT DO NOTHING";
constexpr const char* kTrustChunk =
    "UPDATE chunk SET trust = 1 WHERE id = ?1 AND pack = ?2 AND trust = 0";
constexpr const char* kDistrustChunk = "UPDATE chunk SET trust = 2 WHERE id = ?1 AND pack = ?2";

template <typename IdType>
Result<IdType> id_or_zero(const Statement& row, int column) {
    if (row.is_null(column)) return IdType{};
    return row.id<IdType>(column);
}

Result<ChunkLocation> read_location(const Statement& row) {
    ChunkLocation out;
    TRY(out.pack, row.id<PackId>(0));
    out.pack_length = row.integer(1);
    TRY(out.epoch, id_or_zero<EpochId>(row, 2));
    out.kind = static_cast<std::uint8_t>(row.integer(3));
    out.compression = static_cast<std::uint8_t>(row.integer(4));
    out.offset = static_cast<std::uint32_t>(row.integer(5));
    out.sealed_length = static_cast<std::uint32_t>(row.integer(6));
    out.raw_length = static_cast<std::uint32_t>(row.integer(7));
    out.is_present = row.integer(8) != 0;
    out.is_verified = row.integer(9) == 1;
    out.is_condemned = row.integer(10) != 0;
    return out;
}

Result<PackRow> read_pack(const Statement& row) {
    PackRow out;
    TRY(out.info.id, row.id<PackId>(0));
    out.info.length = row.integer(1);
    TRY(out.epoch, id_or_zero<EpochId>(row, 2));
    out.is_present = row.integer(3) != 0;
    out.is_condemned = row.integer(4) != 0;
    return out;
}

Result<std::optional<std::uint64_t>> pack_row(Index::Impl& index, const PackId& pack)
    REQUIRES_LOCK(index.mutex) {
    TRY(Statement * rows, index.statement(kPackRow));
    StatementUse use(*rows);
    TRY(bool has_row, rows->bind(1, pack).step());
    if (!has_row) return std::optional<std::uint64_t>();
    return std::optional(rows->integer(0));
}

bool is_better(const ChunkLocation& a, const ChunkLocation& b) {
    auto rank = [](const ChunkLocation& l) {
        return std::tuple(l.is_verified && l.is_present, l.is_present, l.is_verified,
                          !l.is_condemned);
    };
    return rank(a) > rank(b);
}

}  // namespace

Result<std::optional<ChunkLocation>> ChunkIndex::find(const ChunkId& chunk) {
    MutexLock lock(index_.impl_->mutex);
    TRY(Statement * rows, index_.impl_->statement(kFind));
    StatementUse use(*rows);
    rows->bind(1, chunk);
    std::optional<ChunkLocation> best;
    for (;;) {
        TRY(bool has_row, rows->step());
        if (!has_row) return best;
        TRY(ChunkLocation found, read_location(*rows));
        if (!best || is_better(found, *best)) best = found;
    }
}

Result<std::vector<ChunkLocation>> ChunkIndex::find_all(const ChunkId& chunk) {
    MutexLock lock(index_.impl_->mutex);
    TRY(Statement * rows, index_.impl_->statement(kFind));
    StatementUse use(*rows);
    rows->bind(1, chunk);
    std::vector<ChunkLocation> out;
    for (;;) {
        TRY(bool has_row, rows->step());
        if (!has_row) return out;
        TRY(ChunkLocation found, read_location(*rows));
        out.push_back(found);
    }
}

Status ChunkIndex::add_pack(const PackInfo& pack, const EpochId& epoch,
                            std::span<const ChunkEntry> chunks, bool are_verified) {
    return put_pack(kUpsertPack, pack, epoch, chunks, are_verified);
}

Status ChunkIndex::add_absent_pack(const PackInfo& pack, const EpochId& epoch,
                                   std::span<const ChunkEntry> chunks) {
    return put_pack(kUpsertAbsent, pack, epoch, chunks, false);
}

Status ChunkIndex::forget_claims(const PackId& pack) {
    Index::Impl& index = *index_.impl_;
    MutexLock lock(index.mutex);
    return index.change(
        [pack](Index::Impl& to) REQUIRES_LOCK(to.mutex) -> Result<std::uint64_t> {
            TRY(Statement * remove,
                to.statement(
                    "DELETE FROM chunk WHERE pack = (SELECT row FROM pack WHERE id = ?1)"));
            TRY_OK(remove->bind(1, pack).run());
            const std::uint64_t rows = to.database.changed_rows();
            to.counts.chunks -= rows;
            return rows;
        },
        0);
}

namespace {
Result<std::uint64_t> write_pack(Index::Impl& index, const char* upsert_sql, const PackInfo& pack,
                                 const EpochId& epoch, std::span<const ChunkEntry> chunks,
                                 bool are_verified) REQUIRES_LOCK(index.mutex) {
    TRY(std::optional<std::uint64_t> row, pack_row(index, pack.id));
    TRY(Statement * upsert, index.statement(upsert_sql));
    TRY_OK(upsert->bind(1, pack.id).bind(2, pack.length).bind(3, epoch).run());
    if (!row) {
        row = index.database.last_row();
        ++index.counts.packs;
    }
    TRY(Statement * add, index.statement(kAddChunk));
    TRY(Statement * trust, index.statement(kTrustChunk));
    for (const ChunkEntry& chunk : chunks) {
        add->bind(1, chunk.id).bind(2, *row).bind(3, std::uint64_t{chunk.kind});
        add->bind(4, std::uint64_t{chunk.compression}).bind(5, std::uint64_t{chunk.offset});
        add->bind(6, std::uint64_t{chunk.sealed_length}).bind(7, std::uint64_t{chunk.raw_length});
        TRY_OK(add->bind(8, std::uint64_t{are_verified ? 1U : 0U}).run());
        if (index.database.changed_rows() > 0)
            ++index.counts.chunks;
        else if (are_verified)
            TRY_OK(trust->bind(1, chunk.id).bind(2, *row).run());
    }
    return chunks.size() + 1;
}

Result<std::uint64_t> write_forgetting(Index::Impl& index, const PackId& pack)
    REQUIRES_LOCK(index.mutex) {
    std::uint64_t rows = 0;
    auto remove = [&](const char* sql, std::uint64_t& count) REQUIRES_LOCK(index.mutex) -> Status {
        TRY(Statement * step, index.statement(sql));
        TRY_OK(step->bind(1, pack).run());
        count -= index.database.changed_rows();
        rows += index.database.changed_rows();
        return {};
    };
    TRY_OK(remove("DELETE FROM chunk WHERE pack = (SELECT row FROM pack WHERE id = ?1)",
                  index.counts.chunks));
    TRY_OK(remove("DELETE FROM introduction WHERE pack = ?1", index.counts.introductions));
    TRY_OK(remove("DELETE FROM pack WHERE id = ?1", index.counts.packs));
    return rows;
}
}  // namespace

Status ChunkIndex::put_pack(const char* upsert_sql, const PackInfo& pack, const EpochId& epoch,
                            std::span<const ChunkEntry> chunks, bool are_verified) {
    Index::Impl& index = *index_.impl_;
    MutexLock lock(index.mutex);
    return index.change(
        [=, entries = std::vector<ChunkEntry>(chunks.begin(), chunks.end())](Index::Impl& to)
            REQUIRES_LOCK(to.mutex) {
                return write_pack(to, upsert_sql, pack, epoch, entries, are_verified);
            },
        0);
}

Status ChunkIndex::set_flag(const char* sql, const PackId& pack, bool value) {
    MutexLock lock(index_.impl_->mutex);
    return index_.impl_->change(
        [sql, pack, value](Index::Impl& to) REQUIRES_LOCK(to.mutex) -> Result<std::uint64_t> {
            TRY(Statement * update, to.statement(sql));
            TRY_OK(update->bind(1, pack).bind(2, std::uint64_t{value ? 1U : 0U}).run());
            return std::uint64_t{1};
        },
        0);
}

Status ChunkIndex::set_present(const PackId& pack, bool is_present) {
    return set_flag("UPDATE pack SET present = ?2 WHERE id = ?1", pack, is_present);
}

Status ChunkIndex::set_condemned(const PackId& pack, bool is_condemned) {
    return set_flag("UPDATE pack SET condemned = ?2 WHERE id = ?1", pack, is_condemned);
}

Status ChunkIndex::forget_pack(const PackId& pack) {
    Index::Impl& index = *index_.impl_;
    MutexLock lock(index.mutex);
    return index.change(
        [pack](Index::Impl& to) REQUIRES_LOCK(to.mutex) { return write_forgetting(to, pack); }, 0);
}

Status ChunkIndex::set_trust(const char* sql, const ChunkId& chunk, const PackId& pack) {
    Index::Impl& index = *index_.impl_;
    MutexLock lock(index.mutex);
    TRY(std::optional<std::uint64_t> known, pack_row(index, pack));
    if (!known) return {};
    return index.change(
        [sql, chunk, pack](Index::Impl& to) REQUIRES_LOCK(to.mutex) -> Result<std::uint64_t> {
            TRY(std::optional<std::uint64_t> row, pack_row(to, pack));
            if (!row) return std::uint64_t{0};
            TRY(Statement * update, to.statement(sql));
            TRY_OK(update->bind(1, chunk).bind(2, *row).run());
            return std::uint64_t{1};
        },
        0);
}

Status ChunkIndex::mark_verified(const ChunkId& chunk, const PackId& pack) {
    return set_trust(kTrustChunk, chunk, pack);
}

Status ChunkIndex::drop_entry(const ChunkId& chunk, const PackId& pack) {
    return set_trust(kDistrustChunk, chunk, pack);
}

Result<std::optional<PackRow>> ChunkIndex::pack(const PackId& pack) {
    MutexLock lock(index_.impl_->mutex);
    TRY(Statement * rows, index_.impl_->statement(kPackColumns));
    StatementUse use(*rows);
    TRY(bool has_row, rows->bind(1, pack).step());
    if (!has_row) return std::optional<PackRow>();
    TRY(PackRow row, read_pack(*rows));
    return std::optional(row);
}

Result<std::vector<PackRow>> ChunkIndex::packs() {
    MutexLock lock(index_.impl_->mutex);
    TRY(Statement * rows, index_.impl_->statement(kAllPacks));
    StatementUse use(*rows);
    std::vector<PackRow> out;
    for (;;) {
        TRY(bool has_row, rows->step());
        if (!has_row) return out;
        TRY(PackRow row, read_pack(*rows));
        out.push_back(row);
    }
}

Result<std::vector<ChunkEntry>> ChunkIndex::chunks_of(const PackId& pack) {
    MutexLock lock(index_.impl_->mutex);
    TRY(Statement * rows, index_.impl_->statement(kChunksOf));
    StatementUse use(*rows);
    rows->bind(1, pack);
    std::vector<ChunkEntry> out;
    for (;;) {
        TRY(bool has_row, rows->step());
        if (!has_row) return out;
        ChunkEntry& entry = out.emplace_back();
        TRY(entry.id, rows->id<ChunkId>(0));
        entry.kind = static_cast<std::uint8_t>(rows->integer(1));
        entry.compression = static_cast<std::uint8_t>(rows->integer(2));
        entry.offset = static_cast<std::uint32_t>(rows->integer(3));
        entry.sealed_length = static_cast<std::uint32_t>(rows->integer(4));
        entry.raw_length = static_cast<std::uint32_t>(rows->integer(5));
    }
}

Result<std::vector<PackInfo>> ChunkIndex::missing_packs() {
    MutexLock lock(index_.impl_->mutex);
    TRY(Statement * rows, index_.impl_->statement(kMissing));
    StatementUse use(*rows);
    std::vector<PackInfo> out;
    for (;;) {
        TRY(bool has_row, rows->step());
        if (!has_row) return out;
        TRY(PackId id, rows->id<PackId>(0));
        out.push_back({id, rows->integer(1)});
    }
}

}  // namespace lockstep
