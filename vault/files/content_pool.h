// Where the chunks of file contents are: in a pack being filled, in a pack of the directory, or not
// here yet.
//
// Writing seals a chunk into the open pack, unless a chunk of that id is known already that this
// device has written or verified. Full packs are finished and made durable on the worker pool, a
// bounded number at a time; make_durable() finishes what is open. A pack that could not be written
// stays in memory and is tried again.
//
// INVARIANT: a chunk that write_chunk() named can be read until the pool ends, durable or not.
// INVARIANT: the index holds only entries of packs that are durable.
// THREADS: any.
#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <unordered_map>
#include <unordered_set>

#include "base/mutex.h"
#include "base/worker_pool.h"
#include "vault/chunks/content_store.h"
#include "vault/files/file_content.h"
#include "vault/index/index.h"
#include "vault/journal/journal_entry.h"
#include "vault/packs/pack_reader.h"
#include "vault/packs/pack_store.h"
#include "vault/presence/absent_content.h"

namespace lockstep {

inline constexpr std::size_t kPackWritesMax = 2;  // packs being finished at a time
inline constexpr std::size_t kOpenPacksMax = 64;  // readers kept open

struct ContentPoolEnvironment {
    Index& index;
    PackStore& packs;
    const ContentIds& ids;
    Random& random;
    WorkerPool& workers;
    std::size_t cache_size;  // bytes of opened chunks kept
    VaultId vault;
    EpochId write_epoch;  // to begin with
    // Null when the epoch is not known.
    std::function<const AnySecretKey*(const EpochId&)> pack_base_of;
    // Whether packs that are missing may still arrive; if not, absent chunks are reported at once.
    std::function<bool()> may_arrive;
    // A pack of this directory holds bytes that are not what their name says.
    std::function<void(const PackId& pack, const std::string& why)> alarm;
    // The same, to be fetched again: false when that is not possible or the pack is whole after
    // all.
    std::function<bool(const PackId&)> fetch_again = [](const PackId&) { return false; };
    // How long a reader waits for a chunk whose pack may arrive.
    std::chrono::milliseconds content_wait;
    // A pack has become durable.
    std::function<void(const PackInfo&)> pack_written;
};

class ContentPool final : public ChunkAccess, public ChunkSink, public ChunkSource {
  public:
    explicit ContentPool(ContentPoolEnvironment environment);
    ~ContentPool() override;  // waits for packs being written; drops what is not durable
    ContentPool(const ContentPool&) = delete;
    ContentPool& operator=(const ContentPool&) = delete;

    // ChunkAccess: file content.
    Result<std::shared_ptr<const Bytes>> read_chunk(const ChunkId& id) override;
    Result<ChunkId> write_chunk(ByteView plaintext) override;
    Result<std::vector<ChunkId>> write_chunks(const std::vector<ByteView>& plaintexts) override;
    void expect(const std::vector<ChunkId>& ids) override EXCLUDES_LOCK(mutex_);
    void done_with(const std::vector<ChunkId>& ids) override EXCLUDES_LOCK(mutex_);
    // Opens those that are here into the cache, and asks for the others. Errors are left for
    // whoever reads them.
    void prefetch(const std::vector<ChunkId>& ids) EXCLUDES_LOCK(mutex_);
    // Bytes of the content that are in no pack here; all of it when its list is not here. Waits for
    // nothing.
    std::uint64_t absent_bytes(const Content& content);
    // Those that come without being asked for.
    std::uint64_t bytes_to_come(const Content& content);
    // The same for what must not wait: a list node, or Unavailable; it is asked for then.
    Result<Bytes> get_now(ChunkKind kind, const ChunkId& id);
    // Neither waits nor asks anybody; the answer may be out of date at once.
    bool is_here(const ChunkId& id) EXCLUDES_LOCK(mutex_);
    Result<Bytes> get_if_here(ChunkKind kind, const ChunkId& id) EXCLUDES_LOCK(mutex_);
    // The content's chunks and list nodes, without waiting; Unavailable when a list node is not
    // here: it is asked for then.
    Status visit_now(const Content& content, ContentVisitor& visitor);
    // ChunkSink and ChunkSource: list nodes.
    bool has(ChunkKind kind, const ChunkId& id) override;
    Status put(ChunkKind kind, const ChunkId& id, ByteView plaintext) override;
    Result<Bytes> get(ChunkKind kind, const ChunkId& id) override;

    // Makes sure that the chunk lies in a pack that nobody has condemned. Unavailable when it is
    // nowhere here; it is not waited for.
    Status rescue(ChunkKind kind, const ChunkId& id) EXCLUDES_LOCK(mutex_);
    // The pack's file is about to go.
    void forget_pack(const PackId& pack) EXCLUDES_LOCK(mutex_);
    // On return all chunks written before are in durable packs.
    Status make_durable() EXCLUDES_LOCK(mutex_);
    // Bytes of chunks not yet in a durable pack.
    std::uint64_t volatile_bytes() EXCLUDES_LOCK(mutex_);
    // Those chunks, for the journal; each is returned once.
    Result<std::vector<JournalContent>> take_unjournaled() EXCLUDES_LOCK(mutex_);
    // Packs begun from now on are sealed under this epoch.
    void set_write_epoch(const EpochId& epoch) EXCLUDES_LOCK(mutex_);
    // The journal may not have taken them: all are returned again.
    void journal_failed() EXCLUDES_LOCK(mutex_);
    // From the journal, after a restart.
    Status restore(const JournalContent& content);

    // Durable packs that no segment has introduced; forgotten by mark_introduced().
    std::vector<PackInfo> unintroduced() EXCLUDES_LOCK(mutex_);
    void add_unintroduced(const PackInfo& pack) EXCLUDES_LOCK(mutex_);
    void mark_introduced(const std::vector<PackInfo>& packs) EXCLUDES_LOCK(mutex_);

