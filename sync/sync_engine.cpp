#include "sync/sync_engine.h"

#include <algorithm>
#include <map>
#include <set>

#include <sodium.h>

#include "base/log.h"
#include "base/random.h"
#include "sync/join/join_desk.h"
#include "sync/network_watch.h"
#include "sync/proxied_peers.h"
#include "sync/relay_client.h"
#include "sync/relay_url.h"
#include "sync/relay_watch.h"
#include "sync/tunnel_client.h"
#include "sync/vault_sync.h"

namespace lockstep {

namespace {

constexpr std::size_t kWorkers = 4;
constexpr std::size_t kMailboxWorkers = 2;
constexpr std::chrono::minutes kSteadyAfter{2};

// Where libtorrent can be reached from this machine.
PeerAddress own_address(const std::vector<std::string>& listen_addresses, std::uint16_t port) {
    for (const std::string& address : listen_addresses) {
        if (address == "0.0.0.0") return {"127.0.0.1", port};
        if (address.find(':') == std::string::npos) return {address, port};
    }
    return {"", port};
}

class Engine final : public SyncEngine, public TorrentEvents, public SwarmRegistry {
  public:
    explicit Engine(const SyncEngineOptions& options)
        : label_(options.device_label), want_timeout_(options.want_timeout), workers_(kWorkers) {
        proxy_->set(options.proxy);
    }

    Status begin(const SyncEngineOptions& options) {
        if (sodium_init() < 0) return Error{ErrorKind::Unsupported, "libsodium does not start"};
        TRY(net_, TorrentSession::start({.listen_addresses = options.listen_addresses,
                                         .listen_port = options.listen_port,
                                         .lan_discovery = options.lan_discovery,
                                         .dht = options.dht,
                                         .dht_bootstrap_nodes = options.dht_bootstrap_nodes,
                                         .port_mapping = options.port_mapping,
                                         .keeps_local = options.proxy != nullptr},
                                        *this));
        tickets_ = std::make_unique<RelayClient>(
            loop_, net_->listen_port(), proxy_,
            RelayClient::Events{
                [this](SwarmNumber swarm, const std::vector<std::string>& urls) {
                    net_->set_relays(swarm, urls);
                },
                [this](SwarmNumber swarm, const std::string& relay, const std::string& why) {
                    relay_answered(swarm, relay, false, why);
                },
                [this](SwarmNumber swarm, const std::string& relay, const std::string& ticket) {
                    on_ticket(swarm, relay, ticket);
                },
                [this](SwarmNumber swarm, const std::string& relay,
                       const std::vector<PeerAddress>& peers) {
                    for (const PeerAddress& peer : peers) net_->add_address(swarm, peer);
                    relay_answered(swarm, relay, true, "");
                },
                [this](const std::string& relay) { return may_ask(relay); },
                [this](const std::string& relay, const Status& status,
                       std::chrono::microseconds took) { relay_asked(relay, status, took); }});
        tunnels_ = std::make_unique<TunnelClient>(
            loop_, own_address(options.listen_addresses, net_->listen_port()), proxy_,
            TunnelClient::Events{[this](SwarmNumber swarm, const std::string& relay,
                                        const std::vector<MemberName>& members) {
                                     auto at = owners_.find(swarm);
                                     if (at != owners_.end())
                                         at->second->relay_present(swarm, relay, members);
                                     // Alone there, or the connection is lost.
                                     if (members.empty()) look_at_relay(swarm, relay);
                                 },
                                 [this](SwarmNumber swarm, const PeerAddress& near_end) {
                                     net_->add_address(swarm, near_end);
                                 },
                                 [this](SwarmNumber swarm, const std::string& relay) {
                                     tickets_->renew(swarm, relay);
                                 }});
        joins_ = std::make_unique<JoinDesk>(
            JoinDesk::Environment{*net_, loop_, workers_, *this,
                                  RelayWatch::questions(options.name_server, proxy_).resolve});
        loop_.run([&] {
            proxied_ = std::make_unique<ProxiedPeers>(
                loop_, proxy_, [this](SwarmNumber swarm, const PeerAddress& near_end) {
                    net_->add_address(swarm, near_end);
                });
        });
        watch_relays_ = std::make_unique<RelayWatch>(
            loop_, RelayWatch::questions(options.name_server, proxy_),
            RelayWatch::Events{[this] { take_relays(); },
                               [this](const std::string& relay) { on_relay_health(relay); }});
        loop_.run([&] { watch_relays_->set(options.relays); });
        loop_.post([this] { tick(); });
        return {};
    }

