#include <thread>

#include <fmt/format.h>

#include "daemon/api/json_codec.h"
#include "daemon/cli/byte_size.h"
#include "daemon/cli/commands.h"
#include "daemon/cli/duration.h"
#include "daemon/cli/output.h"
#include "daemon/cli/progress.h"

namespace lockstep::cli {

namespace {

constexpr std::chrono::milliseconds kPoll{60'000};

// "123 456" is easier to compare than "123456".
std::string spaced(const std::string& digits) {
    return digits.size() == 6 ? digits.substr(0, 3) + " " + digits.substr(3) : digits;
}

void decide(Session& session, const api::InviteInfo& invite) {
    print_notice(fmt::format("{} asks to join {}. It must show:  {}",
                             printable(invite.device_label), printable(invite.vault),
                             spaced(invite.digits)));
    if (!can_ask()) {
        print_notice(fmt::format("Approve with: lockstep device accept {}", invite.id));
        return;
    }
    const bool is_yes = ask_yes("Does it show the same digits, and shall it be admitted?");
    Result<api::InviteInfo> answered =
        is_yes ? session.daemon.accept_invite(invite.id) : session.daemon.reject_invite(invite.id);
    if (!answered.ok()) session.fail(answered.error());
}

ExitCode finish_invite(Session& session, const api::InviteInfo& invite) {
    if (invite.state == "admitted") {
        if (!session.arguments.is_json) {
            print_notice(fmt::format("{} is a member of {} now", printable(invite.device_label),
                                     printable(invite.vault)));
        }
        return ExitCode::Ok;
    }
    return session.fail(invite.state == "expired" ? ExitCode::Timeout : ExitCode::Failure,
                        fmt::format("the invite {}: {}", invite.state, invite.message));
}

bool is_over(const std::string& state) {
    return state == "admitted" || state == "expired" || state == "failed" || state == "joined" ||
           state == "rejected";
}

ExitCode answer(Session& session, bool is_accepted) {
    const std::string& id = session.arguments.vault;
    Result<api::InviteInfo> invite =
        is_accepted ? session.daemon.accept_invite(id) : session.daemon.reject_invite(id);
    if (invite.ok() && is_accepted) {
        Progress progress("admitting");
        while (invite.ok() && invite->state == "admitting") {
            invite = session.daemon.invite(invite->id, invite->state, kPoll);
        }
    }
    if (!invite.ok()) return session.fail(invite.error());
    if (session.arguments.is_json) print_line(api::encode(*invite));
    return is_accepted ? finish_invite(session, *invite) : ExitCode::Ok;
}

}  // namespace

ExitCode invite(Session& session) {
    const Arguments& arguments = session.arguments;
    Result<std::chrono::milliseconds> expires = parse_duration(arguments.expires);
    if (!expires.ok()) return session.fail(expires.error());
    api::CreateInvite request;
    request.role = arguments.role;
    request.expires_seconds = static_cast<std::uint64_t>(expires->count() / 1000);
    request.is_approved_unseen = arguments.is_yes;
    Result<api::InviteInfo> invite = session.daemon.create_invite(arguments.vault, request);
    if (!invite.ok()) return session.fail(invite.error());
    print_line(arguments.is_json ? api::encode(*invite) : invite->ticket.reveal());
    std::fflush(stdout);
    if (arguments.is_yes) return ExitCode::Ok;
    if (!arguments.is_json) {
        print_notice(
            "On the other device:  lockstep join TICKET   (waiting for it; Ctrl-C leaves the "
            "invite open)");
    }
    std::string known = "waiting";
    while (!is_over(known)) {
        Result<api::InviteInfo> now = session.daemon.invite(invite->id, known, kPoll);
        if (!now.ok()) return session.fail(now.error());
        if (now->state == known) continue;
        if (arguments.is_json) print_line(api::encode(*now));
        std::fflush(stdout);
        known = now->state;
        if (is_over(known)) return finish_invite(session, *now);
        if (known == "asking" && !arguments.is_json) decide(session, *now);
    }
    return ExitCode::Ok;
}

ExitCode join(Session& session) {
    const Arguments& arguments = session.arguments;
    api::JoinVault request;
    if (arguments.target == "-") {
        Result<api::SecretText> ticket = read_secret_line();
        if (!ticket.ok()) return session.fail(ticket.error());
        request.ticket = std::move(*ticket);
    } else {
        request.ticket = api::SecretText(arguments.target);
    }
    request.name = arguments.name;
    request.directory = absolute_path(arguments.directory);
    request.mount = absolute_path(arguments.mount);
    request.unlock_at_start = arguments.is_at_start;
    request.on_demand = arguments.is_on_demand;
    if (!arguments.quota.empty()) {
        Result<std::uint64_t> quota = parse_byte_size(arguments.quota);
        if (!quota.ok()) return session.fail(quota.error());
        request.quota_bytes = *quota;
    }
    Result<api::JoinInfo> now = session.daemon.join(request);
    if (!now.ok()) return session.fail(now.error());
    const std::string id = now->id;
    while (!is_over(now->state)) {
        Progress progress(now->state == "waiting" ? "waiting for approval"
                                                  : "looking for the inviter");
        const std::string known = now->state;
        now = session.daemon.join_state(id, known, kPoll);
        if (!now.ok()) return session.fail(now.error());
        if (now->state == known) continue;
        if (arguments.is_json) {
            print_line(api::encode(*now));
            std::fflush(stdout);
        } else if (now->state == "waiting") {
            print_line(fmt::format("Six digits: {}", spaced(now->digits)));
            print_line("Compare them with the inviting device, and approve there.");
            std::fflush(stdout);
        }
    }
    if (now->state != "joined") {
        return session.fail(ExitCode::Failure,
                            fmt::format("the join {}: {}", now->state, now->message));
    }
    if (arguments.is_json || !now->vault) return ExitCode::Ok;
    return finish_with_vault(session, *now->vault);
}

ExitCode device_list(Session& session) {
    Result<api::DeviceList> list = session.daemon.devices(session.arguments.vault);
    if (!list.ok()) return session.fail(list.error());
    if (session.arguments.is_json) {
        print_line(api::encode(*list));
        return ExitCode::Ok;
    }
    std::vector<std::vector<std::string>> rows = {{"DEVICE", "NAME", "VAULT", "ROLE", "STATE"}};
    for (const api::DeviceInfo& device : list->devices) {
        const std::string last_seen = last_news_text(device.last_seen_ms);
        const std::string audit =
            device.audit.empty()
                ? ""
                : fmt::format(", audit {} {} ago", device.audit,
                              age_text(static_cast<std::int64_t>(device.last_audit_ms)));
        const std::string state = device.is_pending       ? "asks to join: " + spaced(device.digits)
                                  : device.is_revoked     ? "revoked"
                                  : device.is_this_device ? "this device"
                                  : device.is_connected   ? "connected"
                                                          : "not connected" + last_seen;
        rows.push_back({device.id.substr(0, 16), printable(device.label),
                        device.vault.empty() ? "-" : printable(device.vault),
                        device.role.empty() ? "-" : device.role, state + audit});
    }
    print_table(rows);
    return ExitCode::Ok;
}

ExitCode device_accept(Session& session) {
    return answer(session, true);
}

ExitCode device_reject(Session& session) {
    return answer(session, false);
}

ExitCode device_rename(Session& session) {
    Result<api::DeviceInfo> device =
        session.daemon.rename_device(session.arguments.vault, {session.arguments.value});
    if (!device.ok()) return session.fail(device.error());
    print_line(session.arguments.is_json
                   ? api::encode(*device)
                   : fmt::format("this device is {} now", printable(device->label)));
    return ExitCode::Ok;
}

namespace {

void print_reseal(const std::string& vault, const api::ResealAnswer& done) {
    print_line(fmt::format("{}: {} ({}) of content sealed under new keys", printable(vault),
                           size_text(done.bytes),
                           done.packs == 1 ? "1 pack" : fmt::format("{} packs", done.packs)));
    if (done.segments == 0) {
        print_line("    the removed device could open nothing: it was a blind member");
        return;
    }
    print_line("    What the removed device could read, and reads still where it has a copy:");
    print_line(fmt::format("      {} files ({}) as they were at its removal", done.files,
                           size_text(done.file_bytes)));
    print_line(
        fmt::format("      names and history until then ({} segments; those stay as they "
                    "are)",
                    done.segments));
    if (done.waiting_packs > 0)
        print_line(
            fmt::format("      {} old packs ({}), which are deleted when every device has "
                        "agreed; blind members keep them 30 days longer",
                        done.waiting_packs, size_text(done.waiting_bytes)));
    if (done.absent_packs > 0)
        print_line(
            fmt::format("      {} packs that are not on this device: do the same on one "
                        "that holds everything",
                        done.absent_packs));
}

// The daemon goes on with it, also when nobody waits.
Result<api::ResealAnswer> follow_reseal(Session& session, const std::string& vault) {
    constexpr std::chrono::milliseconds kInterval{200};
    constexpr int kStuckMax = 300;  // a minute
    Progress progress("sealing " + printable(vault) + " anew");
    for (int stuck = 0;;) {
        TRY(api::ResealAnswer now, session.daemon.reseal(vault));
        if (now.state != "running") return now;
        if (const std::uint64_t total = now.bytes + now.left_bytes; total > 0)
            progress.set_bytes(now.bytes, total);
        stuck = now.problem.empty() ? 0 : stuck + 1;
        if (stuck > kStuckMax) return now;
        std::this_thread::sleep_for(kInterval);
    }
}

ExitCode wait_for_reseal(Session& session, const api::DeviceAnswer& answer) {
    ExitCode code = ExitCode::Ok;
    for (const std::string& vault : answer.vaults) {
        Result<api::ResealAnswer> done = follow_reseal(session, vault);
        if (!done.ok()) return session.fail(done.error());
        if (session.arguments.is_json)
            print_line(api::encode(*done));
        else
            print_reseal(vault, *done);
        if (done->state == "done") continue;
        code = session.fail(ExitCode::Partly, vault + ": it does not go on: " + done->problem);
    }
    return code;
}

ExitCode act_on_device(Session& session, const std::string& action, std::string_view done) {
    const Arguments& arguments = session.arguments;
    Result<api::DeviceAnswer> answer =
        session.daemon.act_on_device(arguments.value, action, {arguments.vault, arguments.is_full});
    if (!answer.ok()) return session.fail(answer.error());
    if (arguments.is_full) return wait_for_reseal(session, *answer);
    if (arguments.is_json) {
        print_line(api::encode(*answer));
        return ExitCode::Ok;
    }
    for (const std::string& vault : answer->vaults)
        print_line(fmt::format("{}: {} {}", printable(vault), printable(arguments.value), done));
    return ExitCode::Ok;
}

}  // namespace

ExitCode device_revoke(Session& session) {
    const Arguments& arguments = session.arguments;
    if (!arguments.is_yes) {
        const std::string where =
            arguments.vault.empty() ? "every vault" : printable(arguments.vault);
        if (!ask_yes(
                fmt::format("Remove {} from {}? What it has it keeps; what is written from now "
                            "on it cannot read.",
                            printable(arguments.value), where)))
            return session.fail(ExitCode::Usage,
                                "not removed (say --yes when there is nobody to ask)");
    }
    return act_on_device(session, "revoke", "is removed");
}

ExitCode device_retire(Session& session) {
    return act_on_device(session, "retire", "is not waited for any more");
}

ExitCode device_adopt(Session& session) {
    return act_on_device(session, "adopt", "was taken over");
}

ExitCode device_let_in(Session& session) {
    return act_on_device(session, "let-in", "may go on");
}

}  // namespace lockstep::cli
