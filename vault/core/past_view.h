// The vault at another time as a FileSystem: a tree of its own over the contents of the open vault.
//
// THREADS: any.
#pragma once

#include <memory>
#include <set>

#include "vault/core/lockable_files.h"
#include "vault/core/open_vault.h"
#include "vault/history/read_only_files.h"

namespace lockstep {

// A tree that nobody writes to.
class PastHost final : public TreeHost {
  public:
    PastHost(const TreeEnvironment& environment, OpenVault& live)
        : TreeHost(environment), live_(live) {}

    Stamp tick() override { return {}; }
    Clock& clock() override { return live_.clock(); }
    void tree_changed() override REQUIRES_LOCK(mutex) {}
    void write_begun() override {}
    Status append_write(const JournalWrite&) override {
        return Error{ErrorKind::ReadOnly, "the past cannot be changed"};
    }
    Status commit() override { return {}; }
    Result<FileSystemSpace> space() override { return live_.space(); }
    std::optional<std::string> presence_attribute(const Node&, std::string_view) override {
        return std::nullopt;
    }

  private:
    OpenVault& live_;
};

struct PastViewParts {
    std::unique_ptr<TreeHost> host;
    std::unique_ptr<VaultFiles> vault_files;  // goes before the host
    std::unique_ptr<ReadOnlyFiles> files;
};

// What uses the open vault, until it is closed.
class PastView {
  public:
    using Parts = PastViewParts;
    explicit PastView(Parts parts) : parts_(std::move(parts)) {
        files_.open(*parts_.files, [] { return false; });
    }
    ~PastView() { close(); }
    PastView(const PastView&) = delete;
    PastView& operator=(const PastView&) = delete;

    FileSystem& files() { return files_; }
    // Nothing of the open vault is used any more when this returns; every call fails with Locked.
    void close() {
        files_.close();
        parts_.files.reset();
        parts_.vault_files.reset();
        parts_.host.reset();
    }

  private:
    Parts parts_;
    LockableFiles files_;
};

// All views of one vault.
class PastViews {
  public:
    // Locked after close_all(), until open().
    Result<std::shared_ptr<FileSystem>> add(PastView::Parts parts) EXCLUDES_LOCK(mutex_) {
        auto view = std::make_shared<PastView>(std::move(parts));
        MutexLock lock(mutex_);
        if (is_closed_) {
            view->close();
            return Error{ErrorKind::Locked, "the vault is locked"};
        }
        std::erase_if(views_, [](const auto& each) { return each.expired(); });
        views_.push_back(view);
        return std::shared_ptr<FileSystem>(view, &view->files());
    }
    void open() EXCLUDES_LOCK(mutex_) {
        MutexLock lock(mutex_);
        is_closed_ = false;
    }
    void close_all() EXCLUDES_LOCK(mutex_) {
        MutexLock lock(mutex_);
        is_closed_ = true;
        for (const auto& each : views_)
            if (auto view = each.lock()) view->close();
        views_.clear();
    }

  private:
    Mutex mutex_;
    bool is_closed_ GUARDED_BY(mutex_) = true;
    std::vector<std::weak_ptr<PastView>> views_ GUARDED_BY(mutex_);
};

}  // namespace lockstep
