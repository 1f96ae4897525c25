// RelayPool: which of a device's relays are well, and which serves what. It decides; RelayWatch
// acts.
//
// Every relay has a circuit. It is closed while the relay answers; after three failures in a row it
// opens, and nobody asks the relay anything for a time that doubles with each failure more, with
// jitter; then it is half open: one probe is sent, which closes it or opens it again.
#pragma once

#include <array>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "sync/relay_strategy.h"

namespace lockstep {

struct RelayEntry {
    std::string url{};  // without the path that is announced to; with its pin
    std::string domain{};
    // As in DNS: those of a higher number only where none of a lower one is well.
    std::uint32_t priority = 0;
    std::uint32_t weight = 1;
};

// THREADS: one.
class RelayPool {
  public:
    using Time = std::chrono::steady_clock::time_point;
    using SwarmHash = std::array<std::byte, 20>;

    explicit RelayPool(Random& random) : random_(random) {}

    // What is known of those that stay, stays known.
    void set_relays(const std::vector<RelayEntry>& entries);
    void set_strategy(RelayStrategy strategy) { strategy_ = strategy; }

    // The relay has answered, whatever it said; or has not. True when it is usable now and was not
    // before, or the other way round. Relays are known by their announce URLs here and below.
    bool on_answer(const std::string& relay, Time now, std::chrono::microseconds took);
    bool on_failure(const std::string& relay, Time now, const std::string& why);
    // Something speaks against the relay, such as a connection that it has closed.
    void check_soon(const std::string& relay, Time now);
    // Whom to probe now, of those that serve a swarm and those that are down: so a relay's load is
    // its share. Each probe is under way until it has answered or failed.
    std::vector<std::string> due_probes(Time now, const std::set<std::string>& in_use);

    // False while the circuit is not closed.
    bool is_usable(const std::string& relay) const;
    // Why it did not answer the last time; empty when it did.
    std::string problem_of(const std::string& relay) const;
    // Where the swarm's members meet: all relays; with Hash the two best that are usable. Two, so
    // that members who disagree about one relay's health still meet.
    std::vector<std::string> places_of(const SwarmHash& swarm);
    // Relays to try one after the other, best first, to reach a member that is at all of these.
    std::vector<std::string> in_order(std::vector<std::string> relays, const SwarmHash& swarm);

    std::vector<RelayState> states(Time now) const;

  private:
    struct Relay {
        RelayEntry entry;
        std::string announce;
        RelayState::Circuit circuit = RelayState::Circuit::Unknown;
        std::uint32_t failures = 0;
        std::string problem{};
        Time next_probe{};
        bool is_probed = false;
        std::optional<std::chrono::microseconds> latency{};

        bool is_usable() const;
    };
    Relay* find(const std::string& relay);
    const Relay* find(const std::string& relay) const;
    std::chrono::milliseconds jittered(std::chrono::milliseconds time);

    Random& random_;
    RelayStrategy strategy_ = RelayStrategy::Failover;
    std::vector<Relay> relays_;
    std::size_t turn_ = 0;
};

// How well a relay suits a swarm, the same for everybody who asks: of several the one with the
// highest number is taken, and adding or removing one moves no swarm between others. A relay of
// twice the weight gets twice as many.
double rendezvous_score(std::string_view relay_origin, std::uint32_t weight,
                        const RelayPool::SwarmHash& swarm);

}  // namespace lockstep
