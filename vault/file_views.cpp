#include "vault/file_views.h"

#include <utility>

namespace lockstep {

// ---- the views of one base

FileViews::~FileViews() {
    CHECK(count_ == 0, "a view is left");
}

std::unique_ptr<FileView> FileViews::open(NodeId root) {
    std::unique_ptr<FileView> view(new FileView(*this, base_, root));
    base_.add_observer(*view);
    views_.add(*view);
    ++count_;
    return view;
}

void FileViews::report_to_others(const FileView& origin, NodeId node) {
    if (count_ < 2) return;
    views_.tell([&](ChangeObserver& view) {
        if (&view != &origin) view.node_changed(node);
    });
}

// ---- one view

FileView::FileView(FileViews& views, FileSystem& base, NodeId root)
    : views_(views), base_(base), root_(root) {}

FileView::~FileView() {
    --views_.count_;
    views_.views_.remove(*this);
    base_.remove_observer(*this);
    if (root_ != kRootNode) base_.forget(root_, 1);
}

bool FileView::to_own(NodeId& node) const {
    if (node == root_) {
        node = kRootNode;
        return true;
    }
    return node != kRootNode;
}

Result<Attributes> FileView::own(Result<Attributes> attributes) const {
    if (attributes.ok()) to_own(attributes->node);
    return attributes;
}

void FileView::node_changed(NodeId node) {
    if (!to_own(node)) return;
    observers_.tell([&](ChangeObserver& observer) { observer.node_changed(node); });
}

void FileView::entry_changed(NodeId directory, const std::string& name) {
    if (!to_own(directory)) return;
    observers_.tell([&](ChangeObserver& observer) { observer.entry_changed(directory, name); });
}

void FileView::add_observer(ChangeObserver& observer) {
    observers_.add(observer);
}

void FileView::remove_observer(ChangeObserver& observer) {
    observers_.remove(observer);
}

// ---- names and attributes

Result<Attributes> FileView::lookup(NodeId directory, std::string_view name) {
    return own(base_.lookup(to_base(directory), name));
}

void FileView::forget(NodeId node, std::uint64_t references) {
    if (node != kRootNode) base_.forget(node, references);
}

Result<Attributes> FileView::attributes(NodeId node) {
    return own(base_.attributes(to_base(node)));
}

Result<Attributes> FileView::set_attributes(NodeId node, const AttributeChange& change,
                                            std::optional<HandleId> handle) {
    Result<Attributes> changed = own(base_.set_attributes(to_base(node), change, handle));
    // Size and times of a file that is being written are not the base's news.
    if (changed.ok()) views_.report_to_others(*this, to_base(node));
    return changed;
}

Result<Attributes> FileView::make_directory(NodeId parent, std::string_view name,
                                            std::uint32_t mode) {
    return own(base_.make_directory(to_base(parent), name, mode));
}

Result<Attributes> FileView::make_node(NodeId parent, std::string_view name, const NewNode& node) {
    return own(base_.make_node(to_base(parent), name, node));
}

Result<Attributes> FileView::make_symlink(NodeId parent, std::string_view name,
                                          std::string_view target) {
    return own(base_.make_symlink(to_base(parent), name, target));
}

Result<Attributes> FileView::make_link(NodeId node, NodeId parent, std::string_view name) {
    return own(base_.make_link(to_base(node), to_base(parent), name));
}

Status FileView::remove_file(NodeId parent, std::string_view name) {
    return base_.remove_file(to_base(parent), name);
}

Status FileView::remove_directory(NodeId parent, std::string_view name) {
    return base_.remove_directory(to_base(parent), name);
}

Status FileView::rename(NodeId parent, std::string_view name, NodeId new_parent,
                        std::string_view new_name, RenameMode mode) {
    return base_.rename(to_base(parent), name, to_base(new_parent), new_name, mode);
}

Result<std::string> FileView::read_symlink(NodeId node) {
    return base_.read_symlink(to_base(node));
}

Result<std::shared_ptr<const Listing>> FileView::list(NodeId directory) {
    return base_.list(to_base(directory));
}

Result<VersionId> FileView::version(NodeId node) {
    return base_.version(to_base(node));
}

Result<HandleId> FileView::open_unnamed() {
    return base_.open_unnamed();
}

Result<PutOutcome> FileView::put_file(HandleId unnamed, NodeId parent, std::string_view name,
                                      const PutAttributes& attributes) {
    return base_.put_file(unnamed, to_base(parent), name, attributes);
}

Result<PutOutcome> FileView::put_version(HandleId unnamed, NodeId node, const VersionId& seen,
                                         const PutAttributes& attributes) {
    return base_.put_version(unnamed, to_base(node), seen, attributes);
}

Result<std::uint64_t> FileView::bytes_to_come(NodeId node) {
    return base_.bytes_to_come(to_base(node));
}

Result<std::vector<SharedRange>> FileView::shared_ranges(NodeId node, const VersionId& earlier) {
    return base_.shared_ranges(to_base(node), earlier);
}

Status FileView::remove_version(NodeId parent, std::string_view name, NodeId node,
                                const VersionId& seen) {
    return base_.remove_version(to_base(parent), name, node, seen);
}

Result<Bytes> FileView::get_xattr(NodeId node, std::string_view name) {
    return base_.get_xattr(to_base(node), name);
}

Result<std::vector<std::string>> FileView::list_xattrs(NodeId node) {
    return base_.list_xattrs(to_base(node));
}

Status FileView::set_xattr(NodeId node, std::string_view name, ByteView value, XattrMode mode) {
    return base_.set_xattr(to_base(node), name, value, mode);
}

Status FileView::remove_xattr(NodeId node, std::string_view name) {
    return base_.remove_xattr(to_base(node), name);
}

Result<FileSystemSpace> FileView::space() {
    return base_.space();
}

// ---- content

void FileView::note_open(HandleId handle, NodeId node) {
    MutexLock lock(handles_mutex_);
    handles_[handle] = node;
}

void FileView::report_written(HandleId handle) {
    if (views_.count_ < 2) return;
    NodeId node = 0;
    {
        MutexLock lock(handles_mutex_);
        const auto at = handles_.find(handle);
        if (at == handles_.end()) return;
        node = at->second;
    }
    views_.report_to_others(*this, node);
}

Result<FileSystem::Created> FileView::create(NodeId parent, std::string_view name,
                                             std::uint32_t mode) {
    Result<Created> created = base_.create(to_base(parent), name, mode);
    if (created.ok()) note_open(created->handle, created->attributes.node);
    return created;
}

Result<HandleId> FileView::open(NodeId node, const OpenRequest& request) {
    Result<HandleId> handle = base_.open(to_base(node), request);
    if (!handle.ok()) return handle;
    note_open(*handle, to_base(node));
    if (request.truncate) report_written(*handle);
    return handle;
}

Result<std::size_t> FileView::read(HandleId handle, std::uint64_t offset, MutableByteView out) {
    return base_.read(handle, offset, out);
}

Status FileView::write(HandleId handle, std::uint64_t offset, ByteView data) {
    Status written = base_.write(handle, offset, data);
    // Also when it failed: a part may have been written.
    report_written(handle);
    return written;
}

Status FileView::flush(HandleId handle) {
    return base_.flush(handle);
}

void FileView::release(HandleId handle) {
    {
        MutexLock lock(handles_mutex_);
        handles_.erase(handle);
    }
    base_.release(handle);
}

Status FileView::sync(HandleId handle) {
    return base_.sync(handle);
}

Result<std::optional<std::uint64_t>> FileView::seek(HandleId handle, std::uint64_t offset,
                                                    SeekTarget target) {
    return base_.seek(handle, offset, target);
}

Status FileView::change_range(HandleId handle, const RangeChange& change) {
    Status changed = base_.change_range(handle, change);
    report_written(handle);
    return changed;
}

Result<std::uint64_t> FileView::copy_range(const RangeCopy& copy) {
    Result<std::uint64_t> copied = base_.copy_range(copy);
    report_written(copy.to);
    return copied;
}

Status FileView::sync_metadata() {
    return base_.sync_metadata();
}

}  // namespace lockstep
