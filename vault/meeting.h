// A meeting: a vault and plain files, which may hold what the vault holds, see each other for the
// first time (a folder becomes a mirror). Packs that are missing and hold mostly what is known here
// are then put together here, byte for byte; from other devices come the packs' indexes and 24
// bytes for each chunk.
//
// THREADS: any.
#pragma once

#include <functional>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"

namespace lockstep {

class Vault;

class PlainFile {
  public:
    virtual ~PlainFile() = default;
    virtual std::uint64_t size() const = 0;
    // All of `out`, or an error. What is read may be something else each time.
    virtual Status read(std::uint64_t offset, MutableByteView out) const = 0;
};

class Meeting {
  public:
    // Goes on for some minutes, if it has settled: other devices may bring the same files.
    virtual ~Meeting() = default;
    // Whether anybody else may have written in the vault.
    virtual bool has_others() = 0;
    // Reads the file and remembers of what chunks it consists. Blocks.
    virtual Status learn(std::shared_ptr<const PlainFile> file,
                         const std::function<bool()>& is_stopping) = 0;
    // No more files come. Until then, packs are fetched only when a reader waits for them.
    virtual void all_learnt() = 0;
    // What the files hold has been taken in: packs that mostly hold something else are fetched from
    // now on.
    virtual void settle() = 0;
};

// REQUIRES: the vault outlives the meeting
std::unique_ptr<Meeting> begin_meeting(Vault& vault);

}  // namespace lockstep
