// Open files: create, open, read, write, flush, fsync, release.
#include <cstring>
#include <string_view>

#include <fcntl.h>

#include "fuse/permissions.h"

namespace lockstep {
namespace {

constexpr std::uint64_t kFilledSizeMax = 128 * 1024;  // what the kernel would ask for at once

bool for_writing(int flags) {
    return (flags & O_ACCMODE) != O_RDONLY;
}

OpenRequest to_open_request(const MountContext& context, int flags) {
    OpenRequest request;
    request.write = for_writing(flags);
    // Filling a page before a part of it is overwritten, the kernel reads through any handle it
    // has.
    request.read = (flags & O_ACCMODE) != O_WRONLY || context.writeback_cache;
    request.truncate = (flags & O_TRUNC) != 0;
    return request;
}

using PageUse = HandedOut::PageUse;

void describe_handle(fuse_file_info& file, HandleId handle, PageUse pages) {
    file.fh = handle;
    file.keep_cache = pages == PageUse::Keep;  // they go by explicit invalidation
    file.direct_io = pages == PageUse::Bypass;
    // What was written becomes a version when the last handle goes (RELEASE): a close(2) that waits
    // for a FLUSH would only be slower. With the kernel's writeback cache FLUSH comes all the same.
    file.noflush = 1;
}

// A kernel that could not map such a file shared is not asked to.
bool may_bypass(const MountContext& context) {
    return context.init_reply.may_map_past_pages && !context.writeback_cache;
}

// SQLite's rollback journal is opened for both, but read only after a crash, and written in many
// small pieces.
bool is_only_written(std::string_view name, int flags) {
    return (flags & O_ACCMODE) == O_WRONLY || name.ends_with("-journal");
}

// The name may have come into being since the kernel found it missing: then this is an ordinary
// open. Nullopt when the request is answered.
std::optional<Result<FileSystem::Created>> create_or_open(fuse_req_t request, fuse_ino_t parent,
                                                          const char* name, mode_t mode, int flags,
                                                          bool& is_new) {
    MountContext& context = context_of(request);
    FileSystem& file_system = context.file_system;
    Result<FileSystem::Created> created = file_system.create(parent, name, mode & kModeMask);
    is_new = created.ok();
    if (created.ok() || created.error().kind != ErrorKind::Exists || (flags & O_EXCL))
        return created;
    Result<Attributes> found = file_system.lookup(parent, name);
    if (!found.ok()) return Result<FileSystem::Created>(std::move(found).error());
    if (found->type != FileType::Regular) {
        file_system.forget(found->node, 1);
        return created;
    }
    if (refuse_by_mode(request, found->node, needed_to_open(flags))) {
        file_system.forget(found->node, 1);
        return std::nullopt;
    }
    Result<HandleId> handle = file_system.open(found->node, to_open_request(context, flags));
    if (!handle.ok()) {
        file_system.forget(found->node, 1);
        return Result<FileSystem::Created>(std::move(handle).error());
    }
    if (flags & O_TRUNC) found->size = found->allocated = 0;
    return FileSystem::Created{.attributes = *found, .handle = *handle};
}

void create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode,
            fuse_file_info* file) {
    if (refuse_strangers(request) || refuse_change_in(request, parent)) return;
    MountContext& context = context_of(request);
    bool is_new = false;
    auto answer = create_or_open(request, parent, name, mode, file->flags, is_new);
    if (!answer) return;
    Result<FileSystem::Created>& created = *answer;
    if (!created.ok()) return reply_error(request, created.error());
    if (is_new) {
        const auto owned = owned_by_caller(request, created->attributes);
        if (!owned.ok()) {
            context.file_system.release(created->handle);
            return reply_error(request, owned.error());
        }
        created->attributes = *owned;
    }
    const HandedOut::HandleUse use{
        .is_for_writing = for_writing(file->flags),
        .wants_bypass = is_new && is_only_written(name, file->flags) && may_bypass(context)};
    const fuse_entry_param entry = to_entry(context, created->attributes);
    describe_handle(*file, created->handle,
                    context.handed_out.add_handle(created->handle, created->attributes.node, use));
    context.handed_out.add_reference(created->attributes.node);
    if (fuse_reply_create(request, &entry, file) == -ENOENT) {
        context.handed_out.release(created->handle);
        context.handed_out.forget(created->attributes.node, 1);
    }
}

// Plaintext passes through here: wiped when the thread ends.
struct ReadBuffer {
    Bytes bytes;
    ~ReadBuffer() {
        if (!bytes.empty()) explicit_bzero(bytes.data(), bytes.size());
    }
    MutableByteView of_size(std::size_t size) {
        if (bytes.size() < size) {
            if (!bytes.empty()) explicit_bzero(bytes.data(), bytes.size());
            bytes.resize(size);
        }
        return MutableByteView(bytes).first(size);
    }
};

MutableByteView reply_buffer(std::size_t size) {
    thread_local ReadBuffer buffer;
    return buffer.of_size(size);
}

bool is_read_from_pages(int flags) {
    return !for_writing(flags) && (flags & O_DIRECT) == 0;
}

// A small file is given to the kernel when it is opened, so that reading it asks nothing more. Only
// while nobody else can change it or has pages of it that are newer; a change from elsewhere in the
// meantime is reported like any other, and if that was done before the pages were there, again.
void fill_pages(MountContext& context, NodeId node, HandleId handle) {
    // With the writeback cache the kernel's pages and its size of a file outrank ours.
    if (context.writeback_cache || !context.handed_out.begin_filling(node)) return;
    const auto attributes = context.file_system.attributes(node);
    if (attributes.ok() && attributes->size > 0 && attributes->size <= kFilledSizeMax) {
        // What is not here is waited for by who reads it.
        const WaitInterruption at_once([](void*) { return true; }, nullptr);
        const MutableByteView content = reply_buffer(attributes->size);
        const auto length = context.file_system.read(handle, 0, content);
        if (length.ok() && *length == content.size()) context.caches.fill_node(node, content);
    }
    context.handed_out.end_filling(node);
    if (context.invalidation.changes() != changes_at_request)
        context.invalidation.node_changed(node);
}

void open(fuse_req_t request, fuse_ino_t node, fuse_file_info* file) {
    if (refuse_strangers(request)) return;
    if (refuse_by_mode(request, node, needed_to_open(file->flags))) return;
    MountContext& context = context_of(request);
    const auto handle = context.file_system.open(node, to_open_request(context, file->flags));
    if (!handle.ok()) return reply_error(request, handle.error());
    const PageUse pages =
        context.handed_out.add_handle(*handle, node, {.is_for_writing = for_writing(file->flags)});
    describe_handle(*file, *handle, pages);
    if (pages == PageUse::Keep && is_read_from_pages(file->flags))
        fill_pages(context, node, *handle);
    if (fuse_reply_open(request, file) == -ENOENT) context.handed_out.release(*handle);
}

void read(fuse_req_t request, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info* file) {
    if (refuse_strangers(request)) return;
    if (offset < 0) {
        fuse_reply_err(request, EINVAL);
        return;
    }
    // Content of other devices is waited for as long as somebody waits for this answer.
    const WaitInterruption interruption(
        [](void* waiting) { return fuse_req_interrupted(static_cast<fuse_req_t>(waiting)) != 0; },
        request);
    const MutableByteView out = reply_buffer(size);
    const auto length =
        context_of(request).file_system.read(file->fh, static_cast<std::uint64_t>(offset), out);
    if (!length.ok()) return reply_error(request, length.error());
    fuse_reply_buf(request, reinterpret_cast<const char*>(out.data()), *length);
}

void write(fuse_req_t request, fuse_ino_t, const char* data, std::size_t size, off_t offset,
           fuse_file_info* file) {
    if (refuse_strangers(request)) return;
    if (offset < 0) {
        fuse_reply_err(request, EINVAL);
        return;
    }
    const Status written = context_of(request).file_system.write(
        file->fh, static_cast<std::uint64_t>(offset), as_bytes({data, size}));
    if (!written.ok()) return reply_error(request, written.error());
    fuse_reply_write(request, size);
}

void flush(fuse_req_t request, fuse_ino_t, fuse_file_info* file) {
    if (refuse_when_cut_off(request)) return;
    reply_status(request, context_of(request).file_system.flush(file->fh));
}

void release(fuse_req_t request, fuse_ino_t, fuse_file_info* file) {
    context_of(request).handed_out.release(file->fh);
    fuse_reply_err(request, 0);
}

void fsync(fuse_req_t request, fuse_ino_t, int, fuse_file_info* file) {
    if (refuse_strangers(request)) return;
    reply_status(request, context_of(request).file_system.sync(file->fh));
}

}  // namespace

void add_file_operations(fuse_lowlevel_ops& operations) {
    operations.create = create;
    operations.open = open;
    operations.read = read;
    operations.write = write;
    operations.flush = flush;
    operations.release = release;
    operations.fsync = fsync;
}

}  // namespace lockstep
