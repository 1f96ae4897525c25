#include "vault/core/vault_history.h"

namespace lockstep {

#define OPEN_VAULT(open)                             \
    std::shared_ptr<OpenVault> open = find_();       \
    if (!open) return Error {                        \
            ErrorKind::Locked, "the vault is locked" \
        }

Result<PathHistory> LockableHistory::history(const std::string& path) {
    OPEN_VAULT(open);
    return open->history(path);
}

Result<std::shared_ptr<FileSystem>> LockableHistory::at(std::int64_t time_ms) {
    OPEN_VAULT(open);
    TRY(PastView::Parts parts, open->view_at(time_ms));
    return views_.add(std::move(parts));
}

Result<std::shared_ptr<FileSystem>> LockableHistory::version(const std::string& path,
                                                             const VersionId& id) {
    OPEN_VAULT(open);
    TRY(PastView::Parts parts, open->view_of_version(path, id));
    return views_.add(std::move(parts));
}

Result<RestoreReport> LockableHistory::restore(const RestoreRequest& request) {
    OPEN_VAULT(open);
    return open->restore_path(request);
}

Result<std::vector<Difference>> LockableHistory::difference(std::int64_t from_ms,
                                                            std::optional<std::int64_t> to_ms) {
    OPEN_VAULT(open);
    return open->difference(from_ms, to_ms);
}

Result<UndoReport> LockableHistory::undo(const DeviceId& device, std::int64_t since_ms,
                                         bool is_dry_run) {
    OPEN_VAULT(open);
    return open->undo(device, since_ms, is_dry_run);
}

Result<std::vector<Snapshot>> LockableHistory::snapshots() {
    OPEN_VAULT(open);
    return open->snapshots();
}

Result<Snapshot> LockableHistory::make_snapshot(const std::string& name,
                                                std::optional<std::int64_t> time_ms) {
    OPEN_VAULT(open);
    return open->make_snapshot(name, time_ms);
}

Status LockableHistory::remove_snapshot(const std::string& name) {
    OPEN_VAULT(open);
    return open->remove_snapshot(name);
}

Result<RetentionReport> LockableHistory::retention() {
    OPEN_VAULT(open);
    return open->retention();
}

Status LockableHistory::set_retention(const std::string& text) {
    OPEN_VAULT(open);
    return open->set_retention(text);
}

Status LockableHistory::set_history_quota(std::optional<std::uint64_t> bytes) {
    OPEN_VAULT(open);
    return open->set_history_quota(bytes);
}

#undef OPEN_VAULT

}  // namespace lockstep
