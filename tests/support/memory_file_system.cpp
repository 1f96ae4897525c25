#include "tests/support/memory_file_system.h"

#include <algorithm>
#include <ctime>

#include <unistd.h>

#include "vault/limits.h"

namespace lockstep {
namespace {

Error failure(ErrorKind kind) {
    return Error{kind, "memory file system"};
}

std::int64_t now_ns() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

Status check_name(std::string_view name) {
    if (name.size() > kNameSizeMax) return failure(ErrorKind::NameTooLong);
    if (name.empty() || name == "." || name == "..") return failure(ErrorKind::Invalid);
    if (name.find('/') != std::string_view::npos || name.find('\0') != std::string_view::npos)
        return failure(ErrorKind::Invalid);
    return {};
}

}  // namespace

MemoryFileSystem::MemoryFileSystem() {
    MutexLock lock(mutex_);
    Node& root = add_node(FileType::Directory, 0755);
    root.parent = kRootNode;
    root.references = 1;
}

MemoryFileSystem::~MemoryFileSystem() = default;

void MemoryFileSystem::set_read_only(bool read_only) {
    MutexLock lock(mutex_);
    read_only_ = read_only;
}

void MemoryFileSystem::fail_io_with(std::optional<ErrorKind> kind) {
    MutexLock lock(mutex_);
    io_failure_ = kind;
}

std::uint64_t MemoryFileSystem::references() const {
    MutexLock lock(mutex_);
    std::uint64_t sum = 0;
    for (const auto& [id, node] : nodes_)
        if (id != kRootNode) sum += node->references;
    return sum;
}

std::size_t MemoryFileSystem::open_handles() const {
    MutexLock lock(mutex_);
    return handles_.size();
}

bool MemoryFileSystem::wait_until_closed() const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    MutexLock lock(mutex_);
    while (!handles_.empty() && closed_.wait_until(mutex_, end)) {
    }
    return handles_.empty();
}

// ---- observers ----

template <typename Call>
void MemoryFileSystem::report(Call call) {
    std::vector<ChangeObserver*> observers;
    {
        MutexLock lock(observers_mutex_);
        observers = observers_;
        ++reports_under_way_;
    }
    for (ChangeObserver* observer : observers) call(*observer);
    MutexLock lock(observers_mutex_);
    --reports_under_way_;
    report_ended_.notify_all();
}

void MemoryFileSystem::report_node(NodeId node) {
    report([&](ChangeObserver& observer) { observer.node_changed(node); });
}

void MemoryFileSystem::report_entry(NodeId directory, const std::string& name) {
    report([&](ChangeObserver& observer) { observer.entry_changed(directory, name); });
}

void MemoryFileSystem::add_observer(ChangeObserver& observer) {
    MutexLock lock(observers_mutex_);
    observers_.push_back(&observer);
}

void MemoryFileSystem::remove_observer(ChangeObserver& observer) {
    MutexLock lock(observers_mutex_);
    std::erase(observers_, &observer);
    while (reports_under_way_ > 0) report_ended_.wait(observers_mutex_);
}

// ---- helpers ----

Result<MemoryFileSystem::Node*> MemoryFileSystem::find(NodeId node) {
    const auto at = nodes_.find(node);
    if (at == nodes_.end()) return failure(ErrorKind::NotFound);
    return at->second.get();
}

// A removed directory that is still referenced has no names any more and takes none.
Result<MemoryFileSystem::Node*> MemoryFileSystem::find_directory(NodeId node) {
    TRY(Node * found, find(node));
    if (found->attributes.type != FileType::Directory) return failure(ErrorKind::NotDirectory);
    if (found->parent == 0) return failure(ErrorKind::NotFound);
    return found;
}

Result<MemoryFileSystem::Handle*> MemoryFileSystem::find_handle(HandleId handle) {
    const auto at = handles_.find(handle);
    if (at == handles_.end()) return failure(ErrorKind::Invalid);
    return &at->second;
}

Result<NodeId> MemoryFileSystem::child(NodeId directory, std::string_view name) {
    TRY(Node * parent, find_directory(directory));
    TRY_OK(check_name(name));
    const auto at = parent->children.find(name);
    if (at == parent->children.end()) return failure(ErrorKind::NotFound);
    return at->second;
}

