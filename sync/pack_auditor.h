// PackAuditor: has blind members show blocks of the packs that they say they hold, and shows such
// blocks to others (sync/PROTOCOL.md, "Audits").
//
// THREADS: ls-sync.
#pragma once

#include <chrono>
#include <functional>
#include <map>

#include "sync/peer.h"
#include "sync/replica_work.h"
#include "sync/sync_loop.h"

namespace lockstep {

class PackAuditor {
  public:
    using Time = std::chrono::steady_clock::time_point;

    // `presence` may be null: nobody is audited. `audited`: something has become known.
    PackAuditor(SyncLoop& loop, std::shared_ptr<ReplicaWork> work, PeerTable& peers,
                Presence* presence, std::function<void()> audited);
    PackAuditor(const PackAuditor&) = delete;
    PackAuditor& operator=(const PackAuditor&) = delete;

    // Shows what it is asked for.
    Status serve(Peer& peer, const AuditMessage& audit);
    Status on_audited(Peer& peer, AuditedMessage answer);
    // Audits those of the packs that the peer has not shown lately, then calls `done`; also when it
    // goes away meanwhile.
    void audit(Peer& peer, const std::vector<PackId>& packs, std::function<void()> done);
    void on_peer_gone(LinkNumber link);
    void on_tick(Time now);

  private:
    struct Audit {
        std::vector<BlockAudit> blocks;
        std::vector<std::pair<BlockAudit, AuditResult>> results;
        bool says_all = false;  // the peer, when it was asked
        Time since{};
        std::function<void()> done;  // may be empty
    };
    struct Audited {
        Time looked{};
        bool is_looking = false;
        std::map<std::uint32_t, Audit> under_way;
        std::size_t serving = 0;
    };

    void look(Peer& peer, const std::vector<PackId>& packs, std::function<void()> done);
    void begin(LinkNumber link, std::vector<BlockAudit> blocks, std::function<void()> done);
    void end(const DeviceId& member, Audit audit);

    SyncLoop& loop_;
    std::shared_ptr<ReplicaWork> work_;
    PeerTable& peers_;
    Presence* presence_;
    std::function<void()> audited_;
    std::uint32_t last_number_ = 0;
    std::map<LinkNumber, Audited> links_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace lockstep
