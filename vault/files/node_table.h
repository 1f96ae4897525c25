// Which node number stands for which node of the tree, and who holds it.
//
// Numbers come from the ids, so they are the same after a remount; a node that is called otherwise
// now (a sibling made real, a save by rename) keeps its number. A file whose last name is gone
// stays as an orphan while it is referenced.
//
// THREADS: none of its own; under the lock of the tree.
#pragma once

#include <map>
#include <unordered_map>

#include "vault/files/open_file.h"

namespace lockstep {

// Numbers come from ids, without the top bit: programs take them for signed.
inline constexpr NodeId kNodeNumberMask = ~(NodeId{1} << 63);

struct Orphan {
    Attributes attributes;
    Content content;
    std::map<std::string, Bytes> xattrs;  // user.* only
};

struct NodeRecord {
    Node node;
    std::uint64_t references = 0;
    std::shared_ptr<OpenFile> open;
    std::optional<Orphan> orphan;
    // What utimensat() said; it is kept no longer than the node is referenced.
    std::optional<std::int64_t> accessed_ns;
};

class NodeTable {
  public:
    explicit NodeTable(const DerivedIds& derived_ids) : derived_ids_(derived_ids) {}

    // The number, whether or not the node is in the table. A node that is not has `kept`, which it
    // took over from another, else one that comes from its id.
    NodeId number_of(const Node& node, std::optional<NodeId> kept = {}) const;
    // The same; the node is in the table from now on.
    NodeId intern(const Node& node, std::optional<NodeId> kept = {});
    // Null when nobody holds the number.
    NodeRecord* find(NodeId id);
    NodeRecord* find(const Node& node, NodeId* id = nullptr);
    // Every number that stands for the node.
    std::vector<NodeId> numbers_of(const Node& node) const;

    void reference(NodeId id) { ++records_.at(id).references; }
    void forget(NodeId id, std::uint64_t references);
    // Drops the record when nobody holds it any more.
    void release(NodeId id);

    template <typename Visit>
    void for_each(Visit visit) {
        for (auto& [id, record] : records_) visit(record);
    }

    // The node has lost its last name.
    void detach(NodeId id, Orphan orphan);
    void remap(const NodeRemap& change);

  private:
    void detach_one(NodeId id, const Orphan& orphan);
    void forget_number(NodeId id, const Node& node);

    const DerivedIds& derived_ids_;
    struct NodeHash {
        std::size_t operator()(const Node& node) const {
            const std::hash<VersionId> of_version;
            return std::hash<FileId>()(node.file) ^ (node.sibling ? of_version(*node.sibling) : 0);
        }
    };

    std::unordered_map<NodeId, NodeRecord> records_;
    std::unordered_map<Node, NodeId, NodeHash> ids_;
    // Further numbers of a node, of which one has become what another stood for.
    std::map<Node, std::vector<NodeId>> also_;
};

}  // namespace lockstep
