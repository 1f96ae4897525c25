// lockstepd: owns a user's vaults. Runs in the foreground until SIGTERM or SIGINT; reloads at
// SIGHUP.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <string_view>
#include <thread>

#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include "base/log_levels.h"
#include "base/out_of_memory.h"
#include "daemon/api/error_code.h"
#include "daemon/child_stretcher.h"
#include "daemon/control_context.h"
#include "daemon/daemon.h"
#include "daemon/daemon_arguments.h"
#include "daemon/memory_care.h"
#include "daemon/process_setup.h"
#include "daemon/service_manager.h"

namespace lockstep {
namespace {

// Blocked in every thread, so that only the first one gets them, by waiting.
sigset_t block_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    return signals;
}

// Ends the process when an orderly stop takes too long, or at a second signal: what was
// acknowledged is in the journal and the next start goes on from there.
void watch_the_stop(sigset_t signals) {
    sigdelset(&signals, SIGHUP);
    std::thread([signals] {
        const timespec patience{kStopTimeMax.count(), 0};
        sigtimedwait(&signals, nullptr, &patience);
        log_error("daemon", "stopping took too long or was asked for twice; ending at once");
        ::_exit(1);
    }).detach();
}

int fail(const Error& error) {
    fmt::print(stderr, "lockstepd: {}\n", error.message);
    if (error.kind == ErrorKind::Invalid) fmt::print(stderr, "See: lockstepd --help\n");
    return static_cast<int>(api::exit_code(error.kind));
}

void reload(Daemon& daemon) {
    notify_service_manager(reloading_state());
    if (Status reloaded = daemon.reload(); !reloaded.ok())
        log_error("daemon", "nothing was reloaded: {}", reloaded.error().message);
    notify_service_manager("READY=1");
}

// Until the signal that it returns asks to stop. Meanwhile reloads at SIGHUP, and tells the
// service manager that all is well as long as it is.
int wait_for_stop(Daemon& daemon, const sigset_t& signals, bool ends_at_hangup) {
    using std::chrono::nanoseconds;
    constexpr nanoseconds kHour = std::chrono::hours(1);
    // More often than asked for, so that one late beat is not the end.
    const nanoseconds beat = watchdog_interval() / 4;
    const nanoseconds pause = beat > nanoseconds(0) ? beat : kHour;
    const timespec patience{pause / std::chrono::seconds(1),
                            (pause % std::chrono::seconds(1)).count()};
    while (true) {
        if (beat > nanoseconds(0) && daemon.is_alive()) notify_service_manager("WATCHDOG=1");
        const int signal = sigtimedwait(&signals, nullptr, &patience);
        if (signal == SIGHUP && !ends_at_hangup)
            reload(daemon);
        else if (signal > 0)
            return signal;
    }
}

int serve(const DaemonArguments& arguments) {
    const api::Environment environment = api::process_environment();
    set_log_to_journal(is_journal(environment("JOURNAL_STREAM"), STDERR_FILENO));
    // The configured ones count as soon as the configuration was read.
    if (arguments.log_levels) set_log_levels(*arguments.log_levels);
    configure_allocator();
    // A terminal that goes away says so by SIGHUP, too.
    const bool has_terminal = ::isatty(STDERR_FILENO) != 0;
    Result<api::DataPaths> paths = api::data_paths();
    if (!paths.ok()) return fail(paths.error());
    Result<std::filesystem::path> socket = paths->control_socket();
    if (!socket.ok()) return fail(socket.error());
    UniqueFd passed = inherited_socket(*socket);
    harden_process(passed);
    const sigset_t signals = block_signals();

    Result<std::unique_ptr<Daemon>> daemon = Daemon::start(
        {*paths, arguments.listen_port, arguments.may_mount, arguments.log_levels,
         arguments.api_listen, arguments.proxy, arguments.metrics_token_file, std::move(passed)});
    if (!daemon.ok()) return fail(daemon.error());
    log_info("daemon", "lockstepd {} runs; port {}, socket {}", kVersion, (*daemon)->listen_port(),
             (*daemon)->control_socket().native());
    notify_service_manager("READY=1");

    const int signal = wait_for_stop(**daemon, signals, has_terminal);
    log_info("daemon", "signal {}: stopping", signal);
    notify_service_manager("STOPPING=1");
    watch_the_stop(signals);
    (*daemon)->stop();
    log_info("daemon", "stopped");
    // Without unwinding what the watching thread may still look at.
    std::fflush(nullptr);
    ::_exit(0);
}

int run(int count, char** values) {
    Result<DaemonArguments> arguments =
        parse_daemon_arguments({values + 1, values + count}, api::process_environment());
    if (!arguments.ok()) return fail(arguments.error());
    if (arguments->shows_help) {
        fmt::print("{}", daemon_help());
        return 0;
    }
    if (arguments->shows_version) {
        fmt::print("lockstepd {}\n", kVersion);
        return 0;
    }
    return serve(*arguments);
}

}  // namespace
}  // namespace lockstep

int main(int count, char** values) {
    lockstep::stop_when_out_of_memory();
    // Not in the help: it is how the daemon starts itself once more.
    if (count == 2 && std::string_view(values[1]) == lockstep::kStretchArgument)
        return lockstep::run_stretch_child();
    return lockstep::run(count, values);
}
