// ManagedVault: its mirrors, and the folders that they and mounts may have.
#include <fmt/format.h>

#include "base/log.h"
#include "daemon/api/error_code.h"
#include "daemon/managed_vault.h"

namespace lockstep {

namespace {

constexpr std::size_t kIdentitySize = 16;

bool is_below(const fs::path& path, const fs::path& directory) {
    auto [in_directory, in_path] =
        std::mismatch(directory.begin(), directory.end(), path.begin(), path.end());
    return in_directory == directory.end();
}

// Links resolved as far as the path is there.
fs::path real_path(const fs::path& path) {
    std::error_code failure;
    fs::path real = fs::weakly_canonical(path, failure);
    return failure ? path : real;
}

}  // namespace

// Neither a mount nor a mirror may cover what Lockstep needs or what another of them shows, or lie
// in it.
Status ManagedVault::check_apart(const std::string& directory, const char* what) const {
    std::vector<fs::path> kept = {services_.paths.state_directory, services_.paths.config_directory,
                                  services_.paths.runtime_directory};
    for (const api::VaultConfig& vault : services_.config.get().vaults) {
        kept.emplace_back(vault.directory);
        for (const api::MountConfig& mount : vault.mounts)
            if (mount.directory != directory) kept.emplace_back(mount.directory);
        for (const api::MirrorConfig& mirror : vault.mirrors)
            if (mirror.directory != directory) kept.emplace_back(mirror.directory);
    }
    for (const fs::path& path : kept) {
        if (is_below(path, directory) || is_below(directory, path)) {
            return Error{ErrorKind::Invalid, fmt::format("{} {} would cover {}, or lie in it", what,
                                                         directory, path.native())};
        }
    }
    return {};
}

Status ManagedVault::check_mirror_folder(const std::string& directory) const {
    if (directory.empty() || directory.front() != '/')
        return Error{ErrorKind::Invalid, "the folder of a mirror is an absolute path"};
    if (!api::is_utf8(directory) || directory.find('\0') != std::string::npos)
        return Error{ErrorKind::Invalid, "the folder's path must be UTF-8 without NUL"};
    for (const api::VaultConfig& vault : services_.config.get().vaults) {
        for (const api::MountConfig& mount : vault.mounts) {
            if (mount.directory == directory)
                return Error{ErrorKind::Exists,
                             fmt::format("vault {} is mounted at {}", vault.name, directory)};
        }
        for (const api::MirrorConfig& mirror : vault.mirrors) {
            if (mirror.directory == directory)
                return Error{ErrorKind::Exists,
                             fmt::format("{} is a mirror of {} already", directory, vault.name)};
        }
    }
    return check_apart(directory, "a mirror in");
}

Result<api::MirrorInfo> ManagedVault::add_mirror(const api::AddMirror& request) {
    MutexLock lock(operation_);
    TRY_OK(check_usable());
    TRY(const std::string path, api::normal_vault_path(request.path));
    if (!vault_ || !vault_->is_unlocked())
        return is_blind() ? blind_error()
                          : Error{ErrorKind::Locked, "the vault is locked; unlock it first"};
    if (config().mirrors.size() >= api::kMirrorsMax)
        return Error{ErrorKind::TooLarge, "the vault has as many mirrors as it may have"};
    TRY_OK(check_mirror_folder(request.directory));
    Bytes identity(kIdentitySize);
    services_.random.fill(identity);
    const api::MirrorConfig mirror{.directory = real_path(normal_path(request.directory)).native(),
                                   .path = path,
                                   .identity = hex(identity),
                                   .has_brake = request.has_brake};
    TRY_OK(check_mirror_folder(mirror.directory));
    TRY_OK(services_.disk.make_directories(mirror_states()));
    TRY_OK(FolderMirror::prepare(mirror.directory, mirror.identity));
    Status started = mirrors_->start(mirror);
    if (started.ok())
        started = remember([&](api::VaultConfig& config) { config.mirrors.push_back(mirror); });
    if (!started.ok()) {
        mirrors_->stop(mirror.directory);
        VaultMirrors::clean_up(mirror_states(), mirror);
        return std::move(started).error();
    }
    tell("mirror.added", "a mirror in " + mirror.directory);
    api::MirrorInfo info = mirrors_->info(mirror);
    info.vault = name();
    return info;
}

Status ManagedVault::remove_mirror(const std::string& directory) {
    MutexLock lock(operation_);
    TRY_OK(check_usable());
    const std::vector<api::MirrorConfig> known = config().mirrors;
    const auto at = std::ranges::find(known, directory, &api::MirrorConfig::directory);
    if (at == known.end())
        return Error{ErrorKind::NotFound, fmt::format("{} is no mirror", directory)};
    if (mirrors_) mirrors_->stop(directory);
    TRY_OK(remember([&](api::VaultConfig& config) {
        std::erase_if(config.mirrors, [&](const auto& one) { return one.directory == directory; });
    }));
    VaultMirrors::clean_up(mirror_states(), *at);
    tell("mirror.removed", "no mirror in " + directory + " any more");
    return {};
}

void ManagedVault::start_mirrors() {
    const std::vector<api::MirrorConfig> mirrors = config().mirrors;
    if (mirrors.empty()) return;
    Status ready = services_.disk.make_directories(mirror_states());
    for (const api::MirrorConfig& mirror : mirrors) {
        Status started = ready;
        if (started.ok()) started = mirrors_->start(mirror);
        if (started.ok()) continue;
        log_warning("vault", "{}: a mirror does not run: {}", name(),
                    api::error_code(started.error().kind));
        tell("mirror.problem", fmt::format("the mirror in {} does not run: {}", mirror.directory,
                                           started.error().message));
    }
}

std::vector<api::MirrorInfo> ManagedVault::mirrors() const {
    const api::VaultConfig config = this->config();
    const bool is_unlocked = vault() != nullptr && vault()->is_unlocked();
    std::vector<api::MirrorInfo> mirrors;
    for (const api::MirrorConfig& mirror : config.mirrors) {
        api::MirrorInfo info;
        if (is_unlocked) {
            info = mirrors_->info(mirror);
        } else {
            info.directory = mirror.directory;
            info.path = mirror.path;
            info.has_brake = mirror.has_brake;
            info.state = "locked";
        }
        info.vault = config.name;
        mirrors.push_back(std::move(info));
    }
    return mirrors;
}

void ManagedVault::note_mirrors() {
    for (const api::MirrorInfo& mirror : mirrors()) {
        const bool is_held = mirror.state == mirror_phase_text(MirrorPhase::Held);
        if (!is_held && mirror.problem.empty()) continue;
        tell("mirror.problem",
             is_held ? fmt::format("{}: {} deletes wait for `lockstep brake release`",
                                   mirror.directory, mirror.held_in_vault + mirror.held_in_folder)
                     : fmt::format("{}: {}", mirror.directory, mirror.problem));
    }
}

// ---- the brake

namespace {

std::string held_text(const api::HeldRewritesInfo& held) {
    return held.is_own ? fmt::format(
                             "{} files were rewritten to noise on this device within ten "
                             "minutes, as ransomware does: nothing is published",
                             held.files)
                       : fmt::format(
                             "{} rewrote {} files to noise within ten minutes, as "
                             "ransomware does: what it writes is not applied here",
                             held.label, held.files);
}

}  // namespace

std::vector<api::HeldRewritesInfo> ManagedVault::held_rewrites() const {
    std::vector<api::HeldRewritesInfo> out;
    Vault* vault = this->vault();
    if (vault == nullptr || !vault->is_unlocked() || vault->replica() == nullptr) return out;
    const std::vector<HeldRewrites> all = vault->held_rewrites();
    if (all.empty()) return out;
    const std::vector<Member> members = vault->replica()->members();
    for (const HeldRewrites& held : all) {
        api::HeldRewritesInfo info;
        info.device = held.device.to_hex();
        const auto member = std::ranges::find(members, held.device, &Member::device);
        info.label = member == members.end() ? info.device.substr(0, 16) : member->label;
        info.is_own = held.is_own;
        info.since_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(0, held.since_ms));
        info.files = held.files;
        info.segments = held.segments;
        info.examples = held.examples;
        out.push_back(std::move(info));
    }
    return out;
}

