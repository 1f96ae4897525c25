// SwarmOwner: whoever opened a swarm and lives from its links: a vault's sync, or a join. THREADS:
// ls-sync.
#pragma once

#include <functional>

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

// Signs requests for relays' tickets with the swarm's key.
struct RelaySigner {
    std::array<std::byte, 32> public_key{};
    std::function<Result<Bytes>(ByteView message)> sign;
};

// Gives out swarm numbers and knows whose they are. THREADS: ls-sync.
class SwarmRegistry {
  public:
    virtual ~SwarmRegistry() = default;
    virtual SwarmNumber open_swarm(SwarmOwner& owner, const SwarmSeed& seed, RelaySigner signer,
                                   const std::vector<std::string>& relays,
                                   const std::vector<PeerAddress>& addresses) = 0;
    virtual void set_relays(SwarmNumber swarm, const std::vector<std::string>& relays) = 0;
    virtual void close_swarm(SwarmNumber swarm) = 0;
};

}  // namespace lockstep
