#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "daemon/api/config.h"
#include "daemon/api/json_codec.h"
#include "daemon/cli/commands.h"
#include "daemon/cli/duration.h"
#include "daemon/cli/moment.h"
#include "daemon/cli/output.h"
#include "daemon/cli/progress.h"

namespace lockstep::cli {

namespace {

std::string people_text(const api::VaultInfo& vault) {
    std::size_t connected = 0;
    for (const api::PeerInfo& peer : vault.peers) connected += peer.is_connected ? 1 : 0;
    return fmt::format("{}/{}", connected, vault.peers.size());
}

Result<api::VaultInfo> mount_or_ask(Session& session, const std::string& vault,
                                    const api::MountVault& request) {
    const Arguments& arguments = session.arguments;
    Result<api::VaultInfo> mounted = session.daemon.mount(vault, request);
    if (mounted.ok() || mounted.error().kind != ErrorKind::Locked) return mounted;
    if (!arguments.passphrase.is_given() && !can_ask()) return mounted;
    api::UnlockVault unlock;
    TRY(unlock.passphrase, read_passphrase(arguments.passphrase, "Passphrase of " + vault, false));
    {
        Progress progress("unlocking");
        TRY(api::VaultInfo unlocked, session.daemon.unlock(vault, unlock));
        static_cast<void>(unlocked);
    }
    return session.daemon.mount(vault, request);
}

std::string mount_text(const api::MountInfo& mount) {
    std::string text = printable(mount.directory), notes;
    const auto note = [&](const std::string& one) { notes += (notes.empty() ? "" : ", ") + one; };
    if (!mount.path.empty()) note("folder " + printable(mount.path));
    if (mount.is_read_only) note("read-only");
    if (mount.has_owners) note("with owners");
    if (!mount.is_mounted) note("not mounted");
    return notes.empty() ? text : text + " (" + notes + ")";
}

std::string autolock_text(const api::VaultInfo& vault) {
    const std::uint64_t seconds = vault.idle_lock_seconds;
    const std::string idle =
        seconds == 0        ? "it is not locked because nobody uses it"
        : seconds % 60 == 0 ? fmt::format("locked when nobody has used it for {} min", seconds / 60)
                            : fmt::format("locked when nobody has used it for {} s", seconds);
    return idle + (vault.locks_on_suspend ? ", and before the machine sleeps" : "");
}

// For a table: where it is or is to be.
std::string places_text(const api::VaultInfo& vault) {
    if (vault.mounts.empty()) return "-";
    if (vault.mounts.size() == 1) return printable(vault.mount);
    return fmt::format("{} and {} more", printable(vault.mount), vault.mounts.size() - 1);
}

}  // namespace

Status write_secret_file(const std::string& path, const api::SecretText& secret) {
    UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    auto failure = [&] { return Error{ErrorKind::Io, path + ": " + std::strerror(errno)}; };
    if (!file.ok()) return failure();
    const std::string& text = secret.reveal();
    if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        ::write(file.get(), "\n", 1) != 1 || ::fsync(file.get()) != 0) {
        return failure();
    }
    return {};
}

// ", about 3 min left at this rate"; empty when nothing comes.
std::string time_left_text(const api::VaultInfo& vault) {
    if (vault.missing_pack_bytes == 0 || vault.receive_rate == 0) return {};
    const std::uint64_t seconds = vault.missing_pack_bytes / vault.receive_rate + 1;
    if (seconds < 100) return fmt::format(", about {} s left", seconds);
    if (seconds < 6000) return fmt::format(", about {} min left", seconds / 60 + 1);
    return fmt::format(", about {} h left", seconds / 3600 + 1);
}

std::string mounted_text(const api::VaultInfo& vault) {
    std::string text;
    for (const api::MountInfo& mount : vault.mounts) {
        if (mount.is_mounted) text += (text.empty() ? "" : ", ") + printable(mount.directory);
    }
    return text;
}