Status MemoryFileSystem::check_writable() const {
    if (read_only_) return failure(ErrorKind::ReadOnly);
    return {};
}

Status MemoryFileSystem::check_free(NodeId parent, std::string_view name) {
    TRY_OK(check_writable());
    TRY([[maybe_unused]] const Node* directory, find_directory(parent));
    const Result<NodeId> taken = child(parent, name);
    if (taken.ok()) return failure(ErrorKind::Exists);
    if (taken.error().kind == ErrorKind::NotFound) return Result<void>{};
    return taken.error();
}

Attributes MemoryFileSystem::referenced(Node& node) {
    ++node.references;
    return node.attributes;
}

MemoryFileSystem::Node& MemoryFileSystem::add_node(FileType type, std::uint32_t mode) {
    auto node = std::make_unique<Node>();
    const std::int64_t now = now_ns();
    node->attributes = Attributes{.node = next_node_,
                                  .type = type,
                                  .mode = mode & 01777,
                                  .links = type == FileType::Directory ? 2U : 0U,
                                  .uid = ::geteuid(),
                                  .gid = ::getegid(),
                                  .accessed_ns = now,
                                  .modified_ns = now,
                                  .changed_ns = now};
    return *(nodes_[next_node_++] = std::move(node));
}

void MemoryFileSystem::attach(Node& parent, std::string_view name, Node& node) {
    parent.children.emplace(name, node.attributes.node);
    if (node.attributes.type == FileType::Directory) {
        node.parent = parent.attributes.node;
        ++parent.attributes.links;
    } else {
        ++node.attributes.links;
    }
    touch(node, false);
    touch(parent, true);
}

void MemoryFileSystem::detach(Node& parent, std::string_view name) {
    const auto at = parent.children.find(name);
    const NodeId id = at->second;
    Node& node = *nodes_.at(id);
    parent.children.erase(at);
    if (node.attributes.type == FileType::Directory) {
        node.parent = 0;
        --parent.attributes.links;
    } else {
        --node.attributes.links;
    }
    touch(node, false);
    touch(parent, true);
}

void MemoryFileSystem::touch(Node& node, bool content) {
    node.attributes.changed_ns = now_ns();
    if (content) node.attributes.modified_ns = node.attributes.changed_ns;
}

void MemoryFileSystem::drop_if_unused(NodeId id) {
    const auto at = nodes_.find(id);
    if (at == nodes_.end() || id == kRootNode) return;
    const Node& node = *at->second;
    const bool has_name =
        node.attributes.type == FileType::Directory ? node.parent != 0 : node.attributes.links > 0;
    if (!has_name && node.references == 0 && node.handles == 0) nodes_.erase(at);
}

HandleId MemoryFileSystem::add_handle(Node& node, const OpenRequest& request) {
    ++node.handles;
    handles_[next_handle_] = Handle{.node = node.attributes.node, .request = request};
    return next_handle_++;
}

void MemoryFileSystem::resize(Node& node, std::uint64_t size) {
    if (size < node.attributes.size) {
        node.blocks.erase(node.blocks.lower_bound((size + kBlockSize - 1) / kBlockSize),
                          node.blocks.end());
        const auto last = node.blocks.find(size / kBlockSize);
        if (last != node.blocks.end())
            std::fill(last->second.begin() + static_cast<std::ptrdiff_t>(size % kBlockSize),
                      last->second.end(), std::byte{0});
    }
    node.attributes.size = size;
    node.attributes.allocated = node.blocks.size() * kBlockSize;
}

// ---- names ----

Result<Attributes> MemoryFileSystem::lookup(NodeId directory, std::string_view name) {
    MutexLock lock(mutex_);
    TRY(const NodeId id, child(directory, name));
    return referenced(*nodes_.at(id));
}

void MemoryFileSystem::forget(NodeId node, std::uint64_t references) {
    MutexLock lock(mutex_);
    const auto at = nodes_.find(node);
    if (at == nodes_.end() || node == kRootNode) return;
    CHECK(at->second->references >= references, "more references given back than taken");
    at->second->references -= references;
    drop_if_unused(node);
}

Result<Attributes> MemoryFileSystem::attributes(NodeId node) {
    MutexLock lock(mutex_);
    TRY(Node * found, find(node));
    return found->attributes;
}

