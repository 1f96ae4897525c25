#include "daemon/relay_probe.h"

#include <charconv>

#include <fmt/format.h>

#include "base/http/client.h"
#include "daemon/api/config.h"

namespace lockstep {

namespace {

struct Endpoint {
    std::string host;
    std::uint16_t port = 80;
    bool is_tls = false;
};

Result<Endpoint> parse_endpoint(std::string_view url) {
    TRY_OK(api::check_relay_url(url));
    Endpoint endpoint;
    endpoint.is_tls = url.starts_with("https://");
    if (endpoint.is_tls) endpoint.port = 443;
    std::string_view authority = url.substr(endpoint.is_tls ? 8 : 7);
    authority = authority.substr(0, authority.find('/'));
    const std::size_t bracket = authority.rfind(']');
    const std::size_t colon = authority.rfind(':');
    const bool has_port =
        colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
    if (has_port) {
        std::string_view digits = authority.substr(colon + 1);
        auto [end, failure] =
            std::from_chars(digits.data(), digits.data() + digits.size(), endpoint.port);
        if (failure != std::errc{} || end != digits.data() + digits.size() || endpoint.port == 0) {
            return Error{ErrorKind::Invalid, "the URL's port is no port"};
        }
        authority = authority.substr(0, colon);
    }
    if (authority.starts_with('[') && authority.ends_with(']')) {
        authority = authority.substr(1, authority.size() - 2);
    }
    endpoint.host = authority;
    return endpoint;
}

Result<HttpClient> client_of(const Endpoint& endpoint) {
    HttpClientOptions options;
    options.response_size_max = 64 << 10;
    if (!endpoint.is_tls) return HttpClient::over_tcp(endpoint.host, endpoint.port, options);
    TRY(auto tls, TlsContext::client({.host = endpoint.host}));
    return HttpClient::over_tls(endpoint.host, endpoint.port, std::move(tls), options);
}

}  // namespace

Result<api::RelayInfo> probe_relay(const std::string& url, std::chrono::milliseconds timeout) {
    TRY(Endpoint endpoint, parse_endpoint(url));
    api::RelayInfo relay;
    relay.url = url;
    TRY(HttpClient client, client_of(endpoint));
    HttpRequest request;
    request.path = "/healthz";
    request.headers.push_back({"Host", fmt::format("{}:{}", endpoint.host, endpoint.port)});
    const auto begin = std::chrono::steady_clock::now();
    Result<HttpResponse> response = client.request(request, timeout);
    const auto took = std::chrono::steady_clock::now() - begin;
    if (!response.ok()) {
        relay.detail = response.error().message;
        return relay;
    }
    relay.is_reachable = response->status == 200;
    relay.detail = relay.is_reachable ? "healthy" : fmt::format("answered {}", response->status);
    relay.round_trip_ms = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
    return relay;
}

}  // namespace lockstep
