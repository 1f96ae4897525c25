// Mailboxes: what lies in them, and two devices that are never online together.
#include "sync/mailbox/vault_mailbox.h"
#include "tests/relay/relay_world.h"
#include "tests/support/temp_dir.h"
#include "tests/sync/sync_fixture.h"

namespace lockstep {
namespace {

class MailboxCodecTest : public ::testing::Test {
  protected:
    FakeVault vault = FakeVault::random();
    FakeReplica a{vault, "alpha"}, b{vault, "beta"};
    MailboxKeys keys = MailboxKeys::of(a, vault.epoch).value();
};

TEST_F(MailboxCodecTest, MembersAgreeOnNamesAndOthersCannotMakeThem) {
    MailboxKeys same = MailboxKeys::of(b, vault.epoch).value();
    PackId pack = system_random().id<PackId>();
    EXPECT_EQ(keys.name_of(pack), same.name_of(pack));
    EXPECT_EQ(same.kind_of(keys.name_of(pack)), MailboxKind::Pack);
    EXPECT_EQ(same.kind_of(keys.name_of(SegmentRef{{}, 1})), MailboxKind::Segment);
    EXPECT_NE(keys.name_of(SegmentRef{{}, 1}), keys.name_of(SegmentRef{{}, 2}));
    FakeVault other = FakeVault::random();
    FakeReplica elsewhere(other, "alpha");
    EXPECT_NE(MailboxKeys::of(elsewhere, other.epoch)->name_of(pack), keys.name_of(pack));
    for (const char* name : {"", "zz", "00", "not-a-name"}) EXPECT_FALSE(keys.kind_of(name));
}

TEST_F(MailboxCodecTest, AnObjectOpensUnderItsNameAloneAndNoBitMayBeOther) {
    PackId pack = system_random().id<PackId>();
    std::string name = keys.name_of(pack);
    Bytes object = random_bytes(300), sealed = keys.seal(name, object);
    EXPECT_EQ(keys.open(name, sealed).value(), object);
    EXPECT_FALSE(keys.open(keys.name_of(system_random().id<PackId>()), sealed).ok());
    for (std::size_t at = 0; at < sealed.size(); ++at) {
        sealed[at] ^= std::byte{1};
        EXPECT_FALSE(keys.open(name, sealed).ok()) << at;
        sealed[at] ^= std::byte{1};
    }
    EXPECT_FALSE(keys.open(name, ByteView(sealed).first(20)).ok());
}

TEST_F(MailboxCodecTest, ReceiptsComeBackTheSameAndCutOnesAreRefused) {
    MailboxReceipt receipt{.device = a.device(), .time_ms = 12345, .missing_count = 3};
    receipt.frontier[system_random().id<LogId>()] = {7, system_random().id<SegmentHash>()};
    receipt.keys = {system_random().id<KeyObjectId>()};
    receipt.missing = {system_random().id<PackId>()};
    Bytes bytes = encode_receipt(receipt);
    append(bytes, a.sign(bytes));
    EXPECT_EQ(decode_receipt(bytes)->receipt, receipt);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(decode_receipt(ByteView(bytes).first(size)).ok()) << size;
}

class MailboxTest : public RelayWorld {
  protected:
    MailboxTest() {
        clock.set_wall_ns(system_clock().wall_ns());
        FakeReplica::introduce({&a.replica, &b.replica});
        RelayConfig config = with_access(RelayAccess::Open);
        config.admission.anybody.rights.tracker = false;
        config.tunnel.is_on = false;
        config.mailbox.directory = directory.path();
        serve(config);
        relay = "http://127.0.0.1:" + std::to_string(port);
    }
    ~MailboxTest() override {
        a.stop();
        b.stop();
    }
    std::uint64_t objects() {
        std::string metrics = get("/metrics").body;
        const std::string name = "\nlockstep_relay_mailbox_objects ";
        return std::stoull(metrics.substr(metrics.find(name) + name.size()));
    }
    // Alone at the relay until it has said what it has.
    void leave_receipt(Device& device, std::uint64_t objects_then) {
        device.start({}, {relay});
        ASSERT_TRUE(eventually([&] { return objects() == objects_then; }));
    }

