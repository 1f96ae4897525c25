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
#include <vector>

#include "base/mutex.h"
#include "fuse/closing.h"
#include "vault/file_system.h"

namespace lockstep {

// An open directory shows one Listing from its first entry to its last.
struct OpenDirectory {
    Mutex mutex;
    std::shared_ptr<const Listing> listing GUARDED_BY(mutex);
};

class HandedOut {
  public:
    explicit HandedOut(FileSystem& file_system)
        : file_system_(file_system), closing_(file_system) {}

    // From here on released handles go back a little later, as requests of `mount`.
    void start(const ChangeObserver& mount) { closing_.start(mount); }

    // Notes what is about to be handed out: before the answer, since it may come back at once.
    void add_reference(NodeId node);
    // What the kernel does with its pages of a file for one handle.
    //
    // A file that is new, and opened for nothing but writing, has none and needs none: what is
    // written comes here at once. So the kernel does not copy it, and does not ask for
    // security.capability first. While such a handle is open all others of the file go past the
    // pages as well; what a mapping brought into them meanwhile is dropped by who opens the file
    // next.
    enum class PageUse { Keep, DropFirst, Bypass };
    struct HandleUse {
        bool is_for_writing = false;
        bool wants_bypass = false;  // of a new file alone
    };
    // Waits while the node's pages are being filled.
    PageUse add_handle(HandleId handle, NodeId node, const HandleUse& use);
    bool is_for_writing(HandleId handle);
    std::uint64_t add_directory();

    // Passes on what came back.
    void forget(NodeId node, std::uint64_t references);
    void release(HandleId handle);
    void release_directory(std::uint64_t number);

    // Whether the kernel's pages of a file may be filled now: true at most once until they are
    // dropped, and only when one handle, the caller's, is all that the kernel has of the file.
    // Until end_filling() nobody else gets a handle or begins to resize it.
    bool begin_filling(NodeId node);
    void end_filling(NodeId node);
    // Its pages are about to go.
    void pages_dropped(NodeId node);
    // Around what changes a file without a handle.
    void begin_resizing(NodeId node);
    void end_resizing(NodeId node);

    // REQUIRES: handed out and not released
    std::shared_ptr<OpenDirectory> directory(std::uint64_t number);

    // The nodes that the kernel refers to, the root among them.
    std::vector<NodeId> nodes();

    // Closes and forgets everything. REQUIRES: no request under way
    void give_back();

  private:
    struct Reference {
        std::uint64_t count = 0;
        bool is_filled = false;  // its pages, since they were dropped last
        bool may_have_old_pages = false;
    };
    struct Handle {
        NodeId node = 0;
        bool is_for_writing = false;
    };
    // Of a file that is open or being resized.
    struct Use {
        std::size_t users = 0;
        bool is_filling = false;
        bool is_bypassed = false;       // by all handles
        bool is_bypass_shared = false;  // there were several
    };

    void begin_use(NodeId node) REQUIRES_LOCK(mutex_);
    void end_use(NodeId node) REQUIRES_LOCK(mutex_);

    FileSystem& file_system_;
    Closing closing_;
    Mutex mutex_;
    CondVar filled_;
    std::unordered_map<NodeId, Reference> references_ GUARDED_BY(mutex_);
    std::unordered_map<HandleId, Handle> handles_ GUARDED_BY(mutex_);
    std::unordered_map<NodeId, Use> uses_ GUARDED_BY(mutex_);
    std::unordered_map<std::uint64_t, std::shared_ptr<OpenDirectory>> directories_
        GUARDED_BY(mutex_);
    std::uint64_t next_directory_ GUARDED_BY(mutex_) = 1;
};

}  // namespace lockstep
