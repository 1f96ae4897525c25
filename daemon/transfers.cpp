#include "daemon/transfers.h"

#include <atomic>

#include "vault/limits.h"

namespace lockstep {

namespace {

// An upload's target, as it was at the beginning.
struct UploadTarget {
    FoundParent parent;
    PutAttributes attributes;
    std::optional<NodeReference> node{};  // nothing had the name, or no file
    std::optional<VersionId> seen{};
};

}  // namespace

struct Transfers::Transfer {
    explicit Transfer(HandleId opened) : handle(opened) {}

    Mutex mutex;
    std::shared_ptr<FileSystem> past;   // goes after the node; null: the vault as it is
    std::optional<NodeReference> node;  // of a download
    HandleId handle;
    bool is_open GUARDED_BY(mutex) = true;
    std::optional<UploadTarget> target;
    std::atomic<std::chrono::steady_clock::time_point> used{std::chrono::steady_clock::now()};
};

namespace {

Error gone() {
    return {ErrorKind::NotFound, "no such transfer (it may have been idle too long)"};
}

}  // namespace

Result<std::string> Transfers::add(std::shared_ptr<Transfer> transfer) {
    std::string id = hex(random_.id<Id<struct TransferIdTag, 16>>().bytes);
    {
        MutexLock lock(mutex_);
        if (transfers_.size() < kTransfersMax) {
            transfers_.emplace(id, std::move(transfer));
            return id;
        }
    }
    close(*transfer);
    return Error{ErrorKind::Busy, "too many transfers of this vault are open already"};
}

Result<std::shared_ptr<Transfers::Transfer>> Transfers::find(const std::string& id) {
    MutexLock lock(mutex_);
    auto found = transfers_.find(id);
    if (found == transfers_.end()) return gone();
    found->second->used = std::chrono::steady_clock::now();
    return found->second;
}

std::shared_ptr<Transfers::Transfer> Transfers::take(const std::string& id) {
    MutexLock lock(mutex_);
    auto found = transfers_.find(id);
    if (found == transfers_.end()) return nullptr;
    auto transfer = std::move(found->second);
    transfers_.erase(found);
    return transfer;
}

// What of an upload has no name is gone with its handle.
void Transfers::close(Transfer& transfer) {
    MutexLock lock(transfer.mutex);
    if (!transfer.is_open) return;
    transfer.is_open = false;
    (transfer.past ? *transfer.past : files_).release(transfer.handle);
}

Result<std::string> Transfers::begin_download(std::string_view path,
                                              std::shared_ptr<FileSystem> past) {
    FileSystem& files = past ? *past : files_;
    TRY(FoundNode found, find_node(files, path));
    switch (found.attributes.type) {
        case FileType::Regular:
            break;
        case FileType::Directory:
            return Error{ErrorKind::IsDirectory, "it is a directory"};
        case FileType::Symlink:
        case FileType::Fifo:
        case FileType::Socket:
            return Error{ErrorKind::Invalid, "it is no regular file and has no content"};
    }
    TRY(HandleId handle, files.open(found.node.id(), {.read = true}));
    auto transfer = std::make_shared<Transfer>(handle);
    transfer->past = std::move(past);
    transfer->node = std::move(found.node);
    return add(std::move(transfer));
}

Result<std::string> Transfers::begin_upload(std::string_view path, std::uint32_t mode,
                                            std::optional<std::int64_t> modified_ns) {
    if (mode > 0777) return Error{ErrorKind::Invalid, "a mode is 0 to 0777"};
    TRY(FoundParent parent, find_parent(files_, path));
    UploadTarget target{std::move(parent), {.mode = mode, .modified_ns = modified_ns}};
    Result<Attributes> there = files_.lookup(target.parent.directory.id(), target.parent.name);
    if (!there.ok() && there.error().kind != ErrorKind::NotFound) return std::move(there).error();
    if (there.ok()) {
        NodeReference held(files_, there->node);
        if (there->type == FileType::Directory)
            return Error{ErrorKind::IsDirectory, "a directory has that name"};
        if (there->type == FileType::Regular) {
            // Busy: somebody writes to it. What is there when this is whole is replaced then.
            if (Result<VersionId> seen = files_.version(held.id()); seen.ok()) target.seen = *seen;
            target.node = std::move(held);
        }
    }
    TRY(HandleId handle, files_.open_unnamed());
    auto transfer = std::make_shared<Transfer>(handle);
    transfer->target = std::move(target);
    return add(std::move(transfer));
}

Result<Transfers::Block> Transfers::read(const std::string& id, std::uint64_t offset) {
    TRY(std::shared_ptr<Transfer> transfer, find(id));
    MutexLock lock(transfer->mutex);
    if (!transfer->is_open) return gone();
    if (transfer->target) return Error{ErrorKind::Invalid, "this transfer is an upload"};
    FileSystem& files = transfer->past ? *transfer->past : files_;
    TRY(Attributes attributes, files.attributes(transfer->node->id()));
    Block block;
    block.total = attributes.size;
    block.bytes.resize(api::kContentBlockSize);
    TRY(std::size_t size, files.read(transfer->handle, offset, block.bytes));
    block.bytes.resize(size);
    return block;
}

Status Transfers::write(const std::string& id, std::uint64_t offset, ByteView data) {
    TRY(std::shared_ptr<Transfer> transfer, find(id));
    MutexLock lock(transfer->mutex);
    if (!transfer->is_open) return gone();
    if (!transfer->target) return Error{ErrorKind::Invalid, "this transfer is a download"};
    if (offset > kFileSizeMax - data.size()) {
        return Error{ErrorKind::TooLarge, "the file would be too large"};
    }
    return files_.write(transfer->handle, offset, data);
}

Status Transfers::finish(const std::string& id) {
    std::shared_ptr<Transfer> transfer = take(id);
    if (transfer == nullptr) return gone();
    Status done = [&]() -> Status {
        MutexLock lock(transfer->mutex);
        if (!transfer->is_open) return gone();
        if (!transfer->target) return Error{ErrorKind::Invalid, "this transfer is a download"};
        TRY_OK(put(*transfer));
        return files_.sync_metadata();
    }();
    close(*transfer);
    return done;
}

// The name may come to show something else again and again; not for long.
Status Transfers::put(Transfer& transfer) {
    constexpr int kAttempts = 10;
    const NodeId directory = transfer.target->parent.directory.id();
    const std::string& name = transfer.target->parent.name;
    Status done;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        Result<Attributes> there = files_.lookup(directory, name);
        if (there.ok()) {
            const NodeReference held(files_, there->node);
            done = put_in_place_of(transfer, *there);
            if (done.ok() || done.error().kind != ErrorKind::NotFound) return done;
        } else {
            if (there.error().kind != ErrorKind::NotFound) return std::move(there).error();
            Result<PutOutcome> put =
                files_.put_file(transfer.handle, directory, name, transfer.target->attributes);
            if (put.ok()) return {};
            done = std::move(put).error();
            if (done.error().kind != ErrorKind::Exists) return done;
        }
    }
    return done;
}

