// Keeps a folder and a directory of a vault equal: looks at one path after the other, compares what
// both show with what they agreed on last (MirrorState), and carries what one side has changed to
// the other.
//
// Nothing is decided from events: they only say which paths are worth a look. So a lost or late
// event costs time, never a wrong step.
//
//   only the folder changed    it becomes a version, a file, a delete, a rename of the vault
//                              (importing), which replaces or deletes exactly what was agreed on
//   only the vault changed     it is written beside, synced, and renamed in, if the folder still
//                              holds what was agreed on (exporting)
//   both                       equal content is agreed on; else both are kept: two versions of one
//                              file become heads of it (a conflict of the vault, whose sibling is
//                              then exported), anything else is moved aside in the folder, under a
//                              sibling's name, and imported
//   one deleted, one changed   what was changed lives
//
// Renames are found by what does not change with the name: the inode in the folder, the node in the
// vault. Deletes wait for a moment in which everything else has been looked at, so that they are no
// halves of renames, and for the brake.
//
// A large file of the folder that only becomes longer is not written anew but grows in place, while
// nobody else has it open: whoever opens it finds what it was or what it is. Everywhere else a file
// is replaced as a whole, by a rename.
//
// Order, for power cuts: what was carried over is durable where it arrived before MirrorState says
// so. For kills in between, StepLog knows what was being carried over.
//
// THREADS: one at a time; the vault is used as by any consumer.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "sync/mirror/brake.h"
#include "sync/mirror/folder.h"
#include "sync/mirror/ignore_rules.h"
#include "sync/mirror/mirror_state.h"

namespace lockstep {

// Names of ours in a mirrored folder; nothing called so is mirrored, in either direction.
inline constexpr std::string_view kMarkerFile = ".lockstep-mirror";
inline constexpr std::string_view kPartPrefix = ".lockstep-part-";  // content on its way in
inline constexpr std::string_view kSwapPrefix = ".lockstep-swap-";  // content on its way out
bool is_reserved_path(std::string_view path);

// Deletes wait for the other half of a rename, and for each other.
inline constexpr std::chrono::milliseconds kGoneGrace{60};
inline constexpr std::chrono::milliseconds kGoneWaitMax{2000}, kGoneWaitUnbraked{250};

struct ReconcilerOptions {
    std::string device_label;  // names what is moved aside
    bool has_brake = true;
    // A directory that is mirrored from now on: whoever watches begins before it is listed.
    std::function<void(const std::string& path)> on_directory = [](const std::string&) {};
    // Whether what is under way is to be broken off; asked often.
    std::function<bool()> is_stopping = [] { return false; };
    // Whether the folder is still the one that was mirrored. Asked before deletes are carried over.
    std::function<bool()> is_folder_sound = [] { return true; };
};

struct MirrorCounts {
    std::uint64_t imported = 0, exported = 0;  // files and links whose content was carried over
    std::uint64_t copied_bytes = 0;  // of what was exported, those that were in the folder before
    std::uint64_t grown = 0;         // of what was exported, files that only became longer
    std::uint64_t renamed = 0, deleted = 0, conflicts = 0;
};

// Deletes that wait for somebody to release them.
struct HeldDeletes {
    std::uint64_t in_vault = 0, in_folder = 0;  // files that would go there
    std::vector<std::string> examples;          // paths, a few
};

class Reconciler {
  public:
    using Time = std::chrono::steady_clock::time_point;

    // `root`: a directory of the vault; the caller holds a reference to it.
    Reconciler(Folder& folder, FileSystem& files, NodeId root, MirrorState& state, Clock& clock,
               Random& random, ReconcilerOptions options);
    ~Reconciler();
    Reconciler(const Reconciler&) = delete;
    Reconciler& operator=(const Reconciler&) = delete;