Result<Attributes> MemoryFileSystem::set_attributes(NodeId node, const AttributeChange& change,
                                                    std::optional<HandleId> handle) {
    MutexLock lock(mutex_);
    TRY(Node * found, find(node));
    TRY_OK(check_writable());
    if (handle) TRY_OK(find_handle(*handle).ok() ? Status{} : failure(ErrorKind::Invalid));
    Attributes& attributes = found->attributes;
    if (change.size) {
        if (attributes.type == FileType::Directory) return failure(ErrorKind::IsDirectory);
        if (attributes.type != FileType::Regular) return failure(ErrorKind::Invalid);
        if (*change.size > kFileSizeMax) return failure(ErrorKind::TooLarge);
        resize(*found, *change.size);
    }
    touch(*found, change.size.has_value());
    if (change.mode) attributes.mode = *change.mode & 01777;
    if (change.uid) attributes.uid = *change.uid;
    if (change.gid) attributes.gid = *change.gid;
    if (change.accessed_ns) attributes.accessed_ns = *change.accessed_ns;
    if (change.modified_ns) attributes.modified_ns = *change.modified_ns;
    return attributes;
}

Result<Attributes> MemoryFileSystem::make_directory(NodeId parent, std::string_view name,
                                                    std::uint32_t mode) {
    MutexLock lock(mutex_);
    TRY_OK(check_free(parent, name));
    Node& node = add_node(FileType::Directory, mode);
    attach(*nodes_.at(parent), name, node);
    return referenced(node);
}

Result<Attributes> MemoryFileSystem::make_node(NodeId parent, std::string_view name,
                                               const NewNode& wanted) {
    MutexLock lock(mutex_);
    if (wanted.type == FileType::Directory || wanted.type == FileType::Symlink)
        return failure(ErrorKind::Invalid);
    TRY_OK(check_free(parent, name));
    Node& node = add_node(wanted.type, wanted.mode);
    attach(*nodes_.at(parent), name, node);
    return referenced(node);
}

Result<Attributes> MemoryFileSystem::make_symlink(NodeId parent, std::string_view name,
                                                  std::string_view target) {
    MutexLock lock(mutex_);
    if (target.empty() || target.find('\0') != std::string_view::npos)
        return failure(ErrorKind::Invalid);
    if (target.size() > kSymlinkSizeMax) return failure(ErrorKind::NameTooLong);
    TRY_OK(check_free(parent, name));
    Node& node = add_node(FileType::Symlink, 0777);
    node.target = target;
    node.attributes.size = target.size();
    attach(*nodes_.at(parent), name, node);
    return referenced(node);
}

Result<Attributes> MemoryFileSystem::make_link(NodeId id, NodeId parent, std::string_view name) {
    MutexLock lock(mutex_);
    TRY(Node * node, find(id));
    if (node->attributes.type == FileType::Directory) return failure(ErrorKind::Refused);
    if (node->attributes.links == 0) return failure(ErrorKind::NotFound);
    TRY_OK(check_free(parent, name));
    attach(*nodes_.at(parent), name, *node);
    return referenced(*node);
}

Status MemoryFileSystem::remove_file(NodeId parent, std::string_view name) {
    MutexLock lock(mutex_);
    TRY_OK(check_writable());
    TRY(const NodeId id, child(parent, name));
    if (nodes_.at(id)->attributes.type == FileType::Directory)
        return failure(ErrorKind::IsDirectory);
    detach(*nodes_.at(parent), name);
    drop_if_unused(id);
    return {};
}

Status MemoryFileSystem::remove_directory(NodeId parent, std::string_view name) {
    MutexLock lock(mutex_);
    TRY_OK(check_writable());
    TRY(const NodeId id, child(parent, name));
    const Node& node = *nodes_.at(id);
    if (node.attributes.type != FileType::Directory) return failure(ErrorKind::NotDirectory);
    if (!node.children.empty()) return failure(ErrorKind::NotEmpty);
    detach(*nodes_.at(parent), name);
    drop_if_unused(id);
    return {};
}

bool MemoryFileSystem::is_inside(NodeId node, NodeId directory) {
    while (node != kRootNode && node != directory) node = nodes_.at(node)->parent;
    return node == directory;
}

