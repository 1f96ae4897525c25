// A segment from a stranger, and the signed part of one from a member who knows the keys.
#include "tests/vault/log_samples.h"
#include "vault/log/segment_format.h"

using namespace lockstep;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const LogWriter writer(9);
    ByteView input = std::as_bytes(std::span(data, size));
    if (auto outer = open_outer(input, writer.lookup()); outer.ok())
        static_cast<void>(open_records(input, *outer, writer.vault, writer.records_key).ok());
    for (std::uint64_t number : {1U, 2U}) {
        SegmentHeader header{writer.epoch, writer.log, number, 4 * kKiB};
        auto part = decode_replicator_part(input, header);
        if (part.ok()) CHECK(equal(encode_replicator_part(*part, header).value(), input));
    }
    return 0;
}
