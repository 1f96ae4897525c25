// Versions and open files.

#include <algorithm>

#include "vault/tree/tree_state.h"

namespace lockstep {
namespace {

void sort_unique(std::vector<VersionId>& ids) {
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

}  // namespace

// The heads that show what the file's newest head shows: what a reader of it has seen.
std::vector<VersionId> TreeState::heads_like_main(Index file) const {
    std::vector<VersionId> ids;
    const VersionState* main = main_head(facts.file(file));
    for (const VersionState* head : heads_of(facts.file(file))) {
        if (is_identical(*head, *main)) ids.push_back(head->id);
    }
    sort_unique(ids);
    return ids;
}

// Handles of this mount never conflict with one another: what one commits, the others have seen.
VersionId TreeState::add_version(Index file, const Content& content,
                                 std::vector<VersionId> replaces, const Stamp& stamp,
                                 bool is_of_mount) {
    sort_unique(replaces);
    const FileId id = facts.file(file).id;
    const auto version = environment.random.id<VersionId>();
    for (auto& [number, open] : open_writes) {
        if (open.file != id || !is_of_mount) continue;
        // What the new version replaces need not be replaced twice.
        std::erase_if(open.opened, [&](const VersionId& each) {
            return std::binary_search(replaces.begin(), replaces.end(), each);
        });
        open.opened.push_back(version);
        sort_unique(open.opened);
    }
    emit(VersionRecord{id, version, content, std::move(replaces), stamp, environment.device_label});
    return version;
}

void TreeState::retarget(const FileId& from, const FileId& to, std::vector<VersionId> opened) {
    const Index file = facts.find_file(from);
    const VersionState* main = file == kNoIndex ? nullptr : main_head(facts.file(file));
    for (auto& [number, open] : open_writes) {
        if (open.file != from || open.severed) continue;
        // Who has not opened what the file showed last has not seen what hides it either.
        const bool has_seen =
            main != nullptr && std::binary_search(open.opened.begin(), open.opened.end(), main->id);
        open.file = to;
        open.opened = has_seen ? opened : std::vector<VersionId>{};
        open.removed = false;
    }
}

void TreeState::note_removed(const std::vector<Index>& links) {
    for (const Index link : links) {
        const Index file = facts.link(link).file;
        if (facts.live_links(file) > 0) continue;
        for (auto& [number, open] : open_writes) {
            if (open.file == facts.file(file).id) open.removed = true;
        }
    }
}

WriteOutcome TreeState::commit(OpenWrite& open, const Content& content,
                               std::span<const AttributeSetting> settings, const Stamp& stamp,
                               bool is_of_mount) {
    begin_operation();
    Index file = facts.find_file(open.file);
    if (open.severed || file == kNoIndex || (open.removed && facts.live_links(file) == 0)) {
        return {false, {open.file, std::nullopt}, {}};
    }
    if (facts.live_links(file) > 0) {
        touch(groups_of_write(file, &content), stamp);
        file = facts.find_file(open.file);  // a handle on a hidden file goes on with what hid it
        restamp_revived(file, stamp);
    }
    const std::vector<VersionId> opened = open.opened;
    const VersionId version = add_version(file, content, opened, stamp, is_of_mount);
    emit_attributes(file, settings, stamp);
    view.settle();
    return {true, {open.file, std::nullopt}, version};
}

Result<WriteTicket> Tree::begin_write(const Node& node, const Stamp& stamp) {
    TreeState& state = *state_;
    const Index file = state.facts.find_file(node.file);
    if (file == kNoIndex || !state.facts.file(file).known)
        return Error{ErrorKind::NotFound, "no such file"};
    if (state.facts.file(file).is_directory())
        return Error{ErrorKind::IsDirectory, "a directory has no content"};
    if (state.facts.live_links(file) == 0)
        return Error{ErrorKind::NotFound, "the file was removed"};
    const auto entries = state.view.entries_of(file, node.sibling);
    TreeState::Groups derived;
    for (const auto& entry : entries) {
        if (entry.is_derived()) derived.insert(entry.group);
    }
    if (node.sibling && entries.empty()) return Error{ErrorKind::NotFound, "no such version"};
    state.begin_operation();
    const Index real = state.make_real(node, derived, stamp);
    const WriteTicket ticket{state.next_ticket++, {state.facts.file(real).id, std::nullopt}};
    state.open_writes[ticket.number] = {ticket.node.file, state.heads_like_main(real), false,
                                        false};
    return ticket;
}

WriteOutcome Tree::commit_write(const WriteTicket& ticket, const Content& content,
                                std::span<const AttributeSetting> settings, const Stamp& stamp) {
    const auto open = state_->open_writes.find(ticket.number);
    CHECK(open != state_->open_writes.end(), "the ticket has ended");
    return state_->commit(open->second, content, settings, stamp);
}

std::vector<VersionId> Tree::replaced_by(const WriteTicket& ticket) const {
    return state_->open_writes.at(ticket.number).opened;
}

bool Tree::has_ended(const FileId& file, const Stamp& begun, const std::set<LogId>& own,
                     const std::set<Stamp>& except) const {
    const TreeState& state = *state_;
    const Index at = state.facts.find_file(file);
    if (at == kNoIndex || !state.facts.file(at).known) return true;
    const auto is_later = [&](const Stamp& stamp) {
        return stamp > begun && own.contains(stamp.log) && !except.contains(stamp);
    };
    for (const VersionState& version : state.facts.file(at).versions)
        if (version.known && is_later(version.stamp.full())) return true;
    if (state.facts.live_links(at) > 0) return false;
    for (const Index link : state.facts.links_of(at)) {
        const auto& deletes = state.facts.link(link).deletes;
        if (!deletes) continue;
        for (const DeleteRecord& each : *deletes)
            if (is_later(each.stamp)) return true;
    }
    return false;
}

WriteOutcome Tree::restore_write(const FileId& file, std::vector<VersionId> opened,
                                 const Content& content, std::span<const AttributeSetting> settings,
                                 const Stamp& stamp) {
    TreeState::OpenWrite open{file, std::move(opened), false, false};
    sort_unique(open.opened);
    return state_->commit(open, content, settings, stamp);
}

Node Tree::ticket_node(const WriteTicket& ticket) const {
    return {state_->open_writes.at(ticket.number).file, std::nullopt};
}

bool Tree::is_attached(const WriteTicket& ticket) const {
    const TreeState::OpenWrite& open = state_->open_writes.at(ticket.number);
    const Index file = state_->facts.find_file(open.file);
    return !open.severed && file != kNoIndex &&
           !(open.removed && state_->facts.live_links(file) == 0);
}

void Tree::end_write(const WriteTicket& ticket) {
    state_->open_writes.erase(ticket.number);
}

Result<WriteOutcome> Tree::write(const Node& node, const Content& content,
                                 std::span<const AttributeSetting> settings, const Stamp& stamp) {
    TreeState& state = *state_;
    const Index file = state.facts.find_file(node.file);
    if (file == kNoIndex || !state.facts.file(file).known)
        return Error{ErrorKind::NotFound, "no such file"};
    if (state.facts.file(file).is_directory())
        return Error{ErrorKind::IsDirectory, "a directory has no content"};
    const auto entries = state.view.entries_of(file, node.sibling);
    if (entries.empty() && state.facts.live_links(file) == 0)
        return Error{ErrorKind::NotFound, "the file was removed"};
    if (entries.empty() && node.sibling) return Error{ErrorKind::NotFound, "no such version"};
    state.begin_operation();
    TreeState::Groups seeds = state.groups_of_write(file, &content);
    if (node.sibling) seeds.insert(entries.front().group);
    // A write to a file that lies hidden goes to what hides it, as that is what people see.
    TreeState::OpenWrite open{node.file, state.heads_like_main(file), false, false};
    const std::uint64_t number = state.next_ticket++;
    state.open_writes[number] = open;
    const Index real = state.make_real(node, seeds, stamp);
    open = state.open_writes[number];
    state.open_writes.erase(number);
    const Index target = node.sibling ? real : state.facts.find_file(open.file);
    state.restamp_revived(target, stamp);
    const VersionId version =
        state.add_version(target, content, state.heads_like_main(target), stamp);
    state.emit_attributes(target, settings, stamp);
    state.view.settle();
    return WriteOutcome{true, {state.facts.file(target).id, std::nullopt}, version};
}

Result<WriteOutcome> Tree::write_over(const Node& node, const VersionId& seen,
                                      const Content& content,
                                      std::span<const AttributeSetting> settings,
                                      const Stamp& begun, const Stamp& stamp) {
    // Opening makes a sibling, or a derived name, a file of its own; what that begins with has been
    // seen when the sibling was.
    const bool is_sibling_seen = node.sibling == seen;
    TRY(const WriteTicket ticket, begin_write(node, begun));
    TreeState::OpenWrite open = state_->open_writes.at(ticket.number);
    end_write(ticket);
    if (!is_sibling_seen) open.opened = {seen};
    return state_->commit(open, content, settings, stamp, false);
}

Result<Node> Tree::resolve(const Node& chosen, const Stamp& stamp) {
    TreeState& state = *state_;
    const VersionState* version = state.shown_version(chosen);
    if (version == nullptr) return Error{ErrorKind::NotFound, "no such version"};
    const Index file = state.facts.find_file(chosen.file);
    if (state.facts.file(file).head_count < 2)
        return Error{ErrorKind::Invalid, "the file is in no conflict"};
    state.begin_operation();
    const Content content = content_of(*version);
    std::vector<Node> gone;
    for (const VersionState* head : heads_of(state.facts.file(file)))
        gone.push_back({chosen.file, head->id});
    state.restamp_revived(file, stamp);
    state.add_version(file, content, head_ids(state.facts.file(file)), stamp);
    state.view.settle();
    for (const Node& each : gone) state.view.note_remap(each, {chosen.file, std::nullopt});
    // Others that wanted the same name keep the ones they have.
    TreeState::Groups groups;
    for (const auto& entry : state.view.entries_of(file, std::nullopt)) groups.insert(entry.group);
    state.touch(groups, stamp);
    return Node{chosen.file, std::nullopt};
}

}  // namespace lockstep
