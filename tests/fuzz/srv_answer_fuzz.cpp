// A DNS message that names relays: refused, or read as records that can be dialled.
#include "base/check.h"
#include "sync/relay_url.h"
#include "sync/srv_resolver.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace lockstep;
    auto answer = decode_srv_answer(std::as_bytes(std::span(data, size)));
    if (!answer.ok()) return 0;
    CHECK(answer->records.size() <= kSrvRecordsMax);
    for (const SrvRecord& record : answer->records)
        CHECK(parse_relay_url(srv_relay_url(record, true)).ok());
    return 0;
}
