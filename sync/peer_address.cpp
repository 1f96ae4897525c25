#include "sync/peer_address.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include <arpa/inet.h>

namespace lockstep {

namespace {

using Address = std::array<unsigned char, sizeof(in6_addr)>;

// As IPv6; IPv4 ones as ::ffff:a.b.c.d.
std::optional<Address> address_of(const std::string& host) {
    Address out{};
    if (::inet_pton(AF_INET6, host.c_str(), out.data()) == 1) return out;
    in_addr v4{};
    if (::inet_pton(AF_INET, host.c_str(), &v4) != 1) return std::nullopt;
    out[10] = out[11] = 0xff;
    std::memcpy(out.data() + 12, &v4, sizeof(v4));
    return out;
}

}  // namespace

const std::vector<std::pair<const char*, const char*>> kLocalNetworks = {
    {"10.0.0.0", "10.255.255.255"},
    {"172.16.0.0", "172.31.255.255"},
    {"192.168.0.0", "192.168.255.255"},
    {"169.254.0.0", "169.254.255.255"},
    {"fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}};

bool is_local_address(const std::string& host) {
    const auto address = address_of(host.substr(0, host.find('%')));
    if (!address) return false;
    const auto is_within = [&](const char* first, const char* last) {
        return *address_of(first) <= *address && *address <= *address_of(last);
    };
    return is_within("127.0.0.0", "127.255.255.255") || is_within("::1", "::1") ||
           std::any_of(kLocalNetworks.begin(), kLocalNetworks.end(),
                       [&](const auto& one) { return is_within(one.first, one.second); });
}

bool is_near_end(const std::string& host) {
    in_addr address{};
    if (::inet_pton(AF_INET, host.c_str(), &address) != 1) return false;
    return (ntohl(address.s_addr) & 0xffc00000U) == 0x7f400000U;
}

}  // namespace lockstep
