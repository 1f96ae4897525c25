// VaultFiles: content put under a name as a whole, by consumers that keep copies of their own.
#include <unordered_map>

#include "vault/chunks/content_store.h"
#include "vault/files/vault_files.h"

namespace lockstep {
namespace {

constexpr std::uint32_t kNewFileMode = 0644;

void note_allocated(OpenFile& file, const Content& content,
                    std::vector<AttributeSetting>& settings) {
    const std::uint64_t allocated = file.content.allocated();
    if (content.kind != Content::Kind::Inline && allocated < content.size)
        settings.push_back(allocated_setting(content.root, allocated));
}

std::vector<SharedRange> shared_ranges_of(const ContentList& list, const ContentList& old) {
    std::unordered_map<ChunkId, std::size_t> places;
    for (std::size_t i = 0; i < old.extents().size(); ++i)
        if (!old.extents()[i].is_hole()) places.emplace(old.extents()[i].chunk, i);
    std::vector<SharedRange> ranges;
    std::size_t next = old.extents().size();  // where the range before goes on
    for (std::size_t i = 0; i < list.extents().size(); ++i) {
        const Extent& extent = list.extents()[i];
        const bool goes_on = next < old.extents().size() && old.extents()[next] == extent;
        const auto place = places.find(extent.chunk);
        if (extent.is_hole() || (!goes_on && place == places.end())) {
            next = old.extents().size();
            continue;
        }
        if (goes_on) {
            ranges.back().length += extent.length;
        } else {
            next = place->second;
            ranges.push_back({list.start_of(i), old.start_of(next), extent.length});
        }
        ++next;
    }
    return ranges;
}

}  // namespace

Result<VersionId> VaultFiles::version(NodeId id) {
    MutexLock lock(host_.mutex);
    TRY(NodeRecord * record, record_of(id));
    if (record->orphan) return Error{ErrorKind::NotFound, "the file was removed"};
    if (record->open && record->open->is_modified)
        return Error{ErrorKind::Busy, "the file is being written"};
    const std::optional<VersionId> shown = host_.tree.version(record->node);
    if (!shown) return Error{ErrorKind::IsDirectory, "a directory has no versions"};
    return *shown;
}

Result<HandleId> VaultFiles::open_unnamed() {
    auto file = std::make_shared<OpenFile>(content_, chunker_, dirty_total_);
    file->is_unnamed = true;
    file->is_orphan = true;  // nothing but a put makes a version of it
    file->shown = file->changes.load();
    MutexLock lock(host_.mutex);
    return add_handle(std::move(file), true);
}

Result<HandleId> VaultFiles::open_content(const Content& content) {
    auto file = std::make_shared<OpenFile>(content_, chunker_, dirty_total_);
    file->is_unnamed = true;
    file->is_orphan = true;
    if (content.kind == Content::Kind::Inline) {
        file->content.load_bytes(content.inline_bytes);
    } else {
        TRY(ContentList list, load_content(ids_, content, content_));
        file->content.load(std::move(list));
    }
    file->shown = file->changes.load();
    MutexLock lock(host_.mutex);
    return add_handle(std::move(file), false);
}

Result<std::shared_ptr<OpenFile>> VaultFiles::unnamed_file(HandleId id) {
    TRY(Handle handle, handle_of(id));
    if (!handle.file->is_unnamed) return Error{ErrorKind::Invalid, "the file has a name"};
    return std::move(handle.file);
}

Result<PutOutcome> VaultFiles::put_file(HandleId unnamed, NodeId parent, std::string_view name,
                                        const PutAttributes& attributes) {
    TRY(std::shared_ptr<OpenFile> file, unnamed_file(unnamed));
    std::vector<AttributeSetting> settings{
        {AttributeKey::Mode, "",
         encode_mode(attributes.mode.value_or(kNewFileMode) & kModeBitsKept)},
        {AttributeKey::ModifiedNs, "", encode_time(attributes.modified_ns.value_or(now_ns()))}};
    News news;
    Result<PutOutcome> out = [&]() -> Result<PutOutcome> {
        // Until the tree shows the content: who asks what open files hold must not miss it.
        MutexLock file_lock(file->mutex);
        TRY(Content content, seal_content(*file));
        note_allocated(*file, content, settings);
        MutexLock lock(host_.mutex);
        TRY(Node directory, directory_node(parent));
        const NewFile made{FileType::Regular, std::move(content), std::move(settings)};
        TRY(TreeEntry entry, host_.tree.create(directory.file, name, made, host_.tick()));
        touch_directory(directory.file);
        news = finish_operation({.nodes = {parent}, .entries = {{parent, std::string(name)}}});
        return PutOutcome{nodes_.number_of(entry.node, kept_number(entry.node)), entry.version};
    }();
    tell(news);
    return out;
}

Result<PutOutcome> VaultFiles::put_version(HandleId unnamed, NodeId node, const VersionId& seen,
                                           const PutAttributes& attributes) {
    TRY(std::shared_ptr<OpenFile> file, unnamed_file(unnamed));
    std::vector<AttributeSetting> settings{
        {AttributeKey::ModifiedNs, "", encode_time(attributes.modified_ns.value_or(now_ns()))}};
    if (attributes.mode)
        settings.push_back({AttributeKey::Mode, "", encode_mode(*attributes.mode & kModeBitsKept)});
    TRY_OK(commit_journaled(node));
    News news;
    Result<PutOutcome> out = [&]() -> Result<PutOutcome> {
        MutexLock file_lock(file->mutex);
        TRY(Content content, seal_content(*file));
        note_allocated(*file, content, settings);
        MutexLock lock(host_.mutex);
        TRY(NodeRecord * record, record_of(node));
        if (record->orphan) return Error{ErrorKind::NotFound, "the file was removed"};
        if (host_.tree.type(record->node.file) != FileType::Regular)
            return Error{ErrorKind::Invalid, "no file with content"};
        if (!left_to_journal(record->node).empty())
            return Error{ErrorKind::Busy, "the file is being written"};
        const std::optional<Content> shown = host_.tree.content(record->node);
        VersionId version = seen;
        if (shown && shown->root == content.root && shown->size == content.size &&
            host_.tree.version(record->node) == seen) {
            TRY_OK(host_.tree.set_attributes(record->node, settings, host_.tick()));
        } else {
            const Stamp begun = host_.tick();
            TRY(const WriteOutcome written,
                host_.tree.write_over(record->node, seen, content, settings, begun, host_.tick()));
            if (!written.kept) return Error{ErrorKind::NotFound, "the file was removed"};
            version = written.version;
        }
        news = finish_operation({.nodes = {node}, .entries = {}});
        TRY(record, record_of(node));
        // Other heads than this version are news to its writer as well.
        if (host_.tree.version(record->node) == version) own_what_shows(record->node, node, news);
        return PutOutcome{node, version};
    }();
    tell(news);
    return out;
}

Result<std::uint64_t> VaultFiles::bytes_to_come(NodeId node) {
    std::optional<Content> now;
    {
        MutexLock lock(host_.mutex);
        TRY(NodeRecord * record, record_of(node));
        if (!record->orphan) now = host_.tree.content(record->node);
    }
    if (!now) return Error{ErrorKind::NotFound, "the file was removed"};
    return content_.bytes_to_come(*now);
}

Result<std::vector<SharedRange>> VaultFiles::shared_ranges(NodeId node, const VersionId& earlier) {
    std::optional<Content> now, before;
    {
        MutexLock lock(host_.mutex);
        TRY(NodeRecord * record, record_of(node));
        if (record->orphan) return Error{ErrorKind::NotFound, "the file was removed"};
        now = host_.tree.content(record->node);
        before = host_.tree.content(record->node.file, earlier);
    }
    if (!now || !before) return Error{ErrorKind::NotFound, "no such version"};
    if (now->kind == Content::Kind::Inline || before->kind == Content::Kind::Inline)
        return std::vector<SharedRange>();
    TRY(const ContentList list, load_content(ids_, *now, content_));
    TRY(const ContentList old, load_content(ids_, *before, content_));
    return shared_ranges_of(list, old);
}

Status VaultFiles::remove_version(NodeId parent, std::string_view name, NodeId node,
                                  const VersionId& seen) {
    News news;
    Status out = [&]() -> Status {
        MutexLock lock(host_.mutex);
        TRY(Node directory, directory_node(parent));
        TRY(TreeEntry entry, host_.tree.lookup(directory.file, name));
        if (entry.type == FileType::Directory)
            return Error{ErrorKind::IsDirectory, "it is a directory"};
        NodeId id = nodes_.number_of(entry.node, kept_number(entry.node));
        NodeRecord* record = nodes_.find(entry.node);
        const bool is_being_written =
            record != nullptr && record->open && record->open->is_modified;
        if (id != node || entry.version != seen || is_being_written)
            return Error{ErrorKind::Conflict, "the name shows something else by now"};
        auto orphan = snapshot(entry.node, &id);
        TRY_OK(host_.tree.remove_file(directory.file, name, host_.tick()));
        detach_if_gone(entry.node, id, std::move(orphan));
        touch_directory(directory.file);
        news = finish_operation({.nodes = {id, parent}, .entries = {{parent, std::string(name)}}});
        return {};
    }();
    tell(news);
    return out;
}

}  // namespace lockstep