    ~Engine() override {
        loop_.run([this] {
            stopping_ = true;
            if (joins_ != nullptr) joins_->cancel_all();
        });
        std::vector<VaultId> vaults;
        loop_.run([&] {
            for (const auto& [id, vault] : vaults_) vaults.push_back(id);
        });
        loop_.run([this] {
            if (watch_relays_ != nullptr) watch_relays_->stop();
            if (tickets_ != nullptr) tickets_->stop();
            if (tunnels_ != nullptr) tunnels_->stop();
            if (proxied_ != nullptr) proxied_->stop();
        });
        for (const VaultId& vault : vaults) remove_vault(vault);
        loop_.run([this] { joins_.reset(); });
        tickets_.reset();  // waits for requests under way
        tunnels_.reset();
        proxied_.reset();
        watch_relays_.reset();
        net_.reset();  // no event comes after this
    }

    std::uint16_t listen_port() const override { return net_->listen_port(); }

    void set_label(const std::string& label) override {
        loop_.post([this, label] {
            label_ = label;
            for (auto& [id, vault] : vaults_) vault->set_label(label);
        });
    }

    void set_relays(const RelaySettings& relays) override {
        // Delegates of joins may call this while theirs are walked through.
        if (loop_.is_current()) return loop_.post([this, relays] { watch_relays_->set(relays); });
        loop_.run([&] { watch_relays_->set(relays); });
    }
    std::vector<RelayState> relay_states() const override { return watch_relays_->states(); }
    std::vector<RelayDomainState> relay_domains() const override {
        return watch_relays_->domains();
    }

    void set_proxy(std::shared_ptr<const Proxy> proxy) override {
        loop_.run([&] { take_proxy(proxy); });
    }
    void set_limits(const SyncLimits& limits) override {
        net_->set_limits(
            {.up = limits.up, .down = limits.down, .counts_in_lan = limits.counts_in_lan});
    }

    void network_changed() override {
        loop_.post([this] { reconnect_soon(); });
    }

    void call_soon(std::function<void()> task) override { loop_.post(std::move(task)); }

    Status add_vault(Replica& replica, const VaultSyncOptions& options) override {
        Status status;
        VaultId id = replica.vault_id();
        loop_.run([&] {
            if (vaults_.count(id) != 0) {
                status = Error{ErrorKind::Exists, "this vault is synced already"};
                return;
            }
            VaultSync::Environment environment{.net = *net_,
                                               .loop = loop_,
                                               .workers = workers_,
                                               .mailbox_workers = mailbox_workers_,
                                               .swarms = *this,
                                               .want_timeout = want_timeout_,
                                               .changed = [this](const VaultId& vault) {
                                                   if (change_listener_) change_listener_(vault);
                                               }};
            auto vault =
                std::make_shared<VaultSync>(environment, replica, options, relays_, label_);
            {
                MutexLock lock(mutex_);
                readable_[id] = vault;
            }
            vaults_[id] = vault;
            vault->start();
        });
        return status;
    }

    void leave_in_mailboxes(const VaultId& id, std::chrono::milliseconds patience) override {
        CHECK(!loop_.is_current(), "leave_in_mailboxes() would wait for its own thread");
        struct Left {
            Mutex mutex;
            CondVar wake;
            bool is_left GUARDED_BY(mutex) = false;
        };
        auto left = std::make_shared<Left>();
        auto tell = [left] {
            MutexLock lock(left->mutex);
            left->is_left = true;
            left->wake.notify_one();
        };
        auto until = std::chrono::steady_clock::now() + patience;
        loop_.post([this, id, tell] {
            auto at = vaults_.find(id);
            if (at == vaults_.end()) return tell();
            at->second->leave_in_mailboxes(tell);
        });
        MutexLock lock(left->mutex);
        while (!left->is_left && std::chrono::steady_clock::now() < until)
            (void)left->wake.wait_until(left->mutex, until);
    }

    void remove_vault(const VaultId& id) override {
        CHECK(!loop_.is_current(), "remove_vault() would wait for its own thread");
        std::shared_ptr<VaultSync> vault;
        loop_.run([&] {
            auto at = vaults_.find(id);
            if (at == vaults_.end()) return;
            vault = std::move(at->second);
            vaults_.erase(at);
            MutexLock lock(mutex_);
            readable_.erase(id);
            vault->stop();
        });
        if (vault == nullptr) return;
        vault->close();
        loop_.run([&] { vault.reset(); });
    }

    void pause(const VaultId& id) override {
        on_vault(id, [](VaultSync& vault) { vault.set_paused(true); });
    }
    void resume(const VaultId& id) override {
        on_vault(id, [](VaultSync& vault) { vault.set_paused(false); });
    }
    void add_known_address(const VaultId& id, const PeerAddress& address) override {
        on_vault(id, [address](VaultSync& vault) { vault.add_known_address(address); });
    }

