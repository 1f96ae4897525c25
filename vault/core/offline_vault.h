// A vault directory opened to be read: no daemon, no local state, nothing is written to it.
//
// Everything that is intact is used; whatever is not is named in problems(), or by read().
// THREADS: one at a time.
#pragma once

#include "vault/check_report.h"
#include "vault/chunks/content_store.h"
#include "vault/core/log_ends.h"
#include "vault/core/segment_files.h"
#include "vault/files/content_pool.h"
#include "vault/keys/key_state.h"
#include "vault/tree/tree.h"

namespace lockstep {

class OfflineVault {
  public:
    // WrongKey when the passphrase is not this vault's; NotFound when it is no vault.
    static Result<std::unique_ptr<OfflineVault>> open(Disk& disk, WorkerPool& workers,
                                                      Random& random, const fs::path& directory,
                                                      ByteView passphrase);

    const VaultId& vault_id() const { return state_.vault(); }
    ~OfflineVault();
    Tree& tree() { return *tree_; }
    // Reads a content from its beginning, and all of it: `take` gets what is intact, `lose` each
    // range that is missing or damaged, with why. Stops with what `take` fails with.
    using TakeBytes = std::function<Status(std::uint64_t offset, ByteView bytes)>;
    using LoseBytes = std::function<void(const ByteRange& range, const LostPart& why)>;
    Status read(const Content& content, const TakeBytes& take, const LoseBytes& lose);
    // Packs because of which read() lost that chunk or list node.
    std::set<PackId> packs_of(const ChunkId& id) const;
    // Packs that segments introduce, that were not collected, and that are not here.
    std::vector<PackInfo> missing_packs();
    // What segments say how long it is; nullopt: none names it.
    std::optional<std::uint64_t> length_of(const PackId& pack) const;
    const ContentIds& ids() const { return ids_; }
    PackStore& packs() { return *packs_; }
    const AnySecretKey* pack_base_of(const EpochId& epoch) const;

    std::uint64_t segments() const { return segments_; }
    std::uint64_t key_objects() const { return key_objects_; }
    // Everything that is not as it should be, but for what only reading content shows.
    const CheckReport& problems() const { return problems_; }

  private:
    struct Ids;
    OfflineVault(KeyState state, Random& random);
    Status load(Disk& disk, WorkerPool& workers, Random& random, const fs::path& directory);
    void load_packs();
    SegmentLookup lookup() const;
    void accept_log(LogStore& logs, const LogId& log, LogEnds& ends);
    void accept_segment(const SegmentOuter& segment, const LogBranches::Place& place,
                        LogEnds& ends);
    bool accept_held(const LogId& branch, LogEnds& ends);
    void accept_segments(LogStore& logs);
    void load_segments(LogStore& logs);
    bool apply_next(const LogId& branch, Frontier& applied, std::set<LogId>& ended);

    KeyState state_;
    VaultKeys vault_keys_;
    std::map<EpochId, EpochKeys> epochs_;
    std::map<EpochId, ReplicatorKeys> replicators_;
    ContentIds ids_;
    std::unique_ptr<Ids> derived_;
    std::unique_ptr<Index> index_;
    std::unique_ptr<LogStore> logs_;
    std::unique_ptr<SegmentFiles> files_;
    std::unique_ptr<PackStore> packs_;
    std::unique_ptr<ContentPool> content_;
    std::unique_ptr<Tree> tree_;
    std::uint64_t segments_ = 0, key_objects_ = 0;
    LogBranches branches_;
    std::map<LogId, DeviceId> writers_;
    Frontier accepted_;
    std::map<PackId, std::uint64_t> introduced_;  // lengths
    std::set<PackId> collected_;
    std::vector<PackId> blamed_;  // since it was emptied: something in them could not be opened
    std::map<ChunkId, std::set<PackId>> lost_in_;
    CheckReport problems_;
};

}  // namespace lockstep
