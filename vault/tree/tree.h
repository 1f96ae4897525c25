// The tree of a vault in memory: which files, links and directories there are, and what people see
// of them.
//
// The tree holds the records of all logs that were applied and of this device's own operations that
// are not published yet (pending). What is seen is a pure function of that set (DESIGN: "Merge");
// the tree keeps it up to date incrementally. It does no input or output: stamps come with each
// operation, ids from `Random`.
//
// Words: a *group* is all links with one name in one directory. A group shows one entry under that
// name; more files, or more heads of a file, show under *derived* names (" (conflict from ...)");
// identical ones are hidden below the shown entry as *twins*. A further head of a file is a
// *sibling*. Directories of one name in one directory are *aliases* of one *merged* directory,
// which is named by the smallest FileId of them, the primary.
//
// Wherever a directory is asked for, any alias will do. Answers name directories by their primary.
//
// INVARIANT: every live link is reachable from the root, under exactly one name; directories have
// no cycles. THREADS: none of its own; the caller locks.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "vault/file_system.h"
#include "vault/history/kept_times.h"
#include "vault/log/record.h"

namespace lockstep {

// Keyed hashes that make the ids of forks, so that two devices that make one sibling real make the
// same file.
class DerivedIds {
  public:
    virtual ~DerivedIds() = default;
    virtual FileId file(const FileId& file, const VersionId& version) const = 0;
    virtual LinkId link(const LinkId& link, const VersionId& version) const = 0;
    // The version that the fork `fork` begins with.
    virtual VersionId version(const FileId& fork, const VersionId& version) const = 0;
};

// REQUIRES: random and derived_ids outlive the tree.
struct TreeEnvironment {
    Random& random;
    const DerivedIds& derived_ids;
    std::string
        device_label;  // recorded with each version written here; at most kDeviceLabelSizeMax bytes
};

// What an entry shows: a file, or one further head of it (a sibling), which becomes a file when it
// is touched.
struct Node {
    FileId file;
    std::optional<VersionId> sibling;
    auto operator<=>(const Node&) const = default;
};

struct TreeEntry {
    std::string name;
    FileType type = FileType::Regular;
    Node node;                    // of a directory: the primary alias
    bool derived = false;         // the name is not the one in the register
    VersionId version;            // the head shown; zeros for a directory
    std::vector<LinkId> links;    // one; of a directory every visible alias's
    std::vector<FileId> aliases;  // of a directory, the primary first; else empty
};

struct TreeListEntry {
    std::string name;
    FileType type = FileType::Regular;
    Node node;
};
using TreeListing = std::vector<TreeListEntry>;  // sorted by name

// An attribute register: what an operation sets, and what a file has.
struct AttributeSetting {
    AttributeKey key = AttributeKey::Mode;
    std::string xattr;           // the name when key is Xattr
    std::optional<Bytes> value;  // as in AttributeRecord
    auto operator<=>(const AttributeSetting&) const = default;
};

struct EntryPlace {
    FileId directory;  // the primary
    std::string name;
    auto operator<=>(const EntryPlace&) const = default;
};

// An entry that exists because two devices disagreed: a sibling, or a file under a derived name.
struct TreeConflict {
    std::string path;       // from the root, without a leading '/'
    std::string base_path;  // the name that it contests
    Node node;
    VersionId version;
    Stamp stamp;  // of the version
    std::string device_label;
};

// A file whose links are all dead, as the trash shows it.
struct TrashedFile {
    LinkId link;  // what restore() takes
    FileId file;
    std::string path;  // where it was
    Stamp deleted;
};

// A link as the records know it, whether it is seen or not.
struct PastLink {
    LinkId link;
    FileId file;
    FileType type = FileType::Regular;
    std::string name;
    bool is_visible = false;
    Stamp deleted;  // the greatest of its deletes; time 0: there is none
};

struct VersionEnding {
    Stamp stamp;
    bool is_delete = false;
    std::string device_label;  // of the version that replaced it
};

// What visit_kept() tells of a version; valid during the call.
struct KeptVersion {
    const FileId& file;
    const VersionId& version;
    const Content& content;
    std::int64_t time_ms = 0;
    // When it ended; nullopt: it has not, or nobody knows when.
    std::optional<std::int64_t> end_ms;
};

// A node that is called otherwise now: a sibling that became a file, or the source of a rename that
// became a version of its target (REPLACE).
struct NodeRemap {
    Node from, to;
};

// What has changed for those who look; may name more than changed, never less. In `entries` a
// merged directory is named once by each alias.
struct TreeChanges {
    std::vector<FileId>
        files;  // content, attributes or link count are others, or the file came or went
    std::vector<EntryPlace> entries;  // came, went or shows another node
    std::vector<NodeRemap> remaps;    // in the order in which they happened
    bool empty() const { return files.empty() && entries.empty() && remaps.empty(); }
};

struct NewFile {
    FileType type = FileType::Regular;  // any but Directory
    Content content;                    // empty content, or a symlink's target: inline
    std::vector<AttributeSetting> attributes;
};

struct RenameOutcome {
    Node before,
        now;  // of what was renamed; differ after REPLACE and when a derived name became real
    std::optional<Node>
        displaced;  // lost its name to the rename (with REPLACE: the target as it was before)
};

// An open handle for writing: remembers which heads it was opened over.
struct WriteTicket {
    std::uint64_t number = 0;
    Node node;  // where it writes; never a sibling
};

struct WriteOutcome {
    bool kept = false;  // false: the file was removed on this device while it was open
    Node node;
    VersionId version;  // zeros when not kept
};

// Counters; `generation` grows with every change of what is seen.
struct TreeCounts {
    std::uint64_t files = 0;        // with at least one visible link; directories not included
    std::uint64_t directories = 0;  // without the root
    std::uint64_t pending_records = 0;
    std::uint64_t generation = 0;
};

struct PublishedRecords {
    std::vector<Record> records;  // coalesced; parents before children, operations whole
    // Versions that were never published, and what each stood for.
    std::vector<std::pair<VersionId, std::vector<VersionId>>> coalesced;
};

class TreeState;

class Tree {
  public:
    explicit Tree(const TreeEnvironment& environment);
    ~Tree();
    Tree(const Tree&) = delete;
    Tree& operator=(const Tree&) = delete;