// NotFound when it is gone by now.
Status Transfers::put_in_place_of(Transfer& transfer, const Attributes& there) {
    const UploadTarget& target = *transfer.target;
    const NodeId directory = target.parent.directory.id();
    if (there.type == FileType::Directory)
        return Error{ErrorKind::IsDirectory, "a directory has that name"};
    if (there.type != FileType::Regular) {
        // It has no versions that this could be one of: a file takes its name.
        const std::string beside =
            ".lockstep-put-" + hex(random_.id<Id<struct TemporaryNameTag, 8>>().bytes);
        TRY(PutOutcome put, files_.put_file(transfer.handle, directory, beside, target.attributes));
        static_cast<void>(put);
        Status renamed =
            files_.rename(directory, beside, directory, target.parent.name, RenameMode::Replace);
        if (!renamed.ok()) static_cast<void>(files_.remove_file(directory, beside).ok());
        return renamed;
    }
    std::optional<VersionId> seen;
    if (target.node && target.node->id() == there.node) seen = target.seen;
    if (!seen) {
        TRY(seen, files_.version(there.node));
    }
    TRY(PutOutcome put, files_.put_version(transfer.handle, there.node, *seen, target.attributes));
    static_cast<void>(put);
    return {};
}

Status Transfers::drop(const std::string& id) {
    std::shared_ptr<Transfer> transfer = take(id);
    if (transfer == nullptr) return gone();
    close(*transfer);
    return {};
}

void Transfers::drop_all() {
    std::map<std::string, std::shared_ptr<Transfer>> all;
    {
        MutexLock lock(mutex_);
        all.swap(transfers_);
    }
    for (auto& [id, transfer] : all) close(*transfer);
}

void Transfers::drop_idle() {
    const auto now = std::chrono::steady_clock::now();
    std::vector<std::shared_ptr<Transfer>> idle;
    {
        MutexLock lock(mutex_);
        std::erase_if(transfers_, [&](auto& item) {
            if (now - item.second->used.load() < kTransferIdleMax) return false;
            idle.push_back(std::move(item.second));
            return true;
        });
    }
    for (auto& transfer : idle) close(*transfer);
}

std::size_t Transfers::count() const {
    MutexLock lock(mutex_);
    return transfers_.size();
}

}  // namespace lockstep
