// What configuration says of relays, as sync is told it.
#include <gtest/gtest.h>

#include "daemon/relay_probe.h"
#include "vault/limits.h"

namespace lockstep {
namespace {

TEST(RelaySettingsTest, EveryStrategyThatConfigurationTakesIsKnownToSync) {
    api::Config config;
    EXPECT_EQ(relay_settings_of(config).strategy, RelayStrategy::Failover);
    for (std::string_view name : api::kRelayStrategies) {
        config.relay_strategy = name;
        EXPECT_EQ(relay_strategy_name(relay_settings_of(config).strategy), name);
    }
    EXPECT_FALSE(relay_strategy_named("best").has_value());
}

TEST(RelaySettingsTest, TokensAndWeightsBelongToHostsAndDomains) {
    api::Config config;
    config.relays = {"https://a.b/announce/secret", "srv:c.d"};
    config.relay_tokens = {"https://a.b own", "srv:c.d family"};
    config.relay_weights = {"https://a.b 7"};
    RelaySettings settings = relay_settings_of(config);
    EXPECT_EQ(settings.urls, config.relays);
    EXPECT_EQ(settings.tokens, (RelayTokens{{"https://a.b", "own"}, {"srv:c.d", "family"}}));
    EXPECT_EQ(settings.weights, (std::map<std::string, std::uint32_t>{{"https://a.b", 7}}));
}

TEST(RelaySettingsTest, ATicketNamesAsManyRelaysAsItHoldsAndHostsFirst) {
    api::Config config;
    config.relays = {"srv:a.b"};
    for (std::size_t i = 0; i < kTicketRelaysMax; ++i)
        config.relays.push_back("https://relay" + std::to_string(i));
    const auto relays = relays_for_ticket(config);
    ASSERT_EQ(relays.size(), kTicketRelaysMax);
    EXPECT_EQ(relays.front(), "https://relay0");
    EXPECT_EQ(relays.back(), "https://relay" + std::to_string(kTicketRelaysMax - 1));
    config.relays.resize(3);
    EXPECT_EQ(relays_for_ticket(config),
              (std::vector<std::string>{"https://relay0", "https://relay1", "srv:a.b"}));
}

}  // namespace
}  // namespace lockstep
