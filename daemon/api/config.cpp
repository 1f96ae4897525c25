#include "daemon/api/config.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <utility>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netinet/in.h>

#include "base/spelling.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "base/http/url.h"

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
std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte == 0x7f) {
            out += fmt::format("\\u{:04X}", byte);
        } else {
            out += c;
        }
    }
    return out + '"';
}

std::string quoted_list(const std::vector<std::string>& texts) {
    std::string out = "[";
    for (const std::string& text : texts) out += (out.size() > 1 ? ", " : "") + quoted(text);
    return out + ']';
}

// Nothing where it is as it is without them.
std::string format_api_and_log(const Config& config) {
    std::string out;
    if (!config.api_listen.empty())
        out += fmt::format("\n[api]\nlisten = {}\n", quoted(config.api_listen));
    if (config.log == LogLevels{}) return out;
    out += fmt::format("\n[log]\nlevel = {}\n", quoted(log_level_name(config.log.usual)));
    if (!config.log.areas.empty()) out += "\n[log.levels]\n";
    for (const auto& [area, level] : config.log.areas)
        out += fmt::format("{} = {}\n", area, quoted(log_level_name(level)));
    return out;
}

// The keys that [network] ends with; nothing for what is as it is without them.
std::string format_bandwidth(const BandwidthConfig& bandwidth) {
    const auto limits = [](const BandwidthLimits& one) {
        return fmt::format("limit_up = {}\nlimit_down = {}\n", one.up_kib, one.down_kib);
    };
    const BandwidthConfig none;
    std::string out;
    if (bandwidth.usual != none.usual) out += limits(bandwidth.usual);
    if (bandwidth.counts_in_lan) out += "limit_lan = true\n";
    BandwidthConfig alternative = bandwidth;
    alternative.usual = none.usual;
    alternative.counts_in_lan = none.counts_in_lan;
    if (alternative == none) return out;
    return out + fmt::format("\n[network.alternative]\n{}hours = {}\nnow = {}\n",
                             limits(bandwidth.alternative), quoted(format_hours(bandwidth.hours)),
                             quoted(format_limit_choice(bandwidth.choice)));
}

bool has_control_byte(std::string_view text) {
    for (char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) return true;
    }
    return false;
}

Status check_port(std::string_view text) {
    std::uint32_t port = 0;
    if (text.empty() || text.size() > 5) return Error{ErrorKind::Invalid, "the port is missing"};
    for (char c : text) {
        if (c < '0' || c > '9') return Error{ErrorKind::Invalid, "the port is not a number"};
        port = port * 10 + static_cast<std::uint32_t>(c - '0');
    }
    if (port == 0 || port > 65535) {
        return Error{ErrorKind::Invalid, "the port must be between 1 and 65535"};
    }
    return {};
}

}  // namespace

bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        std::size_t length = lead < 0x80           ? 1
                             : (lead >> 5) == 0x06 ? 2
                             : (lead >> 4) == 0x0e ? 3
                             : (lead >> 3) == 0x1e ? 4
                                                   : 0;
        if (length == 0 || text.size() - i < length) return false;
        std::uint32_t point = length == 1 ? lead : lead & (0x7fU >> length);
        for (std::size_t k = 1; k < length; ++k) {
            const auto next = static_cast<unsigned char>(text[i + k]);
            if ((next & 0xc0) != 0x80) return false;
            point = (point << 6) | (next & 0x3fU);
        }
        constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
        if (point < kLeast[length] || point > 0x10ffff) return false;
        if (point >= 0xd800 && point <= 0xdfff) return false;
        i += length;
    }
    return true;
}

Result<std::string> normal_vault_path(std::string_view path) {
    if (!is_utf8(path) || path.find('\0') != std::string_view::npos)
        return Error{ErrorKind::Invalid, "a folder's path must be UTF-8 without NUL"};
    std::string normal;
    while (!path.empty()) {
        const std::size_t slash = path.find('/');
        const std::string_view part = path.substr(0, slash);
        path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
        if (part.empty() || part == ".") continue;
        if (part == "..") return Error{ErrorKind::Invalid, "'..' is not taken in paths of a vault"};
        if (!normal.empty()) normal += '/';
        normal += part;
    }
    return normal;
}

Status check_vault_name(std::string_view name) {
    auto refuse = [&](std::string_view why) {
        return Error{ErrorKind::Invalid, fmt::format("a vault's name {}", why)};
    };
    if (name.empty()) return refuse("must not be empty");
    if (name.size() > 64) return refuse("must not be longer than 64 bytes");
    if (!is_utf8(name) || has_control_byte(name)) return refuse("must be printable UTF-8");
    if (name.front() == '-' || name.front() == '.') return refuse("must not begin with '-' or '.'");
    if (name.find_first_of("/:") != std::string_view::npos)
        return refuse("must not hold '/' or ':'");
    return {};
}

Status check_device_name(std::string_view name) {
    if (name.size() > 64) {
        return Error{ErrorKind::Invalid, "a device's name must not be longer than 64 bytes"};
    }
    if (name.empty() || !is_utf8(name) || has_control_byte(name)) {
        return Error{ErrorKind::Invalid, "a device's name must be printable UTF-8"};
    }
    return {};
}

