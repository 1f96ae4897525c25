// A file that somebody has open, or whose last writes are not a version yet.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>

#include "vault/files/file_content.h"
#include "vault/files/read_stream.h"
#include "vault/tree/tree.h"

namespace lockstep {

// Lock order: OpenFile::mutex before TreeHost::mutex.
struct OpenFile : std::enable_shared_from_this<OpenFile> {
    OpenFile(ChunkAccess& chunks, const Chunker& chunker, DirtyTotal& total)
        : content(chunks, chunker, &total) {}

    FileContent content;
    std::atomic<NodeId> id{0};
    std::atomic<bool> is_modified{false};      // written since the last version
    std::atomic<bool> is_orphan{false};        // the last name is gone: no more versions
    bool is_unnamed = false;                   // has no node: content on its way to a name
    std::size_t handles = 0;                   // guarded by TreeHost::mutex
    std::atomic<std::int64_t> modified_ns{0};  // time of the last write, or what utimens said since
    std::atomic<std::int64_t> changed_ns{0};   // time of the last write or utimens
    std::atomic<std::chrono::steady_clock::duration::rep> last_write{0};

    // `content` is what the tree showed at the change that it was loaded for. It is read only when
    // that is the last one: while it is being loaded, readers wait for the loader.
    std::atomic<std::uint64_t> changes{1};
    std::atomic<std::uint64_t> shown{0};
    bool is_stale() const { return shown != changes; }
    void set_stale() { ++changes; }

    ReadStream reads;

    std::atomic<bool> is_streaming{false};  // a worker is sealing what a stream has written
    // fsync put what was written into the journal instead of making a version: since when, and when
    // last. Zero: not so.
    std::atomic<std::chrono::steady_clock::duration::rep> journaled_since{0}, journaled_last{0};
    // No version before, unless the file is quiet: the last one took long.
    std::atomic<std::chrono::steady_clock::duration::rep> version_not_before{0};

    // Who has written what is no version yet; null: several.
    std::atomic<const ChangeObserver*> writer{nullptr};
    Mutex mutex;  // one writer, loader or committer at a time
    std::optional<WriteTicket> ticket GUARDED_BY(mutex);
    Stamp begun GUARDED_BY(mutex);                      // of the ticket
    Content base GUARDED_BY(mutex);                     // what `content` began with
    std::optional<VersionId> loaded GUARDED_BY(mutex);  // the version that `content` began with
};

}  // namespace lockstep
