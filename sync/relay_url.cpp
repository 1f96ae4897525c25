#include "sync/relay_url.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/http/url.h"

namespace lockstep {
namespace {

constexpr std::string_view kPinMark = "#pin=";

}  // namespace

Result<RelayUrl> parse_relay_url(std::string_view url) {
    RelayUrl out;
    if (std::size_t mark = url.find('#'); mark != std::string_view::npos) {
        std::string_view fragment = url.substr(mark);
        auto bytes = fragment.starts_with(kPinMark)
                         ? from_hex(fragment.substr(kPinMark.size()))
                         : Result<Bytes>(Error{ErrorKind::Invalid, "not a pin"});
        if (!bytes.ok() || bytes->size() != TlsPin{}.size())
            return Error{ErrorKind::Invalid, "a relay's pin is 64 hexadecimal digits"};
        std::copy(bytes->begin(), bytes->end(), out.pin.emplace().begin());
        url = url.substr(0, mark);
    }
    auto where = parse_http_url(url);
    if (!where.ok()) return std::move(where).error().in("a relay");
    if (out.pin && !where->is_tls)
        return Error{ErrorKind::Invalid, "only a relay under https:// has a key to pin"};
    out.is_tls = where->is_tls;
    out.host = where->host;
    out.port = where->port;
    out.authority = where->authority();
    return out;
}

Result<std::shared_ptr<TlsContext>> relay_tls(const RelayUrl& url) {
    if (!url.is_tls) return std::shared_ptr<TlsContext>();
    return TlsContext::client({.host = url.host, .pin = url.pin ? &*url.pin : nullptr});
}

Result<HttpClient> relay_http_client(const RelayUrl& url, std::shared_ptr<const Proxy> proxy,
                                     std::uint64_t response_size_max) {
    HttpClientOptions options{.response_size_max = response_size_max, .proxy = std::move(proxy)};
    if (!url.is_tls) return HttpClient::over_tcp(url.host, url.port, options);
    TRY(auto tls, relay_tls(url));
    return HttpClient::over_tls(url.host, url.port, std::move(tls), options);
}

std::string relay_announce_url(const std::string& url) {
    std::size_t mark = std::min(url.find('#'), url.size());
    std::string out = url.substr(0, mark);
    std::size_t scheme = out.find("://");
    std::size_t path = out.find('/', scheme == std::string::npos ? 0 : scheme + 3);
    if (path == std::string::npos)
        out += "/announce";
    else if (path + 1 == out.size())
        out += "announce";
    return out + url.substr(mark);
}

std::string_view without_pin(std::string_view url) {
    return url.substr(0, url.find('#'));
}

std::string relay_origin(std::string_view url) {
    std::size_t scheme = url.find("://");
    std::size_t end = url.find_first_of("/?#", scheme == std::string_view::npos ? 0 : scheme + 3);
    return std::string(url.substr(0, end));
}

}  // namespace lockstep
