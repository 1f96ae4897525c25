#include "relay/registry_view.h"

#include <nlohmann/json.hpp>
#include <sodium.h>

namespace lockstep {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kSwarmsToldMax = 1000;
constexpr std::size_t kPseudonymSize = 10;

Bytes bytes_of(const PeerEndpoint& endpoint) {
    Bytes out = endpoint.address;
    out.push_back(static_cast<std::byte>(endpoint.port >> 8));
    out.push_back(static_cast<std::byte>(endpoint.port));
    return out;
}

}  // namespace

RegistryView::RegistryView(Random& random, const PeerTable& table) : table_(table) {
    random.fill(key_);
}

std::string RegistryView::pseudonym(ByteView of) const {
    std::array<std::byte, 16> hash{};
    crypto_generichash(u8(MutableByteView(hash)), hash.size(), u8(of), of.size(),
                       u8(ByteView(key_)), key_.size());
    return hex(ByteView(hash).first(kPseudonymSize));
}

std::string RegistryView::object_id(const TrackerHash& swarm) const {
    return pseudonym(swarm.view());
}

std::string RegistryView::peer_id(const TrackerHash& swarm, const PeerEndpoint& endpoint) const {
    Bytes both = to_bytes(swarm.view());
    append(both, bytes_of(endpoint));
    return pseudonym(both);
}

PeerId RegistryView::made_peer_id(const PeerEndpoint& endpoint) const {
    Bytes where = bytes_of(endpoint);
    PeerId out;
    crypto_generichash(u8(MutableByteView(out.bytes)), out.bytes.size(), u8(ByteView(where)),
                       where.size(), u8(ByteView(key_)), key_.size());
    return out;
}

Json RegistryView::describe(const TrackerHash& swarm, const PeerTable::PeerView& peer) const {
    return {{"complete", peer.is_complete},
            {"ipv6", !peer.endpoint.is_v4()},
            {"announcedSecondsAgo", peer.seen_ago.count()},
            {"peer", peer_id(swarm, peer.endpoint)}};
}

Json RegistryView::swarms(std::uint64_t skip) const {
    Json swarms = Json::array();
    table_.visit(skip, kSwarmsToldMax, [&](const TrackerHash& swarm, const auto& peers) {
        Json list = Json::array();
        for (const PeerTable::PeerView& peer : peers) list.push_back(describe(swarm, peer));
        swarms.push_back({{"swarm", object_id(swarm)}, {"peers", std::move(list)}});
    });
    return {{"swarms", std::move(swarms)}, {"offset", skip}, {"total", table_.swarm_count()}};
}

Json RegistryView::peers(std::uint64_t skip) const {
    Json list = Json::array();
    table_.visit(skip, kSwarmsToldMax, [&](const TrackerHash& swarm, const auto&) {
        Json of_swarm = peers_of(swarm);
        for (Json& peer : of_swarm["peers"]) list.push_back(std::move(peer));
    });
    return {{"peers", std::move(list)},
            {"offset", skip},
            {"objects", table_.swarm_count()},
            {"total", table_.peer_count()}};
}

Json RegistryView::peers_of(const TrackerHash& swarm) const {
    Json list = Json::array();
    for (const PeerTable::PeerView& peer : table_.peers_of(swarm)) {
        Json one = describe(swarm, peer);
        one["peerId"] = std::move(one["peer"]);
        one.erase("peer");
        one["objectId"] = object_id(swarm);
        one["status"] = "online";
        list.push_back(std::move(one));
    }
    std::size_t total = list.size();
    return {{"peers", std::move(list)}, {"total", total}};
}

Result<Json> RegistryView::location(const TrackerHash& swarm) const {
    Json out = peers_of(swarm);
    if (out["total"] == 0) return Error{ErrorKind::NotFound, "nobody is known to have it"};
    out["objectId"] = object_id(swarm);
    return out;
}

std::optional<TrackerHash> RegistryView::find_object(std::string_view id) const {
    return table_.find([&](const TrackerHash& swarm) { return object_id(swarm) == id; });
}

}  // namespace lockstep
