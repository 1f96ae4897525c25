// The relay's TOML file. The one file of the relay that sees toml++.
#include <set>

#include <fmt/format.h>

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "base/http/url.h"
#include "base/spelling.h"
#include "relay/relay_config.h"

namespace lockstep {
namespace {

constexpr std::size_t kFaultsMax = 20;
constexpr std::size_t kAccountsMax = 1000;

// Collects faults with their lines while the file is read.
class Faults {
  public:
    explicit Faults(std::string file) : file_(std::move(file)) {}
    void add(const toml::source_region& where, std::string_view what) {
        if (count_++ >= kFaultsMax) return;
        text_ +=
            fmt::format("{}{}:{}: {}", text_.empty() ? "" : "\n", file_, where.begin.line, what);
    }
    Status status() && {
        if (count_ == 0) return {};
        return Error{ErrorKind::Invalid, std::move(text_)};
    }

  private:
    std::string file_;
    std::size_t count_ = 0;
    std::string text_;
};

// Reads the known keys of one table; end() names the others.
class Table {
  public:
    Table(const toml::table& table, std::string name, Faults& faults)
        : table_(table), name_(std::move(name)), faults_(faults) {}

    const toml::node* find(const char* key) {
        known_.insert(key);
        return table_.get(key);
    }
    void fault(const toml::node& node, std::string_view what) { faults_.add(node.source(), what); }

    template <typename T>
    void number(const char* key, T& out, std::int64_t min, std::int64_t max) {
        const toml::node* node = find(key);
        if (node == nullptr) return;
        auto found = node->value_exact<std::int64_t>();
        if (!found || *found < min || *found > max)
            return fault(*node, fmt::format("'{}' must be a number from {} to {}", key, min, max));
        out = T(*found);
    }
    void mebibytes(const char* key, std::uint64_t& out) {
        std::uint64_t count = out >> 20;
        number(key, count, 0, std::int64_t{1} << 40);
        out = count << 20;
    }
    void rate(const char* key, RateLimit& out) {
        std::uint32_t count = 0;
        if (find(key) == nullptr) return;
        number(key, count, 0, 1'000'000);
        out = {double(count), 10.0 * count};
    }
    void flag(const char* key, bool& out) {
        const toml::node* node = find(key);
        if (node == nullptr) return;
        auto found = node->value_exact<bool>();
        if (!found) return fault(*node, fmt::format("'{}' must be true or false", key));
        out = *found;
    }
    bool text(const char* key, std::string& out) {
        const toml::node* node = find(key);
        if (node == nullptr) return false;
        auto found = node->value_exact<std::string>();
        if (!found) fault(*node, fmt::format("'{}' must be a text", key));
        if (found) out = std::move(*found);
        return found.has_value();
    }
    // A text that `parse` makes a value of.
    template <typename T>
    void parsed(const char* key, T& out, Result<T> (*parse)(std::string_view)) {
        std::string value;
        if (!text(key, value)) return;
        auto made = parse(value);
        if (made.ok())
            out = std::move(*made);
        else
            fault(*table_.get(key), fmt::format("'{}': {}", key, made.error().message));
    }
    void texts(const char* key, const std::function<Status(const std::string&)>& take) {
        const toml::node* node = find(key);
        if (node == nullptr) return;
        const toml::array* array = node->as_array();
        if (array == nullptr) return fault(*node, fmt::format("'{}' must be a list of texts", key));
        for (const toml::node& item : *array) {
            auto found = item.value_exact<std::string>();
            Status taken = found ? take(*found) : Error{ErrorKind::Invalid, "not a text"};
            if (!taken.ok()) fault(item, fmt::format("'{}': {}", key, taken.error().message));
        }
    }
    void end() {
        for (auto&& [key, node] : table_)
            if (!known_.contains(std::string(key.str())))
                faults_.add(
                    key.source(),
                    fmt::format("unknown key '{}'{}{}{}", key.str(), name_.empty() ? "" : " in ",
                                name_, did_you_mean(key.str(), {known_.begin(), known_.end()})));
    }
    // Reads the table under `key` with `read`.
    template <typename F>
    void table(const char* key, F read) {
        const toml::node* node = find(key);
        if (node == nullptr) return;
        if (!node->is_table())
            return fault(*node, fmt::format("'{0}' must be a table: [{0}]", key));
        Table inner(*node->as_table(), fmt::format("[{}]", key), faults_);
        read(inner);
        inner.end();
    }
    template <typename F>
    void tables(const char* key, F read) {
        const toml::node* node = find(key);
        if (node == nullptr) return;
        const toml::array* array = node->as_array();
        if (array == nullptr || !array->is_array_of_tables())
            return fault(*node, fmt::format("'{0}' must be a list of tables: [[{0}]]", key));
        for (const toml::node& item : *array) {
            Table inner(*item.as_table(), fmt::format("[[{}]]", key), faults_);
            read(inner);
            inner.end();
        }
    }
    const toml::node& node() const { return table_; }

