// The whole relay but its main(): router, tracker and server over real TCP.
#include "tests/relay/relay_world.h"

namespace lockstep {
namespace {

constexpr std::chrono::seconds kTestPatience{20};

class RelayHttpTest : public RelayWorld {
  protected:
    RelayHttpTest() { serve(open_tracker()); }
    static RelayConfig open_tracker() { return with_access(RelayAccess::OpenTracker); }

    Result<AnnounceResponse> announce(const AnnounceRequest& request, HttpFields more = {}) {
        HttpFields query = encode_announce_query(request);
        query.insert(query.end(), more.begin(), more.end());
        return decode_announce_response(get("/announce", query).body);
    }
};

TEST_F(RelayHttpTest, TwoPeersFindEachOther) {
    AnnounceRequest first = announce_of(1), second = announce_of(2);
    second.port = 7000;
    auto alone = announce(first);
    ASSERT_TRUE(alone.ok()) << alone.error().message;
    EXPECT_TRUE(alone->peers.empty());
    EXPECT_EQ(alone->interval_s, 300U);
    EXPECT_EQ(alone->min_interval_s, 30U);
    PeerEndpoint loopback{*from_hex("7f000001"), 6881};
    EXPECT_EQ(announce(second)->peers, std::vector{loopback});
    loopback.port = 7000;
    EXPECT_EQ(announce(first)->peers, std::vector{loopback});
    EXPECT_EQ(announce(first)->incomplete, 2U);
}

TEST_F(RelayHttpTest, AnAddressInTheQueryIsIgnored) {
    ASSERT_TRUE(
        announce(announce_of(1), {{"ip", "6.6.6.6"}, {"ipv4", "6.6.6.6"}, {"ipv6", "2001:db8::6"}})
            .ok());
    AnnounceRequest second = announce_of(2);
    second.port = 7000;
    EXPECT_EQ(announce(second)->peers, (std::vector<PeerEndpoint>{{*from_hex("7f000001"), 6881}}));
}

TEST_F(RelayHttpTest, Ipv6PeersAreTold) {
    auto v6_port = server->listen_tcp("::1", 0);
    if (!v6_port.ok()) GTEST_SKIP() << "no IPv6 here";
    HttpClient over_v6 = HttpClient::over_tcp("::1", *v6_port);
    HttpRequest request{.path = "/announce", .query = encode_announce_query(announce_of(1))};
    ASSERT_TRUE(over_v6.request(request, kTestPatience).ok());
    auto peers = announce(announce_of(2))->peers;
    ASSERT_EQ(peers.size(), 1U);
    EXPECT_EQ(hex(peers[0].address), "00000000000000000000000000000001");
}

TEST_F(RelayHttpTest, ScrapeCounts) {
    ASSERT_TRUE(announce(announce_of(1)).ok());
    auto response = get("/scrape", encode_scrape_query({hash_number(1), hash_number(2)}));
    EXPECT_EQ(response.content_type, "text/plain");
    EXPECT_EQ(*decode_scrape_response(response.body),
              (std::vector<SwarmCounts>{{hash_number(1), 0, 0, 1}, {hash_number(2), 0, 0, 0}}));
}

TEST_F(RelayHttpTest, MalformedAnnouncesGetAReasonWithStatus200) {
    auto response = get("/announce", {{"info_hash", "short"}});
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "d14:failure reason25:info_hash is not 20 bytese");
    EXPECT_EQ(get("/scrape").body, "d14:failure reason17:missing info_hashe");
}

TEST_F(RelayHttpTest, OtherPathsAndMethodsAreRefused) {
    EXPECT_EQ(get("/healthz").status, 200);
    for (auto path : {"/", "/announcement", "/announce/", "/announce/x", "/scrape/x",
                      "/announce/token-1/y", "/healthz/x", "/v1", "/v1/mailbox", "/v1/mailbox/x"})
        EXPECT_EQ(get(path).status, path == std::string("/announce/") ? 200 : 404) << path;
    auto posted = client->request({.method = "POST", .path = "/announce"}, kTestPatience);
    EXPECT_EQ(posted->status, 405);
    EXPECT_EQ(*posted->header("Allow"), "GET, HEAD");
    EXPECT_EQ(client->request({.method = "HEAD", .path = "/healthz"}, kTestPatience)->status, 200);
}

TEST_F(RelayHttpTest, WithAPathTokenOnlyItsPathsAreServed) {
    RelayConfig config = open_tracker();
    config.path_token = "token-1";
    serve(config);
    auto status = [&](std::string path) { return get(std::move(path)).status; };
    EXPECT_EQ(status("/announce/token-1"), 200);
    EXPECT_EQ(status("/scrape/token-1"), 200);
    EXPECT_EQ(status("/healthz"), 200);
    for (auto path : {"/announce", "/scrape", "/announce/", "/announce/token-2", "/announce/token-",
                      "/announce/token-1/", "/announce/token-11", "/scrape/token-2"})
        EXPECT_EQ(status(path), 404) << path;
}

TEST_F(RelayHttpTest, WhoAsksTooOftenIsToldToWait) {
    RelayConfig config = open_tracker();
    config.limits.requests = {1, 5};
    serve(config);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(get("/healthz").status, 200);
    auto refused = get("/healthz");
    EXPECT_EQ(refused.status, 429);
    EXPECT_EQ(*refused.header("Retry-After"), "10");
    clock.advance(std::chrono::seconds(2));
    EXPECT_EQ(get("/healthz").status, 200);
    EXPECT_EQ(get("/healthz").status, 200);
    EXPECT_EQ(get("/healthz").status, 429);
}

TEST_F(RelayHttpTest, OneSwarmsAnnouncesAreLimitedApartFromOthers) {
    RelayConfig config = open_tracker();
    config.limits.announces = {1, 3};
    serve(config);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(announce(announce_of(1)).ok());
    EXPECT_FALSE(announce(announce_of(1)).ok());
    AnnounceRequest other = announce_of(1);
    other.info_hash = hash_number(2);
    EXPECT_TRUE(announce(other).ok());
}

// Goal: no query, however broken, gets anything but an answer; and the relay lives on.
TEST_F(RelayHttpTest, SurvivesMutatedTargets) {
    HttpRequest good{.target =
                         "/announce?info_hash=%00%01aaaaaaaaaaaaaaaaaa&peer_id="
                         "bbbbbbbbbbbbbbbbbbbb&port=1&left=0"};
    SeededRandom mutations(3);
    for (int i = 0; i < 2000; ++i) {
        HttpRequest bad = good;
        for (std::uint64_t n = mutations.below(5) + 1; n > 0; --n)
            bad.target[1 + mutations.below(bad.target.size() - 1)] =
                "%&=+/?019abXY\x7f\xff"[mutations.below(15)];
        bad.target.resize(1 + mutations.below(bad.target.size()));
        auto response = client->request(bad, kTestPatience);
        ASSERT_TRUE(response.ok() || response.error().kind == ErrorKind::Invalid)
            << response.error().message;
    }
    EXPECT_EQ(client->request(good, kTestPatience)->status, 200);
}

}  // namespace
}  // namespace lockstep
