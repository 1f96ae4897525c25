// Relays that DNS lists (RFC 2782): _lockstep._tcp.DOMAIN, with priorities and weights.
//
// Answers are hints, as all that relays say: whoever forges them can name relays of his own, which
// can read nothing, or none.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "sync/peer_address.h"

namespace lockstep {

struct SrvRecord {
    std::string host;  // a domain name without the last dot
    std::uint16_t port = 0;
    std::uint16_t priority = 0;  // the least first
    std::uint16_t weight = 0;

    bool operator==(const SrvRecord&) const = default;
};

struct SrvAnswer {
    std::vector<SrvRecord> records;  // by priority, weight (the greatest first) and name
    std::chrono::seconds lifetime{};
};

inline constexpr std::size_t kSrvRecordsMax = 32;

// A DNS message as it came. Invalid when it is none; records that are none, or not of `name`'s
// answer, are left out. A domain that says it has no such service has no records.
Result<SrvAnswer> decode_srv_answer(ByteView message);

// Asks the machine's name servers, or `server` alone (an IPv4 address). Blocks for some seconds at
// most. NotFound when the domain has no such record, Unavailable when nobody answered.
Result<SrvAnswer> resolve_srv(const std::string& domain, const PeerAddress& server = {});

// Why a domain's relays are not asked for while a proxy is set.
Error dns_goes_around_a_proxy();

// http(s)://HOST:PORT
std::string srv_relay_url(const SrvRecord& record, bool is_tls);

}  // namespace lockstep
