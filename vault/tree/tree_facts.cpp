#include "vault/tree/tree_facts.h"

#include <algorithm>

#include "vault/limits.h"
#include "vault/tree/link_rules.h"

namespace lockstep {
namespace {

template <typename IdType>
std::uint32_t hash_of(const IdType& id) {
    return static_cast<std::uint32_t>(std::hash<IdType>{}(id)*0x9e3779b97f4a7c15ULL >> 32);
}

std::uint32_t group_hash(Index directory, std::string_view name) {
    const std::uint64_t mixed =
        std::hash<std::string_view>{}(name) ^ (directory * 0x9e3779b97f4a7c15ULL);
    return static_cast<std::uint32_t>(mixed ^ (mixed >> 32));
}

bool is_name(std::string_view name) {
    return !name.empty() && name.size() <= kNameSizeMax && name != "." && name != ".." &&
           name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

}  // namespace

TreeFacts::TreeFacts() {
    const Index root = file_or_new(kRootFile);
    CHECK(root == kRoot);
    files_[root].type = FileType::Directory;
    files_[root].known = files_[root].published = true;
    directory_of(root);
}

// ---- records

void TreeFacts::add(const Record& record, RecordSource source) {
    if (const auto* link = std::get_if<LinkRecord>(&record)) return add_link(*link, source);
    if (const auto* parent = std::get_if<ParentRecord>(&record)) return add_parent(*parent, source);
    if (const auto* name = std::get_if<NameRecord>(&record)) return add_name(*name, source);
    if (const auto* attribute = std::get_if<AttributeRecord>(&record))
        return add_attribute(*attribute, source);
    if (const auto* version = std::get_if<VersionRecord>(&record))
        return add_version_record(*version);
    if (const auto* resolve = std::get_if<ResolveRecord>(&record)) return add_resolve(*resolve);
    add_delete(std::get<DeleteRecord>(record));
}

void TreeFacts::add_link(const LinkRecord& record, RecordSource source) {
    const bool published = source == RecordSource::Published;
    if (const Index there = find_link(record.link); there != kNoIndex) {
        links_[there].published |= published;
        files_[links_[there].file].published |= published;
        return;
    }
    const Index file_index = file_or_new(record.file);
    FileState& file = files_[file_index];
    // Only a faulty writer gives a file two types, or a directory two links: the first stands.
    if (file.known && (file.type != record.type || file.is_directory())) return;
    const Index at = new_link(record.link);
    LinkState& link = links_[at];
    link.created = compact(record.stamp);
    link.file = file_index;
    link.published = published;
    link.next_of_file = file.first_link;
    file.first_link = at;
    file.type = record.type;
    file.known = true;
    file.published |= published;
    if (file.is_directory()) directory_of(file_index);
    if (const auto early = early_.extract(record.link); !early.empty())
        for (const Record& each : early.mapped()) add(each, RecordSource::Published);
}

// What a device wrote behind the end of its log comes after what it wrote later, when it is
// published again.
void TreeFacts::come_early(const LinkId& link, Record record) {
    early_[link].push_back(std::move(record));
}

void TreeFacts::add_parent(const ParentRecord& record, RecordSource source) {
    const Index at = find_link(record.link);
    if (at == kNoIndex) return come_early(record.link, record);
    LinkState& link = links_[at];
    const Index target = file_or_new(record.directory);
    const CompactStamp stamp = compact(record.stamp);
    if (files_[link.file].is_directory()) {
        const DirectoryMove move{stamp, record.link, record.directory, link.file, target};
        if (source == RecordSource::Override) settle_moves();
        if (source == RecordSource::Override && link.parent_stamp == stamp) {
            moves_removed_.push_back(
                {stamp, record.link, files_[link.parent].id, link.file, link.parent});
        }
        moves_added_.push_back(move);
        return;
    }
    if (link.parent != kNoIndex && source != RecordSource::Override &&
        std::pair(link.parent_stamp, files_[link.parent].id) >=
            std::pair(stamp, record.directory)) {
        return;
    }
    if (link.visible) detach(at);
    link.parent = target;
    link.parent_stamp = stamp;
    refresh_life(link.file);
}

void TreeFacts::add_name(const NameRecord& record, RecordSource source) {
    const Index at = find_link(record.link);
    if (!is_name(record.name)) return;
    if (at == kNoIndex) return come_early(record.link, record);
    LinkState& link = links_[at];
    const CompactStamp stamp = compact(record.stamp);
    if (!link.name.view().empty() && source != RecordSource::Override &&
        std::pair(link.name_stamp, link.name.view()) >=
            std::pair(stamp, std::string_view(record.name))) {
        return;
    }
    if (link.visible) detach(at);
    link.name = CompactName(record.name);
    link.name_stamp = stamp;
    refresh_life(link.file);
}

void TreeFacts::add_attribute(const AttributeRecord& record, RecordSource source) {
    const Index at = file_or_new(record.file);
    if (set_attribute(files_[at], record, compact(record.stamp), source == RecordSource::Override))
        note_file(at);
}

void TreeFacts::add_version_record(const VersionRecord& record) {
    const Index at = file_or_new(record.file);
    VersionState version;
    version.id = record.id;
    version.stamp = compact(record.stamp);
    version.root = record.content.root;
    version.size = record.content.size;
    version.kind = record.content.kind;
    version.depth = record.content.depth;
    version.device_label = &*labels_.insert(record.device_label).first;
    if (!record.content.inline_bytes.empty()) {
        version.inline_bytes = std::make_unique<Bytes>(record.content.inline_bytes);
    }
    if (!record.replaces.empty())
        version.replaces = std::make_unique<std::vector<VersionId>>(record.replaces);
    if (add_version(files_[at], std::move(version))) heads_changed(at);
}

void TreeFacts::add_resolve(const ResolveRecord& record) {
    const Index at = file_or_new(record.file);
    if (mark_replaced(files_[at], record.drops)) heads_changed(at);
}

void TreeFacts::add_delete(const DeleteRecord& record) {
    const Index at = find_link(record.link);
    if (at == kNoIndex) return come_early(record.link, record);
    LinkState& link = links_[at];
    if (!link.deletes) link.deletes = std::make_unique<std::vector<DeleteRecord>>();
    if (std::find(link.deletes->begin(), link.deletes->end(), record) != link.deletes->end())
        return;
    link.deletes->push_back(record);
    if (files_[link.file].is_directory()) settle_moves();
    refresh_life(link.file);
}

void TreeFacts::heads_changed(Index file) {
    for (Index at = files_[file].first_link; at != kNoIndex; at = links_[at].next_of_file) {
        const LinkState& link = links_[at];
        if (link.visible) dirty_groups_.push_back({link.parent, std::string(link.name.view())});
    }
    note_file(file);
    refresh_life(file);
}

void TreeFacts::settle_moves() {
    if (moves_added_.empty() && moves_removed_.empty()) return;
    const std::vector<Index> moved =
        moves_.change(std::exchange(moves_added_, {}), std::exchange(moves_removed_, {}));
    // All leave before any arrives: on the way there may be cycles.
    for (const Index directory : moved) {
        const Index link = files_[directory].first_link;
        if (link != kNoIndex && links_[link].visible) detach(link);
    }
    for (const Index directory : moved) {
        const Index link = files_[directory].first_link;
        if (link == kNoIndex) continue;
        const DirectoryMoves::Place place = moves_.place(directory);
        links_[link].parent = place.parent;
        links_[link].parent_stamp = place.stamp;
        links_[link].alive = false;  // not decided yet
    }
    for (const Index directory : moved) refresh_life(directory);
}

// ---- life and visibility

bool TreeFacts::is_placed(const LinkState& link) const {
    return link.parent != kNoIndex && !link.name.view().empty();
}

void TreeFacts::refresh_life(Index file_index) {
    FileState& file = files_[file_index];
    decide_life(file);
    for (Index at = file.first_link; at != kNoIndex; at = links_[at].next_of_file)
        update_visibility(at);
}

void TreeFacts::decide_life(FileState& file) {
    // A file without content cannot be shown; only a faulty writer makes one.
    const bool has_content = file.is_directory() || file.head_count > 0;
    bool any_alive = false;
    std::vector<LinkDeletes> dead;
    for (Index at = file.first_link; at != kNoIndex; at = links_[at].next_of_file) {
        LinkState& link = links_[at];
        link.alive = link.revived = false;
        if (!is_placed(link) || !has_content) continue;
        std::vector<const DeleteRecord*> effective;
        if (link.deletes) {
            const Stamp parent = link.parent_stamp.full(), name = link.name_stamp.full();
            for (const DeleteRecord& each : *link.deletes) {
                if (is_effective(each, parent, name)) effective.push_back(&each);
            }
        }
        link.alive = effective.empty();
        any_alive |= link.alive;
        if (!link.alive) dead.push_back({link.id, std::move(effective)});
    }
    if (any_alive || dead.empty() || file.is_directory()) return;
    if (const auto survivor = surviving_link(dead, head_ids(file))) {
        LinkState& link = links_[find_link(*survivor)];
        link.alive = link.revived = true;
    }
}

void TreeFacts::update_visibility(Index at) {
    const LinkState& link = links_[at];
    const FileState& file = files_[link.file];
    const bool shows_children =
        file.is_directory() && !file.directory->children.empty() && is_placed(link);
    const bool wanted = link.alive || shows_children;
    if (wanted && !link.visible) attach(at);
    if (!wanted && link.visible) detach(at);
}

void TreeFacts::attach(Index at) {
    LinkState& link = links_[at];
    DirectoryState& directory = directory_of(link.parent);
    link.visible = true;
    link.place_in_parent = static_cast<Index>(directory.children.size());
    directory.children.push_back(at);
    const bool is_directory = files_[link.file].is_directory();
    directory.subdirectories += is_directory ? 1 : 0;
    ++(is_directory ? visible_directories_ : visible_files_);
    const std::uint32_t hash = group_hash(link.parent, link.name.view());
    link.next_in_group = first_in_group(link.parent, link.name.view());
    if (link.next_in_group == kNoIndex) {
        groups_.insert(hash, at);
    } else {
        groups_.replace(hash, link.next_in_group, at);
    }
    dirty_groups_.push_back({link.parent, std::string(link.name.view())});
    note_file(link.file);
    const Index up = files_[link.parent].first_link;
    if (up != kNoIndex && !links_[up].visible) update_visibility(up);
}

void TreeFacts::detach(Index at) {
    LinkState& link = links_[at];
    DirectoryState& directory = directory_of(link.parent);
    link.visible = false;
    const Index moved = directory.children.back();
    directory.children[link.place_in_parent] = moved;
    links_[moved].place_in_parent = link.place_in_parent;
    directory.children.pop_back();
    const bool is_directory = files_[link.file].is_directory();
    directory.subdirectories -= is_directory ? 1 : 0;
    --(is_directory ? visible_directories_ : visible_files_);
    if (is_directory) detached_directories_.push_back(link.file);
    const std::uint32_t hash = group_hash(link.parent, link.name.view());
    const Index first = first_in_group(link.parent, link.name.view());
    if (first != at) {
        Index before = first;
        while (links_[before].next_in_group != at) before = links_[before].next_in_group;
        links_[before].next_in_group = link.next_in_group;
    } else if (link.next_in_group != kNoIndex) {
        groups_.replace(hash, at, link.next_in_group);
    } else {
        groups_.erase(hash, at);
    }
    link.next_in_group = kNoIndex;
    dirty_groups_.push_back({link.parent, std::string(link.name.view())});
    note_file(link.file);
    const Index up = files_[link.parent].first_link;
    if (up != kNoIndex && links_[up].visible) update_visibility(up);
}

// ---- finding

Index TreeFacts::find_link(const LinkId& id) const {
    return link_ids_.find(hash_of(id), [&](Index at) { return links_[at].id == id; });
}

Index TreeFacts::find_file(const FileId& id) const {
    return file_ids_.find(hash_of(id), [&](Index at) { return files_[at].id == id; });
}

Index TreeFacts::first_in_group(Index directory, std::string_view name) const {
    return groups_.find(group_hash(directory, name), [&](Index at) {
        return links_[at].parent == directory && links_[at].name.view() == name;
    });
}

std::vector<Index> TreeFacts::links_of(Index file) const {
    std::vector<Index> links;
    for (Index at = files_[file].first_link; at != kNoIndex; at = links_[at].next_of_file)
        links.push_back(at);
    return links;
}

std::uint32_t TreeFacts::live_links(Index file) const {
    std::uint32_t live = 0;
    for (Index at = files_[file].first_link; at != kNoIndex; at = links_[at].next_of_file)
        live += links_[at].alive;
    return live;
}

const std::vector<Index>& TreeFacts::children(Index directory) const {
    static const std::vector<Index> kNone;
    return files_[directory].directory ? files_[directory].directory->children : kNone;
}

Index TreeFacts::primary(Index directory) const {
    return files_[directory].directory ? files_[directory].directory->primary : directory;
}

Index TreeFacts::file_or_new(const FileId& id) {
    if (const Index there = find_file(id); there != kNoIndex) return there;
    Index at = kNoIndex;
    if (free_files_.empty()) {
        at = files_.push();
    } else {
        at = free_files_.back();
        free_files_.pop_back();
    }
    files_[at].id = id;
    file_ids_.insert(hash_of(id), at);
    return at;
}

Index TreeFacts::new_link(const LinkId& id) {
    Index at = kNoIndex;
    if (free_links_.empty()) {
        at = links_.push();
    } else {
        at = free_links_.back();
        free_links_.pop_back();
    }
    links_[at].id = id;
    link_ids_.insert(hash_of(id), at);
    return at;
}

DirectoryState& TreeFacts::directory_of(Index file) {
    if (!files_[file].directory) {
        files_[file].directory = std::make_unique<DirectoryState>();
        files_[file].directory->primary = file;
    }
    return *files_[file].directory;
}

CompactStamp TreeFacts::compact(const Stamp& stamp) {
    return {stamp.time, &*logs_.insert(stamp.log).first};
}

void TreeFacts::note_file(Index file) {
    if (changed_files_.empty() || changed_files_.back() != file) changed_files_.push_back(file);
}

// ---- forgetting

void TreeFacts::forget_version(Index file, const VersionId& id) {
    remove_version(files_[file], id);
}

void TreeFacts::set_replaces(const VersionRecord& record) {
    VersionState* version = find_version(files_[find_file(record.file)], record.id);
    version->replaces = record.replaces.empty()
                            ? nullptr
                            : std::make_unique<std::vector<VersionId>>(record.replaces);
}

void TreeFacts::forget_links(const std::vector<Index>& links) {
    settle_moves();
    std::vector<Index> files;
    for (const Index at : links) {
        CHECK(!links_[at].visible, "only what nobody sees is forgotten");
        files.push_back(links_[at].file);
        forget_link(at);
    }
    std::sort(files.begin(), files.end());
    files.erase(std::unique(files.begin(), files.end()), files.end());
    moves_.forget(files);
    for (const Index file : files) {
        if (files_[file].first_link != kNoIndex) continue;
        file_ids_.erase(hash_of(files_[file].id), file);
        files_[file] = FileState{};
        free_files_.push_back(file);
    }
}

void TreeFacts::forget_link(Index at) {
    Index* before = &files_[links_[at].file].first_link;
    while (*before != at) before = &links_[*before].next_of_file;
    *before = links_[at].next_of_file;
    link_ids_.erase(hash_of(links_[at].id), at);
    links_[at] = LinkState{};
    free_links_.push_back(at);
}

}  // namespace lockstep
