// The pure parts of base/http: percent-encoding, queries, targets, event text.
#include <gtest/gtest.h>

#include "base/http/event_stream.h"
#include "base/http/http_date.h"
#include "base/http/response_head.h"
#include "base/http/url.h"
#include "tests/support/seeded_random.h"

namespace lockstep {
namespace {

TEST(HttpDateTest, IsReadAsItIsWritten) {
    EXPECT_EQ(format_http_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
    for (std::int64_t seconds : {0LL, 784111777LL, 1709164800LL, 4102444799LL})
        EXPECT_EQ(parse_http_date(format_http_date(seconds)).value(), seconds);
    for (std::string_view bad : {"", "now", "Sunday, 06-Nov-94 08:49:37 GMT",
                                 "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Nov 1994 25:49:37 GMT",
                                 "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, -6 Nov 1994 08:49:37 GMT"})
        EXPECT_EQ(parse_http_date(bad).error().kind, ErrorKind::Invalid) << bad;
}

TEST(UrlTest, EveryByteSurvivesEncoding) {
    std::string all;
    for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
    EXPECT_EQ(*percent_decode(percent_encode(all)), all);
    EXPECT_EQ(*percent_decode(percent_encode_path(all)), all);
    EXPECT_EQ(percent_encode("aZ09-._~/ +"), "aZ09-._~%2F%20%2B");
    EXPECT_EQ(percent_encode_path("a/b c"), "a/b%20c");
    EXPECT_EQ(*percent_decode("a+b"), "a+b");
}

TEST(UrlTest, ABrokenEscapeIsInvalid) {
    for (std::string_view bad : {"%", "%1", "a%", "%g0", "%0g", "%%20"})
        EXPECT_EQ(percent_decode(bad).error().kind, ErrorKind::Invalid) << bad;
}

TEST(UrlTest, QueriesKeepOrderRepeatsAndRawBytes) {
    auto fields = *parse_query("a=1&b=%00%ff&a=2&c&=d&&e=f=g&p=x+y%2B");
    HttpFields expected{{"a", "1"},   {"b", std::string("\0\xff", 2)},
                        {"a", "2"},   {"c", ""},
                        {"", "d"},    {"e", "f=g"},
                        {"p", "x y+"}};
    EXPECT_EQ(fields, expected);
    EXPECT_EQ(*parse_query(format_query(expected)), expected);
    EXPECT_TRUE(parse_query("")->empty());
}

TEST(UrlTest, QueriesAreBounded) {
    std::string query;
    for (std::size_t i = 0; i < kQueryFieldsMax; ++i) query += "a&";
    EXPECT_EQ(parse_query(query)->size(), kQueryFieldsMax);
    EXPECT_EQ(parse_query(query + "a").error().kind, ErrorKind::Invalid);
}

TEST(UrlTest, TargetsAreSplit) {
    auto target = *parse_target("/a%2Fb?x=%2F#fragment");
    EXPECT_EQ(target.path, "/a/b");
    EXPECT_EQ(target.query, (HttpFields{{"x", "/"}}));
    EXPECT_EQ(parse_target("http://host:1/p?q")->path, "/p");
    EXPECT_EQ(parse_target("http://host")->path, "/");
    EXPECT_FALSE(parse_target("").ok());
    EXPECT_FALSE(parse_target("*").ok());
    EXPECT_FALSE(parse_target("/%").ok());
}

TEST(HttpUrlTest, IsSplitIntoWhatAClientNeeds) {
    EXPECT_EQ(*parse_http_url("http://a.example"), (HttpUrl{false, "a.example", 80, "/"}));
    EXPECT_EQ(*parse_http_url("https://[::1]:8443/a?b#c"), (HttpUrl{true, "::1", 8443, "/a?b"}));
    EXPECT_EQ(*parse_http_url("https://a?b"), (HttpUrl{true, "a", 443, "/?b"}));
    for (const char* bad : {"", "ftp://a", "http://", "http:///x", "http://a:0", "http://a:65536",
                            "http://a:1x", "http://user@a", "http://a b", "http://::1",
                            "http://[::1", "http://a\r\nX: y", "http://[a]b"})
        EXPECT_FALSE(parse_http_url(bad).ok()) << bad;
}

TEST(HttpUrlTest, AuthorityNamesHostAndPortAsTheyAreDialled) {
    EXPECT_EQ(parse_http_url("http://a.example/x")->authority(), "a.example:80");
    EXPECT_EQ(parse_http_url("https://[::1]:8443")->authority(), "[::1]:8443");
}

TEST(SrvUrlTest, NamesADomainAndWhetherItsRelaysSpeakTls) {
    EXPECT_EQ(parse_srv_url("srv:example.org")->domain, "example.org");
    EXPECT_TRUE(parse_srv_url("srv:example.org")->is_tls);
    EXPECT_FALSE(parse_srv_url("srv+http:home-net")->is_tls);
    for (const char* bad : {"", "srv:", "srv:a..b", "srv:.a", "srv:a.", "srv:-a", "srv:a b",
                            "srv:a/b", "srv:a:1", "srv://a", "https://a"})
        EXPECT_FALSE(parse_srv_url(bad).ok()) << bad;
    EXPECT_FALSE(is_domain_name(std::string(64, 'a')));
    std::string longest = std::string(60, 'a') + "." + std::string(60, 'b') + "." +
                          std::string(60, 'c') + "." + std::string(60, 'd');
    EXPECT_TRUE(is_domain_name(longest));
    EXPECT_FALSE(is_domain_name(longest + ".1234567890"));
}

TEST(UrlTest, PathPartsComeFromTheTargetOrThePath) {
    EXPECT_EQ((HttpRequest{.path = "/a b//c"}).path_parts(),
              (std::vector<std::string>{"a b", "c"}));
    EXPECT_EQ((HttpRequest{.target = "/a%2fb/c?d/e"}).path_parts(),
              (std::vector<std::string>{"a/b", "c"}));
    EXPECT_EQ((HttpRequest{.target = "http://h/x"}).path_parts(), (std::vector<std::string>{"x"}));
    EXPECT_TRUE((HttpRequest{.target = "http://h"}).path_parts().empty());
    EXPECT_TRUE((HttpRequest{.path = "/"}).path_parts().empty());
}

TEST(UrlTest, ArbitraryBytesNeverCrashTheDecoders) {
    SeededRandom random(3);
    for (int i = 0; i < 5000; ++i) {
        Bytes bytes = random.bytes(random.below(40));
        std::string text = "/" + std::string(as_text(bytes));
        for (char& c : text)
            if (random.chance(30)) c = "%&=+?#/"[random.below(7)];
        auto target = parse_target(text);
        EXPECT_LE(target.ok() ? target->path.size() : 0, text.size());
    }
}

std::vector<HttpEvent> parse_events(std::string_view stream, std::size_t piece_size) {
    EventParser parser(10'000);
    std::vector<HttpEvent> out;
    while (!stream.empty()) {
        auto events = parser.feed(stream.substr(0, piece_size)).value();
        out.insert(out.end(), events.begin(), events.end());
        stream.remove_prefix(std::min(piece_size, stream.size()));
    }
    return out;
}

TEST(EventTextTest, RoundTripsInPiecesOfAnySize) {
    std::vector<HttpEvent> events{
        {"1", "a", "x"}, {"", "", "two\nlines\n"}, {"3", "", ""}, {"4", "b", "c: d"}};
    std::string stream;
    for (const auto& event : events) stream += format_event(event);
    for (std::size_t size = 1; size < 30; ++size) EXPECT_EQ(parse_events(stream, size), events);
}

TEST(EventTextTest, TakesAllLineBreaksCommentsAndUnknownFields) {
    EXPECT_EQ(parse_events(": hello\r\ndata: a\r\rid:1\nretry: 5\ndata\ndata:  b\r\n\r\n", 1),
              (std::vector<HttpEvent>{{"", "", "a"}, {"1", "", "\n b"}}));
    EXPECT_TRUE(parse_events("event: without data\n\n:\n\n", 5).empty());
}

TEST(EventTextTest, LimitsHoldAtAndOnePast) {
    EventParser parser(10);
    EXPECT_TRUE(parser.feed("data: 1234\n\n").ok());
    EXPECT_EQ(parser.feed("data: 12345").error().kind, ErrorKind::TooLarge);
    EventParser many(20);
    EXPECT_TRUE(many.feed("data: 12345\ndata: 12345\n").ok());
    EXPECT_FALSE(many.feed("data: 12345\ndata: 12345\n").ok());
}

TEST(ResponseHeadTest, KnowsNamesAndValues) {
    EXPECT_TRUE(is_header_name("X-Y"));
    EXPECT_FALSE(is_header_name(""));
    EXPECT_FALSE(is_header_name("X:"));
    EXPECT_FALSE(is_header_name("X Y"));
    EXPECT_TRUE(is_header_value("a\tb c"));
    EXPECT_FALSE(is_header_value("a\nb"));
    EXPECT_FALSE(is_header_value(std::string_view("\0", 1)));
    EXPECT_EQ(http_reason(418), "Unknown");
}

}  // namespace
}  // namespace lockstep
