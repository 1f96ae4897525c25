// PackRebuilder: packs that are missing, put together from chunks that are known here.
//
// A sealed chunk follows from its plaintext, the pack's key and the chunk's nonce: so of a pack
// whose content is known here, only its prefix, nonces, index and trailer are asked for, and the
// chunks that are not known. What comes out is the pack if its id says so; a device that compresses
// otherwise, or a file that has changed meanwhile, costs no more than fetching it whole.
//
// THREADS: any. Lock order: nothing is called with mutex_ held.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "vault/chunks/content_ids.h"
#include "vault/index/index.h"
#include "vault/meeting.h"
#include "vault/packs/pack_format.h"
#include "vault/presence/vault_presence.h"

namespace lockstep {

class PackRebuilder final : public ContentSide {
  public:
    struct Environment {
        Index& index;
        VaultPresence& presence;
        const ContentIds& ids;
        VaultId vault;
        ContentSide& others;  // whose ranges those are that were not asked for here
        std::function<const AnySecretKey*(const EpochId&)> pack_base_of;
        std::function<bool(const ChunkId&)> is_here;
        // Waits for nothing.
        std::function<Result<Bytes>(ChunkKind, const ChunkId&)> read_here;
        std::function<Status(const PackInfo&, ByteView)> store;
        // Something was put together, or will not be.
        std::function<void()> changed;
    };
    explicit PackRebuilder(Environment environment) : environment_(std::move(environment)) {}

    // Plain files and their chunks, as long as there is room to remember them.
    std::uint32_t add_file(std::shared_ptr<const PlainFile> file) EXCLUDES_LOCK(mutex_);
    void learn(std::uint32_t file, std::uint64_t offset, const ChunkId& id, std::uint32_t length)
        EXCLUDES_LOCK(mutex_);
    void all_learnt() EXCLUDES_LOCK(mutex_);
    void forget_files() EXCLUDES_LOCK(mutex_);
    // More is known here than when packs were refused.
    void look_again() EXCLUDES_LOCK(mutex_);

    // Whether the pack is being put together, or begins to be. False: too little of it is known
    // here, or it did not work. REQUIRES: its index is known
    bool take_on(const PackInfo& pack) EXCLUDES_LOCK(mutex_);
    bool is_at(const PackId& pack) EXCLUDES_LOCK(mutex_);
    bool is_idle() EXCLUDES_LOCK(mutex_);

    Status take_ranges(const RangeRequest& request, ByteView bytes) override EXCLUDES_LOCK(mutex_);
    void ranges_failed(const RangeRequest& request) override EXCLUDES_LOCK(mutex_);

  private:
    struct Piece {
        PackEntry entry;
        bool is_known = false;
    };
    struct Work {
        PackInfo pack;
        std::vector<Piece> pieces;  // by offset
        std::uint32_t padding_offset = 0, index_offset = 0;
        Bytes bytes;
        std::size_t missing_requests = 0;
    };
    // A chunk in a plain file. `key`: of its id, the first bytes.
    struct Known {
        std::uint64_t key = 0, offset = 0;
        std::uint32_t file = 0, length = 0;
    };

    Result<std::shared_ptr<Work>> plan(const PackInfo& pack);
    bool is_known(const ChunkEntry& chunk);
    std::optional<Known> find_in_files(const ChunkId& id, std::uint32_t length)
        EXCLUDES_LOCK(mutex_);
    Result<Bytes> read_from_files(const ChunkId& id, std::uint32_t length) EXCLUDES_LOCK(mutex_);
    void begin_next() EXCLUDES_LOCK(mutex_);
    void begin(const std::shared_ptr<Work>& work) EXCLUDES_LOCK(mutex_);
    Status put_together(Work& work);
    void end(const PackId& pack, bool is_there) EXCLUDES_LOCK(mutex_);

    const Environment environment_;
    Mutex mutex_;
    std::vector<std::shared_ptr<const PlainFile>> files_ GUARDED_BY(mutex_);
    std::vector<Known> known_ GUARDED_BY(mutex_);  // sorted when all are learnt
    bool is_learnt_ GUARDED_BY(mutex_) = false;
    std::deque<std::shared_ptr<Work>> waiting_ GUARDED_BY(mutex_);
    std::map<PackId, std::shared_ptr<Work>> at_work_ GUARDED_BY(mutex_);  // the waiting, too
    std::size_t running_ GUARDED_BY(mutex_) = 0;
    std::map<RangeRequest, std::shared_ptr<Work>> asked_ GUARDED_BY(mutex_);
    std::set<PackId> failed_ GUARDED_BY(mutex_);
    std::set<PackId> refused_ GUARDED_BY(mutex_);  // too little of them is known
};

}  // namespace lockstep
