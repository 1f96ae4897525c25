#include <chrono>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include "daemon/api/config.h"
#include "daemon/api/json_codec.h"
#include "daemon/cli/commands.h"
#include "daemon/cli/duration.h"
#include "daemon/cli/output.h"
#include "daemon/cli/progress.h"

namespace lockstep::cli {

namespace {

// What is under way, for one line.
std::string progress_text(const api::VaultInfo& vault) {
    std::string text;
    if (vault.missing_packs > 0)
        text += fmt::format(", {} missing{}", size_text(vault.missing_pack_bytes),
                            time_left_text(vault));
    if (vault.receive_rate + vault.send_rate > 0)
        text += fmt::format(", {}/s down, {}/s up", size_text(vault.receive_rate),
                            size_text(vault.send_rate));
    if (vault.is_metered && !vault.is_paused) text += ", the network is metered";
    if (vault.is_paused && vault.paused_until_ms != 0)
        text += ", until " + time_text(static_cast<std::int64_t>(vault.paused_until_ms));
    return text;
}

void print_status(const api::StatusReport& status, bool is_one_vault) {
    print_line(fmt::format("{} ({}), port {}", printable(status.device.label),
                           status.device.id.substr(0, 16), status.listen_port));
    if (status.limit_up + status.limit_down > 0) {
        const auto limit = [](std::uint64_t rate) {
            return rate == 0 ? std::string("no limit") : size_text(rate) + "/s";
        };
        print_line(fmt::format("limits: {} up, {} down{}", limit(status.limit_up),
                               limit(status.limit_down),
                               status.has_alternative_limits ? " (the alternative ones)" : ""));
    }
    for (const api::RelayInfo& relay : status.relays) {
        print_line(fmt::format("relay {}: {}", printable(relay.url),
                               relay.is_reachable && relay.detail == "announces"
                                   ? "reachable"
                                   : printable(relay.detail)));
    }
    for (const api::VaultInfo& vault : status.vaults) {
        if (is_one_vault) {
            print_vault(vault);
            continue;
        }
        const std::string places = mounted_text(vault);
        print_line(fmt::format("{}: {}{}{}", printable(vault.name), vault.status,
                               places.empty() ? "" : ", mounted at " + places,
                               progress_text(vault)));
        for (const api::MirrorInfo& mirror : vault.mirrors)
            print_line("    mirror " + mirror_text(mirror));
        for (const api::PeerInfo& peer : vault.peers) {
            print_line(fmt::format("    {}: {}{}", printable(peer.label),
                                   !peer.is_connected
                                       ? "not connected" + last_news_text(peer.last_seen_ms)
                                   : peer.is_in_step ? "in step"
                                                     : "syncing",
                                   peer.relay.empty() ? "" : ", through " + printable(peer.relay)));
        }
        if (!vault.problem.empty()) print_line("    problem: " + printable(vault.problem));
        for (const std::string& alarm : vault.alarms) print_line("    ALARM: " + printable(alarm));
        for (const std::string& note : vault.notes) print_line("    note: " + printable(note));
    }
    if (status.vaults.empty())
        print_line("No vaults yet. Make one with: lockstep vault create NAME");
}

ExitCode status_code(const api::StatusReport& status) {
    ExitCode code = ExitCode::Ok;
    for (const api::VaultInfo& vault : status.vaults) {
        if (!vault.alarms.empty()) return ExitCode::Alarm;
        if (vault.conflicts > 0) code = ExitCode::Conflicts;
    }
    return code;
}

std::string relay_line(const api::RelayInfo& relay) {
    std::string out = printable(relay.detail);
    if (relay.has_tunnels) out += ", tunnels";
    if (relay.has_mailbox) out += ", mailbox";
    if (relay.state == "up" && relay.round_trip_ms != 0)
        out += fmt::format(", {} ms", relay.round_trip_ms);
    if (relay.state == "down")
        out += fmt::format(", failed {} times, asked again in {} s", relay.failures,
                           (relay.retry_in_ms + 999) / 1000);
    if (relay.state == "trying") out += ", being asked whether it is back";
    if (relay.weight != 1) out += fmt::format(", weight {}", relay.weight);
    if (!relay.domain.empty()) out += fmt::format(", from {}", printable(relay.domain));
    return out;
}

ExitCode print_relays(Session& session, const Result<api::RelayList>& list) {
    if (!list.ok()) return session.fail(list.error());
    if (session.arguments.is_json) {
        print_line(api::encode(*list));
        return ExitCode::Ok;
    }
    if (list->relays.empty()) print_line("No relays. Add one with: lockstep relay add URL");
    for (const api::RelayInfo& relay : list->relays)
        print_line(fmt::format("{}  {}", printable(relay.url), relay_line(relay)));
    if (list->relays.size() > 1) print_line("Strategy: " + printable(list->strategy));
    return ExitCode::Ok;
}

}  // namespace

ExitCode show_status(Session& session) {
    const Arguments& arguments = session.arguments;
    while (true) {
        Result<api::StatusReport> status = session.daemon.status(arguments.vault);
        if (!status.ok()) return session.fail(status.error());
        if (arguments.is_json) {
            print_line(api::encode(*status));
        } else {
            // Over what was shown before, where there is a screen.
            if (arguments.is_watching && ::isatty(STDOUT_FILENO) == 1) fmt::print("\033[H\033[2J");
            print_status(*status, !arguments.vault.empty());
        }
        std::fflush(stdout);
        if (!arguments.is_watching) {
            return arguments.wants_exit_code ? status_code(*status) : ExitCode::Ok;
        }
        // The next event, of whatever kind, makes the status worth another look.
        Status next =
            session.daemon.events(status->sequence, [](const api::Event&) { return false; });
        if (!next.ok()) return session.fail(next.error());
    }
}

namespace {

// Draws how far a vault has come, while it lives; on a terminal only.
class VaultProgress {
  public:
    explicit VaultProgress(Session& session)
        : progress_("waiting for " + printable(session.arguments.vault)),
          daemon_(session.socket),
          vault_(session.arguments.vault) {
        if (progress_.is_shown())
            thread_ = std::jthread([this](const std::stop_token& stop) { follow(stop); });
    }
    ~VaultProgress() {
        thread_.request_stop();
        MutexLock lock(mutex_);
        is_ended_ = true;
        ended_.notify_all();
    }
    VaultProgress(const VaultProgress&) = delete;
    VaultProgress& operator=(const VaultProgress&) = delete;

