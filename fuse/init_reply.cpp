#include "fuse/init_reply.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <linux/fuse.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fuse/operations.h"

namespace lockstep {
namespace {

constexpr std::uint64_t kDirectIoAllowMmap = std::uint64_t{1} << 36;  // since Linux 6.6
constexpr std::uint64_t kFlagsWanted = FUSE_HANDLE_KILLPRIV_V2 | FUSE_INIT_EXT | kDirectIoAllowMmap;

InitReply& reply_of(void* userdata) {
    return static_cast<MountContext*>(userdata)->init_reply;
}

ssize_t receive(int fd, void* buffer, std::size_t size, void* userdata) {
    const ssize_t length = ::read(fd, buffer, size);
    fuse_in_header header{};
    fuse_init_in init{};
    if (length < static_cast<ssize_t>(sizeof(header))) return length;
    std::memcpy(&header, buffer, sizeof(header));
    if (header.opcode != FUSE_INIT || header.len != static_cast<std::uint64_t>(length))
        return length;
    const std::size_t body = std::min(sizeof(init), header.len - sizeof(header));
    std::memcpy(&init, static_cast<const char*>(buffer) + sizeof(header), body);
    reply_of(userdata).offered = init.flags;
    if (init.flags & FUSE_INIT_EXT) reply_of(userdata).offered |= std::uint64_t{init.flags2} << 32;
    reply_of(userdata).unique = header.unique;
    return length;
}

ssize_t send_init(int fd, iovec* parts, int count, InitReply& reply) {
    fuse_out_header header{};
    fuse_init_out init{};
    if (count == 2 && parts[0].iov_len == sizeof(header) && parts[1].iov_len <= sizeof(init)) {
        std::memcpy(&header, parts[0].iov_base, sizeof(header));
        std::memcpy(&init, parts[1].iov_base, parts[1].iov_len);
        if (header.unique == reply.unique && header.error == 0) {
            reply.unique = 0;
            const std::uint64_t flags = kFlagsWanted & reply.offered;
            init.flags |= static_cast<std::uint32_t>(flags);
            init.flags2 |= static_cast<std::uint32_t>(flags >> 32);
            reply.may_map_past_pages = (flags & kDirectIoAllowMmap) != 0;
            std::array<iovec, 2> ours{parts[0], iovec{&init, parts[1].iov_len}};
            return ::writev(fd, ours.data(), count);
        }
    }
    return ::writev(fd, parts, count);
}

ssize_t send(int fd, iovec* parts, int count, void* userdata) {
    InitReply& reply = reply_of(userdata);
    if (reply.unique.load(std::memory_order_relaxed) != 0)
        return send_init(fd, parts, count, reply);
    return ::writev(fd, parts, count);
}

}  // namespace

Status use_own_init_reply(fuse_session* session) {
    fuse_custom_io io{};
    io.read = receive;
    io.writev = send;
    if (fuse_session_custom_io(session, &io, fuse_session_fd(session)) != 0)
        return Error{ErrorKind::Io, "cannot take over the connection to the kernel"};
    return {};
}

}  // namespace lockstep
