// The facts of the tree: links, files and registers as the records say, which links live and which
// are visible.
//
// Only visible links lie in directories and groups. What changed is noted for the view, which turns
// groups into entries.
#pragma once

#include <map>
#include <string>
#include <unordered_set>
#include <vector>

#include "vault/tree/directory_moves.h"
#include "vault/tree/file_rules.h"
#include "vault/tree/tree_types.h"

namespace lockstep {

// Published: it came in a segment. Own: of this device, pending. Override: own, and takes the place
// of what the same operation has said before.
enum class RecordSource { Published, Own, Override };

struct GroupKey {
    Index directory = kNoIndex;
    std::string name;
};

class TreeFacts {
  public:
    static constexpr Index kRoot = 0;

    TreeFacts();

    // Directory moves take effect at settle_moves().
    void add(const Record& record, RecordSource source);
    void settle_moves();

    Index find_link(const LinkId& id) const;
    Index find_file(const FileId& id) const;
    const LinkState& link(Index at) const { return links_[at]; }
    const FileState& file(Index at) const { return files_[at]; }
    FileState& file(Index at) { return files_[at]; }
    LinkState& link(Index at) { return links_[at]; }

    // First visible link of that directory and name; the others follow by next_in_group.
    Index first_in_group(Index directory, std::string_view name) const;
    std::vector<Index> links_of(Index file) const;
    std::uint32_t live_links(Index file) const;
    const std::vector<Index>& children(Index directory) const;

    std::uint64_t visible_directories() const { return visible_directories_; }
    std::uint64_t visible_files() const { return visible_files_; }

    // Indices below this have been used.
    Index links_size() const { return links_.size(); }
    Index files_size() const { return files_.size(); }

    void set_primary(Index directory, Index primary) { directory_of(directory).primary = primary; }
    Index primary(Index directory) const;
    // The link of a directory; kNoIndex for the root and for what only faulty records call a
    // directory.
    Index link_of_directory(Index file) const {
        return files_[file].is_directory() ? files_[file].first_link : kNoIndex;
    }

    // Forgets what was never published.
    void forget_version(Index file, const VersionId& id);
    // The version as published names what its coalesced predecessors replaced.
    void set_replaces(const VersionRecord& record);
    void forget_links(const std::vector<Index>& links);

    // What changed since the last call.
    std::vector<GroupKey> take_dirty_groups() { return std::exchange(dirty_groups_, {}); }
    // Directories whose links were taken out of where they lay; they may be back.
    std::vector<Index> take_detached_directories() {
        return std::exchange(detached_directories_, {});
    }
    std::vector<Index> take_changed_files() { return std::exchange(changed_files_, {}); }

    CompactStamp compact(const Stamp& stamp);

  private:
    void add_link(const LinkRecord& record, RecordSource source);
    void add_parent(const ParentRecord& record, RecordSource source);
    void add_name(const NameRecord& record, RecordSource source);
    void add_attribute(const AttributeRecord& record, RecordSource source);
    void add_version_record(const VersionRecord& record);
    void add_resolve(const ResolveRecord& record);
    void add_delete(const DeleteRecord& record);
    void heads_changed(Index file);
    void come_early(const LinkId& link, Record record);

    Index file_or_new(const FileId& id);
    Index new_link(const LinkId& id);
    DirectoryState& directory_of(Index file);
    bool is_placed(const LinkState& link) const;
    void refresh_life(Index file);
    void decide_life(FileState& file);
    void update_visibility(Index link);
    void attach(Index link);
    void detach(Index link);
    void forget_link(Index link);
    void note_file(Index file);

    StableVector<LinkState> links_;
    StableVector<FileState> files_;
    std::vector<Index> free_links_, free_files_;
    IndexTable link_ids_, file_ids_, groups_;
    std::unordered_set<LogId> logs_;
    std::unordered_set<std::string> labels_;

    std::map<LinkId, std::vector<Record>> early_;  // came before the link that they are about

    DirectoryMoves moves_{kRoot};
    std::vector<DirectoryMove> moves_added_, moves_removed_;

    std::vector<GroupKey> dirty_groups_;
    std::vector<Index> detached_directories_;
    std::vector<Index> changed_files_;
    std::uint64_t visible_directories_ = 0, visible_files_ = 0;
};

}  // namespace lockstep
