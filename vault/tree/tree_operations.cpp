// Operations on names and attributes. Each prepares (restores dead directories above, makes derived
// names real), looks again, and acts.

#include <algorithm>

#include "vault/limits.h"
#include "vault/tree/derived_names.h"
#include "vault/tree/tree_state.h"

namespace lockstep {
namespace {

// Dead links count, since the delete of a file's last link names them all; half of what a record
// holds, so that devices that do not know of each other stay below it.
constexpr std::size_t kLinksPerFileMax = 2048;

}  // namespace

Status TreeState::check_name(std::string_view name) const {
    if (name.size() > kNameSizeMax)
        return Error{ErrorKind::NameTooLong, "a name has at most 255 bytes"};
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string_view::npos ||
        name.find('\0') != std::string_view::npos) {
        return Error{ErrorKind::Invalid, "not a file name"};
    }
    return {};
}

Index TreeState::put(Index directory, std::string_view name, FileType type,
                     std::optional<FileId> file, const Stamp& stamp) {
    const Index parent = home(directory, stamp);
    const auto link = environment.random.id<LinkId>();
    const FileId id = file ? *file : environment.random.id<FileId>();
    emit(LinkRecord{link, id, type, stamp});
    emit(ParentRecord{link, stamp, facts.file(parent).id});
    emit(NameRecord{link, stamp, std::string(name)});
    return facts.find_file(id);
}

// ---- making

Result<TreeEntry> Tree::make_directory(const FileId& parent, std::string_view name,
                                       std::span<const AttributeSetting> attributes,
                                       const Stamp& stamp) {
    TreeState& state = *state_;
    TRY_OK(state.check_name(name));
    TRY(const Index directory, state.directory(parent));
    if (state.view.find(directory, name)) return Error{ErrorKind::Exists, "the name is taken"};
    state.begin_operation();
    const Index made = state.put(directory, name, FileType::Directory, std::nullopt, stamp);
    state.emit_attributes(made, attributes, stamp);
    state.view.settle();
    return state.describe(*state.view.find(directory, name));
}

Result<TreeEntry> Tree::create(const FileId& parent, std::string_view name, const NewFile& file,
                               const Stamp& stamp) {
    TreeState& state = *state_;
    CHECK(file.type != FileType::Directory);
    TRY_OK(state.check_name(name));
    TRY(const Index directory, state.directory(parent));
    if (state.view.find(directory, name)) return Error{ErrorKind::Exists, "the name is taken"};
    state.begin_operation();
    const Index made = state.put(directory, name, file.type, std::nullopt, stamp);
    state.add_version(made, file.content, {}, stamp);
    state.emit_attributes(made, file.attributes, stamp);
    state.view.settle();
    return state.describe(*state.view.find(directory, name));
}

Result<TreeEntry> Tree::make_link(const Node& node, const FileId& parent, std::string_view name,
                                  const Stamp& stamp) {
    TreeState& state = *state_;
    TRY_OK(state.check_name(name));
    TRY(const Index directory, state.directory(parent));
    const Index file = state.facts.find_file(node.file);
    if (file == kNoIndex) return Error{ErrorKind::NotFound, "no such file"};
    if (state.facts.file(file).is_directory())
        return Error{ErrorKind::Refused, "directories have one name"};
    const auto entries = state.view.entries_of(file, node.sibling);
    if (entries.empty()) return Error{ErrorKind::NotFound, "the file was removed"};
    if (state.view.find(directory, name)) return Error{ErrorKind::Exists, "the name is taken"};
    if (state.facts.links_of(file).size() >= kLinksPerFileMax) {
        return Error{ErrorKind::TooManyLinks, "the file has too many links"};
    }
    state.begin_operation();
    TreeState::Groups groups;
    for (const auto& entry : entries) groups.insert(entry.group);
    const std::vector<Index> aliases = state.view.aliases(directory);
    const Index real = state.make_real(node, groups, stamp);
    const Index still = state.still_shown(aliases);
    state.restamp_revived(real, stamp);
    state.put(still, name, state.facts.file(real).type, state.facts.file(real).id, stamp);
    state.view.settle();
    return state.describe(*state.view.find(still, name));
}

// ---- removing

Status Tree::remove_file(const FileId& parent, std::string_view name, const Stamp& stamp) {
    TreeState& state = *state_;
    TRY(auto entry, state.find(parent, name));
    if (entry.is_directory()) return Error{ErrorKind::IsDirectory, "it is a directory"};
    const TreeState::Group group = entry.group;
    state.begin_operation();
    state.home(group.directory, stamp);
    const std::vector<Index> aliases = state.view.aliases(group.directory);
    state.touch({group}, stamp);
    const auto real = state.view.find(state.still_shown(aliases), name);
    CHECK(real && !real->is_directory(), "touching keeps names");
    const std::vector<Index> links{real->head.link};
    state.delete_links(links, stamp);
    state.note_removed(links);
    return {};
}

