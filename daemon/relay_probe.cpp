#include "daemon/relay_probe.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/http/http_date.h"
#include "base/http/url.h"
#include "sync/relay_url.h"
#include "sync/srv_resolver.h"
#include "vault/limits.h"

namespace lockstep {

namespace {

constexpr std::chrono::seconds kPinTimeout{5};

Result<HttpResponse> ask_health(const RelayUrl& relay, const ProxyInForce& proxy,
                                std::chrono::milliseconds timeout) {
    TRY(HttpClient client, relay_http_client(relay, proxy));
    HttpRequest request;
    request.path = "/healthz";
    request.headers.push_back({"Host", relay.authority});
    return client.request(request, timeout);
}

// Each relay that DNS names, within the time.
Result<api::RelayInfo> probe_domain(const std::string& url, const ProxyInForce& proxy,
                                    std::chrono::milliseconds timeout) {
    TRY(SrvUrl domain, parse_srv_url(url));
    api::RelayInfo out;
    out.url = url;
    const auto end = std::chrono::steady_clock::now() + timeout;
    auto answer = proxy == nullptr ? resolve_srv(domain.domain)
                                   : Result<SrvAnswer>(dns_goes_around_a_proxy());
    if (!answer.ok()) {
        out.detail = answer.error().message;
        return out;
    }
    if (answer->records.empty()) out.detail = "the domain has no relays";
    for (const SrvRecord& record : answer->records) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            end - std::chrono::steady_clock::now());
        if (left.count() <= 0) break;
        TRY(api::RelayInfo one, probe_relay(srv_relay_url(record, domain.is_tls), proxy, left));
        out.is_reachable = out.is_reachable || one.is_reachable;
        out.detail += fmt::format("{}{} {}", out.detail.empty() ? "" : "; ", one.url, one.detail);
    }
    return out;
}

// The answer's Date is when it was sent, cut to the second: half a round trip ago.
std::optional<std::int64_t> clock_ahead(const HttpResponse& response, std::uint64_t round_trip_ms) {
    const std::string* date = response.header("Date");
    if (date == nullptr) return std::nullopt;
    Result<std::int64_t> seconds = parse_http_date(*date);
    if (!seconds.ok()) return std::nullopt;
    const std::int64_t then_ms =
        system_clock().wall_ms() - static_cast<std::int64_t>(round_trip_ms / 2);
    return *seconds * 1000 + 500 - then_ms;
}

}  // namespace

Result<api::RelayInfo> probe_relay(const std::string& url, const ProxyInForce& proxy,
                                   std::chrono::milliseconds timeout) {
    TRY(RelayProbe probe, look_at_relay(url, proxy, timeout));
    return std::move(probe.relay);
}

Result<RelayProbe> look_at_relay(const std::string& url, const ProxyInForce& proxy,
                                 std::chrono::milliseconds timeout) {
    TRY_OK(api::check_relay_url(url));
    RelayProbe probe;
    api::RelayInfo& relay = probe.relay;
    if (is_srv_url(url)) {
        TRY(relay, probe_domain(url, proxy, timeout));
        return probe;
    }
    TRY(RelayUrl address, parse_relay_url(url));
    relay.url = std::string(without_pin(url));
    if (address.pin) relay.pin = hex(*address.pin);
    const auto begin = std::chrono::steady_clock::now();
    Result<HttpResponse> response = ask_health(address, proxy, timeout);
    const auto took = std::chrono::steady_clock::now() - begin;
    if (!response.ok()) {
        relay.detail = response.error().message;
        probe.is_untrusted = response.error().kind == ErrorKind::Refused;
        return probe;
    }
    relay.is_reachable = response->status == 200;
    relay.detail = relay.is_reachable ? "healthy" : fmt::format("answered {}", response->status);
    relay.round_trip_ms = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
    probe.clock_ahead_ms = clock_ahead(*response, relay.round_trip_ms);
    return probe;
}

Result<std::string> relay_with_pin(const std::string& url, const std::string& pin,
                                   const ProxyInForce& proxy) {
    if (pin.empty()) return url;
    std::string origin(without_pin(url));
    if (pin != "first") return origin + "#pin=" + pin;
    TRY(RelayUrl relay, parse_relay_url(origin));
    if (!relay.is_tls)
        return Error{ErrorKind::Invalid, "only a relay under https:// has a key to pin"};
    TRY(TlsPin shown, ask_tls_pin(relay.host, relay.port, kPinTimeout, proxy));
    return origin + "#pin=" + hex(shown);
}

