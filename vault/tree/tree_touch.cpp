// What an operation does to derived names before it acts (DESIGN: "Merge", Derived names).

#include <algorithm>

#include "vault/tree/tree_state.h"

namespace lockstep {

Index TreeState::home(Index directory, const Stamp& stamp) {
    Index chosen = TreeFacts::kRoot;
    bool first = true;
    for (Index at = facts.primary(directory); facts.link_of_directory(at) != kNoIndex;) {
        const std::vector<Index> aliases = view.aliases(at);
        const auto live = std::find_if(aliases.begin(), aliases.end(), [&](Index alias) {
            return facts.link(facts.file(alias).first_link).alive;
        });
        const Index alias = live == aliases.end() ? aliases.front() : *live;
        const Index link = facts.file(alias).first_link;
        const Index up = facts.link(link).parent;
        if (live == aliases.end()) emit_parent(link, up, stamp);
        if (std::exchange(first, false)) chosen = alias;
        at = facts.primary(up);
    }
    view.settle();
    return chosen;
}

namespace {

struct Fork {
    struct Place {
        Index link;
        std::string name;
    };
    std::vector<Place> shown;
};

// What lies hidden as a twin of which shown head.
struct HiddenLink {
    Index link = kNoIndex;
    ShownHead below;
};

struct TouchPlan {
    std::vector<std::pair<Index, std::string>> names;  // main entries that get their derived name
    std::map<std::pair<FileId, VersionId>, Fork> forks;
    std::vector<HiddenLink> twins;
};

TouchPlan plan_touch(const TreeState& state, const TreeState::Groups& groups) {
    TouchPlan plan;
    const auto key = [&](const ShownHead& head) {
        return std::pair(state.facts.file(head.file).id, head.version);
    };
    for (const TreeState::Group& group : groups) {
        const OddGroup* odd = state.view.odd_group(group);
        if (odd == nullptr) continue;
        for (const OddEntry& entry : odd->entries) {
            if (!entry.head.main) {
                plan.forks[key(entry.head)].shown.push_back({entry.head.link, entry.derived_name});
            } else if (!entry.derived_name.empty()) {
                plan.names.emplace_back(entry.head.link, entry.derived_name);
            }
            for (const ShownHead& twin : entry.twins) {
                if (twin.main) {
                    plan.twins.push_back({twin.link, entry.head});
                } else {
                    plan.forks[key(twin)];
                }
            }
        }
    }
    return plan;
}

void emit_fork(TreeState& state, const FileId& file, const VersionId& version, const Fork& fork,
               const Stamp& stamp) {
    const Index old_index = state.facts.find_file(file);
    const FileState& old_file = state.facts.file(old_index);
    const VersionState& old = *find_version(old_file, version);
    const Stamp at = old.stamp.full();
    const DerivedIds& ids = state.environment.derived_ids;
    const FileId made = ids.file(file, version);
    VersionRecord first{made, ids.version(made, version), content_of(old), {},
                        at,   *old.device_label};
    std::vector<AttributeRecord> attributes;
    for (const AttributeState& each : old_file.attributes) {
        attributes.push_back(
            {made, each.key, std::string(xattr_of(each)), each.stamp.full(), value_of(each)});
    }
    const FileType type = old_file.type;
    for (const Fork::Place& place : fork.shown) {
        const LinkState& from = state.facts.link(place.link);
        const LinkId link = ids.link(from.id, version);
        const FileId directory = state.facts.file(from.parent).id;
        state.emit(LinkRecord{link, made, type, at});
        state.emit(ParentRecord{link, at, directory});
        state.emit(NameRecord{link, at, place.name});
    }
    if (!fork.shown.empty()) {
        state.emit(std::move(first));
        for (AttributeRecord& attribute : attributes) state.emit(std::move(attribute));
        state.view.note_remap({file, version}, {made, std::nullopt});
    }
    state.emit(ResolveRecord{file, {version}, stamp});
    state.mark_fork(file, version);
}

}  // namespace

void TreeState::touch(const Groups& seeds, const Stamp& stamp) {
    if (view.odd_directories().empty()) return;  // then no group is odd
    const TouchPlan plan = plan_touch(*this, closure(seeds));
    if (plan.names.empty() && plan.forks.empty() && plan.twins.empty()) return;
    for (const auto& [link, name] : plan.names) emit_name(link, name, stamp);

    // A handle on a hidden file goes on with the file that hides it, over what it had opened.
    struct Heir {
        Index file;
        FileId to;
        VersionId opened;
        bool has_opened_it;
    };
    std::vector<Index> twin_links;
    std::vector<Heir> heirs;
    for (const HiddenLink& twin : plan.twins) {
        twin_links.push_back(twin.link);
        const ShownHead& below = twin.below;
        FileId heir = facts.file(below.file).id;
        VersionId opened = below.version;
        if (!below.main) {
            heir = environment.derived_ids.file(heir, below.version);
            opened = environment.derived_ids.version(heir, below.version);
        }
        heirs.push_back({facts.link(twin.link).file, heir, opened, true});
    }
    delete_links(twin_links, stamp);
    for (const auto& [fork, places] : plan.forks) {
        restamp_revived(facts.find_file(fork.first), stamp);
        emit_fork(*this, fork.first, fork.second, places, stamp);
        view.settle();
    }
    view.settle();
    for (const Heir& heir : heirs) {
        if (facts.live_links(heir.file) > 0) continue;
        const FileId from = facts.file(heir.file).id;
        view.note_remap({from, std::nullopt}, {heir.to, std::nullopt});
        retarget(from, heir.to, {heir.opened});
    }
}

// Groups are tangled when a file with several heads lies in both, or when a name of one lengthened
// a name of the other.
TreeState::Groups TreeState::closure(Groups groups) const {
    std::vector<Group> queue(groups.begin(), groups.end());
    const auto add = [&](Group group) {
        if (groups.insert(group).second) queue.push_back(std::move(group));
    };
    const auto add_file = [&](Index file) {
        if (facts.file(file).head_count <= 1) return;
        for (const Index link : facts.links_of(file)) {
            if (facts.link(link).visible) add(view.group_of(link));
        }
    };
    for (std::size_t at = 0; at < queue.size(); ++at) {
        const Group group = queue[at];
        const DirectoryView* directory = view.view_of(group.directory);
        if (directory == nullptr) continue;
        const auto add_contested = [&](const std::string& name) {
            const auto [begin, end] = directory->blocked.equal_range(name);
            for (auto each = begin; each != end; ++each) add({group.directory, each->second});
        };
        add_contested(group.base);
        const auto odd = directory->odd.find(group.base);
        if (odd == directory->odd.end()) continue;
        for (const OddEntry& entry : odd->second.entries) {
            if (!entry.derived_name.empty()) add_contested(entry.derived_name);
            add_file(entry.head.file);
            for (const ShownHead& twin : entry.twins) add_file(twin.file);
        }
    }
    return groups;
}

// A touch deletes hidden twins; an alias that was shown for them alone is no part of its merged
// directory any more.
Index TreeState::still_shown(const std::vector<Index>& aliases) const {
    for (const Index alias : aliases) {
        const Index link = facts.link_of_directory(alias);
        if (link == kNoIndex || facts.link(link).visible) return facts.primary(alias);
    }
    CHECK(false, "touching keeps names");
    return TreeFacts::kRoot;
}

void TreeState::restamp_revived(Index file, const Stamp& stamp) {
    view.settle();
    for (const Index link : facts.links_of(file)) {
        if (facts.link(link).revived) emit_parent(link, facts.link(link).parent, stamp);
    }
    view.settle();
}

// `last` is judged over all links together.
void TreeState::delete_links(const std::vector<Index>& links, const Stamp& stamp) {
    std::vector<DeleteRecord> deletes;
    for (const Index at : links) {
        const LinkState& link = facts.link(at);
        DeleteRecord record{link.id,
                            link.parent_stamp.full(),
                            link.name_stamp.full(),
                            head_ids(facts.file(link.file)),
                            {},
                            stamp};
        const std::vector<Index> all = facts.links_of(link.file);
        const bool others = std::any_of(all.begin(), all.end(), [&](Index other) {
            return facts.link(other).alive &&
                   std::find(links.begin(), links.end(), other) == links.end();
        });
        if (!others && !facts.file(link.file).is_directory()) {
            for (const Index other : all) record.last.push_back(facts.link(other).id);
            std::sort(record.last.begin(), record.last.end());
        }
        deletes.push_back(std::move(record));
    }
    for (DeleteRecord& record : deletes) emit(std::move(record));
    view.settle();
}

TreeState::Groups TreeState::groups_of_write(Index file, const Content* content) const {
    Groups seeds;
    for (const Entry& entry : view.entries_of(file, std::nullopt)) {
        if (entry.odd == nullptr) continue;
        if (entry.is_derived() || !entry.odd->twins.empty()) seeds.insert(entry.group);
        if (content == nullptr) continue;
        for (const Entry& other : view.entries_of_group(entry.group)) {
            if (other.is_directory() || (other.head.file == file && other.head.main)) continue;
            const VersionState& version =
                *find_version(facts.file(other.head.file), other.head.version);
            if (version.size == content->size && version.root == content->root)
                seeds.insert(entry.group);
        }
    }
    for (const Index link : facts.links_of(file)) {
        if (!facts.link(link).visible) continue;
        const Group group = view.group_of(link);
        const OddGroup* odd = view.odd_group(group);
        if (odd == nullptr) continue;
        for (const OddEntry& entry : odd->entries) {
            const bool hides =
                std::any_of(entry.twins.begin(), entry.twins.end(),
                            [&](const ShownHead& twin) { return twin.file == file; });
            if (hides) seeds.insert(group);
        }
    }
    return seeds;
}

Index TreeState::make_real(const Node& node, const Groups& seeds, const Stamp& stamp) {
    touch(seeds, stamp);
    if (!node.sibling) return facts.find_file(node.file);
    return facts.find_file(environment.derived_ids.file(node.file, *node.sibling));
}

}  // namespace lockstep
