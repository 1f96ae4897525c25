// The plaintext side of an unlocked vault: its tree as a FileSystem.
//
// Names and attributes go to the tree at once; content gathers in OpenFile and becomes a version at
// close, at fsync, or when the file has been quiet for kQuietTime.
//
// THREADS: any. Lock order: OpenFile::mutex, TreeHost::mutex, observers.
#pragma once

#include <map>
#include <set>
#include <unordered_map>

#include "vault/files/content_pool.h"
#include "vault/files/node_table.h"
#include "vault/files/tree_host.h"
#include "vault/observer_list.h"

namespace lockstep {

inline constexpr auto kQuietTime = std::chrono::seconds(2);
// For files whose writes are fsynced: after the last fsync, and while they go on.
inline constexpr auto kSyncedQuietTime = std::chrono::milliseconds(150);
inline constexpr auto kSyncedTimeMax = std::chrono::seconds(2);

struct VaultFilesEnvironment {
    TreeHost& host;
    ContentPool& content;
    WorkerPool& workers;
    const Chunker& chunker;
    const ContentIds& ids;
    const DerivedIds& derived_ids;
};

class VaultFiles final : public FileSystem {
  public:
    explicit VaultFiles(const VaultFilesEnvironment& environment);
    ~VaultFiles() override;  // waits for what workers do for it

    Result<Attributes> lookup(NodeId directory, std::string_view name) override;
    void forget(NodeId node, std::uint64_t references) override;
    Result<Attributes> attributes(NodeId node) override;
    Result<Attributes> set_attributes(NodeId node, const AttributeChange& change,
                                      std::optional<HandleId> handle) override;
    Result<Attributes> make_directory(NodeId parent, std::string_view name,
                                      std::uint32_t mode) override;
    Result<Attributes> make_node(NodeId parent, std::string_view name,
                                 const NewNode& node) override;
    Result<Attributes> make_symlink(NodeId parent, std::string_view name,
                                    std::string_view target) override;
    Result<Attributes> make_link(NodeId node, NodeId parent, std::string_view name) override;
    Status remove_file(NodeId parent, std::string_view name) override;
    Status remove_directory(NodeId parent, std::string_view name) override;
    Status rename(NodeId parent, std::string_view name, NodeId new_parent,
                  std::string_view new_name, RenameMode mode) override;
    Result<std::string> read_symlink(NodeId node) override;
    Result<std::shared_ptr<const Listing>> list(NodeId directory) override;
    Result<Created> create(NodeId parent, std::string_view name, std::uint32_t mode) override;
    Result<HandleId> open(NodeId node, const OpenRequest& request) override;
    Result<std::size_t> read(HandleId handle, std::uint64_t offset, MutableByteView out) override;
    Status write(HandleId handle, std::uint64_t offset, ByteView data) override;
    Result<std::optional<std::uint64_t>> seek(HandleId handle, std::uint64_t offset,
                                              SeekTarget target) override;
    Status change_range(HandleId handle, const RangeChange& change) override;
    Result<std::uint64_t> copy_range(const RangeCopy& copy) override;
    Status flush(HandleId handle) override;
    void release(HandleId handle) override;
    Status sync(HandleId handle) override;
    Status sync_metadata() override;
    Result<VersionId> version(NodeId node) override;
    Result<HandleId> open_unnamed() override;
    Result<PutOutcome> put_file(HandleId unnamed, NodeId parent, std::string_view name,
                                const PutAttributes& attributes) override;
    Result<PutOutcome> put_version(HandleId unnamed, NodeId node, const VersionId& seen,
                                   const PutAttributes& attributes) override;
    Result<std::vector<SharedRange>> shared_ranges(NodeId node, const VersionId& earlier) override;
    Result<std::uint64_t> bytes_to_come(NodeId node) override;
    Status remove_version(NodeId parent, std::string_view name, NodeId node,
                          const VersionId& seen) override;
    Result<Bytes> get_xattr(NodeId node, std::string_view name) override;
    Result<std::vector<std::string>> list_xattrs(NodeId node) override;
    Status set_xattr(NodeId node, std::string_view name, ByteView value, XattrMode mode) override;
    Status remove_xattr(NodeId node, std::string_view name) override;
    Result<FileSystemSpace> space() override;
    void add_observer(ChangeObserver& observer) override;
    void remove_observer(ChangeObserver& observer) override;

