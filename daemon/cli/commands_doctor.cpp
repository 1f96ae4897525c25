// `lockstep doctor`: what is not as it should be, what that means, and what to do about it. The
// daemon looks at the machine; without one the CLI does.
#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include <fmt/format.h>

#include "base/disk.h"
#include "daemon/api/config.h"
#include "daemon/api/json_codec.h"
#include "daemon/api/machine_check.h"
#include "daemon/cli/commands.h"
#include "daemon/cli/output.h"

namespace lockstep::cli {

namespace fs = std::filesystem;

namespace {

using api::FindingInfo;
using Findings = std::vector<FindingInfo>;
namespace severity = api::severity;

struct Explanation {
    std::string_view sign;  // in the alarm's sentence
    std::string_view advice;
};

// The first that fits. Nothing here stops the vault: whatever is intact goes on.
constexpr std::array kExplanations = {
    Explanation{
        "rollback: other devices have",
        "This device's disk, or Lockstep's state and the vault's directory on it, was put back to "
        "an "
        "older state: the other devices have what it wrote after that, and send it. Leave the "
        "vault unlocked and connected until it is up to date. If you restored a backup that is "
        "all; what this device had written and not yet sent is only where it was written. If "
        "you did not, find out who did, and whether a copy of this machine is running somewhere: "
        "remove Lockstep's state (~/.local/state/lockstep) on one of them and join it anew. The "
        "alarm ends with the next start once everything is here."},
    Explanation{
        "cloned or restored",
        "Two machines have gone on as the same device, or it was restored from a backup after it "
        "had written more. Nothing is lost: both ways on are shown, what contradicts as "
        "conflicts. If two machines run with a copy of one home, remove Lockstep's state "
        "(~/.local/state/lockstep) on one of them and join it anew."},
    Explanation{
        "rollback:",
        "The vault's directory lacks what was in it before: a backup was copied over it, or "
        "a sync service or server shows an old copy. What other devices have comes again "
        "by itself; leave the vault unlocked and connected. If this stays and you did not "
        "put anything back, do not trust whoever stores the directory. If you did, and no "
        "device has what is missing: remove the file lost.positions from the vault's folder in "
        "Lockstep's state directory (vaults/ID)."},
    Explanation{"old copy",
                "The vault's directory was put back to an older state, from before a passphrase or "
                "a member was changed. The newer key objects are in force all the same."},
    Explanation{"key object",
                "A file under keys/ is damaged or was made by somebody who may not. It is not "
                "used. `lockstep vault check` names it; if another device has it intact, delete "
                "the damaged file here and it comes again."},
    Explanation{"held back:",
                "Somebody moves very much, or a device writes without end. What it wrote before is "
                "here, the rest stays with those who have it and comes on the next days. If it is "
                "meant to be so: lockstep device let-in DEVICE, or lockstep device quota V SIZE. "
                "If not, look what that device does, or remove it."},
    Explanation{"more than a day ahead",
                "A device's clock is wrong by more than a day. Set it right; what it wrote is "
                "held until then, not lost."},
    Explanation{"was removed from the vault",
                "An owner has removed this device. What it has it keeps; to go on, join the vault "
                "anew with another LOCKSTEP_HOME, and have an owner adopt what waits."},
    Explanation{"may only read",
                "An owner has made this device a reader. What it wrote before is kept here and is "
                "published when it may write again (lockstep device role V DEVICE writer)."},
    Explanation{"journal:",
                "The local journal is damaged in part. What was intact is there; the rest is what "
                "was written last before a crash. Check the disk."},
    Explanation{"segment",
                "A piece of a log is damaged or was exchanged. It is not applied; an "
                "intact copy is fetched from other devices when they have one."},
    Explanation{"pack",
                "Content is damaged on the disk. It is fetched again when another device "
                "has it. Check the disk: lockstep vault check V."},
};

std::string_view advice_for(std::string_view alarm) {
    for (const Explanation& each : kExplanations)
        if (alarm.find(each.sign) != std::string_view::npos) return each.advice;
    return "Run `lockstep vault check` on the vault.";
}

constexpr std::uint64_t kDayMs = 24ULL * 3600 * 1000;
constexpr std::uint64_t kStaleDays = 7;
constexpr std::uint64_t kUnseenMs = 10ULL * 60 * 1000;
constexpr std::uint64_t kSilentDays = 90;

void look_at_peer(const api::VaultInfo& vault, const api::PeerInfo& peer, std::uint64_t now_ms,
                  Findings& out) {
    // What it had a while ago should have come by now.
    if (peer.unseen_segments > 0 && peer.last_sign_ms + kUnseenMs < now_ms)
        out.push_back(
            {.id = "vault.withheld",
             .severity = severity::kProblem,
             .where = vault.name,
             .what = fmt::format("{} had written or received {} segments by {} that are not here",
                                 peer.label, peer.unseen_segments,
                                 time_text(static_cast<std::int64_t>(peer.last_sign_ms))),
             .advice =
                 "It lives: other devices have passed its signed sign of life on. Those who are "
                 "connected do not have these news, or a relay withholds them; another relay, or "
                 "the same network, brings them.",
             .fix = "lockstep relay list"});
    const std::uint64_t last_news_ms = std::max(peer.last_seen_ms, peer.last_sign_ms);
    if (peer.is_connected || last_news_ms == 0) return;
    const std::uint64_t days = (now_ms - std::min(now_ms, last_news_ms)) / kDayMs;
    if (days < kStaleDays) return;
    FindingInfo finding{
        .id = "vault.peer",
        .severity = severity::kNote,
        .where = vault.name,
        .what = fmt::format("last news from {}: {}", peer.label,
                            age_text(static_cast<std::int64_t>(last_news_ms))),
        .advice = "It may have changes that nobody has, and lacks what was written since.",
        .fix = {}};
    if (days >= kSilentDays) {
        const std::string device = peer.device.substr(0, 16);
        finding.advice += " If it does not come back, others need not wait for it any more.";
        finding.fix =
            fmt::format("lockstep device retire {}     (lost or stolen: lockstep device revoke {})",
                        device, device);
    }
    out.push_back(std::move(finding));
}

void look_at_vault(const api::VaultInfo& vault, std::uint64_t now_ms, Findings& out) {
    for (const std::string& alarm : vault.alarms)
        out.push_back({"vault.alarm", severity::kAlarm, vault.name, alarm,
                       std::string(advice_for(alarm)), "lockstep vault check " + vault.name});
    for (const api::HeldRewritesInfo& held : vault.rewrites)
        out.push_back(
            {"vault.rewrites", severity::kAlarm, vault.name,
             held.is_own ? fmt::format("{} files were rewritten to noise here within ten minutes; "
                                       "nothing is published",
                                       held.files)
                         : fmt::format("{} rewrote {} files to noise within ten minutes; what it "
                                       "writes is not applied here",
                                       held.label, held.files),
             "Ransomware does that. If it was you, release the brake. If not, stop that program, "
             "or cut that device off, then `lockstep brake undo` brings the files back. Earlier "
             "versions of every file are kept either way.",
             fmt::format("lockstep brake release {0}     (bring the files back: lockstep brake "
                         "undo {0})",
                         vault.name)});
    if (!vault.problem.empty())
        out.push_back({"vault.problem", severity::kProblem, vault.name, vault.problem,
                       "The daemon's log says more.", "journalctl --user -u lockstepd -n 50"});
    for (const std::string& note : vault.notes)
        out.push_back({"vault.note", severity::kNote, vault.name, note,
                       "It is left alone; look whether it belongs there.",
                       "ls " + vault.directory});
    if (vault.conflicts > 0)
        out.push_back({"vault.conflicts", severity::kNote, vault.name,
                       fmt::format("{} conflicts", vault.conflicts),
                       "Both versions are there; choose between them.",
                       "lockstep conflicts list " + vault.name});
    for (const api::MirrorInfo& mirror : vault.mirrors)
        if (!mirror.problem.empty())
            out.push_back({"mirror.problem", severity::kProblem, vault.name,
                           fmt::format("the mirror {}: {}", mirror.directory, mirror.problem),
                           "It is not kept equal to the vault meanwhile.", "lockstep mirror list"});
    for (const api::PeerInfo& peer : vault.peers) look_at_peer(vault, peer, now_ms, out);
    bool is_alone = vault.missing_packs > 0;
    for (const api::PeerInfo& peer : vault.peers) is_alone = is_alone && !peer.is_connected;
    if (is_alone)
        out.push_back({"vault.alone", severity::kProblem, vault.name,
                       fmt::format("{} of content is missing and no device is connected",
                                   size_text(vault.missing_pack_bytes)),
                       "Start Lockstep on a device that has it.",
                       "lockstep vault show " + vault.name + "     (lists the devices)"});
}

void look_at_vaults(const api::StatusReport& status, Findings& out) {
    const auto now_ms =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                       std::chrono::system_clock::now().time_since_epoch())
                                       .count());
    for (const api::VaultInfo& vault : status.vaults) look_at_vault(vault, now_ms, out);
}