Status check_relay_key(const std::string& url, const ProxyInForce& proxy,
                       std::chrono::milliseconds timeout) {
    TRY(RelayUrl relay, parse_relay_url(url));
    if (!relay.is_tls) return {};
    Result<HttpResponse> response = ask_health(relay, proxy, timeout);
    if (response.ok() || response.error().kind != ErrorKind::Refused) return {};
    auto shown = ask_tls_pin(relay.host, relay.port, kPinTimeout, proxy);
    if (!shown.ok()) return {};
    return Error{
        ErrorKind::Refused,
        fmt::format("{}. The relay shows the key {}: if that is what it logs at its start, "
                    "add it with that as its pin",
                    response.error().message, hex(*shown))};
}

std::vector<std::string> relays_for_ticket(const api::Config& config) {
    std::vector<std::string> out = config.relays;
    std::stable_partition(out.begin(), out.end(),
                          [](const std::string& url) { return !is_srv_url(url); });
    out.resize(std::min(out.size(), kTicketRelaysMax));
    return out;
}

RelaySettings relay_settings_of(const api::Config& config) {
    RelaySettings out;
    out.urls = config.relays;
    const auto strategy = relay_strategy_named(config.relay_strategy);
    CHECK(strategy.has_value(), "configuration was checked");
    out.strategy = *strategy;
    for (const std::string& line : config.relay_tokens) {
        const std::size_t space = line.find(' ');
        if (space != std::string::npos)
            out.tokens[relay_origin(line.substr(0, space))] = line.substr(space + 1);
    }
    for (const std::string& line : config.relay_weights) {
        const std::size_t space = line.find(' ');
        const char* end = line.data() + line.size();
        if (space != std::string::npos)
            std::from_chars(line.data() + space + 1, end,
                            out.weights[relay_origin(line.substr(0, space))]);
    }
    return out;
}

namespace {

std::string_view circuit_name(RelayState::Circuit circuit) {
    switch (circuit) {
        case RelayState::Circuit::Unknown:
            return "unknown";
        case RelayState::Circuit::Up:
            return "up";
        case RelayState::Circuit::Down:
            return "down";
        case RelayState::Circuit::Trying:
            return "trying";
    }
    return "unknown";
}

api::RelayInfo domain_info(const RelayDomainState& domain, const RelaySettings& settings) {
    api::RelayInfo out;
    out.url = domain.url;
    out.is_reachable = domain.relays > 0;
    out.state = domain.relays > 0 ? "up" : "unknown";
    out.detail = domain.relays > 0 ? fmt::format("DNS names {} relays", domain.relays)
                                   : "DNS was not asked yet";
    if (!domain.problem.empty()) out.detail += "; " + domain.problem;
    if (domain.relays == 0 && !domain.problem.empty()) out.detail = domain.problem;
    out.has_token = settings.tokens.contains(domain.url);
    return out;
}

}  // namespace

std::vector<api::RelayInfo> relays_in_use(const api::Config& config, const SyncEngine& sync) {
    const RelaySettings settings = relay_settings_of(config);
    std::vector<api::RelayInfo> out;
    for (const RelayDomainState& domain : sync.relay_domains())
        out.push_back(domain_info(domain, settings));
    for (const RelayState& state : sync.relay_states()) {
        api::RelayInfo relay;
        relay.url = std::string(without_pin(state.url));
        if (relay.url.size() < state.url.size())
            relay.pin = state.url.substr(state.url.rfind('=') + 1);
        relay.has_token = settings.tokens.contains(relay_origin(state.url)) ||
                          (!state.domain.empty() && settings.tokens.contains(state.domain));
        relay.state = circuit_name(state.circuit);
        relay.domain = state.domain;
        relay.priority = state.priority;
        relay.weight = state.weight;
        relay.failures = state.failures;
        relay.retry_in_ms = static_cast<std::uint64_t>(state.retry_in.count());
        relay.is_reachable = state.circuit == RelayState::Circuit::Up;
        relay.detail = relay.is_reachable ? "answers" : "no announce was answered yet";
        if (!state.problem.empty()) relay.detail = state.problem;
        if (state.latency)
            relay.round_trip_ms = static_cast<std::uint64_t>((state.latency->count() + 999) / 1000);
        out.push_back(std::move(relay));
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
    services.sync.set_relays(relay_settings_of(now));
    services.events.add({"relays.changed", {}, {}, {}});
    return {};
}

}  // namespace lockstep
