// A reference to a node of a FileSystem, given back when it goes.
#pragma once

#include <utility>

#include "vault/file_system.h"

namespace lockstep {

class HeldNode {
  public:
    HeldNode(FileSystem& files, NodeId node) : files_(&files), node_(node) {}
    HeldNode(HeldNode&& other) noexcept
        : files_(std::exchange(other.files_, nullptr)), node_(other.node_) {}
    HeldNode& operator=(HeldNode&& other) noexcept {
        std::swap(files_, other.files_);
        std::swap(node_, other.node_);
        return *this;
    }
    ~HeldNode() {
        if (files_ != nullptr && node_ != kRootNode) files_->forget(node_, 1);
    }
    NodeId id() const { return node_; }

  private:
    FileSystem* files_;
    NodeId node_;
};

// An open file, released when it goes.
class HeldHandle {
  public:
    HeldHandle(FileSystem& files, HandleId handle) : files_(files), handle_(handle) {}
    HeldHandle(const HeldHandle&) = delete;
    HeldHandle& operator=(const HeldHandle&) = delete;
    ~HeldHandle() { files_.release(handle_); }
    HandleId id() const { return handle_; }

  private:
    FileSystem& files_;
    HandleId handle_;
};

}  // namespace lockstep
