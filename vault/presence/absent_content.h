// AbsentContent: chunks of packs that are not here: which bytes of which pack hold them, asking for
// those, and checking what comes.
//
// What a pack holds is told by its sealed index, which is asked for like any other range. Nothing
// here waits: who needs a chunk asks for it and is told when bytes have come.
//
// INVARIANT: a chunk is given out, or kept in the cache, only after it was opened and its content
// gave its id. THREADS: any.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "vault/chunks/content_ids.h"
#include "vault/index/index.h"
#include "vault/packs/pack_reader.h"
#include "vault/presence/range_cache.h"
#include "vault/presence/vault_presence.h"

namespace lockstep {

class AbsentContent final : public ContentSide {
  public:
    struct Environment {
        Index& index;
        VaultPresence& presence;
        RangeCache& cache;
        const ContentIds& ids;
        VaultId vault;
        std::function<const AnySecretKey*(const EpochId&)> pack_base_of;
        // A chunk has come.
        std::function<void(const ChunkId&, Bytes plaintext)> chunk_arrived;
        // What a pack holds is known now.
        std::function<void(const PackId&)> index_arrived;
        // Waiting readers look again: something has come, or will not.
        std::function<void()> changed;
        // Parts of it were not what they should be, from several members: it must come whole, which
        // its id proves.
        std::function<void(const PackInfo&)> want_whole;
        // Whether a pack, which a reader needs, comes whole anyway, and at once.
        std::function<bool(const PackInfo&)> takes_whole;
        std::function<std::vector<PackInfo>()> absent_packs;
    };
    explicit AbsentContent(Environment environment) : environment_(std::move(environment)) {}

    // Null when the cache does not hold it.
    Result<std::optional<Bytes>> read(const ChunkId& id, const ChunkLocation& at);
    // All content is to be here, whether or not somebody asks for it.
    bool comes_anyway() { return !environment_.presence.rules().is_selective(); }
    // Whether the cache claims to hold it.
    bool is_cached(const ChunkLocation& at);
    // Asks for those of the chunks that lie in packs whose index is known, each once at a time;
    // when it is not known where one lies, for more indexes, some at a time.
    void want(const std::vector<ChunkId>& chunks) EXCLUDES_LOCK(mutex_);
    void want_index(const PackInfo& pack) EXCLUDES_LOCK(mutex_);
    // Nobody who could be asked has had it since it was asked for last, or (when no pack is known
    // to hold it, and not all content is to be here anyway) could say what some pack holds.
    bool has_failed(const ChunkId& chunk) EXCLUDES_LOCK(mutex_);

    Status take_ranges(const RangeRequest& request, ByteView bytes) override EXCLUDES_LOCK(mutex_);
    void ranges_failed(const RangeRequest& request) override EXCLUDES_LOCK(mutex_);

  private:
    struct Asked {
        std::vector<std::pair<ChunkId, ChunkLocation>> chunks;
        bool is_index = false;
        int wrong = 0;  // answers
    };
    void send(RangeRequest request, Asked asked) EXCLUDES_LOCK(mutex_);
    void want_indexes() EXCLUDES_LOCK(mutex_);
    Status take_chunks(const RangeRequest& request, const Asked& asked, ByteView bytes);
    Status take_index(const RangeRequest& request, ByteView bytes);
    Result<PackReader> reader(const PackInfo& pack, const RangeRequest* request, ByteView bytes);

    const Environment environment_;
    Mutex mutex_;
    std::map<RangeRequest, Asked> asked_ GUARDED_BY(mutex_);
    std::set<ChunkId> chunks_asked_ GUARDED_BY(mutex_), chunks_failed_ GUARDED_BY(mutex_);
    std::set<PackId> indexes_asked_ GUARDED_BY(mutex_);
    std::map<PackId, PackInfo> indexes_failed_ GUARDED_BY(mutex_);
};

}  // namespace lockstep
