#include "vault/core/lockable_files.h"

namespace lockstep {
namespace {

Error read_only() {
    return {ErrorKind::ReadOnly, "this device may only read in this vault"};
}

}  // namespace

LockableFiles::Use::Use(LockableFiles& owner) : owner_(owner) {
    MutexLock lock(owner_.mutex_);
    files = owner_.files_;
    if (files != nullptr) ++owner_.uses_;
}

LockableFiles::Use::~Use() {
    if (files == nullptr) return;
    MutexLock lock(owner_.mutex_);
    if (--owner_.uses_ == 0) owner_.idle_.notify_all();
}

void LockableFiles::open(FileSystem& files, std::function<bool()> may_write) {
    MutexLock lock(mutex_);
    may_write_ = std::move(may_write);
    files_ = &files;
    for (ChangeObserver* observer : observers_) files.add_observer(*observer);
}

void LockableFiles::close() {
    MutexLock lock(mutex_);
    FileSystem* files = std::exchange(files_, nullptr);
    while (uses_ > 0) idle_.wait(mutex_);
    if (files == nullptr) return;
    for (ChangeObserver* observer : observers_) files->remove_observer(*observer);
}

void LockableFiles::add_observer(ChangeObserver& observer) {
    MutexLock lock(mutex_);
    observers_.insert(&observer);
    if (files_ != nullptr) files_->add_observer(observer);
}

void LockableFiles::remove_observer(ChangeObserver& observer) {
    MutexLock lock(mutex_);
    observers_.erase(&observer);
    if (files_ != nullptr) files_->remove_observer(observer);
}

void LockableFiles::forget(NodeId node, std::uint64_t references) {
    if (Use use(*this); use.files != nullptr) use.files->forget(node, references);
}

void LockableFiles::release(HandleId handle) {
    if (Use use(*this); use.files != nullptr) use.files->release(handle);
}

#define FORWARD(call)                          \
    Use use(*this);                            \
    if (use.files == nullptr) return locked(); \
    return use.files->call
#define FORWARD_CHANGE(call)                   \
    Use use(*this);                            \
    if (use.files == nullptr) return locked(); \
    if (!use.may_write()) return read_only();  \
    return use.files->call

Result<Attributes> LockableFiles::lookup(NodeId directory, std::string_view name) {
    FORWARD(lookup(directory, name));
}
Result<Attributes> LockableFiles::attributes(NodeId node) {
    FORWARD(attributes(node));
}
Result<Attributes> LockableFiles::set_attributes(NodeId node, const AttributeChange& change,
                                                 std::optional<HandleId> handle) {
    FORWARD_CHANGE(set_attributes(node, change, handle));
}
Result<Attributes> LockableFiles::make_directory(NodeId parent, std::string_view name,
                                                 std::uint32_t mode) {
    FORWARD_CHANGE(make_directory(parent, name, mode));
}
Result<Attributes> LockableFiles::make_node(NodeId parent, std::string_view name,
                                            const NewNode& node) {
    FORWARD_CHANGE(make_node(parent, name, node));
}
Result<Attributes> LockableFiles::make_symlink(NodeId parent, std::string_view name,
                                               std::string_view target) {
    FORWARD_CHANGE(make_symlink(parent, name, target));
}
Result<Attributes> LockableFiles::make_link(NodeId node, NodeId parent, std::string_view name) {
    FORWARD_CHANGE(make_link(node, parent, name));
}
Status LockableFiles::remove_file(NodeId parent, std::string_view name) {
    FORWARD_CHANGE(remove_file(parent, name));
}
Status LockableFiles::remove_directory(NodeId parent, std::string_view name) {
    FORWARD_CHANGE(remove_directory(parent, name));
}
Status LockableFiles::rename(NodeId parent, std::string_view name, NodeId new_parent,
                             std::string_view new_name, RenameMode mode) {
    FORWARD_CHANGE(rename(parent, name, new_parent, new_name, mode));
}
Result<std::string> LockableFiles::read_symlink(NodeId node) {
    FORWARD(read_symlink(node));
}
Result<std::shared_ptr<const Listing>> LockableFiles::list(NodeId directory) {
    FORWARD(list(directory));
}
Result<FileSystem::Created> LockableFiles::create(NodeId parent, std::string_view name,
                                                  std::uint32_t mode) {
    FORWARD_CHANGE(create(parent, name, mode));
}
Result<HandleId> LockableFiles::open(NodeId node, const OpenRequest& request) {
    Use use(*this);
    if (use.files == nullptr) return locked();
    if ((request.write || request.truncate) && !use.may_write()) return read_only();
    return use.files->open(node, request);
}
Result<std::size_t> LockableFiles::read(HandleId handle, std::uint64_t offset,
                                        MutableByteView out) {
    FORWARD(read(handle, offset, out));
}
Status LockableFiles::write(HandleId handle, std::uint64_t offset, ByteView data) {
    FORWARD_CHANGE(write(handle, offset, data));
}
Result<std::optional<std::uint64_t>> LockableFiles::seek(HandleId handle, std::uint64_t offset,
                                                         SeekTarget target) {
    FORWARD(seek(handle, offset, target));
}
Status LockableFiles::change_range(HandleId handle, const RangeChange& change) {
    FORWARD_CHANGE(change_range(handle, change));
}
Result<std::uint64_t> LockableFiles::copy_range(const RangeCopy& copy) {
    FORWARD_CHANGE(copy_range(copy));
}
Status LockableFiles::flush(HandleId handle) {
    FORWARD(flush(handle));
}
Status LockableFiles::sync(HandleId handle) {
    FORWARD(sync(handle));
}
Status LockableFiles::sync_metadata() {
    FORWARD(sync_metadata());
}
Result<VersionId> LockableFiles::version(NodeId node) {
    FORWARD(version(node));
}
Result<HandleId> LockableFiles::open_unnamed() {
    FORWARD_CHANGE(open_unnamed());
}
Result<PutOutcome> LockableFiles::put_file(HandleId unnamed, NodeId parent, std::string_view name,
                                           const PutAttributes& attributes) {
    FORWARD_CHANGE(put_file(unnamed, parent, name, attributes));
}
Result<PutOutcome> LockableFiles::put_version(HandleId unnamed, NodeId node, const VersionId& seen,
                                              const PutAttributes& attributes) {
    FORWARD_CHANGE(put_version(unnamed, node, seen, attributes));
}
Result<std::uint64_t> LockableFiles::bytes_to_come(NodeId node) {
    FORWARD(bytes_to_come(node));
}

Result<std::vector<SharedRange>> LockableFiles::shared_ranges(NodeId node,
                                                              const VersionId& earlier) {
    FORWARD(shared_ranges(node, earlier));
}
Status LockableFiles::remove_version(NodeId parent, std::string_view name, NodeId node,
                                     const VersionId& seen) {
    FORWARD_CHANGE(remove_version(parent, name, node, seen));
}
Result<Bytes> LockableFiles::get_xattr(NodeId node, std::string_view name) {
    FORWARD(get_xattr(node, name));
}
Result<std::vector<std::string>> LockableFiles::list_xattrs(NodeId node) {
    FORWARD(list_xattrs(node));
}
Status LockableFiles::set_xattr(NodeId node, std::string_view name, ByteView value,
                                XattrMode mode) {
    FORWARD_CHANGE(set_xattr(node, name, value, mode));
}
Status LockableFiles::remove_xattr(NodeId node, std::string_view name) {
    FORWARD_CHANGE(remove_xattr(node, name));
}
Result<FileSystemSpace> LockableFiles::space() {
    FORWARD(space());
}

#undef FORWARD
#undef FORWARD_CHANGE

}  // namespace lockstep
