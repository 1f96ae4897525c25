// Names and attributes: lookup, forget, getattr, setattr, and all that makes, moves and removes
// entries.
#include <fcntl.h>
#include <linux/fs.h>

#include "fuse/permissions.h"

namespace lockstep {
namespace {

// A negative answer is an entry too: the kernel remembers it until it is told otherwise.
void lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
    if (refuse_strangers(request) || refuse_by_mode(request, parent, kMayExecute)) return;
    MountContext& context = context_of(request);
    const Result<Attributes> found = context.file_system.lookup(parent, name);
    if (!found.ok() && found.error().kind != ErrorKind::NotFound)
        return reply_error(request, found.error());
    fuse_entry_param entry{};
    entry.entry_timeout = context.trusted_seconds();
    if (found.ok()) {
        entry = to_entry(context, *found);
        context.handed_out.add_reference(found->node);
    }
    if (fuse_reply_entry(request, &entry) == -ENOENT && found.ok())
        context.handed_out.forget(found->node, 1);
}

void forget(fuse_req_t request, fuse_ino_t node, std::uint64_t references) {
    context_of(request).handed_out.forget(node, references);
    fuse_reply_none(request);
}

void forget_multi(fuse_req_t request, std::size_t count, fuse_forget_data* forgets) {
    for (std::size_t i = 0; i < count; ++i)
        context_of(request).handed_out.forget(forgets[i].ino, forgets[i].nlookup);
    fuse_reply_none(request);
}

void getattr(fuse_req_t request, fuse_ino_t node, fuse_file_info*) {
    if (refuse_strangers(request)) return;
    reply_attributes(request, context_of(request).file_system.attributes(node));
}

void setattr(fuse_req_t request, fuse_ino_t node, struct stat* wanted, int to_set,
             fuse_file_info* file) {
    if (refuse_strangers(request)) return;
    FileSystem& file_system = context_of(request).file_system;
    Result<AttributeChange> change = attribute_change(*wanted, to_set, wall_now_ns());
    if (change.ok()) change = keep_owner(*change, context_of(request).shown_owner);
    if (!change.ok()) return reply_error(request, change.error());
    std::optional<HandleId> handle;
    if (file != nullptr) handle = file->fh;
    HandedOut& handed_out = context_of(request).handed_out;
    const bool may_resize = handle && handed_out.is_for_writing(*handle);
    if (change->size && !may_resize && refuse_by_mode(request, node, kMayWrite)) return;
    if (change->size) handed_out.begin_resizing(node);
    const Result<Attributes> changed = file_system.set_attributes(node, *change, handle);
    if (change->size) handed_out.end_resizing(node);
    // The kernel may know names in there.
    if (changed.ok() && is_unchecked(request) && is_out_of_reach(*changed))
        context_of(request).invalidation.node_changed(node);
    reply_attributes(request, changed);
}

void readlink(fuse_req_t request, fuse_ino_t node) {
    if (refuse_strangers(request)) return;
    const Result<std::string> target = context_of(request).file_system.read_symlink(node);
    if (!target.ok()) return reply_error(request, target.error());
    fuse_reply_readlink(request, target->c_str());
}

// Regular files, FIFOs and sockets; a device node in a synced folder would be a hole in its owner's
// machine.
void mknod(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, dev_t) {
    if (refuse_strangers(request) || refuse_change_in(request, parent)) return;
    NewNode node{.type = FileType::Regular, .mode = mode & kModeMask};
    if (S_ISFIFO(mode)) {
        node.type = FileType::Fifo;
    } else if (S_ISSOCK(mode)) {
        node.type = FileType::Socket;
    } else if (!S_ISREG(mode)) {
        fuse_reply_err(request, EPERM);
        return;
    }
    reply_new(request, context_of(request).file_system.make_node(parent, name, node));
}

void mkdir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode) {
    if (refuse_strangers(request) || refuse_change_in(request, parent)) return;
    FileSystem& file_system = context_of(request).file_system;
    reply_new(request, file_system.make_directory(parent, name, mode & kModeMask));
}

void symlink(fuse_req_t request, const char* target, fuse_ino_t parent, const char* name) {
    if (refuse_strangers(request) || refuse_change_in(request, parent)) return;
    reply_new(request, context_of(request).file_system.make_symlink(parent, name, target));
}

void link(fuse_req_t request, fuse_ino_t node, fuse_ino_t parent, const char* name) {
    if (refuse_strangers(request) || refuse_change_in(request, parent)) return;
    reply_entry(request, context_of(request).file_system.make_link(node, parent, name));
}

void unlink(fuse_req_t request, fuse_ino_t parent, const char* name) {
    if (refuse_strangers(request) || refuse_change_in(request, parent)) return;
    reply_status(request, context_of(request).file_system.remove_file(parent, name));
}

void rmdir(fuse_req_t request, fuse_ino_t parent, const char* name) {
    if (refuse_strangers(request) || refuse_change_in(request, parent)) return;
    reply_status(request, context_of(request).file_system.remove_directory(parent, name));
}

// What ".." of a directory says changes when it is moved. True when that is not allowed; the
// request is answered then.
bool refuse_move(fuse_req_t request, fuse_ino_t parent, const char* name) {
    if (!is_unchecked(request)) return false;
    FileSystem& file_system = context_of(request).file_system;
    const Result<Attributes> found = file_system.lookup(parent, name);
    if (!found.ok()) return false;
    file_system.forget(found->node, 1);
    if (found->type != FileType::Directory || owner_may(*found, kMayWrite)) return false;
    fuse_reply_err(request, EACCES);
    return true;
}

void rename(fuse_req_t request, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
            const char* new_name, unsigned flags) {
    if (refuse_strangers(request)) return;
    if (refuse_change_in(request, parent) || refuse_change_in(request, new_parent)) return;
    RenameMode mode = RenameMode::Replace;
    if (flags == RENAME_NOREPLACE) {
        mode = RenameMode::NoReplace;
    } else if (flags == RENAME_EXCHANGE) {
        mode = RenameMode::Exchange;
    } else if (flags != 0) {
        fuse_reply_err(request, EINVAL);
        return;
    }
    if (parent != new_parent) {
        if (refuse_move(request, parent, name)) return;
        if (mode == RenameMode::Exchange && refuse_move(request, new_parent, new_name)) return;
    }
    FileSystem& file_system = context_of(request).file_system;
    reply_status(request, file_system.rename(parent, name, new_parent, new_name, mode));
}

}  // namespace

void add_tree_operations(fuse_lowlevel_ops& operations) {
    operations.lookup = lookup;
    operations.forget = forget;
    operations.forget_multi = forget_multi;
    operations.getattr = getattr;
    operations.setattr = setattr;
    operations.readlink = readlink;
    operations.mknod = mknod;
    operations.mkdir = mkdir;
    operations.symlink = symlink;
    operations.link = link;
    operations.unlink = unlink;
    operations.rmdir = rmdir;
    operations.rename = rename;
}

}  // namespace lockstep
