// TunnelClient: this device's end of relays' tunnels (relay/PROTOCOL.md, "Tunnels").
//
// In each swarm it keeps one control connection to every relay that has given a ticket, and says
// who else is present there. A tunnel ends at a loopback address of its own (its *near end*): there
// it looks to libtorrent like a peer of this machine, whether we asked for it or the other side.
// What passes is a link like any other, sealed end to end; the relay passes bytes.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/http/proxy.h"
#include "base/http/websocket_loop.h"
#include "base/worker_pool.h"
#include "relay/protocol/tunnel.h"
#include "sync/peer_address.h"
#include "sync/sync_loop.h"
#include "sync/torrent_session.h"

namespace lockstep {

// What is at the far end of a near end.
struct TunnelEnd {
    SwarmNumber swarm = 0;
    std::string relay{};  // as admit() was told
    MemberName member{};
};

// THREADS: ls-sync. Connecting blocks, so it happens on threads of its own ("ls-tunnel-N"); bytes
// pass on "ls-tunnel".
class TunnelClient {
  public:
    struct Events {
        // Everybody else who is present at the relay; empty when that is not known.
        std::function<void(SwarmNumber, const std::string& relay, const std::vector<MemberName>&)>
            present;
        // A near end waits there to be dialled.
        std::function<void(SwarmNumber, const PeerAddress&)> dial;
        // The relay takes the ticket no more: it needs another one.
        std::function<void(SwarmNumber, const std::string& relay)> ticket_refused;
    };
    // Tunnels that others ask for are connected to `own`, where libtorrent listens.
    TunnelClient(SyncLoop& loop, PeerAddress own, std::shared_ptr<const ProxyChoice> proxy,
                 Events events);
    // Ends all tunnels.
    ~TunnelClient();
    TunnelClient(const TunnelClient&) = delete;
    TunnelClient& operator=(const TunnelClient&) = delete;

    // `ticket` is good now: connects, unless that is done. `relay` is a URL.
    void admit(SwarmNumber swarm, const std::string& relay,
               const std::array<std::byte, 20>& info_hash, const std::string& ticket);
    // Keeps only these; tunnels through others stay as long as they last.
    void retain(SwarmNumber swarm, const std::vector<std::string>& relays);
    void close(SwarmNumber swarm) { retain(swarm, {}); }
    // Asks for a tunnel to a member that is present. What comes of it shows as a link.
    void dial(SwarmNumber swarm, const std::string& relay, const MemberName& member);
    bool is_connected(SwarmNumber swarm, const std::string& relay) const;
    // What the near end at this address leads to; nullptr when it is no near end.
    const TunnelEnd* behind(const PeerAddress& near_end) const;
    // Nothing more is begun.
    void stop();

  private:
    using Key = std::pair<SwarmNumber, std::string>;
    enum class State { Idle, Dialling, Open };
    struct Control {
        std::array<std::byte, 20> info_hash{};
        std::string ticket;
        State state = State::Idle;
        std::uint64_t round = 0;  // of the connection that counts; others are late
        int failures = 0;
        SyncLoop::Time since{};
        std::shared_ptr<WebSocket> socket;  // used on ls-tunnel alone
        std::vector<MemberName> present;
    };
    class ControlEvents;

    void connect(const Key& key);
    void on_dialled(const Key& key, std::uint64_t round,
                    const std::shared_ptr<Result<DialledWebSocket>>& dialled);
    void on_open(const Key& key, std::uint64_t round, std::shared_ptr<WebSocket> socket);
    void on_message(const Key& key, std::uint64_t round, const std::string& bytes);
    void on_over(const Key& key, std::uint64_t round);
    void connect_later(const Key& key, std::chrono::milliseconds delay);
    void tell_present(const Key& key);
    // The control connection of this round; nullptr when another one counts.
    Control* find(const Key& key, std::uint64_t round);

    void open_end(const Key& key, const ControlMessage& message);
    // On a worker: builds the near end, and the data connection behind it.
    struct Task;
    static Status run_end(const std::shared_ptr<Task>& task);

    SyncLoop& loop_;
    const PeerAddress own_;
    const std::shared_ptr<const ProxyChoice> proxy_;
    Events events_;
    std::map<Key, Control> controls_;
    std::map<PeerAddress, TunnelEnd> near_ends_;
    std::size_t ends_under_way_ = 0;
    std::uint64_t last_round_ = 0;
    bool is_stopped_ = false;
    std::stop_source stop_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
    std::unique_ptr<WebSocketLoop> sockets_;
    std::unique_ptr<WorkerPool> workers_;
};

}  // namespace lockstep