  private:
    void follow(const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            if (Result<api::VaultInfo> vault = daemon_.vault(vault_); vault.ok())
                progress_.set(sync_progress_text(*vault));
            const auto next = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
            MutexLock lock(mutex_);
            while (!is_ended_ && ended_.wait_until(mutex_, next)) {
            }
            if (is_ended_) return;
        }
    }

    Progress progress_;
    api::DaemonClient daemon_;
    const std::string vault_;
    Mutex mutex_;
    CondVar ended_;
    bool is_ended_ GUARDED_BY(mutex_) = false;
    std::jthread thread_;
};

}  // namespace

std::string sync_progress_text(const api::VaultInfo& vault) {
    std::string text = printable(vault.name) + ": ";
    const std::uint64_t total = vault.pack_bytes + vault.missing_pack_bytes;
    if (vault.missing_pack_bytes == 0 || total == 0) {
        text += vault.status;
    } else {
        text += fmt::format("{} {} of {}", bar_text(vault.pack_bytes, total),
                            size_text(vault.pack_bytes), size_text(total));
    }
    if (vault.receive_rate > 0) text += fmt::format(", {}/s", size_text(vault.receive_rate));
    return text + time_left_text(vault);
}

ExitCode wait_for_vault(Session& session) {
    const Arguments& arguments = session.arguments;
    Result<std::chrono::milliseconds> timeout = parse_duration(arguments.timeout);
    if (!timeout.ok()) return session.fail(timeout.error());
    api::WaitForVault request;
    request.copies = arguments.copies;
    request.timeout_ms = static_cast<std::uint64_t>(timeout->count());
    request.is_published_only = arguments.is_published_only;
    Result<api::WaitAnswer> answer = [&] {
        VaultProgress progress(session);
        return session.daemon.wait(arguments.vault, request);
    }();
    if (!answer.ok()) return session.fail(answer.error());
    if (arguments.is_json) print_line(api::encode(*answer));
    if (answer->is_done) return ExitCode::Ok;
    std::string missing;
    for (const std::string& one : answer->missing) missing += (missing.empty() ? "" : "; ") + one;
    return session.fail(ExitCode::Timeout, "not yet in step: " + missing);
}

ExitCode pause_sync(Session& session) {
    const Arguments& arguments = session.arguments;
    api::PauseSync request;
    if (!arguments.duration.empty()) {
        Result<std::chrono::milliseconds> duration = parse_duration(arguments.duration);
        if (!duration.ok()) return session.fail(duration.error());
        request.seconds = static_cast<std::uint64_t>((duration->count() + 999) / 1000);
        if (request.seconds == 0) return session.fail(ExitCode::Usage, "--for must not be 0");
    }
    Status paused = session.daemon.pause(arguments.vault, request);
    if (!paused.ok()) return session.fail(paused.error());
    print_line(arguments.is_json ? "{}" : "paused");
    return ExitCode::Ok;
}

ExitCode resume_sync(Session& session) {
    Status resumed = session.daemon.resume(session.arguments.vault);
    if (!resumed.ok()) return session.fail(resumed.error());
    print_line(session.arguments.is_json ? "{}" : "resumed");
    return ExitCode::Ok;
}

