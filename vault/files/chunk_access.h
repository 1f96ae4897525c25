// Where the chunks of file contents come from and go to.
#pragma once

#include <memory>
#include <vector>

#include "base/bytes.h"
#include "vault/types.h"

namespace lockstep {

// THREADS: any.
class ChunkAccess {
  public:
    virtual ~ChunkAccess() = default;
    // Waits for content that is not here yet; Unavailable when it does not come.
    virtual Result<std::shared_ptr<const Bytes>> read_chunk(const ChunkId& id) = 0;
    // All of these are about to be read: what is not here is asked for at once.
    virtual void expect(const std::vector<ChunkId>&) {}
    // Nobody is likely to read these again soon: they need not stay in memory.
    virtual void done_with(const std::vector<ChunkId>&) {}
    // Known at once to everybody who reads; durable with the pack or the journal.
    virtual Result<ChunkId> write_chunk(ByteView plaintext) = 0;
    // The same for several.
    virtual Result<std::vector<ChunkId>> write_chunks(const std::vector<ByteView>& plaintexts) {
        std::vector<ChunkId> ids;
        for (ByteView plaintext : plaintexts) {
            TRY(ChunkId id, write_chunk(plaintext));
            ids.push_back(id);
        }
        return ids;
    }
};

}  // namespace lockstep
