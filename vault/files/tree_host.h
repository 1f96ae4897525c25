// What VaultFiles needs of the open vault around it: the tree under its lock, stamps, durability.
#pragma once

#include "base/clock.h"
#include "base/mutex.h"
#include "vault/file_system.h"
#include "vault/journal/journal_entry.h"
#include "vault/tree/tree.h"

namespace lockstep {

class TreeHost {
  public:
    explicit TreeHost(const TreeEnvironment& environment) : tree(environment) {}
    virtual ~TreeHost() = default;

    Mutex mutex;
    Tree tree GUARDED_BY(mutex);

    // A stamp greater than all that this device has seen.
    virtual Stamp tick() = 0;
    virtual Clock& clock() = 0;
    // The tree has new records of this device: they go to the journal and will be published.
    virtual void tree_changed() REQUIRES_LOCK(mutex) = 0;
    // A file is being written: it becomes a version when it has been quiet for a while.
    virtual void write_begun() = 0;
    // Behind everything recorded so far; durable with the next commit(). On an error it may be in
    // the journal or not.
    virtual Status append_write(const JournalWrite& write) EXCLUDES_LOCK(mutex) = 0;
    // Everything recorded so far survives a power cut when it returns ok.
    virtual Status commit() EXCLUDES_LOCK(mutex) = 0;
    virtual Result<FileSystemSpace> space() = 0;
    // What user.lockstep.* says of a node; nullopt: there is no such attribute. Waits for nothing.
    virtual std::optional<std::string> presence_attribute(const Node& node, std::string_view name)
        EXCLUDES_LOCK(mutex) = 0;
};

}  // namespace lockstep
