#include "fuse/handed_out.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace lockstep {

void HandedOut::add_reference(NodeId node) {
    MutexLock lock(mutex_);
    ++references_[node];
}

void HandedOut::add_handle(HandleId handle) {
    MutexLock lock(mutex_);
    handles_.insert(handle);
}

std::uint64_t HandedOut::add_directory() {
    MutexLock lock(mutex_);
    directories_[next_directory_] = std::make_shared<OpenDirectory>();
    return next_directory_++;
}

void HandedOut::forget(NodeId node, std::uint64_t references) {
    {
        MutexLock lock(mutex_);
        const auto at = references_.find(node);
        if (at == references_.end()) return;  // the root, which was never handed out
        references = std::min(references, at->second);
        at->second -= references;
        if (at->second == 0) references_.erase(at);
    }
    file_system_.forget(node, references);
}

void HandedOut::release(HandleId handle) {
    {
        MutexLock lock(mutex_);
        if (handles_.erase(handle) == 0) return;
    }
    file_system_.release(handle);
}

void HandedOut::release_directory(std::uint64_t number) {
    MutexLock lock(mutex_);
    directories_.erase(number);
}

std::shared_ptr<OpenDirectory> HandedOut::directory(std::uint64_t number) {
    MutexLock lock(mutex_);
    const auto at = directories_.find(number);
    CHECK(at != directories_.end());
    return at->second;
}

std::vector<NodeId> HandedOut::nodes() {
    MutexLock lock(mutex_);
    std::vector<NodeId> nodes{kRootNode};
    nodes.reserve(references_.size() + 1);
    for (const auto& [node, count] : references_) nodes.push_back(node);
    return nodes;
}

// What was written through a file that is cut off becomes a version, as if it had been closed.
void HandedOut::give_back() {
    std::unordered_map<NodeId, std::uint64_t> references;
    std::unordered_set<HandleId> handles;
    {
        MutexLock lock(mutex_);
        references = std::exchange(references_, {});
        handles = std::exchange(handles_, {});
        directories_.clear();
    }
    for (HandleId handle : handles) {
        if (!file_system_.flush(handle).ok()) log_warning("fuse", "a file was not closed in order");
        file_system_.release(handle);
    }
    for (const auto& [node, count] : references) file_system_.forget(node, count);
}

}  // namespace lockstep
