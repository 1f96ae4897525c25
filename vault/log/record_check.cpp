// What a record may be, whoever made it: the limits that writer and reader share.
#include <algorithm>

#include "vault/log/record_codec.h"
#include "vault/log/record_format.h"

namespace lockstep {
namespace {

Error refuse(std::string_view why) {
    return {ErrorKind::Invalid, "record: " + std::string(why)};
}

template <typename IdType>
Status check_sorted(const std::vector<IdType>& ids, std::size_t count_max) {
    if (ids.size() > count_max) return refuse("list above its limit");
    for (std::size_t i = 1; i < ids.size(); ++i)
        if (!(ids[i - 1] < ids[i])) return refuse("list not sorted, or with duplicates");
    return {};
}

Status check(const LinkRecord& r) {
    switch (r.type) {
        case FileType::Regular:
        case FileType::Directory:
        case FileType::Symlink:
        case FileType::Fifo:
        case FileType::Socket:
            if (r.file == kRootFile) return refuse("link to the root directory");
            return {};
    }
    return Error{ErrorKind::Unsupported, "record: unknown file type"};
}

Status check(const ParentRecord&) {
    return {};
}

Status check(const NameRecord& r) {
    return is_valid_name(r.name) ? Status() : Status(refuse("not a name"));
}

Status check(const AttributeRecord& r) {
    std::size_t size = r.value ? r.value->size() : 0;
    switch (r.key) {
        case AttributeKey::Mode:
        case AttributeKey::Uid:
        case AttributeKey::Gid:
            return r.xattr.empty() && size == 4 ? Status() : Status(refuse("attribute is no u32"));
        case AttributeKey::ModifiedNs:
        case AttributeKey::BirthNs:
            return r.xattr.empty() && size == 8 ? Status() : Status(refuse("attribute is no time"));
        case AttributeKey::Xattr:
            if (r.xattr.empty() || r.xattr.size() > kXattrNameSizeMax ||
                r.xattr.find('\0') != std::string::npos)
                return refuse("not an xattr name");
            return size <= kXattrTotalSizeMax ? Status() : Status(refuse("xattr above its limit"));
    }
    return Error{ErrorKind::Unsupported, "record: unknown attribute"};
}

Status check(const Content& c) {
    if (c.size > kFileSizeMax) return refuse("file size above its limit");
    bool is_list = c.kind == Content::Kind::List;
    if (is_list != (c.depth != 0) || c.depth > kContentDepthMax) return refuse("depth of content");
    switch (c.kind) {
        case Content::Kind::Inline:
            if (c.inline_bytes.size() > kSymlinkSizeMax) return refuse("inline content too long");
            return c.size == c.inline_bytes.size() ? Status() : Status(refuse("inline size"));
        case Content::Kind::Chunk:
            if (c.size > kChunkSizeMax) return refuse("chunk above its limit");
            break;
        case Content::Kind::List:
            break;
        default:
            return Error{ErrorKind::Unsupported, "record: unknown kind of content"};
    }
    return c.inline_bytes.empty() ? Status()
                                  : Status(refuse("bytes of content that is not inline"));
}

Status check(const VersionRecord& r) {
    if (r.device_label.size() > kDeviceLabelSizeMax) return refuse("device label too long");
    TRY_OK(check_sorted(r.replaces, kVersionsReplacedMax));
    return check(r.content);
}

Status check(const ResolveRecord& r) {
    return check_sorted(r.drops, kVersionsReplacedMax);
}

Status check(const DeleteRecord& r) {
    TRY_OK(check_sorted(r.heads, kVersionsReplacedMax));
    return check_sorted(r.last, kDeleteLinksMax);
}

std::size_t body_bound(const LinkRecord&) {
    return 16 + 16 + 1;
}
std::size_t body_bound(const ParentRecord&) {
    return 16 + 16;
}
std::size_t body_bound(const NameRecord& r) {
    return 16 + 1 + r.name.size();
}
std::size_t body_bound(const AttributeRecord& r) {
    return 16 + 2 + 1 + 1 + r.xattr.size() + 1 + 4 + (r.value ? r.value->size() : 0);
}
std::size_t body_bound(const VersionRecord& r) {
    return 16 + 16 + 1 + 8 + 32 + 1 + 4 + r.content.inline_bytes.size() + 4 +
           16 * r.replaces.size() + 1 + r.device_label.size();
}
std::size_t body_bound(const ResolveRecord& r) {
    return 16 + 4 + 16 * r.drops.size();
}
std::size_t body_bound(const DeleteRecord& r) {
    return 16 + 2 * (1 + 8 + 16) + 4 + 16 * r.heads.size() + 4 + 16 * r.last.size();
}

}  // namespace

Status check_record(const Record& record) {
    return std::visit([](const auto& r) { return check(r); }, record);
}

std::size_t encoded_size_bound(const Record& record) {
    return kItemFrameSizeMax + std::visit([](const auto& r) { return body_bound(r); }, record);
}

bool is_valid_name(std::string_view name) {
    if (name.empty() || name.size() > kNameSizeMax || name == "." || name == "..") return false;
    return name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

const Stamp& stamp_of(const Record& record) {
    return std::visit([](const auto& r) -> const Stamp& { return r.stamp; }, record);
}

}  // namespace lockstep
