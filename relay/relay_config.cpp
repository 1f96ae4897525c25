#include "relay/relay_config.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

#include "base/spelling.h"

namespace lockstep {
namespace {

constexpr std::size_t kTokenMax = 128;

Error invalid(std::string message) {
    return {ErrorKind::Invalid, std::move(message)};
}

Result<std::uint64_t> number(std::string_view flag, std::string_view text, std::uint64_t min,
                             std::uint64_t max) {
    std::uint64_t out = 0;
    auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc() || stop != text.data() + text.size() || out < min || out > max)
        return invalid(fmt::format("{}: '{}' is not a number from {} to {}", flag, text, min, max));
    return out;
}

bool is_token_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

const std::vector<std::string>& flags() {
    static const std::vector<std::string> all = {"--config",   "--listen",          "--access",
                                                 "--interval", "--path-token-file", "--connections",
                                                 "--log-level"};
    return all;
}

using Options = std::vector<std::pair<std::string, std::string>>;

Status apply(RelayConfig& config, std::string_view flag, const std::string& value) {
    if (flag == "--listen") {
        TRY(ListenAddress address, parse_listen_address(value));
        config.listen.push_back(std::move(address));
    } else if (flag == "--interval") {
        TRY(std::uint64_t seconds, number(flag, value, 10, 3600));
        config.tracker.interval = std::chrono::seconds(seconds);
        config.tracker.min_interval =
            std::min(config.tracker.min_interval, config.tracker.interval);
    } else if (flag == "--access") {
        auto access = parse_relay_access(value);
        if (!access.ok()) return std::move(access).error().in(flag);
        config.admission.access = *access;
    } else if (flag == "--path-token-file") {
        auto token = read_token_file(value);
        if (!token.ok()) return std::move(token).error().in(flag);
        config.path_token = std::move(*token);
    } else if (flag == "--connections") {
        TRY(config.limits.connections_max, number(flag, value, 1, 1'000'000));
    } else if (flag == "--log-level") {
        auto level = parse_log_level(value);
        if (!level.ok()) return std::move(level).error().in(flag);
        config.log_level = *level;
    } else if (flag == "--config") {
        if (!value.empty() && value != config.file) return invalid("--config is given twice");
    } else {
        return invalid(
            fmt::format("unknown option '{}'{}; see --help", flag, did_you_mean(flag, flags())));
    }
    return {};
}

// --path-token-file: LOCKSTEP_RELAY_PATH_TOKEN_FILE.
std::string variable_of(const std::string& flag) {
    std::string name = "LOCKSTEP_RELAY_" + flag.substr(2);
    for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
    return name;
}

// Several addresses to listen on stand in one variable, with spaces between.
Options options_of(const RelayEnvironment& environment) {
    Options options;
    for (const std::string& flag : flags()) {
        std::istringstream words(environment(variable_of(flag).c_str()));
        if (flag != "--listen") {
            if (!words.str().empty()) options.emplace_back(flag, words.str());
            continue;
        }
        for (std::string word; words >> word;) options.emplace_back(flag, word);
    }
    return options;
}

std::string file_of(const Options& options) {
    for (const auto& [flag, value] : options)
        if (flag == "--config") return value;
    return {};
}

// Addresses here replace those known so far.
Status apply_all(RelayConfig& config, const Options& options, bool is_environment) {
    bool listens = false;
    for (const auto& [flag, value] : options) {
        if (flag == "--listen" && !std::exchange(listens, true)) config.listen.clear();
        Status applied = apply(config, flag, value);
        if (applied.ok()) continue;
        return is_environment ? std::move(applied).error().in(variable_of(flag))
                              : std::move(applied).error();
    }
    return {};
}

}  // namespace

Result<std::string> read_token_file(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::string token;
    if (!in || !std::getline(in, token)) return invalid("cannot read " + file.string());
    bool is_good = !token.empty() && token.size() <= kTokenMax &&
                   std::all_of(token.begin(), token.end(), is_token_character);
    if (!is_good)
        return invalid(fmt::format("{}: a token must be 1 to {} of A-Z a-z 0-9 - _", file.string(),
                                   kTokenMax));
    return token;
}

Result<LogLevel> parse_log_level(std::string_view text) {
    if (text == "debug") return LogLevel::Debug;
    if (text == "info") return LogLevel::Info;
    if (text == "warning") return LogLevel::Warning;
    if (text == "error") return LogLevel::Error;
    return invalid(fmt::format("'{}' is not one of debug, info, warning, error", text));
}

Result<RelayAccess> parse_relay_access(std::string_view text) {
    if (text == "open-tracker") return RelayAccess::OpenTracker;
    if (text == "open") return RelayAccess::Open;
    if (text == "token") return RelayAccess::Token;
    return invalid(fmt::format("'{}' is not one of open-tracker, open, token", text));
}

RelayEnvironment no_environment() {
    return [](const char*) { return std::string(); };
}

