#include "sync/relay_pool.h"

#include <algorithm>
#include <cmath>

#include <sodium.h>

#include "base/bytes.h"
#include "sync/relay_url.h"

namespace lockstep {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Circuit = RelayState::Circuit;

constexpr std::uint32_t kFailuresMax = 3;
constexpr milliseconds kCheckAgain{1000};
constexpr seconds kOpenFirst{5};
constexpr seconds kOpenMax{300};
constexpr seconds kCheckEvery{60};
// How long a probe may be under way before it is taken for lost.
constexpr seconds kProbeLost{30};
constexpr std::size_t kMeetingPlaces = 2;
constexpr std::string_view kHashContext = "lockstep relay rendezvous 1";

// In (0, 1), never at its ends.
double fraction_of(std::uint64_t number) {
    return (static_cast<double>(number >> 12) + 0.5) * 0x1p-52;
}

// DNS gives a weight of 0 to those that shall be taken only now and then.
double share_of(std::uint32_t weight) {
    return weight == 0 ? 0.1 : static_cast<double>(weight);
}

}  // namespace

double rendezvous_score(std::string_view relay_origin, std::uint32_t weight,
                        const RelayPool::SwarmHash& swarm) {
    Bytes message = to_bytes(as_bytes(kHashContext));
    append(message, swarm);
    append(message, as_bytes(relay_origin));
    std::array<unsigned char, crypto_generichash_BYTES> hash{};
    crypto_generichash(hash.data(), hash.size(), u8(ByteView(message)), message.size(), nullptr, 0);
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < 8; ++i) number = number << 8 | hash[i];
    return -share_of(weight) / std::log(fraction_of(number));
}

bool RelayPool::Relay::is_usable() const {
    return circuit == Circuit::Unknown || circuit == Circuit::Up;
}

void RelayPool::set_relays(const std::vector<RelayEntry>& entries) {
    std::vector<Relay> old = std::exchange(relays_, {});
    for (const RelayEntry& entry : entries) {
        std::string announce = relay_announce_url(entry.url);
        if (find(announce) != nullptr) continue;
        auto known = std::find_if(old.begin(), old.end(),
                                  [&](auto& one) { return one.announce == announce; });
        relays_.push_back(known != old.end() ? *known : Relay{.entry = {}, .announce = announce});
        relays_.back().entry = entry;
    }
}

RelayPool::Relay* RelayPool::find(const std::string& relay) {
    auto at = std::find_if(relays_.begin(), relays_.end(),
                           [&](const Relay& one) { return one.announce == relay; });
    return at == relays_.end() ? nullptr : &*at;
}

const RelayPool::Relay* RelayPool::find(const std::string& relay) const {
    return const_cast<RelayPool*>(this)->find(relay);
}

// Up to a quarter more or less, so that devices do not come all at once.
milliseconds RelayPool::jittered(milliseconds time) {
    auto part = static_cast<std::int64_t>(random_.u64() % 512);
    return time * 3 / 4 + milliseconds(time.count() * part / 1024);
}

bool RelayPool::on_answer(const std::string& relay, Time now, microseconds took) {
    Relay* one = find(relay);
    if (one == nullptr) return false;
    bool was_usable = one->is_usable();
    one->circuit = Circuit::Up;
    one->failures = 0;
    one->problem.clear();
    one->is_probed = false;
    one->next_probe = now + jittered(kCheckEvery);
    // The last few count: a single slow answer changes little.
    one->latency = one->latency ? (*one->latency * 3 + took) / 4 : took;
    return !was_usable;
}

bool RelayPool::on_failure(const std::string& relay, Time now, const std::string& why) {
    Relay* one = find(relay);
    if (one == nullptr) return false;
    bool was_usable = one->is_usable();
    // What was asked before the circuit opened says nothing new.
    if (!was_usable && !one->is_probed) return false;
    one->is_probed = false;
    one->problem = why;
    ++one->failures;
    if (one->failures < kFailuresMax) {
        one->next_probe = std::min(one->next_probe, now + jittered(kCheckAgain));
        return false;
    }
    one->circuit = Circuit::Down;
    auto times = 1U << std::min(one->failures - kFailuresMax, 8U);
    one->next_probe = now + jittered(std::min<seconds>(kOpenMax, kOpenFirst * times));
    return was_usable;
}

