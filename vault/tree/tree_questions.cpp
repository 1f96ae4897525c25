// What Tree answers.

#include <algorithm>
#include <map>

#include "vault/tree/link_rules.h"
#include "vault/tree/tree_state.h"

namespace lockstep {
namespace {

VersionRecord record_of(const FileState& file, const VersionState& version) {
    return {file.id,
            version.id,
            content_of(version),
            version.replaces ? *version.replaces : std::vector<VersionId>{},
            version.stamp.full(),
            *version.device_label};
}

}  // namespace

Result<Index> TreeState::directory(const FileId& id) const {
    const Index at = facts.find_file(id);
    if (at == kNoIndex || !facts.file(at).known)
        return Error{ErrorKind::NotFound, "no such directory"};
    if (!facts.file(at).is_directory())
        return Error{ErrorKind::NotDirectory, "it is not a directory"};
    if (at != TreeFacts::kRoot && !facts.link(facts.file(at).first_link).visible) {
        return Error{ErrorKind::NotFound, "the directory was removed"};
    }
    return facts.primary(at);
}

Result<TreeState::Entry> TreeState::find(const FileId& id, std::string_view name) const {
    TRY(const Index at, directory(id));
    auto entry = view.find(at, name);
    if (!entry) return Error{ErrorKind::NotFound, "no such entry"};
    return *std::move(entry);
}

TreeEntry TreeState::describe(const Entry& entry) const {
    TreeEntry out;
    out.name = entry.name();
    out.node = view.node_of(entry);
    out.derived = entry.is_derived();
    if (entry.is_directory()) {
        out.type = FileType::Directory;
        for (const Index link : entry.directories) {
            out.links.push_back(facts.link(link).id);
            out.aliases.push_back(facts.file(facts.link(link).file).id);
        }
        return out;
    }
    out.type = facts.file(entry.head.file).type;
    out.version = entry.head.version;
    out.links.push_back(facts.link(entry.head.link).id);
    return out;
}

const VersionState* TreeState::shown_version(const Node& node) const {
    const Index at = facts.find_file(node.file);
    if (at == kNoIndex) return nullptr;
    const FileState& file = facts.file(at);
    if (!node.sibling) return main_head(file);
    const VersionState* version = find_version(file, *node.sibling);
    return version != nullptr && version->known ? version : nullptr;
}

bool TreeState::is_within(Index directory, Index ancestor) const {
    const Index wanted = facts.primary(ancestor);
    for (Index at = facts.primary(directory);;) {
        if (at == wanted) return true;
        const Index link = facts.link_of_directory(at);
        if (at == TreeFacts::kRoot || link == kNoIndex || facts.link(link).parent == kNoIndex)
            return false;
        at = facts.primary(facts.link(link).parent);
    }
}

bool TreeState::is_empty(Index directory) const {
    const std::vector<Index> aliases = view.aliases(directory);
    return std::all_of(aliases.begin(), aliases.end(),
                       [&](Index alias) { return facts.children(alias).empty(); });
}

std::string TreeState::path_of(Index directory) const {
    std::string path;
    for (Index at = facts.primary(directory); at != TreeFacts::kRoot;) {
        const Index link = facts.link_of_directory(at);
        if (link == kNoIndex || facts.link(link).parent == kNoIndex) break;
        const std::string name(facts.link(link).name.view());
        path = path.empty() ? name : name + "/" + path;
        at = facts.primary(facts.link(link).parent);
    }
    return path;
}

// ---- directories

Result<TreeEntry> Tree::lookup(const FileId& directory, std::string_view name) const {
    TRY(const auto entry, state_->find(directory, name));
    return state_->describe(entry);
}

Result<std::shared_ptr<const TreeListing>> Tree::list(const FileId& directory) const {
    TRY(const Index at, state_->directory(directory));
    return state_->view.list(at);
}

bool Tree::is_empty(const FileId& directory) const {
    const Index at = state_->facts.find_file(directory);
    return at == kNoIndex || state_->is_empty(at);
}

FileId Tree::primary(const FileId& directory) const {
    const Index at = state_->facts.find_file(directory);
    CHECK(at != kNoIndex && state_->facts.file(at).is_directory());
    return state_->facts.file(state_->facts.primary(at)).id;
}

std::uint32_t Tree::subdirectories(const FileId& directory) const {
    const Index at = state_->facts.find_file(directory);
    return at == kNoIndex ? 0 : state_->view.subdirectories(at);
}

// ---- nodes

std::optional<FileType> Tree::type(const FileId& file) const {
    const Index at = state_->facts.find_file(file);
    if (at == kNoIndex || !state_->facts.file(at).known) return std::nullopt;
    return state_->facts.file(at).type;
}

bool Tree::is_directory(const FileId& file) const {
    return type(file) == FileType::Directory;
}

std::vector<EntryPlace> Tree::places(const Node& node) const {
    std::vector<EntryPlace> places;
    const Index at = state_->facts.find_file(node.file);
    if (at == kNoIndex) return places;
    for (const auto& entry : state_->view.entries_of(at, node.sibling)) {
        places.push_back({state_->facts.file(entry.group.directory).id, entry.name()});
    }
    std::sort(places.begin(), places.end());
    return places;
}

std::vector<std::string> Tree::paths(const Node& node) const {
    std::vector<std::string> paths;
    for (const EntryPlace& place : places(node)) {
        const std::string directory = directory_path(place.directory);
        paths.push_back(directory.empty() ? place.name : directory + "/" + place.name);
    }
    return paths;
}

std::string Tree::directory_path(const FileId& directory) const {
    const Index at = state_->facts.find_file(directory);
    return at == kNoIndex ? "" : state_->path_of(at);
}

std::string Tree::link_path(const LinkId& id) const {
    const Index at = state_->facts.find_link(id);
    if (at == kNoIndex) return {};
    const LinkState& link = state_->facts.link(at);
    if (link.file == kNoIndex || link.parent == kNoIndex) return {};
    const std::string directory = state_->path_of(link.parent);
    return (directory.empty() ? "" : directory + "/") + std::string(link.name.view());
}

std::uint32_t Tree::link_count(const Node& node) const {
    const Index at = state_->facts.find_file(node.file);
    if (at == kNoIndex) return 0;
    if (!node.sibling) return state_->facts.live_links(at);
    return static_cast<std::uint32_t>(state_->view.entries_of(at, node.sibling).size());
}

std::vector<AttributeSetting> Tree::attributes(const FileId& file) const {
    std::vector<AttributeSetting> settings;
    const Index at = state_->facts.find_file(file);
    if (at == kNoIndex) return settings;
    for (const AttributeState& each : state_->facts.file(at).attributes) {
        if (each.set) settings.push_back({each.key, std::string(xattr_of(each)), value_of(each)});
    }
    std::sort(settings.begin(), settings.end());
    return settings;
}

std::optional<Bytes> Tree::attribute(const FileId& file, AttributeKey key,
                                     std::string_view xattr) const {
    const Index at = state_->facts.find_file(file);
    if (at == kNoIndex) return std::nullopt;
    const AttributeState* found = find_attribute(state_->facts.file(at), key, xattr);
    return found == nullptr ? std::nullopt : value_of(*found);
}

Stamp Tree::changed(const FileId& file) const {
    const Index at = state_->facts.find_file(file);
    if (at == kNoIndex) return {};
    CompactStamp newest;
    Stamp deleted;
    const FileState& state = state_->facts.file(at);
    for (const AttributeState& each : state.attributes) newest = std::max(newest, each.stamp);
    if (const VersionState* main = main_head(state)) newest = std::max(newest, main->stamp);
    for (const Index each : state_->facts.links_of(at)) {
        const LinkState& link = state_->facts.link(each);
        newest = std::max({newest, link.created, link.parent_stamp, link.name_stamp});
        if (link.deletes == nullptr) continue;
        for (const DeleteRecord& removal : *link.deletes)
            deleted = std::max(deleted, removal.stamp);
    }
    return std::max(newest.full(), deleted);
}

std::vector<VersionRecord> Tree::heads(const FileId& file) const {
    std::vector<VersionRecord> out;
    const Index at = state_->facts.find_file(file);
    if (at == kNoIndex) return out;
    for (const VersionState* head : heads_of(state_->facts.file(at))) {
        out.push_back(record_of(state_->facts.file(at), *head));
    }
    return out;
}

std::vector<VersionRecord> Tree::history(const FileId& file) const {
    std::vector<VersionRecord> out;
    const Index at = state_->facts.find_file(file);
    if (at == kNoIndex) return out;
    for (const VersionState& version : state_->facts.file(at).versions) {
        if (version.known) out.push_back(record_of(state_->facts.file(at), version));
    }
    std::sort(out.begin(), out.end(), [](const VersionRecord& a, const VersionRecord& b) {
        return std::tie(a.stamp, a.id) < std::tie(b.stamp, b.id);
    });
    return out;
}

std::optional<Content> Tree::content(const Node& node) const {
    const VersionState* version = state_->shown_version(node);
    return version == nullptr ? std::nullopt : std::optional(content_of(*version));
}

std::optional<Content> Tree::content(const FileId& file, const VersionId& id) const {
    const Index at = state_->facts.find_file(file);
    if (at == kNoIndex) return std::nullopt;
    const VersionState* version = find_version(std::as_const(state_->facts).file(at), id);
    return version == nullptr || !version->known ? std::nullopt
                                                 : std::optional(content_of(*version));
}

std::optional<VersionId> Tree::version(const Node& node) const {
    const VersionState* version = state_->shown_version(node);
    return version == nullptr ? std::nullopt : std::optional(version->id);
}

// ---- reports

std::vector<TreeConflict> Tree::conflicts() const {
    std::vector<TreeConflict> conflicts;
    for (const auto& [primary, view] : state_->view.odd_directories()) {
        const std::string path = state_->path_of(primary);
        const std::string prefix = path.empty() ? "" : path + "/";
        for (const auto& [name, derived] : view->derived) {
            const FileState& file = state_->facts.file(derived.head.file);
            const VersionState& version = *find_version(file, derived.head.version);
            const Node node =
                derived.head.main ? Node{file.id, std::nullopt} : Node{file.id, version.id};
            conflicts.push_back({prefix + name, prefix + derived.base, node, version.id,
                                 version.stamp.full(), *version.device_label});
        }
    }
    std::sort(conflicts.begin(), conflicts.end(),
              [](const TreeConflict& a, const TreeConflict& b) { return a.path < b.path; });
    return conflicts;
}

std::size_t Tree::conflict_count() const {
    std::size_t count = 0;
    for (const auto& [primary, view] : state_->view.odd_directories())
        count += view->derived.size();
    return count;
}

std::vector<TrashedFile> Tree::trash() const {
    std::vector<TrashedFile> trash;
    for (Index at = 0; at < state_->facts.links_size(); ++at) {
        const LinkState& link = state_->facts.link(at);
        if (link.file == kNoIndex || !link.deletes || link.alive || link.parent == kNoIndex)
            continue;
        const FileState& file = state_->facts.file(link.file);
        if (file.is_directory() || file.head_count == 0 || state_->facts.live_links(link.file) > 0)
            continue;
        Stamp deleted;
        for (const DeleteRecord& each : *link.deletes) deleted = std::max(deleted, each.stamp);
        const std::string path = state_->path_of(link.parent);
        trash.push_back({link.id, file.id,
                         (path.empty() ? "" : path + "/") + std::string(link.name.view()),
                         deleted});
    }
    std::sort(trash.begin(), trash.end(), [](const TrashedFile& a, const TrashedFile& b) {
        return std::tie(a.path, a.link) < std::tie(b.path, b.link);
    });
    return trash;
}

TreeCounts Tree::counts() const {
    return {state_->facts.visible_files(), state_->facts.visible_directories(),
            state_->pending.size(), state_->view.generation()};
}

}  // namespace lockstep
