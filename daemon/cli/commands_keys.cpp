// Passphrases, the recovery code, rotation and roles.
#include <fmt/format.h>

#include "daemon/api/json_codec.h"
#include "daemon/cli/commands.h"
#include "daemon/cli/output.h"
#include "daemon/cli/progress.h"

namespace lockstep::cli {

namespace {

// The current passphrase or the recovery code; none with --forgotten.
Result<api::SecretText> read_current(const Arguments& arguments) {
    if (arguments.is_forgotten) return api::SecretText();
    return read_passphrase(arguments.passphrase,
                           "Current passphrase (or recovery code) of " + arguments.vault, false);
}

ExitCode print_passphrases(Session& session, const api::PassphraseList& list) {
    if (session.arguments.is_json) {
        print_line(api::encode(list));
        return ExitCode::Ok;
    }
    std::vector<std::vector<std::string>> rows = {{"ID", "KIND", "COST", "ADDED"}};
    for (const api::PassphraseInfo& one : list.passphrases) {
        const std::string kind = one.kind == "local"      ? "passphrase of this device"
                                 : one.kind == "recovery" ? "recovery code"
                                                          : "passphrase";
        std::string added = one.added_ms == 0 ? "-" : time_text(one.added_ms);
        if (!one.added_by.empty()) added += " on " + printable(one.added_by);
        rows.push_back({one.id, kind,
                        one.memory_bytes == 0
                            ? "-"
                            : fmt::format("{} x {}", size_text(one.memory_bytes), one.operations),
                        added});
    }
    print_table(rows);
    return ExitCode::Ok;
}

ExitCode set_passphrase(Session& session, bool is_added) {
    const Arguments& arguments = session.arguments;
    if (Status alive = session.daemon.health(); !alive.ok()) return session.fail(alive.error());
    api::SetPassphrase request;
    request.by_device = arguments.is_forgotten;
    request.is_added = is_added;
    request.stays_here = arguments.stays_here;
    request.kdf_memory_bytes = arguments.kdf_memory_mib << 20;
    Result<api::SecretText> current = read_current(arguments);
    if (!current.ok()) return session.fail(current.error());
    request.current = std::move(*current);
    Result<api::SecretText> fresh =
        read_passphrase(arguments.new_passphrase, "New passphrase of " + arguments.vault, true);
    if (!fresh.ok()) return session.fail(fresh.error());
    request.passphrase = std::move(*fresh);
    Result<api::PassphraseList> list = [&] {
        Progress progress("changing the keys");
        return session.daemon.set_passphrase(arguments.vault, request);
    }();
    if (!list.ok()) return session.fail(list.error());
    return print_passphrases(session, *list);
}

}  // namespace

ExitCode vault_passwd(Session& session) {
    return set_passphrase(session, false);
}

ExitCode passphrase_add(Session& session) {
    return set_passphrase(session, true);
}

ExitCode passphrase_list(Session& session) {
    Result<api::PassphraseList> list = session.daemon.passphrases(session.arguments.vault);
    if (!list.ok()) return session.fail(list.error());
    return print_passphrases(session, *list);
}

ExitCode passphrase_remove(Session& session) {
    const Arguments& arguments = session.arguments;
    if (Status alive = session.daemon.health(); !alive.ok()) return session.fail(alive.error());
    api::RemovePassphrase request;
    request.id = arguments.target;
    request.by_device = arguments.is_forgotten;
    Result<api::SecretText> current = read_current(arguments);
    if (!current.ok()) return session.fail(current.error());
    request.current = std::move(*current);
    Result<api::PassphraseList> list = session.daemon.remove_passphrase(arguments.vault, request);
    if (!list.ok()) return session.fail(list.error());
    return print_passphrases(session, *list);
}

ExitCode recovery_create(Session& session) {
    const Arguments& arguments = session.arguments;
    if (Status alive = session.daemon.health(); !alive.ok()) return session.fail(alive.error());
    api::RenewRecovery request;
    request.by_device = arguments.is_forgotten;
    Result<api::SecretText> current = read_current(arguments);
    if (!current.ok()) return session.fail(current.error());
    request.current = std::move(*current);
    Result<api::RecoveryAnswer> answer = session.daemon.renew_recovery(arguments.vault, request);
    if (!answer.ok()) return session.fail(answer.error());
    if (!arguments.recovery_out.empty()) {
        Status written = write_secret_file(arguments.recovery_out, answer->sheet);
        if (written.ok()) return ExitCode::Ok;
        // The old code works no more: this one must not be lost to a full disk.
        print_notice(answer->sheet.reveal());
        return session.fail(std::move(written).error().in("recovery code"));
    }
    if (arguments.is_json)
        print_line(api::encode(*answer));
    else
        fmt::print("{}", answer->sheet.reveal());
    return ExitCode::Ok;
}

ExitCode recovery_test(Session& session) {
    const Arguments& arguments = session.arguments;
    if (Status alive = session.daemon.health(); !alive.ok()) return session.fail(alive.error());
    api::TestRecovery request;
    Result<api::SecretText> code =
        read_passphrase(arguments.passphrase, "Recovery code of " + arguments.vault, false);
    if (!code.ok()) return session.fail(code.error());
    request.code = std::move(*code);
    if (Status tested = session.daemon.test_recovery(arguments.vault, request); !tested.ok())
        return session.fail(tested.error());
    print_line(arguments.is_json
                   ? "{}"
                   : fmt::format("it is the recovery code of {}", printable(arguments.vault)));
    return ExitCode::Ok;
}

ExitCode vault_rotate(Session& session) {
    Result<api::VaultInfo> vault = session.daemon.rotate(session.arguments.vault);
    if (!vault.ok()) return session.fail(vault.error());
    print_line(
        session.arguments.is_json
            ? api::encode(*vault)
            : fmt::format("{}: what is written from now on has new keys", printable(vault->name)));
    return ExitCode::Ok;
}

ExitCode device_role(Session& session) {
    const Arguments& arguments = session.arguments;
    Result<api::DeviceAnswer> answer =
        session.daemon.set_role(arguments.target, {arguments.vault, arguments.value});
    if (!answer.ok()) return session.fail(answer.error());
    print_line(arguments.is_json ? api::encode(*answer)
                                 : fmt::format("{}: {} is {} now", printable(arguments.vault),
                                               printable(arguments.target), arguments.value));
    return ExitCode::Ok;
}

}  // namespace lockstep::cli
