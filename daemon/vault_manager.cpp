#include "daemon/vault_manager.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "daemon/addresses.h"
#include "daemon/long_polls.h"
#include "daemon/memory_care.h"
#include "daemon/metered_network.h"
#include "daemon/sleep_watch.h"
#include "daemon/start_passphrase.h"
#include "vault/keys/device_identity.h"

namespace lockstep {

namespace {

constexpr std::chrono::milliseconds kCareInterval{250}, kCalmInterval{1'000};
constexpr std::chrono::seconds kMemoryInterval{1};
constexpr std::size_t kIdDigitsMin = 6;

}  // namespace

VaultManager::VaultManager(const VaultServices& services, LongPolls& polls)
    : services_(services), polls_(polls) {
    services_.sync.set_change_listener([this](const VaultId& vault) {
        {
            MutexLock lock(mutex_);
            changed_.insert(vault);
            if (changed_.size() == 1) wake_.notify_all();
        }
        polls_.wake();
    });
    carer_ = std::thread([this] { care(); });
}

VaultManager::~VaultManager() {
    CHECK(!carer_.joinable(), "shut_down() comes first");
}

// ---- start and end ------------------------------------------------------------------------------

void VaultManager::open_all() {
    // Also those of vaults that the configuration does not name any more.
    for (const fs::path& left : remove_left_mounts(services_.mount_name()))
        log_info("vault", "removed a mount of a daemon that died: {}", left.native());
    for (const api::VaultConfig& config : services_.config.get().vaults) {
        auto vault = std::make_shared<ManagedVault>(services_, config);
        {
            MutexLock lock(mutex_);
            vaults_.push_back(vault);
        }
        if (services_.may_mount) vault->guard_mount_points();
        if (!vault->open().ok()) continue;  // told and kept by the vault
        if (!vault->is_blind()) unlock_at_start(*vault, config);
    }
}

// With the key that is kept; without one, or when the passphrase has been changed elsewhere since,
// with the passphrase that is meant for this.
void VaultManager::unlock_at_start(ManagedVault& vault, const api::VaultConfig& config) {
    const auto warn = [&](const Error& error) {
        log_warning("vault", "{}: unlock at start: {}", config.name, error.message);
    };
    if (config.unlock_at_start) {
        const Status unlocked = vault.unlock({});
        if (unlocked.ok()) return;
        warn(unlocked.error());
    }
    Result<std::optional<api::SecretText>> passphrase = start_passphrase(config);
    if (!passphrase.ok()) return warn(passphrase.error());
    if (!*passphrase) return;
    api::UnlockVault request;
    request.passphrase = *std::move(*passphrase);
    if (const Status unlocked = vault.unlock(request); !unlocked.ok()) warn(unlocked.error());
}

void VaultManager::shut_down(SteadyTime deadline) {
    services_.sync.set_change_listener(nullptr);
    {
        MutexLock lock(mutex_);
        is_stopping_ = true;
        wake_.notify_all();
    }
    if (carer_.joinable()) carer_.join();
    MutexLock making(making_);
    for (const VaultPtr& vault : all()) vault->shut_down(deadline);
    MutexLock lock(mutex_);
    vaults_.clear();
}

// ---- making -------------------------------------------------------------------------------------

Result<api::VaultConfig> VaultManager::plan(std::string name, const std::string& directory,
                                            const std::string& mount, bool unlock_at_start) const {
    api::VaultConfig config;
    TRY_OK(api::check_vault_name(name));
    for (const std::string& path : {directory, mount}) {
        if (!path.empty() && path.front() != '/') {
            return Error{ErrorKind::Invalid, "paths are absolute here: " + path};
        }
        if (path.find('\0') != std::string::npos || !api::is_utf8(path)) {
            return Error{ErrorKind::Invalid, "a path must be UTF-8 without NUL"};
        }
    }
    config.name = std::move(name);
    config.directory = directory.empty() ? services_.paths.vault_directory(config.name).native()
                                         : normal_path(directory);
    if (!mount.empty())
        config.mounts = {{.directory = normal_path(mount), .path = {}, .is_read_only = false}};
    config.unlock_at_start = unlock_at_start;
    TRY_OK(check_free(config));
    return config;
}

Status VaultManager::check_free(const api::VaultConfig& config) const {
    for (const VaultPtr& vault : all()) {
        const api::VaultConfig other = vault->config();
        if (other.name == config.name) {
            return Error{ErrorKind::Exists,
                         fmt::format("a vault is named {} already", config.name)};
        }
        if (other.directory == config.directory) {
            return Error{ErrorKind::Exists,
                         fmt::format("{} is vault {} already", config.directory, other.name)};
        }
        for (const api::MountConfig& mount : config.mounts) {
            if (!vault->is_mount_point(mount.directory)) continue;
            return Error{ErrorKind::Exists, fmt::format("vault {} is mounted at {} already",
                                                        other.name, mount.directory)};
        }
    }
    return {};
}

Result<VaultManager::VaultPtr> VaultManager::take_over(std::unique_ptr<Vault> made,
                                                       const api::VaultConfig& config) {
    {
        MutexLock lock(mutex_);
        if (is_stopping_) return Error{ErrorKind::Cancelled, "the daemon stops"};
    }
    const VaultId id = made->id();
    for (const VaultPtr& vault : all()) {
        if (vault->id() == id) {
            return Error{ErrorKind::Exists,
                         fmt::format("this vault is here already, as {}", vault->name())};
        }
    }
    TRY_OK(services_.config.update([&](api::Config& all) -> Status {
        if (all.vaults.size() >= api::kVaultsMax) {
            return Error{ErrorKind::TooLarge, "no more vaults fit into the configuration"};
        }
        all.vaults.push_back(config);
        return {};
    }));
    auto vault = std::make_shared<ManagedVault>(services_, config);
    TRY_OK(vault->adopt(std::move(made)));
    {
        MutexLock lock(mutex_);
        vaults_.push_back(vault);
    }
    services_.events.add({"vault.added", config.name, {}, "added"});
    return vault;
}

// Mounting is what the user wished beside; that it failed is told by the vault's problem.
void VaultManager::mount_if_wanted(ManagedVault& vault) {
    if (Status unlocked = vault.unlock({}); !unlocked.ok()) {
        log_warning("vault", "{}: mount: {}", vault.name(), unlocked.error().message);
    }
}

Result<VaultManager::Created> VaultManager::create(const api::CreateVault& request) {
    if (request.passphrase.empty()) {
        return Error{ErrorKind::Invalid, "a vault needs a passphrase"};
    }
    MutexLock making(making_);
    TRY(api::VaultConfig config,
        plan(request.name, request.directory, request.mount, request.unlock_at_start));
    VaultCreation options;
    options.unlock_at_start = request.unlock_at_start;
    options.passphrase_stays_here = request.passphrase_stays_here;
    options.cost.memory_bytes = std::uint64_t{services_.config.get().kdf_memory_mib} << 20;
    if (request.kdf_memory_bytes != 0) {
        options.cost.memory_bytes = request.kdf_memory_bytes;
        // Else the next unlock would make it dearer.
        config.kdf_memory_mib = static_cast<std::uint32_t>(
            std::min<std::uint64_t>(request.kdf_memory_bytes >> 20, api::kKdfMemoryMibMax));
    }
    Created created;
    TRY(auto vault,
        Vault::create(services_.environment(), config.directory, request.passphrase.reveal_bytes(),
                      options, &created.recovery_code));
    TRY(created.vault, take_over(std::move(vault), config));
    mount_if_wanted(*created.vault);
    return created;
}

Result<VaultManager::VaultPtr> VaultManager::open(const api::OpenVault& request) {
    if (request.directory.empty()) return Error{ErrorKind::Invalid, "say which directory"};
    MutexLock making(making_);
    const fs::path directory = normal_path(request.directory);
    std::string name = request.name.empty() ? directory.filename().native() : request.name;
    if (request.name.empty() && name.ends_with(".vault")) name.resize(name.size() - 6);
    TRY(api::VaultConfig config,
        plan(std::move(name), directory.native(), request.mount, request.unlock_at_start));
    TRY(auto vault, Vault::open(services_.environment(), directory));
    if (request.passphrase.empty()) {
        if (vault->replica() == nullptr) {
            return Error{ErrorKind::Locked,
                         "this device has never been in that vault: the passphrase is needed"};
        }
    } else {
        TRY_OK(vault->unlock(request.passphrase.reveal_bytes()));
        if (request.unlock_at_start) TRY_OK(vault->set_unlock_at_start(true));
    }
    const bool is_unlocked = vault->is_unlocked();
    TRY(VaultPtr managed, take_over(std::move(vault), config));
    if (is_unlocked) mount_if_wanted(*managed);
    return managed;
}

Result<VaultManager::VaultPtr> VaultManager::finish_join(PendingJoin& pending, ByteView admission,
                                                         const Joined& chosen) {
    MutexLock making(making_);
    const std::string name = chosen.name.empty() ? free_name(pending.vault_label()) : chosen.name;
    TRY(api::VaultConfig config,
        plan(name, chosen.directory, chosen.mount, chosen.unlock_at_start));
    config.addresses = chosen.addresses;
    TRY(auto vault, pending.finish(config.directory, admission, chosen.unlock_at_start));
    if (vault->is_blind()) {
        TRY_OK(vault->set_quota(chosen.quota_bytes));
        return take_over(std::move(vault), config);
    }
    // Before it meets anybody. What has been joined stays joined: content that comes unasked can be
    // evicted.
    if (chosen.on_demand) {
        if (Status set = vault->set_keep("", Keep::OnDemand); !set.ok())
            log_warning("daemon", "content is not kept on demand: {}", set.error().message);
    }
    TRY(VaultPtr managed, take_over(std::move(vault), config));
    mount_if_wanted(*managed);
    return managed;
}

std::string VaultManager::free_name(const std::string& wish) const {
    std::string base;
    for (char c : wish) base += c == '/' || c == ':' ? '-' : c;
    if (!api::check_vault_name(base).ok() || base.size() > 60) base = "vault";
    std::string name = base;
    auto is_taken = [&] {
        return std::ranges::any_of(all(),
                                   [&](const VaultPtr& vault) { return vault->name() == name; });
    };
    for (std::size_t number = 2; is_taken(); ++number) name = fmt::format("{}-{}", base, number);
    return name;
}

// ---- finding and removing -----------------------------------------------------------------------

std::vector<VaultManager::VaultPtr> VaultManager::all() const {
    MutexLock lock(mutex_);
    return vaults_;
}

Result<VaultManager::VaultPtr> VaultManager::find(const std::string& reference) const {
    const std::vector<VaultPtr> vaults = all();
    for (const VaultPtr& vault : vaults) {
        if (vault->name() == reference) return vault;
    }
    VaultPtr found;
    const bool may_be_id = reference.size() >= kIdDigitsMin;
    const std::string path = reference.starts_with('/') ? normal_path(reference) : std::string();
    for (const VaultPtr& vault : vaults) {
        const std::optional<VaultId> id = vault->id();
        const bool is_it =
            (may_be_id && id && id->to_hex().starts_with(reference)) ||
            (!path.empty() && (vault->config().directory == path || vault->is_mount_point(path)));
        if (!is_it) continue;
        if (found) return Error{ErrorKind::Invalid, "several vaults begin with " + reference};
        found = vault;
    }
    if (!found) return Error{ErrorKind::NotFound, fmt::format("no vault '{}'", reference)};
    return found;
}

Status VaultManager::remove(const std::string& reference, bool delete_data) {
    MutexLock making(making_);
    TRY(VaultPtr vault, find(reference));
    const api::VaultConfig config = vault->config();
    const std::optional<VaultId> id = vault->id();
    TRY_OK(vault->detach(false));
    {
        MutexLock lock(mutex_);
        std::erase(vaults_, vault);
    }
    TRY_OK(services_.config.update([&](api::Config& all) -> Status {
        std::erase_if(all.vaults,
                      [&](const api::VaultConfig& one) { return one.name == config.name; });
        return {};
    }));
    services_.events.add({"vault.removed", config.name, {}, "removed"});
    if (!delete_data || !id) return {};
    std::error_code failure;
    fs::remove_all(config.directory, failure);
    if (failure) return Error{ErrorKind::Io, config.directory + ": " + failure.message()};
    fs::remove_all(services_.environment().state_directory / id->to_hex(), failure);
    if (failure) return Error{ErrorKind::Io, "its local state: " + failure.message()};
    return {};
}

// ---- pausing and care ---------------------------------------------------------------------------

Status VaultManager::pause(const VaultPtr& vault, std::uint64_t seconds) {
    if (seconds > kPauseMsMax / 1000)
        return Error{ErrorKind::Invalid, "a pause is a year long at most"};
    const auto now =
        static_cast<std::uint64_t>(std::max<std::int64_t>(0, services_.clock.wall_ms()));
    return vault->set_paused(true, seconds == 0 ? 0 : now + seconds * 1000);
}

Status VaultManager::resume(const VaultPtr& vault) {
    return vault->set_paused(false, 0);
}

void VaultManager::report_changes() {
    std::set<VaultId> changed;
    {
        MutexLock lock(mutex_);
        changed.swap(changed_);
    }
    if (changed.empty()) return;
    for (const VaultPtr& vault : all()) {
        std::optional<VaultId> id = vault->id();
        if (!id || !changed.contains(*id)) continue;
        vault->note_sightings();
        services_.events.add({"vault.changed", vault->name(), {}, {}});
    }
}

void VaultManager::apply_limits() {
    MutexLock lock(limiting_);
    api::BandwidthConfig bandwidth = services_.config.get().bandwidth;
    const std::tm local = local_time(services_.clock);
    // The schedule has caught up with what was switched by hand. (Not saved when the file was
    // edited meanwhile: the same limits count either way, until it is read.)
    if (api::choice_at(bandwidth, local) != bandwidth.choice &&
        services_.config
            .update([&](api::Config& config) -> Status {
                config.bandwidth.choice = api::choice_at(config.bandwidth, local);
                return {};
            })
            .ok())
        services_.events.add(
            {"config.changed", {}, "network.alternative.now", "network.alternative.now changed"});
    const bool is_alternative = api::is_alternative_at(bandwidth, local);
    const SyncLimits limits = limits_now(bandwidth, services_.clock);
    if (limits_ && is_alternative_ != is_alternative)
        services_.events.add(
            {"limits.changed",
             {},
             is_alternative ? "alternative" : "usual",
             is_alternative ? "the alternative limits count" : "the usual limits count"});
    is_alternative_ = is_alternative;
    if (limits_ == limits) return;
    services_.sync.set_limits(limits);
    limits_ = limits;
}

// Nobody is asked to hold the machine up for nothing.
void VaultManager::watch_sleep(std::unique_ptr<SleepWatch>& sleep) {
    const bool is_wanted = std::ranges::any_of(
        all(), [](const VaultPtr& vault) { return vault->config().lock_on_suspend; });
    if (is_wanted == (sleep != nullptr)) return;
    sleep.reset();
    if (!is_wanted) return;
    sleep = std::make_unique<SleepWatch>([this] {
        for (const VaultPtr& vault : all()) vault->lock_for_sleep();
    });
}

// Soon after something has changed, seldom else.
void VaultManager::care() {
    name_thread("ls-care");
    MemoryCare memory;
    MeteredNetwork network;
    std::unique_ptr<SleepWatch> sleep;
    SteadyTime memory_due{};
    while (true) {
        apply_limits();
        {
            MutexLock lock(mutex_);
            const SteadyTime begun = std::chrono::steady_clock::now();
            while (!is_stopping_) {
                const SteadyTime until = begun + (changed_.empty() ? kCalmInterval : kCareInterval);
                if (std::chrono::steady_clock::now() >= until) break;
                wake_.wait_until(mutex_, until);
            }
            if (is_stopping_) return;
        }
        for (const VaultPtr& vault : all()) {
            if (!vault->is_pause_over()) continue;
            if (Status resumed = resume(vault); !resumed.ok()) {
                log_warning("vault", "{}: resume: {}", vault->name(), resumed.error().message);
            }
        }
        const bool is_metered = services_.config.get().pause_when_metered && network.is_metered();
        for (const VaultPtr& vault : all()) vault->set_metered(is_metered);
        for (const VaultPtr& vault : all()) vault->tick();
        watch_sleep(sleep);
        if (const SteadyTime now = std::chrono::steady_clock::now(); now >= memory_due) {
            memory.tick();
            memory_due = now + kMemoryInterval;
        }
        report_changes();
    }
}

}  // namespace lockstep
