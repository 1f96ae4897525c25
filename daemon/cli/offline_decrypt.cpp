// `lockstep vault decrypt`: a vault's files from its directory and the passphrase, with nothing
// else.
#include <algorithm>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "daemon/cli/commands.h"
#include "daemon/cli/output.h"
#include "daemon/cli/progress.h"
#include "vault/vault.h"

namespace lockstep::cli {

namespace {

void print_report(const Session& session, const DecryptReport& report) {
    if (session.arguments.is_json) {
        nlohmann::json json = {{"files", report.files},       {"directories", report.directories},
                               {"symlinks", report.symlinks}, {"bytes", report.bytes},
                               {"damaged", report.damaged},   {"partial", nlohmann::json::array()}};
        for (const DecryptReport::Partial& partial : report.partial) {
            nlohmann::json missing = nlohmann::json::array();
            for (const ByteRange& range : partial.missing.ranges)
                missing.push_back({{"offset", range.offset}, {"length", range.length}});
            json["partial"].push_back({{"path", partial.path},
                                       {"writtenAs", partial.written_as},
                                       {"size", partial.size},
                                       {"missing", std::move(missing)},
                                       {"missingRanges", partial.missing.count},
                                       {"missingBytes", partial.missing.bytes}});
        }
        print_line(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
        return;
    }
    for (const std::string& damaged : report.damaged) {
        print_notice("DAMAGED: " + printable(damaged));
    }
    const auto in_part = std::count_if(
        report.partial.begin(), report.partial.end(),
        [](const DecryptReport::Partial& partial) { return !partial.written_as.empty(); });
    print_line(fmt::format(
        "{} files ({}), {} directories, {} symlinks restored{}{}", report.files,
        size_text(report.bytes), report.directories, report.symlinks,
        in_part == 0 ? "" : fmt::format("; {} in part, as NAME.damaged", in_part),
        report.damaged.empty() ? "" : fmt::format("; {} are damaged", report.damaged.size())));
}

}  // namespace

ExitCode vault_decrypt(Session& session) {
    const Arguments& arguments = session.arguments;
    Result<api::SecretText> passphrase =
        read_passphrase(arguments.passphrase, "Passphrase of the vault", false);
    if (!passphrase.ok()) return session.fail(passphrase.error());
    Result<DecryptReport> report = [&] {
        Progress progress("decrypting");
        WorkerPool workers(std::max(1U, std::thread::hardware_concurrency()));
        return decrypt_vault(posix_disk(), workers, absolute_path(arguments.vault),
                             passphrase->reveal_bytes(), absolute_path(arguments.target));
    }();
    if (!report.ok()) return session.fail(report.error());
    print_report(session, *report);
    return report->damaged.empty() ? ExitCode::Ok : ExitCode::Partly;
}

}  // namespace lockstep::cli