Status Tree::remove_directory(const FileId& parent, std::string_view name, const Stamp& stamp) {
    TreeState& state = *state_;
    TRY(auto entry, state.find(parent, name));
    if (!entry.is_directory()) return Error{ErrorKind::NotDirectory, "it is not a directory"};
    if (!state.is_empty(state.facts.link(entry.directories[0]).file)) {
        return Error{ErrorKind::NotEmpty, "the directory is not empty"};
    }
    state.begin_operation();
    state.home(entry.group.directory, stamp);
    state.touch({entry.group}, stamp);
    state.delete_links(entry.directories, stamp);
    return {};
}

// ---- renaming

Status TreeState::check_rename(const Entry& source, const std::optional<Entry>& target,
                               Index new_directory, RenameMode mode) const {
    if (source.is_directory() && is_within(new_directory, facts.link(source.directories[0]).file)) {
        return Error{ErrorKind::Invalid, "a directory cannot be moved into itself"};
    }
    if (!target) {
        if (mode == RenameMode::Exchange)
            return Error{ErrorKind::NotFound, "nothing to exchange with"};
        return {};
    }
    if (mode == RenameMode::NoReplace) return Error{ErrorKind::Exists, "the name is taken"};
    if (mode == RenameMode::Exchange) {
        if (target->is_directory() &&
            is_within(source.group.directory, facts.link(target->directories[0]).file)) {
            return Error{ErrorKind::Invalid, "a directory cannot be moved into itself"};
        }
        return {};
    }
    if (target->is_directory() && !source.is_directory()) {
        return Error{ErrorKind::IsDirectory, "a file cannot replace a directory"};
    }
    if (!target->is_directory() && source.is_directory()) {
        return Error{ErrorKind::NotDirectory, "a directory cannot replace a file"};
    }
    if (target->is_directory() && !is_empty(facts.link(target->directories[0]).file)) {
        return Error{ErrorKind::NotEmpty, "the directory is not empty"};
    }
    return {};
}

// Saving by rename: with one link on each side, history and conflicts follow the name.
bool TreeState::shares_content(const Entry& source, const Entry& target) const {
    const FileType type = facts.file(source.head.file).type;
    return type == facts.file(target.head.file).type &&
           (type == FileType::Regular || type == FileType::Symlink) &&
           facts.live_links(source.head.file) == 1 && facts.live_links(target.head.file) == 1;
}

Result<RenameOutcome> Tree::rename(const FileId& parent, std::string_view name,
                                   const FileId& new_parent, std::string_view new_name,
                                   RenameMode mode, const Stamp& stamp) {
    TreeState& state = *state_;
    TRY_OK(state.check_name(new_name));
    TRY(auto source, state.find(parent, name));
    TRY(const Index directory, state.directory(new_parent));
    auto target = state.view.find(directory, new_name);
    RenameOutcome outcome{state.view.node_of(source), state.view.node_of(source), std::nullopt};
    const bool same_node = target && state.view.node_of(*target) == outcome.before;
    if (same_node && mode != RenameMode::NoReplace)
        return outcome;  // two names of one file: nothing happens
    TRY_OK(state.check_rename(source, target, directory, mode));
    if (target) outcome.displaced = state.view.node_of(*target);

    state.begin_operation();
    const Index home_of_source = state.home(source.group.directory, stamp);
    const bool moves = directory != source.group.directory;
    const Index home_of_target = state.home(directory, stamp);
    TreeState::Groups groups{source.group};
    if (target) groups.insert(target->group);
    const std::vector<Index> source_aliases = state.view.aliases(source.group.directory);
    const std::vector<Index> target_aliases = state.view.aliases(directory);
    state.touch(groups, stamp);
    source = *state.view.find(state.still_shown(source_aliases), name);
    target = state.view.find(state.still_shown(target_aliases), new_name);
    outcome.now = state.view.node_of(source);
    if (target && mode == RenameMode::Exchange) {
        state.move_entry(source, moves ? std::optional(home_of_target) : std::nullopt, new_name,
                         stamp);
        state.move_entry(*target, moves ? std::optional(home_of_source) : std::nullopt, name,
                         stamp);
        outcome.displaced.reset();
        state.view.settle();
        return outcome;
    }
    if (target && !source.is_directory() && state.shares_content(source, *target)) {
        outcome.displaced = state.view.node_of(*target);
        outcome.now = *outcome.displaced;
        state.replace_content(source, *target, stamp);
        return outcome;
    }
    if (target) {
        outcome.displaced = state.view.node_of(*target);
        const std::vector<Index> replaced =
            target->is_directory() ? target->directories : std::vector<Index>{target->head.link};
        state.delete_links(replaced, stamp);
        state.note_removed(replaced);
    }
    state.move_entry(source, moves ? std::optional(home_of_target) : std::nullopt, new_name, stamp);
    state.view.settle();
    return outcome;
}

