// What the kernel holds of the FileSystem: references to nodes, open files, open directories.
//
// A kernel that unmounts gives nothing back, and one that was cut off cannot: the mount does it
// then, so that a file that was open does not stay open in the vault for ever.
//
// THREADS: any.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/mutex.h"
#include "vault/file_system.h"

namespace lockstep {

// An open directory shows one Listing from its first entry to its last.
struct OpenDirectory {
    Mutex mutex;
    std::shared_ptr<const Listing> listing GUARDED_BY(mutex);
};

class HandedOut {
  public:
    explicit HandedOut(FileSystem& file_system) : file_system_(file_system) {}

    // Notes what is about to be handed out: before the answer, since it may come back at once.
    void add_reference(NodeId node);
    void add_handle(HandleId handle);
    std::uint64_t add_directory();

    // Passes on what came back.
    void forget(NodeId node, std::uint64_t references);
    void release(HandleId handle);
    void release_directory(std::uint64_t number);

    // REQUIRES: handed out and not released
    std::shared_ptr<OpenDirectory> directory(std::uint64_t number);

    // The nodes that the kernel refers to, the root among them.
    std::vector<NodeId> nodes();

    // Closes and forgets everything. REQUIRES: no request under way
    void give_back();

  private:
    FileSystem& file_system_;
    Mutex mutex_;
    std::unordered_map<NodeId, std::uint64_t> references_ GUARDED_BY(mutex_);
    std::unordered_set<HandleId> handles_ GUARDED_BY(mutex_);
    std::unordered_map<std::uint64_t, std::shared_ptr<OpenDirectory>> directories_
        GUARDED_BY(mutex_);
    std::uint64_t next_directory_ GUARDED_BY(mutex_) = 1;
};

}  // namespace lockstep
