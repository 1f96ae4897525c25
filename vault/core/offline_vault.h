// A vault directory opened to be read: no daemon, no local state, nothing is written to it.
//
// Everything that is intact is used; whatever is not is named in problems().
// THREADS: one at a time.
#pragma once

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
    // The bytes of a file; Corrupt or Unavailable when a chunk of it is damaged or missing.
    Result<ContentList> list_of(const Content& content) {
        return load_content(ids_, content, *content_);
    }
    Result<std::shared_ptr<const Bytes>> chunk(const ChunkId& id) {
        return content_->read_chunk(id);
    }
    const ContentIds& ids() const { return ids_; }
    PackStore& packs() { return *packs_; }
    const AnySecretKey* pack_base_of(const EpochId& epoch) const;

    std::uint64_t segments() const { return segments_; }
    std::uint64_t key_objects() const { return key_objects_; }
    const std::vector<std::string>& problems() const { return problems_; }

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
    std::vector<std::string> problems_;
};

}  // namespace lockstep