void RelayPool::check_soon(const std::string& relay, Time now) {
    Relay* one = find(relay);
    if (one != nullptr && one->is_usable() && !one->is_probed) one->next_probe = now;
}

std::vector<std::string> RelayPool::due_probes(Time now, const std::set<std::string>& in_use) {
    std::vector<std::string> out;
    for (Relay& relay : relays_) {
        bool is_of_interest = !relay.is_usable() || in_use.count(relay.announce) != 0;
        if (now < relay.next_probe || !is_of_interest) continue;
        relay.is_probed = true;
        relay.next_probe = now + kProbeLost;
        if (relay.circuit == Circuit::Down) relay.circuit = Circuit::Trying;
        out.push_back(relay.announce);
    }
    return out;
}

bool RelayPool::is_usable(const std::string& relay) const {
    const Relay* one = find(relay);
    return one == nullptr || one->is_usable();
}

std::string RelayPool::problem_of(const std::string& relay) const {
    const Relay* one = find(relay);
    return one == nullptr ? "" : one->problem;
}

std::vector<std::string> RelayPool::places_of(const SwarmHash& swarm) {
    std::vector<std::string> out;
    for (const Relay& relay : relays_) out.push_back(relay.announce);
    if (strategy_ != RelayStrategy::Hash) return out;
    out = in_order(std::move(out), swarm);
    out.resize(std::min(out.size(), kMeetingPlaces));
    return out;
}

std::vector<std::string> RelayPool::in_order(std::vector<std::string> relays,
                                             const SwarmHash& swarm) {
    struct Candidate {
        bool is_down = false;
        std::uint32_t priority = 0;
        double cost = 0;  // the least first
        std::string url;
    };
    std::vector<Candidate> candidates;
    std::size_t turn = strategy_ == RelayStrategy::RoundRobin ? turn_++ : 0;
    for (std::size_t i = 0; i < relays_.size(); ++i) {
        const Relay& relay = relays_[i];
        if (std::count(relays.begin(), relays.end(), relay.announce) == 0) continue;
        double cost = 0;
        switch (strategy_) {
            case RelayStrategy::Failover:
                cost = static_cast<double>(i);
                break;
            case RelayStrategy::RoundRobin:
                cost = static_cast<double>((i + relays_.size() - turn % relays_.size()) %
                                           relays_.size());
                break;
            case RelayStrategy::Weighted:
                cost = -std::log(fraction_of(random_.u64())) / share_of(relay.entry.weight);
                break;
            case RelayStrategy::LeastLatency:
                cost = relay.latency ? static_cast<double>(relay.latency->count()) : 1e12;
                break;
            case RelayStrategy::Hash:
                cost = -rendezvous_score(relay_origin(relay.announce), relay.entry.weight, swarm);
                break;
        }
        candidates.push_back({!relay.is_usable(), relay.entry.priority, cost, relay.announce});
    }
    std::stable_sort(candidates.begin(), candidates.end(), [](const auto& a, const auto& b) {
        return std::tie(a.is_down, a.priority, a.cost) < std::tie(b.is_down, b.priority, b.cost);
    });
    std::vector<std::string> out;
    for (const Candidate& candidate : candidates) out.push_back(candidate.url);
    return out;
}

std::vector<RelayState> RelayPool::states(Time now) const {
    std::vector<RelayState> out;
    for (const Relay& relay : relays_) {
        RelayState state{.url = relay.entry.url,
                         .domain = relay.entry.domain,
                         .priority = relay.entry.priority,
                         .weight = relay.entry.weight,
                         .circuit = relay.circuit,
                         .failures = relay.failures,
                         .problem = relay.problem,
                         .retry_in = milliseconds(0),
                         .latency = relay.latency};
        if (relay.circuit == Circuit::Down && relay.next_probe > now)
            state.retry_in = std::chrono::duration_cast<milliseconds>(relay.next_probe - now);
        out.push_back(std::move(state));
    }
    return out;
}

}  // namespace lockstep