// What the daemon has chosen at an earlier start; 0: nothing.
std::uint16_t remembered_port(const api::DataPaths& paths) {
    Result<Bytes> text = posix_disk().read_file(paths.state_directory / "listen_port", 16);
    std::uint16_t port = 0;
    if (text.ok()) {
        const std::string_view digits = as_text(*text);
        std::from_chars(digits.data(), digits.data() + digits.size(), port);
    }
    return port;
}

// Nobody answers: what would keep a daemon from starting, or from working when it has started.
void look_without_daemon(const Session& session, const std::string& message, Findings& out) {
    out.push_back(api::missing_daemon(message));
    api::Config config;
    const fs::path file = session.data_paths.config_file();
    if (Result<Bytes> text = posix_disk().read_file(file, api::kConfigSizeMax); text.ok()) {
        Result<api::Config> parsed = api::parse_config(as_text(*text));
        if (parsed.ok())
            config = std::move(*parsed);
        else
            out.push_back({"config.invalid",
                           severity::kProblem,
                           {},
                           parsed.error().message,
                           "The daemon does not start with a configuration that has a fault.",
                           "lockstep config check     (names lines of " + file.native() + ")"});
    }
    Findings port = api::judge_port(config.listen_port);
    // One of the daemon's own choice is replaced when it is taken.
    if (config.listen_port == 0) port = api::judge_port(remembered_port(session.data_paths));
    for (FindingInfo& each : port) {
        if (config.listen_port == 0) each.severity = severity::kNote;
        out.push_back(std::move(each));
    }
    const bool may_mount = true;
    for (FindingInfo& each :
         api::judge_machine(api::look_at_machine(session.data_paths, config, may_mount)))
        out.push_back(std::move(each));
}