ExitCode conflicts_list(Session& session) {
    std::vector<std::string> vaults = {session.arguments.vault};
    if (session.arguments.vault.empty()) {
        vaults.clear();
        Result<api::VaultList> all = session.daemon.vaults();
        if (!all.ok()) return session.fail(all.error());
        for (const api::VaultInfo& vault : all->vaults) {
            if (vault.state != "locked") vaults.push_back(vault.name);
        }
    }
    api::ConflictList found;
    for (const std::string& vault : vaults) {
        Result<api::ConflictList> list = session.daemon.conflicts(vault);
        if (!list.ok()) return session.fail(list.error());
        for (api::ConflictInfo& conflict : list->conflicts) {
            if (!session.arguments.is_json) {
                print_line(fmt::format("{}:{}\n    {} from {}, {}, {}", printable(vault),
                                       printable(conflict.path), printable(conflict.sibling),
                                       printable(conflict.device_label),
                                       time_text(conflict.wall_ms), size_text(conflict.size)));
            }
            found.conflicts.push_back(std::move(conflict));
        }
    }
    if (session.arguments.is_json) print_line(api::encode(found));
    if (!session.arguments.is_json && found.conflicts.empty()) print_line("No conflicts.");
    return ExitCode::Ok;
}

ExitCode conflicts_resolve(Session& session) {
    Result<VaultPath> place = find_place(session, session.arguments.target);
    if (!place.ok()) return session.fail(place.error());
    api::ResolveConflict request;
    request.keep = session.arguments.value;
    if (api::is_utf8(place->path)) {
        request.path = place->path;
    } else {
        request.path_hex = hex(as_bytes(place->path));
    }
    Status resolved = session.daemon.resolve_conflict(place->vault, request);
    if (!resolved.ok()) return session.fail(resolved.error());
    print_line(session.arguments.is_json ? "{}" : "resolved");
    return ExitCode::Ok;
}

namespace {

void print_explanation(const std::string& vault, const api::ExplainAnswer& answer) {
    print_line(fmt::format("{}:{} {}", printable(vault), printable(answer.path),
                           answer.is_in_step ? "is in step" : "is not in step:"));
    for (const api::ExplainReason& reason : answer.reasons)
        print_line("  - " + printable(reason.message));
    if (!answer.written_by.empty())
        print_line(fmt::format("written by {}, {}, {}", printable(answer.written_by),
                               time_text(static_cast<std::int64_t>(answer.written_ms)),
                               size_text(answer.size)));
    for (const api::ExplainPeer& peer : answer.peers)
        print_line(fmt::format("    {}: {}", printable(peer.label), peer.state));
}

}  // namespace

ExitCode explain_file(Session& session) {
    Result<VaultPath> place = find_place(session, session.arguments.target);
    if (!place.ok()) return session.fail(place.error());
    Result<api::ExplainAnswer> answer = session.daemon.explain(place->vault, place->path);
    if (!answer.ok()) return session.fail(answer.error());
    if (session.arguments.is_json)
        print_line(api::encode(*answer));
    else
        print_explanation(place->vault, *answer);
    return ExitCode::Ok;
}

namespace {

std::string event_line(const api::Event& event) {
    std::string line = fmt::format("{} {} {} {} {}", event.sequence, time_text(event.time_ms),
                                   event.type, printable(event.vault), printable(event.message));
    for (std::size_t at = 0; at < event.files.size(); ++at)
        line += (at == 0 ? ": " : ", ") + printable(event.files[at].path);
    if (event.more > 0 && !event.files.empty()) line += fmt::format(" and {} more", event.more);
    return line;
}

}  // namespace

ExitCode follow_events(Session& session) {
    const Arguments& arguments = session.arguments;
    std::uint64_t since = 0;
    if (arguments.since) {
        since = *arguments.since;
    } else {
        Result<api::StatusReport> status = session.daemon.status();
        if (!status.ok()) return session.fail(status.error());
        since = status->sequence;
    }
    while (true) {
        Status ended = session.daemon.events(since, [&](const api::Event& event) {
            since = event.sequence;
            print_line(arguments.is_json ? api::encode(event) : event_line(event));
            std::fflush(stdout);
            return true;
        });
        if (!ended.ok() && ended.error().kind != ErrorKind::Timeout)
            return session.fail(ended.error());
    }
}

ExitCode relay_add(Session& session) {
    const Arguments& arguments = session.arguments;
    api::RelayUrl relay{arguments.target, {}, arguments.pin, arguments.weight};
    if (!arguments.token_file.empty()) {
        Result<api::SecretText> token =
            arguments.token_file == "-"
                ? read_secret_line()
                : read_passphrase({.file = arguments.token_file, .command = {}}, "", false);
        if (!token.ok()) return session.fail(token.error());
        relay.token = std::move(*token);
    }
    return print_relays(session, session.daemon.add_relay(relay));
}

ExitCode relay_list(Session& session) {
    return print_relays(session, session.daemon.relays());
}

ExitCode relay_remove(Session& session) {
    return print_relays(session, session.daemon.remove_relay(session.arguments.target));
}

ExitCode relay_test(Session& session) {
    Result<api::RelayInfo> relay = session.daemon.test_relay({session.arguments.target, {}, {}, 0});
    if (!relay.ok()) return session.fail(relay.error());
    if (session.arguments.is_json) {
        print_line(api::encode(*relay));
    } else {
        print_line(
            fmt::format("{}: {}{}", printable(relay->url), printable(relay->detail),
                        relay->is_reachable ? fmt::format(", {} ms", relay->round_trip_ms) : ""));
    }
    return relay->is_reachable ? ExitCode::Ok : ExitCode::Failure;
}

}  // namespace lockstep::cli
