// RelayClient: gets tickets from relays for the swarms of this device, in time, and says under
// which URL each relay's tracker is to be announced to.
//
// Asking blocks, so it happens on threads of its own; everything else is on ls-sync. A relay that
// knows no tickets (any BitTorrent tracker) is announced to as it is.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/worker_pool.h"
#include "sync/swarm_owner.h"
#include "sync/sync_loop.h"

namespace lockstep {

// What relays know a swarm by: its tracker's info hash.
using RelayInfoHash = std::array<std::byte, 20>;

// THREADS: ls-sync.
class RelayClient {
  public:
    struct Events {
        // Under which URLs to announce from now on.
        std::function<void(SwarmNumber, const std::vector<std::string>& urls)> announce_to;
        // A relay refused the swarm, for this reason.
        std::function<void(SwarmNumber, const std::string& relay, const std::string& why)> refused;
    };
    RelayClient(SyncLoop& loop, Events events);
    // Gives up requests under way.
    ~RelayClient();
    RelayClient(const RelayClient&) = delete;
    RelayClient& operator=(const RelayClient&) = delete;

    // `relays` are announce URLs. `signer` signs from threads of the client's.
    void open(SwarmNumber swarm, const RelayInfoHash& info_hash, RelaySigner signer,
              const std::vector<std::string>& relays);
    void close(SwarmNumber swarm);
    void set_relays(SwarmNumber swarm, const std::vector<std::string>& relays);
    // Nothing more is asked for.
    void stop();

    // The relay's own URL of one that carries a ticket.
    static std::string without_ticket(const std::string& url);

  private:
    struct Relay {
        std::string url{};
        // What to announce to; empty while that is not known.
        std::string announce{};
        int failures = 0;
        std::uint64_t round = 0;  // of the request under way or waiting
    };
    struct SwarmState {
        RelayInfoHash info_hash{};
        RelaySigner signer;
        std::array<std::byte, 20> member{};
        std::vector<Relay> relays;
    };
    struct Outcome {
        enum class Kind { Ticket, NoTickets, Refused, Unreachable };
        Kind kind = Kind::Unreachable;
        std::string text{};  // the ticket, or why there is none
        std::chrono::seconds lifetime{};
    };

    static Outcome ask(const std::string& url, const SwarmState& swarm,
                       const std::stop_token& stop);
    void ask_soon(SwarmNumber swarm, const std::string& url);
    void on_outcome(SwarmNumber swarm, const std::string& url, std::uint64_t round,
                    const Outcome& outcome);
    void ask_later(SwarmNumber swarm, const Relay& relay, std::chrono::milliseconds delay);
    void tell(SwarmNumber swarm);
    Relay* find(SwarmNumber swarm, const std::string& url);

    SyncLoop& loop_;
    Events events_;
    std::map<SwarmNumber, SwarmState> swarms_;
    std::uint64_t last_round_ = 0;
    bool is_stopped_ = false;
    std::stop_source stop_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
    WorkerPool workers_;
};

}  // namespace lockstep
