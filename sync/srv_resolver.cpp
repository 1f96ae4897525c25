#include "sync/srv_resolver.h"

#include <algorithm>
#include <tuple>

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>

#include "base/http/url.h"

namespace lockstep {
namespace {

constexpr std::string_view kService = "_lockstep._tcp.";
constexpr std::size_t kAnswerSizeMax = 64 << 10;
constexpr int kTryTime_s = 2;
constexpr int kServersMax = 2;
constexpr std::chrono::seconds kLifetimeMin{60};
constexpr std::chrono::seconds kLifetimeMax{24 * 3600};
constexpr std::size_t kSrvHead = 6;  // priority, weight, port

std::uint16_t u16_at(const unsigned char* bytes) {
    return static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
}

// Nothing for what is no SRV record of a host that could be dialled.
std::optional<SrvRecord> decode_record(const ns_msg& message, const ns_rr& record) {
    if (ns_rr_type(record) != ns_t_srv || ns_rr_class(record) != ns_c_in) return std::nullopt;
    const unsigned char* data = ns_rr_rdata(record);
    if (ns_rr_rdlen(record) <= kSrvHead) return std::nullopt;
    char host[NS_MAXDNAME];
    int size = ns_name_uncompress(ns_msg_base(message), ns_msg_end(message), data + kSrvHead, host,
                                  sizeof(host));
    if (size < 0) return std::nullopt;
    SrvRecord out{.host = host,
                  .port = u16_at(data + 4),
                  .priority = u16_at(data),
                  .weight = u16_at(data + 2)};
    if (out.port == 0 || !is_domain_name(out.host)) return std::nullopt;
    return out;
}

// A resolver's state of this call alone.
class Resolver {
  public:
    Resolver() { is_ready_ = ::res_ninit(&state_) == 0; }
    ~Resolver() {
        if (is_ready_) ::res_nclose(&state_);
    }
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    Status set_up(const PeerAddress& server) {
        if (!is_ready_) return Error{ErrorKind::Unavailable, "DNS is not set up here"};
        state_.retrans = kTryTime_s;
        state_.retry = 1;
        state_.nscount = std::min(state_.nscount, kServersMax);
        if (server.host.empty()) return {};
        sockaddr_in& address = state_.nsaddr_list[0];
        address = {};
        address.sin_family = AF_INET;
        address.sin_port = htons(server.port);
        if (::inet_pton(AF_INET, server.host.c_str(), &address.sin_addr) != 1)
            return Error{ErrorKind::Invalid, "a name server has an IPv4 address"};
        state_.nscount = 1;
        return {};
    }
    Result<Bytes> ask(const std::string& name) {
        Bytes answer(kAnswerSizeMax);
        int size = ::res_nquery(&state_, name.c_str(), ns_c_in, ns_t_srv,
                                u8(MutableByteView(answer)), static_cast<int>(answer.size()));
        if (size < 0) {
            bool is_none = state_.res_h_errno == HOST_NOT_FOUND || state_.res_h_errno == NO_DATA;
            if (is_none) return Error{ErrorKind::NotFound, name + " is not in DNS"};
            return Error{ErrorKind::Unavailable, "no name server answers for " + name};
        }
        answer.resize(std::min(answer.size(), static_cast<std::size_t>(size)));
        return answer;
    }

  private:
    struct __res_state state_ {};
    bool is_ready_ = false;
};

}  // namespace

Result<SrvAnswer> decode_srv_answer(ByteView message) {
    const Error wrong{ErrorKind::Invalid, "not a DNS answer"};
    ns_msg parsed{};
    if (message.size() > kAnswerSizeMax ||
        ::ns_initparse(u8(message), static_cast<int>(message.size()), &parsed) != 0)
        return wrong;
    SrvAnswer out{.records = {}, .lifetime = kLifetimeMax};
    for (int i = 0; i < ns_msg_count(parsed, ns_s_an); ++i) {
        ns_rr record{};
        if (::ns_parserr(&parsed, ns_s_an, i, &record) != 0) return wrong;
        auto one = decode_record(parsed, record);
        if (!one || out.records.size() == kSrvRecordsMax) continue;
        out.records.push_back(*one);
        out.lifetime = std::min(out.lifetime, std::chrono::seconds(ns_rr_ttl(record)));
    }
    out.lifetime = std::max(out.lifetime, kLifetimeMin);
    std::sort(out.records.begin(), out.records.end(), [](const auto& a, const auto& b) {
        return std::tie(a.priority, b.weight, a.host, a.port) <
               std::tie(b.priority, a.weight, b.host, b.port);
    });
    out.records.erase(std::unique(out.records.begin(), out.records.end()), out.records.end());
    return out;
}

Result<SrvAnswer> resolve_srv(const std::string& domain, const PeerAddress& server) {
    Resolver resolver;
    TRY_OK(resolver.set_up(server));
    TRY(Bytes answer, resolver.ask(std::string(kService) + domain));
    return decode_srv_answer(answer);
}

Error dns_goes_around_a_proxy() {
    return {ErrorKind::Unavailable,
            "DNS is not asked, since that would go around the proxy: add the relays by their URLs"};
}

std::string srv_relay_url(const SrvRecord& record, bool is_tls) {
    return (is_tls ? "https://" : "http://") + record.host + ":" + std::to_string(record.port);
}

}  // namespace lockstep