    Result<VaultSyncStatus> status(const VaultId& id) override {
        std::shared_ptr<VaultSync> vault;
        {
            MutexLock lock(mutex_);
            auto at = readable_.find(id);
            if (at != readable_.end()) vault = at->second.lock();
        }
        if (vault == nullptr) return Error{ErrorKind::NotFound, "no such vault"};
        VaultSyncStatus out = vault->status();
        loop_.post([vault = std::move(vault)] {
        });  // whoever is last to hold it, it ends on its own thread
        return out;
    }

    void set_change_listener(std::function<void(const VaultId&)> listener) override {
        loop_.run([&] { change_listener_ = std::move(listener); });
    }

    JoinNumber host_join(const InviteSecret& secret, const JoinHostOptions& options,
                         std::shared_ptr<JoinHostDelegate> delegate) override {
        JoinNumber number = ++last_join_;
        loop_.post([=, this] { joins_->host(number, secret, options, relays_, label_, delegate); });
        return number;
    }
    JoinNumber join(const JoinTicket& ticket,
                    std::shared_ptr<JoinGuestDelegate> delegate) override {
        JoinNumber number = ++last_join_;
        loop_.post([=, this] { joins_->join(number, ticket, delegate); });
        return number;
    }
    void answer_guest(JoinNumber join, std::uint64_t guest, bool approve) override {
        loop_.post([=, this] { joins_->answer_guest(join, guest, approve); });
    }
    void cancel_join(JoinNumber join) override {
        loop_.post([=, this] { joins_->cancel(join); });
    }

    // SwarmRegistry.
    SwarmNumber open_swarm(SwarmOwner& owner, const SwarmSeed& seed, RelaySigner signer,
                           const std::vector<std::string>& relays,
                           const std::vector<PeerAddress>& addresses) override {
        SwarmNumber number = ++last_swarm_;
        owners_[number] = &owner;
        // Relays are announced to when it is known how: see RelayClient.
        net_->open_swarm(number, seed, {}, addresses);
        hashes_[number] = swarm_tracker_hash(seed);
        Meeting& meeting = meetings_[number];
        meeting.meets_everywhere = signer.meets_everywhere;
        meeting.relays = relays;
        meeting.places = places_of(number, meeting);
        tickets_->open(number, hashes_[number], std::move(signer), meeting.places);
        return number;
    }
    void set_relays(SwarmNumber swarm, const std::vector<std::string>& relays) override {
        auto at = meetings_.find(swarm);
        if (at == meetings_.end()) return;
        at->second.relays = relays;
        meet_at(swarm, at->second, places_of(swarm, at->second));
    }
    std::vector<std::string> relays_in_order(SwarmNumber swarm,
                                             std::vector<std::string> relays) override {
        return watch_relays_->pool().in_order(std::move(relays), hashes_.at(swarm));
    }
    void open_tunnel(SwarmNumber swarm, const std::string& relay,
                     const MemberName& member) override {
        tunnels_->dial(swarm, relay, member);
    }
    void announce_again(SwarmNumber swarm) override {
        net_->announce_again(swarm);
        tickets_->announce_again(swarm);
    }
    const PeerAddress* peer_behind(const PeerAddress& remote) const override {
        return proxied_->behind(remote);
    }
    std::shared_ptr<const Proxy> proxy() const override { return proxy_->get(); }
    const TunnelEnd* tunnel_behind(const PeerAddress& remote) const override {
        return tunnels_->behind(remote);
    }
    bool has_control(SwarmNumber swarm, const std::string& relay) const override {
        return tunnels_->is_connected(swarm, relay);
    }
    bool may_ask(const std::string& relay) const override {
        return watch_relays_->pool().is_usable(relay);
    }
    void relay_asked(const std::string& relay, const Status& status,
                     std::chrono::microseconds took) override {
        watch_relays_->on_asked(relay, status, took);
    }
    void close_swarm(SwarmNumber swarm) override {
        owners_.erase(swarm);
        hashes_.erase(swarm);
        meetings_.erase(swarm);
        tickets_->close(swarm);
        tunnels_->close(swarm);
        proxied_->close(swarm);
        net_->close_swarm(swarm);
    }

