#include "vault/journal/journal_entry.h"

#include <algorithm>

#include "base/codec.h"
#include "vault/limits.h"

namespace lockstep {
namespace {

// First byte of an entry.
enum class EntryKind : std::uint8_t {
    Records = 1,
    Content = 2,
    SegmentIntent = 3,
    Published = 4,
    Incarnation = 5,
    Fact = 6,
    Write = 7,
};

constexpr std::size_t kRangeHeadSize = sizeof(std::uint64_t) + sizeof(std::uint32_t);

Encoder begin(EntryKind kind) {
    Encoder out;
    out.u8(static_cast<std::uint8_t>(kind));
    return out;
}

Result<Bytes> encode(const JournalRecords& entry) {
    TRY(Bytes records, encode_records(entry.records, LogId{}));
    return std::move(begin(EntryKind::Records).raw(records)).take();
}

Result<Bytes> encode(const JournalContent& entry) {
    if (entry.bytes.size() > kJournalContentSizeMax)
        return Error{ErrorKind::TooLarge, "journal: content above its limit"};
    Encoder out = begin(EntryKind::Content);
    out.u8(static_cast<std::uint8_t>(entry.form)).u8(entry.kind).id(entry.id);
    return std::move(out.raw(entry.bytes)).take();
}

Result<Bytes> encode(const JournalSegmentIntent& entry) {
    Encoder out = begin(EntryKind::SegmentIntent);
    out.id(entry.log).u64(entry.number).id(entry.hash).u8(entry.ends_publish ? 1 : 0);
    return std::move(out).take();
}

Result<Bytes> encode(const JournalPublished& entry) {
    Encoder out = begin(EntryKind::Published);
    return std::move(out.id(entry.log).u64(entry.number).u64(entry.released_before)).take();
}

Result<Bytes> encode(const JournalIncarnation& entry) {
    Encoder out = begin(EntryKind::Incarnation);
    return std::move(out.id(entry.incarnation).id(entry.log)).take();
}

Result<Bytes> encode(const JournalFact& entry) {
    if (entry.body.size() > kJournalFactSizeMax)
        return Error{ErrorKind::TooLarge, "journal: fact above its limit"};
    return std::move(begin(EntryKind::Fact).u8(entry.kind).raw(entry.body)).take();
}

Result<Bytes> encode(const JournalWrite& entry) {
    Encoder out = begin(EntryKind::Write);
    out.u64(entry.size_min).u64(entry.size).u64(static_cast<std::uint64_t>(entry.modified_ns));
    out.u32(static_cast<std::uint32_t>(entry.ranges.size()));
    TRY(Bytes base, encode_records({entry.base}, LogId{}));
    // Ranges are up to megabytes together: bytes that grow with each would be copied many times.
    std::size_t size = out.size() + base.size();
    for (const JournalWrite::Range& range : entry.ranges)
        size += kRangeHeadSize + range.bytes.size();
    Bytes bytes = std::move(out).take();
    bytes.reserve(size);
    for (const JournalWrite::Range& range : entry.ranges) {
        Encoder head;
        head.u64(range.offset).u32(static_cast<std::uint32_t>(range.bytes.size()));
        append(bytes, head.view());
        append(bytes, range.bytes);
    }
    append(bytes, base);
    return bytes;
}

Result<JournalEntry> read_write(Decoder& in) {
    JournalWrite write;
    write.size_min = in.u64();
    write.size = in.u64();
    write.modified_ns = static_cast<std::int64_t>(in.u64());
    std::uint32_t count = in.u32();
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
        std::uint64_t offset = in.u64();
        ByteView bytes = in.raw(in.u32());
        if (offset > kFileSizeMax || bytes.size() > kFileSizeMax - offset)
            in.fail("a range beyond the largest file");
        write.ranges.push_back({offset, to_bytes(bytes)});
    }
    if (write.size > kFileSizeMax || write.size_min > kFileSizeMax)
        in.fail("a size beyond the largest file");
    TRY_OK(in.status());
    TRY(RecordBatch base, decode_records(in.raw(in.remaining()), LogId{}));
    if (base.records.size() != 1 || !base.unknown.empty() ||
        !std::holds_alternative<VersionRecord>(base.records.front()))
        return Error{ErrorKind::Corrupt, "journal: a write over no version"};
    write.base = std::get<VersionRecord>(std::move(base.records.front()));
    return JournalEntry(std::move(write));
}

Result<JournalEntry> read_content(Decoder& in) {
    JournalContent content;
    content.form = JournalContent::Form{in.u8()};
    content.kind = in.u8();
    content.id = in.id<ChunkId>();
    if (content.form != JournalContent::Form::Plain && content.form != JournalContent::Form::Sealed)
        in.fail("form of content");
    if (in.remaining() > kJournalContentSizeMax) in.fail("content above its limit");
    TRY_OK(in.status());
    content.bytes = to_bytes(in.raw(in.remaining()));
    return JournalEntry(std::move(content));
}

Result<JournalEntry> read_fact(Decoder& in) {
    JournalFact fact{in.u8(), {}};
    if (in.remaining() > kJournalFactSizeMax) in.fail("fact above its limit");
    TRY_OK(in.status());
    fact.body = to_bytes(in.raw(in.remaining()));
    return JournalEntry(std::move(fact));
}

Result<JournalEntry> read_body(EntryKind kind, Decoder& in) {
    switch (kind) {
        case EntryKind::Records: {
            TRY(RecordBatch batch, decode_records(in.raw(in.remaining()), LogId{}));
            if (!batch.unknown.empty())
                return Error{ErrorKind::Unsupported, "journal: written by a newer Lockstep"};
            return JournalEntry(JournalRecords{std::move(batch.records)});
        }
        case EntryKind::Content:
            return read_content(in);
        case EntryKind::SegmentIntent: {
            JournalSegmentIntent intent{in.id<LogId>(), in.u64(), in.id<SegmentHash>()};
            std::uint8_t ends = in.u8();
            if (ends > 1) return Error{ErrorKind::Corrupt, "journal: a flag is neither 0 nor 1"};
            intent.ends_publish = ends == 1;
            return JournalEntry(intent);
        }
        case EntryKind::Published:
            return JournalEntry(JournalPublished{in.id<LogId>(), in.u64(), in.u64()});
        case EntryKind::Incarnation:
            return JournalEntry(JournalIncarnation{in.id<IncarnationId>(), in.id<LogId>()});
        case EntryKind::Fact:
            return read_fact(in);
        case EntryKind::Write:
            return read_write(in);
    }
    return Error{ErrorKind::Unsupported, "journal: unknown kind of entry"};
}

bool is_released(const ReplayedEntry& entry, std::uint64_t before) {
    return entry.sequence < before && (std::holds_alternative<JournalRecords>(entry.entry) ||
                                       std::holds_alternative<JournalContent>(entry.entry));
}

}  // namespace

Result<Bytes> encode_journal_entry(const JournalEntry& entry) {
    TRY(Bytes bytes, std::visit([](const auto& e) { return encode(e); }, entry));
    if (bytes.size() > kJournalEntrySizeMax)
        return Error{ErrorKind::TooLarge, "journal: entry above its limit"};
    return bytes;
}

Result<JournalEntry> decode_journal_entry(ByteView bytes) {
    if (bytes.size() > kJournalEntrySizeMax)
        return Error{ErrorKind::Corrupt, "journal: entry above its limit"};
    Decoder in(bytes);
    EntryKind kind{in.u8()};
    Result<JournalEntry> entry = read_body(kind, in);
    if (entry.ok()) TRY_OK(in.finish());
    return entry;
}

std::vector<ReplayedEntry> unreleased(std::vector<ReplayedEntry> entries) {
    std::uint64_t before = 0;
    for (const ReplayedEntry& entry : entries)
        if (const auto* published = std::get_if<JournalPublished>(&entry.entry))
            before = std::max(before, published->released_before);
    std::erase_if(entries, [&](const ReplayedEntry& entry) { return is_released(entry, before); });
    return entries;
}

}  // namespace lockstep
