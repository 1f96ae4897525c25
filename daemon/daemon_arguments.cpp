#include "daemon/daemon_arguments.h"

#include <charconv>

#include <fmt/format.h>

#include "base/http/proxy.h"
#include "daemon/api/config.h"

namespace lockstep {

namespace {

constexpr std::string_view kHelp = R"(lockstepd - keeps a user's encrypted vaults in step

Usage: lockstepd [OPTIONS]

  --listen-port PORT         listen for other devices here, instead of the configured port
  --api-listen ADDRESS:PORT  serve the control API, for whoever has a token, at 127.0.0.1:PORT or [::1]:PORT,
                             too, instead of where the configuration says; none: over no TCP
  --metrics-token-file FILE  what opens /metrics there, and nothing else, is FILE's content; else a token
                             that the daemon makes, metrics.token in its state directory
  --proxy URL                reach relays and devices in other networks through socks5://HOST:PORT or
                             http://HOST:PORT, instead of the configured proxy; none: through none. A password
                             is not for a command line, which everybody on the machine sees: LOCKSTEP_PROXY
                             or config.toml take socks5://USER:PASSWORD@HOST:PORT
  --log-level LEVEL          debug, info (the default), warning or error, and AREA=LEVEL for single areas,
                             with commas between; lines go to stderr. Areas: control, daemon, fuse, http,
                             index, mirror, relay, sync, vault
  --no-mount                 mount nothing: for a device that only keeps copies, or mirrors into plain folders
  --version                  print the version and end
  --help                     print this and end

It runs in the foreground until SIGTERM or SIGINT; `lockstep` talks to it. SIGHUP reads config.toml again.
A flag wins over its variable in the environment, that over config.toml:
LOCKSTEP_LISTEN_PORT=PORT, LOCKSTEP_API_LISTEN=ADDRESS:PORT, LOCKSTEP_METRICS_TOKEN_FILE=FILE,
LOCKSTEP_PROXY=URL, LOCKSTEP_LOG_LEVEL=LEVEL, LOCKSTEP_NO_MOUNT=true.
LOCKSTEP_HOME moves configuration, state, data and the control socket under one directory.

Examples:
  lockstepd
  LOCKSTEP_HOME=/tmp/laptop lockstepd --log-level warning,sync=debug
  systemctl --user enable --now lockstepd
)";

Status set_levels(DaemonArguments& arguments, std::string_view text) {
    TRY(arguments.log_levels, parse_log_levels(text));
    return {};
}

Status set_port(DaemonArguments& arguments, std::string_view text) {
    std::uint16_t port = 0;
    auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (failure != std::errc{} || end != text.data() + text.size())
        return Error{ErrorKind::Invalid, "is a number between 0 and 65535"};
    arguments.listen_port = port;
    return {};
}

Status set_api_listen(DaemonArguments& arguments, std::string_view text) {
    arguments.api_listen = text == "none" ? std::string() : std::string(text);
    if (arguments.api_listen->empty()) return {};
    if (auto valid = api::parse_api_listen(text); !valid.ok())
        return std::move(valid).error().in("cannot be used");
    return {};
}

Status set_metrics_token_file(DaemonArguments& arguments, std::string_view text) {
    arguments.metrics_token_file = text;
    return {};
}

Status set_proxy(DaemonArguments& arguments, std::string_view text) {
    arguments.proxy = text == "none" ? std::string() : std::string(text);
    if (auto valid = api::check_proxy(*arguments.proxy); !valid.ok())
        return std::move(valid).error().in("cannot be used");
    return {};
}

// Other users see command lines.
Status refuse_password(const DaemonArguments& arguments) {
    auto proxy = parse_proxy_url(arguments.proxy.value_or(""));
    if (!proxy.ok() || proxy->password.empty()) return {};
    return Error{ErrorKind::Invalid,
                 "--proxy takes no password, since everybody on this machine sees it there: "
                 "set LOCKSTEP_PROXY, or network.proxy in config.toml"};
}

Status set_no_mount(DaemonArguments& arguments, std::string_view text) {
    if (text != "true" && text != "false") return Error{ErrorKind::Invalid, "is true or false"};
    arguments.may_mount = text == "false";
    return {};
}

struct Option {
    std::string_view flag;
    const char* variable;
    bool needs_value;  // else the flag alone means "true"
    Status (*set)(DaemonArguments& arguments, std::string_view text);
};

constexpr Option kOptions[] = {
    {"--listen-port", "LOCKSTEP_LISTEN_PORT", true, set_port},
    {"--api-listen", "LOCKSTEP_API_LISTEN", true, set_api_listen},
    {"--metrics-token-file", "LOCKSTEP_METRICS_TOKEN_FILE", true, set_metrics_token_file},
    {"--proxy", "LOCKSTEP_PROXY", true, set_proxy},
    {"--log-level", "LOCKSTEP_LOG_LEVEL", true, set_levels},
    {"--no-mount", "LOCKSTEP_NO_MOUNT", false, set_no_mount}};

const Option* option_named(std::string_view flag) {
    for (const Option& option : kOptions)
        if (option.flag == flag) return &option;
    return nullptr;
}

Status set(const Option& option, std::string_view name, std::string_view text,
           DaemonArguments& arguments) {
    Status status = option.set(arguments, text);
    if (status.ok()) return {};
    return Error{ErrorKind::Invalid, fmt::format("{} {}", name, status.error().message)};
}

}  // namespace

std::string_view daemon_help() {
    return kHelp;
}

Result<DaemonArguments> parse_daemon_arguments(const std::vector<std::string_view>& words,
                                               const api::Environment& environment) {
    DaemonArguments arguments;
    for (const Option& option : kOptions) {
        const std::optional<std::string> value = environment(option.variable);
        if (!value || value->empty()) continue;
        TRY_OK(set(option, option.variable, *value, arguments));
    }
    for (std::size_t i = 0; i < words.size(); ++i) {
        std::string_view flag = words[i];
        std::optional<std::string_view> value;
        if (const std::size_t equals = flag.find('='); equals != std::string_view::npos) {
            value = flag.substr(equals + 1);
            flag = flag.substr(0, equals);
        }
        if (flag == "--help" || flag == "-h") {
            arguments.shows_help = true;
            continue;
        }
        if (flag == "--version") {
            arguments.shows_version = true;
            continue;
        }
        const Option* option = option_named(flag);
        if (option == nullptr)
            return Error{ErrorKind::Invalid, fmt::format("unknown argument '{}'", words[i])};
        if (!value && !option->needs_value) value = "true";
        if (!value && i + 1 < words.size()) value = words[++i];
        if (!value) return Error{ErrorKind::Invalid, fmt::format("{} needs a value", flag)};
        TRY_OK(set(*option, flag, *value, arguments));
        if (option->set == set_proxy) TRY_OK(refuse_password(arguments));
    }
    return arguments;
}

}  // namespace lockstep
