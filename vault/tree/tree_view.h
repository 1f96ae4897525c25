// What people see of the facts: merged directories, groups with more than one file or head, derived
// names.
//
// Only directories that are merged or have such a group (an odd one) cost anything here; in all
// others the one visible link of a name is its entry.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "vault/tree/tree.h"
#include "vault/tree/tree_facts.h"

namespace lockstep {

// One head seen through one link.
struct ShownHead {
    Index link = kNoIndex;
    Index file = kNoIndex;
    VersionId version;
    bool main = true;  // false: a sibling
    bool operator==(const ShownHead&) const = default;
};

// An entry of an odd group, except its directory.
struct OddEntry {
    ShownHead head;
    std::string derived_name;          // empty: it has the name in the register
    std::vector<std::string> blocked;  // names that were taken when its own was derived
    std::vector<ShownHead> twins;      // identical and hidden below it
};

struct OddGroup {
    std::vector<Index> directories;  // links, by FileId
    std::vector<OddEntry> entries;   // in the order in which they claim the name
    bool first_is_derived() const { return !directories.empty(); }
};

// The merged directory (or a single one) that `primary` names.
struct DirectoryView {
    std::vector<Index> aliases;  // by FileId
    std::map<std::string, OddGroup, std::less<>> odd;
    struct Derived {
        std::string base;
        std::size_t entry = 0;  // in its group
        ShownHead head;
        bool operator==(const Derived&) const = default;
    };
    std::map<std::string, Derived, std::less<>> derived;
    std::multimap<std::string, std::string, std::less<>>
        blocked;                  // taken name → base of who wanted it
    std::set<std::string> stale;  // bases whose names must be derived again
    bool all_stale = false;       // names contest one another: all must
};

class TreeView {
  public:
    TreeView(TreeFacts& facts, const DerivedIds& ids) : facts_(facts), ids_(ids) {}

    // Brings the view up to what the facts say and notes what changed.
    void settle();
    // The same for a view that nobody has seen: nothing counts as changed.
    void settle_unseen();
    TreeChanges take_changes();
    void note_remap(const Node& from, const Node& to);

    // A group by its primary directory and the name in the registers.
    struct Group {
        Index directory = kNoIndex;
        std::string base;
        auto operator<=>(const Group&) const = default;
    };
    // An entry: a single visible link, the directory of a group, or an OddEntry.
    struct Entry {
        Group group;
        std::vector<Index> directories;  // links; empty for a file
        ShownHead head;                  // of a file
        const OddEntry* odd = nullptr;   // valid until the next settle()
        bool is_directory() const { return !directories.empty(); }
        bool is_derived() const { return odd != nullptr && !odd->derived_name.empty(); }
        const std::string& name() const { return is_derived() ? odd->derived_name : group.base; }
    };

    std::optional<Entry> find(Index directory, std::string_view name) const;
    // Every entry that shows the file's main head, or `sibling`.
    std::vector<Entry> entries_of(Index file, const std::optional<VersionId>& sibling) const;
    std::vector<Entry> entries_of_group(const Group& group) const;
    Group group_of(Index link) const;
    const OddGroup* odd_group(const Group& group) const;
    const DirectoryView* view_of(Index directory) const;
    std::vector<Index> aliases(Index directory) const;
    std::vector<Index> visible_links(const Group& group) const;
    bool is_name_taken(Index directory, std::string_view base) const;

    std::shared_ptr<const TreeListing> list(Index directory) const;
    std::uint32_t subdirectories(Index directory) const;
    Node node_of(const Entry& entry) const;
    const std::unordered_map<Index, std::unique_ptr<DirectoryView>>& odd_directories() const {
        return views_;
    }
    std::uint64_t generation() const { return generation_; }

  private:
    void settle_queue();
    void regroup(Index directory, const std::string& name);
    void settle_class(const std::vector<Index>& directory_links);
    void form_class(const std::vector<Index>& members);
    void settle_odd_group(Index primary, const std::string& name, std::vector<Index> links);
    OddGroup make_odd_group(std::vector<Index> links) const;
    bool is_odd(const std::vector<Index>& links) const;
    void derive_names(Index primary);
    bool derive_stale_groups(Index primary, DirectoryView& view) const;
    void derive_all(Index primary, DirectoryView& view) const;
    bool derive_group(Index primary, DirectoryView& view, const std::string& base) const;
    bool derive_name(Index primary, DirectoryView& view, const std::string& base,
                     std::size_t entry) const;
    void drop_names(Index primary, const std::string& base);
    void drop_view_if_plain(Index primary);
    DirectoryView& view_or_new(Index primary);
    DirectoryView* find_view(Index primary) const;
    void report(Index primary, const std::string& name);
    void note_entry(Index directory, const std::string& name);
    Entry entry_of_odd(const Group& group, const OddGroup& odd, std::size_t at) const;

    TreeFacts& facts_;
    const DerivedIds& ids_;
    std::unordered_map<Index, std::unique_ptr<DirectoryView>>
        views_;  // of merged or odd directories, by primary
    mutable std::unordered_map<Index, std::shared_ptr<const TreeListing>> listings_;
    std::vector<GroupKey> queue_;
    std::vector<Index> stale_;
    bool is_seen_ = true;
    std::set<FileId> changed_files_;
    std::set<EntryPlace> changed_entries_;
    std::vector<NodeRemap> remaps_;
    std::uint64_t generation_ = 0;
};

}  // namespace lockstep