  private:
    const toml::table& table_;
    std::string name_;
    Faults& faults_;
    std::set<std::string> known_;
};

Error invalid(std::string what) {
    return {ErrorKind::Invalid, std::move(what)};
}

Result<MetricsAccess> parse_metrics_access(std::string_view text) {
    if (text == "loopback") return MetricsAccess::Loopback;
    if (text == "operators") return MetricsAccess::Operators;
    if (text == "open") return MetricsAccess::Open;
    return invalid("not one of loopback, operators, open");
}

Result<OperatorCertificates> parse_operator_certificates(std::string_view text) {
    if (text == "enough") return OperatorCertificates::Enough;
    if (text == "needed") return OperatorCertificates::Needed;
    return invalid("not one of enough, needed");
}

Status add_right(RelayRights& rights, const std::string& name) {
    if (name == "tracker") return rights.tracker = true, Status();
    if (name == "tunnel") return rights.tunnel = true, Status();
    if (name == "mailbox") return rights.mailbox = true, Status();
    if (name == "operate") return rights.operate = true, Status();
    return invalid("not one of tracker, tunnel, mailbox, operate");
}

void read_account(Table& table, RelayAccount& account) {
    if (table.find("rights") != nullptr) account.rights = {};
    table.texts("rights", [&](const std::string& name) { return add_right(account.rights, name); });
    table.mebibytes("mailbox_mib", account.mailbox_bytes_max);
    table.mebibytes("tunnel_mib_per_day", account.tunnel_bytes_per_day);
}

void read_tokens(Table& root, AdmissionOptions& admission) {
    root.tables("tokens", [&](Table& table) {
        RelayAccount account = admission.anybody;
        account.name.clear();
        table.text("name", account.name);
        std::string file;
        table.text("file", file);
        auto token = read_token_file(file);
        if (account.name.empty() || file.empty())
            table.fault(table.node(), "a token needs 'name' and 'file'");
        else if (!token.ok())
            table.fault(table.node(), token.error().message);
        else
            account.token = *token;
        read_account(table, account);
        bool is_known = account.name == admission.anybody.name;
        for (const auto& other : admission.accounts)
            is_known = is_known || other.name == account.name || other.token == account.token;
        if (account.name.starts_with("openid:"))
            table.fault(table.node(),
                        "names that begin with 'openid:' are the provider's people's");
        if (is_known) table.fault(table.node(), "two tokens of one name, or with the same text");
        if (admission.accounts.size() >= kAccountsMax)
            table.fault(table.node(), "too many tokens");
        else
            admission.accounts.push_back(std::move(account));
    });
}

void read_limits(Table& root, RelayLimits& limits) {
    root.table("limits", [&](Table& table) {
        table.number("connections", limits.connections_max, 1, 1'000'000);
        table.number("connections_per_address", limits.connections_per_address_max, 0, 1'000'000);
        table.rate("requests_per_second", limits.requests);
        table.rate("tickets_per_second", limits.tickets);
        table.rate("announces_per_second", limits.announces);
        std::int64_t kibibytes = static_cast<std::int64_t>(limits.mailbox_bytes.per_second) >> 10;
        table.number("mailbox_kib_per_second", kibibytes, 0, 1 << 30);
        // An object of the largest size must fit.
        double bytes = 1024.0 * static_cast<double>(kibibytes);
        limits.mailbox_bytes = {bytes, std::max(256.0 * bytes, 64.0 * (1 << 20))};
    });
}

void read_tunnel(Table& root, TunnelOptions& tunnel) {
    root.table("tunnel", [&](Table& table) {
        table.flag("on", tunnel.is_on);
        table.number("members", tunnel.members_max, 1, 10'000);
        table.number("members_per_address", tunnel.members_per_address_max, 1, 100'000);
        table.number("tunnels", tunnel.tunnels_max, 1, 1'000'000);
        table.number("tunnels_per_swarm", tunnel.tunnels_per_swarm_max, 1, 10'000);
        std::int64_t idle_s = tunnel.idle_timeout.count() / 1000;
        table.number("idle_seconds", idle_s, 1, 86'400);
        tunnel.idle_timeout = std::chrono::seconds(idle_s);
    });
}

void read_mailbox(Table& root, MailboxOptions& mailbox) {
    root.table("mailbox", [&](Table& table) {
        std::string directory;
        if (table.text("directory", directory)) mailbox.directory = directory;
        table.mebibytes("mib", mailbox.bytes_max);
        table.number("objects_per_swarm", mailbox.objects_per_swarm_max, 1, 10'000'000);
        table.mebibytes("object_mib", mailbox.object_size_max);
        std::int64_t days = mailbox.lifetime.count() / 86'400;
        table.number("days", days, 1, 365);
        mailbox.lifetime = std::chrono::seconds(days * 86'400);
    });
}

void read_tls(Table& root, RelayConfig& config) {
    root.table("tls", [&](Table& table) {
        std::string certificate, key, authorities;
        table.text("certificate", certificate);
        table.text("key", key);
        table.text("operator_authorities", authorities);
        table.parsed("operator_certificates", config.admission.operator_certificates,
                     parse_operator_certificates);
        if (certificate.empty() || key.empty())
            table.fault(table.node(), "[tls] needs 'certificate' and 'key'");
        bool needs_unknown = authorities.empty() &&
                             config.admission.operator_certificates == OperatorCertificates::Needed;
        if (needs_unknown)
            table.fault(table.node(),
                        "certificates are needed, but 'operator_authorities' is not set");
        config.tls = {certificate, key, authorities};
    });
}

// Keys and tokens that go over the network in the clear are anybody's.
Status check_issuer(const std::string& issuer) {
    TRY(HttpUrl url, parse_http_url(issuer));
    bool is_here = url.host == "localhost" || url.host == "127.0.0.1" || url.host == "::1";
    if (!url.is_tls && !is_here)
        return invalid("an issuer on another machine begins with https://");
    if (issuer.find_first_of("?#") != issuer.npos) return invalid("an issuer has no query");
    return {};
}

void read_open_id(Table& root, AdmissionOptions& admission) {
    admission.open_id_account = admission.anybody;
    root.table("openid", [&](Table& table) {
        OpenIdOptions& open_id = admission.open_id;
        std::string authorities;
        table.text("issuer", open_id.issuer);
        table.text("audience", open_id.audience);
        table.text("authorities", authorities);
        table.text("operator_claim", open_id.operator_claim);
        table.text("operator_value", open_id.operator_value);
        std::int64_t refresh_s = open_id.refresh.count();
        table.number("refresh_seconds", refresh_s, 10, 86'400);
        open_id.refresh = std::chrono::seconds(refresh_s);
        open_id.authorities = authorities;
        Status is_good = check_issuer(open_id.issuer);
        if (!is_good.ok()) table.fault(table.node(), "'issuer': " + is_good.error().message);
        if (open_id.audience.empty()) table.fault(table.node(), "[openid] needs 'audience'");
        if (open_id.operator_claim.empty() != open_id.operator_value.empty())
            table.fault(table.node(), "'operator_claim' and 'operator_value' go together");
        read_account(table, admission.open_id_account);
        if (admission.open_id_account.rights.operate)
            table.fault(table.node(), "who may operate is said by 'operator_claim'");
    });
}

void read_root(Table& root, RelayConfig& config) {
    auto listen = [&](bool is_plain) {
        return [&config, is_plain](const std::string& text) -> Status {
            TRY(ListenAddress address, parse_listen_address(text));
            address.is_plain = is_plain;
            config.listen.push_back(std::move(address));
            return {};
        };
    };
    root.texts("listen", listen(false));
    root.texts("listen_plain", listen(true));
    root.parsed("access", config.admission.access, parse_relay_access);
    root.parsed("metrics", config.metrics, parse_metrics_access);
    root.parsed("log_level", config.log_level, parse_log_level);
    root.texts("names", [&](const std::string& name) -> Status {
        config.admission.names.push_back(name);
        return {};
    });
    std::int64_t drain_s = config.drain_time.count() / 1000;
    root.number("drain_seconds", drain_s, 0, 600);
    config.drain_time = std::chrono::seconds(drain_s);
    root.table("tracker", [&](Table& table) {
        std::int64_t interval_s = config.tracker.interval.count();
        table.number("interval_seconds", interval_s, 10, 3600);
        config.tracker.interval = std::chrono::seconds(interval_s);
        config.tracker.min_interval =
            std::min(config.tracker.min_interval, config.tracker.interval);
    });
    read_tls(root, config);
    root.table("anybody", [&](Table& table) { read_account(table, config.admission.anybody); });
    read_tokens(root, config.admission);
    read_open_id(root, config.admission);
    read_limits(root, config.limits);
    read_tunnel(root, config.tunnel);
    read_mailbox(root, config.mailbox);
}

}  // namespace

Status read_relay_config_file(const std::filesystem::path& file, RelayConfig& config) {
    Faults faults(file.string());
    toml::parse_result parsed = toml::parse_file(file.string());
    if (!parsed) {
        faults.add(parsed.error().source(), parsed.error().description());
        return std::move(faults).status();
    }
    Table root(parsed.table(), "", faults);
    read_root(root, config);
    root.end();
    return std::move(faults).status();
}

}  // namespace lockstep
