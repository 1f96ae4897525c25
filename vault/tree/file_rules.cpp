#include "vault/tree/file_rules.h"

#include <algorithm>

namespace lockstep {
namespace {

bool newer(const VersionState& a, const VersionState& b) {
    return std::tie(a.stamp, a.id) > std::tie(b.stamp, b.id);
}

void find_main(FileState& file) {
    file.head_count = 0;
    for (std::uint32_t at = 0; at < file.versions.size(); ++at) {
        if (!file.versions[at].is_head()) continue;
        if (file.head_count == 0 || newer(file.versions[at], file.versions[file.main]))
            file.main = at;
        ++file.head_count;
    }
}

}  // namespace

bool add_version(FileState& file, VersionState version) {
    VersionState* there = find_version(file, version.id);
    // The same version, recorded before what it replaces was coalesced away: both count.
    if (there != nullptr && there->known)
        return version.replaces != nullptr && mark_replaced(file, *version.replaces);
    version.known = true;
    version.replaced = there != nullptr;
    const std::vector<VersionId> replaces =
        version.replaces ? *version.replaces : std::vector<VersionId>{};
    if (there != nullptr) {
        *there = std::move(version);
    } else {
        if (file.versions.empty()) file.versions.reserve(1);
        file.versions.push_back(std::move(version));
        const VersionState& added = file.versions.back();
        if (file.head_count == 0 || newer(added, file.versions[file.main])) {
            file.main = static_cast<std::uint32_t>(file.versions.size() - 1);
        }
        ++file.head_count;
    }
    const bool heads_changed = mark_replaced(file, replaces);
    return heads_changed || there == nullptr;
}

bool mark_replaced(FileState& file, std::span<const VersionId> ids) {
    bool changed = false, main_gone = false;
    for (const VersionId& id : ids) {
        VersionState* version = find_version(file, id);
        if (version == nullptr) {
            VersionState unknown;
            unknown.id = id;
            unknown.replaced = true;
            file.versions.push_back(std::move(unknown));
            continue;
        }
        if (version->replaced) continue;
        version->replaced = true;
        changed = true;
        --file.head_count;
        main_gone |= version == &file.versions[file.main];
    }
    if (main_gone) find_main(file);
    return changed;
}

void remove_version(FileState& file, const VersionId& id) {
    std::erase_if(file.versions, [&](const VersionState& version) { return version.id == id; });
    find_main(file);
}

const VersionState* find_version(const FileState& file, const VersionId& id) {
    // From the back: what is asked for is most often new.
    const auto found = std::find_if(file.versions.rbegin(), file.versions.rend(),
                                    [&](const VersionState& version) { return version.id == id; });
    return found == file.versions.rend() ? nullptr : &*found;
}

VersionState* find_version(FileState& file, const VersionId& id) {
    return const_cast<VersionState*>(find_version(std::as_const(file), id));
}

std::vector<const VersionState*> heads_of(const FileState& file) {
    std::vector<const VersionState*> heads;
    if (file.head_count == 1) return {&file.versions[file.main]};
    for (const VersionState& version : file.versions) {
        if (version.is_head()) heads.push_back(&version);
    }
    std::sort(heads.begin(), heads.end(),
              [](const auto* a, const auto* b) { return newer(*a, *b); });
    return heads;
}

std::vector<VersionId> head_ids(const FileState& file) {
    std::vector<VersionId> ids;
    for (const VersionState* head : heads_of(file)) ids.push_back(head->id);
    std::sort(ids.begin(), ids.end());
    return ids;
}

const VersionState* main_head(const FileState& file) {
    return file.head_count == 0 ? nullptr : &file.versions[file.main];
}

bool is_identical(const VersionState& a, const VersionState& b) {
    return a.size == b.size && a.root == b.root;
}

Content content_of(const VersionState& version) {
    Content content{version.kind, version.size, version.root, version.depth, {}};
    if (version.inline_bytes) content.inline_bytes = *version.inline_bytes;
    return content;
}

bool set_attribute(FileState& file, const AttributeRecord& record, const CompactStamp& stamp,
                   bool force) {
    auto* there = const_cast<AttributeState*>(find_attribute(file, record.key, record.xattr));
    if (there == nullptr) {
        if (file.attributes.size() == file.attributes.capacity())
            file.attributes.reserve(file.attributes.size() + 3);
        there = &file.attributes.emplace_back();
    } else if (there->stamp > stamp ||
               (there->stamp == stamp && !force && record.value <= value_of(*there))) {
        return false;
    }
    there->stamp = stamp;
    there->key = record.key;
    there->set = record.value.has_value();
    there->small_size = 0;
    there->large.reset();
    const Bytes value = record.value.value_or(Bytes{});
    if (record.xattr.empty() && value.size() <= there->small.size()) {
        there->small_size = static_cast<std::uint8_t>(value.size());
        std::copy(value.begin(), value.end(), there->small.begin());
    } else {
        there->large =
            std::make_unique<AttributeState::Large>(AttributeState::Large{record.xattr, value});
    }
    return true;
}

const AttributeState* find_attribute(const FileState& file, AttributeKey key,
                                     std::string_view xattr) {
    const auto found = std::find_if(
        file.attributes.begin(), file.attributes.end(),
        [&](const AttributeState& each) { return each.key == key && xattr_of(each) == xattr; });
    return found == file.attributes.end() ? nullptr : &*found;
}

std::string_view xattr_of(const AttributeState& attribute) {
    return attribute.large ? std::string_view(attribute.large->xattr) : std::string_view{};
}

std::optional<Bytes> value_of(const AttributeState& attribute) {
    if (!attribute.set) return std::nullopt;
    if (attribute.large) return attribute.large->value;
    return Bytes(attribute.small.begin(), attribute.small.begin() + attribute.small_size);
}

}  // namespace lockstep