void TreeState::move_entry(const Entry& entry, std::optional<Index> parent, std::string_view name,
                           const Stamp& stamp) {
    const std::vector<Index> links =
        entry.is_directory() ? entry.directories : std::vector<Index>{entry.head.link};
    for (const Index link : links) {
        if (parent) emit_parent(link, *parent, stamp);
        if (name != facts.link(link).name.view()) emit_name(link, name, stamp);
    }
}

// REPLACE: the source's content becomes a version of the target's file, which takes the source's
// attributes, and the source's link goes. Handles on the source go on with the target; handles on
// what was there before write to something that has no name any more.
void TreeState::replace_content(const Entry& source, const Entry& target, const Stamp& stamp) {
    const Index from = source.head.file, to = target.head.file;
    const FileId from_id = facts.file(from).id, to_id = facts.file(to).id;
    const Content content = content_of(*find_version(facts.file(from), source.head.version));
    std::vector<AttributeSetting> settings;
    for (const AttributeState& each : facts.file(from).attributes) {
        settings.push_back({each.key, std::string(xattr_of(each)), value_of(each)});
    }
    for (const AttributeState& each : facts.file(to).attributes) {
        if (each.key != AttributeKey::Xattr || !each.set) continue;  // the others cannot be unset
        if (find_attribute(facts.file(from), each.key, xattr_of(each)) == nullptr) {
            settings.push_back({each.key, std::string(xattr_of(each)), std::nullopt});
        }
    }
    restamp_revived(to, stamp);
    for (auto& [number, open] : open_writes) {
        if (open.file == to_id) open.severed = true;
    }
    const VersionId version = add_version(to, content, head_ids(facts.file(to)), stamp);
    emit_attributes(to, settings, stamp);
    view.note_remap({from_id, std::nullopt}, {to_id, std::nullopt});
    retarget(from_id, to_id, {version});
    delete_links({source.head.link}, stamp);
    view.settle();
}

// ---- attributes, trash

Result<Node> Tree::set_attributes(const Node& node, std::span<const AttributeSetting> settings,
                                  const Stamp& stamp) {
    TreeState& state = *state_;
    const Index file = state.facts.find_file(node.file);
    if (file == kNoIndex) return Error{ErrorKind::NotFound, "no such file"};
    state.begin_operation();
    if (state.facts.file(file).is_directory()) {
        TRY(const Index primary, state.directory(node.file));
        for (const Index alias : state.view.aliases(primary))
            state.emit_attributes(alias, settings, stamp);
        state.view.settle();
        return Node{state.facts.file(primary).id, std::nullopt};
    }
    const auto entries = state.view.entries_of(file, node.sibling);
    if (entries.empty() && (node.sibling || state.facts.live_links(file) == 0)) {
        return Error{ErrorKind::NotFound, "the file was removed"};
    }
    TreeState::Groups groups;
    for (const auto& entry : entries) groups.insert(entry.group);
    const Index real = state.make_real(node, groups, stamp);
    state.emit_attributes(real, settings, stamp);
    state.view.settle();
    return Node{state.facts.file(real).id, std::nullopt};
}

Result<EntryPlace> Tree::restore(const LinkId& id, const Stamp& stamp) {
    TreeState& state = *state_;
    const Index at = state.facts.find_link(id);
    if (at == kNoIndex) return Error{ErrorKind::NotFound, "not in the trash"};
    const LinkState& link = state.facts.link(at);
    const FileState& file = state.facts.file(link.file);
    if (file.is_directory() || state.facts.live_links(link.file) > 0 || file.head_count == 0 ||
        link.parent == kNoIndex) {
        return Error{ErrorKind::NotFound, "not in the trash"};
    }
    // From the root down, every directory above must still have its name for itself.
    std::vector<Index> above;
    for (Index up = link.parent; up != TreeFacts::kRoot;) {
        const Index up_link = state.facts.link_of_directory(up);
        if (up_link == kNoIndex || state.facts.link(up_link).parent == kNoIndex) {
            return Error{ErrorKind::NotFound, "its directory is not known"};
        }
        above.push_back(up_link);
        up = state.facts.link(up_link).parent;
    }
    for (const Index each : above) {
        const TreeState::Group group = state.view.group_of(each);
        const auto there = state.view.find(group.directory, group.base);
        if (there && !there->is_directory())
            return Error{ErrorKind::Conflict, "a file has its directory's name"};
    }
    state.begin_operation();
    for (auto each = above.rbegin(); each != above.rend(); ++each) {
        if (!state.facts.link(*each).alive)
            state.emit_parent(*each, state.facts.link(*each).parent, stamp);
    }
    state.view.settle();
    const Index directory = state.facts.primary(link.parent);
    std::string name(link.name.view());
    for (std::size_t attempt = 0; state.view.find(directory, name); ++attempt) {
        name = restored_name(link.name.view(), attempt);
    }
    const bool renamed = name != link.name.view();
    state.emit_parent(at, link.parent, stamp);
    if (renamed) state.emit_name(at, name, stamp);
    state.view.settle();
    return EntryPlace{state.facts.file(directory).id, name};
}

}  // namespace lockstep
