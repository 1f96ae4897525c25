// lockstepd: owns a user's vaults. Runs in the foreground until SIGTERM or SIGINT.
#include <charconv>
#include <csignal>
#include <cstdio>
#include <optional>
#include <string_view>
#include <thread>

#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/api/error_code.h"
#include "daemon/child_stretcher.h"
#include "daemon/control_context.h"
#include "daemon/daemon.h"
#include "daemon/memory_care.h"
#include "daemon/process_setup.h"

namespace lockstep {
namespace {

constexpr std::string_view kHelp = R"(lockstepd - keeps a user's encrypted vaults in step

Usage: lockstepd [OPTIONS]

  --listen-port PORT   listen for other devices here, instead of the configured port
  --log-level LEVEL    debug, info (the default), warning or error; lines go to stderr
  --version            print the version and end
  --help               print this and end

It runs in the foreground until SIGTERM or SIGINT; `lockstep` talks to it.
LOCKSTEP_HOME moves configuration, state, data and the control socket under one directory.

Examples:
  lockstepd
  LOCKSTEP_HOME=/tmp/laptop lockstepd --log-level debug
  systemctl --user enable --now lockstepd
)";

struct Arguments {
    LogLevel log_level = LogLevel::Info;
    std::optional<std::uint16_t> listen_port;
    bool shows_help = false;
    bool shows_version = false;
};

Result<LogLevel> parse_level(std::string_view text) {
    if (text == "debug") return LogLevel::Debug;
    if (text == "info") return LogLevel::Info;
    if (text == "warning") return LogLevel::Warning;
    if (text == "error") return LogLevel::Error;
    return Error{ErrorKind::Invalid, "--log-level is debug, info, warning or error"};
}

Result<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (failure != std::errc{} || end != text.data() + text.size()) {
        return Error{ErrorKind::Invalid, "--listen-port is a number between 0 and 65535"};
    }
    return port;
}

Result<Arguments> parse_arguments(int count, char** values) {
    Arguments arguments;
    for (int i = 1; i < count; ++i) {
        std::string_view flag = values[i];
        std::optional<std::string_view> value;
        if (const std::size_t equals = flag.find('='); equals != std::string_view::npos) {
            value = flag.substr(equals + 1);
            flag = flag.substr(0, equals);
        }
        if (flag == "--help" || flag == "-h") {
            arguments.shows_help = true;
            continue;
        }
        if (flag == "--version") {
            arguments.shows_version = true;
            continue;
        }
        if (flag != "--log-level" && flag != "--listen-port") {
            return Error{ErrorKind::Invalid, fmt::format("unknown argument '{}'", values[i])};
        }
        if (!value && i + 1 < count) value = values[++i];
        if (!value) return Error{ErrorKind::Invalid, fmt::format("{} needs a value", flag)};
        if (flag == "--log-level") {
            TRY(arguments.log_level, parse_level(*value));
        } else {
            TRY(arguments.listen_port, parse_port(*value));
        }
    }
    return arguments;
}

// Blocked in every thread, so that only wait_for_signal() gets them.
sigset_t block_stop_signals() {
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

int run(int count, char** values) {
    Result<Arguments> arguments = parse_arguments(count, values);
    if (!arguments.ok()) return fail(arguments.error());
    if (arguments->shows_help) {
        fmt::print("{}", kHelp);
        return 0;
    }
    if (arguments->shows_version) {
        fmt::print("lockstepd {}\n", kVersion);
        return 0;
    }
    set_log_level(arguments->log_level);
    configure_allocator();
    harden_process();
    const sigset_t signals = block_stop_signals();
    Result<api::DataPaths> paths = api::data_paths();
    if (!paths.ok()) return fail(paths.error());

    Result<std::unique_ptr<Daemon>> daemon = Daemon::start({*paths, arguments->listen_port});
    if (!daemon.ok()) return fail(daemon.error());
    log_info("daemon", "lockstepd {} runs; port {}, socket {}", kVersion, (*daemon)->listen_port(),
             (*daemon)->control_socket().native());
    notify_service_manager("READY=1");

    int signal = 0;
    sigwait(&signals, &signal);
    log_info("daemon", "signal {}: stopping", signal);
    notify_service_manager("STOPPING=1");
    watch_the_stop(signals);
    (*daemon)->stop();
    log_info("daemon", "stopped");
    // Without unwinding what the watching thread may still look at.
    std::fflush(nullptr);
    ::_exit(0);
}

}  // namespace
}  // namespace lockstep

int main(int count, char** values) {
    // Not in the help: it is how the daemon starts itself once more.
    if (count == 2 && std::string_view(values[1]) == lockstep::kStretchArgument)
        return lockstep::run_stretch_child();
    return lockstep::run(count, values);
}
