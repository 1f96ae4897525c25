#include "daemon/daemon.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <thread>

#include <fmt/format.h>

#include "base/log.h"
#include "daemon/api_access.h"
#include "daemon/child_stretcher.h"
#include "daemon/control_server.h"
#include "daemon/instance_lock.h"
#include "daemon/relay_probe.h"
#include "daemon/settings.h"
#include "vault/keys/device_identity.h"

namespace lockstep {

namespace {

constexpr std::chrono::seconds kPublishAtStop{8};
constexpr std::uint64_t kPortFileSizeMax = 16;

Status make_private_directories(const api::DataPaths& paths) {
    for (const fs::path& directory : {paths.config_directory, paths.state_directory,
                                      paths.data_directory, paths.runtime_directory}) {
        TRY_OK(posix_disk().make_directories(directory));
    }
    // The socket's directory is what keeps others from connecting before its own mode is set.
    std::error_code failure;
    fs::permissions(paths.runtime_directory, fs::perms::owner_all, failure);
    if (failure) {
        return Error{ErrorKind::Io, paths.runtime_directory.native() + ": " + failure.message()};
    }
    return {};
}

fs::path port_file(const api::DataPaths& paths) {
    return paths.state_directory / "listen_port";
}

// The port taken at an earlier start, so that addresses which others know stay true. 0: none.
std::uint16_t remembered_port(const api::DataPaths& paths) {
    Result<Bytes> text = posix_disk().read_file(port_file(paths), kPortFileSizeMax);
    if (!text.ok()) return 0;
    std::string_view digits = as_text(*text);
    std::uint16_t port = 0;
    auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    return failure == std::errc{} ? port : std::uint16_t{0};
}

SyncEngineOptions sync_options(const DaemonOptions& daemon, const api::Config& config,
                               std::uint16_t port) {
    SyncEngineOptions options;
    options.proxy = proxy_of(daemon.proxy.value_or(config.proxy));
    options.listen_port = port;
    options.relays = relay_settings_of(config);
    options.lan_discovery = config.lan_discovery;
    options.dht = config.dht;
    options.port_mapping = config.port_mapping;
    options.device_label = device_label(config);
    return options;
}

// A port asked for by the user must be had; one of our own choice is replaced when it is taken.
Result<std::unique_ptr<SyncEngine>> start_sync(const DaemonOptions& options,
                                               const api::Config& config) {
    const std::uint16_t wished = options.listen_port.value_or(config.listen_port);
    if (wished != 0) return SyncEngine::start(sync_options(options, config, wished));
    const std::uint16_t earlier = remembered_port(options.paths);
    if (earlier != 0) {
        auto engine = SyncEngine::start(sync_options(options, config, earlier));
        if (engine.ok()) return engine;
        log_warning("daemon", "port {} is taken; choosing another: {}", earlier,
                    engine.error().message);
    }
    TRY(auto engine, SyncEngine::start(sync_options(options, config, 0)));
    TRY_OK(posix_disk().write_file_durably(port_file(options.paths),
                                           as_bytes(fmt::format("{}\n", engine->listen_port()))));
    return engine;
}

}  // namespace

// In the order they are made; stop() takes them down in an order of its own.
struct Daemon::Parts {
    Parts(const DaemonOptions& options, InstanceLock taken, std::unique_ptr<ConfigStore> loaded,
          DeviceIdentity identity, std::unique_ptr<SyncEngine> engine)
        : paths(options.paths),
          lock(std::move(taken)),
          config(std::move(loaded)),
          device(std::move(identity)),
          events(system_clock()),
          workers(std::clamp<std::size_t>(std::thread::hardware_concurrency(), 2, 16)),
          sync(std::move(engine)),
          services{posix_disk(),     system_clock(), system_random(), workers, device,
                   stretcher,        *sync,          *config,         events,  paths,
                   options.may_mount},
          vaults(services, polls),
          pairing(services, vaults, polls),
          context(services, vaults, pairing, polls) {}

    const api::DataPaths paths;
    InstanceLock lock;
    std::unique_ptr<ConfigStore> config;
    DeviceIdentity device;
    EventLog events;
    LongPolls polls;
    WorkerPool workers;
    ChildStretcher stretcher;
    std::unique_ptr<SyncEngine> sync;
    VaultServices services;
    VaultManager vaults;
    Pairing pairing;
    ControlContext context;
    std::optional<ApiAccess> tcp;  // where the control API is served over TCP, too
    std::unique_ptr<ControlServer> server;

