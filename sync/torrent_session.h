// TorrentSession: the only owner of libtorrent's session; all that the rest of sync/ knows of
// BitTorrent.
//
// It has two kinds of torrents. A swarm is a synthetic torrent without content whose connections
// carry frames of ours (extension `ls_sync`): each such connection is a link. A pack torrent moves
// one pack between ends that hold a key of a common control session; anybody else is cut before a
// byte.
//
// What libtorrent 2.0.8 does that must be worked around is said where it is done:
// torrent_session.cpp, torrent_plugins.cpp.
//
// THREADS: methods from any thread; they post to "ls-net" and return. Events are called on ls-net:
// they must post on and return.
#pragma once

#include <array>
#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "sync/pack_token.h"
#include "sync/peer_address.h"

namespace lockstep {

using SwarmNumber = std::uint64_t;
using LinkNumber = std::uint64_t;
using SwarmSeed = std::array<std::byte, 32>;

// A frame that arrived. While it lives its bytes count against its link's receive queue.
class InboundFrame {
  public:
    InboundFrame(Bytes payload, std::shared_ptr<std::atomic<std::size_t>> queued)
        : bytes(std::move(payload)), queued_(std::move(queued)) {
        *queued_ += bytes.size();
        charge_ = bytes.size();
    }
    InboundFrame(const InboundFrame&) = delete;
    InboundFrame& operator=(const InboundFrame&) = delete;
    ~InboundFrame() { *queued_ -= charge_; }

    Bytes bytes;

  private:
    std::shared_ptr<std::atomic<std::size_t>> queued_;
    std::size_t charge_ = 0;
};

// What trackers know a swarm by: the first 20 bytes of its torrent's info hash.
std::array<std::byte, 20> swarm_tracker_hash(const SwarmSeed& seed);

class TorrentEvents {
  public:
    virtual ~TorrentEvents() = default;
    virtual void link_opened(SwarmNumber swarm, LinkNumber link, LinkSide side,
                             const PeerAddress& remote) = 0;
    virtual void link_frame(SwarmNumber swarm, LinkNumber link,
                            std::shared_ptr<InboundFrame> frame) = 0;
    virtual void link_closed(SwarmNumber swarm, LinkNumber link) = 0;
    // A peer elsewhere that was not dialled, while the session keeps to local addresses.
    virtual void peer_elsewhere(SwarmNumber, const PeerAddress&) {}
    virtual void relay_answered(SwarmNumber swarm, const std::string& url, bool ok,
                                const std::string& message) = 0;
    virtual void pack_seeding(const PackId& pack, bool ok) = 0;
    virtual void pack_progress(const PackId& pack, std::uint64_t bytes) = 0;
    virtual void pack_fetched(const PackId& pack, const std::filesystem::path& file) = 0;
    virtual void pack_failed(const PackId& pack, const std::string& why) = 0;
};

enum class LinkEnd {
    Polite,
    Blamed
};  // Blamed: libtorrent waits longer before it dials that address again

struct TorrentSessionOptions {
    std::vector<std::string> listen_addresses;
    std::uint16_t listen_port = 0;
    bool lan_discovery = true;
    // BitTorrent's distributed hash table, for swarms only. Bootstrap nodes "address:port"; none:
    // libtorrent's own. With nodes of one's own it may be a table of neighbours.
    bool dht = false;
    std::vector<std::string> dht_bootstrap_nodes = {};
    bool port_mapping = false;  // asks routers by UPnP, NAT-PMP and PCP to let connections in
    bool keeps_local = false;   // see keep_local()
};

// Bytes per second, of all connections together; 0: no limit.
struct TorrentLimits {
    std::uint64_t up = 0, down = 0;
    bool counts_in_lan = false;
};

struct PackSeed {
    PackInfo pack;
    std::filesystem::path file;
    Bytes piece_layers;
};

class TorrentSession {
  public:
    // Listens on return. `events` must outlive the session.
    static Result<std::unique_ptr<TorrentSession>> start(const TorrentSessionOptions& options,
                                                         TorrentEvents& events);
    virtual ~TorrentSession() = default;

    virtual std::uint16_t listen_port() const = 0;

    // `counts_in_lan` counts for connections made from then on.
    virtual void set_limits(const TorrentLimits& limits) = 0;

    // From now on nobody beyond local addresses (is_local_address()) is dialled or let in, asked
    // for peers or for a port; peer_elsewhere() says who else would have been dialled. Connections
    // with others end. For a device whose connections go through a proxy.
    virtual void keep_local(bool keeps_local) = 0;

    virtual void open_swarm(SwarmNumber swarm, const SwarmSeed& seed,
                            std::vector<std::string> relays,
                            std::vector<PeerAddress> addresses) = 0;
    virtual void close_swarm(SwarmNumber swarm) = 0;
    virtual void set_relays(SwarmNumber swarm, std::vector<std::string> relays) = 0;
    // To relays, the local network and the DHT, now.
    virtual void announce_again(SwarmNumber swarm) = 0;
    virtual void add_address(SwarmNumber swarm, const PeerAddress& address) = 0;

    // Frames as SessionCipher and plain_frame() make them, with headroom; sent in order.
    virtual void send(LinkNumber link, std::vector<Bytes> frames) = 0;
    virtual void close_link(LinkNumber link, LinkEnd end) = 0;

    // Offers a pack to the holder of `key` (and to whom it was offered before); pack_seeding() says
    // when it runs. It ends by itself when idle.
    virtual void seed_pack(const PackSeed& seed, const SessionKey& key) = 0;
    // Fetches a pack from `holder` into `directory`; then pack_fetched() or pack_failed(), once.
    virtual void fetch_pack(const PackInfo& pack, const std::filesystem::path& directory,
                            const PeerAddress& holder, const SessionKey& key) = 0;
    // Forgets the torrent; its file stays. No event of it comes after what is already on its way.
    virtual void drop_pack(const PackId& pack) = 0;
    // As drop_pack(), unless it is seeded.
    virtual void drop_fetch(const PackId& pack) = 0;
};

}  // namespace lockstep
