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

std::vector<NodeId> NodeTable::numbers_of(const Node& node) const {
    std::vector<NodeId> out;
    if (auto at = ids_.find(node); at != ids_.end()) out.push_back(at->second);
    if (auto at = also_.find(node); at != also_.end())
        out.insert(out.end(), at->second.begin(), at->second.end());
    return out;
}

void NodeTable::release(NodeId id) {
    auto at = records_.find(id);
    if (at == records_.end() || at->second.references > 0 || at->second.open) return;
    forget_number(id, at->second.node);
    records_.erase(at);
}

// The number stands for the node no longer; another one that does takes its place.
void NodeTable::forget_number(NodeId id, const Node& node) {
    auto also = also_.find(node);
    if (also != also_.end()) std::erase(also->second, id);
    if (auto named = ids_.find(node); named != ids_.end() && named->second == id) {
        ids_.erase(named);
        if (also != also_.end() && !also->second.empty()) {
            ids_[node] = also->second.back();
            also->second.pop_back();
        }
    }
    if (also != also_.end() && also->second.empty()) also_.erase(also);
}

void NodeTable::detach(NodeId id, Orphan orphan) {
    orphan.attributes.links = 0;
    std::vector<NodeId> ids = numbers_of(records_.at(id).node);
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
    for (NodeId each : ids) detach_one(each, orphan);
}

void NodeTable::detach_one(NodeId id, const Orphan& orphan) {
    NodeRecord& record = records_.at(id);
    forget_number(id, record.node);
    record.orphan = orphan;
    record.orphan->attributes.node = id;
    if (record.open) record.open->is_orphan = true;
    release(id);
}

void NodeTable::remap(const NodeRemap& change) {
    std::vector<NodeId> moved = numbers_of(change.from);
    if (moved.empty()) return;
    ids_.erase(change.from);
    also_.erase(change.from);
    // Somebody may know the new node already; all the numbers stand for it then, the kept one
    // first.
    const std::vector<NodeId> known = numbers_of(change.to);
    ids_[change.to] = moved.front();
    std::vector<NodeId> rest(moved.begin() + 1, moved.end());
    rest.insert(rest.end(), known.begin(), known.end());
    for (NodeId id : moved) records_.at(id).node = change.to;
    if (!rest.empty()) also_[change.to] = std::move(rest);
}

}  // namespace lockstep
