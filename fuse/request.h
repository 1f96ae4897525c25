// What handlers of all kinds of requests need: who asks, and the ways to answer.
#pragma once

#include <utility>

#include "fuse/errno_map.h"
#include "fuse/operations.h"

namespace lockstep {

inline MountContext& context_of(fuse_req_t request) {
    return *static_cast<MountContext*>(fuse_req_userdata(request));
}

// True when the mount was cut off; the request is answered then.
inline bool refuse_when_cut_off(fuse_req_t request) {
    if (!context_of(request).is_cut_off) return false;
    fuse_reply_err(request, EIO);
    return true;
}

// True when the mount was cut off, or when the caller may not see it; the request is answered then.
// The kernel refuses other users already, unless allow_other; this is the second lock on that door.
// Root is let through: the kernel's own requests (writing back pages) carry its id.
inline bool refuse_strangers(fuse_req_t request) {
    if (refuse_when_cut_off(request)) return true;
    const MountContext& context = context_of(request);
    const uid_t caller = fuse_req_ctx(request)->uid;
    if (context.allow_other || caller == context.mounting_user || caller == 0) return false;
    fuse_reply_err(request, EACCES);
    return true;
}

inline void reply_error(fuse_req_t request, const Error& error) {
    fuse_reply_err(request, errno_of(error.kind));
}

inline void reply_status(fuse_req_t request, const Status& status) {
    fuse_reply_err(request, errno_of(status));
}

inline void reply_attributes(fuse_req_t request, const Result<Attributes>& attributes) {
    if (!attributes.ok()) return reply_error(request, attributes.error());
    const MountContext& context = context_of(request);
    const struct stat shown = to_stat(*attributes, context.shown_owner);
    fuse_reply_attr(request, &shown, context.trusted_seconds());
}

inline fuse_entry_param to_entry(const MountContext& context, const Attributes& attributes) {
    fuse_entry_param entry{};
    entry.ino = attributes.node;
    entry.attr = to_stat(attributes, context.shown_owner);
    entry.attr_timeout = context.trusted_seconds();
    entry.entry_timeout = context.trusted_seconds();
    return entry;
}

// Answers with an entry and gives its reference back if nobody takes it.
inline void reply_entry(fuse_req_t request, const Result<Attributes>& attributes) {
    if (!attributes.ok()) return reply_error(request, attributes.error());
    MountContext& context = context_of(request);
    const fuse_entry_param entry = to_entry(context, *attributes);
    context.handed_out.add_reference(attributes->node);
    if (fuse_reply_entry(request, &entry) == -ENOENT)
        context.handed_out.forget(attributes->node, 1);
}

// Where owners are kept, who makes a file owns it. What nobody could be given to is an error, and
// its reference is given back.
inline Result<Attributes> owned_by_caller(fuse_req_t request, Result<Attributes> made) {
    MountContext& context = context_of(request);
    if (!made.ok() || context.shown_owner.is_fixed()) return made;
    AttributeChange owner;
    owner.uid = fuse_req_ctx(request)->uid;
    owner.gid = fuse_req_ctx(request)->gid;
    Result<Attributes> owned = context.file_system.set_attributes(made->node, owner, {});
    if (!owned.ok()) context.file_system.forget(made->node, 1);
    return owned;
}

inline void reply_new(fuse_req_t request, Result<Attributes> made) {
    reply_entry(request, owned_by_caller(request, std::move(made)));
}

// What one operations_*.cpp adds to the table.
void add_tree_operations(fuse_lowlevel_ops& operations);
void add_file_operations(fuse_lowlevel_ops& operations);
void add_directory_operations(fuse_lowlevel_ops& operations);
void add_range_operations(fuse_lowlevel_ops& operations);
void add_xattr_operations(fuse_lowlevel_ops& operations);
void add_permission_operations(fuse_lowlevel_ops& operations);

}  // namespace lockstep
