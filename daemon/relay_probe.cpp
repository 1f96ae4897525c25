#include "daemon/relay_probe.h"

#include <algorithm>

#include <fmt/format.h>

#include "sync/relay_url.h"

namespace lockstep {

namespace {

constexpr std::chrono::seconds kPinTimeout{5};

Result<HttpResponse> ask_health(const RelayUrl& relay, std::chrono::milliseconds timeout) {
    TRY(HttpClient client, relay_http_client(relay));
    HttpRequest request;
    request.path = "/healthz";
    request.headers.push_back({"Host", relay.authority});
    return client.request(request, timeout);
}

}  // namespace

Result<api::RelayInfo> probe_relay(const std::string& url, std::chrono::milliseconds timeout) {
    TRY_OK(api::check_relay_url(url));
    TRY(RelayUrl address, parse_relay_url(url));
    api::RelayInfo relay;
    relay.url = std::string(without_pin(url));
    if (address.pin) relay.pin = hex(*address.pin);
    const auto begin = std::chrono::steady_clock::now();
    Result<HttpResponse> response = ask_health(address, timeout);
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

Result<std::string> relay_with_pin(const std::string& url, const std::string& pin) {
    if (pin.empty()) return url;
    std::string origin(without_pin(url));
    if (pin != "first") return origin + "#pin=" + pin;
    TRY(RelayUrl relay, parse_relay_url(origin));
    if (!relay.is_tls)
        return Error{ErrorKind::Invalid, "only a relay under https:// has a key to pin"};
    TRY(TlsPin shown, ask_tls_pin(relay.host, relay.port, kPinTimeout));
    return origin + "#pin=" + hex(shown);
}

Status check_relay_key(const std::string& url, std::chrono::milliseconds timeout) {
    TRY(RelayUrl relay, parse_relay_url(url));
    if (!relay.is_tls) return {};
    Result<HttpResponse> response = ask_health(relay, timeout);
    if (response.ok() || response.error().kind != ErrorKind::Refused) return {};
    auto shown = ask_tls_pin(relay.host, relay.port, kPinTimeout);
    if (!shown.ok()) return {};
    return Error{
        ErrorKind::Refused,
        fmt::format("{}. The relay shows the key {}: if that is what it logs at its start, "
                    "add it with that as its pin",
                    response.error().message, hex(*shown))};
}

RelayTokens relay_tokens_of(const api::Config& config) {
    RelayTokens out;
    for (const std::string& line : config.relay_tokens) {
        const std::size_t space = line.find(' ');
        if (space != std::string::npos)
            out[relay_origin(line.substr(0, space))] = line.substr(space + 1);
    }
    return out;
}

Status use_relays_of_ticket(const VaultServices& services, const std::vector<std::string>& urls) {
    const api::Config before = services.config.get();
    TRY_OK(services.config.update([&](api::Config& config) -> Status {
        for (const std::string& url : urls) {
            const bool is_used = std::ranges::any_of(config.relays, [&](const std::string& other) {
                return relay_origin(other) == relay_origin(url);
            });
            if (is_used || !api::check_relay_url(url).ok()) continue;
            if (config.relays.size() < api::kRelaysMax) config.relays.push_back(url);
        }
        return {};
    }));
    const api::Config now = services.config.get();
    if (now.relays == before.relays) return {};
    services.sync.set_relays(now.relays, relay_tokens_of(now));
    services.events.add({"relays.changed", {}, {}, {}});
    return {};
}

}  // namespace lockstep
