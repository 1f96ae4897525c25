// A segment from a stranger, and the signed part of one from a member who knows the keys; what a
// compacted one holds, too.
#include "tests/vault/log_samples.h"
#include "vault/log/compaction.h"
#include "vault/log/segment_format.h"
#include "vault/log/segment_parts.h"

using namespace lockstep;

// The device itself may seal anything as what its segments held.
static void restore_whatever(ByteView input, const LogWriter& writer) {
    static const std::vector<Bytes> segments = [] {
        LogWriter own(9);
        return std::vector<Bytes>{own.write(one_of_each()), own.write()};
    }();
    static const SegmentOuter good =
        open_outer(compact_segments(segments, writer.keys(), writer.lookup()).value(),
                   writer.lookup())
            .value();
    const Bytes fields = encode_replicator_part(good.replicator, good.header).value();
    SegmentHeader header = good.header;
    header.length = segment_size(fields.size() + kSignatureSize, input.size());
    if (!is_segment_size(header.length)) return;
    SeededRandom random(1);
    const Bytes bytes =
        sign_and_join(header, fields, writer.keys(),
                      seal_record_part(header, padded_records(header, fields, input), writer.vault,
                                       writer.records_key, random));
    const SegmentOuter outer = open_outer(bytes, writer.lookup()).value();
    auto restored =
        restore_segments(bytes, outer, writer.vault, writer.records_key, writer.outer_key);
    if (restored.ok()) CHECK(*restored == segments);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const LogWriter writer(9);
    ByteView input = std::as_bytes(std::span(data, size));
    if (auto outer = open_outer(input, writer.lookup()); outer.ok()) {
        static_cast<void>(open_records(input, *outer, writer.vault, writer.records_key).ok());
        static_cast<void>(segments_in(*outer).ok());
    }
    for (std::uint64_t number : {1U, 2U, 3U}) {
        SegmentHeader header{writer.epoch, writer.log, number, 4 * kKiB};
        auto part = decode_replicator_part(input, header);
        if (!part.ok()) continue;
        CHECK(equal(encode_replicator_part(*part, header).value(), input));
        const SegmentOuter outer{header, *part, {}, records_offset_of(input)};
        static_cast<void>(segments_in(outer).ok());
    }
    restore_whatever(input, writer);
    return 0;
}
