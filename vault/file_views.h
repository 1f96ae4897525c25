// Shows one FileSystem to several consumers at once, each from a directory of its choice: what
// several mounts of one vault stand on.
//
// A *view* is a FileSystem whose root is a directory of the base. It holds on to the directory, not
// to its path: it goes with a rename, and shows a removed directory as a process sees it that
// stands in one: empty, NotFound for what is to be made in it. Hard links and renames that leave
// the view cannot be said through it. Numbers of nodes and handles are the base's, but for the
// root's.
//
// What is done through one view is reported to the observers of the others at once, also bytes that
// are not a version yet, of which the base says nothing.
//
// THREADS: any.
#pragma once

#include <atomic>
#include <memory>
#include <unordered_map>

#include "vault/observer_list.h"

namespace lockstep {

class FileView;

class FileViews {
  public:
    // `base` outlives this.
    explicit FileViews(FileSystem& base) : base_(base) {}
    // REQUIRES: no view is left
    ~FileViews();
    FileViews(const FileViews&) = delete;
    FileViews& operator=(const FileViews&) = delete;

    FileSystem& base() const { return base_; }
    // Takes over one reference to `root`, unless it is kRootNode. REQUIRES: a directory
    std::unique_ptr<FileView> open(NodeId root);

  private:
    friend class FileView;

    void report_to_others(const FileView& origin, NodeId node);

    FileSystem& base_;
    std::atomic<std::size_t> count_{0};
    ObserverList views_;
};

class FileView final : public FileSystem, private ChangeObserver {
  public:
    // Gives back its root. REQUIRES: no call under way, no observer left
    ~FileView() override;
    FileView(const FileView&) = delete;
    FileView& operator=(const FileView&) = delete;

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
    Status flush(HandleId handle) override;
    void release(HandleId handle) override;
    Status sync(HandleId handle) override;
    Result<std::optional<std::uint64_t>> seek(HandleId handle, std::uint64_t offset,
                                              SeekTarget target) override;
    Status change_range(HandleId handle, const RangeChange& change) override;
    Result<std::uint64_t> copy_range(const RangeCopy& copy) override;
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

  private:
    friend class FileViews;

    FileView(FileViews& views, FileSystem& base, NodeId root);

    // What the base tells, in this view's numbers.
    void node_changed(NodeId node) override;
    void entry_changed(NodeId directory, const std::string& name) override;

    NodeId to_base(NodeId node) const { return node == kRootNode ? root_ : node; }
    // False for what lies outside of the view for certain.
    bool to_own(NodeId& node) const;
    Result<Attributes> own(Result<Attributes> attributes) const;
    void note_open(HandleId handle, NodeId node) EXCLUDES_LOCK(handles_mutex_);
    void report_written(HandleId handle) EXCLUDES_LOCK(handles_mutex_);

    FileViews& views_;
    FileSystem& base_;
    const NodeId root_;
    ObserverList observers_;
    Mutex handles_mutex_;
    std::unordered_map<HandleId, NodeId> handles_ GUARDED_BY(handles_mutex_);
};

}  // namespace lockstep
