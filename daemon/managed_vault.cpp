#include "daemon/managed_vault.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/addresses.h"
#include "daemon/api/error_code.h"
#include "daemon/mount_users.h"

namespace lockstep {

using std::chrono::steady_clock;

namespace {

constexpr std::chrono::seconds kPublishAtLock{10};

bool is_below(const fs::path& path, const fs::path& directory) {
    auto [in_directory, in_path] =
        std::mismatch(directory.begin(), directory.end(), path.begin(), path.end());
    return in_directory == directory.end();
}

}  // namespace

ManagedVault::ManagedVault(const VaultServices& services, api::VaultConfig config)
    : services_(services), config_(std::move(config)) {}

ManagedVault::~ManagedVault() {
    MutexLock lock(operation_);
    leave_swarm();
    mount_.reset();
}

// ---- opening ------------------------------------------------------------------------------------

Status ManagedVault::open() {
    MutexLock lock(operation_);
    return open_locked();
}

Status ManagedVault::open_locked() {
    TRY_OK(check_usable());
    if (vault_) return {};
    Result<std::unique_ptr<Vault>> opened =
        Vault::open(services_.environment(), fs::path(config().directory));
    if (!opened.ok()) {
        set_problem(opened.error().message);
        return std::move(opened).error();
    }
    return adopt_locked(std::move(*opened));
}

Status ManagedVault::adopt(std::unique_ptr<Vault> vault) {
    MutexLock lock(operation_);
    TRY_OK(check_usable());
    return adopt_locked(std::move(vault));
}

Status ManagedVault::adopt_locked(std::unique_ptr<Vault> vault) {
    CHECK(!vault_);
    vault_ = std::move(vault);
    runner_ = std::make_unique<VaultRunner>(*vault_);
    transfers_ = std::make_unique<Transfers>(vault_->files(), services_.random);
    {
        MutexLock state_lock(state_);
        opened_ = vault_.get();
        problem_.clear();
    }
    join_swarm();
    return {};
}

void ManagedVault::join_swarm() {
    if (is_in_swarm_ || is_gone_ || !vault_) return;
    Replica* replica = vault_->replica();
    if (replica == nullptr) return;  // never been here: after the first unlock
    const api::VaultConfig chosen = config();
    VaultSyncOptions options;
    options.paused = chosen.paused;
    for (const std::string& text : chosen.addresses) {
        if (Result<PeerAddress> address = parse_address(text); address.ok()) {
            options.known_addresses.push_back(*address);
        }
    }
    Status added = services_.sync.add_vault(*replica, options);
    if (!added.ok()) {
        set_problem("it does not sync: " + added.error().message);
        return;
    }
    is_in_swarm_ = true;
}

void ManagedVault::leave_swarm() {
    if (!is_in_swarm_) return;
    services_.sync.remove_vault(vault_->id());
    is_in_swarm_ = false;
}

// ---- locking ------------------------------------------------------------------------------------

Status ManagedVault::check_usable() {
    if (is_gone_) return Error{ErrorKind::NotFound, "the vault is being removed"};
    return {};
}

Status ManagedVault::unlock(const api::UnlockVault& request) {
    MutexLock lock(operation_);
    TRY_OK(open_locked());
    if (!vault_->is_unlocked()) {
        TRY_OK(request.passphrase.empty() ? vault_->unlock_with_stored_key()
                                          : vault_->unlock(request.passphrase.reveal_bytes()));
        tell("vault.unlocked", "unlocked");
    }
    join_swarm();
    if (request.at_start) {
        TRY_OK(vault_->set_unlock_at_start(true));
        TRY_OK(remember([](api::VaultConfig& config) { config.unlock_at_start = true; }));
    }
    const std::string directory = config().mount;
    if (mount_ || directory.empty()) return {};
    if (Status mounted = mount_locked(directory, false); !mounted.ok()) {
        set_problem("it is not mounted: " + mounted.error().message);
    }
    return {};
}

Status ManagedVault::lock(bool is_forced) {
    MutexLock lock(operation_);
    TRY_OK(check_usable());
    return lock_locked(is_forced);
}

Status ManagedVault::lock_locked(bool is_forced) {
    if (!vault_ || !vault_->is_unlocked()) return {};
    if (!is_forced && transfers_->count() > 0) {
        return Error{ErrorKind::Busy, "files of it are being copied by get or put"};
    }
    TRY_OK(unmount_locked(is_forced));
    transfers_->drop_all();
    Status published = runner_->publish_now(steady_clock::now() + kPublishAtLock);
    if (!published.ok() && !is_forced) return std::move(published).error().in("publish first");
    TRY_OK(vault_->lock(is_forced));
    tell("vault.locked", "locked");
    return {};
}

// ---- mounting -----------------------------------------------------------------------------------

Status ManagedVault::check_mount_point(const std::string& directory) const {
    if (directory.empty() || directory.front() != '/') {
        return Error{ErrorKind::Invalid, "a mount point is an absolute path"};
    }
    const fs::path mount = fs::path(directory).lexically_normal();
    const fs::path kept[] = {config().directory, services_.paths.state_directory,
                             services_.paths.config_directory, services_.paths.runtime_directory};
    for (const fs::path& path : kept) {
        if (is_below(path, mount) || is_below(mount, path)) {
            return Error{ErrorKind::Invalid,
                         fmt::format("a mount at {} would cover {}, or lie in it", mount.native(),
                                     path.native())};
        }
    }
    return {};
}

Status ManagedVault::mount(const api::MountVault& request) {
    MutexLock lock(operation_);
    TRY_OK(check_usable());
    std::string directory = request.directory.empty() ? config().mount : request.directory;
    if (directory.empty()) {
        return Error{ErrorKind::Invalid, "it has never been mounted: say where"};
    }
    if (mount_ && has_mount_ended_) mount_.reset();
    if (mount_) {
        if (mount_->directory() == fs::path(directory).lexically_normal()) return {};
        return Error{ErrorKind::Busy,
                     fmt::format("it is mounted at {} already", mount_->directory().native())};
    }
    if (!vault_ || !vault_->is_unlocked()) {
        return Error{ErrorKind::Locked, "the vault is locked; unlock it first"};
    }
    TRY_OK(mount_locked(directory, request.is_read_only));
    return remember([&](api::VaultConfig& config) { config.mount = directory; });
}

Status ManagedVault::mount_locked(const std::string& directory, bool is_read_only) {
    TRY_OK(check_mount_point(directory));
    const fs::path path = fs::path(directory).lexically_normal();
    remove_dead_mount(path);
    std::error_code failure;
    if (!fs::exists(path, failure)) TRY_OK(services_.disk.make_directories(path));
    MountOptions options;
    options.name = "lockstep";
    options.read_only = is_read_only;
    options.uid = ::getuid();
    options.gid = ::getgid();
    has_mount_ended_ = false;
    options.on_finished = [this] { has_mount_ended_ = true; };
    TRY(mount_, Mount::mount(vault_->files(), path, std::move(options)));
    {
        MutexLock state_lock(state_);
        mounted_at_ = path.native();
        problem_.clear();
    }
    tell("vault.mounted", "mounted at " + path.native());
    return {};
}

Status ManagedVault::unmount(bool is_forced) {
    MutexLock lock(operation_);
    TRY_OK(check_usable());
    if (!mount_) return Error{ErrorKind::NotFound, "the vault is not mounted"};
    return unmount_locked(is_forced);
}

Status ManagedVault::unmount_locked(bool is_forced) {
    if (!mount_) return {};
    const fs::path directory = mount_->directory();
    Status unmounted = is_forced ? mount_->unmount_lazily() : mount_->unmount();
    if (!unmounted.ok()) {
        Error error = std::move(unmounted).error();
        if (error.kind == ErrorKind::Busy) error.message += used_by(directory);
        return error;
    }
    mount_.reset();
    {
        MutexLock state_lock(state_);
        mounted_at_.clear();
    }
    tell("vault.unmounted", "unmounted from " + directory.native());
    return {};
}

void ManagedVault::tick() {
    if (has_mount_ended_) {
        MutexLock lock(operation_);
        if (has_mount_ended_.exchange(false) && mount_) {
            mount_.reset();
            MutexLock state_lock(state_);
            mounted_at_.clear();
        }
    }
    if (vault() != nullptr) transfers_->drop_idle();
}

// ---- leaving ------------------------------------------------------------------------------------

void ManagedVault::shut_down(steady_clock::time_point deadline) {
    MutexLock lock(operation_);
    is_gone_ = true;
    if (!vault_) return;
    transfers_->drop_all();
    if (mount_) {
        if (Status unmounted = mount_->unmount(); !unmounted.ok()) {
            log_warning("vault", "{}: files are open; taking the mount away", name());
            if (Status forced = mount_->unmount_lazily(); !forced.ok()) {
                log_error("vault", "{}: unmount: {}", name(), forced.error().message);
            }
        }
        mount_.reset();
    }
    if (vault_->is_unlocked()) {
        if (Status published = runner_->publish_now(deadline); !published.ok()) {
            log_warning("vault", "{}: not everything is published: {}", name(),
                        api::error_code(published.error().kind));
        }
    }
    leave_swarm();
    runner_.reset();
    if (Status locked = vault_->lock(true); !locked.ok()) {
        // Not the messages: they may name files.
        log_error("vault", "{}: lock: {}", name(), api::error_code(locked.error().kind));
    }
}

Status ManagedVault::detach(bool is_forced) {
    MutexLock lock(operation_);
    TRY_OK(check_usable());
    TRY_OK(lock_locked(is_forced));
    is_gone_ = true;
    leave_swarm();
    const std::string directory = config().mount;
    std::error_code failure;
    if (!directory.empty() && fs::is_directory(directory, failure)) {
        if (Status opened = remove_mount_point_guard(directory); !opened.ok()) {
            log_warning("vault", "{}: {}", name(), opened.error().message);
        }
    }
    return {};
}

Status ManagedVault::set_paused(bool is_paused, bool is_kept) {
    MutexLock lock(operation_);
    TRY_OK(check_usable());
    if (is_kept) {
        TRY_OK(remember([&](api::VaultConfig& config) { config.paused = is_paused; }));
    } else {
        MutexLock state_lock(state_);
        config_.paused = is_paused;
    }
    if (is_in_swarm_) {
        if (is_paused) {
            services_.sync.pause(vault_->id());
        } else {
            services_.sync.resume(vault_->id());
        }
    }
    tell(is_paused ? "vault.paused" : "vault.resumed", is_paused ? "paused" : "resumed");
    return {};
}

// Changes this vault's configuration, in the file first.
Status ManagedVault::remember(const std::function<void(api::VaultConfig&)>& change) {
    const std::string vault_name = name();
    TRY_OK(services_.config.update([&](api::Config& all) -> Status {
        for (api::VaultConfig& vault : all.vaults) {
            if (vault.name == vault_name) change(vault);
        }
        return {};
    }));
    MutexLock lock(state_);
    change(config_);
    return {};
}

void ManagedVault::set_problem(std::string problem) {
    log_warning("vault", "{}: {}", name(), problem);
    tell("vault.problem", problem);
    MutexLock lock(state_);
    problem_ = std::move(problem);
}

void ManagedVault::tell(std::string type, std::string message) {
    services_.events.add({std::move(type), name(), {}, std::move(message)});
}

}  // namespace lockstep
