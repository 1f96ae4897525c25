#include "sync/tunnel_plan.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace lockstep {
namespace {

using std::chrono::seconds;

DeviceId device(unsigned char n) {
    DeviceId out;
    out.bytes.fill(std::byte{n});
    return out;
}

RelayPlace place(unsigned char n, const std::string& relay = "one") {
    RelayPlace out{{}, relay, {}};
    out.member.bytes.fill(std::byte{n});
    return out;
}

class TunnelPlanTest : public testing::Test {
  protected:
    TunnelPlanTest() {
        plan.set_names({{place(1), device(1)},
                        {place(5), device(5)},
                        {place(9), device(9)},
                        {place(9, "two"), device(9)}});
    }
    std::vector<RelayPlace> due_at(seconds time) {
        return plan.due(
            TunnelPlan::Time(time),
            [this](const DeviceId& other) { return connected.has_value() && *connected == other; },
            [this](const EpochId&, std::vector<std::string> relays) {
                if (is_reversed) std::reverse(relays.begin(), relays.end());
                return relays;
            });
    }
    void present(const std::vector<RelayPlace>& places) {
        std::vector<MemberName> names;
        for (const RelayPlace& one : places) names.push_back(one.member);
        plan.set_present({}, places.front().relay, names);
    }

    TunnelPlan plan{device(5)};
    std::optional<DeviceId> connected;
    bool is_reversed = false;
};

TEST_F(TunnelPlanTest, DirectConnectionsHaveTheirTimeAndTheLesserDeviceAsksFirst) {
    present({place(1), place(9)});
    EXPECT_TRUE(due_at(seconds(100)).empty());
    EXPECT_TRUE(due_at(seconds(102)).empty());
    EXPECT_EQ(due_at(seconds(103)), std::vector{place(9)});
    EXPECT_TRUE(due_at(seconds(104)).empty());
    EXPECT_EQ(due_at(seconds(107)), std::vector{place(1)});
}

TEST_F(TunnelPlanTest, WhoIsConnectedOrOneselfIsNotAskedAndBeginsAnewWhenHeIsLost) {
    present({place(5), place(9)});
    connected = device(9);
    EXPECT_TRUE(due_at(seconds(100)).empty());
    EXPECT_TRUE(due_at(seconds(200)).empty());
    connected.reset();
    EXPECT_TRUE(due_at(seconds(201)).empty());
    EXPECT_EQ(due_at(seconds(204)), std::vector{place(9)});
}

TEST_F(TunnelPlanTest, AttemptsGetRarerAndTakeTurnsAmongRelays) {
    present({place(9)});
    present({place(9, "two")});
    (void)due_at(seconds(0));
    EXPECT_EQ(due_at(seconds(3)), std::vector{place(9)});
    EXPECT_TRUE(due_at(seconds(12)).empty());
    EXPECT_EQ(due_at(seconds(13)), std::vector{place(9, "two")});
    EXPECT_TRUE(due_at(seconds(32)).empty());
    EXPECT_EQ(due_at(seconds(33)), std::vector{place(9)});
}

TEST_F(TunnelPlanTest, RelaysAreTriedInTheOrderOfTheStrategyAndNoneThatTheMemberHasLeft) {
    is_reversed = true;
    present({place(9)});
    present({place(9, "two")});
    (void)due_at(seconds(0));
    EXPECT_EQ(due_at(seconds(3)), std::vector{place(9, "two")});
    plan.set_present({}, "one", {});
    EXPECT_EQ(due_at(seconds(13)), std::vector{place(9, "two")});
}

TEST_F(TunnelPlanTest, AnUnknownNameIsTriedLateAndKnownOnceSomebodyHasProvedIt) {
    present({place(77)});
    (void)due_at(seconds(0));
    EXPECT_TRUE(due_at(seconds(10)).empty());
    EXPECT_EQ(due_at(seconds(11)), std::vector{place(77)});
    plan.learn(place(77), device(9));
    connected = device(9);
    EXPECT_TRUE(due_at(seconds(1000)).empty());
}

TEST_F(TunnelPlanTest, WhoHasLeftTheRelayIsNotAsked) {
    present({place(9)});
    (void)due_at(seconds(0));
    plan.forget({});
    EXPECT_TRUE(due_at(seconds(100)).empty());
}

}  // namespace
}  // namespace lockstep
