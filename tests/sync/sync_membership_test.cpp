// Who is let in and who is not, and what a stranger learns.
#include <arpa/inet.h>
#include <sys/socket.h>

#include "sync/torrent_session.h"
#include "tests/sync/sync_fixture.h"
#include "tests/sync/tiny_tracker.h"

namespace lockstep {
namespace {

class MembershipTest : public ::testing::Test {
  protected:
    MembershipTest() {
        FakeReplica::introduce({&a.replica, &b.replica});
        a.replica.publish({random_bytes(5000)});
    }
    // Long enough for several dials and handshakes.
    bool stays_alone(Device& device) {
        return !eventually(
            [&] { return !device.status().peers.empty() || device.replica.pack_count() != 0; },
            std::chrono::seconds(3));
    }

    FakeVault vault = FakeVault::random();
    Device a{vault, "alpha"}, b{vault, "beta"};
};

TEST_F(MembershipTest, WithoutTheSwarmKeyNobodyGetsAnything) {
    std::array<std::byte, 32> other{};
    b.replica.use_epoch_key(other);
    a.start();
    b.start({a.address()});
    EXPECT_TRUE(stays_alone(b));
    EXPECT_TRUE(a.status().peers.empty());
}

TEST_F(MembershipTest, AnUnknownDeviceGetsNothingUntilItIsAdmitted) {
    Device c{vault, "gamma"};
    c.replica.set_member(a.replica.self());
    a.start();
    c.start({a.address()});
    EXPECT_TRUE(stays_alone(c));
    a.replica.set_member(c.replica.self());
    EXPECT_TRUE(eventually([&] { return c.replica.pack_count() == 1; }));
}

TEST_F(MembershipTest, AForgedSignatureIsRefused) {
    b.replica.forge_signatures();
    a.start();
    b.start({a.address()});
    EXPECT_TRUE(stays_alone(b));
}

TEST_F(MembershipTest, ARevokedMemberIsCutOffAndStaysOut) {
    a.start();
    b.start({a.address()});
    ASSERT_TRUE(eventually([&] { return b.replica.pack_count() == 1 && a.is_in_step_with(1); }));
    a.replica.revoke(b.replica.device());
    EXPECT_TRUE(eventually([&] { return a.status().peers.empty(); }));
    a.replica.publish({random_bytes(5000)});
    EXPECT_FALSE(eventually([&] { return b.replica.pack_count() == 2; }, std::chrono::seconds(3)));
}

TEST_F(MembershipTest, DevicesFindEachOtherByARelay) {
    TinyTracker tracker;
    a.start({}, {tracker.url()});
    b.start({}, {tracker.url() + "/announce"});
    EXPECT_TRUE(eventually([&] { return a.is_in_step_with(1) && b.is_in_step_with(1); }));
    ASSERT_EQ(a.status().relays.size(), 1u);
    EXPECT_TRUE(a.status().relays[0].ok) << a.status().relays[0].message;
}

TEST_F(MembershipTest, AChangedNetworkIsConnectedAnewAtOnce) {
    a.start();
    b.start({a.address()});
    ASSERT_TRUE(eventually([&] { return b.is_in_step_with(1); }));
    std::int64_t before = b.status().peers.front().connected_since_ms;
    b.engine->network_changed();
    EXPECT_TRUE(eventually([&] {
        VaultSyncStatus now = b.status();
        return now.in_step && now.peers.size() == 1 &&
               now.peers.front().connected_since_ms != before;
    }));
}

// Nothing but a bootstrap node in common, once by IPv4 and once by IPv6.
TEST_F(MembershipTest, DevicesFindEachOtherByTheDht) {
    struct Nobody final : TorrentEvents {
        void link_opened(SwarmNumber, LinkNumber, LinkSide, const PeerAddress&) override {}
        void link_frame(SwarmNumber, LinkNumber, std::shared_ptr<InboundFrame>) override {}
        void link_closed(SwarmNumber, LinkNumber) override {}
        void relay_answered(SwarmNumber, const std::string&, bool, const std::string&) override {}
        void pack_seeding(const PackId&, bool) override {}
        void pack_progress(const PackId&, std::uint64_t) override {}
        void pack_fetched(const PackId&, const std::filesystem::path&) override {}
        void pack_failed(const PackId&, const std::string&) override {}
    } nobody;
    for (const std::string& host : {std::string("127.0.0.1"), std::string("::1")}) {
        auto node = TorrentSession::start({.listen_addresses = {host},
                                           .lan_discovery = false,
                                           .dht = true,
                                           .dht_bootstrap_nodes = {"127.0.0.1:1"}},
                                          nobody);
        if (!node.ok() && host == "::1") GTEST_SKIP() << "no IPv6 here";
        ASSERT_TRUE(node.ok()) << node.error().message;
        std::string shown = host == "::1" ? "[::1]" : host;
        for (Device* device : {&a, &b}) {
            device->stop();
            SyncEngineOptions options = loopback_options(device->name);
            options.listen_addresses = std::vector<std::string>{host};
            options.dht = true;
            options.dht_bootstrap_nodes.push_back(shown + ":" +
                                                  std::to_string((*node)->listen_port()));
            auto started = SyncEngine::start(options);
            ASSERT_TRUE(started.ok()) << started.error().message;
            device->engine = std::move(*started);
            ASSERT_TRUE(device->engine->add_vault(device->replica, VaultSyncOptions{}).ok());
        }
        a.replica.publish({random_bytes(5000)});
        EXPECT_TRUE(eventually([&] { return a.is_in_step_with(1) && b.is_in_step_with(1); },
                               std::chrono::seconds(60)))
            << host;
    }
}

TEST_F(MembershipTest, ARelayThatIsNotThereIsReported) {
    a.start({}, {"http://127.0.0.1:1/announce"});
    EXPECT_TRUE(eventually([&] {
        auto relays = a.status().relays;
        return relays.size() == 1 && !relays[0].ok && !relays[0].message.empty();
    }));
}

TEST_F(MembershipTest, PausedVaultsNeitherSendNorReceive) {
    a.start();
    b.start({a.address()});
    ASSERT_TRUE(eventually([&] { return b.is_in_step_with(1); }));
    b.engine->pause(vault.id);
    ASSERT_TRUE(eventually([&] { return a.status().peers.empty() && b.status().paused; }));
    a.replica.publish({random_bytes(5000)});
    b.replica.publish({random_bytes(5000)});
    EXPECT_FALSE(
        eventually([&] { return b.replica.pack_count() > 2 || a.replica.pack_count() > 2; },
                   std::chrono::seconds(2)));
    b.engine->resume(vault.id);
    EXPECT_TRUE(eventually([&] {
        return a.is_in_step_with(1) && b.is_in_step_with(1) && b.replica.pack_count() == 3;
    }));
}

TEST_F(MembershipTest, ARestartedDeviceComesBack) {
    a.start();
    b.start({a.address()});
    ASSERT_TRUE(eventually([&] { return b.is_in_step_with(1); }));
    b.stop();
    a.replica.publish({random_bytes(5000)});
    b.start({a.address()});
    EXPECT_TRUE(eventually([&] { return b.is_in_step_with(1) && b.replica.pack_count() == 2; }));
}

TEST_F(MembershipTest, DialsThatCrossLeaveOneLink) {
    a.start();
    b.start({a.address()});
    a.engine->add_known_address(vault.id, b.address());
    ASSERT_TRUE(eventually([&] { return a.is_in_step_with(1) && b.is_in_step_with(1); }));
    for (int i = 0; i < 5; ++i) {
        a.replica.publish({random_bytes(5000)});
        EXPECT_TRUE(eventually([&] { return b.replica.pack_count() == a.replica.pack_count(); }));
    }
}

TEST_F(MembershipTest, AnEngineKeepsWorkingAfterAVaultIsRemoved) {
    a.start();
    b.start({a.address()});
    ASSERT_TRUE(eventually([&] { return b.is_in_step_with(1); }));
    b.engine->remove_vault(vault.id);
    EXPECT_FALSE(b.engine->status(vault.id).ok());
    ASSERT_TRUE(b.engine->add_vault(b.replica, {{a.address()}, false}).ok());
    EXPECT_EQ(b.engine->add_vault(b.replica, {}).error().kind, ErrorKind::Exists);
    EXPECT_TRUE(eventually([&] { return b.is_in_step_with(1); }));
}

// A proxy between the two that keeps every byte.
TEST_F(MembershipTest, NoLabelOrDeviceIdCrossesTheWireInClear) {
    a.start();
    UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(::listen(listener.get(), 1), 0);
    ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    std::string seen;
    std::uint16_t a_port = a.engine->listen_port();
    std::thread proxy([&] {
        UniqueFd client(::accept(listener.get(), nullptr, nullptr));
        UniqueFd server(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        to.sin_port = htons(a_port);
        if (::connect(server.get(), reinterpret_cast<sockaddr*>(&to), sizeof(to)) != 0) return;
        auto pump = [](int from, int into, std::string& copy) {
            char buffer[65536];
            for (;;) {
                auto got = ::recv(from, buffer, sizeof(buffer), 0);
                if (got <= 0) break;
                copy.append(buffer, static_cast<std::size_t>(got));
                if (::send(into, buffer, static_cast<std::size_t>(got), MSG_NOSIGNAL) != got) break;
            }
            ::shutdown(into, SHUT_RDWR);
        };
        std::string back;
        std::thread other([&] { pump(server.get(), client.get(), back); });
        pump(client.get(), server.get(), seen);
        other.join();
        seen += back;
    });
    b.start({{"127.0.0.1", ntohs(address.sin_port)}});
    // `b` may be in step a moment before `a` has its label.
    EXPECT_TRUE(eventually([&] {
        const auto peers = a.status().peers;
        return b.is_in_step_with(1) && !peers.empty() && peers.front().label == "beta";
    }));
    b.stop();
    a.stop();
    ::shutdown(listener.get(), SHUT_RDWR);
    proxy.join();
    EXPECT_GT(seen.size(), 5000u);
    EXPECT_EQ(seen.find("alpha"), std::string::npos);
    EXPECT_EQ(seen.find("beta"), std::string::npos);
    for (FakeReplica* replica : {&a.replica, &b.replica})
        EXPECT_EQ(seen.find(as_text(replica->device().view())), std::string::npos);
    EXPECT_EQ(seen.find(as_text(vault.id.view())), std::string::npos);
}

}  // namespace
}  // namespace lockstep
