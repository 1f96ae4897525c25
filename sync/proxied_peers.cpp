#include "sync/proxied_peers.h"

#include <algorithm>

#include "base/log.h"
#include "sync/jitter.h"
#include "sync/near_socket.h"

namespace lockstep {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kThreads = 4;
constexpr std::size_t kWishesMax = 256;
constexpr seconds kDialTimeout{15};
constexpr seconds kAcceptTimeout{10};
constexpr seconds kRetryFirst{5};
constexpr seconds kRetryMax{300};
// Then it is wanted again only by whoever names it anew: a relay's next answer, another member.
constexpr int kFailuresMax = 8;
// A connection that ended sooner counts as a failure: the other end does not want it, or has
// another one to this device.
constexpr seconds kSteadyAfter{30};

}  // namespace

ProxiedPeers::ProxiedPeers(SyncLoop& loop, std::shared_ptr<const ProxyChoice> proxy, Dial dial)
    : loop_(loop), proxy_(std::move(proxy)), dial_(std::move(dial)) {}

ProxiedPeers::~ProxiedPeers() {
    stop_.request_stop();
    workers_.reset();  // its tasks use the pipes
    pipes_.reset();
}

void ProxiedPeers::stop() {
    is_stopped_ = true;
    stop_.request_stop();
    wishes_.clear();
    alive_.reset();
}

void ProxiedPeers::start_over() {
    stop_.request_stop();
    stop_ = std::stop_source();
    wishes_.clear();
    near_ends_.clear();
    alive_ = std::make_shared<int>(0);
    if (pipes_ != nullptr) pipes_->close_all();
}

void ProxiedPeers::want(SwarmNumber swarm, const PeerAddress& peer) {
    if (is_stopped_ || proxy_->get() == nullptr || wishes_.contains({swarm, peer})) return;
    if (wishes_.size() >= kWishesMax && !forget_the_worst())
        return log_info("sync", "too many peers through the proxy");
    dial({swarm, peer});
}

// A relay that names many who are not there shall not keep out who is.
bool ProxiedPeers::forget_the_worst() {
    auto worst = wishes_.end();
    for (auto at = wishes_.begin(); at != wishes_.end(); ++at) {
        if (at->second.state != State::Waiting) continue;
        if (worst == wishes_.end() || at->second.failures > worst->second.failures) worst = at;
    }
    if (worst == wishes_.end()) return false;
    wishes_.erase(worst);
    return true;
}

void ProxiedPeers::close(SwarmNumber swarm) {
    std::erase_if(wishes_, [&](const auto& wish) { return wish.first.first == swarm; });
}

const PeerAddress* ProxiedPeers::behind(const PeerAddress& near_end) const {
    auto at = near_ends_.find(near_end);
    return at == near_ends_.end() ? nullptr : &at->second;
}

ProxiedPeers::Wish* ProxiedPeers::find(const Key& key, std::uint64_t round) {
    auto at = wishes_.find(key);
    return at == wishes_.end() || at->second.round != round ? nullptr : &at->second;
}

struct ProxiedPeers::Task {
    ProxiedPeers* owner = nullptr;
    SyncLoop* loop = nullptr;
    SocketPipes* pipes = nullptr;
    std::weak_ptr<int> alive;
    std::stop_token stop;
    std::shared_ptr<const Proxy> proxy;
    Key key;
    std::uint64_t round = 0;
    PeerAddress near_end{};

    // On ls-sync, while the owner is there and has not started over.
    void on_loop(std::function<void(ProxiedPeers&)> call) const {
        loop->post([owner = owner, alive = alive, call = std::move(call)] {
            if (!alive.expired()) call(*owner);
        });
    }
    void tell_over() const {
        on_loop([key = key, round = round, near_end = near_end](ProxiedPeers& self) {
            self.on_over(key, round, near_end);
        });
    }
};

void ProxiedPeers::dial(const Key& key) {
    auto proxy = proxy_->get();
    if (is_stopped_ || proxy == nullptr) return;
    if (workers_ == nullptr) {
        pipes_ = std::make_unique<SocketPipes>("ls-proxy");
        workers_ = std::make_unique<WorkerPool>(kThreads, "ls-proxy");
    }
    Wish& wish = wishes_[key];
    wish.state = State::Dialling;
    wish.round = ++last_round_;
    auto task = std::make_shared<Task>(Task{.owner = this,
                                            .loop = &loop_,
                                            .pipes = pipes_.get(),
                                            .alive = alive_,
                                            .stop = stop_.get_token(),
                                            .proxy = std::move(proxy),
                                            .key = key,
                                            .round = wish.round});
    workers_->submit([task] {
        Status status = task->stop.stop_requested() ? Status() : run(task);
        if (status.ok()) return;
        log_debug("sync", "a peer is not reached: {}", status.error().message);
        task->tell_over();
    });
}

// On a worker.
Status ProxiedPeers::run(const std::shared_ptr<Task>& task) {
    const auto patience_for = [&](seconds time) {
        return Patience(std::chrono::steady_clock::now() + time, task->stop);
    };
    const PeerAddress& peer = task->key.second;
    TRY(UniqueFd far,
        connect_through(*task->proxy, peer.host, peer.port, patience_for(kDialTimeout)));
    TRY(NearSocket near, make_near_socket());
    TRY_OK(listen_near(near));
    task->near_end = near.address;
    task->on_loop([key = task->key, round = task->round, at = near.address](ProxiedPeers& self) {
        self.on_open(key, round, at);
    });
    TRY(UniqueFd accepted, accept_near(near, patience_for(kAcceptTimeout)));
    task->pipes->add(std::move(far), std::move(accepted), [task] { task->tell_over(); });
    return {};
}

void ProxiedPeers::on_open(const Key& key, std::uint64_t round, const PeerAddress& near_end) {
    Wish* wish = find(key, round);
    if (wish == nullptr) return;
    wish->state = State::Open;
    wish->since = std::chrono::steady_clock::now();
    near_ends_[near_end] = key.second;
    dial_(key.first, near_end);
}

void ProxiedPeers::on_over(const Key& key, std::uint64_t round, const PeerAddress& near_end) {
    near_ends_.erase(near_end);
    Wish* wish = find(key, round);
    if (wish == nullptr) return;
    const bool was_steady =
        wish->state == State::Open && std::chrono::steady_clock::now() - wish->since > kSteadyAfter;
    wish->state = State::Waiting;
    wish->failures = was_steady ? 0 : wish->failures + 1;
    if (wish->failures > kFailuresMax) {
        wishes_.erase(key);
        return;
    }
    const seconds wait =
        std::min<seconds>(kRetryMax, kRetryFirst * (1 << std::max(wish->failures - 1, 0)));
    loop_.post_after(jittered(wait), [this, alive = std::weak_ptr<int>(alive_), key, round] {
        if (!alive.expired() && find(key, round) != nullptr) dial(key);
    });
}

}  // namespace lockstep
