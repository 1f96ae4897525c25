// VaultFiles: names.
#include <algorithm>

#include "vault/files/vault_files.h"

namespace lockstep {
namespace {

Error stale() {
    return {ErrorKind::NotFound, "no such file any more"};
}

std::vector<AttributeSetting> new_attributes(std::uint32_t mode, std::int64_t now_ns) {
    return {{AttributeKey::Mode, "", encode_mode(mode & kModeBitsKept)},
            {AttributeKey::ModifiedNs, "", encode_time(now_ns)}};
}

}  // namespace

VaultFiles::VaultFiles(const VaultFilesEnvironment& environment)
    : host_(environment.host),
      content_(environment.content),
      chunker_(environment.chunker),
      ids_(environment.ids),
      nodes_(environment.derived_ids),
      workers_(environment.workers) {}

VaultFiles::~VaultFiles() {
    MutexLock lock(background_mutex_);
    while (background_ > 0) background_ended_.wait(background_mutex_);
}

// ---- finding

Result<NodeRecord*> VaultFiles::record_of(NodeId id) {
    NodeRecord* record = nodes_.find(id);
    if (record == nullptr) return stale();
    return record;
}

Result<Node> VaultFiles::directory_node(NodeId id) {
    TRY(NodeRecord * record, record_of(id));
    if (record->orphan) return Error{ErrorKind::NotFound, "the directory was removed"};
    if (!host_.tree.is_directory(record->node.file))
        return Error{ErrorKind::NotDirectory, "not a directory"};
    return record->node;
}

Result<Attributes> VaultFiles::entry_attributes(const TreeEntry& entry) {
    NodeId id = nodes_.intern(entry.node, kept_number(entry.node));
    nodes_.reference(id);
    return attributes_of(entry.node, id);
}

Result<Attributes> VaultFiles::lookup(NodeId directory, std::string_view name) {
    MutexLock lock(host_.mutex);
    TRY(Node parent, directory_node(directory));
    if (name.size() > kNameSizeMax) return Error{ErrorKind::NameTooLong, "the name is too long"};
    TRY(TreeEntry entry, host_.tree.lookup(parent.file, name));
    return entry_attributes(entry);
}

void VaultFiles::forget(NodeId node, std::uint64_t references) {
    MutexLock lock(host_.mutex);
    nodes_.forget(node, references);
}

Result<std::shared_ptr<const Listing>> VaultFiles::list(NodeId directory) {
    MutexLock lock(host_.mutex);
    TRY(NodeRecord * record, record_of(directory));
    if (record->orphan) return std::make_shared<const Listing>();
    TRY(auto entries, host_.tree.list(record->node.file));
    auto out = std::make_shared<Listing>();
    out->reserve(entries->size());
    for (const TreeListEntry& entry : *entries)
        out->push_back(
            {entry.name, nodes_.number_of(entry.node, kept_number(entry.node)), entry.type});
    return std::shared_ptr<const Listing>(std::move(out));
}

// ---- telling

VaultFiles::Changes VaultFiles::take_changes() {
    TreeChanges changes = host_.tree.take_changes();
    Changes news;
    std::vector<EntryPlace> quiet;
    for (const NodeRemap& remap : changes.remaps) nodes_.remap(remap);
    for (const FileId& file : changes.files) {
        const std::vector<NodeId> numbers = nodes_.numbers_of({file, std::nullopt});
        if (numbers.empty()) {
            // Whoever remembers it by its place learns of new attributes there.
            for (EntryPlace& place : host_.tree.places({file, std::nullopt})) {
                if (!std::binary_search(changes.entries.begin(), changes.entries.end(), place))
                    quiet.push_back(std::move(place));
            }
            continue;
        }
        for (NodeId id : numbers) {
            news.nodes.push_back(id);
            const std::shared_ptr<OpenFile>& open = nodes_.find(id)->open;
            if (open && !open->is_modified) open->set_stale();
        }
    }
    changes.entries.insert(changes.entries.end(), quiet.begin(), quiet.end());
    for (const EntryPlace& place : changes.entries) {
        NodeId id = kRootNode;
        if (place.directory != kRootFile &&
            nodes_.find(Node{place.directory, std::nullopt}, &id) == nullptr)
            continue;
        news.entries.emplace_back(id, place.name);
    }
    return news;
}

VaultFiles::News VaultFiles::finish_operation(const Changes& own) {
    Changes changes = take_changes();
    host_.tree_changed();
    News news;
    const auto sort_out = [](auto& items, const auto& named, auto& mine, auto& rest) {
        for (auto& item : items) {
            bool is_own = std::find(named.begin(), named.end(), item) != named.end();
            (is_own ? mine : rest).push_back(std::move(item));
        }
    };
    sort_out(changes.nodes, own.nodes, news.own.nodes, news.others.nodes);
    sort_out(changes.entries, own.entries, news.own.entries, news.others.entries);
    return news;
}

void VaultFiles::tell(const Changes& changes) {
    if (changes.nodes.empty() && changes.entries.empty()) return;
    observers_.tell([&](ChangeObserver& observer) {
        for (NodeId node : changes.nodes) observer.node_changed(node);
        for (const auto& [directory, name] : changes.entries)
            observer.entry_changed(directory, name);
    });
}

void VaultFiles::tell(const News& news, const ChangeObserver* consumer) {
    {
        const ChangeOrigin::OwnNews scope(consumer);
        tell(news.own);
    }
    tell(news.others);
}

void VaultFiles::tell(const News& news) {
    tell(news, ChangeOrigin::consumer());
}

void VaultFiles::add_observer(ChangeObserver& observer) {
    observers_.add(observer);
}

void VaultFiles::remove_observer(ChangeObserver& observer) {
    observers_.remove(observer);
}

void VaultFiles::tree_merged() {
    Changes news;
    {
        MutexLock lock(host_.mutex);
        news = take_changes();
    }
    tell(news);
}

// ---- making and removing

void VaultFiles::touch_directory(const FileId& directory) {
    std::vector<AttributeSetting> settings{{AttributeKey::ModifiedNs, "", encode_time(now_ns())}};
    // A directory that is going away at this moment needs no time.
    static_cast<void>(
        host_.tree.set_attributes({directory, std::nullopt}, settings, host_.tick()).ok());
}

Result<Attributes> VaultFiles::make_directory(NodeId parent, std::string_view name,
                                              std::uint32_t mode) {
    News news;
    Result<Attributes> out = [&]() -> Result<Attributes> {
        MutexLock lock(host_.mutex);
        TRY(Node directory, directory_node(parent));
        TRY(TreeEntry entry,
            host_.tree.make_directory(directory.file, name, new_attributes(mode, now_ns()),
                                      host_.tick()));
        touch_directory(directory.file);
        news = finish_operation({.nodes = {parent}, .entries = {{parent, std::string(name)}}});
        return entry_attributes(entry);
    }();
    tell(news);
    return out;
}

Result<Attributes> VaultFiles::make_node(NodeId parent, std::string_view name,
                                         const NewNode& node) {
    if (node.type == FileType::Directory || node.type == FileType::Symlink)
        return Error{ErrorKind::Invalid, "not a node of this kind"};
    News news;
    Result<Attributes> out = [&]() -> Result<Attributes> {
        MutexLock lock(host_.mutex);
        TRY(Node directory, directory_node(parent));
        NewFile file{node.type, inline_content(ids_, {}), new_attributes(node.mode, now_ns())};
        TRY(TreeEntry entry, host_.tree.create(directory.file, name, file, host_.tick()));
        touch_directory(directory.file);
        news = finish_operation({.nodes = {parent}, .entries = {{parent, std::string(name)}}});
        return entry_attributes(entry);
    }();
    tell(news);
    return out;
}

Result<FileSystem::Created> VaultFiles::create(NodeId parent, std::string_view name,
                                               std::uint32_t mode) {
    TRY(Attributes made, make_node(parent, name, {FileType::Regular, mode}));
    auto handle = open(made.node, {.read = true, .write = true});
    if (!handle.ok()) {
        forget(made.node, 1);
        return std::move(handle).error();
    }
    return Created{made, *handle};
}

Result<Attributes> VaultFiles::make_symlink(NodeId parent, std::string_view name,
                                            std::string_view target) {
    if (target.empty()) return Error{ErrorKind::NotFound, "a symbolic link needs a target"};
    if (target.size() > kSymlinkSizeMax)
        return Error{ErrorKind::NameTooLong, "the link's target is too long"};
    News news;
    Result<Attributes> out = [&]() -> Result<Attributes> {
        MutexLock lock(host_.mutex);
        TRY(Node directory, directory_node(parent));
        NewFile file{FileType::Symlink, inline_content(ids_, as_bytes(target)),
                     new_attributes(0777, now_ns())};
        TRY(TreeEntry entry, host_.tree.create(directory.file, name, file, host_.tick()));
        touch_directory(directory.file);
        news = finish_operation({.nodes = {parent}, .entries = {{parent, std::string(name)}}});
        return entry_attributes(entry);
    }();
    tell(news);
    return out;
}

Result<std::string> VaultFiles::read_symlink(NodeId id) {
    MutexLock lock(host_.mutex);
    TRY(NodeRecord * record, record_of(id));
    std::optional<Content> content =
        record->orphan ? record->orphan->content : host_.tree.content(record->node);
    if (host_.tree.type(record->node.file) != FileType::Symlink || !content)
        return Error{ErrorKind::Invalid, "not a symbolic link"};
    return std::string(as_text(content->inline_bytes));
}

Result<Attributes> VaultFiles::make_link(NodeId id, NodeId parent, std::string_view name) {
    News news;
    Result<Attributes> out = [&]() -> Result<Attributes> {
        MutexLock lock(host_.mutex);
        TRY(NodeRecord * record, record_of(id));
        if (record->orphan) return Error{ErrorKind::NotFound, "the file was removed"};
        if (host_.tree.is_directory(record->node.file))
            return Error{ErrorKind::Refused, "directories cannot have hard links"};
        TRY(Node directory, directory_node(parent));
        TRY(TreeEntry entry,
            host_.tree.make_link(record->node, directory.file, name, host_.tick()));
        touch_directory(directory.file);
        news = finish_operation({.nodes = {id, parent}, .entries = {{parent, std::string(name)}}});
        return entry_attributes(entry);
    }();
    tell(news);
    return out;
}

// What is left of the node if this operation takes its last name; nothing when nobody holds it.
std::optional<Orphan> VaultFiles::snapshot(const Node& node, NodeId* id) {
    if (nodes_.find(node, id) == nullptr) return std::nullopt;
    Orphan orphan{attributes_of(node, *id), host_.tree.content(node).value_or(Content{}),
                  users_xattrs_of(node)};
    orphan.attributes.changed_ns = std::max(orphan.attributes.changed_ns + 1, now_ns());
    return orphan;
}

void VaultFiles::detach_if_gone(const Node& node, NodeId id, std::optional<Orphan> orphan) {
    if (!orphan) return;
    if (host_.tree.is_directory(node.file) ? host_.tree.places(node).empty()
                                           : host_.tree.link_count(node) == 0)
        nodes_.detach(id, std::move(*orphan));
}

Status VaultFiles::remove_file(NodeId parent, std::string_view name) {
    News news;
    Status out = [&]() -> Status {
        MutexLock lock(host_.mutex);
        TRY(Node directory, directory_node(parent));
        TRY(TreeEntry entry, host_.tree.lookup(directory.file, name));
        NodeId id = 0;
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

Status VaultFiles::remove_directory(NodeId parent, std::string_view name) {
    News news;
    Status out = [&]() -> Status {
        MutexLock lock(host_.mutex);
        TRY(Node directory, directory_node(parent));
        TRY(TreeEntry entry, host_.tree.lookup(directory.file, name));
        NodeId id = 0;
        auto orphan = snapshot(entry.node, &id);
        TRY_OK(host_.tree.remove_directory(directory.file, name, host_.tick()));
        detach_if_gone(entry.node, id, std::move(orphan));
        touch_directory(directory.file);
        news = finish_operation({.nodes = {id, parent}, .entries = {{parent, std::string(name)}}});
        return {};
    }();
    tell(news);
    return out;
}

Status VaultFiles::rename(NodeId parent, std::string_view name, NodeId new_parent,
                          std::string_view new_name, RenameMode mode) {
    News news;
    std::shared_ptr<OpenFile> written;
    bool is_source_sealed = false, is_target_sealed = false;
    const auto attempt = [&]() -> Status {
        MutexLock lock(host_.mutex);
        TRY(const Node from, directory_node(parent));
        TRY(const Node to, directory_node(new_parent));
        NodeId target_id = 0;
        std::optional<Orphan> target;
        Changes own{.nodes = {parent, new_parent},
                    .entries = {{parent, std::string(name)}, {new_parent, std::string(new_name)}}};
        const auto source = host_.tree.lookup(from.file, name);
        const auto old = host_.tree.lookup(to.file, new_name);
        // It may turn the source's content into a version of the target: what was written must be
        // one first.
        if (!std::exchange(is_source_sealed, true) && (written = written_file(source))) return {};
        if (!std::exchange(is_target_sealed, true) && (written = written_file(old))) return {};
        for (const auto* entry : {&source, &old})
            if (NodeId id = 0; entry->ok() && nodes_.find((*entry)->node, &id) != nullptr)
                own.nodes.push_back(id);
        if (old.ok() && mode == RenameMode::Replace) target = snapshot(old->node, &target_id);
        TRY(RenameOutcome outcome,
            host_.tree.rename(from.file, name, to.file, new_name, mode, host_.tick()));
        // With REPLACE the target's file goes on with the source's content, under the source's
        // number, also after a remount.
        const bool is_replaced = old.ok() && outcome.displaced &&
                                 outcome.now.file == old->node.file &&
                                 outcome.before != outcome.now;
        if (is_replaced) {
            const NodeId number = nodes_.number_of(outcome.before, kept_number(outcome.before));
            std::vector<AttributeSetting> settings{inode_setting(outcome.now.file, number)};
            // A number that is not kept is no reason to fail what has happened.
            static_cast<void>(host_.tree.set_attributes(outcome.now, settings, host_.tick()).ok());
        }
        if (target && is_replaced)
            nodes_.detach(target_id, std::move(*target));
        else if (target && outcome.displaced)
            detach_if_gone(old->node, target_id, std::move(target));
        touch_directory(from.file);
        if (to.file != from.file) touch_directory(to.file);
        news = finish_operation(own);
        return {};
    };
    Status out = attempt();
    while (const auto file = std::exchange(written, nullptr)) {
        TRY_OK(commit_version(*file));
        out = attempt();
    }
    tell(news);
    return out;
}

// The entry's file, when something was written to it that is no version yet.
std::shared_ptr<OpenFile> VaultFiles::written_file(const Result<TreeEntry>& entry) {
    NodeRecord* record = entry.ok() ? nodes_.find(entry->node) : nullptr;
    const bool is_written = record != nullptr && record->open && record->open->is_modified;
    return is_written ? record->open : nullptr;
}

// Who has a sibling open goes on with the file.
Status VaultFiles::resolve(const Node& chosen) {
    News news;
    Status out = [&]() -> Status {
        MutexLock lock(host_.mutex);
        TRY(Node now, host_.tree.resolve(chosen, host_.tick()));
        static_cast<void>(now);
        news = finish_operation({});
        return {};
    }();
    tell(news);
    return out;
}

Status VaultFiles::make_real(const Node& node) {
    News news;
    Status out = [&]() -> Status {
        MutexLock lock(host_.mutex);
        TRY(Node now, host_.tree.set_attributes(node, {}, host_.tick()));
        static_cast<void>(now);
        news = finish_operation({});
        return {};
    }();
    tell(news);
    return out;
}

bool VaultFiles::is_being_written(const FileId& file) {
    MutexLock lock(host_.mutex);
    NodeRecord* record = nodes_.find(Node{file, std::nullopt});
    return record != nullptr && record->open && record->open->is_modified;
}

Result<FileSystemSpace> VaultFiles::space() {
    return host_.space();
}

}  // namespace lockstep
