// A FileSystem in memory, complete, for tests of those who use one: no persistence, no limits but
// the contract's.
//
// Its own methods report nothing to observers: they are what the consumer under test does. Changes
// by somebody else are made through the same methods and then reported with report_node() and
// report_entry().
//
// THREADS: any; one mutex.
#pragma once

#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "vault/file_system.h"

namespace lockstep {

class MemoryFileSystem final : public FileSystem {
  public:
    MemoryFileSystem();
    ~MemoryFileSystem() override;

    // Every change fails with ReadOnly from now on.
    void set_read_only(bool read_only);
    // Every read() and write() fails with this kind, until nullopt.
    void fail_io_with(std::optional<ErrorKind> kind);
    // Tells the observers, as another consumer's change would.
    void report_node(NodeId node);
    void report_entry(NodeId directory, const std::string& name);
    // What is referenced or open: both 0 when all consumers have given everything back.
    std::uint64_t references() const;
    std::size_t open_handles() const;
    // Returns when no handle is open; false when one still is after 20 s.
    bool wait_until_closed() const;

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
    Result<Bytes> get_xattr(NodeId node, std::string_view name) override;
    Result<std::vector<std::string>> list_xattrs(NodeId node) override;
    Status set_xattr(NodeId node, std::string_view name, ByteView value, XattrMode mode) override;
    Status remove_xattr(NodeId node, std::string_view name) override;
    Result<FileSystemSpace> space() override;
    void add_observer(ChangeObserver& observer) override;
    void remove_observer(ChangeObserver& observer) override;

  private:
    static constexpr std::size_t kBlockSize = 64 * 1024;
    using Children = std::map<std::string, NodeId, std::less<>>;

    struct Node {
        Attributes attributes;
        NodeId parent = 0;  // of a directory; 0 once removed
        Children children;
        std::map<std::uint64_t, Bytes> blocks;  // by number; a missing one is a hole
        std::string target;
        std::map<std::string, Bytes, std::less<>> xattrs;
        std::uint64_t references = 0;
        std::uint64_t handles = 0;
    };
    struct Handle {
        NodeId node = 0;
        OpenRequest request;
    };

    Result<Node*> find(NodeId node) REQUIRES_LOCK(mutex_);
    Result<Node*> find_directory(NodeId node) REQUIRES_LOCK(mutex_);
    Result<Handle*> find_handle(HandleId handle) REQUIRES_LOCK(mutex_);
    Result<NodeId> child(NodeId directory, std::string_view name) REQUIRES_LOCK(mutex_);
    Status check_writable() const REQUIRES_LOCK(mutex_);
    Status check_free(NodeId parent, std::string_view name) REQUIRES_LOCK(mutex_);
    Status check_replaceable(const Node& source, const Node& target) const REQUIRES_LOCK(mutex_);
    bool is_inside(NodeId node, NodeId directory) REQUIRES_LOCK(mutex_);
    Attributes referenced(Node& node) REQUIRES_LOCK(mutex_);
    Node& add_node(FileType type, std::uint32_t mode) REQUIRES_LOCK(mutex_);
    void attach(Node& parent, std::string_view name, Node& node) REQUIRES_LOCK(mutex_);
    void detach(Node& parent, std::string_view name) REQUIRES_LOCK(mutex_);
    void touch(Node& node, bool content) REQUIRES_LOCK(mutex_);
    void resize(Node& node, std::uint64_t size) REQUIRES_LOCK(mutex_);
    void clear(Node& node, std::uint64_t from, std::uint64_t to) REQUIRES_LOCK(mutex_);
    void drop_if_unused(NodeId node) REQUIRES_LOCK(mutex_);
    HandleId add_handle(Node& node, const OpenRequest& request) REQUIRES_LOCK(mutex_);
    Status exchange(Node& from, std::string_view name, Node& to, std::string_view new_name)
        REQUIRES_LOCK(mutex_);
    template <typename Call>
    void report(Call call) EXCLUDES_LOCK(observers_mutex_);

    mutable Mutex mutex_;
    mutable CondVar closed_;
    std::unordered_map<NodeId, std::unique_ptr<Node>> nodes_ GUARDED_BY(mutex_);
    std::unordered_map<HandleId, Handle> handles_ GUARDED_BY(mutex_);
    NodeId next_node_ GUARDED_BY(mutex_) = kRootNode;
    HandleId next_handle_ GUARDED_BY(mutex_) = 1;
    bool read_only_ GUARDED_BY(mutex_) = false;
    std::optional<ErrorKind> io_failure_ GUARDED_BY(mutex_);

    Mutex observers_mutex_;
    CondVar report_ended_;
    std::vector<ChangeObserver*> observers_ GUARDED_BY(observers_mutex_);
    int reports_under_way_ GUARDED_BY(observers_mutex_) = 0;
};

}  // namespace lockstep