    // TorrentEvents, on ls-net.
    void link_opened(SwarmNumber swarm, LinkNumber link, LinkSide side,
                     const PeerAddress& remote) override {
        to_owner(swarm, [=](SwarmOwner& owner) { owner.link_opened(swarm, link, side, remote); });
    }
    void link_frame(SwarmNumber swarm, LinkNumber link,
                    std::shared_ptr<InboundFrame> frame) override {
        to_owner(swarm, [=](SwarmOwner& owner) { owner.link_frame(link, frame); });
    }
    void link_closed(SwarmNumber swarm, LinkNumber link) override {
        to_owner(swarm, [=](SwarmOwner& owner) { owner.link_closed(link); });
    }
    void peer_elsewhere(SwarmNumber swarm, const PeerAddress& peer) override {
        loop_.post([this, swarm, peer] {
            if (proxied_ != nullptr && owners_.count(swarm) != 0) proxied_->want(swarm, peer);
        });
    }
    void relay_answered(SwarmNumber swarm, const std::string& url, bool ok,
                        const std::string& message) override {
        to_owner(swarm, [relay = RelayClient::without_ticket(url), ok, message](SwarmOwner& owner) {
            owner.relay_answered(relay, ok, message);
        });
    }
    void pack_seeding(const PackId& pack, bool ok) override {
        to_vaults([=](VaultSync& vault) { vault.pack_seeding(pack, ok); });
    }
    void pack_progress(const PackId& pack, std::uint64_t bytes) override {
        to_vaults([=](VaultSync& vault) { vault.pack_progress(pack, bytes); });
    }
    void pack_fetched(const PackId& pack, const std::filesystem::path& file) override {
        to_vaults([=](VaultSync& vault) { vault.pack_fetched(pack, file); });
    }
    void pack_failed(const PackId& pack, const std::string& why) override {
        to_vaults([=](VaultSync& vault) { vault.pack_failed(pack, why); });
    }

  private:
    // Where a swarm's members meet.
    struct Meeting {
        std::vector<std::string> relays;  // as its owner wants
        std::vector<std::string> places;  // those of them that the strategy takes
        bool meets_everywhere = false;
    };

    std::vector<std::string> places_of(SwarmNumber swarm, const Meeting& meeting) {
        if (meeting.meets_everywhere) return meeting.relays;
        std::vector<std::string> out;
        for (const std::string& place : watch_relays_->pool().places_of(hashes_.at(swarm)))
            if (std::count(meeting.relays.begin(), meeting.relays.end(), place) != 0)
                out.push_back(place);
        return out;
    }
    void meet_at(SwarmNumber swarm, Meeting& meeting, const std::vector<std::string>& places) {
        if (meeting.places == places) return;
        meeting.places = places;
        tickets_->set_relays(swarm, places);
        tunnels_->retain(swarm, places);
        owners_.at(swarm)->relay_places(swarm, places);
    }
    // The relays are others than before.
    void take_relays() {
        relays_ = watch_relays_->urls();
        tickets_->set_tokens(watch_relays_->tokens());
        for (auto& [id, vault] : vaults_) vault->set_relays(relays_);
        joins_->set_relays(relays_);
    }
    void look_at_relay(SwarmNumber swarm, const std::string& relay) {
        if (!tunnels_->is_connected(swarm, relay))
            watch_relays_->pool().check_soon(relay, std::chrono::steady_clock::now());
    }
    void on_relay_health(const std::string& relay) {
        for (auto& [swarm, meeting] : meetings_) meet_at(swarm, meeting, places_of(swarm, meeting));
        bool is_usable = watch_relays_->pool().is_usable(relay);
        if (is_usable) tickets_->retry(relay);
        for (const auto& [swarm, meeting] : meetings_) {
            if (std::count(meeting.places.begin(), meeting.places.end(), relay) == 0) continue;
            // It may have been started anew, and know nobody any more.
            if (is_usable)
                announce_again(swarm);
            else
                owners_.at(swarm)->relay_answered(relay, false,
                                                  watch_relays_->pool().problem_of(relay));
        }
    }

    template <typename F>
    void to_owner(SwarmNumber swarm, F call) {
        loop_.post([this, swarm, call] {
            auto at = owners_.find(swarm);
            if (at != owners_.end()) call(*at->second);
        });
    }
    // Pack ids are random enough to be nobody else's: each vault ignores what it does not know.
    template <typename F>
    void to_vaults(F call) {
        loop_.post([this, call] {
            for (auto& [id, vault] : vaults_) call(*vault);
        });
    }
    template <typename F>
    void on_vault(const VaultId& id, F call) {
        loop_.post([this, id, call] {
            auto at = vaults_.find(id);
            if (at != vaults_.end()) call(*at->second);
        });
    }

