// RelayWatch: keeps knowing which relays a device has, and which of them are well: asks DNS, asks
// /healthz, and hears of every request to a relay. What follows from it: relay_pool.h.
//
// Asking blocks, so it happens on threads of its own ("ls-health-N"); the rest is on ls-sync. It
// asks nobody anything while no swarm is open.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/http/proxy.h"
#include "base/mutex.h"
#include "base/worker_pool.h"
#include "sync/relay_pool.h"
#include "sync/srv_resolver.h"
#include "sync/sync_loop.h"

namespace lockstep {

class RelayWatch {
  public:
    struct Events {
        // Other relays than before: urls() and tokens().
        std::function<void()> relays_changed;
        // A relay became usable, or is usable no more.
        std::function<void(const std::string& relay)> health_changed;
    };
    // Both block, and are called on threads of its own.
    struct Questions {
        std::function<Result<SrvAnswer>(const std::string& domain)> resolve;
        std::function<Status(const std::string& relay, const std::stop_token&)> ask_health;
    };
    // Those of the real world. With a proxy DNS is not asked, since that would go around it.
    static Questions questions(const PeerAddress& name_server,
                               std::shared_ptr<const ProxyChoice> proxy);

    RelayWatch(SyncLoop& loop, Questions questions, Events events);
    // Gives up requests under way.
    ~RelayWatch();
    RelayWatch(const RelayWatch&) = delete;
    RelayWatch& operator=(const RelayWatch&) = delete;

    // Tells of changed relays at once, and again when DNS has answered.
    void set(const RelaySettings& settings);
    // Asks everybody anew, as if nothing were known: the proxy is another one.
    void start_over();
    // `in_use` are the relays that serve a swarm.
    void tick(SyncLoop::Time now, bool is_wanted, const std::set<std::string>& in_use);
    // Of a request that somebody else made.
    void on_asked(const std::string& relay, const Status& status, std::chrono::microseconds took);
    void stop();

    // Announce URLs.
    std::vector<std::string> urls() const;
    RelayTokens tokens() const;
    RelayPool& pool() { return pool_; }

    // THREADS: any.
    std::vector<RelayState> states() const;
    std::vector<RelayDomainState> domains() const;

  private:
    struct Domain {
        std::vector<SrvRecord> records{};
        std::string problem{};
        int failures = 0;
        bool is_asked = false;
        SyncLoop::Time next{};
    };
    void gather();
    void probe(const std::string& relay);
    void resolve(const std::string& url);
    void on_resolved(const std::string& url, const Result<SrvAnswer>& answer);
    void publish();

    SyncLoop& loop_;
    const Questions questions_;
    const Events events_;
    RelaySettings settings_;
    std::map<std::string, Domain> domains_;  // by srv: entry
    std::vector<RelayEntry> entries_;
    RelayPool pool_;
    bool is_stopped_ = false;
    std::stop_source stop_;
    mutable Mutex mutex_;
    std::vector<RelayState> states_ GUARDED_BY(mutex_);
    std::vector<RelayDomainState> domain_states_ GUARDED_BY(mutex_);
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
    WorkerPool workers_;
};

}  // namespace lockstep
