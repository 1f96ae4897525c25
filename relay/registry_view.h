// Who is in which swarm, as operators see it: under pseudonyms that lead to no address and no info
// hash, and last as long as the relay runs.
//
// An object is a swarm: what its peers have, or are about to have.
#pragma once

#include <optional>

#include <nlohmann/json_fwd.hpp>

#include "base/random.h"
#include "relay/peer_table.h"

namespace lockstep {

// THREADS: one.
class RegistryView {
  public:
    RegistryView(Random& random, const PeerTable& table);

    // 20 hexadecimal digits.
    std::string object_id(const TrackerHash& swarm) const;
    std::string peer_id(const TrackerHash& swarm, const PeerEndpoint& endpoint) const;
    // What the table shall know a peer by that has no BitTorrent peer id.
    PeerId made_peer_id(const PeerEndpoint& endpoint) const;

    // At most 1000 swarms with their peers, behind the first `skip`: /v1/peers.
    nlohmann::json swarms(std::uint64_t skip) const;
    // The same peers in one list: /api/peers.
    nlohmann::json peers(std::uint64_t skip) const;
    // Those of one swarm.
    nlohmann::json peers_of(const TrackerHash& swarm) const;
    // Who has the object; NotFound when nobody is known to.
    Result<nlohmann::json> location(const TrackerHash& swarm) const;
    std::optional<TrackerHash> find_object(std::string_view object_id) const;

  private:
    std::string pseudonym(ByteView of) const;
    nlohmann::json describe(const TrackerHash& swarm, const PeerTable::PeerView& peer) const;

    const PeerTable& table_;
    std::array<std::byte, 32> key_{};
};

}  // namespace lockstep
