#include "vault/index/log_index.h"

#include "base/codec.h"
#include "vault/index/index_impl.h"

namespace lockstep {
namespace {

// A time as bytes that sort as it does.
using TimeBytes = std::array<std::byte, 8>;

constexpr std::size_t kStoredBytesAtOnce = 4 * kMiB;

constexpr const char* kSegmentHash = "SELECT hash FROM segment WHERE log = ?1 AND number = ?2";
constexpr const char* kAddSegment =
    "INSERT INTO segment (log, number, hash, epoch, sum, records, origin, time)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
constexpr const char* kLogRow =
    "SELECT id, device, incarnation, number, hash, time FROM log WHERE id = ?1";
constexpr const char* kAllLogs =
    "SELECT id, device, incarnation, number, hash, time FROM log ORDER BY id";
constexpr const char* kSetLog =
    "INSERT INTO log (id, device, incarnation, number, hash, time) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
    " ON CONFLICT (id) DO UPDATE SET number = ?4, hash = ?5, time = max(time, ?6)";
constexpr const char* kSetNamed =
    "INSERT INTO named (log, number, hash) VALUES (?1, ?2, ?3) ON CONFLICT (log) DO UPDATE"
    " SET number = ?2, hash = ?3 WHERE (?2, ?3) > (number, hash)";
constexpr const char* kStored =
    "SELECT row, origin, sum, records FROM segment WHERE row > ?1 ORDER BY row";

TimeBytes sortable(std::uint64_t time) {
    TimeBytes out;
    for (std::size_t i = 0; i < 8; ++i)
        out[i] = static_cast<std::byte>((time >> (8 * (7 - i))) & 0xff);
    return out;
}

std::uint64_t time_of(ByteView sorted) {
    std::uint64_t out = 0;
    for (std::byte each : sorted) out = out << 8 | static_cast<std::uint64_t>(each);
    return out;
}

Result<LogRow> read_log(const Statement& row) {
    LogRow out;
    TRY(out.log, row.id<LogId>(0));
    TRY(out.device, row.id<DeviceId>(1));
    TRY(out.incarnation, row.id<IncarnationId>(2));
    out.last.number = row.integer(3);
    TRY(out.last.hash, row.id<SegmentHash>(4));
    out.time = time_of(row.blob(5));
    return out;
}

Error conflict(const SegmentRef& segment, std::string_view why) {
    return {ErrorKind::Conflict, "index: segment " + std::to_string(segment.number) + " of log " +
                                     segment.log.to_hex() + ": " + std::string(why)};
}

// What follows is one segment being applied, under the index's lock and in a transaction.

// True: it is applied already.
Result<bool> check_applicable(Index::Impl& index, const SegmentOuter& segment,
                              const SegmentRef& ref) REQUIRES_LOCK(index.mutex) {
    TRY(Statement * stored, index.statement(kSegmentHash));
    StatementUse use_stored(*stored);
    TRY(bool is_stored, stored->bind(1, ref.log).bind(2, ref.number).step());
    if (is_stored) {
        if (!equal(stored->blob(0), segment.hash.view()))
            return conflict(ref, "another is applied");
        return true;
    }
    TRY(Statement * log, index.statement(kLogRow));
    StatementUse use_log(*log);
    TRY(bool is_known, log->bind(1, ref.log).step());
    std::uint64_t last = is_known ? log->integer(3) : 0;
    if (ref.number != last + 1) return conflict(ref, "does not follow the last one");
    if (is_known && !equal(log->blob(4), segment.replicator.previous.view()))
        return conflict(ref, "follows another one than the last");
    if (is_known && !equal(log->blob(1), segment.replicator.device.view()))
        return conflict(ref, "is of another device");
    return false;
}

Status write_segment(Index::Impl& index, const SegmentOuter& segment, const SegmentRef& ref,
                     const TimeBytes& time, ByteView records) REQUIRES_LOCK(index.mutex) {
    const Hash256 sum = blake2b(records);
    TRY(Statement * row, index.statement(kAddSegment));
    row->bind(1, ref.log).bind(2, ref.number).bind(3, segment.hash);
    row->bind(4, segment.header.epoch).bind(5, sum.view()).bind(6, records);
    row->bind(7, segment.header.log).bind(8, ByteView(time));
    TRY_OK(row->run());
    ++index.counts.segments;
    return {};
}

// The greatest stamp of the segment's own log.
TimeBytes time_of_own(const SegmentOuter& segment, const std::vector<Record>& records) {
    std::uint64_t greatest = 0;
    for (const Record& record : records)
        if (const Stamp& stamp = stamp_of(record); stamp.log == segment.header.log)
            greatest = std::max(greatest, stamp.time);
    return sortable(greatest);
}

Status write_log(Index::Impl& index, const SegmentOuter& segment, const SegmentRef& ref,
                 const TimeBytes& time) REQUIRES_LOCK(index.mutex) {
    TRY(Statement * log, index.statement(kSetLog));
    log->bind(1, ref.log).bind(2, segment.replicator.device);
    log->bind(3, segment.replicator.incarnation).bind(4, ref.number);
    TRY_OK(log->bind(5, segment.hash).bind(6, ByteView(time)).run());
    TRY(Statement * named, index.statement(kSetNamed));
    for (const auto& [other, position] : segment.replicator.frontier)
        TRY_OK(named->bind(1, other).bind(2, position.number).bind(3, position.hash).run());
    return {};
}

Status write_packs(Index::Impl& index, const SegmentOuter& segment, const SegmentRef& ref)
    REQUIRES_LOCK(index.mutex) {
    for (const PackInfo& pack : segment.replicator.packs) {
        TRY(Statement * add,
            index.statement("INSERT OR IGNORE INTO pack (id, length, present, condemned)"
                            " VALUES (?1, ?2, 0, 0)"));
        TRY_OK(add->bind(1, pack.id).bind(2, pack.length).run());
        index.counts.packs += index.database.changed_rows();
        TRY(Statement * introduce,
            index.statement("INSERT OR IGNORE INTO introduction (pack, log, number)"
                            " VALUES (?1, ?2, ?3)"));
        TRY_OK(introduce->bind(1, pack.id).bind(2, ref.log).bind(3, ref.number).run());
        index.counts.introductions += index.database.changed_rows();
    }
    for (const PackId& pack : segment.replicator.condemned) {
        TRY(Statement * condemn, index.statement("UPDATE pack SET condemned = 1 WHERE id = ?1"));
        TRY_OK(condemn->bind(1, pack).run());
    }
    return {};
}

}  // namespace

Status LogIndex::apply_segment(const SegmentOuter& segment, const RecordBatch& records,
                               const std::optional<SegmentRef>& as) {
    const SegmentRef ref = as.value_or(SegmentRef{segment.header.log, segment.header.number});
    Index::Impl& index = *index_.impl_;
    MutexLock lock(index.mutex);
    TRY(Bytes encoded, encode_records(records, segment.header.log));
    const TimeBytes time = time_of_own(segment, records.records);
    const std::size_t size = encoded.size();
    return index.change(
        [segment, ref, time, encoded = std::move(encoded)](Index::Impl& to)
            REQUIRES_LOCK(to.mutex) -> Result<std::uint64_t> {
                TRY(bool is_applied, check_applicable(to, segment, ref));
                if (is_applied) return std::uint64_t{0};
                TRY_OK(write_segment(to, segment, ref, time, encoded));
                TRY_OK(write_log(to, segment, ref, time));
                TRY_OK(write_packs(to, segment, ref));
                return 2 + segment.replicator.packs.size();
            },
        size);
}

namespace {
Result<std::uint64_t> write_split(Index::Impl& index, const LogSplit& split)
    REQUIRES_LOCK(index.mutex) {
    TRY(Statement * tail,
        index.statement("INSERT INTO log (id, device, incarnation, number, hash, time)"
                        " SELECT ?1, device, incarnation, number - ?3, hash, time FROM log"
                        " WHERE id = ?2 AND number > ?3"));
    TRY_OK(tail->bind(1, split.tail).bind(2, split.log).bind(3, split.kept.number).run());
    TRY(Statement * kept,
        index.statement("UPDATE log SET number = ?2, hash = ?3 WHERE id = ?1 AND number > ?2"));
    TRY_OK(kept->bind(1, split.log).bind(2, split.kept.number).bind(3, split.kept.hash).run());
    TRY(Statement * empty, index.statement("DELETE FROM log WHERE id = ?1 AND number = 0"));
    TRY_OK(empty->bind(1, split.log).run());
    for (const char* table : {"UPDATE segment SET log = ?1, number = number - ?3"
                              " WHERE log = ?2 AND number > ?3",
                              "UPDATE introduction SET log = ?1, number = number - ?3"
                              " WHERE log = ?2 AND number > ?3"}) {
        TRY(Statement * rows, index.statement(table));
        TRY_OK(rows->bind(1, split.tail).bind(2, split.log).bind(3, split.kept.number).run());
    }
    for (const LogId& each : {split.log, split.tail}) {
        TRY(Statement * time, index.statement("UPDATE log SET time = (SELECT max(time) FROM segment"
                                              " WHERE log = ?1) WHERE id = ?1"));
        TRY_OK(time->bind(1, each).run());
    }
    return std::uint64_t{6};
}
}  // namespace

Status LogIndex::split(const LogSplit& split) {
    Index::Impl& index = *index_.impl_;
    MutexLock lock(index.mutex);
    return index.change(
        [split](Index::Impl& to) REQUIRES_LOCK(to.mutex) { return write_split(to, split); }, 0);
}

Result<bool> LogIndex::is_applied(const SegmentRef& segment) {
    MutexLock lock(index_.impl_->mutex);
    TRY(Statement * rows, index_.impl_->statement(kSegmentHash));
    StatementUse use(*rows);
    return rows->bind(1, segment.log).bind(2, segment.number).step();
}

Result<Frontier> LogIndex::frontier() {
    TRY(std::vector<LogRow> rows, logs());
    Frontier out;
    for (const LogRow& row : rows) out[row.log] = row.last;
    return out;
}

Result<std::vector<LogRow>> LogIndex::logs() {
    MutexLock lock(index_.impl_->mutex);
    TRY(Statement * rows, index_.impl_->statement(kAllLogs));
    StatementUse use(*rows);
    std::vector<LogRow> out;
    for (;;) {
        TRY(bool has_row, rows->step());
        if (!has_row) return out;
        TRY(LogRow row, read_log(*rows));
        out.push_back(row);
    }
}

Result<std::optional<LogIndex::SegmentSums>> LogIndex::sums(const SegmentRef& segment) {
    MutexLock lock(index_.impl_->mutex);
    TRY(Statement * rows,
        index_.impl_->statement("SELECT hash, sum FROM segment WHERE log = ?1 AND number = ?2"));
    StatementUse use(*rows);
    TRY(bool has_row, rows->bind(1, segment.log).bind(2, segment.number).step());
    if (!has_row) return std::optional<SegmentSums>();
    SegmentSums out;
    TRY(out.segment, rows->id<SegmentHash>(0));
    TRY(out.records, rows->id<Hash256>(1));
    return std::optional(out);
}

Result<std::uint64_t> LogIndex::greatest_time(const SegmentRef& up_to) {
    MutexLock lock(index_.impl_->mutex);
    TRY(Statement * rows,
        index_.impl_->statement("SELECT max(time) FROM segment WHERE log = ?1 AND number <= ?2"));
    StatementUse use(*rows);
    TRY(bool has_row, rows->bind(1, up_to.log).bind(2, up_to.number).step());
    return has_row ? time_of(rows->blob(0)) : 0;
}

Result<std::vector<Record>> LogIndex::records_of(const SegmentRef& segment) {
    MutexLock lock(index_.impl_->mutex);
    TRY(Statement * rows, index_.impl_->statement("SELECT origin, sum, records FROM segment"
                                                  " WHERE log = ?1 AND number = ?2"));
    StatementUse use(*rows);
    TRY(bool has_row, rows->bind(1, segment.log).bind(2, segment.number).step());
    if (!has_row) return std::vector<Record>{};
    TRY(LogId origin, rows->id<LogId>(0));
    TRY(Hash256 sum, rows->id<Hash256>(1));
    if (blake2b(rows->blob(2)) != sum)
        return Error{ErrorKind::Corrupt, "index: records are not what was applied"};
    TRY(RecordBatch batch, decode_own_records(rows->blob(2), origin));
    return std::move(batch.records);
}

Result<std::optional<SegmentRef>> LogIndex::introduced_by(const PackId& pack) {
    MutexLock lock(index_.impl_->mutex);
    TRY(Statement * rows,
        index_.impl_->statement("SELECT log, number FROM introduction WHERE pack = ?1"
                                " ORDER BY log, number LIMIT 1"));
    StatementUse use(*rows);
    TRY(bool has_row, rows->bind(1, pack).step());
    if (!has_row) return std::optional<SegmentRef>();
    TRY(LogId log, rows->id<LogId>(0));
    return std::optional(SegmentRef{log, rows->integer(1)});
}

Result<std::uint64_t> LogIndex::segment_count() {
    MutexLock lock(index_.impl_->mutex);
    TRY(Statement * rows, index_.impl_->statement("SELECT count(*) FROM segment"));
    StatementUse use(*rows);
    TRY(bool has_row, rows->step());
    return has_row ? rows->integer(0) : 0;
}

Result<Frontier> LogIndex::named() {
    MutexLock lock(index_.impl_->mutex);
    TRY(Statement * rows, index_.impl_->statement("SELECT log, number, hash FROM named"));
    StatementUse use(*rows);
    Frontier out;
    for (;;) {
        TRY(bool has_row, rows->step());
        if (!has_row) return out;
        TRY(LogId log, rows->id<LogId>(0));
        TRY(SegmentHash hash, rows->id<SegmentHash>(2));
        out[log] = {rows->integer(1), hash};
    }
}

Result<std::vector<StoredRecords>> LogIndex::stored_records(std::uint64_t& cursor) {
    Index::Impl& index = *index_.impl_;
    MutexLock lock(index.mutex);
    TRY(Statement * rows, index.statement(kStored));
    StatementUse use(*rows);
    rows->bind(1, cursor);
    std::vector<StoredRecords> out;
    std::size_t bytes = 0;
    while (bytes < kStoredBytesAtOnce) {
        TRY(bool has_row, rows->step());
        if (!has_row) break;
        // Rows are numbered without gaps: segments are never removed.
        if (rows->integer(0) != cursor + 1)
            return Error{ErrorKind::Corrupt, "index: segments are missing"};
        StoredRecords& next = out.emplace_back();
        TRY(next.log, rows->id<LogId>(1));
        TRY(next.sum, rows->id<Hash256>(2));
        next.bytes = to_bytes(rows->blob(3));
        bytes += next.bytes.size();
        ++cursor;
    }
    if (out.empty() && cursor != index.counts.segments)
        return Error{ErrorKind::Corrupt, "index: segments are missing"};
    return out;
}

Result<std::vector<Record>> LogIndex::records() {
    std::vector<Record> out;
    for (std::uint64_t cursor = 0;;) {
        TRY(std::vector<StoredRecords> segments, stored_records(cursor));
        if (segments.empty()) return out;
        for (const StoredRecords& segment : segments) {
            if (blake2b(segment.bytes) != segment.sum)
                return Error{ErrorKind::Corrupt, "index: records are not what was applied"};
            TRY(RecordBatch batch, decode_own_records(segment.bytes, segment.log));
            std::move(batch.records.begin(), batch.records.end(), std::back_inserter(out));
        }
    }
}

}  // namespace lockstep
