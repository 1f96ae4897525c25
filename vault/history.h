// VaultHistory: what a vault held before, and how it comes back.
//
// Every published content is a version, kept for as long as the retention says. *At a time T* means
// the state that all records known here make whose stamps are not later than T, of whatever device
// (vault/FORMAT.md, "The state at a time"). What a device that was away adds later belongs to it
// from then on.
//
// Nothing here takes anything away: what comes back is a new version, a new name, a new file.
//
// THREADS: any. All fail with Locked while the vault is.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "vault/file_system.h"
#include "vault/types.h"

namespace lockstep {

// Why a version is not what its file shows any more.
enum class VersionEnd {
    Shown,     // it is
    Conflict,  // it is shown beside another one
    Replaced,
    Deleted,  // the file went with it
    Dropped,  // it lost a conflict, or became a file of its own
};

struct VersionInfo {
    VersionId id;
    FileId file;  // files that had one name after another are several
    std::int64_t time_ms = 0;
    std::string written_by;  // label of the device
    DeviceId device;
    std::uint64_t size = 0;
    VersionEnd end = VersionEnd::Shown;
    std::int64_t end_ms = 0;  // 0: it has not ended, or nobody knows when
    std::string ended_by;
    bool is_kept = true;  // the retention keeps it
};

struct DeletedEntry {
    std::string name;
    FileType type = FileType::Regular;
    std::uint64_t size = 0;
    std::int64_t deleted_ms = 0;
    std::string deleted_by;
};

struct PathHistory {
    FileType type = FileType::Regular;
    bool is_there = false;              // something has this name now
    std::vector<VersionInfo> versions;  // of files; newest first
    std::vector<DeletedEntry> deleted;  // of a directory: what was in it; newest first
};

struct RestoreRequest {
    std::string path;
    std::optional<VersionId> version;  // of a file
    std::optional<std::int64_t>
        time_ms;     // neither: as it was before it was deleted or last replaced
    std::string to;  // where in the vault; must not exist. Empty: in its old place
};

struct RestoreReport {
    std::string path;                          // where it is now
    std::uint64_t files = 0, directories = 0;  // made, or given a new version
    std::uint64_t unchanged = 0;               // files that were so already
    std::vector<std::string> problems;         // of single paths, as sentences
};

enum class DifferenceKind { Added, Removed, Changed, Renamed, Attributes };

struct Difference {
    DifferenceKind kind = DifferenceKind::Changed;
    FileType type = FileType::Regular;
    std::string path;    // at the later time; of what was removed: at the earlier
    std::string before;  // Renamed: its path at the earlier time
    std::uint64_t size = 0, size_before = 0;
};

// What an undo does, or would do, to one path.
struct UndoStep {
    std::string action;  // "restore", "revert", "rename", "remove"
    std::string path;
    std::string before;  // rename: what it is called now
};

struct UndoReport {
    std::vector<UndoStep> done;
    std::vector<std::string> left;  // paths that stay as they are, and why
};

struct Snapshot {
    std::string name;
    std::int64_t time_ms = 0;
};

struct RetentionReport {
    std::string text;     // "all 30d, daily 1y"
    bool is_own = false;  // chosen for this vault; else the default
    // How many bytes the past may take; nullopt: as many as the policy keeps.
    std::optional<std::uint64_t> quota = {};
    // What ended before was let go for the quota, but for snapshots; 0: nothing was.
    std::int64_t cut_ms = 0;
};

class VaultHistory {
  public:
    virtual ~VaultHistory() = default;

    // NotFound when nothing ever had this name.
    virtual Result<PathHistory> history(const std::string& path) = 0;
    // The vault at that time, for reading only; the same tree as long as it is held. Costs memory
    // and the time of reading all records. It fails with Locked from the moment the vault is
    // locked.
    virtual Result<std::shared_ptr<FileSystem>> at(std::int64_t time_ms) = 0;
    // A file of one version: a directory that holds nothing else, under the name "content".
    virtual Result<std::shared_ptr<FileSystem>> version(const std::string& path,
                                                        const VersionId& id) = 0;
    // In place: a file gets a new version, a directory what it had then; what has come since stays.
    // Attributes come back as well. NotFound; Exists (`to`); Unavailable when content is not kept
    // any more.
    virtual Result<RestoreReport> restore(const RestoreRequest& request) = 0;
    // Sorted by path; `to_ms` nullopt: now. Below `path`.
    virtual Result<std::vector<Difference>> difference(std::int64_t from_ms,
                                                       std::optional<std::int64_t> to_ms) = 0;
    // Brings back what the device changed after that time, where nobody else has changed it since
    // the first of these changes.
    virtual Result<UndoReport> undo(const DeviceId& device, std::int64_t since_ms,
                                    bool is_dry_run) = 0;

    // Named times; what the vault held then is kept. Synced. Sorted by time.
    virtual Result<std::vector<Snapshot>> snapshots() = 0;
    // Now, or at a time within the retention. Exists; Invalid (name: 1 to 64 bytes, no '/', no
    // control bytes; time).
    virtual Result<Snapshot> make_snapshot(const std::string& name,
                                           std::optional<std::int64_t> time_ms) = 0;
    virtual Status remove_snapshot(const std::string& name) = 0;

    // "all 30d, daily 1y"; empty: the default again. Synced. Invalid when it cannot be understood
    // or keeps everything for less than 7 days.
    virtual Result<RetentionReport> retention() = 0;
    virtual Status set_retention(const std::string& text) = 0;
    // Bytes of content that only the past needs; a collection lets the oldest versions go that are
    // beyond. Named snapshots and the last 7 days stay, and count. Synced; nullopt: no limit.
    virtual Status set_history_quota(std::optional<std::uint64_t> bytes) = 0;
};

}  // namespace lockstep
