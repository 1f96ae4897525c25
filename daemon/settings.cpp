#include "daemon/settings.h"

#include <charconv>

#include <fmt/format.h>

#include "base/http/proxy.h"
#include "base/spelling.h"
#include "daemon/vault_services.h"

namespace lockstep {

namespace {

Result<std::int64_t> number_in(const std::string& text, std::string_view what) {
    std::int64_t out = 0;
    auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (text.empty() || failure != std::errc{} || end != text.data() + text.size())
        return Error{ErrorKind::Invalid, std::string(what)};
    return out;
}

std::string flag_text(bool flag) {
    return flag ? "true" : "false";
}

Status change_flag(bool& flag, const std::string& value) {
    if (value != "true" && value != "false")
        return Error{ErrorKind::Invalid, "it is true or false"};
    flag = value == "true";
    return {};
}

Status change_limit(std::uint32_t& limit, const std::string& value) {
    TRY(std::int64_t kib, number_in(value, "a limit is a number of KiB per second"));
    TRY_OK(api::check_limit(kib));
    limit = static_cast<std::uint32_t>(kib);
    return {};
}

// The password is never told: kHiddenPassword stands for it, also when it comes back.
std::string proxy_text(const api::Config& config) {
    auto proxy = parse_proxy_url(config.proxy);
    return proxy.ok() ? shown_proxy_url(*proxy) : std::string();
}

Status change_proxy(api::Config& config, const std::string& value) {
    if (value.empty() || value == "none") {
        config.proxy.clear();
        return {};
    }
    TRY(Proxy proxy, parse_proxy_url(value));
    if (proxy.password == kHiddenPassword) {
        auto before = parse_proxy_url(config.proxy);
        if (!before.ok() || shown_proxy_url(*before) != shown_proxy_url(proxy))
            return Error{ErrorKind::Invalid,
                         "type the proxy's password, too: *** stands for the one that is set, and "
                         "is not given to another proxy or user"};
        proxy.password = before->password;
    }
    config.proxy = proxy_url(proxy);
    return {};
}

using api::Config;

std::vector<Setting> make_settings() {
    return {
        {"device.name", [](const Config& c) { return device_label(c); },
         [](Config& c, const std::string& value) -> Status {
             TRY_OK(api::check_device_name(value));
             c.device_name = value;
             return {};
         }},
        {"network.listen_port", [](const Config& c) { return std::to_string(c.listen_port); },
         [](Config& c, const std::string& value) -> Status {
             constexpr std::string_view kWhat = "a port is a number between 0 and 65535";
             TRY(std::int64_t port, number_in(value, kWhat));
             if (port < 0 || port > 65535) return Error{ErrorKind::Invalid, std::string(kWhat)};
             c.listen_port = static_cast<std::uint16_t>(port);
             return {};
         },
         false},
        {"network.lan_discovery", [](const Config& c) { return flag_text(c.lan_discovery); },
         [](Config& c, const std::string& value) { return change_flag(c.lan_discovery, value); },
         false},
        {"network.dht", [](const Config& c) { return flag_text(c.dht); },
         [](Config& c, const std::string& value) { return change_flag(c.dht, value); }, false},
        {"network.port_mapping", [](const Config& c) { return flag_text(c.port_mapping); },
         [](Config& c, const std::string& value) { return change_flag(c.port_mapping, value); },
         false},
        {"network.pause_when_metered",
         [](const Config& c) { return flag_text(c.pause_when_metered); },
         [](Config& c, const std::string& value) {
             return change_flag(c.pause_when_metered, value);
         }},
        {"network.relay_strategy", [](const Config& c) { return c.relay_strategy; },
         [](Config& c, const std::string& value) -> Status {
             TRY_OK(api::check_relay_strategy(value));
             c.relay_strategy = value;
             return {};
         }},
        {"network.proxy", proxy_text, change_proxy},
        {"network.limit_up",
         [](const Config& c) { return std::to_string(c.bandwidth.usual.up_kib); },
         [](Config& c, const std::string& value) {
             return change_limit(c.bandwidth.usual.up_kib, value);
         }},
        {"network.limit_down",
         [](const Config& c) { return std::to_string(c.bandwidth.usual.down_kib); },
         [](Config& c, const std::string& value) {
             return change_limit(c.bandwidth.usual.down_kib, value);
         }},
        {"network.limit_lan", [](const Config& c) { return flag_text(c.bandwidth.counts_in_lan); },
         [](Config& c, const std::string& value) {
             return change_flag(c.bandwidth.counts_in_lan, value);
         }},
        {"network.alternative.limit_up",
         [](const Config& c) { return std::to_string(c.bandwidth.alternative.up_kib); },
         [](Config& c, const std::string& value) {
             return change_limit(c.bandwidth.alternative.up_kib, value);
         }},
        {"network.alternative.limit_down",
         [](const Config& c) { return std::to_string(c.bandwidth.alternative.down_kib); },
         [](Config& c, const std::string& value) {
             return change_limit(c.bandwidth.alternative.down_kib, value);
         }},
        {"network.alternative.hours",
         [](const Config& c) { return api::format_hours(c.bandwidth.hours); },
         [](Config& c, const std::string& value) -> Status {
             TRY(c.bandwidth.hours, api::parse_hours(value));
             return {};
         }},
        {"network.alternative.now",
         [](const Config& c) { return api::format_limit_choice(c.bandwidth.choice); },
         [](Config& c, const std::string& value) -> Status {
             TRY(c.bandwidth.choice, api::parse_limit_choice(value));
             return {};
         }},
        {"cache.content_mib", [](const Config& c) { return std::to_string(c.content_cache_mib); },
         [](Config& c, const std::string& value) -> Status {
             TRY(std::int64_t mib, number_in(value, "a cache's size is a number of MiB"));
             TRY_OK(api::check_content_cache(mib));
             c.content_cache_mib = static_cast<std::uint32_t>(mib);
             return {};
         },
         false},
        {"cache.on_demand_mib", [](const Config& c) { return std::to_string(c.on_demand_mib); },
         [](Config& c, const std::string& value) -> Status {
             TRY(std::int64_t mib, number_in(value, "a cache's size is a number of MiB"));
             TRY_OK(api::check_on_demand_cache(mib));
             c.on_demand_mib = static_cast<std::uint32_t>(mib);
             return {};
         },
         false},
        {"cache.copies", [](const Config& c) { return std::to_string(c.eviction_copies); },
         [](Config& c, const std::string& value) -> Status {
             TRY(std::int64_t copies, number_in(value, "copies are a number of devices"));
             TRY_OK(api::check_eviction_copies(copies));
             c.eviction_copies = static_cast<std::uint32_t>(copies);
             return {};
         },
         false},
        {"keys.kdf_memory_mib", [](const Config& c) { return std::to_string(c.kdf_memory_mib); },
         [](Config& c, const std::string& value) -> Status {
             TRY(std::int64_t mib, number_in(value, "it is a number of MiB"));
             TRY_OK(api::check_kdf_memory(mib));
             c.kdf_memory_mib = static_cast<std::uint32_t>(mib);
             return {};
         }},
        {"api.listen", [](const Config& c) { return c.api_listen; },
         [](Config& c, const std::string& value) -> Status {
             if (!value.empty()) TRY_OK(api::parse_api_listen(value));
             c.api_listen = value;
             return {};
         },
         false},
        {"log.level", [](const Config& c) { return std::string(log_level_name(c.log.usual)); },
         [](Config& c, const std::string& value) -> Status {
             const std::optional<LogLevel> level = log_level_named(value);
             if (!level) return Error{ErrorKind::Invalid, "it is debug, info, warning or error"};
             c.log.usual = *level;
             return {};
         }},
        {"log.levels", [](const Config& c) { return format_log_areas(c.log); },
         [](Config& c, const std::string& value) -> Status {
             TRY(c.log.areas, parse_log_areas(value));
             return {};
         }},
    };
}

}  // namespace

const std::vector<Setting>& settings() {
    static const std::vector<Setting> all = make_settings();
    return all;
}

Status change_setting(Config& config, const std::string& key, const std::string& value) {
    std::vector<std::string> keys;
    for (const Setting& setting : settings()) {
        if (setting.key == key) return setting.change(config, value);
        keys.emplace_back(setting.key);
    }
    std::string meant = did_you_mean(key, keys);
    if (meant.empty()) meant = fmt::format(" (there are {})", fmt::join(keys, ", "));
    return Error{ErrorKind::Invalid, fmt::format("no setting '{}'{}", key, meant)};
}

}  // namespace lockstep
