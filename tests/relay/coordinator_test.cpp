// The paths of plain coordinators: the same registry as the tracker's, under the same admission.
#include <nlohmann/json.hpp>

#include "tests/relay/relay_world.h"

namespace lockstep {
namespace {

using Json = nlohmann::json;

class CoordinatorTest : public RelayWorld {
  protected:
    CoordinatorTest() {
        RelayConfig config = with_access(RelayAccess::Open);
        config.admission.accounts = {{"boss", "boss-token", {.operate = true}, 0, 0}};
        config.metrics = MetricsAccess::Operators;
        serve(config);
    }
    struct Answer {
        int status = 0;
        Json json{};
    };
    Answer ask(std::string method, std::string path, HttpFields query, const Json& body = {},
               HttpFields headers = {}) {
        HttpResponse response = send({.method = std::move(method),
                                      .path = std::move(path),
                                      .query = std::move(query),
                                      .headers = std::move(headers),
                                      .body = body.is_null() ? "" : body.dump()});
        return {response.status, Json::parse(response.body, nullptr, false)};
    }
    Answer operate(std::string path, HttpFields query = {}) {
        return ask("GET", std::move(path), std::move(query), {},
                   {{"Authorization", "Bearer boss-token"}});
    }
    HttpFields member_of(int swarm, unsigned char name = 1) {
        TrackerHash hash = hash_number(static_cast<unsigned char>(swarm));
        return shows(hash, ticket(members, hash, member_number(name)));
    }

    SwarmSigner members;
};

TEST_F(CoordinatorTest, WhoRegistersIsFoundByAnnouncesAndTheOtherWayRound) {
    HttpFields query = member_of(1);
    Answer registered = ask("POST", "/api/peers/register", query, {{"port", 7001}});
    ASSERT_EQ(registered.status, 201) << registered.json;
    EXPECT_EQ(registered.json["intervalSeconds"], 300);
    EXPECT_EQ(registered.json["expiresInSeconds"], 660);
    auto told = decode_announce_response(announce(announce_of(1), query[1].value).body);
    EXPECT_EQ(told->peers, (std::vector<PeerEndpoint>{{*from_hex("7f000001"), 7001}}));

    Json peers = ask("GET", "/api/peers", query).json;
    EXPECT_EQ(peers["total"], 2);
    std::set<std::string> names;
    for (const Json& peer : peers["peers"]) {
        EXPECT_EQ(peer["objectId"], registered.json["objectId"]);
        EXPECT_EQ(peer["status"], "online");
        names.insert(peer["peerId"]);
    }
    EXPECT_EQ(names.size(), 2U);
    EXPECT_TRUE(names.contains(registered.json["peerId"]));
    EXPECT_EQ(peers.dump().find("7001"), std::string::npos);
    EXPECT_EQ(peers.dump().find("127.0.0.1"), std::string::npos);
}

TEST_F(CoordinatorTest, APeerGoesOfflineAndComesBackAndSaysWhatItHas) {
    HttpFields query = member_of(1);
    auto count = [&] { return ask("GET", "/api/peers", query).json["total"].get<int>(); };
    ASSERT_EQ(ask("POST", "/api/peers/register", query, {{"port", 7001}}).status, 201);
    Answer offline =
        ask("PUT", "/api/peers/status", query, {{"port", 7001}, {"status", "offline"}});
    EXPECT_EQ(offline.json["status"], "offline");
    EXPECT_EQ(count(), 0);
    EXPECT_EQ(ask("GET", "/api/files/location", query).status, 404);
    EXPECT_EQ(ask("PUT", "/api/peers/status", query, {{"port", 7001}, {"status", "online"}}).status,
              200);
    EXPECT_EQ(count(), 1);
    Answer put = ask("PUT", "/api/files/location", query, {{"port", 7001}, {"complete", true}});
    EXPECT_EQ(put.status, 200);
    Answer location = ask("GET", "/api/files/location", query);
    EXPECT_EQ(location.json["peers"][0]["complete"], true);
    EXPECT_EQ(location.json["objectId"], put.json["objectId"]);
    clock.advance(std::chrono::seconds(661));
    query = member_of(1);  // a ticket lives shorter
    EXPECT_EQ(count(), 0);
}

TEST_F(CoordinatorTest, OperatorsSeeAllAndStrangersNothing) {
    Json object;
    for (int swarm : {1, 2})
        object = ask("POST", "/api/peers/register", member_of(swarm), {{"port", 7001}}).json;
    EXPECT_EQ(operate("/api/peers").json["total"], 2);
    EXPECT_EQ(operate("/api/peers").json["objects"], 2);
    std::string id = object["objectId"];
    Json found = operate("/api/files/location", {{"objectId", id}}).json;
    EXPECT_EQ(found["peers"][0]["peerId"], object["peerId"]);
    // One device in two swarms has two names.
    Json peers = operate("/api/peers").json["peers"];
    EXPECT_NE(peers[0]["peerId"], peers[1]["peerId"]);
    EXPECT_EQ(operate("/api/files/location", {{"objectId", "nope"}}).status, 404);
    EXPECT_EQ(operate("/api/files/location").status, 400);
    EXPECT_EQ(operate("/api/stats").json["peers"], 2);

    for (const char* path : {"/api/peers", "/api/files/location", "/api/stats"})
        EXPECT_EQ(ask("GET", path, {}).status, 401) << path;
    HttpFields foreign = member_of(1);
    foreign[0].value = std::string(as_text(hash_number(2).view()));
    EXPECT_EQ(ask("GET", "/api/peers", foreign).status, 403);
    EXPECT_EQ(ask("POST", "/api/peers/register", foreign, {{"port", 1}}).status, 403);
    EXPECT_EQ(ask("GET", "/api/health", {}).json["status"], "ok");
}

TEST_F(CoordinatorTest, WhatMakesNoSenseIsRefusedWithAReason) {
    HttpFields query = member_of(1);
    for (const Json& body :
         {Json(), Json::array(), Json::object(), Json{{"port", 0}}, Json{{"port", 65536}},
          Json{{"port", -1}}, Json{{"port", "80"}}, Json{{"port", 1}, {"complete", 1}}}) {
        Answer answer = ask("POST", "/api/peers/register", query, body);
        EXPECT_EQ(answer.status, 400) << body;
        EXPECT_TRUE(answer.json["error"].is_string()) << body;
    }
    EXPECT_EQ(ask("PUT", "/api/peers/status", query, {{"port", 1}, {"status", "gone"}}).status,
              400);
    EXPECT_EQ(ask("POST", "/api/peers/register", {}, {{"port", 1}}).status, 400);
    EXPECT_EQ(ask("GET", "/api/peers", {{"info_hash", "short"}}).status, 400);
    EXPECT_EQ(
        ask("POST", "/api/peers/register", query, {{"port", 1}, {"x", std::string(2000, 'x')}})
            .status,
        413);
    EXPECT_EQ(ask("GET", "/api/peers/register", query).status, 405);
    EXPECT_EQ(ask("POST", "/api/peers", query).status, 405);
    EXPECT_EQ(ask("GET", "/api/", query).status, 404);
    EXPECT_EQ(ask("GET", "/api/peers/../peers", query).status, 404);
}

}  // namespace
}  // namespace lockstep
