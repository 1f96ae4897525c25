// Objects that others put into the vault directory: another device on the same disk, rsync, a USB
// stick, a sync service. Each is verified like what a peer sends, and taken where it lies.
//
// What is not good (yet) is left alone: an unfinished file, a segment whose predecessor is missing,
// one whose device or epoch is not known, a pack that no segment names. It is looked at again when
// it changes, and when what it may wait for has come. Files that are no objects (sync services make
// some, and copies in conflict) are never touched.
//
// THREADS: any; one look at a time.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "vault/core/vault_replica.h"

namespace lockstep {

class DirectoryArrivals {
  public:
    DirectoryArrivals(Disk& disk, VaultReplica& replica) : disk_(disk), replica_(replica) {}

    // Whether objects, or directories that hold some, lie in this directory of the vault directory
    // (a relative path; empty: the vault directory itself).
    static bool is_ours(const fs::path& directory);

    // Looks at paths (relative) that have come, changed or gone, at all in them if they are
    // directories; then once more at what waits.
    void look_at(const std::vector<fs::path>& paths) EXCLUDES_LOCK(mutex_);
    // Lists the whole directory: what is new is looked at, and what has gone noticed.
    Status look_at_everything() EXCLUDES_LOCK(mutex_);

    // What the last look left alone, as sentences, not too many. Waits for no look under way.
    std::vector<std::string> notes() EXCLUDES_LOCK(notes_mutex_);

    // Files of a vault directory that are none of ours; relative paths, sorted. For a check.
    static std::vector<fs::path> foreign_files(Disk& disk, const fs::path& vault_directory);

  private:
    enum class Look { Changed, Listed };  // Listed: it is known to be there; may be unchanged

    void note_what_is_left() REQUIRES_LOCK(mutex_) EXCLUDES_LOCK(notes_mutex_);
    void look(const fs::path& path, Look how) REQUIRES_LOCK(mutex_);
    void look_into(const fs::path& directory) REQUIRES_LOCK(mutex_);
    void look_at_key_object(const fs::path& path, const KeyObjectId& id) REQUIRES_LOCK(mutex_);
    void look_at_segment(const fs::path& path, const SegmentRef& ref, Look how)
        REQUIRES_LOCK(mutex_);
    void look_at_compacted(const fs::path& path, const LogId& log, const LogStore::Name& name,
                           Look how) REQUIRES_LOCK(mutex_);
    void look_at_fork(const fs::path& path, const SegmentRef& ref, const SegmentHash& hash)
        REQUIRES_LOCK(mutex_);
    void look_at_pack(const fs::path& path, const PackId& id, Look how) REQUIRES_LOCK(mutex_);
    void take_log(const LogId& log) REQUIRES_LOCK(mutex_);
    struct WaitingSegment {
        fs::path path;
        std::uint64_t from = 0;  // its own number, or the first that it stands for
        std::string reason;
    };
    std::map<SegmentRef, WaitingSegment> firsts_that_wait() const REQUIRES_LOCK(mutex_);
    void look_again() REQUIRES_LOCK(mutex_);
    void forget_below(const fs::path& path) REQUIRES_LOCK(mutex_);
    void notice_what_has_gone(const std::set<fs::path>& listed, const fs::path& directory)
        REQUIRES_LOCK(mutex_);
    fs::path relative_path(const PackId& pack) const;
    fs::path relative_path(const SegmentRef& segment) const;
    fs::path relative_path(const LogId& log, const LogStore::Name& name) const;

    Disk& disk_;
    VaultReplica& replica_;
    Mutex mutex_;  // held for as long as a look takes
    // Relative paths, each with the reason.
    std::map<fs::path, std::string> foreign_ GUARDED_BY(mutex_);
    std::map<fs::path, std::string> waiting_keys_ GUARDED_BY(mutex_);
    std::map<PackId, std::string> waiting_packs_ GUARDED_BY(mutex_);
    // Beyond the frontier.
    std::map<SegmentRef, WaitingSegment> waiting_segments_ GUARDED_BY(mutex_);
    bool has_taken_ GUARDED_BY(mutex_) = false;  // in this round of look_again()
    std::size_t keys_seen_ GUARDED_BY(mutex_) = 0;
    Mutex notes_mutex_;
    std::vector<std::string> notes_ GUARDED_BY(notes_mutex_);
};

}  // namespace lockstep
