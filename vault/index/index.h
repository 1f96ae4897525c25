// The index of one vault: everything that can be asked quickly, nothing that is not also in the
// vault directory. Kept in a sealed file (sealed_files.h), or in memory.
//
// It is a cache. Whoever opens it brings it up to date from the vault directory, and rebuilds it on
// any doubt, with an equal digest. A crash loses the last calls at most: what is found is what the
// index was after one of its commits. Every page must open and the numbers of rows must fit when it
// is opened; if it was not closed, it must pass SQLite's quick check as well; the records, from
// which the tree is made, have sums of their own. Not detected: an attacker who can write here and
// puts back old pages so that all that still holds. That may make chunks look verified or lie
// elsewhere; what is read is authenticated by its pack all the same.
//
// THREADS: ChunkIndex and LogIndex lock it; chunks and logs share one database and one lock.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "vault/index/chunk_index.h"
#include "vault/index/database.h"
#include "vault/index/log_index.h"

namespace lockstep {

class Index {
  public:
    static Result<std::unique_ptr<Index>> open_in_memory();

    // Opens what is at `environment.path`, or begins anew there when that is missing or in doubt
    // (is_new()). An error means that the disk takes no file at all.
    static Result<std::unique_ptr<Index>> open(const SealedFilesEnvironment& environment,
                                               const DatabaseLimits& limits = {});
    // Removes the files. REQUIRES: nobody has them open.
    static Status remove(Disk& disk, const fs::path& path);

    ~Index();  // closes: commits, and says in the file that it is whole
    Index(const Index&) = delete;
    Index& operator=(const Index&) = delete;

    ChunkIndex& chunks() { return chunks_; }
    LogIndex& log() { return log_; }

    // It holds nothing that was there before; `doubt` says why not, when something was.
    bool is_new() const { return is_new_; }
    const std::optional<std::string>& doubt() const { return doubt_; }

    // Writes what the calls since the last commit have changed. Not durable; a crash of the process
    // loses nothing of it, a power cut may. Called when a batch of work is done; long batches are
    // committed in between.
    Status commit();

    // Removes its files, so that the next one begins anew; this one goes on as it is.
    void abandon();

    // Hash of everything that the directory determines, independent of the order in which it came.
    // (Which chunks were verified is not in it: a rebuilt index has verified nothing. Nor are packs
    // of which the directory says nothing any more.)
    Result<std::array<std::byte, 32>> digest();

    // SQLite's own check of its structure, and the numbers of rows.
    Status check();

    struct Impl;  // for the index's own files only

  private:
    friend class ChunkIndex;
    friend class LogIndex;
    explicit Index(std::unique_ptr<Impl> impl);
    static Result<std::unique_ptr<Index>> open_existing(const SealedFilesEnvironment& environment,
                                                        const DatabaseLimits& limits);
    std::unique_ptr<Impl> impl_;
    ChunkIndex chunks_{*this};
    LogIndex log_{*this};
    bool is_new_ = true;
    std::optional<std::string> doubt_;
};

}  // namespace lockstep
