#include "relay/peer_table.h"

#include <algorithm>
#include <limits>

namespace lockstep {
namespace {

// So that a full table is gone through in less than a lifetime, at a cost that no announce notices.
constexpr int kSwarmsPerSweep = 8;
constexpr std::chrono::milliseconds kSweepInterval{10};

// SplitMix64 over one random seed: who gets which peers needs no secrecy, only spread.
std::uint64_t next_number(std::uint64_t& state) {
    state += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

}  // namespace

bool PeerTable::Peer::shares_address(const PeerEndpoint& endpoint) const {
    return equal(ByteView(address).first(address_size), endpoint.address);
}

bool PeerTable::Peer::is_at(const PeerEndpoint& endpoint) const {
    return port == endpoint.port && shares_address(endpoint);
}

PeerEndpoint PeerTable::Peer::endpoint() const {
    return {to_bytes(ByteView(address).first(address_size)), port};
}

PeerTable::PeerTable(Clock& clock, Random& random, std::chrono::seconds lifetime,
                     PeerTableLimits limits)
    : clock_(clock), random_(random), lifetime_(lifetime), limits_(limits) {}

Result<PeerTable::Announced> PeerTable::announce(const AnnounceRequest& request,
                                                 const PeerEndpoint& endpoint) {
    CHECK(endpoint.address.size() == 4 || endpoint.address.size() == 16);
    Time now = clock_.steady();
    if (now - swept_ >= kSweepInterval) sweep_some(now);
    bool leaves = request.event == AnnounceEvent::Stopped;
    auto at = swarms_.find(request.info_hash);
    if (at == swarms_.end() && leaves) return Announced{};
    if (at == swarms_.end()) {
        TRY(at, find_or_make(request.info_hash, now));
    }
    Swarm& swarm = at->second;
    drop_expired(swarm, now);
    Announced out;
    if (leaves) {
        forget(swarm, endpoint);
    } else {
        remember(swarm, request, endpoint, now);
        out.peers = choose(swarm, request, endpoint);
    }
    for (const Peer& peer : swarm.peers) ++(peer.is_complete ? out.complete : out.incomplete);
    if (swarm.peers.empty()) swarms_.erase(at);
    return out;
}

SwarmCounts PeerTable::counts(const TrackerHash& info_hash) {
    SwarmCounts out{.info_hash = info_hash};
    auto at = swarms_.find(info_hash);
    if (at == swarms_.end()) return out;
    drop_expired(at->second, clock_.steady());
    if (at->second.peers.empty()) {
        swarms_.erase(at);
        return out;
    }
    for (const Peer& peer : at->second.peers) ++(peer.is_complete ? out.complete : out.incomplete);
    out.downloaded = at->second.downloaded;
    return out;
}

void PeerTable::visit(
    std::size_t skip, std::size_t max,
    const std::function<void(const TrackerHash&, const std::vector<PeerView>&)>& visitor) const {
    for (const auto& [hash, swarm] : swarms_) {
        if (skip > 0) {
            --skip;
            continue;
        }
        if (max-- == 0) return;
        visitor(hash, view_of(swarm));
    }
}

std::vector<PeerTable::PeerView> PeerTable::view_of(const Swarm& swarm) const {
    using std::chrono::duration_cast;
    Time now = clock_.steady();
    std::vector<PeerView> out;
    for (const Peer& peer : swarm.peers)
        if (now - peer.seen < lifetime_)
            out.push_back({peer.endpoint(), peer.is_complete,
                           duration_cast<std::chrono::seconds>(now - peer.seen)});
    return out;
}

std::vector<PeerTable::PeerView> PeerTable::peers_of(const TrackerHash& info_hash) const {
    auto at = swarms_.find(info_hash);
    return at == swarms_.end() ? std::vector<PeerView>() : view_of(at->second);
}

std::optional<TrackerHash> PeerTable::find(
    const std::function<bool(const TrackerHash&)>& is_it) const {
    for (const auto& [hash, swarm] : swarms_)
        if (is_it(hash)) return hash;
    return std::nullopt;
}

void PeerTable::drop_expired(Swarm& swarm, Time now) {
    peer_count_ -=
        std::erase_if(swarm.peers, [&](const Peer& peer) { return now - peer.seen >= lifetime_; });
}

void PeerTable::sweep_some(Time now) {
    swept_ = now;
    auto at = swarms_.lower_bound(sweep_at_);
    for (int i = 0; i < kSwarmsPerSweep && at != swarms_.end(); ++i) {
        drop_expired(at->second, now);
        at = at->second.peers.empty() ? swarms_.erase(at) : std::next(at);
    }
    sweep_at_ = at == swarms_.end() ? TrackerHash{} : at->first;
}

Result<PeerTable::Swarms::iterator> PeerTable::find_or_make(const TrackerHash& info_hash,
                                                            Time now) {
    if (swarms_.size() >= limits_.swarms_max) sweep_some(now);
    if (swarms_.size() >= limits_.swarms_max)
        return Error{ErrorKind::NoSpace, "the relay is full, try later"};
    return swarms_.try_emplace(info_hash).first;
}

void PeerTable::remember(Swarm& swarm, const AnnounceRequest& request, const PeerEndpoint& endpoint,
                         Time now) {
    auto known = std::find_if(swarm.peers.begin(), swarm.peers.end(),
                              [&](const Peer& peer) { return peer.is_at(endpoint); });
    if (known == swarm.peers.end()) {
        auto shares = [&](const Peer& peer) { return peer.shares_address(endpoint); };
        auto sharing =
            static_cast<std::size_t>(std::count_if(swarm.peers.begin(), swarm.peers.end(), shares));
        bool fits = swarm.peers.size() < limits_.peers_per_swarm_max &&
                    sharing < limits_.peers_per_address_max && peer_count_ < limits_.peers_max;
        if (!fits) return;
        Peer peer;
        std::copy(endpoint.address.begin(), endpoint.address.end(), peer.address.begin());
        peer.address_size = static_cast<std::uint8_t>(endpoint.address.size());
        peer.port = endpoint.port;
        known = swarm.peers.insert(swarm.peers.end(), peer);
        ++peer_count_;
    }
    known->id = request.peer_id;
    known->is_complete = request.left == 0;
    known->seen = now;
    bool counts = request.event == AnnounceEvent::Completed &&
                  swarm.downloaded < std::numeric_limits<std::uint32_t>::max();
    if (counts) ++swarm.downloaded;
}

void PeerTable::forget(Swarm& swarm, const PeerEndpoint& endpoint) {
    peer_count_ -=
        std::erase_if(swarm.peers, [&](const Peer& peer) { return peer.is_at(endpoint); });
}

// Complete peers are told of each other too: all members of a control swarm are complete.
std::vector<PeerEndpoint> PeerTable::choose(const Swarm& swarm, const AnnounceRequest& request,
                                            const PeerEndpoint& asking) {
    std::vector<const Peer*> others;
    others.reserve(swarm.peers.size());
    for (const Peer& peer : swarm.peers)
        if (!peer.is_at(asking) && peer.id != request.peer_id) others.push_back(&peer);
    std::size_t wanted =
        std::min<std::size_t>({request.numwant, limits_.numwant_max, others.size()});
    std::uint64_t state = wanted < others.size() ? random_.u64() : 0;
    std::vector<PeerEndpoint> out;
    out.reserve(wanted);
    for (std::size_t i = 0; i < wanted; ++i) {
        std::size_t left = others.size() - i;
        if (wanted < others.size()) std::swap(others[i], others[i + next_number(state) % left]);
        out.push_back(others[i]->endpoint());
    }
    return out;
}

}  // namespace lockstep