Status MemoryFileSystem::check_replaceable(const Node& source, const Node& target) const {
    const bool from_directory = source.attributes.type == FileType::Directory;
    const bool to_directory = target.attributes.type == FileType::Directory;
    if (from_directory && !to_directory) return failure(ErrorKind::NotDirectory);
    if (!from_directory && to_directory) return failure(ErrorKind::IsDirectory);
    if (to_directory && !target.children.empty()) return failure(ErrorKind::NotEmpty);
    return {};
}

Status MemoryFileSystem::rename(NodeId parent, std::string_view name, NodeId new_parent,
                                std::string_view new_name, RenameMode mode) {
    MutexLock lock(mutex_);
    TRY_OK(check_writable());
    TRY(const NodeId source, child(parent, name));
    const Result<NodeId> target = child(new_parent, new_name);
    if (!target.ok() && target.error().kind != ErrorKind::NotFound) return target.error();
    TRY_OK(find_directory(new_parent).ok() ? Status{} : failure(ErrorKind::NotFound));
    if (target.ok() && mode == RenameMode::NoReplace) return failure(ErrorKind::Exists);
    if (!target.ok() && mode == RenameMode::Exchange) return failure(ErrorKind::NotFound);
    if (target.ok() && *target == source) return {};
    Node &from = *nodes_.at(parent), &to = *nodes_.at(new_parent);
    if (is_inside(new_parent, source)) return failure(ErrorKind::Invalid);
    if (mode == RenameMode::Exchange) {
        if (is_inside(parent, *target)) return failure(ErrorKind::Invalid);
        return exchange(from, name, to, new_name);
    }
    if (target.ok()) {
        if (is_inside(parent, *target)) return failure(ErrorKind::NotEmpty);
        TRY_OK(check_replaceable(*nodes_.at(source), *nodes_.at(*target)));
        detach(to, new_name);
        drop_if_unused(*target);
    }
    detach(from, name);
    attach(to, new_name, *nodes_.at(source));
    return {};
}

Status MemoryFileSystem::exchange(Node& from, std::string_view name, Node& to,
                                  std::string_view new_name) {
    Node& first = *nodes_.at(from.children.find(name)->second);
    Node& second = *nodes_.at(to.children.find(new_name)->second);
    detach(from, name);
    detach(to, new_name);
    attach(to, new_name, first);
    attach(from, name, second);
    return {};
}

Result<std::string> MemoryFileSystem::read_symlink(NodeId node) {
    MutexLock lock(mutex_);
    TRY(Node * found, find(node));
    if (found->attributes.type != FileType::Symlink) return failure(ErrorKind::Invalid);
    return found->target;
}

Result<std::shared_ptr<const Listing>> MemoryFileSystem::list(NodeId directory) {
    MutexLock lock(mutex_);
    TRY(Node * found, find(directory));
    if (found->attributes.type != FileType::Directory) return failure(ErrorKind::NotDirectory);
    auto listing = std::make_shared<Listing>();
    for (const auto& [name, id] : found->children)
        listing->push_back({.name = name, .node = id, .type = nodes_.at(id)->attributes.type});
    return std::shared_ptr<const Listing>(std::move(listing));
}

// ---- open files ----

Result<FileSystem::Created> MemoryFileSystem::create(NodeId parent, std::string_view name,
                                                     std::uint32_t mode) {
    MutexLock lock(mutex_);
    TRY_OK(check_free(parent, name));
    Node& node = add_node(FileType::Regular, mode);
    attach(*nodes_.at(parent), name, node);
    const HandleId handle = add_handle(node, {.read = true, .write = true, .truncate = false});
    return Created{.attributes = referenced(node), .handle = handle};
}

Result<HandleId> MemoryFileSystem::open(NodeId node, const OpenRequest& request) {
    MutexLock lock(mutex_);
    TRY(Node * found, find(node));
    switch (found->attributes.type) {
        case FileType::Regular:
            break;
        case FileType::Directory:
            return failure(ErrorKind::IsDirectory);
        case FileType::Symlink:
            return failure(ErrorKind::Loop);
        case FileType::Fifo:
        case FileType::Socket:
            return failure(ErrorKind::Invalid);
    }
    if (request.write || request.truncate) TRY_OK(check_writable());
    if (request.truncate) {
        resize(*found, 0);
        touch(*found, true);
    }
    return add_handle(*found, request);
}

