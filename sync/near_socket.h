// Near ends: loopback addresses at which something far looks to libtorrent like a peer of this
// machine: a tunnel (tunnel_client.h), or a peer that is reached through a proxy (proxied_peers.h).
#pragma once

#include "base/http/client_socket.h"
#include "sync/peer_address.h"

namespace lockstep {

// A socket at a near end's address, which is no other's.
struct NearSocket {
    UniqueFd fd;
    PeerAddress address;
};

Result<NearSocket> make_near_socket();
Status listen_near(const NearSocket& at);
// libtorrent's connection to a near end that listens: the first that comes. Does not block.
Result<UniqueFd> accept_near(const NearSocket& at, const Patience& patience);
// From the near end to where libtorrent listens. Unsupported when that is no IPv4 address.
Status connect_near(const NearSocket& from, const PeerAddress& to, const Patience& patience);

}  // namespace lockstep
