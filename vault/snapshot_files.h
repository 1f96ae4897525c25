// Shows the past of a vault within it: `.lockstep/snapshots/NAME/` in the root, which no listing
// names.
//
// NAME is that of a snapshot, or a time in UTC: 2026-11-21, 2026-11-21T14:05 or
// 2026-11-21T14:05:30Z. A listing of `snapshots` names the vault's snapshots, and full hours and
// days of late. The tree of a NAME is made when something in it is asked for, and dropped when the
// last node of it is forgotten; it does not change meanwhile. Nothing in it can be changed.
//
// A real entry `.lockstep` in the root takes its place.
//
// Numbers of nodes of the past have their top bit set; all others are the base's, and its calls go
// straight through.
//
// THREADS: any.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>

#include "vault/history.h"
#include "vault/observer_list.h"

namespace lockstep {

class SnapshotFiles final : public FileSystem, private ChangeObserver {
  public:
    // Both outlive this.
    SnapshotFiles(FileSystem& base, VaultHistory& history);
    ~SnapshotFiles() override;
    SnapshotFiles(const SnapshotFiles&) = delete;
    SnapshotFiles& operator=(const SnapshotFiles&) = delete;

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
    Result<HandleId> open_unnamed() override { return base_.open_unnamed(); }
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
    Result<FileSystemSpace> space() override { return base_.space(); }
    void add_observer(ChangeObserver& observer) override;
    void remove_observer(ChangeObserver& observer) override;

  private:
    // One NAME.
    struct Moment {
        std::int64_t time_ms = 0;
        NodeId number = 0;                  // of its root
        std::uint64_t nodes = 0;            // referenced
        std::uint64_t handles = 0;          // open
        std::shared_ptr<FileSystem> files;  // once something in it was asked for
    };
    using MomentPtr = std::shared_ptr<Moment>;
    struct PastNode {
        MomentPtr moment;
        NodeId inner = 0;
        std::uint64_t references = 0;
    };
    // A node of the past, with its tree.
    struct Place {
        MomentPtr moment;
        std::shared_ptr<FileSystem> files;
        NodeId inner = 0;
    };

    // What others change shows in the root's attributes.
    void node_changed(NodeId node) override;
    void entry_changed(NodeId, const std::string&) override {}

    Result<Attributes> lookup_moment(std::string_view name) EXCLUDES_LOCK(mutex_);
    Result<Attributes> lookup_within(NodeId directory, std::string_view name) EXCLUDES_LOCK(mutex_);
    std::optional<std::int64_t> time_of(std::string_view name);
    MomentPtr moment_of(const std::string& name, std::int64_t time_ms) REQUIRES_LOCK(mutex_);
    Result<Place> place_of(NodeId node) EXCLUDES_LOCK(mutex_);
    NodeId number_of(const MomentPtr& moment, NodeId inner) REQUIRES_LOCK(mutex_);
    void drop_unused(const MomentPtr& moment) REQUIRES_LOCK(mutex_);
    std::shared_ptr<FileSystem> files_of(HandleId handle) EXCLUDES_LOCK(mutex_);
    Attributes directory_attributes(NodeId node, std::int64_t time_ms);
    std::vector<std::string> names_to_list();

    FileSystem& base_;
    VaultHistory& history_;
    ObserverList observers_;
    std::atomic<std::size_t> handle_count_{0};  // while 0, no handle is looked up
    Mutex mutex_;
    std::uint64_t next_moment_ GUARDED_BY(mutex_) = 1;
    std::map<std::string, MomentPtr> moments_ GUARDED_BY(mutex_);
    std::unordered_map<NodeId, PastNode> nodes_ GUARDED_BY(mutex_);
    std::unordered_map<HandleId, MomentPtr> handles_ GUARDED_BY(mutex_);
    std::set<std::string> missed_ GUARDED_BY(mutex_);  // names that were not there when asked for
};

}  // namespace lockstep
