#include <algorithm>

#include <gtest/gtest.h>

#include "base/http/url.h"
#include "tests/relay/announce_samples.h"
#include "tests/support/seeded_random.h"

namespace lockstep {
namespace {

HttpFields good_query() {
    return encode_announce_query(announce_of(1));
}

HttpFields with(HttpFields query, const std::string& name, const std::string& value) {
    std::erase_if(query, [&](const HttpField& field) { return field.name == name; });
    query.push_back({name, value});
    return query;
}

HttpFields without(HttpFields query, const std::string& name) {
    std::erase_if(query, [&](const HttpField& field) { return field.name == name; });
    return query;
}

TEST(AnnounceQueryTest, RoundTripsThroughTheUrlWithEveryByteValue) {
    AnnounceRequest request = announce_of(7);
    for (std::size_t start = 0; start < 256; start += 20) {
        for (std::size_t i = 0; i < 20; ++i)
            request.info_hash.bytes[i] = static_cast<std::byte>(start + i);
        for (auto event : {AnnounceEvent::None, AnnounceEvent::Started, AnnounceEvent::Stopped,
                           AnnounceEvent::Completed}) {
            request.event = event;
            std::string text = format_query(encode_announce_query(request));
            EXPECT_EQ(*decode_announce_query(*parse_query(text)), request);
        }
    }
}

// A query as libtorrent 2.0 writes it.
TEST(AnnounceQueryTest, ReadsWhatLibtorrentSends) {
    auto query = parse_query(
        "info_hash=%01%02%03%04%05%06%07%08%09%0a%0b%0c%0d%0e%0f%10%11%12%13%14&peer_id=-LT2080-"
        "abcdefghijkl&port=6881"
        "&uploaded=1&downloaded=2&left=3&corrupt=0&key=DEADBEEF&event=started&numwant=200&compact="
        "1&no_peer_id=1"
        "&supportcrypto=1&redundant=0&ip=6.6.6.6&trackerid=x");
    auto request = decode_announce_query(*query);
    ASSERT_TRUE(request.ok()) << request.error().message;
    EXPECT_EQ(request->info_hash.to_hex(), "0102030405060708090a0b0c0d0e0f1011121314");
    EXPECT_EQ(request->port, 6881);
    EXPECT_EQ(request->left, 3U);
    EXPECT_EQ(request->numwant, 200U);
    EXPECT_EQ(request->event, AnnounceEvent::Started);
}

TEST(AnnounceQueryTest, OptionalFieldsHaveDefaults) {
    HttpFields query = good_query();
    for (auto name : {"uploaded", "downloaded", "left", "event", "numwant", "compact"})
        query = without(query, name);
    auto request = decode_announce_query(query);
    ASSERT_TRUE(request.ok());
    EXPECT_EQ(request->numwant, kNumwantDefault);
    EXPECT_EQ(request->event, AnnounceEvent::None);
    EXPECT_EQ(decode_announce_query(with(query, "numwant", "-1"))->numwant, kNumwantDefault);
    EXPECT_EQ(decode_announce_query(with(query, "event", ""))->event, AnnounceEvent::None);
    EXPECT_EQ(decode_announce_query(with(query, "event", "paused"))->event, AnnounceEvent::None);
}

TEST(AnnounceQueryTest, MalformedFieldsAreNamed) {
    const std::pair<HttpFields, std::string> bad[] = {
        {without(good_query(), "info_hash"), "missing info_hash"},
        {without(good_query(), "peer_id"), "missing peer_id"},
        {without(good_query(), "port"), "missing port"},
        {with(good_query(), "info_hash", std::string(19, 'x')), "info_hash is not 20 bytes"},
        {with(good_query(), "info_hash", std::string(21, 'x')), "info_hash is not 20 bytes"},
        {with(good_query(), "peer_id", ""), "peer_id is not 20 bytes"},
        {with(good_query(), "port", "0"), "invalid port"},
        {with(good_query(), "port", "65536"), "invalid port"},
        {with(good_query(), "port", "-1"), "invalid port"},
        {with(good_query(), "port", "1x"), "invalid port"},
        {with(good_query(), "port", ""), "invalid port"},
        {with(good_query(), "left", "18446744073709551616"), "invalid left"},
        {with(good_query(), "numwant", "4294967296"), "invalid numwant"},
        {with(good_query(), "numwant", "-2"), "invalid numwant"},
        {with(good_query(), "event", "exploded"), "invalid event"},
        {with(good_query(), "compact", "0"), "only compact answers are served"},
    };
    for (const auto& [query, why] : bad) {
        auto request = decode_announce_query(query);
        ASSERT_FALSE(request.ok()) << why;
        EXPECT_EQ(request.error().message, why);
    }
    HttpFields twice = good_query();
    twice.push_back({"port", "1"});
    EXPECT_EQ(decode_announce_query(twice).error().message, "port given twice");
    EXPECT_EQ(decode_announce_query(with(good_query(), "port", "65535"))->port, 65535);
}

// Goal: whatever a query holds, it is decoded to something that encodes back to the same, or
// refused. Method: cut a good query everywhere, then mutate it with a fixed seed.
TEST(AnnounceQueryTest, CutAndMutatedQueriesAreRefusedOrMeanWhatTheySay) {
    std::string good = format_query(good_query());
    auto try_text = [](const std::string& text) {
        auto fields = parse_query(text);
        if (!fields.ok()) return false;
        auto request = decode_announce_query(*fields);
        if (!request.ok()) return false;
        EXPECT_EQ(*decode_announce_query(encode_announce_query(*request)), *request);
        return true;
    };
    ASSERT_TRUE(try_text(good));
    for (std::size_t size = 0; size < good.size(); ++size) try_text(good.substr(0, size));
    for (std::size_t size = 0; size < good.find("port="); ++size)
        EXPECT_FALSE(try_text(good.substr(0, size)));
    SeededRandom random(11);
    for (int i = 0; i < 20'000; ++i) {
        std::string text = good;
        for (std::uint64_t n = random.below(4) + 1; n > 0; --n)
            text[random.below(text.size())] = "%&=+0123456789abcdef\0\xff"[random.below(22)];
        try_text(text);
    }
}

TEST(AnnounceResponseTest, IsExactlyThis) {
    AnnounceResponse response{
        .interval_s = 300, .min_interval_s = 30, .complete = 2, .incomplete = 1};
    EXPECT_EQ(encode_announce_response(response),
              "d8:completei2e10:incompletei1e8:intervali300e12:min intervali30e5:peers0:e");
    response.peers = {endpoint_number(0x0102, 0x1ae1), endpoint_v6(9, 1), endpoint_number(3, 2)};
    EXPECT_EQ(
        encode_announce_response(response),
        std::string("d8:completei2e10:incompletei1e8:intervali300e12:min intervali30e5:peers12:"
                    "\x0a\x00\x01\x02\x1a\xe1\x0a\x00\x00\x03\x00\x02"
                    "6:peers618:\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x09\x00\x01"
                    "e",
                    116));
}

TEST(AnnounceResponseTest, RoundTrips) {
    AnnounceResponse response{
        .interval_s = 1, .min_interval_s = 0, .complete = 0, .incomplete = 4000000000};
    for (std::uint16_t i = 0; i < 200; ++i) response.peers.push_back(endpoint_number(i, i));
    response.peers.push_back(endpoint_v6(1, 65535));
    EXPECT_EQ(*decode_announce_response(encode_announce_response(response)), response);
}

TEST(AnnounceResponseTest, FailuresCarryTheirReason) {
    EXPECT_EQ(encode_failure("no"), "d14:failure reason2:noe");
    auto failed = decode_announce_response(encode_failure("the relay is full"));
    EXPECT_EQ(failed.error().kind, ErrorKind::Refused);
    EXPECT_EQ(failed.error().message, "the relay is full");
    EXPECT_EQ(decode_scrape_response(encode_failure("no")).error().kind, ErrorKind::Refused);
}

TEST(AnnounceResponseTest, AnythingElseIsCorrupt) {
    for (std::string_view bad : {"", "<html>", "i1e", "de", "d8:intervali-1ee", "d8:interval1:1e",
                                 "d8:intervali4294967296ee", "d8:intervali1e5:peers5:abcdee",
                                 "d8:intervali1e5:peerslee", "d8:intervali1e6:peers66:abcdefe"})
        EXPECT_EQ(decode_announce_response(bad).error().kind, ErrorKind::Corrupt) << bad;
}

TEST(ScrapeTest, RoundTripsSortedAndOnce) {
    std::vector<TrackerHash> hashes{hash_number(9), hash_number(200), hash_number(1)};
    EXPECT_EQ(*decode_scrape_query(encode_scrape_query(hashes)), hashes);
    SwarmCounts a{hash_number(1), 1, 2, 3}, b{hash_number(200), 4, 5, 6};
    EXPECT_EQ(*decode_scrape_response(encode_scrape_response({b, a, b})),
              (std::vector<SwarmCounts>{a, b}));
    EXPECT_EQ(encode_scrape_response({}), "d5:filesdee");
}

TEST(ScrapeTest, HashesAreBoundedAndNeeded) {
    std::vector<TrackerHash> most(kScrapeHashesMax);
    EXPECT_TRUE(decode_scrape_query(encode_scrape_query(most)).ok());
    most.emplace_back();
    EXPECT_EQ(decode_scrape_query(encode_scrape_query(most)).error().message,
              "too many info hashes");
    EXPECT_EQ(decode_scrape_query({}).error().message, "missing info_hash");
    EXPECT_FALSE(decode_scrape_query({{"info_hash", "short"}}).ok());
    EXPECT_EQ(decode_scrape_response("d5:filesd3:abcdeee").error().kind, ErrorKind::Corrupt);
    EXPECT_EQ(decode_scrape_response("de").error().kind, ErrorKind::Corrupt);
}

}  // namespace
}  // namespace lockstep