    // After a merge: open files that nobody writes show the new content, observers are told.
    void tree_merged();
    // Makes versions of files that have been quiet since `now` - kQuietTime; with `all`, of every
    // modified one.
    Status commit_written(std::chrono::steady_clock::time_point now, bool all);
    // Ends a conflict between versions of one file: see Tree::resolve().
    Status resolve(const Node& chosen) EXCLUDES_LOCK(host_.mutex);
    // Content of any version, for reading and copying, without a name: what it needs counts as in
    // use.
    Result<HandleId> open_content(const Content& content) EXCLUDES_LOCK(host_.mutex);
    // Gives what is shown by a derived name, and all that contest that name, files of their own.
    Status make_real(const Node& node) EXCLUDES_LOCK(host_.mutex);
    // Something was written to it that is no version yet.
    bool is_being_written(const FileId& file) EXCLUDES_LOCK(host_.mutex);
    // When the next modified file becomes a version.
    std::optional<std::chrono::steady_clock::time_point> next_commit();
    // Files whose last writes only the journal holds.
    std::size_t journaled_files() const { return journaled_files_; }
    std::size_t open_handles();
    // What open files hold of content, whether or not the tree shows it.
    struct InUse {
        std::vector<Content> contents;
        std::vector<ChunkId> chunks;
    };
    InUse content_in_use() EXCLUDES_LOCK(host_.mutex);
    // Paths of files with open handles, for a person.
    std::vector<std::string> open_paths();

  private:
    struct Handle {
        std::shared_ptr<OpenFile> file;
        bool may_write = false;
    };
    // What observers are to be told, gathered under the lock and told without it.
    struct Changes {
        std::vector<NodeId> nodes;
        std::vector<std::pair<NodeId, std::string>> entries;
    };
    struct News {
        Changes own;  // what the operation itself says
        Changes others;
    };

    Result<Node> directory_node(NodeId id) REQUIRES_LOCK(host_.mutex);
    Result<NodeRecord*> record_of(NodeId id) REQUIRES_LOCK(host_.mutex);
    Attributes attributes_of(const Node& node, NodeId id) REQUIRES_LOCK(host_.mutex);
    Attributes attributes_of_orphan(const NodeRecord& record) REQUIRES_LOCK(host_.mutex);
    Result<std::map<std::string, Bytes>> users_xattrs(NodeId id) REQUIRES_LOCK(host_.mutex);
    std::map<std::string, Bytes> users_xattrs_of(const Node& node) REQUIRES_LOCK(host_.mutex);
    std::optional<NodeId> kept_number(const Node& node) REQUIRES_LOCK(host_.mutex);
    Result<Attributes> entry_attributes(const TreeEntry& entry) REQUIRES_LOCK(host_.mutex);
    std::optional<Orphan> snapshot(const Node& node, NodeId* id) REQUIRES_LOCK(host_.mutex);
    void detach_if_gone(const Node& node, NodeId id, std::optional<Orphan> orphan)
        REQUIRES_LOCK(host_.mutex);
    void touch_directory(const FileId& directory) REQUIRES_LOCK(host_.mutex);
    // `own`: the nodes and entries that the operation names.
    News finish_operation(const Changes& own) REQUIRES_LOCK(host_.mutex);
    Changes take_changes() REQUIRES_LOCK(host_.mutex);
    void own_what_shows(const Node& node, NodeId id, News& news) REQUIRES_LOCK(host_.mutex);
    void tell(const Changes& changes) EXCLUDES_LOCK(host_.mutex);
    // `consumer`: who is told no news by what is its own.
    void tell(const News& news, const ChangeObserver* consumer) EXCLUDES_LOCK(host_.mutex);
    void tell(const News& news) EXCLUDES_LOCK(host_.mutex);
    std::int64_t now_ns() { return host_.clock().wall_ns(); }