void ManagedVault::note_rewrites() {
    std::set<DeviceId> held;
    for (const api::HeldRewritesInfo& each : held_rewrites()) {
        const auto device = DeviceId::parse_hex(each.device);
        if (!device.ok()) continue;
        held.insert(*device);
        if (!told_rewrites_.contains(*device))
            tell("brake.held", held_text(each) + " (lockstep brake show)", each.device);
    }
    told_rewrites_ = std::move(held);
}

api::BrakeAnswer ManagedVault::brake() {
    api::BrakeAnswer out;
    out.mirrors = mirrors();
    out.rewrites = held_rewrites();
    if (Vault* vault = this->vault(); vault != nullptr && vault->is_unlocked())
        out.has_rewrite_brake = vault->status().has_brake;
    return out;
}

void ManagedVault::release_brake() {
    Vault* vault = this->vault();
    if (vault == nullptr) return;
    mirrors_->release_brake();
    if (vault->is_unlocked() && vault->release_rewrites().ok()) note_use();
}

Status ManagedVault::set_rewrite_brake(bool is_on) {
    TRY(Vault * vault, unlocked_vault());
    note_use();
    return vault->set_rewrite_brake(is_on);
}

Result<api::UndoAnswer> ManagedVault::undo_rewrites(bool is_dry_run) {
    TRY(Vault * vault, unlocked_vault());
    note_use();
    TRY(UndoReport report, vault->undo_rewrites(is_dry_run));
    return undo_answer(std::move(report));
}

Result<IgnoreRules::Verdict> ManagedVault::ignore_verdict(const std::string& directory,
                                                          const std::string& path) const {
    if (vault() == nullptr) return Error{ErrorKind::Locked, "the vault is locked"};
    return mirrors_->ignore_verdict(directory, path);
}

}  // namespace lockstep
