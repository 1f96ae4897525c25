#include "fuse/handed_out.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace lockstep {

void HandedOut::add_reference(NodeId node) {
    MutexLock lock(mutex_);
    ++references_[node].count;
}

HandedOut::PageUse HandedOut::add_handle(HandleId handle, NodeId node, const HandleUse& wanted) {
    MutexLock lock(mutex_);
    begin_use(node);
    handles_[handle] = {.node = node, .is_for_writing = wanted.is_for_writing};
    Use& use = uses_.at(node);
    if (use.is_bypassed) {
        use.is_bypass_shared = true;
        return PageUse::Bypass;
    }
    if (wanted.wants_bypass && use.users == 1) {
        use.is_bypassed = true;
        return PageUse::Bypass;
    }
    const auto reference = references_.find(node);
    if (reference == references_.end() || !reference->second.may_have_old_pages)
        return PageUse::Keep;
    reference->second.may_have_old_pages = reference->second.is_filled = false;
    return PageUse::DropFirst;
}

bool HandedOut::is_for_writing(HandleId handle) {
    MutexLock lock(mutex_);
    const auto at = handles_.find(handle);
    return at != handles_.end() && at->second.is_for_writing;
}

// ---- who uses a file

void HandedOut::begin_use(NodeId node) {
    for (;;) {
        Use& use = uses_[node];
        if (!use.is_filling) {
            ++use.users;
            return;
        }
        filled_.wait(mutex_);
    }
}

void HandedOut::end_use(NodeId node) {
    const auto at = uses_.find(node);
    CHECK(at != uses_.end() && at->second.users > 0);
    if (--at->second.users > 0) return;
    if (at->second.is_bypass_shared) {
        if (const auto reference = references_.find(node); reference != references_.end())
            reference->second.may_have_old_pages = true;
    }
    uses_.erase(at);
}

void HandedOut::begin_resizing(NodeId node) {
    MutexLock lock(mutex_);
    begin_use(node);
}

void HandedOut::end_resizing(NodeId node) {
    MutexLock lock(mutex_);
    end_use(node);
}

bool HandedOut::begin_filling(NodeId node) {
    MutexLock lock(mutex_);
    const auto reference = references_.find(node);
    const auto use = uses_.find(node);
    if (reference == references_.end() || reference->second.is_filled) return false;
    if (use == uses_.end() || use->second.users != 1) return false;
    reference->second.is_filled = true;
    use->second.is_filling = true;
    return true;
}

void HandedOut::end_filling(NodeId node) {
    MutexLock lock(mutex_);
    uses_.at(node).is_filling = false;
    filled_.notify_all();
}

void HandedOut::pages_dropped(NodeId node) {
    MutexLock lock(mutex_);
    if (const auto at = references_.find(node); at != references_.end())
        at->second.is_filled = false;
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
        references = std::min(references, at->second.count);
        at->second.count -= references;
        if (at->second.count == 0) references_.erase(at);
    }
    file_system_.forget(node, references);
}

void HandedOut::release(HandleId handle) {
    {
        MutexLock lock(mutex_);
        const auto at = handles_.find(handle);
        if (at == handles_.end()) return;
        end_use(at->second.node);
        handles_.erase(at);
    }
    closing_.release(handle);
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
    for (const auto& [node, reference] : references_) nodes.push_back(node);
    return nodes;
}

// What was written through a file that is cut off becomes a version, as if it had been closed.
void HandedOut::give_back() {
    std::unordered_map<NodeId, Reference> references;
    std::unordered_map<HandleId, Handle> handles;
    {
        MutexLock lock(mutex_);
        references = std::exchange(references_, {});
        handles = std::exchange(handles_, {});
        uses_.clear();
        directories_.clear();
    }
    closing_.stop();
    for (const auto& [handle, file] : handles) {
        if (!file_system_.flush(handle).ok()) log_warning("fuse", "a file was not closed in order");
        file_system_.release(handle);
    }
    for (const auto& [node, reference] : references) file_system_.forget(node, reference.count);
}

}  // namespace lockstep
