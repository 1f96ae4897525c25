// The HTTP text that base/http reads itself: request targets and event streams.
#include <algorithm>

#include "base/check.h"
#include "base/http/event_stream.h"
#include "base/http/url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace lockstep;
    std::string_view text(reinterpret_cast<const char*>(data), size);
    if (auto target = parse_target(text); target.ok()) {
        CHECK(parse_target(percent_encode_path(target->path) + "?" + format_query(target->query))
                  .ok());
        (void)HttpRequest{.target = std::string(text)}.path_parts();
    }
    if (auto url = parse_http_url(text); url.ok()) {
        std::string again = (url->is_tls ? "https://" : "http://") + url->authority() + url->target;
        CHECK(parse_http_url(again).ok() && *parse_http_url(again) == *url);
    }
    if (auto url = parse_srv_url(text); url.ok()) CHECK(is_domain_name(url->domain));
    // However a stream is cut, its events are the same.
    EventParser whole(1 << 16), halves(1 << 16);
    auto events = whole.feed(text);
    auto first = halves.feed(text.substr(0, size / 2));
    auto second = first.ok() ? halves.feed(text.substr(size / 2)) : first;
    CHECK(events.ok() == second.ok());
    if (events.ok()) {
        first->insert(first->end(), second->begin(), second->end());
        CHECK(*events == *first);
    }
    return 0;
}
