// What a stranger sends to the relay's tracker: a query is refused, or means exactly what it says.
#include "base/check.h"
#include "base/http/url.h"
#include "relay/protocol/announce.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace lockstep;
    std::string_view text(reinterpret_cast<const char*>(data), size);
    if (auto query = parse_query(text); query.ok()) {
        CHECK(*parse_query(format_query(*query)) == *query);
        if (auto request = decode_announce_query(*query); request.ok())
            CHECK(*decode_announce_query(encode_announce_query(*request)) == *request);
        if (auto hashes = decode_scrape_query(*query); hashes.ok())
            CHECK(*decode_scrape_query(encode_scrape_query(*hashes)) == *hashes);
    }
    return 0;
}
