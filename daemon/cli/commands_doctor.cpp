// `lockstep doctor`: what is not as it should be, what that means, and what to do about it.
#include <array>
#include <chrono>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "daemon/api/config.h"
#include "daemon/cli/commands.h"
#include "daemon/cli/output.h"

namespace lockstep::cli {

namespace {

struct Finding {
    bool is_alarm = false;
    std::string where;   // a vault, a relay, or empty
    std::string what;    // as the daemon says it
    std::string advice;  // what it means, and what to do
};

struct Explanation {
    std::string_view sign;  // in the alarm's sentence
    std::string_view advice;
};

// The first that fits. Nothing here stops the vault: whatever is intact goes on.
constexpr std::array kExplanations = {
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
                  std::vector<Finding>& out) {
    // What it had a while ago should have come by now.
    if (peer.unseen_segments > 0 && peer.last_sign_ms + kUnseenMs < now_ms)
        out.push_back(
            {false, vault.name,
             fmt::format("{} had written or received {} segments by {} that are not here",
                         peer.label, peer.unseen_segments,
                         time_text(static_cast<std::int64_t>(peer.last_sign_ms))),
             "It lives: other devices have passed its signed sign of life on. Those who are "
             "connected do not have these news, or a relay withholds them; another relay, or the "
             "same network, brings them. `lockstep relay list` shows the relays."});
    const std::uint64_t last_news_ms = std::max(peer.last_seen_ms, peer.last_sign_ms);
    if (peer.is_connected || last_news_ms == 0) return;
    const std::uint64_t days = (now_ms - std::min(now_ms, last_news_ms)) / kDayMs;
    if (days < kStaleDays) return;
    Finding finding{
        .is_alarm = false,
        .where = vault.name,
        .what = fmt::format("last news from {}: {}", peer.label,
                            age_text(static_cast<std::int64_t>(last_news_ms))),
        .advice = "It may have changes that nobody has, and lacks what was written since."};
    if (days >= kSilentDays)
        finding.advice += fmt::format(
            " If it does not come back, others need not wait for it any more: lockstep device "
            "retire "
            "{}; if it is lost or stolen: lockstep device revoke {}.",
            peer.device.substr(0, 16), peer.device.substr(0, 16));
    out.push_back(std::move(finding));
}

void look_at_vault(const api::VaultInfo& vault, std::uint64_t now_ms, std::vector<Finding>& out) {
    for (const std::string& alarm : vault.alarms)
        out.push_back({true, vault.name, alarm, std::string(advice_for(alarm))});
    for (const api::HeldRewritesInfo& held : vault.rewrites)
        out.push_back(
            {true, vault.name,
             held.is_own ? fmt::format("{} files were rewritten to noise here within ten minutes; "
                                       "nothing is published",
                                       held.files)
                         : fmt::format("{} rewrote {} files to noise within ten minutes; what it "
                                       "writes is not applied here",
                                       held.label, held.files),
             "Ransomware does that. If it was you: lockstep brake release V. If not: stop that "
             "program, or cut that device off, then lockstep brake undo V brings the files back. "
             "Earlier versions of every file are kept either way."});
    if (!vault.problem.empty())
        out.push_back({false, vault.name, vault.problem, "See the daemon's log."});
    for (const std::string& note : vault.notes)
        out.push_back(
            {false, vault.name, note, "It is left alone; look whether it belongs there."});
    if (vault.conflicts > 0)
        out.push_back({false, vault.name, fmt::format("{} conflicts", vault.conflicts),
                       "lockstep conflicts list"});
    for (const api::PeerInfo& peer : vault.peers) look_at_peer(vault, peer, now_ms, out);
    bool is_alone = vault.missing_packs > 0;
    for (const api::PeerInfo& peer : vault.peers) is_alone = is_alone && !peer.is_connected;
    if (is_alone)
        out.push_back(
            {false, vault.name,
             fmt::format("{} of content is missing and no device is connected",
                         size_text(vault.missing_pack_bytes)),
             "Start Lockstep on a device that has it; `lockstep vault show` lists them."});
}

std::vector<Finding> findings_of(const api::StatusReport& status) {
    const auto now_ms =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                       std::chrono::system_clock::now().time_since_epoch())
                                       .count());
    std::vector<Finding> out;
    for (const api::VaultInfo& vault : status.vaults) look_at_vault(vault, now_ms, out);
    for (const api::RelayInfo& relay : status.relays)
        if (!relay.is_reachable)
            out.push_back({false, relay.url, "the relay is not reachable: " + relay.detail,
                           "lockstep relay test " + relay.url});
    return out;
}

}  // namespace

ExitCode doctor(Session& session) {
    Result<api::StatusReport> status = session.daemon.status();
    if (!status.ok()) return session.fail(status.error());
    const std::vector<Finding> findings = findings_of(*status);
    bool has_alarm = false;
    nlohmann::json list = nlohmann::json::array();
    for (const Finding& finding : findings) {
        has_alarm = has_alarm || finding.is_alarm;
        if (session.arguments.is_json) {
            list.push_back({{"alarm", finding.is_alarm},
                            {"where", finding.where},
                            {"what", finding.what},
                            {"advice", finding.advice}});
            continue;
        }
        print_line(fmt::format("{}{}: {}", finding.is_alarm ? "ALARM " : "",
                               printable(finding.where), printable(finding.what)));
        print_line("    " + printable(finding.advice));
    }
    if (session.arguments.is_json)
        print_line(nlohmann::json{{"findings", list}}.dump(
            -1, ' ', false, nlohmann::json::error_handler_t::replace));
    else if (findings.empty())
        print_line("all is well");
    return has_alarm ? ExitCode::Alarm : ExitCode::Ok;
}

}  // namespace lockstep::cli
