// Who is in which swarm: the tracker's memory, bounded, and forgetting by itself.
//
// A peer is known by the address it speaks from and the port it listens on, so nobody can speak for
// another's address. Everything here may come from an attacker: swarms are kept in a tree, since
// info hashes are chosen by peers, and every size has a limit.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "relay/protocol/announce.h"

namespace lockstep {

struct PeerTableLimits {
    std::size_t swarms_max = 200'000;
    std::size_t peers_max =
        1'000'000;  // in all swarms; about 100 MB with as many swarms as allowed
    std::size_t peers_per_swarm_max = 1000;
    // From one address into one swarm: people behind one NAT.
    std::size_t peers_per_address_max = 32;
    std::uint32_t numwant_max = 200;
};

// THREADS: one.
class PeerTable {
  public:
    // A peer that has not announced for `lifetime` is gone.
    PeerTable(Clock& clock, Random& random, std::chrono::seconds lifetime,
              PeerTableLimits limits = {});

    struct Announced {
        // Others in the swarm, at most `numwant`, a random choice when there are more.
        std::vector<PeerEndpoint> peers{};
        std::uint32_t complete = 0;
        std::uint32_t incomplete = 0;
    };
    // Remembers, renews or (Stopped) forgets the peer, and tells it of others. A peer that finds
    // its swarm or the table full is answered, not remembered. NoSpace when there is no room for
    // its swarm. REQUIRES: endpoint.address has 4 or 16 bytes
    Result<Announced> announce(const AnnounceRequest& request, const PeerEndpoint& endpoint);

    SwarmCounts counts(const TrackerHash& info_hash);

    struct PeerView {
        PeerEndpoint endpoint;
        bool is_complete = false;
        std::chrono::seconds seen_ago{};
    };
    // Some swarms in the order of their hashes: those behind the first `skip`, at most `max`.
    void visit(
        std::size_t skip, std::size_t max,
        const std::function<void(const TrackerHash&, const std::vector<PeerView>&)>& visitor) const;

    // Those of one swarm that have not expired.
    std::vector<PeerView> peers_of(const TrackerHash& info_hash) const;
    // The first swarm that `is_it`.
    std::optional<TrackerHash> find(const std::function<bool(const TrackerHash&)>& is_it) const;

    std::size_t swarm_count() const { return swarms_.size(); }
    std::size_t peer_count() const { return peer_count_; }

  private:
    using Time = std::chrono::steady_clock::time_point;

    struct Peer {
        std::array<std::byte, 16> address{};
        std::uint8_t address_size = 0;
        std::uint16_t port = 0;
        bool is_complete = false;
        PeerId id{};
        Time seen{};

        bool is_at(const PeerEndpoint& endpoint) const;
        bool shares_address(const PeerEndpoint& endpoint) const;
        PeerEndpoint endpoint() const;
    };
    struct Swarm {
        std::vector<Peer> peers{};
        std::uint32_t downloaded = 0;
    };
    using Swarms = std::map<TrackerHash, Swarm>;

    std::vector<PeerView> view_of(const Swarm& swarm) const;
    void drop_expired(Swarm& swarm, Time now);
    // Visits a few swarms, so that those nobody asks for are forgotten too.
    void sweep_some(Time now);
    Result<Swarms::iterator> find_or_make(const TrackerHash& info_hash, Time now);
    void remember(Swarm& swarm, const AnnounceRequest& request, const PeerEndpoint& endpoint,
                  Time now);
    void forget(Swarm& swarm, const PeerEndpoint& endpoint);
    std::vector<PeerEndpoint> choose(const Swarm& swarm, const AnnounceRequest& request,
                                     const PeerEndpoint& asking);

    Clock& clock_;
    Random& random_;
    const std::chrono::seconds lifetime_;
    const PeerTableLimits limits_;
    Swarms swarms_;
    std::size_t peer_count_ = 0;
    // Where sweep_some() goes on.
    TrackerHash sweep_at_{};
    Time swept_{};
};

}  // namespace lockstep
