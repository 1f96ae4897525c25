// The tracker: a decoded query in, a bencoded body out (BEP 3, 7, 23, 48).
#pragma once

#include <optional>
#include <string>

#include "base/http/message.h"
#include "relay/peer_table.h"

namespace lockstep {

struct TrackerOptions {
    // How often a peer shall announce, and how often it may.
    std::chrono::seconds interval{300};
    std::chrono::seconds min_interval{30};
    PeerTableLimits limits{};
};

// What a swarm's member may miss before it is forgotten: two intervals and some delay.
std::chrono::seconds peer_lifetime(const TrackerOptions& options);

// THREADS: one.
class Tracker {
  public:
    Tracker(Clock& clock, Random& random, TrackerOptions options);

    // Bodies for both; malformed queries and full tables get a `failure reason`. `swarm` is what
    // the table knows the query's one info hash by.
    std::string announce(const HttpFields& query, const HttpPeer& peer, const TrackerHash& swarm);
    // Without `swarm`, the table knows info hashes by themselves.
    std::string scrape(const HttpFields& query, const std::optional<TrackerHash>& swarm);
    // The same for who has no query: remembers, renews or forgets. NoSpace.
    Status enter(const AnnounceRequest& request, const PeerEndpoint& endpoint);

    const PeerTable& table() const { return table_; }
    const TrackerOptions& options() const { return options_; }

  private:
    TrackerOptions options_;
    PeerTable table_;
};

}  // namespace lockstep
