// Handlers of the daemon itself: status, events, relays, configuration.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "daemon/addresses.h"
#include "daemon/control_context.h"
#include "daemon/json_response.h"
#include "daemon/relay_probe.h"
#include "daemon/settings.h"
#include "vault/keys/device_identity.h"

namespace lockstep {

namespace {

constexpr std::chrono::milliseconds kProbeTimeout{5'000};

Result<HttpResponse> health(ControlContext&, const ApiRequest&) {
    return HttpResponse::json(200, R"({"status":"ok"})");
}

// What the trackers of any vault last said about the relay.
std::vector<api::RelayInfo> relays_of(ControlContext& context) {
    std::vector<api::RelayInfo> relays;
    for (const std::string& url : context.services.config.get().relays) {
        api::RelayInfo relay;
        relay.url = url;
        relay.detail = "no announce was answered yet";
        for (const auto& vault : context.vaults.all()) {
            std::optional<VaultId> id = vault->id();
            if (!id) continue;
            Result<VaultSyncStatus> status = context.services.sync.status(*id);
            if (!status.ok()) continue;
            for (const RelayStatus& one : status->relays) {
                // Announced to is a path below what the user typed.
                const bool is_it =
                    one.url == url || one.url == url + "/announce" || one.url == url + "announce";
                if (!is_it || relay.is_reachable) continue;
                relay.is_reachable = one.ok;
                if (one.ok) relay.detail = "announces";
                if (!one.ok && !one.message.empty()) relay.detail = one.message;
            }
        }
        relays.push_back(std::move(relay));
    }
    return relays;
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
    const SyncLimits limits =
        limits_now(context.services.config.get().bandwidth, context.services.clock);
    report.limit_up = limits.up;
    report.limit_down = limits.down;
    if (const std::string only = request.query("vault"); !only.empty()) {
        TRY(auto vault, context.vaults.find(only));
        report.vaults.push_back(vault->info());
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
    return json_response(200, api::RelayList{relays_of(context)});
}

std::string without_last_slash(std::string url) {
    while (url.ends_with('/')) url.pop_back();
    return url;
}

Status change_relays(ControlContext& context,
                     const std::function<Status(std::vector<std::string>&)>& change) {
    TRY_OK(context.services.config.update(
        [&](api::Config& config) -> Status { return change(config.relays); }));
    context.services.sync.set_relays(context.services.config.get().relays);
    context.services.events.add({"relays.changed", {}, {}, {}});
    return {};
}

Result<HttpResponse> add_relay(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::RelayUrl>(request.http.body));
    const std::string url = without_last_slash(wish.url);
    TRY_OK(api::check_relay_url(url));
    TRY_OK(change_relays(context, [&](std::vector<std::string>& relays) -> Status {
        if (std::ranges::count(relays, url) > 0) {
            return Error{ErrorKind::Exists, "this relay is used already"};
        }
        if (relays.size() >= api::kRelaysMax) return Error{ErrorKind::TooLarge, "too many relays"};
        relays.push_back(url);
        return {};
    }));
    return json_response(201, api::RelayList{relays_of(context)});
}

Result<HttpResponse> remove_relay(ControlContext& context, const ApiRequest& request) {
    const std::string url = without_last_slash(request.query("url"));
    TRY_OK(change_relays(context, [&](std::vector<std::string>& relays) -> Status {
        if (std::erase(relays, url) == 0)
            return Error{ErrorKind::NotFound, "no such relay: " + url};
        return {};
    }));
    return json_response(200, api::RelayList{relays_of(context)});
}

Result<HttpResponse> test_relay(ControlContext&, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::RelayUrl>(request.http.body));
    TRY(api::RelayInfo relay, probe_relay(wish.url, kProbeTimeout));
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
    context.vaults.apply_limits();
    context.services.events.add({"config.changed", {}, wish.key, wish.key + " changed"});
    return json_response(200, config_list(context));
}

}  // namespace

std::vector<Route> daemon_routes() {
    return {
        {"GET", "/healthz", health},
        {"GET", "/v1/status", status},
        {"GET", "/v1/events", nullptr, events},
        {"GET", "/v1/relays", list_relays},
        {"POST", "/v1/relays", add_relay},
        {"DELETE", "/v1/relays", remove_relay},
        {"POST", "/v1/relays/test", test_relay},
        {"GET", "/v1/config", show_config},
        {"PUT", "/v1/config", change_config},
    };
}

std::vector<Route> control_routes() {
    std::vector<Route> routes = daemon_routes();
    for (auto more : {vault_routes(), mirror_routes(), presence_routes(), key_routes(),
                      file_routes(), pairing_routes()}) {
        routes.insert(routes.end(), more.begin(), more.end());
    }
    return routes;
}

}  // namespace lockstep
