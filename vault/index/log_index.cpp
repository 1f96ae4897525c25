#include "vault/index/log_index.h"

#include "base/codec.h"
#include "vault/index/index_impl.h"

namespace lockstep {
namespace {

using StampBytes = std::array<std::byte, 24>;

constexpr const char* kAddRecord =
    "INSERT OR IGNORE INTO record (kind, subject, stamp, body) VALUES (?1, ?2, ?3, ?4)";
constexpr const char* kSegmentHash = "SELECT hash FROM segment WHERE log = ?1 AND number = ?2";
constexpr const char* kLogRow =
    "SELECT id, device, incarnation, number, hash FROM log WHERE id = ?1";
constexpr const char* kAllLogs =
    "SELECT id, device, incarnation, number, hash FROM log ORDER BY id";

StampBytes sortable(const Stamp& stamp) {
    StampBytes out;
    for (std::size_t i = 0; i < 8; ++i)
        out[i] = static_cast<std::byte>((stamp.time >> (8 * (7 - i))) & 0xff);
    std::copy(stamp.log.bytes.begin(), stamp.log.bytes.end(), out.begin() + 8);
    return out;
}

ByteView subject_of(const Record& record) {
    struct Subject {
        ByteView operator()(const LinkRecord& r) const { return r.link.view(); }
        ByteView operator()(const ParentRecord& r) const { return r.link.view(); }
        ByteView operator()(const NameRecord& r) const { return r.link.view(); }
        ByteView operator()(const AttributeRecord& r) const { return r.file.view(); }
        ByteView operator()(const VersionRecord& r) const { return r.file.view(); }
        ByteView operator()(const ResolveRecord& r) const { return r.file.view(); }
        ByteView operator()(const DeleteRecord& r) const { return r.link.view(); }
    };
    return std::visit(Subject{}, record);
}

Result<LogRow> read_log(const Statement& row) {
    LogRow out;
    TRY(out.log, row.id<LogId>(0));
    TRY(out.device, row.id<DeviceId>(1));
    TRY(out.incarnation, row.id<IncarnationId>(2));
    out.last.number = row.integer(3);
    TRY(out.last.hash, row.id<SegmentHash>(4));
    return out;
}

Error conflict(const SegmentRef& segment, std::string_view why) {
    return {ErrorKind::Conflict, "index: segment " + std::to_string(segment.number) + " of log " +
                                     segment.log.to_hex() + ": " + std::string(why)};
}

SegmentRef ref_of(const SegmentOuter& segment) {
    return {segment.header.log, segment.header.number};
}

// What follows is one segment being applied, under the index's lock and in a transaction.

// True: it is applied already.
Result<bool> check_applicable(Index::Impl& index, const SegmentOuter& segment)
    REQUIRES_LOCK(index.mutex) {
    const SegmentRef ref = ref_of(segment);
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
    const auto& compacted = segment.replicator.compacted;
    std::uint64_t first = compacted ? compacted->first_number : ref.number;
    if (first != last + 1) return conflict(ref, "does not follow the last one");
    if (is_known && !equal(log->blob(4), segment.replicator.previous.view()))
        return conflict(ref, "follows another one than the last");
    if (is_known && !equal(log->blob(1), segment.replicator.device.view()))
        return conflict(ref, "is of another device");
    return false;
}

Status write_segment(Index::Impl& index, const SegmentOuter& segment) REQUIRES_LOCK(index.mutex) {
    const SegmentRef ref = ref_of(segment);
    const auto& compacted = segment.replicator.compacted;
    const SegmentHash& hash = compacted ? compacted->last : segment.hash;
    TRY(Statement * row,
        index.statement("INSERT INTO segment (log, number, hash, epoch) VALUES (?1, ?2, ?3, ?4)"));
    row->bind(1, ref.log).bind(2, ref.number).bind(3, segment.hash);
    TRY_OK(row->bind(4, segment.header.epoch).run());
    TRY(Statement * log, index.statement("INSERT INTO log (id, device, incarnation, number, hash)"
                                         " VALUES (?1, ?2, ?3, ?4, ?5)"
                                         " ON CONFLICT (id) DO UPDATE SET number = ?4, hash = ?5"));
    log->bind(1, ref.log).bind(2, segment.replicator.device);
    log->bind(3, segment.replicator.incarnation).bind(4, ref.number);
    return log->bind(5, hash).run();
}

Status write_packs(Index::Impl& index, const SegmentOuter& segment) REQUIRES_LOCK(index.mutex) {
    const SegmentRef ref = ref_of(segment);
    for (const PackInfo& pack : segment.replicator.packs) {
        TRY(Statement * add,
            index.statement("INSERT OR IGNORE INTO pack (id, length, present, condemned)"
                            " VALUES (?1, ?2, 0, 0)"));
        TRY_OK(add->bind(1, pack.id).bind(2, pack.length).run());
        TRY(Statement * introduce,
            index.statement("INSERT OR IGNORE INTO introduction (pack, log, number)"
                            " VALUES (?1, ?2, ?3)"));
        TRY_OK(introduce->bind(1, pack.id).bind(2, ref.log).bind(3, ref.number).run());
    }
    for (const PackId& pack : segment.replicator.condemned) {
        TRY(Statement * condemn, index.statement("UPDATE pack SET condemned = 1 WHERE id = ?1"));
        TRY_OK(condemn->bind(1, pack).run());
    }
    return {};
}

Status write_records(Index::Impl& index, const std::vector<Record>& records)
    REQUIRES_LOCK(index.mutex) {
    TRY(Statement * add, index.statement(kAddRecord));
    for (const Record& record : records) {
        TRY(Bytes body, encode_records({record}, LogId{}));
        StampBytes stamp = sortable(stamp_of(record));
        add->bind(1, std::uint64_t{record.index()}).bind(2, subject_of(record));
        TRY_OK(add->bind(3, ByteView(stamp)).bind(4, ByteView(body)).run());
    }
    return {};
}

}  // namespace

Status LogIndex::apply_segment(const SegmentOuter& segment, const RecordBatch& records) {
    Index::Impl& index = *index_.impl_;
    MutexLock lock(index.mutex);
    TRY(bool is_applied, check_applicable(index, segment));
    if (is_applied) return {};
    TRY(Transaction transaction, Transaction::begin(index.database));
    TRY_OK(write_segment(index, segment));
    TRY_OK(write_packs(index, segment));
    TRY_OK(write_records(index, records.records));
    return transaction.commit();
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

Result<std::vector<Record>> LogIndex::records() {
    MutexLock lock(index_.impl_->mutex);
    TRY(Statement * rows,
        index_.impl_->statement("SELECT body FROM record ORDER BY kind, subject, stamp, body"));
    StatementUse use(*rows);
    std::vector<Record> out;
    for (;;) {
        TRY(bool has_row, rows->step());
        if (!has_row) return out;
        TRY(RecordBatch one, decode_records(rows->blob(0), LogId{}));
        if (one.records.size() != 1 || !one.unknown.empty())
            return Error{ErrorKind::Corrupt, "index: a row that is no record"};
        out.push_back(std::move(one.records.front()));
    }
}

}  // namespace lockstep