    // ---- hints
    void note_folder(const std::string& path) { note(path, kFolder); }
    // Something is being written there.
    void note_growing(const std::string& path);
    void note_moved(const std::string& from, const std::string& to);
    void note_vault(const std::string& path) { note(path, kVault); }
    void note_vault_node(NodeId node);
    void note_vault_entry(NodeId directory, const std::string& name);

    // Reads the ignore rules, and looks at everything on both sides.
    Status scan();
    // Works on what is due until it is done, or for about `limit`. Fails when it can go no further
    // (the vault was locked, the folder is not sound); what fails with single paths is a problem
    // that is tried again.
    Status work(std::chrono::milliseconds limit);
    // What is begun is put into place, and noted: before it ends.
    Status finish() { return finish_batch(); }
    // When there is work next; nullopt: not before the next hint.
    std::optional<Time> next_due() const;
    bool is_idle() const;

    HeldDeletes held() const { return held_; }
    void release_held();

    const IgnoreRules& rules() const { return rules_; }
    // By path, what cannot be mirrored at the moment and why.
    const std::map<std::string, std::string>& problems() const { return problems_; }
    std::uint64_t pending() const { return ready_.size() + later_.size() + staged_.size(); }
    const MirrorCounts& counts() const { return counts_; }

  private:
    static constexpr std::size_t kSyncedOneByOne = 4;  // more of them: with everything else
    static constexpr unsigned kFolder = 1, kVault = 2, kBoth = 3;
    struct Later {
        unsigned sides = 0;
        Time due;
    };
    // A path and what is to be seen there.
    struct Look {
        const std::string& path;
        MirrorEntry* parent = nullptr;
        MirrorEntry* agreed = nullptr;
        std::optional<FileFacts> folder = {};
        std::optional<VaultFacts> vault = {};
    };
    // The folder's copy of what was agreed on, and what of it stays.
    struct FolderCopy {
        UniqueFd file;
        FileFacts facts;
        std::vector<SharedRange> ranges;
    };
    struct VaultRange {
        HandleId from = 0;
        std::uint64_t begin = 0, end = 0;
        bool may_have_holes = false;
    };
    // Content that lies in the folder under a name of ours.
    struct Staged {
        std::string path, part;
        VaultFacts vault;
        bool is_noted = false;  // as a step
    };

    // reconciler.cpp: what to look at, and what to do about it
    void note(const std::string& path, unsigned sides);
    void defer(const std::string& path, unsigned sides, std::chrono::milliseconds delay);
    void take_due();
    std::optional<Time> gone_due() const;
    Status reconcile(const std::string& path, unsigned sides);
    Status decide(Look& look);
    Result<bool> take_up_step(Look& look);
    Result<bool> take_up(Look& look, const MirrorStep& step);
    bool has_moved_on_from(const Look& look, const VersionId& version);
    Result<bool> take_up_growth(Look& look, const MirrorStep& step);
    Status decide_agreed(Look& look);
    Status join(Look& look);
    Status conflict(Look& look);
    Status move_aside(Look& look);
    Result<std::optional<FileFacts>> look_in_folder(const std::string& path);
    Result<std::optional<VaultFacts>> look_in_vault(const MirrorEntry& parent,
                                                    std::string_view name);
    bool is_left_out(const std::string& path) const;
    Status finish_batch();
    Status check_going_on() const;
    void agree(Look& look);
    void drop(MirrorEntry& entry);
    void hold(NodeId directory);
    void unhold_below(const MirrorEntry& entry);
    void set_problem(const std::string& path, std::string text);
    Result<bool> has_equal_content(const Look& look);
    std::string aside_path(std::string_view path);
    std::string own_name(std::string_view directory, std::string_view prefix);
    void remap(const std::string& from, const std::string& to);

    // reconciler_scan.cpp
    void load_rules();
    Status scan_folder(const std::string& path, MirrorEntry& directory);
    Status scan_vault(const std::string& path, MirrorEntry& directory);
    void scan_left_out(const std::string& path);
    void take_in_left_over(const std::string& path, const FileFacts& facts);