Status check_content_cache(std::int64_t mib) {
    if (mib >= kContentCacheMibMin && mib <= kContentCacheMibMax) return {};
    return Error{ErrorKind::Invalid, fmt::format("a cache has between {} and {} MiB",
                                                 kContentCacheMibMin, kContentCacheMibMax)};
}

Status check_on_demand_cache(std::int64_t mib) {
    if (mib >= kOnDemandMibMin && mib <= kOnDemandMibMax) return {};
    return Error{ErrorKind::Invalid, fmt::format("this cache has between {} and {} MiB",
                                                 kOnDemandMibMin, kOnDemandMibMax)};
}

Status check_eviction_copies(std::int64_t copies) {
    if (copies >= 1 && copies <= kEvictionCopiesMax) return {};
    return Error{ErrorKind::Invalid,
                 fmt::format("between 1 and {} other devices", kEvictionCopiesMax)};
}

Status check_kdf_memory(std::int64_t mib) {
    if (mib >= kKdfMemoryMibMin && mib <= kKdfMemoryMibMax) return {};
    return Error{ErrorKind::Invalid, fmt::format("guessing a passphrase costs {} to {} MiB",
                                                 kKdfMemoryMibMin, kKdfMemoryMibMax)};
}

Status check_idle_lock(std::int64_t seconds) {
    if (seconds >= 0 && seconds <= static_cast<std::int64_t>(kIdleLockSecondsMax)) return {};
    return Error{ErrorKind::Invalid, "a vault is locked after 30 unused days at most"};
}

Status check_relay_url(std::string_view url) {
    if (is_srv_url(url)) {
        TRY_OK(parse_srv_url(url));
        return {};
    }
    constexpr std::string_view kPinMark = "#pin=";
    if (std::size_t mark = url.find('#'); mark != std::string_view::npos) {
        std::string_view pin = url.substr(mark);
        const bool is_pin = pin.starts_with(kPinMark) && pin.size() == kPinMark.size() + 64 &&
                            pin.find_first_not_of("0123456789abcdefABCDEF", kPinMark.size()) ==
                                std::string_view::npos;
        if (!is_pin) return Error{ErrorKind::Invalid, "a relay's pin is 64 hexadecimal digits"};
        url = url.substr(0, mark);
        if (!url.starts_with("https://"))
            return Error{ErrorKind::Invalid, "only a relay under https:// has a key to pin"};
    }
    if (url.size() > 255) return Error{ErrorKind::Invalid, "the URL is longer than 255 bytes"};
    TRY(HttpUrl where, parse_http_url(url));
    if (where.target.find('?') != std::string::npos)
        return Error{ErrorKind::Invalid, "a relay's URL has no query"};
    return {};
}

Status check_relay_token(std::string_view line) {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos)
        return Error{ErrorKind::Invalid, "a relay's token is written: URL TOKEN"};
    TRY_OK(check_relay_url(line.substr(0, space)));
    std::string_view token = line.substr(space + 1);
    const bool is_token =
        !token.empty() && token.size() <= 128 && std::ranges::all_of(token, [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                   c == '-' || c == '_' || c == '.' || c == '~' || c == '+' || c == '/' || c == '=';
        });
    if (is_token) return {};
    return Error{ErrorKind::Invalid, "a relay's token has 1 to 128 of A-Z a-z 0-9 - . _ ~ + / ="};
}

Status check_relay_weight(std::string_view line) {
    const Error wrong{ErrorKind::Invalid, "a relay's weight is written: URL NUMBER (1 to 1000)"};
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) return wrong;
    TRY_OK(check_relay_url(line.substr(0, space)));
    std::string_view digits = line.substr(space + 1);
    std::uint32_t weight = 0;
    auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), weight);
    const bool is_weight = failure == std::errc{} && end == digits.data() + digits.size() &&
                           weight >= 1 && weight <= kRelayWeightMax;
    if (!is_weight) return wrong;
    return {};
}

Status check_relay_strategy(std::string_view name) {
    if (std::ranges::find(kRelayStrategies, name) != kRelayStrategies.end()) return {};
    return Error{ErrorKind::Invalid,
                 fmt::format("a strategy is one of {}", fmt::join(kRelayStrategies, ", "))};
}

Status check_address(std::string_view address) {
    const Error wrong{ErrorKind::Invalid, "an address is IPV4:PORT or [IPV6]:PORT"};
    const std::size_t colon = address.rfind(':');
    if (colon == std::string_view::npos) return wrong;
    std::string host(address.substr(0, colon));
    const bool is_ipv6 = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (is_ipv6) host = host.substr(1, host.size() - 2);
    std::byte parsed[sizeof(in6_addr)];
    if (inet_pton(is_ipv6 ? AF_INET6 : AF_INET, host.c_str(), parsed) != 1) return wrong;
    return check_port(address.substr(colon + 1));
}

