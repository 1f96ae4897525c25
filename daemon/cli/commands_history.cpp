// A vault's past: versions, restoring, snapshots, retention.
#include <fmt/format.h>

#include "daemon/api/config.h"
#include "daemon/api/json_codec.h"
#include "daemon/cli/byte_size.h"
#include "daemon/cli/commands.h"
#include "daemon/cli/moment.h"
#include "daemon/cli/output.h"
#include "daemon/cli/progress.h"

namespace lockstep::cli {

namespace {

std::string end_text(const api::VersionInfo& version) {
    if (version.end == "shown") return "is shown";
    if (version.end == "conflict") return "is a conflict";
    if (version.end == "dropped") return "lost a conflict, or is a file of its own";
    return fmt::format("{} {} by {}", version.end, time_text(version.end_ms),
                       printable(version.ended_by));
}

void print_history(const api::HistoryAnswer& answer) {
    if (!answer.versions.empty()) {
        std::vector<std::vector<std::string>> rows{{"VERSION", "TIME", "DEVICE", "SIZE", "END"}};
        for (const api::VersionInfo& version : answer.versions)
            rows.push_back({version.id, time_text(version.time_ms), printable(version.written_by),
                            size_text(version.size),
                            end_text(version) + (version.is_kept ? "" : "; no longer kept")});
        print_table(rows);
    }
    if (!answer.deleted.empty()) {
        std::vector<std::vector<std::string>> rows{{"DELETED", "DEVICE", "SIZE", "NAME"}};
        for (const api::DeletedInfo& entry : answer.deleted)
            rows.push_back({time_text(entry.deleted_ms), printable(entry.deleted_by),
                            entry.type == "directory" ? "-" : size_text(entry.size),
                            printable(entry.name) + (entry.type == "directory" ? "/" : "")});
        print_table(rows);
    }
    if (answer.versions.empty() && answer.deleted.empty()) print_line("nothing was deleted in it");
}

template <typename Request>
void set_path(Request& request, const std::string& path) {
    (api::is_utf8(path) ? request.path : request.path_hex) =
        api::is_utf8(path) ? path : hex(as_bytes(path));
}

// Which version is wanted when neither that nor a time is said.
Result<api::DaemonClient::Moment> moment_of(Session& session, const VaultPath& place) {
    const Arguments& arguments = session.arguments;
    api::DaemonClient::Moment moment;
    moment.version = arguments.version;
    if (!arguments.at.empty()) {
        TRY(moment.at_ms, find_moment(session, place.vault, arguments.at));
    }
    if (moment.at_ms || !moment.version.empty()) return moment;
    TRY(const api::HistoryAnswer history, session.daemon.history(place.vault, place.path));
    for (const api::VersionInfo& version : history.versions)
        if (version.end != "shown" && version.is_kept) {
            moment.version = version.id;
            return moment;
        }
    return Error{ErrorKind::Invalid, "say of which time it is wanted: --at TIME"};
}

ExitCode restore_here(Session& session, const VaultPath& place) {
    Result<api::DaemonClient::Moment> moment = moment_of(session, place);
    if (!moment.ok()) return session.fail(moment.error());
    Result<std::uint64_t> files =
        download_tree(session, place, *moment, session.arguments.directory);
    if (!files.ok()) return session.fail(files.error());
    if (session.arguments.is_json)
        print_line(fmt::format("{{\"files\":{}}}", *files));
    else
        print_line(fmt::format("restored {} file{} to {}", *files, *files == 1 ? "" : "s",
                               printable(session.arguments.directory)));
    return ExitCode::Ok;
}

}  // namespace

ExitCode show_history(Session& session) {
    Result<VaultPath> place = find_place(session, session.arguments.target);
    if (!place.ok()) return session.fail(place.error());
    Result<api::HistoryAnswer> answer = session.daemon.history(place->vault, place->path);
    if (!answer.ok()) return session.fail(answer.error());
    if (session.arguments.is_json)
        print_line(api::encode(*answer));
    else
        print_history(*answer);
    return ExitCode::Ok;
}

ExitCode restore_path(Session& session) {
    const Arguments& arguments = session.arguments;
    Result<VaultPath> place = find_place(session, arguments.target);
    if (!place.ok()) return session.fail(place.error());
    if (!arguments.directory.empty()) return restore_here(session, *place);
    api::RestorePath request;
    set_path(request, place->path);
    request.version = arguments.version;
    if (!arguments.at.empty()) {
        Result<std::int64_t> at = find_moment(session, place->vault, arguments.at);
        if (!at.ok()) return session.fail(at.error());
        request.at_ms = *at;
    }
    if (api::is_utf8(arguments.to))
        request.to = arguments.to;
    else
        request.to_hex = hex(as_bytes(arguments.to));
    Result<api::RestoreAnswer> answer = [&] {
        Progress progress("restoring");
        return session.daemon.restore(place->vault, request);
    }();
    if (!answer.ok()) return session.fail(answer.error());
    if (arguments.is_json) {
        print_line(api::encode(*answer));
    } else {
        print_line(fmt::format("restored {}:{}: {} files, {} folders; {} were so already",
                               printable(place->vault), printable(answer->path), answer->files,
                               answer->directories, answer->unchanged));
        for (const std::string& problem : answer->problems)
            print_notice("not restored: " + printable(problem));
    }
    return answer->problems.empty() ? ExitCode::Ok : ExitCode::Partly;
}

ExitCode show_difference(Session& session) {
    const Arguments& arguments = session.arguments;
    Result<std::int64_t> from = find_moment(session, arguments.vault, arguments.from);
    if (!from.ok()) return session.fail(from.error());
    std::optional<std::int64_t> to;
    if (!arguments.to.empty()) {
        Result<std::int64_t> found = find_moment(session, arguments.vault, arguments.to);
        if (!found.ok()) return session.fail(found.error());
        to = *found;
    }
    Result<api::DifferenceList> list = session.daemon.difference(arguments.vault, *from, to);
    if (!list.ok()) return session.fail(list.error());
    if (arguments.is_json) {
        print_line(api::encode(*list));
        return ExitCode::Ok;
    }
    for (const api::DifferenceInfo& each : list->differences) {
        const char letter = each.kind == "added"     ? '+'
                            : each.kind == "removed" ? '-'
                            : each.kind == "renamed" ? '>'
                            : each.kind == "changed" ? '~'
                                                     : '=';
        std::string line = fmt::format("{} {}{}", letter, printable(each.path),
                                       each.type == "directory" ? "/" : "");
        if (each.kind == "renamed") line += "   (was " + printable(each.before) + ")";
        if (each.kind == "changed")
            line += fmt::format("   ({} to {})", size_text(each.size_before), size_text(each.size));
        if (each.kind == "attributes") line += "   (attributes)";
        print_line(line);
    }
    return ExitCode::Ok;
}

ExitCode undo_device(Session& session) {
    const Arguments& arguments = session.arguments;
    Result<std::int64_t> since = find_moment(session, arguments.vault, arguments.from);
    if (!since.ok()) return session.fail(since.error());
    Result<api::UndoAnswer> answer = session.daemon.undo(
        arguments.vault,
        {.device = arguments.device, .since_ms = *since, .is_dry_run = arguments.is_dry_run});
    return print_undone(session, answer);
}

ExitCode print_undone(Session& session, const Result<api::UndoAnswer>& answer) {
    const Arguments& arguments = session.arguments;
    if (!answer.ok()) return session.fail(answer.error());
    if (arguments.is_json) {
        print_line(api::encode(*answer));
    } else {
        for (const api::UndoStepInfo& step : answer->done)
            print_line(
                fmt::format("{}{} {}{}", arguments.is_dry_run ? "would " : "", step.action,
                            printable(step.path),
                            step.before.empty() ? "" : "   (is " + printable(step.before) + ")"));
        for (const std::string& left : answer->left) print_notice("stays: " + printable(left));
        if (answer->done.empty() && answer->left.empty()) print_line("nothing to undo");
    }
    return answer->left.empty() ? ExitCode::Ok : ExitCode::Partly;
}

ExitCode make_snapshot(Session& session) {
    const Arguments& arguments = session.arguments;
    api::MakeSnapshot request{.name = arguments.name, .at_ms = {}};
    if (!arguments.at.empty()) {
        Result<std::int64_t> at = find_moment(session, arguments.vault, arguments.at);
        if (!at.ok()) return session.fail(at.error());
        request.at_ms = *at;
    }
    Result<api::SnapshotInfo> made = session.daemon.make_snapshot(arguments.vault, request);
    if (!made.ok()) return session.fail(made.error());
    if (arguments.is_json)
        print_line(api::encode(*made));
    else
        print_line(fmt::format("{}: {}", printable(made->name), time_text(made->time_ms)));
    return ExitCode::Ok;
}

ExitCode list_snapshots(Session& session) {
    Result<api::SnapshotList> list = session.daemon.snapshots(session.arguments.vault);
    if (!list.ok()) return session.fail(list.error());
    if (session.arguments.is_json) {
        print_line(api::encode(*list));
        return ExitCode::Ok;
    }
    std::vector<std::vector<std::string>> rows{{"TIME", "NAME"}};
    for (const api::SnapshotInfo& each : list->snapshots)
        rows.push_back({time_text(each.time_ms), printable(each.name)});
    print_table(rows);
    return ExitCode::Ok;
}

ExitCode remove_snapshot(Session& session) {
    Status removed =
        session.daemon.remove_snapshot(session.arguments.vault, session.arguments.name);
    if (!removed.ok()) return session.fail(removed.error());
    if (session.arguments.is_json) print_line("{}");
    return ExitCode::Ok;
}

ExitCode show_or_set_retention(Session& session) {
    const Arguments& arguments = session.arguments;
    api::SetRetention wish;
    if (!arguments.value.empty())
        wish.policy = arguments.value == "default" ? std::string() : arguments.value;
    if (arguments.quota == "none") {
        wish.has_no_quota = true;
    } else if (!arguments.quota.empty()) {
        const Result<std::uint64_t> bytes = parse_byte_size(arguments.quota);
        if (!bytes.ok()) return session.fail(bytes.error());
        wish.quota_bytes = *bytes;
    }
    const bool is_question = arguments.value.empty() && arguments.quota.empty();
    Result<api::RetentionAnswer> answer = is_question
                                              ? session.daemon.retention(arguments.vault)
                                              : session.daemon.set_retention(arguments.vault, wish);
    if (!answer.ok()) return session.fail(answer.error());
    if (arguments.is_json) {
        print_line(api::encode(*answer));
        return ExitCode::Ok;
    }
    print_line(answer->policy + (answer->is_own ? "" : "   (the default)"));
    if (answer->quota_bytes)
        print_line("at most " + size_text(*answer->quota_bytes) + " of what only the past needs");
    if (answer->cut_ms != 0)
        print_line("what ended before " + time_text(answer->cut_ms) + " was let go for that");
    return ExitCode::Ok;
}

}  // namespace lockstep::cli