    // reconciler_import.cpp: from the folder into the vault
    Status import_new(Look& look);
    Status import_change(Look& look);
    Result<bool> import_rename(Look& look);
    Status import_file(Look& look, const VersionId* seen);
    Result<HandleId> read_into_vault(int source, const FileFacts& facts);
    Status copy_data(int source, std::uint64_t size, HandleId to);

    Result<bool> import_hard_link(Look& look);
    // reconciler_xattrs.cpp
    Result<Xattrs> vault_xattrs(NodeId node);
    Status import_xattrs(Look& look);
    Status export_xattrs(const Look& look, const std::string& path);
    Status unite_xattrs(Look& look);

    // reconciler_export.cpp: from the vault into the folder
    Status export_new(Look& look);
    Status export_change(Look& look);
    Result<bool> export_rename(Look& look);
    Status export_attributes(Look& look);
    Result<bool> comes_later(const Look& look);
    Status stage(Look& look);
    Status write_part(const Look& look, const std::string& part);
    Result<bool> link_part(const Look& look, const std::string& part);
    Status copy_content(const Look& look, const Attributes& shown, HandleId from, int to);
    std::optional<FolderCopy> folder_copy(const Look& look, const Attributes& shown);
    static bool is_untouched(const FolderCopy& here);
    Status copy_from_vault(const VaultRange& range, int to);
    Result<bool> copy_within_folder(int from, const SharedRange& range, int to);
    Status place_staged();
    Status sync_vault();
    Status place(Staged& staged);
    Status replace(Staged& staged, MirrorEntry& agreed);

    // reconciler_growth.cpp: files that become longer, in place
    Result<bool> grow(Look& look);
    Result<std::optional<Bytes>> new_end(const Look& look, std::uint64_t* from);
    Result<bool> write_end(const Look& look, std::uint64_t from, ByteView end);
    Status append_in_place(int file, const FileFacts& before, const FileFacts& after, ByteView end);
    Result<bool> is_begun_growth(const Look& look, std::uint64_t sure_size);
    bool shares_blocks(const std::string& path);

    // reconciler_gone.cpp: deletes
    Status work_on_gone();
    Result<bool> remove_in_vault(MirrorEntry& entry, const std::string& path);
    Result<bool> remove_in_folder(MirrorEntry& entry, const std::string& path);
    Result<bool> remove_left_in_directory(MirrorEntry& entry, const std::string& path);
    Status unlink_agreed(const MirrorEntry& entry, const std::string& path);

    Folder& folder_;
    FileSystem& files_;
    MirrorState& state_;
    Clock& clock_;
    Random& random_;
    const ReconcilerOptions options_;
    IgnoreRules rules_;

    std::map<std::string, unsigned> ready_;  // parents come before what is in them
    std::map<std::string, Later> later_;
    std::map<std::string, Time> gone_;  // on one side, since when
    std::vector<Staged> staged_;
    std::set<std::string> needed_;  // left-out directories of what is not left out
    std::unordered_set<NodeId> held_directories_;
    std::map<std::string, std::string> problems_;

    // Of the batch under way.
    std::uint64_t batch_bytes_ = 0, batch_items_ = 0;
    std::chrono::steady_clock::time_point batch_begun_;
    // Large files whose content is awaited.
    struct ToCome {
        std::uint64_t bytes = 0;
        std::chrono::milliseconds delay{0};
    };
    std::map<std::string, ToCome> to_come_;
    bool has_vault_changes_ = false;
    std::set<std::string> changed_directories_;  // in the folder

    Brake into_vault_, into_folder_;
    HeldDeletes held_;
    bool is_held_stale_ = false;
    Time look_at_held_{};
    MirrorCounts counts_;
    std::optional<bool> shares_blocks_;  // the folder's file system; nullopt: not tried yet
    Bytes buffer_;
};

}  // namespace lockstep
