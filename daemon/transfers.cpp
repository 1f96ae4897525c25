#include "daemon/transfers.h"

#include <atomic>

#include "vault/limits.h"

namespace lockstep {

struct Transfers::Transfer {
    explicit Transfer(NodeReference held, HandleId opened)
        : node(std::move(held)), handle(opened) {}

    Mutex mutex;
    std::shared_ptr<FileSystem> past;  // goes after the node; null: the vault as it is
    NodeReference node;
    HandleId handle;
    bool is_open GUARDED_BY(mutex) = true;
    // Uploads only.
    std::optional<FoundParent> parent;
    std::string temporary_name;
    std::optional<std::int64_t> modified_ns;
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

// Closes the file; of an upload that was not finished nothing stays.
void Transfers::close(Transfer& transfer) {
    MutexLock lock(transfer.mutex);
    if (!transfer.is_open) return;
    transfer.is_open = false;
    (transfer.past ? *transfer.past : files_).release(transfer.handle);
    if (!transfer.parent) return;
    // When the vault was locked meanwhile this fails, and a file with a telling name stays.
    Status removed = files_.remove_file(transfer.parent->directory.id(), transfer.temporary_name);
    static_cast<void>(removed.ok());
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
    auto transfer = std::make_shared<Transfer>(std::move(found.node), handle);
    transfer->past = std::move(past);
    return add(std::move(transfer));
}

Result<std::string> Transfers::begin_upload(std::string_view path, std::uint32_t mode,
                                            std::optional<std::int64_t> modified_ns) {
    if (mode > 0777) return Error{ErrorKind::Invalid, "a mode is 0 to 0777"};
    TRY(FoundParent parent, find_parent(files_, path));
    if (Result<Attributes> target = files_.lookup(parent.directory.id(), parent.name);
        target.ok()) {
        NodeReference held(files_, target->node);
        if (target->type == FileType::Directory) {
            return Error{ErrorKind::IsDirectory, "a directory has that name"};
        }
    } else if (target.error().kind != ErrorKind::NotFound) {
        return std::move(target).error();
    }
    const std::string name =
        ".lockstep-put-" + hex(random_.id<Id<struct TemporaryNameTag, 8>>().bytes);
    TRY(FileSystem::Created created, files_.create(parent.directory.id(), name, mode));
    auto transfer =
        std::make_shared<Transfer>(NodeReference(files_, created.attributes.node), created.handle);
    transfer->parent = std::move(parent);
    transfer->temporary_name = name;
    transfer->modified_ns = modified_ns;
    return add(std::move(transfer));
}

Result<Transfers::Block> Transfers::read(const std::string& id, std::uint64_t offset) {
    TRY(std::shared_ptr<Transfer> transfer, find(id));
    MutexLock lock(transfer->mutex);
    if (!transfer->is_open) return gone();
    if (transfer->parent) return Error{ErrorKind::Invalid, "this transfer is an upload"};
    FileSystem& files = transfer->past ? *transfer->past : files_;
    TRY(Attributes attributes, files.attributes(transfer->node.id()));
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
    if (!transfer->parent) return Error{ErrorKind::Invalid, "this transfer is a download"};
    if (offset > kFileSizeMax - data.size()) {
        return Error{ErrorKind::TooLarge, "the file would be too large"};
    }
    return files_.write(transfer->handle, offset, data);
}

Status Transfers::finish(const std::string& id) {
    std::shared_ptr<Transfer> transfer = take(id);
    if (transfer == nullptr) return gone();
    auto put_in_place = [&]() -> Status {
        MutexLock lock(transfer->mutex);
        if (!transfer->is_open) return gone();
        if (!transfer->parent) return Error{ErrorKind::Invalid, "this transfer is a download"};
        TRY_OK(files_.flush(transfer->handle));
        if (transfer->modified_ns) {
            AttributeChange change;
            change.modified_ns = transfer->modified_ns;
            TRY(Attributes changed,
                files_.set_attributes(transfer->node.id(), change, transfer->handle));
            static_cast<void>(changed);
        }
        TRY_OK(files_.sync(transfer->handle));
        const NodeId directory = transfer->parent->directory.id();
        TRY_OK(files_.rename(directory, transfer->temporary_name, directory, transfer->parent->name,
                             RenameMode::Replace));
        transfer->is_open = false;
        files_.release(transfer->handle);
        return files_.sync_metadata();
    };
    Status done = put_in_place();
    if (!done.ok()) close(*transfer);
    return done;
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
