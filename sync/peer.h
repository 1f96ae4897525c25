// Peer: what a vault's sync knows of one authenticated link. THREADS: ls-sync.
#pragma once

#include <optional>
#include <set>

#include "sync/object_assembly.h"
#include "sync/object_server.h"
#include "sync/peer_address.h"

namespace lockstep {

// Bytes per second over the last two seconds or so; fed once a second with a running total.
class Rate {
  public:
    void sample(std::uint64_t total) {
        before_ = last_;
        last_ = total;
        rate_ = (rate_ + (last_ - before_)) / 2;
    }
    std::uint64_t per_second() const { return rate_; }

  private:
    std::uint64_t before_ = 0, last_ = 0, rate_ = 0;
};

struct Peer {
    Peer(TorrentSession& net, LinkNumber number, const EpochId& swarm_epoch, LinkSide link_side,
         PeerAddress remote, const MemberHandshake& handshake, std::shared_ptr<ReplicaWork> work,
         SyncLoop& loop)
        : link(number),
          epoch(swarm_epoch),
          side(link_side),
          address(std::move(remote)),
          member(handshake.peer()),
          pack_key(handshake.pack_key()),
          session(net, number, handshake.cipher()),
          server(session, std::move(work), loop) {}

    // Where others can reach it, when that is known: the end that was dialled, or its listen port.
    std::optional<PeerAddress> dial_address() const {
        if (is_tunnelled()) return std::nullopt;
        if (side == LinkSide::Dialler) return address;
        if (listen_port == 0) return std::nullopt;
        return PeerAddress{address.host, listen_port};
    }

    bool is_tunnelled() const { return !relay.empty(); }

    LinkNumber link;
    EpochId epoch;  // whose swarm it is in
    LinkSide side;
    PeerAddress address;
    std::string relay;  // that it goes through; empty: direct
    Member member;
    SessionKey pack_key;
    PeerSession session;
    ObjectServer server;  // after session: it refers to it
    std::string label;
    std::uint16_t listen_port = 0;
    std::int64_t connected_since_ms = 0;
    bool is_spare = false;  // another link to the same device does the work

    ObjectAssembly<SegmentRef> segments;
    ObjectAssembly<PackId> packs;
    ObjectAssembly<KeyObjectId> key_objects;

    bool has_heads = false;
    HeadsMessage heads;
    std::map<LogId, std::uint64_t> shown;  // the last segment that it sent of each log
    std::size_t keys_awaited = 0;
    std::chrono::steady_clock::time_point keys_asked;

    std::size_t inline_wants = 0, inline_want_bytes = 0, torrent_wants = 0;
    std::uint64_t torrent_bytes_received = 0;
    std::set<PackId> lacking;  // packs it has said it has not
    // All that it misses, by its last HEADS, when it has said so.
    std::optional<std::set<PackId>> misses;
    bool is_abreast = false;  // it has all segments of our frontier, by its last HEADS
    // It misses nothing that our frontier introduces, by its last HEADS.
    bool is_complete = false;
    std::set<PackId> has;  // packs that it said have come; not those here
    struct Fetching {
        std::chrono::steady_clock::time_point since, moved;
        std::uint32_t received = 0;
        bool is_given_up = false;  // it took too long: not waited for any more
    };
    std::map<PackId, Fetching> fetching;  // as it last said
    bool refuses_torrents = false;  // packs come over the link: its listen port cannot be reached
    int strikes = 0;
    Rate receive_rate, send_rate;
};

using PeerTable = std::map<LinkNumber, std::unique_ptr<Peer>>;

}  // namespace lockstep
