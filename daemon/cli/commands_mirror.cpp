#include <fmt/format.h>

#include "daemon/api/json_codec.h"
#include "daemon/cli/commands.h"
#include "daemon/cli/output.h"

namespace lockstep::cli {

namespace {

void print_mirror(const api::MirrorInfo& mirror) {
    print_line(mirror_text(mirror));
    for (const std::string& problem : mirror.problems) print_line("    " + printable(problem));
}

void print_held(const api::MirrorInfo& mirror) {
    if (mirror.held_in_vault > 0)
        print_line(fmt::format("{}: {} files were deleted here; the vault still has them",
                               printable(mirror.directory), mirror.held_in_vault));
    if (mirror.held_in_folder > 0)
        print_line(fmt::format("{}: {} files were deleted in the vault; the folder still has them",
                               printable(mirror.directory), mirror.held_in_folder));
    for (const std::string& path : mirror.held_examples) print_line("    " + printable(path));
}

void print_held(const api::HeldRewritesInfo& held) {
    print_line(held.is_own
                   ? fmt::format("{} files were rewritten to noise on this device within ten "
                                 "minutes; nothing is published",
                                 held.files)
                   : fmt::format("{} rewrote {} files to noise within ten minutes; {} segments of "
                                 "it are not applied here",
                                 printable(held.label), held.files, held.segments));
    for (const std::string& path : held.examples) print_line("    " + printable(path));
}

ExitCode print_brake(Session& session, const Result<api::BrakeAnswer>& answer, bool is_released) {
    if (!answer.ok()) return session.fail(answer.error());
    if (session.arguments.is_json) {
        print_line(api::encode(*answer));
        return ExitCode::Ok;
    }
    std::uint64_t deletes = 0;
    for (const api::MirrorInfo& mirror : answer->mirrors) {
        deletes += mirror.held_in_vault + mirror.held_in_folder;
        print_held(mirror);
    }
    for (const api::HeldRewritesInfo& held : answer->rewrites) print_held(held);
    if (deletes > 0)
        print_line(is_released
                       ? "Released: they are deleted on the other side now."
                       : "Release it with: lockstep brake release, or bring the files back.");
    if (!answer->rewrites.empty())
        print_line(is_released
                       ? "Released: what was rewritten goes on its way."
                       : "If that was you: lockstep brake release. If not, it may be ransomware: "
                         "stop it, then bring the files back with: lockstep brake undo.");
    if (deletes == 0 && answer->rewrites.empty()) print_line("Nothing is held.");
    if (!answer->has_rewrite_brake) print_line("The brake for rewrites is off.");
    return ExitCode::Ok;
}

ExitCode set_brake(Session& session, bool is_on) {
    Result<api::BrakeAnswer> answer =
        session.daemon.set_brake(session.arguments.vault, {.is_on = is_on});
    if (!answer.ok()) return session.fail(answer.error());
    print_line(session.arguments.is_json ? api::encode(*answer)
               : is_on                   ? "The brake for rewrites is on."
                                         : "The brake for rewrites is off.");
    return ExitCode::Ok;
}

}  // namespace

std::string mirror_text(const api::MirrorInfo& mirror) {
    std::string text = printable(mirror.directory);
    if (!mirror.path.empty()) text += fmt::format(" (folder {})", printable(mirror.path));
    text += ": " + mirror.state;
    if (mirror.state != "locked") text += fmt::format(", {} files", mirror.files);
    if (mirror.pending > 0) text += fmt::format(", {} to look at", mirror.pending);
    const std::uint64_t held = mirror.held_in_vault + mirror.held_in_folder;
    if (held > 0) text += fmt::format(", {} deletes held (lockstep brake show)", held);
    if (!mirror.problem.empty()) text += "; " + printable(mirror.problem);
    if (!mirror.problems.empty())
        text += fmt::format("; {} paths cannot be mirrored", mirror.problems.size());
    return text;
}

ExitCode mirror_add(Session& session) {
    Result<VaultPath> folder = parse_vault_folder(session.arguments.vault);
    if (!folder.ok()) return session.fail(folder.error());
    api::AddMirror request;
    request.path = std::move(folder->path);
    request.directory = absolute_path(session.arguments.directory);
    request.has_brake = !session.arguments.has_no_brake;
    Result<api::MirrorInfo> added = session.daemon.add_mirror(folder->vault, request);
    if (!added.ok()) return session.fail(added.error());
    if (session.arguments.is_json) {
        print_line(api::encode(*added));
    } else {
        print_mirror(*added);
    }
    return ExitCode::Ok;
}

ExitCode mirror_list(Session& session) {
    Result<api::MirrorList> list = session.daemon.mirrors();
    if (!list.ok()) return session.fail(list.error());
    if (session.arguments.is_json) {
        print_line(api::encode(*list));
        return ExitCode::Ok;
    }
    if (list->mirrors.empty()) print_line("No mirrors. Add one with: lockstep mirror add V DIR");
    for (const api::MirrorInfo& mirror : list->mirrors) {
        print_line(fmt::format("{}:", printable(mirror.vault)));
        print_mirror(mirror);
    }
    return ExitCode::Ok;
}

ExitCode mirror_remove(Session& session) {
    const std::string directory = absolute_path(session.arguments.directory);
    if (Status removed = session.daemon.remove_mirror({directory}); !removed.ok())
        return session.fail(removed.error());
    print_line(session.arguments.is_json
                   ? "{}"
                   : fmt::format("{} is a folder of its own now", printable(directory)));
    return ExitCode::Ok;
}

ExitCode mirror_ignore_test(Session& session) {
    Result<api::IgnoreAnswer> answer =
        session.daemon.test_ignore({absolute_path(session.arguments.target)});
    if (!answer.ok()) return session.fail(answer.error());
    if (session.arguments.is_json) {
        print_line(api::encode(*answer));
    } else if (answer->rule.empty()) {
        print_line(fmt::format("{}: mirrored; no rule fits", printable(answer->path)));
    } else {
        print_line(fmt::format("{}: {}, by the rule {}", printable(answer->path),
                               answer->is_ignored ? "ignored" : "mirrored",
                               printable(answer->rule)));
    }
    return ExitCode::Ok;
}

ExitCode brake_show(Session& session) {
    return print_brake(session, session.daemon.brake(session.arguments.vault), false);
}

ExitCode brake_undo(Session& session) {
    return print_undone(session,
                        session.daemon.undo_brake(session.arguments.vault,
                                                  {.is_dry_run = session.arguments.is_dry_run}));
}

ExitCode brake_on(Session& session) {
    return set_brake(session, true);
}

ExitCode brake_off(Session& session) {
    return set_brake(session, false);
}

ExitCode brake_release(Session& session) {
    return print_brake(session, session.daemon.release_brake(session.arguments.vault), true);
}

}  // namespace lockstep::cli
