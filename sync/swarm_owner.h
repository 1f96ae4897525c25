// SwarmOwner: whoever opened a swarm and lives from its links: a vault's sync, or a join. THREADS:
// ls-sync.
#pragma once

#include "sync/torrent_session.h"

namespace lockstep {

class SwarmOwner {
  public:
    virtual ~SwarmOwner() = default;
    virtual void link_opened(SwarmNumber swarm, LinkNumber link, LinkSide side,
                             const PeerAddress& remote) = 0;
    virtual void link_frame(LinkNumber link, std::shared_ptr<InboundFrame> frame) = 0;
    virtual void link_closed(LinkNumber link) = 0;
    virtual void relay_answered(const std::string& url, bool ok, const std::string& message) = 0;
};

// Gives out swarm numbers and knows whose they are. THREADS: ls-sync.
class SwarmRegistry {
  public:
    virtual ~SwarmRegistry() = default;
    virtual SwarmNumber open_swarm(SwarmOwner& owner, const SwarmSeed& seed,
                                   const std::vector<std::string>& relays,
                                   const std::vector<PeerAddress>& addresses) = 0;
    virtual void close_swarm(SwarmNumber swarm) = 0;
};

}  // namespace lockstep
