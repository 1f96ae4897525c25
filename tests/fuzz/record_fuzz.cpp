// Bytes of a record part: refused, or in canonical form.
#include "vault/log/record_codec.h"

using namespace lockstep;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ByteView input = std::as_bytes(std::span(data, size));
    auto batch = decode_records(input, LogId{});
    if (batch.ok()) CHECK(equal(encode_records(*batch, LogId{}).value(), input));
    return 0;
}
