// What a hostile relay answers: refused, or a value that encodes to itself.
#include "base/check.h"
#include "relay/protocol/announce.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace lockstep;
    std::string_view body(reinterpret_cast<const char*>(data), size);
    if (auto answer = decode_announce_response(body); answer.ok())
        CHECK(*decode_announce_response(encode_announce_response(*answer)) == *answer);
    if (auto counts = decode_scrape_response(body); counts.ok())
        CHECK(*decode_scrape_response(encode_scrape_response(*counts)) == *counts);
    return 0;
}
