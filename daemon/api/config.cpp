#include "daemon/api/config.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/spelling.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace lockstep::api {

namespace {

// Collects faults with their lines while the tree is read.
class Faults {
  public:
    void add(const toml::node& node, std::string_view message) {
        add_line(node.source().begin.line, message);
    }
    void add_line(std::size_t line, std::string_view message) {
        if (count_++ >= kShownMax) return;
        text_ += fmt::format("{}config.toml:{}: {}", text_.empty() ? "" : "\n", line, message);
    }
    bool any() const { return count_ > 0; }
    Error error() && { return {ErrorKind::Invalid, std::move(text_)}; }

  private:
    static constexpr std::size_t kShownMax = 20;
    std::size_t count_ = 0;
    std::string text_;
};

// Reads the known keys of one table; what is left over is unknown.
class TableReader {
  public:
    TableReader(const toml::table& table, std::string_view where, Faults& faults)
        : table_(table), where_(where), faults_(faults) {}
    TableReader(const TableReader&) = delete;
    TableReader& operator=(const TableReader&) = delete;

    template <typename T>
    const toml::node* value(const char* key, T& out, std::string_view expected) {
        const toml::node* node = find(key);
        if (node == nullptr) return nullptr;
        auto found = node->value_exact<T>();
        if (!found) {
            faults_.add(*node, fmt::format("'{}' must be {}", key, expected));
            return nullptr;
        }
        out = std::move(*found);
        return node;
    }

    const toml::node* text(const char* key, std::string& out) {
        return value(key, out, "a string");
    }
    void flag(const char* key, bool& out) { value(key, out, "true or false"); }

    void texts(const char* key, std::vector<std::string>& out, std::size_t max,
               Status (*check)(std::string_view)) {
        const toml::node* node = find(key);
        if (node == nullptr) return;
        const toml::array* array = node->as_array();
        if (array == nullptr) {
            faults_.add(*node, fmt::format("'{}' must be a list of strings", key));
            return;
        }
        if (array->size() > max) {
            faults_.add(*node, fmt::format("'{}' has more than {} entries", key, max));
            return;
        }
        for (const toml::node& item : *array) {
            auto entry = item.value_exact<std::string>();
            if (!entry) {
                faults_.add(item, fmt::format("'{}' must be a list of strings", key));
            } else if (Status valid = check(*entry); !valid.ok()) {
                faults_.add(item, fmt::format("'{}': {}", key, valid.error().message));
            } else {
                out.push_back(std::move(*entry));
            }
        }
    }

    const toml::node* find(const char* key) {
        known_.insert(key);
        return table_.get(key);
    }

    void reject_unknown() {
        for (auto&& [key, node] : table_) {
            if (known_.contains(std::string(key.str()))) continue;
            faults_.add_line(key.source().begin.line,
                             fmt::format("unknown key '{}'{}{}{}", key.str(),
                                         where_.empty() ? "" : " in ", where_, hint(key.str())));
        }
    }

  private:
    std::string hint(std::string_view key) const {
        const std::vector<std::string> known(known_.begin(), known_.end());
        if (std::string meant = did_you_mean(key, known); !meant.empty()) return meant;
        return fmt::format("; known are {}", fmt::join(known, ", "));
    }

