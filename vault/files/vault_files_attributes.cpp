// VaultFiles: attributes and extended attributes.
#include <algorithm>

#include <unistd.h>

#include "base/codec.h"
#include "vault/files/vault_files.h"

namespace lockstep {
namespace {

constexpr std::uint64_t kDirectorySize = 4096;
constexpr std::string_view kUserXattrs = "user.";
constexpr std::string_view kOwnXattrs = "user.lockstep.";
// What the vault keeps for itself among the extended attributes: see vault/FORMAT.md.
constexpr std::string_view kInodeXattr = "lockstep.inode";
constexpr std::string_view kAllocatedXattr = "lockstep.allocated";
constexpr std::int64_t kNsPerMs = 1'000'000;

std::uint32_t default_mode(FileType type) {
    switch (type) {
        case FileType::Directory:
            return 0755;
        case FileType::Symlink:
            return 0777;
        case FileType::Regular:
        case FileType::Fifo:
        case FileType::Socket:
            return 0644;
    }
    return 0644;
}

// Stamps of one millisecond differ in their counter, so that no change leaves a file's ctime as it
// was. Never in the future: 65536 counts make less than a millisecond.
std::int64_t time_of(const Stamp& stamp) {
    constexpr std::int64_t kNsPerCount = 15;
    return stamp.wall_ms() * kNsPerMs +
           static_cast<std::int64_t>(stamp.time & 0xffff) * kNsPerCount;
}

bool is_users(const AttributeSetting& setting) {
    return setting.key == AttributeKey::Xattr && setting.value &&
           setting.xattr.starts_with(kUserXattrs);
}

// A set of one more attribute, by its mode and the limits of a file.
Status check_new_xattr(const std::map<std::string, Bytes>& kept, std::string_view name,
                       ByteView value, XattrMode mode) {
    const bool is_there = kept.contains(std::string(name));
    if (mode == XattrMode::Create && is_there)
        return Error{ErrorKind::Exists, "the attribute exists"};
    if (mode == XattrMode::Replace && !is_there)
        return Error{ErrorKind::NoAttribute, "no such attribute"};
    std::size_t total = name.size() + value.size();
    for (const auto& [other, held] : kept)
        if (other != name) total += other.size() + held.size();
    if (kept.size() + (is_there ? 0 : 1) > kXattrsPerFileMax || total > kXattrTotalSizeMax)
        return Error{ErrorKind::NoSpace, "too many or too large extended attributes"};
    return {};
}

// What the attribute says of this content; nothing when it is of another one.
std::optional<std::uint64_t> decode_allocated(ByteView value, const Content& content) {
    if (value.size() != ContentRoot::kSize + sizeof(std::uint64_t)) return std::nullopt;
    Decoder in(value);
    if (in.id<ContentRoot>() != content.root) return std::nullopt;
    return std::min(in.u64(), content.size);
}

}  // namespace

Bytes encode_mode(std::uint32_t mode) {
    Encoder out;
    out.u32(mode);
    return std::move(out).take();
}
Bytes encode_owner(std::uint32_t id) {
    return encode_mode(id);
}
Bytes encode_time(std::int64_t ns) {
    Encoder out;
    out.u64(static_cast<std::uint64_t>(ns));
    return std::move(out).take();
}
std::uint32_t decode_mode(ByteView value) {
    return Decoder(value).u32();
}
std::uint32_t decode_owner(ByteView value) {
    return decode_mode(value);
}
std::int64_t decode_time(ByteView value) {
    return static_cast<std::int64_t>(Decoder(value).u64());
}

AttributeSetting inode_setting(const FileId& file, NodeId number) {
    Encoder out;
    out.id(file);
    out.u64(number);
    return {AttributeKey::Xattr, std::string(kInodeXattr), std::move(out).take()};
}

std::optional<NodeId> VaultFiles::kept_number(const Node& node) {
    if (node.sibling) return std::nullopt;
    const auto value = host_.tree.attribute(node.file, AttributeKey::Xattr, kInodeXattr);
    if (!value || value->size() != FileId::kSize + sizeof(NodeId)) return std::nullopt;
    Decoder in(*value);
    // A fork has the attributes of its file, but is another one.
    if (in.id<FileId>() != node.file) return std::nullopt;
    return in.u64() & kNodeNumberMask;
}

AttributeSetting allocated_setting(const ContentRoot& root, std::uint64_t allocated) {
    Encoder out;
    out.id(root);
    out.u64(allocated);
    return {AttributeKey::Xattr, std::string(kAllocatedXattr), std::move(out).take()};
}

Attributes VaultFiles::attributes_of(const Node& node, NodeId id) {
    Attributes out;
    out.node = id;
    out.type = host_.tree.type(node.file).value_or(FileType::Directory);
    out.mode = default_mode(out.type);
    out.uid = static_cast<std::uint32_t>(getuid());
    out.gid = static_cast<std::uint32_t>(getgid());
    out.changed_ns = time_of(host_.tree.changed(node.file));
    out.modified_ns = out.changed_ns;
    std::optional<Bytes> allocated;
    for (const AttributeSetting& setting : host_.tree.attributes(node.file)) {
        if (!setting.value) continue;
        switch (setting.key) {
            case AttributeKey::Mode:
                out.mode = decode_mode(*setting.value) & kModeBitsKept;
                break;
            case AttributeKey::ModifiedNs:
                out.modified_ns = decode_time(*setting.value);
                break;
            case AttributeKey::Uid:
                out.uid = decode_owner(*setting.value);
                break;
            case AttributeKey::Gid:
                out.gid = decode_owner(*setting.value);
                break;
            case AttributeKey::BirthNs:
                break;
            case AttributeKey::Xattr:
                if (setting.xattr == kAllocatedXattr) allocated = setting.value;
                break;
        }
    }
    // A stamp has no more than milliseconds of the clock that both times are of.
    if (out.modified_ns > out.changed_ns && out.modified_ns - out.changed_ns < kNsPerMs)
        out.changed_ns = out.modified_ns;
    if (out.type == FileType::Directory) {
        out.size = kDirectorySize;
        out.links = 2 + host_.tree.subdirectories(node.file);
    } else {
        out.links = host_.tree.link_count(node);
        if (auto content = host_.tree.content(node)) {
            out.size = out.allocated = content->size;
            if (auto sparse = sparse_.find(content->root); sparse != sparse_.end())
                out.allocated = sparse->second;
            else if (allocated)
                out.allocated = decode_allocated(*allocated, *content).value_or(content->size);
        }
    }
    NodeRecord* record = nodes_.find(id);
    if (record != nullptr && record->open && record->open->is_modified) {
        out.size = record->open->content.size();
        out.allocated = record->open->content.allocated();
        out.modified_ns = record->open->modified_ns;
        out.changed_ns = std::max(out.changed_ns, record->open->changed_ns.load());
    }
    out.accessed_ns = out.modified_ns;
    if (record != nullptr && record->accessed_ns) out.accessed_ns = *record->accessed_ns;
    return out;
}

Result<Attributes> VaultFiles::attributes(NodeId id) {
    MutexLock lock(host_.mutex);
    TRY(NodeRecord * record, record_of(id));
    if (record->orphan) return attributes_of_orphan(*record);
    return attributes_of(record->node, id);
}

// Its content lives on in the open file alone, once that has been loaded.
Attributes VaultFiles::attributes_of_orphan(const NodeRecord& record) {
    Attributes out = record.orphan->attributes;
    if (record.open) {
        if (!record.open->is_stale()) {
            out.size = record.open->content.size();
            out.allocated = record.open->content.allocated();
        }
        if (record.open->is_modified) {
            out.modified_ns = record.open->modified_ns;
            out.changed_ns = std::max(out.changed_ns, record.open->changed_ns.load());
        }
    }
    if (record.accessed_ns) out.accessed_ns = *record.accessed_ns;
    return out;
}

Result<Attributes> VaultFiles::set_attributes(NodeId id, const AttributeChange& change,
                                              std::optional<HandleId>) {
    if (change.size) TRY_OK(resize(id, *change.size));
    News news;
    Result<Attributes> out = [&]() -> Result<Attributes> {
        MutexLock lock(host_.mutex);
        TRY(NodeRecord * record, record_of(id));
        if (change.accessed_ns) record->accessed_ns = change.accessed_ns;
        if (record->orphan) {
            Attributes& kept = record->orphan->attributes;
            kept = attributes_of_orphan(*record);
            kept.changed_ns = std::max(kept.changed_ns + 1, now_ns());
            if (change.mode) kept.mode = *change.mode & kModeBitsKept;
            if (change.uid) kept.uid = *change.uid;
            if (change.gid) kept.gid = *change.gid;
            if (change.modified_ns) {
                kept.modified_ns = *change.modified_ns;
                if (record->open) record->open->modified_ns = *change.modified_ns;
            }
            return kept;
        }
        std::vector<AttributeSetting> settings;
        if (change.mode)
            settings.push_back({AttributeKey::Mode, "", encode_mode(*change.mode & kModeBitsKept)});
        if (change.uid) settings.push_back({AttributeKey::Uid, "", encode_owner(*change.uid)});
        if (change.gid) settings.push_back({AttributeKey::Gid, "", encode_owner(*change.gid)});
        if (change.modified_ns) {
            // Of a file being written it goes with the version that is to come.
            if (record->open && record->open->is_modified) {
                record->open->modified_ns = *change.modified_ns;
                record->open->changed_ns = now_ns();
            } else {
                settings.push_back(
                    {AttributeKey::ModifiedNs, "", encode_time(*change.modified_ns)});
            }
        }
        if (!settings.empty()) {
            TRY(Node node, host_.tree.set_attributes(record->node, settings, host_.tick()));
            static_cast<void>(node);
            news = finish_operation({.nodes = {id}, .entries = {}});
            TRY(record, record_of(id));
        }
        return attributes_of(record->node, id);
    }();
    tell(news);
    return out;
}

// ---- extended attributes

Result<Bytes> VaultFiles::get_xattr(NodeId id, std::string_view name) {
    if (name.starts_with(kOwnXattrs)) {
        Node node;
        {
            MutexLock lock(host_.mutex);
            TRY(NodeRecord * record, record_of(id));
            if (record->orphan) return Error{ErrorKind::NoAttribute, "no such attribute"};
            node = record->node;
        }
        auto value = host_.presence_attribute(node, name);
        if (value) return to_bytes(as_bytes(*value));
    }
    MutexLock lock(host_.mutex);
    TRY(auto kept, users_xattrs(id));
    const auto at = kept.find(std::string(name));
    if (at == kept.end()) return Error{ErrorKind::NoAttribute, "no such attribute"};
    return std::move(at->second);
}

Result<std::vector<std::string>> VaultFiles::list_xattrs(NodeId id) {
    MutexLock lock(host_.mutex);
    TRY(auto kept, users_xattrs(id));
    std::vector<std::string> out;
    for (const auto& [name, value] : kept) out.push_back(name);
    return out;
}

Result<std::map<std::string, Bytes>> VaultFiles::users_xattrs(NodeId id) {
    TRY(NodeRecord * record, record_of(id));
    if (record->orphan) return record->orphan->xattrs;
    return users_xattrs_of(record->node);
}

std::map<std::string, Bytes> VaultFiles::users_xattrs_of(const Node& node) {
    std::map<std::string, Bytes> out;
    for (const AttributeSetting& setting : host_.tree.attributes(node.file))
        if (is_users(setting)) out[setting.xattr] = *setting.value;
    return out;
}

Status VaultFiles::set_xattr(NodeId id, std::string_view name, ByteView value, XattrMode mode) {
    if (!name.starts_with(kUserXattrs))
        return Error{ErrorKind::Unsupported, "only user.* attributes are kept"};
    if (name.size() > kNameSizeMax)
        return Error{ErrorKind::NameTooLong, "the attribute's name is too long"};
    if (name.starts_with(kOwnXattrs))
        return Error{ErrorKind::Refused, "user.lockstep.* attributes are said, not set"};
    if (name.size() == kUserXattrs.size())
        return Error{ErrorKind::Invalid, "the attribute has no name"};
    News news;
    Status out = [&]() -> Status {
        MutexLock lock(host_.mutex);
        TRY(NodeRecord * record, record_of(id));
        TRY(auto kept, users_xattrs(id));
        TRY_OK(check_new_xattr(kept, name, value, mode));
        if (record->orphan) {
            record->orphan->xattrs[std::string(name)] = to_bytes(value);
            record->orphan->attributes.changed_ns = now_ns();
            return {};
        }
        std::vector<AttributeSetting> settings{
            {AttributeKey::Xattr, std::string(name), to_bytes(value)}};
        TRY(Node node, host_.tree.set_attributes(record->node, settings, host_.tick()));
        static_cast<void>(node);
        news = finish_operation({.nodes = {id}, .entries = {}});
        return {};
    }();
    tell(news);
    return out;
}

Status VaultFiles::remove_xattr(NodeId id, std::string_view name) {
    News news;
    Status out = [&]() -> Status {
        MutexLock lock(host_.mutex);
        TRY(NodeRecord * record, record_of(id));
        TRY(auto kept, users_xattrs(id));
        if (!kept.contains(std::string(name)))
            return Error{ErrorKind::NoAttribute, "no such attribute"};
        if (record->orphan) {
            record->orphan->xattrs.erase(std::string(name));
            record->orphan->attributes.changed_ns = now_ns();
            return {};
        }
        std::vector<AttributeSetting> settings{
            {AttributeKey::Xattr, std::string(name), std::nullopt}};
        TRY(Node node, host_.tree.set_attributes(record->node, settings, host_.tick()));
        static_cast<void>(node);
        news = finish_operation({.nodes = {id}, .entries = {}});
        return {};
    }();
    tell(news);
    return out;
}

}  // namespace lockstep