    std::atomic<int> lies{0};
    TempDir directory;
    FakeVault vault = FakeVault::random();
    Device a{vault, "alpha"}, b{vault, "beta"};
    std::string relay;
};

TEST_F(MailboxTest, TwoThatNeverMeetConverge) {
    leave_receipt(b, 1);
    b.stop();
    a.replica.publish({random_bytes(5000), random_bytes(2 * kMiB)});
    leave_receipt(a, 5);  // two receipts, a segment, two packs
    a.stop();
    b.start({}, {relay});
    EXPECT_TRUE(eventually([&] {
        return b.replica.frontier() == a.replica.frontier() && b.replica.missing_packs().empty();
    }));
    EXPECT_EQ(b.replica.pack_count(), 2U);
}

TEST_F(MailboxTest, WhatIsWrittenJustBeforeGoingIsLeftForOthers) {
    leave_receipt(b, 1);
    b.stop();
    leave_receipt(a, 2);
    a.replica.publish({random_bytes(5000)});
    a.engine->leave_in_mailboxes(a.replica.vault_id(), kRelayPatience);
    EXPECT_EQ(objects(), 4U);  // a segment and its pack
    a.stop();
    b.start({}, {relay});
    EXPECT_TRUE(eventually([&] {
        return b.replica.frontier() == a.replica.frontier() && b.replica.missing_packs().empty();
    }));
}

TEST_F(MailboxTest, WhoGoesWaitsForNoRelayThatIsAway) {
    leave_receipt(b, 1);
    b.stop();
    leave_receipt(a, 2);
    server.reset();
    a.replica.publish({random_bytes(5000)});
    // It returns though nothing could be left; with so much patience a hang would show.
    a.engine->leave_in_mailboxes(a.replica.vault_id(), std::chrono::hours(1));
    EXPECT_FALSE(a.replica.frontier().empty());
}

// One circuit for all that is asked of a relay: visits wait for its probe, and come when it is
// well.
TEST_F(MailboxTest, NoVisitWhileTheRelaysCircuitIsOpenAndAtOnceWhenItIsClosed) {
    leave_receipt(b, 1);
    b.stop();
    leave_receipt(a, 2);
    server.reset();
    std::atomic<bool> is_ill{true}, is_left_alone{false};
    std::atomic<int> visits_while_open{0};
    server = std::make_unique<HttpServer>(
        HttpServerOptions{.inline_handlers = true, .on_tick = [this] { service->tick(); }},
        [&, this](const HttpRequest& request, HttpResponder responder) {
            // The probe finds it well.
            if (is_left_alone && request.path == "/healthz") is_ill = false;
            if (!is_ill) return service->handle(request, std::move(responder));
            bool is_visit = request.path.starts_with("/v1/mailbox");
            if (is_visit && is_left_alone) ++visits_while_open;
            responder.respond(HttpResponse::text(500, "ill\n"));
        });
    ASSERT_TRUE(server->listen_tcp("127.0.0.1", port).ok());
    auto circuit = [&] { return a.engine->relay_states().at(0).circuit; };
    a.replica.publish({random_bytes(5000)});
    ASSERT_TRUE(eventually([&] { return circuit() == RelayState::Circuit::Down; },
                           std::chrono::seconds(60)));
    is_left_alone = true;
    // There is something new to leave again and again.
    int polls = 0;
    auto is_up = [&] {
        if (++polls % 500 == 0) a.replica.publish({random_bytes(50)});
        return circuit() == RelayState::Circuit::Up;
    };
    EXPECT_TRUE(eventually(is_up, std::chrono::seconds(60)));
    EXPECT_LE(visits_while_open, 1);  // one may have been under way
    EXPECT_TRUE(eventually([&] { return objects() >= 6; }, std::chrono::seconds(60)));
}

TEST_F(MailboxTest, WhatEverybodyHasIsTakenAway) {
    leave_receipt(b, 1);
    b.stop();
    a.replica.publish({random_bytes(5000)});
    leave_receipt(a, 4);
    a.stop();
    // It fetches, says so, and takes away what both have; the two receipts stay.
    b.start({}, {relay});
    EXPECT_TRUE(eventually([&] { return objects() == 2; }));
}

TEST_F(MailboxTest, WhatTheRelayPutsUnderAnothersNameIsRefused) {
    leave_receipt(b, 1);
    b.stop();
    a.replica.publish({random_bytes(5000)});
    leave_receipt(a, 4);
    a.stop();
    // The relay answers every question for an object with something of its own.
    auto honest = std::move(server);
    honest.reset();
    server = std::make_unique<HttpServer>(
        HttpServerOptions{
            .inline_handlers = true,
            .body_limit = [this](const HttpRequest& head) { return service->body_limit(head); }},
        [this](const HttpRequest& request, HttpResponder responder) {
            bool is_object = request.method == "GET" && request.path.starts_with("/v1/mailbox/");
            if (is_object) {
                ++lies;
                return responder.respond({.status = 200, .body = std::string(5000, 'x')});
            }
            service->handle(request, responder);
        });
    std::uint16_t again = server->listen_tcp("127.0.0.1", 0).value();
    b.start({}, {"http://127.0.0.1:" + std::to_string(again)});
    ASSERT_TRUE(eventually([&] { return lies >= 3; }));
    EXPECT_EQ(b.replica.pack_count(), 0U);
    EXPECT_TRUE(b.replica.frontier().empty());
}

}  // namespace
}  // namespace lockstep
