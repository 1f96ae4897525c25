// The FileSystem of a vault that can be locked: while it is locked every call fails with Locked,
// and while this device may only read in it every change with ReadOnly.
//
// THREADS: any. close() waits until no call is under way.
#pragma once

#include <functional>
#include <set>

#include "base/mutex.h"
#include "vault/file_system.h"

namespace lockstep {

inline Error locked() {
    return {ErrorKind::Locked, "the vault is locked"};
}

class LockableFiles final : public FileSystem {
  public:
    // From now on calls go to `files`, and its changes to our observers; those that change
    // something only while `may_write()`, which is called from any thread until close().
    void open(FileSystem& files, std::function<bool()> may_write) EXCLUDES_LOCK(mutex_);
    // No call reaches `files` any more when this returns.
    void close() EXCLUDES_LOCK(mutex_);

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
    Result<std::vector<SharedRange>> shared_ranges(NodeId node, const VersionId& earlier) override;
    Result<std::uint64_t> bytes_to_come(NodeId node) override;
    Result<PutOutcome> put_version(HandleId unnamed, NodeId node, const VersionId& seen,
                                   const PutAttributes& attributes) override;
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
    // One call under way.
    class Use {
      public:
        explicit Use(LockableFiles& owner);
        ~Use();
        Use(const Use&) = delete;
        Use& operator=(const Use&) = delete;
        // REQUIRES: not locked
        bool may_write() const { return owner_.may_write_(); }
        FileSystem* files = nullptr;  // null: locked

      private:
        LockableFiles& owner_;
    };

    Mutex mutex_;
    CondVar idle_;
    FileSystem* files_ GUARDED_BY(mutex_) = nullptr;
    std::function<bool()> may_write_;  // changed only while nobody calls
    std::size_t uses_ GUARDED_BY(mutex_) = 0;
    std::set<ChangeObserver*> observers_ GUARDED_BY(mutex_);
};

}  // namespace lockstep