void print_vault(const api::VaultInfo& vault) {
    std::vector<std::vector<std::string>> rows = {
        {"vault", printable(vault.name)},
        {"id", vault.id},
        {"status", fmt::format("{} ({})", vault.status, vault.state)},
        {"directory", printable(vault.directory)},
        {"files", vault.role == "blind"
                      ? "held, and not to be opened here: a blind member"
                      : fmt::format("{} in {} directories", vault.files, vault.directories)},
        {"packs", fmt::format("{} ({})", vault.packs, size_text(vault.pack_bytes))},
    };
    for (const api::MountInfo& mount : vault.mounts) {
        rows.push_back({"mount", mount_text(mount)});
    }
    for (const api::MirrorInfo& mirror : vault.mirrors) {
        rows.push_back({"mirror", mirror_text(mirror)});
    }
    if (vault.missing_packs > 0) {
        rows.push_back(
            {"missing", fmt::format("{} packs ({}){}", vault.missing_packs,
                                    size_text(vault.missing_pack_bytes), time_left_text(vault))});
    }
    for (const api::FileUnderWay& file : vault.files_under_way)
        rows.push_back(
            {"under way",
             fmt::format("{}: {} of {} are here{}", printable(file.path),
                         size_text(file.size - std::min(file.size, file.absent_bytes)),
                         size_text(file.size),
                         file.rate == 0 ? "" : fmt::format(", {}/s", size_text(file.rate)))});
    if (vault.left_out_packs > 0) {
        rows.push_back({vault.role == "blind" ? "no room" : "on demand",
                        fmt::format("{} packs ({}) are not here", vault.left_out_packs,
                                    size_text(vault.left_out_pack_bytes))});
    }
    if (vault.quota_bytes > 0) rows.push_back({"quota", size_text(vault.quota_bytes)});
    if (vault.receive_rate + vault.send_rate > 0) {
        rows.push_back(
            {"rate", fmt::format("{}/s received, {}/s sent", size_text(vault.receive_rate),
                                 size_text(vault.send_rate))});
    }
    if (vault.is_paused && vault.paused_until_ms != 0) {
        rows.push_back(
            {"paused until", time_text(static_cast<std::int64_t>(vault.paused_until_ms))});
    }
    if (vault.pending_records > 0) {
        rows.push_back({"unpublished", fmt::format("{} changes", vault.pending_records)});
    }
    if (vault.conflicts > 0) rows.push_back({"conflicts", fmt::format("{}", vault.conflicts)});
    if (vault.unlock_at_start) rows.push_back({"at start", "unlocks"});
    if (vault.idle_lock_seconds != 0 || vault.locks_on_suspend)
        rows.push_back({"by itself", autolock_text(vault)});
    for (const api::PeerInfo& peer : vault.peers) {
        const std::string state = !peer.is_connected
                                      ? "not connected" + last_news_text(peer.last_seen_ms)
                                  : peer.is_in_step ? "in step"
                                                    : "syncing";
        rows.push_back(
            {"device", fmt::format("{} ({}): {}{}", printable(peer.label), peer.role, state,
                                   peer.audit.empty() ? "" : ", audit " + peer.audit)});
    }
    print_table(rows);
    if (!vault.problem.empty()) print_line("problem: " + printable(vault.problem));
    for (const std::string& alarm : vault.alarms) print_line("ALARM: " + printable(alarm));
    for (const std::string& note : vault.notes) print_line("note: " + printable(note));
}

ExitCode finish_with_vault(Session& session, const api::VaultInfo& vault) {
    if (session.arguments.is_json) {
        print_line(api::encode(vault));
    } else if (vault.problem.empty()) {
        const std::string places = mounted_text(vault);
        const std::string state = vault.role == "blind" ? "held, as a blind member" : vault.state;
        print_line(fmt::format("{}: {}{}", printable(vault.name), state,
                               places.empty() ? "" : " at " + places));
    }
    if (vault.problem.empty()) return ExitCode::Ok;
    return session.fail(ExitCode::Partly, vault.name + ": " + vault.problem);
}