    const toml::table& table_;
    std::string_view where_;
    Faults& faults_;
    std::set<std::string> known_;
};

const toml::table* sub_table(TableReader& root, const char* key, Faults& faults) {
    const toml::node* node = root.find(key);
    if (node == nullptr) return nullptr;
    if (node->as_table() == nullptr) {
        faults.add(*node, fmt::format("'{}' must be a table: [{}]", key, key));
    }
    return node->as_table();
}

void read_device(const toml::table& table, Config& config, Faults& faults) {
    TableReader reader(table, "[device]", faults);
    if (const toml::node* node = reader.text("name", config.device_name)) {
        if (Status valid = check_device_name(config.device_name); !valid.ok()) {
            faults.add(*node, valid.error().message);
        }
    }
    reader.reject_unknown();
}

void read_limit(TableReader& reader, const char* key, std::uint32_t& limit, Faults& faults) {
    std::int64_t kib = limit;
    const toml::node* node = reader.value(key, kib, "a number");
    if (node == nullptr) return;
    if (Status valid = check_limit(kib); !valid.ok())
        faults.add(*node, fmt::format("'{}': {}", key, valid.error().message));
    else
        limit = static_cast<std::uint32_t>(kib);
}

// A text that `parse` reads.
template <typename Value>
void read_parsed(TableReader& reader, const char* key, Value& value,
                 Result<Value> (*parse)(std::string_view), Faults& faults) {
    std::string text;
    const toml::node* node = reader.text(key, text);
    if (node == nullptr) return;
    Result<Value> parsed = parse(text);
    if (parsed.ok())
        value = *parsed;
    else
        faults.add(*node, fmt::format("'{}': {}", key, parsed.error().message));
}

void read_alternative(TableReader& network, BandwidthConfig& bandwidth, Faults& faults) {
    const toml::node* node = network.find("alternative");
    if (node == nullptr) return;
    const toml::table* table = node->as_table();
    if (table == nullptr)
        return faults.add(*node, "'alternative' must be a table: [network.alternative]");
    TableReader reader(*table, "[network.alternative]", faults);
    read_limit(reader, "limit_up", bandwidth.alternative.up_kib, faults);
    read_limit(reader, "limit_down", bandwidth.alternative.down_kib, faults);
    read_parsed(reader, "hours", bandwidth.hours, parse_hours, faults);
    read_parsed(reader, "now", bandwidth.choice, parse_limit_choice, faults);
    reader.reject_unknown();
}

void read_network(const toml::table& table, Config& config, Faults& faults) {
    TableReader reader(table, "[network]", faults);
    std::int64_t port = 0;
    if (const toml::node* node = reader.value("listen_port", port, "a number")) {
        if (port < 0 || port > 65535) {
            faults.add(*node, "'listen_port' must be between 0 and 65535");
        } else {
            config.listen_port = static_cast<std::uint16_t>(port);
        }
    }
    reader.flag("lan_discovery", config.lan_discovery);
    reader.flag("dht", config.dht);
    reader.flag("port_mapping", config.port_mapping);
    reader.flag("pause_when_metered", config.pause_when_metered);
    reader.texts("relays", config.relays, kRelaysMax, check_relay_url);
    reader.texts("relay_tokens", config.relay_tokens, kRelaysMax, check_relay_token);
    reader.texts("relay_weights", config.relay_weights, kRelaysMax, check_relay_weight);
    if (const toml::node* node = reader.text("relay_strategy", config.relay_strategy)) {
        Status valid = check_relay_strategy(config.relay_strategy);
        if (!valid.ok()) faults.add(*node, valid.error().message);
    }
    if (const toml::node* node = reader.text("proxy", config.proxy)) {
        Status valid = check_proxy(config.proxy);
        if (!valid.ok()) faults.add(*node, "'proxy': " + valid.error().message);
    }
    read_limit(reader, "limit_up", config.bandwidth.usual.up_kib, faults);
    read_limit(reader, "limit_down", config.bandwidth.usual.down_kib, faults);
    reader.flag("limit_lan", config.bandwidth.counts_in_lan);
    read_alternative(reader, config.bandwidth, faults);
    reader.reject_unknown();
}

void read_cache(const toml::table& table, Config& config, Faults& faults) {
    TableReader reader(table, "[cache]", faults);
    std::int64_t mib = config.content_cache_mib;
    if (const toml::node* node = reader.value("content_mib", mib, "a number")) {
        if (Status valid = check_content_cache(mib); !valid.ok()) {
            faults.add(*node, "'content_mib': " + valid.error().message);
        } else {
            config.content_cache_mib = static_cast<std::uint32_t>(mib);
        }
    }
    std::int64_t on_demand = config.on_demand_mib;
    if (const toml::node* node = reader.value("on_demand_mib", on_demand, "a number")) {
        if (Status valid = check_on_demand_cache(on_demand); !valid.ok())
            faults.add(*node, "'on_demand_mib': " + valid.error().message);
        else
            config.on_demand_mib = static_cast<std::uint32_t>(on_demand);
    }
    std::int64_t copies = config.eviction_copies;
    if (const toml::node* node = reader.value("copies", copies, "a number")) {
        if (Status valid = check_eviction_copies(copies); !valid.ok())
            faults.add(*node, "'copies': " + valid.error().message);
        else
            config.eviction_copies = static_cast<std::uint32_t>(copies);
    }
    reader.reject_unknown();
}

void read_kdf_memory(TableReader& reader, std::uint32_t& out, Faults& faults) {
    std::int64_t mib = out;
    const toml::node* node = reader.value("kdf_memory_mib", mib, "a number");
    if (node == nullptr) return;
    if (Status valid = check_kdf_memory(mib); !valid.ok())
        faults.add(*node, "'kdf_memory_mib': " + valid.error().message);
    else
        out = static_cast<std::uint32_t>(mib);
}

void read_keys(const toml::table& table, Config& config, Faults& faults) {
    TableReader reader(table, "[keys]", faults);
    read_kdf_memory(reader, config.kdf_memory_mib, faults);
    reader.reject_unknown();
}

void read_api(const toml::table& table, Config& config, Faults& faults) {
    TableReader reader(table, "[api]", faults);
    if (const toml::node* node = reader.text("listen", config.api_listen);
        node != nullptr && !config.api_listen.empty()) {
        auto valid = parse_api_listen(config.api_listen);
        if (!valid.ok()) faults.add(*node, "'listen': " + valid.error().message);
    }
    reader.reject_unknown();
}

void read_level(TableReader& reader, const char* key, std::optional<LogLevel>& out,
                Faults& faults) {
    std::string text;
    const toml::node* node = reader.text(key, text);
    if (node == nullptr) return;
    out = log_level_named(text);
    if (!out) faults.add(*node, fmt::format("'{}' must be debug, info, warning or error", key));
}

void read_log(const toml::table& table, Config& config, Faults& faults) {
    TableReader reader(table, "[log]", faults);
    std::optional<LogLevel> usual;
    read_level(reader, "level", usual, faults);
    config.log.usual = usual.value_or(config.log.usual);
    if (const toml::node* node = reader.find("levels")) {
        const toml::table* levels = node->as_table();
        if (levels == nullptr) {
            faults.add(*node, "'levels' must be a table: [log.levels]");
        } else {
            TableReader areas(*levels, "[log.levels]", faults);
            for (const std::string_view area : kLogAreas) {
                std::optional<LogLevel> level;
                const std::string name(area);
                read_level(areas, name.c_str(), level, faults);
                if (level) config.log.areas.emplace(name, *level);
            }
            areas.reject_unknown();
        }
    }
    reader.reject_unknown();
}

bool is_absolute(std::string_view path) {
    return !path.empty() && path.front() == '/';
}

MountConfig read_mount(const toml::table& table, Faults& faults) {
    MountConfig mount;
    TableReader reader(table, "[[vault.mount]]", faults);
    if (const toml::node* node = reader.text("directory", mount.directory)) {
        if (!is_absolute(mount.directory))
            faults.add(*node, "'directory' must be an absolute path");
    } else if (reader.find("directory") == nullptr) {
        faults.add(table, "a [[vault.mount]] needs a 'directory'");
    }
    if (const toml::node* node = reader.text("path", mount.path)) {
        Result<std::string> normal = normal_vault_path(mount.path);
        if (!normal.ok()) {
            faults.add(*node, "'path': " + normal.error().message);
        } else {
            mount.path = std::move(*normal);
        }
    }
    reader.flag("read_only", mount.is_read_only);
    reader.flag("ownership", mount.has_owners);
    if (const toml::node* node = reader.value("at_ms", mount.at_ms, "a number");
        node != nullptr && mount.at_ms < 0)
        faults.add(*node, "'at_ms' must not be negative");
    reader.reject_unknown();
    return mount;
}

// One mount of the whole vault is a string, more of them a list of tables.
void read_mounts(TableReader& reader, std::vector<MountConfig>& mounts, Faults& faults) {
    const toml::node* node = reader.find("mount");
    if (node == nullptr) return;
    if (const auto directory = node->value_exact<std::string>()) {
        if (directory->empty()) return;
        if (!is_absolute(*directory)) faults.add(*node, "'mount' must be an absolute path");
        mounts.push_back({.directory = *directory, .path = {}, .is_read_only = false});
        return;
    }
    const toml::array* array = node->as_array();
    if (array == nullptr) {
        faults.add(*node, "'mount' must be a path, or a list of tables: [[vault.mount]]");
        return;
    }
    if (array->size() > kMountsMax)
        faults.add(*node, fmt::format("a vault has more than {} mounts", kMountsMax));
    for (const toml::node& item : *array) {
        if (const toml::table* table = item.as_table()) {
            mounts.push_back(read_mount(*table, faults));
        } else {
            faults.add(item, "'mount' must be a path, or a list of tables: [[vault.mount]]");
        }
    }
}

MirrorConfig read_mirror(const toml::table& table, Faults& faults) {
    MirrorConfig mirror;
    TableReader reader(table, "[[vault.mirror]]", faults);
    if (const toml::node* node = reader.text("directory", mirror.directory);
        node == nullptr || !is_absolute(mirror.directory))
        faults.add(table, "a [[vault.mirror]] needs a 'directory', an absolute path");
    if (const toml::node* node = reader.text("path", mirror.path)) {
        Result<std::string> normal = normal_vault_path(mirror.path);
        if (!normal.ok()) {
            faults.add(*node, "'path': " + normal.error().message);
        } else {
            mirror.path = std::move(*normal);
        }
    }
    // It names a file: nothing but digits.
    reader.text("identity", mirror.identity);
    if (mirror.identity.empty() ||
        mirror.identity.find_first_not_of("0123456789abcdef") != std::string::npos)
        faults.add(table, "a [[vault.mirror]] needs an 'identity' of hexadecimal digits");
    reader.flag("brake", mirror.has_brake);
    reader.reject_unknown();
    return mirror;
}

void read_mirrors(TableReader& reader, std::vector<MirrorConfig>& mirrors, Faults& faults) {
    const toml::node* node = reader.find("mirror");
    if (node == nullptr) return;
    const toml::array* array = node->as_array();
    if (array == nullptr || array->size() > kMirrorsMax) {
        faults.add(*node, fmt::format("'mirror' must be a list of at most {} tables: "
                                      "[[vault.mirror]]",
                                      kMirrorsMax));
        return;
    }
    for (const toml::node& item : *array) {
        if (const toml::table* table = item.as_table()) {
            mirrors.push_back(read_mirror(*table, faults));
        } else {
            faults.add(item, "'mirror' must be a list of tables: [[vault.mirror]]");
        }
    }
}

VaultConfig read_vault(const toml::table& table, Faults& faults) {
    VaultConfig vault;
    TableReader reader(table, "[[vault]]", faults);
    if (const toml::node* node = reader.text("name", vault.name)) {
        if (Status valid = check_vault_name(vault.name); !valid.ok()) {
            faults.add(*node, valid.error().message);
        }
    } else if (reader.find("name") == nullptr) {
        faults.add(table, "a [[vault]] needs a 'name'");
    }
    if (const toml::node* node = reader.text("directory", vault.directory)) {
        if (!is_absolute(vault.directory))
            faults.add(*node, "'directory' must be an absolute path");
    } else if (reader.find("directory") == nullptr) {
        faults.add(table, "a [[vault]] needs a 'directory'");
    }
    read_mounts(reader, vault.mounts, faults);
    read_mirrors(reader, vault.mirrors, faults);
    reader.flag("unlock_at_start", vault.unlock_at_start);
    reader.text("passphrase_command", vault.passphrase_command);
    reader.flag("paused", vault.paused);
    std::int64_t until_ms = 0;
    if (const toml::node* node = reader.value("paused_until_ms", until_ms, "a number")) {
        if (until_ms < 0)
            faults.add(*node, "'paused_until_ms' must not be negative");
        else
            vault.paused_until_ms = static_cast<std::uint64_t>(until_ms);
    }
    reader.texts("addresses", vault.addresses, kAddressesMax, check_address);
    read_kdf_memory(reader, vault.kdf_memory_mib, faults);
    std::int64_t idle_seconds = 0;
    if (const toml::node* node = reader.value("idle_lock_seconds", idle_seconds, "a number")) {
        if (Status valid = check_idle_lock(idle_seconds); !valid.ok())
            faults.add(*node, "'idle_lock_seconds': " + valid.error().message);
        else
            vault.idle_lock_seconds = static_cast<std::uint64_t>(idle_seconds);
    }
    reader.flag("lock_on_suspend", vault.lock_on_suspend);
    reader.reject_unknown();
    return vault;
}

void read_vaults(const toml::node& node, Config& config, Faults& faults) {
    const toml::array* array = node.as_array();
    if (array == nullptr) {
        faults.add(node, "'vault' must be a list of tables: [[vault]]");
        return;
    }
    if (array->size() > kVaultsMax) {
        faults.add(node, fmt::format("more than {} vaults", kVaultsMax));
        return;
    }
    std::set<std::string> names, directories, mounts;
    for (const toml::node& item : *array) {
        const toml::table* table = item.as_table();
        if (table == nullptr) {
            faults.add(item, "'vault' must be a list of tables: [[vault]]");
            continue;
        }
        VaultConfig vault = read_vault(*table, faults);
        if (!names.insert(vault.name).second) {
            faults.add(item, fmt::format("two vaults are named '{}'", vault.name));
        }
        if (!directories.insert(vault.directory).second) {
            faults.add(item, fmt::format("two vaults lie in '{}'", vault.directory));
        }
        for (const MountConfig& mount : vault.mounts) {
            if (!mounts.insert(mount.directory).second)
                faults.add(item, fmt::format("two mounts are at '{}'", mount.directory));
        }
        for (const MirrorConfig& mirror : vault.mirrors) {
            if (!mounts.insert(mirror.directory).second)
                faults.add(item,
                           fmt::format("two mirrors or mounts are at '{}'", mirror.directory));
        }
        config.vaults.push_back(std::move(vault));
    }
}

// A TOML basic string.
}  // namespace

