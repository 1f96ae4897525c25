// `lockstep diagnostics FILE.tar.gz`: what a person who helps needs to know, and nothing that names
// what the vaults are about. Every part is made for the bundle, of values that are known to be
// harmless, or goes through a Redactor.
#include <chrono>
#include <fstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/http/proxy.h"
#include "base/unique_fd.h"
#include "daemon/api/config.h"
#include "daemon/api/json_codec.h"
#include "daemon/cli/command_line.h"
#include "daemon/cli/commands.h"
#include "daemon/cli/output.h"
#include "daemon/cli/redactor.h"
#include "daemon/cli/tar_gz.h"

namespace lockstep::cli {

namespace {

using nlohmann::json;

constexpr std::string_view kReadme =
    "What lockstep diagnostics has collected\n"
    "\n"
    "versions.txt   of Lockstep, the kernel and the system\n"
    "config.json    settings that are numbers, flags or words; of lists how long they are\n"
    "status.json    what `lockstep status --json` says: states, counts, sizes and times\n"
    "findings.json  what `lockstep doctor --json` says\n"
    "metrics.txt    the daemon's metrics\n"
    "log.txt        the daemon's last lines, at most 1000\n"
    "\n"
    "What is missing could not be asked for: the daemon did not answer.\n"
    "\n"
    "Taken out are passphrases, keys, tokens, tickets, names of files, folders, vaults, devices,\n"
    "hosts and users, ids, and addresses. Names are replaced by the same word each time (name-1).\n"
    "Look through it before you hand it on.\n";

std::string pretty(const json& value) {
    return value.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

std::int64_t now_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

// The system's name, like "Debian GNU/Linux 12 (bookworm)".
std::string system_name() {
    std::ifstream file("/etc/os-release");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("PRETTY_NAME=")) return line.substr(12);
    return "not known";
}

std::string versions_text(const std::optional<api::StatusReport>& status) {
    utsname kernel{};
    ::uname(&kernel);
    return fmt::format("{}\nlockstepd {}\nkernel {} {} {}\nsystem {}\n", kVersionText,
                       status ? status->version : "does not answer", kernel.sysname, kernel.release,
                       kernel.machine, system_name());
}

json vault_settings(const api::VaultConfig& vault) {
    return {{"mounts", vault.mounts.size()},          {"mirrors", vault.mirrors.size()},
            {"unlockAtStart", vault.unlock_at_start}, {"paused", vault.paused},
            {"addresses", vault.addresses.size()},    {"idleLockSeconds", vault.idle_lock_seconds},
            {"lockOnSuspend", vault.lock_on_suspend}};
}

// Value by value, so that what is added to the configuration is left out until somebody has thought
// about it.
json settings_json(const api::Config& config) {
    json vaults = json::array();
    for (const api::VaultConfig& vault : config.vaults) vaults.push_back(vault_settings(vault));
    return {{"listenPortChosen", config.listen_port != 0},
            {"lanDiscovery", config.lan_discovery},
            {"dht", config.dht},
            {"portMapping", config.port_mapping},
            {"pauseWhenMetered", config.pause_when_metered},
            {"relays", config.relays.size()},
            {"relayTokens", config.relay_tokens.size()},
            {"relayStrategy", config.relay_strategy},
            {"proxy", config.proxy.substr(0, config.proxy.find(':'))},
            {"limitUp", config.bandwidth.usual.up_kib},
            {"limitDown", config.bandwidth.usual.down_kib},
            {"contentCacheMib", config.content_cache_mib},
            {"onDemandMib", config.on_demand_mib},
            {"evictionCopies", config.eviction_copies},
            {"kdfMemoryMib", config.kdf_memory_mib},
            {"apiOverTcp", !config.api_listen.empty()},
            {"logLevel", log_level_name(config.log.usual)},
            {"logLevels", format_log_areas(config.log)},
            {"vaults", std::move(vaults)}};
}

void know_names(const api::Config& config, Redactor& redactor) {
    redactor.name("device", config.device_name);
    for (const std::string& url : config.relays) redactor.name("relay", url);
    for (const std::string& line : config.relay_tokens)
        redactor.name("token", line.substr(line.find(' ') + 1));
    if (const auto proxy = parse_proxy_url(config.proxy); proxy.ok()) {
        redactor.name("proxy", proxy->host);
        redactor.name("user", proxy->user);
        redactor.name("password", proxy->password);
    }
    for (const api::VaultConfig& vault : config.vaults) {
        redactor.name("vault", vault.name);
        redactor.name("folder", vault.directory);
        for (const api::MountConfig& mount : vault.mounts) {
            redactor.name("folder", mount.directory);
            redactor.name("folder", mount.path);
        }
        for (const api::MirrorConfig& mirror : vault.mirrors) {
            redactor.name("folder", mirror.directory);
            redactor.name("folder", mirror.path);
        }
        for (const std::string& address : vault.addresses) redactor.name("address", address);
    }
}

void know_names(const api::StatusReport& status, Redactor& redactor) {
    redactor.name("device", status.device.label);
    redactor.name("device", status.device.id);
    for (const std::string& address : status.addresses) redactor.name("address", address);
    for (const api::RelayInfo& relay : status.relays) redactor.name("relay", relay.url);
    for (const api::VaultInfo& vault : status.vaults) {
        redactor.name("vault", vault.name);
        redactor.name("vault", vault.id);
        for (const api::PeerInfo& peer : vault.peers) {
            redactor.name("device", peer.label);
            redactor.name("device", peer.device);
        }
    }
}

// Of this machine: the user, the host, the home.
void know_this_machine(Redactor& redactor) {
    char host[256] = {};
    if (::gethostname(host, sizeof(host) - 1) == 0) redactor.name("host", host);
    for (const char* variable : {"USER", "LOGNAME"})
        if (const char* user = std::getenv(variable)) redactor.name("user", user);
}

std::string findings_text(const std::vector<api::FindingInfo>& findings, Redactor& redactor) {
    json list = json::array();
    for (const api::FindingInfo& each : findings)
        list.push_back({{"id", each.id},
                        {"severity", each.severity},
                        {"where", redactor.name("name", each.where)},
                        {"what", redactor.sentence(each.what)}});
    return pretty({{"findings", std::move(list)}});
}

std::string log_text(const api::LogLineList& log, const Redactor& redactor) {
    std::string out;
    for (const api::LogLineInfo& line : log.lines)
        out += fmt::format("{} {} {}: {}\n", line.time_ms, line.level, line.area,
                           redactor.sentence(line.message));
    return out;
}

std::optional<api::Config> read_config(const Session& session) {
    Result<Bytes> text =
        posix_disk().read_file(session.data_paths.config_file(), api::kConfigSizeMax);
    if (!text.ok()) return std::nullopt;
    Result<api::Config> config = api::parse_config(as_text(*text));
    if (!config.ok()) return std::nullopt;
    return std::move(*config);
}

// Asks for everything; what cannot be had is left out.
std::vector<ArchiveEntry> collect(Session& session) {
    Redactor redactor;
    know_this_machine(redactor);
    const std::optional<api::Config> config = read_config(session);
    if (config) know_names(*config, redactor);
    std::optional<api::StatusReport> status;
    if (Result<api::StatusReport> answer = session.daemon.status(); answer.ok()) {
        status = std::move(*answer);
        know_names(*status, redactor);
    }
    std::vector<ArchiveEntry> entries = {{"README.txt", std::string(kReadme)},
                                         {"versions.txt", versions_text(status)}};
    if (config) entries.push_back({"config.json", pretty(settings_json(*config))});
    if (Result<std::vector<api::FindingInfo>> found = all_findings(session); found.ok())
        entries.push_back({"findings.json", findings_text(*found, redactor)});
    if (!status) return entries;
    entries.push_back({"status.json", pretty(redactor.json(json::parse(api::encode(*status))))});
    if (Result<std::string> metrics = session.daemon.metrics(); metrics.ok())
        entries.push_back({"metrics.txt", redactor.metrics(*metrics)});
    if (Result<api::LogLineList> log = session.daemon.log(); log.ok())
        entries.push_back({"log.txt", log_text(*log, redactor)});
    return entries;
}

Status write_new_file(const std::string& path, ByteView bytes) {
    UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file.ok() && errno == EEXIST) return Error{ErrorKind::Exists, path + " is there already"};
    bool is_written = file.ok();
    while (is_written && !bytes.empty()) {
        const ssize_t size = ::write(file.get(), bytes.data(), bytes.size());
        is_written = size > 0;
        if (is_written) bytes = bytes.subspan(static_cast<std::size_t>(size));
    }
    if (is_written) return {};
    return Error{ErrorKind::Io, path + " cannot be written"};
}

}  // namespace

ExitCode write_diagnostics(Session& session) {
    const std::string& file = session.arguments.target;
    const std::vector<ArchiveEntry> entries = collect(session);
    if (Status written = write_new_file(file, make_tar_gz(entries, now_ms() / 1000)); !written.ok())
        return session.fail(written.error());
    json names = json::array();
    for (const ArchiveEntry& entry : entries) names.push_back(entry.name);
    const bool is_alone = session.daemon.is_daemon_missing();
    if (session.arguments.is_json) {
        print_line(json{{"file", file}, {"entries", names}, {"daemon", !is_alone}}.dump());
        return ExitCode::Ok;
    }
    std::string list;
    for (const ArchiveEntry& entry : entries) list += (list.empty() ? "" : ", ") + entry.name;
    print_line(fmt::format("{} holds {}", printable(file), list));
    if (is_alone) print_line("The daemon does not answer, so its status, metrics and log are not.");
    print_line(
        "Secrets, names (of files, vaults, devices, hosts), ids and addresses were taken out. Look "
        "through it before you hand it on:  tar -xzOf " +
        printable(file));
    return ExitCode::Ok;
}

}  // namespace lockstep::cli