ExitCode vault_create(Session& session) {
    const Arguments& arguments = session.arguments;
    if (Status alive = session.daemon.health(); !alive.ok()) return session.fail(alive.error());
    api::CreateVault request;
    request.name = arguments.vault;
    request.directory = absolute_path(arguments.directory);
    request.mount = absolute_path(arguments.mount);
    request.unlock_at_start = arguments.is_at_start;
    request.kdf_memory_bytes = arguments.kdf_memory_mib << 20;
    request.passphrase_stays_here = arguments.stays_here;
    Result<api::SecretText> passphrase = read_passphrase(
        arguments.passphrase, "Passphrase of the new vault " + arguments.vault, true);
    if (!passphrase.ok()) return session.fail(passphrase.error());
    request.passphrase = std::move(*passphrase);

    Result<api::VaultCreated> created = [&] {
        Progress progress("making the vault");
        return session.daemon.create_vault(request);
    }();
    if (!created.ok()) return session.fail(created.error());
    if (!arguments.recovery_out.empty()) {
        Status written = write_secret_file(arguments.recovery_out, created->recovery_code);
        if (!written.ok()) return session.fail(std::move(written).error().in("recovery code"));
    } else if (!arguments.is_json) {
        print_notice("Recovery code; keep it on paper, apart from this device:\n    " +
                     created->recovery_code.reveal());
    }
    return finish_with_vault(session, created->vault);
}

ExitCode vault_open(Session& session) {
    const Arguments& arguments = session.arguments;
    if (Status alive = session.daemon.health(); !alive.ok()) return session.fail(alive.error());
    api::OpenVault request;
    request.directory = absolute_path(arguments.vault);
    request.name = arguments.name;
    request.mount = absolute_path(arguments.mount);
    request.unlock_at_start = arguments.is_at_start;
    if (arguments.passphrase.is_given() || can_ask()) {
        Result<api::SecretText> passphrase =
            read_passphrase(arguments.passphrase, "Passphrase of the vault", false);
        if (!passphrase.ok()) return session.fail(passphrase.error());
        request.passphrase = std::move(*passphrase);
    }
    Result<api::VaultInfo> opened = [&] {
        Progress progress("opening");
        return session.daemon.open_vault(request);
    }();
    if (!opened.ok()) return session.fail(opened.error());
    return finish_with_vault(session, *opened);
}

ExitCode vault_list(Session& session) {
    Result<api::VaultList> list = session.daemon.vaults();
    if (!list.ok()) return session.fail(list.error());
    if (session.arguments.is_json) {
        print_line(api::encode(*list));
        return ExitCode::Ok;
    }
    if (list->vaults.empty()) {
        print_line("No vaults yet. Make one with: lockstep vault create NAME");
        return ExitCode::Ok;
    }
    std::vector<std::vector<std::string>> rows = {
        {"VAULT", "STATUS", "STATE", "FILES", "STORED", "DEVICES", "MOUNT"}};
    for (const api::VaultInfo& vault : list->vaults) {
        rows.push_back({printable(vault.name), vault.status, vault.state,
                        std::to_string(vault.files), size_text(vault.pack_bytes),
                        people_text(vault), places_text(vault)});
    }
    print_table(rows);
    return ExitCode::Ok;
}

ExitCode vault_show(Session& session) {
    Result<api::VaultInfo> vault = session.daemon.vault(session.arguments.vault);
    if (!vault.ok()) return session.fail(vault.error());
    if (session.arguments.is_json) {
        print_line(api::encode(*vault));
    } else {
        print_vault(*vault);
    }
    return ExitCode::Ok;
}

ExitCode vault_unlock(Session& session) {
    const Arguments& arguments = session.arguments;
    Result<api::VaultInfo> vault = session.daemon.vault(arguments.vault);
    if (!vault.ok()) return session.fail(vault.error());
    api::UnlockVault request;
    request.at_start = arguments.is_at_start;
    // Without a way to ask, the key that this device may keep is tried.
    const bool is_asked = vault->state == "locked" && can_ask();
    if (arguments.passphrase.is_given() || is_asked) {
        Result<api::SecretText> passphrase =
            read_passphrase(arguments.passphrase, "Passphrase of " + printable(vault->name), false);
        if (!passphrase.ok()) return session.fail(passphrase.error());
        request.passphrase = std::move(*passphrase);
    }
    Result<api::VaultInfo> unlocked = [&] {
        Progress progress("unlocking");
        return session.daemon.unlock(arguments.vault, request);
    }();
    if (!unlocked.ok()) return session.fail(unlocked.error());
    return finish_with_vault(session, *unlocked);
}

ExitCode vault_lock(Session& session) {
    Result<api::VaultInfo> locked = [&] {
        Progress progress("locking");
        return session.daemon.lock(session.arguments.vault, {session.arguments.is_forced});
    }();
    if (!locked.ok()) return session.fail(locked.error());
    return finish_with_vault(session, *locked);
}