    // ---- questions

    // NotFound; NotDirectory when `directory` is a file.
    Result<TreeEntry> lookup(const FileId& directory, std::string_view name) const;
    // Cached until something in the directory changes.
    Result<std::shared_ptr<const TreeListing>> list(const FileId& directory) const;
    bool is_empty(const FileId& directory) const;
    // The alias that names this directory now.
    // REQUIRES: is_directory(directory)
    FileId primary(const FileId& directory) const;
    std::uint32_t subdirectories(const FileId& directory) const;

    // Whether any record of the file is known; nullopt otherwise.
    std::optional<FileType> type(const FileId& file) const;
    bool is_directory(const FileId& file) const;
    // Where the node is seen, by name; empty when all its links are dead or it is hidden as a twin.
    std::vector<EntryPlace> places(const Node& node) const;
    std::vector<std::string> paths(const Node& node) const;
    // "a/b/c"; empty for the root.
    std::string directory_path(const FileId& directory) const;
    // Where a link lies, or lay last, by the names in the registers; empty when it is not known.
    std::string link_path(const LinkId& link) const;
    // Live links of a file; 1 for a sibling per link that shows it; 0 when removed.
    std::uint32_t link_count(const Node& node) const;
    // Set registers only (a removed xattr is not listed), by key and name. A sibling has its
    // file's.
    std::vector<AttributeSetting> attributes(const FileId& file) const;
    std::optional<Bytes> attribute(const FileId& file, AttributeKey key,
                                   std::string_view xattr = {}) const;
    // Stamp of the newest register or version of the file, or delete of one of its links.
    Stamp changed(const FileId& file) const;
    // Newest first; empty for directories and unknown files.
    std::vector<VersionRecord> heads(const FileId& file) const;
    // Every version known, oldest first, with what each replaces.
    std::vector<VersionRecord> history(const FileId& file) const;
    // Every content that somebody may still ask for, but for inline ones: what is shown, and what
    // was at a time kept.
    void visit_kept(const KeptTimes& kept,
                    const std::function<void(const KeptVersion&)>& visit) const;
    // When each version of the file ended: was replaced, or the file removed. Versions that are not
    // named have not ended, or nobody knows when (tree_history.cpp).
    std::map<VersionId, VersionEnding> endings(const FileId& file) const;
    // Whose name the link is, or was.
    std::optional<FileId> file_of(const LinkId& link) const;
    // Every link that lies, or lay last, in one of these directories, dead ones included.
    std::vector<PastLink> links_in(const std::set<FileId>& directories) const;
    // What a node shows: its newest head, or the sibling's.
    std::optional<Content> content(const Node& node) const;
    std::optional<VersionId> version(const Node& node) const;
    // Of any version of a file that is known.
    std::optional<Content> content(const FileId& file, const VersionId& version) const;
    std::vector<TreeConflict> conflicts() const;
    std::size_t conflict_count() const;
    std::vector<TrashedFile> trash() const;
    TreeCounts counts() const;

    // ---- operations of this device
    //
    // Each has one stamp, greater than all that was applied; it adds its records to the pending
    // ones. On an error nothing has changed. Names: Invalid when empty, ".", ".." or with '/' or
    // NUL, NameTooLong above 255 bytes.

