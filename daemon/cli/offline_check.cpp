// `lockstep vault check DIR`: every object of a vault directory, with no daemon and no local state.
// With the passphrase chunks and paths are checked as well.
#include <algorithm>
#include <thread>

#include "daemon/cli/commands.h"
#include "daemon/cli/progress.h"
#include "vault/vault.h"

namespace lockstep::cli {

ExitCode check_directory(Session& session, const std::string& directory) {
    if (session.arguments.rebuilds_index || session.arguments.repairs) {
        return session.fail(
            Error{ErrorKind::Invalid,
                  "a directory has no index and no peers: name a vault of the daemon"});
    }
    api::SecretText passphrase;
    if (session.arguments.passphrase.is_given()) {
        Result<api::SecretText> given =
            read_passphrase(session.arguments.passphrase, "Passphrase of the vault", false);
        if (!given.ok()) return session.fail(given.error());
        passphrase = std::move(*given);
    }
    Result<CheckReport> report = [&] {
        Progress progress("checking");
        WorkerPool workers(std::max(1U, std::thread::hardware_concurrency()));
        std::optional<ByteView> key;
        if (!passphrase.empty()) key = passphrase.reveal_bytes();
        return check_vault(posix_disk(), workers, absolute_path(directory), key);
    }();
    if (!report.ok()) return session.fail(report.error());
    return print_check(session, api::check_answer(std::move(*report)));
}

}  // namespace lockstep::cli