RelayEnvironment process_environment() {
    return [](const char* name) {
        const char* value = std::getenv(name);
        return std::string(value == nullptr ? "" : value);
    };
}

Result<RelayConfig> parse_relay_config(const std::vector<std::string>& arguments,
                                       const RelayEnvironment& environment) {
    for (const std::string& argument : arguments) {
        if (argument == "--help" || argument == "-h")
            return RelayConfig{.action = RelayConfig::Action::ShowHelp};
        if (argument == "--version") return RelayConfig{.action = RelayConfig::Action::ShowVersion};
    }
    RelayConfig config;
    Options options;
    std::size_t first = 0;
    if (!arguments.empty() && arguments[0] == "check-config") {
        if (arguments.size() != 2) return invalid("check-config needs one FILE");
        config.action = RelayConfig::Action::CheckConfig;
        options.emplace_back("--config", arguments[1]);
        first = 2;
    }
    for (std::size_t i = first; i < arguments.size(); ++i) {
        std::string flag = arguments[i];
        std::size_t equals = flag.find('=');
        std::string value;
        if (equals != std::string::npos) {
            value = flag.substr(equals + 1);
            flag.resize(equals);
        } else if (i + 1 < arguments.size()) {
            value = arguments[++i];
        } else {
            // Names an unknown option before it asks for a value of it.
            TRY_OK(apply(config, flag, ""));
            return invalid(flag + " needs a value");
        }
        options.emplace_back(std::move(flag), std::move(value));
    }
    // The file first, wherever it stands: what is typed wins.
    Options from_environment = options_of(environment);
    config.file = file_of(options);
    if (config.file.empty()) config.file = file_of(from_environment);
    std::erase_if(from_environment, [](const auto& option) { return option.first == "--config"; });
    if (!config.file.empty()) TRY_OK(read_relay_config_file(config.file, config));
    if (config.action == RelayConfig::Action::CheckConfig) from_environment.clear();
    TRY_OK(apply_all(config, from_environment, true));
    TRY_OK(apply_all(config, options, false));
    bool has_tokens = !config.admission.accounts.empty() || config.admission.open_id.is_on();
    if (config.admission.access == RelayAccess::Token && !has_tokens)
        return invalid("access 'token' needs at least one of [[tokens]], or [openid], in the file");
    if (config.listen.empty()) config.listen.push_back({"0.0.0.0", kRelayPortDefault});
    return config;
}

Result<ListenAddress> parse_listen_address(std::string_view text) {
    std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos)
        return invalid(fmt::format("--listen: '{}' has no port", text));
    std::string_view address = text.substr(0, colon);
    bool is_bracketed = address.starts_with('[') && address.ends_with(']');
    if (is_bracketed) address = address.substr(1, address.size() - 2);
    if (!is_bracketed && address.find(':') != std::string_view::npos)
        return invalid(fmt::format("--listen: write an IPv6 address as [{}]", address));
    if (address.empty()) return invalid(fmt::format("--listen: '{}' has no address", text));
    TRY(std::uint64_t port, number("--listen", text.substr(colon + 1), 0, 0xffff));
    return ListenAddress{std::string(address), static_cast<std::uint16_t>(port)};
}

std::string relay_help() {
    return R"(lockstep-relay: helps devices find each other; can read nothing of what they share.

Usage: lockstep-relay [options]
       lockstep-relay check-config FILE

  --config FILE            settings (TOML, see relay/README.md); options below win over the file's
  --listen ADDR:PORT       where to listen; may be repeated (default 0.0.0.0:6970)
  --access WHO             open: only with a ticket, anybody may have one (default); token: a ticket needs
                           a token of the file; open-tracker: any BitTorrent client may announce
  --interval SECONDS       how often peers shall announce, 10 to 3600 (default 300)
  --path-token-file FILE   serve only /announce/TOKEN and /scrape/TOKEN; the file's first line is TOKEN
  --connections N          connections at a time (default 4096)
  --log-level LEVEL        debug, info, warning or error (default info; only debug shows addresses)
  --version                print the version
  --help                   print this

Examples:
  lockstep-relay                                        all IPv4 addresses, port 6970
  lockstep-relay --listen '[::]:6970'                   IPv6 and IPv4
  lockstep-relay --listen 127.0.0.1:0 --interval 30     any free port, for a test; the log says which
  lockstep-relay check-config /etc/lockstep-relay.toml  is the file good? (exit status 0)
  curl http://127.0.0.1:6970/healthz                    is it well?

An option wins over its variable in the environment (LOCKSTEP_RELAY_CONFIG, _LISTEN, _ACCESS, _INTERVAL,
_PATH_TOKEN_FILE, _CONNECTIONS, _LOG_LEVEL), and that over the file.
SIGTERM and SIGINT let what is under way end, then stop it. SIGHUP reads the file and the certificate again.
Peers are not stored: after a restart they are known again when they announce. A mailbox is.
)";
}

}  // namespace lockstep