    // Makes `tcp` when that is configured.
    Status open_api_to_programs(const DaemonOptions& options) {
        const std::string where = options.api_listen.value_or(config->get().api_listen);
        if (where.empty()) return {};
        TRY(api::LoopbackAddress address, api::parse_api_listen(where));
        TRY(tcp, ApiAccess::open(posix_disk(), paths.state_directory, address, system_random(),
                                 options.metrics_token_file));
        return {};
    }
    // Threads that have not yet answered the last beat.
    std::shared_ptr<std::atomic<int>> awaited;
    bool is_stopped = false;
};

Daemon::Daemon(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Daemon::~Daemon() {
    stop();
}

Result<std::unique_ptr<Daemon>> Daemon::start(DaemonOptions options) {
    TRY(fs::path socket, options.paths.control_socket());
    TRY_OK(make_private_directories(options.paths));
    TRY(InstanceLock lock, InstanceLock::take(options.paths.lock_file()));
    TRY(auto config, ConfigStore::load(posix_disk(), options.paths.config_file()));
    TRY(DeviceIdentity device,
        DeviceIdentity::load_or_create(posix_disk(), options.paths.state_directory / "device.key",
                                       system_random()));
    TRY(auto sync, start_sync(options, config->get()));
    std::unique_ptr<Daemon> daemon(new Daemon(std::make_unique<Parts>(
        options, std::move(lock), std::move(config), std::move(device), std::move(sync))));
    Parts& parts = *daemon->parts_;
    parts.context.log_levels = options.log_levels;
    parts.context.proxy = options.proxy;
    parts.context.apply_log_levels();
    TRY_OK(parts.open_api_to_programs(options));
    parts.vaults.open_all();
    TRY(parts.server, ControlServer::start(parts.context, socket, std::move(options.control_socket),
                                           parts.tcp ? &*parts.tcp : nullptr));
    parts.events.add({"daemon.started", {}, {}, "lockstepd started"});
    return daemon;
}

void Daemon::stop() {
    Parts& parts = *parts_;
    if (parts.is_stopped) return;
    parts.is_stopped = true;
    // Nobody waits any more, then nobody asks any more, then nothing changes any more.
    parts.events.add({"daemon.stopping", {}, {}, "lockstepd stops"});
    parts.polls.stop();
    parts.events.close();
    if (parts.server) parts.server->stop();
    parts.pairing.stop();
    parts.vaults.shut_down(std::chrono::steady_clock::now() + kPublishAtStop);
    // The engine's delegates are the pairing's: they end with it.
    parts.sync.reset();
}

Status Daemon::reload() {
    Parts& parts = *parts_;
    const api::Config before = parts.config->get();
    TRY_OK(parts.config->reload());
    const api::Config after = parts.config->get();
    parts.sync->set_label(device_label(after));
    if (after.relays != before.relays || after.relay_tokens != before.relay_tokens ||
        after.relay_strategy != before.relay_strategy ||
        after.relay_weights != before.relay_weights) {
        parts.sync->set_relays(relay_settings_of(after));
        parts.events.add({"relays.changed", {}, {}, {}});
    }
    parts.context.apply_proxy();
    parts.vaults.apply_limits();
    parts.context.apply_log_levels();
    for (const Setting& setting : settings()) {
        const std::string now = setting.show(after);
        if (now == setting.show(before)) continue;
        log_info("daemon", "{} = {}{}", setting.key, now,
                 setting.counts_at_once ? "" : ", from the next start");
        parts.events.add({"config.changed",
                          {},
                          std::string(setting.key),
                          fmt::format("{} changed", setting.key)});
    }
    log_info("daemon", "read {} again", parts.config->file().native());
    return {};
}

bool Daemon::is_alive() {
    Parts& parts = *parts_;
    if (parts.awaited && *parts.awaited > 0) return false;
    parts.awaited = std::make_shared<std::atomic<int>>(2);
    const auto answer = [awaited = parts.awaited] { --*awaited; };
    parts.server->post(answer);
    parts.sync->call_soon(answer);
    return true;
}

std::uint16_t Daemon::listen_port() const {
    return parts_->sync->listen_port();
}

fs::path Daemon::control_socket() const {
    return *parts_->paths.control_socket();
}

}  // namespace lockstep
