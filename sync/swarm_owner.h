// SwarmOwner: whoever opened a swarm and lives from its links: a vault's sync, or a join. THREADS:
// ls-sync.
#pragma once

#include <chrono>
#include <functional>

#include "base/http/proxy.h"
#include "relay/protocol/admission.h"
#include "sync/torrent_session.h"

namespace lockstep {

struct TunnelEnd;

class SwarmOwner {
  public:
    virtual ~SwarmOwner() = default;
    virtual void link_opened(SwarmNumber swarm, LinkNumber link, LinkSide side,
                             const PeerAddress& remote) = 0;
    virtual void link_frame(LinkNumber link, std::shared_ptr<InboundFrame> frame) = 0;
    virtual void link_closed(LinkNumber link) = 0;
    virtual void relay_answered(const std::string& url, bool ok, const std::string& message) = 0;
    // Everybody else who is connected to the relay, in this swarm; empty when that is not known.
    virtual void relay_present(SwarmNumber swarm, const std::string& relay,
                               const std::vector<MemberName>& members) = 0;
    // The relay lets us in, with this ticket from now on.
    virtual void relay_admitted(SwarmNumber swarm, const std::string& relay,
                                const std::string& ticket) = 0;
    // The swarm's members meet at these relays from now on, and at no others.
    virtual void relay_places(SwarmNumber, const std::vector<std::string>&) {}
};

// How a relay knows a swarm and this device in it. Called on threads of the relay client's.
struct RelaySigner {
    std::array<std::byte, 32> public_key{};
    // Signs requests for tickets with the swarm's key.
    std::function<Result<Bytes>(ByteView message)> sign;
    // What this device is called at a relay ("host:port"). Absent: something random.
    std::function<Result<MemberName>(std::string_view relay)> own_name{};
    // At all relays, whatever the strategy: whoever is to come may know others.
    bool meets_everywhere = false;
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
    // The relays through which to try to reach a member that is at all of these, best first.
    virtual std::vector<std::string> relays_in_order(SwarmNumber swarm,
                                                     std::vector<std::string> relays) = 0;

    // To relays, the local network and the DHT, now.
    virtual void announce_again(SwarmNumber swarm) = 0;
    // Asks a relay for a tunnel to a member that is present there; it shows as a link.
    virtual void open_tunnel(SwarmNumber swarm, const std::string& relay,
                             const MemberName& member) = 0;
    // The tunnel that a link from or to this address goes through; nullptr when it is direct.
    virtual const TunnelEnd* tunnel_behind(const PeerAddress& remote) const = 0;
    // Who is reached through the proxy by a link to this address; nullptr when it is none such.
    virtual const PeerAddress* peer_behind(const PeerAddress& remote) const = 0;
    // What relays are asked through; null: no proxy.
    virtual std::shared_ptr<const Proxy> proxy() const = 0;
    virtual bool has_control(SwarmNumber swarm, const std::string& relay) const = 0;
    // Whether a relay may be asked anything now: its circuit is closed.
    virtual bool may_ask(const std::string& relay) const = 0;
    // A request to a relay was answered, or was not: its circuit learns of it.
    virtual void relay_asked(const std::string& relay, const Status& status,
                             std::chrono::microseconds took) = 0;
};

}  // namespace lockstep
