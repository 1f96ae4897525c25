// ProxiedPeers: devices in other networks while a proxy is set. libtorrent must not dial them
// itself, and its own way through a proxy would end its listening, on which tunnels and the local
// network rest. So they are dialled here, through the proxy, and libtorrent is given a near end
// (near_socket.h).
//
// An address that is wanted is dialled again, ever later, until it has failed several times.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <stop_token>

#include "base/http/proxy.h"
#include "base/worker_pool.h"
#include "sync/socket_pipes.h"
#include "sync/sync_loop.h"
#include "sync/torrent_session.h"

namespace lockstep {

// THREADS: ls-sync. Connecting blocks, so it happens on threads of its own ("ls-proxy-N"); bytes
// pass on "ls-proxy". They begin with the first peer.
class ProxiedPeers {
  public:
    // A near end waits there to be dialled.
    using Dial = std::function<void(SwarmNumber, const PeerAddress& near_end)>;

    ProxiedPeers(SyncLoop& loop, std::shared_ptr<const ProxyChoice> proxy, Dial dial);
    // Ends all connections.
    ~ProxiedPeers();
    ProxiedPeers(const ProxiedPeers&) = delete;
    ProxiedPeers& operator=(const ProxiedPeers&) = delete;

    // Connects to the peer in the swarm, unless that is done or under way.
    void want(SwarmNumber swarm, const PeerAddress& peer);
    // Nothing more is dialled in the swarm; its connections end with its links.
    void close(SwarmNumber swarm);
    // Another proxy, or none: ends all connections and forgets who was wanted.
    void start_over();
    // Who is at this near end; nullptr when it is none of ours.
    const PeerAddress* behind(const PeerAddress& near_end) const;
    // Nothing more is begun.
    void stop();

  private:
    using Key = std::pair<SwarmNumber, PeerAddress>;
    enum class State { Waiting, Dialling, Open };
    struct Wish {
        State state = State::Waiting;
        std::uint64_t round = 0;  // of the attempt that counts; others are late
        int failures = 0;
        SyncLoop::Time since{};
    };
    struct Task;

    void dial(const Key& key);
    // False when nobody waits.
    bool forget_the_worst();
    static Status run(const std::shared_ptr<Task>& task);
    void on_open(const Key& key, std::uint64_t round, const PeerAddress& near_end);
    void on_over(const Key& key, std::uint64_t round, const PeerAddress& near_end);
    // The wish whose attempt this is; nullptr when another one counts.
    Wish* find(const Key& key, std::uint64_t round);

    SyncLoop& loop_;
    const std::shared_ptr<const ProxyChoice> proxy_;
    const Dial dial_;
    std::map<Key, Wish> wishes_;
    std::map<PeerAddress, PeerAddress> near_ends_;
    std::uint64_t last_round_ = 0;
    bool is_stopped_ = false;
    std::stop_source stop_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
    std::unique_ptr<SocketPipes> pipes_;
    std::unique_ptr<WorkerPool> workers_;
};

}  // namespace lockstep
