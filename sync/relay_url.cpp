#include "sync/relay_url.h"

#include <algorithm>
#include <charconv>

#include "base/bytes.h"

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
    out.is_tls = url.starts_with("https://");
    if (!out.is_tls && !url.starts_with("http://"))
        return Error{ErrorKind::Invalid, "a relay's URL begins with http:// or https://"};
    if (out.pin && !out.is_tls)
        return Error{ErrorKind::Invalid, "only a relay under https:// has a key to pin"};
    url.remove_prefix(out.is_tls ? 8 : 7);
    url = url.substr(0, url.find_first_of("/?"));
    std::size_t colon = url.rfind(':');
    bool has_port =
        colon != std::string_view::npos && url.find(']', colon) == std::string_view::npos;
    std::string_view host = url.substr(0, has_port ? colon : url.size());
    out.port = out.is_tls ? 443 : 80;
    if (has_port) {
        std::string_view digits = url.substr(colon + 1);
        auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
        if (error != std::errc() || end != digits.data() + digits.size() || out.port == 0)
            return Error{ErrorKind::Invalid, "a relay's port is a number from 1 to 65535"};
    }
    out.authority = std::string(host) + ":" + std::to_string(out.port);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (host.empty()) return Error{ErrorKind::Invalid, "a relay's URL names a host"};
    out.host = host;
    return out;
}

Result<std::shared_ptr<TlsContext>> relay_tls(const RelayUrl& url) {
    if (!url.is_tls) return std::shared_ptr<TlsContext>();
    return TlsContext::client({.host = url.host, .pin = url.pin ? &*url.pin : nullptr});
}

Result<HttpClient> relay_http_client(const RelayUrl& url, std::uint64_t response_size_max) {
    HttpClientOptions options{.response_size_max = response_size_max};
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