    Result<Handle> handle_of(HandleId id) EXCLUDES_LOCK(handles_mutex_);
    HandleId add_handle(std::shared_ptr<OpenFile> file, bool may_write) REQUIRES_LOCK(host_.mutex);
    std::shared_ptr<OpenFile> open_file(NodeId id) REQUIRES_LOCK(host_.mutex);
    Status load(OpenFile& file) REQUIRES_LOCK(file.mutex) EXCLUDES_LOCK(host_.mutex);
    Status begin_write(OpenFile& file) REQUIRES_LOCK(file.mutex) EXCLUDES_LOCK(host_.mutex);
    void mark_modified(OpenFile& file);
    std::vector<std::shared_ptr<OpenFile>> modified_files() EXCLUDES_LOCK(modified_mutex_);
    Status commit_version(OpenFile& file) EXCLUDES_LOCK(file.mutex, host_.mutex);
    Result<bool> journal_write(OpenFile& file) REQUIRES_LOCK(file.mutex) EXCLUDES_LOCK(host_.mutex);
    std::vector<std::shared_ptr<OpenFile>> left_to_journal(const Node& node)
        REQUIRES_LOCK(host_.mutex);
    Status commit_journaled(NodeId id) EXCLUDES_LOCK(host_.mutex);
    void end_journaled(OpenFile& file);
    void let_go(OpenFile& file) EXCLUDES_LOCK(file.mutex, host_.mutex);
    std::shared_ptr<OpenFile> written_file(const Result<TreeEntry>& entry)
        REQUIRES_LOCK(host_.mutex);
    Status resize(NodeId id, std::uint64_t size);
    Status check_room(std::size_t size) EXCLUDES_LOCK(host_.mutex);
    Status limit_dirty(OpenFile& file) REQUIRES_LOCK(file.mutex);
    void note_read(const std::shared_ptr<OpenFile>& file, std::uint64_t offset, std::size_t size);
    void in_background(std::function<void()> task) EXCLUDES_LOCK(background_mutex_);
    void note_holes(const Content& content, std::uint64_t allocated) EXCLUDES_LOCK(host_.mutex);
    Result<ContentPart> part_to_share(OpenFile& file, std::uint64_t offset, std::uint64_t length)
        EXCLUDES_LOCK(file.mutex, host_.mutex);
    Result<Content> seal_content(OpenFile& file) REQUIRES_LOCK(file.mutex);
    Result<std::shared_ptr<OpenFile>> unnamed_file(HandleId id) EXCLUDES_LOCK(handles_mutex_);

    TreeHost& host_;
    ContentPool& content_;
    const Chunker& chunker_;
    const ContentIds& ids_;
    NodeTable nodes_ GUARDED_BY(host_.mutex);
    Mutex handles_mutex_;  // last in the lock order
    std::unordered_map<HandleId, Handle> handles_ GUARDED_BY(handles_mutex_);
    // Files that are modified, or were a moment ago.
    Mutex modified_mutex_;  // last in the lock order
    std::unordered_map<OpenFile*, std::shared_ptr<OpenFile>> modified_ GUARDED_BY(modified_mutex_);
    DirtyTotal dirty_total_{0};
    std::atomic<std::size_t> journaled_files_{0};
    // Bytes that the disk had left, and until when that is believed.
    std::atomic<std::uint64_t> room_{0};
    std::atomic<std::chrono::steady_clock::duration::rep> room_until_{0};
    // Bytes that are no holes, of contents with holes that were open here.
    std::map<ContentRoot, std::uint64_t> sparse_ GUARDED_BY(host_.mutex);
    WorkerPool& workers_;
    Mutex background_mutex_;
    CondVar background_ended_;
    std::size_t background_ GUARDED_BY(background_mutex_) = 0;  // tasks that workers do for this
    ObserverList observers_;
};

// Setuid and setgid are never stored.
inline constexpr std::uint32_t kModeBitsKept = 01777;

// Attribute values as records hold them.
Bytes encode_mode(std::uint32_t mode);
Bytes encode_owner(std::uint32_t id);
Bytes encode_time(std::int64_t ns);
std::uint32_t decode_mode(ByteView value);
std::uint32_t decode_owner(ByteView value);
std::int64_t decode_time(ByteView value);

// The vault's own attributes (vault/FORMAT.md): the inode number that a file has taken over from
// the one renamed over it, and what of a content with holes is data.
AttributeSetting inode_setting(const FileId& file, NodeId number);
AttributeSetting allocated_setting(const ContentRoot& root, std::uint64_t allocated);

}  // namespace lockstep
