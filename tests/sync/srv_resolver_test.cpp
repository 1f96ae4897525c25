// Relays that DNS names: real questions to a small server on loopback, and answers of any kind.
#include "sync/srv_resolver.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/sync/tiny_dns.h"

namespace lockstep {
namespace {

const SrvRecord kFirst{.host = "one.relays.example", .port = 6970, .priority = 1, .weight = 7};
const SrvRecord kSecond{.host = "two.relays.example", .port = 443, .priority = 1, .weight = 3};
const SrvRecord kReserve{.host = "three.example", .port = 80, .priority = 9, .weight = 0};

std::string question() {
    return dns_number(4711, 2) + dns_number(0x0100, 2) + dns_number(1, 2) + dns_number(0, 6) +
           dns_name("_lockstep._tcp.relays.example") + dns_number(33, 2) + dns_number(1, 2);
}

Result<SrvAnswer> decode(const std::string& message) {
    return decode_srv_answer(as_bytes(message));
}

TEST(SrvResolverTest, RelaysOfADomainComeInTheOrderOfTheirPrioritiesAndWeights) {
    TinyDns dns;
    dns.set("_lockstep._tcp.relays.example", {kReserve, kSecond, kFirst});
    auto answer = resolve_srv("relays.example", dns.address());
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(answer->records, (std::vector{kFirst, kSecond, kReserve}));
    EXPECT_EQ(answer->lifetime, std::chrono::seconds(60));
    EXPECT_EQ(srv_relay_url(kFirst, true), "https://one.relays.example:6970");
    EXPECT_EQ(srv_relay_url(kReserve, false), "http://three.example:80");
}

TEST(SrvResolverTest, RecordsBeyondTheLimitAreCutAndShortLifetimesStretched) {
    std::vector<SrvRecord> many(kSrvRecordsMax + 5, kFirst);
    for (std::size_t i = 0; i < many.size(); ++i)
        many[i].port = static_cast<std::uint16_t>(1000 + i);
    auto answer = decode(dns_answer(question(), many, 5));
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(answer->records.size(), kSrvRecordsMax);
    EXPECT_EQ(answer->lifetime, std::chrono::seconds(60)) << "nobody makes us ask all the time";
}

TEST(SrvResolverTest, ADomainWithoutRelaysAndASilentServerAreToldApart) {
    TinyDns dns;
    EXPECT_EQ(resolve_srv("nowhere.example", dns.address()).error().kind, ErrorKind::NotFound);
    dns.fall_silent(true);
    EXPECT_EQ(resolve_srv("relays.example", dns.address()).error().kind, ErrorKind::Unavailable);
}

TEST(SrvResolverTest, RecordsThatNobodyCouldDialAreLeftOut) {
    SrvRecord no_port = kFirst, no_host = kFirst, bad_host = kFirst;
    no_port.port = 0;
    no_host.host = "";  // "the service is decidedly not available", RFC 2782
    bad_host.host = "a/b@c.example";
    auto answer = decode(dns_answer(question(), {no_port, no_host, bad_host, kSecond}, 100));
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(answer->records, std::vector{kSecond});
}

TEST(SrvResolverTest, BrokenAnswersAreRefusedOrReadToTheirEnd) {
    std::string whole = dns_answer(question(), {kFirst, kSecond}, 100);
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_FALSE(decode(whole.substr(0, size)).ok()) << size;
    for (std::size_t at = 0; at < whole.size(); ++at) {
        for (int bit = 0; bit < 8; ++bit) {
            std::string other = whole;
            other[at] = static_cast<char>(other[at] ^ (1 << bit));
            auto answer = decode(other);
            EXPECT_TRUE(!answer.ok() || answer->records.size() <= 2);
        }
    }
    EXPECT_FALSE(decode(std::string(100'000, 'x')).ok());
}

}  // namespace
}  // namespace lockstep
