// lockstep-relay: the tracker behind one HTTP port.
#include <csignal>
#include <cstdio>

#include <pthread.h>
#include <sys/resource.h>

#include "base/http/server.h"
#include "base/log.h"
#include "relay/relay_config.h"
#include "relay/router.h"

namespace lockstep {
namespace {

constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;
// Beside connections: listeners, the loop's own descriptors, standard streams.
constexpr rlim_t kOtherDescriptors = 64;

sigset_t stop_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    return signals;
}

// Raises the descriptor limit as far as allowed, and says how many connections fit.
std::size_t fitting_connections(std::size_t wanted) {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
    rlim_t needed = wanted + kOtherDescriptors;
    if (limit.rlim_cur < needed) {
        limit.rlim_cur = std::min(needed, limit.rlim_max);
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= needed) return wanted;
    std::size_t fits = limit.rlim_cur > 2 * kOtherDescriptors ? limit.rlim_cur - kOtherDescriptors
                                                              : kOtherDescriptors;
    log_warning("relay", "only {} connections fit the limit of open files", fits);
    return fits;
}

HttpServerOptions server_options(const RelayConfig& config) {
    return {.inline_handlers = true,  // the tracker never blocks
            .body_size_max = 1024,
            .header_size_max = 8 << 10,
            .connections_max = fitting_connections(config.connections_max),
            .idle_timeout = std::chrono::seconds(15),
            .request_timeout = std::chrono::seconds(10)};
}

int serve(const RelayConfig& config) {
    Tracker tracker(system_clock(), system_random(), config.tracker);
    Router router(tracker, config.path_token);
    HttpServer server(server_options(config),
                      [&](const HttpRequest& request, HttpResponder responder) {
                          responder.respond(router.handle(request));
                      });
    for (const auto& listen : config.listen) {
        auto port = server.listen_tcp(listen.address, listen.port);
        if (!port.ok()) {
            log_error("relay", "cannot listen: {}", port.error().message);
            return kExitFailure;
        }
        log_info("relay", "listening on {} port {}", listen.address, *port);
    }
    sigset_t signals = stop_signals();
    int signal = 0;
    sigwait(&signals, &signal);
    log_info("relay", "stopping");
    server.stop();
    return 0;
}

int run(const std::vector<std::string>& arguments) {
    auto config = parse_relay_config(arguments);
    if (!config.ok()) {
        std::fprintf(stderr, "lockstep-relay: %s\n", config.error().message.c_str());
        return kExitUsage;
    }
    switch (config->action) {
        case RelayConfig::Action::ShowHelp:
            std::fputs(relay_help().c_str(), stdout);
            return 0;
        case RelayConfig::Action::ShowVersion:
            std::puts("lockstep-relay " LOCKSTEP_VERSION);
            return 0;
        case RelayConfig::Action::Serve:
            break;
    }
    set_log_level(config->log_level);
    return serve(*config);
}

}  // namespace
}  // namespace lockstep

int main(int argc, char** argv) {
    // Before any thread is made, so that all inherit it and only sigwait() sees these signals.
    sigset_t signals = lockstep::stop_signals();
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    return lockstep::run(std::vector<std::string>(argv + 1, argv + argc));
}