    Result<TreeEntry> make_directory(const FileId& parent, std::string_view name,
                                     std::span<const AttributeSetting> attributes,
                                     const Stamp& stamp);
    Result<TreeEntry> create(const FileId& parent, std::string_view name, const NewFile& file,
                             const Stamp& stamp);
    // The entry shows the file of `node` (a sibling is made real: changes().remaps tells).
    Result<TreeEntry> make_link(const Node& node, const FileId& parent, std::string_view name,
                                const Stamp& stamp);
    Status remove_file(const FileId& parent, std::string_view name, const Stamp& stamp);
    Status remove_directory(const FileId& parent, std::string_view name, const Stamp& stamp);
    Result<RenameOutcome> rename(const FileId& parent, std::string_view name,
                                 const FileId& new_parent, std::string_view new_name,
                                 RenameMode mode, const Stamp& stamp);
    // Returns the node that has the attributes now (a sibling is made real). NotFound when it is
    // seen nowhere.
    Result<Node> set_attributes(const Node& node, std::span<const AttributeSetting> settings,
                                const Stamp& stamp);
    // A new version that replaces what the node shows, and nothing else.
    Result<WriteOutcome> write(const Node& node, const Content& content,
                               std::span<const AttributeSetting> settings, const Stamp& stamp);
    // A version by somebody who has seen `seen` of the node, and nothing else: other heads stay,
    // and open tickets do not go on from it. NotFound when the node is seen nowhere. Two stamps: a
    // derived name becomes real first, as when it is opened. REQUIRES: begun < stamp
    Result<WriteOutcome> write_over(const Node& node, const VersionId& seen, const Content& content,
                                    std::span<const AttributeSetting> settings, const Stamp& begun,
                                    const Stamp& stamp);
    // The conflict is over: a new version of the file with the content of `chosen`, replacing every
    // head.
    Result<Node> resolve(const Node& chosen, const Stamp& stamp);
    // Brings a file back from the trash, under a free name.
    Result<EntryPlace> restore(const LinkId& link, const Stamp& stamp);

    // ---- open files
    //
    // A ticket captures the heads that its file shows when it is opened. Versions that others of
    // this mount make of the file join them. Opening a derived name makes it real (with `stamp`). A
    // remote change does not join: it stays a head beside what the ticket commits.

    Result<WriteTicket> begin_write(const Node& node, const Stamp& stamp);
    // Makes a version of what was written. May be called many times. After the last link was
    // removed on this device nothing is kept; after a remote delete it is, and the file lives
    // again.
    WriteOutcome commit_write(const WriteTicket& ticket, const Content& content,
                              std::span<const AttributeSetting> settings, const Stamp& stamp);
    // The versions that a commit would replace.
    std::vector<VersionId> replaced_by(const WriteTicket& ticket) const;
    // Whether a write of this device that began at `begun` has come to its end: in a version of the
    // file by one of its logs, or because one of them has removed the file. True when there is no
    // such file.
    bool has_ended(const FileId& file, const Stamp& begun, const std::set<LogId>& own,
                   const std::set<Stamp>& except) const;
    // As commit_write() of a ticket that had opened these versions, after a restart.
    WriteOutcome restore_write(const FileId& file, std::vector<VersionId> opened,
                               const Content& content, std::span<const AttributeSetting> settings,
                               const Stamp& stamp);
    // Where the ticket writes now, after remaps.
    Node ticket_node(const WriteTicket& ticket) const;
    // Whether a commit would be kept.
    bool is_attached(const WriteTicket& ticket) const;
    void end_write(const WriteTicket& ticket);

    // ---- records

    // Adds published records of one segment.
    // REQUIRES: the segments that it depends on were applied before.
    void apply(std::span<const Record> records);
    // Loading: a tree that nobody has looked at takes the records of one segment after the other,
    // in an order in which apply() would; finish_loading() then makes the view, once. Nothing
    // counts as changed. Between the two only load() may be called. REQUIRES: nothing was applied
    // or done before.
    void load(std::span<const Record> records);
    void finish_loading();
    // Begins anew, as if nothing had ever been applied or done.
    void clear();
    // This device's records that are not published, in order.
    const std::vector<Record>& pending() const;
    // Records of the operations since the last call, each register once: what the journal takes.
    std::vector<Record> take_new_records();
    // After a restart: adds records that were pending, in their order, to what was applied.
    void restore_pending(std::span<const Record> records);
    // Coalesces what is pending and counts it as published. The tree is then what it would be on a
    // device that has only ever seen the published records.
    PublishedRecords publish();

    TreeChanges take_changes();

  private:
    std::unique_ptr<TreeState> state_;
};

}  // namespace lockstep
