// RelayClient: gets tickets from relays for the swarms of this device, in time, and says under
// which URL each relay's tracker is to be announced to. To relays with a pinned key, which
// libtorrent cannot check, and to all while there is a proxy, it announces itself.
//
// Asking blocks, so it happens on threads of its own; everything else is on ls-sync. A relay that
// knows no tickets (any BitTorrent tracker) is announced to as it is.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/worker_pool.h"
#include "sync/relay_url.h"
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
        // A relay has given a ticket.
        std::function<void(SwarmNumber, const std::string& relay, const std::string& ticket)>
            admitted;
        // A relay that we announce to ourselves has answered with these.
        std::function<void(SwarmNumber, const std::string& relay,
                           const std::vector<PeerAddress>& peers)>
            announced;
        // Whether a relay may be asked now; else not before retry(). Absent: always.
        std::function<bool(const std::string& relay)> may_ask{};
        // A relay has answered a request, whatever it said; or has not.
        std::function<void(const std::string& relay, const Status& status,
                           std::chrono::microseconds took)>
            asked{};
    };
    // `listen_port` is where others may connect. With a proxy the client announces itself to all
    // relays, through it, and announce_to() gets none.
    RelayClient(SyncLoop& loop, std::uint16_t listen_port, std::shared_ptr<const ProxyChoice> proxy,
                Events events);
    // Gives up requests under way.
    ~RelayClient();
    RelayClient(const RelayClient&) = delete;
    RelayClient& operator=(const RelayClient&) = delete;

    // `relays` are announce URLs. `signer` signs from threads of the client's.
    void open(SwarmNumber swarm, const RelayInfoHash& info_hash, RelaySigner signer,
              const std::vector<std::string>& relays);
    void close(SwarmNumber swarm);
    void set_relays(SwarmNumber swarm, const std::vector<std::string>& relays);
    // Access tokens by http(s)://HOST:PORT; relays whose token is another are asked again.
    void set_tokens(const std::map<std::string, std::string>& tokens);
    // Announces now where it announces itself.
    void announce_again(SwarmNumber swarm);
    // Asks for another ticket now: the relay takes the last one no more.
    void renew(SwarmNumber swarm, const std::string& relay) { ask_soon(swarm, relay); }
    // The relay may be asked again.
    void retry(const std::string& relay);
    // Asks all relays anew: the proxy is another one.
    void start_over();
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
        std::uint64_t round = 0;     // of the request under way or waiting
        bool is_left_alone = false;  // until retry()
    };
    struct SwarmState {
        RelayInfoHash info_hash{};
        RelaySigner signer;
        MemberName random_name{};
        std::vector<Relay> relays;
    };
    // How a request for a ticket went, if one was sent: ok when it was answered.
    struct Asked {
        std::optional<Status> status{};
        std::chrono::microseconds took{};
    };
    struct Outcome {
        enum class Kind { Ticket, NoTickets, Refused, Unreachable };
        Kind kind = Kind::Unreachable;
        std::string text{};  // the ticket, or why there is none
        std::chrono::seconds lifetime{};
        Asked asked{};
        // Of an announce of our own.
        bool has_announced = false;
        std::string announce_failure{};
        std::chrono::seconds interval{};
        std::vector<PeerAddress> peers{};
    };

    struct Question {
        std::string url;
        SwarmState swarm;
        std::string token;
        std::uint16_t listen_port = 0;
        std::shared_ptr<const Proxy> proxy;
        std::stop_token stop;
    };
    static Outcome ask(const Question& question);
    static Outcome ask_ticket(const Question& question, const RelayUrl& address, HttpClient& client,
                              Asked& asked);
    static void announce(const Question& question, HttpClient& client, Outcome& outcome);
    void ask_soon(SwarmNumber swarm, const std::string& url);
    void on_outcome(SwarmNumber swarm, const std::string& url, std::uint64_t round,
                    const Outcome& outcome);
    void ask_later(SwarmNumber swarm, const Relay& relay, std::chrono::milliseconds delay);
    void tell(SwarmNumber swarm);
    // libtorrent cannot tell whether a relay has the pinned key, and knows no proxy.
    bool announces_itself(const std::string& url) const;
    Relay* find(SwarmNumber swarm, const std::string& url);

    SyncLoop& loop_;
    const std::uint16_t listen_port_;
    const std::shared_ptr<const ProxyChoice> proxy_;
    Events events_;
    std::map<std::string, std::string> tokens_;
    std::map<SwarmNumber, SwarmState> swarms_;
    std::uint64_t last_round_ = 0;
    bool is_stopped_ = false;
    std::stop_source stop_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
    WorkerPool workers_;
};

}  // namespace lockstep
