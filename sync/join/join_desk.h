// JoinDesk: the invites this device has open and the tickets it tries. Bytes: sync/PROTOCOL.md,
// "Joining". THREADS: ls-sync.
#pragma once

#include <functional>
#include <map>

#include "base/worker_pool.h"
#include "sync/srv_resolver.h"
#include "sync/swarm_owner.h"
#include "sync/sync_engine.h"
#include "sync/sync_loop.h"

namespace lockstep {

class JoinSide;

class JoinDesk {
  public:
    struct Environment {
        TorrentSession& net;
        SyncLoop& loop;
        WorkerPool& workers;
        SwarmRegistry& swarms;
        // Asks DNS for a domain's relays; blocks, on a worker.
        std::function<Result<SrvAnswer>(const std::string& domain)> resolve;
    };

    explicit JoinDesk(const Environment& environment);
    ~JoinDesk();
    JoinDesk(const JoinDesk&) = delete;
    JoinDesk& operator=(const JoinDesk&) = delete;

    void host(JoinNumber number, const InviteSecret& secret, const JoinHostOptions& options,
              const std::vector<std::string>& relays, const std::string& label,
              std::shared_ptr<JoinHostDelegate> delegate);
    void join(JoinNumber number, const JoinTicket& ticket,
              std::shared_ptr<JoinGuestDelegate> delegate);
    void answer_guest(JoinNumber number, std::uint64_t guest, bool approve);
    void cancel(JoinNumber number);
    void cancel_all();
    void set_relays(const std::vector<std::string>& relays);  // of invites
    void tick();

  private:
    Environment env_;
    std::map<JoinNumber, std::unique_ptr<JoinSide>> sides_;
};

}  // namespace lockstep