    void on_ticket(SwarmNumber swarm, const std::string& relay, const std::string& ticket) {
        auto hash = hashes_.find(swarm);
        if (hash == hashes_.end()) return;
        tunnels_->admit(swarm, relay, hash->second, ticket);
        owners_.at(swarm)->relay_admitted(swarm, relay, ticket);
    }

    // Jittered, so that members do not all come back at one moment; later each time while the
    // network goes on changing.
    void reconnect_soon() {
        if (stopping_ || std::exchange(reconnect_armed_, true)) return;
        auto now = std::chrono::steady_clock::now();
        if (now - reconnected_ > kSteadyAfter) flaps_ = 0;
        auto delay = std::chrono::milliseconds(system_random().u64() % 1000);
        if (flaps_ != 0) delay += std::chrono::seconds(1 << std::min(flaps_, 6));
        ++flaps_;
        loop_.post_after(delay, [this] {
            reconnect_armed_ = false;
            if (stopping_) return;
            reconnected_ = std::chrono::steady_clock::now();
            for (auto& [id, vault] : vaults_) vault->reconnect();
        });
    }

    void look_at_network() {
        switch (watch_.compare(NetworkWatch::look())) {
            case NetworkWatch::News::None:
                return;
            case NetworkWatch::News::Grown:
                for (auto& [id, vault] : vaults_) vault->announce_again();
                return;
            case NetworkWatch::News::Broken:
                log_info("sync", "the network has changed: connecting anew");
                return reconnect_soon();
        }
    }

    void tick() {
        if (stopping_) return;
        if (++ticks_ % 3 == 0) look_at_network();
        std::set<std::string> in_use;
        for (const auto& [swarm, meeting] : meetings_)
            in_use.insert(meeting.places.begin(), meeting.places.end());
        watch_relays_->tick(std::chrono::steady_clock::now(), !meetings_.empty(), in_use);
        for (auto& [id, vault] : vaults_) vault->tick();
        joins_->tick();
        loop_.post_after(std::chrono::seconds(1), [this] { tick(); });
    }

    // All that is connected goes the old way: it ends, and begins anew.
    void take_proxy(const std::shared_ptr<const Proxy>& proxy) {
        const auto before = proxy_->get();
        const bool is_same =
            before == nullptr || proxy == nullptr ? before == proxy : *before == *proxy;
        if (stopping_ || is_same) return;
        log_info("sync", "the proxy is {}", proxy == nullptr ? "none" : shown_proxy_url(*proxy));
        proxy_->set(proxy);
        net_->keep_local(proxy != nullptr);
        proxied_->start_over();
        for (const auto& [swarm, hash] : hashes_) tunnels_->close(swarm);
        watch_relays_->start_over();
        tickets_->start_over();
        for (auto& [id, vault] : vaults_) vault->reconnect();
    }

    // On ls-sync:
    bool stopping_ = false;
    std::vector<std::string> relays_;
    std::string label_;
    const std::chrono::milliseconds want_timeout_;
    NetworkWatch watch_;
    std::uint64_t ticks_ = 0;
    bool reconnect_armed_ = false;
    int flaps_ = 0;
    std::chrono::steady_clock::time_point reconnected_{};
    std::map<VaultId, std::shared_ptr<VaultSync>> vaults_;
    std::map<SwarmNumber, SwarmOwner*> owners_;
    std::map<SwarmNumber, RelayInfoHash> hashes_;
    std::map<SwarmNumber, Meeting> meetings_;
    SwarmNumber last_swarm_ = 0;
    std::function<void(const VaultId&)> change_listener_;
    std::unique_ptr<JoinDesk> joins_;
    std::unique_ptr<RelayClient> tickets_;
    std::unique_ptr<TunnelClient> tunnels_;
    std::unique_ptr<ProxiedPeers> proxied_;
    std::unique_ptr<RelayWatch> watch_relays_;

    const std::shared_ptr<ProxyChoice> proxy_ = std::make_shared<ProxyChoice>();
    std::atomic<JoinNumber> last_join_{0};
    Mutex mutex_;
    std::map<VaultId, std::weak_ptr<VaultSync>> readable_ GUARDED_BY(mutex_);

    // Workers post to the loop and the loop uses the session, so they end in the reverse order.
    SyncLoop loop_;
    WorkerPool workers_;
    WorkerPool mailbox_workers_{kMailboxWorkers, "ls-mailbox"};
    std::unique_ptr<TorrentSession> net_;
};

}  // namespace

Result<std::unique_ptr<SyncEngine>> SyncEngine::start(const SyncEngineOptions& options) {
    auto engine = std::make_unique<Engine>(options);
    TRY_OK(engine->begin(options));
    return std::unique_ptr<SyncEngine>(std::move(engine));
}

}  // namespace lockstep
