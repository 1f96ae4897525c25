// The index of one vault: everything that can be asked quickly, nothing that is not also in the
// vault directory or the journal. In memory for now; its owner fills it at unlock.
//
// THREADS: ChunkIndex and LogIndex lock it; chunks and logs share one database and one lock.
#pragma once

#include <array>
#include <memory>

#include "base/bytes.h"
#include "vault/index/chunk_index.h"
#include "vault/index/log_index.h"

namespace lockstep {

class Index {
  public:
    static Result<std::unique_ptr<Index>> open_in_memory();
    ~Index();
    Index(const Index&) = delete;
    Index& operator=(const Index&) = delete;

    ChunkIndex& chunks() { return chunks_; }
    LogIndex& log() { return log_; }

    // Hash of everything that the directory determines, independent of the order in which it came.
    // (Which chunks were verified is not in it: a rebuilt index has verified nothing.)
    Result<std::array<std::byte, 32>> digest();

    // SQLite's own check of its structure.
    Status check();

    struct Impl;  // for the index's own files only

  private:
    friend class ChunkIndex;
    friend class LogIndex;
    explicit Index(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
    ChunkIndex chunks_{*this};
    LogIndex log_{*this};
};

}  // namespace lockstep
