// Engines that meet through a real relay's tunnels alone: it tells nobody an address.
#include "sync/relay_names.h"
#include "tests/relay/relay_world.h"
#include "tests/sync/sync_fixture.h"
#include "tests/sync/tiny_dns.h"

namespace lockstep {
namespace {

class SyncTunnelTest : public RelayWorld {
  protected:
    SyncTunnelTest() {
        clock.set_wall_ns(system_clock().wall_ns());
        FakeReplica::introduce({&a.replica, &b.replica});
        RelayConfig config = with_access(RelayAccess::Open);
        config.admission.anybody.rights.tracker = false;
        serve(config);
        relay = "http://127.0.0.1:" + std::to_string(port);
    }
    ~SyncTunnelTest() override {
        a.stop();
        b.stop();
    }
    bool settle() {
        return eventually(
            [&] {
                return a.replica.frontier() == b.replica.frontier() &&
                       a.replica.missing_packs().empty() && b.replica.missing_packs().empty() &&
                       a.is_in_step_with(1) && b.is_in_step_with(1);
            },
            std::chrono::seconds(60));
    }
    std::string way_of(const Device& device) {
        VaultSyncStatus status = device.status();
        return status.peers.size() == 1 ? status.peers[0].relay : "nobody";
    }

    FakeVault vault = FakeVault::random();
    Device a{vault, "alpha"}, b{vault, "beta"};
    std::string relay;
};

TEST_F(SyncTunnelTest, DevicesThatNeverLearnAnAddressConvergeAndLargePacksPass) {
    a.replica.publish({random_bytes(5000), random_bytes(16 * kMiB)});
    b.replica.publish({random_bytes(3 * kMiB)});
    a.start({}, {relay});
    b.start({}, {relay});
    ASSERT_TRUE(settle());
    EXPECT_EQ(a.replica.pack_count(), 3U);
    EXPECT_EQ(b.replica.pack_count(), 3U);
    EXPECT_EQ(way_of(a), relay);
    EXPECT_EQ(way_of(b), relay);
}

TEST_F(SyncTunnelTest, TheTunnelIsLeftForADirectConnection) {
    a.start({}, {relay});
    b.start({}, {relay});
    ASSERT_TRUE(settle());
    a.engine->add_known_address(a.replica.vault_id(), b.address());
    EXPECT_TRUE(eventually([&] { return way_of(a).empty() && way_of(b).empty(); }));
    a.replica.publish({random_bytes(5000)});
    EXPECT_TRUE(settle());
}

// Another relay beside the fixture's.
struct SecondRelay {
    SecondRelay(Clock& clock, const RelayConfig& config)
        : service(RelayService::open(clock, system_random(), config).value()),
          server({.inline_handlers = true, .on_tick = [this] { service->tick(); }},
                 [this](const HttpRequest& request, HttpResponder responder) {
                     service->handle(request, std::move(responder));
                 }),
          url("http://127.0.0.1:" + std::to_string(server.listen_tcp("127.0.0.1", 0).value())) {}
    std::unique_ptr<RelayService> service;
    HttpServer server;
    std::string url;
};

RelayState state_of(const Device& device, const std::string& url) {
    for (const RelayState& state : device.engine->relay_states())
        if (state.url == url) return state;
    return {};
}

TEST_F(SyncTunnelTest, WhenARelayFailsTheNextOneIsUsedAndItIsNoticedWhenItIsBack) {
    RelayConfig config = with_access(RelayAccess::Open);
    config.admission.anybody.rights.tracker = false;
    SecondRelay second(clock, config);
    a.start({}, {relay, second.url});
    b.start({}, {relay, second.url});
    ASSERT_TRUE(settle());
    EXPECT_EQ(way_of(a), relay);
    EXPECT_EQ(way_of(b), relay);
    EXPECT_EQ(state_of(a, relay).circuit, RelayState::Circuit::Up);
    EXPECT_TRUE(state_of(a, relay).latency.has_value());

    server.reset();
    EXPECT_TRUE(eventually([&] { return state_of(a, relay).circuit == RelayState::Circuit::Down; },
                           std::chrono::seconds(60)));
    EXPECT_GE(state_of(a, relay).failures, 3U);
    auto is_told = [&] {
        for (const RelayStatus& status : a.status().relays)
            if (status.url.starts_with(relay)) return !status.ok && !status.message.empty();
        return false;
    };
    EXPECT_TRUE(eventually(is_told));
    a.replica.publish({random_bytes(5000)});
    ASSERT_TRUE(settle());
    EXPECT_EQ(way_of(a), second.url);

    server = std::make_unique<HttpServer>(
        HttpServerOptions{.inline_handlers = true, .on_tick = [this] { service->tick(); }},
        [this](const HttpRequest& request, HttpResponder responder) {
            service->handle(request, std::move(responder));
        });
    ASSERT_TRUE(server->listen_tcp("127.0.0.1", port).ok());
    EXPECT_TRUE(eventually([&] { return state_of(a, relay).circuit == RelayState::Circuit::Up; },
                           std::chrono::seconds(60)));
}

TEST_F(SyncTunnelTest, RelaysThatDnsNamesAreUsed) {
    TinyDns dns;
    dns.set("_lockstep._tcp.relays.example", {{"localhost", port, 0, 1}});
    for (Device* device : {&a, &b}) {
        device->name_server = dns.address();
        device->strategy = RelayStrategy::Hash;
        device->start({}, {"srv+http:relays.example"});
    }
    a.replica.publish({random_bytes(5000)});
    ASSERT_TRUE(settle());
    const std::string url = "http://localhost:" + std::to_string(port);
    EXPECT_EQ(way_of(a), url);
    EXPECT_EQ(state_of(a, url).domain, "srv+http:relays.example");
    ASSERT_EQ(a.engine->relay_domains().size(), 1U);
    EXPECT_EQ(a.engine->relay_domains()[0].relays, 1U);
}

// T57: what a relay calls a device tells it nothing, and nothing links two of those names.
TEST_F(SyncTunnelTest, NamesAtRelaysDifferByRelayVaultEpochAndDeviceAndMembersKnowThem) {
    auto name = [](FakeReplica& who, const EpochId& epoch, const char* at, const DeviceId& whom) {
        return relay_member_name(who, epoch, at, whom).value();
    };
    DeviceId device = a.replica.device();
    MemberName mine = name(a.replica, vault.epoch, "one:1", device);
    EXPECT_EQ(mine, name(b.replica, vault.epoch, "one:1", device));
    EXPECT_NE(mine, name(a.replica, vault.epoch, "two:1", device));
    EXPECT_NE(mine, name(a.replica, vault.epoch, "one:1", b.replica.device()));
    FakeVault other_vault = FakeVault::random();
    FakeReplica elsewhere(other_vault, "alpha");
    EXPECT_NE(mine, name(elsewhere, other_vault.epoch, "one:1", device));
}

}  // namespace
}  // namespace lockstep
