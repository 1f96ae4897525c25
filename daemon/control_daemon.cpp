// Handlers of the daemon itself: status, events, relays, configuration.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/http/url.h"
#include "daemon/addresses.h"
#include "daemon/control_context.h"
#include "daemon/json_response.h"
#include "daemon/relay_probe.h"
#include "daemon/settings.h"
#include "sync/relay_url.h"
#include "vault/keys/device_identity.h"

namespace lockstep {

namespace {

constexpr std::chrono::milliseconds kProbeTimeout{5'000};

// Adds what the relay's tracker, tunnels and mailbox last said to any vault.
void add_what_vaults_know(ControlContext& context, api::RelayInfo& relay) {
    const std::string announced =
        relay_announce_url(relay.pin.empty() ? relay.url : relay.url + "#pin=" + relay.pin);
    std::string mailbox_problem;
    bool is_announced_to = false;
    for (const auto& vault : context.vaults.all()) {
        std::optional<VaultId> id = vault->id();
        if (!id) continue;
        Result<VaultSyncStatus> status = context.services.sync.status(*id);
        if (!status.ok()) continue;
        for (const RelayStatus& one : status->relays) {
            if (one.url != announced) continue;
            relay.has_mailbox = relay.has_mailbox || one.has_mailbox;
            if (one.ok && !one.message.empty()) mailbox_problem = one.message;
            relay.has_tunnels = relay.has_tunnels || one.has_tunnels;
            is_announced_to = is_announced_to || one.ok;
            if (is_announced_to) {
                relay.is_reachable = true;
                relay.detail = "announces";
            } else if (!one.message.empty()) {
                relay.is_reachable = false;
                relay.detail = one.message;
            }
        }
    }
    if (!mailbox_problem.empty()) relay.detail += "; " + mailbox_problem;
}

std::vector<api::RelayInfo> relays_of(ControlContext& context) {
    std::vector<api::RelayInfo> relays =
        relays_in_use(context.services.config.get(), context.services.sync);
    for (api::RelayInfo& relay : relays) add_what_vaults_know(context, relay);
    return relays;
}

api::RelayList relay_list(ControlContext& context) {
    return {relays_of(context), context.services.config.get().relay_strategy};
}

Result<HttpResponse> status(ControlContext& context, const ApiRequest& request) {
    const VaultServices& services = context.services;
    api::StatusReport report;
    report.sequence = services.events.sequence();
    report.version = kVersion;
    report.device.id = services.device.id().to_hex();
    report.device.label = device_label(services.config.get());
    report.device.is_this_device = true;
    report.device.is_connected = true;
    report.listen_port = services.sync.listen_port();
    for (const PeerAddress& address : own_addresses(report.listen_port)) {
        report.addresses.push_back(format_address(address));
    }
    report.relays = relays_of(context);
    const api::BandwidthConfig bandwidth = services.config.get().bandwidth;
    const SyncLimits limits = limits_now(bandwidth, services.clock);
    report.limit_up = limits.up;
    report.limit_down = limits.down;
    report.has_alternative_limits = api::is_alternative_at(bandwidth, local_time(services.clock));
    report.alternative_up = std::uint64_t{bandwidth.alternative.up_kib} * 1024;
    report.alternative_down = std::uint64_t{bandwidth.alternative.down_kib} * 1024;
    if (const std::string only = request.query("vault"); !only.empty()) {
        TRY(auto vault, context.vaults.find(only));
        report.vaults.push_back(vault->detailed_info());
    } else {
        for (const auto& vault : context.vaults.all()) report.vaults.push_back(vault->info());
    }
    return json_response(200, report);
}

Status events(ControlContext& context, const ApiRequest& request, const HttpResponder& responder) {
    std::string since = request.query("since");
    // What a browser's EventSource sends when it connects again.
    if (const std::string* last = request.http.header("Last-Event-ID")) since = *last;
    if (since.empty()) {
        context.services.events.follow(responder.start_events());
        return {};
    }
    std::uint64_t number = 0;
    auto [end, failure] = std::from_chars(since.data(), since.data() + since.size(), number);
    if (failure != std::errc{} || end != since.data() + since.size()) {
        return Error{ErrorKind::Invalid, "'since' is the number of an event"};
    }
    context.services.events.follow(number, responder.start_events());
    return {};
}

// ---- relays -------------------------------------------------------------------------------------

Result<HttpResponse> list_relays(ControlContext& context, const ApiRequest&) {
    return json_response(200, relay_list(context));
}

std::string without_last_slash(std::string url) {
    while (url.ends_with('/')) url.pop_back();
    return url;
}

Status change_relays(ControlContext& context, const std::function<Status(api::Config&)>& change) {
    TRY_OK(context.services.config.update(change));
    const api::Config config = context.services.config.get();
    context.services.sync.set_relays(relay_settings_of(config));
    context.services.events.add({"relays.changed", {}, {}, {}});
    return {};
}

void forget_token(api::Config& config, const std::string& url) {
    std::erase_if(config.relay_tokens, [&](const std::string& line) {
        return line.starts_with(relay_origin(url) + " ");
    });
}

void forget_weight(api::Config& config, const std::string& url) {
    std::erase_if(config.relay_weights, [&](const std::string& line) {
        return line.starts_with(relay_origin(url) + " ");
    });
}

Result<HttpResponse> add_relay(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::RelayUrl>(request.http.body));
    const ProxyInForce proxy = context.services.sync.proxy();
    TRY(const std::string url, relay_with_pin(without_last_slash(wish.url), wish.pin, proxy));
    TRY_OK(api::check_relay_url(url));
    const std::string token(wish.token.reveal());
    const std::string line = relay_origin(url) + " " + token;
    if (!token.empty()) TRY_OK(api::check_relay_token(line));
    const std::string weight = fmt::format("{} {}", relay_origin(url), wish.weight);
    if (wish.weight != 0) TRY_OK(api::check_relay_weight(weight));
    if (wish.weight != 0 && is_srv_url(url))
        return Error{ErrorKind::Invalid, "what DNS names has the weights that DNS gives"};
    if (!is_srv_url(url)) TRY_OK(check_relay_key(url, proxy, kProbeTimeout));
    TRY_OK(change_relays(context, [&](api::Config& config) -> Status {
        const auto is_same = [&](const std::string& other) {
            return without_pin(other) == without_pin(url);
        };
        const bool is_news = !token.empty() || !wish.pin.empty() || wish.weight != 0;
        if (!is_news && std::ranges::any_of(config.relays, is_same)) {
            return Error{ErrorKind::Exists, "this relay is used already"};
        }
        std::erase_if(config.relays, is_same);
        if (config.relays.size() >= api::kRelaysMax)
            return Error{ErrorKind::TooLarge, "too many relays"};
        config.relays.push_back(url);
        if (!token.empty()) {
            forget_token(config, url);
            config.relay_tokens.push_back(line);
        }
        if (wish.weight != 0) {
            forget_weight(config, url);
            config.relay_weights.push_back(weight);
        }
        return {};
    }));
    return json_response(201, relay_list(context));
}

Result<HttpResponse> remove_relay(ControlContext& context, const ApiRequest& request) {
    const std::string url = without_last_slash(request.query("url"));
    TRY_OK(change_relays(context, [&](api::Config& config) -> Status {
        const auto gone = std::erase_if(config.relays, [&](const std::string& other) {
            return without_pin(other) == without_pin(url);
        });
        if (gone == 0) return Error{ErrorKind::NotFound, "no such relay: " + url};
        const bool is_last = std::ranges::none_of(config.relays, [&](const std::string& other) {
            return relay_origin(other) == relay_origin(url);
        });
        if (is_last) forget_token(config, url);
        if (is_last) forget_weight(config, url);
        return {};
    }));
    return json_response(200, relay_list(context));
}

Result<HttpResponse> test_relay(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::RelayUrl>(request.http.body));
    const ProxyInForce proxy = context.services.sync.proxy();
    TRY(std::string url, relay_with_pin(without_last_slash(wish.url), wish.pin, proxy));
    // One in use has its pin.
    for (const std::string& used : context.services.config.get().relays)
        if (without_pin(used) == url) url = used;
    TRY(api::RelayInfo relay, probe_relay(url, proxy, kProbeTimeout));
    return json_response(200, relay);
}

// ---- configuration ------------------------------------------------------------------------------

api::ConfigList config_list(ControlContext& context) {
    const api::Config config = context.services.config.get();
    api::ConfigList list;
    list.path = context.services.config.file().native();
    for (const Setting& setting : settings())
        list.values.push_back({std::string(setting.key), setting.show(config)});
    return list;
}

Result<HttpResponse> show_config(ControlContext& context, const ApiRequest&) {
    return json_response(200, config_list(context));
}

Result<HttpResponse> change_config(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::ConfigValue>(request.http.body));
    TRY_OK(context.services.config.update(
        [&](api::Config& config) { return change_setting(config, wish.key, wish.value); }));
    if (wish.key == "device.name") context.services.sync.set_label(wish.value);
    if (wish.key == "network.relay_strategy")
        context.services.sync.set_relays(relay_settings_of(context.services.config.get()));
    if (wish.key == "network.proxy") context.apply_proxy();
    context.vaults.apply_limits();
    context.apply_log_levels();
    context.services.events.add({"config.changed", {}, wish.key, wish.key + " changed"});
    return json_response(200, config_list(context));
}

}  // namespace

std::vector<Route> daemon_routes() {
    return {
        {"GET", "/v1/status", status},          {"GET", "/v1/events", nullptr, events},
        {"GET", "/v1/relays", list_relays},     {"POST", "/v1/relays", add_relay},
        {"DELETE", "/v1/relays", remove_relay}, {"POST", "/v1/relays/test", test_relay},
        {"GET", "/v1/config", show_config},     {"PUT", "/v1/config", change_config},
    };
}

std::vector<Route> control_routes() {
    std::vector<Route> routes = daemon_routes();
    for (auto more : {health_routes(), vault_routes(), mirror_routes(), presence_routes(),
                      history_routes(), key_routes(), file_routes(), pairing_routes()}) {
        routes.insert(routes.end(), more.begin(), more.end());
    }
    return routes;
}

}  // namespace lockstep
