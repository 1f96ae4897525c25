#include "vault/tree/tree_view.h"

#include <algorithm>

#include "vault/tree/derived_names.h"

namespace lockstep {

// ---- settling

void TreeView::settle() {
    facts_.settle_moves();
    queue_ = facts_.take_dirty_groups();
    if (!queue_.empty()) ++generation_;
    settle_queue();
    // What nobody sees is merged with nothing.
    for (const Index directory : facts_.take_detached_directories()) {
        const Index link = facts_.file(directory).first_link;
        if (link != kNoIndex && !facts_.link(link).visible && aliases(directory).size() > 1)
            form_class({directory});
    }
    settle_queue();
    for (const Index primary : std::exchange(stale_, {})) derive_names(primary);
    const std::vector<Index> changed = facts_.take_changed_files();
    if (!is_seen_) return;
    for (const Index file : changed) changed_files_.insert(facts_.file(file).id);
}

void TreeView::settle_unseen() {
    is_seen_ = false;
    settle();
    is_seen_ = true;
}

void TreeView::settle_queue() {
    for (std::size_t at = 0; at < queue_.size(); ++at) {
        const GroupKey key = std::move(queue_[at]);  // regroup() may add to the queue
        regroup(key.directory, key.name);
    }
    queue_.clear();
}

void TreeView::regroup(Index directory, const std::string& name) {
    const std::vector<Index> before = visible_links({facts_.primary(directory), name});
    std::vector<Index> directories;
    for (const Index link : before) {
        if (facts_.file(facts_.link(link).file).is_directory()) directories.push_back(link);
    }
    if (!directories.empty()) settle_class(directories);
    const Index primary = facts_.primary(directory);
    if (is_odd(before) || find_view(primary) != nullptr || !directories.empty())
        settle_odd_group(primary, name, visible_links({primary, name}));
    report(primary, name);
}

void TreeView::settle_class(const std::vector<Index>& directory_links) {
    std::vector<Index> members;
    for (const Index link : directory_links) members.push_back(facts_.link(link).file);
    std::sort(members.begin(), members.end(),
              [&](Index a, Index b) { return facts_.file(a).id < facts_.file(b).id; });
    if (aliases(members.front()) != members) form_class(members);
}

// All members of one merged directory; whoever was with one of them before and is no member is on
// its own again. What lies in any of them may mean something else now.
void TreeView::form_class(const std::vector<Index>& members) {
    std::vector<Index> involved;
    std::set<std::string> names;
    for (const Index member : members) {
        for (const Index each : aliases(member)) {
            if (std::find(involved.begin(), involved.end(), each) == involved.end())
                involved.push_back(each);
        }
    }
    for (const Index each : involved) {
        if (const auto view = views_.find(each); view != views_.end()) {
            for (const auto& [name, derived] : view->second->derived) names.insert(name);
            views_.erase(view);
        }
        listings_.erase(each);
        facts_.set_primary(each, each);
        for (const Index child : facts_.children(each))
            names.insert(std::string(facts_.link(child).name.view()));
        const bool leaves = std::find(members.begin(), members.end(), each) == members.end();
        const Index link = facts_.file(each).first_link;
        if (leaves && link != kNoIndex && facts_.link(link).visible) {
            queue_.push_back(
                {facts_.link(link).parent, std::string(facts_.link(link).name.view())});
        }
    }
    for (const Index member : members) facts_.set_primary(member, members.front());
    if (members.size() > 1) view_or_new(members.front()).aliases = members;
    for (const Index each : involved) {
        for (const std::string& name : names) {
            note_entry(each, name);
            if (facts_.primary(each) == each) queue_.push_back({each, name});
        }
    }
}

bool TreeView::is_odd(const std::vector<Index>& links) const {
    if (links.size() > 1) return true;
    return links.size() == 1 && facts_.file(facts_.link(links[0]).file).head_count > 1;
}

void TreeView::settle_odd_group(Index primary, const std::string& name, std::vector<Index> links) {
    const bool odd = is_odd(links);
    DirectoryView* view = find_view(primary);
    if (!odd && view == nullptr) return;
    view = &view_or_new(primary);
    const auto there = view->odd.find(name);
    if (there != view->odd.end() || odd) view->stale.insert(name);
    if (there != view->odd.end()) {
        drop_names(primary, name);
        view->odd.erase(there);
    }
    if (odd) view->odd[name] = make_odd_group(std::move(links));
    const bool taken = is_name_taken(primary, name);
    if (taken ? view->derived.contains(name) : view->blocked.contains(name)) view->all_stale = true;
    stale_.push_back(primary);
}

// The links in the order of their creation each claim the name for their file's newest head; then
// all further heads do. What is identical to one that came before is hidden below it.
OddGroup TreeView::make_odd_group(std::vector<Index> links) const {
    OddGroup group;
    std::sort(links.begin(), links.end(), [&](Index a, Index b) {
        return std::tie(facts_.link(a).created, facts_.link(a).id) <
               std::tie(facts_.link(b).created, facts_.link(b).id);
    });
    std::vector<ShownHead> mains, others;
    for (const Index link : links) {
        const Index file = facts_.link(link).file;
        if (facts_.file(file).is_directory()) {
            group.directories.push_back(link);
            continue;
        }
        const std::vector<const VersionState*> heads = heads_of(facts_.file(file));
        for (std::size_t at = 0; at < heads.size(); ++at) {
            (at == 0 ? mains : others).push_back({link, file, heads[at]->id, at == 0});
        }
    }
    std::sort(group.directories.begin(), group.directories.end(), [&](Index a, Index b) {
        return facts_.file(facts_.link(a).file).id < facts_.file(facts_.link(b).file).id;
    });
    mains.insert(mains.end(), others.begin(), others.end());
    for (const ShownHead& head : mains) {
        const VersionState& version =
            *find_version(std::as_const(facts_).file(head.file), head.version);
        const auto same =
            std::find_if(group.entries.begin(), group.entries.end(), [&](const OddEntry& entry) {
                const FileState& file = std::as_const(facts_).file(entry.head.file);
                return file.type == facts_.file(head.file).type &&
                       is_identical(*find_version(file, entry.head.version), version);
            });
        if (same == group.entries.end()) {
            group.entries.push_back({head, {}, {}, {}});
        } else {
            same->twins.push_back(head);
        }
    }
    return group;
}

// ---- derived names

// Group by group in the order of their names, each entry takes the first name that is free. Names
// of different groups hardly ever meet; while they do not, only what changed is derived again.
void TreeView::derive_names(Index primary) {
    DirectoryView* view = find_view(primary);
    if (view == nullptr || (view->stale.empty() && !view->all_stale)) return;
    if (!view->all_stale && !derive_stale_groups(primary, *view)) view->all_stale = true;
    if (view->all_stale) {
        const auto before = view->derived;
        derive_all(primary, *view);
        for (const auto& [name, derived] : before) {
            const auto now = view->derived.find(name);
            if (now == view->derived.end() || now->second != derived) report(primary, name);
        }
        for (const auto& [name, derived] : view->derived) {
            if (!before.contains(name)) report(primary, name);
        }
    } else {
        for (const std::string& base : view->stale) {
            const auto group = view->odd.find(base);
            if (group == view->odd.end()) continue;
            for (const OddEntry& entry : group->second.entries) {
                if (!entry.derived_name.empty()) report(primary, entry.derived_name);
            }
        }
    }
    view->stale.clear();
    view->all_stale = false;
    drop_view_if_plain(primary);
}

// False when a name meets one of another group: then the order of the groups decides.
bool TreeView::derive_stale_groups(Index primary, DirectoryView& view) const {
    return std::all_of(view.stale.begin(), view.stale.end(),
                       [&](const std::string& base) { return derive_group(primary, view, base); });
}

void TreeView::derive_all(Index primary, DirectoryView& view) const {
    view.derived.clear();
    view.blocked.clear();
    for (auto& [base, group] : view.odd) derive_group(primary, view, base);
}

bool TreeView::derive_group(Index primary, DirectoryView& view, const std::string& base) const {
    const auto group = view.odd.find(base);
    bool alone = true;
    if (group == view.odd.end()) return alone;
    for (std::size_t at = 0; at < group->second.entries.size(); ++at) {
        group->second.entries[at].derived_name.clear();
        group->second.entries[at].blocked.clear();
        if (at > 0 || group->second.first_is_derived())
            alone &= derive_name(primary, view, base, at);
    }
    return alone;
}

// False when a derived name of another group was in the way.
bool TreeView::derive_name(Index primary, DirectoryView& view, const std::string& base,
                           std::size_t at) const {
    OddEntry& entry = view.odd.find(base)->second.entries[at];
    const VersionState& version =
        *find_version(std::as_const(facts_).file(entry.head.file), entry.head.version);
    const LinkId link = facts_.link(entry.head.link).id;
    const std::string mark =
        (entry.head.main ? link : ids_.link(link, entry.head.version)).to_hex();
    const DerivedNameParts parts{base, *version.device_label, version.stamp.full(), mark};
    std::string name = derived_name(parts, 0);
    bool alone = true;
    for (std::size_t attempt = 1;; ++attempt) {
        const auto derived = view.derived.find(name);
        if (derived == view.derived.end() && !is_name_taken(primary, name)) break;
        alone &= derived == view.derived.end() || derived->second.base == base;
        view.blocked.emplace(name, base);
        entry.blocked.push_back(name);
        name = derived_name(parts, attempt);
    }
    entry.derived_name = name;
    view.derived.emplace(std::move(name), DirectoryView::Derived{base, at, entry.head});
    return alone;
}

// A group is made anew. Those whom its names kept from theirs may get them now.
void TreeView::drop_names(Index primary, const std::string& base) {
    DirectoryView& view = *find_view(primary);
    for (const OddEntry& entry : view.odd.find(base)->second.entries) {
        for (const std::string& name : entry.blocked) {
            const auto [begin, end] = view.blocked.equal_range(name);
            const auto mine =
                std::find_if(begin, end, [&](const auto& each) { return each.second == base; });
            if (mine != end) view.blocked.erase(mine);
        }
    }
    for (const OddEntry& entry : view.odd.find(base)->second.entries) {
        if (entry.derived_name.empty()) continue;
        report(primary, entry.derived_name);
        const auto derived = view.derived.find(entry.derived_name);
        if (derived != view.derived.end() && derived->second.base == base)
            view.derived.erase(derived);
        if (view.blocked.contains(entry.derived_name)) view.all_stale = true;
    }
}

void TreeView::drop_view_if_plain(Index primary) {
    const auto view = views_.find(primary);
    if (view->second->odd.empty() && view->second->aliases.size() <= 1) views_.erase(view);
}

// ---- finding

std::optional<TreeView::Entry> TreeView::find(Index directory, std::string_view name) const {
    const Index primary = facts_.primary(directory);
    const DirectoryView* view = find_view(primary);
    const Group group{primary, std::string(name)};
    if (view != nullptr) {
        if (const auto odd = view->odd.find(name); odd != view->odd.end()) {
            if (odd->second.directories.empty()) return entry_of_odd(group, odd->second, 0);
            return Entry{group, odd->second.directories, {}, nullptr};
        }
        if (const auto derived = view->derived.find(name); derived != view->derived.end()) {
            const auto odd = view->odd.find(derived->second.base);
            return entry_of_odd({primary, derived->second.base}, odd->second,
                                derived->second.entry);
        }
    }
    const std::vector<Index> links = visible_links(group);
    if (links.empty()) return std::nullopt;
    const Index file = facts_.link(links[0]).file;
    if (facts_.file(file).is_directory()) return Entry{group, {links[0]}, {}, nullptr};
    return Entry{group, {}, {links[0], file, main_head(facts_.file(file))->id, true}, nullptr};
}

TreeView::Entry TreeView::entry_of_odd(const Group& group, const OddGroup& odd,
                                       std::size_t at) const {
    return {group, {}, odd.entries[at].head, &odd.entries[at]};
}

std::vector<TreeView::Entry> TreeView::entries_of_group(const Group& group) const {
    std::vector<Entry> entries;
    const OddGroup* odd = odd_group(group);
    if (odd == nullptr) {
        if (auto entry = find(group.directory, group.base); entry && entry->group == group)
            entries.push_back(*entry);
        return entries;
    }
    if (!odd->directories.empty()) entries.push_back({group, odd->directories, {}, nullptr});
    for (std::size_t at = 0; at < odd->entries.size(); ++at)
        entries.push_back(entry_of_odd(group, *odd, at));
    return entries;
}

std::vector<TreeView::Entry> TreeView::entries_of(Index file,
                                                  const std::optional<VersionId>& sibling) const {
    std::vector<Entry> entries;
    if (facts_.file(file).is_directory()) {
        const Index link = facts_.file(facts_.primary(file)).first_link;
        if (link != kNoIndex && facts_.link(link).visible) {
            const Group group = group_of(link);
            entries.push_back(*find(group.directory, group.base));
        }
        return entries;
    }
    for (const Index link : facts_.links_of(file)) {
        if (!facts_.link(link).visible) continue;
        for (Entry& entry : entries_of_group(group_of(link))) {
            if (entry.is_directory() || entry.head.link != link) continue;
            if (sibling ? !entry.head.main && entry.head.version == *sibling : entry.head.main) {
                entries.push_back(std::move(entry));
            }
        }
    }
    return entries;
}

TreeView::Group TreeView::group_of(Index link) const {
    return {facts_.primary(facts_.link(link).parent), std::string(facts_.link(link).name.view())};
}

const OddGroup* TreeView::odd_group(const Group& group) const {
    const DirectoryView* view = find_view(group.directory);
    if (view == nullptr) return nullptr;
    const auto odd = view->odd.find(group.base);
    return odd == view->odd.end() ? nullptr : &odd->second;
}

const DirectoryView* TreeView::view_of(Index directory) const {
    return find_view(facts_.primary(directory));
}

std::vector<Index> TreeView::aliases(Index directory) const {
    const DirectoryView* view = view_of(directory);
    return view == nullptr || view->aliases.empty() ? std::vector<Index>{facts_.primary(directory)}
                                                    : view->aliases;
}

std::vector<Index> TreeView::visible_links(const Group& group) const {
    std::vector<Index> links;
    const auto collect = [&](Index alias) {
        for (Index at = facts_.first_in_group(alias, group.base); at != kNoIndex;
             at = facts_.link(at).next_in_group) {
            links.push_back(at);
        }
    };
    const DirectoryView* view = find_view(group.directory);
    if (view == nullptr || view->aliases.empty()) {
        collect(group.directory);
    } else {
        for (const Index alias : view->aliases) collect(alias);
    }
    return links;
}

bool TreeView::is_name_taken(Index directory, std::string_view base) const {
    const DirectoryView* view = find_view(directory);
    if (view == nullptr || view->aliases.empty())
        return facts_.first_in_group(directory, base) != kNoIndex;
    return std::any_of(view->aliases.begin(), view->aliases.end(),
                       [&](Index alias) { return facts_.first_in_group(alias, base) != kNoIndex; });
}

std::shared_ptr<const TreeListing> TreeView::list(Index directory) const {
    const Index primary = facts_.primary(directory);
    if (const auto cached = listings_.find(primary); cached != listings_.end())
        return cached->second;
    auto listing = std::make_shared<TreeListing>();
    const auto add = [&](const Entry& entry) {
        const Node node = node_of(entry);
        listing->push_back({entry.name(), facts_.file(facts_.find_file(node.file)).type, node});
    };
    const DirectoryView* view = find_view(primary);
    for (const Index alias : aliases(primary)) {
        for (const Index child : facts_.children(alias)) {
            const LinkState& link = facts_.link(child);
            if (view != nullptr && view->odd.contains(link.name.view())) continue;
            const FileState& file = facts_.file(link.file);
            const FileId id =
                file.is_directory() ? facts_.file(facts_.primary(link.file)).id : file.id;
            listing->push_back({std::string(link.name.view()), file.type, {id, std::nullopt}});
        }
    }
    if (view != nullptr) {
        for (const auto& [base, group] : view->odd) {
            for (const Entry& entry : entries_of_group({primary, base})) add(entry);
        }
    }
    std::sort(listing->begin(), listing->end(),
              [](const TreeListEntry& a, const TreeListEntry& b) { return a.name < b.name; });
    listings_[primary] = listing;
    return listing;
}

std::uint32_t TreeView::subdirectories(Index directory) const {
    std::uint32_t count = 0;
    for (const Index alias : aliases(directory)) {
        if (facts_.file(alias).directory) count += facts_.file(alias).directory->subdirectories;
    }
    if (const DirectoryView* view = view_of(directory)) {
        for (const auto& [base, group] : view->odd) {
            if (group.directories.size() > 1)
                count -= static_cast<std::uint32_t>(group.directories.size() - 1);
        }
    }
    return count;
}

Node TreeView::node_of(const Entry& entry) const {
    if (entry.is_directory()) {
        return {facts_.file(facts_.primary(facts_.link(entry.directories[0]).file)).id,
                std::nullopt};
    }
    const FileId file = facts_.file(entry.head.file).id;
    return entry.head.main ? Node{file, std::nullopt} : Node{file, entry.head.version};
}

DirectoryView& TreeView::view_or_new(Index primary) {
    auto& view = views_[primary];
    if (!view) {
        view = std::make_unique<DirectoryView>();
        view->aliases = {primary};
    }
    return *view;
}

DirectoryView* TreeView::find_view(Index primary) const {
    const auto view = views_.find(primary);
    return view == views_.end() ? nullptr : view->second.get();
}

// ---- changes

void TreeView::report(Index primary, const std::string& name) {
    if (!is_seen_) return;
    listings_.erase(primary);
    for (const Index alias : aliases(primary)) note_entry(alias, name);
}

void TreeView::note_entry(Index directory, const std::string& name) {
    if (is_seen_) changed_entries_.insert({facts_.file(directory).id, name});
}

void TreeView::note_remap(const Node& from, const Node& to) {
    remaps_.push_back({from, to});
}

TreeChanges TreeView::take_changes() {
    TreeChanges changes;
    changes.files.assign(changed_files_.begin(), changed_files_.end());
    changes.entries.assign(changed_entries_.begin(), changed_entries_.end());
    changes.remaps = std::exchange(remaps_, {});
    changed_files_.clear();
    changed_entries_.clear();
    return changes;
}

}  // namespace lockstep
