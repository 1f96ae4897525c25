#include "relay/tracker.h"

#include "base/log.h"

namespace lockstep {

std::chrono::seconds peer_lifetime(const TrackerOptions& options) {
    return 2 * options.interval + std::chrono::seconds(60);
}

Tracker::Tracker(Clock& clock, Random& random, TrackerOptions options)
    : options_(options), table_(clock, random, peer_lifetime(options), options.limits) {}

std::string Tracker::announce(const HttpFields& query, const HttpPeer& peer,
                              const TrackerHash& swarm) {
    auto request = decode_announce_query(query);
    if (!request.ok()) return encode_failure(request.error().message);
    if (peer.address_bytes.empty()) return encode_failure("announces come over TCP");
    PeerEndpoint endpoint{peer.address_bytes, request->port};
    request->info_hash = swarm;
    auto announced = table_.announce(*request, endpoint);
    if (!announced.ok()) return encode_failure(announced.error().message);
    if (log_enabled(LogLevel::Debug))
        log_debug("tracker", "announce {} from {} port {}: {} peers", request->info_hash.to_hex(),
                  peer.address, endpoint.port, announced->peers.size());
    return encode_announce_response(
        {.interval_s = static_cast<std::uint32_t>(options_.interval.count()),
         .min_interval_s = static_cast<std::uint32_t>(options_.min_interval.count()),
         .complete = announced->complete,
         .incomplete = announced->incomplete,
         .peers = std::move(announced->peers)});
}

Status Tracker::enter(const AnnounceRequest& request, const PeerEndpoint& endpoint) {
    TRY_OK(table_.announce(request, endpoint));
    return {};
}

std::string Tracker::scrape(const HttpFields& query, const std::optional<TrackerHash>& swarm) {
    auto hashes = decode_scrape_query(query);
    if (!hashes.ok()) return encode_failure(hashes.error().message);
    std::vector<SwarmCounts> counts;
    for (const auto& hash : *hashes) {
        counts.push_back(table_.counts(swarm.value_or(hash)));
        counts.back().info_hash = hash;
        if (swarm) break;
    }
    return encode_scrape_response(counts);
}

}  // namespace lockstep
