// Directories as lists. An open directory shows one Listing from its first entry to its last;
// reading it again from the start (rewinddir) takes a new one.
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "fuse/permissions.h"

namespace lockstep {
namespace {

Result<std::shared_ptr<const Listing>> listing_at(FileSystem& file_system, NodeId node,
                                                  OpenDirectory& directory, off_t offset) {
    {
        MutexLock lock(directory.mutex);
        if (offset != 0 && directory.listing != nullptr) return directory.listing;
    }
    TRY(std::shared_ptr<const Listing> listing, file_system.list(node));
    MutexLock lock(directory.mutex);
    directory.listing = listing;
    return listing;
}

// One answer being filled. Offsets: 0 is ".", 1 is "..", 2 the first of the listing; an entry
// carries the offset of the next one.
class EntryBuffer {
  public:
    EntryBuffer(fuse_req_t request, std::size_t size, bool with_attributes)
        : request_(request),
          size_(size),
          bytes_(std::make_unique_for_overwrite<char[]>(size)),
          with_attributes_(with_attributes) {}

    // Only the node and the type of `entry` matter for entries without attributes (ino 0).
    // False when the entry does not fit.
    bool add(const char* name, const fuse_entry_param& entry, off_t next_offset) {
        const std::size_t room = size_ - used_;
        const std::size_t needed = with_attributes_
                                       ? fuse_add_direntry_plus(request_, bytes_.get() + used_,
                                                                room, name, &entry, next_offset)
                                       : fuse_add_direntry(request_, bytes_.get() + used_, room,
                                                           name, &entry.attr, next_offset);
        if (needed > room) return false;
        used_ += needed;
        return true;
    }

    bool has_room_for(const std::string& name) const {
        const std::size_t needed =
            with_attributes_
                ? fuse_add_direntry_plus(request_, nullptr, 0, name.c_str(), nullptr, 0)
                : fuse_add_direntry(request_, nullptr, 0, name.c_str(), nullptr, 0);
        return needed <= size_ - used_;
    }

    int reply() { return fuse_reply_buf(request_, bytes_.get(), used_); }

  private:
    fuse_req_t request_;
    const std::size_t size_;
    const std::unique_ptr<char[]> bytes_;
    std::size_t used_ = 0;
    const bool with_attributes_;
};

fuse_entry_param bare_entry(NodeId node, FileType type) {
    fuse_entry_param entry{};
    entry.attr.st_ino = node;
    entry.attr.st_mode = type_bits(type);
    return entry;
}

void fill_plain(EntryBuffer& buffer, const Listing& listing, std::size_t index) {
    for (; index < listing.size(); ++index) {
        const DirectoryEntry& item = listing[index];
        const auto next = static_cast<off_t>(index + 3);
        if (!buffer.add(item.name.c_str(), bare_entry(item.node, item.type), next)) return;
    }
}

// Each entry that is handed out carries a reference; they are noted in `referenced`.
void fill_with_attributes(MountContext& context, NodeId directory, EntryBuffer& buffer,
                          const Listing& listing, std::size_t index,
                          std::vector<NodeId>& referenced) {
    for (; index < listing.size(); ++index) {
        const DirectoryEntry& item = listing[index];
        if (!buffer.has_room_for(item.name)) return;
        const Result<Attributes> found = context.file_system.lookup(directory, item.name);
        if (!found.ok()) continue;  // gone since it was listed
        fuse_entry_param entry = to_entry(context, *found);
        CHECK(buffer.add(item.name.c_str(), entry, static_cast<off_t>(index + 3)));
        context.handed_out.add_reference(found->node);
        referenced.push_back(found->node);
    }
}

void read_entries(fuse_req_t request, fuse_ino_t node, std::size_t size, off_t offset,
                  fuse_file_info* file, bool with_attributes) {
    if (refuse_strangers(request)) return;
    if (offset < 0) {
        fuse_reply_err(request, EINVAL);
        return;
    }
    MountContext& context = context_of(request);
    // Names alone are told by a directory that may be read but not searched.
    const auto with_nodes = [&] {
        if (!with_attributes || !is_unchecked(request)) return with_attributes;
        const auto attributes = context.file_system.attributes(node);
        return attributes.ok() && !is_out_of_reach(*attributes);
    };
    const auto open_directory = context.handed_out.directory(file->fh);
    const auto listing = listing_at(context.file_system, node, *open_directory, offset);
    if (!listing.ok()) return reply_error(request, listing.error());

    EntryBuffer buffer(request, size, with_attributes);
    std::vector<NodeId> referenced;
    if (offset == 0) buffer.add(".", bare_entry(node, FileType::Directory), 1);
    if (offset <= 1) buffer.add("..", bare_entry(kRootNode, FileType::Directory), 2);
    const std::size_t index = offset < 2 ? 0 : static_cast<std::size_t>(offset - 2);
    if (with_nodes()) {
        fill_with_attributes(context, node, buffer, **listing, index, referenced);
    } else {
        fill_plain(buffer, **listing, index);
    }
    if (buffer.reply() != -ENOENT) return;
    for (NodeId taken : referenced) context.handed_out.forget(taken, 1);
}

void opendir(fuse_req_t request, fuse_ino_t node, fuse_file_info* file) {
    if (refuse_strangers(request) || refuse_by_mode(request, node, kMayRead)) return;
    HandedOut& handed_out = context_of(request).handed_out;
    file->fh = handed_out.add_directory();
    if (fuse_reply_open(request, file) == -ENOENT) handed_out.release_directory(file->fh);
}

void readdir(fuse_req_t request, fuse_ino_t node, std::size_t size, off_t offset,
             fuse_file_info* file) {
    read_entries(request, node, size, offset, file, false);
}

void readdirplus(fuse_req_t request, fuse_ino_t node, std::size_t size, off_t offset,
                 fuse_file_info* file) {
    read_entries(request, node, size, offset, file, true);
}

void releasedir(fuse_req_t request, fuse_ino_t, fuse_file_info* file) {
    context_of(request).handed_out.release_directory(file->fh);
    fuse_reply_err(request, 0);
}

void fsyncdir(fuse_req_t request, fuse_ino_t, int, fuse_file_info*) {
    if (refuse_strangers(request)) return;
    reply_status(request, context_of(request).file_system.sync_metadata());
}

}  // namespace

void add_directory_operations(fuse_lowlevel_ops& operations) {
    operations.opendir = opendir;
    operations.readdir = readdir;
    operations.readdirplus = readdirplus;
    operations.releasedir = releasedir;
    operations.fsyncdir = fsyncdir;
}

}  // namespace lockstep
