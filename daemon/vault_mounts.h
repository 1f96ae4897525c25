// The mounts of one unlocked vault: made, listed, taken away.
//
// THREADS: one verb at a time; has_news() any. No verb waits for a process that uses a mount.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "daemon/api/config.h"
#include "fuse/mount.h"
#include "vault/file_views.h"
#include "vault/history.h"
#include "vault/snapshot_files.h"

namespace lockstep {

class VaultMounts {
  public:
    // `name` is shown by mount(8) as the device. `files` and `history` outlive this.
    VaultMounts(FileSystem& files, VaultHistory& history, std::string name)
        : history_(history),
          snapshots_(files, history),
          views_(snapshots_),
          name_(std::move(name)) {}
    // As remove_all_at_end().
    ~VaultMounts() = default;
    VaultMounts(const VaultMounts&) = delete;
    VaultMounts& operator=(const VaultMounts&) = delete;

    // Nothing happens when it is there already as asked for, else Busy. NotFound or NotDirectory
    // when `path` leads to no directory; further as Mount::mount().
    Status add(const api::MountConfig& mount);

    // Busy, naming who, while it is used, unless forced: then what is open fails with EIO.
    // REQUIRES: is_mounted_at(directory)
    Status remove(const std::string& directory, bool is_forced);
    // All of them or none.
    Status remove_all(bool is_forced);
    // For the end of the process: what is open is cut off, whoever uses it.
    void remove_all_at_end();

    bool is_mounted_at(const std::string& directory) const {
        return find(directory) != active_.end();
    }
    std::vector<api::MountConfig> list() const;

    // Another number after every use of a mount. THREADS: any.
    std::uint64_t uses() const { return *uses_; }

    // Some mount has ended by itself: see drop_ended().
    bool has_news() const { return has_news_; }
    // Forgets mounts that somebody else has unmounted, and cut-off ones that nobody uses any more.
    // Returns the former.
    std::vector<api::MountConfig> drop_ended();

  private:
    struct Active {
        api::MountConfig config;
        std::shared_ptr<FileSystem> past;      // of a mount of another time
        std::unique_ptr<FileViews> past_view;  // goes before `past`
        std::unique_ptr<FileView> view;
        std::unique_ptr<Mount> mount;  // goes before the view
    };
    using Actives = std::vector<std::unique_ptr<Active>>;

    Actives::const_iterator find(const std::string& directory) const;
    Status check_unused() const;
    Status take_away(Active& active, bool is_forced);

    VaultHistory& history_;
    SnapshotFiles snapshots_;
    FileViews views_;
    const std::string name_;
    std::atomic<bool> has_news_{false};
    const std::shared_ptr<std::atomic<std::uint64_t>> uses_ =
        std::make_shared<std::atomic<std::uint64_t>>(0);
    Actives active_;
    std::vector<std::unique_ptr<Mount>> cut_off_;  // answer EIO until nobody asks any more
};

}  // namespace lockstep
