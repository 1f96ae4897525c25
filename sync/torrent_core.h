// What torrent_session.cpp and torrent_plugins.cpp share: the state of "ls-net". Nobody else
// includes this.
#pragma once

#include <set>
#include <unordered_map>
#include <utility>

#include <libtorrent/alert_types.hpp>
#include <libtorrent/extensions.hpp>
#include <libtorrent/peer_connection_handle.hpp>
#include <libtorrent/session.hpp>
#include <libtorrent/torrent_handle.hpp>

#include "sync/sync_limits.h"
#include "sync/torrent_session.h"

namespace lockstep {

class LinkPlugin;

// All links, by number. On ls-net.
struct LinkTable {
    explicit LinkTable(TorrentEvents& to) : events(to) {}
    TorrentEvents& events;
    LinkNumber last = 0;
    std::unordered_map<LinkNumber, std::weak_ptr<LinkPlugin>> links;
};

// One pack torrent. On ls-net.
struct PackRecord {
    explicit PackRecord(TorrentEvents& to) : events(to) {}
    TorrentEvents& events;
    PackInfo pack;
    InfoHash torrent;
    bool is_seed = false;
    bool is_over = false;  // finished, failed or dropped: no more events
    lt::torrent_handle handle;
    std::vector<SessionKey> keys;     // whom we may meet
    std::set<PackTokenNonce> nonces;  // of tokens seen: none is taken twice
    int connections = 0;
    std::uint64_t unreported_bytes = 0;  // that came since the last pack_progress()
    std::chrono::steady_clock::time_point last_used = std::chrono::steady_clock::now();
};

std::shared_ptr<lt::torrent_plugin> make_swarm_plugin(std::shared_ptr<LinkTable> table,
                                                      SwarmNumber swarm);
std::shared_ptr<lt::torrent_plugin> make_pack_plugin(std::shared_ptr<PackRecord> record);

// On ls-net; no effect when the link is gone.
void send_on_link(LinkTable& table, LinkNumber link, std::vector<Bytes>& frames);
void close_link(LinkTable& table, LinkNumber link, LinkEnd end);

PeerAddress to_peer_address(const lt::tcp::endpoint& endpoint);

}  // namespace lockstep