Result<std::size_t> MemoryFileSystem::read(HandleId handle, std::uint64_t offset,
                                           MutableByteView out) {
    MutexLock lock(mutex_);
    TRY(Handle * found, find_handle(handle));
    if (!found->request.read) return failure(ErrorKind::Invalid);
    if (io_failure_) return failure(*io_failure_);
    const Node& node = *nodes_.at(found->node);
    if (offset >= node.attributes.size) return std::size_t{0};
    const std::size_t length = std::min<std::uint64_t>(out.size(), node.attributes.size - offset);
    for (std::size_t done = 0; done < length;) {
        const std::uint64_t at = offset + done;
        const std::size_t start = at % kBlockSize;
        const std::size_t part = std::min(length - done, kBlockSize - start);
        const auto block = node.blocks.find(at / kBlockSize);
        if (block == node.blocks.end()) {
            std::memset(out.data() + done, 0, part);
        } else {
            std::memcpy(out.data() + done, block->second.data() + start, part);
        }
        done += part;
    }
    return length;
}

Status MemoryFileSystem::write(HandleId handle, std::uint64_t offset, ByteView data) {
    MutexLock lock(mutex_);
    TRY(Handle * found, find_handle(handle));
    if (!found->request.write) return failure(ErrorKind::Invalid);
    if (io_failure_) return failure(*io_failure_);
    if (offset > kFileSizeMax || data.size() > kFileSizeMax - offset)
        return failure(ErrorKind::TooLarge);
    Node& node = *nodes_.at(found->node);
    for (std::size_t done = 0; done < data.size();) {
        const std::uint64_t at = offset + done;
        const std::size_t start = at % kBlockSize;
        const std::size_t part = std::min(data.size() - done, kBlockSize - start);
        Bytes& block = node.blocks[at / kBlockSize];
        block.resize(kBlockSize);
        std::memcpy(block.data() + start, data.data() + done, part);
        done += part;
    }
    if (!data.empty()) resize(node, std::max(node.attributes.size, offset + data.size()));
    touch(node, true);
    return {};
}

Result<std::optional<std::uint64_t>> MemoryFileSystem::seek(HandleId handle, std::uint64_t offset,
                                                            SeekTarget target) {
    MutexLock lock(mutex_);
    TRY(Handle * found, find_handle(handle));
    const Node& node = *nodes_.at(found->node);
    for (std::uint64_t at = offset; at < node.attributes.size;) {
        const bool is_data = node.blocks.contains(at / kBlockSize);
        if (is_data == (target == SeekTarget::Data)) return std::optional(at);
        if (is_data) {
            at = (at / kBlockSize + 1) * kBlockSize;
            continue;
        }
        const auto next = node.blocks.lower_bound(at / kBlockSize);
        if (next == node.blocks.end()) break;
        at = next->first * kBlockSize;
    }
    if (target == SeekTarget::Hole && offset < node.attributes.size)
        return std::optional(node.attributes.size);
    return std::optional<std::uint64_t>();
}

Status MemoryFileSystem::change_range(HandleId handle, const RangeChange& change) {
    MutexLock lock(mutex_);
    TRY(Handle * found, find_handle(handle));
    if (!found->request.write || change.length == 0) return failure(ErrorKind::Invalid);
    if (change.offset > kFileSizeMax || change.length > kFileSizeMax - change.offset)
        return failure(ErrorKind::TooLarge);
    Node& node = *nodes_.at(found->node);
    const std::uint64_t end = change.offset + change.length;
    if (change.kind != RangeChange::Kind::Allocate)
        clear(node, change.offset, std::min(end, node.attributes.size));
    const bool may_grow = change.kind != RangeChange::Kind::Punch && !change.keep_size;
    resize(node, may_grow ? std::max(node.attributes.size, end) : node.attributes.size);
    touch(node, true);
    return {};
}

void MemoryFileSystem::clear(Node& node, std::uint64_t from, std::uint64_t to) {
    for (auto at = node.blocks.lower_bound(from / kBlockSize); at != node.blocks.end();) {
        const std::uint64_t start = at->first * kBlockSize, end = start + kBlockSize;
        if (start >= to) break;
        if (from <= start && end <= to) {
            at = node.blocks.erase(at);
            continue;
        }
        const std::uint64_t first = std::max(from, start), last = std::min(to, end);
        if (first < last) std::memset(at->second.data() + (first - start), 0, last - first);
        ++at;
    }
}

