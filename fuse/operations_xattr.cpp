// Extended attributes: `user.*` belong to the FileSystem; no other namespace exists here. The
// kernel asks for security.capability at every first write of a file, so those are answered without
// a call.
#include <string>
#include <string_view>

#include <linux/xattr.h>

#include "fuse/permissions.h"

namespace lockstep {
namespace {

constexpr std::string_view kUserPrefix = "user.";

bool is_users(std::string_view name) {
    return name.size() > kUserPrefix.size() && name.starts_with(kUserPrefix);
}

// Why an attribute of this name cannot be.
int refusal(std::string_view name) {
    return name == kUserPrefix ? EINVAL : EOPNOTSUPP;
}

// size 0 asks how long the answer would be.
void reply_sized(fuse_req_t request, ByteView value, std::size_t size) {
    if (size == 0) {
        fuse_reply_xattr(request, value.size());
    } else if (value.size() > size) {
        fuse_reply_err(request, ERANGE);
    } else {
        fuse_reply_buf(request, reinterpret_cast<const char*>(value.data()), value.size());
    }
}

void getxattr(fuse_req_t request, fuse_ino_t node, const char* name, std::size_t size) {
    if (refuse_strangers(request)) return;
    if (!is_users(name)) {
        // Attributes that programs probe on every file "are not set"; the rest cannot be.
        const bool is_probe = std::string_view(name).starts_with("security.");
        fuse_reply_err(request, is_probe ? ENODATA : refusal(name));
        return;
    }
    if (refuse_by_mode(request, node, kMayRead)) return;
    const Result<Bytes> value = context_of(request).file_system.get_xattr(node, name);
    if (!value.ok()) return reply_error(request, value.error());
    reply_sized(request, *value, size);
}

void listxattr(fuse_req_t request, fuse_ino_t node, std::size_t size) {
    if (refuse_strangers(request)) return;
    const auto names = context_of(request).file_system.list_xattrs(node);
    if (!names.ok()) return reply_error(request, names.error());
    std::string list;
    for (const std::string& name : *names) {
        if (!is_users(name)) continue;
        list += name;
        list += '\0';
    }
    reply_sized(request, as_bytes(list), size);
}

void setxattr(fuse_req_t request, fuse_ino_t node, const char* name, const char* value,
              std::size_t size, int flags) {
    if (refuse_strangers(request)) return;
    if (!is_users(name)) {
        fuse_reply_err(request, refusal(name));
        return;
    }
    if (refuse_by_mode(request, node, kMayWrite)) return;
    XattrMode mode = XattrMode::Set;
    if (flags & XATTR_CREATE) mode = XattrMode::Create;
    if (flags & XATTR_REPLACE) mode = XattrMode::Replace;
    reply_status(request, context_of(request).file_system.set_xattr(node, name,
                                                                    as_bytes({value, size}), mode));
}

void removexattr(fuse_req_t request, fuse_ino_t node, const char* name) {
    if (refuse_strangers(request)) return;
    if (!is_users(name)) {
        fuse_reply_err(request, refusal(name));
        return;
    }
    if (refuse_by_mode(request, node, kMayWrite)) return;
    reply_status(request, context_of(request).file_system.remove_xattr(node, name));
}

}  // namespace

void add_xattr_operations(fuse_lowlevel_ops& operations) {
    operations.getxattr = getxattr;
    operations.listxattr = listxattr;
    operations.setxattr = setxattr;
    operations.removexattr = removexattr;
}

}  // namespace lockstep
