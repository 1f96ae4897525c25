// lockstep-relay: tracker, tunnels and mailbox behind one port.
#include <csignal>
#include <cstdio>

#include <pthread.h>
#include <sodium.h>
#include <sys/resource.h>

#include "base/http/server.h"
#include "base/http/transport.h"
#include "base/log.h"
#include "relay/open_id_fetcher.h"
#include "relay/relay_config.h"
#include "relay/relay_service.h"

namespace lockstep {
namespace {

constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;
// Beside connections: listeners, the loop's own descriptors, standard streams.
constexpr rlim_t kOtherDescriptors = 64;

sigset_t our_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
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

HttpServerOptions server_options(const RelayConfig& config, RelayService& service) {
    const RelayLimits& limits = config.limits;
    return {.inline_handlers = true,  // nothing in the relay blocks
            .body_limit = [&](const HttpRequest& head) { return service.body_limit(head); },
            .body_bytes_max = 64 << 20,
            .header_size_max = 8 << 10,
            .connections_max = fitting_connections(limits.connections_max),
            .connections_per_address_max = limits.connections_per_address_max,
            .idle_timeout = std::chrono::seconds(15),
            .request_timeout = std::chrono::seconds(10),
            .on_tick = [&] { service.tick(); }};
}

Status load_certificate(const RelayConfig& config, HttpServer& server, RelayService& service) {
    if (config.tls.certificate.empty()) return {};
    TRY(auto tls, TlsContext::server(config.tls.certificate, config.tls.key,
                                     config.tls.operator_authorities));
    log_info("relay", "the certificate's key is {}", hex(tls->own_pin()));
    server.post([&service, end_s = tls->own_end_s()] { service.set_certificate_end(end_s); });
    server.set_tls(std::move(tls));
    return {};
}

Status listen(const RelayConfig& config, HttpServer& server) {
    for (const auto& listen : config.listen) {
        bool is_tls = !config.tls.certificate.empty() && !listen.is_plain;
        auto security = is_tls ? HttpServer::Security::Tls : HttpServer::Security::Plain;
        auto port = server.listen_tcp(listen.address, listen.port, security);
        if (!port.ok()) return std::move(port).error().in("cannot listen");
        log_info("relay", "listening on {} port {}{}", listen.address, *port,
                 is_tls ? ", TLS" : "");
    }
    return {};
}

// Asks the OpenID provider of the options for its keys, as long as it lives.
class OpenIdKeys {
  public:
    OpenIdKeys(HttpServer& server, RelayService& service) : server_(server), service_(service) {}

    // REQUIRES: posted behind what makes the service know the options.
    void fetch(const OpenIdOptions& options) {
        if (options == options_) return;
        options_ = options;
        fetcher_.reset();
        if (!options.is_on()) return;
        auto on_keys = [this](Result<JsonWebKeys> keys) {
            server_.post([this, keys = std::move(keys)] { service_.set_open_id_keys(keys); });
        };
        fetcher_ = std::make_shared<OpenIdFetcher>(options, on_keys);
        server_.post([this, weak = std::weak_ptr(fetcher_)] {
            service_.want_open_id_keys([weak] {
                if (auto fetcher = weak.lock()) fetcher->fetch_soon();
            });
        });
    }

  private:
    HttpServer& server_;
    RelayService& service_;
    OpenIdOptions options_;
    std::shared_ptr<OpenIdFetcher> fetcher_;
};

// Takes over the file and the certificate as they are now; keeps what it has when either is bad.
void reload(const std::vector<std::string>& arguments, HttpServer& server, RelayService& service,
            OpenIdKeys& open_id) {
    auto config = parse_relay_config(arguments, process_environment());
    Status status =
        config.ok() ? load_certificate(*config, server, service) : Status(config.error());
    if (!status.ok()) {
        log_error("relay", "nothing was reloaded: {}", status.error().message);
        return;
    }
    set_log_level(config->log_level);
    server.post([&service, config = *config] {
        service.reload(config);
        log_info("relay", "reloaded");
    });
    open_id.fetch(config->admission.open_id);
}

Status serve(const RelayConfig& config, const std::vector<std::string>& arguments) {
    TRY(auto service, RelayService::open(system_clock(), system_random(), config));
    HttpServer server(server_options(config, *service),
                      [&](const HttpRequest& request, HttpResponder responder) {
                          service->handle(request, std::move(responder));
                      });
    service->count_connections([&] { return server.connection_count(); });
    TRY_OK(load_certificate(config, server, *service));
    OpenIdKeys open_id(server, *service);
    open_id.fetch(config.admission.open_id);
    TRY_OK(listen(config, server));
    sigset_t signals = our_signals();
    for (int signal = SIGHUP; signal == SIGHUP;) {
        sigwait(&signals, &signal);
        if (signal == SIGHUP) reload(arguments, server, *service, open_id);
    }
    log_info("relay", "stopping");
    server.drain(config.drain_time);
    return {};
}

int run(const std::vector<std::string>& arguments) {
    auto config = parse_relay_config(arguments, process_environment());
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
        case RelayConfig::Action::CheckConfig:
            std::printf("%s: good\n", config->file.c_str());
            return 0;
        case RelayConfig::Action::Serve:
            break;
    }
    set_log_level(config->log_level);
    if (sodium_init() < 0) return kExitFailure;
    Status status = serve(*config, arguments);
    if (!status.ok()) log_error("relay", "{}", status.error().message);
    return status.ok() ? 0 : kExitFailure;
}

}  // namespace
}  // namespace lockstep

int main(int argc, char** argv) {
    // Before any thread is made, so that all inherit it and only sigwait() sees these signals.
    sigset_t signals = lockstep::our_signals();
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    return lockstep::run(std::vector<std::string>(argv + 1, argv + argc));
}
