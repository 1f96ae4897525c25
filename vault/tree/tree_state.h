// Inside of Tree: facts, view, what is pending and the open files. Each method group has its own
// source file.
#pragma once

#include <map>
#include <set>

#include "vault/tree/tree.h"
#include "vault/tree/tree_facts.h"
#include "vault/tree/tree_view.h"

namespace lockstep {

class TreeState {
  public:
    using Group = TreeView::Group;
    using Entry = TreeView::Entry;
    using Groups = std::set<Group>;

    explicit TreeState(const TreeEnvironment& given)
        : environment(given), view(facts, given.derived_ids) {}

    // ---- pending records (tree.cpp)

    void begin_operation() { operation_begin = pending.size(); }
    // Adds a pending record; a register that this operation has set already gets its final value.
    void emit(Record record);
    void emit_parent(Index link, Index directory, const Stamp& stamp);
    void emit_name(Index link, std::string_view name, const Stamp& stamp);
    void emit_attributes(Index file, std::span<const AttributeSetting> settings,
                         const Stamp& stamp);
    void mark_fork(const FileId& file, const VersionId& version);

    // ---- finding (tree_questions.cpp)

    Result<Index> directory(const FileId& id) const;
    Result<Entry> find(const FileId& directory, std::string_view name) const;
    TreeEntry describe(const Entry& entry) const;
    const VersionState* shown_version(const Node& node) const;
    bool is_within(Index directory, Index ancestor) const;
    bool is_empty(Index directory) const;
    std::string path_of(Index directory) const;

    // ---- touching (tree_touch.cpp)

    // The alias that takes a new entry; directories that show only for their children are restored.
    Index home(Index directory, const Stamp& stamp);
    // Makes every derived name of the groups and of those tangled with them real, and deletes
    // hidden twins.
    void touch(const Groups& seeds, const Stamp& stamp);
    // Of directories that were merged before a touch, one by which the merged one is found now.
    Index still_shown(const std::vector<Index>& aliases) const;
    Groups closure(Groups groups) const;
    void restamp_revived(Index file, const Stamp& stamp);
    void delete_links(const std::vector<Index>& links, const Stamp& stamp);
    // The groups that a write to the file must settle first.
    Groups groups_of_write(Index file, const Content* content) const;
    // Makes the node real if it is a sibling; returns its file. REQUIRES: it is seen
    Index make_real(const Node& node, const Groups& seeds, const Stamp& stamp);

    // ---- operations (tree_operations.cpp)

    Status check_name(std::string_view name) const;
    Index put(Index directory, std::string_view name, FileType type, std::optional<FileId> file,
              const Stamp& stamp);
    void replace_content(const Entry& source, const Entry& target, const Stamp& stamp);
    void move_entry(const Entry& entry, std::optional<Index> parent, std::string_view name,
                    const Stamp& stamp);
    Status check_rename(const Entry& source, const std::optional<Entry>& target,
                        Index new_directory, RenameMode mode) const;
    bool shares_content(const Entry& source, const Entry& target) const;

    // ---- open files (tree_writes.cpp)

    struct OpenWrite {
        FileId file;
        std::vector<VersionId> opened;  // sorted
        bool severed = false;           // another file took its name: nothing is kept any more
        bool removed = false;           // its last link was removed on this device
    };
    std::vector<VersionId> heads_like_main(Index file) const;
    // `is_of_mount`: the open writes go on from it.
    VersionId add_version(Index file, const Content& content, std::vector<VersionId> replaces,
                          const Stamp& stamp, bool is_of_mount = true);
    void retarget(const FileId& from, const FileId& to, std::vector<VersionId> opened);
    void note_removed(const std::vector<Index>& links);
    WriteOutcome commit(OpenWrite& open, const Content& content,
                        std::span<const AttributeSetting> settings, const Stamp& stamp,
                        bool is_of_mount = true);

    // ---- coalescing (tree_coalescing.cpp)

    PublishedRecords publish();

    TreeEnvironment environment;
    TreeFacts facts;
    TreeView view;
    std::vector<Record> pending;
    std::size_t operation_begin = 0;  // in pending
    std::size_t new_begin = 0;        // in pending: what the journal has not taken
    std::map<std::uint64_t, OpenWrite> open_writes;
    std::uint64_t next_ticket = 1;
};

}  // namespace lockstep