Result<Config> parse_config(std::string_view text) {
    Faults faults;
    if (text.size() > kConfigSizeMax) {
        return Error{ErrorKind::TooLarge, "config.toml is larger than 1 MiB"};
    }
    toml::parse_result parsed = toml::parse(text);
    if (!parsed) {
        faults.add_line(parsed.error().source().begin.line, parsed.error().description());
        return std::move(faults).error();
    }
    const toml::table& tree = parsed.table();
    Config config;
    TableReader root(tree, "", faults);
    if (const toml::table* device = sub_table(root, "device", faults)) {
        read_device(*device, config, faults);
    }
    if (const toml::table* network = sub_table(root, "network", faults)) {
        read_network(*network, config, faults);
    }
    if (const toml::table* cache = sub_table(root, "cache", faults)) {
        read_cache(*cache, config, faults);
    }
    if (const toml::table* keys = sub_table(root, "keys", faults)) {
        read_keys(*keys, config, faults);
    }
    if (const toml::table* api = sub_table(root, "api", faults)) read_api(*api, config, faults);
    if (const toml::table* log = sub_table(root, "log", faults)) read_log(*log, config, faults);
    if (const toml::node* vaults = root.find("vault")) read_vaults(*vaults, config, faults);
    root.reject_unknown();
    if (faults.any()) return std::move(faults).error();
    return config;
}

}  // namespace lockstep::api