Result<LoopbackAddress> parse_api_listen(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos)
        return Error{ErrorKind::Invalid, "an address is written 127.0.0.1:PORT or [::1]:PORT"};
    LoopbackAddress out{.host = std::string(text.substr(0, colon)), .port = 0};
    const std::string_view digits = text.substr(colon + 1);
    auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
    if (failure != std::errc{} || end != digits.data() + digits.size() || out.port == 0)
        return Error{ErrorKind::Invalid, "the port must be between 1 and 65535"};
    in_addr address{};
    const bool is_ipv4 = inet_pton(AF_INET, out.host.c_str(), &address) == 1;
    const bool is_loopback = is_ipv4 ? ntohl(address.s_addr) >> 24 == 127 : out.host == "[::1]";
    if (!is_loopback)
        return Error{ErrorKind::Invalid,
                     fmt::format("'{}' is no address of this machine alone (127.0.0.1 or [::1]): "
                                 "the control API is not for a network",
                                 out.host)};
    if (!is_ipv4) out.host = "::1";
    return out;
}

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

std::string format_config(const Config& config) {
    std::string out =
        "# Lockstep's configuration. The daemon rewrites this file when `lockstep` changes "
        "something;\n"
        "# comments do not survive that. Check it with: lockstep config check\n\n";
    if (!config.device_name.empty()) {
        out += fmt::format("[device]\nname = {}\n\n", quoted(config.device_name));
    }
    out += fmt::format("[network]\nlisten_port = {}\nlan_discovery = {}\nrelays = {}\n",
                       config.listen_port, config.lan_discovery, quoted_list(config.relays));
    if (!config.relay_tokens.empty())
        out += fmt::format("relay_tokens = {}\n", quoted_list(config.relay_tokens));
    if (config.relay_strategy != kRelayStrategies[0])
        out += fmt::format("relay_strategy = {}\n", quoted(config.relay_strategy));
    if (!config.relay_weights.empty())
        out += fmt::format("relay_weights = {}\n", quoted_list(config.relay_weights));
    if (config.dht) out += "dht = true\n";
    if (config.port_mapping) out += "port_mapping = true\n";
    if (!config.pause_when_metered) out += "pause_when_metered = false\n";
    out += format_bandwidth(config.bandwidth);
    std::string cache;
    if (config.content_cache_mib != kContentCacheMib)
        cache += fmt::format("content_mib = {}\n", config.content_cache_mib);
    if (config.on_demand_mib != kOnDemandMib)
        cache += fmt::format("on_demand_mib = {}\n", config.on_demand_mib);
    if (config.eviction_copies != 1) cache += fmt::format("copies = {}\n", config.eviction_copies);
    if (!cache.empty()) out += "\n[cache]\n" + cache;
    if (config.kdf_memory_mib != kKdfMemoryMib)
        out += fmt::format("\n[keys]\nkdf_memory_mib = {}\n", config.kdf_memory_mib);
    out += format_api_and_log(config);
    for (const VaultConfig& vault : config.vaults) {
        out += fmt::format("\n[[vault]]\nname = {}\ndirectory = {}\n", quoted(vault.name),
                           quoted(vault.directory));
        const std::vector<MountConfig>& mounts = vault.mounts;
        const bool is_simple = mounts.size() == 1 && mounts[0].path.empty() &&
                               !mounts[0].is_read_only && !mounts[0].has_owners &&
                               mounts[0].at_ms == 0;
        if (is_simple) out += fmt::format("mount = {}\n", quoted(mounts[0].directory));
        out +=
            fmt::format("unlock_at_start = {}\npaused = {}\n", vault.unlock_at_start, vault.paused);
        if (!vault.passphrase_command.empty())
            out += fmt::format("passphrase_command = {}\n", quoted(vault.passphrase_command));
        if (vault.paused_until_ms != 0)
            out += fmt::format("paused_until_ms = {}\n", vault.paused_until_ms);
        out += fmt::format("addresses = {}\n", quoted_list(vault.addresses));
        if (vault.kdf_memory_mib != 0)
            out += fmt::format("kdf_memory_mib = {}\n", vault.kdf_memory_mib);
        if (vault.idle_lock_seconds != 0)
            out += fmt::format("idle_lock_seconds = {}\n", vault.idle_lock_seconds);
        if (vault.lock_on_suspend) out += "lock_on_suspend = true\n";
        for (const MountConfig& mount : mounts) {
            if (is_simple) break;
            out += fmt::format("[[vault.mount]]\ndirectory = {}\npath = {}\nread_only = {}\n",
                               quoted(mount.directory), quoted(mount.path), mount.is_read_only);
            if (mount.has_owners) out += "ownership = true\n";
            if (mount.at_ms != 0) out += fmt::format("at_ms = {}\n", mount.at_ms);
        }
        for (const MirrorConfig& mirror : vault.mirrors) {
            out +=
                fmt::format("[[vault.mirror]]\ndirectory = {}\npath = {}\nidentity = {}\n",
                            quoted(mirror.directory), quoted(mirror.path), quoted(mirror.identity));
            if (!mirror.has_brake) out += "brake = false\n";
        }
    }
    return out;
}

}  // namespace lockstep::api