ExitCode vault_autolock(Session& session) {
    const Arguments& arguments = session.arguments;
    api::SetAutoLock request;
    if (arguments.idle == "off") {
        request.idle_seconds = 0;
    } else if (!arguments.idle.empty()) {
        Result<std::chrono::milliseconds> time = parse_duration(arguments.idle);
        if (!time.ok()) return session.fail(time.error());
        if (*time < std::chrono::seconds(1))
            return session.fail({ErrorKind::Invalid, "--idle is a second at least, or `off`"});
        request.idle_seconds = static_cast<std::uint64_t>(time->count() / 1000);
    }
    if (!arguments.suspend.empty()) request.on_suspend = arguments.suspend == "on";
    if (!arguments.at_start.empty()) request.unlock_at_start = arguments.at_start == "on";
    const bool is_question =
        !request.idle_seconds && !request.on_suspend && !request.unlock_at_start;
    Result<api::VaultInfo> vault = is_question
                                       ? session.daemon.vault(arguments.vault)
                                       : session.daemon.set_auto_lock(arguments.vault, request);
    if (!vault.ok()) return session.fail(vault.error());
    if (session.arguments.is_json)
        print_line(api::encode(*vault));
    else
        print_line(printable(vault->name) + ": " + autolock_text(*vault));
    return ExitCode::Ok;
}

namespace {

// What the sentences of the errors do not say.
void print_finding(const api::CheckedObject& object) {
    std::vector<std::string> lines;
    if (object.missing_ranges > 0)
        lines.push_back(fmt::format("{} of its bytes are lost, in {} ranges", object.missing_bytes,
                                    object.missing_ranges));
    for (const api::CheckedVersion& version : object.affects)
        lines.push_back(fmt::format(
            "needed by {}{}", version.path.empty() ? "a deleted file" : printable(version.path),
            version.is_shown ? "" : ", an earlier version"));
    if (object.affected > object.affects.size())
        lines.push_back(
            fmt::format("and by {} more versions", object.affected - object.affects.size()));
    if (object.repair == "mended")
        lines.push_back(object.from.empty() ? "it is whole again"
                                            : "it is whole again, from " + printable(object.from));
    if (object.repair == "asked" && object.is_error)
        lines.emplace_back("other devices are asked for it");
    if (lines.empty()) return;
    print_line(fmt::format("{} {}", object.kind, printable(object.name)));
    for (const std::string& line : lines) print_line("    " + line);
}

}  // namespace

ExitCode print_check(Session& session, const api::CheckAnswer& report) {
    if (session.arguments.is_json) {
        print_line(api::encode(report));
    } else {
        for (const std::string& error : report.errors) print_line("ERROR: " + printable(error));
        for (const api::CheckedObject& object : report.findings) print_finding(object);
        for (const std::string& note : report.notes) print_line("note: " + printable(note));
        print_line(fmt::format(
            "checked {} key objects, {} segments, {} packs, {} chunks, {} files: {}",
            report.key_objects, report.segments, report.packs, report.chunks, report.files,
            report.errors.empty() ? "all is well"
                                  : fmt::format("{} errors", report.errors.size())));
        if (report.fetched_again > 0)
            print_line(
                fmt::format("{} damaged packs and segments are fetched again from other devices",
                            report.fetched_again));
        if (report.mended_keys > 0)
            print_line(
                fmt::format("{} key objects were made again from what this device holds, or "
                            "are asked of other devices",
                            report.mended_keys));
    }
    return report.errors.empty() ? ExitCode::Ok : ExitCode::CheckFailed;
}

ExitCode vault_check(Session& session) {
    // A directory is checked where it lies; a name is the daemon's.
    std::error_code failure;
    const std::string& vault = session.arguments.vault;
    if (vault.find('/') != std::string::npos || vault == "." || vault == "..") {
        return check_directory(session, vault);
    }
    Result<api::CheckAnswer> report = [&] {
        Progress progress("checking");
        return session.daemon.check(vault,
                                    {session.arguments.rebuilds_index, session.arguments.repairs});
    }();
    if (report.ok()) return print_check(session, *report);
    const bool is_unknown =
        session.daemon.is_daemon_missing() || report.error().kind == ErrorKind::NotFound;
    if (is_unknown && std::filesystem::is_directory(vault, failure)) {
        return check_directory(session, vault);
    }
    return session.fail(report.error());
}

