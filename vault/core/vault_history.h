// VaultHistory of a vault that can be locked: every call goes to the open vault.
#pragma once

#include "vault/core/past_view.h"
#include "vault/history.h"

namespace lockstep {

class LockableHistory final : public VaultHistory {
  public:
    using Find = std::function<std::shared_ptr<OpenVault>()>;  // null: it is locked
    explicit LockableHistory(Find find) : find_(std::move(find)) {}

    void open() { views_.open(); }
    // No view uses the open vault any more when this returns.
    void close() { views_.close_all(); }

    Result<PathHistory> history(const std::string& path) override;
    Result<std::shared_ptr<FileSystem>> at(std::int64_t time_ms) override;
    Result<std::shared_ptr<FileSystem>> version(const std::string& path,
                                                const VersionId& id) override;
    Result<RestoreReport> restore(const RestoreRequest& request) override;
    Result<std::vector<Difference>> difference(std::int64_t from_ms,
                                               std::optional<std::int64_t> to_ms) override;
    Result<UndoReport> undo(const DeviceId& device, std::int64_t since_ms,
                            bool is_dry_run) override;
    Result<std::vector<Snapshot>> snapshots() override;
    Result<Snapshot> make_snapshot(const std::string& name,
                                   std::optional<std::int64_t> time_ms) override;
    Status remove_snapshot(const std::string& name) override;
    Result<RetentionReport> retention() override;
    Status set_retention(const std::string& text) override;
    Status set_history_quota(std::optional<std::uint64_t> bytes) override;

  private:
    Find find_;
    PastViews views_;
};

}  // namespace lockstep
