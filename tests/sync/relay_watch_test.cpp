// What DNS says of relays, and for whom tokens are. Health and circuits: relay_pool_test.cpp,
// sync_tunnel_test.cpp.
#include "sync/relay_watch.h"

#include <condition_variable>
#include <mutex>

#include <gtest/gtest.h>
#include <sodium.h>

namespace lockstep {
namespace {

using namespace std::chrono_literals;

const std::string kDomain = "srv:relays.example";

class RelayWatchTest : public testing::Test {
  protected:
    RelayWatchTest() {
        CHECK(sodium_init() >= 0);
        loop.run([&] {
            watch = std::make_unique<RelayWatch>(
                loop,
                RelayWatch::Questions{
                    [this](const std::string& domain) { return resolve(domain); },
                    [](const std::string&, const std::stop_token&) { return Status(); }},
                RelayWatch::Events{[] {}, [](const std::string&) {}});
            RelaySettings settings;
            settings.urls = {"https://own.example", kDomain};
            settings.tokens = {{"https://own.example", "own"}, {kDomain, "family"}};
            settings.weights = {{"https://own.example", 3}};
            watch->set(settings);
        });
    }
    ~RelayWatchTest() override {
        loop.run([&] { watch->stop(); });
        watch.reset();
    }
    Result<SrvAnswer> resolve(const std::string& domain) {
        std::lock_guard lock(mutex);
        asked.push_back(domain);
        Result<SrvAnswer> out = answer;
        wake.notify_all();
        return out;
    }
    void tick(std::chrono::hours later, bool is_wanted = true) {
        loop.run([&] {
            watch->tick(std::chrono::steady_clock::now() + later, is_wanted,
                        {"https://own.example/announce"});
        });
    }
    // Ticks until DNS was asked so many times and what it said is known.
    void wait_for_answers(std::size_t count, std::chrono::hours later) {
        tick(later);
        {
            std::unique_lock lock(mutex);
            ASSERT_TRUE(wake.wait_for(lock, 60s, [&] { return asked.size() == count; }));
        }
        // What was told to the loop before this.
        for (bool is_known = false; !is_known;)
            loop.run([&] {
                RelayDomainState now = watch->domains()[0];
                is_known = now.relays != before.relays || now.problem != before.problem;
            });
    }
    std::vector<std::string> urls() {
        std::vector<std::string> out;
        loop.run([&] { out = watch->urls(); });
        return out;
    }
    RelayDomainState domain() {
        before = watch->domains()[0];
        return before;
    }

    std::mutex mutex;
    std::condition_variable wake;
    std::vector<std::string> asked;
    Result<SrvAnswer> answer =
        SrvAnswer{{{"one.relays.example", 6970, 1, 5}, {"relays.example.evil", 443, 1, 0}}, 60s};
    RelayDomainState before{kDomain, 0, ""};
    SyncLoop loop;
    std::unique_ptr<RelayWatch> watch;
};

TEST_F(RelayWatchTest, WhatDnsSaidLastCountsUntilItSaysOtherwise) {
    EXPECT_EQ(urls(), std::vector<std::string>{"https://own.example/announce"});
    wait_for_answers(1, 0h);
    const std::vector<std::string> all = {"https://own.example/announce",
                                          "https://one.relays.example:6970/announce",
                                          "https://relays.example.evil:443/announce"};
    EXPECT_EQ(urls(), all);
    EXPECT_EQ(domain().relays, 2U);
    {
        std::lock_guard lock(mutex);
        answer = Error{ErrorKind::Unavailable, "no name server answers"};
    }
    wait_for_answers(2, 1h);
    EXPECT_EQ(urls(), all);
    EXPECT_EQ(domain().problem, "no name server answers");
    {
        std::lock_guard lock(mutex);
        answer = SrvAnswer{{{"two.relays.example", 443, 1, 0}}, 60s};
    }
    wait_for_answers(3, 2h);
    EXPECT_EQ(urls(), (std::vector<std::string>{"https://own.example/announce",
                                                "https://two.relays.example:443/announce"}));
    EXPECT_EQ(domain().problem, "");
}

TEST_F(RelayWatchTest, ADomainsTokenIsShownToItsOwnHostsAlone) {
    wait_for_answers(1, 0h);
    RelayTokens tokens;
    loop.run([&] { tokens = watch->tokens(); });
    EXPECT_EQ(tokens["https://own.example"], "own");
    EXPECT_EQ(tokens["https://one.relays.example:6970"], "family");
    EXPECT_FALSE(tokens.contains("https://relays.example.evil:443"));
}

TEST_F(RelayWatchTest, WeightsAreThoseOfDnsUnlessTheListSaysOthers) {
    wait_for_answers(1, 0h);
    std::vector<RelayState> states = watch->states();
    ASSERT_EQ(states.size(), 3U);
    EXPECT_EQ(states[0].weight, 3U);
    EXPECT_EQ(states[1].weight, 5U);
    EXPECT_EQ(states[1].priority, 1U);
    EXPECT_EQ(states[1].domain, kDomain);
}

TEST_F(RelayWatchTest, NobodyIsAskedWhileNoSwarmIsOpen) {
    tick(1h, false);
    tick(2h, false);
    EXPECT_TRUE(asked.empty());
    EXPECT_EQ(watch->states()[0].circuit, RelayState::Circuit::Unknown);
    tick(3h);
    for (auto circuit = RelayState::Circuit::Unknown; circuit != RelayState::Circuit::Up;)
        loop.run([&] { circuit = watch->states()[0].circuit; });
}

}  // namespace
}  // namespace lockstep
