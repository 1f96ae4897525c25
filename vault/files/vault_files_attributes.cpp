// VaultFiles: attributes and extended attributes.
#include <algorithm>

#include <unistd.h>

#include "base/codec.h"
#include "vault/files/vault_files.h"

namespace lockstep {
namespace {

constexpr std::uint64_t kDirectorySize = 4096;
constexpr std::string_view kUserXattrs = "user.";

Error stale() {
    return {ErrorKind::NotFound, "no such file any more"};
}

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

}  // namespace

Bytes encode_mode(std::uint32_t mode) {
    Encoder out;
    out.u32(mode);
    return std::move(out).take();
}
Bytes encode_time(std::int64_t ns) {
    Encoder out;
    out.u64(static_cast<std::uint64_t>(ns));
    return std::move(out).take();
}
std::uint32_t decode_mode(ByteView value) {
    return Decoder(value).u32();
}
std::int64_t decode_time(ByteView value) {
    return static_cast<std::int64_t>(Decoder(value).u64());
}

Attributes VaultFiles::attributes_of(const Node& node, NodeId id) {
    Attributes out;
    out.node = id;
    out.type = host_.tree.type(node.file).value_or(FileType::Directory);
    out.mode = default_mode(out.type);
    out.uid = static_cast<std::uint32_t>(getuid());
    out.gid = static_cast<std::uint32_t>(getgid());
    out.changed_ns = host_.tree.changed(node.file).wall_ms() * 1'000'000;
    out.modified_ns = out.changed_ns;
    for (const AttributeSetting& setting : host_.tree.attributes(node.file)) {
        if (!setting.value) continue;
        if (setting.key == AttributeKey::Mode)
            out.mode = decode_mode(*setting.value) & kModeBitsKept;
        if (setting.key == AttributeKey::ModifiedNs) out.modified_ns = decode_time(*setting.value);
    }
    if (out.type == FileType::Directory) {
        out.size = kDirectorySize;
        out.links = 2 + host_.tree.subdirectories(node.file);
    } else {
        out.links = host_.tree.link_count(node);
        if (auto content = host_.tree.content(node)) {
            out.size = out.allocated = content->size;
            if (auto sparse = sparse_.find(content->root); sparse != sparse_.end())
                out.allocated = sparse->second;
        }
    }
    NodeRecord* record = nodes_.find(id);
    if (record != nullptr && record->open && record->open->is_modified) {
        out.size = record->open->content.size();
        out.allocated = record->open->content.allocated();
        out.modified_ns = record->open->modified_ns;
        out.changed_ns = std::max(out.changed_ns, out.modified_ns);
    }
    out.accessed_ns = out.modified_ns;
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
    if (record.open && !record.open->is_stale()) {
        out.size = record.open->content.size();
        out.allocated = record.open->content.allocated();
    }
    return out;
}

Result<Attributes> VaultFiles::set_attributes(NodeId id, const AttributeChange& change,
                                              std::optional<HandleId>) {
    if (change.size) TRY_OK(resize(id, *change.size));
    News news;
    Result<Attributes> out = [&]() -> Result<Attributes> {
        MutexLock lock(host_.mutex);
        TRY(NodeRecord * record, record_of(id));
        if ((change.uid && *change.uid != getuid()) || (change.gid && *change.gid != getgid()))
            return Error{ErrorKind::Refused,
                         "files of this vault belong to the user who mounts it"};
        if (record->orphan) {
            Attributes& kept = record->orphan->attributes;
            if (change.mode) kept.mode = *change.mode & kModeBitsKept;
            if (change.modified_ns) kept.modified_ns = *change.modified_ns;
            return attributes_of_orphan(*record);
        }
        std::vector<AttributeSetting> settings;
        if (change.mode)
            settings.push_back({AttributeKey::Mode, "", encode_mode(*change.mode & kModeBitsKept)});
        if (change.modified_ns) {
            // Of a file being written it goes with the version that is to come.
            if (record->open && record->open->is_modified)
                record->open->modified_ns = *change.modified_ns;
            else
                settings.push_back(
                    {AttributeKey::ModifiedNs, "", encode_time(*change.modified_ns)});
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
    MutexLock lock(host_.mutex);
    TRY(NodeRecord * record, record_of(id));
    auto value = host_.tree.attribute(record->node.file, AttributeKey::Xattr, name);
    if (!value) return Error{ErrorKind::NoAttribute, "no such attribute"};
    return *value;
}

Result<std::vector<std::string>> VaultFiles::list_xattrs(NodeId id) {
    MutexLock lock(host_.mutex);
    TRY(NodeRecord * record, record_of(id));
    std::vector<std::string> out;
    for (const AttributeSetting& setting : host_.tree.attributes(record->node.file))
        if (setting.key == AttributeKey::Xattr && setting.value) out.push_back(setting.xattr);
    return out;
}

Status VaultFiles::set_xattr(NodeId id, std::string_view name, ByteView value, XattrMode mode) {
    if (!name.starts_with(kUserXattrs))
        return Error{ErrorKind::Unsupported, "only user.* attributes are kept"};
    if (name.size() > kNameSizeMax)
        return Error{ErrorKind::NameTooLong, "the attribute's name is too long"};
    if (name.size() == kUserXattrs.size())
        return Error{ErrorKind::Invalid, "the attribute has no name"};
    News news;
    Status out = [&]() -> Status {
        MutexLock lock(host_.mutex);
        TRY(NodeRecord * record, record_of(id));
        if (record->orphan) return stale();
        std::size_t count = 0, total = name.size() + value.size();
        bool is_there = false;
        for (const AttributeSetting& setting : host_.tree.attributes(record->node.file)) {
            if (setting.key != AttributeKey::Xattr || !setting.value) continue;
            if (setting.xattr == name) {
                is_there = true;
                continue;
            }
            ++count;
            total += setting.xattr.size() + setting.value->size();
        }
        if (mode == XattrMode::Create && is_there)
            return Error{ErrorKind::Exists, "the attribute exists"};
        if (mode == XattrMode::Replace && !is_there)
            return Error{ErrorKind::NoAttribute, "no such attribute"};
        if (count + 1 > kXattrsPerFileMax || total > kXattrTotalSizeMax)
            return Error{ErrorKind::NoSpace, "too many or too large extended attributes"};
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
        if (!host_.tree.attribute(record->node.file, AttributeKey::Xattr, name))
            return Error{ErrorKind::NoAttribute, "no such attribute"};
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
