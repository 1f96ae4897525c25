// lockstep: asks the daemon, and prints what it says.
#include <csignal>
#include <cstdio>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/out_of_memory.h"
#include "daemon/cli/command_line.h"
#include "daemon/cli/output.h"

namespace lockstep::cli {
namespace {

// Passphrases pass through here.
void harden() {
    const rlimit no_core{0, 0};
    static_cast<void>(::setrlimit(RLIMIT_CORE, &no_core));
    static_cast<void>(::prctl(PR_SET_DUMPABLE, 0));
    ::umask(077);
    std::signal(SIGPIPE, SIG_IGN);
}

ExitCode run(int count, char** values) {
    harden();
    std::variant<Command, ExitCode> parsed = parse_command_line(count, values);
    if (const ExitCode* code = std::get_if<ExitCode>(&parsed)) return *code;
    Command& command = std::get<Command>(parsed);
    auto refuse = [](const Error& error) {
        print_notice("lockstep: " + error.message);
        return api::exit_code(error.kind);
    };
    Result<api::DataPaths> paths = api::data_paths();
    if (!paths.ok()) return refuse(paths.error());
    Result<std::filesystem::path> socket = paths->control_socket();
    if (!socket.ok()) return refuse(socket.error());
    Session session(std::move(command.arguments), std::move(*paths), std::move(*socket));
    return command.verb(session);
}

}  // namespace
}  // namespace lockstep::cli

int main(int count, char** values) {
    lockstep::stop_when_out_of_memory();
    const lockstep::cli::ExitCode code = lockstep::cli::run(count, values);
    // What could not be printed was not said.
    const bool is_said = std::fflush(stdout) == 0;
    return code == lockstep::cli::ExitCode::Ok && !is_said ? 1 : static_cast<int>(code);
}
