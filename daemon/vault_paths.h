// Walks paths over a FileSystem, as the control API's file verbs need it.
#pragma once

#include <string>
#include <string_view>

#include "daemon/api/messages.h"
#include "vault/file_system.h"

namespace lockstep {

// A reference to a node, given back when it goes. Empty for the root, which needs none.
class NodeReference {
  public:
    NodeReference(FileSystem& files, NodeId node) : files_(&files), node_(node) {}
    NodeReference(NodeReference&& other) noexcept
        : files_(std::exchange(other.files_, nullptr)), node_(other.node_) {}
    NodeReference& operator=(NodeReference&& other) noexcept {
        std::swap(files_, other.files_);
        std::swap(node_, other.node_);
        return *this;
    }
    ~NodeReference() {
        if (files_ != nullptr && node_ != kRootNode) files_->forget(node_, 1);
    }
    NodeId id() const { return node_; }
    // The reference is the caller's from now on.
    NodeId release() {
        files_ = nullptr;
        return node_;
    }

  private:
    FileSystem* files_;
    NodeId node_;
};

struct FoundNode {
    NodeReference node;
    Attributes attributes;
};

// Symlinks are not followed; ".." is refused. "" and "/" are the root.
Result<FoundNode> find_node(FileSystem& files, std::string_view path);

// The directory that holds the path's last name.
struct FoundParent {
    NodeReference directory;
    std::string name;
};
Result<FoundParent> find_parent(FileSystem& files, std::string_view path);

// What `lockstep ls` shows.
Result<api::EntryList> list_path(FileSystem& files, std::string_view path);

// "file", "directory" and so on, as API.md has them.
std::string_view type_text(FileType type);

}  // namespace lockstep