ExitCode vault_collect(Session& session) {
    const bool is_dry_run = session.arguments.is_dry_run;
    Result<api::CollectAnswer> answer = [&] {
        Progress progress("looking for what is not needed");
        return session.daemon.collect(session.arguments.vault, {is_dry_run});
    }();
    if (!answer.ok()) return session.fail(answer.error());
    if (session.arguments.is_json) {
        print_line(api::encode(*answer));
        return ExitCode::Ok;
    }
    if (answer->past_quota_bytes) {
        print_line(fmt::format("the past takes {} of its {}", size_text(answer->past_bytes),
                               size_text(*answer->past_quota_bytes)));
        if (answer->freed_versions > 0)
            print_line(fmt::format("{} {} versions that ended before {} ({} of content)",
                                   is_dry_run ? "would let go" : "lets go", answer->freed_versions,
                                   time_text(answer->past_cut_ms),
                                   size_text(answer->freed_past_bytes)));
    }
    const std::uint64_t packs = answer->packs + answer->rewritten_packs;
    if (packs == 0) {
        print_line("nothing to free");
    } else {
        print_line(fmt::format("{} {} in {} packs{}", is_dry_run ? "would free" : "frees",
                               size_text(answer->bytes), packs,
                               is_dry_run ? "" : ", as soon as every device has agreed"));
    }
    if (answer->waiting_packs > 0)
        print_line(
            fmt::format("{} packs wait until every device has agreed", answer->waiting_packs));
    return ExitCode::Ok;
}

ExitCode vault_remove(Session& session) {
    const Arguments& arguments = session.arguments;
    Result<api::VaultInfo> vault = session.daemon.vault(arguments.vault);
    if (!vault.ok()) return session.fail(vault.error());
    if (arguments.deletes_data && !arguments.is_yes &&
        !ask_yes(fmt::format("Delete {} with everything in it, from this device, for ever?",
                             printable(vault->directory)))) {
        return session.fail(ExitCode::Usage, "not deleted (say --yes when there is nobody to ask)");
    }
    Status removed = session.daemon.remove_vault(arguments.vault, arguments.deletes_data);
    if (!removed.ok()) return session.fail(removed.error());
    if (arguments.is_json) {
        print_line("{}");
    } else if (arguments.deletes_data) {
        print_line(fmt::format("{} is removed and its data deleted", printable(vault->name)));
    } else {
        print_line(fmt::format("{} is removed; its data stays in {}", printable(vault->name),
                               printable(vault->directory)));
    }
    return ExitCode::Ok;
}

ExitCode mount_vault(Session& session) {
    Result<VaultPath> folder = parse_vault_folder(session.arguments.vault);
    if (!folder.ok()) return session.fail(folder.error());
    const std::string vault = std::move(folder->vault);
    api::MountVault request;
    request.path = std::move(folder->path);
    request.directory = absolute_path(session.arguments.directory);
    request.is_read_only = session.arguments.is_read_only;
    request.has_owners = session.arguments.has_owners;
    if (!session.arguments.at.empty()) {
        Result<std::int64_t> at = find_moment(session, vault, session.arguments.at);
        if (!at.ok()) return session.fail(at.error());
        request.at_ms = *at;
    }
    Result<api::VaultInfo> mounted = mount_or_ask(session, vault, request);
    if (!mounted.ok()) return session.fail(mounted.error());
    return finish_with_vault(session, *mounted);
}

ExitCode unmount_vault(Session& session) {
    const std::string& given = session.arguments.vault;
    const std::string reference =
        given.find('/') == std::string::npos ? given : absolute_path(given);
    api::UnmountVault request;
    request.is_forced = session.arguments.is_forced;
    request.is_forgotten = session.arguments.is_forgotten;
    Result<api::VaultInfo> unmounted = session.daemon.unmount(reference, request);
    if (!unmounted.ok()) return session.fail(unmounted.error());
    return finish_with_vault(session, *unmounted);
}

}  // namespace lockstep::cli