Result<std::uint64_t> MemoryFileSystem::copy_range(const RangeCopy& copy) {
    const std::uint64_t low = std::min(copy.from_offset, copy.to_offset);
    {
        MutexLock lock(mutex_);
        TRY(Handle * from, find_handle(copy.from));
        TRY(Handle * to, find_handle(copy.to));
        if (from->node == to->node &&
            std::max(copy.from_offset, copy.to_offset) - low < copy.length)
            return failure(ErrorKind::Invalid);
    }
    Bytes bytes(std::min<std::uint64_t>(copy.length, 1 << 20));
    TRY(const std::size_t length, read(copy.from, copy.from_offset, bytes));
    TRY_OK(write(copy.to, copy.to_offset, ByteView(bytes).first(length)));
    return std::uint64_t{length};
}

Status MemoryFileSystem::flush(HandleId handle) {
    MutexLock lock(mutex_);
    return find_handle(handle).ok() ? Status{} : failure(ErrorKind::Invalid);
}

void MemoryFileSystem::release(HandleId handle) {
    MutexLock lock(mutex_);
    const auto at = handles_.find(handle);
    if (at == handles_.end()) return;
    const NodeId node = at->second.node;
    handles_.erase(at);
    --nodes_.at(node)->handles;
    drop_if_unused(node);
    if (handles_.empty()) closed_.notify_all();
}

Status MemoryFileSystem::sync(HandleId handle) {
    return flush(handle);
}

Status MemoryFileSystem::sync_metadata() {
    return {};
}

// ---- extended attributes ----

Result<Bytes> MemoryFileSystem::get_xattr(NodeId node, std::string_view name) {
    MutexLock lock(mutex_);
    TRY(Node * found, find(node));
    const auto at = found->xattrs.find(name);
    if (at == found->xattrs.end()) return failure(ErrorKind::NoAttribute);
    return at->second;
}

Result<std::vector<std::string>> MemoryFileSystem::list_xattrs(NodeId node) {
    MutexLock lock(mutex_);
    TRY(Node * found, find(node));
    std::vector<std::string> names;
    for (const auto& [name, value] : found->xattrs) names.push_back(name);
    return names;
}

Status MemoryFileSystem::set_xattr(NodeId node, std::string_view name, ByteView value,
                                   XattrMode mode) {
    MutexLock lock(mutex_);
    TRY(Node * found, find(node));
    TRY_OK(check_writable());
    if (name.empty()) return failure(ErrorKind::Invalid);
    if (name.size() > kNameSizeMax) return failure(ErrorKind::NameTooLong);
    auto& xattrs = found->xattrs;
    const auto at = xattrs.find(name);
    if (mode == XattrMode::Create && at != xattrs.end()) return failure(ErrorKind::Exists);
    if (mode == XattrMode::Replace && at == xattrs.end()) return failure(ErrorKind::NoAttribute);
    if (at == xattrs.end() && xattrs.size() >= kXattrsPerFileMax)
        return failure(ErrorKind::NoSpace);
    std::size_t total = name.size() + value.size();
    for (const auto& [other, held] : xattrs)
        if (other != name) total += other.size() + held.size();
    if (total > kXattrTotalSizeMax) return failure(ErrorKind::NoSpace);
    xattrs[std::string(name)] = to_bytes(value);
    touch(*found, false);
    return {};
}

Status MemoryFileSystem::remove_xattr(NodeId node, std::string_view name) {
    MutexLock lock(mutex_);
    TRY(Node * found, find(node));
    TRY_OK(check_writable());
    const auto at = found->xattrs.find(name);
    if (at == found->xattrs.end()) return failure(ErrorKind::NoAttribute);
    found->xattrs.erase(at);
    touch(*found, false);
    return {};
}

Result<FileSystemSpace> MemoryFileSystem::space() {
    return FileSystemSpace{.block_size = 4096,
                           .blocks_total = 1 << 20,
                           .blocks_free = 1 << 19,
                           .blocks_available = 1 << 18,
                           .files_total = 1 << 20,
                           .files_free = 1 << 19};
}

}  // namespace lockstep
