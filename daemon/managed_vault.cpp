#include "daemon/managed_vault.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/addresses.h"
#include "daemon/api/error_code.h"

namespace lockstep {

using std::chrono::steady_clock;

namespace {

constexpr std::chrono::seconds kPublishAtLock{10};
constexpr std::chrono::seconds kMailboxesAtStop{2};
constexpr std::string_view kSightingsName = "sightings";
constexpr std::size_t kSightingsSizeMax = std::size_t{64} << 10;
constexpr std::chrono::minutes kSightingsKept{10};

}  // namespace

std::string mount_problem_text(const std::string& directory, const std::string& problem) {
    return fmt::format("it is not mounted at {}: {}", directory, problem);
}

std::string normal_path(const std::string& path) {
    fs::path normal = fs::path(path).lexically_normal();
    if (!normal.has_filename() && normal.has_parent_path()) normal = normal.parent_path();
    return normal.native();
}

ManagedVault::ManagedVault(const VaultServices& services, api::VaultConfig config)
    : services_(services), config_(std::move(config)) {}

ManagedVault::~ManagedVault() {
    presence_care_.reset();  // it uses the rest
    MutexLock lock(operation_);
    leave_swarm();
    leave_directory();
    mirrors_.reset();
    mounts_.reset();
}

// ---- opening ------------------------------------------------------------------------------------

Status ManagedVault::open() {
    MutexLock lock(operation_);
    return open_locked();
}

Status ManagedVault::open_locked() {
    TRY_OK(check_usable());
    if (vault_) return {};
    VaultEnvironment environment = services_.environment();
    environment.passphrase_cost_min = KdfCost{.memory_bytes = kdf_memory_bytes()};
    Result<std::unique_ptr<Vault>> opened = Vault::open(environment, fs::path(config().directory));
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
    mounts_ =
        std::make_unique<VaultMounts>(vault_->files(), vault_->history(), services_.mount_name());
    mirrors_ = std::make_unique<VaultMirrors>(
        vault_->files(),
        MirrorsEnvironment{.clock = services_.clock,
                           .random = services_.random,
                           .state_directory = mirror_states(),
                           .device_label = device_label(services_.config.get()),
                           .begin_meeting = [this] { return begin_meeting(*vault_); }},
        [this] { has_mirror_news_ = true; });
    {
        MutexLock state_lock(state_);
        opened_ = vault_.get();
        problem_.clear();
    }
    restore_sightings();
    watch_directory();
    join_swarm();
    return {};
}

// "Last news from laptop: 3 days" must be true after a restart, too.
void ManagedVault::restore_sightings() {
    const fs::path path = services_.environment().state_directory / vault_->id().to_hex();
    auto text = services_.disk.read_file(path / kSightingsName, kSightingsSizeMax);
    if (text.ok()) sightings_.restore(as_text(*text));
}

void ManagedVault::save_sightings() {
    const fs::path path = services_.environment().state_directory / vault_->id().to_hex();
    const std::string text = sightings_.text();
    auto before = services_.disk.read_file(path / kSightingsName, kSightingsSizeMax);
    if (text.empty() || (before.ok() && as_text(*before) == text)) return;
    if (Status saved = services_.disk.write_file_durably(path / kSightingsName, as_bytes(text));
        !saved.ok())
        log_warning("vault", "who was seen when is not kept: {}",
                    api::error_code(saved.error().kind));
}

// Objects come by the directory, too; whether syncing is paused or not: that is between devices.
void ManagedVault::watch_directory() {
    if (is_gone_ || !vault_ || vault_->replica() == nullptr) return;
    {
        MutexLock state_lock(state_);
        if (drop_box_) return;
    }
    auto drop_box = std::make_shared<VaultDropBox>(*vault_);
    MutexLock state_lock(state_);
    drop_box_ = std::move(drop_box);
}

void ManagedVault::leave_directory() {
    std::shared_ptr<VaultDropBox> drop_box;
    {
        MutexLock state_lock(state_);
        drop_box = std::move(drop_box_);
        drop_box_.reset();
    }
}

void ManagedVault::join_swarm() {
    if (is_in_swarm_ || is_gone_ || !vault_) return;
    Replica* replica = vault_->replica();
    if (replica == nullptr) return;  // never been here: after the first unlock
    const api::VaultConfig chosen = config();
    VaultSyncOptions options;
    options.paused = chosen.paused || is_metered_;
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
    note_use();
    if (!vault_->is_unlocked()) {
        TRY_OK(request.passphrase.empty() ? vault_->unlock_with_stored_key()
                                          : vault_->unlock(request.passphrase.reveal_bytes()));
        tell("vault.unlocked", "unlocked");
    }
    watch_directory();
    join_swarm();
    if (request.at_start) {
        TRY_OK(vault_->set_unlock_at_start(true));
        TRY_OK(remember([](api::VaultConfig& config) { config.unlock_at_start = true; }));
    }
    for (const api::MountConfig& mount : config().mounts) {
        if (Status mounted = mount_locked(mount); !mounted.ok())
            note_mount_problem(mount, mounted.error().message);
    }
    start_mirrors();
    return {};
}

Status ManagedVault::lock(bool is_forced) {
    MutexLock lock(operation_);
    TRY_OK(check_usable());
    return lock_locked(is_forced, {kPublishAtLock, {}, "locked"});
}

Status ManagedVault::lock_locked(bool is_forced, const LockReason& reason) {
    if (!vault_ || !vault_->is_unlocked()) return {};
    if (!is_forced && transfers_->count() > 0) {
        return Error{ErrorKind::Busy, "files of it are being copied by get or put"};
    }
    // Nobody waits for content of other devices any more: the mounts end at once.
    if (is_forced) vault_->set_waiting(false);
    if (Status unmounted = unmount_all_locked(is_forced); !unmounted.ok()) {
        vault_->set_waiting(true);
        return unmounted;
    }
    transfers_->drop_all();
    mirrors_->stop_all();
    // What cannot be published (the disk is full) lock() leaves in the journal, or it fails.
    if (Status published = runner_->publish_now(steady_clock::now() + reason.publish_time);
        !published.ok())
        log_warning("vault", "{}: not published before the lock: {}", name(),
                    published.error().message);
    if (Status locked = vault_->lock(is_forced); !locked.ok()) {
        vault_->set_waiting(true);
        start_mirrors();
        return locked;
    }
    forget_changes();
    tell("vault.locked", reason.message, reason.subject);
    return {};
}

// ---- mounting -----------------------------------------------------------------------------------

// A mount must neither cover what Lockstep needs nor lie in what is synced: its guard and its mode
// would become a change of the vault that it lies in.
Status ManagedVault::check_mount_point(const std::string& directory) const {
    if (directory.empty() || directory.front() != '/') {
        return Error{ErrorKind::Invalid, "a mount point is an absolute path"};
    }
    for (const api::VaultConfig& vault : services_.config.get().vaults) {
        if (vault.name == name()) continue;
        for (const api::MountConfig& mount : vault.mounts) {
            if (mount.directory == directory)
                return Error{ErrorKind::Exists, fmt::format("vault {} is mounted at {} already",
                                                            vault.name, directory)};
        }
    }
    return check_apart(directory, "a mount at");
}

Status ManagedVault::mount(const api::MountVault& request) {
    MutexLock lock(operation_);
    TRY_OK(check_usable());
    TRY(const std::string path, api::normal_vault_path(request.path));
    if (!vault_ || !vault_->is_unlocked()) {
        return is_blind() ? blind_error()
                          : Error{ErrorKind::Locked, "the vault is locked; unlock it first"};
    }
    if (mounts_->has_news()) note_mounts();
    if (request.directory.empty()) return mount_remembered(path, request);
    const api::MountConfig mount{.directory = normal_path(request.directory),
                                 .path = path,
                                 .is_read_only = request.is_read_only || request.at_ms != 0,
                                 .has_owners = request.has_owners,
                                 .at_ms = request.at_ms};
    if (mount.at_ms < 0 || mount.at_ms > services_.clock.wall_ms())
        return Error{ErrorKind::Invalid, "that time is yet to come, or before 1970"};
    if (!api::is_utf8(mount.directory) || mount.directory.find('\0') != std::string::npos)
        return Error{ErrorKind::Invalid, "a mount point must be UTF-8 without NUL"};
    const std::vector<api::MountConfig> known = config().mounts;
    const bool is_known = std::ranges::any_of(
        known, [&](const auto& one) { return one.directory == mount.directory; });
    if (!is_known && known.size() >= api::kMountsMax)
        return Error{ErrorKind::TooLarge, "the vault has as many mounts as it may have"};
    TRY_OK(mount_locked(mount));
    return remember([&](api::VaultConfig& config) {
        std::erase_if(config.mounts,
                      [&](const auto& one) { return one.directory == mount.directory; });
        config.mounts.push_back(mount);
    });
}

Status ManagedVault::mount_remembered(const std::string& path, const api::MountVault& request) {
    std::size_t found = 0;
    for (api::MountConfig mount : config().mounts) {
        if (!path.empty() && mount.path != path) continue;
        ++found;
        if (mounts_->is_mounted_at(mount.directory)) continue;
        mount.is_read_only = mount.is_read_only || request.is_read_only;
        mount.has_owners = mount.has_owners || request.has_owners;
        TRY_OK(mount_locked(mount));
    }
    if (found > 0) return {};
    return Error{ErrorKind::Invalid, "it has never been mounted: say where"};
}

Status ManagedVault::mount_locked(const api::MountConfig& mount) {
    if (!services_.may_mount)
        return Error{ErrorKind::Refused, "this lockstepd mounts nothing: it runs with --no-mount"};
    TRY_OK(check_mount_point(mount.directory));
    if (!mounts_->is_mounted_at(mount.directory)) {
        TRY_OK(remove_dead_mounts(mount.directory));
        std::error_code failure;
        if (!fs::exists(mount.directory, failure))
            TRY_OK(services_.disk.make_directories(mount.directory));
    }
    TRY_OK(mounts_->add(mount));
    {
        MutexLock state_lock(state_);
        mount_problems_.erase(mount.directory);
    }
    note_mounts();
    tell("vault.mounted", "mounted at " + mount.directory);
    return {};
}

Status ManagedVault::unmount(const api::UnmountVault& request) {
    MutexLock lock(operation_);
    TRY_OK(check_usable());
    if (mounts_ && mounts_->has_news()) note_mounts();
    std::vector<std::string> directories;
    if (!request.directory.empty()) {
        directories.push_back(normal_path(request.directory));
    } else {
        for (const api::MountConfig& mount : config().mounts)
            directories.push_back(mount.directory);
    }
    const bool is_mounted = mounts_ && std::ranges::any_of(directories, [&](const auto& one) {
                                return mounts_->is_mounted_at(one);
                            });
    const bool is_known = std::ranges::any_of(
        directories, [&](const std::string& one) { return is_mount_point(one); });
    if (!is_mounted && !(request.is_forgotten && is_known))
        return Error{ErrorKind::NotFound, request.directory.empty()
                                              ? "the vault is not mounted"
                                              : "nothing is mounted at " + directories.front()};
    if (is_mounted && request.directory.empty()) {
        TRY_OK(unmount_all_locked(request.is_forced));
    } else if (is_mounted) {
        TRY_OK(mounts_->remove(directories.front(), request.is_forced));
        note_mounts();
        tell("vault.unmounted", "unmounted from " + directories.front());
    }
    if (!request.is_forgotten) return {};
    TRY_OK(remember([&](api::VaultConfig& config) {
        std::erase_if(config.mounts, [&](const auto& one) {
            return std::ranges::count(directories, one.directory) > 0;
        });
    }));
    forget_mounts(directories);
    return {};
}

Status ManagedVault::unmount_all_locked(bool is_forced) {
    const std::vector<api::MountConfig> before = mounts_->list();
    Status removed = mounts_->remove_all(is_forced);
    note_mounts();
    if (!removed.ok()) return removed;
    {
        MutexLock state_lock(state_);
        mount_problems_.clear();
    }
    for (const api::MountConfig& mount : before)
        tell("vault.unmounted", "unmounted from " + mount.directory);
    return {};
}

// Also finds those that somebody else has unmounted.
void ManagedVault::note_mounts() {
    for (const api::MountConfig& ended : mounts_->drop_ended())
        tell("vault.unmounted", "unmounted from " + ended.directory + " by somebody else");
    MutexLock state_lock(state_);
    mounted_ = mounts_->list();
}

void ManagedVault::note_mount_problem(const api::MountConfig& mount, const std::string& problem) {
    // A remembered mount point stays guarded although nothing could be mounted on it now.
    if (Status guarded = guard_mount_point(mount.directory); !guarded.ok())
        log_warning("vault", "{}: a mount point is not guarded: {}", name(),
                    api::error_code(guarded.error().kind));
    const std::string sentence = mount_problem_text(mount.directory, problem);
    log_warning("vault", "{}: {}", name(), sentence);
    tell("vault.problem", sentence);
    MutexLock state_lock(state_);
    mount_problems_[mount.directory] = problem;
}

void ManagedVault::guard_mount_points() {
    for (const api::MountConfig& mount : config().mounts) {
        std::error_code failure;
        if (!fs::is_directory(mount.directory, failure)) continue;
        // What is not empty, or not ours, is told when it is to be mounted.
        static_cast<void>(guard_mount_point(mount.directory).ok());
    }
}

void ManagedVault::forget_mounts(const std::vector<std::string>& directories) {
    remove_guards(directories);
    MutexLock state_lock(state_);
    for (const std::string& directory : directories) mount_problems_.erase(directory);
}

void ManagedVault::remove_guards(const std::vector<std::string>& directories) const {
    for (const std::string& directory : directories) {
        std::error_code failure;
        if (!fs::is_directory(directory, failure)) continue;
        if (Status opened = remove_mount_point_guard(directory); !opened.ok())
            log_warning("vault", "{}: {}", name(), opened.error().message);
    }
}

void ManagedVault::tick() {
    if (vault() == nullptr) return;
    if (mounts_->has_news()) {
        MutexLock lock(operation_);
        note_mounts();
    }
    if (has_mirror_news_.exchange(false)) note_mirrors();
    note_rewrites();
    tell_changes(*vault_);
    transfers_->drop_idle();
    care_for_presence();
    const auto now = services_.clock.steady();
    if (vault_->replica() == nullptr || now - sightings_saved_ < kSightingsKept) return;
    sightings_saved_ = now;
    note_sightings();
    save_sightings();
}

// ---- leaving ------------------------------------------------------------------------------------

void ManagedVault::shut_down(steady_clock::time_point deadline) {
    MutexLock lock(operation_);
    is_gone_ = true;
    if (!vault_) return;
    vault_->set_waiting(false);
    transfers_->drop_all();
    mirrors_->stop_all();
    mounts_->remove_all_at_end();
    if (vault_->is_unlocked()) {
        if (Status published = runner_->publish_now(deadline); !published.ok()) {
            log_warning("vault", "{}: not everything is published: {}", name(),
                        api::error_code(published.error().kind));
        }
    }
    if (vault_->replica() != nullptr) {
        note_sightings();
        save_sightings();
    }
    if (is_in_swarm_) services_.sync.leave_in_mailboxes(vault_->id(), kMailboxesAtStop);
    leave_swarm();
    leave_directory();
    runner_.reset();
    if (Status locked = vault_->lock(true); !locked.ok()) {
        // Not the messages: they may name files.
        log_error("vault", "{}: lock: {}", name(), api::error_code(locked.error().kind));
    }
}

Status ManagedVault::detach(bool is_forced) {
    MutexLock lock(operation_);
    TRY_OK(check_usable());
    TRY_OK(lock_locked(is_forced, {kPublishAtLock, {}, "locked"}));
    is_gone_ = true;
    leave_swarm();
    leave_directory();
    std::vector<std::string> directories;
    for (const api::MountConfig& mount : config().mounts) directories.push_back(mount.directory);
    remove_guards(directories);
    for (const api::MirrorConfig& mirror : config().mirrors)
        VaultMirrors::clean_up(mirror_states(), mirror);
    return {};
}

Status ManagedVault::set_paused(bool is_paused, std::uint64_t until_ms) {
    MutexLock lock(operation_);
    TRY_OK(check_usable());
    TRY_OK(remember([&](api::VaultConfig& config) {
        config.paused = is_paused;
        config.paused_until_ms = is_paused ? until_ms : 0;
    }));
    apply_pause();
    tell(is_paused ? "vault.paused" : "vault.resumed", is_paused ? "paused" : "resumed");
    return {};
}

void ManagedVault::set_metered(bool is_metered) {
    if (is_metered_ == is_metered) return;
    MutexLock lock(operation_);
    is_metered_ = is_metered;
    apply_pause();
    const bool is_paused = is_metered || config().paused;
    tell(is_paused ? "vault.paused" : "vault.resumed",
         is_metered ? "the network is metered" : "the network is not metered any more");
}

void ManagedVault::apply_pause() {
    if (!is_in_swarm_) return;
    if (config().paused || is_metered_) {
        services_.sync.pause(vault_->id());
    } else {
        services_.sync.resume(vault_->id());
    }
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

void ManagedVault::tell(std::string type, std::string message, std::string subject) {
    services_.events.add({std::move(type), name(), std::move(subject), std::move(message)});
}

}  // namespace lockstep