std::string_view heading(const FindingInfo& finding) {
    if (finding.severity == severity::kAlarm) return "ALARM ";
    return finding.severity == severity::kProblem ? "PROBLEM " : "note ";
}

void print_finding(const FindingInfo& finding) {
    print_line(fmt::format("{}{}: {}", heading(finding),
                           printable(finding.where.empty() ? finding.id : finding.where),
                           printable_lines(finding.what)));
    print_line("    " + printable(finding.advice));
    if (!finding.fix.empty()) print_line("    fix: " + printable(finding.fix));
}

bool has(const Findings& findings, std::string_view severity) {
    return std::ranges::any_of(findings,
                               [&](const FindingInfo& each) { return each.severity == severity; });
}

}  // namespace

Result<Findings> all_findings(Session& session) {
    Findings out;
    Result<api::StatusReport> status = session.daemon.status();
    if (status.ok()) {
        look_at_vaults(*status, out);
        TRY(api::DoctorReport report, session.daemon.doctor());
        for (FindingInfo& each : report.findings) out.push_back(std::move(each));
        return out;
    }
    if (!session.daemon.is_daemon_missing()) return std::move(status).error();
    look_without_daemon(session, status.error().message, out);
    return out;
}

ExitCode doctor(Session& session) {
    Result<Findings> findings = all_findings(session);
    if (!findings.ok()) return session.fail(findings.error());
    if (session.arguments.is_json)
        print_line(api::encode(api::DoctorReport{*findings}));
    else if (findings->empty())
        print_line("all is well");
    else
        for (const FindingInfo& finding : *findings) print_finding(finding);
    if (session.daemon.is_daemon_missing()) return ExitCode::NotRunning;
    if (has(*findings, severity::kAlarm)) return ExitCode::Alarm;
    return has(*findings, severity::kProblem) ? ExitCode::CheckFailed : ExitCode::Ok;
}

}  // namespace lockstep::cli
