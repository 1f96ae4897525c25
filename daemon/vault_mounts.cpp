#include "daemon/vault_mounts.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "daemon/mount_users.h"
#include "daemon/vault_paths.h"

namespace lockstep {

namespace {

// A cut-off mount has its threads; those of earlier locks that somebody still holds open go
// entirely.
constexpr std::size_t kCutOffMax = 8;

Error in_use(const std::string& directory, const std::vector<MountUser>& users) {
    return Error{ErrorKind::Busy,
                 fmt::format("{} is in use: {}", directory,
                             users.empty() ? "close what is open in it" : describe(users))};
}

std::string shown_text(const api::MountConfig& mount) {
    return fmt::format("{}{}{}{}", mount.path.empty() ? "all of it" : mount.path,
                       mount.is_read_only ? ", read-only" : "",
                       mount.has_owners ? ", with owners" : "",
                       mount.at_ms != 0 ? ", of another time" : "");
}

}  // namespace

VaultMounts::Actives::const_iterator VaultMounts::find(const std::string& directory) const {
    return std::ranges::find_if(
        active_, [&](const auto& one) { return one->config.directory == directory; });
}

std::vector<api::MountConfig> VaultMounts::list() const {
    std::vector<api::MountConfig> mounts;
    for (const auto& one : active_) mounts.push_back(one->config);
    return mounts;
}

Status VaultMounts::add(const api::MountConfig& mount) {
    if (const auto there = find(mount.directory); there != active_.end()) {
        const api::MountConfig& shown = (*there)->config;
        if (shown == mount) return {};
        return Error{ErrorKind::Busy, fmt::format("{} shows {} already; unmount it first",
                                                  mount.directory, shown_text(shown))};
    }
    auto active = std::make_unique<Active>();
    active->config = mount;
    if (mount.at_ms != 0) {
        TRY(active->past, history_.at(mount.at_ms));
        active->past_view = std::make_unique<FileViews>(*active->past);
    }
    FileViews& views = active->past_view ? *active->past_view : views_;
    TRY(FoundNode found, find_node(views.base(), mount.path));
    if (found.attributes.type != FileType::Directory)
        return Error{ErrorKind::NotDirectory, mount.path + " is no folder of the vault"};
    active->view = views.open(found.node.release());
    MountOptions options;
    options.name = name_;
    options.read_only = mount.is_read_only;
    options.ownership = mount.has_owners;
    options.on_finished = [this] { has_news_ = true; };
    options.uses = uses_;
    TRY(active->mount, Mount::mount(*active->view, mount.directory, std::move(options)));
    active_.push_back(std::move(active));
    return {};
}

Status VaultMounts::take_away(Active& active, bool is_forced) {
    if (is_forced) {
        TRY_OK(active.mount->cut_off());
        cut_off_.push_back(std::move(active.mount));
        if (cut_off_.size() > kCutOffMax) cut_off_.erase(cut_off_.begin());
        return {};
    }
    Status unmounted = active.mount->unmount();
    if (unmounted.ok() || unmounted.error().kind != ErrorKind::Busy) return unmounted;
    return in_use(active.config.directory, users_of(active.config.directory));
}

Status VaultMounts::remove(const std::string& directory, bool is_forced) {
    const auto at = find(directory);
    CHECK(at != active_.end());
    TRY_OK(take_away(**at, is_forced));
    active_.erase(at);
    return {};
}

Status VaultMounts::check_unused() const {
    for (const auto& one : active_) {
        const std::vector<MountUser> users = users_of(one->config.directory);
        if (!users.empty()) return in_use(one->config.directory, users);
    }
    return {};
}

// Who looks first takes no mount away from anybody in vain; what he could not see (another user's
// process) is found by the unmounting, and the mounts before it come back.
Status VaultMounts::remove_all(bool is_forced) {
    if (!is_forced && active_.size() > 1) TRY_OK(check_unused());
    std::vector<api::MountConfig> removed;
    while (!active_.empty()) {
        const api::MountConfig config = active_.back()->config;
        if (Status taken = remove(config.directory, is_forced); !taken.ok()) {
            for (const api::MountConfig& one : removed) {
                if (Status again = add(one); !again.ok())
                    log_warning("vault", "a mount did not come back: {}", again.error().message);
            }
            return taken;
        }
        removed.push_back(config);
    }
    return {};
}

void VaultMounts::remove_all_at_end() {
    for (const auto& one : active_) {
        if (one->mount->unmount().ok()) continue;
        log_warning("vault", "files are open; taking a mount away");
        if (Status forced = one->mount->unmount_lazily(); !forced.ok())
            log_error("vault", "unmount: {}", forced.error().message);
    }
    active_.clear();
    cut_off_.clear();
}

std::vector<api::MountConfig> VaultMounts::drop_ended() {
    has_news_ = false;
    std::vector<api::MountConfig> ended;
    for (const auto& one : active_) {
        if (!one->mount->is_mounted()) ended.push_back(one->config);
    }
    std::erase_if(active_, [](const auto& one) { return !one->mount->is_mounted(); });
    std::erase_if(cut_off_, [](const auto& mount) { return !mount->is_mounted(); });
    return ended;
}

}  // namespace lockstep
