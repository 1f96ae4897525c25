// Tickets: who gets one, and what it is good for. THREATS T52, T53, T56.
#include "tests/relay/relay_world.h"

namespace lockstep {
namespace {

class AdmissionTest : public RelayWorld {
  protected:
    std::string reason(const HttpResponse& response) {
        auto answer = decode_admission_answer(response.body);
        return answer.ok() ? "" : answer.error().message;
    }
    SwarmSigner members;
    TrackerHash hash = hash_number(1);
};

TEST_F(AdmissionTest, MembersWithTicketsFindEachOtherAndStrangersFindNobody) {
    serve(with_access(RelayAccess::Open));
    AnnounceRequest first = announce_of(1), second = announce_of(2);
    second.port = 7000;
    EXPECT_EQ(announce(first, ticket(members, hash, member_number(1))).status, 200);
    auto found =
        decode_announce_response(announce(second, ticket(members, hash, member_number(2))).body);
    ASSERT_TRUE(found.ok()) << found.error().message;
    EXPECT_EQ(found->peers, (std::vector<PeerEndpoint>{{*from_hex("7f000001"), first.port}}));

    AnnounceRequest stranger = announce_of(3);
    stranger.port = 7001;
    auto none = announce(stranger);
    EXPECT_EQ(none.status, 403);
    EXPECT_EQ(none.body.find("peers"), std::string::npos);
    // Somebody who learnt the info hash and signs with a key of his own is alone.
    SwarmSigner outsider;
    auto alone =
        decode_announce_response(announce(stranger, ticket(outsider, hash, member_number(3))).body);
    ASSERT_TRUE(alone.ok());
    EXPECT_TRUE(alone->peers.empty());
    EXPECT_EQ(alone->incomplete, 1U);
}

// A revoked device has the old epoch's key; the new epoch has another key and another info hash.
TEST_F(AdmissionTest, ATicketOfAnotherSwarmIsRefused) {
    serve(with_access(RelayAccess::Open));
    std::string old_ticket = ticket(members, hash_number(2), member_number(1));
    auto refused = announce(announce_of(1), old_ticket);
    EXPECT_EQ(refused.status, 403);
    EXPECT_EQ(refused.body.find("peers"), std::string::npos);
    EXPECT_EQ(get("/scrape", shows(hash, old_ticket)).status, 403);
    EXPECT_EQ(get("/v1/control", shows(hash, old_ticket)).status, 403);
}

TEST_F(AdmissionTest, ScrapesAreForMembersOnly) {
    serve(with_access(RelayAccess::Open));
    std::string own = ticket(members, hash, member_number(1));
    ASSERT_EQ(announce(announce_of(1), own).status, 200);
    EXPECT_EQ(get("/scrape", encode_scrape_query({hash})).status, 403);
    auto counts = decode_scrape_response(get("/scrape", shows(hash, own)).body);
    ASSERT_TRUE(counts.ok());
    EXPECT_EQ(*counts, (std::vector<SwarmCounts>{{hash, 0, 0, 1}}));
}

TEST_F(AdmissionTest, TicketsExpireAndAnyChangedByteMakesThemWorthless) {
    serve(with_access(RelayAccess::Open));
    std::string good = ticket(members, hash, member_number(1));
    for (std::size_t i = 0; i < good.size(); ++i) {
        std::string bad = good;
        bad[i] = bad[i] == 'A' ? 'B' : 'A';
        EXPECT_EQ(announce(announce_of(1), bad).status, 403) << i;
    }
    for (const std::string& bad :
         {good + "A", good.substr(1), std::string("x"), std::string(3000, 'A')})
        EXPECT_EQ(announce(announce_of(1), bad).status, 403);
    clock.advance(std::chrono::seconds(599));
    EXPECT_EQ(announce(announce_of(1), good).status, 200);
    clock.advance(std::chrono::seconds(2));
    EXPECT_EQ(announce(announce_of(1), good).status, 403);
}

TEST_F(AdmissionTest, OldReplayedMisdirectedAndForgedRequestsAreRefused) {
    RelayConfig config = with_access(RelayAccess::Open);
    config.admission.names = {"relay.example:6970"};
    serve(config);
    AdmissionRequest good = members.request(hash, member_number(1), now_s());
    EXPECT_EQ(ask_ticket(good).status, 200);
    EXPECT_NE(reason(ask_ticket(good)).find("used before"), std::string::npos);

    AdmissionRequest old = members.request(hash, member_number(1), now_s() - 301);
    auto refused = ask_ticket(old);
    EXPECT_EQ(refused.status, 403);
    EXPECT_NE(reason(refused).find("clocks"), std::string::npos);
    EXPECT_EQ(relay_time_in(refused.body), now_s()) << "so that the device can ask again";

    AdmissionRequest elsewhere = members.request(hash, member_number(1), now_s());
    elsewhere.relay = "evil.example:1";
    members.sign(elsewhere);
    EXPECT_NE(reason(ask_ticket(elsewhere)).find("another relay"), std::string::npos);

    AdmissionRequest forged = members.request(hash, member_number(1), now_s());
    for (auto change : {+[](AdmissionRequest& r) { r.member.bytes[0] ^= std::byte{1}; },
                        +[](AdmissionRequest& r) { r.info_hash.bytes[0] ^= std::byte{1}; },
                        +[](AdmissionRequest& r) { r.time_s += 1; },
                        +[](AdmissionRequest& r) { r.nonce.bytes[0] ^= std::byte{1}; },
                        +[](AdmissionRequest& r) { r.swarm_key.bytes[0] ^= std::byte{1}; },
                        +[](AdmissionRequest& r) { r.signature.bytes[0] ^= std::byte{1}; }}) {
        AdmissionRequest bad = forged;
        change(bad);
        EXPECT_EQ(ask_ticket(bad).status, 403);
    }
    EXPECT_EQ(ask_ticket(forged).status, 200);
    EXPECT_EQ(send({.method = "POST", .path = "/v1/tickets", .body = "d1:ae"}).status, 400);
    EXPECT_EQ(
        send({.method = "POST", .path = "/v1/tickets", .body = std::string(1025, 'x')}).status,
        413);
    EXPECT_EQ(get("/v1/tickets").status, 405);
}

TEST_F(AdmissionTest, WithTokensOnlyTheirHoldersAreAdmittedEachWithItsRights) {
    RelayConfig config = with_access(RelayAccess::Token);
    config.admission.accounts = {{"family", "family-token", {.tracker = true}, 0, 0},
                                 {"friends",
                                  "friends-token",
                                  {.tracker = true, .tunnel = true, .mailbox = true},
                                  1 << 20,
                                  1 << 20},
                                 {"boss", "boss-token", {.operate = true}, 0, 0}};
    config.metrics = MetricsAccess::Operators;
    serve(config);
    auto ask = [&](const std::string& token) {
        HttpFields headers;
        if (!token.empty()) headers = {{"Authorization", "Bearer " + token}};
        return ask_ticket(members.request(hash, member_number(1), now_s()), headers);
    };
    for (const char* bad : {"", "x", "family-toke", "family-token1", "family-tokeN"})
        EXPECT_EQ(ask(bad).status, 403) << bad;
    std::string family = decode_admission_answer(ask("family-token").body)->ticket;
    std::string boss = decode_admission_answer(ask("boss-token").body)->ticket;
    EXPECT_EQ(announce(announce_of(1), family).status, 200);
    EXPECT_EQ(announce(announce_of(1), boss).status, 403);
    EXPECT_EQ(get("/v1/control", shows(hash, family)).status, 403);
    std::string friends = decode_admission_answer(ask("friends-token").body)->ticket;
    EXPECT_EQ(get("/v1/control", shows(hash, friends)).status, 426);

    for (auto path : {"/metrics", "/v1/stats", "/v1/peers"}) {
        EXPECT_EQ(get(path).status, 401) << path;
        HttpFields wrong{{"Authorization", "Bearer family-token"}};
        HttpFields right{{"Authorization", "Bearer boss-token"}};
        EXPECT_EQ(send({.path = path, .headers = wrong}).status, 401) << path;
        EXPECT_EQ(send({.path = path, .headers = right}).status, 200) << path;
    }
    // A token that is taken back takes its tickets along.
    RelayConfig without = config;
    without.admission.accounts.erase(without.admission.accounts.begin());
    server->post([&] { service->reload(without); });
    EXPECT_EQ(announce(announce_of(1), family).status, 403);
    EXPECT_EQ(announce(announce_of(1), friends).status, 200);
}

TEST_F(AdmissionTest, AnOpenTrackerTakesTicketsToo) {
    serve(with_access(RelayAccess::OpenTracker));
    EXPECT_EQ(announce(announce_of(1)).status, 200);
    AnnounceRequest second = announce_of(2);
    second.port = 7000;
    auto found =
        decode_announce_response(announce(second, ticket(members, hash, member_number(1))).body);
    EXPECT_TRUE(found->peers.empty()) << "who has no ticket is not in the members' swarm";
    EXPECT_EQ(announce(announce_of(1), "nonsense").status, 403);
}

TEST_F(AdmissionTest, OperatorsSeeNoAddressesAndNoInfoHashes) {
    RelayConfig config = with_access(RelayAccess::OpenTracker);
    config.admission.accounts = {{"boss", "boss-token", {.operate = true}, 0, 0}};
    serve(config);
    ASSERT_EQ(announce(announce_of(1)).status, 200);
    auto peers =
        send({.path = "/v1/peers", .headers = {{"Authorization", "Bearer boss-token"}}}).body;
    EXPECT_NE(peers.find("\"announcedSecondsAgo\":0"), std::string::npos) << peers;
    EXPECT_EQ(peers.find("127.0.0.1"), std::string::npos);
    EXPECT_EQ(peers.find(hash.to_hex().substr(0, 8)), std::string::npos);
    EXPECT_NE(get("/v1/stats").body.find("\"peers\":1"), std::string::npos);
}

TEST(AdmissionCodecTest, RequestsAndAnswersAreReadAsWritten) {
    SwarmSigner signer;
    AdmissionRequest request = signer.request(hash_number(3), member_number(4), 1234567890);
    EXPECT_EQ(*decode_admission_request(encode_admission_request(request)), request);
    AdmissionAnswer answer{"abc", 600, 1234567890};
    EXPECT_EQ(*decode_admission_answer(encode_admission_answer(answer)), answer);
    EXPECT_EQ(decode_admission_answer("i1e").error().kind, ErrorKind::Corrupt);
    EXPECT_EQ(decode_admission_answer(encode_admission_refusal("no", 5)).error().kind,
              ErrorKind::Refused);
    EXPECT_EQ(relay_time_in(encode_admission_refusal("no", 5)), 5U);
}

}  // namespace
}  // namespace lockstep
