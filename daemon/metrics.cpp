#include "daemon/metrics.h"

#include <algorithm>
#include <fstream>

#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/log_levels.h"
#include "base/prometheus_text.h"
#include "daemon/control_context.h"
#include "sync/relay_url.h"

namespace lockstep {

namespace {

std::uint64_t resident_bytes() {
    std::ifstream pages("/proc/self/statm");
    std::uint64_t all = 0, resident = 0;
    pages >> all >> resident;
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t open_files() {
    std::error_code failure;
    std::uint64_t count = 0;
    for (std::filesystem::directory_iterator item("/proc/self/fd", failure), end;
         !failure && item != end; item.increment(failure))
        ++count;
    return count;
}

std::uint64_t free_bytes(const std::string& directory) {
    struct statvfs space {};
    return ::statvfs(directory.c_str(), &space) == 0 ? space.f_bavail * space.f_frsize : 0;
}

// One metric of every vault.
struct VaultMetric {
    const char* name;
    const char* help;
    std::uint64_t (*of)(const api::VaultInfo& vault);
};

std::uint64_t connected(const api::VaultInfo& vault) {
    return static_cast<std::uint64_t>(std::ranges::count_if(
        vault.peers, [](const api::PeerInfo& peer) { return peer.is_connected; }));
}

std::uint64_t mounted(const api::VaultInfo& vault) {
    return static_cast<std::uint64_t>(std::ranges::count_if(
        vault.mounts, [](const api::MountInfo& mount) { return mount.is_mounted; }));
}

std::uint64_t held_deletes(const api::VaultInfo& vault) {
    std::uint64_t held = 0;
    for (const api::MirrorInfo& mirror : vault.mirrors)
        held += mirror.held_in_vault + mirror.held_in_folder;
    return held;
}

std::uint64_t stopped_mirrors(const api::VaultInfo& vault) {
    return static_cast<std::uint64_t>(std::ranges::count_if(
        vault.mirrors, [](const api::MirrorInfo& mirror) { return mirror.state == "stopped"; }));
}

using api::VaultInfo;
constexpr VaultMetric kVaultMetrics[] = {
    {"vault_unlocked", "Whether it is unlocked.",
     [](const VaultInfo& v) -> std::uint64_t { return v.state == "locked" ? 0 : 1; }},
    {"vault_in_step", "Whether it is up to date, as far as known.",
     [](const VaultInfo& v) -> std::uint64_t {
         return v.status == sync_word_text(api::SyncWord::UpToDate) ? 1 : 0;
     }},
    {"vault_paused", "Whether it is paused, or waits for a network that is not metered.",
     [](const VaultInfo& v) -> std::uint64_t { return v.is_paused || v.is_metered ? 1 : 0; }},
    {"vault_problem", "Whether it could not be opened, mounted or synced.",
     [](const VaultInfo& v) -> std::uint64_t { return v.problem.empty() ? 0 : 1; }},
    {"vault_alarms", "Alarms: it was put back, forked, or damaged.",
     [](const VaultInfo& v) -> std::uint64_t { return v.alarms.size(); }},
    {"vault_conflicts", "Files with several versions in conflict.",
     [](const VaultInfo& v) { return v.conflicts; }},
    {"vault_mounts", "Folders that show it now.", mounted},
    {"vault_mirrors_stopped", "Mirrors that have stopped.", stopped_mirrors},
    {"vault_held_deletes", "Files that the brake keeps from being deleted.", held_deletes},
    {"vault_members", "Other members.",
     [](const VaultInfo& v) -> std::uint64_t { return v.peers.size(); }},
    {"vault_members_connected", "Other members that are connected.", connected},
    {"vault_files", "Files in it, while it is unlocked.",
     [](const VaultInfo& v) { return v.files; }},
    {"vault_pack_bytes", "Bytes of content that are here.",
     [](const VaultInfo& v) { return v.pack_bytes; }},
    {"vault_missing_bytes", "Bytes of content that are to be fetched.",
     [](const VaultInfo& v) { return v.missing_pack_bytes; }},
    {"vault_left_out_bytes", "Bytes of content that are not here by choice.",
     [](const VaultInfo& v) { return v.left_out_pack_bytes; }},
    {"vault_quota_bytes", "What a blind member gives to it; 0: no limit.",
     [](const VaultInfo& v) { return v.role == "blind" ? v.quota_bytes : 0; }},
    {"vault_pending_records", "Changes made here that are not yet published.",
     [](const VaultInfo& v) { return v.pending_records; }},
    {"vault_unmerged_segments", "Pieces of other devices' logs that are not yet merged.",
     [](const VaultInfo& v) { return v.unmerged_segments; }},
    {"vault_receive_bytes_per_second", "What comes from other devices.",
     [](const VaultInfo& v) { return v.receive_rate; }},
    {"vault_send_bytes_per_second", "What goes to other devices.",
     [](const VaultInfo& v) { return v.send_rate; }},
    {"vault_last_synced_timestamp_seconds", "When it was last in step; 0: not since the start.",
     [](const VaultInfo& v) { return v.last_synced_ms / 1000; }},
};

void tell_vaults(const api::StatusReport& status, const DaemonFigures& figures,
                 PrometheusText& out) {
    out.gauge("vaults", "Vaults of this device.", status.vaults.size());
    for (const VaultMetric& metric : kVaultMetrics) {
        out.metric(metric.name, "gauge", metric.help);
        for (const api::VaultInfo& vault : status.vaults)
            out.value(metric.of(vault), prometheus_label("vault", vault.name));
    }
    out.metric("vault_free_bytes", "gauge", "Bytes that are free where its directory lies.");
    for (std::size_t i = 0; i < status.vaults.size() && i < figures.free_bytes.size(); ++i)
        out.value(figures.free_bytes[i], prometheus_label("vault", status.vaults[i].name));
}

void tell_relays(const api::StatusReport& status, PrometheusText& out) {
    out.metric("relay_reachable", "gauge", "Whether the relay answers.");
    for (const api::RelayInfo& relay : status.relays)
        out.value(relay.is_reachable ? 1 : 0, prometheus_label("relay", relay_origin(relay.url)));
    out.metric("relay_round_trip_seconds", "gauge", "Of its last answers; 0: none yet.");
    for (const api::RelayInfo& relay : status.relays)
        out.value(static_cast<double>(relay.round_trip_ms) / 1000,
                  prometheus_label("relay", relay_origin(relay.url)));
}

}  // namespace

DaemonFigures daemon_figures(const ControlContext& context, const api::StatusReport& status) {
    DaemonFigures out;
    out.uptime_s =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(
                                       std::chrono::steady_clock::now() - context.started)
                                       .count());
    out.resident_bytes = resident_bytes();
    out.open_files = open_files();
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) out.open_files_max = limit.rlim_cur;
    out.requests = context.requests;
    out.refused = context.refused;
    out.failures = context.failures;
    out.log_warnings = log_lines_written(LogLevel::Warning);
    out.log_errors = log_lines_written(LogLevel::Error);
    for (const api::VaultInfo& vault : status.vaults)
        out.free_bytes.push_back(free_bytes(vault.directory));
    return out;
}

std::string metrics_text(const api::StatusReport& status, const DaemonFigures& figures) {
    PrometheusText out("lockstepd_");
    out.metric("build_info", "gauge", "The version that runs.");
    out.value(1, prometheus_label("version", status.version));
    out.gauge("uptime_seconds", "Seconds since the daemon started.", figures.uptime_s);
    out.gauge("resident_memory_bytes", "Memory of the daemon.", figures.resident_bytes);
    out.gauge("open_files", "Open files and connections.", figures.open_files);
    out.gauge("open_files_limit", "How many of them there may be.", figures.open_files_max);
    out.metric("log_lines_total", "counter", "Lines written to the log, of these levels.");
    out.value(figures.log_warnings, "level=\"warning\"");
    out.value(figures.log_errors, "level=\"error\"");
    out.counter("api_requests_total", "Requests to the control API.", figures.requests);
    out.metric("api_failures_total", "counter", "Those of them that were answered with an error.");
    out.value(figures.refused, "kind=\"refused\"");
    out.value(figures.failures, "kind=\"failed\"");
    tell_vaults(status, figures, out);
    tell_relays(status, out);
    return out.take();
}

}  // namespace lockstep
