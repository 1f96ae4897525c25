// What a device does with several relays, as configuration names it, and what is known of each.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lockstep {

// Through which relay a member is reached that cannot be reached directly. With all but Hash a
// device is present at each of its relays, so that members meet wherever they have one in common.
enum class RelayStrategy {
    Failover,      // the first of the list that is well
    RoundRobin,    // one after the other
    Weighted,      // at random, by weight
    LeastLatency,  // the one that answers fastest
    // Each swarm is at two relays alone, chosen by rendezvous hashing: members need the same list.
    Hash,
};

// "failover", "round-robin", "weighted", "least-latency", "hash".
std::string_view relay_strategy_name(RelayStrategy strategy);
std::optional<RelayStrategy> relay_strategy_named(std::string_view name);

// Access tokens by http(s)://HOST:PORT of the relay that wants them, or by the srv: entry of its
// domain; those are shown only to hosts within the domain.
using RelayTokens = std::map<std::string, std::string>;

struct RelaySettings {
    std::vector<std::string> urls;  // see relay_url.h; or "srv:DOMAIN" (base/http/url.h)
    RelayTokens tokens;
    RelayStrategy strategy = RelayStrategy::Failover;
    std::map<std::string, std::uint32_t> weights;  // by http(s)://HOST:PORT; default 1
};

// A relay of a device's, as things stand.
struct RelayState {
    // A relay that fails is left alone for a while (Down), then asked once (Trying).
    enum class Circuit { Unknown, Up, Down, Trying };

    std::string url;
    std::string domain;  // the srv: entry that names it; empty: one of the list
    std::uint32_t priority = 0, weight = 1;
    Circuit circuit = Circuit::Unknown;
    std::uint32_t failures = 0;  // in a row
    std::string problem;         // of the last failure
    std::chrono::milliseconds retry_in{0};
    std::optional<std::chrono::microseconds> latency;
};

// A srv: entry, as things stand.
struct RelayDomainState {
    std::string url;
    std::size_t relays = 0;
    std::string problem;  // why it was not resolved the last time; empty: it was, or not tried yet
};

}  // namespace lockstep