    // A pack has come into the directory: its index is read, waiting readers go on.
    Status pack_arrived(const PackInfo& pack);
    // Bytes of opened chunks kept.
    // INVARIANT: <= environment.cache_size
    std::size_t cached_bytes() EXCLUDES_LOCK(mutex_);
    // Waiting readers give up, for good.
    void close() EXCLUDES_LOCK(mutex_);

    // On-demand content. REQUIRES: before anybody reads
    void set_absent(AbsentContent* absent) { absent_ = absent; }
    void chunk_arrived(const ChunkId& id, Bytes plaintext) EXCLUDES_LOCK(mutex_);
    // Waiting readers look again.
    void content_changed() EXCLUDES_LOCK(mutex_);
    // While false, whoever would wait for content gets Locked instead.
    void set_waiting(bool may_wait) EXCLUDES_LOCK(mutex_);
    // A count that tells when each pack was read from last; packs not named: not since the start.
    std::map<PackId, std::uint64_t> last_uses() EXCLUDES_LOCK(mutex_);

  private:
    // A pack that is not durable yet: being filled, being finished, or finished.
    struct PackInMemory {
        explicit PackInMemory(PackBuilder the_builder) : builder(std::move(the_builder)) {}
        PackBuilder builder;
        bool is_finishing = false;  // `builder` belongs to whoever finishes it
        std::shared_ptr<FinishedPack> finished;
    };
    struct Pending {
        std::shared_ptr<PackInMemory> pack;
        PackEntry entry;
        bool is_journaled = false;
    };
    struct CacheEntry {
        ChunkId id;
        std::shared_ptr<const Bytes> plaintext;
    };

    Status add_chunk(ChunkKind kind, const ChunkId& id, ByteView plaintext, bool is_journaled);
    bool is_known(const ChunkId& id) EXCLUDES_LOCK(mutex_);
    std::shared_ptr<PackInMemory> filling_pack() REQUIRES_LOCK(mutex_);
    std::shared_ptr<PackInMemory> take_filling_pack() REQUIRES_LOCK(mutex_);
    void finish_pack(const std::shared_ptr<PackInMemory>& pack) EXCLUDES_LOCK(mutex_);
    void write_pack(const std::shared_ptr<PackInMemory>& pack) EXCLUDES_LOCK(mutex_);
    Result<Bytes> open_pending(const ChunkId& id, Pending pending) REQUIRES_LOCK(mutex_);
    Result<std::shared_ptr<const Bytes>> find(ChunkKind kind, const ChunkId& id)
        EXCLUDES_LOCK(mutex_);
    // Null: in no pack that is here.
    Result<std::shared_ptr<const Bytes>> find_here(ChunkKind kind, const ChunkId& id,
                                                   std::optional<Error>* damage = nullptr)
        EXCLUDES_LOCK(mutex_);
    Status wait_for_arrival(std::uint64_t arrivals, std::chrono::steady_clock::time_point until)
        REQUIRES_LOCK(mutex_);
    Result<std::shared_ptr<const Bytes>> read_from(const ChunkId& id, const ChunkLocation& at);
    Result<std::shared_ptr<PackReader>> reader_of(const PackId& pack, const EpochId& epoch);
    void remember(const ChunkId& id, std::shared_ptr<const Bytes> plaintext) REQUIRES_LOCK(mutex_);
    // What it held, to be wiped without the mutex.
    std::shared_ptr<const Bytes> take_cached(std::list<CacheEntry>::iterator at)
        REQUIRES_LOCK(mutex_);

    const ContentPoolEnvironment environment_;
    Mutex mutex_;
    CondVar changed_;  // a pack was written or has arrived
    std::shared_ptr<PackInMemory> filling_ GUARDED_BY(mutex_);
    std::vector<std::shared_ptr<PackInMemory>> closed_
        GUARDED_BY(mutex_);  // of an earlier epoch, to be finished
    std::unordered_map<ChunkId, Pending> pending_ GUARDED_BY(mutex_);
    std::uint64_t pending_bytes_ GUARDED_BY(mutex_) = 0;
    std::size_t writes_ GUARDED_BY(mutex_) = 0;
    std::vector<std::shared_ptr<PackInMemory>> failed_ GUARDED_BY(mutex_);
    std::vector<Bytes> spare_buffers_ GUARDED_BY(mutex_);  // of packs that are written
    std::optional<Error> write_error_ GUARDED_BY(mutex_);
    std::map<PackId, PackInfo> unintroduced_ GUARDED_BY(mutex_);
    std::uint64_t arrivals_ GUARDED_BY(mutex_) = 0;
    bool is_closing_ GUARDED_BY(mutex_) = false;
    bool may_wait_ GUARDED_BY(mutex_) = true;
    AbsentContent* absent_ = nullptr;
    std::uint64_t use_ GUARDED_BY(mutex_) = 0;
    std::map<PackId, std::uint64_t> last_uses_ GUARDED_BY(mutex_);

    std::list<CacheEntry> cache_ GUARDED_BY(mutex_);  // latest used first
    std::unordered_map<ChunkId, std::list<CacheEntry>::iterator> cached_ GUARDED_BY(mutex_);
    std::size_t cache_bytes_ GUARDED_BY(mutex_) = 0;
    std::unordered_set<ChunkId> opening_ GUARDED_BY(mutex_);  // somebody is about to have it
    std::map<PackId, std::shared_ptr<PackReader>> readers_ GUARDED_BY(mutex_);

    // Not the environment's workers: those may wait here until a pack is written.
    WorkerPool pack_writers_;
    EpochId write_epoch_ GUARDED_BY(mutex_);
};

}  // namespace lockstep
