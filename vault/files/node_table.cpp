#include "vault/files/node_table.h"

#include <algorithm>

namespace lockstep {

NodeId NodeTable::number_of(const Node& node, std::optional<NodeId> kept) const {
    if (auto at = ids_.find(node); at != ids_.end()) return at->second;
    if (node.file == kRootFile && !node.sibling) return kRootNode;
    // A sibling has the number of the file that it becomes when it is touched.
    FileId file = node.sibling ? derived_ids_.file(node.file, *node.sibling) : node.file;
    NodeId number = 0;
    std::memcpy(&number, file.bytes.data(), sizeof(number));
    number = kept.value_or(number & kNodeNumberMask);
    while (number <= kRootNode || records_.contains(number)) ++number;
    return number;
}

NodeId NodeTable::intern(const Node& node, std::optional<NodeId> kept) {
    if (auto at = ids_.find(node); at != ids_.end()) return at->second;
    NodeId id = number_of(node, kept);
    ids_[node] = id;
    records_[id].node = node;
    return id;
}

NodeRecord* NodeTable::find(NodeId id) {
    if (auto at = records_.find(id); at != records_.end()) return &at->second;
    if (id != kRootNode) return nullptr;
    return &records_.at(intern({kRootFile, std::nullopt}));
}

NodeRecord* NodeTable::find(const Node& node, NodeId* id) {
    auto at = ids_.find(node);
    if (at == ids_.end()) return nullptr;
    if (id != nullptr) *id = at->second;
    return &records_.at(at->second);
}

void NodeTable::forget(NodeId id, std::uint64_t references) {
    NodeRecord* record = find(id);
    if (record == nullptr) return;
    record->references -= std::min(record->references, references);
    release(id);
}

void NodeTable::release(NodeId id) {
    auto at = records_.find(id);
    if (at == records_.end() || at->second.references > 0 || at->second.open) return;
    if (auto named = ids_.find(at->second.node); named != ids_.end() && named->second == id)
        ids_.erase(named);
    records_.erase(at);
}

void NodeTable::detach(NodeId id, Orphan orphan) {
    NodeRecord& record = records_.at(id);
    if (auto named = ids_.find(record.node); named != ids_.end() && named->second == id)
        ids_.erase(named);
    orphan.attributes.links = 0;
    record.orphan = std::move(orphan);
    if (record.open) record.open->is_orphan = true;
    release(id);
}

void NodeTable::remap(const NodeRemap& change) {
    auto from = ids_.find(change.from);
    if (from == ids_.end()) return;
    NodeId id = from->second;
    ids_.erase(from);
    // Somebody may know the new node already; both numbers stand for it then, the kept one first.
    ids_[change.to] = id;
    records_.at(id).node = change.to;
}

}  // namespace lockstep
