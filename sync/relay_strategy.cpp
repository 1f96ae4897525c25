#include "sync/relay_strategy.h"

#include <array>
#include <utility>

namespace lockstep {
namespace {

constexpr std::array<std::pair<RelayStrategy, std::string_view>, 5> kNames = {{
    {RelayStrategy::Failover, "failover"},
    {RelayStrategy::RoundRobin, "round-robin"},
    {RelayStrategy::Weighted, "weighted"},
    {RelayStrategy::LeastLatency, "least-latency"},
    {RelayStrategy::Hash, "hash"},
}};

}  // namespace

std::string_view relay_strategy_name(RelayStrategy strategy) {
    for (const auto& [one, name] : kNames)
        if (one == strategy) return name;
    return "";
}

std::optional<RelayStrategy> relay_strategy_named(std::string_view name) {
    for (const auto& [strategy, one] : kNames)
        if (one == name) return strategy;
    return std::nullopt;
}

}  // namespace lockstep
