// The bytes of records: one canonical encoding, in the order given. Format: vault/FORMAT.md,
// "Records".
//
// A batch is what the record part of a segment, or one entry of the journal, holds. An item is one
// record, or several that belong together (Link, Parent and Name of a creation; attributes of one
// operation on a file); an item with the stamp of the one before it does not repeat it, and a stamp
// of the batch's own log does not name the log.
//
// INVARIANT: encode(decode(bytes)) == bytes for whatever decode() accepts; decode(encode(batch)) ==
// batch. THREADS: any; nothing is shared.
#pragma once

#include <string_view>
#include <vector>

#include "vault/log/record.h"

namespace lockstep {

// An item of a kind that this build does not know and whose writer said that it may be passed over.
struct UnknownRecord {
    std::size_t before = 0;  // index of the record that it precedes
    std::uint8_t kind = 0;
    Stamp stamp;
    Bytes body;
    auto operator<=>(const UnknownRecord&) const = default;
};

struct RecordBatch {
    std::vector<Record> records;
    std::vector<UnknownRecord> unknown;  // in their order; `before` never falls
    bool operator==(const RecordBatch&) const = default;
};

// Invalid when a record is outside the limits (names, sizes, sorted lists); TooLarge above
// kSegmentRecordsMax. `own_log`: the log whose stamps are written without naming it.
Result<Bytes> encode_records(const RecordBatch& batch, const LogId& own_log);
Result<Bytes> encode_records(const std::vector<Record>& records, const LogId& own_log);

// Corrupt when the bytes are no canonical encoding; Unsupported when a critical kind is unknown.
Result<RecordBatch> decode_records(ByteView bytes, const LogId& own_log);

// The same for bytes that this device made with encode_records() and has authenticated: that they
// are canonical is not proved again.
Result<RecordBatch> decode_own_records(ByteView bytes, const LogId& own_log);

// At most this many bytes are added to a batch by `record`: a bound for cutting batches into
// segments.
std::size_t encoded_size_bound(const Record& record);

// What every decoder and encoder refuses about one record; ok when it may be written.
Status check_record(const Record& record);

// One path component: 1 to 255 bytes, no '/' and no NUL, not "." or "..".
bool is_valid_name(std::string_view name);

// The stamp that a record carries.
const Stamp& stamp_of(const Record& record);

}  // namespace lockstep
