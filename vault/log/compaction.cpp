#include "vault/log/compaction.h"

#include <cstring>

#include "vault/log/segment_parts.h"

namespace lockstep {
namespace {

Error corrupt(std::string_view why) {
    return {ErrorKind::Corrupt, "compacted segment: " + std::string(why)};
}

// The nonce that a record part had. Sealing the same plaintext under it again gives the same bytes:
// nothing new is said under it.
class NonceOfBefore final : public Random {
  public:
    explicit NonceOfBefore(ByteView nonce) : nonce_(nonce) {}
    void fill(MutableByteView out) override {
        CHECK(out.size() == kSealNonceSize && nonce_.size() == kSealNonceSize);
        std::memcpy(out.data(), nonce_.data(), out.size());
    }

  private:
    ByteView nonce_;
};

// What the sealed parts of a segment hold.
struct Parts {
    SegmentOuter outer;
    ReplacedSegment replaced;
    Bytes nonce;  // of the record part
    Bytes records;
};

Result<Parts> take_apart(ByteView bytes, const SegmentKeys& keys, const SegmentLookup& lookup) {
    Parts out;
    TRY(out.outer, open_outer(bytes, lookup));
    const SegmentHeader& header = out.outer.header;
    if (out.outer.replicator.compacted)
        return Error{ErrorKind::Invalid, "a compacted segment is not compacted, what it holds is"};
    const ByteView clear = bytes.first(kSegmentHeaderSize);
    if (!equal(clear, encode_segment_header(header)))
        return Error{ErrorKind::Unsupported, "a segment of a newer format is not compacted"};
    TRY(Bytes replicator,
        open_synthetic(keys.outer,
                       outer_part_aad(keys.vault, header.epoch, clear, SegmentSeal::Replicator),
                       bytes.subspan(kSegmentReplicatorOffset,
                                     out.outer.records_offset - kSegmentReplicatorOffset)));
    TRY(OpenedRecordPart part, open_record_part(bytes, out.outer, keys.vault, keys.records));
    ByteView sealed_records = bytes.subspan(out.outer.records_offset);
    out.replaced.length = static_cast<std::uint32_t>(header.length);
    out.replaced.sealed_records = blake2b(sealed_records);
    out.replaced.signature = Signature::from(ByteView(replicator).last(kSignatureSize));
    replicator.resize(replicator.size() - kSignatureSize);
    out.replaced.fields = std::move(replicator);
    out.nonce = to_bytes(sealed_records.first(kSealNonceSize));
    out.records = to_bytes(part.records());
    return out;
}

Status check_neighbours(const SegmentOuter& before, const SegmentOuter& after) {
    const bool follows = after.header.epoch == before.header.epoch &&
                         after.header.log == before.header.log &&
                         after.header.number == before.header.number + 1 &&
                         after.replicator.previous == before.hash &&
                         after.replicator.device == before.replicator.device &&
                         after.replicator.incarnation == before.replicator.incarnation;
    if (!follows) return Error{ErrorKind::Invalid, "segments that do not follow each other"};
    return {};
}

}  // namespace

Result<Bytes> compact_segments(std::span<const Bytes> segments, const SegmentKeys& keys,
                               const SegmentLookup& lookup) {
    if (segments.size() < 2 || segments.size() > kSegmentsCompactedMax)
        return Error{ErrorKind::Invalid, "so many segments are not compacted"};
    ReplicatorPart part;
    part.compacted = CompactedRange{};
    Encoder records;
    SegmentOuter last;
    for (const Bytes& segment : segments) {
        TRY(Parts parts, take_apart(segment, keys, lookup));
        const SegmentOuter& outer = parts.outer;
        if (part.compacted->replaced.empty()) {
            part.device = outer.replicator.device;
            part.incarnation = outer.replicator.incarnation;
            part.previous = outer.replicator.previous;
            part.compacted->first_number = outer.header.number;
        } else {
            TRY_OK(check_neighbours(last, outer));
        }
        part.compacted->replaced.push_back(std::move(parts.replaced));
        records.raw(parts.nonce).bytes(parts.records);
        last = std::move(parts.outer);
    }
    part.compacted->last = last.hash;
    SegmentHeader header = last.header;
    auto fields = encode_replicator_part(part, header);
    if (!fields.ok()) return Error{ErrorKind::TooLarge, std::move(fields).error().message};
    header.length = segment_size(fields->size() + kSignatureSize, records.size());
    if (header.length > kSegmentSizeMax)
        return Error{ErrorKind::TooLarge, "segments: more than one holds"};
    const Bytes plaintext = padded_records(header, *fields, records.view());
    SyntheticNonce nonce(keys.records,
                         record_part_aad(keys.vault, header.epoch, encode_segment_header(header)),
                         plaintext);
    return sign_and_join(header, *fields, keys,
                         seal_record_part(header, plaintext, keys.vault, keys.records, nonce));
}

Result<std::vector<SegmentOuter>> segments_in(const SegmentOuter& outer) {
    if (!outer.replicator.compacted) return std::vector<SegmentOuter>{outer};
    const CompactedRange& range = *outer.replicator.compacted;
    std::vector<SegmentOuter> out;
    out.reserve(range.replaced.size());
    for (const ReplacedSegment& one : range.replaced) {
        SegmentOuter& segment = out.emplace_back();
        segment.header = {outer.header.epoch, outer.header.log, range.first_number + out.size() - 1,
                          one.length};
        TRY(segment.replicator, decode_replicator_part(one.fields, segment.header));
        segment.records_offset = records_offset_of(one.fields);
        if (segment.replicator.compacted || segment.replicator.device != outer.replicator.device ||
            segment.replicator.incarnation != outer.replicator.incarnation)
            return corrupt("what it stands for is no segment of its log");
        if (segment.records_offset + 4 + kSealOverhead > one.length)
            return corrupt("length of a segment replaced");
        if (out.size() > 1) out[out.size() - 2].hash = segment.replicator.previous;
    }
    out.back().hash = range.last;
    if (out.front().replicator.previous != outer.replicator.previous)
        return corrupt("it follows another segment than its first one");
    return out;
}

Result<std::vector<Bytes>> restore_segments(ByteView bytes, const SegmentOuter& outer,
                                            const VaultId& vault, const RecordKey& records_key,
                                            const SegmentOuterKey& outer_key) {
    CHECK(outer.replicator.compacted.has_value());
    TRY(std::vector<SegmentOuter> segments, segments_in(outer));
    TRY(OpenedRecordPart part, open_record_part(bytes, outer, vault, records_key));
    Decoder in(part.records());
    std::vector<Bytes> out;
    out.reserve(segments.size());
    for (std::size_t i = 0; i < segments.size(); ++i) {
        const ReplacedSegment& one = outer.replicator.compacted->replaced[i];
        const SegmentHeader& header = segments[i].header;
        NonceOfBefore nonce(in.raw(kSealNonceSize));
        ByteView records = in.bytes(kSegmentSizeMax);
        TRY_OK(in.status());
        if (segment_size(one.fields.size() + kSignatureSize, records.size()) != header.length)
            return corrupt("length of a segment replaced");
        const Bytes sealed = seal_record_part(header, padded_records(header, one.fields, records),
                                              vault, records_key, nonce);
        out.push_back(join_segment(header, one.fields, one.signature, sealed, vault, outer_key));
        if (segment_hash(out.back()) != segments[i].hash || blake2b(sealed) != one.sealed_records)
            return corrupt("a segment that it stands for is not what its hash says");
    }
    TRY_OK(in.finish());
    return out;
}

// ---- what is worth it

namespace {

std::uint64_t count_of(const CompactionItem& item) {
    return item.last - item.first + 1;
}

unsigned order_of(const CompactionItem& item) {
    unsigned out = 0;
    for (std::uint64_t count = count_of(item); count >= kCompactedRun; count /= kCompactedRun)
        ++out;
    return out;
}

}  // namespace

std::optional<std::pair<std::size_t, std::size_t>> plan_compaction(
    std::span<const CompactionItem> items, bool at_once) {
    const std::size_t least = at_once ? 2 : kCompactedRun;
    for (std::size_t begin = 0; begin < items.size(); ++begin) {
        std::uint64_t bytes = 0, count = 0;
        std::size_t end = begin;
        for (; end < items.size(); ++end) {
            const CompactionItem& item = items[end];
            const bool belongs =
                end == begin ||
                (item.first == items[end - 1].last + 1 && item.epoch == items[begin].epoch &&
                 (at_once || order_of(item) == order_of(items[begin])));
            if (!belongs || bytes + item.size_bytes > kCompactedBytesMax ||
                count + count_of(item) > kSegmentsCompactedMax)
                break;
            bytes += item.size_bytes;
            count += count_of(item);
        }
        if (end - begin >= least) return std::pair(begin, end);
    }
    return std::nullopt;
}

}  // namespace lockstep
