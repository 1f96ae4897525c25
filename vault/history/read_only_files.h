// A FileSystem through which nothing can be changed: what would is refused with ReadOnly.
//
// THREADS: any.
#pragma once

#include "vault/file_system.h"

namespace lockstep {

class ReadOnlyFiles final : public FileSystem {
  public:
    // `base` outlives this.
    explicit ReadOnlyFiles(FileSystem& base) : base_(base) {}

    Result<Attributes> lookup(NodeId directory, std::string_view name) override {
        return base_.lookup(directory, name);
    }
    void forget(NodeId node, std::uint64_t references) override { base_.forget(node, references); }
    Result<Attributes> attributes(NodeId node) override { return base_.attributes(node); }
    Result<Attributes> set_attributes(NodeId, const AttributeChange&,
                                      std::optional<HandleId>) override {
        return refused();
    }
    Result<Attributes> make_directory(NodeId, std::string_view, std::uint32_t) override {
        return refused();
    }
    Result<Attributes> make_node(NodeId, std::string_view, const NewNode&) override {
        return refused();
    }
    Result<Attributes> make_symlink(NodeId, std::string_view, std::string_view) override {
        return refused();
    }
    Result<Attributes> make_link(NodeId, NodeId, std::string_view) override { return refused(); }
    Status remove_file(NodeId, std::string_view) override { return refused(); }
    Status remove_directory(NodeId, std::string_view) override { return refused(); }
    Status rename(NodeId, std::string_view, NodeId, std::string_view, RenameMode) override {
        return refused();
    }
    Result<std::string> read_symlink(NodeId node) override { return base_.read_symlink(node); }
    Result<std::shared_ptr<const Listing>> list(NodeId directory) override {
        return base_.list(directory);
    }
    Result<Created> create(NodeId, std::string_view, std::uint32_t) override { return refused(); }
    Result<HandleId> open(NodeId node, const OpenRequest& request) override {
        if (request.write || request.truncate) return refused();
        return base_.open(node, request);
    }
    Result<std::size_t> read(HandleId handle, std::uint64_t offset, MutableByteView out) override {
        return base_.read(handle, offset, out);
    }
    Status write(HandleId, std::uint64_t, ByteView) override { return refused(); }
    Result<std::optional<std::uint64_t>> seek(HandleId handle, std::uint64_t offset,
                                              SeekTarget target) override {
        return base_.seek(handle, offset, target);
    }
    Status change_range(HandleId, const RangeChange&) override { return refused(); }
    Result<std::uint64_t> copy_range(const RangeCopy&) override { return refused(); }
    Status flush(HandleId) override { return {}; }
    void release(HandleId handle) override { base_.release(handle); }
    Status sync(HandleId) override { return {}; }
    Status sync_metadata() override { return {}; }
    Result<VersionId> version(NodeId node) override { return base_.version(node); }
    Result<Bytes> get_xattr(NodeId node, std::string_view name) override {
        return base_.get_xattr(node, name);
    }
    Result<std::vector<std::string>> list_xattrs(NodeId node) override {
        return base_.list_xattrs(node);
    }
    Status set_xattr(NodeId, std::string_view, ByteView, XattrMode) override { return refused(); }
    Status remove_xattr(NodeId, std::string_view) override { return refused(); }
    Result<FileSystemSpace> space() override { return base_.space(); }
    void add_observer(ChangeObserver& observer) override { base_.add_observer(observer); }
    void remove_observer(ChangeObserver& observer) override { base_.remove_observer(observer); }

  private:
    static Error refused() { return {ErrorKind::ReadOnly, "the past cannot be changed"}; }

    FileSystem& base_;
};

}  // namespace lockstep
