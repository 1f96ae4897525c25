#include "daemon/doctor.h"

#include <future>

#include <fmt/format.h>
#include <sys/statvfs.h>

#include "base/http/client_socket.h"
#include "daemon/api/machine_check.h"
#include "daemon/control_context.h"
#include "daemon/relay_probe.h"
#include "sync/relay_url.h"

namespace lockstep {

namespace {

using api::FindingInfo;
namespace severity = api::severity;

constexpr std::chrono::milliseconds kProbeTimeout{5'000};
constexpr std::chrono::milliseconds kOwnPortTimeout{2'000};
constexpr std::int64_t kClockOffMsMax = 60'000;
// What syncing needs beside the content itself.
constexpr std::uint64_t kSpareBytes = 64 << 20;

FindingInfo unreachable(const RelayProbe& probe) {
    const std::string& url = probe.relay.url;
    if (probe.is_untrusted)
        return {"relay.key",
                severity::kProblem,
                url,
                "the relay is not trusted: " + probe.relay.detail,
                "No authority vouches for its key, or it is not the pinned one. If it is yours, "
                "compare with the key that it logs at its start.",
                fmt::format("lockstep relay add {} --pin first", url)};
    return {"relay.unreachable",
            severity::kProblem,
            url,
            "the relay is not reachable: " + probe.relay.detail,
            "Devices in other networks are not found through it. Is it on, is its name right, does "
            "a firewall let us out?",
            fmt::format("lockstep relay test {}     (lockstep relay remove {} when it is gone)",
                        url, url)};
}

void judge_clock(const RelayProbe& probe, std::vector<FindingInfo>& out) {
    if (!probe.clock_ahead_ms) return;
    const std::int64_t off_ms = *probe.clock_ahead_ms;
    if (off_ms < kClockOffMsMax && off_ms > -kClockOffMsMax) return;
    out.push_back(
        {"clock.off", severity::kProblem, probe.relay.url,
         fmt::format("this machine's clock is {} s {} the relay's",
                     (off_ms < 0 ? -off_ms : off_ms) / 1000, off_ms < 0 ? "ahead of" : "behind"),
         "Of two edits made apart the clocks say which is newer; relays and tickets "
         "refuse who is too far off.",
         "sudo timedatectl set-ntp true"});
}

// False when it is of no use to look at what lies behind it.
bool judge_proxy(const ProxyInForce& proxy, std::vector<FindingInfo>& out) {
    if (proxy == nullptr) return true;
    const Patience patience(std::chrono::steady_clock::now() + kProbeTimeout, {});
    const Status greeted = greet_proxy(*proxy, patience);
    if (greeted.ok())
        out.push_back({"proxy.used", severity::kNote, proxy_name(*proxy),
                       "the proxy answers; relays and devices in other networks are reached "
                       "through it alone",
                       "Around it goes only what stays in the local network. Relays that DNS names "
                       "(srv:), the public hash table and port mapping rest meanwhile.",
                       "lockstep config set network.proxy none     (to do without it)"});
    else
        out.push_back(
            {"proxy.unreachable", severity::kProblem, proxy_name(*proxy), greeted.error().message,
             "Relays and devices in other networks are reached through it alone, so they "
             "are not reached now. Is it on, and are its address, user and password right?",
             "lockstep config set network.proxy -     (reads the right URL; none: "
             "without a proxy)"});
    return greeted.ok();
}

void judge_relays(const api::Config& config, const ProxyInForce& proxy,
                  std::vector<FindingInfo>& out) {
    std::vector<std::future<Result<RelayProbe>>> probes;
    for (const std::string& url : config.relays)
        probes.push_back(std::async(std::launch::async, look_at_relay, url, proxy, kProbeTimeout));
    bool has_clock = false;
    for (auto& each : probes) {
        Result<RelayProbe> probe = each.get();
        if (!probe.ok()) continue;  // the configuration was checked
        if (!probe->relay.is_reachable) out.push_back(unreachable(*probe));
        has_clock = has_clock || probe->clock_ahead_ms.has_value();
        judge_clock(*probe, out);
    }
    // What a relay's clock says is better than whether somebody says that he keeps ours.
    if (has_clock)
        std::erase_if(out, [](const FindingInfo& each) { return each.id == "clock.unkept"; });
}

void judge_own_port(const SyncEngine& sync, std::vector<FindingInfo>& out) {
    const std::uint16_t port = sync.listen_port();
    std::string why;
    if (port == 0) {
        why = "no port could be had";
    } else {
        const Patience patience(std::chrono::steady_clock::now() + kOwnPortTimeout, {});
        if (auto reached = connect_tcp("127.0.0.1", port, patience); !reached.ok())
            why = reached.error().message;
    }
    if (why.empty()) return;
    out.push_back({"port.silent",
                   severity::kProblem,
                   {},
                   fmt::format("nobody answers on our port {}: {}", port, why),
                   "Other devices cannot connect to this one.",
                   "systemctl --user restart lockstepd     (and, where a firewall runs: sudo ufw "
                   "allow Lockstep)"});
}

std::uint64_t free_bytes(const std::string& directory) {
    struct statvfs space {};
    if (::statvfs(directory.c_str(), &space) != 0) return ~std::uint64_t{0};
    return space.f_bavail * space.f_frsize;
}

void judge_vault_space(const api::VaultInfo& vault, std::vector<FindingInfo>& out) {
    constexpr std::uint64_t kMib = 1 << 20;
    const std::uint64_t free = free_bytes(vault.directory);
    if (vault.missing_pack_bytes > 0 && vault.missing_pack_bytes + kSpareBytes > free)
        out.push_back({"space.missing", severity::kProblem, vault.name,
                       fmt::format("{} MiB are to be fetched, and {} MiB are free",
                                   vault.missing_pack_bytes / kMib, free / kMib),
                       "It cannot be brought here whole.",
                       fmt::format("lockstep keep {} on-demand     (then only what is read is "
                                   "fetched)",
                                   vault.name)});
    // Nine tenths.
    if (vault.role == "blind" && vault.quota_bytes > 0 &&
        vault.pack_bytes / 9 * 10 > vault.quota_bytes)
        out.push_back({"space.quota", severity::kProblem, vault.name,
                       fmt::format("{} MiB of its quota of {} MiB are used",
                                   vault.pack_bytes / kMib, vault.quota_bytes / kMib),
                       "When it is full this device takes nothing more, and counts as a copy for "
                       "what it has only.",
                       fmt::format("lockstep quota {} {}G", vault.name,
                                   vault.quota_bytes * 2 / (1ULL << 30) + 1)});
}

}  // namespace

api::DoctorReport examine(ControlContext& context) {
    const VaultServices& services = context.services;
    const api::Config config = services.config.get();
    api::DoctorReport report;
    report.findings = judge_machine(look_at_machine(services.paths, config, services.may_mount));
    judge_own_port(services.sync, report.findings);
    const ProxyInForce proxy = services.sync.proxy();
    if (judge_proxy(proxy, report.findings)) judge_relays(config, proxy, report.findings);
    for (const auto& vault : context.vaults.all())
        judge_vault_space(vault->info(), report.findings);
    return report;
}

}  // namespace lockstep
